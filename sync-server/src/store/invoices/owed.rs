//! What is still to be paid: a row for each invoice that was issued and is neither paid nor undone. It is written where an
//! invoice becomes that or ceases to be, so that nobody who asks for it looks through all invoices that ever were.

use jiff::civil::Date;

use super::reading::{due, from_text};
use crate::calendar::day_at;
use crate::invoices::{Bill, InvoiceSums};
use crate::store::sql::{Row, Sql, SqlResult, values};

const INSERT: &str =
    "INSERT INTO owed (invoice, clinic, due, total_sen) VALUES (?1, ?2, ?3, ?4) ON CONFLICT DO NOTHING";

/// The invoice waits for its money from now on.
pub(super) fn add(sql: &mut dyn Sql, (id, clinic): (i64, i64), due: Date, total_sen: i64) -> SqlResult<()> {
    sql.execute(INSERT, &values![id, clinic, due.to_string().as_str(), total_sen])
        .map(drop)
}

/// The invoice was paid or undone.
pub(super) fn remove(sql: &mut dyn Sql, id: i64) -> SqlResult<()> {
    sql.execute("DELETE FROM owed WHERE invoice = ?1", &values![id])
        .map(drop)
}

/// What all clinics owe, or one of them, into `sums`.
pub(super) fn sum(sql: &mut dyn Sql, clinic: Option<i64>, today: Date, sums: &mut InvoiceSums) -> SqlResult<()> {
    let select = "SELECT CAST(coalesce(sum(total_sen), 0) AS BIGINT),
                      CAST(coalesce(sum(CASE WHEN due < ?2 THEN total_sen ELSE 0 END), 0) AS BIGINT)
                  FROM owed WHERE clinic = ?1 OR ?1 IS NULL";
    let mut row = sql.the_row(select, &values![clinic, today.to_string().as_str()])?;
    (sums.open_sen, sums.overdue_sen) = (row.int(0)?, row.int(1)?);
    Ok(())
}

/// Makes it what the invoices say: an older build, which knows nothing of it, may have issued some meanwhile, or undone them.
pub(in crate::store) fn settle(sql: &mut dyn Sql) -> SqlResult<()> {
    // Nobody issues, voids or pays meanwhile.
    sql.lock_row("SELECT only_row FROM relay", &[])?;
    let over = "DELETE FROM owed WHERE EXISTS (SELECT 1 FROM paid WHERE paid.invoice = owed.invoice)
                    OR EXISTS (SELECT 1 FROM invoice n WHERE n.credits = owed.invoice)";
    sql.execute(over, &[])?;
    // What was issued has a serial number: the index of these tells which are missing, and only they are read.
    let missing = "SELECT i.number, i.clinic, i.issued_ms, i.total_sen, i.body FROM invoice i
                   WHERE i.kind = 0 AND i.year > 0
                       AND NOT EXISTS (SELECT 1 FROM owed WHERE owed.invoice = i.number)
                       AND NOT EXISTS (SELECT 1 FROM paid WHERE paid.invoice = i.number)
                       AND NOT EXISTS (SELECT 1 FROM invoice n WHERE n.credits = i.number)";
    let one = |mut row: Row| {
        let bill: Bill = from_text(&row.text(4)?)?;
        let due = due(day_at(row.int(2)?), &bill).to_string();
        Ok((row.int(0)?, row.int(1)?, due, row.int(3)?))
    };
    let missing: Vec<_> = sql.rows(missing, &[])?.into_iter().map(one).collect::<SqlResult<_>>()?;
    for (id, clinic, due, total_sen) in &missing {
        sql.later(INSERT, &values![*id, *clinic, due.as_str(), *total_sen])?;
    }
    Ok(())
}
