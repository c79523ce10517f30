//! What is stored and not judged yet, so that a new device is of use before it has read everything.
//!
//! Of a large batch staff, today's queue and everybody's identity (search) are judged as they come. The rest is stored with the
//! cursor in the same transaction, and judged afterwards, what today's work needs first: those who are in the queue, then
//! everybody, the newest first, and the audit last. Small batches, the live ones, are judged as they come.
//! What is judged when does not matter for the outcome: it is a function of the set.
//!
//! Reading on takes several threads: some read slices of what is stored, check signatures, decrypt and make the documents of
//! which these are the first edits, also while the last one commits. That one has the writer, and puts slice after slice into
//! the tables, many in one transaction, since a page that many changes touch is written once then. When somebody waits to
//! write, it commits after the slice that it is at. A kill costs at most the transaction.

use std::collections::BTreeSet;
use std::sync::atomic::Ordering;
use std::sync::mpsc::{Sender, channel};

use domain::{Day, PatientId, VisitId};
use rusqlite::Connection;
use seal::{ChangeId, ChangeKind, DocumentId, SealedChange};

use crate::begun::Begun;
use crate::belonging::Belonging;
use crate::documents::DocPath;
use crate::facts::kind;
use crate::judge::Judge;
use crate::looked::LookedAt;
use crate::payload::Payload;
use crate::reading::count;
use crate::wanted::Wanted;
use crate::{Vault, VaultError, ahead, kill, snapshots};

/// A batch of so many changes is stored first, when somebody reads on in the background.
pub(crate) const A_LOT: usize = 64;

/// Who writes waits for so many changes, and for the commit.
pub(crate) const SLICE: usize = 128;

/// As many are judged in one transaction if nobody wants to write.
const IN_ONE_GO: usize = 16_384;

/// How soon something is read; the lowest first. The numbers are stored.
pub(crate) mod rank {
    /// Staff, profile, today's queue; what says that something is erased.
    pub(crate) const NOW: u8 = 0;
    /// Who the patients are: search.
    pub(crate) const SEARCH: u8 = 1;
    /// Everything else of patients.
    pub(crate) const REST: u8 = 2;
    /// What nobody looks at while she works.
    pub(crate) const LAST: u8 = 3;
}

/// What is done after a slice.
pub(crate) enum Next {
    /// The next one, in the same transaction.
    GoOn,
    /// The next one, in another transaction.
    Commit,
    /// Nothing more.
    End,
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

/// Whether a change of this rank is judged with the batch that it came in. A snapshot is large, and settles its whole document.
pub(crate) fn is_judged_at_once(rank: u8, sealed: &SealedChange) -> bool {
    rank <= rank::SEARCH && sealed.header().kind != ChangeKind::Snapshot
}

/// How many changes are stored and not judged yet.
pub(crate) fn to_be_read(conn: &Connection) -> Result<u64, VaultError> {
    let sql = "SELECT count(*) FROM changes WHERE verdict = 3 AND rank IS NOT NULL";
    Ok(conn.prepare_cached(sql)?.query_row([], |row| count(row, 0))?)
}

/// Whether any is.
pub(crate) fn is_any_to_be_read(conn: &Connection) -> Result<bool, VaultError> {
    let any = "SELECT EXISTS (SELECT 1 FROM changes WHERE verdict = 3 AND rank IS NOT NULL)";
    Ok(conn.prepare_cached(any)?.query_row([], |row| row.get(0))?)
}

/// What of a document is not judged yet.
pub(crate) fn of_document(conn: &Connection, document: &DocumentId) -> Result<Vec<ChangeId>, VaultError> {
    // Nearly always nothing is: then nobody looks through the document.
    if !is_any_to_be_read(conn)? {
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

    /// How often a large batch was stored first. Who reads on waits as long as this goes up, or one is being stored: all that
    /// is wanted first is there the sooner.
    pub fn n_stored_first(&self) -> u64 {
        self.inner.n_stored_first.load(Ordering::Relaxed)
    }

    /// Whether a large batch is being stored.
    pub fn is_storing_first(&self) -> bool {
        self.inner.n_storing_first.load(Ordering::Relaxed) > 0
    }

    pub(crate) fn stores_first(&self, n_changes: usize) -> bool {
        n_changes >= A_LOT && self.inner.reads_on.load(Ordering::Relaxed)
    }

    /// A batch comes; if it is to be stored first, it is being stored until this is dropped.
    pub(crate) fn storing_first(&self, n_changes: usize) -> Option<StoringFirst<'_>> {
        self.stores_first(n_changes).then(|| {
            self.inner.n_storing_first.fetch_add(1, Ordering::Relaxed);
            StoringFirst(self)
        })
    }

    /// Judges some of what is stored and not judged: what is wanted first. Gives how many changes are left.
    pub fn read_on(&self) -> Result<u64, VaultError> {
        let wanted = self.read(|r| r.wanted_next())?;
        self.judge_wanted(wanted, SLICE, self.as_others_write())?;
        self.read(|r| to_be_read(r.conn()))
    }

    /// Judges some of what is stored and not judged: of what is wanted first, documents of the `planned` changes that came first.
    /// After each slice it is asked how to go on; told are how many changes were in it, and in the transaction so far.
    pub(crate) fn read_oldest(
        &self,
        planned: usize,
        slice: usize,
        how: impl FnMut(usize, usize) -> Next,
    ) -> Result<(), VaultError> {
        let wanted = self.read(|r| r.wanted_oldest(planned))?;
        self.judge_wanted(wanted, slice, how)
    }

    /// Many slices in one transaction, unless somebody wants to write.
    fn as_others_write(&self) -> impl FnMut(usize, usize) -> Next {
        |_, n_in_one_go| match n_in_one_go < IN_ONE_GO && !self.inner.is_writer_wanted() {
            true => Next::GoOn,
            false => Next::Commit,
        }
    }

    /// Judges what is stored of a patient whom somebody wants to see now, and of one visit of hers: an allergy that is here
    /// is not to be missed because it is still to be read.
    pub fn read_first(&self, patient: PatientId, visit: Option<VisitId>) -> Result<(), VaultError> {
        let wanted = self.read(|r| {
            let of_patient = [
                DocPath::Identity(patient),
                DocPath::Allergies(patient),
                DocPath::Consents(patient),
            ];
            let visit = visit.map(|visit| DocPath::Visit(patient, visit));
            r.wanted_of(of_patient.into_iter().chain(visit), rank::LAST)
        })?;
        self.judge_wanted(wanted, SLICE, self.as_others_write())
    }

    fn judge_wanted(
        &self,
        wanted: Wanted,
        size: usize,
        how: impl FnMut(usize, usize) -> Next,
    ) -> Result<(), VaultError> {
        if wanted.is_empty() {
            return Ok(());
        }
        let (judged, to_drop) = channel::<Begun>();
        let n_stored_first = self.n_stored_first();
        let rank = wanted.rank;
        let mut left = wanted.in_slices_of(size);
        let next = move || {
            to_drop.try_iter().for_each(drop);
            if self.n_stored_first() != n_stored_first {
                // Some of that may be wanted sooner.
                return Ok(None);
            }
            // Each slice has a reading of its own: while one lasts, no page goes from the log into the file.
            let slice = self.read(|r| r.next_slice(&mut left, rank))?;
            Ok((!slice.is_empty()).then_some(slice))
        };
        let look = |slice| {
            let looked = self.look_at_part(None, slice);
            let begun = Begun::of(looked.all());
            (looked, begun)
        };
        std::thread::scope(|scope| self.judge_slices(ahead::in_order(scope, next, look), &judged, how))
    }

    /// Takes the slices by value: who hands them over hears when there is no more judging.
    fn judge_slices(
        &self,
        mut slices: impl Iterator<Item = Result<Slice, VaultError>>,
        judged: &Sender<Begun>,
        mut how: impl FnMut(usize, usize) -> Next,
    ) -> Result<(), VaultError> {
        let mut next = slices.next();
        while let Some(first) = next {
            let (mut slice, mut begun) = first?;
            let mut writer = self.inner.writer();
            let done = writer.take_in::<_, VaultError>(A_LOT, |conn, _, shelf, _| {
                let (mut tags, mut n_judged) = (BTreeSet::new(), 0);
                loop {
                    let n_in_slice = slice.all().len();
                    n_judged += n_in_slice;
                    let (belonging, looked) = self.still(slice);
                    let mut judge = Judge::new(conn, &belonging, shelf);
                    judge.begun = begun;
                    judge.judge_stored(looked)?;
                    tags.append(&mut judge.tags);
                    // Nobody takes them once all is looked at.
                    let _ = judged.send(judge.begun);
                    kill::point("reading.judged");
                    let left = slices.next();
                    (slice, begun) = match (how(n_in_slice, n_judged), left) {
                        (Next::GoOn, Some(Ok(more))) => more,
                        (Next::End, _) => return Ok((tags, None)),
                        (_, left) => return Ok((tags, left)),
                    };
                }
            });
            let (tags, left) = done?;
            drop(writer);
            self.tell(&tags.into_iter().collect::<Vec<_>>());
            next = left;
        }
        Ok(())
    }
}

/// A large batch that is being stored.
pub(crate) struct StoringFirst<'v>(&'v Vault);

impl Drop for StoringFirst<'_> {
    fn drop(&mut self) {
        self.0.inner.n_stored_first.fetch_add(1, Ordering::Relaxed);
        self.0.inner.n_storing_first.fetch_sub(1, Ordering::Relaxed);
    }
}

/// A slice that was looked at, and its documents as far as they could be begun.
type Slice = (LookedAt, Begun);
