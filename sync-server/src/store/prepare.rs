//! Preparing a PostgreSQL for relays, by its owner: the schema, and the role that relays log in as.

use postgres::Client;
use postgres::error::SqlState;
use postgres_protocol::password::scram_sha_256;

use super::OpenError;
use crate::DatabaseUrl;

/// A step of the schema that meets nodes at work is tried so often.
const TRIES: usize = 20;

mod migrations {
    refinery::embed_migrations!("migrations-postgres");
}

/// The role that relays log in as. It owns nothing, and no policy lets it past.
pub const RELAY_ROLE: &str = "medieco_relay";

/// Makes the role or takes from it what it must not have, and brings the schema up to date. `password`: the role's from now
/// on; without one the role keeps what it has.
///
/// # Errors
/// [`OpenError`].
pub fn prepare(owner: &DatabaseUrl, password: Option<&str>) -> Result<(), OpenError> {
    let mut client = owner.connect()?;
    make_role(&mut client)?;
    if let Some(password) = password {
        // The server never sees the password itself, nor do its logs.
        let secret = scram_sha_256(password.as_bytes());
        client.batch_execute(&format!("ALTER ROLE {RELAY_ROLE} PASSWORD '{secret}'"))?;
    }
    let there = "SELECT to_regclass('refinery_schema_history') IS NOT NULL";
    if client.query_one(there, &[])?.try_get(0)? {
        let (here, known) = (version(&mut client)?, newest_version());
        if here > known {
            return Err(OpenError::Later { here, known });
        }
    }
    migrate(&mut client)?;
    client.batch_execute(&format!("GRANT SELECT ON refinery_schema_history TO {RELAY_ROLE}"))?;
    Ok(())
}

/// Nodes serve meanwhile. What waits for a table keeps others from it, and two that wait for each other never end: so it waits
/// for a moment only, gives up what it has, and tries again. All steps and the note of them are one transaction: one that is cut
/// off, by whatever, has done nothing.
fn migrate(client: &mut Client) -> Result<(), OpenError> {
    client.batch_execute("SET lock_timeout = '2s'")?;
    let runner = migrations::migrations::runner().set_grouped(true);
    for _ in 1..TRIES {
        match runner.run(client) {
            Err(error) if stood_in_the_way(&error) => {
                tracing::info!("a node is at a table that is to be altered: once more");
            }
            done => return Ok(done.map(drop)?),
        }
    }
    Ok(runner.run(client).map(drop)?)
}

fn stood_in_the_way(error: &refinery::Error) -> bool {
    let cause = std::error::Error::source(error).and_then(|cause| cause.downcast_ref::<postgres::Error>());
    let code = cause.and_then(postgres::Error::code);
    code.is_some_and(|code| [SqlState::LOCK_NOT_AVAILABLE, SqlState::T_R_DEADLOCK_DETECTED].contains(code))
}

/// Which version the schema of a prepared database has.
pub(super) fn version(client: &mut Client) -> Result<i64, postgres::Error> {
    let here = "SELECT CAST(coalesce(max(version), 0) AS BIGINT) FROM refinery_schema_history";
    client.query_one(here, &[])?.try_get(0)
}

/// The newest version of the schema that this build knows.
pub(super) fn newest_version() -> i64 {
    let runner = migrations::migrations::runner();
    let versions = runner.get_migrations().iter().map(|one| i64::from(one.version()));
    versions.max().unwrap_or_default()
}

/// Roles belong to the whole server: another database there may have made it, also at this very moment.
fn make_role(client: &mut Client) -> Result<(), postgres::Error> {
    client.batch_execute(&format!(
        "DO $$ BEGIN
             CREATE ROLE {RELAY_ROLE} LOGIN NOSUPERUSER NOBYPASSRLS NOCREATEDB NOCREATEROLE NOREPLICATION;
         EXCEPTION WHEN duplicate_object OR unique_violation THEN NULL;
         END $$"
    ))?;
    let wrong = "SELECT rolsuper OR rolbypassrls OR NOT rolcanlogin FROM pg_roles WHERE rolname = $1";
    if client.query_one(wrong, &[&RELAY_ROLE])?.try_get(0)? {
        client.batch_execute(&format!("ALTER ROLE {RELAY_ROLE} LOGIN NOSUPERUSER NOBYPASSRLS"))?;
    }
    Ok(())
}
