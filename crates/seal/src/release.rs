//! A release: the state of one document at one time, signed by the giving clinic and sealed for those that hold a grant.
//!
//! Under a fresh random key, with one HPKE envelope per grant. One release per grant is the rule, because its header
//! names all of its grants to each reader; the format has place for several.

use minicbor::{Decode, Encode};
use rand_core::CryptoRng;
use zeroize::Zeroizing;

use crate::{
    DeviceId, DeviceKeys, DocumentId, EpochSecrets, FORMAT_VERSION, GrantClear, GrantId, Membership, ReleaseId,
    SealError, TenantId, body,
    context::{self, bind},
    envelope, wire,
};

/// The most that one release may hold before it is sealed, in bytes.
pub const MAX_RELEASE_BYTES: usize = 1024 * 1024;
/// The most grants that one release may serve.
pub const MAX_RELEASE_GRANTS: usize = 64;
/// The most that one encoded release may take, in bytes.
pub const MAX_SEALED_RELEASE_BYTES: usize =
    body::body_len(MAX_RELEASE_BYTES) + MAX_BODY_BYTES + MAX_ENVELOPES_BYTES + 256;

const MAX_BODY_BYTES: usize = 4096;
const MAX_ENVELOPES_BYTES: usize = MAX_RELEASE_GRANTS * 128;

/// What the relay reads of a release.
#[derive(Debug, Clone, PartialEq, Eq, Encode, Decode)]
#[cbor(map)]
pub struct ReleaseHeader {
    /// Its id.
    #[n(0)]
    pub id: ReleaseId,
    /// The clinic that gives.
    #[n(1)]
    pub source: TenantId,
    /// The document, under a name that is its own for each grant ([`derive_release_document`]).
    #[cbor(n(2), with = "minicbor::bytes")]
    pub document: [u8; 32],
    /// The earlier state of the same document that this one replaces.
    #[n(3)]
    pub supersedes: Option<ReleaseId>,
    /// The grants that it serves.
    #[n(4)]
    pub grants: Vec<GrantId>,
    /// As of when it was true, in milliseconds since 1970.
    #[n(5)]
    pub as_of_ms: i64,
    /// Length of the ciphertext in bytes.
    #[n(6)]
    pub size: u64,
}

/// What a device says to make a release; the rest follows.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NewRelease {
    /// A new id.
    pub id: ReleaseId,
    /// The document's name for the other clinic.
    pub document: [u8; 32],
    /// The release that this one replaces.
    pub supersedes: Option<ReleaseId>,
    /// As of when it is true, in milliseconds since 1970.
    pub as_of_ms: i64,
}

/// A signed and sealed release.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Release {
    body: Body,
    envelopes: Vec<Envelope>,
    wire: Wire,
}

#[derive(Debug, Clone, PartialEq, Eq, Encode, Decode)]
#[cbor(map)]
struct Body {
    #[n(0)]
    version: u16,
    #[n(1)]
    device: DeviceId,
    #[n(2)]
    header: ReleaseHeader,
    #[cbor(n(3), with = "minicbor::bytes")]
    envelopes_hash: [u8; 32],
    #[cbor(n(4), with = "minicbor::bytes")]
    ciphertext_hash: [u8; 32],
}

#[derive(Debug, Clone, PartialEq, Eq, Encode, Decode)]
#[cbor(map)]
struct Envelope {
    #[n(0)]
    grant: GrantId,
    #[cbor(n(1), with = "minicbor::bytes")]
    sealed_key: Vec<u8>,
}

#[derive(Debug, Clone, PartialEq, Eq, Encode, Decode)]
#[cbor(map)]
struct Wire {
    #[cbor(n(0), with = "minicbor::bytes")]
    body: Vec<u8>,
    #[cbor(n(1), with = "minicbor::bytes")]
    signature: [u8; 64],
    #[cbor(n(2), with = "minicbor::bytes")]
    envelopes: Vec<u8>,
    #[cbor(n(3), with = "minicbor::bytes")]
    ciphertext: Vec<u8>,
}

impl Release {
    /// Seals `plain` for the holders of these grants of the clinic `source`, each with its current membership.
    ///
    /// [`SealError::WrongTenant`] when a grant is not of this source or a membership not its recipient's;
    /// [`SealError::TooLarge`] above [`MAX_RELEASE_BYTES`] or [`MAX_RELEASE_GRANTS`].
    pub fn seal(
        new: NewRelease,
        source: TenantId,
        plain: &[u8],
        recipients: &[(&GrantClear, &Membership)],
        device: &DeviceKeys,
        rng: &mut impl CryptoRng,
    ) -> Result<Self, SealError> {
        if plain.len() > MAX_RELEASE_BYTES || recipients.len() > MAX_RELEASE_GRANTS {
            return Err(SealError::TooLarge);
        }
        let mut key = Zeroizing::new([0; 32]);
        rng.fill_bytes(key.as_mut());
        let ciphertext = body::seal(
            &key,
            context::RELEASE_BODY,
            &bound(new.id, source, &new.document),
            plain,
            rng,
        )?;

        let mut envelopes = Vec::with_capacity(recipients.len());
        for (grant, recipient) in recipients {
            if grant.source != source || grant.recipient != recipient.tenant() {
                return Err(SealError::WrongTenant);
            }
            let info = envelope_info(new.id, grant);
            let sealed_key = envelope::wrap(&recipient.clinic_key(), &info, key.as_ref(), rng)?;
            envelopes.push(Envelope {
                grant: grant.id,
                sealed_key,
            });
        }

        let envelope_bytes = wire::encode(&envelopes);
        let header = ReleaseHeader {
            id: new.id,
            source,
            document: new.document,
            supersedes: new.supersedes,
            grants: envelopes.iter().map(|envelope| envelope.grant).collect(),
            as_of_ms: new.as_of_ms,
            size: ciphertext.len() as u64,
        };
        let body = Body {
            version: FORMAT_VERSION,
            device: device.id(),
            header,
            envelopes_hash: context::hash(context::ENVELOPES_HASH, &envelope_bytes),
            ciphertext_hash: context::hash(context::RELEASE_BODY_HASH, &ciphertext),
        };
        let bytes = wire::encode(&body);
        let signature = device.sign(context::RELEASE_SIGNATURE, &bytes);
        Ok(Self {
            body,
            envelopes,
            wire: Wire {
                body: bytes,
                signature,
                envelopes: envelope_bytes,
                ciphertext,
            },
        })
    }

    /// Reads a release: its form, its version, its sizes, and that envelopes and ciphertext are the ones that were
    /// signed.
    pub fn decode(bytes: &[u8]) -> Result<Self, SealError> {
        let wire: Wire = wire::decode(bytes, MAX_SEALED_RELEASE_BYTES)?;
        let body: Body = wire::decode_versioned(&wire.body, MAX_BODY_BYTES)?;
        if wire.ciphertext.len() > body::body_len(MAX_RELEASE_BYTES) {
            return Err(SealError::TooLarge);
        }
        if context::hash(context::ENVELOPES_HASH, &wire.envelopes) != body.envelopes_hash
            || context::hash(context::RELEASE_BODY_HASH, &wire.ciphertext) != body.ciphertext_hash
        {
            return Err(SealError::Damaged);
        }
        let envelopes: Vec<Envelope> = wire::decode(&wire.envelopes, MAX_ENVELOPES_BYTES)?;
        let same_grants = envelopes.iter().map(|envelope| &envelope.grant).eq(&body.header.grants);
        if !same_grants || body.header.size != wire.ciphertext.len() as u64 {
            return Err(SealError::Malformed);
        }
        Ok(Self { body, envelopes, wire })
    }

    /// The bytes to store and to send.
    pub fn encode(&self) -> Vec<u8> {
        wire::encode(&self.wire)
    }

    /// What can be read without a key.
    pub fn header(&self) -> &ReleaseHeader {
        &self.body.header
    }

    /// The device that signed it.
    pub fn device(&self) -> DeviceId {
        self.body.device
    }

    /// Did a member of the source clinic sign it?
    pub fn verify(&self, source: &Membership) -> Result<(), SealError> {
        if source.tenant() != self.header().source {
            return Err(SealError::WrongTenant);
        }
        source.verify(
            &self.body.device,
            context::RELEASE_SIGNATURE,
            &self.wire.body,
            &self.wire.signature,
        )
    }

    /// What was released, for the holder of `grant`; [`SealError::NotForUs`] when there is no envelope for it or it is
    /// another clinic's. Says nothing about who sealed it: [`Self::verify`] does.
    pub fn open(&self, grant: &GrantClear, recipient: &EpochSecrets) -> Result<Zeroizing<Vec<u8>>, SealError> {
        let header = self.header();
        if grant.source != header.source {
            return Err(SealError::WrongTenant);
        }
        let envelope = self
            .envelopes
            .iter()
            .find(|envelope| envelope.grant == grant.id)
            .ok_or(SealError::NotForUs)?;
        let key = recipient.open_envelope(&envelope_info(header.id, grant), &envelope.sealed_key)?;
        let key = Zeroizing::new(<[u8; 32]>::try_from(key.as_slice()).map_err(|_| SealError::Malformed)?);
        let bound = bound(header.id, header.source, &header.document);
        body::open(&key, context::RELEASE_BODY, &bound, &self.wire.ciphertext)
    }
}

/// The name that a document has for the holder of one grant: two clinics cannot find out that they see the same one.
pub fn derive_release_document(naming_key: &[u8; 32], document: &DocumentId, grant: &GrantId) -> [u8; 32] {
    let name = bind(context::RELEASE_DOCUMENT, &[document.as_bytes(), grant.as_bytes()]);
    *blake3::keyed_hash(naming_key, &name).as_bytes()
}

fn bound(id: ReleaseId, source: TenantId, document: &[u8; 32]) -> Vec<u8> {
    bind(context::RELEASE_BODY, &[id.as_bytes(), source.as_bytes(), document])
}

fn envelope_info(release: ReleaseId, grant: &GrantClear) -> Vec<u8> {
    let ids: [&[u8]; 4] = [
        release.as_bytes(),
        grant.id.as_bytes(),
        grant.source.as_bytes(),
        grant.recipient.as_bytes(),
    ];
    bind(context::RELEASE_WRAP, &ids)
}
