//! Facts: what the law or the trade forbids to change. Immutable; amended only by another fact.

mod asked;
mod body;
mod draft;
mod erased;
mod read;
mod standing;
mod twice;

pub use asked::{AnswerRead, RecordAsked, RequestDecided, RequestRead};
pub(crate) use body::kind;
pub use body::{
    Addendum, AuditLine, ConsentGranted, ConsentRevoked, Dispensed, DispensedItem, FactBody, LabelPrinted, LetterRead,
    LetterSent, NoteSigned, Reversal, StaffEnrolled,
};
pub use draft::{FACT_CONTEXT, FactDraft};
pub use erased::{Erased, ErasureReason, HeldNumbers, SoundErased};
pub use read::{Consent, RecordedFact};
pub(crate) use standing::is_enrolled_as;

use domain::Instant;
use rusqlite::{Connection, OptionalExtension, params};
use seal::{ChangeId, ChangeKind, DeviceId, TenantId};

use crate::payload::{FactPayload, Payload};
use crate::{Tag, VaultError, Writing, documents};

const MINUTE_MS: i64 = 60 * 1000;

impl Writing<'_> {
    /// Records a fact for ever. Where the kind asks for it, `signature` is the person's over
    /// [`FactDraft::bytes_to_sign`]; whether it holds is shown beside the fact, never a reason to refuse it.
    ///
    /// # Errors
    /// [`VaultError::Malformed`] for [`FactBody::Unknown`]; otherwise only what the store itself can fail with.
    pub fn record_fact(&mut self, draft: &FactDraft, signature: Option<[u8; 64]>) -> Result<ChangeId, VaultError> {
        let path = draft.body.path().ok_or(VaultError::Malformed("fact"))?;
        let fact = FactPayload {
            kind: draft.body.kind(),
            at_ms: draft.at.as_millisecond(),
            signature,
            body: draft.body.to_json()?,
        };
        let staff = draft.by.map(|staff| *staff.as_bytes());
        let payload = Payload {
            staff,
            path: path.to_string(),
            change: None,
            fact: Some(fact),
            at_ms: None,
        };
        let (id, device) = self.seal_and_store(ChangeKind::Fact, &payload, None)?;
        let tenant = self.belonging().tenant;
        let tags = project(self.conn(), tenant, id, device, &payload)?;
        self.spoil(tags);
        self.erase_if_said(&id, draft)?;
        Ok(id)
    }
}

/// Writes the row of one fact, and settles what its arrival verifies. A pure function of the set of facts, whatever
/// the order in which they come.
pub(crate) fn project(
    conn: &Connection,
    tenant: TenantId,
    id: ChangeId,
    device: DeviceId,
    payload: &Payload,
) -> Result<Vec<Tag>, VaultError> {
    let fact = payload.fact.as_ref().ok_or(VaultError::Malformed("fact"))?;
    let body = FactBody::from_json(fact.kind, &fact.body);
    let verified = standing::holds(conn, tenant, device, payload, &body)?;
    let sql = "INSERT OR IGNORE INTO p_facts
         (id, kind, at_ms, staff, device, path, patient, visit, subject, verified, body, signature)
         VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12)";
    let is_new = conn.prepare_cached(sql)?.execute(params![
        id.as_bytes(),
        fact.kind,
        fact.at_ms,
        payload.staff,
        device.as_bytes(),
        payload.path,
        body.patient().map(|patient| *patient.as_bytes()),
        body.visit().map(|visit| *visit.as_bytes()),
        body.subject(),
        verified,
        fact.body,
        fact.signature.map(|signature| signature.to_vec()),
    ])? > 0;
    wrote(conn, device, fact.at_ms)?;
    if let FactBody::StaffEnrolled(enrolled) = &body
        && verified
        && is_new
    {
        standing::settle(conn, tenant, enrolled.staff, enrolled.device)?;
    }
    settle_visit(conn, &body)?;
    Ok(tags(&body))
}

/// Remembers when a device wrote last, to the minute, so that few facts need a page for it. A time that no clock shows is
/// none.
fn wrote(conn: &Connection, device: DeviceId, at_ms: i64) -> Result<(), VaultError> {
    if Instant::from_millisecond(at_ms).is_none() {
        return Ok(());
    }
    conn.prepare_cached(
        "INSERT INTO device_wrote (device, at_ms) VALUES (?1, ?2)
         ON CONFLICT (device) DO UPDATE SET at_ms = excluded.at_ms WHERE excluded.at_ms > device_wrote.at_ms",
    )?
    .execute(params![device.as_bytes(), at_ms - at_ms.rem_euclid(MINUTE_MS)])?;
    Ok(())
}

/// Takes the rows of facts away that no longer count, and looks again at every signature that stood on them.
pub(crate) fn withdraw(conn: &Connection, tenant: TenantId, ids: &[ChangeId]) -> Result<Vec<Tag>, VaultError> {
    let mut spoiled = Vec::new();
    let mut shaken = Vec::new();
    for id in ids {
        let row: Option<(u16, String)> = conn
            .prepare_cached("DELETE FROM p_facts WHERE id = ?1 RETURNING kind, body")?
            .query_row([id.as_bytes()], |row| Ok((row.get(0)?, row.get(1)?)))
            .optional()?;
        let Some((kind, body)) = row else { continue };
        let body = FactBody::from_json(kind, &body);
        spoiled.extend(tags(&body));
        settle_visit(conn, &body)?;
        if let FactBody::StaffEnrolled(enrolled) = &body {
            shaken.push((enrolled.staff, enrolled.device));
        }
    }
    standing::settle_anew(conn, tenant, shaken)?;
    Ok(spoiled)
}

/// What excludes another fact may leave a person something to judge.
fn settle_visit(conn: &Connection, body: &FactBody) -> Result<(), VaultError> {
    match body {
        FactBody::NoteSigned(fact) => documents::settle_visit(conn, fact.visit),
        FactBody::Dispensed(fact) => documents::settle_visit(conn, fact.visit),
        _ => Ok(()),
    }
}

fn tags(body: &FactBody) -> Vec<Tag> {
    let mut tags = vec![Tag::Facts];
    tags.extend(body.patient().map(Tag::PatientFacts));
    if !matches!(body, FactBody::Audit(_)) {
        tags.extend(body.visit().map(Tag::Visit));
    }
    match body {
        FactBody::NoteSigned(fact) => tags.push(Tag::Visits(fact.patient)),
        FactBody::Reversal(fact) => tags.push(Tag::Visits(fact.patient)),
        FactBody::StaffEnrolled(_) => tags.push(Tag::Staff),
        FactBody::LetterSent(_) | FactBody::LetterRead(_) => tags.push(Tag::Mail),
        FactBody::RecordAsked(_) | FactBody::AnswerRead(_) => tags.push(Tag::Mail),
        FactBody::RequestRead(_) | FactBody::RequestDecided(_) => tags.push(Tag::Mail),
        FactBody::ConsentGranted(_) | FactBody::ConsentRevoked(_) => tags.push(Tag::Grants),
        _ => {}
    }
    tags
}
