//! Bodies: which are not kept, how they go, and what becomes of changes that come without one.

use rusqlite::{Connection, OptionalExtension, params};
use seal::{ChangeId, ChangeKind, DocumentId, Header, SealedChange};

use super::{Of, is_named};
use crate::belonging::Belonging;
use crate::documents::DocPath;
use crate::outbox::{self, Kind};
use crate::set::{self, Verdict, kind_code};
use crate::writing::document_id;
use crate::{VaultError, snapshots};

/// The word beside the verdict on an erased change: applied, for there is nothing left to do.
const ERASED: &str = "erased";

/// Why a change that came without its body, and that no erasure names, is not taken.
const NO_BODY: &str = "no_body";

/// What is to be done with a change that has just come.
pub(crate) enum Coming {
    /// It goes into the set, in these bytes: as it came, or without the body that it must not have.
    Into(Vec<u8>),
    /// It came without its body, and nothing here tells why: put aside.
    Aside,
}

/// The document of which nothing can be erased: staff, enrolments, audit, and the erasures themselves.
pub(crate) fn clinic_document(belonging: &Belonging) -> DocumentId {
    document_id(belonging, &DocPath::Clinic.to_string())
}

/// Looks at a change before it goes into the set: what was erased comes in without its body, and the relay is told once
/// more; what came without a body and was not erased is put aside.
pub(crate) fn coming(
    conn: &Connection,
    belonging: &Belonging,
    sealed: &SealedChange,
    bytes: &[u8],
) -> Result<Coming, VaultError> {
    let id = sealed.id();
    let is_named = is_change_named(conn, belonging, &id, sealed.header())?;
    match (is_named, sealed.body().is_some()) {
        (false, true) => {
            conn.prepare_cached("DELETE FROM headers WHERE id = ?1")?
                .execute([id.as_bytes()])?;
            Ok(Coming::Into(bytes.to_vec()))
        }
        (true, false) => Ok(Coming::Into(bytes.to_vec())),
        (true, true) => {
            outbox::put(conn, Kind::Erased, id.as_bytes())?;
            Ok(Coming::Into(sealed.clone().without_body().encode()))
        }
        (false, false) => {
            keep_header(conn, &id, &sealed.header().document, bytes)?;
            Ok(Coming::Aside)
        }
    }
}

/// The verdict on a member of the set that has no body.
pub(crate) fn judge_without_body(
    conn: &Connection,
    belonging: &Belonging,
    id: &ChangeId,
    sealed: &[u8],
) -> Result<(), VaultError> {
    let sealed = SealedChange::decode(sealed)?;
    if is_change_named(conn, belonging, id, sealed.header())? {
        if sealed.header().kind == ChangeKind::Snapshot {
            snapshots::look_at_words_for(conn, id)?;
        }
        rule_erased(conn, id)
    } else {
        // Only while tables are made anew, until the erasure lands.
        set::rule(conn, id, Verdict::Quarantined, Some(NO_BODY))
    }
}

/// The verdict on what an erasure names.
pub(crate) fn rule_erased(conn: &Connection, id: &ChangeId) -> Result<(), VaultError> {
    set::rule(conn, id, Verdict::Applied, Some(ERASED))
}

fn is_change_named(
    conn: &Connection,
    belonging: &Belonging,
    id: &ChangeId,
    header: &Header,
) -> Result<bool, VaultError> {
    match header.kind {
        ChangeKind::Fact => {
            Ok(is_named(conn, Of::Fact, id.as_bytes())? && header.document != clinic_document(belonging))
        }
        _ => is_named(conn, Of::Document, header.document.as_bytes()),
    }
}

/// Drops the bodies of all that was written in a document, facts left out; gives how many went.
pub(super) fn drop_of_document(conn: &Connection, document: &DocumentId) -> Result<u64, VaultError> {
    snapshots::forget_document(conn, document)?;
    let fact = kind_code(ChangeKind::Fact);
    let held = changes(
        conn,
        "SELECT id, sealed FROM changes WHERE document = ?1 AND kind <> ?2",
        document,
        fact,
    )?;
    let mut n_bodies = 0;
    for (id, sealed) in held {
        n_bodies += u64::from(drop_body(conn, &id, sealed)?);
    }
    for (id, sealed) in changes(
        conn,
        "SELECT id, sealed FROM headers WHERE document = ?1 AND ?2 = ?2",
        document,
        fact,
    )? {
        if sealed.header().kind != ChangeKind::Fact {
            take_in_header(conn, &id, &sealed)?;
        }
    }
    Ok(n_bodies)
}

/// Drops the body of one fact, unless it is filed under `unerasable`; whether its row is to go.
pub(super) fn drop_of_fact(conn: &Connection, id: &ChangeId, unerasable: &DocumentId) -> Result<bool, VaultError> {
    let may_go =
        |sealed: &SealedChange| sealed.header().kind == ChangeKind::Fact && sealed.header().document != *unerasable;
    if let Some(sealed) = one(conn, "SELECT sealed FROM changes WHERE id = ?1", id)? {
        return Ok(may_go(&sealed) && drop_body(conn, id, sealed)?);
    }
    if let Some(sealed) = one(conn, "SELECT sealed FROM headers WHERE id = ?1", id)?
        && may_go(&sealed)
    {
        take_in_header(conn, id, &sealed)?;
    }
    Ok(false)
}

/// Drops one body; `false` when it was gone already. What is put aside or not looked at yet keeps its verdict.
fn drop_body(conn: &Connection, id: &ChangeId, sealed: SealedChange) -> Result<bool, VaultError> {
    let had_body = sealed.body().is_some();
    set::drop_body(conn, id, &sealed.without_body().encode())?;
    conn.prepare_cached(
        "UPDATE changes SET verdict = ?2, reason = ?3
         WHERE id = ?1 AND (verdict IN (?2, ?4) OR reason = ?5)",
    )?
    .execute(params![
        id.as_bytes(),
        Verdict::Applied as i64,
        ERASED,
        Verdict::Waiting as i64,
        NO_BODY
    ])?;
    if had_body {
        outbox::put(conn, Kind::Erased, id.as_bytes())?;
    }
    Ok(had_body)
}

/// What was put aside for want of a reason becomes a member of the set. It is judged like all others, later.
fn take_in_header(conn: &Connection, id: &ChangeId, sealed: &SealedChange) -> Result<(), VaultError> {
    conn.prepare_cached("DELETE FROM headers WHERE id = ?1")?
        .execute([id.as_bytes()])?;
    if set::insert(conn, *id, Some(sealed.header()), &sealed.encode())? {
        rule_erased(conn, id)?;
        snapshots::look_at_words_for(conn, id)?;
    }
    Ok(())
}

/// What has no body and is named no more leaves the set; gives how many.
pub(super) fn put_aside(conn: &Connection, of: Of, id: &[u8]) -> Result<u64, VaultError> {
    let (sql, fact) = match of {
        Of::Document => (
            "SELECT id, sealed FROM changes WHERE document = ?1 AND kind <> ?2",
            kind_code(ChangeKind::Fact),
        ),
        _ => (
            "SELECT id, sealed FROM changes WHERE id = ?1 AND kind = ?2",
            kind_code(ChangeKind::Fact),
        ),
    };
    let named = id.try_into().map_err(|_| VaultError::Malformed("erasure"))?;
    let mut n_left = 0;
    for (id, sealed) in changes(conn, sql, &DocumentId::from_bytes(named), fact)? {
        if sealed.body().is_some() {
            continue;
        }
        set::take_out(conn, &id)?;
        snapshots::look_at_words_for(conn, &id)?;
        outbox::forget(conn, Kind::Change, id.as_bytes())?;
        outbox::forget(conn, Kind::Erased, id.as_bytes())?;
        keep_header(conn, &id, &sealed.header().document, &sealed.encode())?;
        n_left += 1;
    }
    Ok(n_left)
}

fn keep_header(conn: &Connection, id: &ChangeId, document: &DocumentId, bytes: &[u8]) -> Result<(), VaultError> {
    let is_held: bool = conn
        .prepare_cached("SELECT EXISTS (SELECT 1 FROM changes WHERE id = ?1)")?
        .query_row([id.as_bytes()], |row| row.get(0))?;
    if !is_held {
        conn.prepare_cached("INSERT OR IGNORE INTO headers (id, document, sealed) VALUES (?1, ?2, ?3)")?
            .execute(params![id.as_bytes(), document.as_bytes(), bytes])?;
    }
    Ok(())
}

fn changes(
    conn: &Connection,
    sql: &str,
    of: &DocumentId,
    kind: i64,
) -> Result<Vec<(ChangeId, SealedChange)>, VaultError> {
    let mut statement = conn.prepare_cached(sql)?;
    let mut rows = statement.query(params![of.as_bytes(), kind])?;
    let mut changes = Vec::new();
    while let Some(row) = rows.next()? {
        let sealed = row.get_ref(1)?.as_blob().map_err(|_| VaultError::Damaged)?;
        changes.push((ChangeId::from_bytes(row.get(0)?), SealedChange::decode(sealed)?));
    }
    Ok(changes)
}

fn one(conn: &Connection, sql: &str, id: &ChangeId) -> Result<Option<SealedChange>, VaultError> {
    let sealed: Option<Vec<u8>> = conn
        .prepare_cached(sql)?
        .query_row([id.as_bytes()], |row| row.get(0))
        .optional()?;
    Ok(sealed.and_then(|bytes| SealedChange::decode(&bytes).ok()))
}
