//! Three writers and one document, and what the third may write into it and what not.

use automerge::legacy::{ElementId, Key, ObjectId, Op, OpId, OpType};
use automerge::transaction::Transactable;
use automerge::{ActorId, AutoCommit, Change, ObjType, ROOT};

use super::{commit, of_opening};
use crate::world::Clinic;

/// A first change, and two on top of it that were written apart; a third writer's come on top of one of them.
pub(super) struct Scene {
    pub(super) doc: AutoCommit,
    pub(super) first: Change,
    pub(super) apart: Change,
    /// By the first writer, apart from that: on top of it the third one writes, so that its numbers are beyond all others.
    pub(super) more: Change,
    pub(super) actors: [ActorId; 3],
}

/// Numbers of operations: of the first change, and of the one that was written apart from the hostile one.
mod op {
    pub(super) const B: u64 = 1;
    pub(super) const MAP: u64 = 2;
    pub(super) const LIST: u64 = 3;
    pub(super) const ITEM: u64 = 4;
    pub(super) const IN_MAP: u64 = 6;
    pub(super) const Y: u64 = 7;
    pub(super) const Z: u64 = 8;
    pub(super) const GONE: u64 = 10;
    pub(super) const NEXT: u64 = 31;
    pub(super) const APART_B: u64 = 11;
    pub(super) const APART_MAP: u64 = 12;
    pub(super) const APART_ITEM: u64 = 14;
}

impl Scene {
    fn by(actors: [ActorId; 3]) -> Self {
        let mut doc = AutoCommit::new().with_actor(actors[0].clone());
        doc.put(ROOT, "b", 1).unwrap();
        let map = doc.put_object(ROOT, "map", ObjType::Map).unwrap();
        let list = doc.put_object(ROOT, "list", ObjType::List).unwrap();
        doc.insert(&list, 0, 1).unwrap();
        doc.insert(&list, 1, 2).unwrap();
        doc.put(&map, "in", 1).unwrap();
        doc.put(ROOT, "y", 1).unwrap();
        doc.put(ROOT, "z", 1).unwrap();
        doc.put(ROOT, "gone", 1).unwrap();
        doc.delete(ROOT, "gone").unwrap();
        let first = commit(&mut doc);
        let mut other = doc.clone().with_actor(actors[1].clone());
        other.put(ROOT, "b", 2).unwrap();
        let made = other.put_object(ROOT, "made", ObjType::Map).unwrap();
        other.put(&made, "k", 2).unwrap();
        other.insert(&list, 2, 3).unwrap();
        other.put(ROOT, "zz", 2).unwrap();
        other.put(&map, "in", 2).unwrap();
        let apart = commit(&mut other);
        (0..20).for_each(|n: i64| doc.put(ROOT, "more", n).unwrap());
        let more = commit(&mut doc);
        assert!(apart.max_op() < more.max_op());
        assert_eq!(more.max_op() + 1, op::NEXT);
        assert_eq!((first.start_op().get(), first.max_op()), (op::B, op::GONE));
        Self {
            doc,
            first,
            apart,
            more,
            actors,
        }
    }

    pub(super) fn of(clinic: &Clinic) -> Self {
        Self::by([9, 10, 7].map(|opening| of_opening(clinic, opening).actor()))
    }

    pub(super) fn alone() -> Self {
        Self::by([1, 2, 3].map(|n| ActorId::from([n; 16].as_slice())))
    }

    /// The third writer's first change, with these operations, on top of the first one.
    pub(super) fn change(&self, operations: Vec<Op>) -> Change {
        let mut doc = self.doc.clone().with_actor(self.actors[2].clone());
        doc.put(ROOT, "c", 1).unwrap();
        let mut change = commit(&mut doc).decode();
        assert_eq!(change.deps, [self.more.hash()]);
        change.operations = operations;
        Change::from(change)
    }

    /// Of the first change.
    fn own(&self, n: u64) -> OpId {
        OpId::new(n, &self.actors[0])
    }

    /// Of what was written apart.
    fn apart(&self, n: u64) -> OpId {
        OpId::new(n, &self.actors[1])
    }

    /// Operations that everybody puts aside.
    pub(super) fn foreign(&self) -> Vec<(&'static str, Vec<Op>)> {
        let (own, apart) = (|n| self.own(n), |n| self.apart(n));
        let list = || Some(own(op::LIST));
        let head = || Key::Seq(ElementId::Head);
        let third = |n| OpId::new(n, &self.actors[2]);
        let nobody = OpId::new(5, &ActorId::from([77; 16].as_slice()));
        vec![
            (
                "into a map made apart",
                vec![put(Some(apart(op::APART_MAP)), key("k"), &[])],
            ),
            (
                "over a value written apart",
                vec![put(None, key("b"), &[apart(op::APART_B)])],
            ),
            (
                "takes away what was written apart",
                vec![delete(None, key("b"), &[apart(op::APART_B)])],
            ),
            (
                "over its own and another's",
                vec![put(None, key("b"), &[own(op::B), apart(op::APART_B)])],
            ),
            (
                "behind an item inserted apart",
                vec![insert(list(), item(apart(op::APART_ITEM)))],
            ),
            (
                "over an item inserted apart",
                vec![put(list(), item(apart(op::APART_ITEM)), &[apart(op::APART_ITEM)])],
            ),
            ("over an item of nobody", vec![put(list(), item(own(500)), &[own(500)])]),
            ("behind an item of nobody", vec![insert(list(), item(own(500)))]),
            ("behind no item", vec![insert(list(), item(own(op::Y)))]),
            ("over no item", vec![put(list(), item(own(op::Y)), &[])]),
            ("over nothing", vec![put(None, key("b"), &[own(500)])]),
            (
                "over nothing of a writer who wrote nothing",
                vec![put(None, key("b"), std::slice::from_ref(&nobody))],
            ),
            (
                "into nothing of a writer who wrote nothing",
                vec![put(Some(nobody), key("b"), &[])],
            ),
            (
                "over what comes after it",
                vec![put(None, key("b"), &[third(op::NEXT + 1)]), put(None, key("b"), &[])],
            ),
            ("over itself", vec![put(None, key("b"), &[third(op::NEXT)])]),
            ("over another key", vec![put(None, key("b"), &[own(op::Z)])]),
            ("over the next key", vec![put(None, key("y"), &[own(op::Z)])]),
            (
                "over another key of its own",
                vec![put(None, key("q"), &[]), put(None, key("r"), &[third(op::NEXT)])],
            ),
            ("over another map's", vec![put(None, key("b"), &[own(op::IN_MAP)])]),
            ("over what takes away", vec![put(None, key("gone"), &[own(op::GONE)])]),
            (
                "over another item",
                vec![put(list(), item(own(op::ITEM)), &[own(op::ITEM + 1)])],
            ),
            ("takes away nothing", vec![delete(None, key("b"), &[])]),
            (
                "inserted instead of an item",
                vec![Op {
                    insert: true,
                    ..put(list(), item(own(op::ITEM)), &[own(op::ITEM)])
                }],
            ),
            (
                "inserted to take away",
                vec![Op {
                    insert: true,
                    ..delete(list(), item(own(op::ITEM)), &[])
                }],
            ),
            ("a key in a list", vec![put(list(), key("b"), &[])]),
            (
                "an item in a map",
                vec![insert(Some(own(op::MAP)), item(own(op::ITEM)))],
            ),
            ("the head of a map", vec![insert(Some(own(op::MAP)), head())]),
            ("over the head", vec![put(list(), head(), &[])]),
            (
                "inserted under a key",
                vec![Op {
                    insert: true,
                    ..put(None, key("b"), &[])
                }],
            ),
            ("into a value", vec![put(Some(own(op::B)), key("b"), &[])]),
            (
                "a mark that is nowhere",
                vec![Op {
                    action: OpType::MarkEnd(true),
                    ..put(None, key("b"), &[])
                }],
            ),
        ]
    }

    /// Operations that are the third writer's to write.
    pub(super) fn honest(&self) -> Vec<Op> {
        let own = |n| self.own(n);
        vec![
            put(None, key("b"), &[own(op::B)]),
            put(Some(own(op::MAP)), key("in"), &[own(op::IN_MAP)]),
            put(Some(own(op::LIST)), item(own(op::ITEM)), &[own(op::ITEM)]),
            insert(Some(own(op::LIST)), item(own(op::ITEM))),
            delete(None, key("z"), &[own(op::Z)]),
            put(None, key("b"), &[OpId::new(op::NEXT, &self.actors[2])]),
        ]
    }
}

pub(super) fn key(name: &str) -> Key {
    Key::Map(name.into())
}

fn item(id: OpId) -> Key {
    Key::Seq(ElementId::Id(id))
}

pub(super) fn put(within: Option<OpId>, key: Key, over: &[OpId]) -> Op {
    Op {
        action: OpType::Put(7.into()),
        obj: within.map_or(ObjectId::Root, ObjectId::Id),
        key,
        pred: over.to_vec().into(),
        insert: false,
    }
}

fn insert(within: Option<OpId>, behind: Key) -> Op {
    Op {
        insert: true,
        ..put(within, behind, &[])
    }
}

fn delete(within: Option<OpId>, key: Key, over: &[OpId]) -> Op {
    Op {
        action: OpType::Delete,
        ..put(within, key, over)
    }
}
