//! What the app tells its window without being asked.

use clinic::{DeskEvent, views};
use serde::{Deserialize, Serialize};
use specta::Type;
use tauri::AppHandle;
use tauri_specta::Event;

/// Queries to read again.
#[derive(Debug, Clone, Serialize, Deserialize, Type, Event)]
pub struct Spoiled(views::status::Spoiled);

/// How a recording goes on.
#[derive(Debug, Clone, Serialize, Deserialize, Type, Event)]
pub struct RecordingProgress(views::consult::RecordingProgress);

/// The status bar has something new.
#[derive(Debug, Clone, Serialize, Deserialize, Type, Event)]
pub struct StatusChanged(views::status::StatusView);

/// Every event, for the bindings.
pub fn every_event() -> tauri_specta::Events {
    tauri_specta::collect_events![Spoiled, RecordingProgress, StatusChanged]
}

/// Hands one on to the window. A window that is gone hears nothing, and nothing is lost by that.
pub fn tell(app: &AppHandle, event: DeskEvent) {
    let told = match event {
        DeskEvent::Spoiled(it) => Spoiled(it).emit(app),
        DeskEvent::RecordingProgress(it) => RecordingProgress(it).emit(app),
        DeskEvent::StatusChanged(it) => StatusChanged(it).emit(app),
    };
    if told.is_err() {
        tracing::debug!("the window is gone");
    }
}
