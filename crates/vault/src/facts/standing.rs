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
use crate::payload::Payload;

/// One fact whose signature is still to be looked at.
struct Claim {
    id: Vec<u8>,
    kind: u16,
    at_ms: i64,
    path: String,
    body: String,
    signature: [u8; 64],
}

/// As many of a person's facts are looked at together: she may have signed a million.
const PAGE: usize = 1_000;

/// Whether the signature under a fact that comes holds by the enrolments that stand.
///
/// Each fact is looked at when it comes and whenever an enrolment of its signer comes to stand, and at no other time: what does
/// not hold yet costs nothing when the next one comes.
pub(super) fn holds(
    conn: &Connection,
    tenant: TenantId,
    device: DeviceId,
    payload: &Payload,
    body: &FactBody,
) -> Result<bool, VaultError> {
    let (Some(staff), Some(fact)) = (payload.staff.map(StaffId::from_bytes), &payload.fact) else {
        return Ok(false);
    };
    let Some(signature) = &fact.signature else {
        return Ok(false);
    };
    let signed = Signed {
        kind: fact.kind,
        at_ms: fact.at_ms,
        staff: payload.staff,
        path: &payload.path,
        tenant: tenant.as_bytes(),
        device: device.as_bytes(),
        body: &fact.body,
    };
    let keys = standing_keys(conn, staff, device)?;
    let own_key = own_key(enrolled_by(body), staff, device);
    Ok(is_signed_by_one_of(keys.iter().chain(&own_key), &signed, signature))
}

/// Looks again at every unverified fact of `staff` on `device`, and at whatever stands once those do.
pub(super) fn settle(conn: &Connection, tenant: TenantId, staff: StaffId, device: DeviceId) -> Result<(), VaultError> {
    let mut people = vec![(staff, device)];
    while let Some((staff, device)) = people.pop() {
        let keys = standing_keys(conn, staff, device)?;
        each_claim(conn, staff, device, |claim| {
            let body = claim.body();
            let enrols = enrolled_by(&body);
            let own_key = own_key(enrols, staff, device);
            let signed = claim.signed(&tenant, &staff, &device);
            if is_signed_by_one_of(keys.iter().chain(&own_key), &signed, &claim.signature) {
                conn.prepare_cached("UPDATE p_facts SET verified = 1 WHERE id = ?1")?
                    .execute([&claim.id])?;
                people.extend(enrols.map(|e| (e.staff, e.device)));
            }
            Ok(())
        })?;
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
        each_claim(conn, staff, device, |claim| {
            people.extend(enrolled_by(&claim.body()).map(|e| (e.staff, e.device)));
            Ok(())
        })?;
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

/// Every unverified fact of `staff` on `device`, one after the other.
fn each_claim(
    conn: &Connection,
    staff: StaffId,
    device: DeviceId,
    mut look: impl FnMut(&Claim) -> Result<(), VaultError>,
) -> Result<(), VaultError> {
    let sql = format!(
        "SELECT id, kind, at_ms, path, body, signature FROM p_facts
         WHERE staff = ?1 AND device = ?2 AND verified = 0 AND signature IS NOT NULL AND id > ?3 ORDER BY id LIMIT {PAGE}"
    );
    let mut after = Vec::new();
    loop {
        let mut statement = conn.prepare_cached(&sql)?;
        let rows = statement.query_map(params![staff.as_bytes(), device.as_bytes(), after], |row| {
            Ok(Claim {
                id: row.get(0)?,
                kind: row.get(1)?,
                at_ms: row.get(2)?,
                path: row.get(3)?,
                body: row.get(4)?,
                signature: row.get(5)?,
            })
        })?;
        let page: Vec<Claim> = rows.collect::<Result<_, _>>()?;
        let Some(last) = page.last() else { return Ok(()) };
        after.clone_from(&last.id);
        page.iter().try_for_each(&mut look)?;
    }
}

fn enrolled_by(body: &FactBody) -> Option<&StaffEnrolled> {
    match body {
        FactBody::StaffEnrolled(fact) => Some(fact),
        _ => None,
    }
}

/// The key under which somebody enrols herself.
fn own_key(enrols: Option<&StaffEnrolled>, staff: StaffId, device: DeviceId) -> Option<[u8; 32]> {
    let own = enrols.filter(|e| e.staff == staff && e.device == device);
    own.map(|e| e.person_public)
}

fn is_signed_by_one_of<'k>(
    mut keys: impl Iterator<Item = &'k [u8; 32]>,
    signed: &Signed<'_>,
    signature: &[u8; 64],
) -> bool {
    let bytes = signed.bytes();
    keys.any(|key| seal::verify(key, FACT_CONTEXT, &bytes, signature).is_ok())
}

impl Claim {
    fn body(&self) -> FactBody {
        FactBody::from_json(self.kind, &self.body)
    }

    fn signed<'c>(&'c self, tenant: &'c TenantId, staff: &StaffId, device: &'c DeviceId) -> Signed<'c> {
        Signed {
            kind: self.kind,
            at_ms: self.at_ms,
            staff: Some(*staff.as_bytes()),
            path: &self.path,
            tenant: tenant.as_bytes(),
            device: device.as_bytes(),
            body: &self.body,
        }
    }
}
