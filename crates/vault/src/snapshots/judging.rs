//! What a snapshot means for its document: which ones are in force, and what they cover.
//!
//! A document of which there are snapshots is made from them and from what they do not cover, as a function of what is
//! here and not of the order in which it came. A change is covered when its Automerge hash is in the history of a
//! snapshot in force; nothing else counts, not even the numbers that the snapshot lists.

use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};
use std::panic::{AssertUnwindSafe, catch_unwind};

use automerge::{ActorId, AutoCommit, Change, ChangeHash};
use seal::{Admission, ChangeId, DeviceId, DocumentId, OpeningId, SealError, SealedChange};

use super::numbers::{self, Held};
use super::reading::{self, Read};
use super::rows::{self, Edit, Noted};
use crate::belonging::Belonging;
use crate::documents::{self, DocPath, OpenDoc, fresh_document};
use crate::judge::{AFTER_REMOVAL, FORK, Judge, apply_innocent};
use crate::payload::Payload;
use crate::set::{self, Verdict};
use crate::vault::actor;
use crate::writing::document_id;
use crate::{VaultError, erasure, kill};

/// A snapshot from which its document is made.
struct InForce {
    id: ChangeId,
    /// Its place among all that are here of its document.
    place: usize,
    history: HashSet<ChangeHash>,
}

/// What all snapshots in force make together.
struct Base {
    doc: AutoCommit,
    snapshots: Vec<InForce>,
    /// Who wrote what at which place, in all of their histories.
    places: HashMap<(ActorId, u64), ChangeHash>,
}

impl Judge<'_> {
    /// Takes in one sealed change of the kind *snapshot*. What it means is settled by [`Self::settle_touched`].
    pub(crate) fn take_snapshot(&mut self, id: &ChangeId, sealed: &[u8]) -> Result<(), VaultError> {
        let read = self.read_snapshot(sealed);
        match read {
            Ok((header, Read::Snapshot(path, snapshot, held))) => {
                let tainted = reading::is_tainted(self.belonging, &held);
                rows::note(self.conn, id, &header, &snapshot, &held, tainted)?;
                set::rule(self.conn, id, Verdict::Waiting, None)?;
                self.touched.insert(path);
            }
            Ok((_, Read::Confirmation(snapshots))) => {
                rows::confirm(self.conn, id, &snapshots)?;
                set::rule(self.conn, id, Verdict::Applied, None)?;
                self.rule_on_confirmation(id, &[])?;
                self.touched.extend(rows::documents_of(self.conn, &snapshots)?);
            }
            Err(reason) if reason == SealError::Erased.code() => {
                erasure::judge_without_body(self.conn, self.belonging, id, sealed)?;
            }
            Err(reason) => self.quarantine(id, reason)?,
        }
        Ok(())
    }

    fn read_snapshot(&self, sealed: &[u8]) -> Result<(seal::Header, Read), &'static str> {
        let sealed = SealedChange::decode(sealed).map_err(|error| error.code())?;
        self.admit(&sealed)?;
        let plain = sealed.open(&self.belonging.epochs).map_err(|error| error.code())?;
        let read = reading::read(self.belonging, sealed.header(), &plain)?;
        Ok((*sealed.header(), read))
    }

    /// Makes every document anew whose snapshots, or their confirmations, are other ones now.
    pub(crate) fn settle_touched(&mut self) -> Result<(), VaultError> {
        while let Some(path) = self.touched.pop_first() {
            self.settle(path)?;
        }
        Ok(())
    }

    /// After a change of who belongs: which snapshots hold what a removed device wrote too late.
    pub(crate) fn look_at_taints(&mut self) -> Result<(), VaultError> {
        let membership = &self.belonging.membership;
        let writers = rows::writers(self.conn)?.into_iter();
        for device in writers.filter(|device| membership.device(device).is_none()) {
            for (snapshot, path, was_tainted) in rows::that_list(self.conn, &device)? {
                let held = rows::held_by(self.conn, &snapshot)?;
                let tainted = reading::is_tainted(self.belonging, &held);
                if tainted != was_tainted {
                    rows::set_tainted(self.conn, &snapshot, tainted)?;
                    self.touched.extend(path.parse::<DocPath>().ok());
                }
            }
        }
        Ok(())
    }

    /// The changes of a document came, and nothing else did: a snapshot that waited for them need not wait any more.
    pub(crate) fn look_at_waiting(&self, document: &DocumentId, doc: &mut AutoCommit) -> Result<(), VaultError> {
        for snapshot in rows::of_document(self.conn, document)? {
            let mut is_here = |head| doc.get_change_meta_by_hash(head).is_some();
            if snapshot.verdict == Verdict::Waiting as i64 && snapshot.heads.iter().all(&mut is_here) {
                set::rule(self.conn, &snapshot.id, Verdict::Applied, None)?;
            }
        }
        Ok(())
    }

    /// Snapshots and confirmations that were just put aside: what they meant is to be settled anew.
    pub(crate) fn touch(&mut self, put_aside: &[ChangeId]) -> Result<(), VaultError> {
        for id in put_aside {
            let mut snapshots = rows::named_by(self.conn, id)?;
            snapshots.push(*id.as_bytes());
            self.touched.extend(rows::documents_of(self.conn, &snapshots)?);
        }
        Ok(())
    }

    /// Makes one document from its snapshots in force and from what they do not cover, and rules on all of it.
    pub(crate) fn settle(&mut self, path: DocPath) -> Result<(), VaultError> {
        let document = document_id(self.belonging, &path.to_string());
        self.touched.remove(&path);
        self.note_what_was_put_aside(&document)?;
        let noted = rows::of_document(self.conn, &document)?;
        let base = self.base(&path, &noted)?;
        let mut edits = rows::edits(self.conn, &document)?;
        let mut lost_some = self.put_aside_late(&mut edits)?;

        let (live, forks) = uncovered(&edits, &base);
        let mut doc = base.doc;
        let batch = self.opened(&live)?;
        let refused: BTreeSet<ChangeId> = apply_innocent(&mut doc, &batch).into_iter().collect();
        let mut has_content = !base.snapshots.is_empty();
        for edit in &edits {
            let by = covers(&base.snapshots, &edit.hash);
            let (verdict, reason) = match &edit.reason {
                _ if by.is_some() => (Verdict::Applied, None),
                _ if forks.contains(&edit.id) => (Verdict::Quarantined, Some(FORK)),
                _ if refused.contains(&edit.id) => (Verdict::Quarantined, Some("refused_by_automerge")),
                Some(reason) if edit.verdict == Verdict::Quarantined as i64 && reason != FORK => {
                    self.cover(&edit.id, edit.covered_by, None, &base.snapshots, false)?;
                    continue;
                }
                _ if doc.get_change_meta_by_hash(&edit.hash).is_some() => (Verdict::Applied, None),
                _ => (Verdict::Waiting, None),
            };
            has_content |= verdict != Verdict::Quarantined;
            lost_some |= edit.verdict == Verdict::Applied as i64 && verdict != Verdict::Applied;
            if edit.verdict != verdict as i64 {
                match reason {
                    Some(reason) => self.quarantine(&edit.id, reason)?,
                    None => set::rule(self.conn, &edit.id, verdict, None)?,
                }
            }
            // Who gave it now (a relay that was put back, say) does not know that nobody needs it.
            let is_news = edit.verdict == Verdict::Unjudged as i64 || self.landed.contains(&edit.id);
            self.cover(&edit.id, edit.covered_by, by, &base.snapshots, is_news)?;
        }
        self.rule_on_snapshots(&mut doc, &noted, &base.snapshots)?;
        kill::point("snapshot.settled");

        if lost_some {
            self.shelf.forget(&path);
        }
        if has_content {
            documents::project(self.conn, &document, &path, &doc)?;
        } else {
            documents::unproject(self.conn, &document, &path)?;
        }
        self.tags.extend(path.tags());
        let id = document;
        self.shelf.put(OpenDoc { id, path, doc });
        Ok(())
    }

    /// Merges the snapshots in force. Of two that hold two branches of one writer's history the longer one stays.
    fn base(&mut self, path: &DocPath, noted: &[Noted]) -> Result<Base, VaultError> {
        let mut base = Base {
            doc: fresh_document(path.kind()),
            snapshots: Vec::new(),
            places: HashMap::new(),
        };
        for (place, snapshot) in noted.iter().enumerate() {
            let doc = if self.may_be_in_force(snapshot)? {
                reading::document_of(self.conn, self.belonging, &snapshot.id)?
            } else {
                None
            };
            let in_force = doc.is_some_and(|doc| merge(&mut base, snapshot.id, place, doc));
            if in_force != snapshot.in_force {
                rows::set_in_force(self.conn, &snapshot.id, in_force)?;
                // What they name may be gone already, so that nothing else would ask for them.
                self.relisted
                    .extend(rows::confirmations_listed(self.conn, &snapshot.id)?);
            }
        }
        let all = base.doc.get_changes_meta(&[]);
        base.places = all
            .iter()
            .map(|meta| ((meta.actor.clone().into_owned(), meta.seq), meta.hash))
            .collect();
        Ok(base)
    }

    fn may_be_in_force(&self, snapshot: &Noted) -> Result<bool, VaultError> {
        let all_are_here = || rows::all_are_here(self.conn, &rows::held_by(self.conn, &snapshot.id)?);
        // What was thrown away under it may have been given again.
        if rows::is_relied_on(self.conn, &snapshot.id)? && !all_are_here()? {
            return Ok(true);
        }
        if snapshot.verdict == Verdict::Quarantined as i64 || !rows::is_confirmed(self.conn, snapshot)? {
            return Ok(false);
        }
        // What a removed device wrote too late is judged change by change, as long as all of them are here.
        Ok(!snapshot.tainted || !all_are_here()?)
    }

    /// Puts aside what a removed device wrote too late, also what a snapshot held until now; whether there was any.
    fn put_aside_late(&self, edits: &mut [Edit]) -> Result<bool, VaultError> {
        let Belonging { membership, device, .. } = self.belonging;
        let is_late = |edit: &Edit| {
            edit.device != *device
                && membership.admits_change(&edit.device, &edit.opening, edit.number) == Admission::BeyondRemoval
        };
        let mut any = false;
        for edit in edits {
            if edit.verdict != Verdict::Quarantined as i64 && is_late(edit) {
                set::rule(self.conn, &edit.id, Verdict::Quarantined, Some(AFTER_REMOVAL))?;
                edit.verdict = Verdict::Quarantined as i64;
                edit.reason = Some(AFTER_REMOVAL.to_owned());
                any = true;
            }
        }
        Ok(any)
    }

    /// What was put aside for coming after a removal was never opened; a snapshot may hold it all the same.
    fn note_what_was_put_aside(&mut self, document: &DocumentId) -> Result<(), VaultError> {
        for (id, sealed) in rows::put_aside_unopened(self.conn, document, AFTER_REMOVAL)? {
            let change = SealedChange::decode(&sealed).ok().and_then(|sealed| {
                let plain = sealed.open(&self.belonging.epochs).ok()?;
                Payload::unpack(&plain, sealed.header()).ok()?.automerge().ok()
            });
            if let Some(change) = change {
                set::note_automerge(self.conn, &id, &change)?;
            }
        }
        Ok(())
    }

    /// The Automerge changes of these; what was erased is left out.
    fn opened(&self, edits: &[&Edit]) -> Result<Vec<(ChangeId, Change)>, VaultError> {
        let mut opened = Vec::new();
        let mut read = self.conn.prepare_cached("SELECT sealed FROM changes WHERE id = ?1")?;
        for edit in edits {
            let sealed: Vec<u8> = read.query_row([edit.id.as_bytes()], |row| row.get(0))?;
            let sealed = SealedChange::decode(&sealed)?;
            let plain = match sealed.open(&self.belonging.epochs) {
                Err(SealError::Erased) => continue,
                plain => plain?,
            };
            let payload = Payload::unpack(&plain, sealed.header()).map_err(VaultError::Malformed)?;
            opened.push((edit.id, payload.automerge().map_err(VaultError::Malformed)?));
        }
        Ok(opened)
    }

    /// Which snapshots are covered by another, which wait, and which confirmations are of no use any more.
    fn rule_on_snapshots(
        &mut self,
        doc: &mut AutoCommit,
        noted: &[Noted],
        in_force: &[InForce],
    ) -> Result<(), VaultError> {
        let mut confirmations = std::mem::take(&mut self.relisted);
        let mut lists = Vec::with_capacity(noted.len());
        for snapshot in noted {
            lists.push(rows::held_by(self.conn, &snapshot.id)?);
        }
        for (place, snapshot) in noted.iter().enumerate() {
            let by = in_force.iter().find(|later| {
                let holds_it = || snapshot.heads.iter().all(|head| later.history.contains(head));
                later.place != place && holds_it() && takes_the_place_of(noted, &lists, later.place, place)
            });
            let by = by.map(|later| later.id);
            self.cover(&snapshot.id, snapshot.covered_by, by, in_force, false)?;
            confirmations.extend(rows::that_name(self.conn, &snapshot.id)?);
            if snapshot.verdict != Verdict::Quarantined as i64 {
                let is_here = snapshot
                    .heads
                    .iter()
                    .all(|head| doc.get_change_meta_by_hash(head).is_some());
                let verdict = if is_here { Verdict::Applied } else { Verdict::Waiting };
                if snapshot.verdict != verdict as i64 {
                    set::rule(self.conn, &snapshot.id, verdict, None)?;
                }
            }
        }
        for confirmation in confirmations {
            self.rule_on_confirmation(&confirmation, in_force)?;
        }
        Ok(())
    }

    /// A confirmation is of no use any more when a later snapshot lists it, and all that it names are covered or gone.
    fn rule_on_confirmation(&self, confirmation: &ChangeId, in_force: &[InForce]) -> Result<(), VaultError> {
        let before = rows::covered_by(self.conn, confirmation)?;
        let by = rows::confirmation_goes_by(self.conn, confirmation)?;
        self.cover(confirmation, before, by, in_force, false)
    }

    fn cover(
        &self,
        id: &ChangeId,
        before: Option<ChangeId>,
        by: Option<ChangeId>,
        in_force: &[InForce],
        is_news: bool,
    ) -> Result<(), VaultError> {
        if before == by {
            return Ok(());
        }
        // One device tells the relay; that each does would be as true.
        let by_this_device = |one: &InForce| rows::is_confirmed_by(self.conn, &one.id, &self.belonging.device);
        let tell = match in_force.iter().find(|one| Some(one.id) == by) {
            Some(one) => is_news || by_this_device(one)?,
            None => false,
        };
        rows::cover(self.conn, id, before, by, tell)
    }
}

/// Merges one more snapshot; `false` when it holds another branch of what is there already, or Automerge refuses it.
fn merge(base: &mut Base, id: ChangeId, place: usize, mut doc: AutoCommit) -> bool {
    let history = doc.get_changes_meta(&[]).iter().map(|meta| meta.hash).collect();
    let mut trial = base.doc.clone();
    let merged = catch_unwind(AssertUnwindSafe(|| trial.merge(&mut doc).map(|_| trial)));
    let Ok(Ok(merged)) = merged else {
        tracing::warn!(%id, "a snapshot does not go together with another one");
        return false;
    };
    base.doc = merged;
    base.snapshots.push(InForce { id, place, history });
    true
}

/// Whether the later of two snapshots lists the earlier one and all that this one lists: so nothing that the earlier one
/// makes superfluous is missed, or live again, when it goes. Of two that say this of each other the first stays.
fn takes_the_place_of(noted: &[Noted], lists: &[Held], later: usize, earlier: usize) -> bool {
    let takes = |one: usize, other: usize| {
        numbers::are_among(&lists[other], &lists[one]) && numbers::are_among(&noted[other].number(), &lists[one])
    };
    takes(later, earlier) && (later < earlier || !takes(earlier, later))
}

/// The first snapshot that holds it.
fn covers(snapshots: &[InForce], hash: &ChangeHash) -> Option<ChangeId> {
    let holding = snapshots.iter().find(|one| one.history.contains(hash));
    holding.map(|one| one.id)
}

/// The edits that are to be applied on top, and those that fork: what a snapshot in force holds stays, and of the others
/// the lowest id.
fn uncovered<'e>(edits: &'e [Edit], base: &Base) -> (Vec<&'e Edit>, BTreeSet<ChangeId>) {
    let (mut live, mut forks) = (Vec::new(), BTreeSet::new());
    let mut rivals: BTreeMap<(DeviceId, OpeningId, u64), Vec<&Edit>> = BTreeMap::new();
    for edit in edits {
        let was_put_aside = edit.verdict == Verdict::Quarantined as i64 && edit.reason.as_deref() != Some(FORK);
        if was_put_aside || covers(&base.snapshots, &edit.hash).is_some() {
            continue;
        }
        let place = (actor(&edit.device, &edit.opening), edit.seq);
        if base.places.contains_key(&place) {
            forks.insert(edit.id);
        } else {
            rivals
                .entry((edit.device, edit.opening, edit.seq))
                .or_default()
                .push(edit);
        }
    }
    for mut rivals in rivals.into_values() {
        rivals.sort_by_key(|edit| edit.id);
        live.push(rivals[0]);
        forks.extend(rivals[1..].iter().map(|edit| edit.id));
    }
    (live, forks)
}
