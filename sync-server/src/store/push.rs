//! Taking in what a clinic's device pushed, in one transaction.
//!
//! Its feeds are locked first: what the clinic's other devices push at the same time, by other threads or nodes, waits, so
//! that "is it here already?" and "was it revoked?" are answered once and for all.

use seal::{Grant, GrantClear, GrantId, ReleaseId, TenantId};
use sync_protocol::{Checked, Feed, Pushed, Refusal, Wake};

use super::feeds::{lock_feed, tell_consent};
use super::gone;
use super::ingest;
use super::sql::{Sql, SqlResult, Value, values};

const GRANT: i64 = 0;
const REVOCATION: i64 = 1;

pub(super) fn push(sql: &mut dyn Sql, tenant: &TenantId, items: &[Checked], now_ms: i64) -> SqlResult<Pushed> {
    let mut push = Push {
        sql,
        tenant,
        now_ms,
        pushed: Pushed::default(),
    };
    push.lock(items)?;
    let is_change = |item: &Checked| matches!(item, Checked::Change { .. });
    for run in items.chunk_by(|before, after| is_change(before) && is_change(after)) {
        if run.iter().all(is_change) {
            push.changes(run)?;
        } else {
            for item in run {
                let refusal = push.other(item)?;
                push.pushed.positions.push(None);
                push.pushed.refusals.push(refusal);
            }
        }
    }
    let mut pushed = push.pushed;
    pushed.wake.sort_unstable();
    pushed.wake.dedup();
    Ok(pushed)
}

struct Push<'t> {
    sql: &'t mut dyn Sql,
    tenant: &'t TenantId,
    now_ms: i64,
    pushed: Pushed,
}

type Taken = SqlResult<Option<Refusal>>;

impl Push<'_> {
    /// Always in this order, so that no two wait for each other.
    fn lock(&mut self, items: &[Checked]) -> SqlResult<()> {
        let of_changes = |item: &Checked| {
            matches!(
                item,
                Checked::Change { .. } | Checked::Covered { .. } | Checked::Erased { .. }
            )
        };
        if items.iter().any(of_changes) {
            lock_feed(self.sql, self.tenant, Feed::Changes)?;
        }
        if !items.iter().all(of_changes) {
            lock_feed(self.sql, self.tenant, Feed::Consents)?;
        }
        Ok(())
    }

    fn changes(&mut self, run: &[Checked]) -> SqlResult<()> {
        let positions = ingest::changes(self.sql, self.tenant, run, self.now_ms)?;
        if positions.iter().any(Option::is_some) {
            self.pushed.wake.push(Wake::Clinic(*self.tenant));
        }
        self.pushed.refusals.extend(positions.iter().map(|_| None));
        self.pushed.positions.extend(positions);
        Ok(())
    }

    fn other(&mut self, item: &Checked) -> Taken {
        match item {
            Checked::Change { .. } => Ok(None),
            Checked::Covered { id } => {
                let is_here = gone::cover(self.sql, self.tenant, id.as_bytes(), self.now_ms)?;
                self.mark_unless(is_here, id.as_bytes(), ingest::COVERED)
            }
            Checked::Erased { id } => {
                let is_here = gone::erase(self.sql, self.tenant, id.as_bytes(), self.now_ms)?;
                self.mark_unless(is_here, id.as_bytes(), ingest::ERASED)
            }
            Checked::Grant { clear, bytes } => self.grant(clear, bytes),
            Checked::Revocation { grant, bytes } => self.revocation(grant, bytes),
            Checked::Release {
                id,
                supersedes,
                grants,
                bytes,
            } => self.release(id, supersedes.as_ref(), grants, bytes),
        }
    }

    fn mark_unless(&mut self, is_here: bool, id: &[u8; 32], kind: i64) -> Taken {
        if !is_here {
            let insert = "INSERT INTO tombstone (tenant, id, kind) VALUES (?1, ?2, ?3) ON CONFLICT DO NOTHING";
            self.sql.later(insert, &values![self.tenant, id, kind])?;
        }
        Ok(None)
    }

    fn grant(&mut self, clear: &GrantClear, bytes: &[u8]) -> Taken {
        let id = clear.id.as_bytes();
        let insert =
            "INSERT INTO given (id, source, recipient, bytes) VALUES (?1, ?2, ?3, ?4) ON CONFLICT (id) DO NOTHING";
        let of_whom = values![id, &clear.source, &clear.recipient, bytes];
        if self.sql.execute(insert, &of_whom)? == 0 {
            let own = "SELECT 1 FROM given WHERE id = ?1 AND source = ?2";
            let own = self.sql.exists(own, &values![id, self.tenant])?;
            return Ok((!own).then_some(Refusal::WrongTenant));
        }
        self.tell_both(&clear.recipient, GRANT, &clear.id)?;
        if is_revoked(self.sql, self.tenant, &clear.id)? && clear.recipient != *self.tenant {
            // The revocation came first; its source was told then.
            self.tell_other(&clear.recipient, REVOCATION, &clear.id)?;
        }
        Ok(None)
    }

    fn revocation(&mut self, grant: &GrantId, bytes: &[u8]) -> Taken {
        // The gate holds this row while it reads: what it has read by now is called back, and it reads no more.
        let held = lock_grant(self.sql, grant)?.filter(|clear| clear.source == *self.tenant);
        let insert = "INSERT INTO revocation (source, id, bytes) VALUES (?1, ?2, ?3) ON CONFLICT DO NOTHING";
        let revoked = values![self.tenant, grant.as_bytes(), bytes];
        if self.sql.execute(insert, &revoked)? == 0 {
            return Ok(None);
        }
        let Some(recipient) = held.map(|clear| clear.recipient) else {
            tell_consent(self.sql, self.tenant, REVOCATION, self.tenant, grant)?;
            self.pushed.wake.push(Wake::Clinic(*self.tenant));
            return Ok(None);
        };
        self.unlink(
            "DELETE FROM release_for WHERE grant_id = ?1 RETURNING release_id",
            &values![grant.as_bytes()],
        )?;
        self.tell_both(&recipient, REVOCATION, grant)?;
        self.sql.call_back(&recipient, grant)?;
        self.pushed.wake.push(Wake::Revoked {
            recipient,
            grant: *grant,
        });
        Ok(None)
    }

    fn release(&mut self, id: &ReleaseId, supersedes: Option<&ReleaseId>, grants: &[GrantId], bytes: &[u8]) -> Taken {
        let known = "SELECT 1 FROM release WHERE id = ?1";
        if self.sql.exists(known, &values![id.as_bytes()])? {
            return Ok(None);
        }
        let mut live = Vec::new();
        for grant in grants {
            live.extend(self.live_grant(grant)?);
        }
        if live.is_empty() {
            return Ok(Some(Refusal::NoGrant));
        }
        let insert = "INSERT INTO release (id, source, bytes) VALUES (?1, ?2, ?3) ON CONFLICT (id) DO NOTHING";
        if self.sql.execute(insert, &values![id.as_bytes(), self.tenant, bytes])? == 0 {
            return Ok(None);
        }
        for clear in &live {
            self.link(clear, id, supersedes)?;
            self.pushed.wake.push(Wake::Clinic(clear.recipient));
        }
        if let Some(old) = supersedes {
            // Also when the old one has not come yet: it is then known to be over when it does.
            let none: Option<&[u8]> = None;
            self.sql.later(insert, &values![old.as_bytes(), self.tenant, none])?;
        }
        Ok(None)
    }

    fn link(&mut self, clear: &GrantClear, id: &ReleaseId, supersedes: Option<&ReleaseId>) -> SqlResult<()> {
        let grant = clear.id.as_bytes();
        if let Some(old) = supersedes {
            let cut = "DELETE FROM release_for WHERE grant_id = ?1 AND release_id = ?2 RETURNING release_id";
            self.unlink(cut, &values![grant, old.as_bytes()])?;
        }
        let next = "UPDATE given SET releases = releases + 1 WHERE id = ?1 RETURNING releases";
        let at = self.sql.the_row(next, &values![grant])?.position(0)?;
        let insert = "INSERT INTO release_for (grant_id, position, release_id) VALUES (?1, ?2, ?3)";
        self.sql.later(insert, &values![grant, at, id.as_bytes()])
    }

    /// The grant, if it is this clinic's and is or will be active.
    fn live_grant(&mut self, id: &GrantId) -> SqlResult<Option<GrantClear>> {
        let Some(clear) = lock_grant(self.sql, id)? else {
            return Ok(None);
        };
        let revoked = is_revoked(self.sql, &clear.source, id)?;
        let state = consent::state(&clear, revoked, self.now_ms);
        let lives = matches!(state, consent::GrantState::Active | consent::GrantState::NotYet);
        Ok((clear.source == *self.tenant && lives).then_some(clear))
    }

    /// Cuts links between grants and releases, and deletes the bodies that no grant leads to any more.
    fn unlink(&mut self, cut: &'static str, values: &[Value<'_>]) -> SqlResult<()> {
        let forget = "UPDATE release SET bytes = NULL WHERE id = ?1 AND source = ?2
                      AND NOT EXISTS (SELECT 1 FROM release_for WHERE release_id = ?1)";
        for mut row in self.sql.rows(cut, values)? {
            self.sql.later(forget, &values![&row.array::<16>(0)?, self.tenant])?;
        }
        Ok(())
    }

    fn tell_both(&mut self, recipient: &TenantId, kind: i64, grant: &GrantId) -> SqlResult<()> {
        tell_consent(self.sql, self.tenant, kind, self.tenant, grant)?;
        self.pushed.wake.push(Wake::Clinic(*self.tenant));
        if recipient != self.tenant {
            self.tell_other(recipient, kind, grant)?;
            self.pushed.wake.push(Wake::Clinic(*recipient));
        }
        Ok(())
    }

    fn tell_other(&mut self, recipient: &TenantId, kind: i64, grant: &GrantId) -> SqlResult<()> {
        self.sql.reach(Some(recipient))?;
        tell_consent(self.sql, recipient, kind, self.tenant, grant)?;
        self.sql.reach(None)
    }
}

/// The clear part of a grant that was stored here; nobody else decides on this grant until the transaction has ended.
pub(super) fn lock_grant(sql: &mut dyn Sql, id: &GrantId) -> SqlResult<Option<GrantClear>> {
    let row = sql.lock_row("SELECT bytes FROM given WHERE id = ?1", &values![id.as_bytes()])?;
    row.map(|mut row| row.bytes(0).map(|bytes| clear_part(&bytes)))
        .transpose()
}

/// Grants are decoded before they are stored, so this can fail only on a damaged disk.
pub(super) fn clear_part(bytes: &[u8]) -> GrantClear {
    Grant::decode(bytes)
        .expect("only decoded grants are stored")
        .clear()
        .clone()
}

/// A row, if the grant ?2 of the clinic ?1 is revoked.
pub(super) const REVOKED: &str = "SELECT 1 FROM revocation WHERE source = ?1 AND id = ?2";

fn is_revoked(sql: &mut dyn Sql, source: &TenantId, grant: &GrantId) -> SqlResult<bool> {
    sql.exists(REVOKED, &values![source, grant.as_bytes()])
}
