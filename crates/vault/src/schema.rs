//! Connections, migrations and the tables that are a cache.

use std::path::Path;
use std::sync::Once;

use rusqlite::config::DbConfig;
use rusqlite::{Connection, OpenFlags};
use zeroize::Zeroizing;

use crate::{OpenError, VaultError, files, sharing, steps};

/// What can be made again from the set. Not migrated: dropped and made again when it changes.
const PROJECTIONS: &str = include_str!("projections.sql");

/// Goes up when the *meaning* of a projected row changes without its table changing, also when a kind of fact comes to be
/// known: an older build has kept its row without whom it is about.
const PROJECTION_VERSION: u32 = 4;

/// Of the log while people write. A commit that makes the log longer waits for the disk twice, for its pages and for the
/// file's new length; one that is written over what the log had before waits once. So it is not to grow for long.
pub(crate) const LOG_PAGES: u32 = 1000;

/// While batches come, 32 MiB: a page that every batch touches goes into the file once in many batches.
pub(crate) const LOG_PAGES_OF_BATCHES: u32 = 8000;

mod embedded {
    refinery::embed_migrations!("migrations");
}

/// The newest migration that this build knows.
pub(crate) fn known_version() -> u32 {
    let newest = embedded::migrations::runner()
        .get_migrations()
        .iter()
        .map(|m| m.version())
        .max();
    newest.and_then(|version| u32::try_from(version).ok()).unwrap_or(0)
}

/// Brings the tables that are no cache up to this build's shape: all at once, since refinery otherwise commits a step before the
/// note of it, and whose power goes between the two could never be opened again.
pub(crate) fn migrate(conn: &mut Connection) -> Result<(), OpenError> {
    if let Err(error) = embedded::migrations::runner().set_grouped(true).run(conn) {
        return Err(sqlite_cause(&error).map_or(OpenError::Damaged, OpenError::from));
    }
    // What SQL cannot read out of bytes. A kill before the commit leaves it to the next start.
    let filing = conn.transaction().map_err(VaultError::from)?;
    sharing::file_relay_audit(&filing)?;
    Ok(filing.commit().map_err(VaultError::from)?)
}

/// Brings them up to the shape of an older build, for what is to be migrated from it.
#[cfg(test)]
pub(crate) fn migrate_to(conn: &mut Connection, version: i32) {
    let runner = embedded::migrations::runner().set_target(refinery::Target::Version(version));
    runner.run(conn).expect("the migrations of before");
}

/// Refinery wraps what SQLite said; a full disk must still be told as one.
fn sqlite_cause(error: &refinery::Error) -> Option<VaultError> {
    let mut cause: Option<&dyn std::error::Error> = Some(error);
    while let Some(inner) = cause {
        if let Some(sqlite) = inner.downcast_ref::<rusqlite::Error>() {
            let full = sqlite.sqlite_error_code() == Some(rusqlite::ErrorCode::DiskFull);
            let code = sqlite.sqlite_error().map_or(0, |e| e.extended_code);
            return Some(if full {
                VaultError::DiskFull
            } else {
                VaultError::Store(code)
            });
        }
        cause = inner.source();
    }
    None
}

/// Names the shape and meaning of this build's projections.
pub(crate) fn projection_fingerprint() -> String {
    let mut hasher = blake3::Hasher::new();
    hasher
        .update(PROJECTIONS.as_bytes())
        .update(&PROJECTION_VERSION.to_le_bytes());
    hasher.finalize().to_hex().to_string()
}

/// Drops every table of the cache and makes them anew, empty.
pub(crate) fn renew_projections(conn: &Connection) -> Result<(), VaultError> {
    for name in projection_tables(conn)? {
        drop_projection(conn, &name)?;
    }
    make_projections(conn)?;
    projections_are_made(conn)
}

/// The names of the tables of the cache, whichever build made them.
pub(crate) fn projection_tables(conn: &Connection) -> Result<Vec<String>, VaultError> {
    let mut statement = conn.prepare(
        "SELECT name FROM sqlite_master WHERE type = 'table' AND name LIKE 'p\\_%' ESCAPE '\\'
                                      AND (name = 'p_search' OR name NOT LIKE 'p\\_search\\_%' ESCAPE '\\')",
    )?;
    let names = statement.query_map([], |row| row.get(0))?;
    Ok(names.collect::<Result<_, _>>()?)
}

/// The names of their indexes, but for those that are part of a table.
pub(crate) fn projection_indexes(conn: &Connection) -> Result<Vec<String>, VaultError> {
    let mut statement = conn.prepare(
        "SELECT name FROM sqlite_master WHERE type = 'index' AND sql IS NOT NULL AND tbl_name LIKE 'p\\_%' ESCAPE '\\'
                                      AND tbl_name NOT LIKE 'p\\_search\\_%' ESCAPE '\\'",
    )?;
    let names = statement.query_map([], |row| row.get(0))?;
    Ok(names.collect::<Result<_, _>>()?)
}

pub(crate) fn drop_projection_index(conn: &Connection, name: &str) -> Result<(), VaultError> {
    Ok(conn.execute_batch(&format!("DROP INDEX {name}"))?)
}

pub(crate) fn drop_projection(conn: &Connection, name: &str) -> Result<(), VaultError> {
    Ok(conn.execute_batch(&format!("DROP TABLE {name}"))?)
}

/// Makes the tables of the cache, empty, where there are none.
pub(crate) fn make_projections(conn: &Connection) -> Result<(), VaultError> {
    Ok(conn.execute_batch(PROJECTIONS)?)
}

/// The tables of the cache are this build's, and hold all that is read.
pub(crate) fn projections_are_made(conn: &Connection) -> Result<(), VaultError> {
    conn.execute(
        "INSERT OR REPLACE INTO meta (key, value) VALUES ('projections', ?1)",
        [projection_fingerprint()],
    )?;
    conn.execute("DELETE FROM meta WHERE key = 'making_ready'", [])?;
    Ok(())
}

/// SQLite counts itself as ready a moment before SQLCipher is, so that of the first two stores that a process opens at the
/// same time one might find no cipher. So something is opened first, by one thread while the others wait.
fn make_ready() {
    static READY: Once = Once::new();
    READY.call_once(|| drop(Connection::open_in_memory()));
}

/// The connection that writes.
pub(crate) fn connect_writer(path: &Path, db_key: &[u8; 32]) -> Result<Connection, VaultError> {
    make_ready();
    let mut conn = Connection::open(path)?;
    set_up(&mut conn, db_key)?;
    // FULL: a commit that was acknowledged survives a power cut. Erased rows are overwritten, not only unlinked.
    conn.execute_batch(
        "PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL; PRAGMA fullfsync = ON; PRAGMA secure_delete = ON;",
    )?;
    // What many changes touch at random (ids, trees) stays decrypted for as long as they come: 32 MiB at the most.
    conn.execute_batch("PRAGMA cache_size = -32768;")?;
    let_log_grow(&conn, LOG_PAGES)?;
    Ok(conn)
}

/// How many pages the log has before it goes into the file; then it is written again from its beginning.
pub(crate) fn let_log_grow(conn: &Connection, n_pages: u32) -> Result<(), VaultError> {
    Ok(conn.execute_batch(&format!("PRAGMA wal_autocheckpoint = {n_pages};"))?)
}

/// A connection that reads.
pub(crate) fn connect_reader(dir: &Path, db_key: &[u8; 32]) -> Result<Connection, VaultError> {
    make_ready();
    let mut conn = Connection::open_with_flags(files::store(dir), OpenFlags::SQLITE_OPEN_READ_WRITE)?;
    set_up(&mut conn, db_key)?;
    conn.execute_batch("PRAGMA query_only = ON; PRAGMA cache_size = -8192;")?;
    Ok(conn)
}

/// A connection that looks and leaves every byte of the file and of its log as they are.
pub(crate) fn connect_onlooker(path: &Path, db_key: &[u8; 32]) -> Result<Connection, VaultError> {
    make_ready();
    let mut conn = Connection::open_with_flags(path, OpenFlags::SQLITE_OPEN_READ_ONLY)?;
    conn.set_db_config(DbConfig::SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, true)?;
    set_up(&mut conn, db_key)?;
    Ok(conn)
}

fn set_up(conn: &mut Connection, db_key: &[u8; 32]) -> Result<(), VaultError> {
    let key = Zeroizing::new(format!("x'{}'", &*Zeroizing::new(hex::encode(db_key))));
    conn.pragma_update(None, "key", key.as_str())?;
    conn.set_prepared_statement_cache_capacity(256);
    conn.busy_timeout(std::time::Duration::from_secs(10))?;
    conn.execute_batch("PRAGMA temp_store = MEMORY;")?;
    Ok(steps::can_be_counted(conn)?)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn a_migration_that_is_cut_off_has_done_nothing() {
        let mut conn = Connection::open_in_memory().unwrap();
        migrate_to(&mut conn, 8);
        let shape = |conn: &Connection| -> Vec<String> {
            let mut statement = conn.prepare("SELECT sql FROM sqlite_master ORDER BY name").unwrap();
            let rows = statement.query_map([], |row| row.get::<_, Option<String>>(0)).unwrap();
            rows.map(|sql| sql.unwrap().unwrap_or_default()).collect()
        };
        // The twelfth finds its place taken, after four others went well.
        conn.execute_batch("CREATE TABLE mail_states (no INTEGER)").unwrap();
        let before = shape(&conn);
        assert!(migrate(&mut conn).is_err());
        assert_eq!(shape(&conn), before);
        let version = "SELECT max(version) FROM refinery_schema_history";
        assert_eq!(conn.query_row(version, [], |row| row.get::<_, u32>(0)).unwrap(), 8);

        conn.execute_batch("DROP TABLE mail_states").unwrap();
        migrate(&mut conn).unwrap();
        assert_eq!(
            conn.query_row(version, [], |row| row.get::<_, u32>(0)).unwrap(),
            known_version()
        );
    }
}
