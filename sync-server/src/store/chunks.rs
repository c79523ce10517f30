//! Which chunks of attachments are here; the chunks themselves are objects (`objects.rs`).

use seal::{AttachmentId, ChunkName, TenantId};
use sync_protocol::{ChunkId, ChunkPlace, ChunkRefusal, MAX_CHUNKS_OF_ATTACHMENT, RelayChunks, RelayStoreFailed};

use super::sql::{Row, Scope, Sql, SqlResult, Value, values};
use super::{Store, standing};

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
        self.read(Scope::Clinic(tenant), |sql| {
            if is_forgotten(sql, tenant, attachment)? {
                return Ok(None);
            }
            let select = "SELECT name FROM chunk WHERE tenant = ?1 AND attachment = ?2 AND lost = 0 AND name = ?3";
            let ids: Vec<&[u8; 32]> = names.iter().map(ChunkName::as_bytes).collect();
            let here = sql.which(select, &values![tenant, attachment.as_bytes()], &ids)?;
            let lacking = names.iter().filter(|name| !here.contains(name.as_bytes()));
            Ok(Some(lacking.copied().collect()))
        })
    }

    fn place_for(&mut self, tenant: &TenantId, chunk: &ChunkId) -> Result<ChunkPlace, RelayStoreFailed> {
        self.read(Scope::Clinic(tenant), |sql| place_for(sql, tenant, chunk))
    }

    fn has_chunk(&mut self, tenant: &TenantId, chunk: &ChunkId) -> Result<bool, RelayStoreFailed> {
        self.read(Scope::Clinic(tenant), |sql| has(sql, tenant, chunk))
    }

    fn chunk_came(
        &mut self,
        tenant: &TenantId,
        chunk: &ChunkId,
        n_bytes: u64,
    ) -> Result<Option<ChunkRefusal>, RelayStoreFailed> {
        self.write(Scope::Clinic(tenant), |sql| {
            if standing::was_removed(sql, tenant)? {
                // It was on its way then: its object goes, too.
                return Ok(Some(ChunkRefusal::Forgotten));
            }
            // The clinic's count is locked first: what comes or goes at the same time waits.
            count(sql, tenant, 0, 0)?;
            match place_for(sql, tenant, chunk)? {
                ChunkPlace::Here => Ok(None),
                ChunkPlace::Refused(refusal) => Ok(Some(refusal)),
                ChunkPlace::Free => {
                    let n_bytes = i64::try_from(n_bytes).unwrap_or(i64::MAX);
                    let insert =
                        "INSERT INTO chunk (tenant, attachment, name, n_bytes, lost) VALUES (?1, ?2, ?3, ?4, 0)
                                  ON CONFLICT (tenant, attachment, name) DO UPDATE SET n_bytes = ?4, lost = 0";
                    let [tenant_id, attachment, name] = named(tenant, chunk);
                    sql.execute(insert, &[tenant_id, attachment, name, n_bytes.into()])?;
                    count(sql, tenant, 1, n_bytes)?;
                    Ok(None)
                }
            }
        })
    }

    fn chunk_lost(&mut self, tenant: &TenantId, chunk: &ChunkId) -> Result<(), RelayStoreFailed> {
        self.write(Scope::Clinic(tenant), |sql| lose(sql, tenant, chunk))
    }

    fn lost_chunks(&mut self, tenant: &TenantId, max: usize) -> Result<Vec<ChunkId>, RelayStoreFailed> {
        let select = "SELECT attachment, name FROM chunk WHERE tenant = ?1 AND lost = 1 LIMIT ?2";
        self.read(Scope::Clinic(tenant), |sql| {
            let rows = sql.rows(select, &values![tenant, max])?;
            rows.into_iter().map(id).collect()
        })
    }

    fn forget_attachment(&mut self, tenant: &TenantId, attachment: &AttachmentId) -> Result<(), RelayStoreFailed> {
        self.write(Scope::Clinic(tenant), |sql| {
            count(sql, tenant, 0, 0)?;
            let of = values![tenant, attachment.as_bytes()];
            let select = "SELECT count(*), CAST(coalesce(sum(n_bytes), 0) AS BIGINT) FROM chunk
                          WHERE tenant = ?1 AND attachment = ?2 AND lost = 0";
            let mut row = sql.the_row(select, &of)?;
            let (n_chunks, n_bytes) = (row.int(0)?, row.int(1)?);
            sql.execute("DELETE FROM chunk WHERE tenant = ?1 AND attachment = ?2", &of)?;
            count(sql, tenant, -n_chunks, -n_bytes)?;
            let forget = "INSERT INTO forgotten (tenant, attachment, removed) VALUES (?1, ?2, 0)
                          ON CONFLICT (tenant, attachment) DO UPDATE SET removed = 0";
            sql.execute(forget, &of).map(drop)
        })
    }

    fn attachment_removed(&mut self, tenant: &TenantId, attachment: &AttachmentId) -> Result<(), RelayStoreFailed> {
        let note = "UPDATE forgotten SET removed = 1 WHERE tenant = ?1 AND attachment = ?2";
        self.write(Scope::Clinic(tenant), |sql| {
            sql.execute(note, &values![tenant, attachment.as_bytes()])
        })?;
        Ok(())
    }
}

impl Store {
    /// How much of a clinic's attachments is here.
    ///
    /// # Errors
    /// [`RelayStoreFailed`].
    pub fn held_chunks(&self, tenant: &TenantId) -> Result<HeldChunks, RelayStoreFailed> {
        let select = "SELECT n_chunks, n_bytes FROM held WHERE tenant = ?1";
        self.read(Scope::Clinic(tenant), |sql| {
            match sql.row(select, &values![tenant])? {
                None => Ok(HeldChunks::default()),
                Some(mut row) => Ok(HeldChunks {
                    n_chunks: row.position(0)?,
                    n_bytes: row.position(1)?,
                }),
            }
        })
    }

    /// Clinics of which chunks are to be here.
    pub(crate) fn clinics_with_chunks(&self) -> Result<Vec<TenantId>, RelayStoreFailed> {
        let select = "SELECT tenant FROM held WHERE n_chunks > 0";
        self.read(Scope::House, |sql| {
            let rows = sql.rows(select, &[])?;
            rows.into_iter()
                .map(|mut row| row.array(0).map(TenantId::from_bytes))
                .collect()
        })
    }

    /// All chunks of a clinic that are to be here.
    pub(crate) fn chunks_of(&self, tenant: &TenantId) -> Result<Vec<ChunkId>, RelayStoreFailed> {
        let select = "SELECT attachment, name FROM chunk WHERE tenant = ?1 AND lost = 0";
        self.read(Scope::Clinic(tenant), |sql| {
            let rows = sql.rows(select, &values![tenant])?;
            rows.into_iter().map(id).collect()
        })
    }

    /// Their objects are gone: the devices that have them are asked for them.
    pub(crate) fn lose_chunks(&mut self, tenant: &TenantId, lost: &[ChunkId]) -> Result<(), RelayStoreFailed> {
        if lost.is_empty() {
            return Ok(());
        }
        self.write(Scope::Clinic(tenant), |sql| {
            lost.iter().try_for_each(|chunk| lose(sql, tenant, chunk))
        })
    }

    /// Erased attachments of which there may still be objects.
    pub(crate) fn attachments_to_remove(&self) -> Result<Vec<(TenantId, AttachmentId)>, RelayStoreFailed> {
        let select = "SELECT tenant, attachment FROM forgotten WHERE removed = 0";
        self.read(Scope::House, |sql| {
            let rows = sql.rows(select, &[])?;
            rows.into_iter()
                .map(|mut row| {
                    Ok((
                        TenantId::from_bytes(row.array(0)?),
                        AttachmentId::from_bytes(row.array(1)?),
                    ))
                })
                .collect()
        })
    }
}

pub(super) fn id(mut row: Row) -> SqlResult<ChunkId> {
    Ok(ChunkId {
        attachment: AttachmentId::from_bytes(row.array(0)?),
        name: ChunkName::from_bytes(row.array(1)?),
    })
}

fn named<'a>(tenant: &'a TenantId, chunk: &'a ChunkId) -> [Value<'a>; 3] {
    values![tenant, chunk.attachment.as_bytes(), chunk.name.as_bytes()]
}

fn has(sql: &mut dyn Sql, tenant: &TenantId, chunk: &ChunkId) -> SqlResult<bool> {
    let select = "SELECT 1 FROM chunk WHERE tenant = ?1 AND attachment = ?2 AND name = ?3 AND lost = 0";
    sql.exists(select, &named(tenant, chunk))
}

fn is_forgotten(sql: &mut dyn Sql, tenant: &TenantId, attachment: &AttachmentId) -> SqlResult<bool> {
    let select = "SELECT 1 FROM forgotten WHERE tenant = ?1 AND attachment = ?2";
    sql.exists(select, &values![tenant, attachment.as_bytes()])
}

fn place_for(sql: &mut dyn Sql, tenant: &TenantId, chunk: &ChunkId) -> SqlResult<ChunkPlace> {
    if is_forgotten(sql, tenant, &chunk.attachment)? {
        return Ok(ChunkPlace::Refused(ChunkRefusal::Forgotten));
    }
    if has(sql, tenant, chunk)? {
        return Ok(ChunkPlace::Here);
    }
    let select = "SELECT count(*) FROM chunk WHERE tenant = ?1 AND attachment = ?2 AND name <> ?3";
    let n_others = sql.the_row(select, &named(tenant, chunk))?.position(0)?;
    Ok(if n_others >= MAX_CHUNKS_OF_ATTACHMENT as u64 {
        ChunkPlace::Refused(ChunkRefusal::TooMany)
    } else {
        ChunkPlace::Free
    })
}

fn lose(sql: &mut dyn Sql, tenant: &TenantId, chunk: &ChunkId) -> SqlResult<()> {
    let lose = "UPDATE chunk SET lost = 1 WHERE tenant = ?1 AND attachment = ?2 AND name = ?3 AND lost = 0
                RETURNING n_bytes";
    match sql.row(lose, &named(tenant, chunk))? {
        Some(mut row) => count(sql, tenant, -1, -row.int(0)?),
        None => Ok(()),
    }
}

fn count(sql: &mut dyn Sql, tenant: &TenantId, n_chunks: i64, n_bytes: i64) -> SqlResult<()> {
    let add = "INSERT INTO held (tenant, n_chunks, n_bytes) VALUES (?1, ?2, ?3) ON CONFLICT (tenant)
               DO UPDATE SET n_chunks = held.n_chunks + ?2, n_bytes = held.n_bytes + ?3";
    sql.execute(add, &values![tenant, n_chunks, n_bytes]).map(drop)
}
