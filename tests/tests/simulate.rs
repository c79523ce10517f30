//! A short run of the simulator, the seeds that once found something, and the simulator itself.

use std::time::Duration;

use journeys::simulate::{Act, Deed, Seed, Step, explain, plan, run, seeds, shrink};

fn holds(seed: u64, n_steps: usize) {
    let steps = plan(seed, n_steps);
    if let Err(broken) = run(seed, &steps) {
        panic!("{}", explain(seed, &steps, &broken, Duration::from_secs(60)));
    }
}

#[test]
fn five_seeds_of_bad_luck_end_with_equal_sets_and_nothing_lost() {
    (1..=5).for_each(|seed| holds(seed, 160));
}

#[test]
fn seeds_that_once_found_something_hold() {
    for Seed { seed, n_steps } in seeds().unwrap() {
        holds(seed, n_steps);
    }
}

#[test]
fn the_same_seed_gives_the_same_run() {
    let steps = plan(99, 120);
    assert_eq!(steps, plan(99, 120));
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
    let mut steps = plan(3, 40);
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
