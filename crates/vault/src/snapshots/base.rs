//! Which snapshots of a document are in force, and the document that they make together.
//!
//! One is *in force* when its maker and another device that says the same both belong, and nothing in it came too late. Only
//! such a one covers anything.
//!
//! One that is in doubt, because of what is in it or of who vouches for it, may all the same hold what was thrown away under
//! it somewhere. So it *stands in* for what is nowhere here, and covers nothing: whatever of its history is here stays live,
//! and as soon as all of it is here it is void, and each change is judged by itself. What decides is what is live, so that
//! devices that hold the same come to the same, whoever threw away what.

use std::collections::{BTreeMap, HashMap, HashSet};
use std::panic::{AssertUnwindSafe, catch_unwind};

use automerge::{ActorId, AutoCommit, ChangeHash};
use rusqlite::Connection;
use seal::{ChangeId, DeviceId};

use super::reading;
use super::rows::{self, Edit, Force, Noted};
use super::words::{self, Said};
use crate::VaultError;
use crate::documents::{DocPath, fresh_document};
use crate::judge::Judge;

/// A snapshot that covers what it holds.
pub(super) struct InForce {
    pub(super) id: ChangeId,
    /// Its place among all that are here of its document.
    pub(super) place: usize,
    history: HashSet<ChangeHash>,
}

/// What all snapshots from which a document is made make together.
pub(super) struct Base {
    pub(super) doc: AutoCommit,
    pub(super) snapshots: Vec<InForce>,
    /// What is in those that stand in.
    pub(super) stood_in: HashSet<ChangeHash>,
    /// One from which the document was made is so no more.
    pub(super) one_fell: bool,
    /// Who wrote what at which place, in all of their histories.
    pub(super) places: HashMap<(ActorId, u64), ChangeHash>,
}

/// What speaks for a snapshot.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Backing {
    /// Nothing that could count.
    Nothing,
    /// Two devices, of which one may have been removed before it spoke.
    InDoubt,
    /// Two who belong, and nothing in it came too late.
    Whole,
}

impl InForce {
    pub(super) fn holds(&self, hash: &ChangeHash) -> bool {
        self.history.contains(hash)
    }
}

impl Base {
    pub(super) fn holds(&self, hash: &ChangeHash) -> bool {
        covers(&self.snapshots, hash).is_some() || self.stood_in.contains(hash)
    }

    pub(super) fn is_empty(&self) -> bool {
        self.snapshots.is_empty() && self.stood_in.is_empty()
    }
}

/// The first snapshot in force that holds it.
pub(super) fn covers(snapshots: &[InForce], hash: &ChangeHash) -> Option<ChangeId> {
    snapshots.iter().find(|one| one.holds(hash)).map(|one| one.id)
}

impl Judge<'_> {
    /// Merges the snapshots from which a document is made; first those in force. Of two that hold two branches of one writer's
    /// history the longer one stays.
    pub(super) fn base(&mut self, path: &DocPath, noted: &[Noted], edits: &[Edit]) -> Result<Base, VaultError> {
        let mut base = Base {
            doc: fresh_document(path.kind()),
            snapshots: Vec::new(),
            stood_in: HashSet::new(),
            one_fell: false,
            places: HashMap::new(),
        };
        let mut here: HashSet<ChangeHash> = history(&mut base.doc);
        here.extend(edits.iter().map(|edit| edit.hash));
        let mut backings = Vec::with_capacity(noted.len());
        for snapshot in noted {
            backings.push(backing(self.conn, snapshot)?);
        }
        let mut forces = vec![Force::Not; noted.len()];
        let with = |wanted: Backing| {
            let places = backings
                .iter()
                .enumerate()
                .filter(move |(_, backing)| **backing == wanted);
            places.map(|(place, _)| place)
        };
        for place in with(Backing::Whole) {
            let Some(mut doc) = self.document_in(&noted[place])? else {
                continue;
            };
            let history = history(&mut doc);
            if merge(&mut base.doc, &noted[place].id, &mut doc) {
                let id = noted[place].id;
                base.snapshots.push(InForce { id, place, history });
                forces[place] = Force::Whole;
            }
        }
        for place in with(Backing::InDoubt) {
            let Some(mut doc) = self.document_in(&noted[place])? else {
                continue;
            };
            let history = history(&mut doc);
            let is_here = |hash: &ChangeHash| here.contains(hash) || covers(&base.snapshots, hash).is_some();
            if !history.iter().all(is_here) && merge(&mut base.doc, &noted[place].id, &mut doc) {
                base.stood_in.extend(history);
                forces[place] = Force::StandsIn;
            }
        }
        for (snapshot, force) in noted.iter().zip(forces) {
            base.one_fell |= snapshot.is_used() && force == Force::Not;
            if force != snapshot.force {
                rows::set_force(self.conn, &snapshot.id, force)?;
                // What they name may be gone already, so that nothing else would ask for them.
                self.relisted
                    .extend(words::confirmations_listed(self.conn, &snapshot.id)?);
            }
        }
        let all = base.doc.get_changes_meta(&[]);
        base.places = all
            .iter()
            .map(|meta| ((meta.actor.clone().into_owned(), meta.seq), meta.hash))
            .collect();
        Ok(base)
    }

    fn document_in(&self, snapshot: &Noted) -> Result<Option<AutoCommit>, VaultError> {
        reading::document_of(self.conn, self.belonging, &snapshot.id)
    }
}

/// What speaks for a snapshot, as far as what was taken or put aside here tells.
fn backing(conn: &Connection, snapshot: &Noted) -> Result<Backing, VaultError> {
    let mut said: BTreeMap<DeviceId, Said> = BTreeMap::new();
    let maker = (snapshot.device, snapshot.said());
    for (device, word) in words::about(conn, &snapshot.id)?.into_iter().chain([maker]) {
        let best = said.entry(device).or_insert(word);
        *best = word.max(*best);
    }
    let n = |least: Said| said.values().filter(|word| **word >= least).count();
    let is_whole = maker.1 == Said::InTime && n(Said::InTime) >= 2 && !snapshot.tainted;
    Ok(match () {
        () if is_whole => Backing::Whole,
        () if n(Said::InTime) >= 1 && n(Said::TooLate) >= 2 => Backing::InDoubt,
        // What was thrown away under it here is nowhere else, as far as this device knows.
        () if rows::is_relied_on(conn, &snapshot.id)? => Backing::InDoubt,
        () => Backing::Nothing,
    })
}

fn history(doc: &mut AutoCommit) -> HashSet<ChangeHash> {
    doc.get_changes_meta(&[]).iter().map(|meta| meta.hash).collect()
}

/// Merges one more snapshot; `false` when it holds another branch of what is there already, or Automerge refuses it.
fn merge(into: &mut AutoCommit, id: &ChangeId, doc: &mut AutoCommit) -> bool {
    let mut trial = into.clone();
    let merged = catch_unwind(AssertUnwindSafe(|| trial.merge(doc).map(|_| trial)));
    let Ok(Ok(merged)) = merged else {
        tracing::warn!(%id, "a snapshot does not go together with another one");
        return false;
    };
    *into = merged;
    true
}
