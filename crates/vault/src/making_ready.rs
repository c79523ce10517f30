//! After an update: tables of another build are dropped and made again, before anybody is given the store.
//!
//! 1. By which build they were made is forgotten, so that whatever build opens the store next knows that they are not its own; how
//!    far this one is stands in `meta.making_ready`. Indexes and tables are dropped one by one, and all changes are set back to *stored
//!    and not read*, so many in one transaction.
//! 2. The tables are made, empty.
//! 3. All of it is read on (`backlog`), the clinic's document first, since it says what was erased; the rest as it came.
//! 4. By which build the tables are made is written down.
//!
//! A store that was left goes on where it was: a kill or a full disk costs a transaction. The log goes into the file now and
//! then, and never holds everything. In the end the tables are those of a rebuild, since they are a function of the set.

use std::ops::ControlFlow;

use rusqlite::{Connection, OptionalExtension, params};

use crate::backlog::{self, Next, rank};
use crate::reading::count;
use crate::{OpenError, Vault, VaultError, buckets, erasure, kill, schema, snapshots};

/// How much is done at a time, in changes. Tests do less.
#[doc(hidden)]
#[derive(Debug, Clone, Copy)]
pub struct Pace {
    /// Set back in one transaction: some 25 MiB of the set.
    pub set_back: u32,
    /// Looked at together.
    pub slice: usize,
    /// Read in one transaction. Nobody waits to write, and a page that many of them touch is written once.
    pub in_one_go: usize,
    /// Told of together at the least. Of many, a thousandth is told of together.
    pub told: u64,
}

impl Default for Pace {
    fn default() -> Self {
        Self {
            set_back: 65_536,
            slice: backlog::SLICE,
            in_one_go: 16_384,
            told: 512,
        }
    }
}

/// Sets the changes of a range of arrivals back. That something was covered stays known, as in a rebuild.
const SETTING_BACK: &str = "UPDATE changes SET verdict = 3, reason = NULL, am_hash = NULL, am_seq = NULL,
        rank = iif(document = ?1, ?2, ?3),
        covered_ms = iif(covered_by IS NULL, covered_ms, coalesce(covered_ms, 0)), covered_by = NULL
    WHERE arrival BETWEEN ?4 AND ?5";

/// How far a store is made ready whose tables are another build's, in changes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct MakingReady {
    /// Read again. It never becomes less.
    pub done: u64,
    /// To be read again in all.
    pub of: u64,
}

/// Who is told how far it is: before anything is written, after each transaction until the first change is read (then nothing is
/// done yet), at most a thousand times from there on, and at the end. `Break` ends it soon; the next opening goes on.
pub type WatchReady<'w> = &'w mut dyn FnMut(MakingReady) -> ControlFlow<()>;

/// How far the tables in a store are this build's.
#[derive(Debug, Clone, Copy)]
enum Tables {
    /// They are.
    Whole,
    /// They are, and so many changes are to be in them in all.
    HalfRead(u64),
    /// They are being dropped, and all that arrived until then is set back.
    HalfDropped(i64),
    /// They are another's.
    Others,
}

impl Tables {
    fn found(conn: &Connection) -> Result<Self, VaultError> {
        let said = |key: &str| {
            let sql = "SELECT value FROM meta WHERE key = ?1";
            conn.query_row(sql, [key], |row| row.get::<_, String>(0)).optional()
        };
        let own = schema::projection_fingerprint();
        if let Some(made_by) = said("projections")? {
            return Ok(if made_by == own { Self::Whole } else { Self::Others });
        }
        let begun = said("making_ready")?.unwrap_or_default();
        let begun: Vec<&str> = begun.split(' ').collect();
        Ok(match begun[..] {
            [by, "read", of] if by == own => of.parse().map_or(Self::Others, Self::HalfRead),
            [by, "dropped", until] if by == own => until.parse().map_or(Self::Others, Self::HalfDropped),
            _ => Self::Others,
        })
    }

    /// Remembers it.
    fn note(self, conn: &Connection) -> Result<(), VaultError> {
        let own = schema::projection_fingerprint();
        let begun = match self {
            Self::HalfRead(of) => format!("{own} read {of}"),
            Self::HalfDropped(until) => format!("{own} dropped {until}"),
            Self::Whole | Self::Others => return Ok(()),
        };
        conn.execute("DELETE FROM meta WHERE key = 'projections'", [])?;
        conn.execute(
            "INSERT OR REPLACE INTO meta (key, value) VALUES ('making_ready', ?1)",
            [begun],
        )?;
        Ok(())
    }
}

/// Tells it, and remembers that it is to end.
struct Teller<'w> {
    watch: WatchReady<'w>,
    now: MakingReady,
    told: Option<u64>,
    at_least: u64,
    ends: bool,
}

impl Teller<'_> {
    fn is_at(&mut self, done: u64) {
        let MakingReady { done: before, of } = self.now;
        self.now.done = done.clamp(before, of);
        let step = (of / 1_000).max(self.at_least);
        let is_new = |told: u64| told + step <= self.now.done || (self.now.done == of && told != of);
        if self.told.is_none_or(is_new) {
            self.told = Some(self.now.done);
            self.ends |= (self.watch)(self.now).is_break();
        }
    }

    fn goes_on(&self) -> Result<(), OpenError> {
        if self.ends { Err(OpenError::Stopped) } else { Ok(()) }
    }

    /// Between two transactions before anything is read.
    fn still_goes_on(&mut self) -> Result<(), OpenError> {
        self.ends |= (self.watch)(self.now).is_break();
        self.goes_on()
    }
}

impl Vault {
    /// Makes the tables again if they are not this build's.
    ///
    /// # Errors
    /// [`OpenError::Stopped`] when `watch` said so, [`OpenError::DiskFull`]; what was done until then stays.
    pub(crate) fn make_ready(&self, pace: Pace, watch: WatchReady<'_>) -> Result<(), OpenError> {
        let found = Tables::found(&self.inner.writer().conn)?;
        let of = match found {
            Tables::Whole => return Ok(()),
            Tables::HalfRead(of) => of,
            Tables::HalfDropped(_) | Tables::Others => self.read(|r| n_changes(r.conn()))?,
        };
        let now = MakingReady { done: 0, of };
        let mut teller = Teller {
            watch,
            now,
            told: None,
            at_least: pace.told,
            ends: false,
        };
        if let Tables::HalfRead(_) = found {
            teller.is_at(of.saturating_sub(self.read(|r| backlog::to_be_read(r.conn()))?));
        } else {
            teller.is_at(0);
            self.set_all_back(found, pace, &mut teller)?;
        }
        self.read_all(pace, &mut teller)?;
        kill::point("ready.read");
        let mut writer = self.inner.writer();
        writer.transaction(|conn, _, _, _| schema::projections_are_made(conn))?;
        // Documents were made anew, and nothing was written on top of them: this opening may go on.
        writer.parts.n_made_anew = writer.shelf.n_made_anew();
        drop(writer);
        teller.is_at(of);
        Ok(())
    }

    /// Steps 1 and 2.
    fn set_all_back(&self, found: Tables, pace: Pace, teller: &mut Teller<'_>) -> Result<(), OpenError> {
        teller.goes_on()?;
        let clinic = erasure::clinic_document(&self.belonging());
        let mut writer = self.inner.writer();
        let mut until = match found {
            Tables::HalfDropped(until) => until,
            _ => {
                writer.transaction(|conn, _, _, _| Tables::HalfDropped(i64::MIN).note(conn))?;
                kill::point("ready.begun");
                i64::MIN
            }
        };
        // Each page that is dropped is overwritten: at once, the log would be as long as all of them.
        for name in schema::projection_indexes(&writer.conn)? {
            writer.transaction(|conn, _, _, _| schema::drop_projection_index(conn, &name))?;
            teller.still_goes_on()?;
        }
        for name in schema::projection_tables(&writer.conn)? {
            writer.transaction(|conn, _, _, _| schema::drop_projection(conn, &name))?;
            kill::point("ready.dropped");
            teller.still_goes_on()?;
        }
        while let Some(first) = first_after(&writer.conn, until)? {
            until = first.saturating_add(i64::from(pace.set_back) - 1);
            writer.transaction(|conn, _, _, _| {
                conn.execute(
                    SETTING_BACK,
                    params![clinic.as_bytes(), rank::NOW, rank::REST, first, until],
                )?;
                kill::point("ready.set_back");
                Tables::HalfDropped(until).note(conn)
            })?;
            teller.still_goes_on()?;
        }
        writer.transaction(|conn, _, _, _| {
            schema::make_projections(conn)?;
            snapshots::forget_all(conn)?;
            buckets::make(conn)?;
            kill::point("ready.before_reading");
            Tables::HalfRead(teller.now.of).note(conn)
        })?;
        Ok(())
    }

    /// Step 3.
    fn read_all(&self, pace: Pace, teller: &mut Teller<'_>) -> Result<(), OpenError> {
        let mut n_before = u64::MAX;
        loop {
            teller.goes_on()?;
            let n_left = self.read(|r| backlog::to_be_read(r.conn()))?;
            if n_left == 0 {
                return Ok(());
            }
            if n_left >= n_before {
                // A rebuild would leave them so, too.
                tracing::error!(n_left, "changes were read and have no verdict");
                return Ok(());
            }
            n_before = n_left;
            teller.is_at(teller.now.of.saturating_sub(n_left));
            self.read_oldest(pace.in_one_go, pace.slice, |n_read, n_in_one_go| {
                teller.is_at(teller.now.done + n_read as u64);
                match !teller.ends && n_in_one_go < pace.in_one_go {
                    true => Next::GoOn,
                    false => Next::End,
                }
            })?;
            // After each transaction, and nobody reads meanwhile: all of the log goes into the file. Without room for it, it stays,
            // and the next write says so.
            if let Err(error) = self.checkpoint() {
                tracing::warn!(%error, "the log stays as long as it is");
            }
        }
    }

    /// Makes the tables again as an opening does that finds those of another build. For tests.
    #[doc(hidden)]
    pub fn make_ready_again(&self, pace: Pace) -> Result<(), OpenError> {
        self.pretend_other_tables()?;
        self.make_ready(pace, &mut |_| ControlFlow::Continue(()))
    }

    /// Says that the tables were made by another build. For tests.
    #[doc(hidden)]
    pub fn pretend_other_tables(&self) -> Result<(), VaultError> {
        self.inner.writer().transaction(|conn, _, _, _| {
            conn.execute(
                "UPDATE meta SET value = 'of another build' WHERE key = 'projections'",
                [],
            )?;
            Ok(())
        })
    }
}

fn n_changes(conn: &Connection) -> Result<u64, VaultError> {
    Ok(conn.query_row("SELECT count(*) FROM changes", [], |row| count(row, 0))?)
}

fn first_after(conn: &Connection, after: i64) -> Result<Option<i64>, VaultError> {
    let sql = "SELECT min(arrival) FROM changes WHERE arrival > ?1";
    Ok(conn.query_row(sql, [after], |row| row.get(0))?)
}
