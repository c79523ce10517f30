//! What one field edited takes: `cargo run --release --example edit_figures -- ratio FOLDER` edits a telephone 1 200 times, in turn
//! with a bare commit of as many bytes, on the disk of that folder: while both logs grow, and once both are written over.
//! `loop FOLDER` only edits, for `valgrind --tool=callgrind --toggle-collect='*edit_once*'`.
#![allow(clippy::unwrap_used, clippy::print_stdout, missing_docs)]

use std::path::Path;
use std::sync::Arc;
use std::time::Instant as Moment;

use domain::{Address, Day, Identifier, Instant, MyKad, Patient, PatientId, Sex, StaffId};
use rand_chacha::ChaCha20Rng;
use rand_core::SeedableRng;
use rusqlite::Connection;
use sync_protocol::SyncStore;
use vault::{MachineSecrets, Ports, Vault, VaultError};

struct StillClock;

impl vault::Clock for StillClock {
    fn now(&self) -> Instant {
        Instant::from_millisecond(1_795_000_000_000).unwrap()
    }
}

fn store(dir: &Path) -> Vault {
    let mut rng = ChaCha20Rng::seed_from_u64(1);
    let founded = seal::found_tenant(&mut rng, 1);
    let secrets = MachineSecrets::make(&founded.device, &mut rng);
    let ports = Ports {
        clock: Arc::new(StillClock),
        rng: Box::new(rng),
    };
    Vault::create(dir, &secrets, &founded.statements, ports).unwrap()
}

fn patient(n: usize) -> Patient {
    Patient {
        id: PatientId::from_bytes([1; 16]),
        name: "Nur Aisyah binti Ramli".into(),
        identifier: Identifier::MyKad {
            number: MyKad::parse("900101-14-5566").unwrap(),
        },
        birth_date: Some(Day("1990-01-01".parse().unwrap())),
        sex: Sex::Female,
        phone: format!("012-345 {n:04}"),
        address: Address {
            lines: "12 Jalan Melati 3\nTaman Seri Indah".into(),
            town: "Seremban".into(),
            postcode: "70200".into(),
            state: "Negeri Sembilan".into(),
        },
    }
}

/// In microseconds.
#[inline(never)]
fn edit_once(vault: &Vault, n: usize) -> f64 {
    let edited = patient(n);
    let begun = Moment::now();
    let staff = StaffId::from_bytes([3; 16]);
    let done: Result<(), VaultError> = vault.write(Some(staff), |w| w.put_patient(&edited));
    done.unwrap();
    begun.elapsed().as_secs_f64() * 1e6
}

fn bare(file: &Path) -> Connection {
    let conn = Connection::open(file).unwrap();
    let key = format!("x'{}'", "07".repeat(32));
    conn.pragma_update(None, "key", key).unwrap();
    conn.execute_batch(
        "PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL;
         CREATE TABLE rows (place INTEGER PRIMARY KEY, bytes BLOB NOT NULL) STRICT",
    )
    .unwrap();
    conn
}

/// In microseconds.
fn commit(conn: &Connection, bytes: &[u8]) -> f64 {
    let begun = Moment::now();
    let mut insert = conn.prepare_cached("INSERT INTO rows (bytes) VALUES (?1)").unwrap();
    insert.execute([bytes]).unwrap();
    begun.elapsed().as_secs_f64() * 1e6
}

fn median(some: &[f64]) -> f64 {
    let mut some = some.to_vec();
    some.sort_by(f64::total_cmp);
    some[some.len() / 2]
}

fn main() {
    let args: Vec<String> = std::env::args().skip(1).collect();
    let [what, folder] = &args[..] else {
        panic!("loop or ratio, and a folder");
    };
    let folder = tempfile::Builder::new().prefix("edit-").tempdir_in(folder).unwrap();
    let vault = store(&folder.path().join("clinic"));
    (9_000..9_020).for_each(|n| _ = edit_once(&vault, n));
    if what == "loop" {
        (0..300).for_each(|n| _ = edit_once(&vault, n));
        return;
    }
    let bytes = vec![0xA5; vault.outbox(1, 1 << 20).unwrap()[0].bytes.len()];
    let conn = bare(&folder.path().join("bare.db"));
    let (mut ours, mut theirs) = (Vec::new(), Vec::new());
    for round in 0..1_200 {
        if round % 2 == 0 {
            ours.push(edit_once(&vault, round));
            theirs.push(commit(&conn, &bytes));
        } else {
            theirs.push(commit(&conn, &bytes));
            ours.push(edit_once(&vault, round));
        }
    }
    for (what, rounds) in [
        ("both logs grow", 0..150),
        ("both are written over", 850..1_200),
        ("as the bench has it", 0..1_000),
    ] {
        let (ours, theirs) = (median(&ours[rounds.clone()]), median(&theirs[rounds]));
        let ratio = ours / theirs;
        println!("{what}: {ours:.0} µs, a bare commit {theirs:.0} µs, {ratio:.2} times");
    }
}
