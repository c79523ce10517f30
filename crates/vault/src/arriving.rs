//! A new device, until all that its clinic had is here: what it does not show there may be all the same, and people are told.

use rusqlite::{Connection, OptionalExtension};

use crate::reading::count;
use crate::{Reading, Tag, Vault, VaultError, backlog, outbox, wanted_first};

/// Under this key stands how many changes the relay has, while not all of them were here and read.
const KEPT: &str = "arriving";
/// The relay has not said yet how many.
const UNTOLD: u64 = u64::MAX;

impl Reading<'_> {
    /// How much of the clinic's records has come to a device that is new, or was restored, in percent (at most 99); `None` once
    /// it has had all.
    pub fn arriving(&self) -> Result<Option<u8>, VaultError> {
        let Some(of) = kept(self.conn())? else {
            return Ok(None);
        };
        let position = position(self.conn())?;
        if position >= of && !backlog::is_any_to_be_read(self.conn())? {
            return Ok(None);
        }
        let percent = u128::from(position) * 100 / u128::from(of.max(1));
        Ok(Some(u8::try_from(percent).map_or(99, |percent| percent.min(99))))
    }
}

impl Vault {
    /// This device has just become one of its clinic's: not everything is here.
    pub fn begin_arriving(&self) -> Result<(), VaultError> {
        self.inner.writer().transaction(|conn, _, _, _| keep(conn, UNTOLD))
    }

    /// Of the `of` changes that the relay has, those up to `position` have come.
    pub(crate) fn note_arrived(&self, position: u64, of: u64) -> Result<(), VaultError> {
        if position >= of && self.read(|r| outbox::is_any_perhaps_sent(r.conn()))? {
            self.inner
                .writer()
                .transaction(|conn, _, _, _| outbox::put_what_was_not_sent(conn))?;
            self.tell(&[Tag::Sync]);
        }
        let (before, has_all) = self.read(|r| {
            let before = kept(r.conn())?;
            let has_all = before.is_some() && position >= of && !backlog::is_any_to_be_read(r.conn())?;
            Ok::<_, VaultError>((before, has_all))
        })?;
        // How far it is stands in the cursor: nearly always there is nothing to write.
        if before.is_none_or(|before| before == of && !has_all) {
            return Ok(());
        }
        self.inner.writer().transaction(|conn, _, _, _| match has_all {
            // The names too, where an older relay was never asked.
            true => forget(conn).and_then(|()| wanted_first::forget(conn)),
            false => keep(conn, of),
        })?;
        self.tell(&[Tag::Sync]);
        Ok(())
    }
}

/// Whether this device is new, and the relay has more than has come.
pub(crate) fn is_more_to_come(conn: &Connection) -> Result<bool, VaultError> {
    match kept(conn)? {
        Some(of) => Ok(position(conn)? < of),
        None => Ok(false),
    }
}

/// Up to where the feed of the relay's present life has come.
fn position(conn: &Connection) -> Result<u64, VaultError> {
    let sql = "SELECT position FROM cursors WHERE scope = 0
               AND incarnation = (SELECT value FROM meta WHERE key = 'incarnation')";
    let position = conn
        .prepare_cached(sql)?
        .query_row([], |row| count(row, 0))
        .optional()?;
    Ok(position.unwrap_or(0))
}

fn kept(conn: &Connection) -> Result<Option<u64>, VaultError> {
    let sql = "SELECT value FROM meta WHERE key = ?1";
    let kept: Option<[u8; 8]> = conn
        .prepare_cached(sql)?
        .query_row([KEPT], |row| row.get(0))
        .optional()?;
    Ok(kept.map(u64::from_be_bytes))
}

fn keep(conn: &Connection, of: u64) -> Result<(), VaultError> {
    conn.prepare_cached("INSERT OR REPLACE INTO meta (key, value) VALUES (?1, ?2)")?
        .execute((KEPT, of.to_be_bytes()))?;
    Ok(())
}

fn forget(conn: &Connection) -> Result<(), VaultError> {
    conn.execute("DELETE FROM meta WHERE key = ?1", [KEPT])?;
    Ok(())
}
