//! Invoices: drafted for months that are over, issued with numbers that have no gaps, paid, and undone by credit notes.
//!
//! What was issued is never altered: SQLite's triggers and PostgreSQL's policies hold it, whatever is asked here.

use std::collections::BTreeMap;

use jiff::civil::Date;
use sync_protocol::RelayStoreFailed;

use super::Store;
use super::billing::billing;
use super::operator_audit::note;
use super::sql::{Row, Scope, Sql, SqlError, SqlResult, values};
use crate::calendar::{Month, day_at, days_after};
use crate::invoices::{Bill, Invoice, InvoiceState, Issuer, Language, Price, Subscription, lines};

const INVOICE: i64 = 0;
const CREDIT_NOTE: i64 = 1;

/// Months that a relay which was down for long still drafts.
const MONTHS_BACK: i64 = 12;

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

    /// Drafts an invoice for each clinic and month that is over, costs something and has none; drafts that are there
    /// already are brought up to date. Gives how many are new. Done twice it does nothing the second time.
    ///
    /// # Errors
    /// [`RelayStoreFailed`].
    pub fn draft_invoices(&mut self, now_ms: i64) -> Result<usize, RelayStoreFailed> {
        let this_month = Month::of(day_at(now_ms));
        self.write(Scope::House, |sql| {
            let clinics = subscriptions(sql)?;
            if clinics.is_empty() {
                return Ok(0);
            }
            let (prices, seller) = (prices(sql)?, issuer(sql)?.unwrap_or_default());
            let mut n_new = 0;
            for (clinic, subscriptions) in &clinics {
                let began = subscriptions.iter().map(|one| one.from).min().map(Month::of);
                for month in (1..=MONTHS_BACK).map(|n| this_month.after(-n)) {
                    if began.is_none_or(|began| month < began) {
                        break;
                    }
                    let lines = lines(month, subscriptions, &prices);
                    if !lines.is_empty() {
                        let bill = bill(sql, *clinic, lines, seller.clone())?;
                        n_new += draft(sql, *clinic, month, &bill, now_ms)?;
                    }
                }
            }
            Ok(n_new)
        })
    }

    /// Invoices and credit notes, the newest month first; those of one state, or all.
    ///
    /// # Errors
    /// [`RelayStoreFailed`].
    pub fn invoices(&self, state: Option<InvoiceState>) -> Result<Vec<Invoice>, RelayStoreFailed> {
        let select = "SELECT i.number, i.kind, i.clinic, i.period, i.year, i.serial, i.body, i.issued_ms, p.day,
                          o.year, o.serial, EXISTS (SELECT 1 FROM invoice n WHERE n.credits = i.number)
                      FROM invoice i LEFT JOIN paid p ON p.invoice = i.number LEFT JOIN invoice o ON o.number = i.credits
                      ORDER BY i.period DESC, i.clinic, i.number";
        let all = self.read(Scope::House, |sql| {
            sql.rows(select, &[])?
                .into_iter()
                .map(read)
                .collect::<SqlResult<Vec<_>>>()
        })?;
        let wanted = all
            .into_iter()
            .filter(|one| state.is_none_or(|state| one.state == state));
        Ok(wanted.collect())
    }

    /// One of them: `which` is the number on it, or for a draft its number in the store.
    ///
    /// # Errors
    /// [`InvoiceError::Unknown`], [`InvoiceError::Store`].
    pub fn invoice(&self, which: &str) -> Result<Invoice, InvoiceError> {
        let which = which.trim();
        let (id, [kind, year, serial]) = (which.parse::<i64>().ok(), read_code(which));
        let select = "SELECT i.number, i.kind, i.clinic, i.period, i.year, i.serial, i.body, i.issued_ms, p.day,
                          o.year, o.serial, EXISTS (SELECT 1 FROM invoice n WHERE n.credits = i.number)
                      FROM invoice i LEFT JOIN paid p ON p.invoice = i.number LEFT JOIN invoice o ON o.number = i.credits
                      WHERE i.number = ?1 OR (i.kind = ?2 AND i.year = ?3 AND i.serial = ?4)";
        let found = self.read(Scope::House, |sql| {
            sql.row(select, &values![id, kind, year, serial])?.map(read).transpose()
        })?;
        found.ok_or(InvoiceError::Unknown)
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

fn bill(sql: &mut dyn Sql, clinic: i64, lines: Vec<crate::invoices::Line>, seller: Issuer) -> SqlResult<Bill> {
    let buyer = billing(sql, clinic)?;
    let (name, address, language) = match buyer {
        Some(buyer) => (buyer.name, buyer.address, buyer.language),
        None => (clinic.to_string(), String::new(), Language::English),
    };
    Ok(Bill::of(lines, seller, name, address, language))
}

/// 1 for a draft that is new. One that is there is brought up to date; what was issued is left as it is.
fn draft(sql: &mut dyn Sql, clinic: i64, month: Month, bill: &Bill, now_ms: i64) -> SqlResult<usize> {
    let (period, body) = (month.to_string(), to_text(bill));
    let insert = "INSERT INTO invoice (kind, clinic, period, total_sen, body, made_ms) VALUES (0, ?1, ?2, ?3, ?4, ?5)
                  ON CONFLICT DO NOTHING";
    let row = values![clinic, period.as_str(), bill.total_sen, body.as_str(), now_ms];
    if sql.execute(insert, &row)? > 0 {
        return Ok(1);
    }
    let update = "UPDATE invoice SET total_sen = ?3, body = ?4
                  WHERE kind = 0 AND clinic = ?1 AND period = ?2 AND issued_ms IS NULL AND body <> ?4";
    sql.execute(update, &row[..4])?;
    Ok(0)
}

fn draft_again(sql: &mut dyn Sql, voided: &Invoice, now_ms: i64) -> SqlResult<()> {
    let nth = next_again(sql, INVOICE, voided.clinic, voided.month)?;
    let seller = issuer(sql)?.unwrap_or_default();
    let bill = bill(sql, voided.clinic, voided.bill.lines.clone(), seller)?;
    let (period, body) = (voided.month.to_string(), to_text(&bill));
    let insert = "INSERT INTO invoice (kind, clinic, period, again, total_sen, body, made_ms)
                  VALUES (0, ?1, ?2, ?3, ?4, ?5, ?6)";
    let row = values![
        voided.clinic,
        period.as_str(),
        nth,
        bill.total_sen,
        body.as_str(),
        now_ms
    ];
    sql.execute(insert, &row).map(drop)
}

fn next_again(sql: &mut dyn Sql, kind: i64, clinic: i64, month: Month) -> SqlResult<i64> {
    let select = "SELECT coalesce(max(again) + 1, 0) FROM invoice WHERE kind = ?1 AND clinic = ?2 AND period = ?3";
    sql.the_row(select, &values![kind, clinic, month.to_string().as_str()])?
        .int(0)
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

fn one(sql: &mut dyn Sql, id: i64) -> SqlResult<Option<Invoice>> {
    // Nobody else issues, voids or pays it meanwhile.
    sql.lock_row("SELECT only_row FROM relay", &[])?;
    let select = "SELECT i.number, i.kind, i.clinic, i.period, i.year, i.serial, i.body, i.issued_ms, p.day,
                      o.year, o.serial, EXISTS (SELECT 1 FROM invoice n WHERE n.credits = i.number)
                  FROM invoice i LEFT JOIN paid p ON p.invoice = i.number LEFT JOIN invoice o ON o.number = i.credits
                  WHERE i.number = ?1";
    sql.row(select, &values![id])?.map(read).transpose()
}

fn read(mut row: Row) -> SqlResult<Invoice> {
    let kind = row.int(1)?;
    let code_at = |row: &mut Row, kind, at| -> SqlResult<Option<String>> {
        let (year, serial) = (row.maybe_int(at)?, row.maybe_int(at + 1)?);
        Ok(year.zip(serial).map(|(year, serial)| code(kind, year, serial)))
    };
    let issued = row.maybe_int(7)?.map(day_at);
    let paid = row.maybe_text(8)?.and_then(|text| text.parse().ok());
    let bill: Bill = from_text(&row.text(6)?)?;
    let state = match (issued, paid, row.flag(11)?) {
        (None, ..) => InvoiceState::Draft,
        (.., true) => InvoiceState::Void,
        (_, Some(_), _) => InvoiceState::Paid,
        _ => InvoiceState::Issued,
    };
    Ok(Invoice {
        id: row.int(0)?,
        code: code_at(&mut row, kind, 4)?,
        credits: code_at(&mut row, INVOICE, 9)?,
        clinic: row.int(2)?,
        month: row.text(3)?.parse().map_err(|_| SqlError::Unexpected(3))?,
        state,
        issued,
        due: issued.map(|day| days_after(day, bill.seller.due_days.into())),
        paid,
        bill,
    })
}

fn subscriptions(sql: &mut dyn Sql) -> SqlResult<BTreeMap<i64, Vec<Subscription>>> {
    let mut clinics: BTreeMap<i64, Vec<Subscription>> = BTreeMap::new();
    let select = "SELECT clinic, from_day, plan, trial_until FROM subscription ORDER BY clinic, from_day";
    for mut row in sql.rows(select, &[])? {
        let trial_until = row.maybe_text(3)?.and_then(|text| text.parse().ok());
        let one = Subscription {
            from: row.text(1)?.parse().map_err(|_| SqlError::Unexpected(1))?,
            plan: row.maybe_int(2)?,
            trial_until,
        };
        clinics.entry(row.int(0)?).or_default().push(one);
    }
    Ok(clinics)
}

fn prices(sql: &mut dyn Sql) -> SqlResult<Vec<Price>> {
    let select = "SELECT t.plan, p.name, t.version, t.from_day, t.price_sen FROM plan_terms t
                  JOIN plan p ON p.number = t.plan ORDER BY t.plan, t.version";
    let rows = sql.rows(select, &[])?.into_iter();
    let price = |mut row: Row| {
        Ok(Price {
            plan: row.int(0)?,
            name: row.text(1)?,
            version: row.position(2)?,
            from: row.text(3)?.parse().map_err(|_| SqlError::Unexpected(3))?,
            sen: row.int(4)?,
        })
    };
    rows.map(price).collect()
}

fn to_text(bill: &Bill) -> String {
    serde_json::to_string(bill).expect("its fields are text and numbers")
}

pub(super) fn from_text<T: serde::de::DeserializeOwned>(text: &str) -> SqlResult<T> {
    serde_json::from_str(text).map_err(|error| SqlError::Failed(format!("an invoice cannot be read: {error}")))
}
