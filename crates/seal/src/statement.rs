//! One statement of membership: its form on the wire, and what it says. Whether it holds is [`crate::Membership`]'s.
//!
//! A statement is readable by the relay and by other clinics, so no name and no label of a person or a device is in it.

use minicbor::{Decode, Encode};

use crate::{
    DeviceId, DeviceKeys, DevicePublic, EpochId, RecoveryKit, SealError, StatementId, TenantId, context, wire,
};

/// The most that one encoded statement may take: room for the wraps of some four hundred epochs.
pub const MAX_STATEMENT_BYTES: usize = 64 * 1024;

/// Who signed a statement.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Signer {
    /// The root key, which lives in the recovery kit only.
    Root,
    /// A device.
    Device(DeviceId),
}

/// What a statement says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum StatementKind {
    /// The tenant begins. Its hash is the tenant's id.
    Genesis(Genesis),
    /// A device belongs from now on.
    AddDevice(AddDevice),
    /// What is written from now on is sealed under a new secret.
    NewEpoch(NewEpoch),
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

/// A signed statement. Reading one checks its form and takes its id; only [`crate::Membership`] checks its signature.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Statement {
    id: StatementId,
    body: Body,
    kind: StatementKind,
    signed: Signed,
}

/// What travels: the signed bytes, kept as they came, and the signature.
#[derive(Debug, Clone, PartialEq, Eq, Encode, Decode)]
#[cbor(map)]
struct Signed {
    #[cbor(n(0), with = "minicbor::bytes")]
    body: Vec<u8>,
    #[cbor(n(1), with = "minicbor::bytes")]
    signature: [u8; 64],
}

#[derive(Debug, Clone, PartialEq, Eq, Encode, Decode)]
#[cbor(map)]
struct Body {
    #[n(0)]
    version: u16,
    #[n(1)]
    kind: u16,
    /// Absent in a genesis, whose hash it is.
    #[n(2)]
    tenant: Option<TenantId>,
    /// Absent when the root signs.
    #[n(3)]
    device: Option<DeviceId>,
    #[n(4)]
    predecessors: Vec<StatementId>,
    #[n(5)]
    made_at_ms: i64,
    #[cbor(n(6), with = "minicbor::bytes")]
    payload: Vec<u8>,
}

const GENESIS: u16 = 0;
const ADD_DEVICE: u16 = 1;
const NEW_EPOCH: u16 = 2;

impl StatementKind {
    fn code(&self) -> u16 {
        match self {
            Self::Genesis(_) => GENESIS,
            Self::AddDevice(_) => ADD_DEVICE,
            Self::NewEpoch(_) => NEW_EPOCH,
            Self::Unknown(code) => *code,
        }
    }

    fn payload(&self) -> Vec<u8> {
        match self {
            Self::Genesis(genesis) => wire::encode(genesis),
            Self::AddDevice(add) => wire::encode(add),
            Self::NewEpoch(epoch) => wire::encode(epoch),
            Self::Unknown(_) => Vec::new(),
        }
    }

    fn decode(code: u16, payload: &[u8]) -> Result<Self, SealError> {
        Ok(match code {
            GENESIS => Self::Genesis(wire::decode(payload, MAX_STATEMENT_BYTES)?),
            ADD_DEVICE => Self::AddDevice(wire::decode(payload, MAX_STATEMENT_BYTES)?),
            NEW_EPOCH => Self::NewEpoch(wire::decode(payload, MAX_STATEMENT_BYTES)?),
            code => Self::Unknown(code),
        })
    }
}

/// A key that may sign statements.
pub(crate) enum SigningWith<'a> {
    Root(&'a RecoveryKit),
    Device(&'a DeviceKeys),
}

/// What a new statement says and where it stands.
pub(crate) struct NewStatement {
    /// `None` for a genesis.
    pub(crate) tenant: Option<TenantId>,
    pub(crate) predecessors: Vec<StatementId>,
    pub(crate) made_at_ms: i64,
    pub(crate) kind: StatementKind,
}

impl Statement {
    pub(crate) fn sign(new: NewStatement, signer: &SigningWith<'_>) -> Self {
        let body = Body {
            version: crate::FORMAT_VERSION,
            kind: new.kind.code(),
            tenant: new.tenant,
            device: match signer {
                SigningWith::Root(_) => None,
                SigningWith::Device(keys) => Some(keys.id()),
            },
            predecessors: new.predecessors,
            made_at_ms: new.made_at_ms,
            payload: new.kind.payload(),
        };
        let bytes = wire::encode(&body);
        let signature = match signer {
            SigningWith::Root(kit) => kit.sign(context::STATEMENT_SIGNATURE, &bytes),
            SigningWith::Device(keys) => keys.sign(context::STATEMENT_SIGNATURE, &bytes),
        };
        Self {
            id: id_of(&bytes),
            body,
            kind: new.kind,
            signed: Signed { body: bytes, signature },
        }
    }

    /// Reads a statement. Unknown kinds are read too; a newer *form* is [`SealError::NewerVersion`].
    pub fn decode(bytes: &[u8]) -> Result<Self, SealError> {
        let signed: Signed = wire::decode(bytes, MAX_STATEMENT_BYTES)?;
        let body: Body = wire::decode_versioned(&signed.body, MAX_STATEMENT_BYTES)?;
        if (body.kind == GENESIS) != body.tenant.is_none() {
            return Err(SealError::Malformed);
        }
        let kind = StatementKind::decode(body.kind, &body.payload)?;
        Ok(Self {
            id: id_of(&signed.body),
            body,
            kind,
            signed,
        })
    }

    /// The whole statement with its signature, to be stored and sent.
    pub fn bytes(&self) -> Vec<u8> {
        wire::encode(&self.signed)
    }

    /// The hash of the signed part.
    pub fn id(&self) -> StatementId {
        self.id
    }

    /// The tenant of which it speaks; a genesis speaks of the one that it founds.
    pub fn tenant(&self) -> TenantId {
        self.body.tenant.unwrap_or(self.id.into())
    }

    /// Who says so.
    pub fn signer(&self) -> Signer {
        self.body.device.map_or(Signer::Root, Signer::Device)
    }

    /// When, by the signer's clock, in milliseconds since 1970. Shown to people; nothing is decided by it.
    pub fn made_at_ms(&self) -> i64 {
        self.body.made_at_ms
    }

    /// The statements that the signer knew and that no other named yet.
    pub fn predecessors(&self) -> &[StatementId] {
        &self.body.predecessors
    }

    /// What it says.
    pub fn kind(&self) -> &StatementKind {
        &self.kind
    }

    pub(crate) fn signature(&self) -> &[u8; 64] {
        &self.signed.signature
    }

    /// Does the signature fit this key?
    pub(crate) fn verify(&self, public: &[u8; 32]) -> Result<(), SealError> {
        crate::verify(
            public,
            context::STATEMENT_SIGNATURE,
            &self.signed.body,
            &self.signed.signature,
        )
    }
}

fn id_of(body: &[u8]) -> StatementId {
    StatementId::from_bytes(context::hash(context::STATEMENT_ID, body))
}

/// Under which name the kit stands among the recipients of an epoch.
pub(crate) fn kit_recipient(kit_hpke: &[u8; 32]) -> [u8; 32] {
    context::hash(context::KIT_RECIPIENT, kit_hpke)
}
