//! A short run of the simulator, what it once found, and the simulator itself.

use std::time::Duration;

use journeys::simulate::{
    Act, Deed, Figures, Jump, Lie, Seed, Step, explain, plan, plan_as_it_was, run, seeds, shrink,
};

fn holds(seed: u64, steps: &[Step]) -> Figures {
    match run(seed, steps) {
        Ok(held) => held.figures,
        Err(broken) => panic!("{}", explain(seed, steps, &broken, Duration::from_secs(60))),
    }
}

/// Steps that somebody thought of. The first clinic's devices are 0, 1 and 2, the second's 3 and 4.
pub fn steps(acts: &[Act]) -> Vec<Step> {
    (1..).zip(acts).map(|(seed, act)| Step { act: *act, seed }).collect()
}

#[test]
fn five_seeds_of_bad_luck_end_with_equal_sets_and_nothing_lost() {
    for seed in 1..=5 {
        holds(seed, &plan(seed, 140));
    }
}

#[test]
fn seeds_that_once_found_something_hold() {
    for Seed { seed, n_steps } in seeds().unwrap() {
        holds(seed, &plan_as_it_was(seed, n_steps));
        holds(seed, &plan(seed, n_steps));
    }
}

/// Everything that a patient can have, on the first clinic's devices.
pub fn treated() -> Vec<Act> {
    let deeds = [
        Deed::Register,
        Deed::Allergy,
        Deed::OpenVisit,
        Deed::Draft,
        Deed::Record,
        Deed::Chunk,
        Deed::FinishRecording,
        Deed::Dispense,
        Deed::Sign,
    ];
    let mut acts = vec![Act::Dial(0), Act::Dial(1), Act::Dial(2)];
    acts.extend(deeds.map(|deed| Act::Do(0, deed)));
    acts.extend([Act::Deliver(200); 3]);
    acts
}

#[test]
fn what_is_erased_comes_back_from_no_old_copy_of_a_device_nor_of_the_relay() {
    let mut acts = treated();
    acts.extend([Act::KeepCopy(1), Act::RelayKeepCopy, Act::KeepCopy(0)]);
    acts.extend([
        Act::Do(0, Deed::Erase),
        Act::Do(2, Deed::Erase),
        Act::Do(0, Deed::Register),
    ]);
    acts.extend([Act::Deliver(200), Act::Deliver(200)]);
    // One who was away writes on in it; the relay and two devices have it back, one of them the one that erased it.
    acts.extend([
        Act::PutBack(1, true),
        Act::Do(1, Deed::EditPhone),
        Act::Do(1, Deed::Draft),
    ]);
    acts.extend([
        Act::RelayPutBack(0, true),
        Act::PutBack(0, false),
        Act::Admit(0),
        Act::Meet(0, 1),
        Act::Talk(20),
    ]);
    let steps = steps(&acts);
    let mut n_erased = 0;
    for seed in 1..=6 {
        let mut steps = steps.clone();
        steps.iter_mut().for_each(|step| step.seed += 1000 * seed);
        n_erased += holds(seed, &steps).n_erased;
    }
    assert!(n_erased >= 6, "something was erased {n_erased} times only");
}

#[test]
fn sound_that_is_wanted_comes_whole_over_cuts_from_a_rotten_object_and_from_a_relay_that_was_put_back() {
    let mut acts = treated();
    acts.extend([
        Act::RelayKeepCopy,
        Act::Do(1, Deed::Want),
        Act::Do(2, Deed::Want),
        Act::Deliver(3),
    ]);
    acts.extend([
        Act::Cut(1),
        Act::KeepCopy(2),
        Act::Rot,
        Act::Dial(1),
        Act::Deliver(5),
        Act::HalfOpen(2, true),
    ]);
    acts.extend([
        Act::PowerCut(1),
        Act::PutBack(2, true),
        Act::RelayPowerCut(true),
        Act::Dial(1),
        Act::Deliver(4),
    ]);
    let steps = steps(&acts);
    for put_back in [false, true] {
        let mut steps = steps.clone();
        if put_back {
            let act = Act::RelayPutBack(0, true);
            steps.push(Step { act, seed: 7 });
        }
        for seed in 1..=3 {
            let figures = holds(seed, &steps);
            assert_eq!((figures.n_wanted, figures.n_heard), (2, 2), "{figures}");
        }
    }
}

#[test]
fn sound_of_which_one_gives_other_bytes_comes_from_another_and_nobody_asks_the_same_one_twice() {
    for lie in [Lie::Others, Lie::TooFew, Lie::TooMany, Lie::Nothing] {
        let lies = |who| Act::Lie(who, Some(lie));
        let meets = |whom| [Act::Meet(2, whom), Act::Talk(12)];
        // Who has recorded it, and the relay does not answer; the relay and who has heard it; both who have it, and the relay is back
        // only when all is mended.
        let relay_lies = [
            Act::RelayLies(Some(lie)),
            lies(1),
            Act::Do(2, Deed::Want),
            Act::Deliver(200),
        ];
        let scenes: [(&[Act], [u8; 2], u64); 3] = [
            (&[Act::RelayAway, lies(0), Act::Do(2, Deed::Want)], [0, 1], 1),
            (&relay_lies, [1, 0], 2),
            (&[Act::RelayAway, lies(0), lies(1), Act::Do(2, Deed::Want)], [0, 1], 2),
        ];
        for (scene, whom, n_lies) in scenes {
            let mut acts = treated();
            acts.extend([Act::Do(1, Deed::Want), Act::Deliver(200), Act::Deliver(200)]);
            acts.extend(scene);
            acts.extend(whom.map(meets).concat());
            let figures = holds(7, &steps(&acts));
            assert_eq!((figures.n_wanted, figures.n_heard), (2, 2), "{scene:?}: {figures}");
            assert!(figures.n_lies >= n_lies, "{scene:?}: {figures}");
        }
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
    for seed in 1..=2 {
        holds(seed, &new_device);
    }
}

/// Devices 0, 1 and 2 are there, 5, 6 and 7 are admitted; bit n + 1 of a split is device n's side, bit 0 the relay's.
#[test]
fn six_devices_on_two_islands_without_a_relay_for_fourteen_days_end_as_one_clinic() {
    const CLINIC: [u8; 6] = [0, 1, 2, 5, 6, 7];
    const HALF_A_DAY: u16 = 12 * 60 * 60;
    let islands: [&[u8]; 2] = [&[0, 1, 5], &[2, 6, 7]];
    let split = islands[1].iter().fold(0, |sides, device| sides | 1 << (device + 1));
    let work = [
        Deed::Register,
        Deed::Queue,
        Deed::EditPhone,
        Deed::Allergy,
        Deed::OpenVisit,
        Deed::Draft,
        Deed::Sign,
        Deed::Dispense,
    ];
    let mut acts = vec![Act::Admit(0), Act::Admit(0), Act::Admit(0)];
    acts.extend(CLINIC.map(Act::Dial));
    acts.extend([Act::Deliver(200); 4]);
    acts.extend([Act::RelayAway, Act::Split(split)]);
    for day in 0..14 {
        for device in CLINIC {
            let deeds = (0..4).map(|n| work[(day + 3 * n + usize::from(device)) % work.len()]);
            acts.extend(deeds.map(|deed| Act::Do(device, deed)));
        }
        for island in islands {
            acts.extend([Act::Meet(island[0], island[1]), Act::Meet(island[1], island[2])]);
        }
        // Not every evening does everything come through.
        acts.push(Act::Talk(if day % 3 == 1 { 2 } else { 12 }));
        acts.extend(match day {
            3 => vec![Act::Clock(2, Jump::Dead), Act::PowerCut(6)],
            8 => vec![Act::Part(1), Act::Restart(0), Act::Clock(2, Jump::Right)],
            _ => vec![Act::Dial(0)],
        });
        acts.extend([Act::Wait(HALF_A_DAY), Act::Wait(HALF_A_DAY)]);
    }
    // The islands meet, over one cable.
    acts.extend([Act::Whole, Act::RelayAway, Act::Meet(1, 2), Act::Talk(40)]);
    // Healed by the LAN first, or by the relay first.
    for seed in [1, 2] {
        let figures = holds(seed, &steps(&acts));
        assert!(figures.n_writes > 14 * 6 * 2, "{figures}");
    }
}

/// What a disk loses that said it had synced is beyond any promise of the device alone: it is noticed, and the others have
/// whatever was told to anybody.
#[test]
fn a_disk_that_lies_about_syncing_is_noticed_and_the_others_bring_back_what_it_lost() {
    let told_and_lost = |mark_too| {
        let mut acts = vec![Act::Dial(0), Act::Dial(1), Act::Deliver(200)];
        acts.extend([
            Act::Do(0, Deed::Register),
            Act::Do(0, Deed::Allergy),
            Act::Do(0, Deed::Queue),
        ]);
        acts.extend([Act::Deliver(200), Act::Deliver(200), Act::LyingDisk(0, mark_too)]);
        acts.extend([Act::Do(0, Deed::Register), Act::Do(1, Deed::EditPhone)]);
        steps(&acts)
    };
    let mut n_lost = 0;
    for mark_too in [false, true] {
        for seed in 1..=4 {
            let mut steps = told_and_lost(mark_too);
            steps.iter_mut().for_each(|step| step.seed += 100 * seed);
            n_lost += holds(seed, &steps).n_put_back;
        }
    }
    assert!(n_lost > 3, "a disk lost something {n_lost} times only");
    // And in the middle of everything else.
    for seed in 31..=33 {
        let mut steps = plan(seed, 120);
        for (n, step) in steps.iter_mut().enumerate().filter(|(n, _)| n % 12 == 7) {
            step.act = Act::LyingDisk(n as u8, n % 24 == 7);
        }
        holds(seed, &steps);
    }
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
