//! What stands in a request and in its answer, as they cross. Bounded both ways.

use domain::{Day, Identifier, Purpose};
use seal::{GrantId, MailId};
use serde::{Deserialize, Serialize};

/// Signs that the reason of a request may have.
pub(super) const MAX_REASON_CHARS: usize = 500;
const MAX_NAME_CHARS: usize = 200;

/// The content of a request; JSON inside the envelope. A field that is added later has a default; a purpose or a document that
/// this build does not know makes it unreadable, and it is kept.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct RecordRequest {
    /// Who asks.
    pub author: String,
    /// The clinic's name as it writes itself. Shown only beside what is known of that clinic here.
    pub clinic: String,
    /// Of whom: her name.
    pub name: String,
    /// Her document.
    pub identifier: Identifier,
    /// Her date of birth, when it is known.
    pub birth_date: Option<Day>,
    /// What for.
    pub purpose: Purpose,
    /// Why.
    pub reason: String,
}

impl RecordRequest {
    pub(super) fn to_bytes(&self) -> Vec<u8> {
        serde_json::to_vec(self).expect("plain texts")
    }

    /// The request in these bytes; `None` for what is none, or beyond its bounds.
    pub(super) fn from_bytes(bytes: &[u8]) -> Option<Self> {
        let request: Self = serde_json::from_slice(bytes).ok()?;
        request.fits().then_some(request)
    }

    /// Whether each of its texts is within its bounds.
    pub(super) fn fits(&self) -> bool {
        let document = match &self.identifier {
            Identifier::MyKad { .. } | Identifier::None => ["", ""],
            Identifier::Passport { country, number } => [country.as_str(), number],
            Identifier::Other { paper, number } => [paper.as_str(), number],
        };
        let names = [self.author.as_str(), &self.clinic, &self.name];
        let mut short = names.into_iter().chain(document);
        short.all(|text| is_line(text, MAX_NAME_CHARS)) && !self.name.trim().is_empty() && is_reason(&self.reason)
    }
}

/// The content of an answer; JSON inside the envelope. A field that is added later has a default.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct RecordAnswer {
    /// The request that it answers.
    pub request: MailId,
    /// What was given: a grant like any other, on its own way.
    pub grant: GrantId,
}

impl RecordAnswer {
    pub(super) fn to_bytes(&self) -> Vec<u8> {
        serde_json::to_vec(self).expect("two ids")
    }

    /// The answer in these bytes; `None` for what is none.
    pub(super) fn from_bytes(bytes: &[u8]) -> Option<Self> {
        serde_json::from_slice(bytes).ok()
    }
}

/// Whether this can be the reason of a request.
pub(super) fn is_reason(text: &str) -> bool {
    !text.trim().is_empty() && is_line(text, MAX_REASON_CHARS)
}

fn is_line(text: &str, max_chars: usize) -> bool {
    text.chars().count() <= max_chars && !text.chars().any(char::is_control)
}

/// Bytes that another clinic sealed, read as a request and as an answer: for the fuzz target (`docs/fuzz.md`). Whether they
/// could be read as either.
pub(crate) fn try_out(bytes: &[u8]) -> bool {
    let request = RecordRequest::from_bytes(bytes);
    let answer = RecordAnswer::from_bytes(bytes);
    if let Some(request) = &request {
        assert!(
            RecordRequest::from_bytes(&request.to_bytes()).as_ref() == Some(request),
            "it reads the same"
        );
    }
    if let Some(answer) = &answer {
        assert!(
            RecordAnswer::from_bytes(&answer.to_bytes()).as_ref() == Some(answer),
            "it reads the same"
        );
    }
    request.is_some() || answer.is_some()
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    fn request() -> RecordRequest {
        RecordRequest {
            author: "Dr Tan".to_owned(),
            clinic: "Klinik Sentosa".to_owned(),
            name: "Nur Aisyah binti Rahman".to_owned(),
            identifier: Identifier::Passport {
                country: "IDN".to_owned(),
                number: "A 123".to_owned(),
            },
            birth_date: "1985-01-01".parse().ok().map(Day),
            purpose: Purpose::Emergency,
            reason: "Found unconscious.".to_owned(),
        }
    }

    #[test]
    fn what_is_written_reads_the_same() {
        let longest = RecordRequest {
            name: "ü".repeat(MAX_NAME_CHARS),
            reason: "ü".repeat(MAX_REASON_CHARS),
            identifier: Identifier::None,
            birth_date: None,
            ..request()
        };
        assert!(longest.to_bytes().len() <= seal::MAX_MAIL_BYTES);
        for one in [request(), longest] {
            assert_eq!(RecordRequest::from_bytes(&one.to_bytes()), Some(one));
        }
        let answer = RecordAnswer {
            request: MailId::from_bytes([1; 16]),
            grant: GrantId::from_bytes([2; 16]),
        };
        assert_eq!(RecordAnswer::from_bytes(&answer.to_bytes()), Some(answer));
    }

    #[test]
    fn what_a_newer_build_adds_is_passed_over() {
        let newer = |bytes: Vec<u8>| {
            let mut value: serde_json::Value = serde_json::from_slice(&bytes).unwrap();
            value["added_later"] = "x".into();
            value.to_string().into_bytes()
        };
        assert_eq!(RecordRequest::from_bytes(&newer(request().to_bytes())), Some(request()));
        let answer = RecordAnswer {
            request: MailId::from_bytes([1; 16]),
            grant: GrantId::from_bytes([2; 16]),
        };
        assert_eq!(RecordAnswer::from_bytes(&newer(answer.to_bytes())), Some(answer));
    }

    #[test]
    fn what_is_no_request_is_none() {
        let long = "x".repeat(MAX_REASON_CHARS + 1);
        let bad = [
            RecordRequest {
                reason: " ".to_owned(),
                ..request()
            },
            RecordRequest {
                reason: long.clone(),
                ..request()
            },
            RecordRequest {
                reason: "two\nlines".to_owned(),
                ..request()
            },
            RecordRequest {
                name: String::new(),
                ..request()
            },
            RecordRequest {
                name: long.clone(),
                ..request()
            },
            RecordRequest {
                author: "a\u{1b}[2J".to_owned(),
                ..request()
            },
            RecordRequest {
                clinic: long.clone(),
                ..request()
            },
            RecordRequest {
                identifier: Identifier::Other {
                    paper: "UNHCR".to_owned(),
                    number: long,
                },
                ..request()
            },
        ];
        for one in bad {
            assert_eq!(RecordRequest::from_bytes(&one.to_bytes()), None, "{one:?}");
        }
        let text = String::from_utf8(request().to_bytes()).unwrap();
        assert_eq!(
            RecordRequest::from_bytes(text.replace("emergency", "research").as_bytes()),
            None
        );
        for bytes in [&b"{}"[..], &[0xff], b"[]"] {
            assert_eq!(RecordRequest::from_bytes(bytes), None);
            assert_eq!(RecordAnswer::from_bytes(bytes), None);
        }
    }
}
