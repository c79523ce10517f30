//! Reading invoices: a page of the list, what the list comes to, and one of them.

use jiff::civil::Date;
use sync_protocol::RelayStoreFailed;

use super::{CREDIT_NOTE, INVOICE, InvoiceError, code, owed};
use crate::calendar::{day_at, days_after};
use crate::invoices::{
    Bill, Invoice, InvoicePlace, InvoiceState, InvoiceSums, InvoicesFrom, InvoicesPage, InvoicesWanted,
};
use crate::store::Store;
use crate::store::sql::{Row, Scope, Sql, SqlError, SqlResult, values};

/// Where an invoice is in its life, by its number ([`InvoiceState::number`]).
macro_rules! state {
    () => {
        "CASE WHEN i.issued_ms IS NULL THEN 0 WHEN EXISTS (SELECT 1 FROM invoice n WHERE n.credits = i.number) THEN 3
             WHEN p.day IS NOT NULL THEN 2 ELSE 1 END"
    };
}

/// Invoices as [`read`] reads them, and the rest of the statement.
macro_rules! invoices {
    ($rest:expr) => {
        concat!(
            "SELECT i.number, i.kind, i.clinic, i.period, i.year, i.serial, i.body, i.issued_ms, p.day, o.year, o.serial, ",
            state!(),
            " FROM invoice i LEFT JOIN paid p ON p.invoice = i.number LEFT JOIN invoice o ON o.number = i.credits ",
            $rest
        )
    };
}

/// Those of one clinic (`?1`) and in one state (`?2`), where these are given.
macro_rules! wanted {
    () => {
        concat!(
            "WHERE (i.clinic = ?1 OR ?1 IS NULL) AND (",
            state!(),
            " = ?2 OR ?2 IS NULL)"
        )
    };
}

/// What stands behind a place (`?3`, `?4`, `?5`), the nearest first. The index begins where the month does.
const OLDER: &str = invoices!(concat!(
    wanted!(),
    " AND i.period <= ?3 AND (i.period < ?3 OR (i.clinic, i.number) > (?4, ?5))
      ORDER BY i.period DESC, i.clinic, i.number LIMIT ?6"
));

/// What stands before it, the nearest first.
const NEWER: &str = invoices!(concat!(
    wanted!(),
    " AND i.period >= ?3 AND (i.period > ?3 OR (i.clinic, i.number) < (?4, ?5))
      ORDER BY i.period, i.clinic DESC, i.number DESC LIMIT ?6"
));

/// No month is later.
const NO_MONTH: &str = "9999-99";

impl Store {
    /// All invoices and credit notes of one state, or all; the newest month first, and a month's by the clinics' numbers.
    ///
    /// # Errors
    /// [`RelayStoreFailed`].
    pub fn invoices(&self, state: Option<InvoiceState>) -> Result<Vec<Invoice>, RelayStoreFailed> {
        let select = invoices!(concat!(wanted!(), " ORDER BY i.period DESC, i.clinic, i.number"));
        let none: Option<i64> = None;
        self.read(Scope::House, |sql| {
            let rows = sql.rows(select, &values![none, state.map(InvoiceState::number)])?;
            rows.into_iter().map(read).collect()
        })
    }

    /// At most `most` of them, in the order of [`Store::invoices`], from a place in that order on. Places stay what they are
    /// whatever becomes of invoices, so that no page leaves one out.
    ///
    /// # Errors
    /// [`RelayStoreFailed`].
    pub fn invoices_page(
        &self,
        wanted: InvoicesWanted,
        from: InvoicesFrom,
        most: usize,
    ) -> Result<InvoicesPage, RelayStoreFailed> {
        self.read(Scope::House, |sql| {
            let page = match from {
                InvoicesFrom::Newest => None,
                InvoicesFrom::Older(than) => older(sql, wanted, than, most)?,
                InvoicesFrom::Newer(than) => newer(sql, wanted, than, most)?,
            };
            page.map_or_else(|| newest(sql, wanted, most), Ok)
        })
    }

    /// What all invoices come to, or one clinic's: how many are in each state, and what is still to be paid.
    ///
    /// # Errors
    /// [`RelayStoreFailed`].
    pub fn invoice_sums(&self, clinic: Option<i64>, today: Date) -> Result<InvoiceSums, RelayStoreFailed> {
        let count = concat!(
            "SELECT ",
            state!(),
            ", count(*) FROM invoice i LEFT JOIN paid p ON p.invoice = i.number
              WHERE (i.clinic = ?1 OR ?1 IS NULL) GROUP BY 1"
        );
        self.read(Scope::House, |sql| {
            let mut sums = InvoiceSums::default();
            for mut row in sql.rows(count, &values![clinic])? {
                sums.add(state_of(row.int(0)?)?, row.position(1)?);
            }
            owed::sum(sql, clinic, today, &mut sums)?;
            Ok(sums)
        })
    }

    /// One of them: `which` is the number on it, or for a draft its number in the store.
    ///
    /// # Errors
    /// [`InvoiceError::Unknown`], [`InvoiceError::Store`].
    pub fn invoice(&self, which: &str) -> Result<Invoice, InvoiceError> {
        let which = which.trim();
        let (id, [kind, year, serial]) = (which.parse::<i64>().ok(), read_code(which));
        let select = invoices!("WHERE i.number = ?1 OR (i.kind = ?2 AND i.year = ?3 AND i.serial = ?4)");
        let found = self.read(Scope::House, |sql| {
            sql.row(select, &values![id, kind, year, serial])?.map(read).transpose()
        })?;
        found.ok_or(InvoiceError::Unknown)
    }
}

fn newest(sql: &mut dyn Sql, wanted: InvoicesWanted, most: usize) -> SqlResult<InvoicesPage> {
    let (invoices, has_more) = some(sql, OLDER, wanted, None, most)?;
    Ok(InvoicesPage {
        newer: None,
        older: invoices.last().filter(|_| has_more).map(Invoice::place),
        invoices,
    })
}

/// `None` when nothing is there.
fn older(
    sql: &mut dyn Sql,
    wanted: InvoicesWanted,
    than: InvoicePlace,
    most: usize,
) -> SqlResult<Option<InvoicesPage>> {
    let (invoices, has_more) = some(sql, OLDER, wanted, Some(than), most)?;
    let Some((first, last)) = invoices.first().zip(invoices.last()) else {
        return Ok(None);
    };
    let (first, last) = (first.place(), last.place());
    let (before, _) = some(sql, NEWER, wanted, Some(first), 1)?;
    Ok(Some(InvoicesPage {
        invoices,
        newer: (!before.is_empty()).then_some(first),
        older: has_more.then_some(last),
    }))
}

/// `None` when what is there is the beginning of the list: that is shown as a whole page.
fn newer(
    sql: &mut dyn Sql,
    wanted: InvoicesWanted,
    than: InvoicePlace,
    most: usize,
) -> SqlResult<Option<InvoicesPage>> {
    let (mut invoices, has_more) = some(sql, NEWER, wanted, Some(than), most)?;
    if !has_more {
        return Ok(None);
    }
    invoices.reverse();
    Ok(Some(InvoicesPage {
        newer: invoices.first().map(Invoice::place),
        older: invoices.last().map(Invoice::place),
        invoices,
    }))
}

/// At most `most` of a statement's, and whether there are more.
fn some(
    sql: &mut dyn Sql,
    select: &'static str,
    wanted: InvoicesWanted,
    than: Option<InvoicePlace>,
    most: usize,
) -> SqlResult<(Vec<Invoice>, bool)> {
    let (month, clinic, id) = match than {
        Some(place) => (place.month.to_string(), place.clinic, place.id),
        None => (NO_MONTH.to_owned(), 0, 0),
    };
    let state = wanted.state.map(InvoiceState::number);
    let rows = sql.rows(
        select,
        &values![wanted.clinic, state, month.as_str(), clinic, id, most + 1],
    )?;
    let has_more = rows.len() > most;
    let invoices = rows.into_iter().take(most).map(read).collect::<SqlResult<_>>()?;
    Ok((invoices, has_more))
}

/// One of them, which nobody else issues, voids or pays meanwhile.
pub(super) fn one(sql: &mut dyn Sql, id: i64) -> SqlResult<Option<Invoice>> {
    sql.lock_row("SELECT only_row FROM relay", &[])?;
    let select = invoices!("WHERE i.number = ?1");
    sql.row(select, &values![id])?.map(read).transpose()
}

/// Kind, year and serial number of what [`code`] wrote; nothing of what it did not.
fn read_code(text: &str) -> [Option<i64>; 3] {
    let mut parts = text.split('-');
    let kind = match parts.next() {
        Some("INV") => Some(INVOICE),
        Some("CN") => Some(CREDIT_NOTE),
        _ => None,
    };
    let mut number = || parts.next().and_then(|part| part.parse().ok());
    let (year, serial) = (number(), number());
    let is_whole =
        matches!((kind, year, serial), (Some(kind), Some(year), Some(serial)) if code(kind, year, serial) == text);
    if is_whole { [kind, year, serial] } else { [None; 3] }
}

fn read(mut row: Row) -> SqlResult<Invoice> {
    let kind = row.int(1)?;
    let code_at = |row: &mut Row, kind, at| -> SqlResult<Option<String>> {
        let (year, serial) = (row.maybe_int(at)?, row.maybe_int(at + 1)?);
        Ok(year.zip(serial).map(|(year, serial)| code(kind, year, serial)))
    };
    let issued = row.maybe_int(7)?.map(day_at);
    let bill: Bill = from_text(&row.text(6)?)?;
    Ok(Invoice {
        id: row.int(0)?,
        code: code_at(&mut row, kind, 4)?,
        credits: code_at(&mut row, INVOICE, 9)?,
        clinic: row.int(2)?,
        month: row.text(3)?.parse().map_err(|_| SqlError::Unexpected(3))?,
        state: state_of(row.int(11)?)?,
        issued,
        due: issued.map(|day| due(day, &bill)),
        paid: row.maybe_text(8)?.and_then(|text| text.parse().ok()),
        bill,
    })
}

/// By when it is to be paid.
pub(super) fn due(issued: Date, bill: &Bill) -> Date {
    days_after(issued, bill.seller.due_days.into())
}

fn state_of(number: i64) -> SqlResult<InvoiceState> {
    let known = InvoiceState::ALL.into_iter().find(|state| state.number() == number);
    known.ok_or(SqlError::Failed(format!("no invoice is in state {number}")))
}

pub(super) fn from_text<T: serde::de::DeserializeOwned>(text: &str) -> SqlResult<T> {
    serde_json::from_str(text).map_err(|error| SqlError::Failed(format!("an invoice cannot be read: {error}")))
}
