//! Reading one Automerge document field by field: what is absent or of a newer build's shape is `None`, never an error.

use std::fmt::Display;
use std::str::FromStr;

use automerge::{AutoCommit, ChangeHash, ObjId, ObjType, ROOT, ReadDoc, ScalarValue, ScalarValueRef, Value};
use domain::{Day, Instant};
use serde::de::DeserializeOwned;

use super::tree::from_code;
use super::whole::{Container, Stands, Whole};

/// The id that an entry is named by. Another spelling of it is none: one thing has one name, or it would stand there twice.
pub(super) fn id_of<T: FromStr + Display>(name: &str) -> Option<T> {
    name.parse::<T>().ok().filter(|id| id.to_string() == name)
}

/// A map of a document, for reading.
#[derive(Clone)]
pub(crate) struct View<'d> {
    doc: &'d AutoCommit,
    at: At<'d>,
}

#[derive(Clone)]
enum At<'d> {
    /// In a document that is asked field by field.
    Asked {
        id: ObjId,
        /// As somebody saw it when she made this change; `None`: as it is now.
        as_of: Option<[ChangeHash; 1]>,
    },
    /// In a document that was read whole, as it is now.
    Read(&'d Whole<'d>, usize),
}

/// What stands under a key.
enum Found<'d> {
    Value(ScalarValue),
    Map(At<'d>),
    Other,
}

impl<'d> View<'d> {
    /// The root of a document of which a few fields are asked.
    pub(crate) fn root(doc: &'d AutoCommit) -> Self {
        Self::of(doc, ROOT)
    }

    /// The root of a document that was read whole.
    pub(crate) fn whole(whole: &'d Whole<'d>) -> Self {
        Self {
            doc: whole.doc,
            at: At::Read(whole, 0),
        }
    }

    /// One map of a document.
    pub(super) fn of(doc: &'d AutoCommit, id: ObjId) -> Self {
        Self {
            doc,
            at: At::Asked { id, as_of: None },
        }
    }

    /// The same map as it was right after this change was made, where it was made.
    pub(crate) fn as_of(&self, change: ChangeHash) -> View<'d> {
        View {
            doc: self.doc,
            at: At::Asked {
                id: self.id().clone(),
                as_of: Some([change]),
            },
        }
    }

    fn id(&self) -> &ObjId {
        match &self.at {
            At::Asked { id, .. } => id,
            At::Read(whole, place) => &whole.container(*place).id,
        }
    }

    fn container(&self) -> Option<&'d Container<'d>> {
        match self.at {
            At::Read(whole, place) => Some(whole.container(place)),
            At::Asked { .. } => None,
        }
    }

    /// What stands under `key`.
    fn get(&self, key: &str) -> Option<Found<'d>> {
        let (id, as_of) = match &self.at {
            At::Asked { id, as_of } => (id, *as_of),
            At::Read(whole, place) => {
                let field = whole.container(*place).field(key)?;
                return Some(match &field.stands {
                    Stands::Value(value) => Found::Value(value.into()),
                    Stands::Container(ObjType::Map, place) => Found::Map(At::Read(whole, *place)),
                    Stands::Container(..) => Found::Other,
                });
            }
        };
        let found = match &as_of {
            Some(change) => self.doc.get_at(id, key, change),
            None => self.doc.get(id, key),
        };
        Some(match found.ok().flatten()? {
            (Value::Scalar(value), _) => Found::Value(value.into_owned()),
            (Value::Object(ObjType::Map), id) => Found::Map(At::Asked { id, as_of }),
            _ => Found::Other,
        })
    }

    /// The value under `key`, whatever its shape.
    pub(super) fn scalar(&self, key: &str) -> Option<ScalarValue> {
        match self.get(key)? {
            Found::Value(value) => Some(value),
            _ => None,
        }
    }

    /// Every value that stands under `key`: more than one when it was written apart.
    pub(super) fn scalars(&self, key: &str) -> Vec<ScalarValue> {
        if !self.may_be_apart(key) {
            return self.scalar(key).into_iter().collect();
        }
        let all = self.doc.get_all(self.id(), key).unwrap_or_default().into_iter();
        all.filter_map(|(value, _)| match value {
            Value::Scalar(value) => Some(value.into_owned()),
            Value::Object(_) => None,
        })
        .collect()
    }

    /// Whether `key` may have been written more than once, apart.
    fn may_be_apart(&self, key: &str) -> bool {
        match self.container() {
            Some(read) => read.field(key).is_some_and(|field| field.apart),
            None => true,
        }
    }

    pub(crate) fn text(&self, key: &str) -> Option<String> {
        if let Some(read) = self.container() {
            return match &read.field(key)?.stands {
                Stands::Value(ScalarValueRef::Str(text)) => Some(text.to_string()),
                _ => None,
            };
        }
        match self.scalar(key)? {
            ScalarValue::Str(text) => Some(text.to_string()),
            _ => None,
        }
    }

    /// The text, or an empty one.
    pub(crate) fn words(&self, key: &str) -> String {
        self.text(key).unwrap_or_default()
    }

    pub(crate) fn bytes(&self, key: &str) -> Option<Vec<u8>> {
        match self.scalar(key)? {
            ScalarValue::Bytes(bytes) => Some(bytes),
            _ => None,
        }
    }

    pub(crate) fn number<T: TryFrom<i64>>(&self, key: &str) -> Option<T> {
        match self.scalar(key)? {
            ScalarValue::Int(number) => T::try_from(number).ok(),
            _ => None,
        }
    }

    pub(crate) fn float(&self, key: &str) -> Option<f64> {
        match self.scalar(key)? {
            ScalarValue::F64(number) => Some(number).filter(|number| number.is_finite()),
            _ => None,
        }
    }

    pub(crate) fn flag(&self, key: &str) -> bool {
        matches!(self.scalar(key), Some(ScalarValue::Boolean(true)))
    }

    /// A value with a text form of its own, such as an id.
    pub(crate) fn parsed<T: FromStr>(&self, key: &str) -> Option<T> {
        self.text(key)?.parse().ok()
    }

    /// A word of a closed list, by its serde name; `None` for a word that this build doesn't know.
    pub(crate) fn code<T: DeserializeOwned>(&self, key: &str) -> Option<T> {
        from_code(&self.text(key)?)
    }

    pub(crate) fn instant(&self, key: &str) -> Option<Instant> {
        Instant::from_millisecond(self.number(key)?)
    }

    pub(crate) fn day(&self, key: &str) -> Option<Day> {
        self.parsed(key).map(Day)
    }

    /// The map under `key`.
    pub(crate) fn map(&self, key: &str) -> Option<View<'d>> {
        match self.get(key)? {
            Found::Map(at) => Some(View { doc: self.doc, at }),
            _ => None,
        }
    }

    /// The keys of this map, in order.
    pub(crate) fn keys(&self) -> Vec<String> {
        match &self.at {
            At::Asked {
                id,
                as_of: Some(change),
            } => self.doc.keys_at(id, change).collect(),
            At::Asked { id, as_of: None } => self.doc.keys(id).collect(),
            At::Read(whole, place) => {
                let fields = whole.container(*place).fields.iter();
                fields.map(|field| field.key.to_string()).collect()
            }
        }
    }

    /// The maps that stand in the map under `key`, in the order of their keys.
    pub(crate) fn children(&self, key: &str) -> Vec<(String, View<'d>)> {
        let Some(parent) = self.map(key) else { return Vec::new() };
        parent
            .keys()
            .into_iter()
            .filter_map(|name| parent.map(&name).map(|child| (name, child)))
            .collect()
    }

    /// The maps of the list under `key`, in order.
    pub(crate) fn items(&self, key: &str) -> Vec<View<'d>> {
        if let At::Read(whole, place) = self.at {
            return items_of(whole, place, key);
        }
        let Ok(Some((Value::Object(ObjType::List), list))) = self.doc.get(self.id(), key) else {
            return Vec::new();
        };
        (0..self.doc.length(&list))
            .filter_map(|place| match self.doc.get(&list, place) {
                Ok(Some((Value::Object(ObjType::Map), id))) => Some(View::of(self.doc, id)),
                _ => None,
            })
            .collect()
    }

    /// The changes that wrote what stands under `key`.
    pub(super) fn writers_of(&self, key: &str) -> Vec<ChangeHash> {
        let all = self.doc.get_all(self.id(), key).unwrap_or_default();
        all.iter().filter_map(|(_, by)| self.doc.hash_for_opid(by)).collect()
    }

    /// The changes that wrote different values under these keys apart: the last one of each side. Empty when nothing is
    /// disputed.
    pub(super) fn sides(&self, keys: &[&str]) -> Vec<ChangeHash> {
        let mut written = Vec::new();
        for key in keys.iter().filter(|key| self.may_be_apart(key)) {
            let all = self.doc.get_all(self.id(), *key).unwrap_or_default();
            if all.windows(2).any(|pair| pair[0].0 != pair[1].0) {
                let by_hash = all
                    .into_iter()
                    .filter_map(|(_, by)| Some((self.doc.hash_for_opid(&by)?, *key, by)));
                written.extend(by_hash);
            }
        }
        // What stands now stood in the eyes of everybody who had heard of it.
        let knew = |change: ChangeHash, key: &str, by: &ObjId| {
            let seen = self.doc.get_all_at(self.id(), key, &[change]).unwrap_or_default();
            seen.iter().any(|(_, one)| one == by)
        };
        let mut sides: Vec<ChangeHash> = written
            .iter()
            .filter(|(hash, key, by)| {
                written
                    .iter()
                    .all(|(other, ..)| other == hash || !knew(*other, key, by))
            })
            .map(|(hash, ..)| *hash)
            .collect();
        sides.sort_unstable();
        sides.dedup();
        sides
    }
}

fn items_of<'d>(whole: &'d Whole<'d>, place: usize, key: &str) -> Vec<View<'d>> {
    let list = whole.container(place).field(key).map(|field| &field.stands);
    let Some(Stands::Container(ObjType::List, list)) = list else {
        return Vec::new();
    };
    let items = whole.container(*list).items.iter();
    let maps = items.filter_map(|stands| match stands {
        Stands::Container(ObjType::Map, place) => Some(View {
            doc: whole.doc,
            at: At::Read(whole, *place),
        }),
        _ => None,
    });
    maps.collect()
}
