//! The relay's data folder: one SQLite file that holds what the relay relays and cannot read.
//!
//! One connection, on the one writer thread (see `writer.rs`). WAL with `synchronous=FULL`: what is acknowledged
//! survives the power cord.

mod audit;
mod chains;
mod chunks;
mod clinics;
mod columns;
mod feeds;
mod gone;
mod life;
mod marked;
mod push;
mod releases;
mod statements;

use std::collections::HashMap;
use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, Instant};

use rand_core::CryptoRng;
use rusqlite::{Connection, OptionalExtension, Transaction, TransactionBehavior, params};
use seal::{DeviceId, RelayKey, TenantId};
use sync_protocol::{
    AuditLine, ChangesPage, Checked, Consent, Feed, FormerLife, Heads, Incarnation, Page, Pushed, Redeemed, RelayStore,
    RelayStoreFailed, ReleaseAnswer, ReleaseAsk, Roster, Shown, SignedReceipt, Wake,
};

pub use self::chunks::HeldChunks;
use self::marked::FollowingMark;
pub use clinics::{ClinicError, ClinicRow, INVITATION_LIFETIME_MS};

mod migrations {
    refinery::embed_migrations!("migrations");
}

/// The file in the data folder.
pub const FILE_NAME: &str = "relay.sqlite";

/// Why the store could not be opened.
#[derive(Debug, thiserror::Error)]
pub enum OpenError {
    /// The folder could not be made or read.
    #[error("the data folder cannot be used: {0}")]
    Folder(#[from] std::io::Error),
    /// The file is damaged, or a newer build's.
    #[error("the key in relay.key cannot be read")]
    Key,
    /// SQLite says no.
    #[error("the store cannot be opened: {0}")]
    Sqlite(#[from] rusqlite::Error),
    /// The schema could not be brought up to date; a newer build may have written it.
    #[error("the store's schema does not fit this build: {0}")]
    Schema(#[from] refinery::Error),
}

/// How clinics reach this relay, as the last `serve` knew it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Reachable {
    /// `ws://` or `wss://`, host and port, no path.
    pub url: String,
    /// SHA-256 of the certificate's public key (SubjectPublicKeyInfo), when it serves TLS.
    pub key_sha256: Option<[u8; 32]>,
}

/// The store.
pub struct Store {
    connection: Connection,
    incarnation: Incarnation,
    key: RelayKey,
    last_receipt_ms: i64,
    reserved_ms: i64,
    commits: u64,
    mark: Option<FollowingMark>,
    kept_house: Option<Instant>,
    rosters: HashMap<TenantId, Arc<Roster>>,
}

impl Store {
    /// Opens the store in `folder`, or makes it, with a fresh incarnation from `rng`.
    ///
    /// # Errors
    /// [`OpenError`].
    pub fn open(folder: &Path, rng: &mut impl CryptoRng) -> Result<Self, OpenError> {
        make_private_folder(folder)?;
        crate::restore::finish(folder)?;
        Self::open_file(folder, FILE_NAME, rng)
    }

    pub(crate) fn open_file(folder: &Path, name: &str, rng: &mut impl CryptoRng) -> Result<Self, OpenError> {
        let mut connection = Connection::open(folder.join(name))?;
        connection.busy_timeout(Duration::from_secs(10))?;
        connection.pragma_update(None, "journal_mode", "WAL")?;
        connection.pragma_update(None, "synchronous", "FULL")?;
        connection.pragma_update(None, "fullfsync", true)?;
        connection.pragma_update(None, "foreign_keys", true)?;
        // What was revoked leaves no trace in the file's free pages.
        connection.pragma_update(None, "secure_delete", true)?;
        migrations::migrations::runner().run(&mut connection)?;
        let mut fresh = [0; 16];
        rng.fill_bytes(&mut fresh);
        connection.execute(
            "INSERT OR IGNORE INTO relay (only_row, incarnation) VALUES (1, ?1)",
            [&fresh],
        )?;
        let key = life::key(folder, rng)?;
        rng.fill_bytes(&mut fresh);
        let transaction = connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
        life::settle(&transaction, &key.public(), Incarnation(fresh))?;
        transaction.commit()?;
        let sql = "SELECT incarnation, clock_ms, commits FROM relay";
        let (incarnation, reserved_ms, commits) = connection.query_row(sql, [], |row| {
            Ok((row.get(0)?, row.get(1)?, columns::position(row, 2)?))
        })?;
        Ok(Self {
            connection,
            incarnation: Incarnation(incarnation),
            key,
            last_receipt_ms: reserved_ms,
            reserved_ms,
            commits,
            mark: None,
            kept_house: None,
            rosters: HashMap::new(),
        })
    }

    /// Remembers how clinics reach this relay.
    ///
    /// # Errors
    /// [`RelayStoreFailed`].
    pub fn set_reachable(&mut self, reachable: &Reachable) -> Result<(), RelayStoreFailed> {
        let values = params![reachable.url, reachable.key_sha256];
        self.connection
            .execute("UPDATE relay SET url = ?1, key_sha256 = ?2", values)
            .map_err(failed)?;
        Ok(())
    }

    /// How clinics reach this relay; `None` before it was ever served.
    ///
    /// # Errors
    /// [`RelayStoreFailed`].
    pub fn reachable(&self) -> Result<Option<Reachable>, RelayStoreFailed> {
        let sql = "SELECT url, key_sha256 FROM relay WHERE url IS NOT NULL";
        let row = self.connection.query_row(sql, [], |row| {
            Ok(Reachable {
                url: row.get(0)?,
                key_sha256: row.get(1)?,
            })
        });
        row.optional().map_err(failed)
    }

    /// Brings the write-ahead log into the file, at the end.
    ///
    /// # Errors
    /// [`RelayStoreFailed`].
    pub fn checkpoint(&mut self) -> Result<(), RelayStoreFailed> {
        self.connection
            .query_row("PRAGMA wal_checkpoint(TRUNCATE)", [], |_| Ok(()))
            .map_err(failed)
    }

    /// One transaction, `BEGIN IMMEDIATE` to `COMMIT`; an error rolls all of it back.
    fn write<T>(&mut self, act: impl FnOnce(&Transaction<'_>) -> rusqlite::Result<T>) -> Result<T, RelayStoreFailed> {
        let run = || {
            let transaction = self
                .connection
                .transaction_with_behavior(TransactionBehavior::Immediate)?;
            let done = act(&transaction)?;
            let sql = "UPDATE relay SET commits = commits + 1 RETURNING commits";
            let commits = transaction.query_row(sql, [], |row| columns::position(row, 0))?;
            transaction.commit()?;
            self.commits = commits;
            Ok(done)
        };
        run().map_err(failed)
    }
}

impl RelayStore for Store {
    fn incarnation(&self) -> Incarnation {
        self.incarnation
    }

    fn roster(&mut self, tenant: &TenantId) -> Result<Option<Arc<Roster>>, RelayStoreFailed> {
        if let Some(roster) = self.rosters.get(tenant) {
            return Ok(Some(Arc::clone(roster)));
        }
        let statements = statements::read(&self.connection, tenant).map_err(failed)?;
        let roster = Roster::from_statements(*tenant, statements.iter().map(Vec::as_slice)).map(Arc::new);
        self.rosters
            .extend(roster.iter().map(|roster| (*tenant, Arc::clone(roster))));
        Ok(roster)
    }

    fn set_roster(&mut self, roster: &Roster) -> Result<(), RelayStoreFailed> {
        self.write(|transaction| {
            statements::add(transaction, roster)?;
            life::doubt(transaction, roster)
        })?;
        self.rosters
            .insert(roster.membership().tenant(), Arc::new(roster.clone()));
        Ok(())
    }

    fn redeem(&mut self, token: &[u8; 32], roster: &Roster, now_ms: i64) -> Result<Redeemed, RelayStoreFailed> {
        self.write(|transaction| clinics::redeem(transaction, token, roster, now_ms))
    }

    fn heads(&mut self, tenant: &TenantId) -> Result<Heads, RelayStoreFailed> {
        feeds::heads(&self.connection, tenant).map_err(failed)
    }

    fn changes(&mut self, tenant: &TenantId, page: Page) -> Result<ChangesPage, RelayStoreFailed> {
        feeds::changes(&self.connection, tenant, page).map_err(failed)
    }

    fn chain(&mut self, tenant: &TenantId, feed: Feed, position: u64) -> Result<[u8; 32], RelayStoreFailed> {
        chains::chain_at(&self.connection, tenant, feed, position).map_err(failed)
    }

    fn receipt_key(&self) -> [u8; 32] {
        self.key.public()
    }

    fn receipt(&mut self, tenant: &TenantId, now_ms: i64) -> Result<SignedReceipt, RelayStoreFailed> {
        self.make_receipt(tenant, now_ms)
    }

    fn shown(
        &mut self,
        tenant: &TenantId,
        receipt: &SignedReceipt,
        fresh: Incarnation,
    ) -> Result<Shown, RelayStoreFailed> {
        self.look_at_shown(tenant, receipt, fresh)
    }

    fn is_closed(&mut self, source: &TenantId) -> Result<bool, RelayStoreFailed> {
        life::is_closed(&self.connection, source).map_err(failed)
    }

    fn consents_complete(
        &mut self,
        source: &TenantId,
        device: &DeviceId,
        former: &[FormerLife],
    ) -> Result<Vec<Wake>, RelayStoreFailed> {
        if !life::is_closed(&self.connection, source).map_err(failed)? {
            return Ok(Vec::new());
        }
        let Some(roster) = self.roster(source)? else {
            return Ok(Vec::new());
        };
        self.write(|transaction| life::confirm(transaction, &roster, device, former))
    }

    fn consents(&mut self, tenant: &TenantId, page: Page) -> Result<Vec<(u64, Consent)>, RelayStoreFailed> {
        feeds::consents(&self.connection, tenant, page).map_err(failed)
    }

    fn audit(&mut self, tenant: &TenantId, page: Page) -> Result<Vec<AuditLine>, RelayStoreFailed> {
        audit::read(&self.connection, tenant, page).map_err(failed)
    }

    fn push(&mut self, tenant: &TenantId, items: &[Checked], now_ms: i64) -> Result<Pushed, RelayStoreFailed> {
        let pushed = self.write(|transaction| push::push(transaction, tenant, items, now_ms))?;
        if items.iter().any(|item| matches!(item, Checked::Erased { .. })) {
            // What was erased is not to stay in the write-ahead log either.
            self.checkpoint()?;
        }
        Ok(pushed)
    }

    fn release_heads(
        &mut self,
        recipient: &TenantId,
        now_ms: i64,
    ) -> Result<Vec<(seal::GrantId, u64)>, RelayStoreFailed> {
        releases::heads(&self.connection, recipient, now_ms).map_err(failed)
    }

    fn pull_releases(&mut self, ask: &ReleaseAsk) -> Result<ReleaseAnswer, RelayStoreFailed> {
        self.write(|transaction| releases::pull(transaction, ask))
    }
}

fn failed(error: rusqlite::Error) -> RelayStoreFailed {
    RelayStoreFailed(error.to_string())
}

#[cfg(unix)]
pub(crate) fn make_private_folder(folder: &Path) -> std::io::Result<()> {
    use std::os::unix::fs::DirBuilderExt;
    std::fs::DirBuilder::new().recursive(true).mode(0o700).create(folder)
}

#[cfg(not(unix))]
pub(crate) fn make_private_folder(folder: &Path) -> std::io::Result<()> {
    std::fs::create_dir_all(folder)
}
