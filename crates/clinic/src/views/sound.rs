//! Recordings as things that lie somewhere: how long, where the sound is, what may become of it. Never a word that was said.

use domain::{Day, Instant, RecordingId, VisitId};
use serde::{Deserialize, Serialize};
use specta::Type;

/// One recording.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, Type)]
pub struct SoundView {
    /// Id.
    pub recording: RecordingId,
    /// The visit that it is of.
    pub visit: VisitId,
    /// Day of that visit.
    pub day: Day,
    /// Since when.
    pub started_at: Instant,
    /// Length so far, milliseconds.
    pub length_ms: u32,
    /// Size of the sound, bytes.
    #[specta(type = specta_typescript::Number)]
    pub bytes: u64,
    /// Turns of its transcript.
    pub turns: u32,
    /// The note of its visit is signed: from then on it may be erased.
    pub signed: bool,
    /// It runs on this device, or its text is being written here.
    pub running: bool,
    /// Where the sound is.
    pub place: SoundPlace,
}

/// Where a recording's sound is, seen from this device.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, Type)]
#[serde(tag = "at", rename_all = "snake_case")]
pub enum SoundPlace {
    /// On this device, all of it.
    Here,
    /// On its way: so many of its parts are here. It goes on whenever somebody who has it can be reached.
    Coming {
        /// Parts that are here.
        here: u32,
        /// Parts in all.
        of: u32,
        /// It pauses: the disk is full. It goes on by itself once there is room.
        no_room: bool,
    },
    /// On another device or the relay. Nobody has asked for it here.
    Elsewhere,
    /// Another device began it, and its end has not been heard of: it runs, or was cut off there.
    Unfinished,
}

/// Why a recording is erased.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, Type)]
#[serde(rename_all = "snake_case")]
pub enum SoundReason {
    /// The patient asked for it.
    PatientsRight,
    /// The signed note is enough.
    NotKept,
}

/// Erase one recording.
#[derive(Debug, Clone, Serialize, Deserialize, Type)]
pub struct EraseRecording {
    /// Which.
    pub recording: RecordingId,
    /// Why.
    pub reason: SoundReason,
    /// The PIN of who does it.
    pub pin: String,
}
