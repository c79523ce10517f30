//! What the app tells its window without being asked.

use clinic::{DeskEvent, views};
use serde::{Deserialize, Serialize};
use specta::Type;
use tauri::AppHandle;
use tauri_specta::Event;

/// Queries to read again.
#[derive(Debug, Clone, Serialize, Deserialize, Type, Event)]
#[tauri_specta(event_name = "spoiled")]
pub struct SpoiledEvent(views::status::Spoiled);

/// How a recording goes on.
#[derive(Debug, Clone, Serialize, Deserialize, Type, Event)]
#[tauri_specta(event_name = "recording-progress")]
pub struct RecordingProgressEvent(views::consult::RecordingProgress);

/// The status bar has something new.
#[derive(Debug, Clone, Serialize, Deserialize, Type, Event)]
#[tauri_specta(event_name = "status-changed")]
pub struct StatusChangedEvent(views::status::StatusView);

/// How bringing in a speech model goes on.
#[derive(Debug, Clone, Serialize, Deserialize, Type, Event)]
#[tauri_specta(event_name = "model-import")]
pub struct ModelImportEvent(views::status::ModelImport);

/// How the making or restoring of a backup goes on.
#[derive(Debug, Clone, Serialize, Deserialize, Type, Event)]
#[tauri_specta(event_name = "backup-progress")]
pub struct BackupProgressEvent(views::backup::BackupTold);

/// How far a clinic is made ready after an update.
#[derive(Debug, Clone, Serialize, Deserialize, Type, Event)]
#[tauri_specta(event_name = "making-ready")]
pub struct MakingReadyEvent(views::setup::MakingReadyTold);

/// Every event, for the bindings.
pub fn every_event() -> tauri_specta::Events {
    tauri_specta::collect_events![
        SpoiledEvent,
        RecordingProgressEvent,
        StatusChangedEvent,
        ModelImportEvent,
        BackupProgressEvent,
        MakingReadyEvent
    ]
}

/// Hands one on to the window. A window that is gone hears nothing, and nothing is lost by that.
pub fn tell(app: &AppHandle, event: DeskEvent) {
    let told = match event {
        DeskEvent::Spoiled(it) => SpoiledEvent(it).emit(app),
        DeskEvent::RecordingProgress(it) => RecordingProgressEvent(it).emit(app),
        DeskEvent::StatusChanged(it) => StatusChangedEvent(*it).emit(app),
        DeskEvent::ModelImport(it) => ModelImportEvent(it).emit(app),
        DeskEvent::BackupProgress(it) => BackupProgressEvent(it).emit(app),
        DeskEvent::MakingReady(it) => MakingReadyEvent(it).emit(app),
    };
    if told.is_err() {
        tracing::debug!("the window is gone");
    }
}
