//! One write: everything in it becomes durable together, or nothing of it happens.
//!
//! Documents are edited in memory and projected at once, so that a write sees its own edits. At the end each edited
//! document gives one Automerge change, which is sealed and stored with the outbox in the same SQLite transaction.

use std::collections::BTreeSet;
use std::ops::Deref;
use std::sync::{Arc, PoisonError};

use automerge::ReadDoc;
use automerge::transaction::{CommitOptions, Transactable};
use domain::StaffId;
use seal::{
    ChangeId, ChangeKind, DeviceId, DocumentId, EpochId, Header, OpeningId, SealError, SealedChange, Statement,
};

use crate::copies::Numbers;
use crate::documents::{self, DocPath, Edit, OpenDoc, Shelf};
use crate::judge::Judge;
use crate::payload::Payload;
use crate::ports::SharedRng;
use crate::vault::WriterParts;
use crate::{
    Belonging, FactBody, FactDraft, Reading, Tag, Vault, VaultError, backlog, columns, erasure, kill, outbox, roster,
    set,
};

/// A write in progress, from [`Vault::write`]. It reads as a [`Reading`] does, its own edits included.
pub struct Writing<'w> {
    reading: Reading<'w>,
    parts: &'w mut WriterParts,
    rng: SharedRng,
    numbers: Arc<Numbers>,
    by: Option<StaffId>,
    documents: Vec<OpenDoc>,
    shelf: &'w mut Shelf,
    next_number: &'w mut u64,
    /// The number of the commit that this write will be.
    commit: u64,
    tags: BTreeSet<Tag>,
    /// Who belongs, where this write says something of it.
    renewed: Option<Arc<Belonging>>,
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
    /// Whatever `f` gives, and every [`VaultError`]; [`VaultError::DiskFull`] leaves the store as it was, and
    /// [`VaultError::Removed`] is the answer to everything but settings on a device that does not belong (any more).
    pub fn write<T, E: From<VaultError>>(
        &self,
        by: Option<StaffId>,
        f: impl FnOnce(&mut Writing<'_>) -> Result<T, E>,
    ) -> Result<T, E> {
        let mut writer = self.inner.writer();
        let commit = writer.count.next();
        let (value, done) = writer.transaction(|conn, parts, shelf, next_number| {
            kill::point("write.begun");
            let mut writing = Writing {
                reading: Reading::new(conn, self.belonging(), self.now()),
                parts,
                rng: self.inner.rng(),
                numbers: Arc::clone(&self.inner.numbers),
                by,
                documents: Vec::new(),
                shelf,
                next_number,
                commit,
                tags: BTreeSet::new(),
                renewed: None,
                given_up: false,
            };
            writing.begin_opening_if_stale();
            let value = f(&mut writing)?;
            let done = writing.finish()?;
            kill::point("write.before_commit");
            Ok::<_, E>((value, done))
        })?;
        done.documents.into_iter().for_each(|open| writer.shelf.put(open));
        if let Some(renewed) = done.renewed {
            // Before anybody else writes: what was committed is sealed under what it says.
            *self.inner.belonging.write().unwrap_or_else(PoisonError::into_inner) = renewed;
        }
        drop(writer);
        self.tell(&done.tags);
        Ok(value)
    }
}

/// What is left to do once a write is committed.
struct Done {
    documents: Vec<OpenDoc>,
    tags: Vec<Tag>,
    renewed: Option<Arc<Belonging>>,
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

    /// Adds statements of the own clinic: an admin's acts here, or what came from elsewhere. Whatever follows from them for
    /// the changes that are here follows in this write: what no longer counts leaves documents and tables, and what was
    /// put aside is judged again. Before the first edit of a write.
    ///
    /// # Errors
    /// [`VaultError::Seal`] when they make no membership (too many, say), [`VaultError::Malformed`] after an edit.
    pub fn add_statements(&mut self, statements: &[Statement]) -> Result<(), VaultError> {
        if !self.documents.is_empty() {
            return Err(VaultError::Malformed("order of a write"));
        }
        let (conn, old) = (self.reading.conn(), self.reading.belonging());
        let Some(new) = roster::take_in(conn, &old, statements)? else {
            return Ok(());
        };
        let mut judge = Judge::new(conn, &new, self.shelf);
        judge.judge_again()?;
        self.tags.extend(judge.tags());
        self.tags.extend([Tag::Membership, Tag::Sync]);
        outbox::offer_again(conn, &new.membership)?;
        self.belong(new);
        self.begin_opening_if_stale();
        Ok(())
    }

    fn belong(&mut self, new: Arc<Belonging>) {
        self.reading.set_belonging(Arc::clone(&new));
        self.renewed = Some(new);
    }

    /// A new opening, if documents were made anew since the present one began.
    fn begin_opening_if_stale(&mut self) {
        let n_made_anew = self.shelf.n_made_anew();
        if self.parts.n_made_anew != n_made_anew {
            let opening = OpeningId::make(&mut self.rng);
            *self.parts = WriterParts::new(&self.reading.belonging().device, opening, n_made_anew);
            *self.next_number = 1;
        }
    }

    /// Counts a number that is about to be given.
    pub(crate) fn count_number(&self) -> Result<(), VaultError> {
        self.numbers.count_one(self.reading.conn())
    }

    pub(crate) fn spoil(&mut self, tags: impl IntoIterator<Item = Tag>) {
        self.tags.extend(tags);
    }

    /// Opens a document to be edited: from here on its rows say all that is here of it.
    pub(crate) fn begin(&mut self, path: DocPath) -> Result<(), VaultError> {
        self.open(path).map(drop)
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

    /// A fact was recorded: it may be an erasure, or the enrolment that one stands on. What it erases must not be open in
    /// this write.
    pub(crate) fn erase_if_said(&mut self, id: &ChangeId, draft: &FactDraft) -> Result<(), VaultError> {
        let is_open = |path: &String| self.documents.iter().any(|open| open.path.to_string() == *path);
        if let FactBody::Erased(erased) = &draft.body
            && erased.documents.iter().any(is_open)
        {
            self.given_up = true;
            return Err(VaultError::Malformed("order of a write"));
        }
        let belonging = self.reading.belonging();
        let tags = erasure::after_fact(self.reading.conn(), &belonging, self.shelf, id, draft.body.kind())?;
        self.tags.extend(tags);
        Ok(())
    }

    /// The place of the document among those that this write has open.
    fn open(&mut self, path: DocPath) -> Result<usize, VaultError> {
        if let Some(place) = self.documents.iter().position(|open| open.path == path) {
            return Ok(place);
        }
        let belonging = self.reading.belonging();
        let id = document_id(&belonging, &path.to_string());
        if erasure::is_named(self.reading.conn(), erasure::Of::Document, id.as_bytes())? {
            return Err(VaultError::NotFound("document"));
        }
        self.read_before_writing(&id)?;
        let mut open = self.shelf.take_or_load(self.reading.conn(), &belonging, path)?;
        open.doc.set_actor(self.parts.actor.clone());
        self.documents.push(open);
        Ok(self.documents.len() - 1)
    }

    /// What came of a document and was not read yet is read before somebody writes on top of it. Once this write has a
    /// document open it is left for later: then what she writes is as if written apart.
    fn read_before_writing(&mut self, document: &DocumentId) -> Result<(), VaultError> {
        let unread = backlog::of_document(self.reading.conn(), document)?;
        if unread.is_empty() || !self.documents.is_empty() {
            return Ok(());
        }
        self.judging(|judge| judge.judge(&unread))?;
        self.begin_opening_if_stale();
        Ok(())
    }

    /// Seals every edited document's change, in the order in which they were first edited.
    fn finish(mut self) -> Result<Done, VaultError> {
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
            // What nobody else would take must not be written.
            columns::check_change(change.raw_bytes()).map_err(|_| VaultError::TooLarge)?;
            let payload = Payload {
                staff: self.by.map(|staff| *staff.as_bytes()),
                path: open.path.to_string(),
                change: Some(change.raw_bytes().to_vec()),
                fact: None,
                at_ms: Some(self.reading.now().as_millisecond()),
            };
            self.seal_and_store(ChangeKind::Change, &payload, Some(&change))?;
        }
        Ok(Done {
            documents,
            tags: self.tags.into_iter().collect(),
            renewed: self.renewed,
        })
    }

    /// The epoch to seal under. Right after a removal there may be none that only members have the keys of: then one
    /// begins here, in this very write.
    fn epoch(&mut self) -> Result<EpochId, VaultError> {
        let belonging = self.reading.belonging();
        if !belonging.is_member() {
            return Err(VaultError::Removed);
        }
        if let Some(epoch) = belonging.membership.writing_epoch(&belonging.epochs) {
            return Ok(epoch);
        }
        let now_ms = self.now().as_millisecond();
        let begun = seal::new_epoch(&belonging.membership, &belonging.keys, now_ms, &mut self.rng)?;
        let epoch = EpochId::from(begun.id());
        let new = roster::take_in(self.reading.conn(), &belonging, &[begun])?.ok_or(SealError::UnknownEpoch)?;
        self.tags.extend([Tag::Membership, Tag::Sync]);
        self.belong(new);
        Ok(epoch)
    }

    /// Seals one payload under the next number, and stores it in the set and in the outbox.
    pub(crate) fn seal_and_store(
        &mut self,
        kind: ChangeKind,
        payload: &Payload,
        change: Option<&automerge::Change>,
    ) -> Result<(ChangeId, DeviceId), VaultError> {
        let plain = payload.pack(&self.reading.belonging().device, &self.parts.opening)?;
        let sealed = self.seal_plain(kind, &payload.path, &plain, change)?;
        Ok((sealed.id(), sealed.header().device))
    }

    /// Lends a document as it stands; this write has edited nothing.
    pub(crate) fn look_at<T>(&mut self, path: DocPath, f: impl FnOnce(&mut OpenDoc) -> T) -> Result<T, VaultError> {
        let belonging = self.reading.belonging();
        let mut open = self.shelf.take_or_load(self.reading.conn(), &belonging, path)?;
        let seen = f(&mut open);
        self.shelf.put(open);
        Ok(seen)
    }

    /// Judges inside this write, which has edited nothing.
    pub(crate) fn judging(
        &mut self,
        f: impl FnOnce(&mut Judge<'_>) -> Result<(), VaultError>,
    ) -> Result<(), VaultError> {
        let belonging = self.reading.belonging();
        let mut judge = Judge::new(self.reading.conn(), &belonging, self.shelf);
        f(&mut judge)?;
        self.tags.extend(judge.tags());
        Ok(())
    }

    /// [`Self::seal_and_store`] of what is packed already.
    pub(crate) fn seal_plain(
        &mut self,
        kind: ChangeKind,
        path: &str,
        plain: &[u8],
        change: Option<&automerge::Change>,
    ) -> Result<SealedChange, VaultError> {
        let epoch = self.epoch()?;
        let belonging = self.reading.belonging();
        let header = Header {
            version: seal::FORMAT_VERSION,
            tenant: belonging.tenant,
            document: document_id(&belonging, path),
            epoch,
            device: belonging.device,
            opening: self.parts.opening,
            number: *self.next_number,
            kind,
        };
        let sealed = SealedChange::seal(header, plain, &belonging.epochs, &belonging.keys, &mut self.rng)?;
        set::insert_own(self.reading.conn(), &sealed, change, self.commit)?;
        kill::point("write.sealed");
        *self.next_number += 1;
        self.tags.insert(Tag::Sync);
        Ok(sealed)
    }
}

/// The id of the document at `path`, the same on every device of the clinic and opaque outside.
pub(crate) fn document_id(belonging: &Belonging, path: &str) -> DocumentId {
    seal::derive_document_id(belonging.epochs.naming_key(), path)
}
