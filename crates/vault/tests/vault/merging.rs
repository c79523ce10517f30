use domain::{AllergyStatus, QueueState, Severity};
use proptest::prelude::*;
use rand_core::Rng;
use vault::{Vault, Writing};

use crate::nouns::queued;
use crate::world::*;

#[test]
fn two_devices_that_open_todays_queue_apart_open_the_same_one() {
    let clinic = Clinic::with_devices(2);
    let (one, two) = (Machine::new(&clinic, 0), Machine::new(&clinic, 1));
    let today = day("2026-11-21");
    let first = write(one.vault(), |w| w.add_to_queue(today, &queued(1)));
    let second = write(two.vault(), |w| w.add_to_queue(today, &queued(2)));
    assert_eq!((first.token.0.as_str(), second.token.0.as_str()), ("A01", "B01"));
    exchange(one.vault(), two.vault());
    assert_same(one.vault(), two.vault());
    assert_eq!(read(one.vault(), |r| r.queue(today)), vec![first, second]);
}

#[test]
fn two_devices_that_set_up_the_clinic_apart_keep_both_their_staff() {
    let clinic = Clinic::with_devices(2);
    let (one, two) = (Machine::new(&clinic, 0), Machine::new(&clinic, 1));
    write(one.vault(), |w| w.put_staff(&doctor(1)));
    write(two.vault(), |w| w.put_staff(&doctor(2)));
    exchange(one.vault(), two.vault());
    assert_same(one.vault(), two.vault());
    assert_eq!(read(two.vault(), |r| r.all_staff()).len(), 2);
}

#[test]
fn edits_of_different_fields_of_one_form_both_stay() {
    let clinic = Clinic::with_devices(2);
    let (one, two) = (Machine::new(&clinic, 0), Machine::new(&clinic, 1));
    write(one.vault(), |w| w.put_patient(&patient(1)));
    exchange(one.vault(), two.vault());
    let (mut moved, mut renamed) = (patient(1), patient(1));
    moved.address.town = "Ipoh".into();
    renamed.phone = "03-1234 5678".into();
    write(one.vault(), |w| w.put_patient(&moved));
    write(two.vault(), |w| w.put_patient(&renamed));
    exchange(one.vault(), two.vault());
    assert_same(one.vault(), two.vault());
    renamed.address = moved.address;
    assert_eq!(read(one.vault(), |r| r.patient(patient_id(1))), Some(renamed));
}

#[test]
fn an_allergy_written_apart_from_none_known_wins() {
    let clinic = Clinic::with_devices(2);
    let (one, two) = (Machine::new(&clinic, 0), Machine::new(&clinic, 1));
    write(one.vault(), |w| {
        w.record_allergy(patient_id(1), &allergy(1, Severity::Severe))
    });
    write(two.vault(), |w| w.set_none_known(patient_id(1), day("2026-11-21")));
    exchange(one.vault(), two.vault());
    assert_same(one.vault(), two.vault());
    let status = read(two.vault(), |r| r.allergies(patient_id(1)));
    assert_eq!(
        status,
        AllergyStatus::Known {
            allergies: vec![allergy(1, Severity::Severe)]
        }
    );
}

#[test]
fn two_severities_written_apart_are_counted_until_a_person_decides() {
    let clinic = Clinic::with_devices(2);
    let (one, two) = (Machine::new(&clinic, 0), Machine::new(&clinic, 1));
    let conflicts = |vault: &Vault| read(vault, |r| r.sync_figures()).conflicts;
    write(one.vault(), |w| {
        w.record_allergy(patient_id(1), &allergy(1, Severity::Unknown))
    });
    exchange(one.vault(), two.vault());
    write(one.vault(), |w| {
        w.record_allergy(patient_id(1), &allergy(1, Severity::Mild))
    });
    write(two.vault(), |w| {
        w.record_allergy(patient_id(1), &allergy(1, Severity::Severe))
    });
    exchange(one.vault(), two.vault());
    assert_same(one.vault(), two.vault());
    assert_eq!(conflicts(one.vault()), 1);
    write(one.vault(), |w| {
        w.record_allergy(patient_id(1), &allergy(1, Severity::Anaphylaxis))
    });
    assert_eq!(conflicts(one.vault()), 0);
}

#[test]
fn a_line_removed_here_and_edited_there_is_not_silently_half_a_line() {
    let clinic = Clinic::with_devices(2);
    let (one, two) = (Machine::new(&clinic, 0), Machine::new(&clinic, 1));
    write(one.vault(), |w| {
        w.open_visit(&visit(1))?;
        w.put_line(visit_id(1), &line(1))
    });
    exchange(one.vault(), two.vault());
    write(one.vault(), |w| w.remove_line(visit_id(1), line(1).id));
    let mut longer = line(1);
    longer.days = 7;
    write(two.vault(), |w| w.put_line(visit_id(1), &longer));
    exchange(one.vault(), two.vault());
    assert_same(one.vault(), two.vault());
    let lines = read(one.vault(), |r| r.visit(visit_id(1))).unwrap().lines;
    assert!(lines.is_empty() || lines == vec![longer], "{} lines", lines.len());
}

#[test]
fn a_child_that_comes_before_its_parent_waits_and_then_lands() {
    let clinic = Clinic::with_devices(2);
    let (one, mut two) = (Machine::new(&clinic, 0), Machine::new(&clinic, 1));
    write(one.vault(), |w| w.put_patient(&patient(1)));
    let mut renamed = patient(1);
    renamed.phone = "1".into();
    write(one.vault(), |w| w.put_patient(&renamed));
    let mut changes = take_outbox(one.vault());
    let child = changes.pop().unwrap();

    deliver(two.vault(), vec![child]);
    let figures = read(two.vault(), |r| r.sync_figures());
    assert_eq!((figures.waiting, figures.missing[0].number), (1, 1));
    assert_eq!(read(two.vault(), |r| r.patient(patient_id(1))), None);
    two.reopen(); // what waits is kept, not only remembered
    deliver(two.vault(), changes);
    assert_eq!(read(two.vault(), |r| r.patient(patient_id(1))), Some(renamed));
    let figures = read(two.vault(), |r| r.sync_figures());
    assert_eq!((figures.waiting, figures.missing.len()), (0, 0));
}

#[test]
fn rebuilding_gives_the_same_tables_row_by_row() {
    let machine = Machine::only();
    for step in 0..40 {
        do_something(machine.vault(), step);
    }
    let before = machine.vault().dump_tables().unwrap();
    assert!(before.len() > 20, "{} rows", before.len());
    let report = machine.vault().made_again();
    assert_eq!(difference(&machine.vault().dump_tables().unwrap(), &before), None);
    assert_eq!((report.n_waiting, report.n_quarantined), (0, 0));
    write(machine.vault(), |w| w.put_patient(&patient(77)));
    assert_eq!(read(machine.vault(), |r| r.patient(patient_id(77))), Some(patient(77)));
}

/// Does the `choice`-th of the things that people do, on one of a few patients.
pub fn do_something(vault: &Vault, choice: u64) {
    let (what, who) = (choice % 10, u8::try_from(choice / 10 % 3).unwrap() + 1);
    let salt = u8::try_from(choice % 251).unwrap();
    let today = day("2026-11-21");
    let open = |w: &mut Writing<'_>| {
        if w.visit(visit_id(who))?.is_none() {
            w.open_visit(&visit(who))
        } else {
            Ok(())
        }
    };
    write(vault, |w| match what {
        0 => w.put_patient(&patient(who)),
        1 => {
            let mut changed = patient(who);
            changed.address.lines = format!("{salt} Jalan Baru");
            w.put_patient(&changed)
        }
        2 => w.record_allergy(patient_id(who), &allergy(salt % 5, Severity::Moderate)),
        3 => w.remove_allergy(patient_id(who), allergy(salt % 5, Severity::Mild).id),
        4 => w.set_none_known(patient_id(who), today),
        5 => w.add_to_queue(today, &queued(who)).map(|_| ()),
        6 => match w.queue(today)?.first() {
            Some(entry) => w.set_queue_state(entry.id, QueueState::Called),
            None => Ok(()),
        },
        7 => {
            open(w)?;
            w.put_note(visit_id(who), &note(&["always", &format!("sentence {salt}"), "end"]))
        }
        8 => {
            open(w)?;
            w.put_line(visit_id(who), &line(salt % 4))
        }
        _ => {
            open(w)?;
            w.remove_line(visit_id(who), line(salt % 4).id)
        }
    });
}

/// The same things in an order that depends on `seed` alone.
pub fn shuffled<T: Clone>(things: &[T], seed: u64) -> Vec<T> {
    let mut rng = rng(seed);
    let mut things = things.to_vec();
    for place in (1..things.len()).rev() {
        let other = usize::try_from(rng.next_u64() % (place as u64 + 1)).unwrap();
        things.swap(place, other);
    }
    things
}

proptest! {
    #![proptest_config(inputs(12))]

    #[test]
    fn whatever_people_do_apart_every_order_of_hearing_of_it_ends_alike(
        steps in prop::collection::vec((0usize..2, 0u64..60, any::<bool>()), 1..30),
        seed in any::<u64>(),
        batch in 1usize..9,
    ) {
        let clinic = Clinic::with_devices(4);
        let writers = [Machine::new(&clinic, 0), Machine::new(&clinic, 1)];
        let hearers = [Machine::new(&clinic, 2), Machine::new(&clinic, 3)];
        let mut all = Vec::new();
        for (who, choice, meet) in steps {
            do_something(writers[who].vault(), choice);
            if meet {
                let [from_first, from_second] = [0, 1].map(|who: usize| take_outbox(writers[who].vault()));
                deliver(writers[0].vault(), from_second.clone());
                deliver(writers[1].vault(), from_first.clone());
                all.extend(from_first.into_iter().chain(from_second));
            }
        }
        let [from_first, from_second] = [0, 1].map(|who: usize| take_outbox(writers[who].vault()));
        deliver(writers[0].vault(), from_second.clone());
        deliver(writers[1].vault(), from_first.clone());
        all.extend(from_first.into_iter().chain(from_second));

        for (place, hearer) in hearers.iter().enumerate() {
            for some in shuffled(&all, seed ^ place as u64).chunks(batch) {
                deliver(hearer.vault(), some.to_vec());
            }
            deliver(hearer.vault(), all.clone()); // hearing it all twice changes nothing
            assert_same(hearer.vault(), writers[0].vault());
        }
        assert_same(writers[0].vault(), writers[1].vault());
        hearers[0].vault().made_again();
        assert_same(hearers[0].vault(), hearers[1].vault());
        prop_assert_eq!(read(hearers[0].vault(), |r| r.sync_figures()).waiting, 0);
    }
}
