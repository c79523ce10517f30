//! The heads of clinics' audit chains, as this relay signed them.

use seal::{AuditHead, TenantId};
use sync_protocol::{AuditLine, Incarnation, RelayAudit, RelayStoreFailed, SignedHead, day_of};

use super::Store;
use super::glance::glance;
use super::sql::{Row, Scope, Sql, SqlError, SqlResult, values};

/// A signed head, with what is needed to verify it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct StoredHead {
    /// The life of the data in which it was signed.
    pub incarnation: Incarnation,
    /// The half of the key that verifies it.
    pub key: [u8; 32],
    /// The head.
    pub head: SignedHead,
}

impl RelayAudit for Store {
    fn head_of_the_day(&mut self, tenant: &TenantId, now_ms: i64) -> Result<Option<SignedHead>, RelayStoreFailed> {
        let (life, key) = (self.life.get(), self.key.clone());
        let is_of_today = |head: &SignedHead| day_of(head.at_ms) >= day_of(now_ms);
        let known = self.read(Scope::Clinic(tenant), |sql| newest(sql, tenant, life))?;
        if known.is_some_and(|head| is_of_today(&head)) {
            return Ok(known);
        }
        self.write(Scope::Clinic(tenant), |sql| {
            sql.one_at_a_time(tenant)?;
            let known = newest(sql, tenant, life)?;
            // Another node may have been quicker.
            if known.is_some_and(|head| is_of_today(&head)) {
                return Ok(known);
            }
            let number = glance(sql, tenant)?.heads.audit;
            let select = "SELECT line FROM audit WHERE tenant = ?1 AND number = ?2";
            let Some(mut row) = sql.row(select, &values![tenant, number])? else {
                return Ok(None);
            };
            let line = AuditLine::decode(&row.bytes(0)?).map_err(|_| SqlError::Unexpected(0))?;
            let head = AuditHead {
                tenant: *tenant,
                incarnation: life.0,
                number,
                hash: line.hash(),
                at_ms: now_ms,
            };
            let head = SignedHead::make(&head, &key);
            let insert = "INSERT INTO audit_head (tenant, incarnation, day, key, head) VALUES (?1, ?2, ?3, ?4, ?5)
                          ON CONFLICT DO NOTHING";
            let (day, public) = (day_of(now_ms), key.public());
            // Where there is one that cannot be read, nobody is told anything until tomorrow.
            let is_new = sql.execute(insert, &values![tenant, &life.0, day, &public, &head.encode()])? > 0;
            Ok(is_new.then_some(head))
        })
    }
}

impl Store {
    /// Every head that was signed of a clinic's chain, the oldest first; `None` for one that cannot be read.
    ///
    /// # Errors
    /// [`RelayStoreFailed`].
    pub fn signed_heads(&self, tenant: &TenantId) -> Result<Vec<Option<StoredHead>>, RelayStoreFailed> {
        let select = "SELECT incarnation, key, head FROM audit_head WHERE tenant = ?1 ORDER BY day, incarnation";
        self.read(Scope::Clinic(tenant), |sql| {
            let rows = sql.rows(select, &values![tenant])?;
            Ok(rows.into_iter().map(|row| stored(row).ok()).collect())
        })
    }
}

fn stored(mut row: Row) -> SqlResult<StoredHead> {
    Ok(StoredHead {
        incarnation: Incarnation(row.array(0)?),
        key: row.array(1)?,
        head: SignedHead::decode(&row.bytes(2)?).map_err(|_| SqlError::Unexpected(2))?,
    })
}

/// The newest that can be read.
fn newest(sql: &mut dyn Sql, tenant: &TenantId, life: Incarnation) -> SqlResult<Option<SignedHead>> {
    let select = "SELECT head FROM audit_head WHERE tenant = ?1 AND incarnation = ?2 ORDER BY day DESC LIMIT 1";
    let bytes = sql.row(select, &values![tenant, &life.0])?.map(|mut row| row.bytes(0));
    Ok(bytes.transpose()?.and_then(|bytes| SignedHead::decode(&bytes).ok()))
}
