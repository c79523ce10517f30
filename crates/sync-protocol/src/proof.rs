//! How a device proves to a relay that it is the member it claims to be.
//!
//! It signs what the relay greeted it with, and who it is. The nonce is fresh for each connection, so that a proof is
//! good for one connection only; the incarnation ties it to one relay's life.

use seal::{DeviceKeys, SealError, TenantId};

use crate::{Greeting, MemberProof, Roster};

const CONTEXT: &str = "medieco 2026 sync: this device speaks to this relay";

impl MemberProof {
    /// The proof for one connection.
    pub fn make(greeting: &Greeting, tenant: TenantId, keys: &DeviceKeys) -> Self {
        let device = keys.id();
        let mut proof = Self {
            tenant,
            device,
            signature: [0; 64],
        };
        proof.signature = keys.sign(CONTEXT, &proof.signed(greeting));
        proof
    }

    /// Whether the proof holds for this greeting, by the clinic's statements.
    ///
    /// # Errors
    /// [`SealError::UnknownDevice`] when the statements name no such device, [`SealError::BadSignature`] when the
    /// signature is not its own.
    pub fn verify(&self, greeting: &Greeting, roster: &Roster) -> Result<(), SealError> {
        let public = roster
            .membership()
            .device(&self.device)
            .ok_or(SealError::UnknownDevice)?;
        seal::verify(&public.sign, CONTEXT, &self.signed(greeting), &self.signature)
    }

    fn signed(&self, greeting: &Greeting) -> Vec<u8> {
        let nonce: [u8; 32] = greeting.nonce.into();
        [
            &greeting.incarnation.0[..],
            &nonce,
            self.tenant.as_bytes(),
            self.device.as_bytes(),
        ]
        .concat()
    }
}
