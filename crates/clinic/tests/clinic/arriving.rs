//! A device that is new says so until it has had everything, and takes first what it was told to.

use clinic::views::{consult::RecordAllergy, setup::JoinByCode};
use domain::{AllergyStatus, Category, Severity};
use sync_protocol::WantedFirst;

use crate::devices::is_sent;
use crate::sharing::{Pair, lines_of, pair, terms};
use crate::support::{Net, PIN, Place, protection};

#[test]
fn a_new_device_says_that_records_are_still_coming_until_they_have_come() {
    let net = Net::start();
    let first = Place::founded(&net, 1, "Klinik Seri Mawar");
    first.queued("Tan Mei Ling", "980317145002");
    first.patient("Siti Aminah", "900505145678");
    first.wait_until("it is sent", is_sent);
    let offer = first.desk.offer_pairing().unwrap();
    // The operator does so at this very moment: the device is let in, and nothing else comes.
    net.suspend(1);
    let new = Place::new(&net, 2);
    let input = JoinByCode {
        relay: offer.relay,
        code: offer.code,
        device_name: None,
        protection: protection(),
    };
    new.desk.join_by_code(input).unwrap();
    new.wait_until("it is refused", |desk| {
        desk.status().unwrap().sync.error.as_deref() == Some("suspended")
    });
    let arriving = |place: &Place| place.desk.status().unwrap().sync.arriving;
    assert_eq!((arriving(&first), arriving(&new)), (None, Some(0)));

    let new = new.restarted(&net);
    assert_eq!(arriving(&new), Some(0), "also after a restart");
    new.desk.shut_down();
    let store = new.store();
    assert!(
        store.wanted_first().unwrap().len() > 3,
        "staff, queue and both patients"
    );
    drop(store);

    net.reactivate(1);
    let new = new.restarted(&net);
    new.wait_until("everything has come", |desk| {
        desk.status().unwrap().sync.arriving.is_none()
    });
    new.desk.set_pin(new.owner(), PIN.to_owned()).unwrap();
    assert_eq!(new.desk.search_patients("siti".to_owned()).unwrap().len(), 1);
    assert_eq!(new.desk.today().unwrap().rows.len(), 1);
    new.desk.shut_down();
    assert_eq!(new.store().wanted_first().unwrap(), [], "it has asked for all of them");
}

#[test]
fn a_device_to_which_not_everything_has_come_takes_nothing_away_from_another_clinic() {
    let pair = pair();
    let patient = pair.patient_with_a_visit();
    let grant = pair.grant(patient, terms(&[Category::Allergies]));
    pair.arrived(&grant.id, 1);
    let Pair {
        giver, receiver, net, ..
    } = pair;
    giver.desk.shut_down();
    giver.store().begin_arriving().unwrap();
    let giver = giver.restarted_after(&net, || net.end());
    giver.sign_in(giver.owner());
    let n_made = || lines_of(&giver.desk, "release.made").len();
    let before = n_made();
    let input = RecordAllergy {
        patient,
        substance: "Ibuprofen".to_owned(),
        reaction: String::new(),
        severity: Severity::Mild,
    };
    giver.desk.record_allergy(input).unwrap();
    assert_eq!(n_made(), before, "what it shows may be less than what is there");

    net.begin();
    receiver.wait_until("it is released once everything has come", |desk| {
        let shared = desk.open_shared(grant.id.clone());
        shared.is_ok_and(|view| match view.record.allergies.given() {
            Some(AllergyStatus::Known { allergies }) => allergies.len() == 2,
            _ => false,
        })
    });
    assert_eq!(giver.desk.status().unwrap().sync.arriving, None);
}
