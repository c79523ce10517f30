//! The commands that a window can call: each hands over to the verb of `clinic` that has its name.
//!
//! No rule lives here. A verb may block (SQLite, Argon2id, the relay), so each runs off the window's thread.

use clinic::{Desk, Error, views::*};
use domain::{
    Diagnosis, Instant, LineId, PatientId, PrescriptionLine, PrintJobId, QueueEntryId, QueueState, RecordingId,
    Sensitivity, SoapNote, StaffId, VisitId, Vitals,
};
use tauri::State;

use backup::{BackupView, RestoreClinic};
use conflicts::{ConflictsView, DecideConflict, DecideRemoved, Reverse, TakeLateEdit};
use consult::{DraftProposal, PrescribeLine, RecordAllergy, SoundSource, VisitView};
use erasing::{ClinicChoices, ErasePatient, ErasureCount, ErasurePreview};
use members::{DeviceView, MakeAdmin, QuarantinedView, RemoveDevice, ReviewRemoved};
use network::{DirectoryView, EntryView, LetterView, LettersView, SendLetter};
use pharmacy::{DispenseRow, DispenseView, HandOver, PrintJobView, ProductChoice};
use plan::PlanView;
use reception::{CreatePatient, MyKadReading, PatientRow, QueuePatient, Queued, TodayView};
use requests::{AnswerRequest, AskForRecord, RequestView, RequestsView};
use setup::{
    AddStaff, AppState, JoinByCode, JoinClinic, PairingOffer, PairingState, RecoveryKitView, SessionView, StaffFace,
};
use sharing::{AuditRow, ClinicCardView, GrantConsent, GrantView, KnownClinic, NetworkView, SharedRecordView};
use sound::{EraseRecording, SoundView};
use status::{DeviceContact, DeviceSettings, MicrophoneChoice, ModelChoice, StatusView};

include!("verb_list.rs");

/// Every command of the app, for the handler and for the TypeScript bindings.
pub fn every_command() -> tauri_specta::Commands<tauri::Wry> {
    macro_rules! collect {
        ($($name:ident($($input:ident: $type:ty),*) -> $answer:ty;)*) => { tauri_specta::collect_commands![$($name),*] };
    }
    with_verbs!(collect)
}

macro_rules! commands {
    ($($name:ident($($input:ident: $type:ty),*) -> $answer:ty;)*) => {$(
        #[doc = concat!("`clinic::Desk::", stringify!($name), "`.")]
        #[tauri::command]
        #[specta::specta]
        pub async fn $name(desk: State<'_, Desk>, $($input: $type),*) -> Result<$answer, Error> {
            let desk = desk.inner().clone();
            let done = tauri::async_runtime::spawn_blocking(move || desk.$name($($input),*)).await;
            done.unwrap_or_else(|_| Err(Error::from(clinic::ErrorCode::Internal)))
        }
    )*};
}

with_verbs!(commands);
