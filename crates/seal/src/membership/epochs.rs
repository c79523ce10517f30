//! Epochs: for whom their keys may be wrapped, who holds them by that, and which one is fit to write under.

use std::{
    cmp::Reverse,
    collections::{BTreeMap, BTreeSet},
};

use super::{
    asking::{Asked, Asking},
    bits::Bits,
    growing::Line,
};
use crate::{DeviceId, EpochId, EpochWrap, NewEpoch, Signer, Statement, StatementKind, statement::kit_recipient};

#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Epoch {
    pub(crate) clinic_hpke: [u8; 32],
    pub(crate) secret_check: [u8; 32],
    /// Steps from the genesis; of two epochs the deeper is the later.
    depth: u32,
    /// Void epochs stay readable: others may have written under them before they heard.
    holds: bool,
    /// Every envelope of its keys, by recipient.
    pub(crate) wraps: BTreeMap<[u8; 32], BTreeSet<Vec<u8>>>,
    /// The devices that its keys were wrapped to, ever, by someone who had them.
    pub(super) holders: BTreeSet<DeviceId>,
    /// Those of them that can hand the keys on: what gave them the keys holds, so a new statement builds upon it.
    pub(super) givers: BTreeSet<DeviceId>,
    /// The devices that said that they cannot open its keys.
    pub(super) asked: BTreeMap<DeviceId, Asked>,
}

impl Epoch {
    fn begin(epoch: &NewEpoch, depth: u32, holds: bool) -> Self {
        let mut wraps: BTreeMap<[u8; 32], BTreeSet<Vec<u8>>> = BTreeMap::new();
        for wrap in &epoch.wraps {
            wraps.entry(wrap.recipient).or_default().insert(wrap.sealed.clone());
        }
        Self {
            clinic_hpke: epoch.clinic_hpke,
            secret_check: epoch.secret_check,
            depth,
            holds,
            wraps,
            holders: BTreeSet::new(),
            givers: BTreeSet::new(),
            asked: BTreeMap::new(),
        }
    }

    /// Is it fit to be written under: it holds, and all that have its keys are members?
    pub(super) fn is_clean(&self, is_member: impl Fn(&DeviceId) -> bool) -> bool {
        self.holds && self.holders.iter().all(is_member)
    }

    /// Sorts the later epoch first, and of two that were begun apart the one with the lower id.
    pub(super) fn latest_first(&self, id: EpochId) -> (Reverse<bool>, Reverse<u32>, EpochId) {
        (Reverse(self.holds), Reverse(self.depth), id)
    }
}

/// May the keys in this statement be wrapped to those that it names, as far as its past tells?
///
/// A new epoch goes to the kit, to whoever makes it, and to nobody that its past does not know; and to exactly the
/// members of its past, when these can be told without weighing removals against each other. When they cannot, its maker
/// has weighed them; whoever writes looks at the holders again.
pub(super) fn recipients_fit(line: &Line<'_>, statement: &Statement, past: &Bits) -> bool {
    let is_known = |id: &DeviceId| line.admitting.get(id).is_some_and(|by| by.intersects(past));
    let epoch = match statement.kind() {
        StatementKind::NewEpoch(epoch) => epoch,
        StatementKind::AddWraps(add) => return is_known(&add.device),
        _ => return true,
    };
    let kit = kit_recipient(&line.genesis.kit_hpke);
    let mut recipients: BTreeSet<[u8; 32]> = epoch.wraps.iter().map(|wrap| wrap.recipient).collect();
    if recipients.len() != epoch.wraps.len() || !recipients.remove(&kit) {
        return false;
    }
    let recipients: BTreeSet<DeviceId> = recipients.into_iter().map(DeviceId::from_bytes).collect();
    if let Signer::Device(maker) = statement.signer()
        && !recipients.contains(&maker)
    {
        return false;
    }
    match members_by(line, past) {
        Some(members) => members == recipients,
        None => recipients.iter().all(is_known),
    }
}

/// The members by this past; `None` when removals in it strike at what decides who belongs.
fn members_by(line: &Line<'_>, past: &Bits) -> Option<BTreeSet<DeviceId>> {
    let mut members: BTreeSet<DeviceId> = line
        .admitting
        .iter()
        .filter(|(_, by)| by.intersects(past))
        .map(|(id, _)| *id)
        .collect();
    for (place, removed) in &line.removals {
        if past.contains(*place) {
            if line.struck_by(*place, removed).and(past).intersects(&line.deciding) {
                return None;
            }
            members.remove(removed);
        }
    }
    Some(members)
}

/// Every epoch of the line, and who has its keys.
///
/// Only who has an epoch's keys can hand them on: what anyone else wraps is no envelope, and claims no holder. Of a void
/// epoch, under which nobody writes any more, every envelope is kept: none may build upon it, and some must read it.
pub(super) fn all(line: &Line<'_>, holding: &Bits) -> BTreeMap<EpochId, Epoch> {
    let mut epochs = BTreeMap::new();
    // Per epoch: where it began, and which statements gave its keys to each device.
    let mut given: BTreeMap<EpochId, (usize, BTreeMap<DeviceId, Bits>)> = BTreeMap::new();
    let kit = kit_recipient(&line.genesis.kit_hpke);
    for (place, founded) in line.founded.iter().enumerate() {
        if let StatementKind::NewEpoch(new) = founded.statement.kind() {
            let id = EpochId::from(founded.statement.id());
            let (_, given) = given.entry(id).or_insert_with(|| (place, BTreeMap::new()));
            for recipient in new
                .wraps
                .iter()
                .map(|wrap| wrap.recipient)
                .filter(|recipient| *recipient != kit)
            {
                given.entry(DeviceId::from_bytes(recipient)).or_default().insert(place);
            }
            epochs.insert(id, Epoch::begin(new, founded.depth, holding.contains(place)));
        }
    }
    let mut asking = Asking::of(line, holding);
    for (place, founded) in line.founded.iter().enumerate() {
        let (device, wraps): (DeviceId, &[EpochWrap]) = match founded.statement.kind() {
            StatementKind::AddDevice(add) => (add.device.id(), &add.wraps),
            StatementKind::AddWraps(add) => (add.device, &add.wraps),
            _ => continue,
        };
        for wrap in wraps {
            let (Some(epoch), Some((began, given))) = (epochs.get_mut(&wrap.epoch), given.get_mut(&wrap.epoch)) else {
                continue;
            };
            let has_keys = match founded.statement.signer() {
                _ if !epoch.holds => true,
                Signer::Root => founded.past.contains(*began),
                Signer::Device(id) => given.get(&id).is_some_and(|by| by.intersects(&founded.past)),
            };
            if has_keys {
                given.entry(device).or_default().insert(place);
                epoch
                    .wraps
                    .entry(*device.as_bytes())
                    .or_default()
                    .insert(wrap.sealed.clone());
                if !epoch.holds || holding.contains(place) {
                    asking.given(place, device, wrap.epoch);
                }
            }
        }
    }
    for (id, device, asked) in asking.all() {
        if let Some(epoch) = epochs.get_mut(&id) {
            epoch.asked.insert(device, asked);
        }
    }
    for (id, (_, given)) in given {
        if let Some(epoch) = epochs.get_mut(&id) {
            let can_give = |by: &Bits| !epoch.holds || by.intersects(holding);
            epoch.givers = given
                .iter()
                .filter(|(_, by)| can_give(by))
                .map(|(device, _)| *device)
                .collect();
            epoch.holders = given.into_keys().collect();
        }
    }
    epochs
}
