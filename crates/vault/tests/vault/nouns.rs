use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::{Arc, Mutex};

use domain::{
    AllergyStatus, Celsius, Diagnosis, Kilograms, Override, Patient, QueueEntryId, QueueState, Sensitivity, Severity,
    Vitals,
};
use vault::{ClinicProfile, NewPrintJob, NewQueueEntry, PrintState, Tag, VaultError};

use crate::world::*;

#[test]
fn the_clinic_and_its_staff_read_back() {
    let machine = Machine::only();
    let profile = ClinicProfile {
        name: "Klinik Mawar".into(),
        zone: "Asia/Kuching".into(),
        relay_url: Some("wss://relay".into()),
        ..ClinicProfile::default()
    };
    write(machine.vault(), |w| {
        w.put_clinic_profile(&profile)?;
        w.put_staff(&doctor(2))?;
        w.put_staff(&doctor(1))
    });
    assert_eq!(read(machine.vault(), |r| r.clinic_profile()), Some(profile));
    assert_eq!(read(machine.vault(), |r| r.all_staff()), vec![doctor(1), doctor(2)]);
    assert_eq!(read(machine.vault(), |r| r.staff(staff_id(9))), None);
}

#[test]
fn a_patient_reads_back_and_is_found_by_her_document() {
    let machine = Machine::only();
    write(machine.vault(), |w| w.put_patient(&patient(3)));
    assert_eq!(read(machine.vault(), |r| r.patient(patient_id(3))), Some(patient(3)));
    assert_eq!(
        read(machine.vault(), |r| r.find_by_identifier(&patient(3).identifier)),
        vec![patient(3)]
    );
    assert_eq!(
        read(machine.vault(), |r| r.find_by_identifier(&domain::Identifier::None)),
        vec![]
    );
}

#[test]
fn not_asked_none_known_and_known_are_three_answers() {
    let machine = Machine::only();
    let vault = machine.vault();
    let status = || read(vault, |r| r.allergies(patient_id(1)));
    assert_eq!(status(), AllergyStatus::NotAsked);
    write(vault, |w| w.set_none_known(patient_id(1), day("2026-11-21")));
    assert_eq!(
        status(),
        AllergyStatus::NoneKnown {
            asked_on: day("2026-11-21")
        }
    );
    write(vault, |w| {
        w.record_allergy(patient_id(1), &allergy(1, Severity::Mild))?;
        w.record_allergy(patient_id(1), &allergy(2, Severity::Anaphylaxis))
    });
    let worst_first = vec![allergy(2, Severity::Anaphylaxis), allergy(1, Severity::Mild)];
    assert_eq!(status(), AllergyStatus::Known { allergies: worst_first });
    write(vault, |w| {
        w.remove_allergy(patient_id(1), allergy(2, Severity::Mild).id)
    });
    assert_eq!(
        status(),
        AllergyStatus::Known {
            allergies: vec![allergy(1, Severity::Mild)]
        }
    );
}

pub fn queued(n: u8) -> NewQueueEntry {
    NewQueueEntry {
        id: QueueEntryId::from_bytes([n; 16]),
        patient: patient_id(n),
        visit: visit_id(n),
        reason: "fever".into(),
        doctor: None,
        arrived_at: at(i64::from(n)),
    }
}

#[test]
fn a_patient_walks_through_the_queue() {
    let machine = Machine::only();
    let today = day("2026-11-21");
    let entry = write(machine.vault(), |w| w.add_to_queue(today, &queued(1)));
    assert_eq!(entry.token.0, "A01");
    write(machine.vault(), |w| {
        w.set_queue_state(entry.id, QueueState::InConsult)?;
        w.set_queue_doctor(entry.id, Some(staff_id(1)))
    });
    let queue = read(machine.vault(), |r| r.queue(today));
    assert_eq!(queue.len(), 1);
    assert_eq!(
        (queue[0].state, queue[0].doctor),
        (QueueState::InConsult, Some(staff_id(1)))
    );
    assert_eq!(
        read(machine.vault(), |r| r.queue_entry_of_visit(visit_id(1)))
            .unwrap()
            .0,
        today
    );
    let nobody = machine
        .vault()
        .write(None, |w| w.set_queue_state(queued(9).id, QueueState::Done));
    assert!(matches!(nobody, Err(VaultError::NotFound("queue entry"))));
}

#[test]
fn everything_of_a_visit_reads_back() {
    let machine = Machine::only();
    let vitals = Vitals {
        temperature: Some(Celsius(38.5)),
        weight: Some(Kilograms(61.0)),
        weight_on: Some(day("2026-11-21")),
        ..Vitals::default()
    };
    let diagnoses = [Diagnosis {
        text: "Acute pharyngitis".into(),
        icd10: Some("J02.9".into()),
    }];
    let mut with_override = line(1);
    with_override.overrides = vec![Override {
        finding_key: "allergy:x".into(),
        reason: "mild".into(),
        by: staff_id(1),
        at: at(5),
    }];
    let draft = note(&["Sore throat for two days.", "No cough."]);
    write(machine.vault(), |w| {
        w.open_visit(&visit(1))?;
        w.put_vitals(visit_id(1), &vitals)?;
        w.put_note(visit_id(1), &draft)?;
        w.put_diagnoses(visit_id(1), &diagnoses)?;
        w.put_line(visit_id(1), &with_override)?;
        w.put_line(visit_id(1), &line(2))?;
        w.set_sensitivity(visit_id(1), &[Sensitivity::MentalHealth, Sensitivity::Reproductive])?;
        w.set_visit_doctor(visit_id(1), Some(staff_id(1)))
    });
    write(machine.vault(), |w| {
        w.remove_line(visit_id(1), line(2).id)?;
        w.set_sensitivity(visit_id(1), &[Sensitivity::MentalHealth])
    });
    let visit = read(machine.vault(), |r| r.visit(visit_id(1))).unwrap();
    assert_eq!(visit.vitals, vitals);
    assert_eq!(visit.note, draft);
    assert_eq!(visit.diagnoses, diagnoses);
    assert_eq!(visit.lines, vec![with_override]);
    assert_eq!(visit.sensitivity, vec![Sensitivity::MentalHealth]);
    assert_eq!(visit.doctor, Some(staff_id(1)));
    assert_eq!((visit.n_unreadable, visit.signed.len(), visit.proposal), (0, 0, None));
    assert_eq!(read(machine.vault(), |r| r.visits_of(patient_id(1))).len(), 1);
}

#[test]
fn saving_what_is_there_already_writes_nothing() {
    let machine = Machine::only();
    let save = |w: &mut vault::Writing<'_>| {
        w.open_visit(&visit(1))?;
        w.put_note(visit_id(1), &note(&["a", "b"]))?;
        w.put_line(visit_id(1), &line(1))?;
        w.put_patient(&patient(1))
    };
    write(machine.vault(), save);
    let before = machine.vault().set_of_changes().unwrap();
    write(machine.vault(), save);
    assert_eq!(machine.vault().set_of_changes().unwrap(), before);
}

#[test]
fn a_write_that_fails_leaves_nothing_and_the_next_one_is_whole() {
    let machine = Machine::only();
    write(machine.vault(), |w| w.put_patient(&patient(1)));
    let before = machine.vault().dump_tables().unwrap();
    let given_up: Result<(), VaultError> = machine.vault().write(None, |w| {
        let mut renamed = patient(1);
        renamed.name = "Somebody Else".into();
        w.put_patient(&renamed)?;
        w.put_patient(&patient(2))?;
        assert_eq!(w.n_patients()?, 2, "a write sees its own edits");
        Err(VaultError::NotFound("reason to go on"))
    });
    assert!(given_up.is_err());
    assert_eq!(machine.vault().dump_tables().unwrap(), before);
    write(machine.vault(), |w| w.put_patient(&patient(2)));
    assert_eq!(read(machine.vault(), |r| r.patient(patient_id(1))), Some(patient(1)));
    assert!(machine.vault().verify().unwrap().missing.is_empty());
}

#[test]
fn a_write_that_panics_leaves_nothing_and_the_next_one_is_whole() {
    let machine = Machine::only();
    write(machine.vault(), |w| w.put_patient(&patient(1)));
    let before = machine.vault().dump_tables().unwrap();
    let panicked = catch_unwind(AssertUnwindSafe(|| {
        write(machine.vault(), |w| {
            w.put_patient(&patient(2))?;
            w.put_patient(&Patient {
                name: "Somebody Else".into(),
                ..patient(1)
            })?;
            if w.n_patients()? == 2 {
                panic!("in the middle of a write");
            }
            Ok(())
        });
    }));
    assert!(panicked.is_err());
    assert_eq!(machine.vault().dump_tables().unwrap(), before);
    write(machine.vault(), |w| w.put_patient(&patient(2)));
    assert_eq!(read(machine.vault(), |r| r.n_patients()), 2);
    assert!(machine.vault().verify().unwrap().missing.is_empty());
}

#[test]
fn subscribers_hear_what_a_commit_changed_and_may_read_at_once() {
    let machine = Machine::only();
    let heard = Arc::new(Mutex::new(Vec::new()));
    let (vault, ears) = (machine.vault().clone(), Arc::clone(&heard));
    machine.vault().subscribe(move |tags| {
        let n_patients = vault.read(|r| r.n_patients()).unwrap();
        ears.lock().unwrap().push((n_patients, tags.to_vec()));
    });
    write(machine.vault(), |w| w.put_patient(&patient(1)));
    let expected = vec![Tag::Patients, Tag::Patient(patient_id(1)), Tag::Sync];
    assert_eq!(*heard.lock().unwrap(), vec![(1, expected)]);
}

#[test]
fn settings_stay_on_this_machine() {
    let machine = Machine::only();
    write(machine.vault(), |w| w.put_setting("printer", "192.0.2.1:9100"));
    assert_eq!(
        read(machine.vault(), |r| r.setting("printer")).as_deref(),
        Some("192.0.2.1:9100")
    );
    write(machine.vault(), |w| w.remove_setting("printer"));
    assert_eq!(read(machine.vault(), |r| r.setting("printer")), None);
    assert_eq!(machine.vault().set_of_changes().unwrap().count, 0);
}

#[test]
fn a_print_job_keeps_its_bytes_and_its_state_across_a_restart() {
    let mut machine = Machine::only();
    let job = NewPrintJob {
        id: domain::PrintJobId::from_bytes([1; 16]),
        printer: "counter".into(),
        what: "label".into(),
        bytes: vec![0x1b, 0x40, 1, 2, 3],
        visit: Some(visit_id(1)),
        dispensing: None,
        copy: 0,
    };
    write(machine.vault(), |w| w.add_print_job(&job));
    write(machine.vault(), |w| {
        w.set_print_state(job.id, PrintState::Unknown, Some("cut_off"))
    });
    machine.reopen();
    let open = read(machine.vault(), |r| r.open_print_jobs());
    assert_eq!(open.len(), 1);
    assert_eq!(
        (&open[0].job, open[0].state, open[0].reason.as_deref()),
        (&job, PrintState::Unknown, Some("cut_off"))
    );
    write(machine.vault(), |w| {
        w.set_print_state(job.id, PrintState::Confirmed, None)
    });
    assert!(read(machine.vault(), |r| r.open_print_jobs()).is_empty());
    assert_eq!(read(machine.vault(), |r| r.print_jobs(10)).len(), 1);
}
