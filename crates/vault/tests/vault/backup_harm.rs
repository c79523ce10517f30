//! Backups that go wrong: cut off, altered, cancelled, on a full or a pulled stick. The store is as it was, and nothing
//! half counts as a backup.

use std::fs;
use std::io::{Read, Seek, SeekFrom, Write};
use std::ops::ControlFlow;
use std::path::{Path, PathBuf};

use rand_core::Rng;
use sync_protocol::SyncStore;
use tempfile::TempDir;
use vault::{BackupError, BackupOptions, BackupStage, OpenError, Vault, VaultError};

use crate::backup::{back_up, go_on, made, options, restored};
use crate::sound::{RECORDING, recording};
use crate::world::*;

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

#[test]
fn a_machine_with_too_little_room_restores_nothing_and_says_so() {
    let (_stick, file, _, _) = several_pieces();
    for kib in [64, 256, 512] {
        let Some(disk) = testkit::small_tmpfs(kib) else {
            return;
        };
        let dir = disk.path().join("clinic");
        let outcome = restored(&file, &dir).map(drop);
        assert!(
            matches!(
                outcome,
                Err(BackupError::Vault(VaultError::DiskFull) | BackupError::Open(OpenError::DiskFull))
            ),
            "{kib} KiB: {outcome:?}"
        );
        assert!(!dir.exists());
    }
}
