//! Who this device is and whom it belongs with: the present view of membership, and the keys that go with it.

use std::sync::Arc;

use seal::{DeviceId, DeviceKeys, EpochSecrets, Membership, SealError, Statement, TenantId};
use zeroize::Zeroizing;

use crate::VaultError;

/// Does this device belong?
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Standing {
    /// It is a member.
    Member,
    /// It was removed: it reads what it has, and writes nothing.
    Removed,
    /// What admitted it is void, so that it never belonged: as [`Self::Removed`], until somebody admits it again.
    Void,
}

impl Standing {
    pub(crate) fn of(membership: &Membership, device: &DeviceId) -> Self {
        if membership.device(device).is_some() {
            Self::Member
        } else if membership.is_removed(device) {
            Self::Removed
        } else {
            Self::Void
        }
    }
}

/// One view of the clinic's membership. It never changes; new statements make a new one.
pub struct Belonging {
    /// The clinic.
    pub tenant: TenantId,
    /// This device.
    pub device: DeviceId,
    /// Whether it belongs.
    pub standing: Standing,
    /// This device's keys.
    pub keys: DeviceKeys,
    /// Who belongs.
    pub membership: Membership,
    /// The secrets of the epochs that this device was given.
    pub epochs: EpochSecrets,
    /// What people read in front of numbers that this device hands out.
    pub(crate) prefix: String,
    secret: Zeroizing<Vec<u8>>,
}

/// Why statements and a device's keys do not go together.
#[derive(Debug)]
pub(crate) enum NotTogether {
    /// The device neither is nor ever was a member by these statements.
    NotAMember,
    /// They do not hold.
    Seal(SealError),
}

impl From<NotTogether> for VaultError {
    fn from(error: NotTogether) -> Self {
        match error {
            NotTogether::NotAMember => Self::Removed,
            NotTogether::Seal(inner) => Self::Seal(inner),
        }
    }
}

impl From<SealError> for NotTogether {
    fn from(error: SealError) -> Self {
        Self::Seal(error)
    }
}

impl Belonging {
    /// The view that `statements` give to the device whose secret is `secret`.
    pub(crate) fn assemble(
        tenant: TenantId,
        statements: &[Statement],
        secret: &[u8],
    ) -> Result<Arc<Self>, NotTogether> {
        let keys = DeviceKeys::from_secret_bytes(secret)?;
        let device = keys.id();
        let membership = Membership::from_statements(tenant, statements)?;
        let standing = Standing::of(&membership, &device);
        let epochs = match EpochSecrets::unwrap_given(&membership, &keys) {
            // Nothing was ever wrapped to it.
            Err(SealError::UnknownEpoch) if standing != Standing::Member => return Err(NotTogether::NotAMember),
            epochs => epochs?,
        };
        let prefix = crate::numbers::device_prefix(&membership, statements, &device);
        Ok(Arc::new(Self {
            tenant,
            device,
            standing,
            keys,
            membership,
            epochs,
            prefix,
            secret: Zeroizing::new(secret.to_vec()),
        }))
    }

    /// Whether this device is a member. One that is not reads, and writes nothing.
    pub fn is_member(&self) -> bool {
        self.standing == Standing::Member
    }

    /// The same device with another set of statements.
    pub(crate) fn with(&self, statements: &[Statement]) -> Result<Arc<Self>, NotTogether> {
        Self::assemble(self.tenant, statements, &self.secret)
    }
}
