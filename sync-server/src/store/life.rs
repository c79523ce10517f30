//! The life of the relay's data: its key, its receipts, and what happens when the data was put back to an older state.
//!
//! A new life has a new incarnation: every device begins its cursors anew and offers again what it holds. Until one of its
//! devices has confirmed its grants and revocations, nothing that a clinic gives crosses to another: what was revoked
//! stays revoked.

use std::io::Write;
use std::path::Path;
use std::sync::Mutex;

use rand_core::CryptoRng;
use seal::{DeviceId, Receipt, RelayKey, TenantId};
use sync_protocol::{Feed, FormerLife, Incarnation, RelayStoreFailed, Roster, Shown, SignedReceipt, Wake};
use zeroize::Zeroizing;

use super::chains::{chain_at, make_missing};
use super::glance::glance;
use super::sql::{Question, Scope, Sql, SqlResult, the_only, together, values};
use super::{OpenError, Store, feeds};

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
pub(super) fn settle(sql: &mut dyn Sql, key: &[u8; 32], fresh: Incarnation) -> SqlResult<()> {
    let mut row = sql.the_row("SELECT key, incarnation FROM relay", &[])?;
    let (known, life) = (row.maybe_bytes(0)?, Incarnation(row.array(1)?));
    match known {
        None => make_missing(sql)?,
        Some(known) if known == key => return Ok(()),
        Some(_) => {
            tracing::warn!("the key that signs receipts is not the one of this data: the data begins another life");
            begin(sql, life, fresh)?;
        }
    }
    sql.execute("UPDATE relay SET key = ?1", &values![key]).map(drop)
}

/// Another life: a new incarnation, and every clinic is closed until it confirms. Nothing happens if the data does not live
/// the life `from` any more: another node was quicker. Gives the life that holds now.
pub(super) fn begin(sql: &mut dyn Sql, from: Incarnation, fresh: Incarnation) -> SqlResult<Incarnation> {
    let now = sql.lock_row("SELECT incarnation FROM relay", &[])?;
    let now = now.map(|mut row| row.array(0)).transpose()?.map(Incarnation);
    if let Some(now) = now.filter(|now| *now != from) {
        return Ok(now);
    }
    // Who had not confirmed yet still has to for the life before.
    sql.execute("DELETE FROM closed WHERE confirmed_by IS NOT NULL", &[])?;
    sql.execute("DELETE FROM heard", &[])?;
    let close = "INSERT INTO closed (source, former, changes, consents)
                 SELECT known.source, (SELECT incarnation FROM relay),
                     coalesce((SELECT position FROM head WHERE tenant = known.source AND feed = 0), 0),
                     coalesce((SELECT position FROM head WHERE tenant = known.source AND feed = 1), 0)
                 FROM (SELECT tenant AS source FROM clinic WHERE tenant IS NOT NULL
                       UNION SELECT tenant FROM statement UNION SELECT source FROM given) AS known
                 WHERE true ON CONFLICT (source) DO NOTHING";
    sql.execute(close, &[])?;
    sql.execute("UPDATE relay SET incarnation = ?1", &values![&fresh.0])?;
    Ok(fresh)
}

/// A row, if what the clinic ?1 gives does not cross.
pub(super) const CLOSED: &str = "SELECT 1 FROM closed WHERE source = ?1 AND confirmed_by IS NULL";

/// A device has brought all that it holds. It opens its clinic if it had come far enough in the former life, or if by now
/// every member has spoken: then nobody knows more. Whom to wake: all to whom the clinic gives.
pub(super) fn confirm(
    sql: &mut dyn Sql,
    roster: &Roster,
    device: &DeviceId,
    former: &[FormerLife],
) -> SqlResult<Vec<Wake>> {
    let source = roster.membership().tenant();
    let heard = "INSERT INTO heard (source, device) VALUES (?1, ?2) ON CONFLICT DO NOTHING";
    sql.execute(heard, &values![&source, device.as_bytes()])?;
    if !came_far_enough(sql, &source, former)? && !all_have_spoken(sql, roster)? {
        tracing::info!(tenant = %source, %device, "the word of a device that was away does not open its clinic alone");
        return Ok(Vec::new());
    }
    tracing::info!(tenant = %source, %device, "a clinic has confirmed what it revoked, and is open again");
    let open = "UPDATE closed SET confirmed_by = ?2 WHERE source = ?1";
    sql.execute(open, &values![&source, device.as_bytes()])?;
    let recipients = "SELECT DISTINCT recipient FROM given WHERE source = ?1";
    let recipients = sql.rows(recipients, &values![&source])?.into_iter();
    recipients
        .map(|mut row| Ok(Wake::Clinic(TenantId::from_bytes(row.array(0)?))))
        .collect()
}

fn came_far_enough(sql: &mut dyn Sql, source: &TenantId, former: &[FormerLife]) -> SqlResult<bool> {
    let select = "SELECT 1 FROM closed WHERE source = ?1 AND former = ?2 AND changes <= ?3 AND consents <= ?4";
    for life in former.iter().take(MAX_LIVES) {
        if sql.exists(
            select,
            &values![source, &life.incarnation.0, life.changes, life.consents],
        )? {
            return Ok(true);
        }
    }
    Ok(false)
}

fn all_have_spoken(sql: &mut dyn Sql, roster: &Roster) -> SqlResult<bool> {
    let membership = roster.membership();
    let source = membership.tenant();
    let devices: Vec<DeviceId> = membership.devices().map(|(device, _)| device).collect();
    let ids: Vec<&[u8; 32]> = devices.iter().map(DeviceId::as_bytes).collect();
    let select = "SELECT device FROM heard WHERE source = ?1 AND device = ?2";
    let heard = sql.which(select, &values![&source], &ids)?;
    Ok(ids.iter().all(|id| heard.contains(*id)))
}

/// New statements: should the device that confirmed turn out to be removed, its word is worth nothing.
pub(super) fn doubt(sql: &mut dyn Sql, roster: &Roster) -> SqlResult<()> {
    let tenant = roster.membership().tenant();
    let select = "SELECT confirmed_by FROM closed WHERE source = ?1 AND confirmed_by IS NOT NULL";
    let device = sql.row(select, &values![&tenant])?;
    let device = device.map(|mut row| row.array(0)).transpose()?;
    if device.is_some_and(|device| roster.belongs(&DeviceId::from_bytes(device)).is_err()) {
        let close = "UPDATE closed SET confirmed_by = NULL WHERE source = ?1";
        sql.execute(close, &values![&tenant])?;
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
        let open = "DELETE FROM closed WHERE source = ?1 AND confirmed_by IS NULL";
        self.write(Scope::House, |sql| Ok(sql.execute(open, &values![source])? > 0))
    }

    /// Receipts that were shown here and are none of this relay's.
    ///
    /// # Errors
    /// [`RelayStoreFailed`].
    pub fn n_forged_receipts(&self) -> Result<u64, RelayStoreFailed> {
        self.read(Scope::House, |sql| {
            sql.the_row("SELECT n_forged FROM relay", &[])?.position(0)
        })
    }

    fn live_on_as(&mut self, fresh: Incarnation) -> Result<(), RelayStoreFailed> {
        let from = self.life.get();
        let now = self.write(Scope::House, |sql| begin(sql, from, fresh))?;
        self.life.set(now);
        Ok(())
    }

    /// Heads and time are read where no other receipt for this clinic is made: the later one never shows less.
    pub(super) fn make_receipt(&mut self, tenant: &TenantId, now_ms: i64) -> Result<SignedReceipt, RelayStoreFailed> {
        let own_ms = self.time_of_receipt(now_ms)?;
        let (incarnation, last_ms) = (self.life.get(), self.last_receipt_ms);
        let read = self.read(Scope::Latest(tenant), |sql| {
            sql.one_at_a_time(tenant)?;
            let of = values![tenant];
            let [heads, now] = together(sql, [feeds::heads_with_chains(&of), Question::Clock(own_ms)])?;
            let (heads, changes_chain, consents_chain) = feeds::read_heads_with_chains(heads)?;
            let at_ms = the_only(now)?.int(0)?.max(last_ms);
            Ok((heads, at_ms, changes_chain, consents_chain))
        });
        let (heads, at_ms, changes_chain, consents_chain) = read?;
        self.last_receipt_ms = at_ms;
        let receipt = Receipt {
            tenant: *tenant,
            incarnation: incarnation.0,
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
        if receipt.verify(*tenant, self.life.get(), &self.key.public()).is_err() {
            let count = "UPDATE relay SET n_forged = n_forged + 1";
            self.write(Scope::House, |sql| sql.execute(count, &[]))?;
            tracing::warn!(%tenant, "a device showed a receipt that this relay never gave");
            return Ok(Shown::Forged);
        }
        let holds = self.read(Scope::Clinic(tenant), |sql| {
            let heads = glance(sql, tenant)?.heads;
            Ok(receipt.changes <= heads.changes
                && receipt.consents <= heads.consents
                && receipt.changes_chain == chain_at(sql, tenant, Feed::Changes, receipt.changes)?
                && receipt.consents_chain == chain_at(sql, tenant, Feed::Consents, receipt.consents)?)
        })?;
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

    /// Never earlier than that of any receipt before, also after a restart under a clock that was set back. Where several
    /// programs share the data, the database's clock decides, and nothing is reserved.
    fn time_of_receipt(&mut self, now_ms: i64) -> Result<i64, RelayStoreFailed> {
        if self.database.is_shared() {
            return Ok(now_ms);
        }
        let at_ms = now_ms.max(self.last_receipt_ms);
        if at_ms > self.reserved_ms {
            let reserved = at_ms.saturating_add(RESERVE_MS);
            let reserve = "UPDATE relay SET clock_ms = ?1";
            self.write(Scope::House, |sql| sql.execute(reserve, &values![reserved]))?;
            self.reserved_ms = reserved;
        }
        self.last_receipt_ms = at_ms;
        Ok(at_ms)
    }
}

/// Which life the data lives, as far as this program knows; all its threads know the same.
pub(super) struct Life(Mutex<Incarnation>);

impl Life {
    pub(super) fn new(incarnation: Incarnation) -> Self {
        Self(Mutex::new(incarnation))
    }

    pub(super) fn get(&self) -> Incarnation {
        *self.0.lock().expect("nothing panics while it holds this")
    }

    pub(super) fn set(&self, incarnation: Incarnation) {
        *self.0.lock().expect("nothing panics while it holds this") = incarnation;
    }
}
