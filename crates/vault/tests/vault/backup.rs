//! Backups: what is in one, what a broken one does, and a new device from one.

use std::fs;
use std::io::{Read, Seek, SeekFrom, Write};
use std::ops::ControlFlow;
use std::path::{Path, PathBuf};

use rand_core::Rng;
use seal::{RecoveryKit, found_tenant};
use sync_protocol::{OutId, SyncStore};
use tempfile::TempDir;
use vault::{
    BackupError, BackupOptions, BackupProgress, BackupReport, BackupStage, MachineSecrets, PassphraseFile, Restored,
    Vault, VaultError, backup_head, restore,
};
use zeroize::Zeroizing;

use crate::nouns::queued;
use crate::sound::{RECORDING, recording};
use crate::world::*;

/// The kit of the clinic that [`Clinic::from_seed`] founds.
pub fn kit(seed: u64) -> RecoveryKit {
    found_tenant(&mut rng(seed), 1000).kit
}

fn go_on(_: BackupProgress) -> ControlFlow<()> {
    ControlFlow::Continue(())
}

pub fn options(folder: &Path) -> BackupOptions {
    BackupOptions {
        folder: folder.to_owned(),
        with_sound: true,
        relay: Some("wss://relay.example".to_owned()),
    }
}

pub fn back_up(vault: &Vault, folder: &Path) -> BackupReport {
    vault.back_up(&options(folder), &mut go_on).unwrap()
}

pub fn holder(dir: &Path) -> PassphraseFile {
    PassphraseFile::new(dir, Zeroizing::new("kuala lumpur 1957".to_owned()))
}

pub fn restored(file: &Path, dir: &Path) -> Result<Restored, BackupError> {
    restore(file, &kit(42), dir, &holder(dir), ports(900), &mut go_on)
}

/// A clinic with something of everything in it.
pub fn busy(machine: &Machine, clinic: &Clinic) {
    let vault = machine.vault();
    let folder = tempfile::tempdir().unwrap();
    let other = clinic.create_in(folder.path(), 1);
    write(vault, |w| w.start_recording(&recording()));
    for n in 1..9 {
        write(vault, |w| {
            w.put_patient(&patient(n))?;
            w.add_to_queue(day("2026-11-21"), &queued(n)).map(|_| ())
        });
        vault.append_chunk(RECORDING, &[n; 3000], 1000).unwrap();
        write(&other, |w| w.put_staff(&doctor(n)));
    }
    write(vault, |w| w.finish_recording(RECORDING, at(9000)));
    exchange(vault, &other);
    write(&other, |w| w.put_staff(&doctor(99)));
    deliver(vault, vec![vec![1, 2, 3], take_outbox(&other).remove(0)]); // one that nobody can read
}

struct Made {
    machine: Machine,
    folder: TempDir,
    report: BackupReport,
}

fn made() -> Made {
    let clinic = Clinic::with_devices(2);
    let machine = Machine::new(&clinic, 0);
    busy(&machine, &clinic);
    let folder = tempfile::tempdir().unwrap();
    let report = back_up(machine.vault(), folder.path());
    Made {
        machine,
        folder,
        report,
    }
}

fn files(folder: &Path) -> Vec<String> {
    let names = fs::read_dir(folder).unwrap();
    let mut names: Vec<String> = names
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .collect();
    names.sort();
    names
}

/// What the store says of itself: it must not change by any backup.
fn state(vault: &Vault) -> (vault::SetDigest, Vec<String>, u64) {
    let set = vault.set_of_changes().unwrap();
    (set, vault.dump_tables().unwrap(), vault.pending().unwrap())
}

#[test]
fn a_new_device_from_a_backup_holds_all_that_the_old_one_held() {
    let made = made();
    let (old, report) = (made.machine.vault(), &made.report);
    assert_eq!((report.n_chunks, report.n_chunks_missing), (8, 0));
    assert_eq!(report.n_bytes, fs::metadata(&report.file).unwrap().len());
    let head = backup_head(&report.file).unwrap();
    assert_eq!(
        (head.tenant(), head.made_at_ms()),
        (old.tenant(), at(0).as_millisecond())
    );

    let place = tempfile::tempdir().unwrap();
    let dir = place.path().join("clinic");
    let new = restored(&report.file, &dir).unwrap();
    assert_eq!(new.relay.as_deref(), Some("wss://relay.example"));
    assert_eq!((new.n_changes, new.n_chunks), (report.n_changes, 8));
    assert_same(old, &new.vault);
    for place in 0..8 {
        let sound = |vault: &Vault| vault.read_chunk(RECORDING, place).unwrap().to_vec();
        assert_eq!(sound(old), sound(&new.vault));
    }
    assert_ne!(old.device(), new.vault.device());
    let belonging = new.vault.belonging();
    assert!(belonging.membership.is_admin(&new.vault.device()));
    let report = new.vault.verify().unwrap();
    assert!(
        report.trees_hold && report.altered.is_empty() && report.unsigned.is_empty(),
        "{report:?}"
    );

    // It writes under a letter of its own, and the old one takes what it writes.
    write(&new.vault, |w| w.put_patient(&patient(50)));
    assert_ne!(
        read(old, |r| Ok(r.device_prefix())),
        read(&new.vault, |r| Ok(r.device_prefix()))
    );
    old.absorb_statements(new.vault.statements().unwrap()).unwrap();
    deliver(old, take_outbox(&new.vault));
    assert_same(old, &new.vault);

    drop(new);
    let secrets = vault::KeyHolder::load(&holder(&dir)).unwrap();
    let again = Vault::open(&dir, &secrets, ports(901)).unwrap();
    assert_same(old, &again);
}

#[test]
fn no_key_of_a_device_no_setting_and_no_number_is_in_a_backup() {
    let clinic = Clinic::with_devices(1);
    let machine = Machine::new(&clinic, 0);
    write(machine.vault(), |w| {
        w.put_setting("person/x", "a wrapped key")?;
        w.put_patient(&patient(1))
    });
    let folder = tempfile::tempdir().unwrap();
    let report = back_up(machine.vault(), folder.path());
    let place = tempfile::tempdir().unwrap();
    let dir = place.path().join("clinic");
    let new = restored(&report.file, &dir).unwrap();
    assert_eq!(read(&new.vault, |r| r.setting("person/x")), None);
    let theirs = MachineSecrets::make(&clinic.devices[0], &mut rng(1)).device;
    assert_ne!(*vault::KeyHolder::load(&holder(&dir)).unwrap().device, *theirs);
}

#[test]
fn what_a_backup_holds_waits_for_a_relay_that_may_have_lost_it() {
    let made = made();
    let place = tempfile::tempdir().unwrap();
    let new = restored(&made.report.file, &place.path().join("clinic")).unwrap();
    let offered = new.vault.outbox(1000, 1 << 24).unwrap();
    let n_changes = offered
        .iter()
        .filter(|item| matches!(item.id, OutId::Change(_)))
        .count() as u64;
    assert_eq!(n_changes, made.report.n_changes - 1, "all but what nobody can read");
}

#[test]
fn an_old_backup_loses_nothing_and_doubles_nothing_once_it_meets_the_others() {
    let clinic = Clinic::with_devices(2);
    let (first, second) = (Machine::new(&clinic, 0), Machine::new(&clinic, 1));
    write(first.vault(), |w| (1..5).try_for_each(|n| w.put_patient(&patient(n))));
    let folder = tempfile::tempdir().unwrap();
    let old = back_up(first.vault(), folder.path());
    write(first.vault(), |w| (5..9).try_for_each(|n| w.put_patient(&patient(n))));
    write(second.vault(), |w| w.put_staff(&doctor(1)));
    exchange(first.vault(), second.vault());

    let place = tempfile::tempdir().unwrap();
    let new = restored(&old.file, &place.path().join("clinic")).unwrap();
    write(&new.vault, |w| w.put_patient(&patient(20)));
    second
        .vault()
        .absorb_statements(new.vault.statements().unwrap())
        .unwrap();
    deliver(second.vault(), take_outbox(&new.vault));
    let everything = |vault: &Vault| {
        vault.begin_incarnation(&INCARNATION).unwrap();
        vault.begin_incarnation(&sync_protocol::Incarnation([9; 16])).unwrap();
        take_outbox(vault)
    };
    deliver(&new.vault, everything(second.vault()));
    assert_same(second.vault(), &new.vault);
    assert_eq!(read(&new.vault, |r| r.n_patients()), 9);
}

#[test]
fn another_kit_an_occupied_folder_and_what_is_no_backup_restore_nothing() {
    let made = made();
    let place = tempfile::tempdir().unwrap();
    let dir = place.path().join("clinic");
    let with = |file: &Path, kit: &RecoveryKit| {
        restore(file, kit, &dir, &holder(&dir), ports(7), &mut go_on)
            .map(drop)
            .unwrap_err()
    };
    assert!(matches!(with(&made.report.file, &kit(43)), BackupError::WrongKeys));
    assert!(!dir.exists());
    let picture = place.path().join("holiday.jpg");
    fs::write(&picture, [0xff; 5000]).unwrap();
    assert!(matches!(with(&picture, &kit(42)), BackupError::NotABackup));
    fs::write(&picture, b"").unwrap();
    assert!(matches!(with(&picture, &kit(42)), BackupError::NotABackup));
    assert!(matches!(
        with(&place.path().join("absent"), &kit(42)),
        BackupError::FolderMissing
    ));
    assert!(!dir.exists());
    fs::create_dir(&dir).unwrap();
    fs::write(dir.join("vault.db"), b"somebody's").unwrap();
    assert!(matches!(with(&made.report.file, &kit(42)), BackupError::AlreadyHere));
    assert_eq!(fs::read(dir.join("vault.db")).unwrap(), b"somebody's");
}

#[test]
fn a_backup_of_a_newer_format_is_told_as_one() {
    let place = tempfile::tempdir().unwrap();
    let file = place.path().join("newer.backup");
    let mut head = b"MEDIECO\x1a\0\0\0\x05\xa2\x00\x02\x01\xf6".to_vec();
    head.extend(blake3::derive_key("MediEco seal v1 backup head check", &head));
    head.extend([0; 4000]);
    fs::write(&file, head).unwrap();
    let dir = place.path().join("clinic");
    assert!(matches!(restored(&file, &dir).map(drop), Err(BackupError::Newer)));
    assert!(!dir.exists());
}

/// A backup of several pieces, its bytes, and how long its head is.
fn several_pieces() -> (TempDir, PathBuf, Vec<u8>, usize) {
    let machine = Machine::new(&Clinic::with_devices(1), 0);
    write(machine.vault(), |w| w.start_recording(&recording()));
    for n in 0..5 {
        machine.vault().append_chunk(RECORDING, &[n; 40_000], 1000).unwrap();
    }
    let folder = tempfile::tempdir().unwrap();
    let report = back_up(machine.vault(), folder.path());
    let bytes = fs::read(&report.file).unwrap();
    let n_head = seal::BackupHead::n_bytes(bytes.first_chunk().unwrap()).unwrap();
    assert!(bytes.len() > n_head + 3 * seal::BACKUP_PIECE_BYTES);
    (folder, report.file, bytes, n_head)
}

#[test]
fn a_backup_that_was_cut_off_or_altered_anywhere_restores_nothing_and_says_so() {
    let (folder, file, whole, n_head) = several_pieces();
    let dir = folder.path().join("clinic");
    let refused = |bytes: &[u8], what: &str| {
        fs::write(&file, bytes).unwrap();
        let outcome = restored(&file, &dir).map(drop);
        assert!(
            matches!(outcome, Err(BackupError::Damaged | BackupError::NotABackup)),
            "{what}: {outcome:?}"
        );
        assert!(!dir.exists(), "{what}: something was left");
    };
    let piece = seal::BACKUP_PIECE_BYTES + seal::BACKUP_PIECE_OVERHEAD;
    for edge in (n_head..whole.len()).step_by(piece) {
        for cut in [edge.saturating_sub(1), edge, edge + 1] {
            refused(&whole[..cut], &format!("cut off at {cut}"));
        }
    }
    refused(&whole[..whole.len() - 1], "without its last byte");
    refused(&[&whole[..], &[0]].concat(), "with a byte more");
    let (first, second) = (n_head, n_head + piece);
    let swapped = [
        &whole[..first],
        &whole[second..second + piece],
        &whole[first..second],
        &whole[second + piece..],
    ];
    refused(&swapped.concat(), "with two pieces swapped");
    let mut rng = rng(2026);
    for _ in 0..40 {
        let place = usize::try_from(rng.next_u64()).unwrap() % whole.len();
        let mut altered = whole.clone();
        altered[place] ^= 1 << (rng.next_u32() % 8);
        refused(&altered, &format!("altered at {place}"));
    }
    fs::write(&file, &whole).unwrap();
    restored(&file, &dir).unwrap();
}

#[test]
fn a_backup_that_is_cancelled_at_any_moment_leaves_nothing() {
    let made = made();
    let before = state(made.machine.vault());
    let folder = tempfile::tempdir().unwrap();
    let mut stages = Vec::new();
    made.machine
        .vault()
        .back_up(&options(folder.path()), &mut |progress| {
            stages.push(progress.stage);
            go_on(progress)
        })
        .unwrap();
    assert!(
        [BackupStage::Writing, BackupStage::Reading, BackupStage::Judging]
            .iter()
            .all(|stage| stages.contains(stage))
    );
    let kept = files(folder.path());
    for stop_at in (1..=stages.len()).step_by(stages.len() / 12) {
        let mut n = 0;
        let outcome = made.machine.vault().back_up(&options(folder.path()), &mut |_| {
            n += 1;
            if n < stop_at {
                ControlFlow::Continue(())
            } else {
                ControlFlow::Break(())
            }
        });
        assert!(matches!(outcome, Err(BackupError::Cancelled)), "{stop_at}");
        assert_eq!(files(folder.path()), kept);
    }
    assert_eq!(state(made.machine.vault()), before);
    assert!(!files(&made.machine.dir).iter().any(|name| name.contains("trial")));
}

#[test]
fn a_folder_that_is_gone_or_cannot_be_written_is_told() {
    let made = made();
    let fails = |folder: &Path| made.machine.vault().back_up(&options(folder), &mut go_on).unwrap_err();
    let absent = made.folder.path().join("absent");
    assert!(matches!(fails(&absent), BackupError::FolderMissing));
    assert!(!absent.exists());
    let file = made.folder.path().join("a file");
    fs::write(&file, b"x").unwrap();
    assert!(matches!(fails(&file), BackupError::FolderMissing));
}

#[test]
fn a_stick_that_is_pulled_while_it_is_written_leaves_the_store_as_it_was() {
    let made = made();
    let before = state(made.machine.vault());
    let stick = made.folder.path().join("stick");
    fs::create_dir(&stick).unwrap();
    let outcome = made.machine.vault().back_up(&options(&stick), &mut |progress| {
        if progress.stage == BackupStage::Writing && progress.done == 3 {
            fs::remove_dir_all(&stick).unwrap();
        }
        go_on(progress)
    });
    assert!(matches!(outcome, Err(BackupError::FolderMissing)), "{outcome:?}");
    assert_eq!(state(made.machine.vault()), before);
}

#[test]
fn the_clinic_works_on_while_a_backup_is_made() {
    let made = made();
    let vault = made.machine.vault();
    let mut n = 60;
    let report = vault
        .back_up(&options(made.folder.path()), &mut |progress| {
            if n < 70 {
                n += 1;
                write(vault, |w| w.put_patient(&patient(n)));
            }
            go_on(progress)
        })
        .unwrap();
    assert_eq!(
        report.n_changes, made.report.n_changes,
        "one state, whatever came meanwhile"
    );
    assert_eq!(read(vault, |r| r.n_patients()), 18);
}

#[test]
fn what_does_not_read_back_as_it_was_written_is_not_kept() {
    let (folder, kept, _, n_head) = several_pieces();
    let machine = Machine::new(&Clinic::with_devices(1), 0);
    write(machine.vault(), |w| w.start_recording(&recording()));
    for n in 0..5 {
        machine.vault().append_chunk(RECORDING, &[n; 40_000], 1000).unwrap();
    }
    let before = state(machine.vault());
    for place in [10, n_head + 100, n_head + seal::BACKUP_PIECE_BYTES + 100] {
        let mut spoilt = false;
        let outcome = machine.vault().back_up(&options(folder.path()), &mut |progress| {
            if progress.stage == BackupStage::Writing && progress.done == progress.of && !spoilt {
                let part = files(folder.path())
                    .into_iter()
                    .find(|name| name.ends_with(".part"))
                    .unwrap();
                let mut file = fs::File::options()
                    .read(true)
                    .write(true)
                    .open(folder.path().join(part))
                    .unwrap();
                let mut byte = [0];
                file.seek(SeekFrom::Start(place as u64)).unwrap();
                file.read_exact(&mut byte).unwrap();
                file.seek(SeekFrom::Start(place as u64)).unwrap();
                file.write_all(&[byte[0] ^ 1]).unwrap();
                spoilt = true;
            }
            go_on(progress)
        });
        assert!(matches!(outcome, Err(BackupError::Differs("file"))), "{outcome:?}");
        assert_eq!(files(folder.path()), [kept.file_name().unwrap().to_str().unwrap()]);
    }
    assert_eq!(state(machine.vault()), before);
}

#[test]
fn sound_that_is_not_on_this_machine_is_counted_and_stops_nothing() {
    let made = made();
    let sound = made
        .machine
        .dir
        .join("attachments")
        .join(recording().attachment.to_string());
    let mut chunks: Vec<PathBuf> = fs::read_dir(&sound)
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .collect();
    fs::remove_file(chunks.pop().unwrap()).unwrap();
    fs::write(chunks.pop().unwrap(), b"not what was written").unwrap();
    let report = back_up(made.machine.vault(), made.folder.path());
    assert_eq!((report.n_chunks, report.n_chunks_missing), (6, 2));
    let without = BackupOptions {
        with_sound: false,
        ..options(made.folder.path())
    };
    let report = made.machine.vault().back_up(&without, &mut go_on).unwrap();
    assert_eq!((report.n_chunks, report.n_chunks_missing), (0, 0));
}

#[test]
fn a_full_stick_is_told_and_holds_no_half_backup() {
    let Some(disk) = testkit::small_tmpfs(1_024) else {
        return;
    };
    let made = made();
    let before = state(made.machine.vault());
    fs::write(disk.path().join("filler"), vec![1; 1_020 * 1_024]).unwrap();
    let outcome = made.machine.vault().back_up(&options(disk.path()), &mut go_on);
    assert!(matches!(outcome, Err(BackupError::FolderFull)), "{outcome:?}");
    assert_eq!(files(disk.path()), ["filler"]);
    assert_eq!(state(made.machine.vault()), before);
}

#[test]
fn a_store_whose_disk_has_no_room_for_the_test_keeps_no_backup_and_loses_nothing() {
    let Some(disk) = testkit::small_tmpfs(4_096) else {
        return;
    };
    let clinic = Clinic::with_devices(1);
    let dir = disk.path().join("clinic");
    let vault = clinic.create_in(&dir, 0);
    write(&vault, |w| (1..60).try_for_each(|n| w.put_patient(&patient(n))));
    vault.checkpoint().unwrap();
    let before = state(&vault);
    let filler = disk.path().join("filler");
    let mut n_bytes = 4_096 * 1_024;
    while fs::write(&filler, vec![1; n_bytes]).is_err() {
        n_bytes -= 4_096;
    }
    let folder = tempfile::tempdir().unwrap();
    let outcome = vault.back_up(&options(folder.path()), &mut go_on);
    assert!(
        matches!(
            outcome,
            Err(BackupError::Vault(VaultError::DiskFull) | BackupError::Open(_))
        ),
        "{outcome:?}"
    );
    assert!(files(folder.path()).is_empty());
    assert_eq!(state(&vault), before);
    fs::remove_file(filler).unwrap();
    back_up(&vault, folder.path());
}
