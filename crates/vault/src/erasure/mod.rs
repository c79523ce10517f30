//! Erasing: a signed fact names ids, and every replica forgets what they held.
//!
//! Header, hash and signature of a change stay, so that it goes on being a member of the set under its id; its body goes,
//! and is not taken again. What an erasure names is in `p_erasures`, made from the facts that count alone: so whichever
//! comes first, the change or its erasure, the end is the same. An erasure that no longer counts (its device was removed,
//! and it came after the end) is taken back: what has lost its body here leaves the set, so that whoever still has it
//! gives it. `docs/erasure.md` tells why it is so.

mod bodies;
mod held;
mod traces;

use std::collections::BTreeSet;

use domain::StaffId;
use rusqlite::{Connection, OptionalExtension, params};
use seal::{ChangeId, DeviceId, DocumentId};

pub(crate) use bodies::{Coming, clinic_document, coming, judge_without_body, rule_erased};
pub use held::{HeldDocument, HeldOfPatient};
use traces::note_attachment;
pub(crate) use traces::{are_left as traces_are_left, forget as forget_traces};

use crate::belonging::Belonging;
use crate::documents::{self, DocPath, Shelf};
use crate::facts::{self, FactBody, kind};
use crate::writing::document_id;
use crate::{Erased, Tag, VaultError, holes};

/// What an erasure names. The numbers stand in `p_erasures`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Of {
    /// A document: all but its facts.
    Document = 0,
    /// One fact.
    Fact = 1,
    /// An attachment.
    Attachment = 2,
}

/// Whether an erasure that counts names this.
pub(crate) fn is_named(conn: &Connection, of: Of, id: &[u8]) -> Result<bool, VaultError> {
    let sql = "SELECT EXISTS (SELECT 1 FROM p_erasures WHERE of = ?1 AND id = ?2)";
    Ok(conn
        .prepare_cached(sql)?
        .query_row(params![of as i64, id], |row| row.get(0))?)
}

/// Does what follows from a fact that has just landed: it may be an erasure, or the enrolment that one stands on.
pub(crate) fn after_fact(
    conn: &Connection,
    belonging: &Belonging,
    shelf: &mut Shelf,
    id: &ChangeId,
    kind: u16,
) -> Result<BTreeSet<Tag>, VaultError> {
    let mut erasing = Erasing::new(conn, belonging, shelf);
    match kind {
        kind::ERASED => erasing.look_at(id)?,
        kind::STAFF_ENROLLED => erasing.look_at_all()?,
        _ => {}
    }
    Ok(erasing.tags)
}

/// Does what follows from facts that were withdrawn.
pub(crate) fn after_withdrawal(
    conn: &Connection,
    belonging: &Belonging,
    shelf: &mut Shelf,
) -> Result<BTreeSet<Tag>, VaultError> {
    let mut erasing = Erasing::new(conn, belonging, shelf);
    erasing.look_at_all()?;
    Ok(erasing.tags)
}

struct Erasing<'e> {
    conn: &'e Connection,
    belonging: &'e Belonging,
    shelf: &'e mut Shelf,
    tags: BTreeSet<Tag>,
}

impl<'e> Erasing<'e> {
    fn new(conn: &'e Connection, belonging: &'e Belonging, shelf: &'e mut Shelf) -> Self {
        Self {
            conn,
            belonging,
            shelf,
            tags: BTreeSet::new(),
        }
    }

    /// Looks at every erasure, those whose fact is gone included.
    fn look_at_all(&mut self) -> Result<(), VaultError> {
        let sql = "SELECT id FROM p_facts WHERE kind = ?1 UNION SELECT fact FROM p_erasures";
        let mut statement = self.conn.prepare_cached(sql)?;
        let ids = statement.query_map([kind::ERASED], |row| row.get(0).map(ChangeId::from_bytes))?;
        let ids: Vec<ChangeId> = ids.collect::<Result<_, _>>()?;
        ids.iter().try_for_each(|id| self.look_at(id))
    }

    /// Puts one erasure into effect, or takes it back, as the facts now say.
    fn look_at(&mut self, fact: &ChangeId) -> Result<(), VaultError> {
        let sql = "SELECT EXISTS (SELECT 1 FROM p_erasures WHERE fact = ?1)";
        let in_force: bool = self
            .conn
            .prepare_cached(sql)?
            .query_row([fact.as_bytes()], |row| row.get(0))?;
        match (self.counting(fact)?, in_force) {
            (Some(erased), false) => self.take_effect(fact, &erased),
            (None, true) => self.take_back(fact),
            _ => Ok(()),
        }
    }

    /// The erasure that this fact is, if it counts: signed by a person who was enrolled, on the device that wrote it, in a
    /// role that may.
    fn counting(&self, fact: &ChangeId) -> Result<Option<Erased>, VaultError> {
        let sql = "SELECT body, staff, device FROM p_facts
                   WHERE id = ?1 AND kind = ?2 AND verified = 1 AND staff IS NOT NULL";
        let row = self
            .conn
            .prepare_cached(sql)?
            .query_row(params![fact.as_bytes(), kind::ERASED], |row| {
                let body: String = row.get(0)?;
                Ok((
                    body,
                    StaffId::from_bytes(row.get(1)?),
                    DeviceId::from_bytes(row.get(2)?),
                ))
            })
            .optional()?;
        let Some((body, staff, device)) = row else {
            return Ok(None);
        };
        let FactBody::Erased(erased) = FactBody::from_json(kind::ERASED, &body) else {
            return Ok(None);
        };
        let may = facts::is_enrolled_as(self.conn, staff, device, erased.allowed_roles())?;
        Ok(may.then_some(erased))
    }

    fn take_effect(&mut self, fact: &ChangeId, erased: &Erased) -> Result<(), VaultError> {
        let mut n_bodies = 0;
        for path in erased.erasable_documents() {
            let id = document_id(self.belonging, path);
            self.name(fact, Of::Document, id.as_bytes())?;
            n_bodies += bodies::drop_of_document(self.conn, &id)?;
            if let Ok(path) = path.parse::<DocPath>() {
                self.forget_document(&id, &path)?;
            }
        }
        for held in &erased.numbers {
            for range in &held.ranges {
                holes::fill_range(self.conn, &held.device, &held.opening, *range)?;
            }
        }
        let unerasable = bodies::clinic_document(self.belonging);
        let mut withdrawn = Vec::new();
        for id in &erased.facts {
            self.name(fact, Of::Fact, id.as_bytes())?;
            if bodies::drop_of_fact(self.conn, id, &unerasable)? {
                n_bodies += 1;
                withdrawn.push(*id);
            }
        }
        let tags = facts::withdraw(self.conn, self.belonging.tenant, &withdrawn)?;
        self.tags.extend(tags);
        for attachment in &erased.attachments {
            self.name(fact, Of::Attachment, attachment.as_bytes())?;
            note_attachment(self.conn, *attachment)?;
        }
        self.tags.insert(Tag::Sync);
        traces::note(self.conn)?;
        self.shelf.note_erased();
        tracing::info!(n_bodies, n_attachments = erased.attachments.len(), "erased");
        Ok(())
    }

    fn forget_document(&mut self, id: &DocumentId, path: &DocPath) -> Result<(), VaultError> {
        self.shelf.forget(path);
        documents::unproject(self.conn, id, path)?;
        traces::forget_local(self.conn, path)?;
        self.tags.extend(path.tags());
        Ok(())
    }

    /// What was named by this fact alone is named no more. What has lost its body here leaves the set.
    fn take_back(&mut self, fact: &ChangeId) -> Result<(), VaultError> {
        let sql = "DELETE FROM p_erasures WHERE fact = ?1 RETURNING of, id";
        let mut statement = self.conn.prepare_cached(sql)?;
        let rows = statement.query_map([fact.as_bytes()], |row| Ok((row.get(0)?, row.get(1)?)))?;
        let named: Vec<(i64, Vec<u8>)> = rows.collect::<Result<_, _>>()?;
        let mut n_left = 0;
        for (of, id) in named {
            let of = match of {
                0 => Of::Document,
                1 => Of::Fact,
                _ => continue, // the chunks are gone, and their key with the document
            };
            if !is_named(self.conn, of, &id)? {
                n_left += bodies::put_aside(self.conn, of, &id)?;
            }
        }
        self.tags.insert(Tag::Sync);
        tracing::warn!(n_left, "an erasure that no longer counts was taken back");
        Ok(())
    }

    fn name(&self, fact: &ChangeId, of: Of, id: &[u8]) -> Result<(), VaultError> {
        self.conn
            .prepare_cached("INSERT OR IGNORE INTO p_erasures (of, id, fact) VALUES (?1, ?2, ?3)")?
            .execute(params![of as i64, id, fact.as_bytes()])?;
        Ok(())
    }
}
