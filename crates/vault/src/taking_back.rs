//! Taking back what counted and no longer does: a removal came that lets less of a device's writing stand.
//!
//! Nothing leaves the set. A document is made again from what is left of it; whoever wrote on top of what was taken back
//! waits as for a missing parent. A fact leaves its table, and every signature that stood on it is looked at again. The
//! tables are then what they would be had the removal come first.

use std::collections::BTreeSet;

use rusqlite::{OptionalExtension, params};
use seal::{Admission, ChangeId, ChangeKind, DeviceId, DocumentId, OpeningId, SealError};

use crate::documents::{self, DocPath};
use crate::judge::{AFTER_REMOVAL, Judge};
use crate::reading::count;
use crate::set::{self, Verdict, kind_code};
use crate::{VaultError, erasure, facts, outbox};

impl Judge<'_> {
    /// Puts aside what was taken and does not count by the present membership; gives the documents that it was in, which
    /// are to be made from the rest.
    pub(crate) fn take_back(&mut self) -> Result<BTreeSet<DocPath>, VaultError> {
        outbox::line_up(self.conn)?;
        let mut documents = BTreeSet::new();
        let (mut withdrawn, mut snapshots) = (Vec::new(), Vec::new());
        for device in self.writers()? {
            let is_own = device == self.belonging.device;
            if is_own || self.belonging.membership.device(&device).is_some() {
                continue;
            }
            for taken in self.taken_of(&device)? {
                let membership = &self.belonging.membership;
                let reason = match membership.admits_change(&device, &taken.opening, taken.number) {
                    Admission::Member => continue,
                    Admission::BeyondRemoval => AFTER_REMOVAL,
                    Admission::NoDevice => SealError::UnknownDevice.code(),
                };
                set::rule(self.conn, &taken.id, Verdict::Quarantined, Some(reason))?;
                match taken.kind {
                    FACT => withdrawn.push(taken.id),
                    SNAPSHOT => snapshots.push(taken.id),
                    _ => drop(documents.insert(taken.document)),
                }
            }
        }
        if !(withdrawn.is_empty() && documents.is_empty()) {
            tracing::warn!(
                n_facts = withdrawn.len(),
                n_documents = documents.len(),
                "what a device wrote beyond its removal was put aside"
            );
        }
        self.tags
            .extend(facts::withdraw(self.conn, self.belonging.tenant, &withdrawn)?);
        if !withdrawn.is_empty() {
            let tags = erasure::after_withdrawal(self.conn, self.belonging, self.shelf)?;
            self.tags.extend(tags);
        }
        self.touch(&snapshots)?;
        let mut paths = BTreeSet::new();
        for document in documents {
            if let Some(path) = self.path_of(&document)? {
                self.make_anew(&document, &path)?;
                paths.insert(path);
            }
        }
        Ok(paths)
    }

    /// Forgets a document and its rows. All that it holds waits, and lands again when it is applied anew.
    pub(crate) fn make_anew(&mut self, document: &DocumentId, path: &DocPath) -> Result<(), VaultError> {
        self.shelf.forget(path);
        documents::unproject(self.conn, document, path)?;
        set::let_all_wait(self.conn, document)
    }

    /// Whether anything of a document was taken, or waits.
    pub(crate) fn has_content(&self, document: &DocumentId) -> Result<bool, VaultError> {
        let sql = "SELECT EXISTS (SELECT 1 FROM changes WHERE document = ?1 AND am_hash IS NOT NULL
                   AND verdict IN (?2, ?3)) OR EXISTS (SELECT 1 FROM snapshots WHERE document = ?1 AND in_force)";
        let row = params![document.as_bytes(), Verdict::Applied as i64, Verdict::Waiting as i64];
        Ok(self.conn.prepare_cached(sql)?.query_row(row, |row| row.get(0))?)
    }

    /// Every device that wrote something. One step in the index for each, not one for each change.
    fn writers(&self) -> Result<Vec<DeviceId>, VaultError> {
        let mut next = self.conn.prepare_cached(
            "SELECT device FROM changes WHERE made_in IS NULL AND device > ?1 ORDER BY device LIMIT 1",
        )?;
        let mut writers = Vec::new();
        // What could not be decoded is filed under no device, which comes before all others.
        let mut last = [0; 32];
        while let Some(device) = next.query_row([last], |row| row.get::<_, [u8; 32]>(0)).optional()? {
            writers.push(DeviceId::from_bytes(device));
            last = device;
        }
        Ok(writers)
    }

    fn taken_of(&self, device: &DeviceId) -> Result<Vec<Taken>, VaultError> {
        let sql = "SELECT id, document, opening, number, kind FROM changes
                   WHERE made_in IS NULL AND device = ?1 AND verdict IN (?2, ?3)";
        let mut statement = self.conn.prepare_cached(sql)?;
        let row = params![device.as_bytes(), Verdict::Applied as i64, Verdict::Waiting as i64];
        let rows = statement.query_map(row, |row| {
            Ok(Taken {
                id: ChangeId::from_bytes(row.get(0)?),
                document: DocumentId::from_bytes(row.get(1)?),
                opening: OpeningId::from_bytes(row.get(2)?),
                number: count(row, 3)?,
                kind: row.get(4)?,
            })
        })?;
        Ok(rows.collect::<Result<_, _>>()?)
    }

    fn path_of(&self, document: &DocumentId) -> Result<Option<DocPath>, VaultError> {
        let path: Option<String> = self
            .conn
            .prepare_cached("SELECT path FROM p_documents WHERE id = ?1")?
            .query_row([document.as_bytes()], |row| row.get(0))
            .optional()?;
        Ok(path.and_then(|path| path.parse().ok()))
    }
}

/// A change whose effect is in the tables, or waits for a parent.
struct Taken {
    id: ChangeId,
    document: DocumentId,
    opening: OpeningId,
    number: u64,
    kind: i64,
}

const FACT: i64 = kind_code(ChangeKind::Fact);
const SNAPSHOT: i64 = kind_code(ChangeKind::Snapshot);
