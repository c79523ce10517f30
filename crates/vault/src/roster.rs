//! Statements: who belongs to this clinic, and to the clinics that a grant joins it with.

use std::collections::BTreeSet;
use std::sync::Arc;

use domain::Instant;
use rusqlite::{Connection, params};
use seal::{DeviceId, Membership, Signer, Statement, StatementId, TenantId};

use crate::belonging::{Belonging, Standing};
use crate::{Reading, Vault, VaultError, numbers, sharing};

/// A device that was ever admitted to the clinic.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct KnownDevice {
    /// Its id.
    pub id: DeviceId,
    /// The letter or letters in front of numbers that it hands out.
    pub letter: String,
    /// Whether it belongs.
    pub standing: Standing,
    /// May it say who belongs?
    pub admin: bool,
    /// When it was admitted, by the clock of whoever admitted it.
    pub added_at: Option<Instant>,
    /// When the newest thing that it wrote and that is here became true, by its clock.
    pub last_wrote_at: Option<Instant>,
}

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

/// Those that are to be stored and passed on.
pub(crate) fn kept(membership: &Membership, statements: &[Statement]) -> Vec<Statement> {
    let kept = statements.iter().filter(|statement| membership.keeps(&statement.id()));
    kept.cloned().collect()
}

/// Stores what is new of these statements of the own clinic; the view that follows, if any is.
///
/// Only what is founded is stored, so that two stores with the same statements have the same digest of them. What lacks a
/// predecessor comes again: statements always travel as a whole.
pub(crate) fn take_in(
    conn: &Connection,
    old: &Belonging,
    statements: &[Statement],
) -> Result<Option<Arc<Belonging>>, VaultError> {
    let mut all = read(conn, &old.tenant)?;
    let n_held = all.len();
    let mut ids: BTreeSet<StatementId> = all.iter().map(Statement::id).collect();
    let ours = statements.iter().filter(|statement| statement.tenant() == old.tenant);
    all.extend(ours.filter(|statement| ids.insert(statement.id())).cloned());
    if all.len() == n_held {
        return Ok(None);
    }
    let new = old.with(&all)?;
    let n_new = insert(conn, &old.tenant, &kept(&new.membership, &all[n_held..]))?;
    Ok((n_new > 0).then_some(new))
}

impl Reading<'_> {
    /// What is known here of who belongs to another clinic; empty for one that was never heard of.
    pub fn foreign_statements(&self, tenant: TenantId) -> Result<Vec<Statement>, VaultError> {
        read(self.conn(), &tenant)
    }

    /// Who belongs to another clinic; `None` while its statements are not here, or not enough of them.
    pub fn foreign_membership(&self, tenant: TenantId) -> Result<Option<Membership>, VaultError> {
        sharing::membership_of(self.conn(), &self.belonging(), &tenant)
    }

    /// Every device that was ever admitted, members or not, in the order of their letters.
    pub fn devices(&self) -> Result<Vec<KnownDevice>, VaultError> {
        let belonging = self.belonging();
        let membership = &belonging.membership;
        let statements = read(self.conn(), &belonging.tenant)?;
        let wrote = self.many("SELECT device, at_ms FROM device_wrote", [], |row| {
            Ok((DeviceId::from_bytes(row.get(0)?), row.get::<_, i64>(1)?))
        })?;
        let added = numbers::in_order(membership, &statements);
        let devices = added
            .into_iter()
            .enumerate()
            .map(|(place, (id, added_ms))| KnownDevice {
                id,
                letter: numbers::letters(place),
                standing: Standing::of(membership, &id),
                admin: membership.is_admin(&id),
                added_at: Instant::from_millisecond(added_ms),
                last_wrote_at: wrote
                    .iter()
                    .find(|(device, _)| *device == id)
                    .and_then(|(_, at_ms)| Instant::from_millisecond(*at_ms)),
            });
        Ok(devices.collect())
    }

    /// The letter or letters in front of numbers that this device hands out; `None` for one that was never admitted.
    pub fn letter_of(&self, device: &DeviceId) -> Result<Option<String>, VaultError> {
        let belonging = self.belonging();
        let statements = read(self.conn(), &belonging.tenant)?;
        let added = numbers::in_order(&belonging.membership, &statements);
        let place = added.iter().position(|(id, _)| id == device);
        Ok(place.map(numbers::letters))
    }

    /// All statements of the own clinic, in the order of their ids.
    pub fn own_statements(&self) -> Result<Vec<Statement>, VaultError> {
        read(self.conn(), &self.belonging().tenant)
    }
}

impl Vault {
    /// [`crate::Writing::add_statements`], in a write of their own.
    pub fn add_statements(&self, statements: &[Statement]) -> Result<(), VaultError> {
        self.write(None, |w| w.add_statements(statements))
    }

    /// Hands the keys of epochs to members that were not given them, because one was begun apart from the other's
    /// admission, or that say that they cannot open them. Gives how many statements that took. Any member may; wait a
    /// short random time before, so that not all do.
    pub fn hand_on_keys(&self) -> Result<usize, VaultError> {
        let belonging = self.belonging();
        let me = Signer::Device(belonging.device);
        let mut to_hand_on = belonging.membership.to_hand_on(me, &belonging.epochs);
        if !belonging.is_member() || to_hand_on.next().is_none() {
            return Ok(0);
        }
        self.write(None, |w| {
            let (belonging, now_ms) = (w.belonging(), w.now().as_millisecond());
            let (membership, epochs) = (&belonging.membership, &belonging.epochs);
            let statements = seal::add_wraps(membership, epochs, &belonging.keys, now_ms, w.rng())?;
            w.add_statements(&statements)?;
            Ok(statements.len())
        })
    }

    /// Says which epochs' keys this device was given and cannot open, so that another member hands them on to it once more:
    /// until then what others write under them stays put aside. Gives how many statements that took: none while it waits
    /// for an answer.
    pub fn ask_for_keys(&self) -> Result<usize, VaultError> {
        let ask = |belonging: &Belonging, now_ms| {
            seal::ask_for_keys(&belonging.membership, &belonging.epochs, &belonging.keys, now_ms)
        };
        let (belonging, now_ms) = (self.belonging(), self.now().as_millisecond());
        if !belonging.is_member() || ask(&belonging, now_ms)?.is_empty() {
            return Ok(0);
        }
        self.write(None, |w| {
            let statements = ask(&w.belonging(), w.now().as_millisecond())?;
            w.add_statements(&statements)?;
            Ok(statements.len())
        })
    }
}
