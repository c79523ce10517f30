//! Writing one Automerge document field by field.
//!
//! [`Edit`] writes a field only when it differs from what stands there, so that two people who edit different fields of one
//! form never overwrite each other, and what a newer build added stays.

use automerge::transaction::Transactable;
use automerge::{AutoCommit, ObjId, ObjType, ROOT, ReadDoc, ScalarValue, Value};
use domain::Instant;
use serde::Serialize;
use serde::de::DeserializeOwned;

use super::newer::take_over;
use super::view::View;
use crate::VaultError;

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
        View::of(self.doc, self.at.clone())
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
