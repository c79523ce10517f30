//! Whether a person's signature under a fact holds.
//!
//! It holds when that person was enrolled, on the device that wrote the fact, with a key under which it verifies. An
//! enrolment is itself a fact and counts only when its own signature holds: by an enrolled person on that device, or
//! by the very key that it enrols (the founding owner, and a first PIN on a freshly paired device). Enrolments can
//! come after what they verify, so that each one that comes to stand lets others be looked at again; the result is
//! the same in any order.

use std::collections::BTreeSet;

use domain::{Role, StaffId};
use rusqlite::{Connection, params};
use seal::{DeviceId, TenantId};

use super::body::{FactBody, StaffEnrolled, kind};
use super::draft::{FACT_CONTEXT, Signed};
use crate::VaultError;

/// One fact whose signature is still to be looked at.
struct Claim {
    id: Vec<u8>,
    kind: u16,
    at_ms: i64,
    path: String,
    body: String,
    signature: [u8; 64],
}

/// Looks again at every unverified fact of `staff` on `device`, and at whatever stands once those do.
pub(super) fn settle(conn: &Connection, tenant: TenantId, staff: StaffId, device: DeviceId) -> Result<(), VaultError> {
    let mut people = vec![(staff, device)];
    while let Some((staff, device)) = people.pop() {
        let keys = standing_keys(conn, staff, device)?;
        for claim in claims(conn, staff, device)? {
            let enrols = enrolment(&claim);
            let own_key = enrols
                .as_ref()
                .filter(|e| e.staff == staff && e.device == device)
                .map(|e| e.person_public);
            let bytes = claim.bytes(tenant, staff, device);
            let holds = |key: &[u8; 32]| seal::verify(key, FACT_CONTEXT, &bytes, &claim.signature).is_ok();
            if keys.iter().chain(&own_key).any(holds) {
                conn.prepare_cached("UPDATE p_facts SET verified = 1 WHERE id = ?1")?
                    .execute([&claim.id])?;
                people.extend(enrols.map(|e| (e.staff, e.device)));
            }
        }
    }
    Ok(())
}

/// The enrolments of these people were withdrawn: whatever stood on them, and on what they had enrolled, falls, and is
/// settled again by the enrolments that are left.
pub(super) fn settle_anew(
    conn: &Connection,
    tenant: TenantId,
    mut people: Vec<(StaffId, DeviceId)>,
) -> Result<(), VaultError> {
    let mut shaken = BTreeSet::new();
    while let Some((staff, device)) = people.pop() {
        if !shaken.insert((staff, device)) {
            continue;
        }
        conn.prepare_cached("UPDATE p_facts SET verified = 0 WHERE staff = ?1 AND device = ?2")?
            .execute(params![staff.as_bytes(), device.as_bytes()])?;
        let claims = claims(conn, staff, device)?;
        people.extend(claims.iter().filter_map(enrolment).map(|e| (e.staff, e.device)));
    }
    shaken
        .into_iter()
        .try_for_each(|(staff, device)| settle(conn, tenant, staff, device))
}

/// Whether an enrolment of `staff` on `device` stands that is in one of these roles.
pub(crate) fn is_enrolled_as(
    conn: &Connection,
    staff: StaffId,
    device: DeviceId,
    roles: &[Role],
) -> Result<bool, VaultError> {
    let standing = standing(conn, staff, device)?;
    Ok(standing.iter().any(|enrolled| roles.contains(&enrolled.role)))
}

/// The keys of `staff` on `device` whose enrolment stands.
fn standing_keys(conn: &Connection, staff: StaffId, device: DeviceId) -> Result<Vec<[u8; 32]>, VaultError> {
    let standing = standing(conn, staff, device)?;
    Ok(standing.into_iter().map(|enrolled| enrolled.person_public).collect())
}

/// The enrolments of `staff` on `device` that stand.
fn standing(conn: &Connection, staff: StaffId, device: DeviceId) -> Result<Vec<StaffEnrolled>, VaultError> {
    let mut statement =
        conn.prepare_cached("SELECT body FROM p_facts WHERE kind = ?1 AND subject = ?2 AND verified = 1")?;
    let bodies = statement.query_map(params![kind::STAFF_ENROLLED, staff.to_string()], |row| {
        row.get::<_, String>(0)
    })?;
    let mut standing = Vec::new();
    for body in bodies {
        if let FactBody::StaffEnrolled(fact) = FactBody::from_json(kind::STAFF_ENROLLED, &body?) {
            standing.extend((fact.device == device).then_some(fact));
        }
    }
    Ok(standing)
}

fn claims(conn: &Connection, staff: StaffId, device: DeviceId) -> Result<Vec<Claim>, VaultError> {
    let mut statement = conn.prepare_cached(
        "SELECT id, kind, at_ms, path, body, signature FROM p_facts
         WHERE staff = ?1 AND device = ?2 AND verified = 0 AND signature IS NOT NULL ORDER BY at_ms, id",
    )?;
    let rows = statement.query_map(params![staff.as_bytes(), device.as_bytes()], |row| {
        Ok(Claim {
            id: row.get(0)?,
            kind: row.get(1)?,
            at_ms: row.get(2)?,
            path: row.get(3)?,
            body: row.get(4)?,
            signature: row.get(5)?,
        })
    })?;
    Ok(rows.collect::<Result<_, _>>()?)
}

fn enrolment(claim: &Claim) -> Option<StaffEnrolled> {
    match FactBody::from_json(claim.kind, &claim.body) {
        FactBody::StaffEnrolled(fact) => Some(fact),
        _ => None,
    }
}

impl Claim {
    fn bytes(&self, tenant: TenantId, staff: StaffId, device: DeviceId) -> Vec<u8> {
        Signed {
            kind: self.kind,
            at_ms: self.at_ms,
            staff: Some(*staff.as_bytes()),
            path: &self.path,
            tenant: tenant.as_bytes(),
            device: device.as_bytes(),
            body: &self.body,
        }
        .bytes()
    }
}
