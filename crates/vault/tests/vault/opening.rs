use std::fs;
use std::io::{Seek, SeekFrom, Write};
use std::path::Path;
use std::time::{Duration, SystemTime};

use vault::{Looked, MachineSecrets, OpenError, Vault};

use crate::world::{
    Clinic, Machine, MadeAgain, at, day, line, note, patient, patient_id, ports, read, rng, visit_id, write,
};

/// A machine with a few hundred pages of patients, closed cleanly.
fn closed_with_patients() -> Machine {
    let mut machine = Machine::only();
    write(machine.vault(), |w| {
        (1..60).try_for_each(|n| w.put_patient(&patient(n)))
    });
    machine.close();
    machine
}

fn bytes_of(dir: &Path) -> Vec<(String, Vec<u8>)> {
    let mut files: Vec<_> = fs::read_dir(dir)
        .unwrap()
        .map(|entry| entry.unwrap())
        .map(|entry| (entry.file_name().into_string().unwrap(), entry.path()))
        // The shared-memory index is SQLite's scratch paper.
        .filter(|(name, path)| path.is_file() && !name.ends_with("-shm"))
        .map(|(name, path)| (name, fs::read(path).unwrap()))
        .collect();
    files.sort();
    files
}

fn flip(path: &Path, place: u64) {
    let mut bytes = fs::read(path).unwrap();
    bytes[usize::try_from(place).unwrap()] ^= 1;
    fs::write(path, bytes).unwrap();
}

/// Opening gives this error, and every file is as it was.
fn refuses(machine: &mut Machine, expected: fn(&OpenError) -> bool) {
    let before = bytes_of(&machine.dir);
    let error = machine.try_open().unwrap_err();
    assert!(expected(&error), "{error:?}");
    assert!(before == bytes_of(&machine.dir), "opening changed a file");
}

#[test]
fn what_was_written_is_there_after_reopening() {
    let mut machine = Machine::only();
    write(machine.vault(), |w| w.put_patient(&patient(7)));
    machine.reopen();
    assert_eq!(read(machine.vault(), |r| r.patient(patient_id(7))), Some(patient(7)));
}

#[test]
fn the_file_holds_no_plain_text() {
    let machine = Machine::only();
    write(machine.vault(), |w| w.put_patient(&patient(7)));
    for (name, bytes) in bytes_of(&machine.dir) {
        assert!(!bytes.windows(6).any(|window| window == b"Aisyah"), "{name}");
        assert!(!bytes.windows(6).any(|window| window == b"SQLite"), "{name}");
    }
}

#[test]
fn a_wrong_key_is_told_and_nothing_is_touched() {
    let mut machine = closed_with_patients();
    let clinic = Clinic::with_devices(1);
    machine.secrets = MachineSecrets::make(&clinic.devices[0], &mut rng(77));
    refuses(&mut machine, |error| matches!(error, OpenError::WrongKey));
    fs::remove_file(machine.dir.join("mark")).unwrap();
    refuses(&mut machine, |error| matches!(error, OpenError::WrongKey));
}

#[test]
fn a_flipped_bit_is_told_wherever_it_is_and_nothing_is_touched() {
    let machine = closed_with_patients();
    let whole = fs::read(machine.file()).unwrap();
    let mut machine = machine;
    let n_bytes = whole.len() as u64;
    for place in [3, 17, 100, 4096 + 5, n_bytes / 2, n_bytes - 1] {
        flip(&machine.file(), place);
        refuses(&mut machine, |error| matches!(error, OpenError::Damaged));
        fs::write(machine.file(), &whole).unwrap();
    }
    machine.try_open().unwrap();
}

/// As a store of many years is: not looked through before it is opened.
fn opened_at_once(machine: &Machine) -> Vault {
    Vault::open_looking_at(&machine.dir, &machine.secrets, ports(500), 0).unwrap()
}

#[test]
fn a_large_store_is_looked_through_once_it_is_open() {
    let machine = closed_with_patients();
    let vault = opened_at_once(&machine);
    assert!(!vault.is_looked_through());
    assert_eq!(vault.look_through().unwrap(), Looked::Sound);
    assert!(vault.is_looked_through() && !vault.is_damaged());
    vault.stop_looking();
    assert_eq!(
        vault.look_through().unwrap(),
        Looked::Stopped,
        "whoever closes does not wait for it"
    );
}

#[test]
fn damage_that_is_found_while_a_store_is_open_is_told_now_and_by_the_next_opening() {
    let mut machine = closed_with_patients();
    let whole = fs::read(machine.file()).unwrap();
    // The last page: nobody needs it to open the store.
    flip(&machine.file(), whole.len() as u64 - 2_000);
    let vault = opened_at_once(&machine);
    assert_eq!(vault.look_through().unwrap(), Looked::Damaged);
    assert!(vault.is_damaged());
    drop(vault);
    // However large it is: what was found is not forgotten.
    refuses(&mut machine, |error| matches!(error, OpenError::Damaged));
    let at_once = Vault::open_looking_at(&machine.dir, &machine.secrets, ports(501), 0);
    assert!(matches!(at_once, Err(OpenError::Damaged)));

    fs::write(machine.file(), whole).unwrap();
    let vault = opened_at_once(&machine);
    assert!(vault.is_looked_through(), "since it was in doubt");
    drop(vault);
    assert!(!opened_at_once(&machine).is_looked_through(), "and is no more");
}

#[test]
fn a_truncated_file_is_told_and_nothing_is_touched() {
    let mut machine = closed_with_patients();
    let whole = fs::read(machine.file()).unwrap();
    for n_bytes in [0, 1, 4096, 8192 + 1, whole.len() - 4096, whole.len() - 1] {
        fs::write(machine.file(), &whole[..n_bytes]).unwrap();
        refuses(&mut machine, |error| matches!(error, OpenError::Damaged));
    }
}

#[test]
fn a_flipped_bit_in_the_log_is_found_by_the_mark_outside() {
    let mut machine = Machine::only();
    let copy = tempfile::tempdir().unwrap();
    for n in 1..20 {
        write(machine.vault(), |w| w.put_patient(&patient(n)));
    }
    // A power cut: the files as they are while the vault is open.
    for name in ["vault.db", "vault.db-wal", "mark", "lock"] {
        fs::copy(machine.dir.join(name), copy.path().join(name)).unwrap();
    }
    machine.close();
    machine.dir = copy.path().to_owned();
    let log = copy.path().join("vault.db-wal");
    let n_bytes = fs::metadata(&log).unwrap().len();
    let whole = fs::read(&log).unwrap();

    flip(&log, n_bytes / 2);
    refuses(
        &mut machine,
        |error| matches!(error, OpenError::Behind { store, mark: 19 } if *store < 19),
    );
    fs::write(&log, &whole).unwrap();
    machine.try_open().unwrap();
    assert_eq!(read(machine.vault(), |r| r.n_patients()), 19);
}

#[test]
fn a_store_that_is_behind_its_mark_opens_once_a_person_accepts_it() {
    let mut machine = closed_with_patients();
    let old = fs::read(machine.file()).unwrap();
    machine.try_open().unwrap();
    write(machine.vault(), |w| w.put_patient(&patient(99)));
    machine.close();
    fs::write(machine.file(), old).unwrap();
    refuses(&mut machine, |error| {
        matches!(error, OpenError::Behind { store: 1, mark: 2 })
    });
    vault::forget_mark(&machine.dir).unwrap();
    machine.try_open().unwrap();
    assert_eq!(read(machine.vault(), |r| r.patient(patient_id(99))), None);
}

#[test]
fn a_store_of_a_newer_build_is_not_opened_and_not_touched() {
    let mut machine = closed_with_patients();
    pretend_newer(&machine);
    refuses(&mut machine, |error| {
        matches!(
            error,
            OpenError::NewerSchema {
                found: 9999,
                known: 11..
            }
        )
    });
}

/// `frozen/store-2` was written by the build of the first landing, with the keys of [`Clinic::with_devices`].
fn with_an_older_store() -> Machine {
    let mut machine = Machine::only();
    machine.close();
    for name in ["vault.db", "mark", "tries"] {
        let frozen = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/frozen/store-2");
        fs::copy(frozen.join(name), machine.dir.join(name)).unwrap();
    }
    machine
}

#[test]
fn a_store_of_an_older_build_opens_whole_and_is_kept_as_it_was() {
    let mut machine = with_an_older_store();
    let (old, kept) = (fs::read(machine.file()).unwrap(), machine.dir.join("vault.db.before-2"));
    machine.try_open().unwrap();
    assert_eq!(fs::read(&kept).unwrap(), old);

    let vault = machine.vault();
    let report = vault.verify().unwrap();
    assert!(report.pages_hold && report.trees_hold && report.altered.is_empty() && report.unsigned.is_empty());
    assert!(report.missing.is_empty());
    assert_eq!(read(vault, |r| r.patient(patient_id(1))), Some(patient(1)));
    assert_eq!(read(vault, |r| r.queue(day("2026-11-21"))).len(), 1);
    let signed = read(vault, |r| r.visit(visit_id(1))).unwrap();
    assert_eq!((signed.note, signed.lines), (note(&["signed"]), vec![line(1)]));
    assert!(signed.signed[0].verified);
    let tables = vault.dump_tables().unwrap();
    vault.made_again();
    assert_eq!(vault.dump_tables().unwrap(), tables);
    write(vault, |w| w.put_patient(&patient(3)));

    machine.reopen();
    assert_eq!(fs::read(&kept).unwrap(), old, "kept while it is not old");
    assert_eq!(read(machine.vault(), |r| r.patient(patient_id(3))), Some(patient(3)));
}

#[test]
fn the_copy_of_before_a_migration_goes_after_thirty_days() {
    let mut machine = with_an_older_store();
    machine.try_open().unwrap();
    let kept = machine.dir.join("vault.db.before-2");
    let made = |days: u64| SystemTime::from(at(0).0) - Duration::from_hours(24 * days);
    let file = fs::File::options().append(true).open(&kept).unwrap();
    for (days, is_there) in [(29, true), (31, false)] {
        file.set_modified(made(days)).unwrap();
        machine.reopen();
        assert_eq!(kept.exists(), is_there);
    }
}

fn pretend_newer(machine: &Machine) {
    let conn = rusqlite::Connection::open(machine.file()).unwrap();
    conn.pragma_update(None, "key", format!("x'{}'", hex::encode(*machine.secrets.db_key)))
        .unwrap();
    conn.execute(
        "INSERT INTO refinery_schema_history VALUES (9999, 'from_the_future', '2030-01-01T00:00:00Z', '1')",
        [],
    )
    .unwrap();
}

#[test]
fn one_process_has_a_vault_at_a_time_and_dropping_the_last_clone_lets_go() {
    let mut machine = Machine::only();
    let clone = machine.vault().clone();
    machine.close();
    refuses(&mut machine, |error| matches!(error, OpenError::Busy));
    drop(clone);
    machine.try_open().unwrap();
}

#[test]
fn a_vault_is_made_once_and_only_for_a_member() {
    let (clinic, other) = (Clinic::with_devices(1), Clinic::from_seed(1, 7));
    let folder = tempfile::tempdir().unwrap();
    let dir = folder.path().join("clinic");
    assert!(matches!(
        Vault::open(&dir, &clinic.secrets(0), ports(0)),
        Err(OpenError::NotHere)
    ));
    let stranger = Vault::create(&dir, &other.secrets(0), &clinic.statements, ports(0));
    assert!(matches!(stranger, Err(OpenError::NotAMember)));
    assert!(!Vault::exists(&dir));
    drop(clinic.create_in(&dir, 0));
    assert!(Vault::exists(&dir));
    let again = Vault::create(&dir, &clinic.secrets(0), &clinic.statements, ports(0));
    assert!(matches!(again, Err(OpenError::AlreadyHere)));
}

#[test]
fn a_half_made_vault_of_a_crash_does_not_stop_the_next_making() {
    let clinic = Clinic::with_devices(1);
    let folder = tempfile::tempdir().unwrap();
    fs::write(folder.path().join("vault.db.making"), b"half").unwrap();
    let vault = clinic.create_in(folder.path(), 0);
    assert_eq!(vault.tenant(), clinic.tenant);
}

#[test]
fn a_torn_mark_does_not_stop_an_opening() {
    let mut machine = closed_with_patients();
    let mut mark = fs::OpenOptions::new()
        .write(true)
        .open(machine.dir.join("mark"))
        .unwrap();
    mark.seek(SeekFrom::Start(0)).unwrap();
    mark.write_all(&[0xff; 128]).unwrap();
    machine.try_open().unwrap();
}
