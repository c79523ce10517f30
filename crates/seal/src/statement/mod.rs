//! One statement of membership: its form on the wire, and what it says. Whether it holds is [`crate::Membership`]'s.
//!
//! A statement is readable by the relay and by other clinics, so no name and no label of a person or a device is in it.

mod kind;

use minicbor::{Decode, Encode};

use crate::{DeviceId, DeviceKeys, RecoveryKit, SealError, StatementId, TenantId, context, wire};

use kind::GENESIS;
pub use kind::{
    AddDevice, AddWraps, AskForKeys, EpochWrap, Genesis, KeyWrap, MakeAdmin, NewEpoch, OpeningEnd, RemoveDevice,
    StatementKind,
};

/// The most that one encoded statement may take: room for the wraps of some four hundred epochs.
pub const MAX_STATEMENT_BYTES: usize = 64 * 1024;

/// Who signed a statement.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Signer {
    /// The root key, which lives in the recovery kit only.
    Root,
    /// A device.
    Device(DeviceId),
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

/// The keys with which a statement is signed: `(&device_keys).into()` or `(&kit).into()`.
#[derive(Debug, Clone, Copy)]
pub enum SigningWith<'a> {
    /// The root's.
    Root(&'a RecoveryKit),
    /// A device's.
    Device(&'a DeviceKeys),
}

impl SigningWith<'_> {
    /// In whose name.
    pub(crate) fn signer(&self) -> Signer {
        match self {
            Self::Root(_) => Signer::Root,
            Self::Device(keys) => Signer::Device(keys.id()),
        }
    }
}

impl<'a> From<&'a RecoveryKit> for SigningWith<'a> {
    fn from(kit: &'a RecoveryKit) -> Self {
        Self::Root(kit)
    }
}

impl<'a> From<&'a DeviceKeys> for SigningWith<'a> {
    fn from(keys: &'a DeviceKeys) -> Self {
        Self::Device(keys)
    }
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
            device: match signer.signer() {
                Signer::Root => None,
                Signer::Device(id) => Some(id),
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
