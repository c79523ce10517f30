//! Ids: fixed bytes, shown as hexadecimal, written as CBOR byte strings. None of them is a secret.

use std::{fmt, str::FromStr};

use minicbor::{Decode, Decoder, Encode, Encoder, decode, encode};
use rand_core::CryptoRng;
use serde::{Deserialize, Serialize};

use crate::SealError;

macro_rules! id {
    ($(#[$doc:meta])* $name:ident, $len:literal) => {
        $(#[$doc])*
        #[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
        #[serde(into = "String", try_from = "String")]
        pub struct $name([u8; $len]);

        impl $name {
            /// The id with exactly these bytes.
            pub const fn from_bytes(bytes: [u8; $len]) -> Self {
                Self(bytes)
            }

            /// The bytes.
            pub const fn as_bytes(&self) -> &[u8; $len] {
                &self.0
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(&hex::encode(self.0))
            }
        }

        impl fmt::Debug for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                write!(f, "{}({})", stringify!($name), hex::encode(self.0))
            }
        }

        impl FromStr for $name {
            type Err = SealError;

            fn from_str(text: &str) -> Result<Self, SealError> {
                let mut bytes = [0; $len];
                hex::decode_to_slice(text, &mut bytes).map_err(|_| SealError::Malformed)?;
                Ok(Self(bytes))
            }
        }

        impl From<$name> for String {
            fn from(id: $name) -> String {
                id.to_string()
            }
        }

        impl TryFrom<String> for $name {
            type Error = SealError;

            fn try_from(text: String) -> Result<Self, SealError> {
                text.parse()
            }
        }

        impl<C> Encode<C> for $name {
            fn encode<W: encode::Write>(&self, e: &mut Encoder<W>, _: &mut C) -> Result<(), encode::Error<W::Error>> {
                e.bytes(&self.0)?.ok()
            }
        }

        impl<'b, C> Decode<'b, C> for $name {
            fn decode(d: &mut Decoder<'b>, _: &mut C) -> Result<Self, decode::Error> {
                let bytes = d.bytes()?;
                bytes.try_into().map(Self).map_err(|_| decode::Error::message("an id of another length"))
            }
        }
    };
}

macro_rules! random_id {
    ($(#[$doc:meta])* $name:ident) => {
        id!($(#[$doc])* $name, 16);

        impl $name {
            /// A new random id.
            pub fn make(rng: &mut impl CryptoRng) -> Self {
                let mut bytes = [0; 16];
                rng.fill_bytes(&mut bytes);
                Self(bytes)
            }
        }
    };
}

id!(
    /// A clinic, as far as keys are concerned: the hash of its genesis statement.
    TenantId,
    32
);
id!(
    /// A device: the hash of its two public keys.
    DeviceId,
    32
);
id!(
    /// A document of a tenant: a keyed hash of its path, opaque outside (see [`crate::derive_document_id`]).
    DocumentId,
    32
);
id!(
    /// A sealed change: the hash of its signed part.
    ChangeId,
    32
);
id!(
    /// An epoch: the id of the statement that began it. Named, never counted.
    EpochId,
    32
);
id!(
    /// A statement of membership: the hash of its signed part.
    StatementId,
    32
);
id!(
    /// A sealed chunk of an attachment: the hash of its bytes ([`crate::chunk_name`]).
    ChunkName,
    32
);
random_id!(
    /// A patient's agreement that another clinic may have something. Granting again is a new id.
    GrantId
);
random_id!(
    /// The state of one document, as it was given to another clinic at one time.
    ReleaseId
);
random_id!(
    /// A message to another clinic, as the sending clinic named it.
    MailId
);
random_id!(
    /// One opening of a store by a device; its changes are numbered without gaps.
    OpeningId
);
random_id!(
    /// An attachment (sound, a photo, a scan), as those know it who keep its chunks and cannot open them.
    AttachmentId
);
random_id!(
    /// A member of the staff, as the holder of a key.
    PersonId
);

impl From<StatementId> for EpochId {
    fn from(id: StatementId) -> Self {
        Self(id.0)
    }
}

impl From<StatementId> for TenantId {
    fn from(id: StatementId) -> Self {
        Self(id.0)
    }
}
