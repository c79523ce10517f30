//! The fields that a person must judge when two devices wrote them apart.

use serde::{Deserialize, Serialize};
use specta::Type;

/// A field that is clinically relevant, or says who a patient is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize, Type)]
#[serde(rename_all = "snake_case")]
#[allow(missing_docs, reason = "each is the field of the same name")]
pub enum Field {
    Substance,
    Reaction,
    Severity,
    Verification,
    Name,
    Identifier,
    BirthDate,
    Sex,
    /// Product, strength, unit and route of a line.
    Medicine,
    UnitsPerDose,
    Frequency,
    WhenNeeded,
    Days,
    Quantity,
    Indication,
    Advice,
    Temperature,
    Systolic,
    Diastolic,
    Weight,
}
