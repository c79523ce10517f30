//! What an update takes: `cargo run --example ready_figures -- 3000` makes a clinic of so many patients in a temporary folder, each with
//! a visit, and has its tables made again as an opening does after an update, and at once, in turn: seconds, the longest log, and the
//! most memory that was used.
#![allow(clippy::unwrap_used, clippy::print_stdout, missing_docs)]

use std::ops::ControlFlow;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::{Duration, Instant as Moment};

use domain::{
    Address, Allergy, AllergyId, AllergyVerification, Day, Identifier, Instant, NoteSentence, Patient, PatientId,
    Severity, Sex, SoapNote, StaffId, VisitId,
};
use rand_chacha::ChaCha20Rng;
use rand_core::SeedableRng;
use vault::{AuditLine, FactBody, FactDraft, MachineSecrets, MakingReady, NewVisit, Ports, Vault, VaultError, Writing};

struct StillClock;

impl vault::Clock for StillClock {
    fn now(&self) -> Instant {
        Instant::from_millisecond(1_795_000_000_000).unwrap()
    }
}

fn ports(seed: u64) -> Ports {
    Ports {
        clock: Arc::new(StillClock),
        rng: Box::new(ChaCha20Rng::seed_from_u64(seed)),
    }
}

/// A patient who came once: her identity, an allergy, a note that was written in three goes, and two lines of the audit.
fn a_visit(w: &mut Writing<'_>, n: u32) -> Result<VisitId, VaultError> {
    let (now, by) = (w.now(), StaffId::from_bytes([3; 16]));
    let (id, visit) = (PatientId::make(now, w.rng()), VisitId::make(now, w.rng()));
    let allergy = AllergyId::make(now, w.rng());
    w.put_patient(&Patient {
        id,
        name: format!("Nur Aisyah binti Ramli {n}"),
        identifier: Identifier::None,
        birth_date: Some(Day("1990-01-01".parse().unwrap())),
        sex: Sex::Female,
        phone: format!("+60 12-{n:07}"),
        address: Address {
            lines: format!("{n} Jalan Mawar"),
            postcode: "50000".into(),
            ..Address::default()
        },
    })?;
    w.record_allergy(
        id,
        &Allergy {
            id: allergy,
            substance: "Penicillin".into(),
            substance_key: Some("penicillins".into()),
            reaction: "rash".into(),
            severity: Severity::Mild,
            verification: AllergyVerification::PatientReported,
            recorded_at: now,
            recorded_by: by,
        },
    )?;
    w.open_visit(&NewVisit {
        id: visit,
        patient: id,
        day: Day("2026-11-21".parse().unwrap()),
        opened_at: now,
        doctor: None,
    })?;
    for action in ["note.signed", "record.closed"] {
        let line = AuditLine {
            action: action.into(),
            patient: Some(id),
            visit: Some(visit),
            detail: String::new(),
        };
        let draft = FactDraft {
            at: now,
            by: Some(by),
            body: FactBody::Audit(line),
        };
        w.record_fact(&draft, None)?;
    }
    Ok(visit)
}

fn note(words: &str) -> SoapNote {
    SoapNote {
        subjective: vec![NoteSentence {
            text: words.to_owned(),
            source: None,
        }],
        ..SoapNote::default()
    }
}

fn fill(vault: &Vault, n_patients: u32) {
    for n in 0..n_patients {
        let visit = vault.write::<_, VaultError>(None, |w| a_visit(w, n)).unwrap();
        for words in ["cough", "cough for three days", "cough for three days, no fever"] {
            let written = vault.write::<_, VaultError>(None, |w| w.put_note(visit, &note(words)));
            written.unwrap();
        }
    }
}

/// Bytes; 0 where the system does not say.
fn most_memory() -> u64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let line = status.lines().find(|line| line.starts_with("VmHWM"));
    let kilobytes = line.and_then(|line| line.split_whitespace().nth(1)?.parse::<u64>().ok());
    kilobytes.unwrap_or_default() * 1024
}

/// Prints what it took.
fn measured<T>(what: &str, dir: &Path, act: impl FnOnce() -> T) -> T {
    // The most that was used begins anew.
    let _ = std::fs::write("/proc/self/clear_refs", "5");
    let (before, ends, longest) = (most_memory(), AtomicBool::new(false), AtomicU64::new(0));
    let log = dir.join("vault.db-wal");
    let (done, took) = std::thread::scope(|scope| {
        scope.spawn(|| {
            while !ends.load(Ordering::Relaxed) {
                let n_bytes = std::fs::metadata(&log).map_or(0, |log| log.len());
                longest.fetch_max(n_bytes, Ordering::Relaxed);
                std::thread::sleep(Duration::from_millis(5));
            }
        });
        let begun = Moment::now();
        let done = act();
        let took = begun.elapsed();
        ends.store(true, Ordering::Relaxed);
        (done, took)
    });
    let mib = |bytes: u64| bytes as f64 / f64::from(1 << 20);
    println!(
        "{what}: {:.1} s, log {:.1} MiB, {:.0} MiB of memory ({:.0} before)",
        took.as_secs_f64(),
        mib(longest.into_inner()),
        mib(most_memory()),
        mib(before),
    );
    done
}

fn main() {
    let n_patients = std::env::args().nth(1).map_or(3_000, |n| n.parse().unwrap());
    let folder = tempfile::tempdir().unwrap();
    let dir = folder.path().join("clinic");
    let mut rng = ChaCha20Rng::seed_from_u64(1);
    let founded = seal::found_tenant(&mut rng, 1);
    let secrets = MachineSecrets::make(&founded.device, &mut rng);
    let vault = Vault::create(&dir, &secrets, &founded.statements, ports(2)).unwrap();
    fill(&vault, n_patients);
    let n_changes = vault.set_of_changes().unwrap().count;
    vault.pretend_other_tables().unwrap();
    drop(vault);
    let n_bytes = std::fs::metadata(dir.join("vault.db")).unwrap().len();
    println!("{n_patients} patients, {n_changes} changes, {} MiB", n_bytes >> 20);
    for round in 0..3 {
        let (begun, mut first_read) = (Moment::now(), None);
        let mut watch = |at: MakingReady| {
            if at.done > 0 {
                first_read.get_or_insert(begun.elapsed());
            }
            ControlFlow::Continue(())
        };
        let vault = measured("as after an update", &dir, || {
            Vault::open_telling(&dir, &secrets, ports(10 + round), &mut watch).unwrap()
        });
        drop(vault);
        let first_read = first_read.unwrap_or_default().as_secs_f64();
        println!("    of these {first_read:.1} s until the first were read");
        let vault = Vault::open(&dir, &secrets, ports(20 + round)).unwrap();
        measured("at once", &dir, || vault.rebuild().unwrap());
        vault.pretend_other_tables().unwrap();
    }
}
