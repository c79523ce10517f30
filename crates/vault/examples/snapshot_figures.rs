//! What snapshots save: `cargo run --example snapshot_figures -- 9000` makes a day's queue of forty patients and a document
//! of so many changes on one device, takes them in on a second, and prints bytes and milliseconds before and after.
#![allow(clippy::unwrap_used, clippy::print_stdout, missing_docs)]

use std::path::Path;
use std::sync::Arc;
use std::time::Instant as Moment;

use domain::{Day, Identifier, Instant, Patient, PatientId, QueueEntryId, QueueState, Sex, VisitId};
use rand_chacha::ChaCha20Rng;
use rand_core::SeedableRng;
use seal::{DeviceKeys, EpochSecrets, Membership, Statement};
use sync_protocol::{OutId, PeerSet, PeerStore, Prefix, SyncStore};
use vault::{MachineSecrets, NewQueueEntry, Ports, Vault, VaultError};

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

/// Everything that waits to be sent.
fn sent(vault: &Vault) -> Vec<Vec<u8>> {
    let mut sent = Vec::new();
    loop {
        let items = vault.outbox(500, 1 << 22).unwrap();
        if items.is_empty() {
            return sent;
        }
        vault
            .mark_sent(&items.iter().map(|item| item.id).collect::<Vec<_>>())
            .unwrap();
        let changes = items.into_iter().filter(|item| matches!(item.id, OutId::Change(_)));
        sent.extend(changes.map(|item| item.bytes));
    }
}

/// What a new device would be given: how many, and their bytes.
fn live(vault: &Vault) -> (usize, usize) {
    let ids = vault
        .ids_under(PeerSet::Changes, Prefix::ROOT, None, usize::MAX)
        .unwrap();
    let changes = vault.changes(&ids, usize::MAX).unwrap();
    (changes.len(), changes.iter().flatten().map(Vec::len).sum())
}

struct Pair {
    vaults: [Vault; 2],
    secrets: MachineSecrets,
}

fn pair(dir: &Path) -> Pair {
    let mut rng = ChaCha20Rng::seed_from_u64(1);
    let founded = seal::found_tenant(&mut rng, 1);
    let mut statements: Vec<Statement> = founded.statements;
    let members = Membership::from_statements(founded.tenant, &statements).unwrap();
    let epochs = EpochSecrets::unwrap(&members, &founded.device).unwrap();
    let second = DeviceKeys::make(&mut rng);
    let added = seal::add_device(&members, &epochs, &founded.device, &second.public(), false, 2, &mut rng);
    statements.push(added.unwrap());
    let secrets = [&founded.device, &second].map(|keys| MachineSecrets::make(keys, &mut rng));
    let open = |n: usize| Vault::create(&dir.join(n.to_string()), &secrets[n], &statements, ports(n as u64)).unwrap();
    let vaults = [open(0), open(1)];
    let [first, _] = secrets;
    Pair { vaults, secrets: first }
}

/// One snapshot of everything, confirmed by the other.
fn confirm(Pair { vaults: [one, two], .. }: &Pair) {
    two.absorb_changes_from_peer(sent(one)).unwrap();
    one.snapshot_everything().unwrap();
    two.absorb_changes_from_peer(sent(one)).unwrap();
    while two.housekeeping(8).unwrap().n_confirmed > 0 {}
    let (word, was) = (sent(two), live(one));
    one.absorb_changes_from_peer(word).unwrap();
    println!("live: {was:?} changes and bytes, then {:?}", live(one));
}

fn queue_of_a_day() {
    let folder = tempfile::tempdir().unwrap();
    let pair = pair(folder.path());
    let day = Day("2026-11-21".parse().unwrap());
    for n in 0..40_u8 {
        // As random as real ones: nothing that deflate could save.
        let id = |what: u8| *blake3::hash(&[what, n]).as_bytes().first_chunk::<16>().unwrap();
        let entry = NewQueueEntry {
            id: QueueEntryId::from_bytes(id(1)),
            patient: PatientId::from_bytes(id(2)),
            visit: VisitId::from_bytes(id(3)),
            reason: "batuk dan demam".into(),
            arrived_at: Instant::from_millisecond(1_795_000_000_000).unwrap(),
            doctor: None,
        };
        let write =
            |f: &dyn Fn(&mut vault::Writing<'_>) -> Result<(), VaultError>| pair.vaults[0].write(None, |w| f(w));
        write(&|w| w.add_to_queue(day, &entry).map(drop)).unwrap();
        let states = [
            QueueState::Called,
            QueueState::InConsult,
            QueueState::Called,
            QueueState::InConsult,
        ];
        for state in states.into_iter().chain([QueueState::Done]) {
            write(&|w| w.set_queue_state(entry.id, state)).unwrap();
        }
    }
    println!("a day's queue, 40 patients, 6 changes each");
    confirm(&pair);
}

fn long_document(n_changes: u32) {
    let folder = tempfile::tempdir().unwrap();
    let mut pair = pair(folder.path());
    let edit = |vault: &Vault, n: u32| {
        let patient = Patient {
            id: PatientId::from_bytes([1; 16]),
            name: "Nur Aisyah binti Ramli".into(),
            identifier: Identifier::None,
            birth_date: None,
            sex: Sex::Female,
            phone: format!("+60 12-{n:07}"),
            address: domain::Address::default(),
        };
        vault.write(None, |w| w.put_patient(&patient)).unwrap();
    };
    (0..n_changes).for_each(|n| edit(&pair.vaults[0], n));
    let reopened = |pair: &mut Pair, what: &str, n: u32| {
        let spare = pair.vaults[1].clone();
        pair.vaults[0] = spare;
        pair.vaults[0] = Vault::open(&folder.path().join("0"), &pair.secrets, ports(7 + u64::from(n))).unwrap();
        let begun = Moment::now();
        edit(&pair.vaults[0], n);
        println!(
            "{what}: the first edit after opening takes {} ms",
            begun.elapsed().as_millis()
        );
    };
    println!("one document of {n_changes} changes");
    reopened(&mut pair, "as changes", n_changes);
    confirm(&pair);
    reopened(&mut pair, "as a snapshot", n_changes + 1);
}

fn main() {
    queue_of_a_day();
    let n = std::env::args().nth(1).and_then(|n| n.parse().ok()).unwrap_or(9_000);
    long_document(n);
}
