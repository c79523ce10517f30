//! Holes in what devices wrote: which numbers of each opening are here, kept as ranges in the transaction that changes the
//! set, so that the question costs nothing however much is here.
//!
//! An opening of this device has no ranges while nothing but its own writes happened to it: these have no holes, and a write
//! need not write down that it was made. Its ranges are made from the set as soon as anything else happens to it.

use rusqlite::{Connection, OptionalExtension, params};
use seal::{DeviceId, Header, OpeningId};

use crate::outbox::TAIL;
use crate::reading::count;
use crate::set::by_number;
use crate::{Reading, VaultError};

/// A device's opening of which something was written that has not come here.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct MissingSince {
    /// The device.
    pub device: DeviceId,
    /// Its opening.
    pub opening: OpeningId,
    /// The first number that is not here.
    pub number: u64,
}

/// The place of a change among those that a device wrote.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Place {
    pub device: DeviceId,
    pub opening: OpeningId,
    pub number: u64,
}

impl Place {
    pub(crate) fn of(header: &Header) -> Self {
        Self {
            device: header.device,
            opening: header.opening,
            number: header.number,
        }
    }

    fn follows(&self, other: &Self) -> bool {
        (self.device, self.opening) == (other.device, other.opening) && Some(self.number) == other.number.checked_add(1)
    }
}

/// These are here now, or are known to be in something that is. Numbers begin at 1.
pub(crate) fn fill(conn: &Connection, places: impl IntoIterator<Item = Place>) -> Result<(), VaultError> {
    let mut places: Vec<Place> = places.into_iter().filter(|place| place.number > 0).collect();
    places.sort_unstable();
    places.dedup();
    for run in places.chunk_by(|one, next| next.follows(one)) {
        let (first, last) = (run[0], run[run.len() - 1]);
        let stored = |number: u64| i64::try_from(number).unwrap_or(i64::MAX);
        join(
            conn,
            &first.device,
            &first.opening,
            stored(first.number),
            stored(last.number),
        )?;
    }
    Ok(())
}

/// A range of numbers, ends included, is known to be in a snapshot that is here.
pub(crate) fn fill_range(
    conn: &Connection,
    device: &DeviceId,
    opening: &OpeningId,
    (first, last): (u64, u64),
) -> Result<(), VaultError> {
    let stored = |number: u64| i64::try_from(number).unwrap_or(i64::MAX);
    join(conn, device, opening, stored(first), stored(last))
}

/// This device wrote the next change of its opening.
pub(crate) fn fill_own(conn: &Connection, place: Place) -> Result<(), VaultError> {
    // The one before it is nearly always among the last that were made.
    let sql = format!(
        "SELECT EXISTS (SELECT 1 FROM numbers_here WHERE device = ?1 AND opening = ?2) OR ?3 > 1
         AND (SELECT 1 FROM {TAIL} AND opening = ?2 AND number = ?3 - 1 ORDER BY arrival DESC LIMIT 1) IS NULL
         AND NOT EXISTS (SELECT 1 FROM changes
                         WHERE made_in IS NULL AND device = ?1 AND opening = ?2 AND number = ?3 - 1)"
    );
    let number = i64::try_from(place.number).unwrap_or(i64::MAX);
    let row = params![place.device.as_bytes(), place.opening.as_bytes(), number];
    if conn.prepare_cached(&sql)?.query_row(row, |row| row.get(0))? {
        fill(conn, [place])?;
    }
    Ok(())
}

fn has_ranges(conn: &Connection, device: &DeviceId, opening: &OpeningId) -> Result<bool, VaultError> {
    let sql = "SELECT EXISTS (SELECT 1 FROM numbers_here WHERE device = ?1 AND opening = ?2)";
    let row = params![device.as_bytes(), opening.as_bytes()];
    Ok(conn.prepare_cached(sql)?.query_row(row, |row| row.get(0))?)
}

/// Makes the ranges of an opening that has none from what is here.
fn make_ranges(conn: &Connection, device: &DeviceId, opening: &OpeningId) -> Result<(), VaultError> {
    if has_ranges(conn, device, opening)? {
        return Ok(());
    }
    let numbers = by_number("number", "device = ?1 AND opening = ?2 AND number > 0");
    let sql = format!(
        "INSERT INTO numbers_here (device, opening, first, last)
         SELECT ?1, ?2, min(number), max(number)
         FROM (SELECT number, number - dense_rank() OVER (ORDER BY number) AS run FROM ({numbers}))
         GROUP BY run"
    );
    conn.prepare_cached(&sql)?
        .execute(params![device.as_bytes(), opening.as_bytes()])?;
    Ok(())
}

/// Puts a range in, as one with those that it overlaps or touches.
fn join(
    conn: &Connection,
    device: &DeviceId,
    opening: &OpeningId,
    mut first: i64,
    mut last: i64,
) -> Result<(), VaultError> {
    make_ranges(conn, device, opening)?;
    let mut swallowed = Vec::new();
    let mut below = conn.prepare_cached(
        "SELECT first, last FROM numbers_here WHERE device = ?1 AND opening = ?2 AND first <= ?3 ORDER BY first DESC",
    )?;
    let mut rows = below.query(params![device.as_bytes(), opening.as_bytes(), last.saturating_add(1)])?;
    while let Some(row) = rows.next()? {
        let (other_first, other_last): (i64, i64) = (row.get(0)?, row.get(1)?);
        if other_first <= first && last <= other_last {
            return Ok(());
        }
        // Ranges do not overlap each other: the others end before this one.
        if other_last < first.saturating_sub(1) {
            break;
        }
        (first, last) = (first.min(other_first), last.max(other_last));
        swallowed.push(other_first);
    }
    drop(rows);
    if swallowed == [first] {
        conn.prepare_cached("UPDATE numbers_here SET last = ?4 WHERE device = ?1 AND opening = ?2 AND first = ?3")?
            .execute(params![device.as_bytes(), opening.as_bytes(), first, last])?;
        return Ok(());
    }
    for other_first in swallowed {
        conn.prepare_cached("DELETE FROM numbers_here WHERE device = ?1 AND opening = ?2 AND first = ?3")?
            .execute(params![device.as_bytes(), opening.as_bytes(), other_first])?;
    }
    conn.prepare_cached("INSERT INTO numbers_here (device, opening, first, last) VALUES (?1, ?2, ?3, ?4)")?
        .execute(params![device.as_bytes(), opening.as_bytes(), first, last])?;
    Ok(())
}

/// What stood at this place was taken out of the set, for whoever has it to give it again: it is a hole now.
pub(crate) fn dig(conn: &Connection, place: &Place) -> Result<(), VaultError> {
    let (device, opening) = (place.device.as_bytes(), place.opening.as_bytes());
    let Ok(number) = i64::try_from(place.number) else {
        return Ok(());
    };
    make_ranges(conn, &place.device, &place.opening)?;
    let around: Option<(i64, i64)> = conn
        .prepare_cached(
            "DELETE FROM numbers_here WHERE device = ?1 AND opening = ?2 AND last >= ?3 AND first =
                 (SELECT max(first) FROM numbers_here WHERE device = ?1 AND opening = ?2 AND first <= ?3)
             RETURNING first, last",
        )?
        .query_row(params![device, opening, number], |row| Ok((row.get(0)?, row.get(1)?)))
        .optional()?;
    let Some((first, last)) = around else { return Ok(()) };
    for (first, last) in [(first, number - 1), (number.saturating_add(1), last)] {
        if first <= last {
            conn.prepare_cached("INSERT INTO numbers_here (device, opening, first, last) VALUES (?1, ?2, ?3, ?4)")?
                .execute(params![device, opening, first, last])?;
        }
    }
    Ok(())
}

impl Reading<'_> {
    /// Each opening numbers its changes from 1 without gaps: the first number of each that is not here, though a later one is.
    pub(crate) fn missing(&self) -> Result<Vec<MissingSince>, VaultError> {
        let with_holes = self.many(
            "SELECT DISTINCT device, opening FROM numbers_here WHERE first > 1 ORDER BY device, opening",
            [],
            |row| Ok((DeviceId::from_bytes(row.get(0)?), OpeningId::from_bytes(row.get(1)?))),
        )?;
        let holes = with_holes.into_iter().map(|(device, opening)| {
            let sql = "SELECT last FROM numbers_here WHERE device = ?1 AND opening = ?2 AND first = 1";
            let upto = self.one(sql, params![device.as_bytes(), opening.as_bytes()], |row| {
                Ok(count(row, 0)?)
            })?;
            let number = upto.unwrap_or(0) + 1;
            Ok(MissingSince {
                device,
                opening,
                number,
            })
        });
        holes.collect()
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use std::collections::BTreeSet;

    use rand_chacha::ChaCha20Rng;
    use rand_core::{Rng, SeedableRng};

    use super::*;

    fn empty() -> Connection {
        let conn = Connection::open_in_memory().unwrap();
        conn.execute_batch(
            "CREATE TABLE numbers_here (device BLOB, opening BLOB, first INTEGER, last INTEGER,
             PRIMARY KEY (device, opening, first)) WITHOUT ROWID;
             CREATE TABLE meta (key TEXT, value ANY);
             INSERT INTO meta VALUES ('lined_up', 0);
             CREATE TABLE changes (arrival INTEGER PRIMARY KEY, device BLOB, opening BLOB, number INTEGER, made_in INTEGER)",
        )
        .unwrap();
        conn
    }

    fn store(conn: &Connection, place: &Place, made_in: Option<i64>) {
        let number = i64::try_from(place.number).unwrap();
        let row = params![place.device.as_bytes(), place.opening.as_bytes(), number, made_in];
        let sql = "INSERT INTO changes (device, opening, number, made_in) VALUES (?1, ?2, ?3, ?4)";
        conn.execute(sql, row).unwrap();
    }

    fn write_own(conn: &Connection, number: u64) {
        store(conn, &place(number), Some(1));
        fill_own(conn, place(number)).unwrap();
    }

    fn line_up(conn: &Connection) {
        conn.execute_batch(
            "UPDATE meta SET value = (SELECT max(arrival) FROM changes); UPDATE changes SET made_in = NULL",
        )
        .unwrap();
    }

    fn take_out(conn: &Connection, number: u64) {
        let stored = i64::try_from(number).unwrap();
        conn.execute("DELETE FROM changes WHERE number = ?1", [stored]).unwrap();
        dig(conn, &place(number)).unwrap();
    }

    fn place(number: u64) -> Place {
        Place {
            device: DeviceId::from_bytes([1; 32]),
            opening: OpeningId::from_bytes([2; 16]),
            number,
        }
    }

    fn ranges(conn: &Connection) -> Vec<(i64, i64)> {
        let mut all = conn
            .prepare("SELECT first, last FROM numbers_here ORDER BY first")
            .unwrap();
        let rows = all.query_map([], |row| Ok((row.get(0)?, row.get(1)?))).unwrap();
        rows.collect::<Result<_, _>>().unwrap()
    }

    /// The ranges that a set of numbers has.
    fn ranges_of(numbers: &BTreeSet<i64>) -> Vec<(i64, i64)> {
        let numbers: Vec<i64> = numbers.iter().copied().collect();
        let runs = numbers.chunk_by(|one, next| one + 1 == *next);
        runs.map(|run| (run[0], run[run.len() - 1])).collect()
    }

    #[test]
    fn numbers_that_come_in_any_order_and_go_again_are_the_ranges_of_what_is_here() {
        for seed in 0..40 {
            let mut rng = ChaCha20Rng::seed_from_u64(seed);
            let (conn, mut here) = (empty(), BTreeSet::new());
            for _ in 0..60 {
                if rng.next_u32().is_multiple_of(5) {
                    let number = u64::from(rng.next_u32() % 30);
                    dig(&conn, &place(number)).unwrap();
                    here.remove(&i64::try_from(number).unwrap());
                } else {
                    let some: Vec<u64> = (0..rng.next_u32() % 6)
                        .map(|_| u64::from(rng.next_u32() % 30))
                        .collect();
                    fill(&conn, some.iter().map(|number| place(*number))).unwrap();
                    here.extend(
                        some.iter()
                            .filter(|number| **number > 0)
                            .map(|number| i64::try_from(*number).unwrap()),
                    );
                }
                assert_eq!(ranges(&conn), ranges_of(&here), "seed {seed}");
            }
        }
    }

    #[test]
    fn an_opening_of_ones_own_has_ranges_once_something_else_happens_to_it() {
        let conn = empty();
        (1..=2).for_each(|number| write_own(&conn, number));
        line_up(&conn);
        (3..=4).for_each(|number| write_own(&conn, number));
        assert_eq!(ranges(&conn), []);
        take_out(&conn, 2);
        assert_eq!(ranges(&conn), [(1, 1), (3, 4)]);
        write_own(&conn, 5);
        assert_eq!(ranges(&conn), [(1, 1), (3, 5)]);
    }

    #[test]
    fn what_comes_of_an_opening_of_ones_own_joins_what_is_here() {
        let conn = empty();
        (1..=3).for_each(|number| write_own(&conn, number));
        // The store was put back: what was written since comes from the others.
        for number in [4, 6] {
            store(&conn, &place(number), None);
        }
        fill(&conn, [place(4), place(6)]).unwrap();
        assert_eq!(ranges(&conn), [(1, 4), (6, 6)]);
    }

    #[test]
    fn a_first_change_that_was_taken_out_is_a_hole_for_the_next() {
        let conn = empty();
        write_own(&conn, 1);
        take_out(&conn, 1);
        assert_eq!(ranges(&conn), []);
        write_own(&conn, 2);
        assert_eq!(ranges(&conn), [(2, 2)]);
    }

    #[test]
    fn the_highest_number_there_is_breaks_nothing() {
        let conn = empty();
        fill(&conn, [place(u64::MAX), place(u64::MAX - 1), place(1)]).unwrap();
        fill(&conn, [place(u64::MAX)]).unwrap();
        assert_eq!(ranges(&conn), [(1, 1), (i64::MAX, i64::MAX)]);
    }
}
