//! What a new device takes first, so that it is of use in seconds however many years its clinic has.
//!
//! The device that lets it in names the changes that today's work needs. The new one keeps the names until it has asked for all
//! of them (`sync_protocol::WantedFirst`). They are no more than an order: what came under them is judged like everything else.

use std::collections::HashSet;

use domain::{PatientId, VisitId};
use rusqlite::{Connection, OptionalExtension, Row};
use seal::ChangeId;
use sync_protocol::{StoreError, WantedFirst};

use crate::documents::DocPath;
use crate::facts::kind;
use crate::sync::take_from_relay;
use crate::writing::document_id;
use crate::{Reading, Vault, VaultError};

/// The key under which the names are kept, one behind the other.
const KEPT: &str = "wanted_first";

/// So many of a patient's visits come before everybody else: somebody may have been here every week for years.
const NEWEST_VISITS: usize = 10;

/// What is live of a document and was not erased, and the words for its snapshots: these are filed elsewhere, and without
/// them a snapshot does not count.
const ALL_OF_DOCUMENT: &str = "
    SELECT id FROM (
        SELECT arrival, id FROM changes INDEXED BY changes_of_document
         WHERE document = ?1 AND covered_by IS NULL
           AND NOT EXISTS (SELECT 1 FROM p_erasures e WHERE e.of IN (0, 1) AND e.id IN (?1, changes.id))
        UNION SELECT c.arrival, c.id FROM snapshots s CROSS JOIN confirmations f ON f.snapshot = s.id
              CROSS JOIN changes c ON c.id = f.change WHERE s.document = ?1 AND c.covered_by IS NULL)
    ORDER BY arrival";

/// The same without its facts, which have no number in a writer's history.
const ALL_BUT_FACTS: &str = "
    SELECT id FROM (
        SELECT arrival, id FROM changes INDEXED BY changes_of_document
         WHERE document = ?1 AND covered_by IS NULL AND am_seq IS NOT NULL
        UNION SELECT c.arrival, c.id FROM snapshots s CROSS JOIN changes c ON c.id = s.id
              WHERE s.document = ?1 AND c.covered_by IS NULL
        UNION SELECT c.arrival, c.id FROM snapshots s CROSS JOIN confirmations f ON f.snapshot = s.id
              CROSS JOIN changes c ON c.id = f.change WHERE s.document = ?1 AND c.covered_by IS NULL)
    ORDER BY arrival";

impl Reading<'_> {
    /// What a new device is to take first, the most wanted first, at most `max`: who is on the staff, the queue from today on,
    /// who today's patients are, their allergies, consents and newest visits, who everybody else is, the newest first, then the
    /// older visits of today's patients, and at the end what the others must not be given.
    pub fn first_for_a_new_device(&self, max: usize) -> Result<Vec<ChangeId>, VaultError> {
        let mut first = First::of_at_most(max);
        first.add(self.of_document(ALL_BUT_FACTS, &DocPath::Clinic)?);
        // Of the clinic's facts nearly all are lines of the audit.
        let facts = "SELECT id FROM p_facts WHERE kind IN (?1, ?2) ORDER BY at_ms, id";
        first.add(self.many(facts, [kind::STAFF_ENROLLED, kind::ERASED], change)?);

        let today = self.today()?;
        let later = "SELECT DISTINCT day FROM p_queue WHERE day > ?1 ORDER BY day";
        let later = self.many(later, [today.to_string()], |row| {
            Ok(format!("day/{}", row.get::<_, String>(0)?))
        })?;
        let later = later.iter().filter_map(|path| path.parse().ok());
        self.add_documents(&mut first, [DocPath::Day(today)].into_iter().chain(later))?;

        let mut patients: Vec<_> = self.queue(today)?.into_iter().map(|entry| entry.patient).collect();
        patients.sort_unstable();
        patients.dedup();
        let mut older = Vec::new();
        for patient in &patients {
            let of_patient = [
                DocPath::Identity(*patient),
                DocPath::Allergies(*patient),
                DocPath::Consents(*patient),
            ];
            let visits = "SELECT id FROM p_visits WHERE patient = ?1 ORDER BY opened_ms DESC, id DESC";
            let mut visits = self.many(visits, [patient.as_bytes()], |row| {
                Ok(DocPath::Visit(*patient, VisitId::from_bytes(row.get(0)?)))
            })?;
            older.extend(visits.drain(visits.len().min(NEWEST_VISITS)..));
            self.add_documents(&mut first, of_patient.into_iter().chain(visits))?;
        }

        let all = "SELECT id FROM p_patients ORDER BY id DESC";
        let all = self.many(all, [], |row| Ok(PatientId::from_bytes(row.get(0)?)))?;
        let others = all.iter().copied();
        let others = others.filter(|patient| patients.binary_search(patient).is_err());
        self.add_documents(&mut first, others.clone().map(DocPath::Identity))?;
        self.add_documents(&mut first, older.into_iter())?;
        self.add_documents(&mut first, others.map(DocPath::Allergies))?;
        Ok(first.ids)
    }

    /// All of these documents, until there are as many changes as are wanted.
    fn add_documents(&self, first: &mut First, paths: impl Iterator<Item = DocPath>) -> Result<(), VaultError> {
        for path in paths {
            if first.is_full() {
                break;
            }
            first.add(self.of_document(ALL_OF_DOCUMENT, &path)?);
        }
        Ok(())
    }

    fn of_document(&self, sql: &str, path: &DocPath) -> Result<Vec<ChangeId>, VaultError> {
        let document = document_id(&self.belonging(), &path.to_string());
        self.many(sql, [document.as_bytes()], change)
    }
}

fn change(row: &Row<'_>) -> Result<ChangeId, VaultError> {
    Ok(ChangeId::from_bytes(row.get(0)?))
}

/// Names in their order, each once: one change may be a word for snapshots of many documents.
struct First {
    ids: Vec<ChangeId>,
    named: HashSet<ChangeId>,
    max: usize,
}

impl First {
    fn of_at_most(max: usize) -> Self {
        Self {
            ids: Vec::new(),
            named: HashSet::new(),
            max,
        }
    }

    fn is_full(&self) -> bool {
        self.ids.len() >= self.max
    }

    fn add(&mut self, ids: Vec<ChangeId>) {
        for id in ids {
            if !self.is_full() && self.named.insert(id) {
                self.ids.push(id);
            }
        }
    }
}

impl Vault {
    /// This device has just joined: these it is to take first. Names of what does not exist cost a question each.
    pub fn want_first(&self, ids: &[ChangeId]) -> Result<(), VaultError> {
        let names: Vec<u8> = ids.iter().flat_map(|id| *id.as_bytes()).collect();
        self.inner.writer().transaction(|conn, _, _, _| {
            conn.execute(
                "INSERT OR REPLACE INTO meta (key, value) VALUES (?1, ?2)",
                (KEPT, names),
            )?;
            Ok(())
        })
    }
}

impl WantedFirst for Vault {
    fn wanted_first(&self) -> Result<Vec<ChangeId>, StoreError> {
        Ok(self.read(|r| kept(r.conn()))?)
    }

    fn lacking_of(&self, ids: &[ChangeId]) -> Result<Vec<ChangeId>, StoreError> {
        // What came in its turn and is not read yet is of no use yet: it is asked for, and read when it comes again.
        let read = "SELECT 1 FROM changes WHERE id = ?1 AND (verdict <> 3 OR rank IS NULL)";
        let lacking = self.read(|r| {
            let mut lacking = Vec::new();
            for id in ids {
                if r.one(read, [id.as_bytes()], |_| Ok(()))?.is_none() {
                    lacking.push(*id);
                }
            }
            Ok::<_, VaultError>(lacking)
        });
        Ok(lacking?)
    }

    fn absorb_first(&self, changes: Vec<Vec<u8>>) -> Result<(), StoreError> {
        Ok(self.absorb_wanted(changes, take_from_relay)?)
    }

    fn came_to(&self, position: u64, of: u64) -> Result<(), StoreError> {
        Ok(self.note_arrived(position, of)?)
    }

    fn forget_wanted_first(&self) -> Result<(), StoreError> {
        Ok(self.inner.writer().transaction(|conn, _, _, _| forget(conn))?)
    }
}

pub(crate) fn forget(conn: &Connection) -> Result<(), VaultError> {
    conn.execute("DELETE FROM meta WHERE key = ?1", [KEPT])?;
    Ok(())
}

fn kept(conn: &Connection) -> Result<Vec<ChangeId>, VaultError> {
    let sql = "SELECT value FROM meta WHERE key = ?1";
    let names: Option<Vec<u8>> = conn
        .prepare_cached(sql)?
        .query_row([KEPT], |row| row.get(0))
        .optional()?;
    let names = names.unwrap_or_default();
    Ok(names.as_chunks().0.iter().copied().map(ChangeId::from_bytes).collect())
}
