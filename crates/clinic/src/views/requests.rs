//! Requests for a patient's record, between clinics.

use domain::{ConsentLanguage, Day, HowAgreed, Instant, PatientId, Purpose, ShareTerms};
use serde::{Deserialize, Serialize};
use specta::Type;

/// Asks another clinic for a patient's record.
#[derive(Debug, Clone, Deserialize, Type)]
pub struct AskForRecord {
    /// Whose record, as a patient of this clinic.
    pub patient: PatientId,
    /// Tenant id of the clinic, hexadecimal.
    pub clinic: String,
    /// What for.
    pub purpose: Purpose,
    /// Why, in one line.
    pub reason: String,
}

/// What is known of a request to another clinic. Until it is answered the words are the same, whatever the other clinic does.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Type)]
#[serde(rename_all = "snake_case")]
pub enum AskedState {
    /// No answer has come yet.
    Waiting,
    /// It was answered, and what was given is here.
    Answered,
    /// No answer came in 14 days.
    NoAnswer,
    /// The relay does not take it.
    NotSent,
}

/// How far a request has come: to the other clinic's devices at most. What happens behind them is nobody's here to know.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Type)]
#[serde(rename_all = "snake_case")]
pub enum AskedFar {
    /// On this device, until the relay is reached and takes it.
    WaitsHere,
    /// Written, and the relay has said nothing of it yet.
    OnItsWay,
    /// Waits at the relay for the other clinic.
    AtRelay,
    /// A device of the other clinic has it, which says nothing of anybody's having looked.
    Delivered,
}

/// A request to another clinic.
#[derive(Debug, Clone, Serialize, Type)]
pub struct AskedRow {
    /// Its id, hexadecimal.
    pub id: String,
    /// Whose record.
    pub patient: PatientId,
    /// Her name.
    pub patient_name: String,
    /// Tenant id of the other clinic, hexadecimal.
    pub clinic: String,
    /// Its name.
    pub clinic_name: String,
    /// Who asked.
    pub author: String,
    /// What for.
    pub purpose: Purpose,
    /// Why.
    pub reason: String,
    /// When.
    pub asked_at: Instant,
    /// What is known of it.
    pub state: AskedState,
    /// How far the request came.
    pub far: AskedFar,
    /// What was given, hexadecimal.
    pub grant: Option<String>,
    /// Somebody has opened the answer.
    pub is_read: bool,
}

/// What a person decided.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Type)]
#[serde(rename_all = "snake_case")]
pub enum Decision {
    /// Something was given.
    Answered,
    /// Nothing was given, and nothing was sent.
    Declined,
}

/// A request that came.
#[derive(Debug, Clone, Serialize, Type)]
pub struct RequestRow {
    /// Tenant id of the clinic that asks, hexadecimal.
    pub from: String,
    /// Its id, hexadecimal.
    pub id: String,
    /// The clinic's name: as a person verified it, or as it calls itself.
    pub clinic_name: String,
    /// A person verified the clinic.
    pub verified: bool,
    /// Who asks.
    pub author: String,
    /// What for.
    pub purpose: Purpose,
    /// When it came here.
    pub came_at: Instant,
    /// Of whom, once somebody has opened it.
    pub name: Option<String>,
    /// What is to be said of who signed it.
    pub doubt: Option<String>,
    /// What became of it.
    pub decision: Option<Decision>,
}

/// Requests of a clinic that sent too many at once: kept, and not shown one by one.
#[derive(Debug, Clone, Serialize, Type)]
pub struct HeldBack {
    /// The clinic's name.
    pub clinic_name: String,
    /// A person verified the clinic.
    pub verified: bool,
    /// How many.
    pub count: u32,
}

/// Requests between clinics.
#[derive(Debug, Clone, Serialize, Type)]
pub struct RequestsView {
    /// What other clinics ask for and nobody has decided: emergencies first, then as they came.
    pub open: Vec<RequestRow>,
    /// What was decided, newest first.
    pub decided: Vec<RequestRow>,
    /// What is not shown one by one.
    pub held_back: Vec<HeldBack>,
    /// Requests of a newer version.
    pub n_unreadable: u32,
    /// What this clinic asked for, newest first.
    pub asked: Vec<AskedRow>,
}

/// A patient here with the very document that the request names.
#[derive(Debug, Clone, Serialize, Type)]
pub struct RequestMatch {
    /// Id.
    pub patient: PatientId,
    /// Name.
    pub name: String,
    /// Date of birth, when it is known.
    pub birth_date: Option<Day>,
    /// The request calls her by the same name.
    pub same_name: bool,
    /// The request names the same date of birth.
    pub same_birth_date: bool,
}

/// What a person decided, and who.
#[derive(Debug, Clone, Serialize, Type)]
pub struct Decided {
    /// What.
    pub decision: Decision,
    /// Who.
    pub by: String,
    /// When.
    pub at: Instant,
    /// Whose record was given.
    pub patient: Option<PatientId>,
}

/// A request that came, opened.
#[derive(Debug, Clone, Serialize, Type)]
pub struct RequestView {
    /// Tenant id of the clinic that asks, hexadecimal.
    pub from: String,
    /// Its id, hexadecimal.
    pub id: String,
    /// The clinic's name.
    pub clinic_name: String,
    /// A person verified the clinic.
    pub verified: bool,
    /// The clinic's twenty digits.
    pub digits: String,
    /// Who asks.
    pub author: String,
    /// Of whom: her name.
    pub name: String,
    /// Her document, kind and number; empty when there is none.
    pub document: String,
    /// Her date of birth, when it is known there.
    pub birth_date: Option<Day>,
    /// What for.
    pub purpose: Purpose,
    /// Why.
    pub reason: String,
    /// When it was written, by the sender's clock.
    pub written_at: Instant,
    /// When it was opened first.
    pub read_at: Instant,
    /// By whom.
    pub read_by: String,
    /// What is to be said of who signed it.
    pub doubt: Option<String>,
    /// Patients here with this document.
    pub matches: Vec<RequestMatch>,
    /// What became of it.
    pub decided: Option<Decided>,
    /// The last day of what is given today in an emergency.
    pub emergency_until: Day,
}

/// Answers a request.
#[derive(Debug, Clone, Deserialize, Type)]
pub struct AnswerRequest {
    /// Tenant id of the clinic that asks, hexadecimal.
    pub from: String,
    /// Id of the request, hexadecimal.
    pub id: String,
    /// Whose record is given.
    pub patient: PatientId,
    /// How she agreed: spoken, or not asked in an emergency.
    pub how: HowAgreed,
    /// Who agreed for a minor.
    pub guardian: Option<String>,
    /// The language of the words that were confirmed.
    pub language: ConsentLanguage,
    /// What is given.
    pub terms: ShareTerms,
}
