//! What each kind of fact says. Bodies are JSON; a field that is added later must have a default.

use domain::{
    ConsentEvidence, Diagnosis, DispensingId, PatientId, PrescriptionLine, PrintJobId, Role, Sensitivity, ShareTerms,
    SoapNote, StaffId, VisitId, Vitals,
};
use seal::{ChangeId, DeviceId, GrantId, MailId, TenantId};
use serde::{Deserialize, Serialize};

use super::asked::{AnswerRead, RecordAsked, RequestDecided, RequestRead};
use super::erased::Erased;
use crate::documents::DocPath;
use crate::{VaultError, numbers};

/// A visit's note was signed: what it said at that moment, whole.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct NoteSigned {
    /// Whose visit.
    pub patient: PatientId,
    /// Which visit.
    pub visit: VisitId,
    /// The note.
    pub note: SoapNote,
    /// The diagnoses.
    pub diagnoses: Vec<Diagnosis>,
    /// What was measured.
    pub vitals: Vitals,
    /// What was prescribed.
    pub lines: Vec<PrescriptionLine>,
    /// Marks that everything of this visit inherits.
    pub sensitivity: Vec<Sensitivity>,
}

/// An addition to a signed note.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Addendum {
    /// Whose visit.
    pub patient: PatientId,
    /// Which visit.
    pub visit: VisitId,
    /// The words that are added.
    pub text: String,
}

/// One medicine that was handed over.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct DispensedItem {
    /// As it was handed over, after any substitution.
    pub line: PrescriptionLine,
    /// Units handed over.
    pub quantity: u32,
    /// Batch, when it was read.
    pub batch: Option<String>,
}

/// Medicines were handed over.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Dispensed {
    /// To whom.
    pub patient: PatientId,
    /// Of which visit.
    pub visit: VisitId,
    /// This handing-over.
    pub dispensing: DispensingId,
    /// Number in the Prescription Book.
    pub serial: String,
    /// What.
    pub items: Vec<DispensedItem>,
}

/// A patient agreed that another clinic may have something.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct ConsentGranted {
    /// Who agreed.
    pub patient: PatientId,
    /// The grant that enforces it.
    pub grant: GrantId,
    /// The other clinic.
    pub recipient: TenantId,
    /// Its name, as the patient read it.
    pub recipient_name: String,
    /// To what.
    pub terms: ShareTerms,
    /// How we know.
    pub evidence: ConsentEvidence,
}

/// A patient took a consent back.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct ConsentRevoked {
    /// Who.
    pub patient: PatientId,
    /// Which grant.
    pub grant: GrantId,
    /// Why, in a few words; may be empty.
    pub reason: String,
}

/// A person's signing key on one device.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct StaffEnrolled {
    /// Who.
    pub staff: StaffId,
    /// As what.
    pub role: Role,
    /// On which device.
    pub device: DeviceId,
    /// The Ed25519 public key, 32 bytes.
    pub person_public: [u8; 32],
}

/// A label left the printer, or a person said how it ended.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct LabelPrinted {
    /// For whom.
    pub patient: PatientId,
    /// Of which visit.
    pub visit: VisitId,
    /// Of which handing-over, when it belongs to one.
    pub dispensing: Option<DispensingId>,
    /// The job, whose bytes are kept on the machine that printed.
    pub job: PrintJobId,
    /// 0 for the first print, then the number after REPRINT.
    pub copy: u32,
    /// `confirmed`, `failed`, or what the person answered.
    pub outcome: String,
}

/// Who did what, for those who must be able to ask later.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct AuditLine {
    /// Stable key of what was done, e.g. `patient.registered`.
    pub action: String,
    /// Whom it was about.
    pub patient: Option<PatientId>,
    /// Which visit.
    pub visit: Option<VisitId>,
    /// Anything more, in words or JSON; may be empty.
    pub detail: String,
}

/// One of two facts that exclude one another no longer counts.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Reversal {
    /// Whose visit.
    pub patient: PatientId,
    /// Which visit.
    pub visit: VisitId,
    /// The signature or the handing-over that no longer counts.
    pub reverses: ChangeId,
    /// Why, in a person's words; may be empty.
    pub reason: String,
}

/// A letter was sent to another clinic: what it says, whole.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct LetterSent {
    /// The letter.
    pub letter: MailId,
    /// To which clinic.
    pub to: TenantId,
    /// Its name, as the writer read it.
    pub to_name: String,
    /// The writer's name, as it stands under the letter.
    pub author: String,
    /// What it says.
    pub text: String,
}

/// A letter of another clinic was read, and is in the record from then on: what it says, whole.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct LetterRead {
    /// The letter, as its sender named it.
    pub letter: MailId,
    /// From which clinic.
    pub from: TenantId,
    /// Its name, as it was known here.
    pub from_name: String,
    /// Who wrote it, as it stands under the letter.
    pub author: String,
    /// What it says.
    pub text: String,
    /// When it was written, by the sender's clock, in milliseconds since 1970.
    pub written_ms: i64,
    /// What was to be said of who signed it, if anything.
    pub doubt: Option<String>,
}

/// The body of a fact.
#[derive(Debug, Clone, PartialEq)]
pub enum FactBody {
    /// A note was signed.
    NoteSigned(NoteSigned),
    /// Something was added to a signed note.
    Addendum(Addendum),
    /// Medicines were handed over.
    Dispensed(Dispensed),
    /// A patient agreed to share.
    ConsentGranted(ConsentGranted),
    /// A patient took a consent back.
    ConsentRevoked(ConsentRevoked),
    /// A person has a signing key on a device.
    StaffEnrolled(StaffEnrolled),
    /// A label was printed.
    LabelPrinted(LabelPrinted),
    /// Who did what.
    Audit(AuditLine),
    /// Something was erased.
    Erased(Erased),
    /// One of two facts that exclude one another no longer counts.
    Reversal(Reversal),
    /// A letter was sent to another clinic.
    LetterSent(LetterSent),
    /// A letter of another clinic was read.
    LetterRead(LetterRead),
    /// Another clinic was asked for a record.
    RecordAsked(RecordAsked),
    /// Another clinic's request was read.
    RequestRead(RequestRead),
    /// It was answered or declined.
    RequestDecided(RequestDecided),
    /// Another clinic's answer was read.
    AnswerRead(AnswerRead),
    /// A fact of a newer build: kept and carried, shown as unknown, never written.
    Unknown {
        /// Its kind.
        kind: u16,
    },
}

/// The numbers of the kinds, frozen.
pub(crate) mod kind {
    pub(crate) const NOTE_SIGNED: u16 = 1;
    pub(crate) const DISPENSED: u16 = 2;
    pub(crate) const CONSENT_GRANTED: u16 = 3;
    pub(crate) const CONSENT_REVOKED: u16 = 4;
    pub(crate) const STAFF_ENROLLED: u16 = 5;
    pub(crate) const LABEL_PRINTED: u16 = 6;
    pub(crate) const AUDIT: u16 = 7;
    pub(crate) const ADDENDUM: u16 = 8;
    pub(crate) const REVERSAL: u16 = 10;
    pub(crate) const ERASED: u16 = 9;
    pub(crate) const LETTER_SENT: u16 = 11;
    pub(crate) const LETTER_READ: u16 = 12;
    pub(crate) const RECORD_ASKED: u16 = 13;
    pub(crate) const REQUEST_READ: u16 = 14;
    pub(crate) const REQUEST_DECIDED: u16 = 15;
    pub(crate) const ANSWER_READ: u16 = 16;
}

impl FactBody {
    pub(crate) fn kind(&self) -> u16 {
        match self {
            Self::NoteSigned(_) => kind::NOTE_SIGNED,
            Self::Addendum(_) => kind::ADDENDUM,
            Self::Dispensed(_) => kind::DISPENSED,
            Self::ConsentGranted(_) => kind::CONSENT_GRANTED,
            Self::ConsentRevoked(_) => kind::CONSENT_REVOKED,
            Self::StaffEnrolled(_) => kind::STAFF_ENROLLED,
            Self::LabelPrinted(_) => kind::LABEL_PRINTED,
            Self::Audit(_) => kind::AUDIT,
            Self::Reversal(_) => kind::REVERSAL,
            Self::Erased(_) => kind::ERASED,
            Self::LetterSent(_) => kind::LETTER_SENT,
            Self::LetterRead(_) => kind::LETTER_READ,
            Self::RecordAsked(_) => kind::RECORD_ASKED,
            Self::RequestRead(_) => kind::REQUEST_READ,
            Self::RequestDecided(_) => kind::REQUEST_DECIDED,
            Self::AnswerRead(_) => kind::ANSWER_READ,
            Self::Unknown { kind } => *kind,
        }
    }

    /// The document that a fact belongs to; `None` for one that this build doesn't know.
    pub(crate) fn path(&self) -> Option<DocPath> {
        Some(match self {
            Self::NoteSigned(fact) => DocPath::Visit(fact.patient, fact.visit),
            Self::Addendum(fact) => DocPath::Visit(fact.patient, fact.visit),
            Self::Dispensed(fact) => DocPath::Visit(fact.patient, fact.visit),
            Self::LabelPrinted(fact) => DocPath::Visit(fact.patient, fact.visit),
            Self::Reversal(fact) => DocPath::Visit(fact.patient, fact.visit),
            Self::ConsentGranted(fact) => DocPath::Consents(fact.patient),
            Self::ConsentRevoked(fact) => DocPath::Consents(fact.patient),
            Self::RecordAsked(fact) => DocPath::Consents(fact.patient),
            Self::StaffEnrolled(_) | Self::Audit(_) | Self::Erased(_) => DocPath::Clinic,
            Self::LetterSent(_) | Self::LetterRead(_) => DocPath::Clinic,
            Self::RequestRead(_) | Self::RequestDecided(_) | Self::AnswerRead(_) => DocPath::Clinic,
            Self::Unknown { .. } => return None,
        })
    }

    /// Whom the fact is about.
    pub fn patient(&self) -> Option<PatientId> {
        match self {
            Self::NoteSigned(fact) => Some(fact.patient),
            Self::Addendum(fact) => Some(fact.patient),
            Self::Dispensed(fact) => Some(fact.patient),
            Self::LabelPrinted(fact) => Some(fact.patient),
            Self::Reversal(fact) => Some(fact.patient),
            Self::ConsentGranted(fact) => Some(fact.patient),
            Self::ConsentRevoked(fact) => Some(fact.patient),
            Self::Audit(fact) => fact.patient,
            Self::Erased(fact) => fact.patient,
            Self::RecordAsked(fact) => Some(fact.patient),
            Self::StaffEnrolled(_) | Self::LetterSent(_) | Self::LetterRead(_) | Self::Unknown { .. } => None,
            Self::RequestRead(_) | Self::RequestDecided(_) | Self::AnswerRead(_) => None,
        }
    }

    /// Which visit the fact is about.
    pub fn visit(&self) -> Option<VisitId> {
        match self {
            Self::NoteSigned(fact) => Some(fact.visit),
            Self::Addendum(fact) => Some(fact.visit),
            Self::Dispensed(fact) => Some(fact.visit),
            Self::LabelPrinted(fact) => Some(fact.visit),
            Self::Reversal(fact) => Some(fact.visit),
            Self::Audit(fact) => fact.visit,
            _ => None,
        }
    }

    /// What else facts of this kind are looked up by.
    pub(crate) fn subject(&self) -> Option<String> {
        match self {
            Self::ConsentGranted(fact) => Some(fact.grant.to_string()),
            Self::ConsentRevoked(fact) => Some(fact.grant.to_string()),
            Self::StaffEnrolled(fact) => Some(fact.staff.to_string()),
            Self::Dispensed(fact) => numbers::in_order_of_numbers(&fact.serial),
            Self::Audit(fact) => Some(fact.action.clone()),
            Self::Reversal(fact) => Some(fact.reverses.to_string()),
            Self::LetterSent(fact) => Some(fact.letter.to_string()),
            Self::LetterRead(fact) => Some(format!("{}/{}", fact.from, fact.letter)),
            Self::RecordAsked(fact) => Some(fact.request.to_string()),
            Self::RequestRead(fact) => Some(format!("{}/{}", fact.from, fact.request)),
            Self::RequestDecided(fact) => Some(format!("{}/{}", fact.from, fact.request)),
            Self::AnswerRead(fact) => Some(format!("{}/{}", fact.from, fact.answer)),
            _ => None,
        }
    }

    pub(crate) fn to_json(&self) -> Result<String, VaultError> {
        let json = match self {
            Self::NoteSigned(fact) => serde_json::to_string(fact),
            Self::Addendum(fact) => serde_json::to_string(fact),
            Self::Dispensed(fact) => serde_json::to_string(fact),
            Self::ConsentGranted(fact) => serde_json::to_string(fact),
            Self::ConsentRevoked(fact) => serde_json::to_string(fact),
            Self::StaffEnrolled(fact) => serde_json::to_string(fact),
            Self::LabelPrinted(fact) => serde_json::to_string(fact),
            Self::Audit(fact) => serde_json::to_string(fact),
            Self::Reversal(fact) => serde_json::to_string(fact),
            Self::Erased(fact) => serde_json::to_string(fact),
            Self::LetterSent(fact) => serde_json::to_string(fact),
            Self::LetterRead(fact) => serde_json::to_string(fact),
            Self::RecordAsked(fact) => serde_json::to_string(fact),
            Self::RequestRead(fact) => serde_json::to_string(fact),
            Self::RequestDecided(fact) => serde_json::to_string(fact),
            Self::AnswerRead(fact) => serde_json::to_string(fact),
            Self::Unknown { .. } => return Err(VaultError::Malformed("fact")),
        };
        json.map_err(|_| VaultError::Malformed("fact"))
    }

    /// Reads a body; one that this build can't read is [`Self::Unknown`], and stays stored as it came.
    pub(crate) fn from_json(kind: u16, json: &str) -> Self {
        let known = match kind {
            kind::NOTE_SIGNED => serde_json::from_str(json).map(Self::NoteSigned),
            kind::ADDENDUM => serde_json::from_str(json).map(Self::Addendum),
            kind::DISPENSED => serde_json::from_str(json).map(Self::Dispensed),
            kind::CONSENT_GRANTED => serde_json::from_str(json).map(Self::ConsentGranted),
            kind::CONSENT_REVOKED => serde_json::from_str(json).map(Self::ConsentRevoked),
            kind::STAFF_ENROLLED => serde_json::from_str(json).map(Self::StaffEnrolled),
            kind::LABEL_PRINTED => serde_json::from_str(json).map(Self::LabelPrinted),
            kind::AUDIT => serde_json::from_str(json).map(Self::Audit),
            kind::REVERSAL => serde_json::from_str(json).map(Self::Reversal),
            kind::ERASED => serde_json::from_str(json).map(Self::Erased),
            kind::LETTER_SENT => serde_json::from_str(json).map(Self::LetterSent),
            kind::LETTER_READ => serde_json::from_str(json).map(Self::LetterRead),
            kind::RECORD_ASKED => serde_json::from_str(json).map(Self::RecordAsked),
            kind::REQUEST_READ => serde_json::from_str(json).map(Self::RequestRead),
            kind::REQUEST_DECIDED => serde_json::from_str(json).map(Self::RequestDecided),
            kind::ANSWER_READ => serde_json::from_str(json).map(Self::AnswerRead),
            _ => return Self::Unknown { kind },
        };
        known.unwrap_or(Self::Unknown { kind })
    }
}
