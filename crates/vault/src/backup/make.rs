//! Making a backup while the clinic works on: one snapshot, written out, tested, named; then older ones go.

use std::fs::{self, File};
use std::path::PathBuf;
use std::sync::Arc;

use domain::AttachmentId;
use rusqlite::Connection;

use super::container::Writer;
use super::likeness::Likeness;
use super::record::{Chunk, Record, Totals};
use super::rolling::{self, Part};
use super::{BackupError, BackupStage, Watch, tell, trial};
use crate::belonging::Belonging;
use crate::reading::count;
use crate::{Reading, Vault, files, kill, roster};

/// What is wanted of a backup.
#[derive(Debug, Clone)]
pub struct BackupOptions {
    /// Where it goes.
    pub folder: PathBuf,
    /// Whether recordings come along, as far as they are on this machine.
    pub with_sound: bool,
    /// The relay's address, for whoever restores.
    pub relay: Option<String>,
}

/// A backup that was made, and stood its test.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BackupReport {
    /// The file.
    pub file: PathBuf,
    /// How large it is.
    pub n_bytes: u64,
    /// Changes in it.
    pub n_changes: u64,
    /// Chunks of sound in it.
    pub n_chunks: u64,
    /// Chunks of sound whose file is not on this machine, or is not what was written.
    pub n_chunks_missing: u64,
    /// Older backups that went.
    pub n_pruned: usize,
}

/// What was written, and how the store was at that moment.
pub(super) struct Written {
    pub totals: Totals,
    pub likeness: Likeness,
    pub belonging: Arc<Belonging>,
    n_bytes: u64,
    n_chunks_missing: u64,
}

impl Vault {
    /// Writes everything that this clinic would need again into one file in a folder, and tests that file before it is
    /// called a backup. Nobody waits for it.
    ///
    /// Needs room for a second store beside this one, for the time of the test.
    ///
    /// # Errors
    /// Whichever it is, the store is as it was, older backups are there, and nothing half is left.
    pub fn back_up(&self, options: &BackupOptions, watch: Watch<'_>) -> Result<BackupReport, BackupError> {
        // The copy is compared with this store's tables: nothing is left to be read.
        let mut n_left = self.read_on()?;
        let of = n_left;
        while n_left > 0 {
            tell(watch, BackupStage::Judging, of.saturating_sub(n_left), of)?;
            n_left = self.read_on()?;
        }
        // What is in a backup must be what a crash cannot take back.
        self.settle()?;
        trial::remove_left_over(&self.inner.dir)?;
        let (part, file) = Part::begin(&options.folder, self.tenant(), self.device(), self.now())?;
        kill::point("backup.begun");
        let written = self.write_out(file, options, watch)?;
        kill::point("backup.written");
        trial::stands(self, part.path(), &written, watch)?;
        kill::point("backup.tested");
        let file = part.keep()?;
        kill::point("backup.named");
        let n_pruned = rolling::prune(&options.folder, &self.tenant(), &file).unwrap_or_else(|error| {
            tracing::warn!(%error, "older backups were not taken away");
            0
        });
        kill::point("backup.pruned");
        Ok(BackupReport {
            file,
            n_bytes: written.n_bytes,
            n_changes: written.totals.changes.n,
            n_chunks: written.totals.chunks.n,
            n_chunks_missing: written.n_chunks_missing,
            n_pruned,
        })
    }

    /// Takes away what a kill left of a backup's test.
    pub fn remove_unfinished_backup(&self) {
        if let Err(error) = trial::remove_left_over(&self.inner.dir) {
            tracing::warn!(%error, "what was left of a backup's test is still there");
        }
    }

    /// Writes one consistent state into `file`, which is on the disk when this returns.
    fn write_out(&self, file: File, options: &BackupOptions, watch: Watch<'_>) -> Result<Written, BackupError> {
        self.read(|r| {
            let belonging = belonging_of(r)?;
            let (head, sealer) = seal::begin_backup(
                &belonging.membership,
                &belonging.epochs,
                r.now().as_millisecond(),
                &mut self.inner.rng(),
            )?;
            let mut out = Out {
                writer: Writer::begin(file, &head, sealer)?,
                n_done: 0,
                n_all: how_many(r.conn(), options.with_sound)?,
                watch,
            };
            out.writer.put(&Record::about(options.relay.clone()))?;
            let own = "SELECT bytes FROM statements ORDER BY tenant <> ?1, tenant, id";
            out.each(r.conn(), own, &[belonging.tenant.as_bytes()], Record::Statement)?;
            out.each(r.conn(), "SELECT bytes FROM grants ORDER BY id", &[], Record::Grant)?;
            let revocations = "SELECT bytes FROM revocations ORDER BY grant_id, source";
            out.each(r.conn(), revocations, &[], Record::Revocation)?;
            kill::point("backup.half_written");
            out.each(
                r.conn(),
                "SELECT sealed FROM changes ORDER BY arrival",
                &[],
                Record::Change,
            )?;
            let n_chunks_missing = if options.with_sound {
                out.sound(self, r.conn())?
            } else {
                0
            };
            let likeness = Likeness::of(r.conn(), || out.go_on())?;
            let (file, totals, n_bytes) = out.writer.end()?;
            file.sync_all().map_err(|error| BackupError::in_folder(&error))?;
            Ok(Written {
                totals,
                likeness,
                belonging,
                n_bytes,
                n_chunks_missing,
            })
        })
    }
}

/// The view that goes with the snapshot: statements may have come since the vault's own was made.
fn belonging_of(r: &Reading<'_>) -> Result<Arc<Belonging>, BackupError> {
    let present = r.belonging();
    let statements = roster::read(r.conn(), &present.tenant)?;
    Ok(present.with(&statements).unwrap_or(present))
}

fn how_many(conn: &Connection, with_sound: bool) -> Result<u64, BackupError> {
    let sql = "SELECT (SELECT count(*) FROM changes) + (SELECT count(*) FROM chunks WHERE ?1)";
    Ok(conn.query_row(sql, [with_sound], |row| count(row, 0))?)
}

/// A backup on its way out.
struct Out<'w> {
    writer: Writer<File>,
    n_done: u64,
    n_all: u64,
    watch: Watch<'w>,
}

impl Out<'_> {
    fn go_on(&mut self) -> Result<(), BackupError> {
        tell(
            self.watch,
            BackupStage::Writing,
            self.n_done.min(self.n_all),
            self.n_all,
        )
    }

    /// Writes each row's bytes as one record.
    fn each(
        &mut self,
        conn: &Connection,
        sql: &str,
        params: &[&[u8; 32]],
        record: impl Fn(Vec<u8>) -> Record,
    ) -> Result<(), BackupError> {
        let mut statement = conn.prepare(sql)?;
        let mut rows = statement.query(rusqlite::params_from_iter(params))?;
        while let Some(row) = rows.next()? {
            let record = record(row.get(0)?);
            self.writer.put(&record)?;
            self.n_done += u64::from(matches!(record, Record::Change(_)));
            self.go_on()?;
        }
        Ok(())
    }

    /// Writes the sound that lies on this machine; gives how many chunks are not there, or not what was written.
    fn sound(&mut self, vault: &Vault, conn: &Connection) -> Result<u64, BackupError> {
        let mut statement = conn.prepare("SELECT attachment, place, file, millis FROM chunks ORDER BY 1, 2")?;
        let mut rows = statement.query([])?;
        let mut n_missing = 0;
        while let Some(row) = rows.next()? {
            let (attachment, name): ([u8; 16], [u8; 32]) = (row.get(0)?, row.get(2)?);
            let folder = AttachmentId::from_bytes(attachment).to_string();
            let sealed = fs::read(files::chunk(&vault.inner.dir, &folder, &name)).unwrap_or_default();
            if *seal::chunk_name(&sealed).as_bytes() == name {
                let (place, millis) = (row.get(1)?, row.get(3)?);
                let chunk = Chunk {
                    attachment,
                    place,
                    millis,
                    sealed,
                };
                self.writer.put(&Record::Chunk(chunk))?;
            } else {
                n_missing += 1;
            }
            self.n_done += 1;
            self.go_on()?;
        }
        Ok(n_missing)
    }
}
