//! The test that every backup stands before it is called one: read back by this device's own keys, judged from nothing in
//! a store that is thrown away, and compared with the store that it was made of.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use rand_core::Rng as _;
use rusqlite::Connection;
use seal::{Grant, Membership, Revocation, Statement};
use zeroize::Zeroizing;

use super::container::Closed;
use super::likeness::Likeness;
use super::make::Written;
use super::record::Record;
use super::{BackupError, BackupStage, Watch, tell};
use crate::belonging::Belonging;
use crate::documents::Shelf;
use crate::judge::Judge;
use crate::{Vault, VaultError, files, kill, rebuild, schema, sync};

/// Whether the file holds exactly what was to be written into it.
pub(super) fn stands(vault: &Vault, file: &Path, written: &Written, watch: Watch<'_>) -> Result<(), BackupError> {
    let tried = try_out(vault, file, written, watch);
    tried.map_err(|error| match error {
        BackupError::Damaged | BackupError::NotABackup | BackupError::Newer | BackupError::WrongKeys => {
            BackupError::Differs("file")
        }
        other => other,
    })
}

fn try_out(vault: &Vault, file: &Path, written: &Written, watch: Watch<'_>) -> Result<(), BackupError> {
    let belonging = &written.belonging;
    let closed = Closed::open(file)?;
    let mut reader = closed.opened(|head| head.open_with_epochs(&belonging.epochs))?;
    let trial = Trial::begin(vault)?;
    let conn = trial.conn();
    conn.execute_batch("BEGIN")?;
    let mut statements = Vec::new();
    while let Some(record) = reader.read()? {
        let (done, of) = reader.progress();
        tell(watch, BackupStage::Reading, done, of)?;
        match record {
            Record::Statement(bytes) => statements.push(Statement::decode(&bytes)?),
            Record::Grant(bytes) => drop(Grant::decode(&bytes)?),
            Record::Revocation(bytes) => drop(Revocation::decode(&bytes)?),
            Record::Change(bytes) => drop(sync::store(conn, belonging, &bytes)?),
            Record::About(_) | Record::Chunk(_) | Record::End(_) => (),
        }
    }
    kill::point("backup.read_back");
    if reader.totals() != written.totals {
        return Err(BackupError::Differs("records"));
    }
    let own = statements
        .iter()
        .filter(|statement| statement.tenant() == belonging.tenant);
    let members = Membership::from_statements(belonging.tenant, own);
    if !members.is_ok_and(|members| members == belonging.membership) {
        return Err(BackupError::Differs("statements"));
    }
    judge_all(conn, belonging, &mut Shelf::default(), watch)?;
    let likeness = Likeness::of(conn, || tell(watch, BackupStage::Judging, 1, 1))?;
    match likeness.difference(&written.likeness) {
        None => Ok(()),
        Some(what) => Err(BackupError::Differs(what)),
    }
}

/// Judges every change of a store whose tables are empty, document by document.
pub(super) fn judge_all(
    conn: &Connection,
    belonging: &Belonging,
    shelf: &mut Shelf,
    watch: Watch<'_>,
) -> Result<(), BackupError> {
    let documents = rebuild::documents(conn, belonging)?;
    let n_all = documents.len() as u64;
    for (n_done, document) in (0..).zip(&documents) {
        tell(watch, BackupStage::Judging, n_done, n_all)?;
        Judge::new(conn, belonging, shelf).judge(&rebuild::changes_of(conn, document)?)?;
    }
    Ok(())
}

/// A store that is thrown away: beside the clinic's own, on its disk, under a key that nobody keeps.
struct Trial {
    conn: Option<Connection>,
    dir: PathBuf,
}

impl Trial {
    fn begin(vault: &Vault) -> Result<Self, BackupError> {
        let dir = vault.inner.dir.clone();
        let mut key = Zeroizing::new([0; 32]);
        vault.inner.rng().fill_bytes(key.as_mut());
        let mut trial = Self { conn: None, dir };
        let mut conn = schema::connect_writer(&files::trial(&trial.dir), &key)?;
        // A crash throws it away too, so that nothing of it need be durable. It keeps its log all the same: without one,
        // pages that a large transaction spills do not read back.
        conn.execute_batch("PRAGMA synchronous = OFF; PRAGMA secure_delete = OFF")?;
        schema::migrate(&mut conn)?;
        schema::renew_projections(&conn)?;
        trial.conn = Some(conn);
        Ok(trial)
    }

    fn conn(&self) -> &Connection {
        self.conn.as_ref().expect("open until it is dropped")
    }
}

impl Drop for Trial {
    fn drop(&mut self) {
        drop(self.conn.take());
        if let Err(error) = remove_left_over(&self.dir) {
            tracing::warn!(%error, "a backup's test was not thrown away; the next one does it");
        }
    }
}

/// Takes away a trial store in `dir`.
pub(super) fn remove_left_over(dir: &Path) -> Result<(), VaultError> {
    let trial = files::trial(dir);
    for ending in ["db", "db-wal", "db-shm", "db-journal"] {
        match fs::remove_file(trial.with_extension(ending)) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error.into()),
            _ => (),
        }
    }
    Ok(())
}
