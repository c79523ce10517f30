//! A fact before it is recorded, and the bytes that a person signs.

use domain::{Instant, StaffId};
use minicbor::Encode;
use seal::{DeviceId, TenantId};

use super::body::FactBody;
use crate::VaultError;

/// The context under which a person's key signs a fact (`seal::PersonKeys::sign`).
pub const FACT_CONTEXT: &str = "medieco 2026 fact v1";

/// A fact that is about to be recorded.
#[derive(Debug, Clone, PartialEq)]
pub struct FactDraft {
    /// When it became true.
    pub at: Instant,
    /// Whose word it is; `None` for what no person did.
    pub by: Option<StaffId>,
    /// What.
    pub body: FactBody,
}

impl FactDraft {
    /// What the person signs: all of the fact, bound to this clinic and this device.
    ///
    /// # Errors
    /// [`VaultError::Malformed`] for [`FactBody::Unknown`], which nobody here can stand for.
    pub fn bytes_to_sign(&self, tenant: &TenantId, device: &DeviceId) -> Result<Vec<u8>, VaultError> {
        let path = self.body.path().ok_or(VaultError::Malformed("fact"))?.to_string();
        let signed = Signed {
            kind: self.body.kind(),
            at_ms: self.at.as_millisecond(),
            staff: self.by.as_ref().map(|staff| *staff.as_bytes()),
            path: &path,
            tenant: tenant.as_bytes(),
            device: device.as_bytes(),
            body: &self.body.to_json()?,
        };
        Ok(signed.bytes())
    }
}

/// Everything that a signature covers, in the order in which it is encoded. Frozen.
#[derive(Encode)]
pub(crate) struct Signed<'f> {
    #[n(0)]
    pub kind: u16,
    #[n(1)]
    pub at_ms: i64,
    #[cbor(n(2), with = "minicbor::bytes")]
    pub staff: Option<[u8; 16]>,
    #[n(3)]
    pub path: &'f str,
    #[cbor(n(4), with = "minicbor::bytes")]
    pub tenant: &'f [u8],
    #[cbor(n(5), with = "minicbor::bytes")]
    pub device: &'f [u8],
    #[n(6)]
    pub body: &'f str,
}

impl Signed<'_> {
    pub(crate) fn bytes(&self) -> Vec<u8> {
        minicbor::to_vec(self).expect("writing to a Vec cannot fail")
    }
}
