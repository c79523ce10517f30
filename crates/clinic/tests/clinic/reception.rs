use clinic::{
    ErrorCode,
    views::reception::{MatchReason, QueuePatient},
};
use domain::QueueState;

use crate::support::{Net, Place, refused, somebody};

#[test]
fn a_patient_is_registered_found_and_queued() {
    let net = Net::start();
    let place = Place::founded(&net, 1, "Klinik Seri Mawar");
    let queued = place.queued("Nur Aisyah binti Rahman", "850101-13-5029");
    assert!(!queued.token.0.is_empty());

    let find = |typed: &str| place.desk.search_patients(typed.to_owned()).unwrap();
    assert_eq!(find("aisyah")[0].matched, MatchReason::Name);
    assert_eq!(find("850101135029")[0].matched, MatchReason::Identifier);
    assert_eq!(find("0123456789")[0].matched, MatchReason::Phone);
    assert_eq!(find("aisyah")[0].identifier_tail, "····5029");
    assert!(find("zulkifli").is_empty());

    let today = place.desk.today().unwrap();
    assert_eq!(today.rows.len(), 1);
    assert_eq!(
        (today.rows[0].visit, today.rows[0].state),
        (queued.visit, QueueState::Waiting)
    );
    assert_eq!(today.doctors.len(), 1, "the owner practises");
}

#[test]
fn the_same_document_makes_no_second_patient() {
    let net = Net::start();
    let place = Place::founded(&net, 1, "Klinik Seri Mawar");
    let first = place.patient("Nur Aisyah", "850101135029");
    let reading = place.desk.read_mykad("850101-13-5029".to_owned()).unwrap();
    assert_eq!(reading.existing.unwrap().id, first);
    refused(
        place.desk.register_patient(somebody("Aisyah", "850101135029")),
        ErrorCode::AlreadyRegistered,
    );
    assert_eq!(
        refused(place.desk.read_mykad("85".to_owned()), ErrorCode::Invalid).detail["field"],
        "mykad"
    );
    let nameless = somebody("  ", "980317145002");
    assert_eq!(
        refused(place.desk.register_patient(nameless), ErrorCode::Invalid).detail["field"],
        "name"
    );
}

#[test]
fn nobody_waits_twice_and_who_left_may_come_again() {
    let net = Net::start();
    let place = Place::founded(&net, 1, "Klinik Seri Mawar");
    let queued = place.queued("Nur Aisyah", "850101135029");
    let again = || QueuePatient {
        patient: queued.patient,
        reason: "cough".to_owned(),
        doctor: None,
    };
    refused(place.desk.queue_patient(again()), ErrorCode::AlreadyInQueue);
    place.desk.set_queue_state(queued.entry, QueueState::Left).unwrap();
    let second = place.desk.queue_patient(again()).unwrap();
    assert_ne!(second.token, queued.token);
    assert_ne!(second.visit, queued.visit);
}

#[test]
fn registering_and_queueing_is_both_or_neither() {
    let net = Net::start();
    let place = Place::founded(&net, 1, "Klinik Seri Mawar");
    let input = somebody("Nur Aisyah", "850101135029");
    refused(
        place.desk.register_and_queue(input, " ".to_owned(), None),
        ErrorCode::Invalid,
    );
    assert!(place.desk.search_patients("aisyah".to_owned()).unwrap().is_empty());
}

#[test]
fn the_doctor_who_calls_a_patient_in_becomes_hers() {
    let net = Net::start();
    let place = Place::founded(&net, 1, "Klinik Seri Mawar");
    let queued = place.queued("Nur Aisyah", "850101135029");
    place.desk.set_queue_state(queued.entry, QueueState::InConsult).unwrap();
    assert_eq!(place.desk.today().unwrap().rows[0].doctor, Some(place.owner()));
}

#[test]
fn who_waits_at_midnight_still_waits_after_it_and_is_not_queued_twice() {
    let net = Net::start();
    let place = Place::founded(&net, 1, "Klinik Seri Mawar");
    place.clock.step_ms(11 * 60 * 60 * 1000);
    let queued = place.queued("Nur Aisyah binti Rahman", "850101135029");
    place.clock.step_ms(2 * 60 * 60 * 1000);
    assert_eq!(place.desk.today().unwrap().rows[0].visit, queued.visit);
    let again = QueuePatient {
        patient: queued.patient,
        reason: "Demam".to_owned(),
        doctor: None,
    };
    assert_eq!(
        place.desk.queue_patient(again).unwrap_err().code,
        ErrorCode::AlreadyInQueue
    );
    place.clock.step_ms(10 * 60 * 60 * 1000);
    assert!(
        place.desk.today().unwrap().rows.is_empty(),
        "a new morning begins empty"
    );
}
