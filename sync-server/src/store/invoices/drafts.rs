//! Drafts: one invoice for each clinic and month that is over, by the plans and prices of its days.

use std::collections::BTreeMap;

use sync_protocol::RelayStoreFailed;

use super::owed::settle;
use super::{INVOICE, issuer};
use crate::calendar::{Month, day_at};
use crate::invoices::{Bill, Invoice, Issuer, Language, Line, Price, Subscription, lines};
use crate::store::Store;
use crate::store::billing::billing;
use crate::store::sql::{Row, Scope, Sql, SqlError, SqlResult, values};

/// Months that a relay which was down for long still drafts.
const MONTHS_BACK: i64 = 12;

impl Store {
    /// Drafts an invoice for each clinic and month that is over, costs something and has none; drafts that are there
    /// already are brought up to date, and what is owed is put right. Gives how many are new. Done twice it does nothing the second time.
    ///
    /// # Errors
    /// [`RelayStoreFailed`].
    pub fn draft_invoices(&mut self, now_ms: i64) -> Result<usize, RelayStoreFailed> {
        let this_month = Month::of(day_at(now_ms));
        self.write(Scope::House, |sql| {
            settle(sql)?;
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
}

/// What is charged, with who sends it and to whom.
pub(super) fn bill(sql: &mut dyn Sql, clinic: i64, lines: Vec<Line>, seller: Issuer) -> SqlResult<Bill> {
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

/// Another draft for the month of an invoice that was undone.
pub(super) fn draft_again(sql: &mut dyn Sql, voided: &Invoice, now_ms: i64) -> SqlResult<()> {
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

/// The how many-th of its kind, of this clinic and month, the next one is.
pub(super) fn next_again(sql: &mut dyn Sql, kind: i64, clinic: i64, month: Month) -> SqlResult<i64> {
    let select = "SELECT coalesce(max(again) + 1, 0) FROM invoice WHERE kind = ?1 AND clinic = ?2 AND period = ?3";
    sql.the_row(select, &values![kind, clinic, month.to_string().as_str()])?
        .int(0)
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

pub(super) fn to_text(bill: &Bill) -> String {
    serde_json::to_string(bill).expect("its fields are text and numbers")
}
