//! What the relay does not have yet, in the order in which it was written.
//!
//! A change is named by its place in the set. One that was made here behind the place `lined_up` waits without a row: whoever
//! writes it would wait for a page more. It is put in line ([`line_up`]) before anything else happens to the line, with the
//! next batch that comes, or after some dozen writes. All else (`outbox`) stands behind the change that was the newest when
//! it came.
//!
//! What the relay perhaps has (`changes_perhaps_sent`) is not in line before its feed has told all that it has, and has taken
//! out nearly everything: to a new device another one gives its clinic's years, and a relay that was restored lacks a week.

use rusqlite::{Connection, OptionalExtension, params};
use seal::{ChangeId, DeviceId, GrantId, Membership, ReleaseId};
use sync_protocol::{MAX_RELAYED_SNAPSHOT_BYTES, OutId, OutItem, Refusal};

use crate::reading::count;
use crate::{VaultError, arriving};

/// The largest change that a relay takes.
const MAX_BYTES: i64 = MAX_RELAYED_SNAPSHOT_BYTES as i64;

/// What kind of thing waits.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kind {
    Change = 0,
    Grant = 1,
    Revocation = 2,
    Release = 3,
    Covered = 4,
    Erased = 5,
}

/// The place of the newest change.
const NEWEST: &str = "(SELECT coalesce(max(arrival), 0) FROM changes)";

/// What was made here and has no row in line yet; everything else that is here does not say in which commit it was made.
pub(crate) const TAIL: &str =
    "changes WHERE arrival > (SELECT value FROM meta WHERE key = 'lined_up') AND made_in IS NOT NULL";

/// Gives a row in line to what was made here since this was done last, and lists it by its number.
pub(crate) fn line_up(conn: &Connection) -> Result<(), VaultError> {
    let sql = format!("INSERT OR IGNORE INTO changes_to_send (arrival) SELECT arrival FROM {TAIL}");
    conn.prepare_cached(&sql)?.execute([])?;
    let sql = "UPDATE changes SET made_in = NULL
               WHERE arrival > (SELECT value FROM meta WHERE key = 'lined_up') AND made_in IS NOT NULL";
    conn.prepare_cached(sql)?.execute([])?;
    let sql = "UPDATE meta SET value = (SELECT max(arrival) FROM changes)
               WHERE key = 'lined_up' AND value < (SELECT max(arrival) FROM changes)";
    conn.prepare_cached(sql)?.execute([])?;
    Ok(())
}

/// Puts one thing in line, unless it waits already.
pub(crate) fn put(conn: &Connection, kind: Kind, id: &[u8]) -> Result<(), VaultError> {
    if kind == Kind::Change {
        line_up(conn)?;
        let sql = "INSERT OR IGNORE INTO changes_to_send (arrival) SELECT arrival FROM changes WHERE id = ?1";
        conn.prepare_cached(sql)?.execute([id])?;
        return Ok(());
    }
    let sql = format!("INSERT OR IGNORE INTO outbox (kind, id, behind) VALUES (?1, ?2, {NEWEST})");
    conn.prepare_cached(&sql)?.execute(params![kind as i64, id])?;
    Ok(())
}

/// Puts changes in line that another device gave, unless more of the feed is still to come.
pub(crate) fn put_given<'i>(conn: &Connection, ids: impl IntoIterator<Item = &'i ChangeId>) -> Result<(), VaultError> {
    if !arriving::is_more_to_come(conn)? {
        return ids
            .into_iter()
            .try_for_each(|id| put(conn, Kind::Change, id.as_bytes()));
    }
    let sql = "INSERT OR IGNORE INTO changes_perhaps_sent (arrival) SELECT arrival FROM changes WHERE id = ?1";
    let mut keep = conn.prepare_cached(sql)?;
    for id in ids {
        keep.execute([id.as_bytes()])?;
    }
    Ok(())
}

/// Whether something waits for the end of the feed.
pub(crate) fn is_any_perhaps_sent(conn: &Connection) -> Result<bool, VaultError> {
    let sql = "SELECT EXISTS (SELECT 1 FROM changes_perhaps_sent)";
    Ok(conn.prepare_cached(sql)?.query_row([], |row| row.get(0))?)
}

/// The feed has told all that the relay has: what is left is put in line.
pub(crate) fn put_what_was_not_sent(conn: &Connection) -> Result<(), VaultError> {
    line_up(conn)?;
    conn.execute_batch(&format!(
        "INSERT OR IGNORE INTO changes_to_send (arrival)
             SELECT c.arrival FROM changes_perhaps_sent p JOIN changes c ON c.arrival = p.arrival
             WHERE c.covered_by IS NULL AND length(c.sealed) <= {MAX_BYTES};
         DELETE FROM changes_perhaps_sent;"
    ))?;
    Ok(())
}

/// Takes one thing out of the line: there is no need to send it any more.
pub(crate) fn forget(conn: &Connection, kind: Kind, id: &[u8]) -> Result<(), VaultError> {
    line_up(conn)?;
    take_out(conn, kind, id)
}

/// The same, of a line in which all have their rows.
fn take_out(conn: &Connection, kind: Kind, id: &[u8]) -> Result<(), VaultError> {
    if kind == Kind::Change {
        let arrival: Option<i64> = conn
            .prepare_cached("SELECT arrival FROM changes WHERE id = ?1")?
            .query_row([id], |row| row.get(0))
            .optional()?;
        if let Some(arrival) = arrival {
            for sql in [
                "DELETE FROM changes_to_send WHERE arrival = ?1",
                "DELETE FROM changes_perhaps_sent WHERE arrival = ?1",
            ] {
                conn.prepare_cached(sql)?.execute([arrival])?;
            }
        }
        return Ok(());
    }
    conn.prepare_cached("DELETE FROM outbox WHERE kind = ?1 AND id = ?2")?
        .execute(params![kind as i64, id])?;
    Ok(())
}

/// Takes changes out of the line that no relay needs, since they are covered, or takes, since no frame holds them.
pub(crate) fn forget_unwanted<'i>(
    conn: &Connection,
    ids: impl IntoIterator<Item = &'i ChangeId>,
) -> Result<(), VaultError> {
    line_up(conn)?;
    let sql = "DELETE FROM changes_to_send WHERE arrival = (SELECT arrival FROM changes
               WHERE id = ?1 AND (covered_by IS NOT NULL OR length(sealed) > ?2))";
    let mut forget = conn.prepare_cached(sql)?;
    for id in ids {
        forget.execute(params![id.as_bytes(), MAX_BYTES])?;
    }
    Ok(())
}

/// How many things wait. What the relay perhaps has counts, unless this device is new: then nearly all of it is there.
pub(crate) fn pending(conn: &Connection) -> Result<u64, VaultError> {
    let sql = format!(
        "SELECT (SELECT count(*) FROM changes_to_send) + (SELECT count(*) FROM {TAIL}) + (SELECT count(*) FROM outbox)
              + iif(?1, 0, (SELECT count(*) FROM changes_perhaps_sent))"
    );
    let is_new = arriving::is_more_to_come(conn)?;
    Ok(conn.prepare_cached(&sql)?.query_row([is_new], |row| count(row, 0))?)
}

/// The oldest things that wait, within both limits, but always one if any waits. Of what is covered nothing is said before all
/// snapshots are in line: the relay would give neither these nor what they cover.
pub(crate) fn oldest(conn: &Connection, max_items: usize, max_bytes: usize) -> Result<Vec<OutItem>, VaultError> {
    let mut statement = conn.prepare_cached(&format!(
        "SELECT kind, id FROM
             (SELECT * FROM (SELECT 0 AS kind, c.id AS id, s.arrival AS behind, 0 AS place
                             FROM changes_to_send s JOIN changes c ON c.arrival = s.arrival ORDER BY s.arrival LIMIT ?1)
              UNION ALL
              SELECT * FROM (SELECT 0 AS kind, id, arrival AS behind, 0 AS place FROM {TAIL} ORDER BY arrival LIMIT ?1)
              UNION ALL
              SELECT * FROM (SELECT kind, id, behind, place FROM outbox
                             WHERE kind <> 4 OR NOT EXISTS (SELECT 1 FROM changes_perhaps_sent)
                             ORDER BY behind, place LIMIT ?1))
         ORDER BY behind, place LIMIT ?1",
    ))?;
    let mut rows = statement.query([i64::try_from(max_items.max(1)).unwrap_or(i64::MAX)])?;
    let mut items: Vec<OutItem> = Vec::new();
    let mut n_bytes = 0;
    while let Some(row) = rows.next()? {
        let (kind, id): (i64, Vec<u8>) = (row.get(0)?, row.get(1)?);
        let Some(item) = item(conn, kind, &id)? else { continue };
        n_bytes += item.bytes.len();
        if !items.is_empty() && n_bytes > max_bytes {
            break;
        }
        items.push(item);
    }
    Ok(items)
}

fn item(conn: &Connection, kind: i64, id: &[u8]) -> Result<Option<OutItem>, VaultError> {
    let malformed = VaultError::Malformed("outbox");
    let change = || {
        Ok::<_, VaultError>(ChangeId::from_bytes(
            id.try_into().map_err(|_| VaultError::Malformed("outbox"))?,
        ))
    };
    // What the relay is told about a change that it has: a name without bytes.
    if let 4 | 5 = kind {
        let name = if kind == 4 {
            OutId::Covered(change()?)
        } else {
            OutId::Erased(change()?)
        };
        return Ok(Some(OutItem {
            id: name,
            bytes: Vec::new(),
        }));
    }
    let id16 = || id.try_into().map_err(|_| VaultError::Malformed("outbox"));
    let (name, sql) = match kind {
        0 => (OutId::Change(change()?), "SELECT sealed FROM changes WHERE id = ?1"),
        1 => (
            OutId::Grant(GrantId::from_bytes(id16()?)),
            "SELECT bytes FROM grants WHERE id = ?1",
        ),
        2 => (
            OutId::Revocation(GrantId::from_bytes(id16()?)),
            "SELECT r.bytes FROM revocations r JOIN meta m ON m.key = 'tenant' AND r.source = m.value WHERE grant_id = ?1",
        ),
        3 => (
            OutId::Release(ReleaseId::from_bytes(id16()?)),
            "SELECT bytes FROM releases_made WHERE id = ?1",
        ),
        _ => return Err(malformed),
    };
    let bytes: Option<Vec<u8>> = conn.prepare_cached(sql)?.query_row([id], |row| row.get(0)).optional()?;
    Ok(bytes.map(|bytes| OutItem { id: name, bytes }))
}

/// The relay has these.
pub(crate) fn sent(conn: &Connection, ids: &[OutId]) -> Result<(), VaultError> {
    line_up(conn)?;
    for name in ids {
        let (kind, id) = parts(name);
        take_out(conn, kind, id)?;
    }
    Ok(())
}

/// The relay will never take these.
pub(crate) fn refused(conn: &Connection, items: &[(OutId, Refusal)]) -> Result<(), VaultError> {
    for (name, refusal) in items {
        let (kind, id) = parts(name);
        // A release whose grant is over or revoked meanwhile: nobody needs to hear of it.
        if !(kind == Kind::Release && *refusal == Refusal::NoGrant) {
            conn.prepare_cached("INSERT OR REPLACE INTO refused (kind, id, reason) VALUES (?1, ?2, ?3)")?
                .execute(params![kind as i64, id, reason(*refusal)])?;
        }
        sent(conn, &[*name])?;
    }
    Ok(())
}

/// What the relay refused because it did not know its writer or its epoch waits again, now that statements have come: they
/// go to the relay before it.
pub(crate) fn offer_again(conn: &Connection, membership: &Membership) -> Result<(), VaultError> {
    let mut statement = conn.prepare_cached(
        "SELECT c.id, c.device FROM refused r JOIN changes c ON c.id = r.id WHERE r.kind = ?1 AND r.reason = ?2",
    )?;
    let unknown = reason(Refusal::UnknownDevice);
    let rows = statement.query_map(params![Kind::Change as i64, unknown], |row| {
        Ok((row.get::<_, [u8; 32]>(0)?, DeviceId::from_bytes(row.get(1)?)))
    })?;
    let refused: Vec<([u8; 32], DeviceId)> = rows.collect::<Result<_, _>>()?;
    for (id, device) in refused {
        if membership.device(&device).is_some() || membership.is_removed(&device) {
            conn.prepare_cached("DELETE FROM refused WHERE kind = ?1 AND id = ?2")?
                .execute(params![Kind::Change as i64, id])?;
            put(conn, Kind::Change, &id)?;
        }
    }
    Ok(())
}

/// Everything that this store holds waits again, grants and revocations first: until the relay has them, nothing that this
/// clinic shares is given to others. Of the changes it perhaps has most, and tells so. A release that
/// waits already goes back behind: its grant may have been with the relay, and be lost there now. What was refused is asked
/// anew, too: the relay has yet to answer in this life.
pub(crate) fn put_everything(conn: &Connection) -> Result<(), VaultError> {
    line_up(conn)?;
    conn.execute_batch(&format!(
        "DELETE FROM refused;
         DELETE FROM outbox WHERE kind = 3;
         INSERT OR REPLACE INTO outbox (kind, id, behind)
             SELECT 1, g.id, 0 FROM grants g JOIN meta m ON m.key = 'tenant' AND g.source = m.value;
         INSERT OR REPLACE INTO outbox (kind, id, behind)
             SELECT 2, r.grant_id, 0 FROM revocations r JOIN meta m ON m.key = 'tenant' AND r.source = m.value;
         INSERT OR IGNORE INTO changes_perhaps_sent (arrival) SELECT c.arrival FROM changes c
             WHERE kind >= 0 AND covered_by IS NULL AND length(sealed) <= {MAX_BYTES}
             AND NOT EXISTS (SELECT 1 FROM changes_to_send s WHERE s.arrival = c.arrival);
         INSERT OR IGNORE INTO outbox (kind, id, behind)
             SELECT 4, id, {NEWEST} FROM changes WHERE covered_by IS NOT NULL;
         INSERT OR IGNORE INTO outbox (kind, id, behind)
             SELECT 5, id, {NEWEST} FROM changes WHERE reason = 'erased';
         INSERT OR IGNORE INTO outbox (kind, id, behind)
             SELECT 3, id, {NEWEST} FROM releases_made ORDER BY as_of_ms;",
    ))?;
    Ok(())
}

fn parts(name: &OutId) -> (Kind, &[u8]) {
    match name {
        OutId::Change(id) => (Kind::Change, id.as_bytes()),
        OutId::Grant(id) => (Kind::Grant, id.as_bytes()),
        OutId::Revocation(id) => (Kind::Revocation, id.as_bytes()),
        OutId::Release(id) => (Kind::Release, id.as_bytes()),
        OutId::Covered(id) => (Kind::Covered, id.as_bytes()),
        OutId::Erased(id) => (Kind::Erased, id.as_bytes()),
    }
}

fn reason(refusal: Refusal) -> &'static str {
    match refusal {
        Refusal::Malformed => "malformed",
        Refusal::BadSignature => "bad_signature",
        Refusal::UnknownDevice => "unknown_device",
        Refusal::WrongTenant => "wrong_tenant",
        Refusal::NoGrant => "no_grant",
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;
    use crate::commits::Count;
    use crate::{schema, set};

    fn names(conn: &Connection) -> Vec<OutId> {
        let items = oldest(conn, 10, 1 << 20).unwrap();
        assert_eq!(pending(conn).unwrap(), items.len() as u64);
        items.into_iter().map(|item| item.id).collect()
    }

    fn change(n: u8) -> ChangeId {
        ChangeId::from_bytes([n; 32])
    }

    fn store(conn: &Connection, n: u8) {
        let sql = "INSERT INTO changes (arrival, id, document, device, opening, number, kind, verdict, sealed)
                   VALUES (?1, ?2, x'', x'', x'', ?1, 0, 0, x'01')";
        conn.execute(sql, params![n, [n; 32]]).unwrap();
    }

    fn of_an_older_build() -> Connection {
        let mut conn = Connection::open_in_memory().unwrap();
        schema::migrate_to(&mut conn, 8);
        (1..=4).for_each(|n| store(&conn, n));
        conn.execute("INSERT INTO grants VALUES (?1, x'', x'', 0, 0, x'02', 1)", [[7; 16]])
            .unwrap();
        let waits: [(i64, &[u8]); 5] = [
            (0, &[1; 32]),
            (4, &[2; 32]),
            (0, &[4; 32]),
            (1, &[7; 16]),
            (0, &[3; 32]),
        ];
        for (kind, id) in waits {
            conn.execute("INSERT INTO outbox (kind, id) VALUES (?1, ?2)", params![kind, id])
                .unwrap();
        }
        schema::migrate(&mut conn).unwrap();
        conn
    }

    #[test]
    fn what_waited_in_a_store_of_an_older_build_waits_grants_first_and_the_covered_last() {
        let conn = of_an_older_build();
        let all = [
            OutId::Grant(GrantId::from_bytes([7; 16])),
            OutId::Change(change(1)),
            OutId::Change(change(3)),
            OutId::Change(change(4)),
            OutId::Covered(change(2)),
        ];
        assert_eq!(names(&conn), all);
        sent(&conn, &all[..2]).unwrap();
        assert_eq!(names(&conn), all[2..]);
    }

    #[test]
    fn what_comes_later_waits_behind_what_was_there_and_a_change_that_goes_waits_no_more() {
        let conn = of_an_older_build();
        store(&conn, 5);
        put(&conn, Kind::Covered, change(1).as_bytes()).unwrap();
        store(&conn, 6);
        for n in [6, 5, 6, 9] {
            put(&conn, Kind::Change, change(n).as_bytes()).unwrap();
        }
        let last = [
            OutId::Change(change(5)),
            OutId::Covered(change(1)),
            OutId::Change(change(6)),
        ];
        assert_eq!(names(&conn)[5..], last);
        conn.execute("DELETE FROM changes WHERE arrival = 6", []).unwrap();
        assert_eq!(names(&conn)[5..], last[..2]);
    }

    fn make(conn: &Connection, n: u8) {
        store(conn, n);
        conn.execute("UPDATE changes SET made_in = 1 WHERE arrival = ?1", [n])
            .unwrap();
    }

    fn n_rows(conn: &Connection) -> i64 {
        let sql = "SELECT count(*) FROM changes_to_send";
        conn.query_row(sql, [], |row| row.get(0)).unwrap()
    }

    #[test]
    fn what_was_made_here_waits_without_a_row_and_goes_as_any_other() {
        let conn = of_an_older_build();
        let before = (names(&conn), n_rows(&conn));
        make(&conn, 5);
        store(&conn, 6); // from another device
        put(&conn, Kind::Covered, change(1).as_bytes()).unwrap();
        make(&conn, 7);
        make(&conn, 8);
        let (five, covered) = (OutId::Change(change(5)), OutId::Covered(change(1)));
        let (seven, eight) = (OutId::Change(change(7)), OutId::Change(change(8)));
        assert_eq!(names(&conn)[before.0.len()..], [five, covered, seven, eight]);
        assert_eq!(n_rows(&conn), before.1);

        sent(&conn, &[seven]).unwrap();
        assert_eq!(names(&conn)[before.0.len()..], [five, covered, eight]);
        assert_eq!(n_rows(&conn), before.1 + 2);
        line_up(&conn).unwrap();
        make(&conn, 9);
        assert_eq!(
            names(&conn)[before.0.len()..],
            [five, covered, eight, OutId::Change(change(9))]
        );
    }

    #[test]
    fn what_was_made_here_is_found_by_its_number_before_and_after_it_is_in_line() {
        let conn = of_an_older_build();
        let sql = set::by_number("number", "device = x'' AND opening = x'' AND number > 0");
        let numbers = || -> Vec<i64> {
            let mut statement = conn.prepare(&sql).unwrap();
            let rows = statement.query_map([], |row| row.get(0)).unwrap();
            rows.collect::<Result<_, _>>().unwrap()
        };
        (5..=6).for_each(|n| make(&conn, n));
        assert_eq!(numbers(), [1, 2, 3, 4, 5, 6]);
        line_up(&conn).unwrap();
        make(&conn, 7);
        assert_eq!(numbers(), [1, 2, 3, 4, 5, 6, 7]);
        let all = "SELECT count(*) FROM changes INDEXED BY changes_of_opening WHERE made_in IS NULL";
        assert_eq!(conn.query_row(all, [], |row| row.get::<_, i64>(0)).unwrap(), 6);

        let mut plan = conn.prepare(&format!("EXPLAIN QUERY PLAN {sql}")).unwrap();
        let steps = plan.query_map([], |row| row.get::<_, String>(3)).unwrap();
        let steps: Vec<String> = steps.collect::<Result<_, _>>().unwrap();
        let is_used = |with: &str| steps.iter().any(|step| step.contains(with));
        assert!(is_used("changes_of_opening"), "{steps:?}");
        assert!(is_used("rowid>?") && !is_used("SCAN changes"), "{steps:?}");
    }

    /// The build before said of every change of its own in which commit it was made.
    #[test]
    fn a_store_that_still_says_so_of_what_is_in_line_counts_and_sends_as_before() {
        for lined_up in 0..=3 {
            let mut conn = Connection::open_in_memory().unwrap();
            schema::migrate_to(&mut conn, 14);
            conn.execute("INSERT INTO meta VALUES ('commit', 4)", []).unwrap();
            for n in 1..=3 {
                store(&conn, n);
                let sql = "UPDATE changes SET made_in = 4 + arrival WHERE arrival = ?1";
                conn.execute(sql, [n]).unwrap();
            }
            let sql = "INSERT INTO changes_to_send (arrival) SELECT arrival FROM changes WHERE arrival <= ?1";
            conn.execute(sql, [lined_up]).unwrap();
            conn.execute("UPDATE meta SET value = ?1 WHERE key = 'lined_up'", [lined_up])
                .unwrap();
            schema::migrate(&mut conn).unwrap();
            assert_eq!(Count::read(&conn).unwrap().commit, 7);
            assert_eq!(names(&conn), [1, 2, 3].map(|n| OutId::Change(change(n))));
            let sql = "SELECT count(*) FROM changes WHERE made_in IS NULL";
            let n_listed: i64 = conn.query_row(sql, [], |row| row.get(0)).unwrap();
            assert_eq!(n_listed, i64::from(lined_up));
        }
    }

    #[test]
    fn a_change_at_the_place_of_one_that_is_gone_waits_as_well() {
        let conn = of_an_older_build();
        (5..=7).for_each(|n| make(&conn, n));
        let all = [5, 6, 7].map(|n| OutId::Change(change(n)));
        sent(&conn, &all).unwrap();
        let others = names(&conn).len();
        conn.execute_batch("DELETE FROM changes WHERE arrival = 6; DELETE FROM changes WHERE arrival = 7")
            .unwrap();
        make(&conn, 6);
        assert_eq!(names(&conn)[others..], all[1..2]);
    }
}
