//! Comparing others' snapshots with what this device holds itself, and saying so.
//!
//! A change that waits for its parent, or that never came, is not in this device's document: then the heads are not all
//! there, and nothing is confirmed.

use std::collections::{BTreeSet, HashSet};

use automerge::ChangeHash;
use rusqlite::params;
use seal::{ChangeId, ChangeKind};

use super::numbers::{self, Held, Numbers};
use super::payload::{self, CONFIRMATIONS, Confirmation, MAX_CONFIRMED};
use super::rows::{self, Force, Noted};
use crate::documents::DocPath;
use crate::set::Verdict;
use crate::{Reading, VaultError, Writing, kill};

impl Reading<'_> {
    /// Snapshots of others that nobody has confirmed yet, as far as is known here, and whose heads are here.
    pub(crate) fn unconfirmed(&self, max: usize) -> Result<Vec<(ChangeId, DocPath)>, VaultError> {
        let belonging = self.belonging();
        // Through the few that are not settled: those in force are as many as the visits of all years.
        let sql = "SELECT s.id, s.path FROM snapshots s CROSS JOIN changes c ON c.id = s.id
                   WHERE s.in_force <> 1 AND s.in_force = 0 AND NOT s.tainted AND s.device <> ?1
                     AND c.verdict = ?2 AND c.covered_by IS NULL
                     AND NOT EXISTS (SELECT 1 FROM confirmations f JOIN changes w ON w.id = f.change
                                     WHERE f.snapshot = s.id AND w.device = ?1)
                   ORDER BY c.arrival LIMIT ?3";
        let of = params![
            belonging.device.as_bytes(),
            Verdict::Applied as i64,
            i64::try_from(max).unwrap_or(i64::MAX)
        ];
        let found = self.many(sql, of, |row| {
            Ok((ChangeId::from_bytes(row.get(0)?), row.get::<_, String>(1)?))
        })?;
        let known = found
            .into_iter()
            .filter_map(|(id, path)| Some((id, path.parse().ok()?)));
        Ok(known.collect())
    }

    /// Snapshots that stand in for what was thrown away under them here, and of which this device has said nothing yet.
    pub(crate) fn relied_on_in_silence(&self, max: usize) -> Result<Vec<ChangeId>, VaultError> {
        let sql = "SELECT s.id FROM snapshots s CROSS JOIN snapshots_relied_on r ON r.id = s.id
                   WHERE s.in_force <> 1 AND s.in_force = ?2 AND s.device <> ?1
                     AND NOT EXISTS (SELECT 1 FROM confirmations f JOIN changes w ON w.id = f.change
                                     WHERE f.snapshot = s.id AND w.device = ?1)
                   ORDER BY s.id LIMIT ?3";
        let belonging = self.belonging();
        let of = params![
            belonging.device.as_bytes(),
            Force::StandsIn as i64,
            i64::try_from(max.min(MAX_CONFIRMED)).unwrap_or(i64::MAX)
        ];
        self.many(sql, of, |row| Ok(ChangeId::from_bytes(row.get(0)?)))
    }
}

impl Writing<'_> {
    /// Confirms those of these snapshots that are what this device's own changes make; gives how many.
    pub(crate) fn confirm_snapshots(&mut self, candidates: &[(ChangeId, DocPath)]) -> Result<usize, VaultError> {
        let mut confirmed: BTreeSet<ChangeId> = BTreeSet::new();
        for (id, path) in candidates {
            if self.holds_the_same(id, *path)? {
                confirmed.insert(*id);
            }
        }
        if confirmed.is_empty() {
            return Ok(0);
        }
        self.confirm_all(&confirmed)?;
        Ok(confirmed.len())
    }

    /// Gives this device's word for snapshots that stand in for what was thrown away under them here: those who had vouched
    /// for one may all turn out to have been removed before, and nobody but this device would know what hangs on it.
    pub(crate) fn vouch(&mut self, relied_on: &[ChangeId]) -> Result<(), VaultError> {
        self.confirm_all(&relied_on.iter().copied().collect())
    }

    fn confirm_all(&mut self, snapshots: &BTreeSet<ChangeId>) -> Result<(), VaultError> {
        let word = Confirmation::of(snapshots.iter().map(|id| *id.as_bytes()));
        let sealed = self.seal_plain(ChangeKind::Snapshot, CONFIRMATIONS, &payload::pack(&word)?, None)?;
        kill::point("snapshot.confirmed");
        self.judging(|judge| {
            judge.take_snapshot(&sealed.id(), &sealed.encode())?;
            judge.settle_touched()
        })
    }

    /// Whether this device's own changes up to the snapshot's heads are those that it holds: as many, and by the same numbers.
    fn holds_the_same(&mut self, id: &ChangeId, path: DocPath) -> Result<bool, VaultError> {
        let document = self.look_at(path, |open| open.id)?;
        let noted = rows::of_document(self.conn(), &document)?;
        // What stands in was not compared with anything that is here.
        if noted.iter().any(|one| one.force == Force::StandsIn) {
            return Ok(false);
        }
        let Some(snapshot) = noted.iter().find(|one| one.id == *id) else {
            return Ok(false);
        };
        let Some(history) = self.look_at(path, |open| history(&mut open.doc, &snapshot.heads))? else {
            return Ok(false);
        };
        if history.len() as u64 != snapshot.n_changes {
            return Ok(false);
        }
        let mut own = Held::new();
        for edit in rows::edits(self.conn(), &document)? {
            if edit.verdict == Verdict::Applied as i64 && history.contains(&edit.hash) {
                let one = Held::from([((edit.device, edit.opening), Numbers::of([edit.number]))]);
                numbers::add(&mut own, &one);
            }
        }
        let listed = rows::held_by(self.conn(), id)?;
        let mut known = rows::superseded(self.conn(), &document)?;
        numbers::add(&mut known, &own);
        for other in noted.iter().filter(|other: &&Noted| other.is_used()) {
            numbers::add(&mut known, &rows::held_by(self.conn(), &other.id)?);
        }
        Ok(numbers::are_among(&own, &listed) && numbers::are_among(&listed, &known))
    }
}

/// Everything up to these heads; `None` when one of them is not here.
fn history(doc: &mut automerge::AutoCommit, heads: &[ChangeHash]) -> Option<HashSet<ChangeHash>> {
    if !heads.iter().all(|head| doc.get_change_meta_by_hash(head).is_some()) {
        return None;
    }
    let later: HashSet<ChangeHash> = doc.get_changes_meta(heads).iter().map(|meta| meta.hash).collect();
    let all = doc.get_changes_meta(&[]);
    Some(
        all.iter()
            .map(|meta| meta.hash)
            .filter(|hash| !later.contains(hash))
            .collect(),
    )
}
