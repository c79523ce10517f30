//! Who this device is and whom it belongs with: the present view of membership, and the keys that go with it.

use std::sync::Arc;

use seal::{DeviceId, DeviceKeys, EpochSecrets, Membership, SealError, Statement, TenantId};
use zeroize::Zeroizing;

/// One view of the clinic's membership. It never changes; new statements make a new one.
pub struct Belonging {
    /// The clinic.
    pub tenant: TenantId,
    /// This device.
    pub device: DeviceId,
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
    /// The device is no member by these statements.
    NotAMember,
    /// They do not hold.
    Seal(SealError),
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
        if membership.device(&device).is_none() {
            return Err(NotTogether::NotAMember);
        }
        let epochs = EpochSecrets::unwrap(&membership, &keys)?;
        let prefix = crate::numbers::device_prefix(&membership, statements, &device);
        Ok(Arc::new(Self {
            tenant,
            device,
            keys,
            membership,
            epochs,
            prefix,
            secret: Zeroizing::new(secret.to_vec()),
        }))
    }

    /// The same device with another set of statements.
    pub(crate) fn with(&self, statements: &[Statement]) -> Result<Arc<Self>, NotTogether> {
        Self::assemble(self.tenant, statements, &self.secret)
    }
}
