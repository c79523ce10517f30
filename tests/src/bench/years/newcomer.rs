//! A device whose disk broke takes everything in again: first what the device that lets it in has named, then all in the order
//! and the batches in which a relay would give it.

use std::{
    path::Path,
    time::{Duration, Instant},
};

use anyhow::{Result, ensure};
use seal::{ChangeId, MAX_FIRST_CHANGES};
use sync_protocol::{
    BATCH_BYTES, BATCH_ITEMS, Cursor, Incarnation, ItemId, PeerSet, PeerStore, Scope, SyncStore, WantedFirst,
};
use vault::{Vault, VaultError};

use super::Opened;

/// As many batches of a relay are stored together.
const TOGETHER: usize = 8;
const LARGEST: usize = 64 << 20;
const RELAY: Incarnation = Incarnation([7; 16]);

/// An empty store's way to one that has all.
pub(super) struct Taken {
    /// Until everybody was found by search, and the queue and its patients were there.
    pub(super) useful: Duration,
    /// Of that, naming what is needed for it, on the old device.
    pub(super) named: Duration,
    /// Until everything was in the tables.
    pub(super) complete: Duration,
    /// How many changes that were, and how many of them were wanted first.
    pub(super) n_changes: usize,
    pub(super) n_first: usize,
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
    let began = Instant::now();
    let first = clinic.vault.read(|r| r.first_for_a_new_device(MAX_FIRST_CHANGES))?;
    let named = began.elapsed();
    let useful = named + take_first(&clinic.vault, &vault, &first)?;
    let (mut position, mut n_changes, mut took) = (0, 0, useful);
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
    let began = Instant::now();
    while vault.read_on()? > 0 {}
    Ok(Taken {
        useful,
        named,
        complete: took + began.elapsed(),
        n_changes,
        n_first: first.len(),
    })
}

/// In the answers that a relay gives, each stored by itself.
fn take_first(clinic: &Vault, vault: &Vault, first: &[ChangeId]) -> Result<Duration> {
    vault.want_first(first)?;
    let (mut left, mut took) = (vault.wanted_first()?, Duration::ZERO);
    while !left.is_empty() {
        let ids: Vec<ItemId> = left.iter().take(BATCH_ITEMS).copied().map(ItemId::from).collect();
        let changes = clinic.changes(&ids, BATCH_BYTES)?;
        left.drain(..changes.len());
        let began = Instant::now();
        vault.absorb_first(changes.into_iter().flatten().collect())?;
        took += began.elapsed();
    }
    let here = |vault: &Vault| {
        vault.read(|r| {
            let mut patients: Vec<_> = r.queue(r.today()?)?.into_iter().map(|entry| entry.patient).collect();
            patients.sort_unstable();
            patients.dedup();
            let visits = patients.iter().map(|patient| r.visits_of(*patient));
            let visits = visits.collect::<Result<Vec<_>, _>>()?;
            Ok::<_, VaultError>((r.n_patients()?, patients, visits))
        })
    };
    let wanted = here(clinic)?;
    ensure!(!wanted.1.is_empty(), "nobody is in the queue");
    let came = here(vault)?;
    ensure!(came.0 == wanted.0, "somebody is not found");
    ensure!(came.1 == wanted.1, "it is another queue");
    ensure!(came.2 == wanted.2, "of today's patients not all visits are here");
    Ok(took)
}
