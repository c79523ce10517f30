//! What a backup and a restore take: `cargo run --example backup_figures -- 20000` makes a clinic of so many patients in a
//! temporary folder, backs it up, restores it, and prints seconds, bytes and the most memory that was used.
#![allow(clippy::unwrap_used, clippy::print_stdout, missing_docs)]

use std::ops::ControlFlow;
use std::sync::Arc;
use std::time::Instant as Moment;

use domain::{Address, Identifier, Instant, MyKad, Patient, PatientId, Sex};
use rand_chacha::ChaCha20Rng;
use rand_core::SeedableRng;
use vault::{BackupOptions, BackupProgress, MachineSecrets, PassphraseFile, Ports, Vault, VaultError, restore};
use zeroize::Zeroizing;

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

fn go_on(_: BackupProgress) -> ControlFlow<()> {
    ControlFlow::Continue(())
}

fn patient(n: u32) -> Patient {
    let mut id = [0; 16];
    id[..4].copy_from_slice(&n.to_be_bytes());
    Patient {
        id: PatientId::from_bytes(id),
        name: format!("Nur Aisyah binti Ramli {n}"),
        identifier: Identifier::MyKad {
            number: MyKad::parse(&format!("90010114{:04}", n % 10_000)).unwrap(),
        },
        birth_date: None,
        sex: Sex::Female,
        phone: format!("+60 12-{n:07}"),
        address: Address {
            lines: format!("{n} Jalan Mawar"),
            postcode: "50000".into(),
            ..Address::default()
        },
    }
}

fn most_memory() -> String {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let line = status.lines().find(|line| line.starts_with("VmHWM"));
    line.unwrap_or("not known here")
        .split_whitespace()
        .collect::<Vec<_>>()
        .join(" ")
}

fn timed<T>(what: &str, f: impl FnOnce() -> T) -> T {
    let begun = Moment::now();
    let done = f();
    println!("{what}: {:.1} s ({})", begun.elapsed().as_secs_f64(), most_memory());
    done
}

fn main() {
    let n_patients: u32 = std::env::args().nth(1).map_or(2_000, |text| text.parse().unwrap());
    let folder = tempfile::tempdir().unwrap();
    let path = |name: &str| folder.path().join(name);
    let mut rng = ChaCha20Rng::seed_from_u64(1);
    let founded = seal::found_tenant(&mut rng, 0);
    let secrets = MachineSecrets::make(&founded.device, &mut rng);
    let vault = Vault::create(&path("clinic"), &secrets, &founded.statements, ports(2)).unwrap();
    timed(&format!("{n_patients} patients"), || {
        for first in (0..n_patients).step_by(500) {
            let these = first..n_patients.min(first + 500);
            vault
                .write(None, |w| {
                    these.clone().try_for_each(|n| w.put_patient(&patient(n)))?;
                    Ok::<_, VaultError>(())
                })
                .unwrap();
        }
        vault.checkpoint().unwrap();
    });
    println!(
        "store: {} bytes",
        std::fs::metadata(path("clinic").join("vault.db")).unwrap().len()
    );
    std::fs::create_dir(path("stick")).unwrap();
    let options = BackupOptions {
        folder: path("stick"),
        with_sound: true,
        relay: None,
    };
    let mut stages = Vec::new();
    let begun = Moment::now();
    let report = timed("backup, tested", || {
        let mut watch = |progress: BackupProgress| {
            if stages.last().is_none_or(|(stage, _)| *stage != progress.stage) {
                stages.push((progress.stage, begun.elapsed()));
            }
            go_on(progress)
        };
        vault.back_up(&options, &mut watch).unwrap()
    });
    for (stage, at) in stages {
        println!("  {stage:?} from {:.1} s", at.as_secs_f64());
    }
    println!("backup: {} bytes, {} changes", report.n_bytes, report.n_changes);
    let dir = path("new");
    let holder = PassphraseFile::new(&dir, Zeroizing::new("kuala lumpur 1957".to_owned()));
    timed("restore", || {
        restore(&report.file, &founded.kit, &dir, &holder, ports(3), &mut go_on).unwrap()
    });
}
