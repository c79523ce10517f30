//! Identifiers: UUIDv7 newtypes, made from a time and a random source that the caller hands in.

use rand_core::Rng;
use serde::{Deserialize, Serialize};
use specta::Type;

use crate::Instant;

macro_rules! ids {
    ($($(#[$doc:meta])* $name:ident;)*) => {$(
        $(#[$doc])*
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize, Type)]
        #[serde(transparent)]
        pub struct $name(#[specta(type = String)] uuid::Uuid);

        impl $name {
            /// A new id, ordered by `now`, with its random bits from `rng`.
            pub fn make(now: Instant, rng: &mut impl Rng) -> Self {
                let mut random = [0u8; 10];
                rng.fill_bytes(&mut random);
                let millis = u64::try_from(now.as_millisecond()).unwrap_or(0);
                Self(uuid::Builder::from_unix_timestamp_millis(millis, &random).into_uuid())
            }

            /// The id with exactly these bytes, as [`Self::as_bytes`] gave them.
            pub const fn from_bytes(bytes: [u8; 16]) -> Self {
                Self(uuid::Uuid::from_bytes(bytes))
            }

            /// The sixteen bytes.
            pub const fn as_bytes(&self) -> &[u8; 16] {
                self.0.as_bytes()
            }
        }

        impl std::fmt::Display for $name {
            fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                self.0.fmt(f)
            }
        }

        impl std::str::FromStr for $name {
            type Err = uuid::Error;
            fn from_str(text: &str) -> Result<Self, Self::Err> {
                text.parse().map(Self)
            }
        }
    )*};
}

ids! {
    /// A patient of this clinic.
    PatientId;
    /// One attendance of one patient.
    VisitId;
    /// One recorded allergy or adverse reaction.
    AllergyId;
    /// One line of a prescription.
    LineId;
    /// A member of the clinic's staff.
    StaffId;
    /// One audio recording of one visit.
    RecordingId;
    /// One handing-over of medicines.
    DispensingId;
    /// One place in a day's queue.
    QueueEntryId;
    /// One job at one printer.
    PrintJobId;
    /// A photo, an audio recording, a scan.
    AttachmentId;
}
