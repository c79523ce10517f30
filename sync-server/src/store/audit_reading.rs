//! The audit as the operator's commands read it: chain by chain, as it lies there, readable or not.

use seal::TenantId;
use sync_protocol::RelayStoreFailed;

use super::Store;
use super::glance::glance;
use super::sql::{Scope, values};

/// One row of a chain, before anybody has looked into it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AuditRow {
    /// Its place in the chain.
    pub number: u64,
    /// The encoded line.
    pub bytes: Vec<u8>,
}

impl Store {
    /// Every clinic that this relay knows, in the order of their ids.
    ///
    /// # Errors
    /// [`RelayStoreFailed`].
    pub fn clinics_with_audit(&self) -> Result<Vec<TenantId>, RelayStoreFailed> {
        let select = "SELECT tenant FROM clinic WHERE tenant IS NOT NULL UNION SELECT tenant FROM statement
                      UNION SELECT tenant FROM head UNION SELECT tenant FROM audit_head ORDER BY 1";
        self.read(Scope::House, |sql| {
            let rows = sql.rows(select, &[])?.into_iter();
            rows.map(|mut row| Ok(TenantId::from_bytes(row.array(0)?))).collect()
        })
    }

    /// Where a clinic's chain ends, by the feed's own count.
    ///
    /// # Errors
    /// [`RelayStoreFailed`].
    pub fn end_of_audit(&self, tenant: &TenantId) -> Result<u64, RelayStoreFailed> {
        self.read(Scope::Clinic(tenant), |sql| Ok(glance(sql, tenant)?.heads.audit))
    }

    /// The next rows of a chain after a number, at most so many.
    ///
    /// # Errors
    /// [`RelayStoreFailed`].
    pub fn audit_rows(
        &self,
        tenant: &TenantId,
        after: u64,
        max_rows: usize,
    ) -> Result<Vec<AuditRow>, RelayStoreFailed> {
        let select = "SELECT number, line FROM audit WHERE tenant = ?1 AND number > ?2 ORDER BY number LIMIT ?3";
        self.read(Scope::Clinic(tenant), |sql| {
            let rows = sql.rows(select, &values![tenant, after, max_rows])?.into_iter();
            let rows = rows.map(|mut row| {
                Ok(AuditRow {
                    number: row.position(0)?,
                    bytes: row.bytes(1)?,
                })
            });
            rows.collect()
        })
    }
}
