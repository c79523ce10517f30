//! The vault as syncing sees attachments: what is offered to the relay, given to whoever asks, and asked for.

use std::collections::BTreeSet;

use domain::AttachmentId;
use rusqlite::{OptionalExtension, params};
use seal::ChunkName;
use sync_protocol::{ChunkId, ChunkSource, ChunkStore, Claim, Incarnation, StoreError};

use crate::attachments::read_file;
use crate::fetching::{self, has_row};
use crate::{Tag, Vault, VaultError};

/// What is known of a chunk at the relay, as `chunks.at_relay` says it.
#[derive(Debug, Clone, Copy)]
enum AtRelay {
    Unknown = 0,
    Here = 1,
    Refused = 2,
}

impl Vault {
    fn note_at_relay(
        &self,
        attachment: &seal::AttachmentId,
        names: &[ChunkName],
        at_relay: AtRelay,
    ) -> Result<(), StoreError> {
        if names.is_empty() {
            return Ok(());
        }
        self.inner.writer().transaction(|conn, _, _, _| {
            let mut note =
                conn.prepare_cached("UPDATE chunks SET at_relay = ?3 WHERE attachment = ?1 AND file = ?2")?;
            for name in names {
                note.execute(params![attachment.as_bytes(), name.as_bytes(), at_relay as i64])?;
            }
            Ok::<_, VaultError>(())
        })?;
        self.tell(&[Tag::Sync]);
        Ok(())
    }
}

impl ChunkStore for Vault {
    fn begin_attachments(&self, life: &Incarnation) -> Result<(), StoreError> {
        let last = self.read(|r| {
            r.one("SELECT value FROM meta WHERE key = 'attachments'", [], |row| {
                Ok(row.get::<_, [u8; 16]>(0)?)
            })
        })?;
        if last == Some(life.0) {
            return Ok(());
        }
        self.inner.writer().transaction(|conn, _, _, _| {
            conn.execute_batch(
                "UPDATE chunks SET at_relay = 0 WHERE at_relay <> 0;
                 INSERT OR IGNORE INTO attachments_to_forget (attachment) SELECT id FROM p_erasures WHERE of = 2;",
            )?;
            conn.execute(
                "INSERT OR REPLACE INTO meta (key, value) VALUES ('attachments', ?1)",
                [life.0],
            )?;
            Ok::<_, VaultError>(())
        })?;
        self.tell(&[Tag::Sync]);
        Ok(())
    }

    fn chunks_to_offer(&self, max: usize) -> Result<Option<(seal::AttachmentId, Vec<ChunkName>)>, StoreError> {
        let sql = "SELECT attachment, file FROM chunks WHERE at_relay = 0 AND attachment =
                   (SELECT attachment FROM chunks WHERE at_relay = 0 ORDER BY attachment LIMIT 1)
                   ORDER BY place LIMIT ?1";
        let rows = self.read(|r| {
            r.many(sql, [i64::try_from(max).unwrap_or(i64::MAX)], |row| {
                let attachment = seal::AttachmentId::from_bytes(row.get(0)?);
                Ok((attachment, ChunkName::from_bytes(row.get(1)?)))
            })
        })?;
        let attachment = rows.first().map(|(attachment, _)| *attachment);
        Ok(attachment.map(|attachment| (attachment, rows.into_iter().map(|(_, name)| name).collect())))
    }

    fn chunks_at_relay(&self, attachment: &seal::AttachmentId, names: &[ChunkName]) -> Result<(), StoreError> {
        self.note_at_relay(attachment, names, AtRelay::Here)
    }

    fn chunks_refused(&self, attachment: &seal::AttachmentId, names: &[ChunkName]) -> Result<(), StoreError> {
        self.note_at_relay(attachment, names, AtRelay::Refused)
    }

    fn chunks_lost(&self, attachment: &seal::AttachmentId, names: &[ChunkName]) -> Result<(), StoreError> {
        self.note_at_relay(attachment, names, AtRelay::Unknown)
    }

    fn holds_chunk(&self, chunk: &ChunkId) -> Result<bool, StoreError> {
        Ok(self.read(|r| has_row(r.conn(), local(&chunk.attachment), &chunk.name))?)
    }

    fn chunk(&self, chunk: &ChunkId) -> Result<Option<Vec<u8>>, StoreError> {
        if !self.holds_chunk(chunk)? {
            return Ok(None);
        }
        match read_file(&self.inner.dir, local(&chunk.attachment), chunk.name.as_bytes()) {
            Ok(sealed) => Ok(Some(sealed)),
            Err(VaultError::AttachmentMissing | VaultError::Damaged) => Ok(None),
            Err(error) => Err(error.into()),
        }
    }

    fn wanted_chunk(&self, passed_over: &BTreeSet<ChunkId>) -> Result<Option<(ChunkId, Claim)>, StoreError> {
        if self.sound_has_no_room() {
            return Ok(None);
        }
        for wanted in self.read(|r| fetching::wanted(r.conn()))? {
            for name in wanted.missing {
                let chunk = ChunkId {
                    attachment: seal::AttachmentId::from_bytes(*wanted.attachment.as_bytes()),
                    name: ChunkName::from_bytes(name),
                };
                if !passed_over.contains(&chunk)
                    && let Some(claim) = self.inner.fetching.claims.take(chunk)
                {
                    return Ok(Some((chunk, claim)));
                }
            }
        }
        Ok(None)
    }

    fn absorb_chunk(&self, chunk: &ChunkId, bytes: &[u8], from: ChunkSource) -> Result<(), StoreError> {
        Ok(self.keep_fetched(local(&chunk.attachment), &chunk.name, bytes, from)?)
    }

    fn attachment_to_forget(&self) -> Result<Option<seal::AttachmentId>, StoreError> {
        let sql = "SELECT attachment FROM attachments_to_forget ORDER BY attachment LIMIT 1";
        let next = self.read(|r| {
            let found = r
                .conn()
                .prepare_cached(sql)?
                .query_row([], |row| row.get(0))
                .optional()?;
            Ok::<_, VaultError>(found.map(seal::AttachmentId::from_bytes))
        })?;
        Ok(next)
    }

    fn attachment_forgotten(&self, attachment: &seal::AttachmentId) -> Result<(), StoreError> {
        self.inner.writer().transaction(|conn, _, _, _| {
            conn.prepare_cached("DELETE FROM attachments_to_forget WHERE attachment = ?1")?
                .execute([attachment.as_bytes()])?;
            Ok::<_, VaultError>(())
        })?;
        Ok(())
    }
}

/// The same attachment, as the clinic's documents name it.
fn local(attachment: &seal::AttachmentId) -> AttachmentId {
    AttachmentId::from_bytes(*attachment.as_bytes())
}
