//! Statements: who belongs to this clinic, and to the clinics that a grant joins it with.

use std::sync::PoisonError;

use rusqlite::{Connection, params};
use seal::{DeviceId, Membership, Statement, TenantId};

use crate::judge::Judge;
use crate::{Reading, Tag, Vault, VaultError, numbers, sharing};

/// Stores statements of one clinic; gives how many were new.
pub(crate) fn insert(conn: &Connection, tenant: &TenantId, statements: &[Statement]) -> Result<usize, VaultError> {
    let mut n_new = 0;
    for statement in statements.iter().filter(|statement| statement.tenant() == *tenant) {
        n_new += conn
            .prepare_cached("INSERT OR IGNORE INTO statements (tenant, id, bytes) VALUES (?1, ?2, ?3)")?
            .execute(params![tenant.as_bytes(), statement.id().as_bytes(), statement.bytes()])?;
    }
    Ok(n_new)
}

/// The statements of one clinic, in the order of their ids.
pub(crate) fn read(conn: &Connection, tenant: &TenantId) -> Result<Vec<Statement>, VaultError> {
    let mut statement = conn.prepare_cached("SELECT bytes FROM statements WHERE tenant = ?1 ORDER BY id")?;
    let rows = statement.query_map([tenant.as_bytes()], |row| row.get::<_, Vec<u8>>(0))?;
    rows.map(|bytes| Ok(Statement::decode(&bytes?)?)).collect()
}

impl Reading<'_> {
    /// What is known here of who belongs to another clinic; empty for one that was never heard of.
    pub fn foreign_statements(&self, tenant: TenantId) -> Result<Vec<Statement>, VaultError> {
        read(self.conn(), &tenant)
    }

    /// The letter or letters in front of numbers that this device hands out; `None` for one that was never admitted.
    pub fn letter_of(&self, device: &DeviceId) -> Result<Option<String>, VaultError> {
        let belonging = self.belonging();
        let statements = read(self.conn(), &belonging.tenant)?;
        let is_member = belonging.membership.device(device).is_some();
        Ok(is_member.then(|| numbers::device_prefix(&belonging.membership, &statements, device)))
    }

    /// Who belongs to another clinic; `None` while its statements are not here, or not enough of them.
    pub fn foreign_membership(&self, tenant: TenantId) -> Result<Option<Membership>, VaultError> {
        sharing::membership_of(self.conn(), &self.belonging(), &tenant)
    }
}

impl Vault {
    /// Adds statements of the own clinic: an admin's acts here, or what came from elsewhere. Changes that were
    /// quarantined are judged again by the membership that follows.
    pub fn add_statements(&self, statements: &[Statement]) -> Result<(), VaultError> {
        let mut writer = self.inner.writer();
        let old = self.belonging();
        let outcome = writer.transaction(|conn, _, shelf, _| {
            if insert(conn, &self.inner.tenant, statements)? == 0 {
                return Ok::<_, VaultError>(None);
            }
            // Statements that no longer name this device do not take away what it has: it keeps its last view.
            let new = old
                .with(&read(conn, &self.inner.tenant)?)
                .unwrap_or_else(|_| old.clone());
            let mut judge = Judge::new(conn, &new, shelf);
            judge.judge_again()?;
            let mut tags = judge.tags();
            tags.extend([Tag::Membership, Tag::Sync]);
            Ok(Some((new, tags)))
        })?;
        let Some((new, tags)) = outcome else { return Ok(()) };
        *self.inner.belonging.write().unwrap_or_else(PoisonError::into_inner) = new;
        drop(writer);
        self.tell(&tags);
        Ok(())
    }
}
