//! A run of changes comes in: a handful of statements, however many they are.

use std::borrow::Cow;
use std::collections::HashSet;

use seal::TenantId;
use sync_protocol::{Checked, NO_CHAIN, follow};

use super::feeds::move_changes;
use super::gone;
use super::sql::{Question, Sql, SqlResult, Value, ids_of, the_only, together, values};

/// Kinds of tombstones: what was covered, or erased, before it came.
pub(super) const COVERED: i64 = 4;
pub(super) const ERASED: i64 = 5;

/// What is stored of one change.
struct Kept<'c> {
    at: u64,
    id: &'c [u8; 32],
    bytes: Cow<'c, [u8]>,
    chain: [u8; 32],
    erased_ms: Option<i64>,
}

/// Takes in what is new of these changes, in their order, behind the last position of the locked feed; gives each one's
/// position, `None` for what was here already or is covered.
pub(super) fn changes(
    sql: &mut dyn Sql,
    tenant: &TenantId,
    run: &[Checked],
    now_ms: i64,
) -> SqlResult<Vec<Option<u64>>> {
    let changes: Vec<(&[u8; 32], &[u8], bool)> = run
        .iter()
        .filter_map(|item| match item {
            Checked::Change { id, bytes, is_bodyless } => Some((id.as_bytes(), bytes.as_slice(), *is_bodyless)),
            _ => None,
        })
        .collect();
    let ids: Vec<&[u8; 32]> = changes.iter().map(|(id, ..)| *id).collect();
    let last = "SELECT h.position, (SELECT c.chain FROM change c WHERE c.tenant = h.tenant AND c.position = h.position)
                FROM head h WHERE h.tenant = ?1 AND h.feed = 0";
    let here = "SELECT id FROM change WHERE tenant = ?1 AND id = ?2";
    let marks = "SELECT 1 FROM tombstone WHERE tenant = ?1 LIMIT 1";
    let of = values![tenant];
    let [last, over, marks] = together(
        sql,
        [
            Question::Rows(last, &of),
            Question::Which(here, &of, &ids),
            Question::Rows(marks, &of),
        ],
    )?;
    let (mut over, mut erased) = (ids_of(over)?, HashSet::new());
    // Few clinics have any: what was covered or erased was here before, as a rule.
    if !marks.is_empty() {
        let marked = "SELECT id FROM tombstone WHERE tenant = ?1 AND kind = ?2 AND id = ?3";
        over.extend(sql.which(marked, &values![tenant, COVERED], &ids)?);
        erased = sql.which(marked, &values![tenant, ERASED], &ids)?;
    }

    let mut last = the_only(last)?;
    let (last, mut chain) = (last.position(0)?, last.maybe_array(1)?.unwrap_or(NO_CHAIN));
    let (mut at, mut new, mut positions) = (last, Vec::new(), Vec::with_capacity(ids.len()));
    for (id, bytes, is_bodyless) in changes {
        if !over.insert(*id) {
            positions.push(None);
            continue;
        }
        // A change that its clinic erased comes without its body, or loses it here.
        let is_bodyless = is_bodyless || erased.contains(id);
        let bytes = if is_bodyless {
            gone::bodyless(bytes).into()
        } else {
            Cow::Borrowed(bytes)
        };
        (at, chain) = (at + 1, follow(&chain, id));
        positions.push(Some(at));
        new.push(Kept {
            at,
            id,
            bytes,
            chain,
            erased_ms: is_bodyless.then_some(now_ms),
        });
    }
    if at == last {
        return Ok(positions);
    }
    let insert = "INSERT INTO change (tenant, position, id, bytes, chain, erased_ms) VALUES (?1, ?2, ?3, ?4, ?5, ?6)";
    let rows = new
        .iter()
        .map(|kept| values![tenant, kept.at, kept.id, &*kept.bytes, &kept.chain, kept.erased_ms].to_vec());
    sql.insert_many(insert, &rows.collect::<Vec<Vec<Value<'_>>>>())?;
    let n_bytes: usize = new.iter().map(|kept| kept.bytes.len()).sum();
    move_changes(sql, tenant, at, n_bytes as u64)?;
    Ok(positions)
}
