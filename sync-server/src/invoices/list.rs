//! The list of invoices, page by page: which are wanted, from where on, and what they all come to.

use std::fmt;
use std::str::FromStr;

use super::{Invoice, InvoiceState};
use crate::calendar::Month;

/// Where an invoice stands in the list: the newest month first, a month's by the clinics' numbers. It stands there for good,
/// whatever becomes of it. Written `2026-11.7.123`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct InvoicePlace {
    /// The month it is for.
    pub month: Month,
    /// The clinic's number on the operator's list.
    pub clinic: i64,
    /// Its number in the store.
    pub id: i64,
}

impl fmt::Display for InvoicePlace {
    fn fmt(&self, to: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(to, "{}.{}.{}", self.month, self.clinic, self.id)
    }
}

/// It is no place in the list.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("this is no place in the list of invoices")]
pub struct NoPlace;

impl FromStr for InvoicePlace {
    type Err = NoPlace;

    fn from_str(text: &str) -> Result<Self, NoPlace> {
        let mut parts = text.splitn(3, '.');
        let mut part = || parts.next().ok_or(NoPlace);
        let (month, clinic, id) = (part()?, part()?, part()?);
        Ok(Self {
            month: month.parse().map_err(|_| NoPlace)?,
            clinic: clinic.parse().map_err(|_| NoPlace)?,
            id: id.parse().map_err(|_| NoPlace)?,
        })
    }
}

/// Which invoices are wanted.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct InvoicesWanted {
    /// Those of one state; all when absent.
    pub state: Option<InvoiceState>,
    /// Those of the clinic of this number; all clinics' when absent.
    pub clinic: Option<i64>,
}

/// Where a page of the list begins, or ends.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum InvoicesFrom {
    /// It begins with the newest.
    #[default]
    Newest,
    /// It begins behind this one.
    Older(InvoicePlace),
    /// It ends before this one.
    Newer(InvoicePlace),
}

/// A page of the list.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct InvoicesPage {
    /// What is on it.
    pub invoices: Vec<Invoice>,
    /// The page before it ends before this one; there is none when absent.
    pub newer: Option<InvoicePlace>,
    /// The page after it begins behind this one; there is none when absent.
    pub older: Option<InvoicePlace>,
}

/// What invoices come to.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct InvoiceSums {
    /// How many are in each state, credit notes too; in the order of [`InvoiceState::ALL`].
    n: [u64; InvoiceState::ALL.len()],
    /// Sen that are still to be paid.
    pub open_sen: i64,
    /// Of them, those that should have been paid by now.
    pub overdue_sen: i64,
}

impl InvoiceSums {
    pub(crate) fn add(&mut self, state: InvoiceState, more: u64) {
        let known = InvoiceState::ALL.into_iter().zip(&mut self.n);
        known.filter(|(one, _)| *one == state).for_each(|(_, n)| *n += more);
    }

    /// How many are in this state; in any when absent.
    pub fn n(&self, state: Option<InvoiceState>) -> u64 {
        let known = InvoiceState::ALL.into_iter().zip(self.n);
        let counted = known.filter(|(one, _)| state.is_none_or(|state| *one == state));
        counted.map(|(_, n)| n).sum()
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::*;

    #[test]
    fn a_place_is_read_as_it_was_written_and_nothing_else_is_one() {
        let place: InvoicePlace = "2026-11.7.123".parse().unwrap();
        assert_eq!((place.clinic, place.id), (7, 123));
        assert_eq!(place.to_string(), "2026-11.7.123");
        for none in [
            "",
            "2026-11",
            "2026-11.7",
            "2026-13.7.1",
            "2026-11.7.1.2",
            "x.y.z",
            "2026-11.7.' OR 1",
        ] {
            assert_eq!(none.parse::<InvoicePlace>(), Err(NoPlace), "{none}");
        }
    }

    #[test]
    fn what_is_in_each_state_is_counted_apart_and_together() {
        let mut sums = InvoiceSums::default();
        sums.add(InvoiceState::Draft, 2);
        sums.add(InvoiceState::Void, 1);
        sums.add(InvoiceState::Draft, 1);
        assert_eq!(
            (sums.n(Some(InvoiceState::Draft)), sums.n(Some(InvoiceState::Paid))),
            (3, 0)
        );
        assert_eq!(sums.n(None), 4);
    }
}
