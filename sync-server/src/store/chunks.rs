//! Which chunks of attachments are here; the chunks themselves are objects (`objects.rs`).

use rusqlite::{Connection, OptionalExtension, Transaction, params};
use seal::{AttachmentId, ChunkName, TenantId};
use sync_protocol::{ChunkId, ChunkPlace, ChunkRefusal, MAX_CHUNKS_OF_ATTACHMENT, RelayChunks, RelayStoreFailed};

use super::columns::position;
use super::{Store, failed};

/// How much of a clinic's attachments is here.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct HeldChunks {
    /// Chunks.
    pub n_chunks: u64,
    /// Their bytes.
    pub n_bytes: u64,
}

impl RelayChunks for Store {
    fn chunks_lacking(
        &mut self,
        tenant: &TenantId,
        attachment: &AttachmentId,
        names: &[ChunkName],
    ) -> Result<Option<Vec<ChunkName>>, RelayStoreFailed> {
        let look = || {
            if is_forgotten(&self.connection, tenant, attachment)? {
                return Ok(None);
            }
            let mut lacking = Vec::new();
            for name in names {
                let chunk = ChunkId {
                    attachment: *attachment,
                    name: *name,
                };
                if !has(&self.connection, tenant, &chunk)? {
                    lacking.push(*name);
                }
            }
            Ok(Some(lacking))
        };
        look().map_err(failed)
    }

    fn place_for(&mut self, tenant: &TenantId, chunk: &ChunkId) -> Result<ChunkPlace, RelayStoreFailed> {
        place_for(&self.connection, tenant, chunk).map_err(failed)
    }

    fn has_chunk(&mut self, tenant: &TenantId, chunk: &ChunkId) -> Result<bool, RelayStoreFailed> {
        has(&self.connection, tenant, chunk).map_err(failed)
    }

    fn chunk_came(
        &mut self,
        tenant: &TenantId,
        chunk: &ChunkId,
        n_bytes: u64,
    ) -> Result<Option<ChunkRefusal>, RelayStoreFailed> {
        self.write(|transaction| match place_for(transaction, tenant, chunk)? {
            ChunkPlace::Here => Ok(None),
            ChunkPlace::Refused(refusal) => Ok(Some(refusal)),
            ChunkPlace::Free => {
                let n_bytes = i64::try_from(n_bytes).unwrap_or(i64::MAX);
                let sql =
                    "INSERT OR REPLACE INTO chunk (tenant, attachment, name, n_bytes, lost) VALUES (?1, ?2, ?3, ?4, 0)";
                transaction.prepare_cached(sql)?.execute(params![
                    tenant.as_bytes(),
                    chunk.attachment.as_bytes(),
                    chunk.name.as_bytes(),
                    n_bytes
                ])?;
                count(transaction, tenant, 1, n_bytes)?;
                Ok(None)
            }
        })
    }

    fn chunk_lost(&mut self, tenant: &TenantId, chunk: &ChunkId) -> Result<(), RelayStoreFailed> {
        self.write(|transaction| lose(transaction, tenant, chunk))
    }

    fn lost_chunks(&mut self, tenant: &TenantId, max: usize) -> Result<Vec<ChunkId>, RelayStoreFailed> {
        let sql = "SELECT attachment, name FROM chunk WHERE tenant = ?1 AND lost = 1 LIMIT ?2";
        let list = || -> rusqlite::Result<_> {
            let mut select = self.connection.prepare_cached(sql)?;
            let max = i64::try_from(max).unwrap_or(i64::MAX);
            select
                .query_map(params![tenant.as_bytes(), max], |row| id(row, 0))?
                .collect()
        };
        list().map_err(failed)
    }

    fn forget_attachment(&mut self, tenant: &TenantId, attachment: &AttachmentId) -> Result<(), RelayStoreFailed> {
        self.write(|transaction| {
            let of = params![tenant.as_bytes(), attachment.as_bytes()];
            let sql = "SELECT count(*), coalesce(sum(n_bytes), 0) FROM chunk
                       WHERE tenant = ?1 AND attachment = ?2 AND lost = 0";
            let (n_chunks, n_bytes): (i64, i64) =
                transaction.query_row(sql, of, |row| Ok((row.get(0)?, row.get(1)?)))?;
            transaction.execute("DELETE FROM chunk WHERE tenant = ?1 AND attachment = ?2", of)?;
            count(transaction, tenant, -n_chunks, -n_bytes)?;
            transaction.execute(
                "INSERT OR REPLACE INTO forgotten (tenant, attachment, removed) VALUES (?1, ?2, 0)",
                of,
            )?;
            Ok(())
        })
    }

    fn attachment_removed(&mut self, tenant: &TenantId, attachment: &AttachmentId) -> Result<(), RelayStoreFailed> {
        let sql = "UPDATE forgotten SET removed = 1 WHERE tenant = ?1 AND attachment = ?2";
        self.write(|transaction| transaction.execute(sql, params![tenant.as_bytes(), attachment.as_bytes()]))?;
        Ok(())
    }
}

impl Store {
    /// How much of a clinic's attachments is here.
    ///
    /// # Errors
    /// [`RelayStoreFailed`].
    pub fn held_chunks(&self, tenant: &TenantId) -> Result<HeldChunks, RelayStoreFailed> {
        let sql = "SELECT n_chunks, n_bytes FROM held WHERE tenant = ?1";
        let row = self.connection.query_row(sql, [tenant.as_bytes()], |row| {
            Ok(HeldChunks {
                n_chunks: position(row, 0)?,
                n_bytes: position(row, 1)?,
            })
        });
        Ok(row.optional().map_err(failed)?.unwrap_or_default())
    }

    /// Clinics of which chunks are to be here.
    pub(crate) fn clinics_with_chunks(&self) -> Result<Vec<TenantId>, RelayStoreFailed> {
        let list = || -> rusqlite::Result<_> {
            let mut select = self.connection.prepare("SELECT tenant FROM held WHERE n_chunks > 0")?;
            select
                .query_map([], |row| row.get(0).map(TenantId::from_bytes))?
                .collect()
        };
        list().map_err(failed)
    }

    /// All chunks of a clinic that are to be here.
    pub(crate) fn chunks_of(&self, tenant: &TenantId) -> Result<Vec<ChunkId>, RelayStoreFailed> {
        let sql = "SELECT attachment, name FROM chunk WHERE tenant = ?1 AND lost = 0";
        let list = || -> rusqlite::Result<_> {
            let mut select = self.connection.prepare(sql)?;
            select.query_map([tenant.as_bytes()], |row| id(row, 0))?.collect()
        };
        list().map_err(failed)
    }

    /// Their objects are gone: the devices that have them are asked for them.
    pub(crate) fn lose_chunks(&mut self, tenant: &TenantId, lost: &[ChunkId]) -> Result<(), RelayStoreFailed> {
        if lost.is_empty() {
            return Ok(());
        }
        self.write(|transaction| lost.iter().try_for_each(|chunk| lose(transaction, tenant, chunk)))
    }

    /// Erased attachments of which there may still be objects.
    pub(crate) fn attachments_to_remove(&self) -> Result<Vec<(TenantId, AttachmentId)>, RelayStoreFailed> {
        let list = || -> rusqlite::Result<_> {
            let mut select = self
                .connection
                .prepare("SELECT tenant, attachment FROM forgotten WHERE removed = 0")?;
            let rows = select.query_map([], |row| {
                Ok((TenantId::from_bytes(row.get(0)?), AttachmentId::from_bytes(row.get(1)?)))
            })?;
            rows.collect()
        };
        list().map_err(failed)
    }
}

fn id(row: &rusqlite::Row<'_>, first: usize) -> rusqlite::Result<ChunkId> {
    Ok(ChunkId {
        attachment: AttachmentId::from_bytes(row.get(first)?),
        name: ChunkName::from_bytes(row.get(first + 1)?),
    })
}

fn has(connection: &Connection, tenant: &TenantId, chunk: &ChunkId) -> rusqlite::Result<bool> {
    let sql = "SELECT EXISTS (SELECT 1 FROM chunk WHERE tenant = ?1 AND attachment = ?2 AND name = ?3 AND lost = 0)";
    connection.prepare_cached(sql)?.query_row(
        params![tenant.as_bytes(), chunk.attachment.as_bytes(), chunk.name.as_bytes()],
        |row| row.get(0),
    )
}

fn is_forgotten(connection: &Connection, tenant: &TenantId, attachment: &AttachmentId) -> rusqlite::Result<bool> {
    let sql = "SELECT EXISTS (SELECT 1 FROM forgotten WHERE tenant = ?1 AND attachment = ?2)";
    connection
        .prepare_cached(sql)?
        .query_row(params![tenant.as_bytes(), attachment.as_bytes()], |row| row.get(0))
}

fn place_for(connection: &Connection, tenant: &TenantId, chunk: &ChunkId) -> rusqlite::Result<ChunkPlace> {
    if is_forgotten(connection, tenant, &chunk.attachment)? {
        return Ok(ChunkPlace::Refused(ChunkRefusal::Forgotten));
    }
    if has(connection, tenant, chunk)? {
        return Ok(ChunkPlace::Here);
    }
    let sql = "SELECT count(*) FROM chunk WHERE tenant = ?1 AND attachment = ?2 AND name <> ?3";
    let n_others = connection.prepare_cached(sql)?.query_row(
        params![tenant.as_bytes(), chunk.attachment.as_bytes(), chunk.name.as_bytes()],
        |row| position(row, 0),
    )?;
    Ok(if n_others >= MAX_CHUNKS_OF_ATTACHMENT as u64 {
        ChunkPlace::Refused(ChunkRefusal::TooMany)
    } else {
        ChunkPlace::Free
    })
}

fn lose(transaction: &Transaction<'_>, tenant: &TenantId, chunk: &ChunkId) -> rusqlite::Result<()> {
    let sql = "UPDATE chunk SET lost = 1 WHERE tenant = ?1 AND attachment = ?2 AND name = ?3 AND lost = 0
               RETURNING n_bytes";
    let n_bytes: Option<i64> = transaction
        .prepare_cached(sql)?
        .query_row(
            params![tenant.as_bytes(), chunk.attachment.as_bytes(), chunk.name.as_bytes()],
            |row| row.get(0),
        )
        .optional()?;
    match n_bytes {
        Some(n_bytes) => count(transaction, tenant, -1, -n_bytes),
        None => Ok(()),
    }
}

fn count(transaction: &Transaction<'_>, tenant: &TenantId, n_chunks: i64, n_bytes: i64) -> rusqlite::Result<()> {
    let sql = "INSERT INTO held (tenant, n_chunks, n_bytes) VALUES (?1, ?2, ?3) ON CONFLICT (tenant)
               DO UPDATE SET n_chunks = n_chunks + ?2, n_bytes = n_bytes + ?3";
    transaction
        .prepare_cached(sql)?
        .execute(params![tenant.as_bytes(), n_chunks, n_bytes])?;
    Ok(())
}
