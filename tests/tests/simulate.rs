//! A short run of the simulator, what it once found, and the simulator itself.

use std::time::Duration;

use journeys::simulate::{Act, Deed, Fault, Jump, Seed, Step, explain, plan, run, run_with, seeds, shrink};

fn holds(seed: u64, steps: &[Step]) {
    if let Err(broken) = run(seed, steps) {
        panic!("{}", explain(seed, steps, &broken, Duration::from_secs(60)));
    }
}

/// Steps that somebody thought of. The first clinic's devices are 0, 1 and 2, the second's 3 and 4.
fn steps(acts: &[Act]) -> Vec<Step> {
    (1..).zip(acts).map(|(seed, act)| Step { act: *act, seed }).collect()
}

#[test]
fn five_seeds_of_bad_luck_end_with_equal_sets_and_nothing_lost() {
    (1..=5).for_each(|seed| holds(seed, &plan(seed, 140)));
}

#[test]
fn seeds_that_once_found_something_hold() {
    for Seed { seed, n_steps } in seeds().unwrap() {
        holds(seed, &plan(seed, n_steps));
    }
}

#[test]
fn a_device_that_is_admitted_under_a_wrong_clock_gives_no_number_twice() {
    let first_letters = steps(&[
        Act::Clock(0, Jump::Dead),
        Act::Admit(0),
        Act::Do(1, Deed::Register),
        Act::Do(1, Deed::Queue),
        Act::Do(5, Deed::Register),
        Act::Do(5, Deed::Queue),
    ]);
    holds(1, &first_letters);
}

#[test]
fn a_release_that_waits_while_the_relay_is_put_back_follows_its_grant() {
    let put_back = steps(&[
        Act::Dial(3),
        Act::Do(3, Deed::Register),
        Act::RelayKeepCopy,
        Act::Do(3, Deed::Grant),
        Act::Deliver(24),
        Act::RelayPutBack(0, true),
        Act::Do(3, Deed::Release),
    ]);
    holds(1, &put_back);
}

#[test]
fn what_a_new_device_of_another_clinic_grants_and_releases_arrives_like_any_other() {
    let new_device = steps(&[
        Act::Do(4, Deed::Register),
        Act::Do(4, Deed::Grant),
        Act::Dial(1),
        Act::Dial(4),
        Act::Deliver(24),
        Act::Deliver(24),
        Act::Admit(1),
        Act::Do(5, Deed::Register),
        Act::Do(5, Deed::Grant),
        Act::Do(5, Deed::Release),
    ]);
    (1..=2).for_each(|seed| holds(seed, &new_device));
}

#[test]
fn the_same_seed_gives_the_same_run() {
    let steps = plan(99, 100);
    assert_eq!(steps, plan(99, 100));
    let (one, other) = (run(99, &steps).unwrap(), run(99, &steps).unwrap());
    assert_eq!(one, other);
    assert!(
        one.figures.n_writes > 10 && one.figures.n_frames > 100,
        "{}",
        one.figures
    );
}

#[test]
fn a_device_that_forgets_is_noticed_and_the_steps_are_shrunk_to_what_matters() {
    let mut steps = plan(3, 24);
    steps.retain(|step| matches!(step.act, Act::Do(..) | Act::Dial(_) | Act::Deliver(_)));
    let step = |act| Step { act, seed: 1 };
    steps.push(step(Act::KeepCopy(0)));
    steps.push(step(Act::Do(0, Deed::Register)));
    steps.push(step(Act::Forget(0)));
    let broken = run(3, &steps).unwrap_err();
    assert!(broken.what.contains("A1 lost 1 changes"), "{}", broken.what);
    assert_eq!(broken.trace.len(), steps.len(), "it is noticed in that step");
    let short = shrink(&steps, Duration::from_secs(60), |fewer| {
        run(3, fewer).is_err_and(|it| it.kind() == broken.kind())
    });
    let acts: Vec<Act> = short.iter().map(|step| step.act).collect();
    assert_eq!(
        acts,
        [Act::KeepCopy(0), Act::Do(0, Deed::Register), Act::Forget(0)],
        "the rest does not matter"
    );
}

#[test]
fn each_fault_of_a_store_is_noticed() {
    let scenes: [(Fault, &[Act]); 4] = [
        (
            Fault::SentTooEarly,
            &[Act::Dial(0), Act::Deliver(24), Act::Do(0, Deed::Register), Act::Cut(0)],
        ),
        (
            Fault::SkipsAChange,
            &[Act::Do(0, Deed::Register), Act::Dial(0), Act::Dial(1), Act::Deliver(24)],
        ),
        (
            Fault::TrustsTheRelay,
            &[
                Act::RelayKeepCopy,
                Act::Do(0, Deed::Register),
                Act::Dial(0),
                Act::Deliver(24),
                Act::RelayPutBack(0, true),
            ],
        ),
        (
            Fault::DeafToRevocations,
            &[
                Act::Do(3, Deed::Register),
                Act::Do(3, Deed::Grant),
                Act::Do(3, Deed::Revoke),
            ],
        ),
    ];
    for (fault, acts) in scenes {
        let steps = steps(acts);
        // Which way heals first is the seed's choice, and what one way hides the other shows.
        let noticed = |seed| run_with(Some(fault), seed, &steps).is_err();
        assert!((1..=4).any(noticed), "{fault:?} goes unnoticed");
        assert!(run(1, &steps).is_ok(), "without the fault there is nothing to notice");
    }
}
