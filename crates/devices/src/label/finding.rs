//! Why a label can't be printed as it stands. A person mends the text; nothing is cut to fit.

use serde::{Deserialize, Serialize};
use specta::Type;

/// A part of the label.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, Type)]
#[serde(rename_all = "snake_case")]
pub enum LabelField {
    /// The clinic's name.
    ClinicName,
    /// The clinic's address.
    ClinicAddress,
    /// The clinic's telephone number.
    ClinicPhone,
    /// The patient's name.
    PatientName,
    /// The medicine.
    Medicine,
    /// How much.
    Quantity,
    /// How to take it.
    Directions,
    /// What it is for.
    Indication,
    /// Further advice.
    Advice,
    /// The day.
    Date,
    /// The serial number.
    Serial,
    /// Who hands it over.
    HandedOverBy,
}

/// What stands in the way of a label. Names the place, never the text.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, Type, thiserror::Error)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub enum LabelFinding {
    /// A text that the law asks for is empty.
    #[error("the label lacks a text that the law asks for: {field:?}")]
    Missing {
        /// Where.
        field: LabelField,
    },
    /// A text has a character that no bundled font can draw.
    #[error("the label has a character that can't be drawn: {field:?}")]
    CannotWrite {
        /// Where.
        field: LabelField,
    },
    /// Even in the smallest readable type there is too much text for the paper.
    #[error("the text is {excess_mm} mm too long for the label")]
    DoesNotFit {
        /// How much taller the paper would have to be, in millimetres, rounded up.
        excess_mm: u32,
    },
}
