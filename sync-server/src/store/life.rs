//! The life of the relay's data: its key, its receipts, and what happens when the data was put back to an older state.
//!
//! A new life has a new incarnation: every device begins its cursors anew and offers again what it holds. Until one of its
//! devices has confirmed its grants and revocations, nothing that a clinic gives crosses to another: what was revoked
//! stays revoked.

use std::io::Write;
use std::path::Path;

use rand_core::CryptoRng;
use rusqlite::{Connection, OptionalExtension, Transaction, params};
use seal::{DeviceId, Receipt, RelayKey, TenantId};
use sync_protocol::{Feed, FormerLife, Incarnation, RelayStoreFailed, Roster, Shown, SignedReceipt, Wake};
use zeroize::Zeroizing;

use super::chains::{chain_at, make_missing};
use super::columns::{array, to_sql};
use super::{OpenError, Store, failed, feeds};

/// The file of the key that signs receipts.
pub(super) const KEY_FILE: &str = "relay.key";

/// Former lives that are looked at in one confirmation.
const MAX_LIVES: usize = 64;

/// Times of receipts are reserved so far ahead, in milliseconds, so that few of them need a commit.
const RESERVE_MS: i64 = 60_000;

/// The key in this folder; made when there is none.
pub(super) fn key(folder: &Path, rng: &mut impl CryptoRng) -> Result<RelayKey, OpenError> {
    let path = folder.join(KEY_FILE);
    let made = RelayKey::make(rng);
    let mut options = std::fs::OpenOptions::new();
    options.write(true).create_new(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    match options.open(&path) {
        Ok(mut file) => {
            file.write_all(&made.to_secret_bytes())?;
            file.sync_all()?;
            Ok(made)
        }
        Err(error) if error.kind() == std::io::ErrorKind::AlreadyExists => {
            let bytes = Zeroizing::new(std::fs::read(&path)?);
            RelayKey::from_secret_bytes(&bytes).map_err(|_| OpenError::Key)
        }
        Err(error) => Err(error.into()),
    }
}

/// Brings what an older build left up to date, and begins another life when the key is another one.
pub(super) fn settle(transaction: &Transaction<'_>, key: &[u8; 32], fresh: Incarnation) -> rusqlite::Result<()> {
    let known: Option<Vec<u8>> = transaction.query_row("SELECT key FROM relay", [], |row| row.get(0))?;
    match known {
        None => make_missing(transaction)?,
        Some(known) if known == key => return Ok(()),
        Some(_) => {
            tracing::warn!("the key that signs receipts is not the one of this data: the data begins another life");
            begin(transaction, fresh)?;
        }
    }
    transaction.execute("UPDATE relay SET key = ?1", [key]).map(drop)
}

/// Another life: a new incarnation, and every clinic is closed until it confirms.
pub(super) fn begin(transaction: &Transaction<'_>, fresh: Incarnation) -> rusqlite::Result<()> {
    // Who had not confirmed yet still has to for the life before.
    transaction.execute("DELETE FROM closed WHERE confirmed_by IS NOT NULL", [])?;
    transaction.execute("DELETE FROM heard", [])?;
    let sql = "INSERT OR IGNORE INTO closed (source, former, changes, consents)
               SELECT source, (SELECT incarnation FROM relay),
                   coalesce((SELECT position FROM head WHERE tenant = source AND feed = 0), 0),
                   coalesce((SELECT position FROM head WHERE tenant = source AND feed = 1), 0)
               FROM (SELECT tenant AS source FROM clinic WHERE tenant IS NOT NULL
                     UNION SELECT tenant FROM statement UNION SELECT source FROM given)";
    transaction.execute(sql, [])?;
    transaction
        .execute("UPDATE relay SET incarnation = ?1", [fresh.0])
        .map(drop)
}

pub(super) fn is_closed(connection: &Connection, source: &TenantId) -> rusqlite::Result<bool> {
    connection
        .prepare_cached("SELECT 1 FROM closed WHERE source = ?1 AND confirmed_by IS NULL")?
        .exists([source.as_bytes()])
}

/// A device has brought all that it holds. It opens its clinic if it had come far enough in the former life, or if by now
/// every member has spoken: then nobody knows more. Whom to wake: all to whom the clinic gives.
pub(super) fn confirm(
    transaction: &Transaction<'_>,
    roster: &Roster,
    device: &DeviceId,
    former: &[FormerLife],
) -> rusqlite::Result<Vec<Wake>> {
    let source = roster.membership().tenant();
    let sql = "INSERT OR IGNORE INTO heard (source, device) VALUES (?1, ?2)";
    transaction.execute(sql, params![source.as_bytes(), device.as_bytes()])?;
    if !came_far_enough(transaction, &source, former)? && !all_have_spoken(transaction, roster)? {
        tracing::info!(tenant = %source, %device, "the word of a device that was away does not open its clinic alone");
        return Ok(Vec::new());
    }
    tracing::info!(tenant = %source, %device, "a clinic has confirmed what it revoked, and is open again");
    let sql = "UPDATE closed SET confirmed_by = ?2 WHERE source = ?1";
    transaction.execute(sql, params![source.as_bytes(), device.as_bytes()])?;
    let mut select = transaction.prepare_cached("SELECT DISTINCT recipient FROM given WHERE source = ?1")?;
    let recipients = select.query_map([source.as_bytes()], |row| Ok(TenantId::from_bytes(array(row, 0)?)))?;
    recipients.map(|tenant| tenant.map(Wake::Clinic)).collect()
}

fn came_far_enough(connection: &Connection, source: &TenantId, former: &[FormerLife]) -> rusqlite::Result<bool> {
    let sql = "SELECT 1 FROM closed WHERE source = ?1 AND former = ?2 AND changes <= ?3 AND consents <= ?4";
    let mut select = connection.prepare_cached(sql)?;
    for life in former.iter().take(MAX_LIVES) {
        let (changes, consents) = (to_sql(life.changes), to_sql(life.consents));
        if select.exists(params![source.as_bytes(), life.incarnation.0, changes, consents])? {
            return Ok(true);
        }
    }
    Ok(false)
}

fn all_have_spoken(connection: &Connection, roster: &Roster) -> rusqlite::Result<bool> {
    let membership = roster.membership();
    let source = membership.tenant();
    let mut select = connection.prepare_cached("SELECT 1 FROM heard WHERE source = ?1 AND device = ?2")?;
    for (device, _) in membership.devices() {
        if !select.exists(params![source.as_bytes(), device.as_bytes()])? {
            return Ok(false);
        }
    }
    Ok(true)
}

/// New statements: should the device that confirmed turn out to be removed, its word is worth nothing.
pub(super) fn doubt(transaction: &Transaction<'_>, roster: &Roster) -> rusqlite::Result<()> {
    let tenant = roster.membership().tenant();
    let sql = "SELECT confirmed_by FROM closed WHERE source = ?1 AND confirmed_by IS NOT NULL";
    let device = transaction
        .prepare_cached(sql)?
        .query_row([tenant.as_bytes()], |row| Ok(DeviceId::from_bytes(array(row, 0)?)))
        .optional()?;
    if device.is_some_and(|device| roster.belongs(&device).is_err()) {
        transaction.execute(
            "UPDATE closed SET confirmed_by = NULL WHERE source = ?1",
            [tenant.as_bytes()],
        )?;
    }
    Ok(())
}

impl Store {
    /// Begins another life of the data, as after a restore: a new incarnation, and every clinic is closed across clinics
    /// until one of its devices has confirmed its grants and revocations.
    ///
    /// # Errors
    /// [`RelayStoreFailed`].
    pub fn begin_another_life(&mut self, rng: &mut impl CryptoRng) -> Result<(), RelayStoreFailed> {
        let mut fresh = [0; 16];
        rng.fill_bytes(&mut fresh);
        self.live_on_as(Incarnation(fresh))
    }

    /// Opens a clinic by the operator's word: for one none of whose devices can confirm any more.
    ///
    /// # Errors
    /// [`RelayStoreFailed`].
    pub fn open_by_hand(&mut self, source: &TenantId) -> Result<bool, RelayStoreFailed> {
        let sql = "DELETE FROM closed WHERE source = ?1 AND confirmed_by IS NULL";
        self.write(|transaction| Ok(transaction.execute(sql, [source.as_bytes()])? > 0))
    }

    /// Receipts that were shown here and are none of this relay's.
    ///
    /// # Errors
    /// [`RelayStoreFailed`].
    pub fn n_forged_receipts(&self) -> Result<u64, RelayStoreFailed> {
        self.connection
            .query_row("SELECT n_forged FROM relay", [], |row| super::columns::position(row, 0))
            .map_err(failed)
    }

    fn live_on_as(&mut self, fresh: Incarnation) -> Result<(), RelayStoreFailed> {
        self.write(|transaction| begin(transaction, fresh))?;
        self.incarnation = fresh;
        Ok(())
    }

    pub(super) fn make_receipt(&mut self, tenant: &TenantId, now_ms: i64) -> Result<SignedReceipt, RelayStoreFailed> {
        let at_ms = self.time_of_receipt(now_ms)?;
        let heads = feeds::heads(&self.connection, tenant).map_err(failed)?;
        let chain = |feed, at| chain_at(&self.connection, tenant, feed, at).map_err(failed);
        let changes_chain = chain(Feed::Changes, heads.changes)?;
        let consents_chain = chain(Feed::Consents, heads.consents)?;
        let receipt = Receipt {
            tenant: *tenant,
            incarnation: self.incarnation.0,
            changes: heads.changes,
            consents: heads.consents,
            sum: sync_protocol::sum_of_chains(&changes_chain, &consents_chain),
            at_ms,
        };
        Ok(SignedReceipt::make(&receipt, changes_chain, consents_chain, &self.key))
    }

    pub(super) fn look_at_shown(
        &mut self,
        tenant: &TenantId,
        receipt: &SignedReceipt,
        fresh: Incarnation,
    ) -> Result<Shown, RelayStoreFailed> {
        if receipt.verify(*tenant, self.incarnation, &self.key.public()).is_err() {
            self.write(|transaction| transaction.execute("UPDATE relay SET n_forged = n_forged + 1", []))?;
            tracing::warn!(%tenant, "a device showed a receipt that this relay never gave");
            return Ok(Shown::Forged);
        }
        let heads = feeds::heads(&self.connection, tenant).map_err(failed)?;
        let chain = |feed, at| chain_at(&self.connection, tenant, feed, at).map_err(failed);
        let holds = receipt.changes <= heads.changes
            && receipt.consents <= heads.consents
            && receipt.changes_chain == chain(Feed::Changes, receipt.changes)?
            && receipt.consents_chain == chain(Feed::Consents, receipt.consents)?;
        if holds {
            return Ok(Shown::Holds);
        }
        tracing::warn!(
            "a device holds this relay's own receipt for more than is here: the data was put back. It begins another \
             life, and clinics give nothing to each other until each has confirmed its revocations"
        );
        self.live_on_as(fresh)?;
        Ok(Shown::WasPutBack)
    }

    /// Never earlier than that of any receipt before, also after a restart under a clock that was set back.
    fn time_of_receipt(&mut self, now_ms: i64) -> Result<i64, RelayStoreFailed> {
        let at_ms = now_ms.max(self.last_receipt_ms);
        if at_ms > self.reserved_ms {
            let reserved = at_ms.saturating_add(RESERVE_MS);
            self.write(|transaction| transaction.execute("UPDATE relay SET clock_ms = ?1", [reserved]))?;
            self.reserved_ms = reserved;
        }
        self.last_receipt_ms = at_ms;
        Ok(at_ms)
    }
}
