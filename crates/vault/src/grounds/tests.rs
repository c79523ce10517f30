//! What people write apart with everything that Automerge can do follows, in whatever order it is heard; and what is read of
//! its operations is what Automerge reads.
#![allow(clippy::unwrap_used)]

use automerge::legacy::{ElementId, Key, ObjectId, OpId};
use automerge::marks::{ExpandMark, Mark};
use automerge::transaction::{CommitOptions, Transactable};
use automerge::{ActorId, AutoCommit, Change, ObjId, ObjType, ROOT, ReadDoc, ScalarValue};
use proptest::prelude::*;
use seal::ChangeId;

use super::*;
use crate::applying::{self, Batch};
use crate::operations::{self, Name, Place};

const N_WRITERS: usize = 4;
const KEYS: [&str; 4] = ["a", "b", "c", "m"];

/// Some container of a document, by what was drawn.
fn container(doc: &AutoCommit, mut choice: usize) -> (ObjId, ObjType) {
    let (mut at, mut kind) = (ROOT, ObjType::Map);
    for _ in 0..3 {
        let inside: Vec<_> = match kind {
            ObjType::Map | ObjType::Table => doc.keys(&at).filter_map(|key| doc.get(&at, key).unwrap()).collect(),
            ObjType::List => (0..doc.length(&at)).filter_map(|n| doc.get(&at, n).unwrap()).collect(),
            ObjType::Text => Vec::new(),
        };
        let inside: Vec<_> = inside.iter().filter(|(value, _)| value.is_object()).collect();
        let n = choice % (inside.len() + 1);
        choice /= inside.len() + 1;
        let Some((value, id)) = inside.get(n) else { break };
        (at, kind) = (id.clone(), value.to_objtype().unwrap());
    }
    (at, kind)
}

const KINDS: [ObjType; 3] = [ObjType::Map, ObjType::List, ObjType::Text];

/// Does one thing to some container.
fn edit(doc: &mut AutoCommit, choice: usize, what: usize) {
    let (at, kind) = container(doc, choice);
    let key = KEYS[choice % KEYS.len()];
    let length = doc.length(&at);
    let place = choice.checked_rem(length).unwrap_or(0);
    let _ = match (kind, what % 7) {
        (ObjType::Map | ObjType::Table, 0 | 1) => doc.put(&at, key, choice as i64),
        (ObjType::Map | ObjType::Table, 2) => doc.put_object(&at, key, KINDS[choice % 3]).map(drop),
        (ObjType::Map | ObjType::Table, 3) => doc.put(&at, key, ScalarValue::counter(3)),
        (ObjType::Map | ObjType::Table, 4) => doc.increment(&at, key, 2),
        (ObjType::Map | ObjType::Table, _) => doc.delete(&at, key),
        (ObjType::List, 0 | 1) => doc.insert(&at, place, choice as i64),
        (ObjType::List, 2) => doc.insert_object(&at, place, KINDS[choice % 3]).map(drop),
        (ObjType::List, 3) if length > 0 => doc.put(&at, place, ScalarValue::counter(1)),
        (ObjType::List, 4) if length > 0 => doc.increment(&at, place, 2),
        (ObjType::List, 5) if length > 0 => doc.put(&at, place, choice as i64),
        (ObjType::List, 6) if length > 0 => doc.delete(&at, place),
        (ObjType::Text, 0..3) => doc.splice_text(&at, place, 0, "some words"),
        (ObjType::Text, 3) if length > 2 => doc.splice_text(&at, place.min(length - 2), 2, "w"),
        (ObjType::Text, 4) if length > 2 => {
            let mark = Mark::new("bold".into(), true, 0, length - 1);
            doc.mark(&at, mark, ExpandMark::Both)
        }
        (ObjType::Text, 5) if length > 2 => doc.unmark(&at, "bold", 0, length - 1, ExpandMark::None),
        _ => Ok(()),
    };
}

/// What some writers do apart, meeting now and then; each commit in the order of its making.
fn written(steps: &[(usize, usize, usize, bool)]) -> Vec<Change> {
    let mut first = AutoCommit::new().with_actor(ActorId::from([9; 16].as_slice()));
    first.put_object(ROOT, "m", ObjType::List).unwrap();
    first.put_object(ROOT, "c", ObjType::Text).unwrap();
    first.commit_with(CommitOptions::default().with_time(0));
    let mut changes = first.get_changes(&[]);
    let actor = |n: usize| ActorId::from([n as u8 + 1; 16].as_slice());
    let mut docs: Vec<AutoCommit> = (0..N_WRITERS).map(|n| first.clone().with_actor(actor(n))).collect();
    for (who, choice, what, meets) in steps {
        let who = who % N_WRITERS;
        if *meets {
            let mut other = docs[(who + 1 + choice) % N_WRITERS].clone();
            docs[who].merge(&mut other).unwrap();
        }
        for more in 0..=choice % 3 {
            edit(&mut docs[who], choice / (more + 1), what + more);
        }
        if let Some(hash) = docs[who].commit_with(CommitOptions::default().with_time(0)) {
            changes.push(docs[who].get_change_by_hash(&hash).unwrap());
        }
    }
    changes
}

fn shuffled(mut changes: Vec<Change>, mut seed: u64) -> Vec<Change> {
    for place in (1..changes.len()).rev() {
        seed = seed.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
        changes.swap(place, (seed >> 33) as usize % (place + 1));
    }
    changes
}

/// As the old way of reading names what the new way read.
fn is_read_alike(change: &Change) -> bool {
    let slow = change.decode();
    let id = |name: Name| OpId::new(name.number, change.actors().nth(name.writer as usize).unwrap());
    let mut rest = slow.operations.iter();
    let all = operations::read(change, |operation, over| {
        let slow = rest.next().unwrap();
        let within = operation
            .within
            .map_or(ObjectId::Root, |within| ObjectId::Id(id(within)));
        let key = match operation.place {
            Place::Key(key) => Key::Map(key.into()),
            Place::Head => Key::Seq(ElementId::Head),
            Place::Item(item) => Key::Seq(ElementId::Id(id(item))),
        };
        assert_eq!((&within, &key), (&slow.obj, &slow.key));
        assert_eq!(
            (operation.inserts, operation.action),
            (slow.insert, slow.action.index())
        );
        assert_eq!(
            over.iter().map(|name| id(*name)).collect::<Vec<_>>(),
            slow.pred.iter().cloned().collect::<Vec<_>>()
        );
        Some(())
    });
    all.is_some() && rest.next().is_none()
}

/// Automerge keeps its own to itself.
trait ActionIndex {
    fn index(&self) -> u64;
}

impl ActionIndex for automerge::legacy::OpType {
    fn index(&self) -> u64 {
        use automerge::legacy::OpType;
        match self {
            OpType::Make(ObjType::Map) => 0,
            OpType::Put(_) => 1,
            OpType::Make(ObjType::List) => 2,
            OpType::Delete => 3,
            OpType::Make(ObjType::Text) => 4,
            OpType::Increment(_) => 5,
            OpType::Make(ObjType::Table) => 6,
            OpType::MarkBegin(_) | OpType::MarkEnd(_) => 7,
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 48, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn what_people_write_follows_in_whatever_order_and_batches_it_comes(
        steps in prop::collection::vec((0usize..N_WRITERS, 0usize..500, 0usize..7, any::<bool>()), 1..50),
        seed in any::<u64>(),
        batch in 1usize..20,
    ) {
        let changes = written(&steps);
        prop_assert!(changes.iter().all(is_read_alike));
        let mut doc = AutoCommit::new();
        let mut waiting = Batch::new();
        for some in shuffled(changes.clone(), seed).chunks(batch) {
            let some = some.iter().map(|change| (ChangeId::from_bytes(change.hash().0), change.clone()));
            let sorted = applying::sort(&mut doc, waiting.into_iter().chain(some).collect());
            prop_assert_eq!(sorted.wrong, vec![]);
            prop_assert!(applying::applies(&mut doc, sorted.ready.into_iter().map(|(_, change)| change)));
            waiting = sorted.waiting;
        }
        prop_assert!(waiting.is_empty());
        prop_assert_eq!(doc.get_changes_meta(&[]).len(), changes.len());
        // The same as a snapshot.
        let mut loaded = AutoCommit::load(&doc.save_nocompress()).unwrap();
        prop_assert_eq!(follow_throughout(&mut loaded), Ok(()));
    }
}
