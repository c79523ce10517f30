//! Who belongs: a pure function of the *set* of a tenant's statements, whatever their order, and however often each came.
//!
//! Two questions, one after the other: is a statement *founded* by its own past ([`growing`]), which never changes; and
//! does it *hold*, once the removals in the set are weighed ([`removing`]), which a removal that arrives later can
//! change. What is founded is kept and passed on, also while it is void.

mod asking;
mod bits;
mod epochs;
mod growing;
mod removing;
mod weighed;

use std::collections::{BTreeMap, BTreeSet};

use crate::{
    DeviceId, DevicePublic, EpochId, EpochSecrets, OpeningId, SealError, Signer, Statement, StatementId, StatementKind,
    TenantId, keys::ReadyKey,
};
use asking::Asked;
pub(crate) use epochs::Epoch;
use growing::{Candidates, Line};

/// The most founded statements that a membership is made of: twice what a relay keeps of one tenant. It bounds what a
/// hostile set can cost; a set beyond it is no membership.
pub const MAX_STATEMENTS: usize = 4_096;

/// Why a statement does not hold. It is kept all the same: what is missing may still arrive.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Refusal {
    /// It speaks of another tenant.
    OtherTenant,
    /// A statement that it builds upon is missing, or was refused.
    MissingPredecessor,
    /// Its signer was not a member by what it builds upon.
    UnknownSigner,
    /// Its signer was a member and not an admin.
    NotAdmin,
    /// The signature does not fit.
    BadSignature,
    /// It wraps an epoch's keys for others than the members and the kit.
    WrongRecipients,
    /// Void: its signer was removed, by a removal that did not build upon it.
    SignerRemoved,
    /// Void: what admitted its signer, or made it an admin, is void.
    SignerVoid,
}

impl Refusal {
    /// Is the statement founded, and only its effect void? Then it is to be stored and passed on like one that holds.
    pub const fn is_void(self) -> bool {
        matches!(self, Self::SignerRemoved | Self::SignerVoid)
    }
}

/// Does what a device wrote count?
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Admission {
    /// It was written by a member, or by one that was removed later.
    Member,
    /// The device was removed, and this is more than its removal lets stand: a person must look at it.
    BeyondRemoval,
    /// No such device belongs or belonged here.
    NoDevice,
}

/// The members, epochs and keys of one tenant.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Membership {
    tenant: TenantId,
    root: [u8; 32],
    kit_hpke: [u8; 32],
    first_epoch_check: [u8; 32],
    devices: BTreeMap<DeviceId, Member>,
    removed: BTreeMap<DeviceId, Removed>,
    epochs: BTreeMap<EpochId, Epoch>,
    /// All epochs, the best to seal under first; and how many of them are clean.
    by_fitness: Vec<EpochId>,
    n_clean: usize,
    accepted: BTreeSet<StatementId>,
    refused: BTreeMap<StatementId, Refusal>,
    heads: BTreeSet<StatementId>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
struct Member {
    public: DevicePublic,
    key: ReadyKey,
    admin: bool,
}

#[derive(Debug, Clone, PartialEq, Eq)]
struct Removed {
    /// Absent when nothing that holds had ever admitted it.
    public: Option<DevicePublic>,
    key: Option<ReadyKey>,
    ends: BTreeMap<OpeningId, u64>,
}

impl Membership {
    /// The membership by these statements.
    ///
    /// Statements that do not hold are no error: they stand in [`Self::refused`]. [`SealError::NoGenesis`] when the
    /// statement with the tenant's id is not among them or not the root's; [`SealError::NoEpoch`] when the epoch that
    /// the genesis names is missing; [`SealError::TooLarge`] above [`MAX_STATEMENTS`].
    pub fn from_statements<'a>(
        tenant: TenantId,
        statements: impl IntoIterator<Item = &'a Statement>,
    ) -> Result<Self, SealError> {
        let mut candidates = Candidates::new();
        for statement in statements {
            candidates
                .entry(statement.id())
                .or_default()
                .insert(*statement.signature(), statement);
        }
        let genesis_id = StatementId::from_bytes(*tenant.as_bytes());
        let copies = candidates.get(&genesis_id).into_iter().flat_map(BTreeMap::values);
        let genesis = copies.copied().find_map(|statement| match statement.kind() {
            StatementKind::Genesis(genesis) => {
                let genuine = statement.signer() == Signer::Root && statement.verify(&genesis.root).is_ok();
                genuine.then_some((statement, genesis))
            }
            _ => None,
        });
        let line = Line::grow(tenant, genesis.ok_or(SealError::NoGenesis)?, candidates)?;
        Self::weighed(tenant, line)
    }

    /// The tenant.
    pub fn tenant(&self) -> TenantId {
        self.tenant
    }

    /// The public keys of a member; `None` for one that was removed.
    pub fn device(&self, id: &DeviceId) -> Option<&DevicePublic> {
        self.devices.get(id).map(|member| &member.public)
    }

    /// All members, by id.
    pub fn devices(&self) -> impl Iterator<Item = (DeviceId, &DevicePublic)> {
        self.devices.iter().map(|(id, member)| (*id, &member.public))
    }

    /// May this device say who belongs?
    pub fn is_admin(&self, id: &DeviceId) -> bool {
        self.devices.get(id).is_some_and(|member| member.admin)
    }

    /// Was this device removed? It never belongs again under these keys.
    pub fn is_removed(&self, id: &DeviceId) -> bool {
        self.removed.contains_key(id)
    }

    /// The devices that were removed, and how far what they wrote still counts: per opening the last number.
    pub fn removed(&self) -> impl Iterator<Item = (DeviceId, &BTreeMap<OpeningId, u64>)> {
        self.removed.iter().map(|(id, removed)| (*id, &removed.ends))
    }

    /// Does the change with this number, in this opening of this device, count?
    pub fn admits_change(&self, device: &DeviceId, opening: &OpeningId, number: u64) -> Admission {
        if self.devices.contains_key(device) {
            return Admission::Member;
        }
        match self.removed.get(device) {
            Some(Removed {
                public: Some(_), ends, ..
            }) => {
                if ends.get(opening).is_some_and(|last| number <= *last) {
                    Admission::Member
                } else {
                    Admission::BeyondRemoval
                }
            }
            _ => Admission::NoDevice,
        }
    }

    /// The epoch that others seal to: the latest of those that are fit to write under, or, for as long as there is
    /// none, the latest. Of several begun apart, the lowest id. What this device writes goes under
    /// [`Self::writing_epoch`].
    pub fn current_epoch(&self) -> EpochId {
        self.by_fitness[0]
    }

    /// The epoch to write under: the latest that holds, of which `mine` has the keys, and which nobody else has than
    /// members. `None` right after a removal that came without one, or when two came apart: make one first
    /// ([`crate::new_epoch`]).
    pub fn writing_epoch(&self, mine: &EpochSecrets) -> Option<EpochId> {
        self.by_fitness[..self.n_clean].iter().copied().find(|id| mine.has(id))
    }

    /// The devices that were given the keys of this epoch, members or not; none for an epoch that is unknown.
    pub fn holders(&self, epoch: &EpochId) -> impl Iterator<Item = DeviceId> {
        self.epochs
            .get(epoch)
            .into_iter()
            .flat_map(|epoch| epoch.holders.iter().copied())
    }

    /// Which members were not given the keys of which epochs, because one was begun apart from the other's admission:
    /// whoever has the keys may hand them on ([`crate::add_wraps`]).
    pub fn missing_wraps(&self) -> impl Iterator<Item = (DeviceId, EpochId)> {
        self.devices.keys().flat_map(|device| {
            let missing = self.epochs.iter().filter(|(_, epoch)| !epoch.givers.contains(device));
            missing.map(|(epoch, _)| (*device, *epoch))
        })
    }

    /// What `by`, which has the keys that are in `mine`, is to hand on: what [`Self::missing_wraps`] names, and what members
    /// ask for because the envelope that they were given does not open ([`crate::ask_for_keys`]), once for each epoch.
    pub fn to_hand_on(&self, by: Signer, mine: &EpochSecrets) -> impl Iterator<Item = (DeviceId, EpochId)> {
        let can_give = move |id: &EpochId, epoch: &Epoch| {
            mine.has(id)
                && match by {
                    Signer::Root => true,
                    Signer::Device(by) => epoch.givers.contains(&by),
                }
        };
        let of_whom = self.epochs.iter().filter(move |(id, epoch)| can_give(id, epoch));
        of_whom.flat_map(move |(id, epoch)| {
            let wants = move |device: &&DeviceId| {
                let asks_for_it = |asked: &Asked| asked.is_open && !asked.answered_by.contains(&by);
                !epoch.givers.contains(*device)
                    || by != Signer::Device(**device) && epoch.asked.get(*device).is_some_and(asks_for_it)
            };
            self.devices.keys().filter(wants).map(|device| (*device, *id))
        })
    }

    /// The epochs whose keys this member was given and does not have in `mine`, and does not ask for already.
    pub(crate) fn to_ask_for(&self, device: &DeviceId, mine: &EpochSecrets) -> impl Iterator<Item = EpochId> {
        let is_to_ask = move |(id, epoch): &(&EpochId, &Epoch)| {
            let asks = epoch.asked.get(device).is_some_and(|asked| asked.is_open);
            !mine.has(id) && epoch.givers.contains(device) && !asks
        };
        self.epochs.iter().filter(is_to_ask).map(|(id, _)| *id)
    }

    /// Is this one of the tenant's epochs? Also one whose statement is void: members may have written under it before
    /// they heard.
    pub fn has_epoch(&self, id: &EpochId) -> bool {
        self.epochs.contains_key(id)
    }

    /// The key that other clinics seal to now (X25519): that of the current epoch.
    pub fn clinic_key(&self) -> [u8; 32] {
        self.epochs[&self.current_epoch()].clinic_hpke
    }

    /// The statements that hold.
    pub fn accepted(&self) -> &BTreeSet<StatementId> {
        &self.accepted
    }

    /// The statements that do not hold, and why.
    pub fn refused(&self) -> &BTreeMap<StatementId, Refusal> {
        &self.refused
    }

    /// Is this statement to be stored and passed on? Those that hold, and those that are void: what they are a link for
    /// needs them, and a removal that arrives later may void what voided them.
    pub fn keeps(&self, id: &StatementId) -> bool {
        self.accepted.contains(id) || self.refused.get(id).is_some_and(|refusal| refusal.is_void())
    }

    /// The statements that hold and that no other such builds upon: what a new statement names as its predecessors.
    pub fn heads(&self) -> Vec<StatementId> {
        self.heads.iter().copied().collect()
    }

    /// Does `signature` of `device` fit, and is or was it a member? The check behind everything that a device signs.
    pub(crate) fn verify(
        &self,
        device: &DeviceId,
        context: &'static str,
        bytes: &[u8],
        signature: &[u8; 64],
    ) -> Result<(), SealError> {
        let removed = || self.removed.get(device).and_then(|removed| removed.key.as_ref());
        let member = self.devices.get(device).map(|member| &member.key);
        let key = member.or_else(removed).ok_or(SealError::UnknownDevice)?;
        key.verify(context, bytes, signature)
    }

    pub(crate) fn epochs(&self) -> &BTreeMap<EpochId, Epoch> {
        &self.epochs
    }

    /// The latest first.
    pub(crate) fn epochs_by_fitness(&self) -> &[EpochId] {
        &self.by_fitness
    }

    pub(crate) fn is_first_epoch(&self, epoch: &Epoch) -> bool {
        epoch.secret_check == self.first_epoch_check
    }

    pub(crate) fn root(&self) -> &[u8; 32] {
        &self.root
    }

    pub(crate) fn kit_hpke(&self) -> &[u8; 32] {
        &self.kit_hpke
    }
}
