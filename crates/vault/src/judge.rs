//! From sealed changes, in whatever order they came, to documents, facts and tables.
//!
//! A change that fails its signature, its membership, its decryption or its decoding is quarantined with its reason and
//! stops nothing else. Changes of one document are applied in one batch; when a batch fails, or something in it claims what
//! it may not, the document is settled from all that is here of it (`snapshots::judging`): the guilty are put aside, and the
//! innocent ones land. What lacks its parent is kept and lands when the parent does.
//! When who belongs changes, what no longer counts is taken back out (`taking_back`) and the rest is judged again.
//! The outcome depends on the set alone, not on the order: the tests shuffle it.

use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};

use automerge::Change;
use rusqlite::{Connection, params};
use seal::{ChangeId, ChangeKind, DocumentId, SealError, SealedChange};

use crate::applying::{self, Batch, Sorted};
use crate::begun::Begun;
use crate::belonging::Belonging;
use crate::documents::{self, DocPath, Shelf};
pub(crate) use crate::looked::AFTER_REMOVAL;
use crate::looked::{self, Looked, Opened, Placed, Reason};
use crate::reading::count;
use crate::set::{self, Verdict};
use crate::writing::document_id;
use crate::{Tag, VaultError, erasure, facts, snapshots};

/// Judges stored changes inside one transaction.
pub(crate) struct Judge<'j> {
    pub(crate) conn: &'j Connection,
    pub(crate) belonging: &'j Belonging,
    pub(crate) shelf: &'j mut Shelf,
    pub(crate) tags: BTreeSet<Tag>,
    /// Documents whose snapshots, or their confirmations, are other ones now.
    pub(crate) touched: BTreeSet<DocPath>,
    /// Confirmations that a snapshot lists which has just come into force, or is so no more.
    pub(crate) relisted: BTreeSet<ChangeId>,
    /// Edits that landed in this transaction: they came, or were read, just now.
    pub(crate) landed: HashSet<ChangeId>,
    /// Documents that were made before the transaction began.
    pub(crate) begun: Begun,
    /// Who belongs is another than it was.
    again: bool,
    /// What was looked at before the transaction began.
    pub(crate) looked: HashMap<ChangeId, (u64, Result<Placed, Reason>)>,
}

/// Why a change is not taken that has its place in one writer's history together with another.
pub(crate) const FORK: Reason = "fork";

impl<'j> Judge<'j> {
    pub(crate) fn new(conn: &'j Connection, belonging: &'j Belonging, shelf: &'j mut Shelf) -> Self {
        Self {
            conn,
            belonging,
            shelf,
            tags: BTreeSet::new(),
            touched: BTreeSet::new(),
            relisted: BTreeSet::new(),
            landed: HashSet::new(),
            begun: Begun::default(),
            again: false,
            looked: HashMap::new(),
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
            .prepare("SELECT id FROM changes WHERE verdict IN (1, 2) AND verdict = ?1 ORDER BY arrival")?;
        let ids = statement.query_map([Verdict::Quarantined as i64], |row| {
            row.get(0).map(ChangeId::from_bytes)
        })?;
        let ids: Vec<ChangeId> = ids.collect::<Result<_, _>>()?;
        drop(statement);
        self.again = true;
        let made_anew = self.take_back()?;
        self.look_at_taints()?;
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
            match self.found(id)? {
                Found::Snapshot(sealed) => self.take_snapshot(id, &sealed)?,
                Found::Placed(Placed::Change(path, change)) => {
                    batches.entry(path).or_default().push((*id, *change));
                }
                Found::Placed(Placed::Fact(opened)) => self.take_fact(id, &opened)?,
                Found::WithoutBody(sealed) => {
                    erasure::judge_without_body(self.conn, self.belonging, id, &sealed)?;
                }
                Found::Not(reason) => {
                    self.quarantine(id, reason)?;
                    // A snapshot that holds it may be in force only for want of it.
                    self.touched.extend(snapshots::path_of(self.conn, id)?);
                }
            }
        }
        for (path, batch) in batches {
            // What came just before its own erasure has lost its body meanwhile.
            if !self.is_erased_now(&path, &batch)? && !self.touched.contains(&path) {
                self.apply(path, batch)?;
            }
        }
        self.settle_touched()?;
        self.tags.insert(Tag::Sync);
        Ok(())
    }

    /// Whether a document was erased by what was judged together with this batch of its changes; then there is nothing left
    /// to be done with them.
    fn is_erased_now(&self, path: &DocPath, batch: &Batch) -> Result<bool, VaultError> {
        if !self.shelf.has_erased() {
            return Ok(false);
        }
        let document = document_id(self.belonging, &path.to_string());
        let is_named = erasure::is_named(self.conn, erasure::Of::Document, document.as_bytes())?;
        if is_named {
            for (id, _) in batch {
                erasure::rule_erased(self.conn, id)?;
            }
        }
        Ok(is_named)
    }

    pub(crate) fn quarantine(&mut self, id: &ChangeId, reason: Reason) -> Result<(), VaultError> {
        tracing::warn!(%id, reason, "a change was quarantined");
        set::rule(self.conn, id, Verdict::Quarantined, Some(reason))
    }

    /// What can be said of a stored change alone. What was looked at before it was stored is not looked at again.
    fn found(&mut self, id: &ChangeId) -> Result<Found, VaultError> {
        let (n_bytes, kind): (u64, i64) = self
            .conn
            .prepare_cached("SELECT length(sealed), kind FROM changes WHERE id = ?1")?
            .query_row([id.as_bytes()], |row| Ok((count(row, 0)?, row.get(1)?)))?;
        let is_snapshot = kind == set::kind_code(ChangeKind::Snapshot);
        // What was erased on its way in has another length.
        let looked = self.looked.remove(id).filter(|(n_looked, _)| *n_looked == n_bytes);
        let found = match looked {
            Some((_, found)) if !is_snapshot && found.as_ref().err() != Some(&SealError::Erased.code()) => found,
            _ => {
                let sealed: Vec<u8> = self
                    .conn
                    .prepare_cached("SELECT sealed FROM changes WHERE id = ?1")?
                    .query_row([id.as_bytes()], |row| row.get(0))?;
                if is_snapshot {
                    return Ok(Found::Snapshot(sealed));
                }
                let looked = Looked::at(self.belonging, sealed);
                if looked.found.as_ref().err() == Some(&SealError::Erased.code()) {
                    return Ok(Found::WithoutBody(looked.bytes));
                }
                if let Ok(Placed::Change(_, change)) = &looked.found {
                    set::note_automerge(self.conn, id, change)?;
                }
                looked.found
            }
        };
        Ok(match found {
            Ok(placed) => Found::Placed(placed),
            Err(reason) => Found::Not(reason),
        })
    }

    /// Whether it was written by somebody who belongs.
    pub(crate) fn admit(&self, sealed: &SealedChange) -> Result<(), Reason> {
        looked::admit(self.belonging, sealed)
    }

    fn take_fact(&mut self, id: &ChangeId, opened: &Opened) -> Result<(), VaultError> {
        let tenant = self.belonging.tenant;
        let tags = facts::project(self.conn, tenant, *id, opened.header.device, &opened.payload)?;
        self.tags.extend(tags);
        set::rule(self.conn, id, Verdict::Applied, None)?;
        let kind = opened.payload.fact.as_ref().map_or(0, |fact| fact.kind);
        let tags = erasure::after_fact(self.conn, self.belonging, self.shelf, id, kind)?;
        self.tags.extend(tags);
        Ok(())
    }

    /// Applies the changes of one document and writes its rows anew.
    fn apply(&mut self, path: DocPath, batch: Batch) -> Result<(), VaultError> {
        let document = document_id(self.belonging, &path.to_string());
        let has_snapshots = snapshots::any(self.conn, &document)?;
        if has_snapshots && (self.again || batch.is_empty()) {
            return self.settle(path);
        }
        if (has_snapshots || self.may_have_rivals(&document, &batch)?) && self.any_rival(&batch)? {
            return self.settle(path);
        }
        let mut open = self.shelf.take_or_load(self.conn, self.belonging, path)?;
        let is_held = |(_, change): &(_, Change)| open.doc.get_change_meta_by_hash(&change.hash()).is_some();
        if has_snapshots && batch.iter().any(is_held) {
            return self.settle(path);
        }
        let all = [documents::waiting(self.conn, self.belonging, &document)?, batch].concat();
        let Sorted { ready, wrong, waiting } = applying::sort(&mut open.doc, all);
        let changes = ready.iter().map(|(_, change)| change.clone());
        // What a refused batch leaves of a document nobody promises: it is not put back.
        if !wrong.is_empty() || !(ready.is_empty() || applying::applies(&mut open.doc, changes)) {
            return self.settle(path);
        }
        for (batch, verdict) in [(&ready, Verdict::Applied), (&waiting, Verdict::Waiting)] {
            for (id, _) in batch {
                set::rule(self.conn, id, verdict, None)?;
            }
        }
        if has_snapshots {
            self.look_at_waiting(&document, &mut open.doc)?;
        }
        if self.has_content(&open.id)? {
            documents::project(self.conn, &open.id, &path, &open.doc)?;
        } else {
            documents::unproject(self.conn, &open.id, &path)?;
        }
        self.tags.extend(path.tags());
        self.shelf.put(open);
        Ok(())
    }

    /// Whether two changes could claim one place: not when all that is here of a document is this batch, in which none do.
    fn may_have_rivals(&self, document: &DocumentId, batch: &Batch) -> Result<bool, VaultError> {
        let mut places = BTreeSet::new();
        if !batch
            .iter()
            .all(|(_, change)| places.insert((change.actor_id(), change.seq())))
        {
            return Ok(true);
        }
        let more = "SELECT 1 FROM changes WHERE document = ?1 LIMIT 1 OFFSET ?2";
        let n_here = i64::try_from(batch.len()).unwrap_or(i64::MAX);
        let mut more = self.conn.prepare_cached(more)?;
        Ok(more.exists(params![document.as_bytes(), n_here])?)
    }

    /// Two changes with one place in one writer's history wedge Automerge for good.
    fn any_rival(&self, batch: &Batch) -> Result<bool, VaultError> {
        for (id, _) in batch {
            if !self.rivals(id)?.is_empty() {
                return Ok(true);
            }
        }
        Ok(false)
    }

    /// Other changes that claim the same place, but for those that were put aside for what is theirs alone.
    fn rivals(&self, id: &ChangeId) -> Result<Vec<ChangeId>, VaultError> {
        let mut statement = self.conn.prepare_cached(
            // By its name: device and opening have an index, too, and a device writes more in an opening than in a document.
            "SELECT other.id FROM changes one JOIN changes other INDEXED BY changes_of_document
               ON other.document = one.document AND other.device = one.device AND other.opening = one.opening
              AND other.am_seq = one.am_seq AND other.id <> one.id
              AND (other.verdict <> ?2 OR other.reason IN (?3, ?4, ?5, ?6))
             WHERE one.id = ?1",
        )?;
        let [one, two, three, four] = snapshots::SETTLED;
        let of = params![id.as_bytes(), Verdict::Quarantined as i64, one, two, three, four];
        let rows = statement.query_map(of, |row| row.get(0).map(ChangeId::from_bytes))?;
        Ok(rows.collect::<Result<_, _>>()?)
    }
}

/// What a stored change is.
enum Found {
    /// A snapshot, or the confirmation of some, as it is stored.
    Snapshot(Vec<u8>),
    Placed(Placed),
    /// A member of the set without its body, as it is stored.
    WithoutBody(Vec<u8>),
    Not(Reason),
}
