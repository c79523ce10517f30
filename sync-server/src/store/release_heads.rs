//! How far what a clinic was given reaches: asked at every look, so it reads no grant twice.
//!
//! A grant never changes once it is here, and may hold a signature drawn by finger. Its clear part is read once by each run of a
//! relay; whether it admits now is asked of `consent` each time, with what the database says of it now. Nothing crosses by
//! this: the gate reads and asks by itself (`releases.rs`).

use std::collections::HashMap;
use std::sync::{Mutex, MutexGuard, PoisonError};

use consent::Decision;
use seal::{GrantClear, GrantId, TenantId};

use super::push::clear_part;
use super::sql::{Question, Sql, SqlResult, Value, values};

/// Of so many grants the clear part is known, about 200 bytes each; then it begins anew.
const MOST: usize = 100_000;
/// Grants that are read at a time.
const AT_A_TIME: usize = 64;

const HEADS: &str = "SELECT g.id, g.source, g.releases, r.id IS NOT NULL, c.source IS NOT NULL OR s.tenant IS NOT NULL
    FROM given g LEFT JOIN revocation r ON r.source = g.source AND r.id = g.id
    LEFT JOIN closed c ON c.source = g.source AND c.confirmed_by IS NULL
    LEFT JOIN standing s ON s.tenant = g.source
    WHERE g.recipient = ?1 AND g.releases > 0 ORDER BY g.id";

const GRANT: &str = "SELECT bytes FROM given WHERE id = ?1 AND source = ?2";

/// What [`heads`] asks, to be asked with others; `of` is the clinic.
pub(super) fn heads_question<'a>(of: &'a [Value<'a>; 1]) -> Question<'a> {
    Question::Rows(HEADS, of)
}

/// A grant, and who gives it.
type Named = (GrantId, TenantId);

/// The clear parts of grants that were read before.
#[derive(Default)]
pub(super) struct KnownGrants(Mutex<HashMap<Named, GrantClear>>);

impl KnownGrants {
    fn known(&self) -> MutexGuard<'_, HashMap<Named, GrantClear>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Reads those that are not known yet.
    fn learn(&self, sql: &mut dyn Sql, heads: &[Head]) -> SqlResult<()> {
        let known = self.known();
        let unknown: Vec<Named> = heads
            .iter()
            .map(|head| head.grant)
            .filter(|it| !known.contains_key(it))
            .collect();
        drop(known);
        for some in unknown.chunks(AT_A_TIME) {
            let of: Vec<_> = some.iter().map(|(id, source)| values![id.as_bytes(), source]).collect();
            let questions: Vec<_> = of.iter().map(|of| Question::Rows(GRANT, of)).collect();
            let read = sql.ask(&questions)?.into_iter().flatten();
            let read = read.map(|mut row| Ok(clear_part(&row.bytes(0)?)));
            let read = read.collect::<SqlResult<Vec<GrantClear>>>()?;
            let mut known = self.known();
            if known.len() + read.len() > MOST {
                known.clear();
            }
            known.extend(read.into_iter().map(|clear| ((clear.id, clear.source), clear)));
        }
        Ok(())
    }
}

struct Head {
    grant: Named,
    position: u64,
    is_revoked: bool,
    /// Nothing of its source crosses now.
    is_closed: bool,
}

/// The grants that admit this clinic now, and how far their releases reach.
pub(super) fn heads(
    sql: &mut dyn Sql,
    grants: &KnownGrants,
    recipient: &TenantId,
    now_ms: i64,
) -> SqlResult<Vec<(GrantId, u64)>> {
    let rows = sql.rows(HEADS, &values![recipient])?.into_iter();
    let heads = rows.map(|mut row| {
        Ok(Head {
            grant: (GrantId::from_bytes(row.array(0)?), TenantId::from_bytes(row.array(1)?)),
            position: row.position(2)?,
            is_revoked: row.flag(3)?,
            is_closed: row.flag(4)?,
        })
    });
    let heads = heads.collect::<SqlResult<Vec<Head>>>()?;
    grants.learn(sql, &heads)?;
    let known = grants.known();
    // What is not known, whyever, is not named.
    let admits = |head: &Head| {
        let admits = |clear| consent::admits(clear, head.is_revoked, *recipient, now_ms) == Decision::Permit;
        !head.is_closed && known.get(&head.grant).is_some_and(admits)
    };
    let admitted = heads.iter().filter(|head| admits(head));
    Ok(admitted.map(|head| (head.grant.0, head.position)).collect())
}
