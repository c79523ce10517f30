//! Sound that one device recorded plays on another: real vaults, over the LAN and over a real relay.

use std::net::SocketAddr;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use domain::{AttachmentId, Instant, PatientId, RecordingId, VisitId};
use rand_chacha::ChaCha20Rng;
use rand_chacha::rand_core::SeedableRng;
use seal::DeviceKeys;
use sync_client::{Ports, RelayAddress, SyncHandle, Timers};
use sync_protocol::{RelayStore, Roster, SyncStore};
use sync_server::{RunningRelay, ServeOptions, serve};
use tokio::runtime::Handle;
use tokio::sync::oneshot;
use tokio::time::timeout;
use vault::{NewRecording, SoundState, Vault, VaultError};

use crate::lan::{Device, clinic};

const RECORDING: RecordingId = RecordingId::from_bytes([5; 16]);
const N_CHUNKS: u32 = 12;
const CHUNK_BYTES: usize = 40_000;

/// A whole recording.
fn record(vault: &Vault) {
    let write =
        |f: &mut dyn FnMut(&mut vault::Writing<'_>) -> Result<(), VaultError>| vault.write(None, |w| f(w)).unwrap();
    let now = Instant::from_millisecond(1_795_000_000_000).unwrap();
    let new = NewRecording {
        id: RECORDING,
        patient: PatientId::from_bytes([1; 16]),
        visit: VisitId::from_bytes([2; 16]),
        attachment: AttachmentId::from_bytes([6; 16]),
        started_at: now,
        sample_rate: 16_000,
        channels: 1,
    };
    write(&mut |w| w.start_recording(&new));
    for n in 0..N_CHUNKS {
        vault.append_chunk(RECORDING, &sound(n), 1000).unwrap();
    }
    write(&mut |w| w.finish_recording(RECORDING, now));
}

fn sound(n: u32) -> Vec<u8> {
    vec![n as u8; CHUNK_BYTES]
}

fn state(vault: &Vault) -> Option<SoundState> {
    vault.read::<_, VaultError>(|r| r.sound_of(RECORDING)).ok()
}

fn n_here(vault: &Vault) -> u32 {
    state(vault).map_or(0, |sound| sound.here)
}

/// Hears of it, wants it, and plays it once it is here.
async fn fetches_and_plays(device: &Device) {
    device
        .until_stored(|vault| state(vault).is_some_and(|sound| sound.of == N_CHUNKS))
        .await;
    device.vault.want_recording(RECORDING).unwrap();
    plays(device).await;
}

async fn plays(device: &Device) {
    device.until_stored(|vault| n_here(vault) == N_CHUNKS).await;
    for n in 0..N_CHUNKS {
        assert_eq!(*device.vault.read_chunk(RECORDING, n).unwrap(), sound(n));
    }
    assert!(!state(&device.vault).unwrap().wanted);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_one_recorded_plays_on_the_other_over_the_lan() {
    let [mut one, mut two, mut three] = clinic(31);
    record(&one.vault);
    let at = one.start(&[]).await;
    let there = two.start(&[at]).await;
    fetches_and_plays(&two).await;
    // The one that recorded it leaves; who fetched it gives it on.
    one.stop().await;
    three.start(&[there]).await;
    fetches_and_plays(&three).await;
    two.stop().await;
    three.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn who_wants_it_before_anybody_is_there_gets_it_when_somebody_comes() {
    let [mut one, mut two] = clinic(32);
    record(&one.vault);
    let at = one.start(&[]).await;
    two.start(&[at]).await;
    two.until_stored(|vault| state(vault).is_some()).await;
    one.stop().await;
    two.vault.want_recording(RECORDING).unwrap();
    assert_eq!(n_here(&two.vault), 0);
    let back = one.start(&[]).await;
    two.stop().await;
    two.start(&[back]).await;
    plays(&two).await;
    one.stop().await;
    two.stop().await;
}

/// A relay in this process, which knows the clinic.
pub struct Relay {
    pub running: RunningRelay,
    stop: oneshot::Sender<()>,
}

impl Relay {
    pub async fn start(data: &Path, listen: SocketAddr, known: &Vault) -> Self {
        let (stop, stopped) = oneshot::channel();
        let options = ServeOptions::new(data, listen);
        let running = serve(options, async move { drop(stopped.await) }).await.unwrap();
        let statements = known.statements().unwrap();
        let roster = Roster::from_statements(known.tenant(), statements.iter().map(Vec::as_slice)).unwrap();
        let knows = running
            .writer
            .run(move |store| store.set_roster(&roster))
            .await
            .unwrap();
        knows.unwrap();
        Self { running, stop }
    }

    pub fn address(&self) -> RelayAddress {
        RelayAddress::new(&self.running.reachable.url, None).unwrap()
    }

    pub async fn stop(self) {
        self.stop.send(()).unwrap();
        self.running.stopped().await.unwrap();
    }
}

fn sync(device: &Device, relay: &RelayAddress) -> Arc<SyncHandle> {
    sync_with(device, relay, Timers::RELAY)
}

pub fn sync_with(device: &Device, relay: &RelayAddress, timers: Timers) -> Arc<SyncHandle> {
    let ports = Ports {
        clock: Arc::new(|| 1_795_000_000_000),
        rng: Box::new(ChaCha20Rng::seed_from_u64(7)),
    };
    let keys = DeviceKeys::from_secret_bytes(&device.keys.to_secret_bytes()).unwrap();
    let store: Arc<dyn SyncStore> = Arc::new(device.vault.clone());
    let started = SyncHandle::start_with(store, relay.clone(), keys, ports, timers, &Handle::current());
    let handle = Arc::new(started);
    let news_to = Arc::downgrade(&handle);
    device.vault.subscribe(move |_| {
        if let Some(handle) = news_to.upgrade() {
            handle.nudge();
        }
    });
    handle
}

pub async fn end(handle: Arc<SyncHandle>) {
    let stopped = async move {
        let mut shared = handle;
        // Subscribers hold it for as long as they nudge it.
        let handle = loop {
            match Arc::try_unwrap(shared) {
                Ok(handle) => break handle,
                Err(again) => shared = again,
            }
            tokio::task::yield_now().await;
        };
        handle.stop().await;
    };
    timeout(Duration::from_secs(30), stopped)
        .await
        .expect("it stops in time");
}

#[tokio::test(flavor = "multi_thread")]
async fn what_one_recorded_plays_on_the_other_over_a_relay_that_goes_away_midway() {
    let [one, two] = clinic(33);
    let data = tempfile::tempdir().unwrap();
    let relay = Relay::start(data.path(), "127.0.0.1:0".parse().unwrap(), &one.vault).await;
    let (address, listen) = (relay.address(), relay.running.address);
    let (up, down) = (sync(&one, &address), sync(&two, &address));
    record(&one.vault);
    two.until_stored(|vault| state(vault).is_some_and(|sound| sound.of == N_CHUNKS))
        .await;
    two.vault.want_recording(RECORDING).unwrap();
    two.until_stored(|vault| n_here(vault) >= 2).await;
    relay.stop().await;
    let relay = Relay::start(data.path(), listen, &one.vault).await;
    up.retry_now();
    down.retry_now();
    plays(&two).await;
    // Changes go their way beside it.
    one.write(1);
    two.until_stored(|vault| vault.read::<_, VaultError>(|r| r.n_patients()).unwrap() == 1)
        .await;
    let tenant = one.vault.tenant();
    let held = relay
        .running
        .writer
        .run(move |store| store.held_chunks(&tenant))
        .await
        .unwrap()
        .unwrap();
    assert_eq!(held.n_chunks, u64::from(N_CHUNKS));
    end(up).await;
    end(down).await;
    relay.stop().await;
}
