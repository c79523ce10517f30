//! Devices come and go: with verbs, PINs and the kit, before a real relay.

use clinic::{
    Desk, ErrorCode,
    views::{
        members::{DeviceView, MakeAdmin, QuarantinedView, RemoveDevice, ReviewRemoved},
        setup::{JoinByCode, PairingState},
    },
};
use domain::Role;

use crate::support::{Net, PIN, Place, protection, refused, somebody};

/// A further device of the clinic, where the owner has chosen her PIN.
pub fn joined(net: &Net, first: &Place, seed: u8) -> Place {
    let place = Place::new(net, seed);
    joins(&place, first);
    place
}

/// The place becomes a device of this clinic, too, and the clinic's owner chooses her PIN on it.
pub fn joins(place: &Place, first: &Place) {
    let offer = first.desk.offer_pairing().unwrap();
    let input = JoinByCode {
        relay: offer.relay,
        code: offer.code,
        device_name: None,
        protection: protection(),
    };
    place.desk.join_by_code(input).unwrap();
    first.wait_until("the pairing is done", |desk| {
        desk.pairing_state() == Ok(PairingState::Done)
    });
    place.wait_until("the staff has arrived", |desk| !desk.staff_faces().unwrap().is_empty());
    place.desk.set_pin(place.owner(), PIN.to_owned()).unwrap();
}

pub fn is_sent(desk: &Desk) -> bool {
    let sync = desk.status().unwrap().sync;
    sync.connected && sync.pending == 0
}

pub fn the_other(desk: &Desk) -> DeviceView {
    desk.devices().unwrap().into_iter().find(|device| !device.this).unwrap()
}

pub fn removing(device: &str) -> RemoveDevice {
    RemoveDevice {
        device: device.to_owned(),
        pin: PIN.to_owned(),
        kit: None,
        undo_since: None,
        own: false,
    }
}

fn reviewing(device: &str, take: bool) -> ReviewRemoved {
    ReviewRemoved {
        device: device.to_owned(),
        take,
        pin: PIN.to_owned(),
        kit: None,
    }
}

fn found(desk: &Desk, name: &str) -> usize {
    desk.search_patients(name.to_owned()).unwrap().len()
}

fn late(desk: &Desk) -> Vec<QuarantinedView> {
    let all = desk.quarantined().unwrap();
    all.into_iter()
        .filter(|group| group.reason == "after_removal")
        .collect()
}

#[test]
fn a_lost_tablet_is_put_out_and_what_it_could_not_send_is_carried_reviewed_and_taken() {
    let net = Net::start();
    let first = Place::founded(&net, 1, "Klinik Seri Mawar");
    let tablet = joined(&net, &first, 2);
    tablet.patient("Tan Mei Ling", "980317145002");
    tablet.wait_until("it is sent", is_sent);
    first.wait_until("it has arrived", |desk| found(desk, "mei ling") == 1);
    let device = the_other(&first.desk);
    assert_eq!(
        (device.letter.as_str(), device.admin, device.removed),
        ("B", false, false)
    );
    first
        .desk
        .rename_device(device.id.clone(), " Bilik 2 ".to_owned())
        .unwrap();

    net.end();
    tablet.patient("Siti Aminah", "900505145678");
    let mut wrong = removing(&device.id);
    wrong.pin = "999999".to_owned();
    refused(first.desk.remove_device(wrong), ErrorCode::WrongPin);
    first.clock.step_ms(60_000);
    first.desk.remove_device(removing(&device.id)).unwrap();
    refused(first.desk.remove_device(removing(&device.id)), ErrorCode::NotFound);
    let tablet = tablet.restarted_after(&net, || {
        net.begin();
        first.wait_until("the removal is sent", is_sent);
    });
    tablet.wait_until("it knows", |desk| desk.status().unwrap().removed);
    tablet.sign_in(tablet.owner());

    // It reads on, saves nothing new, and gives out what it could not send.
    assert_eq!(found(&tablet.desk, "siti"), 1);
    refused(
        tablet.desk.register_patient(somebody("Ahmad", "850101135029")),
        ErrorCode::DeviceRemoved,
    );
    let tablet = tablet.restarted(&net);
    tablet.sign_in(tablet.owner());
    assert_eq!(found(&tablet.desk, "siti"), 1);
    let file = first.data().join("unsent").to_str().unwrap().to_owned();
    let n_saved = tablet.desk.save_unsent(file.clone()).unwrap();
    assert!(n_saved >= 2, "a patient and an audit line: {n_saved}");
    refused(tablet.desk.take_in_unsent(file.clone()), ErrorCode::DeviceRemoved);

    assert_eq!(first.desk.take_in_unsent(file).unwrap(), n_saved);
    assert_eq!((found(&first.desk, "siti"), found(&first.desk, "mei ling")), (0, 1));
    let aside = late(&first.desk);
    assert_eq!(
        (aside.len(), aside[0].count, aside[0].name.as_deref()),
        (1, n_saved, Some("Bilik 2"))
    );
    assert!(aside[0].first_at.is_some() && aside[0].documents.contains_key("identity"));
    assert_eq!(first.desk.status().unwrap().sync.quarantined, n_saved);

    // First left out, then taken all the same.
    first.desk.review_removed(reviewing(&device.id, false)).unwrap();
    assert_eq!(first.desk.status().unwrap().sync.quarantined, 0);
    assert!(late(&first.desk)[0].reviewed);
    first.desk.review_removed(reviewing(&device.id, true)).unwrap();
    assert_eq!((found(&first.desk, "siti"), late(&first.desk).len()), (1, 0));
    refused(
        first.desk.review_removed(reviewing(&device.id, true)),
        ErrorCode::NotFound,
    );
}

#[test]
fn the_last_admins_device_and_the_own_one_want_the_kit() {
    let net = Net::start();
    let first = Place::founded(&net, 1, "Klinik Seri Mawar");
    let words = first.desk.recovery_kit().unwrap().words.join(" ");
    let second = joined(&net, &first, 2);
    let own = first
        .desk
        .devices()
        .unwrap()
        .into_iter()
        .find(|device| device.this)
        .unwrap();

    refused(first.desk.remove_device(removing(&own.id)), ErrorCode::KitNeeded);
    refused(second.desk.remove_device(removing(&own.id)), ErrorCode::KitNeeded);
    let making = |kit: Option<String>| MakeAdmin {
        device: the_other(&first.desk).id,
        pin: PIN.to_owned(),
        kit,
    };
    refused(second.desk.make_admin(making(None)), ErrorCode::KitNeeded);
    let strange = seal::RecoveryKit::make(&mut rand::rng()).words().to_string();
    refused(second.desk.make_admin(making(Some(strange))), ErrorCode::KitWrong);
    refused(
        second.desk.make_admin(making(Some("abandon".to_owned()))),
        ErrorCode::KitWrong,
    );
    second.desk.make_admin(making(Some(words.clone()))).unwrap();
    assert!(second.desk.devices().unwrap().iter().all(|device| device.admin));

    let mut input = removing(&own.id);
    input.kit = Some(words);
    let asked = refused(first.desk.remove_device(input.clone()), ErrorCode::NotNow);
    assert_eq!(asked.detail["why"], "own_device");
    input.own = true;
    first.desk.remove_device(input).unwrap();
    assert!(first.desk.status().unwrap().removed);
    second.wait_until("it has heard", |desk| the_other(desk).removed);
    second.patient("Tan Mei Ling", "980317145002");
}

#[test]
fn with_the_kit_a_thief_with_an_admins_device_is_put_out_and_its_victim_is_back() {
    let net = Net::start();
    let first = Place::founded(&net, 1, "Klinik Seri Mawar");
    let words = first.desk.recovery_kit().unwrap().words.join(" ");
    let thief = joined(&net, &first, 2);
    first
        .desk
        .make_admin(MakeAdmin {
            device: the_other(&first.desk).id,
            pin: PIN.to_owned(),
            kit: None,
        })
        .unwrap();
    thief.wait_until("it is an admin's", |desk| {
        desk.devices().unwrap().iter().all(|device| device.admin)
    });
    thief.clock.step_ms(1000 * 3600);
    let before = thief.clock.now();
    thief.clock.step_ms(1000);
    thief.desk.remove_device(removing(&the_other(&thief.desk).id)).unwrap();
    first.wait_until("its owner finds it put out", |desk| desk.status().unwrap().removed);

    let mut input = removing(&the_other(&first.desk).id);
    input.kit = Some(words);
    input.undo_since = Some(before);
    first.desk.remove_device(input).unwrap();
    assert!(!first.desk.status().unwrap().removed);
    first.patient("Tan Mei Ling", "980317145002");
    thief.wait_until("it knows", |desk| desk.status().unwrap().removed);
}

#[test]
fn a_receptionist_sees_no_devices() {
    let net = Net::start();
    let place = Place::founded(&net, 1, "Klinik Seri Mawar");
    place.sign_in(place.colleague(Role::Receptionist));
    refused(place.desk.devices(), ErrorCode::NotAllowed);
}
