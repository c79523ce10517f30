//! The gate under any play: grants, revocations (also before their grants), releases, pulls by two clinics and a stranger,
//! moves of the clock, backups put back, devices that confirm or were away, clinics that are suspended, served again and
//! removed, devices that are removed, and letters, in any order; on both databases.
//!
//! Beside the store goes an oracle that keeps plain lists of what was done and knows nothing of how the store does it. What it
//! says may leave must leave, nothing else may, and both clinics' chains must have exactly the lines that it expects.

mod act;
mod cast;
mod letters;
mod oracle;
mod play;
mod standing;

use std::collections::BTreeSet;

use proptest::prelude::*;
use proptest::strategy::ValueTree;
use proptest::test_runner::{Config, FileFailurePersistence, TestRunner};
use sync_protocol::MailState;

use self::act::{Act, Hand};
use self::cast::{GRANTS, LETTERS, N};
use self::play::Play;
use super::ON_POSTGRES;

fn act() -> impl Strategy<Value = Act> {
    let (grant, clinic, device) = (0..GRANTS.len(), 0..N, 0..2_usize);
    let letter = 0..LETTERS.len();
    // Mostly the one to whom it was given; also the giver, and whom it does not concern.
    let pull = (grant.clone(), 0..8_usize, device.clone(), any::<bool>()).prop_map(|(grant, who, device, on)| {
        let clinic = match who {
            0 => GRANTS[grant].0,
            1 => 2,
            _ => GRANTS[grant].1,
        };
        Act::Pull(clinic, device, grant, on)
    });
    prop_oneof![
        5 => grant.clone().prop_map(Act::Grant),
        2 => grant.clone().prop_map(Act::Revoke),
        6 => (grant.clone(), any::<bool>()).prop_map(|(grant, replaces)| Act::Release(grant, replaces)),
        12 => pull,
        2 => (0..120_i64).prop_map(Act::Clock),
        2 => Just(Act::Backup),
        1 => Just(Act::PutBack),
        2 => (0..2_usize).prop_map(Act::Hear),
        4 => (0..2_usize, device.clone()).prop_map(|(clinic, device)| Act::Confirm(clinic, device)),
        1 => clinic.clone().prop_map(Act::SignHead),
        2 => clinic.clone().prop_map(Act::Suspend),
        4 => clinic.clone().prop_map(Act::Reactivate),
        1 => clinic.clone().prop_map(Act::Remove),
        1 => clinic.clone().prop_map(Act::RemoveSecond),
        3 => letter.clone().prop_map(Act::Post),
        2 => (clinic.clone(), device.clone()).prop_map(|(clinic, device)| Act::FetchMail(clinic, device)),
        1 => (clinic.clone(), device).prop_map(|(clinic, device)| Act::AcknowledgeMail(clinic, device)),
        1 => (clinic, letter).prop_map(|(clinic, letter)| Act::ReadMail(clinic, letter)),
    ]
}

/// A play, with some things given at its beginning or not.
fn acts() -> impl Strategy<Value = Vec<Act>> {
    let given = [0, 3]
        .map(|grant| [Act::Grant(grant), Act::Release(grant, false)])
        .concat();
    let opening = prop_oneof![Just(Vec::new()), Just(given)];
    (opening, proptest::collection::vec(act(), 1..60)).prop_map(|(opening, acts)| [opening, acts].concat())
}

fn play(cases: u32) {
    let config = Config {
        cases,
        failure_persistence: Some(Box::new(FileFailurePersistence::Direct(concat!(
            env!("CARGO_MANIFEST_DIR"),
            "/tests/relay/contract/gate_plays.regressions"
        )))),
        max_shrink_iters: 4_096,
        ..Config::default()
    };
    let played = TestRunner::new(config).run(&acts(), |acts| {
        let mut play = Play::begin();
        for act in &acts {
            play.act(act)?;
        }
        play.end()
    });
    if let Err(failed) = played {
        panic!("{failed}");
    }
}

/// How often, where nobody says otherwise.
fn cases(usual: u32) -> u32 {
    let said = std::env::var("PROPTEST_CASES").ok().and_then(|n| n.parse().ok());
    said.unwrap_or(usual)
}

#[test]
fn nothing_leaves_without_an_active_grant_and_what_may_leave_does_whatever_is_played_on_sqlite() {
    play(cases(100));
}

#[test]
fn nothing_leaves_without_an_active_grant_and_what_may_leave_does_whatever_is_played_on_postgresql() {
    ON_POSTGRES.set(true);
    play(cases(100).div_ceil(10));
    ON_POSTGRES.set(false);
}

/// What the plays say of themselves is true: they get everywhere.
#[test]
fn plays_come_to_every_answer() {
    let (mut seen, mut turned_away, mut n_removed, mut n_read) = (BTreeSet::new(), BTreeSet::new(), 0, 0);
    let mut runner = TestRunner::deterministic();
    for _ in 0..60 {
        let acts = acts().new_tree(&mut runner).unwrap().current();
        let mut play = Play::begin();
        for act in &acts {
            play.act(act).unwrap();
        }
        let lines = play.has.lines.iter().flatten();
        seen.extend(lines.map(|line| line.6.name()));
        turned_away.extend(std::mem::take(&mut play.turned_away));
        n_removed += play.has.removed.len();
        let read = |(_, state): &&(u64, MailState)| *state == MailState::Read;
        n_read += play.has.post.letters.values().filter(read).count();
        play.end().unwrap();
    }
    let all = [
        "expired",
        "no_grant",
        "not_the_recipient",
        "not_understood",
        "not_yet",
        "permitted",
        "revoked",
        "source_closed",
    ];
    assert_eq!(seen, all.into_iter().collect());
    assert_eq!(turned_away, ["removed", "suspended"].into_iter().collect());
    assert!(n_removed > 0 && n_read > 0, "{n_removed} {n_read}");
}

/// The oracle can fail: a relay that does any of this is found out, and soon.
#[test]
fn a_gate_that_does_not_look_is_noticed() {
    for hand in [
        Hand::ForgetsRevocations,
        Hand::OpensWhatIsClosed,
        Hand::StopsTheClock,
        Hand::HidesAccessesFromTheGiver,
        Hand::KeepsReleasesBack,
        Hand::TakesEverybodyForTheRecipient,
        Hand::ServesTheSuspended,
        Hand::LosesLetters,
    ] {
        let mut runner = TestRunner::deterministic();
        let is_noticed = (0..60).any(|_| {
            let acts = acts().new_tree(&mut runner).unwrap().current();
            let mut play = Play::under(hand);
            acts.iter()
                .try_for_each(|act| play.act(act))
                .and_then(|()| play.end())
                .is_err()
        });
        assert!(is_noticed, "{hand:?}");
    }
}
