//! A clone and a restored disk are told, and give no number; everything else goes on.

use std::fs;
use std::path::{Path, PathBuf};

use testkit::copy_folder;
use vault::{MachineSecrets, MarkPlace, Vault, VaultError};

use crate::nouns::queued;
use crate::world::*;

/// A device whose mark lies outside its folder.
struct Marked {
    home: tempfile::TempDir,
    secrets: MachineSecrets,
    clinic: Clinic,
    n_opened: u64,
}

impl Marked {
    fn new() -> Self {
        let home = tempfile::tempdir().unwrap();
        let clinic = Clinic::with_devices(1);
        let secrets = clinic
            .secrets(0)
            .marked_at(MarkPlace::File(home.path().join("clinic.numbers")));
        Self {
            home,
            secrets,
            clinic,
            n_opened: 0,
        }
    }

    fn mark(&self) -> PathBuf {
        self.home.path().join("clinic.numbers")
    }

    /// Another machine, to which the mark was copied too.
    fn elsewhere(&self, mark: &[u8]) -> Self {
        let mut other = Self::new();
        fs::write(other.mark(), mark).unwrap();
        other.secrets.machine = b"another machine".to_vec();
        other
    }

    fn dir(&self) -> PathBuf {
        self.home.path().join("clinic")
    }

    fn create(&self) -> Vault {
        Vault::create(&self.dir(), &self.secrets, &self.clinic.statements, ports(1)).unwrap()
    }

    fn open(&mut self) -> Vault {
        self.open_in(&self.dir())
    }

    fn open_in(&mut self, dir: &Path) -> Vault {
        self.n_opened += 1;
        Vault::open(dir, &self.secrets, ports(10 + self.n_opened)).unwrap()
    }

    /// The folder as it is, while nobody has it open.
    fn image(&self, name: &str) -> PathBuf {
        let image = self.home.path().join(name);
        copy_folder(&self.dir(), &image).unwrap();
        image
    }

    fn put_back(&self, image: &Path) {
        fs::remove_dir_all(self.dir()).unwrap();
        copy_folder(image, &self.dir()).unwrap();
    }
}

fn take_number(vault: &Vault) -> Result<String, VaultError> {
    vault.write(None, |w| w.next_prescription_serial())
}

fn is_told(vault: &Vault) {
    assert!(vault.is_a_copy());
    assert!(matches!(take_number(vault), Err(VaultError::Copy)));
    let queue = vault.write::<_, VaultError>(None, |w| w.add_to_queue(day("2026-11-21"), &queued(1)).map(drop));
    assert!(matches!(queue, Err(VaultError::Copy)));
    // It is read and written as ever.
    write(vault, |w| w.put_patient(&patient(1)));
    assert_eq!(read(vault, |r| r.patient(patient_id(1))), Some(patient(1)));
}

#[test]
fn a_store_that_nobody_touched_goes_on_giving_numbers_however_often_it_is_opened() {
    let mut device = Marked::new();
    let mut last = 0;
    for opening in 0..4 {
        let vault = if opening == 0 { device.create() } else { device.open() };
        assert!(!vault.is_a_copy());
        for _ in 0..70 {
            last += 1; // beyond a block of the mark
            assert_eq!(take_number(&vault).unwrap(), format!("A-{last:06}"));
        }
    }
}

#[test]
fn a_copy_on_another_machine_gives_no_number_and_the_first_one_goes_on() {
    let mut device = Marked::new();
    let vault = device.create();
    take_number(&vault).unwrap();
    drop(vault);
    let mark = fs::read(device.mark()).unwrap();
    let image = device.image("elsewhere");
    for _ in 0..2 {
        let copy = device.elsewhere(&mark).open_in(&image);
        is_told(&copy);
        drop(copy);
        let first = device.open();
        assert!(!first.is_a_copy());
        take_number(&first).unwrap();
    }
}

#[test]
fn a_store_that_was_put_back_gives_no_number() {
    let mut device = Marked::new();
    drop(device.create());
    let image = device.image("yesterday");
    drop(device.open()); // one opening later
    device.put_back(&image);
    for _ in 0..2 {
        is_told(&device.open());
    }
}

#[test]
fn a_store_that_was_put_back_within_one_opening_is_told_by_its_count() {
    let mut device = Marked::new();
    let vault = device.create();
    vault.checkpoint().unwrap();
    let image = device.image("this morning"); // of a running machine
    for _ in 0..300 {
        take_number(&vault).unwrap();
    }
    drop(vault);
    device.put_back(&image);
    is_told(&device.open());
}

#[test]
fn without_its_mark_a_store_that_had_one_gives_no_number_and_one_of_an_older_build_gets_one() {
    let mut device = Marked::new();
    drop(device.create());
    fs::remove_file(device.mark()).unwrap();
    is_told(&device.open());

    let mut older = Marked::new();
    let place = std::mem::take(&mut older.secrets.marks);
    drop(older.create());
    older.secrets.marks = place;
    assert!(!older.open().is_a_copy());
    let (image, mark) = (older.image("copy"), fs::read(older.mark()).unwrap());
    is_told(&older.elsewhere(&mark).open_in(&image));
    assert!(!older.open().is_a_copy());
}

#[test]
fn a_machine_that_has_no_name_goes_on_and_its_mark_takes_the_name_that_it_gets() {
    let mut device = Marked::new();
    device.secrets.machine.clear();
    take_number(&device.create()).unwrap();
    // Still none; then it is called something, as after an update that knows how to ask; then nobody can read it any more.
    for name in ["", "this machine", "", "this machine", ""] {
        device.secrets.machine = name.into();
        let vault = device.open();
        assert!(!vault.is_a_copy(), "called {name:?}");
        take_number(&vault).unwrap();
    }
    // The name that was known counts, also after the days without one.
    let mark = fs::read(device.mark()).unwrap();
    let image = device.image("elsewhere");
    is_told(&device.elsewhere(&mark).open_in(&image));
}

#[test]
fn without_a_name_a_copy_is_told_by_its_words_and_a_store_that_was_put_back_by_its_count() {
    let mut device = Marked::new();
    device.secrets.machine.clear();
    let vault = device.create();
    vault.checkpoint().unwrap();
    let image = device.image("this morning");
    for _ in 0..300 {
        take_number(&vault).unwrap();
    }
    drop(vault);
    let mark = fs::read(device.mark()).unwrap();
    let mut elsewhere = device.elsewhere(&mark);
    elsewhere.secrets.machine.clear();
    is_told(&elsewhere.open_in(&image)); // the count

    let (image, mark) = (device.image("elsewhere"), fs::read(device.mark()).unwrap());
    drop(device.open()); // the first one goes on: the word of its store is another one
    fs::write(elsewhere.mark(), fs::read(device.mark()).unwrap()).unwrap();
    is_told(&elsewhere.open_in(&image));
    // Where the mark was copied with it, of the very same moment, nothing tells: said in the page.
    fs::write(elsewhere.mark(), mark).unwrap();
    assert!(!elsewhere.open_in(&image).is_a_copy());
}

#[test]
fn a_mark_that_lies_under_a_folder_that_is_gone_stops_nobody() {
    let mut device = Marked::new();
    let away = device.home.path().join("away");
    device.secrets = device.secrets.clone().marked_at(MarkPlace::File(away.join("numbers")));
    let vault = device.create();
    for n in 1..=200 {
        assert_eq!(take_number(&vault).unwrap(), format!("A-{n:06}"));
    }
}
