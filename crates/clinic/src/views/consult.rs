//! The doctor's side of a visit.

use domain::{
    AllergyId, AllergyStatus, Day, Diagnosis, Heard, Instant, PatientId, PrescriptionLine, QueueState, RecordingId,
    Sensitivity, Severity, Sex, SoapNote, Token, Turn, VisitId, Vitals,
};
use serde::{Deserialize, Serialize};
use specta::Type;

use crate::pharmacy_checks::CheckedLine;

/// The strip on top of every clinical screen.
#[derive(Debug, Clone, Serialize, Type)]
pub struct PatientBanner {
    /// Id.
    pub id: PatientId,
    /// Name.
    pub name: String,
    /// Masked document, e.g. `MyKad ····5029`.
    pub identifier: String,
    /// Date of birth.
    pub birth_date: Option<Day>,
    /// Whole years.
    pub age_years: Option<u16>,
    /// Months beyond the years.
    pub age_months: Option<u16>,
    /// Sex.
    pub sex: Sex,
    /// Allergies: three states that never look alike.
    pub allergies: AllergyStatus,
    /// Last weight, with its day.
    pub vitals: Vitals,
    /// How much about her was written apart and waits for a person to judge it.
    pub undecided: u32,
    /// Of the allergies, those that stand here in their graver reading until then.
    pub undecided_allergies: Vec<AllergyId>,
}

/// Where a note stands.
#[derive(Debug, Clone, Serialize, Type)]
#[serde(tag = "state", rename_all = "snake_case")]
pub enum NoteState {
    /// Being written.
    Draft {
        /// The words.
        note: SoapNote,
        /// Saved here at.
        saved_at: Option<Instant>,
    },
    /// Signed: nothing can edit it.
    Signed {
        /// The words.
        note: SoapNote,
        /// By whom.
        signed_by: String,
        /// When.
        signed_at: Instant,
        /// The person's signature was verified here.
        verified: bool,
        /// Later additions, oldest first.
        addenda: Vec<Addendum>,
        /// It was signed on another device too: a person must reverse one.
        twice: bool,
        /// Its draft was edited on a device that had not heard of the signature: a person must look at it.
        late_edit: bool,
    },
}

/// An addition to a signed note.
#[derive(Debug, Clone, Serialize, Type)]
pub struct Addendum {
    /// The words.
    pub text: String,
    /// By whom.
    pub by: String,
    /// When.
    pub at: Instant,
}

/// Everything that the consult shows.
#[derive(Debug, Clone, Serialize, Type)]
pub struct VisitView {
    /// Id.
    pub visit: VisitId,
    /// Token.
    pub token: Token,
    /// Day.
    pub day: Day,
    /// Why she came.
    pub reason: String,
    /// Where she is.
    pub state: QueueState,
    /// Who.
    pub banner: PatientBanner,
    /// Problems of earlier visits.
    pub past_visits: Vec<PastVisit>,
    /// The note.
    pub note: NoteState,
    /// What was measured at this visit.
    pub vitals: Vitals,
    /// Diagnoses.
    pub diagnoses: Vec<Diagnosis>,
    /// Marks that keep this visit out of what is shared.
    pub sensitivity: Vec<Sensitivity>,
    /// The prescription with its findings.
    pub lines: Vec<CheckedLine>,
    /// Recordings of this visit.
    pub recordings: Vec<RecordingView>,
    /// What other clinics share about her.
    pub shared: Vec<super::sharing::SharedSummary>,
}

/// Whether a visit's note is signed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Type)]
#[serde(rename_all = "snake_case")]
pub enum VisitState {
    /// Being written.
    Draft,
    /// Signed: nothing can edit it.
    Signed,
}

/// An earlier visit in one line.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Type)]
pub struct PastVisit {
    /// Id.
    pub visit: VisitId,
    /// Day.
    pub day: Day,
    /// Whether its note is signed.
    pub state: VisitState,
    /// Who signed it; while it is a draft, whose patient it is. Empty when nobody is known.
    pub doctor: String,
    /// It has a mark that keeps it out of what is shared.
    pub sensitive: bool,
    /// Diagnoses, or the reason.
    pub summary: String,
    /// Medicines, by name.
    pub medicines: Vec<String>,
    /// It was signed on two devices: a person must reverse one.
    pub signed_twice: bool,
    /// A medicine of it was handed over on two devices: a person must reverse one.
    pub dispensed_twice: bool,
}

/// A recording and what became of it.
#[derive(Debug, Clone, Serialize, Type)]
pub struct RecordingView {
    /// Id.
    pub id: RecordingId,
    /// State.
    pub state: RecordingState,
    /// Length so far, milliseconds.
    pub length_ms: u32,
    /// Who said what.
    pub turns: Vec<Turn>,
    /// The model that wrote it.
    pub model: Option<String>,
    /// True when that model is the demo's.
    pub demo_model: bool,
}

/// State of a recording.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, Type)]
#[serde(rename_all = "snake_case")]
pub enum RecordingState {
    /// Sound is coming in.
    Recording,
    /// The sound is safe; text is still being written.
    Transcribing,
    /// Heavy work is paused (on battery).
    Postponed,
    /// All text is there.
    Done,
    /// Cut off by a crash or a power cut; can be taken up again.
    Interrupted,
    /// The sound is safe, the text failed; can be tried again.
    Failed,
}

/// Where the sound comes from.
#[derive(Debug, Clone, Deserialize, Type)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub enum SoundSource {
    /// A microphone; `None` = the system's default.
    Microphone {
        /// Device id as listed.
        device: Option<String>,
    },
    /// A WAV file, fed through the very same pipeline.
    Wav {
        /// Path.
        path: String,
        /// As fast as the machine can, instead of at the speed of speech.
        fast: bool,
    },
}

/// Told while a recording runs.
#[derive(Debug, Clone, Serialize, Deserialize, Type)]
pub struct RecordingProgress {
    /// The visit.
    pub visit: VisitId,
    /// The recording.
    pub recording: RecordingId,
    /// State.
    pub state: RecordingState,
    /// Length so far, milliseconds.
    pub length_ms: u32,
    /// Loudness per channel, 0..=100.
    pub levels: Vec<u8>,
    /// A turn that is final.
    pub turn: Option<Turn>,
    /// Words that may still change.
    pub partial: Option<String>,
    /// Error code, when it failed.
    pub error: Option<String>,
}

/// A sentence of a draft, with where it came from.
#[derive(Debug, Clone, Serialize, Deserialize, Type)]
pub struct DraftProposal {
    /// The proposed note.
    pub note: SoapNote,
    /// Vitals that were said aloud.
    pub vitals: Vitals,
    /// Allergies that were said aloud.
    pub allergies: Vec<MentionedAllergy>,
}

/// An allergy that was said aloud: offered, never recorded by itself.
#[derive(Debug, Clone, Serialize, Deserialize, Type)]
pub struct MentionedAllergy {
    /// Substance as said.
    pub substance: String,
    /// Reaction as said, or empty.
    pub reaction: String,
    /// Where.
    pub heard: Heard,
}

/// Record an allergy.
#[derive(Debug, Clone, Deserialize, Type)]
pub struct RecordAllergy {
    /// Who.
    pub patient: PatientId,
    /// Substance.
    pub substance: String,
    /// Reaction.
    pub reaction: String,
    /// How bad.
    pub severity: Severity,
}

/// A line as the doctor writes it; the checks answer to it.
#[derive(Debug, Clone, Deserialize, Type)]
pub struct PrescribeLine {
    /// The visit.
    pub visit: VisitId,
    /// The line; its `overrides` are filled by the verb from `reasons`.
    pub line: PrescriptionLine,
    /// Reasons by finding key.
    pub reasons: Vec<OverrideReason>,
}

/// Why a serious alert is overridden.
#[derive(Debug, Clone, Deserialize, Type)]
pub struct OverrideReason {
    /// The finding's key.
    pub finding_key: String,
    /// In the person's own words.
    pub reason: String,
}
