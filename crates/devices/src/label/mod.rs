//! The label of a dispensed medicine: what stands on it, and that nothing of it is ever cut off.
//!
//! It carries what Malaysian law asks (Poisons Act 1952 s. 24, Poisons Regulations 1952 r. 12): medicine, patient,
//! directions, the clinic's name and address, date, serial number of the Prescription Book, the words "Ubat Terkawal /
//! Controlled Medicine", and who handed it over. A reprint says so.
//!
//! The sentences come worded: nothing here knows a dose.

mod finding;
mod layout;
mod pen;
mod sheet;
mod size;
mod texts;
mod words;

use serde::{Deserialize, Serialize};
use specta::Type;

pub use finding::{LabelField, LabelFinding};
pub use layout::lay_out;
pub use size::LabelSize;
pub use words::LabelLanguage;

/// Everything that stands on one label.
///
/// The law asks for each text except `clinic_phone`, `quantity_text`, `indication` and `advice`; these may be empty and
/// then take no room.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize, Type)]
pub struct DispensingLabel {
    /// The clinic's name.
    pub clinic_name: String,
    /// Its address, in one line or several.
    pub clinic_address: String,
    /// Its telephone number.
    pub clinic_phone: String,
    /// Whose medicine it is.
    pub patient_name: String,
    /// Name, strength and form of the medicine.
    pub medicine: String,
    /// How much was handed over, e.g. "20 biji".
    pub quantity_text: String,
    /// How to take it, one sentence each, in the label's language.
    pub directions: Vec<String>,
    /// What it is for.
    pub indication: String,
    /// Further advice.
    pub advice: String,
    /// The day of dispensing, as it is printed.
    pub date_text: String,
    /// Serial number in the Prescription Book.
    pub serial: String,
    /// The doctor or pharmacist who hands it over.
    pub handed_over_by: String,
    /// Which reprint this is, from 1; `None` on the first print.
    pub reprint: Option<u32>,
    /// Language of the label's own words.
    pub language: LabelLanguage,
}

impl std::fmt::Debug for DispensingLabel {
    /// The serial alone: everything else tells who takes what.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("DispensingLabel")
            .field("serial", &self.serial)
            .finish_non_exhaustive()
    }
}
