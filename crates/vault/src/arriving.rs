//! A new device, until all that its clinic had is here: what it does not show there may be all the same, and people are told.

use rusqlite::{Connection, OptionalExtension};

use crate::{Reading, Tag, Vault, VaultError, backlog, wanted_first};

/// How much of it has come, in percent, is kept under this key; 100 until it is read as well.
const KEPT: &str = "arriving";
const ALL: u8 = 100;

impl Reading<'_> {
    /// How much of the clinic's records has come to a device that is new, or was restored, in percent (at most 99); `None` once
    /// it has had all.
    pub fn arriving(&self) -> Result<Option<u8>, VaultError> {
        Ok(match kept(self.conn())? {
            Some(ALL) if backlog::is_any_to_be_read(self.conn())? => Some(ALL - 1),
            Some(ALL) | None => None,
            percent => percent,
        })
    }
}

impl Vault {
    /// This device has just become one of its clinic's: not everything is here.
    pub fn begin_arriving(&self) -> Result<(), VaultError> {
        self.inner.writer().transaction(|conn, _, _, _| keep(conn, Some(0)))
    }

    /// Of the `of` changes that the relay has, those up to `position` have come.
    pub(crate) fn note_arrived(&self, position: u64, of: u64) -> Result<(), VaultError> {
        let (before, any_to_be_read) = self.read(|r| {
            let before = kept(r.conn())?;
            Ok::<_, VaultError>((before, before == Some(ALL) && backlog::is_any_to_be_read(r.conn())?))
        })?;
        let now = match before {
            None => return Ok(()),
            Some(ALL) if !any_to_be_read => None,
            Some(ALL) => return Ok(()),
            Some(_) => Some(percent(position, of)),
        };
        if now != before {
            self.inner.writer().transaction(|conn, _, _, _| {
                keep(conn, now)?;
                match now {
                    Some(_) => Ok(()),
                    // Also where an older relay was never asked.
                    None => wanted_first::forget(conn),
                }
            })?;
            self.tell(&[Tag::Sync]);
        }
        Ok(())
    }
}

fn percent(position: u64, of: u64) -> u8 {
    let percent = u128::from(position) * u128::from(ALL) / u128::from(of.max(1));
    if position >= of {
        return ALL;
    }
    u8::try_from(percent).map_or(ALL - 1, |percent| percent.min(ALL - 1))
}

fn kept(conn: &Connection) -> Result<Option<u8>, VaultError> {
    let sql = "SELECT value FROM meta WHERE key = ?1";
    let kept: Option<Vec<u8>> = conn
        .prepare_cached(sql)?
        .query_row([KEPT], |row| row.get(0))
        .optional()?;
    Ok(kept.and_then(|bytes| bytes.first().copied()))
}

fn keep(conn: &Connection, percent: Option<u8>) -> Result<(), VaultError> {
    match percent {
        Some(percent) => conn
            .prepare_cached("INSERT OR REPLACE INTO meta (key, value) VALUES (?1, ?2)")?
            .execute((KEPT, vec![percent]))?,
        None => conn
            .prepare_cached("DELETE FROM meta WHERE key = ?1")?
            .execute([KEPT])?,
    };
    Ok(())
}
