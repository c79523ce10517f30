//! What a line of founded statements comes to, once its removals are weighed.

use std::collections::{BTreeMap, BTreeSet};

use super::{
    Member, Membership, Refusal, Removed,
    bits::Bits,
    epochs,
    growing::Line,
    removing::{self, Verdict},
};
use crate::{DeviceId, EpochId, SealError, StatementKind, TenantId, keys::ReadyKey};

impl Membership {
    /// [`SealError::NoEpoch`] when the epoch that the genesis names is missing.
    pub(super) fn weighed(tenant: TenantId, line: Line<'_>) -> Result<Self, SealError> {
        let (Verdict { holding, .. }, struck_by) = removing::weigh(&line);
        let by_holding =
            |right: &BTreeMap<DeviceId, Bits>, id: &DeviceId| right.get(id).is_some_and(|by| by.intersects(&holding));
        let admitted = |id: &DeviceId| line.publics.get(id).filter(|_| by_holding(&line.admitting, id));

        let mut removed: BTreeMap<DeviceId, Removed> = BTreeMap::new();
        for (place, device) in &line.removals {
            let StatementKind::RemoveDevice(remove) = line.founded[*place].statement.kind() else {
                continue;
            };
            if !holding.contains(*place) {
                continue;
            }
            let public = admitted(device).copied();
            let removed = removed.entry(*device).or_insert(Removed {
                public,
                key: public.map(|public| ReadyKey::of(&public.sign)),
                ends: BTreeMap::new(),
            });
            for end in &remove.ends {
                let number = removed.ends.entry(end.opening).or_default();
                *number = end.number.max(*number);
            }
        }
        let devices: BTreeMap<DeviceId, Member> = line
            .publics
            .iter()
            .filter(|(id, _)| !removed.contains_key(id) && by_holding(&line.admitting, id))
            .map(|(id, public)| {
                let admin = by_holding(&line.making_admin, id);
                let (public, key) = (*public, ReadyKey::of(&public.sign));
                (*id, Member { public, key, admin })
            })
            .collect();

        let epochs = epochs::all(&line, &holding);
        if !epochs
            .values()
            .any(|epoch| epoch.secret_check == line.genesis.first_epoch_check)
        {
            return Err(SealError::NoEpoch);
        }
        let is_clean = |id: &EpochId| epochs[id].is_clean(|device| devices.contains_key(device));
        let mut by_fitness: Vec<EpochId> = epochs.keys().copied().collect();
        by_fitness.sort_by_key(|id| (!is_clean(id), epochs[id].latest_first(*id)));
        let n_clean = by_fitness.iter().filter(|id| is_clean(id)).count();

        let mut built_upon = Bits::default();
        let (mut accepted, mut refused) = (BTreeSet::new(), line.refused);
        for (place, founded) in line.founded.iter().enumerate() {
            if holding.contains(place) {
                accepted.insert(founded.statement.id());
                built_upon.add(&founded.past);
            } else if struck_by[place].intersects(&holding) {
                refused.insert(founded.statement.id(), Refusal::SignerRemoved);
            } else {
                refused.insert(founded.statement.id(), Refusal::SignerVoid);
            }
        }
        let heads = holding.without(&built_upon);
        let heads = heads.iter().map(|place| line.founded[place].statement.id()).collect();
        Ok(Self {
            tenant,
            root: line.genesis.root,
            kit_hpke: line.genesis.kit_hpke,
            first_epoch_check: line.genesis.first_epoch_check,
            devices,
            removed,
            epochs,
            by_fitness,
            n_clean,
            accepted,
            refused,
            heads,
        })
    }
}
