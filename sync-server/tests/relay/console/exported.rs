//! What a clinic's export has in it, read back part by part; and what is left of its attachments once it is removed. In a file
//! and a folder, and on PostgreSQL with a bucket, and crosswise.

use std::collections::BTreeMap;
use std::io::Read;
use std::path::Path;

use seal::TenantId;
use sync_protocol::sim::{SimClinic, SimDevice};
use sync_protocol::{ChunkId, OutId};
use sync_server::{ATTACHMENTS, FILE_NAME, HeldChunks, Store};

use super::{Desk, join_as};
use crate::attachments::{files, holds_all, record, start};
use crate::bucket::Bucket;
use crate::contract::cluster::Database;
use crate::journeys::{held_by_relay, until};
use crate::process::Process;
use crate::world::{NOW, rng};

/// The parts of an export, by name.
fn parts(tar: &[u8]) -> BTreeMap<String, Vec<u8>> {
    let mut archive = tar::Archive::new(tar);
    let parts = archive.entries().unwrap().map(|entry| {
        let mut entry = entry.unwrap();
        let name = entry.path().unwrap().to_str().unwrap().to_owned();
        let mut bytes = Vec::new();
        entry.read_to_end(&mut bytes).unwrap();
        (name, bytes)
    });
    parts.collect()
}

fn name(tenant: TenantId, chunk: &ChunkId) -> String {
    format!("{ATTACHMENTS}/{tenant}/{}/{}", chunk.attachment, chunk.name)
}

/// A clinic that has joined, and has brought changes and chunks.
async fn busy(desk: &Desk, device: &mut SimDevice, len: usize) -> Vec<ChunkId> {
    let chunks = record(device, 3, len);
    (0..5).for_each(|_| device.write(&mut rng(len as u8)));
    let sync = start(device, &desk.address());
    until(&sync, |state| {
        state.pending == 0 && device.store.held().chunks.at_relay.len() == 3
    })
    .await;
    sync.stop().await;
    chunks
}

async fn is_exported_and_then_gone(database: Option<Database>, bucket: Option<Bucket>) {
    let desk = Desk::open_with(database.as_ref(), None, bucket.as_ref().map(Bucket::place)).await;
    let mut browser = match &database {
        None => desk.operator("aisyah"),
        Some(database) => desk.operator_on(database, "aisyah").await,
    };
    let rng = &mut rng(70);
    let (mut clinic, mut one) = SimClinic::found(NOW, rng);
    let two = clinic.admit(NOW, rng);
    let (other, mut of_other) = SimClinic::found(NOW, rng);
    join_as(&desk, &mut browser, &clinic, "Klinik Satu").await;
    join_as(&desk, &mut browser, &other, "Klinik Dua").await;
    let chunks = busy(&desk, &mut one, 60_000).await;
    busy(&desk, &mut of_other, 700).await;
    let folder = match &bucket {
        None => desk.data().join(ATTACHMENTS),
        Some(bucket) => bucket.folder(),
    };
    assert_eq!(files(&folder).len(), 6);

    // Each part is what was stored, and nothing of anybody else is among them.
    let exported = browser.post("/clinics/1/export", &[]);
    assert_eq!(exported.status, 200);
    let parts = parts(&exported.body);
    let mut expected: Vec<String> = chunks.iter().map(|chunk| name(clinic.tenant, chunk)).collect();
    expected.push(FILE_NAME.to_owned());
    expected.sort();
    assert_eq!(parts.keys().cloned().collect::<Vec<_>>(), expected);
    for chunk in &chunks {
        assert_eq!(parts[&name(clinic.tenant, chunk)], one.store.held().chunks.here[chunk]);
    }
    is_whole(&exported.body, &clinic, &one, &two, &chunks).await;

    // Removed: of its attachments nothing is left, and of the other clinic's all.
    let code = browser.code();
    browser.post("/clinics/1/suspend", &[("why", "moved away"), ("code", &code)]);
    let code = browser.code();
    let removed = browser.post("/clinics/1/remove", &[("typed", "Klinik Satu"), ("code", &code)]);
    assert_eq!(removed.status, 303);
    let began = std::time::Instant::now();
    let gone = || desk.relay.writer.run(|store| store.removed_clinics());
    while gone().await.unwrap().unwrap() != [(clinic.tenant, true)] {
        assert!(began.elapsed().as_secs() < 60);
    }
    let left = files(&folder);
    let of_other = other.tenant.to_string();
    assert!(left.len() == 3 && left.iter().all(|file| file.to_string_lossy().contains(&of_other)));
    for (tenant, n_chunks) in [(clinic.tenant, 0), (other.tenant, 3)] {
        let held = desk.relay.writer.run(move |store| store.held_chunks(&tenant));
        assert_eq!(held.await.unwrap().unwrap().n_chunks, n_chunks);
    }
}

/// Unpacked it is a relay's data of this clinic alone, from which a device that has nothing gets everything.
async fn is_whole(tar: &[u8], clinic: &SimClinic, one: &SimDevice, two: &SimDevice, chunks: &[ChunkId]) {
    let (unpacked, again) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    tar::Archive::new(tar).unpack(unpacked.path()).unwrap();
    sync_server::restore(again.path(), &unpacked.path().join(FILE_NAME), &mut rng(71)).unwrap();
    let moved = std::fs::rename(unpacked.path().join(ATTACHMENTS), again.path().join(ATTACHMENTS));
    moved.unwrap();
    let all: Vec<OutId> = one.store.held().changes.into_keys().map(OutId::Change).collect();
    assert_eq!(held_by_relay(again.path(), clinic), all);
    assert_eq!(
        held(again.path(), clinic),
        HeldChunks {
            n_chunks: 3,
            n_bytes: 180_000
        }
    );
    let relay = Process::start(again.path(), "127.0.0.1:0");
    two.store.want_chunks(chunks.iter().copied());
    let sync = start(two, &relay.address);
    until(&sync, |_| holds_all(two, chunks)).await;
    sync.stop().await;
    assert_eq!(two.store.held().changes, one.store.held().changes);
    assert_eq!(two.store.held().chunks.here, one.store.held().chunks.here);
}

fn held(data: &Path, clinic: &SimClinic) -> HeldChunks {
    Store::open(data, &mut rng(0))
        .unwrap()
        .held_chunks(&clinic.tenant)
        .unwrap()
}

async fn on_postgres() -> Option<Database> {
    Some(tokio::task::spawn_blocking(Database::make).await.unwrap())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_export_is_read_back_and_a_removed_clinic_s_chunks_are_gone_from_the_folder() {
    is_exported_and_then_gone(None, None).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_export_is_read_back_and_a_removed_clinic_s_chunks_are_gone_from_the_bucket() {
    is_exported_and_then_gone(None, Some(Bucket::start().await)).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn on_postgresql_an_export_is_read_back_and_a_removed_clinic_s_chunks_are_gone_from_the_folder() {
    is_exported_and_then_gone(on_postgres().await, None).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn on_postgresql_an_export_is_read_back_and_a_removed_clinic_s_chunks_are_gone_from_the_bucket() {
    is_exported_and_then_gone(on_postgres().await, Some(Bucket::start().await)).await;
}
