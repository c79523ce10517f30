//! The keys of a tenant's epochs, as one device has unwrapped them: what seals and opens everything that a clinic writes.

use std::{collections::BTreeMap, fmt};

use rand_core::CryptoRng;
use zeroize::Zeroizing;

use crate::{
    DeviceKeys, DocumentId, EpochId, Membership, RecoveryKit, SealError, TenantId, body,
    context::{self, bind},
    envelope::{self, OpeningKey},
    statement::kit_recipient,
};

/// What an epoch keeps secret: 32 random bytes, and the private half of the clinic's HPKE key.
pub(crate) struct EpochKeys {
    secret: Zeroizing<[u8; 32]>,
    clinic: OpeningKey,
}

impl EpochKeys {
    pub(crate) fn make(rng: &mut impl CryptoRng) -> Self {
        let mut secret = Zeroizing::new([0; 32]);
        rng.fill_bytes(secret.as_mut());
        Self {
            secret,
            clinic: OpeningKey::make(rng),
        }
    }

    /// Published beside the wraps, so that a device knows that it unwrapped what all others did.
    pub(crate) fn check(&self) -> [u8; 32] {
        context::hash(context::EPOCH_CHECK, self.secret.as_ref())
    }

    /// The public half of the clinic's key.
    pub(crate) fn clinic_public(&self) -> [u8; 32] {
        self.clinic.public()
    }

    /// An envelope of both keys for one recipient: a device's id, or the kit's name.
    pub(crate) fn wrap(
        &self,
        tenant: TenantId,
        recipient: &[u8; 32],
        recipient_hpke: &[u8; 32],
        rng: &mut impl CryptoRng,
    ) -> Result<Vec<u8>, SealError> {
        let mut both = Zeroizing::new([0; 64]);
        both[..32].copy_from_slice(self.secret.as_ref());
        both[32..].copy_from_slice(self.clinic.as_bytes());
        let info = wrap_info(tenant, &self.clinic_public(), recipient);
        envelope::wrap(recipient_hpke, &info, both.as_ref(), rng)
    }

    fn unwrap(
        tenant: TenantId,
        clinic_public: &[u8; 32],
        recipient: &[u8; 32],
        key: &OpeningKey,
        sealed: &[u8],
    ) -> Result<Self, SealError> {
        let both = envelope::unwrap(key, &wrap_info(tenant, clinic_public, recipient), sealed)?;
        let both = Zeroizing::new(<[u8; 64]>::try_from(both.as_slice()).map_err(|_| SealError::Malformed)?);
        let (secret, clinic) = both.split_at(32);
        let half = |bytes: &[u8]| <[u8; 32]>::try_from(bytes).expect("half of 64 bytes");
        Ok(Self {
            secret: Zeroizing::new(half(secret)),
            clinic: OpeningKey::from_bytes(half(clinic)),
        })
    }

    /// The clinic's public key stands for the epoch, whose id cannot: it is the hash of the statement with the wraps.
    fn fits(&self, check: &[u8; 32], clinic_public: &[u8; 32]) -> bool {
        self.check() == *check && self.clinic_public() == *clinic_public
    }

    /// Opens an envelope that was made for the clinic's key of this epoch.
    pub(crate) fn open_envelope(&self, info: &[u8], sealed: &[u8]) -> Result<Zeroizing<Vec<u8>>, SealError> {
        envelope::unwrap(&self.clinic, info, sealed)
    }

    fn document_key(&self, document: &DocumentId) -> Zeroizing<[u8; 32]> {
        body::derive_key(
            self.secret.as_ref(),
            None,
            &bind(context::DOCUMENT_KEY, &[document.as_bytes()]),
        )
    }
}

fn wrap_info(tenant: TenantId, clinic_public: &[u8; 32], recipient: &[u8; 32]) -> Vec<u8> {
    bind(context::EPOCH_WRAP, &[tenant.as_bytes(), clinic_public, recipient])
}

/// The keys of every epoch that one device (or the kit) can open. Zeroized when dropped.
pub struct EpochSecrets {
    tenant: TenantId,
    epochs: BTreeMap<EpochId, EpochKeys>,
    naming_key: Zeroizing<[u8; 32]>,
}

impl EpochSecrets {
    /// Unwraps what the statements hold for this device.
    ///
    /// [`SealError::UnknownDevice`] when it is not a member, [`SealError::RemovedDevice`] when it is none any more;
    /// [`SealError::UnknownEpoch`] when nothing (or not the first
    /// epoch, from which documents are named) could be unwrapped. A later epoch whose envelope is broken is left out:
    /// what was sealed under it stays closed, and everything else opens.
    pub fn unwrap(membership: &Membership, device: &DeviceKeys) -> Result<Self, SealError> {
        let id = device.id();
        if membership.is_removed(&id) {
            return Err(SealError::RemovedDevice);
        }
        membership.device(&id).ok_or(SealError::UnknownDevice)?;
        Self::unwrap_for(membership, id.as_bytes(), device.opening_key())
    }

    /// Unwraps what the statements hold for this device, whether it still belongs or not: one that was removed, or whose
    /// admission turned out void, can go on reading what it has. It gives nothing that the device was not given.
    ///
    /// [`SealError::UnknownEpoch`] as in [`Self::unwrap`].
    pub fn unwrap_given(membership: &Membership, device: &DeviceKeys) -> Result<Self, SealError> {
        Self::unwrap_for(membership, device.id().as_bytes(), device.opening_key())
    }

    /// Unwraps what the statements hold for the recovery kit.
    pub fn unwrap_with_kit(membership: &Membership, kit: &RecoveryKit) -> Result<Self, SealError> {
        Self::unwrap_for(membership, &kit_recipient(membership.kit_hpke()), &kit.opening_key())
    }

    fn unwrap_for(membership: &Membership, recipient: &[u8; 32], key: &OpeningKey) -> Result<Self, SealError> {
        let tenant = membership.tenant();
        let mut epochs = BTreeMap::new();
        let mut naming_key = None;
        for (id, epoch) in membership.epochs() {
            let opened = epoch.wraps.get(recipient).into_iter().flatten().find_map(|sealed| {
                EpochKeys::unwrap(tenant, &epoch.clinic_hpke, recipient, key, sealed)
                    .ok()
                    .filter(|keys| keys.fits(&epoch.secret_check, &epoch.clinic_hpke))
            });
            let Some(keys) = opened else { continue };
            if membership.is_first_epoch(epoch) {
                naming_key = Some(Zeroizing::new(context::hash(context::NAMING_KEY, keys.secret.as_ref())));
            }
            epochs.insert(*id, keys);
        }
        Ok(Self {
            tenant,
            epochs,
            naming_key: naming_key.ok_or(SealError::UnknownEpoch)?,
        })
    }

    /// The tenant.
    pub fn tenant(&self) -> TenantId {
        self.tenant
    }

    /// Is there a key of this epoch?
    pub fn has(&self, epoch: &EpochId) -> bool {
        self.epochs.contains_key(epoch)
    }

    /// The key by which documents are named ([`crate::derive_document_id`]): from the first epoch's secret, so that a
    /// name never changes. A secret: with it, guesses of paths can be tested.
    pub fn naming_key(&self) -> &[u8; 32] {
        &self.naming_key
    }

    /// One document's key under one epoch.
    pub(crate) fn document_key(
        &self,
        epoch: &EpochId,
        document: &DocumentId,
    ) -> Result<Zeroizing<[u8; 32]>, SealError> {
        Ok(self
            .epochs
            .get(epoch)
            .ok_or(SealError::UnknownEpoch)?
            .document_key(document))
    }

    /// Opens an envelope that another clinic made for this one, under whichever epoch's key it was.
    pub(crate) fn open_envelope(&self, info: &[u8], sealed: &[u8]) -> Result<Zeroizing<Vec<u8>>, SealError> {
        let opened = self
            .epochs
            .values()
            .find_map(|keys| keys.open_envelope(info, sealed).ok());
        opened.ok_or(SealError::NotForUs)
    }

    pub(crate) fn keys(&self, epoch: &EpochId) -> Option<&EpochKeys> {
        self.epochs.get(epoch)
    }
}

impl fmt::Debug for EpochSecrets {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("EpochSecrets")
            .field("epochs", &self.epochs.keys())
            .finish_non_exhaustive()
    }
}
