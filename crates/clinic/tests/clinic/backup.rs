//! Backups and restoring, as a clinic does them: a stick, a burnt machine, a kit, a relay.

use std::{
    fs,
    io::Write as _,
    path::{Path, PathBuf},
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    time::{Duration, Instant},
};

use clinic::{
    DeskEvent, ErrorCode,
    views::{
        backup::{BackupStage, BackupView, RestoreClinic},
        status::{DeviceSettings, PowerCode},
    },
};
use tempfile::TempDir;
use testkit::{UpsScene, VirtualUps};

use crate::support::{Net, PIN, Place, protection, refused};

fn text(path: &Path) -> String {
    path.to_str().unwrap().to_owned()
}

fn words(place: &Place) -> String {
    place.desk.recovery_kit().unwrap().words.join(" ")
}

fn restoring(file: &Path, words: &str) -> RestoreClinic {
    RestoreClinic {
        file: text(file),
        words: words.to_owned(),
        protection: protection(),
    }
}

fn backups(folder: &Path) -> Vec<PathBuf> {
    let mut files: Vec<PathBuf> = fs::read_dir(folder)
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .collect();
    files.sort();
    files
}

/// A clinic with one patient, its kit's words, and a stick with a backup of it.
fn backed_up(net: &Net) -> (Place, String, TempDir) {
    let place = Place::founded(net, 1, "Klinik Seri Mawar");
    place.patient("Nur Aisyah binti Rahman", "850101135029");
    let stick = TempDir::new().unwrap();
    place.desk.set_backup_folder(text(stick.path()), true).unwrap();
    place.wait_until("the first backup is made by itself", |desk| {
        let state = desk.backup_state().unwrap();
        state.last.is_some() && !state.running
    });
    let words = words(&place);
    (place, words, stick)
}

fn all_sent(place: &Place) {
    place.wait_until("everything is sent", |desk| {
        let sync = desk.status().unwrap().sync;
        sync.connected && sync.pending == 0
    });
}

#[test]
fn a_machine_that_burnt_is_replaced_by_a_backup_and_the_kit_and_catches_up() {
    let net = Net::start();
    let (burnt, words, stick) = backed_up(&net);
    burnt.patient("Tan Mei Ling", "980317145002");
    all_sent(&burnt);
    drop(burnt);

    let new = Place::new(&net, 2);
    let [file] = &backups(stick.path())[..] else {
        panic!("one backup")
    };
    new.desk.restore_clinic(restoring(file, &words)).unwrap();
    let state = new.desk.app_state().unwrap();
    assert_eq!(state.clinics[0].name, "Klinik Seri Mawar");
    assert_eq!(state.open.as_ref(), Some(&state.clinics[0].tenant));
    assert!(new.desk.session().unwrap().is_none());
    let told = |stage| {
        let is = |event: &DeskEvent| matches!(event, DeskEvent::BackupProgress(told) if told.stage == stage);
        new.events().iter().any(is)
    };
    assert!(told(BackupStage::Reading) && told(BackupStage::Checking));

    let owner = new.owner();
    refused(new.desk.sign_in(owner, PIN.to_owned()), ErrorCode::NoPinHere);
    new.desk.set_pin(owner, PIN.to_owned()).unwrap();
    assert_eq!(new.desk.search_patients("aisyah".to_owned()).unwrap().len(), 1);
    new.wait_until("what the backup lacks has arrived", |desk| {
        desk.search_patients("mei ling".to_owned()).unwrap().len() == 1
    });
    new.patient("Siti binti Osman", "900202105028");
    all_sent(&new);
    assert_eq!(new.desk.status().unwrap().sync.quarantined, 0);
    let restored = |desk: &clinic::Desk| {
        let rows = desk.audit(None).unwrap();
        rows.iter().filter(|row| row.action == "clinic.restored").count()
    };
    assert_eq!(restored(&new.desk), 1);
    // It is an admin's device: it lets others in.
    new.desk.offer_pairing().unwrap();
    let new = new.restarted(&net);
    assert_eq!(new.desk.app_state().unwrap().clinics.len(), 1);
}

#[test]
fn what_the_relay_has_lost_comes_back_from_a_backup() {
    let net = Net::start();
    let place = Place::founded(&net, 1, "Klinik Seri Mawar");
    place.patient("Nur Aisyah binti Rahman", "850101135029");
    all_sent(&place);
    let stick = TempDir::new().unwrap();
    place.desk.set_backup_folder(text(stick.path()), false).unwrap();
    place.wait_until("the early backup is made", |desk| {
        desk.backup_state().unwrap().last.is_some()
    });
    let drawer = TempDir::new().unwrap();
    let early = drawer.path().join("early.backup");
    fs::copy(backups(stick.path()).remove(0), &early).unwrap();
    all_sent(&place);
    net.end();
    let lost = net.copy_of_data();
    net.begin();
    place.patient("Tan Mei Ling", "980317145002");
    all_sent(&place);
    place.clock.step_ms(1_000);
    place.desk.backup_now().unwrap();
    let words = words(&place);
    drop(place);
    let [late] = &backups(stick.path())[..] else {
        panic!("one of the day")
    };

    // The relay goes back to what it was before the second patient; the machine is gone.
    net.end();
    net.put_back(lost);
    net.begin();
    let new = Place::new(&net, 2);
    new.desk.restore_clinic(restoring(late, &words)).unwrap();
    all_sent(&new);
    let other = Place::new(&net, 3);
    other.desk.restore_clinic(restoring(&early, &words)).unwrap();
    other.wait_until("the staff is there", |desk| !desk.staff_faces().unwrap().is_empty());
    other.desk.set_pin(other.owner(), PIN.to_owned()).unwrap();
    other.wait_until("what the relay had lost has come through it", |desk| {
        desk.search_patients("mei ling".to_owned()).unwrap().len() == 1
    });
    let found = |name: &str| other.desk.search_patients(name.to_owned()).unwrap().len();
    assert_eq!((found("aisyah"), found("mei ling")), (1, 1), "nothing is doubled");
}

#[test]
fn a_wrong_kit_a_broken_file_and_a_clinic_that_is_here_already_change_nothing() {
    let net = Net::start();
    let (place, words, stick) = backed_up(&net);
    let other = Place::founded(&net, 2, "Klinik Sentosa");
    let foreign = self::words(&other);
    let file = backups(stick.path()).remove(0);
    let new = Place::new(&net, 3);
    let nothing_is_here = || {
        assert!(new.desk.app_state().unwrap().clinics.is_empty());
        let left = fs::read_dir(new.data().join("clinics")).map_or(0, Iterator::count);
        assert_eq!(left, 0);
    };
    let tries = |file: &Path, words: &str, code: ErrorCode| {
        drop(refused(new.desk.restore_clinic(restoring(file, words)), code));
        nothing_is_here();
    };
    tries(&file, &foreign, ErrorCode::KitForeign);
    tries(&file, "abandon abandon abandon", ErrorCode::KitWrong);
    tries(&stick.path().join("absent"), &words, ErrorCode::FileFailed);
    let broken = stick.path().join("broken");
    let whole = fs::read(&file).unwrap();
    fs::write(&broken, &whole[..whole.len() - 7]).unwrap();
    tries(&broken, &words, ErrorCode::BackupUnreadable);
    let mut short = restoring(&file, &words);
    short.protection = clinic::views::setup::Protection::Passphrase {
        passphrase: "short".to_owned(),
    };
    refused(new.desk.restore_clinic(short), ErrorCode::Invalid);
    nothing_is_here();

    let here = || {
        refused(
            place.desk.restore_clinic(restoring(&file, &words)),
            ErrorCode::AlreadyMember,
        )
    };
    here();
    assert_eq!(place.desk.search_patients("aisyah".to_owned()).unwrap().len(), 1);
    new.desk.restore_clinic(restoring(&file, &words)).unwrap();
    refused(
        new.desk.restore_clinic(restoring(&file, &words)),
        ErrorCode::AlreadyMember,
    );
}

#[test]
fn a_restore_that_a_power_cut_ended_is_begun_again() {
    let net = Net::start();
    let (place, words, stick) = backed_up(&net);
    let tenant = place.desk.app_state().unwrap().clinics[0].tenant.clone();
    drop(place);
    let file = backups(stick.path()).remove(0);
    let new = Place::new(&net, 2);
    let data = new.data().to_owned();
    let half = data.join("clinics").join(&tenant);
    let new = new.restarted_after(&net, || {
        fs::create_dir_all(&half).unwrap();
        fs::write(half.join("vault.db"), b"half of a store").unwrap();
        fs::write(data.join("desk.json"), format!("{{\"restoring\":\"{tenant}\"}}")).unwrap();
    });
    assert!(new.desk.app_state().unwrap().clinics.is_empty());
    // As the kit was saved, with its numbers.
    let numbered: Vec<String> = (1..)
        .zip(words.split(' '))
        .map(|(n, word)| format!("{n:2}. {word}"))
        .collect();
    let saved = format!(
        "MediEco recovery kit\nKlinik Seri Mawar\n{tenant}\n\n{}\n",
        numbered.join("\n")
    );
    new.desk.restore_clinic(restoring(&file, &saved)).unwrap();
    assert_eq!(new.desk.app_state().unwrap().clinics.len(), 1);
}

#[test]
fn a_folder_is_chosen_by_an_admin_and_lies_outside_the_apps_own() {
    let net = Net::start();
    let place = Place::founded(&net, 1, "Klinik Seri Mawar");
    let none = BackupView {
        folder: String::new(),
        with_sound: false,
        last: None,
        problem: None,
        running: false,
    };
    assert_eq!(place.desk.backup_state().unwrap(), none);
    let missing = refused(place.desk.backup_now(), ErrorCode::NotNow);
    assert_eq!(missing.detail["why"], "backup_folder");
    let stick = TempDir::new().unwrap();
    let own = place.data().join("clinics");
    for wrong in [stick.path().join("absent"), own, place.data().to_owned()] {
        let error = refused(place.desk.set_backup_folder(text(&wrong), false), ErrorCode::Invalid);
        assert_eq!(error.detail["field"], "backup_folder");
    }
    place.desk.set_backup_folder(text(stick.path()), false).unwrap();
    place.desk.set_backup_folder(" ".to_owned(), false).unwrap();
    assert_eq!(place.desk.backup_state().unwrap().folder, "");
}

#[test]
fn a_stick_that_is_not_in_is_told_until_a_backup_is_made() {
    let net = Net::start();
    let (place, _, stick) = backed_up(&net);
    let folder = stick.path().to_owned();
    let away = folder.with_extension("away");
    fs::rename(&folder, &away).unwrap();
    place.clock.step_ms(1_000);
    refused(place.desk.backup_now(), ErrorCode::BackupFolderMissing);
    let problem = |place: &Place| {
        (
            place.desk.backup_state().unwrap().problem,
            place.desk.status().unwrap().backup_problem,
        )
    };
    let missing = Some(ErrorCode::BackupFolderMissing);
    assert_eq!(problem(&place), (missing, missing));
    let place = place.restarted(&net);
    place.sign_in(place.owner());
    assert_eq!(problem(&place), (missing, missing), "a restart forgets nothing");
    assert!(place.desk.status().unwrap().last_backup.is_some());

    fs::rename(&away, &folder).unwrap();
    place.clock.step_ms(1_000);
    let state = place.desk.backup_now().unwrap();
    assert_eq!(problem(&place), (None, None));
    assert_eq!(state.last.map(|made| made.at), place.desk.status().unwrap().last_backup);
    let made = place.desk.audit(None).unwrap();
    assert_eq!(made.iter().filter(|row| row.action == "backup.made").count(), 2);
}

#[test]
fn a_full_stick_is_told_and_the_clinic_works_on() {
    let Some(stick) = testkit::small_tmpfs(256) else {
        return;
    };
    let net = Net::start();
    let place = Place::founded(&net, 1, "Klinik Seri Mawar");
    let mut filler = fs::File::create(stick.path().join("filler")).unwrap();
    while filler.write_all(&[1; 512]).is_ok() {}
    drop(filler);
    place.desk.set_backup_folder(text(stick.path()), false).unwrap();
    place.wait_until("the full stick is told", |desk| {
        desk.status().unwrap().backup_problem == Some(ErrorCode::BackupFolderFull)
    });
    assert_eq!(backups(stick.path()).len(), 1, "only what was there");
    assert!(!place.desk.status().unwrap().disk_full);
    place.patient("Nur Aisyah binti Rahman", "850101135029");
    fs::remove_file(stick.path().join("filler")).unwrap();
    place.desk.backup_now().unwrap();
    assert_eq!(place.desk.status().unwrap().backup_problem, None);
}

#[test]
fn on_battery_no_backup_is_made() {
    let net = Net::start();
    let ups = VirtualUps::start().unwrap();
    let (place, _, _stick) = backed_up(&net);
    let settings = DeviceSettings {
        ups: ups.path().to_owned(),
        ..place.desk.device_settings().unwrap()
    };
    place.desk.save_device_settings(settings).unwrap();
    ups.set(UpsScene::Battery);
    place.wait_until("the battery is seen", |desk| {
        desk.status().unwrap().power.state == PowerCode::Battery
    });
    let error = refused(place.desk.backup_now(), ErrorCode::NotNow);
    assert_eq!(error.detail["why"], "on_battery");
    assert_eq!(place.desk.backup_state().unwrap().problem, None);
}

#[test]
fn a_power_cut_ends_the_backup_that_is_being_made_before_the_store_is_saved() {
    let net = Net::start();
    let ups = Arc::new(VirtualUps::start().unwrap());
    let (place, _, stick) = backed_up(&net);
    let settings = DeviceSettings {
        ups: ups.path().to_owned(),
        ..place.desk.device_settings().unwrap()
    };
    place.desk.save_device_settings(settings).unwrap();
    place.wait_until("the mains are seen", |desk| {
        desk.status().unwrap().power.state == PowerCode::Mains
    });
    let before = backups(stick.path());
    // The backup stands still in the middle of its snapshot until the battery is seen, or for a while in vain.
    let (desk, cut) = (place.desk.clone(), Arc::clone(&ups));
    let waited_in_vain = Arc::new(AtomicBool::new(false));
    let in_vain = Arc::clone(&waited_in_vain);
    place.at_each_event(move |event| {
        if matches!(event, DeskEvent::BackupProgress(told) if told.stage == BackupStage::Writing) {
            cut.set(UpsScene::Battery);
            let deadline = Instant::now() + Duration::from_secs(8);
            while !desk.status().unwrap().power.paused && !in_vain.load(Ordering::SeqCst) {
                in_vain.store(Instant::now() > deadline, Ordering::SeqCst);
                std::thread::yield_now();
            }
        }
    });
    let error = refused(place.desk.backup_now(), ErrorCode::NotNow);
    assert_eq!(error.detail["why"], "on_battery");
    assert!(
        !waited_in_vain.load(Ordering::SeqCst),
        "the checkpoint waited for the backup"
    );
    assert_eq!(backups(stick.path()), before);
    place.desk.shut_down();
}
