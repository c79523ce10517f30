//! Two documents that claim one row.
//!
//! No build of ours gives an id to two things, and a hostile member can. The row is then that of the lower owner (patient or
//! day), whatever was heard first; those of the others stand beside, and the next one takes its place when the lower one claims
//! it no more. Nobody can tell which of them is genuine: that there are two is told (`Reading::claimed_twice`).

use rusqlite::{Connection, OptionalExtension, ToSql, params};

use crate::reading::count;
use crate::{Reading, VaultError};

/// A table of rows with ids of their own, and its column that says whose document a row is from. `<table>_beside` has the same
/// columns.
pub(super) struct Claimed {
    table: &'static str,
    owner: &'static str,
}

pub(super) const VISITS: Claimed = Claimed {
    table: "p_visits",
    owner: "patient",
};
pub(super) const QUEUE: Claimed = Claimed {
    table: "p_queue",
    owner: "day",
};
pub(super) const RECORDINGS: Claimed = Claimed {
    table: "p_recordings",
    owner: "patient",
};

impl Claimed {
    /// The table into which this owner's row goes. A row of a higher owner's that stands there makes place.
    pub(super) fn place(&self, conn: &Connection, id: &[u8; 16], owner: impl ToSql) -> Result<String, VaultError> {
        let Self { table, owner: whose } = self;
        let standing: Option<(bool, bool)> = conn
            .prepare_cached(&format!("SELECT {whose} < ?2, {whose} > ?2 FROM {table} WHERE id = ?1"))?
            .query_row(params![id, owner], |row| Ok((row.get(0)?, row.get(1)?)))
            .optional()?;
        match standing {
            Some((true, _)) => {
                tracing::warn!(table, "two documents claim one id");
                return Ok(format!("{table}_beside"));
            }
            Some((_, true)) => {
                tracing::warn!(table, "two documents claim one id");
                let aside = format!("INSERT OR REPLACE INTO {table}_beside SELECT * FROM {table} WHERE id = ?1");
                conn.prepare_cached(&aside)?.execute([id])?;
                conn.prepare_cached(&format!("DELETE FROM {table} WHERE id = ?1"))?
                    .execute([id])?;
            }
            _ => {}
        }
        Ok((*table).to_owned())
    }

    /// This owner claims a row no more: what the next one claims takes its place.
    pub(super) fn withdraw(&self, conn: &Connection, id: &[u8; 16], owner: impl ToSql) -> Result<(), VaultError> {
        let Self { table, owner: whose } = self;
        let claim = params![id, owner];
        let sql = format!("DELETE FROM {table} WHERE id = ?1 AND {whose} = ?2");
        if conn.prepare_cached(&sql)?.execute(claim)? == 0 {
            let sql = format!("DELETE FROM {table}_beside WHERE id = ?1 AND {whose} = ?2");
            conn.prepare_cached(&sql)?.execute(claim)?;
            return Ok(());
        }
        let sql = format!("INSERT INTO {table} SELECT * FROM {table}_beside WHERE id = ?1 ORDER BY {whose} LIMIT 1");
        if conn.prepare_cached(&sql)?.execute([id])? > 0 {
            let sql = format!(
                "DELETE FROM {table}_beside WHERE id = ?1 AND {whose} = (SELECT {whose} FROM {table} WHERE id = ?1)"
            );
            conn.prepare_cached(&sql)?.execute([id])?;
        }
        Ok(())
    }
}

impl Reading<'_> {
    /// How many rows have to stand beside others: of visits, of the queue, of recordings. More than none means that a device
    /// gave an id to two things: it is broken, or somebody tampers with it.
    pub fn claimed_twice(&self) -> Result<u64, VaultError> {
        let sql = "SELECT (SELECT count(*) FROM p_visits_beside) + (SELECT count(*) FROM p_queue_beside)
                        + (SELECT count(*) FROM p_recordings_beside)";
        Ok(self.one(sql, [], |row| Ok(count(row, 0)?))?.unwrap_or(0))
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use std::collections::{BTreeMap, BTreeSet};

    use proptest::prelude::*;

    use super::*;
    use crate::{rebuild, schema};

    const ID: [u8; 16] = [7; 16];

    fn tables() -> Connection {
        let mut conn = Connection::open_in_memory().unwrap();
        schema::migrate(&mut conn).unwrap();
        schema::renew_projections(&conn).unwrap();
        conn
    }

    fn claim(conn: &Connection, owner: u8, words: u8) {
        let table = VISITS.place(conn, &ID, [owner; 16]).unwrap();
        let sql = format!("INSERT OR REPLACE INTO {table} (id, patient, opened_ms, json) VALUES (?1, ?2, 0, ?3)");
        conn.execute(&sql, params![ID, [owner; 16], words.to_string()]).unwrap();
    }

    fn rows(conn: &Connection) -> Vec<String> {
        let mut rows = rebuild::dump(conn).unwrap();
        rows.retain(|row| row.starts_with("p_visits"));
        rows
    }

    proptest! {
        #![proptest_config(ProptestConfig { cases: 64, failure_persistence: None, ..ProptestConfig::default() })]

        #[test]
        fn whoever_claims_what_when_the_rows_are_those_of_the_claims_that_stand(
            steps in prop::collection::vec((0u8..4, 0u8..5), 0..24),
        ) {
            let (one, other) = (tables(), tables());
            let mut stand = BTreeMap::new();
            for (owner, words) in steps {
                if words == 0 {
                    VISITS.withdraw(&one, &ID, [owner; 16]).unwrap();
                    stand.remove(&owner);
                } else {
                    claim(&one, owner, words);
                    stand.insert(owner, words);
                }
            }
            // Claimed once each, the highest first.
            stand.iter().rev().for_each(|(owner, words)| claim(&other, *owner, *words));
            prop_assert_eq!(rows(&one), rows(&other));
            let shown: BTreeSet<Vec<u8>> = one
                .prepare("SELECT patient FROM p_visits").unwrap()
                .query_map([], |row| row.get(0)).unwrap()
                .collect::<Result<_, _>>().unwrap();
            prop_assert_eq!(shown, stand.keys().take(1).map(|owner| vec![*owner; 16]).collect());
        }
    }
}
