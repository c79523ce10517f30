//! Small pieces of FHIR JSON, and ids that are the same for the same thing.

use base64::{Engine, prelude::BASE64_STANDARD};
use domain::Sensitivity;
use serde_json::{Value, json};

use crate::names::{ACT_CODE, CONFIDENTIALITY, sensitivity_code};

/// A resource with the address that others refer to it by.
pub(crate) struct Entry {
    pub url: String,
    pub resource: Value,
}

impl Entry {
    /// A resource of the given kind. Its id comes from what it is: `parts` are its ids at the source.
    pub fn new(kind: &str, parts: &[&str], body: Value) -> Self {
        let id = derived_id(kind, parts);
        let mut resource = tidy(body);
        resource["resourceType"] = json!(kind);
        resource["id"] = json!(id);
        Self {
            url: format!("urn:uuid:{id}"),
            resource,
        }
    }

    /// A reference to it.
    pub fn reference(&self) -> Value {
        json!({ "reference": self.url })
    }

    /// As an entry of a Bundle.
    pub fn into_value(self) -> Value {
        json!({ "fullUrl": self.url, "resource": self.resource })
    }
}

/// A UUID of version 8, hashed from what it names.
pub(crate) fn derived_id(kind: &str, parts: &[&str]) -> String {
    let mut hash = blake3::Hasher::new_derive_key("medieco fhir resource id v1");
    for part in [kind].iter().chain(parts) {
        hash.update(&(part.len() as u64).to_be_bytes());
        hash.update(part.as_bytes());
    }
    let mut bytes = [0; 16];
    hash.finalize_xof().fill(&mut bytes);
    uuid::Builder::from_custom_bytes(bytes).into_uuid().to_string()
}

/// FHIR knows no empty values and no control characters: what is empty is left out.
pub(crate) fn tidy(value: Value) -> Value {
    fn keep(value: Value) -> Option<Value> {
        match value {
            Value::Null => None,
            Value::String(text) => {
                let text = text.replace(|c: char| c.is_control() && !matches!(c, '\t' | '\n' | '\r'), "");
                (!text.trim().is_empty()).then_some(Value::String(text))
            }
            Value::Array(items) => {
                let items: Vec<Value> = items.into_iter().filter_map(keep).collect();
                (!items.is_empty()).then_some(Value::Array(items))
            }
            Value::Object(fields) => {
                let fields: serde_json::Map<_, _> = fields
                    .into_iter()
                    .filter_map(|(name, value)| Some((name, keep(value)?)))
                    .collect();
                (!fields.is_empty()).then_some(Value::Object(fields))
            }
            other => Some(other),
        }
    }
    keep(value).unwrap_or_else(|| json!({}))
}

pub(crate) fn coding(system: &str, code: &str) -> Value {
    json!({ "system": system, "code": code })
}

/// A concept with one coding.
pub(crate) fn concept(system: &str, code: &str, display: &str) -> Value {
    json!({ "coding": [{ "system": system, "code": code, "display": display }] })
}

pub(crate) fn identifier(system: &str, value: &str) -> Value {
    json!({ "system": system, "value": value })
}

/// A number of units; UCUM where it has a code.
pub(crate) fn quantity(value: f64, unit: &str, ucum: Option<&str>) -> Value {
    match ucum {
        Some(code) => json!({ "value": value, "unit": unit, "system": crate::names::UCUM, "code": code }),
        None => json!({ "value": value, "unit": unit }),
    }
}

/// Labels of one entry: its sensitive subjects, and "restricted" when it has any.
pub(crate) fn security(sensitivity: &[Sensitivity]) -> Value {
    if sensitivity.is_empty() {
        return Value::Null;
    }
    let subjects = sensitivity.iter().map(|it| coding(ACT_CODE, sensitivity_code(*it)));
    let labels: Vec<Value> = [coding(CONFIDENTIALITY, "R")].into_iter().chain(subjects).collect();
    json!({ "security": labels })
}

/// The same document twice: a text that people read, and the values that programs read.
pub(crate) fn attachments(title: &str, created: &str, text: &str, values: &impl serde::Serialize) -> Value {
    let values = serde_json::to_vec(values).expect("the shared values have only string keys");
    json!([
        { "attachment": { "contentType": "text/plain; charset=utf-8", "language": "en", "title": title,
            "creation": created, "data": BASE64_STANDARD.encode(text) } },
        { "attachment": { "contentType": "application/json", "title": title, "creation": created,
            "data": BASE64_STANDARD.encode(values) } },
    ])
}

/// The bytes of an attachment.
pub(crate) fn decode_base64(text: &str) -> Option<Vec<u8>> {
    BASE64_STANDARD.decode(text).ok()
}
