//! What is stored first and judged later: what today's work needs comes first, kills cost nothing, and the end is the same.

use std::path::Path;
use std::process::Command;

use domain::{AllergyStatus, Day, Severity};
use seal::SealedChange;
use sync_protocol::{Scope, SyncStore};
use vault::Vault;

use crate::killing::was_killed;
use crate::nouns::queued;
use crate::peers::meet;
use crate::world::*;

const N: u8 = 60;
/// As many changes come at once; more than are judged as they come.
const BATCH: usize = 73;
/// Of these a large batch is judged as it comes: a member of the staff, everybody's name, two in the queue.
const AT_ONCE: u64 = 1 + N as u64 + 2;

fn today(vault: &Vault) -> Day {
    read(vault, |r| r.today())
}

/// A clinic's work: everybody with an identity, an allergy and a visit, some of them in today's queue.
pub fn work(vault: &Vault) {
    write(vault, |w| w.put_staff(&doctor(1)));
    for from in (1..=N).step_by(20) {
        write(vault, |w| {
            (from..from + 20).try_for_each(|n| {
                w.put_patient(&patient(n))?;
                w.record_allergy(patient_id(n), &allergy(1, Severity::Mild))?;
                w.open_visit(&visit(n))
            })
        });
        for words in [["cough", "three days"], ["cough", "four days"]] {
            write(vault, |w| {
                (from..from + 20).try_for_each(|n| w.put_note(visit_id(n), &note(&words)))
            });
        }
        write(vault, |w| {
            (from..from + 20).try_for_each(|n| w.record_allergy(patient_id(n), &allergy(2, Severity::Severe)))
        });
    }
    let day = today(vault);
    for n in [7, 9] {
        write(vault, |w| w.add_to_queue(day, &queued(n)).map(drop));
    }
}

fn left(vault: &Vault) -> u64 {
    read(vault, |r| r.sync_figures()).to_be_read
}

fn n_allergies(vault: &Vault, n: u8) -> usize {
    match read(vault, |r| r.allergies(patient_id(n))) {
        AllergyStatus::Known { allergies } => allergies.len(),
        _ => 0,
    }
}

fn n_found(vault: &Vault) -> usize {
    read(vault, |r| r.search_patients("aisyah", 400)).len()
}

fn deliver_in_batches(vault: &Vault, changes: &[Vec<u8>]) {
    changes.chunks(BATCH).for_each(|batch| deliver(vault, batch.to_vec()));
}

/// A device that has stored everything and read nothing.
fn stored(clinic: &Clinic, device: usize, changes: &[Vec<u8>]) -> Machine {
    let machine = Machine::new(clinic, device);
    machine.vault().read_in_background();
    deliver_in_batches(machine.vault(), changes);
    machine
}

pub fn clinic_at_work() -> (Clinic, Machine, Vec<Vec<u8>>) {
    let clinic = Clinic::with_devices(3);
    let writer = Machine::new(&clinic, 0);
    work(writer.vault());
    let changes = take_outbox(writer.vault());
    // The last batch is a large one too.
    assert!(
        changes.len() > 300 && changes.len() % BATCH >= 64,
        "{} changes",
        changes.len()
    );
    (clinic, writer, changes)
}

#[test]
fn what_todays_work_needs_is_read_first_and_the_rest_follows() {
    let (clinic, writer, changes) = clinic_at_work();
    let new = stored(&clinic, 1, &changes);
    let vault = new.vault();
    let day = today(vault);
    assert_eq!(left(vault), changes.len() as u64 - AT_ONCE);
    assert_eq!(read(vault, |r| r.sync_figures()).n_changes, changes.len() as u64);
    let (staff, queue) = (read(vault, |r| r.all_staff()), read(vault, |r| r.queue(day)));
    assert_eq!((n_found(vault), staff.len(), queue.len()), (usize::from(N), 1, 2));
    assert_eq!(
        vault.set_of_changes().unwrap(),
        writer.vault().set_of_changes().unwrap(),
        "a member of the set before it is read"
    );

    let notes = || {
        (1..=N)
            .filter(|n| read(vault, |r| r.visit(visit_id(*n))).is_some())
            .collect::<Vec<_>>()
    };
    assert_eq!(notes(), Vec::<u8>::new());
    let mut left_before = left(vault);
    vault.read_on().unwrap();
    assert_eq!(notes(), [7, 9], "whoever is in the queue is read first");
    while left(vault) > 0 {
        assert!(left(vault) < left_before, "what was read is no longer to be read");
        left_before = left(vault);
        vault.read_on().unwrap();
    }
    assert_same(vault, writer.vault());
    let tables = vault.dump_tables().unwrap();
    vault.made_again();
    assert_eq!(vault.dump_tables().unwrap(), tables);
}

#[test]
fn a_patient_whom_somebody_opens_is_read_at_once_and_who_writes_writes_on_top_of_what_came() {
    let (clinic, writer, changes) = clinic_at_work();
    let new = stored(&clinic, 1, &changes);
    let vault = new.vault();
    let n_left = left(vault);
    vault.read_first(patient_id(33), None).unwrap();
    assert_eq!((n_allergies(vault, 33), n_allergies(vault, 34)), (2, 0));
    assert_eq!(left(vault), n_left - 2);

    write(vault, |w| w.record_allergy(patient_id(40), &allergy(3, Severity::Mild)));
    assert_eq!(left(vault), n_left - 4, "what she wrote on top of was read");
    let sent = take_outbox(vault);
    assert_eq!(sent.len(), 1);
    deliver(writer.vault(), sent);
    assert_eq!(n_allergies(writer.vault(), 40), 3);
    while vault.read_on().unwrap() > 0 {}
    assert_same(vault, writer.vault());
}

#[test]
fn a_document_that_was_made_ahead_gives_way_to_what_is_here_of_it() {
    let (clinic, writer, changes) = clinic_at_work();
    let apart = Machine::new(&clinic, 2);
    write(apart.vault(), |w| {
        w.record_allergy(patient_id(33), &allergy(3, Severity::Mild))
    });
    let one = take_outbox(apart.vault());
    let mut new = Machine::new(&clinic, 1);
    deliver(new.vault(), one.clone());
    assert_eq!(n_allergies(new.vault(), 33), 1, "it is in the tables");
    // And loaded no longer.
    new.close();
    new.try_open().unwrap();
    new.vault().read_in_background();
    deliver_in_batches(new.vault(), &changes);
    while new.vault().read_on().unwrap() > 0 {}
    assert_eq!(n_allergies(new.vault(), 33), 3);
    deliver(writer.vault(), one);
    assert_same(new.vault(), writer.vault());
}

#[test]
fn who_writes_while_others_read_on_loses_nothing() {
    let (clinic, writer, changes) = clinic_at_work();
    let new = stored(&clinic, 1, &changes);
    let vault = new.vault();
    std::thread::scope(|scope| {
        scope.spawn(|| while vault.read_on().unwrap() > 0 {});
        for n in 1..=N {
            write(vault, |w| w.record_allergy(patient_id(n), &allergy(3, Severity::Mild)));
        }
    });
    assert_eq!(left(vault), 0);
    assert!((1..=N).all(|n| n_allergies(vault, n) == 3));
    deliver(writer.vault(), take_outbox(vault));
    assert_same(vault, writer.vault());
    let tables = vault.dump_tables().unwrap();
    vault.made_again();
    assert_eq!(vault.dump_tables().unwrap(), tables);
}

#[test]
fn few_changes_are_judged_as_they_come_also_while_others_wait() {
    let (clinic, writer, changes) = clinic_at_work();
    let new = stored(&clinic, 1, &changes);
    write(writer.vault(), |w| w.put_patient(&patient(90)));
    deliver(new.vault(), take_outbox(writer.vault()));
    assert_eq!(n_found(new.vault()), usize::from(N) + 1);
    assert_eq!(left(new.vault()), changes.len() as u64 - AT_ONCE);
}

#[test]
fn a_device_is_removed_with_what_of_it_is_still_to_be_read() {
    let (clinic, writer, changes) = clinic_at_work();
    let new = stored(&clinic, 1, &changes);
    let device = clinic.devices[0].id();
    let ends = |vault: &Vault| read(vault, |r| r.ends_of(&device));
    assert_eq!(ends(new.vault()), ends(writer.vault()));
    // Somebody's word for it does not make it longer.
    let mut forged = SealedChange::decode(&changes[0]).unwrap().encode();
    let last = forged.len() - 1;
    forged[last] ^= 1;
    deliver(new.vault(), vec![forged; 64]);
    assert_eq!(ends(new.vault()), ends(writer.vault()));
}

#[test]
fn a_backup_reads_everything_first() {
    let (clinic, writer, changes) = clinic_at_work();
    let new = stored(&clinic, 1, &changes);
    let folder = tempfile::tempdir().unwrap();
    let options = crate::backup::options(folder.path());
    new.vault().back_up(&options, &mut crate::backup::go_on).unwrap();
    assert_eq!(left(new.vault()), 0);
    assert_same(new.vault(), writer.vault());
}

const PROBE: &str = "backlog::the_probe_takes_in_and_reads_on";

/// Goes on from the cursor, and reads on after each batch.
fn take_in_and_read_on(vault: &Vault, changes: &[Vec<u8>]) {
    vault.read_in_background();
    let at = usize::try_from(vault.cursor(&INCARNATION, &Scope::Changes).unwrap()).unwrap();
    for batch in changes[at..].chunks(BATCH) {
        deliver(vault, batch.to_vec());
        vault.read_on().unwrap();
    }
    while vault.read_on().unwrap() > 0 {}
}

fn changes_in(dir: &Path) -> Vec<Vec<u8>> {
    let text = std::fs::read_to_string(dir.join("changes")).unwrap();
    text.lines().map(|line| hex::decode(line).unwrap()).collect()
}

#[test]
fn the_probe_takes_in_and_reads_on() {
    let Some(dir) = std::env::var_os("MEDIECO_PROBE_DIR") else {
        return;
    };
    let dir = Path::new(&dir);
    let clinic = Clinic::with_devices(3);
    let vault = Vault::open(dir, &clinic.secrets(1), ports(50)).unwrap();
    take_in_and_read_on(&vault, &changes_in(dir));
}

#[test]
fn a_new_device_that_is_killed_twenty_times_ends_with_the_tables_of_a_rebuild_and_its_sibling_too() {
    let (clinic, writer, changes) = clinic_at_work();
    let mut new = Machine::new(&clinic, 1);
    let lines: Vec<String> = changes.iter().map(hex::encode).collect();
    std::fs::write(new.dir.join("changes"), lines.join("\n")).unwrap();
    new.close();
    let mut n_kills = 0;
    // Most die before or right after a commit: five batches, then slices.
    let passings = [4, 2, 4, 3, 4, 1, 4, 2, 4, 1, 1, 2, 1, 2, 1, 2, 1, 1, 2, 1];
    for passing in passings {
        let outcome = Command::new(std::env::current_exe().unwrap())
            .args([PROBE, "--exact"])
            .env("MEDIECO_PROBE_DIR", &new.dir)
            .env("MEDIECO_KILL_AT", format!("*:{passing}"))
            .output()
            .unwrap();
        n_kills += usize::from(was_killed(outcome.status));
        assert!(
            was_killed(outcome.status) || outcome.status.success(),
            "{}",
            String::from_utf8_lossy(&outcome.stdout)
        );
    }
    assert_eq!(n_kills, 20);
    new.try_open().unwrap();
    take_in_and_read_on(new.vault(), &changes);
    assert_same(new.vault(), writer.vault());
    assert!(new.vault().verify().unwrap().missing.is_empty());

    // The third device has no relay: all that it hears comes from its sibling.
    let third = Machine::new(&clinic, 2);
    third.vault().read_in_background();
    drop(meet(&clinic, [(third.vault(), 2), (new.vault(), 1)]));
    assert!(left(third.vault()) > 0, "what comes from a sibling is stored first too");
    while third.vault().read_on().unwrap() > 0 {}
    assert_same(third.vault(), writer.vault());
    let tables = third.vault().dump_tables().unwrap();
    third.vault().made_again();
    assert_eq!(third.vault().dump_tables().unwrap(), tables);
}
