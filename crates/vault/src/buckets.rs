//! The prefix trees of both sets, kept in the transaction that changes a set: what peers compare.
//!
//! One level is stored. What is above it is the sum of sixteen; what is below, of which there is as much as changes for a
//! long time, is summed up from the ids when it is asked for. An answer reads at most 256 rows, or the ids of one part in
//! 256.
//!
//! A change is not counted in by whoever writes it: she would wait for a page more. What came behind the place
//! `counted_in` is counted by whoever asks, and for good with the next batch that comes, or after some dozen writes.

use rusqlite::{Connection, OptionalExtension, params};
use sync_protocol::tree::FAN_OUT;
use sync_protocol::{Bucket, ItemId, PeerSet, Prefix};

use crate::reading::count;
use crate::{VaultError, sharing};

/// The level that is stored.
const STORED: u8 = 2;

/// One more id. The caller knows that it was not in; a change was counted in before ([`count_in`]).
pub(crate) fn add(conn: &Connection, set: PeerSet, id: &ItemId) -> Result<(), VaultError> {
    change(conn, set, std::slice::from_ref(id), Bucket::add)
}

/// One id less. The caller knows that it was in; a change was counted in before ([`count_in`]).
pub(crate) fn remove(conn: &Connection, set: PeerSet, id: &ItemId) -> Result<(), VaultError> {
    change(conn, set, std::slice::from_ref(id), Bucket::remove)
}

/// Counts every live change in that was left so far: with a batch that came, and before one of them is live no longer.
pub(crate) fn count_in(conn: &Connection) -> Result<(), VaultError> {
    let left = left(conn)?;
    if left.is_empty() {
        return Ok(());
    }
    change(conn, PeerSet::Changes, &left, Bucket::add)?;
    all_are_in(conn)
}

fn all_are_in(conn: &Connection) -> Result<(), VaultError> {
    let sql = "INSERT OR REPLACE INTO meta (key, value) SELECT 'counted_in', coalesce(max(arrival), 0) FROM changes";
    conn.prepare_cached(sql)?.execute([])?;
    Ok(())
}

/// The live changes that are not counted in.
fn left(conn: &Connection) -> Result<Vec<ItemId>, VaultError> {
    let sql = "SELECT id FROM changes WHERE arrival > (SELECT value FROM meta WHERE key = 'counted_in')
               AND covered_by IS NULL";
    let mut statement = conn.prepare_cached(sql)?;
    let ids = statement.query_map([], |row| Ok(ItemId::from_bytes(row.get(0)?)))?;
    Ok(ids.collect::<Result<_, _>>()?)
}

fn change(
    conn: &Connection,
    set: PeerSet,
    ids: &[ItemId],
    change: impl Fn(&mut Bucket, &ItemId),
) -> Result<(), VaultError> {
    let mut ids: Vec<&ItemId> = ids.iter().collect();
    ids.sort_unstable();
    for together in ids.chunk_by(|one, next| Prefix::of(one, STORED) == Prefix::of(next, STORED)) {
        let prefix = Prefix::of(together[0], STORED);
        let mut bucket = stored(conn, set, prefix)?;
        together.iter().for_each(|id| change(&mut bucket, id));
        put(conn, set, prefix, &bucket)?;
    }
    Ok(())
}

fn stored(conn: &Connection, set: PeerSet, prefix: Prefix) -> Result<Bucket, VaultError> {
    let bucket = conn
        .prepare_cached("SELECT n, sum FROM buckets WHERE of = ?1 AND prefix = ?2")?
        .query_row(params![set as i64, prefix.number()], |row| {
            Ok(Bucket {
                n: count(row, 0)?,
                sum: row.get(1)?,
            })
        })
        .optional()?;
    Ok(bucket.unwrap_or_default())
}

fn put(conn: &Connection, set: PeerSet, prefix: Prefix, bucket: &Bucket) -> Result<(), VaultError> {
    if bucket.is_empty() {
        conn.prepare_cached("DELETE FROM buckets WHERE of = ?1 AND prefix = ?2")?
            .execute(params![set as i64, prefix.number()])?;
        return Ok(());
    }
    let n = i64::try_from(bucket.n).map_err(|_| VaultError::Malformed("buckets"))?;
    conn.prepare_cached("INSERT OR REPLACE INTO buckets (of, prefix, n, sum) VALUES (?1, ?2, ?3, ?4)")?
        .execute(params![set as i64, prefix.number(), n, bucket.sum])?;
    Ok(())
}

/// The buckets of a prefix's children, in order; empty ones where it has no children.
pub(crate) fn children(conn: &Connection, set: PeerSet, prefix: Prefix) -> Result<[Bucket; FAN_OUT], VaultError> {
    let mut buckets = [Bucket::default(); FAN_OUT];
    let Some(children) = prefix.children() else {
        return Ok(buckets);
    };
    let (first, last) = (children[0], children[FAN_OUT - 1]);
    // A child that is not stored is the sum of the sixteen below it, or of its ids.
    let Some(n_levels) = STORED.checked_sub(first.depth()) else {
        return summed_up(conn, set, prefix);
    };
    let n_bits = 4 * u32::from(n_levels);
    let (from, to) = (first.number() << n_bits, (last.number() + 1) << n_bits);
    let mut statement =
        conn.prepare_cached("SELECT prefix, n, sum FROM buckets WHERE of = ?1 AND prefix >= ?2 AND prefix < ?3")?;
    let mut rows = statement.query(params![set as i64, from, to])?;
    while let Some(row) = rows.next()? {
        let number: u32 = row.get(0)?;
        let bucket = Bucket {
            n: count(row, 1)?,
            sum: row.get(2)?,
        };
        buckets[((number >> n_bits) - first.number()) as usize].join(&bucket);
    }
    if set == PeerSet::Changes {
        for id in left(conn)?.iter().filter(|id| prefix.holds(id)) {
            let child = Prefix::of(id, first.depth());
            buckets[(child.number() - first.number()) as usize].add(id);
        }
    }
    Ok(buckets)
}

/// The children of a prefix on the stored level or below it. Only indexes are read.
fn summed_up(conn: &Connection, set: PeerSet, prefix: Prefix) -> Result<[Bucket; FAN_OUT], VaultError> {
    let mut buckets = [Bucket::default(); FAN_OUT];
    let mut each = |sql: &str, change: fn(&mut Bucket, &ItemId)| -> Result<(), VaultError> {
        let (first, last) = prefix.bounds();
        let mut statement = conn.prepare_cached(sql)?;
        let mut rows = statement.query(params![first.as_bytes(), last.as_bytes()])?;
        while let Some(row) = rows.next()? {
            let id = ItemId::from_bytes(row.get(0)?);
            let child = Prefix::of(&id, prefix.depth() + 1).number() as usize % FAN_OUT;
            change(&mut buckets[child], &id);
        }
        Ok(())
    };
    match set {
        PeerSet::Consents => each(
            "SELECT name FROM consent_names WHERE name >= ?1 AND name <= ?2",
            Bucket::add,
        )?,
        PeerSet::Changes => {
            each("SELECT id FROM changes WHERE id >= ?1 AND id <= ?2", Bucket::add)?;
            let covered = "SELECT id FROM changes INDEXED BY changes_covered_by_id
                           WHERE covered_by IS NOT NULL AND id >= ?1 AND id <= ?2";
            each(covered, Bucket::remove)?;
        }
    }
    Ok(buckets)
}

/// How many ids are in.
pub(crate) fn total(conn: &Connection, set: PeerSet) -> Result<u64, VaultError> {
    Ok(children(conn, set, Prefix::ROOT)?.iter().map(|bucket| bucket.n).sum())
}

/// Makes both trees anew from what is held; a store of an older build has none.
pub(crate) fn make(conn: &Connection) -> Result<(), VaultError> {
    sharing::make_consent_names(conn)?;
    conn.execute("DELETE FROM buckets", [])?;
    all_are_in(conn)?;
    for set in PeerSet::ALL {
        summed(conn, set, |prefix, bucket| put(conn, set, prefix, bucket))?;
    }
    conn.execute("INSERT OR REPLACE INTO meta (key, value) VALUES ('buckets', 1)", [])?;
    Ok(())
}

/// Whether [`make`] was ever called on this store.
pub(crate) fn were_made(conn: &Connection) -> Result<bool, VaultError> {
    let made = conn.query_row("SELECT 1 FROM meta WHERE key = 'buckets'", [], |_| Ok(()));
    Ok(made.optional()?.is_some())
}

/// Whether both trees, and the names of grants and revocations, are those of what is held.
pub(crate) fn hold(conn: &Connection) -> Result<bool, VaultError> {
    let (mut same, mut n_buckets) = (sharing::consent_names_hold(conn)?, 0_u64);
    for set in PeerSet::ALL {
        summed(conn, set, |prefix, bucket| {
            n_buckets += 1;
            same &= stored(conn, set, prefix)? == *bucket;
            Ok(())
        })?;
    }
    let n_stored = conn.query_row("SELECT count(*) FROM buckets", [], |row| count(row, 0))?;
    Ok(same && n_buckets == n_stored)
}

/// Tells the stored level's buckets, summed up in the order of the ids that are counted in: one pass, and no tree in memory.
fn summed(
    conn: &Connection,
    set: PeerSet,
    mut tell: impl FnMut(Prefix, &Bucket) -> Result<(), VaultError>,
) -> Result<(), VaultError> {
    let mut open: Option<(Prefix, Bucket)> = None;
    let mut statement = conn.prepare(match set {
        PeerSet::Consents => "SELECT name FROM consent_names ORDER BY name",
        PeerSet::Changes => {
            "SELECT id FROM changes WHERE covered_by IS NULL
             AND arrival <= (SELECT value FROM meta WHERE key = 'counted_in') ORDER BY id"
        }
    })?;
    let mut rows = statement.query([])?;
    while let Some(row) = rows.next()? {
        let id = ItemId::from_bytes(row.get(0)?);
        let prefix = Prefix::of(&id, STORED);
        if let Some((of, whole)) = open.take_if(|(of, _)| *of != prefix) {
            tell(of, &whole)?;
        }
        open.get_or_insert_with(|| (prefix, Bucket::default())).1.add(&id);
    }
    open.iter().try_for_each(|(prefix, bucket)| tell(*prefix, bucket))
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use rand_chacha::ChaCha20Rng;
    use rand_core::{Rng, SeedableRng};

    use super::*;

    /// Ids that share their beginnings; some are covered, and the last are not counted in.
    fn held(conn: &Connection) -> Vec<ItemId> {
        conn.execute_batch(
            "CREATE TABLE meta (key PRIMARY KEY, value) WITHOUT ROWID;
             INSERT INTO meta VALUES ('counted_in', 0);
             CREATE TABLE changes (arrival INTEGER PRIMARY KEY, id BLOB NOT NULL UNIQUE, covered_by BLOB);
             CREATE INDEX changes_covered_by_id ON changes (id) WHERE covered_by IS NOT NULL;
             CREATE TABLE buckets (of, prefix, n, sum, PRIMARY KEY (of, prefix)) WITHOUT ROWID;",
        )
        .unwrap();
        let mut rng = ChaCha20Rng::seed_from_u64(3);
        let mut live = Vec::new();
        for n in 0..400 {
            let mut id = [0_u8; 32];
            rng.fill_bytes(&mut id);
            id[0] %= 3;
            id[1] %= 40;
            let covered = id[31].is_multiple_of(4).then_some([1_u8; 32]);
            conn.execute(
                "INSERT INTO changes (id, covered_by) VALUES (?1, ?2)",
                params![id, covered],
            )
            .unwrap();
            if covered.is_none() {
                live.push(ItemId::from_bytes(id));
            }
            if n == 300 {
                count_in(conn).unwrap();
            }
        }
        assert!(left(conn).unwrap().len() > 50);
        live
    }

    #[test]
    fn whether_stored_or_summed_up_a_bucket_is_the_sum_of_its_ids() {
        let conn = Connection::open_in_memory().unwrap();
        let live = held(&conn);
        let (mut to_ask, mut n_leaves) = (vec![Prefix::ROOT], 0);
        while let Some(prefix) = to_ask.pop() {
            let buckets = children(&conn, PeerSet::Changes, prefix).unwrap();
            for (child, bucket) in prefix.children().unwrap().into_iter().zip(buckets) {
                let mut sum = Bucket::default();
                live.iter().filter(|id| child.holds(id)).for_each(|id| sum.add(id));
                assert_eq!(bucket, sum, "{child:?}");
                if child.children().is_none() {
                    n_leaves += usize::from(!bucket.is_empty());
                } else if !bucket.is_empty() {
                    to_ask.push(child);
                }
            }
        }
        assert!(n_leaves > 50, "{n_leaves}");
    }
}
