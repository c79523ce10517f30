//! Who belongs: a pure function of the *set* of a tenant's statements, whatever their order, and however often each came.
//!
//! A statement holds when all its predecessors hold, its signer is the root or an admin's device by statements that
//! hold, and its signature fits. Since a statement that holds never stops another from holding, going over the set
//! until nothing more is accepted ends at the same membership from every order.

mod growing;

use std::collections::{BTreeMap, BTreeSet};

use crate::{DeviceId, DevicePublic, EpochId, SealError, Signer, Statement, StatementId, StatementKind, TenantId};
use growing::{Growing, Waiting};

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
