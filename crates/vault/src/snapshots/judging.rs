//! What a snapshot means for its document: what those in force cover, and what is put on top of them.
//!
//! A document of which there are snapshots is made from them and from what they do not cover, as a function of what is
//! here and not of the order in which it came. A change is covered when its Automerge hash is in the history of a
//! snapshot in force; nothing else counts, not even the numbers that the snapshot lists. Which ones are in force: `base`.

use std::collections::{BTreeMap, BTreeSet};

use automerge::{AutoCommit, Change};
use seal::{Admission, ChangeId, DeviceId, DocumentId, Header, OpeningId, SealError, SealedChange};

use super::base::{Base, InForce, covers};
use super::numbers::{self, Held};
use super::reading::{self, Read};
use super::rows::{self, Edit, Noted};
use super::{covering, words};
use crate::applying::{REFUSED, apply_innocent};
use crate::belonging::Belonging;
use crate::documents::{self, DocPath, OpenDoc};
use crate::judge::{AFTER_REMOVAL, FORK, Judge};
use crate::looked::Reason;
use crate::numbering::WRONG_NUMBERS;
use crate::payload::Payload;
use crate::references::FOREIGN;
use crate::set::{self, Verdict};
use crate::vault::actor;
use crate::writing::document_id;
use crate::{VaultError, erasure, kill};

/// Reasons that follow from what else is here of a document: looked at again whenever it is settled.
pub(crate) const SETTLED: [Reason; 4] = [FORK, WRONG_NUMBERS, FOREIGN, REFUSED];

impl Judge<'_> {
    /// Takes in one sealed change of the kind *snapshot*. What it means is settled by [`Self::settle_touched`].
    ///
    /// What a removed device made or said too late is put aside and read all the same: it may be what stands in for what
    /// is nowhere else any more (`base`).
    pub(crate) fn take_snapshot(&mut self, id: &ChangeId, sealed: &[u8]) -> Result<(), VaultError> {
        let (verdict, reason, read) = match self.read_snapshot(sealed) {
            Ok(read) => (Verdict::Waiting, None, Some(read)),
            Err(AFTER_REMOVAL) => {
                let read = self.read_admitted(sealed).ok();
                (Verdict::Quarantined, Some(AFTER_REMOVAL), read)
            }
            Err(reason) if reason == SealError::Erased.code() => {
                return erasure::judge_without_body(self.conn, self.belonging, id, sealed);
            }
            Err(reason) => (Verdict::Quarantined, Some(reason), None),
        };
        match reason {
            Some(reason) => self.quarantine(id, reason)?,
            None => set::rule(self.conn, id, verdict, None)?,
        }
        match read {
            Some((header, Read::Snapshot(path, snapshot, held))) => {
                let tainted = reading::is_tainted(self.belonging, &held);
                rows::note(self.conn, id, &header, &snapshot, &held, tainted)?;
                self.touched.insert(path);
            }
            Some((_, Read::Confirmation(snapshots))) => {
                words::confirm(self.conn, id, &snapshots)?;
                if reason.is_none() {
                    set::rule(self.conn, id, Verdict::Applied, None)?;
                }
                self.rule_on_confirmation(id, &[])?;
                self.touched.extend(rows::documents_of(self.conn, &snapshots)?);
            }
            None => {}
        }
        Ok(())
    }

    fn read_snapshot(&self, sealed: &[u8]) -> Result<(Header, Read), Reason> {
        self.admit(&SealedChange::decode(sealed).map_err(|error| error.code())?)?;
        self.read_admitted(sealed)
    }

    /// Reads what its signature lets in, or would if it had come in time.
    fn read_admitted(&self, sealed: &[u8]) -> Result<(Header, Read), Reason> {
        let sealed = SealedChange::decode(sealed).map_err(|error| error.code())?;
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
        let mut to_look_at = rows::tainted(self.conn)?;
        for device in rows::writers(self.conn)? {
            if membership.device(&device).is_none() {
                to_look_at.append(&mut rows::that_list(self.conn, &device)?);
            }
        }
        for (snapshot, (path, was_tainted)) in to_look_at {
            let held = rows::held_by(self.conn, &snapshot)?;
            let tainted = reading::is_tainted(self.belonging, &held);
            if tainted != was_tainted {
                rows::set_tainted(self.conn, &snapshot, tainted)?;
                self.touched.extend(path.parse::<DocPath>().ok());
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
            let mut snapshots = words::named_by(self.conn, id)?;
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
        let mut edits = rows::edits(self.conn, &document)?;
        let base = self.base(&path, &noted, &edits)?;
        let mut lost_some = self.put_aside_late(&mut edits)? || base.one_fell;

        let mut has_content = !base.is_empty();
        let (mut doc, aside) = self.on_top(&edits, &base)?;
        for edit in &edits {
            let by = covers(&base.snapshots, &edit.hash);
            let (verdict, reason) = match () {
                () if by.is_some() || base.stood_in.contains(&edit.hash) => (Verdict::Applied, None),
                () if was_put_aside(edit) => {
                    self.cover(&edit.id, edit.covered_by, None, &base.snapshots, false)?;
                    continue;
                }
                () if aside.contains_key(&edit.id) => (Verdict::Quarantined, aside.get(&edit.id).copied()),
                () if doc.get_change_meta_by_hash(&edit.hash).is_some() => (Verdict::Applied, None),
                () => (Verdict::Waiting, None),
            };
            has_content |= verdict != Verdict::Quarantined;
            lost_some |= edit.verdict == Verdict::Applied as i64 && verdict != Verdict::Applied;
            if edit.verdict != verdict as i64 || edit.reason.as_deref() != reason {
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
            documents::unproject(self.conn, &document, &path)?;
        }
        if has_content {
            documents::project(self.conn, &document, &path, &doc)?;
        } else {
            documents::unproject(self.conn, &document, &path)?;
        }
        self.tags.extend(path.tags());
        let id = document;
        let doc = Box::new(doc);
        self.shelf.put(OpenDoc { id, path, doc });
        Ok(())
    }

    /// The document with what is not covered on top; and what of that is put aside, and why.
    ///
    /// Of those that claim one place in a writer's history the lowest id stays, unless it could stand nowhere: then it takes no
    /// place. So each round has fewer that claim, and never less in the document.
    fn on_top(&self, edits: &[Edit], base: &Base) -> Result<(AutoCommit, BTreeMap<ChangeId, Reason>), VaultError> {
        let mut aside = BTreeMap::new();
        loop {
            let (live, forks) = uncovered(edits, base, &aside);
            let mut doc = base.doc.clone();
            let found = apply_innocent(&mut doc, self.opened(&live)?);
            let is_settled = found.is_empty() || forks.is_empty();
            aside.extend(found);
            if is_settled {
                aside.extend(forks.into_iter().map(|id| (id, FORK)));
                return Ok((doc, aside));
            }
        }
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

    /// What was put aside for who wrote it was never opened; a snapshot may hold it all the same.
    fn note_what_was_put_aside(&mut self, document: &DocumentId) -> Result<(), VaultError> {
        for reason in [AFTER_REMOVAL, SealError::UnknownDevice.code()] {
            for (id, sealed) in rows::put_aside_unopened(self.conn, document, reason)? {
                let change = SealedChange::decode(&sealed).ok().and_then(|sealed| {
                    let plain = sealed.open(&self.belonging.epochs).ok()?;
                    Payload::unpack(&plain, sealed.header()).ok()?.automerge().ok()
                });
                if let Some(change) = change {
                    set::note_automerge(self.conn, &id, &change)?;
                }
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
            // One that was put aside nobody may let go: it is a member of the set like any other.
            let may_go = snapshot.verdict != Verdict::Quarantined as i64;
            let by = in_force.iter().find(|later| {
                let holds_it = || snapshot.heads.iter().all(|head| later.holds(head));
                may_go && later.place != place && holds_it() && takes_the_place_of(noted, &lists, later.place, place)
            });
            let by = by.map(|later| later.id);
            self.cover(&snapshot.id, snapshot.covered_by, by, in_force, false)?;
            confirmations.extend(words::that_name(self.conn, &snapshot.id)?);
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
        let before = covering::covered_by(self.conn, confirmation)?;
        let by = words::confirmation_goes_by(self.conn, confirmation)?;
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
        let by_this_device = |one: &InForce| words::is_confirmed_by(self.conn, &one.id, &self.belonging.device);
        let tell = match in_force.iter().find(|one| Some(one.id) == by) {
            Some(one) => is_news || by_this_device(one)?,
            None => false,
        };
        covering::cover(self.conn, id, before, by, tell)
    }
}

/// Whether the later of two snapshots lists the earlier one and all that this one lists: so nothing that the earlier one
/// makes superfluous is missed, or live again, when it goes. Of two that say this of each other the first stays.
fn takes_the_place_of(noted: &[Noted], lists: &[Held], later: usize, earlier: usize) -> bool {
    let takes = |one: usize, other: usize| {
        numbers::are_among(&lists[other], &lists[one]) && numbers::are_among(&noted[other].number(), &lists[one])
    };
    takes(later, earlier) && (later < earlier || !takes(earlier, later))
}

/// Whether it was put aside for what has nothing to do with the rest of its document.
fn was_put_aside(edit: &Edit) -> bool {
    let is_other = |reason| !SETTLED.contains(&reason);
    edit.verdict == Verdict::Quarantined as i64 && edit.reason.as_deref().is_none_or(is_other)
}

/// The edits that are to be applied on top, and those that fork: what a snapshot in force holds stays, and of the others
/// the lowest id. What is put `aside` claims nothing.
fn uncovered<'e>(
    edits: &'e [Edit],
    base: &Base,
    aside: &BTreeMap<ChangeId, Reason>,
) -> (Vec<&'e Edit>, BTreeSet<ChangeId>) {
    let (mut live, mut forks) = (Vec::new(), BTreeSet::new());
    let mut rivals: BTreeMap<(DeviceId, OpeningId, u64), Vec<&Edit>> = BTreeMap::new();
    for edit in edits {
        if was_put_aside(edit) || aside.contains_key(&edit.id) || base.holds(&edit.hash) {
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
