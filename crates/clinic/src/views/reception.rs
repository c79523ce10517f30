//! The counter: finding, registering, queueing.

use domain::{
    Address, Day, Identifier, Instant, MyKadWarning, PatientId, QueueEntryId, QueueState, Sex, StaffId, Token, VisitId,
};
use serde::{Deserialize, Serialize};
use specta::Type;

/// A patient in a list: no more than the list shows.
#[derive(Debug, Clone, Serialize, Type)]
pub struct PatientRow {
    /// Id.
    pub id: PatientId,
    /// Name.
    pub name: String,
    /// Last four digits of the document, masked.
    pub identifier_tail: String,
    /// Age in years, when known.
    pub age_years: Option<u16>,
    /// Sex.
    pub sex: Sex,
    /// Why this row was found.
    pub matched: MatchReason,
}

/// Why a patient was found.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, Type)]
#[serde(rename_all = "snake_case")]
pub enum MatchReason {
    /// The name.
    Name,
    /// The document's number.
    Identifier,
    /// The telephone.
    Phone,
}

/// What a MyKad number says while it is typed.
#[derive(Debug, Clone, Serialize, Type)]
pub struct MyKadReading {
    /// Twelve digits with dashes.
    pub formatted: String,
    /// Date of birth, when the digits are one.
    pub birth_date: Option<Day>,
    /// Sex.
    pub sex: Sex,
    /// What looks wrong; never a reason to refuse.
    pub warnings: Vec<MyKadWarning>,
    /// A patient who has this number already.
    pub existing: Option<PatientRow>,
}

/// Register a patient.
#[derive(Debug, Clone, Deserialize, Type)]
pub struct CreatePatient {
    /// Full name.
    pub name: String,
    /// Document.
    pub identifier: Identifier,
    /// Date of birth.
    pub birth_date: Option<Day>,
    /// Sex.
    pub sex: Sex,
    /// Telephone.
    pub phone: String,
    /// Address.
    pub address: Address,
}

/// Put a patient in today's queue.
#[derive(Debug, Clone, Deserialize, Type)]
pub struct QueuePatient {
    /// Who.
    pub patient: PatientId,
    /// Why she came.
    pub reason: String,
    /// For which doctor; `None` = whoever is free.
    pub doctor: Option<StaffId>,
}

/// What the counter tells the patient.
#[derive(Debug, Clone, Serialize, Type)]
pub struct Queued {
    /// Id in the queue.
    pub entry: QueueEntryId,
    /// The patient.
    pub patient: PatientId,
    /// The visit.
    pub visit: VisitId,
    /// Token.
    pub token: Token,
}

/// One row of today's queue.
#[derive(Debug, Clone, Serialize, Type)]
pub struct QueueRow {
    /// Id.
    pub entry: QueueEntryId,
    /// Token.
    pub token: Token,
    /// The visit.
    pub visit: VisitId,
    /// The patient.
    pub patient: PatientId,
    /// Name.
    pub name: String,
    /// Age in years, when known.
    pub age_years: Option<u16>,
    /// Sex.
    pub sex: Sex,
    /// Reason.
    pub reason: String,
    /// Doctor's id.
    pub doctor: Option<StaffId>,
    /// Doctor's name.
    pub doctor_name: Option<String>,
    /// State.
    pub state: QueueState,
    /// Waiting since.
    pub arrived_at: Instant,
}

/// Today.
#[derive(Debug, Clone, Serialize, Type)]
pub struct TodayView {
    /// The day, in the clinic's time zone.
    pub day: Day,
    /// The queue, in order.
    pub rows: Vec<QueueRow>,
    /// Doctors who can be chosen.
    pub doctors: Vec<DoctorChoice>,
}

/// A doctor to queue for.
#[derive(Debug, Clone, Serialize, Type)]
pub struct DoctorChoice {
    /// Id.
    pub id: StaffId,
    /// Name.
    pub name: String,
}
