//! SIGKILL at every named place and at thirty seeded ones; what was acknowledged is there, whole and without gaps.
//!
//! The test binary starts itself again as the probe: with `MEDIECO_PROBE_DIR` set, the test `the_probe…` works on that
//! folder, tells on a pipe what was acknowledged, and dies where `MEDIECO_KILL_AT` says.

use std::collections::BTreeSet;
use std::io::Write;
use std::path::Path;
use std::process::{Command, ExitStatus};

use domain::{AllergyStatus, AttachmentId, RecordingId, Severity};
use rand_core::Rng;
use sync_protocol::{ChunkSource, ChunkStore, PeerStore};
use vault::{NewRecording, Vault, VaultError, kill};

use crate::nouns::queued;
use crate::sound::{RECORDING, recording};
use crate::world::*;

const PROBE: &str = "killing::the_probe_does_its_work_and_tells_what_was_acknowledged";
const TODAY: &str = "2026-11-21";

/// A recording of another device.
const ELSEWHERE: RecordingId = RecordingId::from_bytes([15; 16]);

/// What one run of the probe does, in order; each line is told once its writes are acknowledged.
fn work(vault: &Vault, clinic: &Clinic, mut acknowledged: impl FnMut(String)) {
    let folder = tempfile::tempdir().unwrap();
    let other = clinic.create_in(folder.path(), 1);
    write(vault, |w| w.start_recording(&recording()));
    acknowledged("recording".into());
    for n in 1..7 {
        // Two documents and a number in one write: all of it, or none.
        write(vault, |w| {
            w.put_patient(&patient(n))?;
            w.add_to_queue(day(TODAY), &queued(n)).map(|_| ())
        });
        acknowledged(format!("patient {n}"));
        vault.append_chunk(RECORDING, &[n; 500], 1000).unwrap();
        acknowledged(format!("chunk {n}"));
        write(&other, |w| w.put_staff(&doctor(n)));
        deliver(vault, take_outbox(&other));
        acknowledged(format!("staff {n}"));
        write(&other, |w| w.put_staff(&doctor(10 + n)));
        vault.absorb_changes_from_peer(take_outbox(&other)).unwrap();
        acknowledged(format!("staff of a peer {n}"));
    }
    write(&other, |w| {
        (20..90).try_for_each(|n| {
            w.put_patient(&patient(n))?;
            w.record_allergy(patient_id(n), &allergy(1, Severity::Mild))
        })
    });
    vault.read_in_background();
    deliver(vault, take_outbox(&other));
    while vault.read_on().unwrap() > 0 {}
    acknowledged("many".into());
    let sound = NewRecording {
        id: ELSEWHERE,
        attachment: AttachmentId::from_bytes([16; 16]),
        ..recording()
    };
    write(&other, |w| w.start_recording(&sound));
    for n in 0..3 {
        other.append_chunk(ELSEWHERE, &[n; 500], 1000).unwrap();
    }
    write(&other, |w| w.finish_recording(ELSEWHERE, at(1000)));
    deliver(vault, take_outbox(&other));
    vault.want_recording(ELSEWHERE).unwrap();
    acknowledged("wanted".into());
    while let Some((chunk, _)) = vault.wanted_chunk(&BTreeSet::new()).unwrap() {
        let sealed = other.chunk(&chunk).unwrap().unwrap();
        vault.absorb_chunk(&chunk, &sealed, ChunkSource::Peer).unwrap();
    }
    acknowledged("fetched".into());
    vault.checkpoint().unwrap();
    vault.made_again();
    acknowledged("rebuilt".into());
}

#[test]
fn the_probe_does_its_work_and_tells_what_was_acknowledged() {
    let clinic = Clinic::with_devices(2);
    let Some(dir) = std::env::var_os("MEDIECO_PROBE_DIR") else {
        let machine = Machine::new(&clinic, 0);
        let mut told = BTreeSet::new();
        work(machine.vault(), &clinic, |line| {
            told.insert(line);
        });
        assert_eq!(told.len(), 29);
        check(machine.vault(), &told);
        return;
    };
    let vault = Vault::open(Path::new(&dir), &clinic.secrets(0), ports(50)).unwrap();
    let mut out = std::fs::File::create(Path::new(&dir).join("acknowledged")).unwrap();
    work(&vault, &clinic, |line| {
        writeln!(out, "{line}").unwrap();
        out.sync_data().unwrap();
    });
}

/// Whatever was acknowledged is there; what is there is whole; nothing is missing in between.
fn check(vault: &Vault, told: &BTreeSet<String>) {
    while vault.read_on().unwrap() > 0 {}
    let n_many = (20..90)
        .filter(|n| read(vault, |r| r.patient(patient_id(*n))).is_some())
        .filter(|n| read(vault, |r| r.allergies(patient_id(*n))) != AllergyStatus::NotAsked)
        .count();
    assert!(
        n_many == 70 || n_many == 0 && !told.contains("many"),
        "{n_many} of 70 that came at once"
    );
    let n_chunks = read(vault, |r| r.recording(RECORDING)).map_or(0, |recording| recording.n_chunks);
    let queue = read(vault, |r| r.queue(day(TODAY)));
    for n in 1..7 {
        let registered = read(vault, |r| r.patient(patient_id(n))).is_some();
        let in_queue = queue.iter().any(|entry| entry.patient == patient_id(n));
        assert_eq!(registered, in_queue, "half a write of patient {n}");
        assert!(
            registered || !told.contains(&format!("patient {n}")),
            "patient {n} was lost"
        );
        assert!(
            n_chunks >= u32::from(n) || !told.contains(&format!("chunk {n}")),
            "chunk {n} was lost"
        );
        let hired = read(vault, |r| r.staff(staff_id(n))).is_some();
        assert!(hired || !told.contains(&format!("staff {n}")), "staff {n} was lost");
        let hired = read(vault, |r| r.staff(staff_id(10 + n))).is_some();
        assert!(
            hired || !told.contains(&format!("staff of a peer {n}")),
            "staff {n} of a peer was lost"
        );
    }
    let tokens: Vec<&str> = queue.iter().map(|entry| entry.token.0.as_str()).collect();
    assert_eq!(
        tokens,
        (1..=queue.len()).map(|n| format!("A{n:02}")).collect::<Vec<_>>()
    );
    for place in 0..n_chunks {
        assert_eq!(vault.read_chunk(RECORDING, place).unwrap().len(), 500);
    }
    if let Ok(sound) = vault.read::<_, VaultError>(|r| r.sound_of(ELSEWHERE)) {
        for place in 0..sound.of {
            // One that came just before the kill is whole or not there, and is asked for again.
            match vault.read_chunk(ELSEWHERE, place) {
                Ok(sound) => assert_eq!(sound.len(), 500),
                Err(error) => assert!(place >= sound.here, "chunk {place} counts: {error}"),
            }
        }
        let all = sound.here == 3;
        assert!(all || !told.contains("fetched"), "fetched sound was lost");
        assert!(
            all || sound.wanted || !told.contains("wanted"),
            "that it is wanted was lost"
        );
    }
    let report = vault.verify().unwrap();
    assert!(
        report.pages_hold && report.altered.is_empty() && report.missing.is_empty() && report.trees_hold,
        "{report:?}"
    );
    let tables = vault.dump_tables().unwrap();
    vault.made_again();
    assert_eq!(vault.dump_tables().unwrap(), tables);
    let waits = vault.read::<_, vault::VaultError>(|r| r.sync_figures()).unwrap();
    assert_eq!((waits.waiting, waits.quarantined), (0, 0));
}

/// Runs the probe until it is killed at `order`; gives whether it was.
fn run_and_kill(order: &str) -> bool {
    let clinic = Clinic::with_devices(2);
    let mut machine = Machine::new(&clinic, 0);
    machine.close();
    let outcome = Command::new(std::env::current_exe().unwrap())
        .args([PROBE, "--exact"])
        .env("MEDIECO_PROBE_DIR", &machine.dir)
        .env("MEDIECO_KILL_AT", order)
        .output()
        .unwrap();
    let told = std::fs::read_to_string(machine.dir.join("acknowledged")).unwrap_or_default();
    let told: BTreeSet<String> = told.lines().map(str::to_owned).collect();
    machine
        .try_open()
        .unwrap_or_else(|error| panic!("after {order}: {error:?}"));
    check(machine.vault(), &told);
    write(machine.vault(), |w| w.put_patient(&patient(99)));
    let killed = was_killed(outcome.status);
    assert!(
        killed || outcome.status.success(),
        "after {order}: {}",
        String::from_utf8_lossy(&outcome.stdout)
    );
    killed
}

#[cfg(unix)]
pub fn was_killed(status: ExitStatus) -> bool {
    use std::os::unix::process::ExitStatusExt;
    status.signal() == Some(9)
}

#[cfg(not(unix))]
pub fn was_killed(status: ExitStatus) -> bool {
    !status.success()
}

#[test]
fn a_kill_at_any_named_place_loses_nothing_that_was_acknowledged() {
    for point in kill::POINTS {
        assert!(run_and_kill(point), "nothing passes {point}");
    }
}

#[test]
fn a_kill_at_thirty_random_places_loses_nothing_that_was_acknowledged() {
    let mut rng = rng(2026);
    for _ in 0..30 {
        let passing = 1 + rng.next_u64() % 140;
        assert!(
            run_and_kill(&format!("*:{passing}")),
            "the probe passes fewer than {passing} places"
        );
    }
}
