//! What this device knows of its relay: its key, its newest receipt, and whether it was found out.

use rusqlite::{Connection, OptionalExtension, params};
use sync_protocol::{FormerLife, Incarnation, RelayLie, RelayStanding, Scope, SignedReceipt};

use crate::VaultError;
use crate::reading::count;
use crate::sync::scope_key;

/// What is known in this life of the relay's data.
pub(crate) fn standing(conn: &Connection, incarnation: &Incarnation) -> Result<RelayStanding, VaultError> {
    let sql = "SELECT key, receipt FROM relay_lives WHERE incarnation = ?1";
    let row = conn.prepare_cached(sql)?.query_row([incarnation.0], |row| {
        Ok((row.get::<_, Option<[u8; 32]>>(0)?, row.get::<_, Option<Vec<u8>>>(1)?))
    });
    let (key, receipt) = row.optional()?.unwrap_or_default();
    Ok(RelayStanding {
        key,
        receipt: receipt.and_then(|bytes| minicbor::decode(&bytes).ok()),
        changes_chain: chain(conn, incarnation, &Scope::Changes)?,
        consents_chain: chain(conn, incarnation, &Scope::Consents)?,
        former: former(conn, incarnation)?,
    })
}

/// How far this store had come in other lives.
fn former(conn: &Connection, now: &Incarnation) -> Result<Vec<FormerLife>, VaultError> {
    let sql = "SELECT incarnation, max(iif(scope = 0, position, 0)), max(iif(scope = 1, position, 0)) FROM cursors
               WHERE incarnation <> ?1 GROUP BY incarnation";
    let mut select = conn.prepare_cached(sql)?;
    let lives = select.query_map([now.0], |row| {
        Ok(FormerLife {
            incarnation: Incarnation(row.get(0)?),
            changes: count(row, 1)?,
            consents: count(row, 2)?,
        })
    })?;
    Ok(lives.collect::<Result<_, _>>()?)
}

fn chain(conn: &Connection, incarnation: &Incarnation, scope: &Scope) -> Result<Option<[u8; 32]>, VaultError> {
    let (code, grant) = scope_key(scope);
    let sql = "SELECT chain FROM cursors WHERE incarnation = ?1 AND scope = ?2 AND grant_id = ?3";
    let chain = conn
        .prepare_cached(sql)?
        .query_row(params![incarnation.0, code, grant], |row| row.get(0));
    Ok(chain.optional()?.flatten())
}

/// The life in which the relay was met last.
pub(crate) fn last_incarnation(conn: &Connection) -> Result<Option<Incarnation>, VaultError> {
    let sql = "SELECT value FROM meta WHERE key = 'incarnation'";
    let last: Option<[u8; 16]> = conn.prepare_cached(sql)?.query_row([], |row| row.get(0)).optional()?;
    Ok(last.map(Incarnation))
}

/// Keeps the first key, and the newest receipt.
pub(crate) fn keep(
    conn: &Connection,
    incarnation: &Incarnation,
    key: Option<&[u8; 32]>,
    receipt: Option<&SignedReceipt>,
) -> Result<(), VaultError> {
    let receipt = receipt.map(|receipt| minicbor::to_vec(receipt).expect("writing to a Vec cannot fail"));
    conn.prepare_cached(
        "INSERT INTO relay_lives (incarnation, key, receipt) VALUES (?1, ?2, ?3) ON CONFLICT (incarnation)
         DO UPDATE SET key = coalesce(key, ?2), receipt = coalesce(?3, receipt)",
    )?
    .execute(params![incarnation.0, key, receipt])?;
    Ok(())
}

/// The relay was found out; the first time in each life is what is shown.
pub(crate) fn note_lie(conn: &Connection, incarnation: &Incarnation, lie: RelayLie) -> Result<(), VaultError> {
    conn.prepare_cached(
        "INSERT INTO relay_lives (incarnation, lie) VALUES (?1, ?2) ON CONFLICT (incarnation)
         DO UPDATE SET lie = coalesce(lie, ?2)",
    )?
    .execute(params![incarnation.0, lie.name()])?;
    Ok(())
}

/// How the relay was found out in its present life.
pub(crate) fn lie(conn: &Connection) -> Result<Option<RelayLie>, VaultError> {
    let sql = "SELECT l.lie FROM relay_lives l JOIN meta m ON m.key = 'incarnation' AND m.value = l.incarnation";
    let name: Option<Option<String>> = conn.prepare_cached(sql)?.query_row([], |row| row.get(0)).optional()?;
    Ok(name.flatten().and_then(|name| RelayLie::from_name(&name)))
}
