//! What is shared, as plain values: made by the source, shown by the receiver.

use domain::{
    AllergyStatus, Day, Diagnosis, Identifier, Instant, Override, PrescriptionLine, Sensitivity, Sex, Turn, Vitals,
};
use serde::{Deserialize, Serialize};
use specta::Type;

/// A category, or the reason why it isn't here.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, Type)]
#[serde(tag = "state", rename_all = "snake_case")]
pub enum Shared<T> {
    /// It is shared. An empty list means that there is nothing.
    Given {
        /// What.
        value: T,
    },
    /// The patient did not agree to share it. Whether there is anything is not said.
    Withheld,
    /// This release doesn't say: another release of the same grant may.
    Unavailable,
}

impl<T> Shared<T> {
    /// What is shared, if it is.
    pub fn given(&self) -> Option<&T> {
        match self {
            Self::Given { value } => Some(value),
            Self::Withheld | Self::Unavailable => None,
        }
    }

    /// Is it kept back?
    pub fn is_withheld(&self) -> bool {
        matches!(self, Self::Withheld)
    }
}

/// Who the patient is: the least that lets the receiver recognise her.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, Type)]
pub struct IdentityCard {
    /// Full name.
    pub name: String,
    /// The document that she is known by.
    pub identifier: Identifier,
    /// Date of birth.
    pub birth_date: Option<Day>,
    /// Sex.
    pub sex: Sex,
}

/// A clinic, as another one sees it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, Type)]
pub struct SourceClinic {
    /// Tenant id in hexadecimal.
    pub id: String,
    /// Name.
    pub name: String,
    /// Address on one line.
    pub address: String,
    /// Telephone.
    pub phone: String,
}

/// Who wrote, prescribed or handed over.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, Type)]
pub struct Author {
    /// Name with title.
    pub name: String,
    /// Registration number; empty where there is none.
    pub registration: String,
}

/// A signed note, sentence by sentence.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, Type)]
pub struct SharedNote {
    /// What the patient says.
    pub subjective: Vec<String>,
    /// What was found.
    pub objective: Vec<String>,
    /// What it is.
    pub assessment: Vec<String>,
    /// What will be done.
    pub plan: Vec<String>,
}

/// A visit whose note was signed.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, Type)]
pub struct SharedVisit {
    /// Its id at the source.
    pub id: String,
    /// When it began.
    pub started_at: Instant,
    /// When the note was signed.
    pub signed_at: Instant,
    /// Who signed it.
    pub author: Author,
    /// The note.
    pub note: SharedNote,
    /// Diagnoses.
    pub diagnoses: Vec<Diagnosis>,
    /// What was measured.
    pub vitals: Vitals,
    /// Sensitive subjects that it bears, which the patient named.
    pub sensitivity: Vec<Sensitivity>,
}

/// Why a serious alert was overridden.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, Type)]
pub struct SharedReason {
    /// The finding's key, e.g. `allergy:penicillins:amoxicillin`.
    pub finding_key: String,
    /// In the prescriber's words.
    pub reason: String,
    /// When.
    pub at: Instant,
}

impl From<&Override> for SharedReason {
    fn from(it: &Override) -> Self {
        Self {
            finding_key: it.finding_key.clone(),
            reason: it.reason.clone(),
            at: it.at,
        }
    }
}

/// One handing-over.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, Type)]
pub struct SharedDispensing {
    /// Its id at the source.
    pub id: String,
    /// When.
    pub at: Instant,
    /// Who handed over.
    pub by: Author,
    /// Units.
    pub quantity: u32,
}

/// A line of a prescription with what became of it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, Type)]
pub struct SharedMedicine {
    /// Its id at the source.
    pub id: String,
    /// The visit that it belongs to.
    pub visit: String,
    /// The line. Its `overrides` don't cross: they name staff; what may cross stands in `reasons`.
    pub line: PrescriptionLine,
    /// The directions as printed on the label.
    pub directions: String,
    /// When it was prescribed.
    pub prescribed_at: Instant,
    /// By whom.
    pub prescriber: Author,
    /// Why serious alerts were overridden. Those that speak of an allergy don't cross while the allergies are withheld.
    pub reasons: Vec<SharedReason>,
    /// Handed over.
    pub dispensed: Vec<SharedDispensing>,
    /// Sensitive subjects inherited from the visit, which the patient named.
    pub sensitivity: Vec<Sensitivity>,
}

/// A recording's transcript. The sound itself does not travel in a document.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, Type)]
pub struct SharedRecording {
    /// Its id at the source.
    pub id: String,
    /// The visit that it belongs to.
    pub visit: String,
    /// When it was made.
    pub recorded_at: Instant,
    /// How long, in milliseconds.
    pub duration_ms: u32,
    /// Who said what.
    pub transcript: Vec<Turn>,
    /// Sensitive subjects inherited from the visit, which the patient named.
    pub sensitivity: Vec<Sensitivity>,
}

/// What one clinic shares of one patient.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, Type)]
pub struct SharedRecord {
    /// Who she is.
    pub card: IdentityCard,
    /// The state of which moment.
    pub as_of: Instant,
    /// From which clinic.
    pub source: SourceClinic,
    /// May the receiver pass it on?
    pub onward: bool,
    /// Visits and notes, newest first.
    pub encounters: Shared<Vec<SharedVisit>>,
    /// Allergies.
    pub allergies: Shared<AllergyStatus>,
    /// Medicines, newest first.
    pub prescriptions: Shared<Vec<SharedMedicine>>,
    /// Recordings, newest first.
    pub recordings: Shared<Vec<SharedRecording>>,
    /// Entries that this build could not read, and left out: the screen says so. Zero at the source.
    pub not_understood: u32,
}

/// What one release carries.
#[derive(Debug, Clone, PartialEq)]
pub struct ReleaseContent {
    /// The release's id in hexadecimal.
    pub id: String,
    /// What.
    pub record: SharedRecord,
}
