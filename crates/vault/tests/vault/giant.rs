//! A day's queue that everybody works in, and a visit that four devices edit apart: what stays, goes on and is kept grows
//! with what there is to say, not with how often it was said.
//!
//! As a test with a tenth of it; with `MEDIECO_GIANT=1` whole:
//! `MEDIECO_GIANT=1 cargo test --workspace --test vault giant -- --nocapture`.

use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Instant;

use domain::{QueueEntryId, QueueState, VisitId};
use rusqlite::Connection;
use vault::{NewQueueEntry, Vault};

use crate::snapshots::{DAY_MS, MovedClock, healthy, keep_house, still_clock};
use crate::world::*;

const TODAY: &str = "2026-11-21";

fn so_many(whole: usize) -> usize {
    if std::env::var_os("MEDIECO_GIANT").is_some() {
        whole
    } else {
        whole / 10
    }
}

/// A device with a clock that the test moves.
struct Device {
    vault: Vault,
    clock: Arc<MovedClock>,
    dir: std::path::PathBuf,
    key: [u8; 32],
    _folder: tempfile::TempDir,
}

impl Device {
    fn new(clinic: &Clinic, device: usize) -> Self {
        let (folder, secrets) = (tempfile::tempdir().unwrap(), clinic.secrets(device));
        let (clock, ports) = still_clock(device as u64);
        let dir = folder.path().join("clinic");
        let vault = Vault::create(&dir, &secrets, &clinic.statements, ports).unwrap();
        Self {
            vault,
            clock,
            dir,
            key: *secrets.db_key,
            _folder: folder,
        }
    }

    /// Bytes of all sealed changes that are here.
    fn n_bytes(&self) -> u64 {
        let raw = Connection::open(self.dir.join("vault.db")).unwrap();
        raw.pragma_update(None, "key", format!("x'{}'", hex::encode(self.key)))
            .unwrap();
        raw.query_row("SELECT sum(length(sealed)) FROM changes", [], |row| {
            row.get::<_, i64>(0)
        })
        .unwrap() as u64
    }
}

/// Everybody hears everybody.
fn hear_each_other(devices: &[Device]) -> usize {
    let sent: Vec<Vec<Vec<u8>>> = devices.iter().map(|device| take_outbox(&device.vault)).collect();
    for (to, device) in devices.iter().enumerate() {
        let others = sent.iter().enumerate().filter(|(from, _)| *from != to);
        let all: Vec<Vec<u8>> = others.flat_map(|(_, changes)| changes.clone()).collect();
        if !all.is_empty() {
            deliver(&device.vault, all);
        }
    }
    sent.iter().map(Vec::len).sum()
}

/// Snapshots are made, confirmed and heard of; a month goes by, and what they hold goes.
fn months_go_by(devices: &[Device]) -> usize {
    loop {
        let mut n_done = 0;
        for device in devices {
            let done = keep_house(&device.vault);
            n_done += done.n_made + done.n_confirmed;
        }
        if hear_each_other(devices) == 0 && n_done == 0 {
            break;
        }
    }
    let mut n_dropped = 0;
    for device in devices {
        keep_house(&device.vault);
        device.clock.0.fetch_add(31 * DAY_MS, Ordering::Relaxed);
        n_dropped += keep_house(&device.vault).n_dropped;
    }
    n_dropped
}

fn all_alike(devices: &[Device]) {
    for pair in devices.windows(2) {
        assert_same(&pair[0].vault, &pair[1].vault);
    }
    healthy(&devices[0].vault);
}

#[test]
fn a_visit_that_four_devices_edit_apart_is_one_again_and_its_history_goes() {
    let clinic = Clinic::with_devices(4);
    let devices = [0, 1, 2, 3].map(|device| Device::new(&clinic, device));
    write(&devices[0].vault, |w| {
        w.put_patient(&patient(1))?;
        w.open_visit(&visit(1))
    });
    hear_each_other(&devices);
    let n_each = so_many(1_250);
    let began = Instant::now();
    for (who, device) in devices.iter().enumerate() {
        for n in 0..n_each {
            let words = [format!("Device {who} says {n}."), "It goes on.".to_owned()];
            let words: Vec<&str> = words.iter().map(String::as_str).collect();
            write(&device.vault, |w| w.put_note(visit_id(1), &note(&words)));
        }
    }
    let written = began.elapsed();
    let n_sent = hear_each_other(&devices);
    let heard = began.elapsed() - written;
    assert_eq!(n_sent, 4 * n_each);
    all_alike(&devices);
    let before = (devices[0].vault.set_of_changes().unwrap().count, devices[0].n_bytes());

    // Housekeeping is done where the document lies open in four versions, and once more after a person has written on top.
    write(&devices[2].vault, |w| w.put_note(visit_id(1), &note(&["All agree."])));
    hear_each_other(&devices);
    for device in &devices {
        device.vault.snapshot_everything().unwrap();
    }
    let n_dropped = months_go_by(&devices);
    all_alike(&devices);
    let after = (devices[0].vault.set_of_changes().unwrap().count, devices[0].n_bytes());
    println!(
        "{} edits of one visit from four devices apart: {:.1} ms each, all heard in {} ms; {} changes of {} KB, and {} of {} KB \
         after a month",
        4 * n_each,
        written.as_secs_f64() * 1000.0 / (4 * n_each) as f64,
        heard.as_millis(),
        before.0,
        before.1 / 1000,
        after.0,
        after.1 / 1000,
    );
    assert!(before.0 >= (4 * n_each) as u64);
    assert!(n_dropped >= 4 * n_each, "{n_dropped} were thrown away");
    assert!(after.0 <= 20, "{} changes are left", after.0);
    assert!(after.1 * 3 < before.1, "{} bytes of {}", after.1, before.1);
    let words = read(&devices[3].vault, |r| r.visit(visit_id(1))).unwrap().note;
    assert!(words.subjective.iter().any(|sentence| sentence.text == "All agree."));
}

#[test]
fn a_patient_whom_twenty_devices_edit_while_they_are_split_is_one_again_for_all() {
    let n_devices = 20;
    let clinic = Clinic::with_devices(n_devices);
    let devices: Vec<Device> = (0..n_devices).map(|device| Device::new(&clinic, device)).collect();
    write(&devices[0].vault, |w| w.put_patient(&patient(1)));
    hear_each_other(&devices);
    let n_each = so_many(50);
    for (who, device) in devices.iter().enumerate() {
        for n in 0..n_each {
            let mut edited = read(&device.vault, |r| r.patient(patient_id(1))).unwrap();
            edited.phone = format!("01{who:02}-{n:07}");
            write(&device.vault, |w| w.put_patient(&edited));
        }
    }
    let began = Instant::now();
    assert_eq!(hear_each_other(&devices), n_devices * n_each);
    println!(
        "{} edits of one patient from {n_devices} devices: {} ms until all {n_devices} had heard of all",
        n_devices * n_each,
        began.elapsed().as_millis()
    );
    all_alike(&devices);
    let ends = (0..n_devices).map(|who| format!("01{who:02}-{:07}", n_each - 1));
    let phone = read(&devices[0].vault, |r| r.patient(patient_id(1))).unwrap().phone;
    assert!(
        ends.collect::<Vec<_>>().contains(&phone),
        "somebody's last word: {phone}"
    );
}

#[test]
fn a_days_queue_of_many_patients_and_thousands_of_moves_stays_small() {
    let clinic = Clinic::with_devices(2);
    let devices = [0, 1].map(|device| Device::new(&clinic, device));
    let n_patients = so_many(400);
    let entry = |n: usize| {
        let mut id = [7; 16];
        id[..8].copy_from_slice(&(n as u64).to_be_bytes());
        id
    };
    let began = Instant::now();
    let states = [QueueState::Called, QueueState::InConsult, QueueState::Done];
    let mut n_moves = 0;
    for n in 0..n_patients {
        let vault = &devices[n % 2].vault;
        let new = NewQueueEntry {
            id: QueueEntryId::from_bytes(entry(n)),
            patient: patient_id(1),
            visit: VisitId::from_bytes(entry(n)),
            reason: "demam".into(),
            doctor: None,
            arrived_at: at(n as i64),
        };
        let queued = write(vault, |w| w.add_to_queue(day(TODAY), &new));
        for round in 0..2 {
            for state in states {
                write(vault, |w| w.set_queue_state(queued.id, state));
                n_moves += 1;
            }
            let back = if round == 0 {
                QueueState::Waiting
            } else {
                QueueState::Done
            };
            write(vault, |w| w.set_queue_state(queued.id, back));
        }
        if n % 20 == 19 {
            hear_each_other(&devices);
            for device in &devices {
                keep_house(&device.vault);
            }
        }
    }
    hear_each_other(&devices);
    let worked = began.elapsed();
    let before = devices[0].n_bytes();
    let n_dropped = months_go_by(&devices);
    all_alike(&devices);
    let (n_live, after) = (devices[0].vault.set_of_changes().unwrap().count, devices[0].n_bytes());
    println!(
        "a queue of {n_patients} patients with {n_moves} moves: {:.1} ms each; {} KB, and {} KB in {n_live} changes after a month",
        worked.as_secs_f64() * 1000.0 / n_moves as f64,
        before / 1000,
        after / 1000,
    );
    assert_eq!(read(&devices[1].vault, |r| r.queue(day(TODAY))).len(), n_patients);
    assert!(n_dropped > n_moves, "{n_dropped} were thrown away");
    assert!(n_live <= 20, "{n_live} changes are left");
    assert!(after * 3 < before, "{after} bytes of {before}");
}
