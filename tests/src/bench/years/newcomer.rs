//! A device whose disk broke takes everything in again, in the order and the batches in which a relay would give it.

use std::{
    path::Path,
    time::{Duration, Instant},
};

use anyhow::{Result, ensure};
use sync_protocol::{BATCH_ITEMS, Cursor, Incarnation, PeerSet, PeerStore, Scope, SyncStore};

use super::Opened;

/// As many batches of a relay are stored together.
const TOGETHER: usize = 8;
const LARGEST: usize = 64 << 20;
const RELAY: Incarnation = Incarnation([7; 16]);

/// An empty store's way to one that has all.
pub(super) struct Taken {
    /// Until everybody was found by search.
    pub(super) searchable: Duration,
    /// Until everything was in the tables.
    pub(super) complete: Duration,
    /// How many changes that were.
    pub(super) n_changes: usize,
}

impl Taken {
    pub(super) fn micros_a_change(&self) -> f64 {
        self.complete.as_secs_f64() * 1e6 / self.n_changes as f64
    }
}

/// Lets a new store of the clinic's second device, in `folder`, take in all that `clinic` has.
pub(super) fn take_all_in(clinic: &Opened, folder: &Path) -> Result<Taken> {
    let vault = clinic.of.replace_the_second(folder)?;
    vault.begin_incarnation(&RELAY)?;
    vault.read_in_background();
    let (mut position, mut n_changes, mut took) = (0, 0, Duration::ZERO);
    loop {
        let (place, ids) = clinic.vault.since(PeerSet::Changes, position, BATCH_ITEMS * TOGETHER)?;
        if ids.is_empty() {
            break;
        }
        let changes: Vec<Vec<u8>> = clinic.vault.changes(&ids, LARGEST)?.into_iter().flatten().collect();
        ensure!(changes.len() == ids.len(), "not all was given");
        n_changes += changes.len();
        position = place;
        let began = Instant::now();
        vault.absorb_changes(&Cursor::at(RELAY, Scope::Changes, position), changes)?;
        took += began.elapsed();
    }
    let searchable = took;
    ensure!(
        vault.read(|r| r.n_patients())? == clinic.vault.read(|r| r.n_patients())?,
        "somebody is not found"
    );
    let began = Instant::now();
    while vault.read_on()? > 0 {}
    let complete = searchable + began.elapsed();
    Ok(Taken {
        searchable,
        complete,
        n_changes,
    })
}
