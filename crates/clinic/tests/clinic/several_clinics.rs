//! Several clinics on one device, a store each: a locum's laptop, and a device that moves from one clinic to another.

use std::fs;

use clinic::{Desk, ErrorCode, views::members::RemoveDevice};

use crate::{
    devices::{is_sent, joined, joins},
    full_disk::fill,
    support::{Net, PASSPHRASE, PIN, Place, refused, somebody},
};

fn names(desk: &Desk) -> Vec<String> {
    let rows = desk.search_patients(String::new()).unwrap();
    rows.into_iter().map(|row| row.name).collect()
}

fn tenants(desk: &Desk) -> Vec<String> {
    let clinics = desk.app_state().unwrap().clinics;
    clinics.into_iter().map(|clinic| clinic.tenant).collect()
}

fn switch(laptop: &Place, tenant: &str) {
    let unlocked = laptop
        .desk
        .unlock_clinic(tenant.to_owned(), Some(PASSPHRASE.to_owned()));
    unlocked.unwrap();
    let session = laptop.desk.session().unwrap();
    assert!(session.is_none(), "who works in one signs in to the other");
    refused(laptop.desk.search_patients(String::new()), ErrorCode::NotSignedIn);
    laptop.sign_in(laptop.owner());
}

#[test]
fn a_locum_with_two_clinics_on_one_laptop_finds_and_sends_in_each_only_what_is_its() {
    let net = Net::start();
    let mawar = Place::founded(&net, 1, "Klinik Seri Mawar");
    let melur = Place::founded(&net, 2, "Klinik Melur");
    mawar.patient("Tan Mei Ling", "980317145002");
    melur.patient("Siti Aminah", "900505145678");
    let laptop = joined(&net, &mawar, 3);
    laptop.wait_until("the first clinic's patient is here", |desk| {
        names(desk) == ["Tan Mei Ling"]
    });
    joins(&laptop, &melur);
    laptop.wait_until("the second clinic's patient is here", |desk| {
        names(desk) == ["Siti Aminah"]
    });

    // One person, known to both by her number, is two records that never meet.
    let [first, second] = <[String; 2]>::try_from(tenants(&laptop.desk)).unwrap();
    laptop.patient("Aminah Binti Osman", "850101135020");
    laptop.wait_until("it is sent", is_sent);
    switch(&laptop, &first);
    assert_eq!(names(&laptop.desk), ["Tan Mei Ling"]);
    let there = laptop.patient("Aminah Osman", "850101135020");
    laptop.wait_until("it is sent", is_sent);

    mawar.wait_until("the first clinic has its own", |desk| names(desk).len() == 2);
    assert_eq!(names(&mawar.desk), ["Aminah Osman", "Tan Mei Ling"]);
    melur.wait_until("the second clinic has its own", |desk| names(desk).len() == 2);
    assert_eq!(names(&melur.desk), ["Aminah Binti Osman", "Siti Aminah"]);

    let laptop = laptop.restarted(&net);
    let state = laptop.desk.app_state().unwrap();
    assert_eq!(
        state.open.as_deref(),
        Some(first.as_str()),
        "the one that was open last"
    );
    laptop.sign_in(laptop.owner());
    assert_eq!(names(&laptop.desk), ["Aminah Osman", "Tan Mei Ling"]);
    switch(&laptop, &second);
    assert_eq!(names(&laptop.desk), ["Aminah Binti Osman", "Siti Aminah"]);
    refused(laptop.desk.patient_banner(there), ErrorCode::NotFound);

    // Each store has keys of its own: a file of the one says nothing to the other.
    let keys = |tenant: &str| laptop.data().join("clinics").join(tenant).join("secrets.sealed");
    fs::copy(keys(&first), keys(&second)).unwrap();
    let laptop = laptop.restarted(&net);
    assert_eq!(laptop.desk.app_state().unwrap().open, None);
    refused(laptop.desk.open_clinic(second), ErrorCode::StoreKeyWrong);
    laptop.desk.open_clinic(first).unwrap();
    laptop.sign_in(laptop.owner());
    assert_eq!(names(&laptop.desk), ["Aminah Osman", "Tan Mei Ling"]);
}

/// A laptop of the first clinic that holds something unsent, and was removed while it could not know.
fn removed(net: &Net, clinic: &Place) -> Place {
    removed_from(joined(net, clinic, 3), net, clinic)
}

fn removed_from(laptop: Place, net: &Net, clinic: &Place) -> Place {
    laptop.patient("Tan Mei Ling", "980317145002");
    laptop.wait_until("it is sent", is_sent);
    net.end();
    laptop.patient("Siti Aminah", "900505145678");
    let devices = clinic.desk.devices().unwrap();
    let device = devices.into_iter().find(|device| !device.this).unwrap().id;
    clinic
        .desk
        .remove_device(RemoveDevice {
            device,
            pin: PIN.to_owned(),
            kit: None,
            undo_since: None,
            own: false,
        })
        .unwrap();
    let laptop = laptop.restarted_after(net, || {
        net.begin();
        clinic.wait_until("the removal is sent", is_sent);
    });
    laptop.wait_until("it knows", |desk| desk.status().unwrap().removed);
    laptop.sign_in(laptop.owner());
    laptop
}

/// All names and bytes of files below the app's data folder.
fn is_anywhere(place: &Place, text: &str) -> bool {
    walkdir(place.data()).iter().any(|path| {
        let named = path.to_string_lossy().contains(text);
        named || path.is_file() && String::from_utf8_lossy(&fs::read(path).unwrap()).contains(text)
    })
}

fn walkdir(folder: &std::path::Path) -> Vec<std::path::PathBuf> {
    let mut found = Vec::new();
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            found.extend(walkdir(&path));
        }
        found.push(path);
    }
    found
}

#[test]
fn a_device_that_moves_to_another_clinic_leaves_no_record_and_no_key_of_the_first() {
    let net = Net::start();
    let mawar = Place::founded(&net, 1, "Klinik Seri Mawar");
    let melur = Place::founded(&net, 2, "Klinik Melur");
    mawar.wait_until("it is sent", is_sent);
    let why = refused(mawar.desk.leave_clinic(None, PIN.to_owned()), ErrorCode::NotNow);
    assert_eq!(why.detail["why"], "member");
    let laptop = removed(&net, &mawar);
    let tenant = tenants(&laptop.desk).remove(0);
    let outside = tempfile::tempdir().unwrap();
    let file = outside.path().join("medieco.unsent").to_str().unwrap().to_owned();
    let within = laptop.data().join("medieco.unsent").to_str().unwrap().to_owned();

    // Nothing happens for the asking alone.
    refused(
        laptop.desk.leave_clinic(Some(file.clone()), "999999".to_owned()),
        ErrorCode::WrongPin,
    );
    laptop.clock.step_ms(60_000);
    let why = refused(laptop.desk.leave_clinic(None, PIN.to_owned()), ErrorCode::NotNow);
    assert_eq!(why.detail["why"], "unsent");
    refused(
        laptop.desk.leave_clinic(Some(within), PIN.to_owned()),
        ErrorCode::Invalid,
    );
    assert_eq!(names(&laptop.desk).len(), 2);

    let n_saved = laptop.desk.leave_clinic(Some(file.clone()), PIN.to_owned()).unwrap();
    assert!(n_saved >= 2, "a patient and an audit line: {n_saved}");
    let state = laptop.desk.app_state().unwrap();
    assert!(state.clinics.is_empty() && state.open.is_none());
    assert!(
        !is_anywhere(&laptop, &tenant),
        "no folder, no file and no line names it"
    );
    assert_eq!(
        mawar.desk.take_in_unsent(file).unwrap(),
        n_saved,
        "nothing of it is lost"
    );

    // It is a new device for whoever takes it in, the first clinic again included.
    joins(&laptop, &melur);
    let laptop = laptop.restarted(&net);
    laptop.sign_in(laptop.owner());
    laptop.patient("Aminah Binti Osman", "850101135020");
    melur.wait_until("it works for the other", |desk| names(desk) == ["Aminah Binti Osman"]);
    joins(&laptop, &mawar);
    laptop.wait_until("and may come back", |desk| names(desk) == ["Tan Mei Ling"]);
}

#[test]
fn what_a_power_cut_left_of_a_clinic_that_is_left_goes_at_the_next_start() {
    let net = Net::start();
    let mawar = Place::founded(&net, 1, "Klinik Seri Mawar");
    let laptop = removed(&net, &mawar);
    let tenant = tenants(&laptop.desk).remove(0);
    let folder = laptop.clinic_folder();
    let aside = folder.with_file_name(format!("{tenant}.aside-1780000000000"));
    let data = laptop.data().to_owned();
    let laptop = laptop.restarted_after(&net, || {
        // As it is when the power goes right after it was written that the clinic goes.
        fs::create_dir(&aside).unwrap();
        fs::write(aside.join("vault.db"), "an older store").unwrap();
        let desk = fs::read_to_string(data.join("desk.json")).unwrap();
        let mut desk: serde_json::Value = serde_json::from_str(&desk).unwrap();
        desk["clinics"] = serde_json::json!([]);
        desk["last_open"] = serde_json::Value::Null;
        desk["leaving"] = serde_json::json!([{ "tenant": tenant, "under_passphrase": true }]);
        fs::write(data.join("desk.json"), desk.to_string()).unwrap();
    });
    assert!(!is_anywhere(&laptop, &tenant));
    assert!(laptop.desk.app_state().unwrap().clinics.is_empty());
    refused(
        laptop.desk.register_patient(somebody("Ahmad", "850101135029")),
        ErrorCode::NoClinicOpen,
    );
}

#[test]
fn a_full_disk_or_a_kill_before_it_is_written_that_a_clinic_goes_leaves_it_open_and_whole() {
    let Some(disk) = testkit::small_tmpfs(16_384) else {
        return;
    };
    let net = Net::start();
    let mawar = Place::founded(&net, 1, "Klinik Seri Mawar");
    let laptop = Place::new_on(&net, 3, disk.path());
    joins(&laptop, &mawar);
    let laptop = removed_from(laptop, &net, &mawar);
    let tenant = tenants(&laptop.desk).remove(0);
    let outside = tempfile::tempdir().unwrap();
    let file = outside.path().join("medieco.unsent").to_str().unwrap().to_owned();
    let (kept, data) = (laptop.data().join("desk.json"), laptop.data().to_owned());
    let before = fs::read(&kept).unwrap();
    let leave = |laptop: &Place| laptop.desk.leave_clinic(Some(file.clone()), PIN.to_owned());

    // She is told that the disk is full, and is where she was: signed in, with all that is here.
    fill(disk.path());
    refused(leave(&laptop), ErrorCode::DiskFull);
    assert_eq!(fs::read(&kept).unwrap(), before);
    assert!(!data.join("desk.json.new").exists(), "nothing half lies about");
    assert_eq!(tenants(&laptop.desk), [tenant.as_str()]);
    assert!(laptop.desk.session().unwrap().is_some());
    assert_eq!(names(&laptop.desk).len(), 2);

    // Killed while it was being written, the disk still full: the next start opens the clinic as ever.
    let laptop = laptop.restarted_after(&net, || {
        fs::remove_file(disk.path().join("filler")).unwrap();
        fs::write(data.join("desk.json.new"), &before[..before.len() / 2]).unwrap();
        fill(disk.path());
    });
    let state = laptop.desk.app_state().unwrap();
    assert_eq!(state.open.as_deref(), Some(tenant.as_str()));
    laptop.sign_in(laptop.owner());
    assert_eq!(names(&laptop.desk).len(), 2);

    // With room again it goes, and what was never sent is whole in its file.
    fs::remove_file(disk.path().join("filler")).unwrap();
    let n_saved = leave(&laptop).unwrap();
    assert!(!is_anywhere(&laptop, &tenant));
    assert!(laptop.desk.app_state().unwrap().clinics.is_empty());
    assert_eq!(
        mawar.desk.take_in_unsent(file).unwrap(),
        n_saved,
        "nothing of it is lost"
    );
}
