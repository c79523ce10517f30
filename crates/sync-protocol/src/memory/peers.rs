//! The contract of [`PeerStore`] in its plainest form.

use seal::{ChangeId, SealedChange};

use super::{Held, MemoryStore};
use crate::tree::{Bucket, FAN_OUT, Prefix, Tree};
use crate::{Consent, ItemId, OutItem, PeerSet, PeerStore, StoreError, SyncStore};

/// The names of what is held, of each set in the order of coming, and summed up.
#[derive(Debug, Clone, Default)]
pub(super) struct Arrivals {
    sets: [Arrived; PeerSet::ALL.len()],
}

#[derive(Debug, Clone, Default)]
struct Arrived {
    order: Vec<ItemId>,
    ids: std::collections::BTreeSet<ItemId>,
    tree: Tree,
}

impl Arrivals {
    /// Notes an item; returns whether it is new.
    pub(super) fn note(&mut self, set: PeerSet, id: ItemId) -> bool {
        let arrived = &mut self.sets[set as usize];
        let is_new = arrived.ids.insert(id);
        if is_new {
            arrived.order.push(id);
            arrived.tree.add(&id);
        }
        is_new
    }

    fn of(&self, set: PeerSet) -> &Arrived {
        &self.sets[set as usize]
    }
}

impl Held {
    fn change(&self, id: &ItemId) -> Option<Vec<u8>> {
        let id = ChangeId::from(*id);
        let quarantined = || self.quarantined.get(*self.unreadable.get(&id)?);
        self.changes.get(&id).or_else(quarantined).cloned()
    }

    fn consent(&self, id: &ItemId) -> Option<Consent> {
        let grants = self.grants.values().map(|bytes| Consent::Grant(bytes.clone()));
        let revocations = self
            .revocations
            .values()
            .map(|bytes| Consent::Revocation(bytes.clone()));
        let mut all = grants.chain(revocations);
        all.find(|consent| consent.item_id().is_ok_and(|name| name == *id))
    }
}

impl PeerStore for MemoryStore {
    fn tree(&self, set: PeerSet, prefixes: &[Prefix]) -> Result<Vec<[Bucket; FAN_OUT]>, StoreError> {
        let held = self.lock();
        let tree = &held.arrivals.of(set).tree;
        Ok(prefixes.iter().map(|prefix| tree.children(*prefix)).collect())
    }

    fn ids_under(
        &self,
        set: PeerSet,
        prefix: Prefix,
        after: Option<&ItemId>,
        max: usize,
    ) -> Result<Vec<ItemId>, StoreError> {
        let held = self.lock();
        let (first, last) = prefix.bounds();
        let under = held
            .arrivals
            .of(set)
            .ids
            .range(after.copied().unwrap_or(first).max(first)..);
        let under = under.take_while(|id| **id <= last);
        Ok(under
            .filter(|id| after.is_none_or(|after| *id > after))
            .take(max)
            .copied()
            .collect())
    }

    fn lacking(&self, set: PeerSet, ids: &[ItemId]) -> Result<Vec<ItemId>, StoreError> {
        let held = self.lock();
        let here = &held.arrivals.of(set).ids;
        Ok(ids.iter().filter(|id| !here.contains(id)).copied().collect())
    }

    fn changes(&self, ids: &[ItemId], max_bytes: usize) -> Result<Vec<Option<Vec<u8>>>, StoreError> {
        let held = self.lock();
        let all = ids.iter().map(|id| held.change(id));
        Ok(fitting(all, max_bytes, Vec::len))
    }

    fn consents(&self, ids: &[ItemId], max_bytes: usize) -> Result<Vec<Option<Consent>>, StoreError> {
        let held = self.lock();
        let all = ids.iter().map(|id| held.consent(id));
        Ok(fitting(all, max_bytes, |consent| match consent {
            Consent::Grant(bytes) | Consent::Revocation(bytes) => bytes.len(),
        }))
    }

    fn absorb_changes_from_peer(&self, changes: Vec<Vec<u8>>) -> Result<(), StoreError> {
        let mut held = self.lock();
        for bytes in changes {
            // This store knows of no reason for a change to be without its body.
            if SealedChange::decode(&bytes).is_ok_and(|change| change.body().is_none()) {
                continue;
            }
            if let Some(id) = held.take_change(bytes.clone()) {
                held.outbox.push(OutItem { id, bytes });
            }
        }
        Ok(())
    }

    fn absorb_first_from_peer(&self, changes: Vec<Vec<u8>>) -> Result<(), StoreError> {
        self.absorb_changes_from_peer(changes)
    }

    fn absorb_consents_from_peer(&self, consents: Vec<Consent>) -> Result<(), StoreError> {
        let mut held = self.lock();
        for consent in consents {
            let is_own = consent.giver().is_ok_and(|giver| giver == self.tenant());
            let (Consent::Grant(bytes) | Consent::Revocation(bytes)) = &consent;
            let bytes = bytes.clone();
            if let (Some(id), true) = (held.take_consent(consent), is_own) {
                held.outbox.push(OutItem { id, bytes });
            }
        }
        Ok(())
    }

    fn newest(&self, set: PeerSet) -> Result<u64, StoreError> {
        Ok(self.lock().arrivals.of(set).order.len() as u64)
    }

    fn since(&self, set: PeerSet, place: u64, max: usize) -> Result<(u64, Vec<ItemId>), StoreError> {
        let held = self.lock();
        let order = &held.arrivals.of(set).order;
        let ids: Vec<_> = order.iter().skip(place as usize).take(max).copied().collect();
        Ok((place + ids.len() as u64, ids))
    }
}

/// As many entries as fit; the first that is held always does.
fn fitting<T>(all: impl Iterator<Item = Option<T>>, max_bytes: usize, size: impl Fn(&T) -> usize) -> Vec<Option<T>> {
    let mut n_bytes = 0;
    let fits = all.take_while(|entry| {
        let first = n_bytes == 0;
        n_bytes += entry.as_ref().map_or(0, &size);
        first || n_bytes <= max_bytes
    });
    fits.collect()
}
