use std::{
    fs,
    io::Write,
    path::{Path, PathBuf},
};

use clinic::ErrorCode;

use crate::support::{Net, PIN, Place, refused, somebody};

const WRONG: &str = "999999";

/// Somebody else's file that takes all the room that is left.
pub fn fill(disk: &Path) {
    let mut file = fs::File::options()
        .create(true)
        .append(true)
        .open(disk.join("filler"))
        .unwrap();
    while file.write_all(&[1; 512]).is_ok() {}
}

fn tries_of(place: &Place) -> PathBuf {
    place.clinic_folder().join("tries")
}

/// A clinic with one patient in the queue, locked, on a disk on which not even a try at a PIN can be counted.
fn full(net: &Net, disk: &Path) -> Place {
    let place = Place::founded_on(net, 1, "Klinik Seri Mawar", disk);
    place.queued("Nur Aisyah binti Rahman", "850101135029");
    let (owner, fresh) = (place.owner(), fs::read(tries_of(&place)).unwrap());
    fill(disk);
    for _ in 0..500 {
        place.desk.lock().unwrap();
        place.sign_in(owner);
        if fs::read(tries_of(&place)).unwrap() != fresh {
            place.desk.lock().unwrap();
            return place;
        }
    }
    panic!("the store always finds room");
}

#[test]
fn who_knows_her_pin_reads_on_a_full_disk_and_is_told_that_nothing_can_be_saved() {
    let Some(disk) = testkit::small_tmpfs(8_192) else {
        return;
    };
    let net = Net::start();
    let place = full(&net, disk.path());
    let owner = place.owner();
    assert_eq!(place.desk.sign_in(owner, PIN.to_owned()).unwrap().staff, owner);
    assert!(place.desk.status().unwrap().disk_full);

    let row = place.desk.today().unwrap().rows.remove(0);
    assert_eq!(place.desk.search_patients("aisyah".to_owned()).unwrap().len(), 1);
    assert_eq!(place.desk.open_visit(row.visit).unwrap().visit, row.visit);
    assert_eq!(place.desk.patient_history(row.patient).unwrap().len(), 1);
    let new = somebody("Siti", "900202105028");
    refused(place.desk.register_patient(new.clone()), ErrorCode::DiskFull);
    let (signed_in, opened) = ("session.signed_in", "history.opened");
    let n_audited = |action: &str| {
        let rows = place.desk.audit(None).unwrap();
        rows.iter().filter(|row| row.action == action).count()
    };
    let before = n_audited(signed_in);
    assert_eq!(n_audited(opened), 0, "it is owed");

    fs::remove_file(disk.path().join("filler")).unwrap();
    place.desk.register_patient(new).unwrap();
    assert!(!place.desk.status().unwrap().disk_full);
    assert!(n_audited(signed_in) > before);
    assert_eq!(n_audited(opened), 1);
}

#[test]
fn a_full_disk_makes_no_try_at_a_pin_cheaper_also_not_by_restarting() {
    let Some(disk) = testkit::small_tmpfs(8_192) else {
        return;
    };
    let net = Net::start();
    let place = full(&net, disk.path());
    let owner = place.owner();
    let mut wait_ms = 0;
    for _ in 0..20 {
        let error = refused(place.desk.sign_in(owner, WRONG.to_owned()), ErrorCode::WrongPin);
        wait_ms = error.detail["wait_ms"].parse().unwrap();
        if wait_ms > 0 {
            break;
        }
    }
    assert!(wait_ms > 0);
    refused(place.desk.sign_in(owner, PIN.to_owned()), ErrorCode::Wait);

    // Off and on, the disk as full as it can be.
    let place = place.restarted_after(&net, || fill(disk.path()));
    refused(place.desk.sign_in(owner, PIN.to_owned()), ErrorCode::Wait);
    place.clock.step_ms(wait_ms);
    let error = refused(place.desk.sign_in(owner, WRONG.to_owned()), ErrorCode::WrongPin);
    let longer: i64 = error.detail["wait_ms"].parse().unwrap();
    assert!(longer > wait_ms, "the count went on: {longer} after {wait_ms}");

    // Room again: what was counted beside the store still counts.
    fs::remove_file(disk.path().join("filler")).unwrap();
    let place = place.restarted(&net);
    refused(place.desk.sign_in(owner, PIN.to_owned()), ErrorCode::Wait);
    place.clock.step_ms(longer);
    place.desk.sign_in(owner, PIN.to_owned()).unwrap();
    assert_eq!(place.desk.staff_faces().unwrap()[0].wait_ms, 0);
    place.desk.lock().unwrap();
    let error = refused(place.desk.sign_in(owner, WRONG.to_owned()), ErrorCode::WrongPin);
    assert_eq!(error.detail["wait_ms"], "0", "a right PIN begins anew");
}

#[test]
fn taking_the_counted_tries_away_on_a_full_disk_costs_the_longest_delay() {
    let Some(disk) = testkit::small_tmpfs(8_192) else {
        return;
    };
    let net = Net::start();
    let place = full(&net, disk.path());
    let (owner, tries) = (place.owner(), tries_of(&place));
    refused(place.desk.sign_in(owner, WRONG.to_owned()), ErrorCode::WrongPin);
    let place = place.restarted_after(&net, || fs::remove_file(&tries).unwrap());
    let error = refused(place.desk.sign_in(owner, PIN.to_owned()), ErrorCode::Wait);
    assert_eq!(error.detail["wait_ms"], seal::pin_delay_ms(u32::MAX).to_string());
}

#[test]
fn a_disk_that_filled_up_while_the_device_was_off_keeps_nobody_from_reading() {
    let Some(disk) = testkit::small_tmpfs(8_192) else {
        return;
    };
    let net = Net::start();
    let place = Place::founded_on(&net, 1, "Klinik Seri Mawar", disk.path());
    place.queued("Nur Aisyah binti Rahman", "850101135029");
    let place = place.restarted_after(&net, || fill(disk.path()));
    let owner = place.owner();
    place.desk.sign_in(owner, PIN.to_owned()).unwrap();
    assert_eq!(place.desk.today().unwrap().rows.len(), 1);
}
