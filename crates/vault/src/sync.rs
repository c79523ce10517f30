//! The vault as syncing sees it: sealed things in and out, never a patient.

use rusqlite::{Connection, OptionalExtension, params};
use seal::{ChangeId, GrantId, SealedChange, Statement, TenantId};
use sync_protocol::{
    AuditLine, Consent, Cursor, Incarnation, OutId, OutItem, Refusal, RelayLie, RelayStanding, Scope, SignedReceipt,
    StoreError, SyncStore,
};

use crate::belonging::Belonging;
use crate::erasure::{self, Coming};
use crate::judge::Judge;
use crate::looked::Looked;
use crate::reading::count;
use crate::{Tag, Vault, VaultError, kill, mail, outbox, receipts, roster, set, sharing};

impl From<VaultError> for StoreError {
    fn from(error: VaultError) -> Self {
        match error {
            VaultError::DiskFull => Self::DiskFull,
            VaultError::Damaged => Self::Failed("store_damaged"),
            VaultError::Io(_) => Self::Failed("file_failed"),
            _ => Self::Failed("store_failed"),
        }
    }
}

impl Vault {
    /// These left the line: how much waits is another, and whether what was agreed is with the relay.
    fn tell_of_line<'i>(&self, mut ids: impl Iterator<Item = &'i OutId>) {
        let is_agreed = |id: &OutId| matches!(id, OutId::Grant(_) | OutId::Revocation(_));
        self.tell(match ids.any(is_agreed) {
            true => &[Tag::Sync, Tag::Grants],
            false => &[Tag::Sync],
        });
    }

    /// One transaction of what came from the relay, with the cursor that goes with it.
    fn absorb(
        &self,
        cursor: &Cursor,
        tags: &[Tag],
        f: impl FnOnce(&Connection, &Belonging) -> Result<(), VaultError>,
    ) -> Result<(), StoreError> {
        let now_ms = self.now().as_millisecond();
        let mut writer = self.inner.writer();
        // Only now: whoever had the writer before may have changed who belongs.
        let belonging = self.belonging();
        writer.transaction(|conn, _, _, _| {
            f(conn, &belonging)?;
            sharing::erase_due(conn, now_ms)?;
            kill::point("absorb.before_commit");
            set_cursor(conn, cursor)
        })?;
        drop(writer);
        self.tell(tags);
        Ok(())
    }
}

impl SyncStore for Vault {
    fn tenant(&self) -> TenantId {
        self.inner.tenant
    }

    fn statements(&self) -> Result<Vec<Vec<u8>>, StoreError> {
        let statements = self.read(|r| roster::read(r.conn(), &self.inner.tenant))?;
        Ok(statements.iter().map(Statement::bytes).collect())
    }

    fn absorb_statements(&self, statements: Vec<Vec<u8>>) -> Result<(), StoreError> {
        let readable: Vec<Statement> = statements
            .iter()
            .filter_map(|bytes| Statement::decode(bytes).ok())
            .collect();
        Ok(self.add_statements(&readable)?)
    }

    fn absorb_foreign_statements(&self, tenant: TenantId, statements: Vec<Vec<u8>>) -> Result<(), StoreError> {
        if tenant == self.inner.tenant {
            return self.absorb_statements(statements);
        }
        let readable: Vec<Statement> = statements
            .iter()
            .filter_map(|bytes| Statement::decode(bytes).ok())
            .collect();
        let mut writer = self.inner.writer();
        let belonging = self.belonging();
        writer.transaction(|conn, _, _, _| {
            roster::insert(conn, &tenant, &readable)?;
            // Also when nothing is new: what was waiting for a device that is still unknown is nobody's.
            sharing::verify_again(conn, &belonging, &tenant)?;
            mail::look_again(conn, &belonging).map(drop)
        })?;
        drop(writer);
        self.tell(&[Tag::Grants, Tag::Releases, Tag::Mail]);
        Ok(())
    }

    fn outbox(&self, max_items: usize, max_bytes: usize) -> Result<Vec<OutItem>, StoreError> {
        // What leaves must be what a crash cannot take back, and the mark must know of it.
        self.settle()?;
        Ok(self.read(|r| outbox::oldest(r.conn(), max_items, max_bytes))?)
    }

    fn pending(&self) -> Result<u64, StoreError> {
        Ok(self.read(|r| outbox::pending(r.conn()))?)
    }

    fn mark_sent(&self, ids: &[OutId]) -> Result<(), StoreError> {
        self.inner
            .writer()
            .transaction(|conn, _, _, _| outbox::sent(conn, ids))?;
        self.tell_of_line(ids.iter());
        Ok(())
    }

    fn mark_refused(&self, items: &[(OutId, Refusal)]) -> Result<(), StoreError> {
        self.inner
            .writer()
            .transaction(|conn, _, _, _| outbox::refused(conn, items))?;
        self.tell_of_line(items.iter().map(|(id, _)| id));
        Ok(())
    }

    fn begin_incarnation(&self, incarnation: &Incarnation) -> Result<(), StoreError> {
        let lost_some = self.inner.writer().transaction(|conn, _, _, _| {
            let before: Option<[u8; 16]> = conn
                .query_row("SELECT value FROM meta WHERE key = 'incarnation'", [], |row| row.get(0))
                .optional()
                .map_err(VaultError::from)?;
            if before == Some(incarnation.0) {
                return Ok::<_, VaultError>(false);
            }
            conn.execute(
                "INSERT OR REPLACE INTO meta (key, value) VALUES ('incarnation', ?1)",
                [incarnation.0],
            )?;
            if before.is_some() {
                outbox::put_everything(conn)?;
            }
            Ok(before.is_some())
        })?;
        if lost_some {
            self.tell(&[Tag::Sync]);
        }
        Ok(())
    }

    fn cursor(&self, incarnation: &Incarnation, scope: &Scope) -> Result<u64, StoreError> {
        let (code, grant) = scope_key(scope);
        let position = self.read(|r| {
            r.one(
                "SELECT position FROM cursors WHERE incarnation = ?1 AND scope = ?2 AND grant_id = ?3",
                params![incarnation.0, code, grant],
                |row| Ok(count(row, 0)?),
            )
        })?;
        Ok(position.unwrap_or(0))
    }

    fn relay_standing(&self, incarnation: &Incarnation) -> Result<RelayStanding, StoreError> {
        Ok(self.read(|r| receipts::standing(r.conn(), incarnation))?)
    }

    fn last_incarnation(&self) -> Result<Option<Incarnation>, StoreError> {
        Ok(self.read(|r| receipts::last_incarnation(r.conn()))?)
    }

    fn keep_receipt(
        &self,
        incarnation: &Incarnation,
        key: &[u8; 32],
        receipt: Option<&SignedReceipt>,
    ) -> Result<(), StoreError> {
        self.inner
            .writer()
            .transaction(|conn, _, _, _| receipts::keep(conn, incarnation, Some(key), receipt))?;
        Ok(())
    }

    fn note_lie(&self, incarnation: &Incarnation, lie: RelayLie) -> Result<(), StoreError> {
        self.inner
            .writer()
            .transaction(|conn, _, _, _| receipts::note_lie(conn, incarnation, lie))?;
        self.tell(&[Tag::Sync]);
        Ok(())
    }

    fn absorb_changes(&self, cursor: &Cursor, changes: Vec<Vec<u8>>) -> Result<(), StoreError> {
        self.absorb_batch(changes, take_from_relay, |conn| {
            set_cursor(conn, cursor)?;
            kill::point("absorb.before_commit");
            Ok(())
        })?;
        Ok(())
    }

    fn absorb_consents(&self, cursor: &Cursor, consents: Vec<Consent>) -> Result<(), StoreError> {
        self.absorb(cursor, &[Tag::Grants, Tag::Releases], |conn, belonging| {
            consents
                .iter()
                .try_for_each(|consent| sharing::absorb_consent(conn, belonging, consent))
        })
    }

    fn absorb_releases(&self, cursor: &Cursor, releases: Vec<Vec<u8>>) -> Result<(), StoreError> {
        let Scope::Releases(grant) = cursor.scope else {
            return Err(StoreError::Failed("wrong_scope"));
        };
        let now_ms = self.now().as_millisecond();
        self.absorb(cursor, &[Tag::Releases], |conn, belonging| {
            releases
                .iter()
                .try_for_each(|bytes| sharing::absorb_release(conn, belonging, &grant, bytes, now_ms))
        })
    }

    fn absorb_relay_audit(&self, cursor: &Cursor, lines: Vec<AuditLine>) -> Result<(), StoreError> {
        self.absorb(cursor, &[Tag::RelayAudit], |conn, _| {
            lines
                .iter()
                .try_for_each(|line| sharing::absorb_relay_audit(conn, line))
        })
    }

    fn inbound_grants(&self, now_ms: i64) -> Result<Vec<GrantId>, StoreError> {
        Ok(self.read(|r| {
            r.many(
                "SELECT id FROM grants g WHERE recipient = ?1 AND until_ms > ?2
                 AND NOT EXISTS (SELECT 1 FROM revocations r WHERE r.grant_id = g.id AND r.source = g.source) ORDER BY id",
                params![self.inner.tenant.as_bytes(), now_ms],
                |row| Ok(GrantId::from_bytes(row.get(0)?)),
            )
        })?)
    }
}

/// Stores and judges what the relay gave.
pub(crate) fn take_from_relay(judge: &mut Judge<'_>, came: Vec<Looked>) -> Result<(), VaultError> {
    let taken = judge.take_in(came)?;
    // It need not be offered what it has: after a restore that is nearly everything.
    let held: Vec<OutId> = taken.held.iter().copied().map(OutId::Change).collect();
    outbox::sent(judge.conn, &held)?;
    kill::point("absorb.stored");
    judge.judge_taken(&taken)?;
    kill::point("absorb.applied");
    Ok(())
}

/// Puts one change into the set as it came; what cannot even be decoded is filed under the hash of its bytes. What was
/// erased goes in without its body; what came without a body and was not erased is put aside, and is not new.
pub(crate) fn store(conn: &Connection, belonging: &Belonging, bytes: &[u8]) -> Result<(ChangeId, bool), VaultError> {
    match SealedChange::decode(bytes) {
        Ok(sealed) => {
            let id = sealed.id();
            match erasure::coming(conn, belonging, &sealed, bytes)? {
                Coming::Into(bytes) => Ok((id, set::insert(conn, id, Some(sealed.header()), &bytes)?)),
                Coming::Aside => Ok((id, false)),
            }
        }
        Err(_) => {
            let id = ChangeId::from_bytes(*blake3::hash(bytes).as_bytes());
            Ok((id, set::insert(conn, id, None, bytes)?))
        }
    }
}

fn set_cursor(conn: &Connection, cursor: &Cursor) -> Result<(), VaultError> {
    let (code, grant) = scope_key(&cursor.scope);
    let position = i64::try_from(cursor.position).map_err(|_| VaultError::Malformed("cursor"))?;
    conn.prepare_cached(
        "INSERT OR REPLACE INTO cursors (incarnation, scope, grant_id, position, chain) VALUES (?1, ?2, ?3, ?4, ?5)",
    )?
    .execute(params![cursor.incarnation.0, code, grant, position, cursor.chain])?;
    match &cursor.receipt {
        Some(receipt) => receipts::keep(conn, &cursor.incarnation, None, Some(receipt)),
        None => Ok(()),
    }
}

pub(crate) fn scope_key(scope: &Scope) -> (i64, &[u8]) {
    match scope {
        Scope::Changes => (0, &[]),
        Scope::Consents => (1, &[]),
        Scope::Audit => (2, &[]),
        Scope::Releases(grant) => (3, grant.as_bytes()),
    }
}
