//! What is still to be paid: a row for each invoice that was issued and is neither paid nor undone. It is written where an
//! invoice becomes that or ceases to be, so that nobody who asks for it looks through all invoices that ever were.

use jiff::civil::Date;

use super::reading::{due, from_text};
use crate::calendar::day_at;
use crate::invoices::{Bill, InvoiceSums};
use crate::store::sql::{Sql, SqlResult, values};

/// The invoice waits for its money from now on.
pub(super) fn add(sql: &mut dyn Sql, (id, clinic): (i64, i64), due: Date, total_sen: i64) -> SqlResult<()> {
    let insert = "INSERT INTO owed (invoice, clinic, due, total_sen) VALUES (?1, ?2, ?3, ?4) ON CONFLICT DO NOTHING";
    sql.later(insert, &values![id, clinic, due.to_string().as_str(), total_sen])
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

/// When the store is opened: a build that knew nothing of it has left invoices and no row here.
pub(in crate::store) fn settle_at_first(sql: &mut dyn Sql) -> SqlResult<()> {
    match sql.exists("SELECT 1 FROM owed LIMIT 1", &[])? {
        true => Ok(()),
        false => settle(sql),
    }
}

/// Makes it what the invoices say: nodes of an older build may have issued some meanwhile, or taken money for them. Each table is
/// read once, whatever the database believes of it.
pub(super) fn settle(sql: &mut dyn Sql) -> SqlResult<()> {
    // Nobody issues, voids or pays meanwhile.
    sql.lock_row("SELECT only_row FROM relay", &[])?;
    let over = "DELETE FROM owed WHERE invoice IN
                    (SELECT invoice FROM paid UNION SELECT credits FROM invoice WHERE credits IS NOT NULL)";
    sql.execute(over, &[])?;
    // What was issued has a year.
    let missing = "SELECT number FROM invoice WHERE kind = 0 AND year > 0 EXCEPT SELECT invoice FROM owed
                   EXCEPT SELECT invoice FROM paid EXCEPT SELECT credits FROM invoice WHERE credits IS NOT NULL";
    for mut row in sql.rows(missing, &[])? {
        let id = row.int(0)?;
        let select = "SELECT clinic, issued_ms, total_sen, body FROM invoice WHERE number = ?1";
        let mut row = sql.the_row(select, &values![id])?;
        let bill: Bill = from_text(&row.text(3)?)?;
        let due = due(day_at(row.int(1)?), &bill);
        add(sql, (id, row.int(0)?), due, row.int(2)?)?;
    }
    Ok(())
}
