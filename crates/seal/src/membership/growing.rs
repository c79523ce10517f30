//! Which statements are founded by their own past: every statement that it builds upon is here, its signer had the right
//! to sign it by these, and its signature fits.
//!
//! The past of a statement never changes, so neither does this verdict: a set that grows only adds to what is founded.
//! Removals are not looked at here; [`super::removing`] says which of the founded statements hold.

use std::collections::{BTreeMap, BTreeSet};

use super::{MAX_STATEMENTS, Refusal, bits::Bits, epochs};
use crate::{DeviceId, DevicePublic, Genesis, SealError, Signer, Statement, StatementId, StatementKind, TenantId};

/// A statement that is founded.
pub(super) struct Founded<'a> {
    pub(super) statement: &'a Statement,
    /// The longest way from the genesis, in steps.
    pub(super) depth: u32,
    /// Everything that it builds upon, directly or not.
    pub(super) past: Bits,
}

/// All that is founded, each after what it builds upon.
pub(super) struct Line<'a> {
    pub(super) founded: Vec<Founded<'a>>,
    pub(super) genesis: &'a Genesis,
    /// Per device: what it signed.
    pub(super) signed_by: BTreeMap<DeviceId, Bits>,
    /// Per device: what admits it.
    pub(super) admitting: BTreeMap<DeviceId, Bits>,
    /// Per device: what makes it an admin's.
    pub(super) making_admin: BTreeMap<DeviceId, Bits>,
    /// Every device that something admits.
    pub(super) publics: BTreeMap<DeviceId, DevicePublic>,
    /// By what someone comes, goes or gets a right.
    pub(super) deciding: Bits,
    /// What removes a device, and which.
    pub(super) removals: Vec<(usize, DeviceId)>,
    pub(super) refused: BTreeMap<StatementId, Refusal>,
    places: BTreeMap<StatementId, usize>,
}

/// By id, then by signature: the id is that of the signed part, and a copy with a false signature must not stand in the
/// way of the true one.
pub(super) type Candidates<'a> = BTreeMap<StatementId, BTreeMap<[u8; 64], &'a Statement>>;

impl<'a> Line<'a> {
    /// The line that begins with `genesis`. [`SealError::TooLarge`] when more than [`MAX_STATEMENTS`] are founded.
    pub(super) fn grow(
        tenant: TenantId,
        genesis: (&'a Statement, &'a Genesis),
        mut candidates: Candidates<'a>,
    ) -> Result<Self, SealError> {
        let mut line = Self::begin(genesis.0, genesis.1);
        candidates.remove(&genesis.0.id());
        candidates.retain(|id, copies| {
            let ours = copies.values().any(|copy| copy.tenant() == tenant);
            if !ours {
                line.refused.insert(*id, Refusal::OtherTenant);
            }
            ours
        });

        let mut n_missing = BTreeMap::new();
        let mut waiting: BTreeMap<StatementId, Vec<StatementId>> = BTreeMap::new();
        for (id, copies) in &candidates {
            let named: BTreeSet<_> = copies.values().flat_map(|copy| copy.predecessors()).copied().collect();
            n_missing.insert(*id, named.len());
            for predecessor in named {
                waiting.entry(predecessor).or_default().push(*id);
            }
        }
        // Always the lowest id of what is ready: the same line from every order.
        let mut ready = BTreeSet::new();
        let mut taken_in = Some(genesis.0.id());
        loop {
            for next in taken_in.and_then(|id| waiting.remove(&id)).into_iter().flatten() {
                let left = n_missing.get_mut(&next).expect("whoever waits was counted");
                *left -= 1;
                if *left == 0 {
                    ready.insert(next);
                }
            }
            let Some(id) = ready.pop_first() else { break };
            let copies = candidates
                .remove(&id)
                .expect("what becomes ready was a candidate, once");
            taken_in = match line.judge(&copies) {
                Ok(founded) => {
                    if line.founded.len() == MAX_STATEMENTS {
                        return Err(SealError::TooLarge);
                    }
                    line.take_in(founded);
                    Some(id)
                }
                Err(refusal) => {
                    line.refused.insert(id, refusal);
                    None
                }
            };
        }
        let left = candidates.into_keys().map(|id| (id, Refusal::MissingPredecessor));
        line.refused.extend(left);
        Ok(line)
    }

    fn begin(statement: &'a Statement, genesis: &'a Genesis) -> Self {
        let mut line = Self {
            founded: Vec::new(),
            genesis,
            signed_by: BTreeMap::new(),
            admitting: BTreeMap::new(),
            making_admin: BTreeMap::new(),
            publics: BTreeMap::new(),
            deciding: Bits::default(),
            removals: Vec::new(),
            refused: BTreeMap::new(),
            places: BTreeMap::new(),
        };
        line.take_in(Founded {
            statement,
            depth: 0,
            past: Bits::default(),
        });
        line
    }

    /// All that one statement builds upon is in the line. The copies differ in their signatures only.
    fn judge(&self, copies: &BTreeMap<[u8; 64], &'a Statement>) -> Result<Founded<'a>, Refusal> {
        let one = *copies.values().next().ok_or(Refusal::BadSignature)?;
        let mut past = Bits::default();
        let mut depth = 0;
        for predecessor in one.predecessors() {
            let place = self.places[predecessor];
            let before = &self.founded[place];
            past.add(&before.past);
            past.insert(place);
            depth = depth.max(before.depth + 1);
        }
        let key = match one.signer() {
            Signer::Root => self.genesis.root,
            Signer::Device(id) => {
                let has = |right: &BTreeMap<DeviceId, Bits>| right.get(&id).is_some_and(|by| by.intersects(&past));
                if !has(&self.admitting) {
                    return Err(Refusal::UnknownSigner);
                }
                if is_for_admins(one.kind()) && !has(&self.making_admin) {
                    return Err(Refusal::NotAdmin);
                }
                self.publics[&id].sign
            }
        };
        let genuine = copies.values().find(|copy| copy.verify(&key).is_ok());
        let statement = *genuine.ok_or(Refusal::BadSignature)?;
        if !epochs::recipients_fit(self, statement, &past) {
            return Err(Refusal::WrongRecipients);
        }
        Ok(Founded { statement, depth, past })
    }

    fn take_in(&mut self, founded: Founded<'a>) {
        let (place, statement) = (self.founded.len(), founded.statement);
        self.places.insert(statement.id(), place);
        if let Signer::Device(id) = statement.signer() {
            self.signed_by.entry(id).or_default().insert(place);
        }
        let (admitted, admin) = match statement.kind() {
            StatementKind::Genesis(genesis) => (Some(genesis.first_device), Some(genesis.first_device.id())),
            StatementKind::AddDevice(add) => (Some(add.device), add.admin.then(|| add.device.id())),
            StatementKind::MakeAdmin(make) => (None, Some(make.device)),
            _ => (None, None),
        };
        if let Some(device) = admitted {
            self.publics.insert(device.id(), device);
            self.admitting.entry(device.id()).or_default().insert(place);
        }
        if let Some(id) = admin {
            self.making_admin.entry(id).or_default().insert(place);
        }
        if is_for_admins(statement.kind()) {
            self.deciding.insert(place);
        }
        if let StatementKind::RemoveDevice(remove) = statement.kind() {
            self.removals.push((place, remove.device));
        }
        self.founded.push(founded);
    }

    /// The statements on whose holding the one at `place` hangs, as sets of which one each must hold: what admits its
    /// signer and, for what only admins sign, what makes it one. Only what it builds upon counts.
    pub(super) fn footing(&self, place: usize) -> Vec<Bits> {
        let Founded { statement, past, .. } = &self.founded[place];
        let Signer::Device(id) = statement.signer() else {
            return Vec::new();
        };
        let right = |of: &BTreeMap<DeviceId, Bits>| of.get(&id).map(|by| by.and(past)).unwrap_or_default();
        let mut footing = vec![right(&self.admitting)];
        if is_for_admins(statement.kind()) {
            footing.push(right(&self.making_admin));
        }
        footing
    }

    pub(super) fn is_removal(&self, place: usize) -> bool {
        matches!(self.founded[place].statement.kind(), StatementKind::RemoveDevice(_))
    }

    /// What the removal at `place` strikes at: whatever the removed device signed that the remover had not built upon.
    pub(super) fn struck_by(&self, place: usize, removed: &DeviceId) -> Bits {
        let mut known = self.founded[place].past.clone();
        // Who removes itself still says so.
        known.insert(place);
        self.signed_by
            .get(removed)
            .map(|signed| signed.without(&known))
            .unwrap_or_default()
    }
}

/// Who comes and who goes is for admins. Any member may make an epoch, hand on its keys and ask for them: after removals nobody should
/// have to wait for an admin. What a newer build says has no effect here, so it need not be an admin's.
fn is_for_admins(kind: &StatementKind) -> bool {
    match kind {
        StatementKind::AddDevice(_) | StatementKind::RemoveDevice(_) | StatementKind::MakeAdmin(_) => true,
        StatementKind::Genesis(_)
        | StatementKind::NewEpoch(_)
        | StatementKind::AddWraps(_)
        | StatementKind::AskForKeys(_)
        | StatementKind::Unknown(_) => false,
    }
}
