//! What goes for ever, and what stays.

use domain::{Day, PatientId};
use serde::{Deserialize, Serialize};
use specta::Type;

/// Why a record is erased.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, Type)]
#[serde(rename_all = "snake_case")]
pub enum EraseReason {
    /// The time for which it had to be kept is over.
    Retention,
    /// The patient asked for it.
    PatientsRight,
}

/// How much of a record.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, Type)]
pub struct ErasureCount {
    /// Documents in all: identity, allergies, visits, recordings.
    pub documents: u32,
    /// Visits among them.
    pub visits: u32,
    /// Recordings among them, sound and transcript.
    pub recordings: u32,
    /// Signed notes, additions, dispensings, agreements.
    pub facts: u32,
}

/// What erasing a patient's record would do now.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, Type)]
pub struct ErasurePreview {
    /// What would go.
    pub goes: ErasureCount,
    /// What has to stay.
    pub stays: ErasureCount,
    /// The first day on which all of it may go.
    pub kept_until: Day,
    /// That day has come.
    pub retention_is_over: bool,
    /// Consents that would end: other clinics lose what they were shown.
    pub consents_to_end: u32,
    /// Lines in the queues of past days that stay: a number, a time, and why she came.
    pub queue_lines: u32,
}

/// Erase what may go of a patient's record.
#[derive(Debug, Clone, Serialize, Deserialize, Type)]
pub struct ErasePatient {
    /// Whose.
    pub patient: PatientId,
    /// Why.
    pub reason: EraseReason,
    /// The PIN of who does it.
    pub pin: String,
}

/// What the clinic has chosen for all of its devices.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, Type)]
pub struct ClinicChoices {
    /// The sound of a consult, and its transcript, go when the note is signed.
    pub delete_audio_at_sign_off: bool,
}
