//! Taking in what a clinic's device pushed, in one transaction.

use rusqlite::{OptionalExtension, Transaction, params};
use seal::{Grant, GrantClear, GrantId, ReleaseId, TenantId};
use sync_protocol::{Checked, Feed, Pushed, Refusal, Wake, follow};

use super::chains::chain_at;
use super::columns::{array, position, to_sql};
use super::feeds::{next_position, tell_consent};
use super::gone;

const GRANT: i64 = 0;
const REVOCATION: i64 = 1;
const COVERED: i64 = 4;
const ERASED: i64 = 5;

pub(super) fn push(
    transaction: &Transaction<'_>,
    tenant: &TenantId,
    items: &[Checked],
    now_ms: i64,
) -> rusqlite::Result<Pushed> {
    let mut push = Push {
        transaction,
        tenant,
        now_ms,
        pushed: Pushed::default(),
    };
    for item in items {
        push.pushed.positions.push(None);
        let refusal = match item {
            Checked::Change { id, bytes } => push.change(id.as_bytes(), bytes)?,
            Checked::Covered { id } => push.covered(id.as_bytes())?,
            Checked::Erased { id } => push.erased(id.as_bytes())?,
            Checked::Grant { clear, bytes } => push.grant(clear, bytes)?,
            Checked::Revocation { grant, bytes } => push.revocation(grant, bytes)?,
            Checked::Release {
                id,
                supersedes,
                grants,
                bytes,
            } => push.release(id, supersedes.as_ref(), grants, bytes)?,
        };
        push.pushed.refusals.push(refusal);
    }
    let mut pushed = push.pushed;
    pushed.wake.sort_unstable();
    pushed.wake.dedup();
    Ok(pushed)
}

struct Push<'t> {
    transaction: &'t Transaction<'t>,
    tenant: &'t TenantId,
    now_ms: i64,
    pushed: Pushed,
}

type Taken = rusqlite::Result<Option<Refusal>>;

impl Push<'_> {
    fn change(&mut self, id: &[u8; 32], bytes: &[u8]) -> Taken {
        if self.holds("SELECT 1 FROM change WHERE id = ?1", id)? || self.has_tombstone(id, COVERED)? {
            return Ok(None);
        }
        // A change that its clinic erased comes without its body, or loses it here.
        let (kept, erased) = gone::bodyless(bytes, self.has_tombstone(id, ERASED)?);
        let at = next_position(self.transaction, self.tenant, Feed::Changes)?;
        let chain = follow(&chain_at(self.transaction, self.tenant, Feed::Changes, at - 1)?, id);
        self.transaction
            .prepare_cached(
                "INSERT INTO change (tenant, position, id, bytes, chain, erased_ms) VALUES (?1, ?2, ?3, ?4, ?5, ?6)",
            )?
            .execute(params![
                self.tenant.as_bytes(),
                to_sql(at),
                id,
                kept,
                chain,
                erased.then_some(self.now_ms)
            ])?;
        if let Some(place) = self.pushed.positions.last_mut() {
            *place = Some(at);
        }
        self.pushed.wake.push(Wake::Clinic(*self.tenant));
        Ok(None)
    }

    fn covered(&mut self, id: &[u8; 32]) -> Taken {
        let is_here = gone::cover(self.transaction, self.tenant, id, self.now_ms)?;
        self.mark_unless(is_here, id, COVERED)
    }

    fn erased(&mut self, id: &[u8; 32]) -> Taken {
        let is_here = gone::erase(self.transaction, self.tenant, id, self.now_ms)?;
        self.mark_unless(is_here, id, ERASED)
    }

    fn mark_unless(&self, is_here: bool, id: &[u8; 32], kind: i64) -> Taken {
        if !is_here {
            self.transaction
                .prepare_cached("INSERT OR IGNORE INTO tombstone (tenant, id, kind) VALUES (?1, ?2, ?3)")?
                .execute(params![self.tenant.as_bytes(), id, kind])?;
        }
        Ok(None)
    }

    fn has_tombstone(&self, id: &[u8; 32], kind: i64) -> rusqlite::Result<bool> {
        self.transaction
            .prepare_cached("SELECT 1 FROM tombstone WHERE tenant = ?1 AND id = ?2 AND kind = ?3")?
            .exists(params![self.tenant.as_bytes(), id, kind])
    }

    fn grant(&mut self, clear: &GrantClear, bytes: &[u8]) -> Taken {
        let sql = "SELECT source FROM given WHERE id = ?1";
        let known = self
            .transaction
            .query_row(sql, [clear.id.as_bytes()], |row| array::<32>(row, 0))
            .optional()?;
        if let Some(source) = known {
            return Ok((source != *self.tenant.as_bytes()).then_some(Refusal::WrongTenant));
        }
        self.transaction.execute(
            "INSERT INTO given (id, source, recipient, bytes) VALUES (?1, ?2, ?3, ?4)",
            params![
                clear.id.as_bytes(),
                clear.source.as_bytes(),
                clear.recipient.as_bytes(),
                bytes
            ],
        )?;
        self.tell_both(&clear.recipient, GRANT, &clear.id)?;
        if is_revoked(self.transaction, self.tenant, &clear.id)? && clear.recipient != *self.tenant {
            // The revocation came first; its source was told then.
            tell_consent(self.transaction, &clear.recipient, REVOCATION, self.tenant, &clear.id)?;
        }
        Ok(None)
    }

    fn revocation(&mut self, grant: &GrantId, bytes: &[u8]) -> Taken {
        let sql = "INSERT OR IGNORE INTO revocation (source, id, bytes) VALUES (?1, ?2, ?3)";
        let is_new = self
            .transaction
            .execute(sql, params![self.tenant.as_bytes(), grant.as_bytes(), bytes])?
            > 0;
        if !is_new {
            return Ok(None);
        }
        let sql = "SELECT recipient FROM given WHERE id = ?1 AND source = ?2";
        let own = params![grant.as_bytes(), self.tenant.as_bytes()];
        let recipient = self
            .transaction
            .query_row(sql, own, |row| array::<32>(row, 0))
            .optional()?;
        let Some(recipient) = recipient.map(TenantId::from_bytes) else {
            tell_consent(self.transaction, self.tenant, REVOCATION, self.tenant, grant)?;
            self.pushed.wake.push(Wake::Clinic(*self.tenant));
            return Ok(None);
        };
        self.unlink(
            "DELETE FROM release_for WHERE grant_id = ?1 RETURNING release_id",
            [grant.as_bytes()],
        )?;
        self.tell_both(&recipient, REVOCATION, grant)?;
        self.pushed.wake.push(Wake::Revoked {
            recipient,
            grant: *grant,
        });
        Ok(None)
    }

    fn release(&mut self, id: &ReleaseId, supersedes: Option<&ReleaseId>, grants: &[GrantId], bytes: &[u8]) -> Taken {
        if self.holds("SELECT 1 FROM release WHERE id = ?1", id.as_bytes())? {
            return Ok(None);
        }
        let mut live = Vec::new();
        for grant in grants {
            live.extend(self.live_grant(grant)?);
        }
        if live.is_empty() {
            return Ok(Some(Refusal::NoGrant));
        }
        let insert = "INSERT INTO release (id, source, bytes) VALUES (?1, ?2, ?3)";
        self.transaction
            .execute(insert, params![id.as_bytes(), self.tenant.as_bytes(), bytes])?;
        for clear in &live {
            self.link(clear, id, supersedes)?;
            self.pushed.wake.push(Wake::Clinic(clear.recipient));
        }
        if let Some(old) = supersedes {
            // Also when the old one has not come yet: it is then known to be over when it does.
            let known = "INSERT OR IGNORE INTO release (id, source, bytes) VALUES (?1, ?2, NULL)";
            self.transaction
                .execute(known, params![old.as_bytes(), self.tenant.as_bytes()])?;
        }
        Ok(None)
    }

    fn link(&mut self, clear: &GrantClear, id: &ReleaseId, supersedes: Option<&ReleaseId>) -> rusqlite::Result<()> {
        if let Some(old) = supersedes {
            let sql = "DELETE FROM release_for WHERE grant_id = ?1 AND release_id = ?2 RETURNING release_id";
            self.unlink(sql, params![clear.id.as_bytes(), old.as_bytes()])?;
        }
        let sql = "UPDATE given SET releases = releases + 1 WHERE id = ?1 RETURNING releases";
        let at = self
            .transaction
            .query_row(sql, [clear.id.as_bytes()], |row| position(row, 0))?;
        let sql = "INSERT INTO release_for (grant_id, position, release_id) VALUES (?1, ?2, ?3)";
        self.transaction
            .execute(sql, params![clear.id.as_bytes(), to_sql(at), id.as_bytes()])?;
        Ok(())
    }

    /// The grant, if it is this clinic's and is or will be active.
    fn live_grant(&self, id: &GrantId) -> rusqlite::Result<Option<GrantClear>> {
        let Some(clear) = read_grant(self.transaction, id)? else {
            return Ok(None);
        };
        let revoked = is_revoked(self.transaction, &clear.source, id)?;
        let state = consent::state(&clear, revoked, self.now_ms);
        let lives = matches!(state, consent::GrantState::Active | consent::GrantState::NotYet);
        Ok((clear.source == *self.tenant && lives).then_some(clear))
    }

    /// Cuts links between grants and releases, and deletes the bodies that no grant leads to any more.
    fn unlink(&self, sql: &str, values: impl rusqlite::Params) -> rusqlite::Result<()> {
        let mut cut = self.transaction.prepare_cached(sql)?;
        let releases = cut
            .query_map(values, |row| array::<16>(row, 0))?
            .collect::<rusqlite::Result<Vec<_>>>()?;
        let sql = "UPDATE release SET bytes = NULL WHERE id = ?1 AND source = ?2
                   AND NOT EXISTS (SELECT 1 FROM release_for WHERE release_id = ?1)";
        let mut forget = self.transaction.prepare_cached(sql)?;
        for id in releases {
            forget.execute(params![id, self.tenant.as_bytes()])?;
        }
        Ok(())
    }

    fn tell_both(&mut self, recipient: &TenantId, kind: i64, grant: &GrantId) -> rusqlite::Result<()> {
        tell_consent(self.transaction, self.tenant, kind, self.tenant, grant)?;
        self.pushed.wake.push(Wake::Clinic(*self.tenant));
        if recipient != self.tenant {
            tell_consent(self.transaction, recipient, kind, self.tenant, grant)?;
            self.pushed.wake.push(Wake::Clinic(*recipient));
        }
        Ok(())
    }

    fn holds(&self, sql: &str, id: &[u8]) -> rusqlite::Result<bool> {
        self.transaction.prepare_cached(sql)?.exists([id])
    }
}

/// The clear part of a grant that was stored here.
pub(super) fn read_grant(transaction: &Transaction<'_>, id: &GrantId) -> rusqlite::Result<Option<GrantClear>> {
    let mut select = transaction.prepare_cached("SELECT bytes FROM given WHERE id = ?1")?;
    let bytes: Option<Vec<u8>> = select.query_row([id.as_bytes()], |row| row.get(0)).optional()?;
    Ok(bytes.map(|bytes| clear_part(&bytes)))
}

/// Grants are decoded before they are stored, so this can fail only on a damaged disk.
pub(super) fn clear_part(bytes: &[u8]) -> GrantClear {
    Grant::decode(bytes)
        .expect("only decoded grants are stored")
        .clear()
        .clone()
}

pub(super) fn is_revoked(
    connection: &rusqlite::Connection,
    source: &TenantId,
    grant: &GrantId,
) -> rusqlite::Result<bool> {
    let mut select = connection.prepare_cached("SELECT 1 FROM revocation WHERE source = ?1 AND id = ?2")?;
    select.exists(params![source.as_bytes(), grant.as_bytes()])
}
