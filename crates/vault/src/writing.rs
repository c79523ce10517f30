//! One write: everything in it becomes durable together, or nothing of it happens.
//!
//! Documents are edited in memory and projected at once, so that a write sees its own edits. At the end each edited
//! document gives one Automerge change, which is sealed and stored with the outbox in the same SQLite transaction.

use std::collections::BTreeSet;
use std::ops::Deref;

use automerge::ReadDoc;
use automerge::transaction::{CommitOptions, Transactable};
use domain::StaffId;
use seal::{ChangeId, ChangeKind, DeviceId, DocumentId, Header, SealedChange};

use crate::documents::{self, DocPath, Edit, OpenDoc, Shelf};
use crate::payload::Payload;
use crate::ports::SharedRng;
use crate::vault::WriterParts;
use crate::{Belonging, Reading, Tag, Vault, VaultError, kill, outbox, set};

/// A write in progress, from [`Vault::write`]. It reads as a [`Reading`] does, its own edits included.
pub struct Writing<'w> {
    reading: Reading<'w>,
    parts: &'w WriterParts,
    rng: SharedRng,
    by: Option<StaffId>,
    documents: Vec<OpenDoc>,
    shelf: &'w mut Shelf,
    next_number: &'w mut u64,
    tags: BTreeSet<Tag>,
    /// An edit failed half-way: its document no longer is what its rows say.
    given_up: bool,
}

impl<'w> Deref for Writing<'w> {
    type Target = Reading<'w>;

    fn deref(&self) -> &Reading<'w> {
        &self.reading
    }
}

impl Vault {
    /// Does one write. `by` is the staff member at the keyboard, who stands in every sealed change of it.
    ///
    /// Returns after the commit is durable. When `f` fails, or the store does, nothing has happened. Not re-entrant:
    /// calling `write` inside `f` waits for ever.
    ///
    /// # Errors
    /// Whatever `f` gives, and every [`VaultError`]; [`VaultError::DiskFull`] leaves the store as it was.
    pub fn write<T, E: From<VaultError>>(
        &self,
        by: Option<StaffId>,
        f: impl FnOnce(&mut Writing<'_>) -> Result<T, E>,
    ) -> Result<T, E> {
        let mut writer = self.inner.writer();
        let (value, documents, tags) = writer.transaction(|conn, parts, shelf, next_number| {
            kill::point("write.begun");
            let mut writing = Writing {
                reading: Reading::new(conn, self.belonging(), self.now()),
                parts,
                rng: self.inner.rng(),
                by,
                documents: Vec::new(),
                shelf,
                next_number,
                tags: BTreeSet::new(),
                given_up: false,
            };
            let value = f(&mut writing)?;
            let (documents, tags) = writing.finish()?;
            kill::point("write.before_commit");
            Ok::<_, E>((value, documents, tags))
        })?;
        documents.into_iter().for_each(|open| writer.shelf.put(open));
        drop(writer);
        self.tell(&tags);
        Ok(value)
    }
}

impl Writing<'_> {
    /// The staff member at the keyboard.
    pub fn by(&self) -> Option<StaffId> {
        self.by
    }

    /// The vault's randomness.
    pub fn rng(&mut self) -> &mut SharedRng {
        &mut self.rng
    }

    pub(crate) fn spoil(&mut self, tags: impl IntoIterator<Item = Tag>) {
        self.tags.extend(tags);
    }

    /// Edits one document and writes its rows anew. What `f` must not do is decided before, not inside: an error in
    /// the middle of an edit gives up the whole write.
    pub(crate) fn edit(
        &mut self,
        path: DocPath,
        f: impl FnOnce(&mut Edit<'_>) -> Result<(), VaultError>,
    ) -> Result<(), VaultError> {
        let place = self.open(path)?;
        let open = &mut self.documents[place];
        let n_before = open.doc.pending_ops();
        let edited = f(&mut Edit::root(&mut open.doc)).and_then(|()| {
            if open.doc.pending_ops() == n_before {
                return Ok(()); // nothing differed: no change, no row
            }
            self.tags.extend(path.tags());
            documents::project(self.reading.conn(), &open.id, &path, &open.doc)
        });
        kill::point("write.edited");
        edited.inspect_err(|_| self.given_up = true)
    }

    /// The place of the document among those that this write has open.
    fn open(&mut self, path: DocPath) -> Result<usize, VaultError> {
        if let Some(place) = self.documents.iter().position(|open| open.path == path) {
            return Ok(place);
        }
        let belonging = self.reading.belonging();
        let mut open = self.shelf.take_or_load(self.reading.conn(), &belonging, path)?;
        open.doc.set_actor(self.parts.actor.clone());
        self.documents.push(open);
        Ok(self.documents.len() - 1)
    }

    /// Seals every edited document's change, in the order in which they were first edited.
    fn finish(mut self) -> Result<(Vec<OpenDoc>, Vec<Tag>), VaultError> {
        if self.given_up {
            return Err(VaultError::GivenUp);
        }
        let mut documents = std::mem::take(&mut self.documents);
        for open in &mut documents {
            let Some(hash) = open.doc.commit_with(CommitOptions::default().with_time(0)) else {
                continue;
            };
            let change = open
                .doc
                .get_change_by_hash(&hash)
                .expect("a change that was just made is there");
            let payload = Payload {
                staff: self.by.map(|staff| *staff.as_bytes()),
                path: open.path.to_string(),
                change: Some(change.raw_bytes().to_vec()),
                fact: None,
            };
            self.seal_and_store(ChangeKind::Change, &payload, Some(&change))?;
        }
        Ok((documents, self.tags.into_iter().collect()))
    }

    /// Seals one payload under the next number, and stores it in the set and in the outbox.
    pub(crate) fn seal_and_store(
        &mut self,
        kind: ChangeKind,
        payload: &Payload,
        change: Option<&automerge::Change>,
    ) -> Result<(ChangeId, DeviceId), VaultError> {
        let belonging = self.reading.belonging();
        let header = Header {
            version: seal::FORMAT_VERSION,
            tenant: belonging.tenant,
            document: document_id(&belonging, &payload.path),
            epoch: belonging.membership.current_epoch(),
            device: belonging.device,
            opening: self.parts.opening,
            number: *self.next_number,
            kind,
        };
        let sealed = SealedChange::seal(
            header,
            &payload.pack()?,
            &belonging.epochs,
            &belonging.keys,
            &mut self.rng,
        )?;
        set::insert_own(self.reading.conn(), &sealed, change)?;
        outbox::put(self.reading.conn(), outbox::Kind::Change, sealed.id().as_bytes())?;
        kill::point("write.sealed");
        *self.next_number += 1;
        self.tags.insert(Tag::Sync);
        Ok((sealed.id(), belonging.device))
    }
}

/// The id of the document at `path`, the same on every device of the clinic and opaque outside.
pub(crate) fn document_id(belonging: &Belonging, path: &str) -> DocumentId {
    seal::derive_document_id(belonging.epochs.naming_key(), path)
}
