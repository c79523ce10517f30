//! Chunks of attachments at the real relay: its rows, its folder, and what it does when the two do not agree.

use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};

use rand_chacha::rand_core::Rng;
use seal::AttachmentId;
use sync_client::{Ports, RelayAddress, SyncHandle};
use sync_protocol::sim::{Link, SimDevice, settle};
use sync_protocol::{ChunkId, ObjectDone, ObjectKey, ObjectRead, ObjectWork, RelayChunks, SyncStore};
use sync_server::{ATTACHMENTS, HeldChunks, Objects, Store, Writer, backup, restore};
use tokio::runtime::Handle;

use crate::journeys::{joined, until};
use crate::process::Process;
use crate::world::{NOW, Side, World, rng};

const SOUND: AttachmentId = AttachmentId::from_bytes([5; 16]);

fn bytes(n: u8, len: usize) -> Vec<u8> {
    let mut bytes = vec![0; len];
    rng(n).fill_bytes(&mut bytes);
    bytes
}

pub fn record(device: &SimDevice, n_chunks: u8, len: usize) -> Vec<ChunkId> {
    (0..n_chunks)
        .map(|n| device.store.record_chunk(SOUND, bytes(n, len)))
        .collect()
}

pub fn holds_all(device: &SimDevice, chunks: &[ChunkId]) -> bool {
    let held = device.store.held();
    chunks.iter().all(|chunk| held.chunks.here.contains_key(chunk))
}

/// All files under a folder.
pub fn files(folder: &Path) -> Vec<PathBuf> {
    let mut found = Vec::new();
    for entry in fs::read_dir(folder).into_iter().flatten() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            found.extend(files(&path));
        } else {
            found.push(path);
        }
    }
    found.sort();
    found
}

#[test]
pub fn a_clinic_s_chunks_are_counted_are_nobody_else_s_and_are_forgotten_for_ever() {
    let mut world = World::new(40);
    let (a, b) = (world.a.clinic.tenant, world.b.clinic.tenant);
    let chunks = record(&world.a.device, 3, 700);
    world.b.device.store.want_chunks(chunks.iter().copied());
    let links = |world: &mut World| {
        let mut of_a = Link::open(&world.a.device, &world.store, &mut world.rng);
        let mut of_b = Link::open(&world.b.device, &world.store, &mut world.rng);
        of_b.objects = Arc::clone(&of_a.objects);
        settle(&mut [&mut of_a, &mut of_b], &mut world.store, NOW, &mut world.rng);
        assert_eq!((of_a.device_error, of_b.device_error), (None, None));
    };
    links(&mut world);
    let held = HeldChunks {
        n_chunks: 3,
        n_bytes: 2_100,
    };
    assert_eq!(world.store.held_chunks(&a).unwrap(), held);
    assert_eq!(world.store.held_chunks(&b).unwrap(), HeldChunks::default());
    assert!(world.b.device.store.held().chunks.here.is_empty());

    // It is all in the file: another run of the program knows it.
    world.reopen();
    assert_eq!(world.store.held_chunks(&a).unwrap(), held);
    assert!(world.store.has_chunk(&a, &chunks[0]).unwrap());
    assert!(!world.store.has_chunk(&b, &chunks[0]).unwrap());

    world.a.device.store.erase_attachment(SOUND);
    links(&mut world);
    assert_eq!(world.store.held_chunks(&a).unwrap(), HeldChunks::default());
    let kept = record(&world.a.device, 3, 701);
    links(&mut world);
    assert_eq!(world.store.held_chunks(&a).unwrap(), HeldChunks::default());
    assert_eq!(world.a.device.store.held().chunks.refused.len(), kept.len());
    // Of the other clinic the same id is another attachment.
    record(&world.b.device, 2, 50);
    links(&mut world);
    assert_eq!(
        world.store.held_chunks(&b).unwrap(),
        HeldChunks {
            n_chunks: 2,
            n_bytes: 100
        }
    );
}

fn key(side: &Side, sealed: &[u8]) -> ObjectKey {
    ObjectKey {
        tenant: side.clinic.tenant,
        chunk: ChunkId {
            attachment: SOUND,
            name: seal::chunk_name(sealed),
        },
    }
}

/// As at the start of a relay, which has a connection of its own.
async fn settle_objects(objects: &Objects, world: &mut World) {
    let store = Store::open(world.folder.path(), &mut world.rng).unwrap();
    let (rows, threads) = Writer::start(store).unwrap();
    objects.settle(&rows).await.unwrap();
    drop(rows);
    threads.join().unwrap();
}

/// Writes an object and its row, as a connection does.
async fn keep(world: &mut World, objects: &Objects, key: ObjectKey, sealed: Vec<u8>) {
    let done = objects.work(ObjectWork::Write(key, sealed)).await;
    let Some(ObjectDone::Written(_, Some(n_bytes))) = done else {
        panic!("{done:?}");
    };
    assert_eq!(world.store.chunk_came(&key.tenant, &key.chunk, n_bytes).unwrap(), None);
}

#[tokio::test]
async fn at_the_start_rows_and_objects_agree_whatever_happened() {
    let mut world = World::new(41);
    let data = world.folder.path().to_owned();
    let objects = Objects::in_folder(&data).unwrap();
    let sealed: Vec<_> = (0..4).map(|n| bytes(n, 300)).collect();
    let keys: Vec<_> = sealed.iter().map(|sealed| key(&world.a, sealed)).collect();
    let tenant = world.a.clinic.tenant;
    let at = |key: &ObjectKey| {
        let folder = data.join(ATTACHMENTS).join(key.tenant.to_string());
        folder
            .join(key.chunk.attachment.to_string())
            .join(key.chunk.name.to_string())
    };
    keep(&mut world, &objects, keys[0], sealed[0].clone()).await;
    keep(&mut world, &objects, keys[1], sealed[1].clone()).await;
    assert_eq!(fs::read(at(&keys[0])).unwrap(), sealed[0]);
    // One object is gone. One came whole, and the power went before its row. One is not what its name says. One was half
    // written. One is of an attachment that was erased.
    fs::remove_file(at(&keys[1])).unwrap();
    objects
        .work(ObjectWork::Write(keys[2], sealed[2].clone()))
        .await
        .unwrap();
    fs::write(at(&keys[3]), b"torn").unwrap();
    fs::write(at(&keys[0]).with_file_name("half#1"), b"ha").unwrap();
    let erased = AttachmentId::from_bytes([6; 16]);
    let gone = ObjectKey {
        tenant,
        chunk: ChunkId {
            attachment: erased,
            ..keys[0].chunk
        },
    };
    keep(&mut world, &objects, gone, sealed[0].clone()).await;
    world.store.forget_attachment(&tenant, &erased).unwrap();
    assert!(at(&gone).exists(), "the power went before it was removed");

    let objects = Objects::in_folder(&data).unwrap();
    settle_objects(&objects, &mut world).await;
    assert_eq!(
        world.store.held_chunks(&tenant).unwrap(),
        HeldChunks {
            n_chunks: 2,
            n_bytes: 600
        }
    );
    assert!(world.store.has_chunk(&tenant, &keys[0].chunk).unwrap());
    assert!(world.store.has_chunk(&tenant, &keys[2].chunk).unwrap());
    assert_eq!(world.store.lost_chunks(&tenant, 9).unwrap(), vec![keys[1].chunk]);
    let mut left = vec![at(&keys[0]), at(&keys[2])];
    left.sort();
    assert_eq!(files(&data.join(ATTACHMENTS)), left);
    let read = objects.work(ObjectWork::Read(keys[2])).await;
    assert_eq!(
        read,
        Some(ObjectDone::Read(keys[2], ObjectRead::Whole(sealed[2].clone())))
    );
    let read = objects.work(ObjectWork::Read(keys[1])).await;
    assert_eq!(read, Some(ObjectDone::Read(keys[1], ObjectRead::Lost)));
    // Whatever comes from outside is an id of a fixed length before it is part of a path.
    for path in files(&data.join(ATTACHMENTS)) {
        let parts: Vec<_> = path.strip_prefix(data.join(ATTACHMENTS)).unwrap().iter().collect();
        let lengths: Vec<_> = parts.iter().map(|part| part.len()).collect();
        assert_eq!(lengths, [64, 32, 64]);
    }
}

#[tokio::test]
async fn after_a_restore_what_is_in_the_folder_counts_and_what_is_not_is_asked_for() {
    let mut world = World::new(42);
    let data = world.folder.path().to_owned();
    let objects = Objects::in_folder(&data).unwrap();
    let sealed: Vec<_> = (0..3).map(|n| bytes(n, 300)).collect();
    let keys: Vec<_> = sealed.iter().map(|sealed| key(&world.a, sealed)).collect();
    let tenant = world.a.clinic.tenant;
    keep(&mut world, &objects, keys[0], sealed[0].clone()).await;
    keep(&mut world, &objects, keys[1], sealed[1].clone()).await;
    let copy = tempfile::tempdir().unwrap();
    backup(&data, &copy.path().join("copy")).unwrap();
    keep(&mut world, &objects, keys[2], sealed[2].clone()).await;
    let folder = data.join(ATTACHMENTS).join(tenant.to_string()).join(SOUND.to_string());
    fs::remove_file(folder.join(keys[0].chunk.name.to_string())).unwrap();
    let aside = tempfile::tempdir().unwrap();
    world.store = Store::open(aside.path(), &mut world.rng).unwrap();

    restore(&data, &copy.path().join("copy"), &mut world.rng).unwrap();
    world.store = Store::open(&data, &mut world.rng).unwrap();
    settle_objects(&Objects::in_folder(&data).unwrap(), &mut world).await;
    let here = |world: &mut World, n: usize| world.store.has_chunk(&tenant, &keys[n].chunk).unwrap();
    assert_eq!([0, 1, 2].map(|n| here(&mut world, n)), [false, true, true]);
    // Its device comes again, and brings the one that is gone.
    for sealed in &sealed {
        world.a.device.store.record_chunk(SOUND, sealed.clone());
    }
    let mut link = Link::open(&world.a.device, &world.store, &mut world.rng);
    settle(&mut [&mut link], &mut world.store, NOW, &mut world.rng);
    assert_eq!(link.objects.lock().unwrap().held.len(), 1, "nothing else was sent");
    assert_eq!([0, 1, 2].map(|n| here(&mut world, n)), [true; 3]);
}

/// A clock that goes on, so that every report of syncing is news.
pub fn ticking(seed: u8) -> Ports {
    let ticks = AtomicI64::new(NOW);
    Ports {
        clock: Arc::new(move || ticks.fetch_add(1, Ordering::Relaxed)),
        rng: Box::new(rng(seed)),
    }
}

pub fn start(device: &SimDevice, relay: &RelayAddress) -> SyncHandle {
    let store: Arc<dyn SyncStore> = Arc::clone(&device.store) as _;
    let keys = (*device.keys).clone();
    SyncHandle::start(store, relay.clone(), keys, ticking(1), &Handle::current())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_relay_that_is_killed_midway_has_every_chunk_that_it_acknowledged_and_goes_on() {
    let folder = tempfile::tempdir().unwrap();
    let mut relay = Process::start(folder.path(), "127.0.0.1:0");
    let (listen, address) = (relay.listen(), relay.address.clone());
    let rng = &mut rng(43);
    let (mut clinic, one) = sync_protocol::sim::SimClinic::found(NOW, rng);
    let two = clinic.admit(NOW, rng);
    joined(folder.path(), &clinic, "Klinik Bunyi").await;
    let chunks = record(&one, 40, 60_000);
    two.store.want_chunks(chunks.iter().copied());
    let acknowledged = |device: &SimDevice| device.store.held().chunks.at_relay.len();
    let up = start(&one, &address);
    let down = start(&two, &address);
    for at_least in [8, 20] {
        until(&up, |_| acknowledged(&one) >= at_least).await;
        relay.kill();
        let files = files(&folder.path().join(ATTACHMENTS));
        for chunk in one.store.held().chunks.at_relay {
            let name = chunk.name.to_string();
            let file = files
                .iter()
                .find(|path| path.ends_with(&name))
                .expect("it was acknowledged");
            assert_eq!(seal::chunk_name(&fs::read(file).unwrap()), chunk.name);
        }
        relay = Process::start(folder.path(), &listen);
        up.retry_now();
        down.retry_now();
    }
    until(&up, |_| acknowledged(&one) == 40).await;
    until(&down, |_| holds_all(&two, &chunks)).await;
    let came = two.store.held().chunks.came;
    assert_eq!(came.len(), 40, "each came once");
    up.stop().await;
    down.stop().await;
    assert_eq!(relay.terminate(), Some(0));
    let left = files(&folder.path().join(ATTACHMENTS));
    assert_eq!(left.len(), 40);
    let store = Store::open(folder.path(), rng).unwrap();
    let held = HeldChunks {
        n_chunks: 40,
        n_bytes: 40 * 60_000,
    };
    assert_eq!(store.held_chunks(&clinic.tenant).unwrap(), held);
}
