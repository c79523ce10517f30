//! The tables are a cache: dropped, and made again from the set.

use rusqlite::Connection;
use rusqlite::types::ValueRef;
use seal::{ChangeId, DocumentId};

use crate::belonging::Belonging;
use crate::documents::Shelf;
use crate::judge::Judge;
use crate::reading::count;
use crate::set::Verdict;
use crate::{Tag, Vault, VaultError, buckets, erasure, kill, schema, snapshots};

/// What rebuilding found.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct RebuildReport {
    /// Changes and facts in the tables.
    pub n_applied: u64,
    /// Changes that wait for a parent.
    pub n_waiting: u64,
    /// Changes that were quarantined.
    pub n_quarantined: u64,
}

impl Vault {
    /// Drops every table of the cache and makes it again, judging every change anew, in one transaction.
    pub fn rebuild(&self) -> Result<RebuildReport, VaultError> {
        let mut writer = self.inner.writer();
        let belonging = self.belonging();
        let report = writer.transaction(|conn, _, shelf, _| {
            let report = run(conn, &belonging, shelf)?;
            kill::point("rebuild.before_commit");
            Ok::<_, VaultError>(report)
        })?;
        drop(writer);
        self.tell(&[Tag::Clinic, Tag::Staff, Tag::Patients, Tag::Facts, Tag::Sync]);
        Ok(report)
    }
}

impl Vault {
    /// Every row of every table of the cache, as text: equal on any two devices that hold the same set. It holds
    /// everything about everyone, so that only tests may look at it.
    #[doc(hidden)]
    pub fn dump_tables(&self) -> Result<Vec<String>, VaultError> {
        self.read(|r| dump(r.conn()))
    }
}

impl Vault {
    /// What was found of each change, as text, in the order of their ids. For tests.
    #[doc(hidden)]
    pub fn dump_verdicts(&self) -> Result<Vec<String>, VaultError> {
        let sql = "SELECT hex(id) || ' ' || verdict || ' ' || coalesce(reason, '-') || ' ' || coalesce(am_seq, '-')
                       || ' ' || coalesce(hex(am_hash), '-') || ' ' || coalesce(hex(covered_by), '-')
                   FROM changes ORDER BY id";
        self.read(|r| r.many(sql, [], |row| Ok(row.get(0)?)))
    }
}

/// The rows of every table of the cache, in an order of their own.
pub(crate) fn dump(conn: &Connection) -> Result<Vec<String>, VaultError> {
    let mut names = conn.prepare_cached(
        "SELECT name FROM sqlite_master WHERE type = 'table' AND name LIKE 'p\\_%' ESCAPE '\\'
         AND name NOT LIKE 'p\\_search\\_%' ESCAPE '\\' ORDER BY name",
    )?;
    let names = names.query_map([], |row| row.get::<_, String>(0))?;
    let mut dumped = Vec::new();
    for name in names {
        let name = name?;
        let key = if name == "p_search" { "rowid, *" } else { "*" };
        let mut statement = conn.prepare_cached(&format!("SELECT {key} FROM {name}"))?;
        let n_columns = statement.column_count();
        let mut rows = statement.query([])?;
        let mut of_table = Vec::new();
        while let Some(row) = rows.next()? {
            let cells = (0..n_columns).map(|column| Ok(cell(row.get_ref(column)?)));
            let cells = cells.collect::<Result<Vec<_>, VaultError>>()?;
            of_table.push(format!("{name}: {}", cells.join(" | ")));
        }
        of_table.sort();
        dumped.extend(of_table);
    }
    Ok(dumped)
}

fn cell(value: ValueRef<'_>) -> String {
    match value {
        ValueRef::Null => "-".to_owned(),
        ValueRef::Integer(number) => number.to_string(),
        ValueRef::Real(number) => number.to_string(),
        ValueRef::Text(text) => String::from_utf8_lossy(text).into_owned(),
        ValueRef::Blob(bytes) => hex::encode(bytes),
    }
}

/// Rebuilds inside a transaction, document by document.
pub(crate) fn run(conn: &Connection, belonging: &Belonging, shelf: &mut Shelf) -> Result<RebuildReport, VaultError> {
    shelf.clear();
    schema::renew_projections(conn)?;
    kill::point("rebuild.dropped");
    conn.execute(
        "UPDATE changes SET verdict = 3, reason = NULL, am_hash = NULL, am_seq = NULL",
        [],
    )?;
    snapshots::forget_all(conn)?;
    buckets::make(conn)?;
    for document in documents(conn, belonging)? {
        Judge::new(conn, belonging, shelf).judge(&changes_of(conn, &document)?)?;
    }
    // `verdict IN (1, 2)` besides: only then does the partial index `changes_in_doubt` answer, not a scan of the set.
    let in_doubt = |verdict: Verdict| {
        let sql = "SELECT count(*) FROM changes WHERE verdict IN (1, 2) AND verdict = ?1";
        conn.query_row(sql, [verdict as i64], |row| count(row, 0))
    };
    let n_changes = conn.query_row("SELECT count(*) FROM changes", [], |row| count(row, 0))?;
    let n_in_doubt = conn.query_row("SELECT count(*) FROM changes WHERE verdict IN (1, 2)", [], |row| {
        count(row, 0)
    })?;
    Ok(RebuildReport {
        n_applied: n_changes - n_in_doubt,
        n_waiting: in_doubt(Verdict::Waiting)?,
        n_quarantined: in_doubt(Verdict::Quarantined)?,
    })
}

/// Every document of which something is in the set; first the clinic's own, which says what was erased.
pub(crate) fn documents(conn: &Connection, belonging: &Belonging) -> Result<Vec<DocumentId>, VaultError> {
    let clinic = erasure::clinic_document(belonging);
    let mut statement = conn.prepare("SELECT DISTINCT document FROM changes ORDER BY document <> ?1, document")?;
    let rows = statement.query_map([clinic.as_bytes()], |row| row.get(0).map(DocumentId::from_bytes))?;
    Ok(rows.collect::<Result<_, _>>()?)
}

pub(crate) fn changes_of(conn: &Connection, document: &DocumentId) -> Result<Vec<ChangeId>, VaultError> {
    let mut statement = conn.prepare_cached("SELECT id FROM changes WHERE document = ?1 ORDER BY id")?;
    let rows = statement.query_map([document.as_bytes()], |row| row.get(0).map(ChangeId::from_bytes))?;
    Ok(rows.collect::<Result<_, _>>()?)
}
