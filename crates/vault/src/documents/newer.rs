//! What a newer build put into an item that this one writes anew: it goes along.

use automerge::transaction::Transactable;
use automerge::{AutoCommit, ObjId, ObjType, ReadDoc, Value};

use crate::VaultError;

/// Copies the fields of one map that this build does not know to another.
pub(super) fn take_over(doc: &mut AutoCommit, from: &ObjId, to: &ObjId, known: &[&str]) -> Result<(), VaultError> {
    let keys: Vec<String> = doc.keys(from).filter(|key| !known.contains(&key.as_str())).collect();
    for key in keys {
        let Some((value, at)) = doc.get(from, key.as_str())? else {
            continue;
        };
        match value {
            Value::Scalar(value) => doc.put(to, key.as_str(), value.into_owned())?,
            Value::Object(ObjType::Map) => {
                let new = doc.put_object(to, key.as_str(), ObjType::Map)?;
                take_over(doc, &at, &new, &[])?;
            }
            Value::Object(ObjType::Text) => {
                let text = doc.text(&at)?;
                let new = doc.put_object(to, key.as_str(), ObjType::Text)?;
                doc.splice_text(&new, 0, 0, &text)?;
            }
            Value::Object(kind) => {
                let new = doc.put_object(to, key.as_str(), kind)?;
                take_over_items(doc, &at, &new)?;
            }
        }
    }
    Ok(())
}

fn take_over_items(doc: &mut AutoCommit, from: &ObjId, to: &ObjId) -> Result<(), VaultError> {
    for place in 0..doc.length(from) {
        let Some((value, at)) = doc.get(from, place)? else {
            continue;
        };
        match value {
            Value::Scalar(value) => doc.insert(to, place, value.into_owned())?,
            Value::Object(ObjType::Map) => {
                let new = doc.insert_object(to, place, ObjType::Map)?;
                take_over(doc, &at, &new, &[])?;
            }
            Value::Object(ObjType::Text) => {
                let text = doc.text(&at)?;
                let new = doc.insert_object(to, place, ObjType::Text)?;
                doc.splice_text(&new, 0, 0, &text)?;
            }
            Value::Object(kind) => {
                let new = doc.insert_object(to, place, kind)?;
                take_over_items(doc, &at, &new)?;
            }
        }
    }
    Ok(())
}
