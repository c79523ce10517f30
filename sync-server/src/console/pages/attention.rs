//! Which clinics want the operator's eye, and how soon. Pure.

use sync_protocol::{UsageLevel, Used};

use crate::{ClinicOverview, InvoicesStand, Standing};

/// A clinic of which nothing was heard for so long is worth a call.
const SILENT_MS: i64 = 7 * 24 * 60 * 60 * 1000;

/// How soon; the first is the most pressing.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Rank {
    /// Something is refused, overdue or not given: it waits for somebody.
    Act,
    /// It will be so soon, or somebody should ask.
    Look,
    /// Suspended: an operator decided, and may decide again.
    Held,
    /// All is well.
    Well,
    /// Removed.
    Gone,
}

/// The rank of one clinic. `is_here`: one of its devices is connected now.
pub(super) fn rank(one: &ClinicOverview, is_here: bool, now_ms: i64) -> Rank {
    let card = &one.card;
    match card.standing {
        Standing::Removed { .. } => return Rank::Gone,
        Standing::Suspended { .. } => return Rank::Held,
        Standing::Good => {}
    }
    let used = &one.used;
    let any = |all: &[Used], level| all.iter().any(|used| used.level == level);
    let is_full = any(&[used.devices, used.bytes, used.requests], UsageLevel::Full);
    if is_full || card.closed || matches!(one.invoices, InvoicesStand::Overdue(_)) {
        return Rank::Act;
    }
    let is_near = any(&[used.devices, used.bytes, used.requests, used.staff], UsageLevel::Near)
        // Nothing is refused by the number of people.
        || used.staff.level == UsageLevel::Full;
    let heard_ms = card.seen_ms.or(card.joined_ms);
    let is_silent = !is_here && heard_ms.is_some_and(|heard| now_ms.saturating_sub(heard) > SILENT_MS);
    let has_lapsed = card.tenant.is_none() && card.invited_until_ms.is_none_or(|until| until <= now_ms);
    let waits = one.invoices == InvoicesStand::Drafted;
    if is_near || is_silent || has_lapsed || waits {
        return Rank::Look;
    }
    Rank::Well
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use seal::TenantId;

    use super::*;
    use crate::{ClinicCard, Consumed, Judged, PlanTerms};

    const NOW: i64 = 1_795_000_000_000;

    fn well() -> ClinicOverview {
        let card = ClinicCard {
            number: 1,
            name: "Klinik".into(),
            made_ms: NOW - 10 * SILENT_MS,
            tenant: Some(TenantId::from_bytes([1; 32])),
            joined_ms: Some(NOW - 10 * SILENT_MS),
            invited_until_ms: None,
            standing: Standing::Good,
            closed: false,
            changes: 0,
            n_attachment_bytes: 0,
            seen_ms: Some(NOW - 60_000),
        };
        ClinicOverview {
            card,
            plan: None,
            trial_until: None,
            used: Judged::of(&PlanTerms::default(), &Consumed::default()),
            n_behind: 0,
            behind_by: 0,
            invoices: InvoicesStand::Paid,
        }
    }

    fn using(limit: fn(&mut PlanTerms), consumed: Consumed) -> ClinicOverview {
        let mut terms = PlanTerms::default();
        limit(&mut terms);
        ClinicOverview {
            used: Judged::of(&terms, &consumed),
            ..well()
        }
    }

    fn with(change: impl FnOnce(&mut ClinicOverview)) -> ClinicOverview {
        let mut one = well();
        change(&mut one);
        one
    }

    #[test]
    fn what_waits_for_somebody_comes_before_what_will_and_that_before_what_is_well() {
        let day = "2026-11-01".parse().unwrap();
        let check = |one: ClinicOverview, expected| assert_eq!(rank(&one, false, NOW), expected, "{one:?}");
        let requests = |n| Consumed {
            requests: n,
            staff: Some(n),
            ..Consumed::default()
        };
        check(well(), Rank::Well);
        check(with(|one| one.invoices = InvoicesStand::Overdue(day)), Rank::Act);
        check(with(|one| one.card.closed = true), Rank::Act);
        check(using(|terms| terms.requests = Some(100), requests(100)), Rank::Act);
        check(using(|terms| terms.requests = Some(100), requests(80)), Rank::Look);
        check(using(|terms| terms.requests = Some(100), requests(79)), Rank::Well);
        check(using(|terms| terms.staff = Some(100), requests(100)), Rank::Look);
        check(with(|one| one.invoices = InvoicesStand::Due(day)), Rank::Well);
        check(with(|one| one.invoices = InvoicesStand::Drafted), Rank::Look);
        check(with(|one| one.card.seen_ms = Some(NOW - SILENT_MS - 1)), Rank::Look);
        check(with(|one| one.card.seen_ms = None), Rank::Look);
        let invited = |until| {
            with(|one| {
                (one.card.tenant, one.card.joined_ms, one.card.seen_ms) = (None, None, None);
                one.card.invited_until_ms = until;
            })
        };
        check(invited(Some(NOW + 1)), Rank::Well);
        check(invited(Some(NOW)), Rank::Look);
        check(invited(None), Rank::Look);
        let suspended = Standing::Suspended {
            since_ms: NOW,
            why: "x".into(),
        };
        check(
            with(|one| (one.card.standing, one.card.closed) = (suspended, true)),
            Rank::Held,
        );
        assert_eq!(
            rank(&with(|one| one.card.seen_ms = None), true, NOW),
            Rank::Well,
            "it is here"
        );
        assert!(
            Rank::Act < Rank::Look && Rank::Look < Rank::Held && Rank::Held < Rank::Well && Rank::Well < Rank::Gone
        );
    }
}
