//! The relay's half: may this clinic have what is released under this grant, now?

use seal::{GrantClear, TenantId};
use serde::{Deserialize, Serialize};

/// Purpose code: treatment (HL7 v3 PurposeOfUse TREAT).
pub const PURPOSE_TREATMENT: u8 = 0;
/// Purpose code: treatment in an emergency (HL7 v3 PurposeOfUse ETREAT).
pub const PURPOSE_EMERGENCY: u8 = 1;
/// Mode code: looked at on demand, in memory only.
pub const MODE_VIEW: u8 = 0;
/// Mode code: a copy may be kept until the erase-at time.
pub const MODE_KEEP: u8 = 1;

/// Where a grant stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum GrantState {
    /// Its first moment is still to come.
    NotYet,
    /// It holds.
    Active,
    /// Its last moment is over.
    Expired,
    /// It was revoked, for ever, whatever its period says.
    Revoked,
}

/// May the clinic that asks have it?
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Decision {
    /// It may.
    Permit,
    /// It may not.
    Deny(DenyReason),
}

/// Why not.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum DenyReason {
    /// The grant is for another clinic. Given before all else, so that a stranger learns nothing about the grant.
    NotTheRecipient,
    /// It was revoked.
    Revoked,
    /// Its purpose or its mode is of a newer build.
    NotUnderstood,
    /// It has not begun.
    NotYet,
    /// It is over.
    Expired,
}

impl Decision {
    /// A short name that never changes, for the audit.
    pub const fn code(self) -> &'static str {
        match self {
            Self::Permit => "permit",
            Self::Deny(DenyReason::NotTheRecipient) => "not_the_recipient",
            Self::Deny(DenyReason::Revoked) => "revoked",
            Self::Deny(DenyReason::NotUnderstood) => "not_understood",
            Self::Deny(DenyReason::NotYet) => "not_yet",
            Self::Deny(DenyReason::Expired) => "expired",
        }
    }

    /// Is it [`Self::Permit`]?
    pub const fn is_permit(self) -> bool {
        matches!(self, Self::Permit)
    }
}

/// Where the grant stands at `now_ms` (milliseconds since 1970).
///
/// A revocation beats everything. The period includes its first millisecond and excludes its last; a period that ends
/// before it begins is never active. A device passes max(own clock, last receipt), so that a clock set back brings
/// nothing back to life.
pub fn state(grant: &GrantClear, revoked: bool, now_ms: i64) -> GrantState {
    if revoked {
        GrantState::Revoked
    } else if now_ms >= grant.until_ms {
        GrantState::Expired
    } else if now_ms < grant.from_ms {
        GrantState::NotYet
    } else {
        GrantState::Active
    }
}

/// May the clinic `asking` have what is released under `grant`, at `now_ms` by the relay's clock?
///
/// `revoked` is true when the relay holds a revocation of this grant *by its source*.
pub fn admits(grant: &GrantClear, revoked: bool, asking: TenantId, now_ms: i64) -> Decision {
    if asking != grant.recipient {
        return Decision::Deny(DenyReason::NotTheRecipient);
    }
    let understood =
        matches!(grant.purpose, PURPOSE_TREATMENT | PURPOSE_EMERGENCY) && matches!(grant.mode, MODE_VIEW | MODE_KEEP);
    match state(grant, revoked, now_ms) {
        GrantState::Revoked => Decision::Deny(DenyReason::Revoked),
        _ if !understood => Decision::Deny(DenyReason::NotUnderstood),
        GrantState::Expired => Decision::Deny(DenyReason::Expired),
        GrantState::NotYet => Decision::Deny(DenyReason::NotYet),
        GrantState::Active => Decision::Permit,
    }
}

/// May the recipient still hold a copy at `now_ms`?
///
/// In the mode "keep" until the erase-at time, also after the period itself; never after a revocation; in any other mode
/// not at all.
pub fn may_hold(grant: &GrantClear, revoked: bool, now_ms: i64) -> bool {
    grant.mode == MODE_KEEP && !revoked && now_ms < grant.erase_at_ms
}
