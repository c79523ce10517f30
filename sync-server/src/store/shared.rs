//! The store in a PostgreSQL that several threads and nodes share: opening it, and what is refused then.

use std::path::Path;
use std::sync::Arc;

use postgres::Client;
use rand_core::CryptoRng;
use seal::RelayKey;
use sync_protocol::Incarnation;

use super::database::Database;
use super::life::{self, Life};
use super::postgres::Postgres;
use super::prepare::{newest_version, version};
use super::sql::{Scope, values};
use super::{OpenError, Store, failed, invoices, make_private_folder};
use crate::DatabaseUrl;

/// Why a relay does not run on a database that answers. Each is a line of defence that would be missing.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum DatabaseRefusal {
    /// Nothing holds a superuser.
    #[error("{0} is a superuser: nothing would keep clinics' rows apart. Let the relay log in as medieco_relay")]
    Superuser(String),
    /// Policies are not asked.
    #[error(
        "{0} goes past row-level security: nothing would keep clinics' rows apart. Let the relay log in as medieco_relay"
    )]
    GoesPast(String),
    /// Could take the policies away.
    #[error("{0} owns the relay's tables, and could take their policies away. Let the relay log in as medieco_relay")]
    Owner(String),
    /// No schema.
    #[error("this database is not prepared: `medieco-relay database prepare --owner postgres://…` does it")]
    NotPrepared,
    /// Schema of an older build.
    #[error(
        "this database's schema is version {here}, and this build needs {wanted}: `medieco-relay database prepare` brings it up to date"
    )]
    TooOld {
        /// The database's.
        here: i64,
        /// This build's.
        wanted: i64,
    },
    /// Every node signs receipts with one key.
    #[error(
        "relay.key in the data folder is not the key of this database: every node needs a copy of the same relay.key"
    )]
    OtherKey,
    /// A file of a key that this database knows is missing.
    #[error(
        "this database knows a key, and there is no relay.key in the data folder: copy that of another node, or of the backup"
    )]
    NoKey,
}

impl Store {
    /// Opens the store in this database; `data` holds the key that all nodes have, and is made when absent.
    ///
    /// # Errors
    /// [`OpenError`].
    pub fn open_shared(data: &Path, url: &DatabaseUrl, rng: &mut impl CryptoRng) -> Result<Self, OpenError> {
        make_private_folder(data)?;
        check(&mut url.connect()?)?;
        let postgres = Postgres::new(url.clone());
        let known = postgres.read(Scope::House, |sql| {
            let row = sql.row("SELECT key FROM relay", &[])?;
            row.map_or(Ok(None), |mut row| row.maybe_array::<32>(0))
        });
        let known = known.map_err(failed)?;
        if known.is_some() && !data.join(life::KEY_FILE).exists() {
            return Err(DatabaseRefusal::NoKey.into());
        }
        let key = life::key(data, rng)?;
        let mut fresh = [0; 16];
        rng.fill_bytes(&mut fresh);
        let (public, incarnation) = postgres
            .write(Scope::House, |sql| {
                let insert = "INSERT INTO relay (only_row, incarnation, key) VALUES (1, ?1, ?2) ON CONFLICT DO NOTHING";
                sql.execute(insert, &values![&fresh, &key.public()])?;
                invoices::settle_at_first(sql)?;
                let mut row = sql.the_row("SELECT key, incarnation FROM relay", &[])?;
                Ok((row.array::<32>(0)?, row.array(1).map(Incarnation)?))
            })
            .map_err(failed)?;
        if public != key.public() {
            return Err(DatabaseRefusal::OtherKey.into());
        }
        Ok(Self::over(postgres, Arc::new(Life::new(incarnation)), key))
    }

    /// Another connection to the same database, for another thread of this node. `None` when the store is not shared.
    pub fn beside(&self) -> Option<Self> {
        let Database::Postgres(postgres) = &self.database else {
            return None;
        };
        let key = RelayKey::from_secret_bytes(&self.key.to_secret_bytes()).ok()?;
        let mut beside = Self::over(Postgres::new(postgres.url().clone()), Arc::clone(&self.life), key);
        beside.board = Arc::clone(&self.board);
        beside.rosters = Arc::clone(&self.rosters);
        beside.grants = Arc::clone(&self.grants);
        Some(beside)
    }

    fn over(mut postgres: Postgres, life: Arc<Life>, key: RelayKey) -> Self {
        postgres.watch(Arc::clone(&life));
        Self::with(Database::Postgres(Box::new(postgres)), life, key, 0)
    }
}

fn check(client: &mut Client) -> Result<(), OpenError> {
    let role = "SELECT rolsuper, rolbypassrls, current_user::text FROM pg_roles WHERE rolname = current_user";
    let role = client.query_one(role, &[])?;
    let name: String = role.try_get(2)?;
    if role.try_get(0)? {
        return Err(DatabaseRefusal::Superuser(name).into());
    }
    if role.try_get(1)? {
        return Err(DatabaseRefusal::GoesPast(name).into());
    }
    let owns = "SELECT EXISTS (SELECT 1 FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
                WHERE n.nspname = current_schema() AND c.relkind IN ('r', 'p')
                AND pg_has_role(current_user, c.relowner, 'MEMBER'))";
    if client.query_one(owns, &[])?.try_get(0)? {
        return Err(DatabaseRefusal::Owner(name).into());
    }
    let there = "SELECT to_regclass('refinery_schema_history') IS NOT NULL";
    if !client.query_one(there, &[])?.try_get::<_, bool>(0)? {
        return Err(DatabaseRefusal::NotPrepared.into());
    }
    let (here, wanted) = (version(client)?, newest_version());
    if here < wanted {
        return Err(DatabaseRefusal::TooOld { here, wanted }.into());
    }
    Ok(())
}
