//! What stands in a letter, as it crosses: who wrote it, at which clinic, and the words. Bounded both ways.

use serde::{Deserialize, Serialize};

/// Signs that a letter may have.
pub(super) const MAX_CHARS: usize = 20_000;
const MAX_NAME_CHARS: usize = 200;

/// The content of a referral letter; JSON inside the envelope. A field that is added later has a default.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Letter {
    /// Who wrote it.
    pub author: String,
    /// The clinic's name as it writes itself. Shown only beside what is known of that clinic here.
    pub clinic: String,
    /// The words.
    pub text: String,
}

impl Letter {
    pub(super) fn to_bytes(&self) -> Vec<u8> {
        serde_json::to_vec(self).expect("three texts")
    }

    /// The letter in these bytes; `None` for what is none, or beyond its bounds.
    pub(super) fn from_bytes(bytes: &[u8]) -> Option<Self> {
        let letter: Self = serde_json::from_slice(bytes).ok()?;
        let names_fit = [&letter.author, &letter.clinic]
            .iter()
            .all(|name| name.chars().count() <= MAX_NAME_CHARS && !name.chars().any(char::is_control));
        (names_fit && is_text(&letter.text)).then_some(letter)
    }
}

/// Whether this can be the text of a letter.
pub(super) fn is_text(text: &str) -> bool {
    let is_plain = |one: char| !one.is_control() || matches!(one, '\n' | '\t');
    !text.trim().is_empty() && text.chars().count() <= MAX_CHARS && text.chars().all(is_plain)
}

/// Bytes that another clinic sealed, read as a letter: for the fuzz target (`docs/fuzz.md`). Whether they could be.
pub(crate) fn try_out(bytes: &[u8]) -> bool {
    let letter = Letter::from_bytes(bytes);
    if let Some(letter) = &letter {
        assert!(
            Letter::from_bytes(&letter.to_bytes()).as_ref() == Some(letter),
            "it reads the same"
        );
    }
    letter.is_some()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn letter(text: &str) -> Letter {
        Letter {
            author: "Dr Tan".to_owned(),
            clinic: "Klinik Sana".to_owned(),
            text: text.to_owned(),
        }
    }

    #[test]
    fn what_is_written_reads_the_same() {
        let long = letter(&"ü".repeat(MAX_CHARS));
        assert!(long.to_bytes().len() <= seal::MAX_MAIL_BYTES);
        for one in [letter("Please see her.\n\tThank you."), long] {
            assert_eq!(Letter::from_bytes(&one.to_bytes()), Some(one));
        }
    }

    #[test]
    fn what_is_no_letter_is_none() {
        let too_long = "x".repeat(MAX_CHARS + 1);
        for text in ["", " \n", "a\u{1b}[2J", too_long.as_str()] {
            assert_eq!(Letter::from_bytes(&letter(text).to_bytes()), None);
        }
        let named = Letter {
            author: "x".repeat(201),
            ..letter("x")
        };
        assert_eq!(Letter::from_bytes(&named.to_bytes()), None);
        assert_eq!(Letter::from_bytes(b"{}"), None);
        assert_eq!(Letter::from_bytes(&[0xff]), None);
    }
}
