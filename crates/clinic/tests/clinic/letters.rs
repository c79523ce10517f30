//! The directory, and letters between two clinics on one relay.

use clinic::{
    Desk, ErrorCode,
    views::network::{DirectoryRow, EntryState, EntryView, SendLetter, SentState, Trust},
};
use domain::Role;

use crate::sharing::lines_of;
use crate::support::{Net, Place, refused};

fn entry(name: &str) -> EntryView {
    EntryView {
        name: name.to_owned(),
        telephone: "03-8733 1180".to_owned(),
        address: "18, Jalan Sentosa 3\r\n43000 Kajang".to_owned(),
        specialties: vec!["general_practice".to_owned(), "dental".to_owned()],
        accepts_referrals: true,
    }
}

fn row(desk: &Desk, name: &str) -> Option<DirectoryRow> {
    let view = desk.directory().unwrap();
    view.clinics.into_iter().find(|row| row.entry.name == name)
}

fn state(desk: &Desk) -> SentState {
    desk.letters().unwrap().sent[0].state
}

/// One clinic that stands in the directory, and one that came to the relay after it.
fn two() -> (Place, Place, Net) {
    let net = Net::start();
    let listed = Place::founded(&net, 60, "Klinik Sentosa");
    let own = listed.desk.directory().unwrap().own;
    assert_eq!((own.state, own.may_edit), (EntryState::None, true));
    assert_eq!(own.entry.name, "Klinik Sentosa", "the profile is there to begin with");
    listed.desk.publish_entry(entry("Klinik Sentosa")).unwrap();
    listed.wait_until("its entry is published", |desk| {
        desk.directory().unwrap().own.state == EntryState::Published
    });
    let writer = Place::founded(&net, 61, "Klinik Seri Mawar");
    writer.wait_until("the directory is here", |desk| row(desk, "Klinik Sentosa").is_some());
    (listed, writer, net)
}

#[test]
fn a_letter_goes_to_a_verified_clinic_and_is_in_the_record_of_both() {
    let (listed, writer, _net) = two();
    let found = row(&writer.desk, "Klinik Sentosa").unwrap();
    assert_eq!(found.trust, Trust::Unverified, "anybody can give himself a name");
    assert_eq!(found.entry.address, "18, Jalan Sentosa 3\n43000 Kajang");
    let letter = |text: &str| SendLetter {
        clinic: found.tenant.clone(),
        text: text.to_owned(),
    };
    refused(
        writer.desk.send_letter(letter("Please see her.")),
        ErrorCode::ClinicNotVerified,
    );

    let digits = listed.desk.own_card().unwrap().digits;
    assert_eq!(digits, found.digits);
    let other = digits.replace(['1', '2', '3'], "9");
    refused(
        writer.desk.verify_by_digits(found.tenant.clone(), other),
        ErrorCode::DigitsDiffer,
    );
    writer.desk.verify_by_digits(found.tenant.clone(), digits).unwrap();
    writer.wait_until("the entry was held against the clinic's own statements", |desk| {
        row(desk, "Klinik Sentosa").unwrap().trust == Trust::Verified
    });

    for text in ["", " \n ", "\u{1b}[2J", &"x".repeat(20_001)] {
        let error = refused(writer.desk.send_letter(letter(text)), ErrorCode::Invalid);
        assert_eq!(error.detail["field"], "text");
    }
    writer
        .desk
        .send_letter(letter("Please see her.\r\nThank you."))
        .unwrap();
    writer.wait_until("it was delivered", |desk| state(desk) == SentState::Delivered);
    let sent = &writer.desk.letters().unwrap().sent[0];
    assert_eq!(
        (sent.clinic_name.as_str(), sent.text.as_str()),
        ("Klinik Sentosa", "Please see her.\nThank you.")
    );

    listed.wait_until("it came", |desk| !desk.letters().unwrap().received.is_empty());
    let came = listed.desk.letters().unwrap().received.remove(0);
    assert!(!came.is_read && came.is_readable && !came.verified);
    assert_eq!(
        came.clinic_name, "Klinik Seri Mawar",
        "what it calls itself, and it is not verified"
    );
    let opened = listed.desk.open_letter(came.from.clone(), came.id.clone()).unwrap();
    assert_eq!(opened.text, "Please see her.\nThank you.");
    assert_eq!(opened.digits, writer.desk.own_card().unwrap().digits);
    // Read once, and there for good.
    let again = listed.desk.open_letter(came.from, came.id).unwrap();
    assert_eq!((again.text, again.read_at), (opened.text, opened.read_at));
    assert!(listed.desk.letters().unwrap().received[0].is_read);
    writer.wait_until("its writer hears that it was read", |desk| {
        state(desk) == SentState::Read
    });
    assert_eq!(lines_of(&writer.desk, "letter.sent").len(), 1);
    assert_eq!(lines_of(&listed.desk, "letter.read").len(), 1);
}

#[test]
fn an_entry_changes_and_goes_and_only_an_admin_says_so() {
    let (listed, writer, net) = two();
    let bad = EntryView {
        specialties: vec!["witchcraft".to_owned()],
        ..entry("Klinik Sentosa")
    };
    let error = refused(listed.desk.publish_entry(bad), ErrorCode::Invalid);
    assert_eq!(error.detail["field"], "specialties");
    let error = refused(listed.desk.publish_entry(entry(" ")), ErrorCode::Invalid);
    assert_eq!(error.detail["field"], "name");
    let doctor = listed.colleague(Role::Doctor);
    let owner = listed.owner();
    listed.sign_in(doctor);
    refused(listed.desk.withdraw_entry(), ErrorCode::NotAllowed);
    assert!(!listed.desk.directory().unwrap().own.may_edit);
    listed.sign_in(owner);
    listed.desk.withdraw_entry().unwrap();
    // The relay takes a clinic's next card after a minute; until then it waits here, and says so.
    let state = listed.desk.directory().unwrap().own.state;
    assert!(matches!(state, EntryState::Waiting | EntryState::None), "{state:?}");
    // What was heard once is here without any relay.
    drop(net);
    assert!(row(&writer.desk, "Klinik Sentosa").is_some());
}

#[test]
fn the_counter_reads_no_letters() {
    let net = Net::start();
    let place = Place::founded(&net, 62, "Klinik Sentosa");
    let counter = place.colleague(Role::Receptionist);
    place.sign_in(counter);
    refused(place.desk.letters(), ErrorCode::NotAllowed);
    let letter = SendLetter {
        clinic: "aa".repeat(32),
        text: "x".to_owned(),
    };
    refused(place.desk.send_letter(letter), ErrorCode::NotAllowed);
    place.desk.directory().unwrap();
}
