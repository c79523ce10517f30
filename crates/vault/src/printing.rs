//! Print jobs of this machine: bytes frozen before the first one leaves, and what became of them. Not synced.
//!
//! Which state may follow which is the spool's business (`devices`); here they are only kept.

use domain::{DispensingId, Instant, PrintJobId, VisitId};
use rusqlite::{Params, Row, params};
use serde::{Deserialize, Serialize};

use crate::documents::{from_code, to_code};
use crate::{Reading, Tag, VaultError, Writing};

/// Where a job is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum PrintState {
    /// Nothing has left.
    Queued,
    /// Bytes are leaving; after a crash this means unknown.
    Sending,
    /// All bytes left.
    Sent,
    /// It came out: the printer said so, or a person did.
    Confirmed,
    /// Nothing left; it may be tried again.
    Failed,
    /// Something left, and nobody knows whether it came out: a person is asked.
    Unknown,
}

/// A job that is about to be queued.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NewPrintJob {
    /// Its id.
    pub id: PrintJobId,
    /// The printer's name in the settings.
    pub printer: String,
    /// What it is, as a stable key: `label`, `receipt`, `test`.
    pub what: String,
    /// Exactly what will be sent.
    pub bytes: Vec<u8>,
    /// Of which visit.
    pub visit: Option<VisitId>,
    /// Of which handing-over.
    pub dispensing: Option<DispensingId>,
    /// 0 for the first print, then the number after REPRINT.
    pub copy: u32,
}

/// A job as it is kept.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PrintJob {
    /// What was queued.
    pub job: NewPrintJob,
    /// Where it is.
    pub state: PrintState,
    /// Why it is there, as a stable word.
    pub reason: Option<String>,
    /// When it was queued.
    pub made_at: Instant,
    /// When it came to be where it is.
    pub changed_at: Instant,
}

const COLUMNS: &str = "id, printer, what, bytes, visit, dispensing, copy, state, reason, made_ms, changed_ms";

impl Reading<'_> {
    /// One job.
    pub fn print_job(&self, id: PrintJobId) -> Result<Option<PrintJob>, VaultError> {
        Ok(self.jobs("WHERE id = ?1", [id.as_bytes()])?.into_iter().next())
    }

    /// The newest jobs, newest first.
    pub fn print_jobs(&self, limit: u32) -> Result<Vec<PrintJob>, VaultError> {
        self.jobs("ORDER BY made_ms DESC, id DESC LIMIT ?1", [limit])
    }

    /// Jobs that are neither sent nor confirmed, oldest first.
    pub fn open_print_jobs(&self) -> Result<Vec<PrintJob>, VaultError> {
        self.jobs(
            "WHERE state IN ('queued', 'sending', 'failed', 'unknown') ORDER BY made_ms, id",
            [],
        )
    }

    fn jobs(&self, rest: &str, params: impl Params) -> Result<Vec<PrintJob>, VaultError> {
        self.many(&format!("SELECT {COLUMNS} FROM print_jobs {rest}"), params, read)
    }
}

impl Writing<'_> {
    /// Freezes a job.
    pub fn add_print_job(&mut self, job: &NewPrintJob) -> Result<(), VaultError> {
        let now = self.now().as_millisecond();
        self.conn()
            .prepare_cached(&format!(
                "INSERT INTO print_jobs ({COLUMNS}) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, NULL, ?9, ?9)"
            ))?
            .execute(params![
                job.id.as_bytes(),
                job.printer,
                job.what,
                job.bytes,
                job.visit.map(|visit| *visit.as_bytes()),
                job.dispensing.map(|dispensing| *dispensing.as_bytes()),
                job.copy,
                to_code(&PrintState::Queued)?,
                now,
            ])?;
        self.spoil([Tag::PrintJobs]);
        Ok(())
    }

    /// Writes down where a job is now, and why.
    pub fn set_print_state(
        &mut self,
        id: PrintJobId,
        state: PrintState,
        reason: Option<&str>,
    ) -> Result<(), VaultError> {
        let n_rows = self
            .conn()
            .prepare_cached("UPDATE print_jobs SET state = ?2, reason = ?3, changed_ms = ?4 WHERE id = ?1")?
            .execute(params![
                id.as_bytes(),
                to_code(&state)?,
                reason,
                self.now().as_millisecond()
            ])?;
        self.spoil([Tag::PrintJobs]);
        if n_rows == 1 {
            Ok(())
        } else {
            Err(VaultError::NotFound("print job"))
        }
    }
}

fn read(row: &Row<'_>) -> Result<PrintJob, VaultError> {
    let time = |millis| Instant::from_millisecond(millis).ok_or(VaultError::Malformed("time"));
    Ok(PrintJob {
        job: NewPrintJob {
            id: PrintJobId::from_bytes(row.get(0)?),
            printer: row.get(1)?,
            what: row.get(2)?,
            bytes: row.get(3)?,
            visit: row.get::<_, Option<[u8; 16]>>(4)?.map(VisitId::from_bytes),
            dispensing: row.get::<_, Option<[u8; 16]>>(5)?.map(DispensingId::from_bytes),
            copy: row.get(6)?,
        },
        state: from_code(&row.get::<_, String>(7)?).ok_or(VaultError::Malformed("print state"))?,
        reason: row.get(8)?,
        made_at: time(row.get(9)?)?,
        changed_at: time(row.get(10)?)?,
    })
}
