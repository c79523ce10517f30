//! All clinics at one glance: what the operator's list shows of each, read at one moment and without asking clinic by clinic.

use jiff::civil::Date;
use sync_protocol::RelayStoreFailed;

use super::Store;
use super::cards::{ClinicCard, card, cards};
use super::plans::terms_if_any;
use super::sql::{Row, Scope, SqlResult, values};
use crate::calendar::{Month, day_at};
use crate::plans::{Consumed, Judged, PlanTerms};

/// One clinic as the list shows it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ClinicOverview {
    /// Who it is, and how it stands.
    pub card: ClinicCard,
    /// The name of its plan.
    pub plan: Option<String>,
    /// The last day of a trial that is not over.
    pub trial_until: Option<Date>,
    /// What it uses, held against its plan.
    pub used: Judged,
    /// Devices with a place that do not have all changes yet, as they were seen last.
    pub n_behind: u64,
    /// How many changes the one lacks that lacks most.
    pub behind_by: u64,
    /// How its invoices stand.
    pub invoices: InvoicesStand,
}

/// How a clinic's invoices stand: the first of these that is true.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum InvoicesStand {
    /// One should have been paid by this day.
    Overdue(Date),
    /// One is to be paid by this day.
    Due(Date),
    /// One waits to be issued.
    Drafted,
    /// All that were issued are paid.
    Paid,
    /// There is none.
    None,
}

/// The columns of a card come first; the terms of the plan begin at 16. What is issued has a year: drafts are few, and found by that.
/// Whether a clinic has paid anything is looked for only where it owes nothing: its first invoice tells.
const OVERVIEW: &str = cards!(
    ", p.name, b.trial_until, t.price_sen, t.devices, t.staff, t.bytes, t.requests,
        (SELECT count(*) FROM seat WHERE seat.tenant = c.tenant),
        (SELECT n_staff FROM usage_said u WHERE u.tenant = c.tenant),
        coalesce((SELECT n_bytes FROM head h WHERE h.tenant = c.tenant AND h.feed = 0), 0)
            - coalesce((SELECT n_bytes FROM freed f WHERE f.tenant = c.tenant), 0)
            + coalesce((SELECT n_bytes FROM held d WHERE d.tenant = c.tenant), 0),
        CAST(coalesce((SELECT sum(n_requests) FROM usage_day u WHERE u.tenant = c.tenant AND u.day >= ?2), 0) AS BIGINT),
        (SELECT count(*) FROM seen v JOIN seat ON seat.tenant = v.tenant AND seat.device = v.device
             JOIN head h ON h.tenant = v.tenant AND h.feed = 0 WHERE v.tenant = c.tenant AND v.changes < h.position),
        (SELECT max(h.position - v.changes) FROM seen v JOIN seat ON seat.tenant = v.tenant AND seat.device = v.device
             JOIN head h ON h.tenant = v.tenant AND h.feed = 0 WHERE v.tenant = c.tenant AND v.changes < h.position),
        (SELECT min(due) FROM owed WHERE owed.clinic = c.number),
        c.number IN (SELECT clinic FROM invoice WHERE kind = 0 AND year IS NULL),
        NOT EXISTS (SELECT 1 FROM owed WHERE owed.clinic = c.number)
            AND (SELECT 1 FROM invoice i JOIN paid ON paid.invoice = i.number WHERE i.kind = 0 AND i.clinic = c.number
                 LIMIT 1) IS NOT NULL",
    " LEFT JOIN subscription b ON b.clinic = c.number AND b.from_day =
         (SELECT max(from_day) FROM subscription l WHERE l.clinic = c.number AND l.from_day <= ?1)
      LEFT JOIN plan p ON p.number = b.plan
      LEFT JOIN plan_terms t ON t.plan = p.number
         AND t.version = (SELECT max(version) FROM plan_terms l WHERE l.plan = p.number)
      ORDER BY c.name"
);

impl Store {
    /// All clinics on the list, by name.
    ///
    /// # Errors
    /// [`RelayStoreFailed`].
    pub fn overview(&self, now_ms: i64) -> Result<Vec<ClinicOverview>, RelayStoreFailed> {
        let today = day_at(now_ms);
        let (day, month) = (today.to_string(), Month::of(today).first().to_string());
        self.read(Scope::House, |sql| {
            let rows = sql.rows(OVERVIEW, &values![day.as_str(), month.as_str()])?;
            rows.into_iter().map(|row| one(row, today)).collect()
        })
    }
}

fn one(mut row: Row, today: Date) -> SqlResult<ClinicOverview> {
    let plan = row.maybe_text(14)?;
    let trial = row.maybe_text(15)?.and_then(|text| text.parse().ok());
    let terms = terms_if_any(&mut row, 16)?.unwrap_or_else(PlanTerms::default);
    let consumed = Consumed {
        devices: row.position(21)?,
        staff: row.maybe_int(22)?.map(|n| u64::try_from(n).unwrap_or(0)),
        bytes: u64::try_from(row.int(23)?).unwrap_or(0),
        requests: row.position(24)?,
    };
    let (n_behind, behind_by) = (row.position(25)?, row.maybe_int(26)?);
    let due: Option<Date> = row.maybe_text(27)?.and_then(|text| text.parse().ok());
    let (is_drafted, is_paid) = (row.flag(28)?, row.flag(29)?);
    let card = card(row)?;
    let invoices = match (due, is_drafted, is_paid) {
        (Some(day), ..) if day < today => InvoicesStand::Overdue(day),
        (Some(day), ..) => InvoicesStand::Due(day),
        (None, true, _) => InvoicesStand::Drafted,
        (None, false, true) => InvoicesStand::Paid,
        (None, false, false) => InvoicesStand::None,
    };
    Ok(ClinicOverview {
        card,
        plan,
        trial_until: trial.filter(|last| *last >= today),
        used: Judged::of(&terms, &consumed),
        n_behind,
        behind_by: behind_by.map_or(0, |n| u64::try_from(n).unwrap_or(0)),
        invoices,
    })
}
