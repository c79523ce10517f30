use std::{collections::BTreeMap, fs, path::Path};

use clinic::{
    ErrorCode,
    views::setup::{JoinByCode, PairingState, SetupStep},
};

use crate::scanned::scanned;
use crate::support::{Net, PIN, Place, founding, protection, refused};

#[test]
fn a_clinic_is_founded_and_its_owner_is_signed_in() {
    let net = Net::start();
    let place = Place::founded(&net, 1, "Klinik Seri Mawar");
    let session = place.desk.session().unwrap().unwrap();
    assert_eq!(session.name, "Dr Aisyah");
    assert_eq!(session.clinic_name, "Klinik Seri Mawar");
    let state = place.desk.app_state().unwrap();
    assert_eq!(state.open.as_deref(), Some(session.tenant.as_str()));
    assert_eq!(state.unfinished_setup, Some(SetupStep::RecoveryKit));
    place.wait_until("everything is sent", |desk| {
        let sync = desk.status().unwrap().sync;
        sync.connected && sync.pending == 0
    });
}

#[test]
fn the_kit_is_shown_until_its_words_are_given_back() {
    let net = Net::start();
    let place = Place::founded(&net, 1, "Klinik Seri Mawar");
    let kit = place.desk.recovery_kit().unwrap();
    assert_eq!(kit.words.len(), 24);

    let saved = place.data().join("kit.txt");
    place
        .desk
        .save_recovery_kit(saved.to_str().unwrap().to_owned())
        .unwrap();
    let paper = std::fs::read_to_string(&saved).unwrap();
    assert!(paper.contains(&format!("24. {}", kit.words[23])));
    let in_one_line = paper.lines().last().unwrap();
    assert!(
        seal::RecoveryKit::from_words(in_one_line).is_ok(),
        "to be pasted where words are taken"
    );
    assert_eq!(scanned(&kit.qr_svg), kit.words.join(" "), "and to be scanned");

    let words = |places: &[u8]| {
        places
            .iter()
            .map(|place| kit.words[usize::from(*place)].clone())
            .collect::<Vec<_>>()
    };
    let swapped = place.desk.confirm_recovery_kit(vec![0, 7, 23], words(&[0, 23, 7]));
    assert_eq!(refused(swapped, ErrorCode::KitWrong).detail["place"], "7");
    refused(
        place.desk.confirm_recovery_kit(vec![3, 3, 3], words(&[3, 3, 3])),
        ErrorCode::KitWrong,
    );

    let place = place.restarted(&net);
    assert_eq!(
        place.desk.recovery_kit().unwrap().words,
        kit.words,
        "a restart loses no kit"
    );
    place
        .desk
        .confirm_recovery_kit(vec![0, 7, 23], words(&[0, 7, 23]))
        .unwrap();
    refused(place.desk.recovery_kit(), ErrorCode::KitConfirmed);
    assert_eq!(place.desk.app_state().unwrap().unfinished_setup, Some(SetupStep::Model));
    place.desk.skip_model().unwrap();
    assert_eq!(place.desk.app_state().unwrap().unfinished_setup, None);
}

#[test]
fn an_invitation_is_taken_once_and_a_foreign_text_never() {
    let net = Net::start();
    let (first, second) = (Place::new(&net, 1), Place::new(&net, 2));
    let invitation = net.invitation("Klinik Seri Mawar");
    first
        .desk
        .join_clinic(founding(invitation.clone(), "Klinik Seri Mawar"))
        .unwrap();
    refused(
        second.desk.join_clinic(founding(invitation, "Klinik Palsu")),
        ErrorCode::InvitationRefused,
    );
    refused(
        second.desk.join_clinic(founding("hello".to_owned(), "Klinik")),
        ErrorCode::InvitationUnreadable,
    );
    assert!(second.desk.app_state().unwrap().clinics.is_empty());
    let left = std::fs::read_dir(second.data().join("clinics"))
        .map(Iterator::count)
        .unwrap_or(0);
    assert_eq!(left, 0, "nothing is left of the clinic that no relay took");
}

#[test]
fn founding_is_taken_up_again_after_the_relay_was_away() {
    let net = Net::start();
    let place = Place::new(&net, 1);
    let invitation = net.invitation("Klinik Seri Mawar");
    net.end();
    let input = || founding(invitation.clone(), "Klinik Seri Mawar");
    refused(place.desk.join_clinic(input()), ErrorCode::RelayNotReached);
    assert!(
        place.desk.app_state().unwrap().clinics.is_empty(),
        "a clinic that no relay knows is not listed"
    );
    net.begin();
    let place = place.restarted(&net);
    place.desk.join_clinic(input()).unwrap();
    let folders = std::fs::read_dir(place.data().join("clinics")).unwrap();
    let n_stores = folders.filter(|entry| entry.as_ref().unwrap().path().is_dir()).count();
    assert_eq!(n_stores, 1, "the same keys were used");
}

#[test]
fn the_clinic_opens_by_itself_after_a_restart_and_nobody_is_signed_in() {
    let net = Net::start();
    let place = Place::founded(&net, 1, "Klinik Seri Mawar").restarted(&net);
    assert!(place.desk.session().unwrap().is_none());
    assert_eq!(place.desk.app_state().unwrap().clinics[0].name, "Klinik Seri Mawar");
    place.sign_in(place.owner());
}

#[test]
fn a_short_passphrase_and_an_empty_name_found_nothing() {
    let net = Net::start();
    let place = Place::new(&net, 1);
    let invitation = net.invitation("Klinik");
    let mut input = founding(invitation, " ");
    assert_eq!(
        refused(place.desk.join_clinic(input.clone()), ErrorCode::Invalid).detail["field"],
        "clinic_name"
    );
    input.clinic_name = "Klinik".to_owned();
    input.protection = clinic::views::setup::Protection::Passphrase {
        passphrase: "short".to_owned(),
    };
    assert_eq!(
        refused(place.desk.join_clinic(input), ErrorCode::Invalid).detail["field"],
        "passphrase"
    );
}

#[test]
fn a_second_device_joins_by_code_and_sees_the_patients() {
    let net = Net::start();
    let first = Place::founded(&net, 1, "Klinik Seri Mawar");
    first.patient("Nur Aisyah binti Rahman", "850101135029");
    let offer = first.desk.offer_pairing().unwrap();
    assert_eq!(scanned(&offer.qr_svg), offer.ticket.replace('-', ""));

    let second = Place::new(&net, 2);
    let wrong = JoinByCode {
        relay: offer.relay.clone(),
        code: "AAAA-AAAA".to_owned(),
        device_name: None,
        protection: protection(),
    };
    assert!(second.desk.join_by_code(wrong).is_err());
    let input = || JoinByCode {
        relay: offer.relay.clone(),
        code: offer.code.clone(),
        device_name: None,
        protection: protection(),
    };
    second.desk.join_by_code(input()).unwrap();
    first.wait_until("the pairing is done", |desk| {
        desk.pairing_state() == Ok(PairingState::Done)
    });

    second.wait_until("the staff has arrived", |desk| !desk.staff_faces().unwrap().is_empty());
    let owner = second.owner();
    refused(second.desk.sign_in(owner, PIN.to_owned()), ErrorCode::NoPinHere);
    second.desk.set_pin(owner, PIN.to_owned()).unwrap();
    second.wait_until("the patient has arrived", |desk| {
        desk.search_patients("aisyah".to_owned()).unwrap().len() == 1
    });
    assert_eq!(second.desk.app_state().unwrap().clinics[0].name, "Klinik Seri Mawar");

    // And back: what the second device writes is read on the first.
    second.patient("Tan Mei Ling", "980317145002");
    first.wait_until("it has come back", |desk| {
        desk.search_patients("mei ling".to_owned()).unwrap().len() == 1
    });
    refused(second.desk.offer_pairing(), ErrorCode::NotAllowed);
}

#[test]
fn a_device_that_scans_the_ticket_joins_under_the_name_that_it_was_given_and_nobody_comes_after_it() {
    let net = Net::start();
    let first = Place::founded(&net, 1, "Klinik Seri Mawar");
    let older = first.desk.offer_pairing().unwrap();
    let offer = first.desk.offer_pairing().unwrap();
    let typed = |ticket: &str| JoinByCode {
        relay: String::new(),
        code: format!("{}\r\n", ticket.to_lowercase().replace('-', "")),
        device_name: Some(" Tablet di kaunter ".to_owned()),
        protection: protection(),
    };
    let second = Place::new(&net, 2);
    let misread = offer.ticket.replacen('7', "8", 1);
    refused(second.desk.join_by_code(typed(&misread)), ErrorCode::CodeWrong);
    let mut too_long = typed(&offer.ticket);
    too_long.device_name = Some("x".repeat(41));
    refused(second.desk.join_by_code(too_long), ErrorCode::Invalid);
    assert!(
        second.desk.join_by_code(typed(&older.ticket)).is_err(),
        "a newer offer ends an older one"
    );

    second.desk.join_by_code(typed(&scanned(&offer.qr_svg))).unwrap();
    first.wait_until("the pairing is done", |desk| {
        desk.pairing_state() == Ok(PairingState::Done)
    });
    let names = |desk: &clinic::Desk| {
        let devices = desk.devices().unwrap();
        devices.into_iter().filter_map(|device| device.name).collect::<Vec<_>>()
    };
    assert_eq!(names(&first.desk), ["Tablet di kaunter"]);
    let third = Place::new(&net, 3);
    assert!(
        third.desk.join_by_code(typed(&offer.ticket)).is_err(),
        "a ticket is good for one device"
    );
}

fn bytes_of(folder: &Path) -> BTreeMap<String, Vec<u8>> {
    let entries = fs::read_dir(folder).unwrap().map(Result::unwrap);
    entries
        .filter(|entry| entry.path().is_file())
        .map(|entry| {
            (
                entry.file_name().into_string().unwrap(),
                fs::read(entry.path()).unwrap(),
            )
        })
        .collect()
}

#[test]
fn another_stores_key_is_told_from_damage_and_touches_nothing() {
    let net = Net::start();
    let other = Place::founded(&net, 2, "Klinik Sentosa");
    let place = Place::founded(&net, 1, "Klinik Seri Mawar");
    let (folder, tenant) = (
        place.clinic_folder(),
        place.desk.app_state().unwrap().clinics[0].tenant.clone(),
    );
    let secrets = folder.join("secrets.sealed");
    let own = fs::read(&secrets).unwrap();
    let place = place.restarted_after(&net, || {
        fs::copy(other.clinic_folder().join("secrets.sealed"), &secrets).unwrap();
    });
    let before = bytes_of(&folder);
    assert!(place.desk.app_state().unwrap().open.is_none());
    let wrong = || {
        drop(refused(
            place.desk.open_clinic(tenant.clone()),
            ErrorCode::StoreKeyWrong,
        ))
    };
    wrong();
    assert!(before == bytes_of(&folder), "a file was touched");
    // Also without the mark, which knows the right key by its hash.
    let mark = fs::read(folder.join("mark")).unwrap();
    fs::remove_file(folder.join("mark")).unwrap();
    wrong();
    fs::write(folder.join("mark"), mark).unwrap();
    assert!(before == bytes_of(&folder), "a file was touched");

    fs::write(&secrets, own).unwrap();
    place.desk.open_clinic(tenant).unwrap();
    place.sign_in(place.owner());
}
