//! The relay's place: its real store, in a folder that loses power and is put back.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex};

use anyhow::{Context, Result, ensure};
use seal::{GrantId, Revocation, SealedChange, TenantId};
use sync_protocol::sim::SimObjects;
use sync_protocol::{BATCH_BYTES, BATCH_ITEMS, Consent, ItemId, Page, RelayStore, Roster};
use sync_server::{FILE_NAME, Store};
use testkit::SeededRng;

use super::chance::percent;
use super::disk;
use super::lying::Lie;

/// Copies that are kept at a time.
const COPIES: usize = 3;

/// What the relay has acknowledged of a clinic, as far as was looked.
#[derive(Debug, Clone, Default)]
pub(super) struct Taken {
    /// Sealed changes.
    pub(super) changes: BTreeSet<ItemId>,
    changes_to: u64,
    consents_to: u64,
}

/// What the relay knows.
#[derive(Debug, Clone, Default)]
pub(super) struct Known {
    pub(super) clinics: BTreeMap<TenantId, Taken>,
    /// Grants that it knows to be over.
    pub(super) revoked: BTreeSet<GrantId>,
}

struct Kept {
    dir: PathBuf,
    known: Known,
}

/// The relay.
pub(super) struct Relay {
    pub(super) known: Known,
    /// Nobody reaches it.
    pub(super) away: bool,
    /// Changes that devices were seen to have covered by a snapshot: it need not give them any more.
    pub(super) covered: BTreeSet<ItemId>,
    /// It was put back under its old incarnation, and its operator does not know yet.
    pub(super) astray: bool,
    /// Where it keeps chunks. What is put back or cut short are its rows, not these.
    pub(super) objects: Arc<Mutex<SimObjects>>,
    /// It gives other bytes of them.
    pub(super) lie: Option<Lie>,
    store: Option<Store>,
    home: PathBuf,
    dir: PathBuf,
    n_folders: u32,
    copies: Vec<Kept>,
}

impl Relay {
    /// A new relay, which these clinics have joined.
    pub(super) fn set_up(home: &Path, clinics: &[Roster], now_ms: i64, rng: &mut SeededRng) -> Result<Self> {
        let dir = home.join("0");
        let mut store = Store::open(&dir, rng)?;
        for (roster, name) in clinics.iter().zip('A'..) {
            let (token, _) = store.add_clinic(&format!("Klinik {name}"), now_ms, rng)?;
            store.redeem(&token.hash(), roster, now_ms)?;
        }
        let mut relay = Self {
            known: Known::default(),
            covered: BTreeSet::new(),
            away: false,
            astray: false,
            objects: Arc::default(),
            lie: None,
            store: Some(store),
            home: home.to_owned(),
            dir,
            n_folders: 0,
            copies: Vec::new(),
        };
        for roster in clinics {
            relay.look(roster.membership().tenant())?;
        }
        Ok(relay)
    }

    pub(super) fn store(&mut self) -> &mut Store {
        self.store.as_mut().expect("the relay of the simulation is always on")
    }

    /// Looks at what it has of a clinic by now.
    pub(super) fn look(&mut self, tenant: TenantId) -> Result<()> {
        let Self { store, known, .. } = self;
        let store = store.as_mut().expect("the relay of the simulation is always on");
        let taken = known.clinics.entry(tenant).or_default();
        let page = |after| Page {
            after,
            max_items: BATCH_ITEMS,
            max_bytes: BATCH_BYTES,
        };
        loop {
            let items = store.changes(&tenant, page(taken.changes_to))?;
            let Some((last, _)) = items.last() else { break };
            taken.changes_to = *last;
            for bytes in items.into_iter().filter_map(|(_, bytes)| bytes) {
                taken.changes.insert(SealedChange::decode(&bytes)?.id().into());
            }
        }
        loop {
            let items = store.consents(&tenant, page(taken.consents_to))?;
            let Some((last, _)) = items.last() else { break };
            taken.consents_to = *last;
            for (_, consent) in items {
                if let Consent::Revocation(bytes) = consent {
                    known.revoked.insert(Revocation::decode(&bytes)?.grant());
                }
            }
        }
        Ok(())
    }

    /// The folder as it is now, for [`Relay::die_in_the_commit`].
    pub(super) fn before_a_commit(&mut self) -> Result<PathBuf> {
        let before = self.next_folder();
        disk::copy(&self.dir, &before)?;
        Ok(before)
    }

    /// The power goes, and comes back.
    pub(super) fn power_cut(&mut self, rng: &mut SeededRng) -> Result<()> {
        let left = self.next_folder();
        disk::copy(&self.dir, &left)?;
        if percent(rng, 60) {
            disk::litter(&left, FILE_NAME, rng)?;
        }
        self.go_on_in(left, rng)
    }

    /// The power went in the middle of the one commit since `before`.
    pub(super) fn die_in_the_commit(&mut self, before: &Path, rng: &mut SeededRng) -> Result<()> {
        let left = self.next_folder();
        disk::tear(before, &self.dir, &left, FILE_NAME, rng)?;
        fs::remove_dir_all(before)?;
        self.go_on_in(left, rng)
    }

    /// Copies the folder aside.
    pub(super) fn keep_copy(&mut self) -> Result<()> {
        let dir = self.next_folder();
        disk::copy(&self.dir, &dir)?;
        if self.copies.len() == COPIES {
            fs::remove_dir_all(self.copies.remove(0).dir)?;
        }
        let known = self.known.clone();
        self.copies.push(Kept { dir, known });
        Ok(())
    }

    /// Puts an older copy in place; `false` when there is none.
    pub(super) fn put_back(&mut self, which: usize, new_incarnation: bool, rng: &mut SeededRng) -> Result<bool> {
        if self.copies.is_empty() {
            return Ok(false);
        }
        let at = which % self.copies.len();
        let left = self.next_folder();
        disk::copy(&self.copies[at].dir, &left)?;
        self.known = self.copies[at].known.clone();
        self.astray = true;
        self.go_on_in(left, rng)?;
        if new_incarnation {
            self.begin_a_new_life(rng)?;
        }
        Ok(true)
    }

    /// What the operator does once she knows that the relay was put back.
    pub(super) fn begin_a_new_life(&mut self, rng: &mut SeededRng) -> Result<()> {
        self.store().begin_another_life(rng)?;
        self.astray = false;
        Ok(())
    }

    fn next_folder(&mut self) -> PathBuf {
        self.n_folders += 1;
        self.home.join(self.n_folders.to_string())
    }

    fn go_on_in(&mut self, folder: PathBuf, rng: &mut SeededRng) -> Result<()> {
        self.store = None;
        fs::remove_dir_all(std::mem::replace(&mut self.dir, folder))?;
        self.store = Some(Store::open(&self.dir, rng).context("the relay does not open")?);
        let known = std::mem::take(&mut self.known);
        for tenant in known.clinics.keys() {
            self.look(*tenant)?;
        }
        let lost = |tenant: &TenantId, taken: &Taken| {
            let mut gone = taken.changes.difference(&self.known.clinics[tenant].changes);
            gone.any(|id| !self.covered.contains(id))
        };
        ensure!(
            !known.clinics.iter().any(|(tenant, taken)| lost(tenant, taken)),
            "the relay lost changes that it had acknowledged"
        );
        ensure!(
            known.revoked.is_subset(&self.known.revoked),
            "the relay lost a revocation that it had acknowledged"
        );
        Ok(())
    }
}
