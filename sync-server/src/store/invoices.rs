//! What becomes of invoices: issued with numbers that have no gaps, paid, and undone by credit notes. How they are drafted is
//! in `invoices/drafts.rs`, how they are read in `invoices/reading.rs`, what of them is owed in `invoices/owed.rs`.
//!
//! What was issued is never altered: SQLite's triggers and PostgreSQL's policies hold it, whatever is asked here.

mod drafts;
mod owed;
mod reading;

use jiff::civil::Date;
use sync_protocol::RelayStoreFailed;

use self::drafts::{bill, draft_again, next_again, to_text};
pub(super) use self::owed::settle_at_first;
use self::reading::{due, from_text, one};
use super::Store;
use super::operator_audit::note;
use super::sql::{Scope, Sql, SqlResult, values};
use crate::calendar::day_at;
use crate::invoices::{InvoiceState, Issuer};

const INVOICE: i64 = 0;
const CREDIT_NOTE: i64 = 1;

/// The longest word of the operator on an invoice, in characters.
const MAX_WORDS: usize = 1_000;
/// No tax is higher than this, in hundredths of a percent.
const MAX_TAX_BP: u32 = 5_000;

/// Why the operator's wish about an invoice was not done.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum InvoiceError {
    /// No such invoice.
    #[error("there is no invoice of this number")]
    Unknown,
    /// Nobody said who sends invoices.
    #[error("say first who sends invoices: name, address, terms")]
    NoIssuer,
    /// What was said of the sender cannot be printed.
    #[error(
        "the sender needs a name, at most 1000 characters everywhere, a tax of at most 50 % and at most 365 days to pay"
    )]
    BadIssuer,
    /// It is in another state.
    #[error("this cannot be done with an invoice that is {}", .0.name())]
    WrongState(InvoiceState),
    /// Before it was issued, or in the future.
    #[error("an invoice is paid between the day on it and today")]
    BadDay,
    /// The store failed.
    #[error(transparent)]
    Store(#[from] RelayStoreFailed),
}

impl Store {
    /// Who sends invoices.
    ///
    /// # Errors
    /// [`RelayStoreFailed`].
    pub fn issuer(&self) -> Result<Option<Issuer>, RelayStoreFailed> {
        self.read(Scope::House, issuer)
    }

    /// Who sends invoices from now on; those that were issued stay as they are.
    ///
    /// # Errors
    /// [`InvoiceError::BadIssuer`], [`InvoiceError::Store`].
    pub fn set_issuer(&mut self, issuer: &Issuer, by: &str, now_ms: i64) -> Result<(), InvoiceError> {
        let words = [
            &issuer.name,
            &issuer.address,
            &issuer.registration,
            &issuer.sst_number,
            &issuer.terms,
        ];
        let printable =
            |text: &&String| text.chars().count() <= MAX_WORDS && !text.chars().any(|c| c.is_control() && c != '\n');
        let fits = words.iter().all(printable) && issuer.sst_bp <= MAX_TAX_BP && issuer.due_days <= 365;
        if !fits || issuer.name.trim().is_empty() {
            return Err(InvoiceError::BadIssuer);
        }
        let body = serde_json::to_string(issuer).expect("its fields are text and numbers");
        let set = "INSERT INTO issuer (only_row, body) VALUES (1, ?1) ON CONFLICT (only_row) DO UPDATE SET body = ?1";
        self.write(Scope::House, |sql| {
            sql.execute(set, &values![body.as_str()])?;
            note(sql, (by, now_ms), "issuer_set", "")
        })?;
        Ok(())
    }

    /// Gives a draft its number and its day. It stays as it is from then on. Gives the number.
    ///
    /// # Errors
    /// [`InvoiceError`].
    pub fn issue_invoice(&mut self, id: i64, by: &str, now_ms: i64) -> Result<String, InvoiceError> {
        let issued = self.write(Scope::House, |sql| {
            let Some(known) = one(sql, id)? else {
                return Ok(Err(InvoiceError::Unknown));
            };
            if known.state != InvoiceState::Draft {
                return Ok(Err(InvoiceError::WrongState(known.state)));
            }
            let Some(seller) = issuer(sql)? else {
                return Ok(Err(InvoiceError::NoIssuer));
            };
            let bill = bill(sql, known.clinic, known.bill.lines, seller)?;
            let (year, serial) = next_serial(sql, INVOICE, now_ms)?;
            let issue = "UPDATE invoice SET year = ?2, serial = ?3, body = ?4, total_sen = ?5, issued_ms = ?6
                         WHERE number = ?1";
            let body = to_text(&bill);
            sql.execute(issue, &values![id, year, serial, body.as_str(), bill.total_sen, now_ms])?;
            owed::add(sql, (id, known.clinic), due(day_at(now_ms), &bill), bill.total_sen)?;
            let code = code(INVOICE, year, serial);
            note(sql, (by, now_ms), "invoice_issued", &code)?;
            Ok(Ok(code))
        });
        issued?
    }

    /// An issued invoice was paid on this day.
    ///
    /// # Errors
    /// [`InvoiceError`].
    pub fn mark_paid(&mut self, id: i64, day: Date, by: &str, now_ms: i64) -> Result<(), InvoiceError> {
        let (day_text, today) = (day.to_string(), day_at(now_ms));
        let paid = self.write(Scope::House, |sql| {
            let Some(known) = one(sql, id)? else {
                return Ok(Err(InvoiceError::Unknown));
            };
            if known.state != InvoiceState::Issued || known.is_credit_note() {
                return Ok(Err(InvoiceError::WrongState(known.state)));
            }
            if day > today || known.issued.is_some_and(|issued| day < issued) {
                return Ok(Err(InvoiceError::BadDay));
            }
            let insert = "INSERT INTO paid (invoice, day, made_ms) VALUES (?1, ?2, ?3)";
            sql.execute(insert, &values![id, day_text.as_str(), now_ms])?;
            owed::remove(sql, id)?;
            note(
                sql,
                (by, now_ms),
                "invoice_paid",
                known.code.as_deref().unwrap_or_default(),
            )?;
            Ok(Ok(()))
        });
        paid?
    }

    /// It was not paid after all.
    ///
    /// # Errors
    /// [`InvoiceError`].
    pub fn mark_unpaid(&mut self, id: i64, by: &str, now_ms: i64) -> Result<(), InvoiceError> {
        let unpaid = self.write(Scope::House, |sql| {
            let Some(known) = one(sql, id)? else {
                return Ok(Err(InvoiceError::Unknown));
            };
            if sql.execute("DELETE FROM paid WHERE invoice = ?1", &values![id])? == 0 {
                return Ok(Err(InvoiceError::WrongState(known.state)));
            }
            if let Some(due) = known.due {
                owed::add(sql, (id, known.clinic), due, known.bill.total_sen)?;
            }
            note(
                sql,
                (by, now_ms),
                "invoice_unpaid",
                known.code.as_deref().unwrap_or_default(),
            )?;
            Ok(Ok(()))
        });
        unpaid?
    }

    /// Undoes an issued invoice by a credit note, and with `again` drafts another for its month. Gives the credit note's
    /// number.
    ///
    /// # Errors
    /// [`InvoiceError`].
    pub fn void_invoice(&mut self, id: i64, again: bool, by: &str, now_ms: i64) -> Result<String, InvoiceError> {
        let voided = self.write(Scope::House, |sql| {
            let Some(known) = one(sql, id)? else {
                return Ok(Err(InvoiceError::Unknown));
            };
            if known.state != InvoiceState::Issued || known.is_credit_note() {
                return Ok(Err(InvoiceError::WrongState(known.state)));
            }
            let (year, serial) = next_serial(sql, CREDIT_NOTE, now_ms)?;
            let (period, nth) = (
                known.month.to_string(),
                next_again(sql, CREDIT_NOTE, known.clinic, known.month)?,
            );
            let insert =
                "INSERT INTO invoice (kind, clinic, period, again, credits, year, serial, total_sen, body, made_ms,
                              issued_ms) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?10)";
            let body = to_text(&known.bill);
            let row = values![
                CREDIT_NOTE,
                known.clinic,
                period.as_str(),
                nth,
                id,
                year,
                serial,
                known.bill.total_sen,
                body.as_str(),
                now_ms
            ];
            sql.execute(insert, &row)?;
            owed::remove(sql, id)?;
            note(
                sql,
                (by, now_ms),
                "invoice_voided",
                known.code.as_deref().unwrap_or_default(),
            )?;
            if again {
                draft_again(sql, &known, now_ms)?;
            }
            Ok(Ok(code(CREDIT_NOTE, year, serial)))
        });
        voided?
    }
}

fn issuer(sql: &mut dyn Sql) -> SqlResult<Option<Issuer>> {
    let row = sql.row("SELECT body FROM issuer", &[])?;
    let body = row.map(|mut row| row.text(0)).transpose()?;
    body.map(|body| from_text(&body)).transpose()
}

/// The next number of this year. Its row stays locked to the commit: what is rolled back leaves no gap.
fn next_serial(sql: &mut dyn Sql, kind: i64, now_ms: i64) -> SqlResult<(i64, i64)> {
    let year = i64::from(day_at(now_ms).year());
    let next = "INSERT INTO invoice_serial (kind, year, serial) VALUES (?1, ?2, 1)
                ON CONFLICT (kind, year) DO UPDATE SET serial = invoice_serial.serial + 1 RETURNING serial";
    let serial = sql.the_row(next, &values![kind, year])?.int(0)?;
    Ok((year, serial))
}

fn code(kind: i64, year: i64, serial: i64) -> String {
    let prefix = if kind == CREDIT_NOTE { "CN" } else { "INV" };
    format!("{prefix}-{year}-{serial:04}")
}
