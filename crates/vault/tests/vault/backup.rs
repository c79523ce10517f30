//! Backups: what is in one, and a new device from one.

use std::fs;
use std::ops::ControlFlow;
use std::path::Path;

use proptest::prelude::*;
use seal::{RecoveryKit, SealedChange, found_tenant};
use sync_protocol::{Consent, OutId, OutItem, PeerSet, PeerStore, SyncStore, WantedFirst};
use tempfile::TempDir;
use vault::{
    BackupError, BackupOptions, BackupProgress, BackupReport, MachineSecrets, PassphraseFile, Restored, Vault,
    backup_head, restore,
};
use zeroize::Zeroizing;

use crate::merging::{do_something, shuffled};
use crate::nouns::queued;
use crate::removal::{remove, statements, take};
use crate::sharing::{END, GRANT, Pair, consents, releases};
use crate::sound::{RECORDING, recording};
use crate::world::*;

/// The kit of the clinic that [`Clinic::from_seed`] founds.
pub fn kit(seed: u64) -> RecoveryKit {
    found_tenant(&mut rng(seed), 1000).kit
}

pub fn go_on(_: BackupProgress) -> ControlFlow<()> {
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
    restored_by(&kit(42), file, dir)
}

fn restored_by(kit: &RecoveryKit, file: &Path, dir: &Path) -> Result<Restored, BackupError> {
    restore(file, kit, dir, &holder(dir), ports(900), &mut go_on)
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

pub struct Made {
    pub machine: Machine,
    pub folder: TempDir,
    pub report: BackupReport,
}

pub fn made() -> Made {
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
    let is_change = |item: &OutItem| matches!(item.id, OutId::Change(_));
    let offered = || new.vault.outbox(1000, 1 << 24).unwrap().into_iter().filter(is_change);
    assert_eq!(offered().count(), 0, "the relay may have all of it, and tells");
    let waits = new.vault.pending().unwrap();
    assert_eq!(waits, made.report.n_changes - 1, "all but what nobody can read");
    // What the relay turns out to have need not be sent.
    let (_, ids) = new.vault.since(PeerSet::Changes, 0, 1000).unwrap();
    let all = new.vault.changes(&ids, 1 << 24).unwrap().into_iter().flatten();
    let readable = all.filter(|bytes| SealedChange::decode(bytes).is_ok());
    deliver(&new.vault, readable.skip(3).collect());
    assert_eq!(new.vault.pending().unwrap(), 3);
    new.vault.came_to(9, 9).unwrap();
    assert_eq!(offered().count(), 3);
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
        vault.came_to(0, 0).unwrap();
        take_outbox(vault)
    };
    deliver(&new.vault, everything(second.vault()));
    assert_same(second.vault(), &new.vault);
    assert_eq!(read(&new.vault, |r| r.n_patients()), 9);
}

#[test]
fn agreements_and_what_took_them_back_are_in_a_backup_and_what_others_released_is_not() {
    let pair = Pair::new();
    let folder = tempfile::tempdir().unwrap();
    let (giver, receiver) = (pair.at_a.vault(), pair.at_b.vault());
    pair.introduce();
    consents(receiver, vec![Consent::Grant(pair.grant(END).encode())]);
    releases(receiver, &[pair.release(1, None)]);
    assert_eq!(read(receiver, |r| r.releases_received(GRANT)).len(), 1);
    let report = back_up(receiver, folder.path());
    let new = restored_by(&kit(2), &report.file, &folder.path().join("receiver"))
        .unwrap()
        .vault;
    assert_eq!(
        read(&new, |r| r.grants_received()).len(),
        1,
        "it holds by the giver's statements"
    );
    assert!(read(&new, |r| r.releases_received(GRANT)).is_empty());
    assert_eq!(new.inbound_grants(0).unwrap(), [GRANT], "they are fetched anew");

    write(giver, |w| {
        w.send_grant(&pair.grant(END))?;
        w.send_revocation(&pair.revocation())
    });
    take_outbox(giver);
    let report = back_up(giver, folder.path());
    let new = restored_by(&kit(1), &report.file, &folder.path().join("giver"))
        .unwrap()
        .vault;
    assert_eq!(read(&new, |r| r.grants_given())[0].revoked_at_ms, Some(77));
    let offered: Vec<OutId> = new.outbox(10, 1 << 20).unwrap().iter().map(|item| item.id).collect();
    assert_eq!(
        offered,
        [OutId::Grant(GRANT), OutId::Revocation(GRANT)],
        "what was revoked stays revoked"
    );
}

/// The file is never changed: `MEDIECO_FREEZE=1` writes it if it is not there.
#[test]
fn every_build_restores_what_version_1_wrote() {
    let frozen = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/frozen/version-1.backup");
    let folder = tempfile::tempdir().unwrap();
    if std::env::var_os("MEDIECO_FREEZE").is_some() && !frozen.exists() {
        let pair = Pair::new();
        let giver = pair.at_a.vault();
        let others = pair.b.statements.iter().map(seal::Statement::bytes).collect();
        giver.absorb_foreign_statements(pair.b.tenant, others).unwrap();
        write(giver, |w| {
            w.put_patient(&patient(1))?;
            w.start_recording(&recording())?;
            w.send_grant(&pair.grant(END))?;
            w.send_revocation(&pair.revocation())
        });
        giver.append_chunk(RECORDING, b"frozen sound", 1000).unwrap();
        fs::copy(back_up(giver, folder.path()).file, &frozen).unwrap();
    }
    let new = restored_by(&kit(1), &frozen, &folder.path().join("clinic")).unwrap();
    assert_eq!(new.relay.as_deref(), Some("wss://relay.example"));
    let vault = new.vault;
    assert_eq!(read(&vault, |r| r.patient(patient_id(1))), Some(patient(1)));
    assert_eq!(vault.read_chunk(RECORDING, 0).unwrap().as_slice(), b"frozen sound");
    assert_eq!(read(&vault, |r| r.grants_given())[0].revoked_at_ms, Some(77));
    let other = Clinic::from_seed(1, 2).tenant;
    assert!(read(&vault, |r| r.foreign_membership(other)).is_some());
}

#[test]
fn what_a_removed_device_could_not_send_is_in_its_backup_and_put_aside_for_review() {
    let clinic = Clinic::with_devices(2);
    let (admin, lost) = (Machine::new(&clinic, 0), Machine::new(&clinic, 1));
    write(lost.vault(), |w| w.put_patient(&patient(1)));
    remove(admin.vault(), lost.vault().device());
    lost.vault().add_statements(&statements(admin.vault())).unwrap();
    let folder = tempfile::tempdir().unwrap();
    let report = back_up(lost.vault(), folder.path());
    let new = restored(&report.file, &folder.path().join("clinic")).unwrap().vault;
    assert_eq!(new.set_of_changes().unwrap(), lost.vault().set_of_changes().unwrap());
    assert_eq!(read(&new, |r| r.put_aside())[0].reason, "after_removal");
    assert_eq!(read(&new, |r| r.n_patients()), 0);
    take(&new, lost.vault().device());
    assert_eq!(read(&new, |r| r.n_patients()), 1);
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

proptest! {
    #![proptest_config(inputs(8))]

    /// Whatever was written and heard, in whatever order, and whatever still waits for a parent.
    #[test]
    fn a_restored_copy_is_equal_and_ends_where_all_others_end(
        steps in prop::collection::vec((0usize..2, 0u64..60), 1..24),
        n_heard in 0usize..24,
        seed in any::<u64>(),
    ) {
        let clinic = Clinic::with_devices(3);
        let [first, second, keeper] = [0, 1, 2].map(|device| Machine::new(&clinic, device));
        let mut all = Vec::new();
        for (who, choice) in steps {
            let [here, there] = if who == 0 { [&first, &second] } else { [&second, &first] };
            do_something(here.vault(), choice);
            let written = take_outbox(here.vault());
            if choice % 3 == 0 {
                deliver(there.vault(), written.clone());
            }
            all.extend(written);
        }
        let heard = shuffled(&all, seed);
        deliver(keeper.vault(), heard[..n_heard.min(heard.len())].to_vec());
        let folder = tempfile::tempdir().unwrap();
        let report = back_up(keeper.vault(), folder.path());
        let new = restored(&report.file, &folder.path().join("clinic")).unwrap().vault;
        assert_same(keeper.vault(), &new);
        prop_assert!(new.verify().unwrap().trees_hold);

        for vault in [first.vault(), &new] {
            deliver(vault, all.clone());
        }
        assert_same(first.vault(), &new);
        prop_assert_eq!(read(&new, |r| r.sync_figures()).waiting, 0);
    }
}
