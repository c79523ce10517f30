//! What a relay checks of a pushed item before its store sees it: size, name, owner, signature.

use seal::{ChangeId, ChangeKind, Grant, Membership, Release, Revocation, SealError, SealedChange, TenantId};

use crate::limits::MAX_RELAYED_SNAPSHOT_BYTES;
use crate::{Checked, OutId, PushItem, Refusal};

/// A pushed item as it came.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Arrived {
    /// Whole, with its name beside it.
    Whole(PushItem),
    /// A change that was put together here, and its encoding: they need not be held against each other.
    Made(Box<SealedChange>, Vec<u8>),
}

impl Arrived {
    /// Under which name it is answered.
    pub(crate) fn id(&self) -> OutId {
        match self {
            Self::Whole(item) => item.id,
            Self::Made(change, _) => OutId::Change(change.id()),
        }
    }

    /// Its encoding.
    pub(crate) fn bytes(&self) -> &[u8] {
        match self {
            Self::Whole(item) => &item.bytes,
            Self::Made(_, bytes) => bytes,
        }
    }
}

/// Checks one item against the pushing clinic's membership.
pub(crate) fn check(tenant: &TenantId, membership: &Membership, item: Arrived) -> Result<Checked, Refusal> {
    let item = match item {
        Arrived::Whole(item) => item,
        Arrived::Made(change, bytes) => return check_change(tenant, membership, change.id(), &change, bytes),
    };
    let bytes = Vec::from(item.bytes);
    match item.id {
        OutId::Change(id) => {
            let change = SealedChange::decode(&bytes).map_err(refusal)?;
            check_change(tenant, membership, id, &change, bytes)
        }
        OutId::Grant(id) => {
            let grant = Grant::decode(&bytes).map_err(refusal)?;
            owned(grant.clear().source == *tenant)?;
            named(grant.clear().id == id)?;
            grant.verify(membership).map_err(refusal)?;
            Ok(Checked::Grant {
                clear: grant.clear().clone(),
                bytes,
            })
        }
        OutId::Revocation(id) => {
            let revocation = Revocation::decode(&bytes).map_err(refusal)?;
            owned(revocation.source() == *tenant)?;
            named(revocation.grant() == id)?;
            revocation.verify(membership).map_err(refusal)?;
            Ok(Checked::Revocation { grant: id, bytes })
        }
        OutId::Release(id) => {
            let release = Release::decode(&bytes).map_err(refusal)?;
            let header = release.header();
            owned(header.source == *tenant)?;
            named(header.id == id)?;
            release.verify(membership).map_err(refusal)?;
            let (supersedes, grants) = (header.supersedes, header.grants.clone());
            Ok(Checked::Release {
                id,
                supersedes,
                grants,
                bytes,
            })
        }
        OutId::Covered(id) => named(bytes.is_empty()).map(|()| Checked::Covered { id }),
        OutId::Erased(id) => named(bytes.is_empty()).map(|()| Checked::Erased { id }),
    }
}

fn check_change(
    tenant: &TenantId,
    membership: &Membership,
    name: ChangeId,
    change: &SealedChange,
    bytes: Vec<u8>,
) -> Result<Checked, Refusal> {
    if bytes.len() > max_bytes(change.header().kind) {
        return Err(Refusal::Malformed);
    }
    owned(change.header().tenant == *tenant)?;
    named(change.id() == name)?;
    match change.verify(membership) {
        // A member hands on what a removed device wrote too late: it counts for nothing until a person of the
        // clinic says so, and it must reach her. The removed device itself has no connection any more.
        Err(SealError::BeyondRemoval) => {}
        verdict => verdict.map_err(refusal)?,
    }
    Ok(Checked::Change {
        id: name,
        bytes,
        is_bodyless: change.body().is_none(),
    })
}

/// A snapshot must fit one frame alone, whoever it goes to; every other kind has seal's own limit.
fn max_bytes(kind: ChangeKind) -> usize {
    match kind {
        ChangeKind::Snapshot => MAX_RELAYED_SNAPSHOT_BYTES,
        _ => seal::MAX_SEALED_CHANGE_BYTES,
    }
}

fn owned(holds: bool) -> Result<(), Refusal> {
    if holds { Ok(()) } else { Err(Refusal::WrongTenant) }
}

fn named(holds: bool) -> Result<(), Refusal> {
    if holds { Ok(()) } else { Err(Refusal::Malformed) }
}

fn refusal(error: SealError) -> Refusal {
    match error {
        SealError::BadSignature => Refusal::BadSignature,
        SealError::UnknownDevice | SealError::UnknownEpoch => Refusal::UnknownDevice,
        SealError::WrongTenant => Refusal::WrongTenant,
        _ => Refusal::Malformed,
    }
}
