//! Applying to a document what others wrote, so that what Automerge would choke on costs nothing else.
//!
//! Automerge keeps a change whose parent is not there, and applies it along with the parent, unasked. So nothing is given to it
//! that is not ready: what waits stays in the set, and is looked at again with whatever comes of its document.

use std::collections::{BTreeMap, VecDeque};
use std::panic::{AssertUnwindSafe, catch_unwind};

use automerge::{AutoCommit, Change, ChangeHash};
use seal::ChangeId;

use crate::grounds::{Grounds, Standing};
use crate::looked::Reason;

/// Why a change is not taken that Automerge refuses, or panics over.
pub(crate) const REFUSED: Reason = "refused_by_automerge";

/// Changes of one document.
pub(crate) type Batch = Vec<(ChangeId, Change)>;

/// What is to be done with changes of one document.
#[derive(Default)]
pub(crate) struct Sorted {
    /// Their parents are in the document or stand before them, in this order.
    pub ready: Batch,
    /// Their parents are, too, and they do not follow from them: why.
    pub wrong: Vec<(ChangeId, Reason)>,
    /// The rest.
    pub waiting: Batch,
}

pub(crate) fn sort(doc: &mut AutoCommit, batch: Batch) -> Sorted {
    let mut grounds = Grounds::of(doc);
    let mut sorted = Sorted::default();
    // What waits, by one of the parents for which it does.
    let mut waiting: BTreeMap<ChangeHash, Batch> = BTreeMap::new();
    let mut next: VecDeque<_> = batch.into();
    while let Some((id, change)) = next.pop_front() {
        match grounds.standing_of(&change) {
            Standing::Follows => {
                grounds.add(&change);
                next.extend(waiting.remove(&change.hash()).unwrap_or_default());
                sorted.ready.push((id, change));
            }
            Standing::Wrong(reason) => sorted.wrong.push((id, reason)),
            Standing::Unknown(parent) => waiting.entry(parent).or_default().push((id, change)),
        }
    }
    sorted.waiting = waiting.into_values().flatten().collect();
    sorted
}

/// Applies what is ready. If it says no, nobody promises what is left of the document.
pub(crate) fn applies(doc: &mut AutoCommit, ready: impl IntoIterator<Item = Change> + Clone) -> bool {
    matches!(catch_unwind(AssertUnwindSafe(|| doc.apply_changes(ready))), Ok(Ok(())))
}

/// Applies what can be applied; gives those that are to be put aside, and why.
pub(crate) fn apply_innocent(doc: &mut AutoCommit, batch: Batch) -> Vec<(ChangeId, Reason)> {
    let Sorted {
        ready,
        wrong: mut aside,
        ..
    } = sort(doc, batch);
    aside.extend(apply_halved(doc, ready).into_iter().map(|id| (id, REFUSED)));
    aside
}

fn apply_halved(doc: &mut AutoCommit, batch: Batch) -> Vec<ChangeId> {
    if batch.is_empty() || apply_whole(doc, &batch) {
        return Vec::new();
    }
    if let [(guilty, _)] = batch[..] {
        return vec![guilty];
    }
    let mut first = batch;
    let second = first.split_off(first.len() / 2);
    let mut guilty = apply_halved(doc, first);
    // Whose parent was just refused waits.
    let second = sort(doc, second).ready;
    guilty.extend(apply_halved(doc, second));
    guilty
}

/// Whether Automerge takes all of them; if not, the document is what it was.
fn apply_whole(doc: &mut AutoCommit, batch: &[(ChangeId, Change)]) -> bool {
    let mut trial = doc.clone();
    let changes: Vec<Change> = batch.iter().map(|(_, change)| change.clone()).collect();
    let is_applied = applies(&mut trial, changes);
    if is_applied {
        *doc = trial;
    }
    is_applied
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

        let batch: Batch = changes
            .into_iter()
            .zip(1u8..)
            .map(|(change, n)| (ChangeId::from_bytes([n; 32]), change))
            .collect();
        let mut doc = AutoCommit::new();
        assert_eq!(
            apply_innocent(&mut doc, batch),
            [(ChangeId::from_bytes([4; 32]), REFUSED)]
        );
        assert_eq!(doc.keys(ROOT).collect::<Vec<_>>(), ["a", "b", "c", "d"]);
    }
}
