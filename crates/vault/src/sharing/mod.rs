//! What crosses to and from other clinics: grants, revocations, releases, and the relay's audit of them.
//!
//! What another clinic signed counts only once its membership is known here; until then it is kept, unverified and
//! unseen, and looked at again when its statements come.

mod consents;
mod names;
mod received;
mod relay_audit;
mod to_us;

pub(crate) use consents::{absorb as absorb_consent, is_revoked};
pub(crate) use names::{hold as consent_names_hold, make as make_consent_names};
pub(crate) use received::{absorb as absorb_release, erase_due, verify_again};
pub(crate) use relay_audit::{absorb as absorb_relay_audit, file_by_grant as file_relay_audit};

pub use consents::GrantRow;
pub use received::ReleaseRow;
pub use relay_audit::RelayAuditRow;

use rusqlite::Connection;
use seal::{Membership, TenantId};

use crate::belonging::Belonging;
use crate::{VaultError, roster};

/// Who belongs to a clinic, as far as this store knows: the own one, or one whose statements came.
pub(crate) fn membership_of(
    conn: &Connection,
    belonging: &Belonging,
    tenant: &TenantId,
) -> Result<Option<Membership>, VaultError> {
    if *tenant == belonging.tenant {
        return Ok(Some(belonging.membership.clone()));
    }
    let statements = roster::read(conn, tenant)?;
    Ok(Membership::from_statements(*tenant, &statements).ok())
}
