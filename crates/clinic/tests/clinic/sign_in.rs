use clinic::{ErrorCode, views::setup::AddStaff};
use domain::Role;

use crate::support::{Net, PIN, Place, refused};

#[test]
fn a_wrong_pin_delays_and_a_restart_does_not_forget_it() {
    let net = Net::start();
    let place = Place::founded(&net, 1, "Klinik Seri Mawar");
    place.desk.lock().unwrap();
    let owner = place.owner();
    let mut waits = 0;
    while waits == 0 {
        let error = refused(place.desk.sign_in(owner, "999999".to_owned()), ErrorCode::WrongPin);
        waits = error.detail["wait_ms"].parse::<u64>().unwrap();
    }
    refused(place.desk.sign_in(owner, PIN.to_owned()), ErrorCode::Wait);

    let place = place.restarted(&net);
    refused(place.desk.sign_in(owner, PIN.to_owned()), ErrorCode::Wait);
    assert!(place.desk.staff_faces().unwrap()[0].wait_ms > 0);
    place.clock.step_ms(i64::try_from(waits).unwrap());
    place.desk.sign_in(owner, PIN.to_owned()).unwrap();
    assert_eq!(place.desk.staff_faces().unwrap()[0].wait_ms, 0);
}

#[test]
fn behind_a_locked_screen_nothing_opens() {
    let net = Net::start();
    let place = Place::founded(&net, 1, "Klinik Seri Mawar");
    place.desk.lock().unwrap();
    assert!(place.desk.session().unwrap().is_none());
    refused(place.desk.today(), ErrorCode::NotSignedIn);
    refused(place.desk.search_patients("a".to_owned()), ErrorCode::NotSignedIn);
    place.desk.status().unwrap();
}

#[test]
fn a_new_colleague_chooses_her_own_pin_and_nobody_chooses_one_for_another() {
    let net = Net::start();
    let place = Place::founded(&net, 1, "Klinik Seri Mawar");
    let add = |name: &str, pin: Option<&str>| {
        let (name, pin) = (name.to_owned(), pin.map(str::to_owned));
        place
            .desk
            .add_staff(AddStaff {
                name,
                role: Role::Pharmacist,
                registration: String::new(),
                pin,
            })
            .unwrap()
    };
    let (siti, ravi) = (add("Siti", Some(PIN)), add("Ravi", None));
    place.desk.lock().unwrap();
    refused(place.desk.set_pin(siti, "135790".to_owned()), ErrorCode::PinAlreadySet);
    refused(place.desk.set_pin(ravi, "111111".to_owned()), ErrorCode::Invalid);
    assert_eq!(place.desk.set_pin(ravi, "135790".to_owned()).unwrap().name, "Ravi");
    refused(place.desk.sign_in(siti, "135790".to_owned()), ErrorCode::WrongPin);
    place.desk.sign_in(siti, PIN.to_owned()).unwrap();
}

#[test]
fn an_admin_makes_no_owner() {
    let net = Net::start();
    let place = Place::founded(&net, 1, "Klinik Seri Mawar");
    let admin = place.colleague(Role::Admin);
    place.sign_in(admin);
    let input = AddStaff {
        name: "Boss".to_owned(),
        role: Role::Owner,
        registration: String::new(),
        pin: None,
    };
    refused(place.desk.add_staff(input), ErrorCode::NotAllowed);
}

#[test]
fn a_session_says_who_practises() {
    let net = Net::start();
    let place = Place::founded(&net, 1, "Klinik Seri Mawar");
    assert!(
        place.desk.session().unwrap().unwrap().practises,
        "the owner has a number"
    );
    for (staff, practises) in [
        (place.colleague(Role::Owner), false),
        (place.colleague(Role::Doctor), true),
        (place.colleague(Role::Pharmacist), false),
    ] {
        let session = place.desk.sign_in(staff, PIN.to_owned()).unwrap();
        assert_eq!(session.practises, practises, "{:?}", session.role);
    }
}
