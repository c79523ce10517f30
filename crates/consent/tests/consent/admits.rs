//! The relay's half.

use consent::{
    Decision::{self, Deny, Permit},
    DenyReason::{Expired, NotTheRecipient, NotUnderstood, NotYet, Revoked},
    GrantState, MODE_KEEP, MODE_VIEW, PURPOSE_EMERGENCY, PURPOSE_TREATMENT, admits, may_hold, state,
};
use proptest::prelude::*;
use seal::{GrantClear, GrantId, TenantId};

const SOURCE: TenantId = TenantId::from_bytes([1; 32]);
const RECIPIENT: TenantId = TenantId::from_bytes([2; 32]);
const STRANGER: TenantId = TenantId::from_bytes([3; 32]);

fn grant() -> GrantClear {
    GrantClear {
        id: GrantId::from_bytes([9; 16]),
        source: SOURCE,
        recipient: RECIPIENT,
        purpose: PURPOSE_TREATMENT,
        mode: MODE_VIEW,
        from_ms: 100,
        until_ms: 200,
        erase_at_ms: 300,
        terms_hash: [0; 32],
    }
}

#[track_caller]
fn check(now_ms: i64, revoked: bool, asking: TenantId, expected: Decision) {
    assert_eq!(admits(&grant(), revoked, asking, now_ms), expected);
}

#[test]
fn a_grant_is_admitted_in_its_period_only() {
    check(i64::MIN, false, RECIPIENT, Deny(NotYet));
    check(99, false, RECIPIENT, Deny(NotYet));
    check(100, false, RECIPIENT, Permit);
    check(199, false, RECIPIENT, Permit);
    check(200, false, RECIPIENT, Deny(Expired));
    check(i64::MAX, false, RECIPIENT, Deny(Expired));
}

#[test]
fn a_revoked_grant_is_never_admitted() {
    check(99, true, RECIPIENT, Deny(Revoked));
    check(150, true, RECIPIENT, Deny(Revoked));
    check(200, true, RECIPIENT, Deny(Revoked));
}

#[test]
fn a_stranger_learns_nothing_about_the_grant() {
    for revoked in [false, true] {
        for now_ms in [99, 150, 200] {
            check(now_ms, revoked, STRANGER, Deny(NotTheRecipient));
            check(now_ms, revoked, SOURCE, Deny(NotTheRecipient));
        }
    }
}

#[test]
fn what_is_given_in_an_emergency_is_admitted_in_its_period() {
    let grant = GrantClear {
        purpose: PURPOSE_EMERGENCY,
        ..grant()
    };
    assert_eq!(admits(&grant, false, RECIPIENT, 150), Permit);
    assert_eq!(admits(&grant, false, RECIPIENT, 200), Deny(Expired));
}

#[test]
fn a_purpose_or_a_mode_of_a_newer_build_is_refused() {
    let purpose = GrantClear { purpose: 7, ..grant() };
    let mode = GrantClear { mode: 7, ..grant() };
    assert_eq!(admits(&purpose, false, RECIPIENT, 150), Deny(NotUnderstood));
    assert_eq!(admits(&mode, false, RECIPIENT, 150), Deny(NotUnderstood));
    assert_eq!(admits(&mode, true, RECIPIENT, 150), Deny(Revoked));
}

#[test]
fn a_period_that_ends_before_it_begins_is_never_active() {
    let backwards = GrantClear {
        from_ms: 200,
        until_ms: 100,
        ..grant()
    };
    for now_ms in [50, 100, 150, 200, 250] {
        assert_ne!(state(&backwards, false, now_ms), GrantState::Active);
    }
}

#[test]
fn a_grant_goes_from_not_yet_to_active_to_expired() {
    let states = [99, 100, 199, 200].map(|now_ms| state(&grant(), false, now_ms));
    assert_eq!(
        states,
        [
            GrantState::NotYet,
            GrantState::Active,
            GrantState::Active,
            GrantState::Expired
        ]
    );
}

#[test]
fn a_copy_is_kept_only_in_keep_mode_until_its_day_or_the_revocation() {
    let keep = GrantClear {
        mode: MODE_KEEP,
        ..grant()
    };
    assert!(may_hold(&keep, false, 150));
    assert!(may_hold(&keep, false, 299), "also after the period");
    assert!(!may_hold(&keep, false, 300));
    assert!(!may_hold(&keep, true, 150));
    assert!(!may_hold(&grant(), false, 150), "view keeps nothing");
    assert!(!may_hold(&GrantClear { mode: 7, ..grant() }, false, 150));
}

#[test]
fn every_decision_has_its_own_name() {
    let all = [
        Permit,
        Deny(NotTheRecipient),
        Deny(Revoked),
        Deny(NotUnderstood),
        Deny(NotYet),
        Deny(Expired),
    ];
    let names: std::collections::BTreeSet<_> = all.into_iter().map(Decision::code).collect();
    assert_eq!(names.len(), all.len());
}

fn any_grant() -> impl Strategy<Value = GrantClear> {
    (any::<(u8, u8, i64, i64, i64)>(), 0u8..3, 0u8..3).prop_map(
        |((purpose, mode, from_ms, until_ms, erase_at_ms), p, m)| {
            // Half of them understood, so that both sides of the rule are met.
            let (purpose, mode) = (if p == 0 { purpose } else { 0 }, if m == 0 { mode } else { m - 1 });
            GrantClear {
                purpose,
                mode,
                from_ms,
                until_ms,
                erase_at_ms,
                ..grant()
            }
        },
    )
}

proptest! {
    #[test]
    fn a_revocation_beats_everything(grant in any_grant(), asking in 1u8..4, now_ms: i64) {
        prop_assert_eq!(state(&grant, true, now_ms), GrantState::Revoked);
        prop_assert!(!admits(&grant, true, TenantId::from_bytes([asking; 32]), now_ms).is_permit());
        prop_assert!(!may_hold(&grant, true, now_ms));
    }

    #[test]
    fn what_is_permitted_meets_every_condition(grant in any_grant(), revoked: bool, asking in 1u8..4, now_ms: i64) {
        let asking = TenantId::from_bytes([asking; 32]);
        let every_condition = !revoked
            && asking == grant.recipient
            && [PURPOSE_TREATMENT, PURPOSE_EMERGENCY].contains(&grant.purpose)
            && [MODE_VIEW, MODE_KEEP].contains(&grant.mode)
            && grant.from_ms <= now_ms
            && now_ms < grant.until_ms;
        prop_assert_eq!(admits(&grant, revoked, asking, now_ms).is_permit(), every_condition);
    }

    #[test]
    fn an_expired_grant_never_comes_back(grant in any_grant(), now_ms: i64, later in 0i64..1_000_000) {
        let later = now_ms.saturating_add(later);
        if state(&grant, false, now_ms) == GrantState::Expired {
            prop_assert_eq!(state(&grant, false, later), GrantState::Expired);
        }
    }
}
