//! Who belongs: a pure function of the *set* of a tenant's statements, whatever their order, and however often each came.
//!
//! A statement holds when all its predecessors hold, its signer is the root or an admin's device by statements that
//! hold, and its signature fits. Since a statement that holds never stops another from holding, going over the set
//! until nothing more is accepted ends at the same membership from every order.

use std::collections::{BTreeMap, BTreeSet};

use crate::{
    DeviceId, DevicePublic, EpochId, Genesis, NewEpoch, SealError, Signer, Statement, StatementId, StatementKind,
    TenantId,
};

/// Why a statement does not hold. It is kept all the same: what is missing may still arrive.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Refusal {
    /// It speaks of another tenant.
    OtherTenant,
    /// A statement that it builds upon is missing, or does not hold.
    MissingPredecessor,
    /// Its signer is not a member.
    UnknownSigner,
    /// Its signer is a member and not an admin.
    NotAdmin,
    /// The signature does not fit.
    BadSignature,
}

/// The members, epochs and keys of one tenant.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Membership {
    tenant: TenantId,
    root: [u8; 32],
    kit_hpke: [u8; 32],
    first_epoch_check: [u8; 32],
    devices: BTreeMap<DeviceId, Member>,
    epochs: BTreeMap<EpochId, Epoch>,
    current: EpochId,
    accepted: BTreeSet<StatementId>,
    refused: BTreeMap<StatementId, Refusal>,
    heads: BTreeSet<StatementId>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
struct Member {
    public: DevicePublic,
    admin: bool,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Epoch {
    pub(crate) clinic_hpke: [u8; 32],
    pub(crate) secret_check: [u8; 32],
    /// Steps from the genesis; of two epochs the deeper is the later.
    depth: u32,
    /// Every envelope of its keys, by recipient: from the statement that began it, and from those that added devices.
    pub(crate) wraps: BTreeMap<[u8; 32], BTreeSet<Vec<u8>>>,
}

impl Membership {
    /// The membership by these statements.
    ///
    /// Statements that do not hold are no error: they stand in [`Self::refused`]. [`SealError::NoGenesis`] when the
    /// statement with the tenant's id is not among them or not the root's; [`SealError::NoEpoch`] when no epoch holds.
    pub fn from_statements<'a>(
        tenant: TenantId,
        statements: impl IntoIterator<Item = &'a Statement>,
    ) -> Result<Self, SealError> {
        // By id *and* signature: the id is that of the signed part, and a copy with a false signature must not stand in
        // the way of the true one.
        let mut waiting: Waiting<'_> = statements
            .into_iter()
            .map(|statement| ((statement.id(), *statement.signature()), statement))
            .collect();
        let genesis_id = StatementId::from_bytes(*tenant.as_bytes());
        let genesis = waiting.values().find_map(|statement| match statement.kind() {
            StatementKind::Genesis(genesis) if statement.id() == genesis_id => {
                (statement.signer() == Signer::Root && statement.verify(&genesis.root).is_ok()).then_some(genesis)
            }
            _ => None,
        });
        let genesis = genesis.ok_or(SealError::NoGenesis)?;
        waiting.retain(|(id, _), _| *id != genesis_id);

        let mut growing = Growing::from_genesis(tenant, genesis_id, genesis);
        growing.absorb(&mut waiting);
        growing.finish()
    }

    /// The tenant.
    pub fn tenant(&self) -> TenantId {
        self.tenant
    }

    /// The public keys of a member.
    pub fn device(&self, id: &DeviceId) -> Option<&DevicePublic> {
        self.devices.get(id).map(|member| &member.public)
    }

    /// All members, by id.
    pub fn devices(&self) -> impl Iterator<Item = (DeviceId, &DevicePublic)> {
        self.devices.iter().map(|(id, member)| (*id, &member.public))
    }

    /// May this device sign statements?
    pub fn is_admin(&self, id: &DeviceId) -> bool {
        self.devices.get(id).is_some_and(|member| member.admin)
    }

    /// The epoch to write under: the deepest, and of equally deep ones (two admins who acted apart) the lowest id.
    pub fn current_epoch(&self) -> EpochId {
        self.current
    }

    /// Is this one of the tenant's epochs?
    pub fn has_epoch(&self, id: &EpochId) -> bool {
        self.epochs.contains_key(id)
    }

    /// The key that other clinics seal to now (X25519): that of the current epoch.
    pub fn clinic_key(&self) -> [u8; 32] {
        self.epochs[&self.current].clinic_hpke
    }

    /// The statements that hold.
    pub fn accepted(&self) -> &BTreeSet<StatementId> {
        &self.accepted
    }

    /// The statements that do not hold, and why.
    pub fn refused(&self) -> &BTreeMap<StatementId, Refusal> {
        &self.refused
    }

    /// The statements that hold and that no other one builds upon: what a new statement names as its predecessors.
    pub fn heads(&self) -> Vec<StatementId> {
        self.heads.iter().copied().collect()
    }

    /// Does `signature` of `device` fit, and is it a member? The check behind everything that a device signs.
    pub(crate) fn verify(
        &self,
        device: &DeviceId,
        context: &'static str,
        bytes: &[u8],
        signature: &[u8; 64],
    ) -> Result<(), SealError> {
        let public = self.device(device).ok_or(SealError::UnknownDevice)?;
        crate::verify(&public.sign, context, bytes, signature)
    }

    pub(crate) fn epochs(&self) -> &BTreeMap<EpochId, Epoch> {
        &self.epochs
    }

    pub(crate) fn is_first_epoch(&self, epoch: &Epoch) -> bool {
        epoch.secret_check == self.first_epoch_check
    }

    pub(crate) fn kit_hpke(&self) -> &[u8; 32] {
        &self.kit_hpke
    }
}

/// What is not yet accepted; a statement that came twice stands here once.
type Waiting<'a> = BTreeMap<(StatementId, [u8; 64]), &'a Statement>;

/// A membership in the making.
struct Growing {
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
    fn from_genesis(tenant: TenantId, id: StatementId, genesis: &Genesis) -> Self {
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
    fn absorb(&mut self, waiting: &mut Waiting<'_>) {
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
        self.depths.insert(id, depth);
        self.membership.accepted.insert(id);
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

    fn finish(self) -> Result<Membership, SealError> {
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
