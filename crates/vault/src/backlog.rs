//! What is stored and not judged yet, so that a new device is of use before it has read everything.
//!
//! A large batch is stored with its cursor in one short transaction, and judged afterwards in slices, what today's work needs
//! first: staff and today's queue, then everybody's identity (search), then those who are in the queue, then the rest, the
//! newest first, and the audit last. A kill costs at most the slice. Small batches, the live ones, are judged as they come.
//! What is judged when does not matter for the outcome: it is a function of the set.

use std::collections::BTreeSet;
use std::sync::atomic::Ordering;

use domain::{Day, PatientId, VisitId};
use rusqlite::Connection;
use seal::{ChangeId, ChangeKind, DocumentId, SealedChange};

use crate::belonging::Belonging;
use crate::documents::DocPath;
use crate::facts::kind;
use crate::judge::Judge;
use crate::payload::Payload;
use crate::reading::count;
use crate::writing::document_id;
use crate::{Reading, Vault, VaultError, kill, snapshots};

/// A batch of so many changes is stored first, when somebody reads on in the background.
pub(crate) const A_LOT: usize = 64;

/// As many changes are judged in one go: nobody who writes waits for more.
const SLICE: usize = 128;

/// As many when more than [`MANY`] are left, where each slice for itself costs time: who writes then waits some 30 ms.
const LONG_SLICE: usize = 512;
const MANY: i64 = 4096;

/// How soon something is read; the lowest first. The numbers are stored.
mod rank {
    /// Staff, profile, today's queue; what says that something is erased.
    pub(super) const NOW: u8 = 0;
    /// Who the patients are: search.
    pub(super) const SEARCH: u8 = 1;
    /// Everything else of patients.
    pub(super) const REST: u8 = 2;
    /// What nobody looks at while she works.
    pub(super) const LAST: u8 = 3;
}

/// How soon a change is to be read. Its signature is not looked at: a wrong rank costs nothing but time.
pub(crate) fn rank_of(belonging: &Belonging, sealed: &SealedChange, today: Day) -> u8 {
    let Ok(plain) = sealed.open(&belonging.epochs) else {
        return rank::LAST;
    };
    if sealed.header().kind == ChangeKind::Snapshot {
        // A word for other snapshots is small, and lets them count.
        return snapshots::path_in(&plain).map_or(rank::NOW, |path| rank_of_document(&path, today));
    }
    let Ok(payload) = Payload::unpack(&plain, sealed.header()) else {
        return rank::LAST;
    };
    let Ok(path) = payload.path.parse::<DocPath>() else {
        return rank::LAST;
    };
    match payload.fact {
        Some(fact) if path == DocPath::Clinic => match fact.kind {
            kind::STAFF_ENROLLED | kind::ERASED => rank::NOW,
            _ => rank::LAST,
        },
        _ => rank_of_document(&path, today),
    }
}

fn rank_of_document(path: &DocPath, today: Day) -> u8 {
    match path {
        DocPath::Clinic => rank::NOW,
        DocPath::Day(day) if *day >= today => rank::NOW,
        DocPath::Identity(_) => rank::SEARCH,
        _ => rank::REST,
    }
}

/// How many changes are stored and not judged yet.
pub(crate) fn to_be_read(conn: &Connection) -> Result<u64, VaultError> {
    let sql = "SELECT count(*) FROM changes WHERE verdict = 3 AND rank IS NOT NULL";
    Ok(conn.prepare_cached(sql)?.query_row([], |row| count(row, 0))?)
}

/// What of a document is not judged yet.
pub(crate) fn of_document(conn: &Connection, document: &DocumentId) -> Result<Vec<ChangeId>, VaultError> {
    // Nearly always nothing is: then nobody looks through the document.
    let any = "SELECT EXISTS (SELECT 1 FROM changes WHERE verdict = 3 AND rank IS NOT NULL)";
    if !conn.prepare_cached(any)?.query_row([], |row| row.get(0))? {
        return Ok(Vec::new());
    }
    let mut statement = conn.prepare_cached(
        "SELECT id FROM changes INDEXED BY changes_of_document
         WHERE verdict = 3 AND rank IS NOT NULL AND document = ?1 ORDER BY arrival",
    )?;
    let rows = statement.query_map([document.as_bytes()], |row| row.get(0).map(ChangeId::from_bytes))?;
    Ok(rows.collect::<Result<_, _>>()?)
}

impl Vault {
    /// From now on somebody calls [`Self::read_on`] whenever something came, until nothing is left: large batches are
    /// stored first. Without this everything is judged as it comes.
    pub fn read_in_background(&self) {
        self.inner.reads_on.store(true, Ordering::Relaxed);
    }

    /// How often a large batch was stored first. Who reads on waits as long as this goes up: all that is wanted first is
    /// there the sooner.
    pub fn n_stored_first(&self) -> u64 {
        self.inner.n_stored_first.load(Ordering::Relaxed)
    }

    pub(crate) fn stores_first(&self, n_changes: usize) -> bool {
        let first = n_changes >= A_LOT && self.inner.reads_on.load(Ordering::Relaxed);
        self.inner.n_stored_first.fetch_add(u64::from(first), Ordering::Relaxed);
        first
    }

    /// Judges the slice of what is stored and not judged that is wanted first. Gives how many changes are left.
    pub fn read_on(&self) -> Result<u64, VaultError> {
        let slice = self.read(|r| r.next_slice())?;
        self.judge_slice(slice)?;
        self.read(|r| to_be_read(r.conn()))
    }

    /// Judges what is stored of a patient whom somebody wants to see now, and of one visit of hers: an allergy that is here
    /// is not to be missed because it is still to be read.
    pub fn read_first(&self, patient: PatientId, visit: Option<VisitId>) -> Result<(), VaultError> {
        let slice = self.read(|r| {
            if to_be_read(r.conn())? == 0 {
                return Ok::<_, VaultError>(Vec::new());
            }
            let mut slice = Slice::of(SLICE);
            let of_patient = [
                DocPath::Identity(patient),
                DocPath::Allergies(patient),
                DocPath::Consents(patient),
            ];
            let visit = visit.map(|visit| DocPath::Visit(patient, visit));
            for path in of_patient.into_iter().chain(visit) {
                let document = document_id(&r.belonging(), &path.to_string());
                r.add_document(&mut slice, &document, rank::LAST)?;
            }
            Ok(slice.changes)
        })?;
        self.judge_slice(slice)
    }

    fn judge_slice(&self, slice: Vec<Vec<u8>>) -> Result<(), VaultError> {
        if slice.is_empty() {
            return Ok(());
        }
        let looked = self.look_closely_at(slice);
        let mut writer = self.inner.writer();
        let (belonging, looked) = self.still(looked);
        let tags = writer.transaction(|conn, _, shelf, _| {
            let mut judge = Judge::new(conn, &belonging, shelf);
            judge.judge_stored(looked)?;
            kill::point("reading.judged");
            Ok::<_, VaultError>(judge.tags())
        })?;
        drop(writer);
        self.tell(&tags);
        Ok(())
    }
}

/// What is judged in one go.
struct Slice {
    changes: Vec<Vec<u8>>,
    size: usize,
}

impl Slice {
    fn of(size: usize) -> Self {
        let changes = Vec::new();
        Self { changes, size }
    }

    /// For how many more there is room.
    fn room(&self) -> i64 {
        i64::try_from(self.size.saturating_sub(self.changes.len())).unwrap_or(0)
    }
}

impl Reading<'_> {
    /// The bytes of what is to be judged next.
    fn next_slice(&self) -> Result<Vec<Vec<u8>>, VaultError> {
        let lowest = "SELECT rank FROM changes WHERE verdict = 3 AND rank IS NOT NULL ORDER BY rank LIMIT 1";
        let Some(rank) = self.one(lowest, [], |row| Ok(row.get::<_, u8>(0)?))? else {
            return Ok(Vec::new());
        };
        let n_left = "SELECT count(*) FROM (SELECT 1 FROM changes WHERE verdict = 3 AND rank IS NOT NULL LIMIT ?1)";
        let size = match self.one(n_left, [MANY], |row| Ok(row.get::<_, i64>(0)?))? {
            Some(MANY) => LONG_SLICE,
            _ => SLICE,
        };
        let mut slice = Slice::of(size);
        if rank >= rank::REST {
            self.add_those_in_the_queue(&mut slice)?;
        }
        if slice.changes.is_empty() {
            let newest = "SELECT document FROM changes WHERE verdict = 3 AND rank = ?1 ORDER BY arrival DESC LIMIT ?2";
            let documents = self.many(newest, (rank, slice.room()), |row| {
                Ok(DocumentId::from_bytes(row.get(0)?))
            })?;
            let mut done = BTreeSet::new();
            for document in documents {
                if slice.room() == 0 {
                    break;
                }
                if done.insert(document) {
                    self.add_document(&mut slice, &document, rank)?;
                }
            }
        }
        Ok(slice.changes)
    }

    /// Today's patients, and what they are here for.
    fn add_those_in_the_queue(&self, slice: &mut Slice) -> Result<(), VaultError> {
        for entry in self.queue(self.today()?)? {
            for path in [
                DocPath::Allergies(entry.patient),
                DocPath::Visit(entry.patient, entry.visit),
            ] {
                if slice.room() > 0 {
                    let document = document_id(&self.belonging(), &path.to_string());
                    self.add_document(slice, &document, rank::REST)?;
                }
            }
        }
        Ok(())
    }

    /// What is not judged of a document, up to a rank, as far as it fits; the oldest first.
    fn add_document(&self, slice: &mut Slice, document: &DocumentId, rank: u8) -> Result<(), VaultError> {
        let room = slice.room();
        let sql = "SELECT sealed FROM changes INDEXED BY changes_of_document
                   WHERE verdict = 3 AND document = ?1 AND rank <= ?2 ORDER BY arrival LIMIT ?3";
        slice
            .changes
            .extend(self.many(sql, (document.as_bytes(), rank, room), |row| Ok(row.get(0)?))?);
        Ok(())
    }
}
