//! From sealed changes, in whatever order they came, to documents, facts and tables.
//!
//! A change that fails its signature, its membership, its decryption or its decoding is quarantined with its reason and
//! stops nothing else. Changes of one document are applied in one batch; when a batch fails it is halved until the
//! guilty change is alone, and the innocent ones land. What lacks its parent is kept and lands when the parent does.
//! When who belongs changes, what no longer counts is taken back out (`taking_back`) and the rest is judged again.
//! The outcome depends on the set alone, not on the order: the tests shuffle it.

use std::collections::{BTreeMap, BTreeSet};
use std::panic::{AssertUnwindSafe, catch_unwind};

use automerge::{AutoCommit, Change, ChangeHash};
use rusqlite::{Connection, params};
use seal::{ChangeId, ChangeKind, Header, SealError, SealedChange};

use crate::belonging::Belonging;
use crate::documents::{self, DocPath, Shelf};
use crate::payload::Payload;
use crate::set::{self, Verdict};
use crate::vault::actor;
use crate::writing::document_id;
use crate::{Tag, VaultError, erasure, facts};

/// Judges stored changes inside one transaction.
pub(crate) struct Judge<'j> {
    pub(crate) conn: &'j Connection,
    pub(crate) belonging: &'j Belonging,
    pub(crate) shelf: &'j mut Shelf,
    pub(crate) tags: BTreeSet<Tag>,
}

/// Why a change was not taken. The word is stored and shown; it never changes its meaning.
type Reason = &'static str;

/// Why what a removed device wrote beyond its end is not taken: a person must look at it.
pub(crate) const AFTER_REMOVAL: Reason = "after_removal";

/// A change that passed everything that can be said of it alone.
struct Opened {
    id: ChangeId,
    header: Header,
    path: DocPath,
    payload: Payload,
}

/// Changes of one document that are about to be applied.
type Batch = Vec<(ChangeId, Change)>;

impl<'j> Judge<'j> {
    pub(crate) fn new(conn: &'j Connection, belonging: &'j Belonging, shelf: &'j mut Shelf) -> Self {
        Self {
            conn,
            belonging,
            shelf,
            tags: BTreeSet::new(),
        }
    }

    /// What the judged changes changed.
    pub(crate) fn tags(self) -> Vec<Tag> {
        self.tags.into_iter().collect()
    }

    /// Judges again after a change of who belongs: what counted and no longer does, and what was quarantined.
    pub(crate) fn judge_again(&mut self) -> Result<(), VaultError> {
        let mut statement = self
            .conn
            .prepare("SELECT id FROM changes WHERE verdict > 0 AND verdict = ?1 ORDER BY arrival")?;
        let ids = statement.query_map([Verdict::Quarantined as i64], |row| {
            row.get(0).map(ChangeId::from_bytes)
        })?;
        let ids: Vec<ChangeId> = ids.collect::<Result<_, _>>()?;
        drop(statement);
        let made_anew = self.take_back()?;
        for id in &ids {
            set::rule(self.conn, id, Verdict::Unjudged, None)?;
        }
        let batches = made_anew.into_iter().map(|path| (path, Batch::new()));
        self.judge_besides(&ids, batches.collect())
    }

    /// Judges these changes, which are in the set.
    pub(crate) fn judge(&mut self, ids: &[ChangeId]) -> Result<(), VaultError> {
        self.judge_besides(ids, BTreeMap::new())
    }

    /// Judges these changes, and makes the documents of `batches` anew whether something of theirs is among them or not.
    fn judge_besides(&mut self, ids: &[ChangeId], mut batches: BTreeMap<DocPath, Batch>) -> Result<(), VaultError> {
        for id in ids {
            let sealed: Vec<u8> = self
                .conn
                .prepare_cached("SELECT sealed FROM changes WHERE id = ?1")?
                .query_row([id.as_bytes()], |row| row.get(0))?;
            match self.open(*id, &sealed).and_then(|opened| self.place(opened)) {
                Ok(Placed::Change(path, change)) => {
                    set::note_automerge(self.conn, id, &change)?;
                    batches.entry(path).or_default().push((*id, *change));
                }
                Ok(Placed::Fact(opened)) => self.take_fact(&opened)?,
                Err(reason) if reason == SealError::Erased.code() => {
                    erasure::judge_without_body(self.conn, self.belonging, id, &sealed)?;
                }
                Err(reason) => self.quarantine(id, reason)?,
            }
        }
        for (path, batch) in batches {
            self.apply(path, batch)?;
        }
        self.tags.insert(Tag::Sync);
        Ok(())
    }

    fn quarantine(&mut self, id: &ChangeId, reason: Reason) -> Result<(), VaultError> {
        tracing::warn!(%id, reason, "a change was quarantined");
        set::rule(self.conn, id, Verdict::Quarantined, Some(reason))
    }

    /// Everything that can be said of a change alone.
    fn open(&self, id: ChangeId, sealed: &[u8]) -> Result<Opened, Reason> {
        let sealed = SealedChange::decode(sealed).map_err(reason)?;
        let header = *sealed.header();
        if header.tenant != self.belonging.tenant {
            return Err("wrong_tenant");
        }
        match sealed.verify(&self.belonging.membership) {
            // What it wrote itself a device that was removed goes on seeing: that may be nowhere else.
            Err(SealError::BeyondRemoval | SealError::UnknownDevice)
                if sealed.is_signed_by(&self.belonging.keys.public()) => {}
            verdict => verdict.map_err(reason)?,
        }
        if sealed.body().is_none() {
            return Err(SealError::Erased.code());
        }
        if !matches!(header.kind, ChangeKind::Change | ChangeKind::Fact) {
            return Err("newer_kind");
        }
        let payload = Payload::unpack(&sealed.open(&self.belonging.epochs).map_err(reason)?)?;
        if document_id(self.belonging, &payload.path) != header.document {
            return Err("wrong_document");
        }
        let path = payload.path.parse().map_err(|_| "newer_document")?;
        Ok(Opened {
            id,
            header,
            path,
            payload,
        })
    }

    /// Tells changes from facts, and checks that a change speaks as nobody but its writer.
    fn place(&self, opened: Opened) -> Result<Placed, Reason> {
        if opened.header.kind == ChangeKind::Fact {
            return if opened.payload.fact.is_some() {
                Ok(Placed::Fact(Box::new(opened)))
            } else {
                Err("no_fact_inside")
            };
        }
        let change = opened.payload.automerge()?;
        if *change.actor_id() != actor(&opened.header.device, &opened.header.opening) {
            return Err("wrong_actor");
        }
        Ok(Placed::Change(opened.path, Box::new(change)))
    }

    fn take_fact(&mut self, opened: &Opened) -> Result<(), VaultError> {
        let tenant = self.belonging.tenant;
        let tags = facts::project(self.conn, tenant, opened.id, opened.header.device, &opened.payload)?;
        self.tags.extend(tags);
        set::rule(self.conn, &opened.id, Verdict::Applied, None)?;
        let kind = opened.payload.fact.as_ref().map_or(0, |fact| fact.kind);
        let tags = erasure::after_fact(self.conn, self.belonging, self.shelf, &opened.id, kind)?;
        self.tags.extend(tags);
        Ok(())
    }

    /// Applies the changes of one document and writes its rows anew.
    fn apply(&mut self, path: DocPath, batch: Batch) -> Result<(), VaultError> {
        let batch = self.without_forks(path, batch)?;
        let mut open = self.shelf.take_or_load(self.conn, self.belonging, path)?;
        for id in apply_innocent(&mut open.doc, &batch) {
            self.quarantine(&id, "refused_by_automerge")?;
        }
        self.rule_by_presence(&mut open.doc, &open.id, &batch)?;
        if self.has_content(&open.id)? {
            documents::project(self.conn, &open.id, &path, &open.doc)?;
        } else {
            documents::unproject(self.conn, &open.id, &path)?;
        }
        self.tags.extend(path.tags());
        self.shelf.put(open);
        Ok(())
    }

    /// Two changes with one place in one writer's history wedge Automerge for good. The lowest id stays; the others
    /// are quarantined, also when they were applied already: then the document is made again without them.
    fn without_forks(&mut self, path: DocPath, batch: Batch) -> Result<Batch, VaultError> {
        let mut lost = BTreeSet::new();
        for (id, _) in &batch {
            let mut rivals = self.rivals(id)?;
            rivals.push(*id);
            rivals.sort();
            lost.extend(rivals.into_iter().skip(1));
        }
        if lost.is_empty() {
            return Ok(batch);
        }
        let document = document_id(self.belonging, &path.to_string());
        self.make_anew(&document, &path)?; // what followed a lost branch is no longer in the document
        for id in &lost {
            self.quarantine(id, "fork")?;
        }
        Ok(batch.into_iter().filter(|(id, _)| !lost.contains(id)).collect())
    }

    /// Other changes that claim the same place, quarantined ones left out.
    fn rivals(&self, id: &ChangeId) -> Result<Vec<ChangeId>, VaultError> {
        let mut statement = self.conn.prepare_cached(
            "SELECT other.id FROM changes one JOIN changes other
               ON other.document = one.document AND other.device = one.device AND other.opening = one.opening
              AND other.am_seq = one.am_seq AND other.id <> one.id AND other.verdict <> ?2
             WHERE one.id = ?1",
        )?;
        let rows = statement.query_map(params![id.as_bytes(), Verdict::Quarantined as i64], |row| {
            row.get(0).map(ChangeId::from_bytes)
        })?;
        Ok(rows.collect::<Result<_, _>>()?)
    }

    /// Applied is what the document holds; the rest of the batch waits, and what waited may have landed.
    fn rule_by_presence(
        &mut self,
        doc: &mut AutoCommit,
        id: &seal::DocumentId,
        batch: &Batch,
    ) -> Result<(), VaultError> {
        let mut statement = self.conn.prepare_cached(
            "SELECT id, am_hash FROM changes WHERE document = ?1 AND verdict = ?2 AND am_hash IS NOT NULL",
        )?;
        let rows = statement.query_map(params![id.as_bytes(), Verdict::Waiting as i64], |row| {
            Ok((ChangeId::from_bytes(row.get(0)?), ChangeHash(row.get(1)?)))
        })?;
        let mut open: Vec<(ChangeId, ChangeHash)> = rows.collect::<Result<_, _>>()?;
        open.extend(batch.iter().map(|(id, change)| (*id, change.hash())));
        for (id, hash) in open {
            let verdict = match doc.get_change_meta_by_hash(&hash) {
                Some(_) => Verdict::Applied,
                None => Verdict::Waiting,
            };
            set::rule_unless_quarantined(self.conn, &id, verdict)?;
        }
        Ok(())
    }
}

/// Where an opened change belongs.
enum Placed {
    Change(DocPath, Box<Change>),
    Fact(Box<Opened>),
}

fn reason(error: SealError) -> Reason {
    match error {
        SealError::BeyondRemoval => AFTER_REMOVAL,
        other => other.code(),
    }
}

/// Applies what can be applied; gives the ids of those that Automerge refuses, or panics over.
pub(crate) fn apply_innocent(doc: &mut AutoCommit, batch: &[(ChangeId, Change)]) -> Vec<ChangeId> {
    if batch.is_empty() {
        return Vec::new();
    }
    let changes: Vec<Change> = batch.iter().map(|(_, change)| change.clone()).collect();
    let mut trial = doc.clone();
    let outcome = catch_unwind(AssertUnwindSafe(|| trial.apply_changes(changes).map(|()| trial)));
    match outcome {
        Ok(Ok(applied)) => {
            *doc = applied;
            Vec::new()
        }
        _ if batch.len() == 1 => vec![batch[0].0],
        _ => {
            let (first, second) = batch.split_at(batch.len() / 2);
            let mut guilty = apply_innocent(doc, first);
            guilty.extend(apply_innocent(doc, second));
            guilty
        }
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use automerge::transaction::Transactable;
    use automerge::{ActorId, ROOT, ReadDoc};

    use super::*;

    fn change(actor: u8, key: &str) -> Change {
        let mut doc = AutoCommit::new().with_actor(ActorId::from([actor; 16].as_slice()));
        doc.put(ROOT, key, actor.to_string()).unwrap();
        let hash = doc.commit().unwrap();
        doc.get_change_by_hash(&hash).unwrap()
    }

    #[test]
    fn of_a_batch_that_automerge_refuses_the_innocent_changes_land() {
        // Two changes with one actor and one sequence number fail the whole batch that holds them both.
        let changes = [
            change(1, "a"),
            change(2, "b"),
            change(3, "c"),
            change(2, "forked"),
            change(4, "d"),
        ];
        let mut whole = AutoCommit::new();
        assert!(whole.apply_changes(changes.clone()).is_err());

        let batch: Vec<(ChangeId, Change)> = changes
            .into_iter()
            .zip(1u8..)
            .map(|(change, n)| (ChangeId::from_bytes([n; 32]), change))
            .collect();
        let mut doc = AutoCommit::new();
        assert_eq!(apply_innocent(&mut doc, &batch), [ChangeId::from_bytes([4; 32])]);
        assert_eq!(doc.keys(ROOT).collect::<Vec<_>>(), ["a", "b", "c", "d"]);
    }
}
