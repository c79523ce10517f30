//! Looking through a large store while it is in use.
//!
//! A small store is looked through when it is opened. One of many years would keep everybody waiting for seconds, so it is
//! opened at once: each page is authenticated whenever it is read, and what nobody reads is looked at here, once after each
//! opening. What is found is remembered beside the store, and the next opening says so before anything is touched.

use std::fs::{self, File};
use std::path::Path;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Mutex, PoisonError};

use rusqlite::{Connection, ErrorCode, InterruptHandle};

use crate::{Tag, Vault, VaultError, files};

/// Up to this size a store is looked through before it is opened, in bytes: some 0.3 s.
pub(crate) const AT_ONCE: u64 = 128 * 1024 * 1024;

/// What looking through a store found.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Looked {
    /// Every page is the one that was written there.
    Sound,
    /// Some are not.
    Damaged,
    /// It was stopped before its end.
    Stopped,
}

/// How far looking is.
#[derive(Default)]
pub(crate) struct Looking {
    is_done: AtomicBool,
    found_damage: AtomicBool,
    stops: AtomicBool,
    handle: Mutex<Option<InterruptHandle>>,
}

impl Looking {
    pub(crate) fn done(is_done: bool) -> Self {
        Self {
            is_done: is_done.into(),
            ..Self::default()
        }
    }
}

impl Vault {
    /// Whether every page was looked at since it was opened.
    pub fn is_looked_through(&self) -> bool {
        self.inner.looking.is_done.load(Ordering::Relaxed)
    }

    /// Whether a page was found that is not the one that was written there.
    pub fn is_damaged(&self) -> bool {
        self.inner.looking.found_damage.load(Ordering::Relaxed)
    }

    /// Reads every page. Others read and write meanwhile; it takes seconds where a store has grown for years.
    ///
    /// # Errors
    /// Those of a store that cannot be read for another reason than damage.
    pub fn look_through(&self) -> Result<Looked, VaultError> {
        let looking = &self.inner.looking;
        let conn = self.inner.reader()?;
        *looking.handle.lock().unwrap_or_else(PoisonError::into_inner) = Some(conn.get_interrupt_handle());
        let looked = each_table(&conn, &looking.stops);
        *looking.handle.lock().unwrap_or_else(PoisonError::into_inner) = None;
        match &looked {
            Ok(Looked::Sound) => looking.is_done.store(true, Ordering::Relaxed),
            Ok(Looked::Damaged) => {
                looking.is_done.store(true, Ordering::Relaxed);
                looking.found_damage.store(true, Ordering::Relaxed);
                doubt(&self.inner.dir);
                self.tell(&[Tag::Sync]);
            }
            Ok(Looked::Stopped) | Err(_) => {}
        }
        looked
    }

    /// Whoever looks through the store stops soon, and nobody begins.
    pub fn stop_looking(&self) {
        let looking = &self.inner.looking;
        looking.stops.store(true, Ordering::Relaxed);
        if let Some(handle) = &*looking.handle.lock().unwrap_or_else(PoisonError::into_inner) {
            handle.interrupt();
        }
    }
}

fn each_table(conn: &Connection, stops: &AtomicBool) -> Result<Looked, VaultError> {
    let tables = conn
        .prepare("SELECT name FROM sqlite_master WHERE type = 'table' AND sql NOT LIKE 'CREATE VIRTUAL%'")
        .and_then(|mut tables| tables.query_map([], |row| row.get(0))?.collect());
    let tables: Vec<String> = match tables {
        Ok(tables) => tables,
        Err(error) => return what_it_says(error),
    };
    for table in tables {
        if stops.load(Ordering::Relaxed) {
            return Ok(Looked::Stopped);
        }
        let check = format!("PRAGMA quick_check('{table}')");
        match conn.query_row(&check, [], |row| row.get::<_, String>(0)) {
            Ok(word) if word == "ok" => {}
            Ok(_) => return Ok(Looked::Damaged),
            Err(error) => return what_it_says(error),
        }
    }
    Ok(Looked::Sound)
}

fn what_it_says(error: rusqlite::Error) -> Result<Looked, VaultError> {
    match error.sqlite_error_code() {
        Some(ErrorCode::OperationInterrupted) => Ok(Looked::Stopped),
        Some(ErrorCode::DatabaseCorrupt | ErrorCode::NotADatabase | ErrorCode::SystemIoFailure) => Ok(Looked::Damaged),
        _ => Err(error.into()),
    }
}

/// The next opening looks through all of it before it touches anything.
fn doubt(dir: &Path) {
    if let Err(error) = File::create(files::doubt(dir)).and_then(|file| file.sync_all()) {
        tracing::error!(%error, "that the store is damaged could not be remembered; it is found again after the next start");
    }
}

/// Whether damage was found when it was last open.
pub(crate) fn is_in_doubt(dir: &Path) -> bool {
    files::doubt(dir).exists()
}

/// All of it was looked through, and is sound.
pub(crate) fn is_sound(dir: &Path) {
    if let Err(error) = fs::remove_file(files::doubt(dir))
        && error.kind() != std::io::ErrorKind::NotFound
    {
        tracing::warn!(%error, "a doubt about the store stays; the next start looks through it again");
    }
}
