//! The relay's store: what the relay relays and cannot read, in SQLite (one file in the data folder) or in PostgreSQL.
//!
//! What the relay decides is in the files beside this one, written once against a small seam (`sql.rs`); how a database
//! does it is in `sqlite.rs` and `postgres.rs`. Here is the list of what a store can do, each method one transaction.

mod audit;
mod audit_heads;
mod audit_reading;
mod billing;
mod cards;
mod chains;
mod chunks;
mod clinics;
mod database;
mod directory;
mod exporting;
mod feeds;
mod glance;
mod gone;
mod health;
mod ingest;
mod invoices;
mod life;
mod look;
mod mail;
mod marked;
mod operator_audit;
mod operators;
mod overview;
mod pairing;
mod plans;
mod post;
mod postgres;
mod prepare;
mod push;
mod release_heads;
mod releases;
mod sessions;
mod shared;
mod sql;
mod sqlite;
mod standing;
mod statements;
mod usage;
mod usage_days;

use std::collections::{HashMap, HashSet};
use std::path::Path;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Instant;

use rand_core::CryptoRng;
use seal::{ChangeId, DeviceId, RelayKey, TenantId};
use sync_protocol::{
    AuditLine, ChangesPage, Checked, Consent, Feed, FormerLife, Heads, Incarnation, Page, Pushed, Redeemed, RelayStore,
    RelayStoreFailed, ReleaseAnswer, ReleaseAsk, Roster, Shown, SignedReceipt, Wake,
};

pub use self::audit_heads::StoredHead;
pub use self::audit_reading::AuditRow;
pub use self::billing::Billing;
pub use self::chunks::HeldChunks;
use self::database::Database;
use self::glance::glance;
pub use self::invoices::InvoiceError;
use self::life::Life;
use self::look::Looks;
use self::marked::FollowingMark;
pub use self::pairing::{PairingLook, PairingPlace, PairingSeat};
pub use self::plans::{ClinicPlan, PlanError, PlanRow, Which};
pub use self::prepare::{RELAY_ROLE, prepare};
use self::release_heads::KnownGrants;
pub use self::shared::DatabaseRefusal;
use self::sql::{Scope, Sql, SqlError, SqlResult, values};
use self::sqlite::Sqlite;
use self::usage::Board;
pub use self::usage_days::{DAYS_KEPT, UsageDay};
pub use cards::{ClinicCard, SeenDevice};
pub use clinics::{ClinicError, ClinicRow, INVITATION_LIFETIME_MS};
pub use health::{NodeSample, Sample, Seen, Span};
pub use operator_audit::{OperatorAct, OperatorLine};
pub use operators::{
    COMMAND_LINE, Credentials, Factor, LINK_LIFETIME_MS, OperatorError, OperatorRow, Tried, is_operator_name,
};
pub use overview::{ClinicOverview, InvoicesStand};
pub use sessions::{OperatorSession, SESSION_IDLE_MS, SESSION_LIFETIME_MS};
pub use standing::Standing;

use crate::DatabaseUrlError;

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
    /// The database's address is none, or leads nowhere.
    #[error(transparent)]
    Url(#[from] DatabaseUrlError),
    /// The database answers, and is not used.
    #[error(transparent)]
    Refused(#[from] DatabaseRefusal),
    /// PostgreSQL says no.
    #[error("the database cannot be used: {}", crate::database_url::words_of(.0))]
    Postgres(#[from] ::postgres::Error),
    /// The store was opened, and then failed.
    #[error(transparent)]
    Store(#[from] RelayStoreFailed),
    /// A later build has been here.
    #[error(
        "a later build has brought this store's schema to version {here}, and this build knows none after {known}: use that \
         build, or a backup from before"
    )]
    Later {
        /// The store's.
        here: i64,
        /// This build's.
        known: i64,
    },
    /// The schema could not be brought up to date.
    #[error("the store's schema does not fit this build: {0}")]
    Schema(#[from] refinery::Error),
}

impl OpenError {
    /// Whether it is refused on principle, rather than having failed.
    pub fn is_refusal(&self) -> bool {
        match self {
            Self::Url(error) => error.is_refusal(),
            error => matches!(error, Self::Refused(_) | Self::Later { .. }),
        }
    }
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
    database: Database,
    life: Arc<Life>,
    key: RelayKey,
    last_receipt_ms: i64,
    reserved_ms: i64,
    mark: Option<FollowingMark>,
    kept_house: Option<Instant>,
    /// Known to all threads of this node.
    rosters: Arc<Mutex<HashMap<TenantId, KnownRoster>>>,
    grants: Arc<KnownGrants>,
    board: Arc<Board>,
    /// Clinics that are not served; where others write too, `looked` says it.
    suspended: HashSet<TenantId>,
    /// Whether it was not served when this thread looked at its roster last.
    looked: HashMap<TenantId, bool>,
    looks: Looks,
}

/// A roster, and how many statements were stored when it was read.
#[derive(Clone)]
struct KnownRoster {
    roster: Arc<Roster>,
    n_statements: u64,
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
        let mut sqlite = Sqlite::open(&folder.join(name))?;
        let key = life::key(folder, rng)?;
        let [mut first, mut other] = [[0; 16]; 2];
        rng.fill_bytes(&mut first);
        rng.fill_bytes(&mut other);
        let settle = |sql: &mut dyn Sql| {
            let insert = "INSERT INTO relay (only_row, incarnation) VALUES (1, ?1) ON CONFLICT DO NOTHING";
            sql.execute(insert, &values![&first])?;
            life::settle(sql, &key.public(), Incarnation(other))?;
            invoices::settle_at_first(sql)?;
            let mut row = sql.the_row("SELECT incarnation, clock_ms FROM relay", &[])?;
            Ok((Incarnation(row.array(0)?), row.int(1)?))
        };
        let (incarnation, reserved_ms) = sqlite.write(settle).map_err(failed)?;
        let life = Arc::new(Life::new(incarnation));
        let suspended = sqlite.read(|sql| standing::all(sql)).map_err(failed)?;
        let mut store = Self::with(Database::Sqlite(sqlite), life, key, reserved_ms);
        store.suspended.extend(suspended);
        Ok(store)
    }

    fn with(database: Database, life: Arc<Life>, key: RelayKey, reserved_ms: i64) -> Self {
        Self {
            database,
            life,
            key,
            last_receipt_ms: reserved_ms,
            reserved_ms,
            mark: None,
            kept_house: None,
            rosters: Arc::default(),
            grants: Arc::default(),
            board: Arc::default(),
            suspended: HashSet::new(),
            looked: HashMap::new(),
            looks: Looks::default(),
        }
    }

    /// Remembers how clinics reach this relay.
    ///
    /// # Errors
    /// [`RelayStoreFailed`].
    pub fn set_reachable(&mut self, reachable: &Reachable) -> Result<(), RelayStoreFailed> {
        let set = "UPDATE relay SET url = ?1, key_sha256 = ?2";
        let values = values![reachable.url.as_str(), reachable.key_sha256.as_ref()];
        self.write(Scope::House, |sql| sql.execute(set, &values)).map(drop)
    }

    /// How clinics reach this relay; `None` before it was ever served.
    ///
    /// # Errors
    /// [`RelayStoreFailed`].
    pub fn reachable(&self) -> Result<Option<Reachable>, RelayStoreFailed> {
        let select = "SELECT url, key_sha256 FROM relay WHERE url IS NOT NULL";
        self.read(Scope::House, |sql| {
            let Some(mut row) = sql.row(select, &[])? else {
                return Ok(None);
            };
            Ok(Some(Reachable {
                url: row.text(0)?,
                key_sha256: row.maybe_array(1)?,
            }))
        })
    }

    /// Whether its database answers.
    pub(crate) fn answers(&self) -> bool {
        let asked = self.read(Scope::House, |sql| sql.exists("SELECT 1 FROM relay", &[]));
        matches!(asked, Ok(true))
    }

    /// How often this thread has waited for a database that is elsewhere: each time is a journey there and back.
    pub fn n_journeys(&self) -> u64 {
        self.database.n_journeys()
    }

    /// Brings the write-ahead log into the file, at the end.
    ///
    /// # Errors
    /// [`RelayStoreFailed`].
    pub fn checkpoint(&mut self) -> Result<(), RelayStoreFailed> {
        self.database.checkpoint().map_err(failed)
    }

    fn rosters(&self) -> MutexGuard<'_, HashMap<TenantId, KnownRoster>> {
        self.rosters.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// One transaction that changes nothing.
    fn read<T>(
        &self,
        scope: Scope<'_>,
        mut act: impl FnMut(&mut dyn Sql) -> SqlResult<T>,
    ) -> Result<T, RelayStoreFailed> {
        let read = self.looks.read(scope, &mut act, |act| self.database.read(scope, act));
        read.map_err(failed)
    }

    /// One transaction; an error rolls all of it back.
    fn write<T>(
        &mut self,
        scope: Scope<'_>,
        act: impl FnMut(&mut dyn Sql) -> SqlResult<T>,
    ) -> Result<T, RelayStoreFailed> {
        let written = self.database.write(scope, act);
        self.looks.forget(scope);
        written.map_err(failed)
    }
}

impl RelayStore for Store {
    fn incarnation(&self) -> Incarnation {
        self.life.get()
    }

    fn roster(&mut self, tenant: &TenantId) -> Result<Option<Arc<Roster>>, RelayStoreFailed> {
        let known = self.rosters().get(tenant).cloned();
        // Nobody else writes into a file; into a database that is shared, another thread or node may have.
        if let (Some(known), false) = (&known, self.database.is_shared()) {
            return Ok(Some(Arc::clone(&known.roster)));
        }
        let n_known = known.as_ref().map(|known| known.n_statements);
        let read = self.read(Scope::Clinic(tenant), |sql| {
            let now = glance(sql, tenant)?;
            if Some(now.n_statements) == n_known {
                return Ok((None, now.is_suspended));
            }
            let statements = statements::read(sql, tenant)?;
            Ok((Some((statements, now.n_statements)), now.is_suspended))
        });
        let (read, suspended) = read?;
        self.looked.insert(*tenant, suspended);
        let Some((statements, n_statements)) = read else {
            return Ok(known.map(|known| known.roster));
        };
        let roster = Roster::from_statements(*tenant, statements.iter().map(Vec::as_slice)).map(Arc::new);
        let mut rosters = self.rosters();
        rosters.remove(tenant);
        rosters.extend(roster.iter().map(|roster| {
            let known = KnownRoster {
                roster: Arc::clone(roster),
                n_statements,
            };
            (*tenant, known)
        }));
        drop(rosters);
        Ok(roster)
    }

    fn set_roster(&mut self, roster: &Roster) -> Result<(), RelayStoreFailed> {
        let tenant = roster.membership().tenant();
        let now = self.write(Scope::Clinic(&tenant), |sql| {
            statements::add(sql, roster)?;
            life::doubt(sql, roster)?;
            usage::free_seats(sql, roster)?;
            glance(sql, &tenant)
        })?;
        let n_statements = now.n_statements;
        self.looked.insert(tenant, now.is_suspended);
        // Others may have added some of which this roster knows nothing: then it is read when it is asked for.
        let mut rosters = self.rosters();
        rosters.remove(&tenant);
        if n_statements == roster.statements().len() as u64 {
            let known = KnownRoster {
                roster: Arc::new(roster.clone()),
                n_statements,
            };
            rosters.insert(tenant, known);
        }
        Ok(())
    }

    fn redeem(&mut self, token: &[u8; 32], roster: &Roster, now_ms: i64) -> Result<Redeemed, RelayStoreFailed> {
        self.write(Scope::House, |sql| clinics::redeem(sql, token, roster, now_ms))
    }

    fn heads(&mut self, tenant: &TenantId) -> Result<Heads, RelayStoreFailed> {
        self.read(Scope::Clinic(tenant), |sql| Ok(glance(sql, tenant)?.heads))
    }

    fn changes(&mut self, tenant: &TenantId, page: Page) -> Result<ChangesPage, RelayStoreFailed> {
        self.read(Scope::Clinic(tenant), |sql| feeds::changes(sql, tenant, page))
    }

    fn named_changes(
        &mut self,
        tenant: &TenantId,
        ids: &[ChangeId],
        max_bytes: usize,
    ) -> Result<Vec<Option<Vec<u8>>>, RelayStoreFailed> {
        self.read(Scope::Clinic(tenant), |sql| {
            feeds::named_changes(sql, tenant, ids, max_bytes)
        })
    }

    fn chain(&mut self, tenant: &TenantId, feed: Feed, position: u64) -> Result<[u8; 32], RelayStoreFailed> {
        self.read(Scope::Clinic(tenant), |sql| {
            chains::chain_at(sql, tenant, feed, position)
        })
    }

    fn receipt_key(&self) -> [u8; 32] {
        self.key.public()
    }

    fn receipt(&mut self, tenant: &TenantId, now_ms: i64) -> Result<SignedReceipt, RelayStoreFailed> {
        if let Some(receipt) = self.looks.receipt(tenant) {
            return Ok(receipt);
        }
        let receipt = self.make_receipt(tenant, now_ms)?;
        self.looks.keep_receipt(tenant, receipt);
        Ok(receipt)
    }

    fn shown(
        &mut self,
        tenant: &TenantId,
        receipt: &SignedReceipt,
        fresh: Incarnation,
    ) -> Result<Shown, RelayStoreFailed> {
        self.look_at_shown(tenant, receipt, fresh)
    }

    fn is_suspended(&mut self, tenant: &TenantId) -> Result<bool, RelayStoreFailed> {
        if !self.database.is_shared() {
            return Ok(self.suspended.contains(tenant));
        }
        match self.looked.get(tenant) {
            Some(suspended) => Ok(*suspended),
            None => self.read(Scope::Clinic(tenant), |sql| Ok(glance(sql, tenant)?.is_suspended)),
        }
    }

    fn is_closed(&mut self, source: &TenantId) -> Result<bool, RelayStoreFailed> {
        self.read(Scope::Clinic(source), |sql| Ok(glance(sql, source)?.is_closed))
    }

    fn consents_complete(
        &mut self,
        source: &TenantId,
        device: &DeviceId,
        former: &[FormerLife],
    ) -> Result<Vec<Wake>, RelayStoreFailed> {
        if !self.is_closed(source)? {
            return Ok(Vec::new());
        }
        let Some(roster) = self.roster(source)? else {
            return Ok(Vec::new());
        };
        self.write(Scope::Clinic(source), |sql| life::confirm(sql, &roster, device, former))
    }

    fn consents(&mut self, tenant: &TenantId, page: Page) -> Result<Vec<(u64, Consent)>, RelayStoreFailed> {
        self.read(Scope::Clinic(tenant), |sql| feeds::consents(sql, tenant, page))
    }

    fn audit(&mut self, tenant: &TenantId, page: Page) -> Result<Vec<AuditLine>, RelayStoreFailed> {
        self.read(Scope::Clinic(tenant), |sql| audit::read(sql, tenant, page))
    }

    fn push(&mut self, tenant: &TenantId, items: &[Checked], now_ms: i64) -> Result<Pushed, RelayStoreFailed> {
        let pushed = self.write(Scope::Clinic(tenant), |sql| push::push(sql, tenant, items, now_ms))?;
        if items.iter().any(|item| matches!(item, Checked::Erased { .. })) {
            // What was erased is not to stay in the write-ahead log either.
            self.checkpoint()?;
        }
        self.look_around(tenant);
        Ok(pushed)
    }

    fn release_heads(
        &mut self,
        recipient: &TenantId,
        now_ms: i64,
    ) -> Result<Vec<(seal::GrantId, u64)>, RelayStoreFailed> {
        self.read(Scope::Clinic(recipient), |sql| {
            release_heads::heads(sql, &self.grants, recipient, now_ms)
        })
    }

    fn pull_releases(&mut self, ask: &ReleaseAsk) -> Result<ReleaseAnswer, RelayStoreFailed> {
        self.write(Scope::Clinic(&ask.requester), |sql| releases::pull(sql, ask))
    }
}

fn failed(error: SqlError) -> RelayStoreFailed {
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
