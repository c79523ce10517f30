//! Reading and writing one Automerge document field by field.
//!
//! [`View`] reads; what is absent or of a newer build's shape is `None`, never an error. [`Edit`] writes a field only
//! when it differs from what stands there, so that two people who edit different fields of one form never overwrite
//! each other, and what a newer build added stays.

use std::str::FromStr;

use automerge::transaction::Transactable;
use automerge::{AutoCommit, ChangeHash, ObjId, ObjType, ROOT, ReadDoc, ScalarValue, Value};
use domain::{Day, Instant};
use serde::Serialize;
use serde::de::DeserializeOwned;

use super::newer::take_over;
use crate::VaultError;

/// A map of a document, for reading.
#[derive(Clone)]
pub(crate) struct View<'d> {
    doc: &'d AutoCommit,
    at: ObjId,
    /// As somebody saw it when she made this change; `None`: as it is now.
    as_of: Option<[ChangeHash; 1]>,
}

impl<'d> View<'d> {
    pub(crate) fn root(doc: &'d AutoCommit) -> Self {
        Self {
            doc,
            at: ROOT,
            as_of: None,
        }
    }

    /// The same map as it was right after this change was made, where it was made.
    pub(crate) fn as_of(&self, change: ChangeHash) -> View<'d> {
        View {
            doc: self.doc,
            at: self.at.clone(),
            as_of: Some([change]),
        }
    }

    /// What stands under `key`, and the operation that wrote it.
    fn get(&self, key: &str) -> Option<(Value<'d>, ObjId)> {
        let found = match &self.as_of {
            Some(change) => self.doc.get_at(&self.at, key, change),
            None => self.doc.get(&self.at, key),
        };
        found.ok().flatten()
    }

    /// The value under `key`, whatever its shape.
    pub(super) fn scalar(&self, key: &str) -> Option<ScalarValue> {
        match self.get(key)? {
            (Value::Scalar(value), _) => Some(value.into_owned()),
            _ => None,
        }
    }

    /// Every value that stands under `key`: more than one when it was written apart.
    pub(super) fn scalars(&self, key: &str) -> Vec<ScalarValue> {
        let all = self.doc.get_all(&self.at, key).unwrap_or_default().into_iter();
        all.filter_map(|(value, _)| match value {
            Value::Scalar(value) => Some(value.into_owned()),
            Value::Object(_) => None,
        })
        .collect()
    }

    pub(crate) fn text(&self, key: &str) -> Option<String> {
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
            (Value::Object(ObjType::Map), at) => Some(View {
                doc: self.doc,
                at,
                as_of: self.as_of,
            }),
            _ => None,
        }
    }

    /// The keys of this map, in order.
    pub(crate) fn keys(&self) -> Vec<String> {
        match &self.as_of {
            Some(change) => self.doc.keys_at(&self.at, change).collect(),
            None => self.doc.keys(&self.at).collect(),
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
        let Ok(Some((Value::Object(ObjType::List), list))) = self.doc.get(&self.at, key) else {
            return Vec::new();
        };
        (0..self.doc.length(&list))
            .filter_map(|place| match self.doc.get(&list, place) {
                Ok(Some((Value::Object(ObjType::Map), at))) => Some(View {
                    doc: self.doc,
                    at,
                    as_of: None,
                }),
                _ => None,
            })
            .collect()
    }

    /// The changes that wrote what stands under `key`.
    pub(super) fn writers_of(&self, key: &str) -> Vec<ChangeHash> {
        let all = self.doc.get_all(&self.at, key).unwrap_or_default();
        all.iter().filter_map(|(_, by)| self.doc.hash_for_opid(by)).collect()
    }

    /// The changes that wrote different values under these keys apart: the last one of each side. Empty when nothing is
    /// disputed.
    pub(super) fn sides(&self, keys: &[&str]) -> Vec<ChangeHash> {
        let mut written = Vec::new();
        for key in keys {
            let all = self.doc.get_all(&self.at, *key).unwrap_or_default();
            if all.windows(2).any(|pair| pair[0].0 != pair[1].0) {
                let by_hash = all
                    .into_iter()
                    .filter_map(|(_, by)| Some((self.doc.hash_for_opid(&by)?, *key, by)));
                written.extend(by_hash);
            }
        }
        // What stands now stood in the eyes of everybody who had heard of it.
        let knew = |change: ChangeHash, key: &str, by: &ObjId| {
            let seen = self.doc.get_all_at(&self.at, key, &[change]).unwrap_or_default();
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

/// A map of a document, for writing.
pub(crate) struct Edit<'d> {
    doc: &'d mut AutoCommit,
    at: ObjId,
}

impl<'d> Edit<'d> {
    pub(crate) fn root(doc: &'d mut AutoCommit) -> Self {
        Self { doc, at: ROOT }
    }

    /// Writes `value`, unless that stands there already. No text is not written over what a newer build made of the field:
    /// nobody saw it.
    pub(crate) fn put(&mut self, key: &str, value: impl Into<ScalarValue>) -> Result<(), VaultError> {
        let value = value.into();
        let is_nothing = matches!(&value, ScalarValue::Str(text) if text.is_empty());
        if is_nothing && self.holds_more_than_a_value(key)? {
            return Ok(());
        }
        if self.view().scalar(key).as_ref() != Some(&value) {
            self.doc.put(&self.at, key, value)?;
        }
        Ok(())
    }

    /// Writes `value`, or takes the field away, over everything that was written apart.
    pub(super) fn overrule(&mut self, key: &str, value: Option<ScalarValue>) -> Result<(), VaultError> {
        let stands = self.view().scalars(key);
        match value {
            Some(value) if stands.len() != 1 || stands[0] != value => self.doc.put(&self.at, key, value)?,
            Some(_) => {}
            None => self.remove(key)?,
        }
        Ok(())
    }

    /// Writes `value`, or takes the field away.
    pub(crate) fn put_or_remove(&mut self, key: &str, value: Option<impl Into<ScalarValue>>) -> Result<(), VaultError> {
        match value {
            Some(value) => self.put(key, value),
            None if self.holds_more_than_a_value(key)? => Ok(()),
            None => self.remove(key),
        }
    }

    /// Whether a newer build made a container of this field.
    fn holds_more_than_a_value(&self, key: &str) -> Result<bool, VaultError> {
        Ok(matches!(self.doc.get(&self.at, key)?, Some((Value::Object(_), _))))
    }

    /// Writes a word of a closed list by its serde name.
    pub(crate) fn put_code(&mut self, key: &str, value: &impl Serialize) -> Result<(), VaultError> {
        self.put(key, to_code(value)?)
    }

    /// The same, unless a word of a newer build stands there and `value` is what it was shown as: nobody chose that.
    pub(crate) fn put_code_shown_as<T: Serialize + DeserializeOwned + PartialEq>(
        &mut self,
        key: &str,
        value: &T,
        shown_as: &T,
    ) -> Result<(), VaultError> {
        let stands = self.view().text(key);
        let is_newer = stands.is_some_and(|word| from_code::<T>(&word).is_none());
        if is_newer && value == shown_as {
            return Ok(());
        }
        self.put_code(key, value)
    }

    pub(crate) fn put_instant(&mut self, key: &str, value: Instant) -> Result<(), VaultError> {
        self.put(key, value.as_millisecond())
    }

    pub(crate) fn remove(&mut self, key: &str) -> Result<(), VaultError> {
        if self.doc.get(&self.at, key)?.is_some() {
            self.doc.delete(&self.at, key)?;
        }
        Ok(())
    }

    /// The map under `key`, made when it isn't there.
    pub(crate) fn map(&mut self, key: &str) -> Result<Edit<'_>, VaultError> {
        let at = match self.doc.get(&self.at, key)? {
            Some((Value::Object(ObjType::Map), at)) => at,
            _ => self.doc.put_object(&self.at, key, ObjType::Map)?,
        };
        Ok(Edit { doc: self.doc, at })
    }

    /// Makes the list under `key` read as `wanted`, leaving what it begins and ends with untouched, and whatever in it is
    /// no map: a newer build's.
    ///
    /// `read` and `write` map one item; the list was made by the document's first change. An item that takes another's
    /// place takes over its fields that are not among the `known` ones.
    pub(crate) fn list<T: PartialEq>(
        &mut self,
        key: &str,
        wanted: &[T],
        known: &[&str],
        read: impl Fn(&View<'_>) -> T,
        write: impl Fn(&mut Edit<'_>, &T) -> Result<(), VaultError>,
    ) -> Result<(), VaultError> {
        let Some((Value::Object(ObjType::List), list)) = self.doc.get(&self.at, key)? else {
            return Err(VaultError::Malformed("document"));
        };
        let mut places = Vec::new();
        for place in 0..self.doc.length(&list) {
            if let Some((Value::Object(ObjType::Map), item)) = self.doc.get(&list, place)? {
                places.push((place, item));
            }
        }
        let present: Vec<T> = self.view().items(key).iter().map(read).collect();
        let head = present.iter().zip(wanted).take_while(|(old, new)| old == new).count();
        let tail = present[head..]
            .iter()
            .rev()
            .zip(wanted[head..].iter().rev())
            .take_while(|(a, b)| a == b)
            .count();
        let (going, coming) = (&places[head..places.len() - tail], &wanted[head..wanted.len() - tail]);
        for (place, _) in going.iter().skip(coming.len()).rev() {
            self.doc.delete(&list, *place)?;
        }
        for ((place, old), item) in going.iter().zip(coming) {
            let at = self.doc.insert_object(&list, *place, ObjType::Map)?;
            write(
                &mut Edit {
                    doc: self.doc,
                    at: at.clone(),
                },
                item,
            )?;
            take_over(self.doc, old, &at, known)?;
            self.doc.delete(&list, *place + 1)?;
        }
        let first = match (going.last(), places.get(head)) {
            (Some((last, _)), _) => last + 1,
            (None, Some((next, _))) => *next,
            (None, None) => self.doc.length(&list),
        };
        for (place, item) in (first..).zip(coming.iter().skip(going.len())) {
            let at = self.doc.insert_object(&list, place, ObjType::Map)?;
            write(&mut Edit { doc: self.doc, at }, item)?;
        }
        Ok(())
    }

    /// What stands here now.
    pub(crate) fn view(&self) -> View<'_> {
        View {
            doc: self.doc,
            at: self.at.clone(),
            as_of: None,
        }
    }
}

/// The serde name of a word of a closed list.
pub(crate) fn to_code(value: &impl Serialize) -> Result<String, VaultError> {
    match serde_json::to_value(value) {
        Ok(serde_json::Value::String(code)) => Ok(code),
        _ => Err(VaultError::Malformed("code")),
    }
}

/// The word with this serde name.
pub(crate) fn from_code<T: DeserializeOwned>(code: &str) -> Option<T> {
    serde_json::from_value(serde_json::Value::String(code.to_owned())).ok()
}
