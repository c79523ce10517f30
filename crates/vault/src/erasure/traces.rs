//! What is left of erased things on this machine beside the set: rows that are not synced, files of sound, and the
//! write-ahead log.

use std::fs;
use std::io;
use std::path::Path;
use std::time::Duration;

use domain::AttachmentId;
use rusqlite::{Connection, OptionalExtension, params};

use crate::documents::DocPath;
use crate::outbox::Kind;
use crate::{VaultError, before_migration, files};

/// So long a checkpoint after an erasure waits for readers; what it does not get done then a later one does.
const WAIT_FOR_READERS: Duration = Duration::from_millis(250);

/// How long a connection waits otherwise.
const WAIT: Duration = Duration::from_secs(10);

/// Takes away what this machine alone keeps about a document: labels that were printed, releases that were made, how far a
/// transcription went.
pub(super) fn forget_local(conn: &Connection, path: &DocPath) -> Result<(), VaultError> {
    let settings_about = |id: String| -> Result<(), VaultError> {
        conn.prepare_cached("DELETE FROM settings WHERE key LIKE '%/' || ?1")?
            .execute([id])?;
        Ok(())
    };
    match path {
        DocPath::Visit(_, visit) => {
            conn.prepare_cached("DELETE FROM print_jobs WHERE visit = ?1")?
                .execute([visit.as_bytes()])?;
            settings_about(visit.to_string())
        }
        DocPath::Recording(_, recording) => {
            conn.prepare_cached("DELETE FROM recordings_wanted WHERE recording = ?1")?
                .execute([recording.as_bytes()])?;
            settings_about(recording.to_string())
        }
        DocPath::Identity(patient) => {
            conn.prepare_cached(
                "DELETE FROM outbox WHERE kind = ?2 AND id IN (SELECT id FROM releases_made WHERE patient = ?1)",
            )?
            .execute(params![patient.as_bytes(), Kind::Release as i64])?;
            conn.prepare_cached("DELETE FROM releases_made WHERE patient = ?1")?
                .execute([patient.as_bytes()])?;
            Ok(())
        }
        _ => Ok(()),
    }
}

/// Its chunks no longer count; their files go after the commit, and after any crash, and the relay is told.
pub(crate) fn note_attachment(conn: &Connection, attachment: AttachmentId) -> Result<(), VaultError> {
    conn.prepare_cached("DELETE FROM chunks WHERE attachment = ?1")?
        .execute([attachment.as_bytes()])?;
    for sql in [
        "INSERT OR IGNORE INTO files_to_erase (attachment) VALUES (?1)",
        "INSERT OR IGNORE INTO attachments_to_forget (attachment) VALUES (?1)",
    ] {
        conn.prepare_cached(sql)?.execute([attachment.as_bytes()])?;
    }
    Ok(())
}

/// Remembers, in the transaction of an erasure, that traces are to be taken away.
pub(super) fn note(conn: &Connection) -> Result<(), VaultError> {
    conn.execute("INSERT OR IGNORE INTO meta (key, value) VALUES ('traces', 1)", [])?;
    Ok(())
}

/// Whether an erasure was committed whose traces are still there: a crash may have come between.
pub(crate) fn are_left(conn: &Connection) -> Result<bool, VaultError> {
    let left = conn.query_row("SELECT 1 FROM meta WHERE key = 'traces'", [], |_| Ok(()));
    Ok(left.optional()?.is_some())
}

/// After the commit: takes away the files of erased attachments, and brings the log into the file and cuts it off, so that
/// neither still has what was erased. `false` when a reader or the system stood against it: try again after a later commit.
pub(crate) fn forget(conn: &Connection, dir: &Path) -> bool {
    let done = remove_files(conn, dir)
        .and_then(|()| Ok(before_migration::forget(dir)?))
        .and_then(|()| cut_off_log(conn));
    done.unwrap_or_else(|error| {
        tracing::warn!(%error, "what is left of something erased is still there; the next commit tries again");
        false
    })
}

fn remove_files(conn: &Connection, dir: &Path) -> Result<(), VaultError> {
    let mut statement = conn.prepare_cached("SELECT attachment FROM files_to_erase")?;
    let rows = statement.query_map([], |row| row.get(0).map(AttachmentId::from_bytes))?;
    let attachments: Vec<AttachmentId> = rows.collect::<Result<_, _>>()?;
    for attachment in attachments {
        let folder = files::attachment(dir, &attachment.to_string());
        match fs::remove_dir_all(&folder) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error.into()),
            _ => (),
        }
        folder
            .parent()
            .filter(|parent| parent.exists())
            .map_or(Ok(()), files::sync_folder)?;
        conn.prepare_cached("DELETE FROM files_to_erase WHERE attachment = ?1")?
            .execute([attachment.as_bytes()])?;
    }
    Ok(())
}

fn cut_off_log(conn: &Connection) -> Result<bool, VaultError> {
    conn.busy_timeout(WAIT_FOR_READERS)?;
    let is_busy = conn.query_row("PRAGMA wal_checkpoint(TRUNCATE)", [], |row| row.get::<_, bool>(0));
    conn.busy_timeout(WAIT)?;
    if is_busy? {
        return Ok(false);
    }
    conn.execute("DELETE FROM meta WHERE key = 'traces'", [])?;
    Ok(true)
}
