//! The reasons for which a relay or a peer ends a connection, as numbers that a later version may add to.

use crate::codes::cbor_codes;

/// Why the relay, or another device of the clinic, ends a connection.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum RefusedCode {
    /// No version in common.
    Version,
    /// Not a message of the protocol, or not one that may come now.
    BadMessage,
    /// The relay knows no such clinic; or the peer is of another one.
    UnknownClinic,
    /// The clinic's statements name no such device.
    UnknownDevice,
    /// The signature over the challenge does not hold: this is not the device that it claims to be.
    BadSignature,
    /// The statements do not hold together, or are too many.
    BadStatements,
    /// No such invitation was ever made here.
    InvitationUnknown,
    /// The invitation was used, or replaced by a newer one.
    InvitationUsed,
    /// The invitation is older than 72 hours.
    InvitationExpired,
    /// This clinic is here already, by another invitation.
    AlreadyJoined,
    /// Nobody waits at this rendezvous.
    NobodyWaits,
    /// Too many pairings at once; later again.
    Busy,
    /// The relay could not read or write its store.
    RelayFailed,
    /// The device claims to hold more than this relay ever had: the relay was put back to an older state.
    RelayBehind,
    /// This device was removed from its clinic.
    Removed,
    /// Both ends are the same device.
    SameDevice,
    /// The operator has suspended this clinic's network access, or ended it. What its devices hold stays theirs.
    Suspended,
    /// The clinic's plan has no place for one more device. Those that were served before are served on.
    DeviceLimit,
    /// A code of a newer relay or peer.
    Other(u8),
}

impl RefusedCode {
    /// A stable name for logs and for the screens' words.
    pub fn name(self) -> &'static str {
        match self {
            Self::Version => "version",
            Self::BadMessage => "bad_message",
            Self::UnknownClinic => "unknown_clinic",
            Self::UnknownDevice => "unknown_device",
            Self::BadSignature => "bad_signature",
            Self::BadStatements => "bad_statements",
            Self::InvitationUnknown => "invitation_unknown",
            Self::InvitationUsed => "invitation_used",
            Self::InvitationExpired => "invitation_expired",
            Self::AlreadyJoined => "already_joined",
            Self::NobodyWaits => "nobody_waits",
            Self::Busy => "busy",
            Self::RelayFailed => "relay_failed",
            Self::RelayBehind => "relay_behind",
            Self::Removed => "removed",
            Self::SameDevice => "same_device",
            Self::Suspended => "suspended",
            Self::DeviceLimit => "device_limit",
            Self::Other(_) => "refused",
        }
    }
}

cbor_codes!(RefusedCode {
    Version = 0,
    BadMessage = 1,
    UnknownClinic = 2,
    UnknownDevice = 3,
    BadSignature = 4,
    BadStatements = 5,
    InvitationUnknown = 6,
    InvitationUsed = 7,
    InvitationExpired = 8,
    AlreadyJoined = 9,
    NobodyWaits = 10,
    Busy = 11,
    RelayFailed = 12,
    RelayBehind = 13,
    Removed = 14,
    SameDevice = 15,
    Suspended = 16,
    DeviceLimit = 17,
} else Other(number));
