//! The label's own words, and what is done to everybody else's before it is set.

use serde::{Deserialize, Serialize};
use specta::Type;

/// The language that the patient reads her label in.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, Type)]
pub enum LabelLanguage {
    /// Bahasa Malaysia.
    #[default]
    #[serde(rename = "ms")]
    Malay,
    /// English.
    #[serde(rename = "en")]
    English,
}

/// What the law wants to stand on every dispensed medicine, in the words that it uses.
pub(super) const CONTROLLED: &str = "Ubat Terkawal / Controlled Medicine";

/// The fixed words of a label.
pub(super) struct Words {
    pub phone: &'static str,
    pub indication: &'static str,
    pub handed_over_by: &'static str,
    pub serial: &'static str,
}

impl LabelLanguage {
    pub(super) fn words(self) -> Words {
        match self {
            Self::Malay => Words {
                phone: "Tel",
                indication: "Untuk",
                handed_over_by: "Diserahkan oleh",
                serial: "No. Buku Preskripsi",
            },
            Self::English => Words {
                phone: "Tel",
                indication: "For",
                handed_over_by: "Handed over by",
                serial: "Prescription Book no.",
            },
        }
    }
}

/// One line of plain text: control characters become spaces, runs of spaces one.
///
/// Marks that turn the direction of writing round go, so that no name can rearrange what stands beside it.
pub(super) fn one_line(text: &str) -> String {
    let plain: String = text
        .chars()
        .filter(
            |c| !matches!(c, '\u{200e}' | '\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}' | '\u{feff}'),
        )
        .map(|c| if c.is_control() { ' ' } else { c })
        .collect();
    plain.split_whitespace().collect::<Vec<_>>().join(" ")
}
