//! Invoices: what a clinic is charged for a month. Pure: no clock, no store; money is in sen, and whole.

mod fonts;
mod list;
mod pdf;
mod words;

use jiff::civil::Date;
use serde::{Deserialize, Serialize};

pub use list::{InvoicePlace, InvoiceSums, InvoicesFrom, InvoicesPage, InvoicesWanted};
pub use pdf::{PdfError, as_pdf};
pub use words::Language;

use crate::calendar::{Month, days_after};

/// Who sends invoices.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Issuer {
    /// The operator's name.
    pub name: String,
    /// Address, telephone and so on, in lines.
    pub address: String,
    /// The company's registration number.
    pub registration: String,
    /// The number under which service tax is charged; empty when none is.
    pub sst_number: String,
    /// Service tax in hundredths of a percent; 800 is 8 %. None is charged while this is 0.
    pub sst_bp: u32,
    /// How to pay, in lines.
    pub terms: String,
    /// Days until an invoice is due.
    pub due_days: u16,
}

/// A clinic's plan since a day.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Subscription {
    /// Since this day.
    pub from: Date,
    /// The plan's number; `None`: no plan.
    pub plan: Option<i64>,
    /// The last day that costs nothing.
    pub trial_until: Option<Date>,
}

/// A plan's price since a day.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Price {
    /// The plan's number.
    pub plan: i64,
    /// Its name.
    pub name: String,
    /// A later version of the same day counts.
    pub version: u64,
    /// Since this day.
    pub from: Date,
    /// Sen a month.
    pub sen: i64,
}

/// Days of one plan at one price.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Line {
    /// The plan's name.
    pub plan: String,
    /// The first of the days.
    pub from: Date,
    /// The last of them.
    pub to: Date,
    /// How many they are.
    pub days: i64,
    /// How many the month has.
    pub of_days: i64,
    /// Sen for a whole month.
    pub price_sen: i64,
    /// Sen for these days.
    pub amount_sen: i64,
}

/// All that is printed on an invoice but its number and its days.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Bill {
    /// The version of this shape.
    pub v: u32,
    /// `en` or `ms`.
    pub language: String,
    /// Who sends it.
    pub seller: Issuer,
    /// To whom it goes.
    pub buyer_name: String,
    /// Where that is, in lines.
    pub buyer_address: String,
    /// What is charged.
    pub lines: Vec<Line>,
    /// Before tax.
    pub subtotal_sen: i64,
    /// Tax in hundredths of a percent.
    pub tax_bp: u32,
    /// Tax.
    pub tax_sen: i64,
    /// To be paid.
    pub total_sen: i64,
}

/// Where an invoice is in its life.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum InvoiceState {
    /// Not sent; nothing in it is fixed.
    Draft,
    /// Sent.
    Issued,
    /// Paid.
    Paid,
    /// A credit note has undone it.
    Void,
}

impl InvoiceState {
    /// All of them.
    pub const ALL: [Self; 4] = [Self::Draft, Self::Issued, Self::Paid, Self::Void];

    /// A stable name.
    pub fn name(self) -> &'static str {
        match self {
            Self::Draft => "draft",
            Self::Issued => "issued",
            Self::Paid => "paid",
            Self::Void => "void",
        }
    }

    /// The number by which the store knows it.
    pub(crate) fn number(self) -> i64 {
        match self {
            Self::Draft => 0,
            Self::Issued => 1,
            Self::Paid => 2,
            Self::Void => 3,
        }
    }

    /// The state of this name.
    pub fn of(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|state| state.name() == name)
    }
}

/// One invoice, or one credit note.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Invoice {
    /// Its number in the store.
    pub id: i64,
    /// The number on it, without gaps in its year; `None` for a draft.
    pub code: Option<String>,
    /// It undoes the invoice of this number.
    pub credits: Option<String>,
    /// The clinic's number on the operator's list.
    pub clinic: i64,
    /// The month it is for.
    pub month: Month,
    /// Where it is in its life.
    pub state: InvoiceState,
    /// The day on it.
    pub issued: Option<Date>,
    /// When it is due.
    pub due: Option<Date>,
    /// When it was paid.
    pub paid: Option<Date>,
    /// What is on it.
    pub bill: Bill,
}

impl Invoice {
    /// Whether it undoes another.
    pub fn is_credit_note(&self) -> bool {
        self.credits.is_some()
    }

    /// Where it stands in the list, for good.
    pub fn place(&self) -> InvoicePlace {
        InvoicePlace {
            month: self.month,
            clinic: self.clinic,
            id: self.id,
        }
    }
}

/// What a month costs: its days by the plan and the price that held on each, without those of a trial.
pub fn lines(month: Month, subscriptions: &[Subscription], prices: &[Price]) -> Vec<Line> {
    let mut lines: Vec<(u64, i64, Line)> = Vec::new();
    for day in month.days() {
        let Some(price) = price_of(day, subscriptions, prices) else {
            continue;
        };
        match lines.last_mut() {
            Some((version, plan, line))
                if (*version, *plan) == (price.version, price.plan) && days_after(line.to, 1) == day =>
            {
                line.to = day;
                line.days += 1;
            }
            _ => {
                let line = Line {
                    plan: price.name.clone(),
                    from: day,
                    to: day,
                    days: 1,
                    of_days: month.n_days(),
                    price_sen: price.sen,
                    amount_sen: 0,
                };
                lines.push((price.version, price.plan, line));
            }
        }
    }
    let lines = lines.into_iter().map(|(_, _, line)| Line {
        amount_sen: share(line.price_sen, line.days, line.of_days),
        ..line
    });
    lines.filter(|line| line.amount_sen > 0).collect()
}

fn price_of<'p>(day: Date, subscriptions: &[Subscription], prices: &'p [Price]) -> Option<&'p Price> {
    let now = subscriptions
        .iter()
        .filter(|one| one.from <= day)
        .max_by_key(|one| one.from)?;
    if now.trial_until.is_some_and(|last| day <= last) {
        return None;
    }
    let plan = now.plan?;
    let known = prices.iter().filter(|price| price.plan == plan && price.from <= day);
    known.max_by_key(|price| price.version)
}

impl Bill {
    /// The sum of these lines, with tax.
    pub fn of(lines: Vec<Line>, seller: Issuer, buyer_name: String, buyer_address: String, language: Language) -> Self {
        let subtotal_sen: i64 = lines.iter().map(|line| line.amount_sen).sum();
        let tax_bp = seller.sst_bp;
        let tax_sen = share(subtotal_sen, tax_bp.into(), 10_000);
        Self {
            v: 1,
            language: language.code().to_owned(),
            seller,
            buyer_name,
            buyer_address,
            lines,
            subtotal_sen,
            tax_bp,
            tax_sen,
            total_sen: subtotal_sen + tax_sen,
        }
    }

    /// Its language.
    pub fn language(&self) -> Language {
        Language::of(&self.language)
    }
}

/// So many parts of the whole, to the nearest sen; a half goes up.
fn share(sen: i64, parts: i64, of: i64) -> i64 {
    let (sen, parts, of) = (i128::from(sen), i128::from(parts), i128::from(of));
    i64::try_from((sen * parts * 2 + of) / (of * 2)).unwrap_or(i64::MAX)
}

#[cfg(test)]
mod tests;
