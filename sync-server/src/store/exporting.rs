//! A store of one clinic alone, made from a store of many: its rows, as they are, in a file of their own.

use std::path::Path;

use seal::TenantId;
use sync_protocol::{ChunkId, RelayStoreFailed};

use super::sql::{Scope, Sql, SqlResult, Value, values};
use super::sqlite::Sqlite;
use super::{FILE_NAME, OpenError, Store, failed};

/// Changes that are copied at a time: between two pages others have their turn.
const A_PAGE: usize = 500;

/// What is copied in one go, as one moment shows it: how to read it for a clinic, and how to write a row of it. The grants to
/// the clinic, and revocations of those, are in its feed and belong to it as much as to their givers.
const COPIED: [(&str, &str); 18] = [
    (
        "SELECT number, name, made_ms, tenant, joined_ms FROM clinic WHERE tenant = ?1",
        "INSERT INTO clinic (number, name, made_ms, tenant, joined_ms) VALUES (?1, ?2, ?3, ?4, ?5)",
    ),
    (
        "SELECT tenant, hash, bytes FROM statement WHERE tenant = ?1",
        "INSERT INTO statement (tenant, hash, bytes) VALUES (?1, ?2, ?3)",
    ),
    (
        "SELECT tenant, feed, position, n_bytes FROM head WHERE tenant = ?1",
        "INSERT INTO head (tenant, feed, position, n_bytes) VALUES (?1, ?2, ?3, ?4)",
    ),
    (
        "SELECT tenant, n_bytes FROM freed WHERE tenant = ?1",
        "INSERT INTO freed (tenant, n_bytes) VALUES (?1, ?2)",
    ),
    (
        "SELECT tenant, id, kind FROM tombstone WHERE tenant = ?1",
        "INSERT INTO tombstone (tenant, id, kind) VALUES (?1, ?2, ?3)",
    ),
    (
        "SELECT id, source, recipient, releases, bytes FROM given WHERE source = ?1 OR recipient = ?1",
        "INSERT INTO given (id, source, recipient, releases, bytes) VALUES (?1, ?2, ?3, ?4, ?5)",
    ),
    (
        "SELECT source, id, bytes FROM revocation WHERE source = ?1 OR EXISTS (SELECT 1 FROM given
             WHERE given.id = revocation.id AND given.source = revocation.source AND given.recipient = ?1)",
        "INSERT INTO revocation (source, id, bytes) VALUES (?1, ?2, ?3)",
    ),
    (
        "SELECT tenant, position, kind, source, id, chain FROM consent WHERE tenant = ?1",
        "INSERT INTO consent (tenant, position, kind, source, id, chain) VALUES (?1, ?2, ?3, ?4, ?5, ?6)",
    ),
    (
        "SELECT id, source, bytes FROM release WHERE source = ?1",
        "INSERT INTO release (id, source, bytes) VALUES (?1, ?2, ?3)",
    ),
    (
        "SELECT grant_id, position, release_id FROM release_for
             WHERE grant_id IN (SELECT id FROM given WHERE source = ?1)",
        "INSERT INTO release_for (grant_id, position, release_id) VALUES (?1, ?2, ?3)",
    ),
    (
        "SELECT tenant, number, line FROM audit WHERE tenant = ?1",
        "INSERT INTO audit (tenant, number, line) VALUES (?1, ?2, ?3)",
    ),
    (
        "SELECT tenant, incarnation, day, key, head FROM audit_head WHERE tenant = ?1",
        "INSERT INTO audit_head (tenant, incarnation, day, key, head) VALUES (?1, ?2, ?3, ?4, ?5)",
    ),
    (
        "SELECT sender, id, recipient, position, state, state_at, state_ms, stored_ms, bytes FROM mail
             WHERE sender = ?1 OR recipient = ?1",
        "INSERT INTO mail (sender, id, recipient, position, state, state_at, state_ms, stored_ms, bytes)
             VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9)",
    ),
    (
        "SELECT tenant, inbox, states, waiting FROM mail_head WHERE tenant = ?1",
        "INSERT INTO mail_head (tenant, inbox, states, waiting) VALUES (?1, ?2, ?3, ?4)",
    ),
    (
        "SELECT tenant, number, position, published_ms, bytes FROM directory WHERE tenant = ?1",
        "INSERT INTO directory (tenant, number, position, published_ms, bytes) VALUES (?1, ?2, ?3, ?4, ?5)",
    ),
    (
        "SELECT tenant, attachment, name, n_bytes, lost FROM chunk WHERE tenant = ?1",
        "INSERT INTO chunk (tenant, attachment, name, n_bytes, lost) VALUES (?1, ?2, ?3, ?4, ?5)",
    ),
    (
        "SELECT tenant, n_chunks, n_bytes FROM held WHERE tenant = ?1",
        "INSERT INTO held (tenant, n_chunks, n_bytes) VALUES (?1, ?2, ?3)",
    ),
    (
        "SELECT tenant, attachment, removed FROM forgotten WHERE tenant = ?1",
        "INSERT INTO forgotten (tenant, attachment, removed) VALUES (?1, ?2, ?3)",
    ),
];

/// A store of one clinic while it is being made.
pub(crate) struct ClinicExport {
    file: Sqlite,
    /// Changes up to here are copied.
    copied: u64,
    until: u64,
}

impl ClinicExport {
    /// The file is whole.
    pub(crate) fn close(self) -> Result<(), RelayStoreFailed> {
        self.file.checkpoint().map_err(failed)
    }
}

impl Store {
    /// Begins a store of this clinic in `folder`, with all but its changes. Which chunks of attachments there are, with their
    /// sizes.
    ///
    /// # Errors
    /// [`OpenError`].
    pub(crate) fn begin_export(
        &self,
        tenant: &TenantId,
        folder: &Path,
    ) -> Result<(ClinicExport, Vec<(ChunkId, u64)>), OpenError> {
        let mut file = Sqlite::open(&folder.join(FILE_NAME))?;
        let incarnation = self.life.get().0;
        let relay = "INSERT INTO relay (only_row, incarnation, key) VALUES (1, ?1, ?2) ON CONFLICT DO NOTHING";
        let key = self.key.public();
        file.write(|to| to.execute(relay, &values![&incarnation, &key]))
            .map_err(failed)?;
        let read = self.read(Scope::Clinic(tenant), |sql| {
            for (select, insert) in COPIED {
                copy(sql, select, &values![tenant], &mut file, insert)?;
            }
            let head = "SELECT coalesce(max(position), 0) FROM head WHERE tenant = ?1 AND feed = 0";
            let until = sql.the_row(head, &values![tenant])?.position(0)?;
            let chunks = "SELECT attachment, name, n_bytes FROM chunk WHERE tenant = ?1 AND lost = 0";
            let chunks = sql.rows(chunks, &values![tenant])?.into_iter();
            let chunks = chunks.map(|mut row| {
                let n_bytes = row.position(2)?;
                Ok((super::chunks::id(row)?, n_bytes))
            });
            Ok((until, chunks.collect::<SqlResult<Vec<_>>>()?))
        });
        let (until, chunks) = read?;
        Ok((ClinicExport { file, copied: 0, until }, chunks))
    }

    /// Copies some more of its changes; whether there are more.
    ///
    /// # Errors
    /// [`RelayStoreFailed`].
    pub(crate) fn export_changes(
        &self,
        tenant: &TenantId,
        export: &mut ClinicExport,
    ) -> Result<bool, RelayStoreFailed> {
        let select = "SELECT tenant, position, id, bytes, chain, covered_ms, erased_ms FROM change
                      WHERE tenant = ?1 AND position > ?2 AND position <= ?3 ORDER BY position LIMIT ?4";
        let insert = "INSERT INTO change (tenant, position, id, bytes, chain, covered_ms, erased_ms)
                      VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7)";
        let (after, until, file) = (export.copied, export.until, &mut export.file);
        let last = self.read(Scope::Clinic(tenant), |sql| {
            let of = values![tenant, after, until, A_PAGE];
            copy(sql, select, &of, file, insert)?;
            let last = "SELECT max(position) FROM (SELECT position FROM change WHERE tenant = ?1 AND position > ?2
                        AND position <= ?3 ORDER BY position LIMIT ?4) AS page";
            sql.the_row(last, &of)?.maybe_int(0)
        })?;
        let last = last.and_then(|last| u64::try_from(last).ok());
        export.copied = last.unwrap_or(until);
        Ok(export.copied < export.until)
    }
}

fn copy(
    sql: &mut dyn Sql,
    select: &'static str,
    of: &[Value<'_>],
    to: &mut Sqlite,
    insert: &'static str,
) -> SqlResult<()> {
    let rows = sql.rows(select, of)?;
    let rows: Vec<Vec<Value<'_>>> = rows.iter().map(|row| row.0.iter().map(Value::from).collect()).collect();
    to.write(|to| to.insert_many(insert, &rows))
}
