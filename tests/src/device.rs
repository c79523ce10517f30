//! A device without a window: reads one call per line on stdin and answers each on stdout, events in between.
//!
//! `{"verb":"today","input":{}}` is answered by `{"ok":…}` or `{"error":{"code":…,"detail":…}}`; what the desk tells by itself
//! comes as `{"event":"spoiled",…}`. It exists only in this crate: the shipped app has no remote control.

use std::{
    io::{BufRead, Write, stdin, stdout},
    path::PathBuf,
    sync::Arc,
};

use anyhow::{Context, Result};
use clinic::{Desk, DeskConfig, DeskEvent, Error, LanReach, machine, views::*};
use domain::{
    Diagnosis, Instant, LineId, PatientId, PrescriptionLine, PrintJobId, QueueEntryId, QueueState, RecordingId,
    Sensitivity, SoapNote, StaffId, VisitId, Vitals,
};
use serde_json::{Value, json};

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

include!("../../src-tauri/src/verb_list.rs");

/// How far a device looks for the clinic's others.
#[derive(Debug, Clone, Copy, clap::ValueEnum)]
pub enum Reach {
    /// On this machine.
    ThisMachine,
    /// On every network that it is on.
    Everywhere,
}

impl From<Reach> for LanReach {
    fn from(reach: Reach) -> Self {
        match reach {
            Reach::ThisMachine => Self::ThisMachine,
            Reach::Everywhere => Self::Everywhere,
        }
    }
}

/// Runs until stdin ends.
pub fn run(data_dir: PathBuf, passphrase_file: Option<PathBuf>, lan: Option<Reach>) -> Result<()> {
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build()?;
    let passphrase = passphrase_file
        .as_deref()
        .map(machine::read_passphrase_file)
        .transpose()?;
    std::fs::create_dir_all(&data_dir)?;
    let desk = Desk::start(DeskConfig {
        data_dir,
        engine: machine::engine_beside_this_program(),
        version: env!("CARGO_PKG_VERSION").to_owned(),
        demo: None,
        passphrase,
        crash_report: None,
        clock: Arc::new(machine::SystemClock),
        make_rng: machine::system_rng(),
        events: Arc::new(|event| say(&event_line(event))),
        runtime: runtime.handle().clone(),
        lan: lan.map(LanReach::from),
    })?;
    say(&json!({"event": "ready"}));
    for line in stdin().lock().lines() {
        let call: Value = serde_json::from_str(&line?).context("a call is one line of JSON")?;
        let verb = call["verb"].as_str().context("a call names its verb")?.to_owned();
        let answer = match act(&desk, &verb, call["input"].clone())? {
            Ok(ok) => json!({"ok": ok}),
            Err(error) => json!({"error": error}),
        };
        say(&answer);
    }
    desk.shut_down();
    Ok(())
}

/// Calls the verb with that name. The outer error is a mistake in the call, the inner one the verb's own.
fn act(desk: &Desk, verb: &str, input: Value) -> Result<Result<Value, Error>> {
    macro_rules! call {
        ($($name:ident($($input:ident: $type:ty),*) -> $answer:ty;)*) => {
            match verb {
                $(stringify!($name) => {
                    #[derive(serde::Deserialize)]
                    #[serde(deny_unknown_fields)]
                    struct Input { $($input: $type),* }
                    let Input { $($input),* } = serde_json::from_value(input).with_context(|| format!("input of {verb}"))?;
                    let answer: Result<$answer, Error> = desk.$name($($input),*);
                    match answer {
                        Ok(answer) => Ok(Ok(serde_json::to_value(answer)?)),
                        Err(error) => Ok(Err(error)),
                    }
                })*
                _ => anyhow::bail!("there is no verb {verb}"),
            }
        };
    }
    with_verbs!(call)
}

fn event_line(event: DeskEvent) -> Value {
    match event {
        DeskEvent::Spoiled(it) => json!({"event": "spoiled", "of": it}),
        DeskEvent::RecordingProgress(it) => json!({"event": "recording_progress", "of": it}),
        DeskEvent::StatusChanged(it) => json!({"event": "status_changed", "of": it}),
        DeskEvent::ModelImport(it) => json!({"event": "model_import", "of": it}),
        DeskEvent::BackupProgress(it) => json!({"event": "backup_progress", "of": it}),
        DeskEvent::MakingReady(it) => json!({"event": "making_ready", "of": it}),
    }
}

fn say(line: &Value) {
    let mut out = stdout().lock();
    // The far end may be gone (a test that kills): then there is nobody to tell.
    let _ = writeln!(out, "{line}").and_then(|()| out.flush());
}
