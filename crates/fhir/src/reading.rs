//! Looking into JSON that comes from outside. Every look has an answer; none of them panics.

use std::collections::HashMap;

use domain::{Day, Instant, Sensitivity};
use serde::de::DeserializeOwned;
use serde_json::Value;

use crate::json::decode_base64;
use crate::names::{ACT_CODE, SENSITIVITIES, sensitivity_code};

/// The longest text that is taken from a document, in bytes.
const MAX_TEXT: usize = 64 * 1024;
/// The largest attachment that is taken from a document, in bytes of base64.
const MAX_ATTACHMENT: usize = 2 * 1024 * 1024;

/// The text at a JSON pointer; `None` when it is absent or too long.
pub(crate) fn text<'v>(value: &'v Value, pointer: &str) -> Option<&'v str> {
    value.pointer(pointer)?.as_str().filter(|text| text.len() <= MAX_TEXT)
}

/// The text at a JSON pointer, empty when it is absent.
pub(crate) fn text_or_empty(value: &Value, pointer: &str) -> String {
    text(value, pointer).unwrap_or_default().to_owned()
}

/// The list at a JSON pointer, empty when it is absent.
pub(crate) fn list<'v>(value: &'v Value, pointer: &str) -> &'v [Value] {
    value
        .pointer(pointer)
        .and_then(Value::as_array)
        .map_or(&[], Vec::as_slice)
}

/// The whole number at a JSON pointer, when it fits.
pub(crate) fn whole<N: TryFrom<u64>>(value: &Value, pointer: &str) -> Option<N> {
    let number = value.pointer(pointer)?;
    // A quantity is a decimal in FHIR; ours are whole.
    let whole = number.as_u64().or_else(|| {
        number
            .as_f64()
            .filter(|n| n.fract() == 0.0 && *n >= 0.0)
            .map(|n| n as u64)
    });
    N::try_from(whole?).ok()
}

/// The decimal at a JSON pointer.
pub(crate) fn decimal(value: &Value, pointer: &str) -> Option<f64> {
    value.pointer(pointer)?.as_f64().filter(|number| number.is_finite())
}

/// The moment at a JSON pointer.
pub(crate) fn instant(value: &Value, pointer: &str) -> Option<Instant> {
    text(value, pointer)?.parse().ok().map(Instant)
}

/// The calendar day at a JSON pointer.
pub(crate) fn day(value: &Value, pointer: &str) -> Option<Day> {
    day_of(text(value, pointer)?)
}

/// A text that is a calendar day and nothing more.
pub(crate) fn day_of(text: &str) -> Option<Day> {
    (text.len() == 10).then(|| text.parse().ok().map(Day)).flatten()
}

/// The code that a list of codings has in a system.
pub(crate) fn code_in<'v>(value: &'v Value, pointer: &str, system: &str) -> Option<&'v str> {
    let coding = list(value, pointer)
        .iter()
        .find(|coding| text(coding, "/system") == Some(system))?;
    text(coding, "/code")
}

/// The value that a list of identifiers has in a system.
pub(crate) fn identifier_in<'v>(value: &'v Value, system: &str) -> Option<&'v str> {
    let found = list(value, "/identifier")
        .iter()
        .find(|it| text(it, "/system") == Some(system))?;
    text(found, "/value")
}

/// The extension with a URL.
pub(crate) fn extension<'v>(value: &'v Value, pointer: &str, url: &str) -> Option<&'v Value> {
    list(value, pointer).iter().find(|it| text(it, "/url") == Some(url))
}

/// The sensitive subjects that an entry's labels name.
pub(crate) fn sensitivity(resource: &Value) -> Vec<Sensitivity> {
    let labels = list(resource, "/meta/security");
    let bears = |code: &str| {
        labels
            .iter()
            .any(|it| text(it, "/system") == Some(ACT_CODE) && text(it, "/code") == Some(code))
    };
    SENSITIVITIES
        .into_iter()
        .filter(|it| bears(sensitivity_code(*it)))
        .collect()
}

/// The values in a document's attachment of type `application/json`.
pub(crate) fn attached<T: DeserializeOwned>(resource: &Value) -> Option<T> {
    let json = |content: &&Value| text(content, "/attachment/contentType") == Some("application/json");
    let data = list(resource, "/content")
        .iter()
        .find(json)?
        .pointer("/attachment/data")?
        .as_str()?;
    let bytes = decode_base64(Some(data).filter(|data| data.len() <= MAX_ATTACHMENT)?)?;
    serde_json::from_slice(&bytes).ok()
}

/// The resources of a document, by address, and by what they belong to.
pub(crate) struct Index<'v> {
    by_url: HashMap<&'v str, &'v Value>,
    belonging: HashMap<(&'v str, &'v str), Vec<&'v Value>>,
}

impl<'v> Index<'v> {
    /// Reads each entry once. The same address twice: the first counts.
    pub fn of(entries: &'v [Value]) -> Self {
        let mut index = Self {
            by_url: HashMap::new(),
            belonging: HashMap::new(),
        };
        for entry in entries {
            let (Some(url), Some(resource)) = (text(entry, "/fullUrl"), entry.get("resource")) else {
                continue;
            };
            if index.by_url.contains_key(url) {
                continue;
            }
            index.by_url.insert(url, resource);
            let owners = [
                "/encounter/reference",
                "/context/encounter/0/reference",
                "/authorizingPrescription/0/reference",
                "/implicated/0/reference",
            ];
            let owner = owners.iter().find_map(|pointer| text(resource, pointer));
            if let (Some(owner), Some(kind)) = (owner, kind(resource)) {
                index.belonging.entry((owner, kind)).or_default().push(resource);
            }
        }
        index
    }

    /// The resource that the reference at a pointer leads to.
    pub fn follow(&self, value: &Value, pointer: &str) -> Option<&'v Value> {
        self.by_url.get(text(value, pointer)?).copied()
    }

    /// The resources of a kind that belong to what has this address, in the order of the document.
    pub fn belonging<'s>(&'s self, owner: &'s str, kind: &'s str) -> impl Iterator<Item = &'v Value> + 's {
        self.belonging.get(&(owner, kind)).into_iter().flatten().copied()
    }
}

/// A resource's kind.
pub(crate) fn kind(resource: &Value) -> Option<&str> {
    text(resource, "/resourceType")
}
