//! Backups, and a new device from one.

use domain::Instant;
use serde::{Deserialize, Serialize};
use specta::Type;

use crate::{ErrorCode, views::setup::Protection};

/// Where this device's backups stand.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, Type)]
pub struct BackupView {
    /// The folder that they go to, every day; empty = none.
    pub folder: String,
    /// Recordings come along.
    pub with_sound: bool,
    /// The last one that stood its test, whichever folder it went to.
    pub last: Option<BackupMade>,
    /// Why the last try made none; `None` after one that did.
    pub problem: Option<ErrorCode>,
    /// One is being made now.
    pub running: bool,
}

/// A backup that was made here and stood its test.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, Type)]
pub struct BackupMade {
    /// When.
    pub at: Instant,
    /// The folder that it went to.
    pub folder: String,
    /// Its name in there.
    pub file: String,
    /// Its size.
    #[specta(type = specta_typescript::Number)]
    pub bytes: u64,
    /// Pieces of sound that are not on this device, and so not in it.
    pub sound_missing: u32,
}

/// Make this a new device of the clinic whose backup and recovery kit these are.
#[derive(Debug, Clone, Deserialize, Type)]
pub struct RestoreClinic {
    /// The backup.
    pub file: String,
    /// The twenty-four words of the kit.
    pub words: String,
    /// How the new store's key is kept.
    pub protection: Protection,
}

/// Told while a backup is made or restored, with each percent.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, Type)]
pub struct BackupTold {
    /// What is done now.
    pub stage: BackupStage,
    /// How much of it, in percent.
    pub percent: u8,
}

/// What is done with a backup.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, Type)]
#[serde(rename_all = "snake_case")]
pub enum BackupStage {
    /// It is written.
    Writing,
    /// It is read: for its test, or to be restored.
    Reading,
    /// What was read is checked, record by record.
    Checking,
}
