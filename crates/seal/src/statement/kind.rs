//! What a statement can say, and its code on the wire. Codes and keys are only ever added.

use minicbor::{Decode, Encode};

use super::MAX_STATEMENT_BYTES;
use crate::{DeviceId, DevicePublic, EpochId, OpeningId, SealError, wire};

/// What a statement says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum StatementKind {
    /// The tenant begins. Its hash is the tenant's id.
    Genesis(Genesis),
    /// A device belongs from now on.
    AddDevice(AddDevice),
    /// What is written from now on is sealed under a new secret.
    NewEpoch(NewEpoch),
    /// A device belongs no more, whatever it signed apart from this.
    RemoveDevice(RemoveDevice),
    /// A device may sign statements from now on.
    MakeAdmin(MakeAdmin),
    /// A member gets the keys of epochs that it missed.
    AddWraps(AddWraps),
    /// A member cannot open the keys of epochs that it was given.
    AskForKeys(AskForKeys),
    /// Of a newer build, with its code: kept, carried and without effect here.
    Unknown(u16),
}

/// The tenant begins.
#[derive(Debug, Clone, PartialEq, Eq, Encode, Decode)]
#[cbor(map)]
pub struct Genesis {
    /// Ed25519 key of the root.
    #[cbor(n(0), with = "minicbor::bytes")]
    pub root: [u8; 32],
    /// X25519 key of the recovery kit: every epoch is wrapped to it.
    #[cbor(n(1), with = "minicbor::bytes")]
    pub kit_hpke: [u8; 32],
    /// The first device; an admin's.
    #[n(2)]
    pub first_device: DevicePublic,
    /// [`NewEpoch::secret_check`] of the first epoch, from whose secret documents are named: pinned here, because a
    /// second "first" epoch would give every document a second name.
    #[cbor(n(3), with = "minicbor::bytes")]
    pub first_epoch_check: [u8; 32],
}

/// A device belongs from now on.
#[derive(Debug, Clone, PartialEq, Eq, Encode, Decode)]
#[cbor(map)]
pub struct AddDevice {
    /// The device.
    #[n(0)]
    pub device: DevicePublic,
    /// May it sign statements?
    #[n(1)]
    pub admin: bool,
    /// The keys of the epochs that it may read, wrapped to it.
    #[n(2)]
    pub wraps: Vec<EpochWrap>,
}

/// The keys of one epoch for the device that is added.
#[derive(Debug, Clone, PartialEq, Eq, Encode, Decode)]
#[cbor(map)]
pub struct EpochWrap {
    /// The epoch.
    #[n(0)]
    pub epoch: EpochId,
    /// HPKE envelope.
    #[cbor(n(1), with = "minicbor::bytes")]
    pub sealed: Vec<u8>,
}

/// A new secret, and a new key pair of the clinic. The id of the statement is the epoch's id.
#[derive(Debug, Clone, PartialEq, Eq, Encode, Decode)]
#[cbor(map)]
pub struct NewEpoch {
    /// X25519 key that other clinics seal to, as long as this epoch is the current one.
    #[cbor(n(0), with = "minicbor::bytes")]
    pub clinic_hpke: [u8; 32],
    /// Hash of the secret: tells a device that it has unwrapped the secret that all others have.
    #[cbor(n(1), with = "minicbor::bytes")]
    pub secret_check: [u8; 32],
    /// The secret and the clinic's private key, wrapped to each device and to the kit.
    #[n(2)]
    pub wraps: Vec<KeyWrap>,
}

/// The keys of a new epoch for one recipient.
#[derive(Debug, Clone, PartialEq, Eq, Encode, Decode)]
#[cbor(map)]
pub struct KeyWrap {
    /// A device's id, or the hash of the kit's key.
    #[cbor(n(0), with = "minicbor::bytes")]
    pub recipient: [u8; 32],
    /// HPKE envelope.
    #[cbor(n(1), with = "minicbor::bytes")]
    pub sealed: Vec<u8>,
}

/// A device belongs no more. It never belongs again: who comes back, comes with new keys.
#[derive(Debug, Clone, PartialEq, Eq, Encode, Decode)]
#[cbor(map)]
pub struct RemoveDevice {
    /// The device.
    #[n(0)]
    pub device: DeviceId,
    /// How far what it wrote still counts. What was written in an opening that is not named does not.
    #[n(1)]
    pub ends: Vec<OpeningEnd>,
}

/// The last change of one opening that still counts.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Encode, Decode)]
#[cbor(map)]
pub struct OpeningEnd {
    /// The opening.
    #[n(0)]
    pub opening: OpeningId,
    /// Its last number that counts; numbers begin at 1.
    #[n(1)]
    pub number: u64,
}

/// A device may sign statements from now on.
#[derive(Debug, Clone, PartialEq, Eq, Encode, Decode)]
#[cbor(map)]
pub struct MakeAdmin {
    /// The device.
    #[n(0)]
    pub device: DeviceId,
}

/// The keys of epochs for a member that their statements, made apart from its admission, left out.
#[derive(Debug, Clone, PartialEq, Eq, Encode, Decode)]
#[cbor(map)]
pub struct AddWraps {
    /// The member.
    #[n(0)]
    pub device: DeviceId,
    /// The keys, wrapped to it.
    #[n(1)]
    pub wraps: Vec<EpochWrap>,
}

/// Keys that the signer was given and cannot open: whoever has them may hand them on to it again.
#[derive(Debug, Clone, PartialEq, Eq, Encode, Decode)]
#[cbor(map)]
pub struct AskForKeys {
    /// The epochs.
    #[n(0)]
    pub epochs: Vec<EpochId>,
}

pub(super) const GENESIS: u16 = 0;
const ADD_DEVICE: u16 = 1;
const NEW_EPOCH: u16 = 2;
const REMOVE_DEVICE: u16 = 3;
const MAKE_ADMIN: u16 = 4;
const ADD_WRAPS: u16 = 5;
const ASK_FOR_KEYS: u16 = 6;

impl StatementKind {
    pub(super) fn code(&self) -> u16 {
        match self {
            Self::Genesis(_) => GENESIS,
            Self::AddDevice(_) => ADD_DEVICE,
            Self::NewEpoch(_) => NEW_EPOCH,
            Self::RemoveDevice(_) => REMOVE_DEVICE,
            Self::MakeAdmin(_) => MAKE_ADMIN,
            Self::AddWraps(_) => ADD_WRAPS,
            Self::AskForKeys(_) => ASK_FOR_KEYS,
            Self::Unknown(code) => *code,
        }
    }

    pub(super) fn payload(&self) -> Vec<u8> {
        match self {
            Self::Genesis(genesis) => wire::encode(genesis),
            Self::AddDevice(add) => wire::encode(add),
            Self::NewEpoch(epoch) => wire::encode(epoch),
            Self::RemoveDevice(remove) => wire::encode(remove),
            Self::MakeAdmin(make) => wire::encode(make),
            Self::AddWraps(add) => wire::encode(add),
            Self::AskForKeys(ask) => wire::encode(ask),
            Self::Unknown(_) => Vec::new(),
        }
    }

    pub(super) fn decode(code: u16, payload: &[u8]) -> Result<Self, SealError> {
        Ok(match code {
            GENESIS => Self::Genesis(wire::decode(payload, MAX_STATEMENT_BYTES)?),
            ADD_DEVICE => Self::AddDevice(wire::decode(payload, MAX_STATEMENT_BYTES)?),
            NEW_EPOCH => Self::NewEpoch(wire::decode(payload, MAX_STATEMENT_BYTES)?),
            REMOVE_DEVICE => Self::RemoveDevice(wire::decode(payload, MAX_STATEMENT_BYTES)?),
            MAKE_ADMIN => Self::MakeAdmin(wire::decode(payload, MAX_STATEMENT_BYTES)?),
            ADD_WRAPS => Self::AddWraps(wire::decode(payload, MAX_STATEMENT_BYTES)?),
            // Builds to which this kind is unknown keep it and build upon it, whatever is in it: so it must be read here.
            ASK_FOR_KEYS => wire::decode(payload, MAX_STATEMENT_BYTES).map_or(Self::Unknown(code), Self::AskForKeys),
            code => Self::Unknown(code),
        })
    }
}
