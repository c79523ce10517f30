//! One id in two documents, as a hostile or broken device gives it: the rows are the same whatever is heard first.

use domain::{Day, PatientId, QueueState};
use proptest::prelude::*;
use vault::{NewQueueEntry, NewRecording, Vault};

use crate::merging::shuffled;
use crate::nouns::queued;
use crate::removal::{remove, statements};
use crate::sound::recording;
use crate::world::*;

const DAYS: [&str; 3] = ["2026-11-20", "2026-11-21", "2026-11-22"];

/// What one device writes of this patient on this day, under ids that others use as well.
fn claim(vault: &Vault, n: u8, day: Day) {
    write(vault, |w| {
        let mut opened = visit(1);
        opened.patient = patient_id(n);
        w.open_visit(&opened)?;
        w.put_note(visit_id(1), &note(&[&format!("of patient {n}")]))?;
        w.add_to_queue(
            day,
            &NewQueueEntry {
                patient: patient_id(n),
                ..queued(1)
            },
        )?;
        w.set_queue_state(queued(1).id, QueueState::InConsult)?;
        w.start_recording(&NewRecording {
            patient: patient_id(n),
            ..recording()
        })
    });
}

fn owner(vault: &Vault) -> Option<PatientId> {
    read(vault, |r| r.visit(visit_id(1))).map(|visit| visit.patient)
}

proptest! {
    #![proptest_config(inputs(12))]

    #[test]
    fn of_documents_that_claim_one_id_the_same_one_has_the_row_in_every_order(
        seed in any::<u64>(),
        batch in 1usize..6,
        order in Just([1_u8, 2, 3]).prop_shuffle(),
    ) {
        let clinic = Clinic::with_devices(5);
        let mut all = Vec::new();
        for (device, n) in order.into_iter().enumerate() {
            let writer = Machine::new(&clinic, device);
            claim(writer.vault(), n, day(DAYS[usize::from(n) - 1]));
            all.extend(take_outbox(writer.vault()));
        }
        let [one, other] = [3, 4].map(|device| Machine::new(&clinic, device));
        for (machine, seed) in [(&one, seed), (&other, !seed)] {
            for some in shuffled(&all, seed).chunks(batch) {
                deliver(machine.vault(), some.to_vec());
            }
        }
        assert_same(one.vault(), other.vault());
        prop_assert_eq!(owner(one.vault()), Some(patient_id(1)));
        prop_assert_eq!(read(one.vault(), |r| r.queue_entry(queued(1).id)).unwrap().0, day(DAYS[0]));
        // Of three things the rows of two stand beside.
        prop_assert_eq!(read(one.vault(), |r| r.claimed_twice()), 6);
        other.vault().made_again();
        assert_same(one.vault(), other.vault());
    }
}

#[test]
fn the_row_is_the_next_ones_when_the_first_one_claims_it_no_more() {
    let clinic = Clinic::with_devices(3);
    let [honest, thief, hearer] = [0, 1, 2].map(|device| Machine::new(&clinic, device));
    claim(honest.vault(), 2, day(DAYS[1]));
    deliver(hearer.vault(), take_outbox(honest.vault()));
    let genuine = hearer.vault().dump_tables().unwrap();
    claim(thief.vault(), 1, day(DAYS[0]));
    deliver(hearer.vault(), take_outbox(thief.vault()));
    assert_eq!(owner(hearer.vault()), Some(patient_id(1)));
    assert_eq!(read(hearer.vault(), |r| r.claimed_twice()), 3);
    // The device is removed by one who has heard nothing of it: what it wrote is put aside.
    remove(honest.vault(), clinic.devices[1].id());
    hearer.vault().add_statements(&statements(honest.vault())).unwrap();
    assert_eq!(owner(hearer.vault()), Some(patient_id(2)));
    assert_eq!(read(hearer.vault(), |r| r.claimed_twice()), 0);
    assert_eq!(difference(&hearer.vault().dump_tables().unwrap(), &genuine), None);
}
