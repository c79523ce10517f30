//! How a device proves that it is the member it claims to be: to a relay, and to another device of its clinic.
//!
//! To a relay it signs what the relay greeted it with, and who it is. The nonce is fresh for each connection, so that a
//! proof is good for one connection only; the incarnation ties it to one relay's life.
//!
//! To a peer it signs the exporter value of their channel, which no other channel has, and at which end of it it is, so
//! that its own proof cannot be sent back to it. Clinic, device and statements are hashed with the same: whoever does
//! not know them already cannot learn them, or meet them again, from a hello.

use seal::{DeviceId, DeviceKeys, DevicePublic, SealError, TenantId};

use crate::limits::{OLDEST_PEER_VERSION, PEER_VERSION};
use crate::{Greeting, MemberProof, PeerHello, PeerRole, Roster};

const CONTEXT: &str = "medieco 2026 sync: this device speaks to this relay";
const PEER_CONTEXT: &str = "medieco 2026 sync: this device speaks to this peer";
const PEER_CLINIC: &str = "medieco 2026 sync: the clinic of a peer on this channel";
const PEER_DEVICE: &str = "medieco 2026 sync: the device of a peer on this channel";
const PEER_STATEMENTS: &str = "medieco 2026 sync: the statements of a peer on this channel";

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
        self.verify_as(greeting, public)
    }

    /// Whether it is this device that speaks, member or not.
    ///
    /// # Errors
    /// [`SealError::BadSignature`].
    pub(crate) fn verify_as(&self, greeting: &Greeting, device: &DevicePublic) -> Result<(), SealError> {
        seal::verify(&device.sign, CONTEXT, &self.signed(greeting), &self.signature)
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

/// One end of one encrypted channel.
#[derive(Clone, Copy)]
pub(crate) struct End {
    pub(crate) role: PeerRole,
    /// The channel's exporter value, the same at both ends and on no other channel.
    pub(crate) binding: [u8; 32],
}

impl End {
    pub(crate) fn other(self) -> Self {
        Self {
            role: self.role.other(),
            ..self
        }
    }

    /// The hello of the device at this end.
    pub(crate) fn hello(self, roster: &Roster, keys: &DeviceKeys) -> PeerHello {
        let (tenant, device) = (roster.membership().tenant(), keys.id());
        PeerHello {
            oldest: OLDEST_PEER_VERSION,
            newest: PEER_VERSION,
            clinic: self.hash(PEER_CLINIC, tenant.as_bytes()),
            device: self.hash(PEER_DEVICE, device.as_bytes()),
            statements: self.hash(PEER_STATEMENTS, &roster.digest()),
            signature: keys.sign(PEER_CONTEXT, &self.signed(&tenant, &device)),
        }
    }

    /// Whether the hello from this end is of this clinic.
    pub(crate) fn is_of(self, tenant: &TenantId, hello: &PeerHello) -> bool {
        hello.clinic == self.hash(PEER_CLINIC, tenant.as_bytes())
    }

    /// Whether the one at this end holds the statements with this digest, and no others that hold.
    pub(crate) fn holds(self, digest: &[u8; 32], hello: &PeerHello) -> bool {
        hello.statements == self.hash(PEER_STATEMENTS, digest)
    }

    /// Which of these devices is at this end, proven by its signature.
    pub(crate) fn prove<'a>(
        self,
        hello: &PeerHello,
        tenant: &TenantId,
        mut devices: impl Iterator<Item = (DeviceId, &'a DevicePublic)>,
    ) -> Result<DeviceId, SealError> {
        let (device, public) = devices
            .find(|(device, _)| hello.device == self.hash(PEER_DEVICE, device.as_bytes()))
            .ok_or(SealError::UnknownDevice)?;
        seal::verify(
            &public.sign,
            PEER_CONTEXT,
            &self.signed(tenant, &device),
            &hello.signature,
        )?;
        Ok(device)
    }

    fn signed(self, tenant: &TenantId, device: &DeviceId) -> Vec<u8> {
        let role = [self.role as u8];
        [&role[..], &self.binding, tenant.as_bytes(), device.as_bytes()].concat()
    }

    fn hash(self, context: &str, bytes: &[u8; 32]) -> [u8; 32] {
        let mut hasher = blake3::Hasher::new_derive_key(context);
        hasher.update(&[self.role as u8]).update(&self.binding).update(bytes);
        *hasher.finalize().as_bytes()
    }
}
