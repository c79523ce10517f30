//! Going over a set of statements until nothing more is accepted.

use std::collections::{BTreeMap, BTreeSet};

use super::{Epoch, Member, Membership, Refusal};
use crate::{EpochId, Genesis, NewEpoch, SealError, Signer, Statement, StatementId, StatementKind, TenantId};

/// What is not yet accepted; a statement that came twice stands here once.
pub(super) type Waiting<'a> = BTreeMap<(StatementId, [u8; 64]), &'a Statement>;

/// A membership in the making.
pub(super) struct Growing {
    membership: Membership,
    depths: BTreeMap<StatementId, u32>,
    /// Envelopes for a device that is added may name an epoch that is accepted only later in the round.
    added_wraps: Vec<(EpochId, [u8; 32], Vec<u8>)>,
}

/// What one look at a statement finds.
enum Finding {
    Holds {
        depth: u32,
    },
    /// Not yet: another statement could still change it.
    Waits(Refusal),
    Never(Refusal),
}

impl Growing {
    pub(super) fn from_genesis(tenant: TenantId, id: StatementId, genesis: &Genesis) -> Self {
        let first = Member {
            public: genesis.first_device,
            admin: true,
        };
        let membership = Membership {
            tenant,
            root: genesis.root,
            kit_hpke: genesis.kit_hpke,
            first_epoch_check: genesis.first_epoch_check,
            devices: BTreeMap::from([(first.public.id(), first)]),
            epochs: BTreeMap::new(),
            current: EpochId::from_bytes([0; 32]),
            accepted: BTreeSet::from([id]),
            refused: BTreeMap::new(),
            heads: BTreeSet::from([id]),
        };
        Self {
            membership,
            depths: BTreeMap::from([(id, 0)]),
            added_wraps: Vec::new(),
        }
    }

    /// Goes over what waits until a whole round accepts nothing more; what then still waits is refused.
    pub(super) fn absorb(&mut self, waiting: &mut Waiting<'_>) {
        loop {
            let mut progress = false;
            waiting.retain(|(id, _), statement| match self.judge(statement) {
                Finding::Holds { depth } => {
                    self.accept(statement, depth);
                    progress = true;
                    false
                }
                Finding::Never(refusal) => {
                    self.membership.refused.insert(*id, refusal);
                    false
                }
                Finding::Waits(_) => true,
            });
            if !progress {
                break;
            }
        }
        for ((id, _), statement) in waiting {
            if let Finding::Waits(refusal) = self.judge(statement) {
                self.membership.refused.insert(*id, refusal);
            }
        }
        let Membership { accepted, refused, .. } = &mut self.membership;
        refused.retain(|id, _| !accepted.contains(id));
    }

    fn judge(&self, statement: &Statement) -> Finding {
        if statement.tenant() != self.membership.tenant {
            return Finding::Never(Refusal::OtherTenant);
        }
        let depths: Option<Vec<u32>> = statement
            .predecessors()
            .iter()
            .map(|id| self.depths.get(id).copied())
            .collect();
        let Some(deepest) = depths.and_then(|depths| depths.into_iter().max()) else {
            return Finding::Waits(Refusal::MissingPredecessor);
        };
        let key = match statement.signer() {
            Signer::Root => self.membership.root,
            Signer::Device(id) => match self.membership.devices.get(&id) {
                None => return Finding::Waits(Refusal::UnknownSigner),
                // What a newer build lets every device say is without effect here, so it need not be an admin's.
                Some(member) if !member.admin && !matches!(statement.kind(), StatementKind::Unknown(_)) => {
                    return Finding::Waits(Refusal::NotAdmin);
                }
                Some(member) => member.public.sign,
            },
        };
        match statement.verify(&key) {
            Ok(()) => Finding::Holds { depth: deepest + 1 },
            Err(_) => Finding::Never(Refusal::BadSignature),
        }
    }

    fn accept(&mut self, statement: &Statement, depth: u32) {
        let id = statement.id();
        if !self.membership.accepted.insert(id) {
            return;
        }
        self.depths.insert(id, depth);
        match statement.kind() {
            StatementKind::AddDevice(add) => {
                let device = add.device.id();
                let member = self.membership.devices.entry(device).or_insert(Member {
                    public: add.device,
                    admin: false,
                });
                member.admin |= add.admin;
                let wraps = add
                    .wraps
                    .iter()
                    .map(|wrap| (wrap.epoch, *device.as_bytes(), wrap.sealed.clone()));
                self.added_wraps.extend(wraps);
            }
            StatementKind::NewEpoch(epoch) => {
                self.membership.epochs.insert(id.into(), Epoch::begin(epoch, depth));
            }
            StatementKind::Genesis(_) | StatementKind::Unknown(_) => {}
        }
        self.membership.heads.insert(id);
        for predecessor in statement.predecessors() {
            self.membership.heads.remove(predecessor);
        }
    }

    pub(super) fn finish(self) -> Result<Membership, SealError> {
        let mut membership = self.membership;
        for (epoch, recipient, sealed) in self.added_wraps {
            if let Some(epoch) = membership.epochs.get_mut(&epoch) {
                epoch.wraps.entry(recipient).or_default().insert(sealed);
            }
        }
        let deepest = membership
            .epochs
            .iter()
            .min_by_key(|(id, epoch)| (std::cmp::Reverse(epoch.depth), **id));
        membership.current = *deepest.ok_or(SealError::NoEpoch)?.0;
        if !membership.epochs.values().any(|epoch| membership.is_first_epoch(epoch)) {
            return Err(SealError::NoEpoch);
        }
        Ok(membership)
    }
}

impl Epoch {
    fn begin(epoch: &NewEpoch, depth: u32) -> Self {
        let mut wraps: BTreeMap<[u8; 32], BTreeSet<Vec<u8>>> = BTreeMap::new();
        for wrap in &epoch.wraps {
            wraps.entry(wrap.recipient).or_default().insert(wrap.sealed.clone());
        }
        Self {
            clinic_hpke: epoch.clinic_hpke,
            secret_check: epoch.secret_check,
            depth,
            wraps,
        }
    }
}
