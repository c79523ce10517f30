//! Whether the numbers that a change gives itself follow from what it is based on.
//!
//! Automerge believes them. A first operation far ahead would use up the numbers of a document, which then takes no more
//! edits; a place in its writer's history that leaves one out would be taken or refused by who came first. What a change is
//! based on is named by hashes, so that this is a function of the change alone, for whoever has what it names.

use std::collections::BTreeMap;

use automerge::{ActorId, Change, ChangeMetadata};

use crate::ancestry::Mark;
use crate::looked::Reason;

/// Why a change is not taken whose numbers do not follow.
pub(crate) const WRONG_NUMBERS: Reason = "wrong_numbers";

/// The highest number that an operation may have: Automerge keeps it in so many bits.
const MAX_OPERATION: u64 = u32::MAX as u64;

/// As far from 1970 as a change's own time may be, in either direction. We write none; Automerge subtracts them.
const MAX_TIME: u64 = 1 << 53;

/// The numbers that a change gives itself.
struct Given<'c> {
    actor: &'c ActorId,
    seq: u64,
    start_op: u64,
    n_operations: u64,
    time: i64,
}

/// Whether a change's numbers follow from those of its parents.
pub(crate) fn follow<'m>(change: &Change, parents: impl Iterator<Item = &'m Mark>) -> bool {
    let given = Given {
        actor: change.actor_id(),
        seq: change.seq(),
        start_op: change.start_op().get(),
        n_operations: change.len() as u64,
        time: change.timestamp(),
    };
    given.follow(parents)
}

impl Given<'_> {
    /// The first operation comes right behind all that it is based on, and its writer's change before it is among that.
    fn follow<'m>(&self, based_on: impl Iterator<Item = &'m Mark>) -> bool {
        let (mut last_op, mut last_own) = (0, 0);
        for mark in based_on {
            last_op = last_op.max(mark.max_op);
            if mark.actor == *self.actor {
                last_own = last_own.max(mark.seq);
            }
        }
        let fits = |first: u64| first == self.start_op && last_op.saturating_add(self.n_operations) <= MAX_OPERATION;
        last_op.checked_add(1).is_some_and(fits)
            && last_own.checked_add(1) == Some(self.seq)
            && self.time.unsigned_abs() <= MAX_TIME
    }
}

/// Whether the numbers of all changes in a document follow: of a snapshot, which others made.
pub(crate) fn follow_throughout(changes: &[ChangeMetadata<'_>]) -> bool {
    let mut known = BTreeMap::new();
    // What a change is based on stands before it.
    changes.iter().all(|meta| {
        let given = Given {
            actor: &meta.actor,
            seq: meta.seq,
            start_op: meta.start_op,
            n_operations: (meta.max_op + 1).saturating_sub(meta.start_op),
            time: meta.timestamp,
        };
        let based_on: Option<Vec<&Mark>> = meta.deps.iter().map(|dep| known.get(dep)).collect();
        let follows = based_on.is_some_and(|marks| given.follow(marks.into_iter()));
        known.insert(meta.hash, Mark::of(meta));
        follows
    })
}
