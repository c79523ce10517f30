//! A document read once, from its first operation to its last: what its rows are made from.
//!
//! To ask Automerge for one field after the other is to look the map up again for each; a visit has some forty.

use std::borrow::Cow;
use std::collections::HashMap;

use automerge::iter::DocItem;
use automerge::{AutoCommit, ObjId, ObjType, ROOT, ReadDoc, ScalarValueRef, ValueRef};

/// Everything that stands in a document now.
pub(crate) struct Whole<'d> {
    pub(super) doc: &'d AutoCommit,
    /// The root first.
    containers: Vec<Container<'d>>,
}

/// One map or list of a document.
pub(super) struct Container<'d> {
    pub(super) id: ObjId,
    /// Of a map, in the order of the keys.
    pub(super) fields: Vec<Field<'d>>,
    /// Of a list.
    pub(super) items: Vec<Stands<'d>>,
}

/// What stands under a key.
pub(super) struct Field<'d> {
    pub(super) key: Cow<'d, str>,
    pub(super) stands: Stands<'d>,
    /// It was written more than once, apart.
    pub(super) apart: bool,
}

/// A value, or the place of a container among all.
pub(super) enum Stands<'d> {
    Value(ScalarValueRef<'d>),
    Container(ObjType, usize),
}

/// As many fields as most maps have, and containers most documents.
const LIKELY: usize = 8;

impl<'d> Whole<'d> {
    pub(crate) fn read(doc: &'d AutoCommit) -> Self {
        let mut whole = Self {
            doc,
            containers: Vec::with_capacity(LIKELY),
        };
        whole.open(ROOT, ObjType::Map);
        let mut places = HashMap::with_capacity(LIKELY);
        let (mut within, mut place) = (None, 0);
        for read in doc.iter() {
            // What stands in one container comes together.
            if within.as_ref() != Some(&read.obj) {
                place = match *read.obj {
                    ObjId::Root => 0,
                    ref id => match places.get(id) {
                        Some(place) => *place,
                        None => continue,
                    },
                };
                within = Some(read.obj);
            }
            match read.item {
                DocItem::Map(item) => {
                    let stands = whole.stands(item.value.clone(), || item.id(), &mut places);
                    whole.containers[place].fields.push(Field {
                        key: item.key,
                        stands,
                        apart: item.conflict,
                    });
                }
                DocItem::List(item) => {
                    let stands = whole.stands(item.value.clone(), || item.id(), &mut places);
                    whole.containers[place].items.push(stands);
                }
                DocItem::Text(_) => {}
            }
        }
        whole
    }

    fn stands(
        &mut self,
        value: ValueRef<'d>,
        id: impl FnOnce() -> ObjId,
        places: &mut HashMap<ObjId, usize>,
    ) -> Stands<'d> {
        match value {
            ValueRef::Scalar(value) => Stands::Value(value),
            ValueRef::Object(kind) => {
                let id = id();
                let place = self.open(id.clone(), kind);
                places.insert(id, place);
                Stands::Container(kind, place)
            }
        }
    }

    fn open(&mut self, id: ObjId, kind: ObjType) -> usize {
        let n_fields = if kind == ObjType::Map { LIKELY } else { 0 };
        self.containers.push(Container {
            id,
            fields: Vec::with_capacity(n_fields),
            items: Vec::new(),
        });
        self.containers.len() - 1
    }

    pub(super) fn container(&self, place: usize) -> &Container<'d> {
        &self.containers[place]
    }
}

impl<'d> Container<'d> {
    pub(super) fn field(&self, key: &str) -> Option<&Field<'d>> {
        self.fields.iter().find(|field| field.key == key)
    }
}
