//! A recording that a clinic erases: gone from every device, from the relay's rows and from its objects, in a folder as in a
//! bucket; and gone it stays, whoever comes with it and whatever is put back.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use domain::{PatientId, RecordingId, Role, StaffId, VisitId};
use seal::{AttachmentId, DeviceKeys, PersonKeys};
use sync_client::{RelayAddress, SyncHandle};
use sync_protocol::memory::MemoryStore;
use sync_protocol::sim::{SimClinic, SimDevice};
use sync_protocol::{ChunkStore, SyncStore};
use sync_server::{ATTACHMENTS, HeldChunks, Store, backup, restore};
use tempfile::TempDir;
use tokio::runtime::Handle;
use vault::{
    Erased, ErasureReason, FACT_CONTEXT, FactBody, FactDraft, MachineSecrets, NewRecording, StaffEnrolled, Vault,
};

use crate::attachments::{files, start, ticking};
use crate::bucket::Bucket;
use crate::journeys::{joined, until};
use crate::process::{Process, relay_command};
use crate::world::{NOW, rng};

const RECORDING: RecordingId = RecordingId::from_bytes([5; 16]);
const PATIENT: PatientId = PatientId::from_bytes([1; 16]);
const SOUND: AttachmentId = AttachmentId::from_bytes([6; 16]);
const N_CHUNKS: u32 = 4;

fn now() -> domain::Instant {
    domain::Instant::from_millisecond(NOW).unwrap()
}

struct Stands;

impl vault::Clock for Stands {
    fn now(&self) -> domain::Instant {
        now()
    }
}

/// A device with a real vault, which says what it has to say with each commit, as the app does.
struct Device {
    vault: Vault,
    keys: Arc<DeviceKeys>,
    folder: TempDir,
    sync: Arc<Mutex<Option<SyncHandle>>>,
}

impl Device {
    fn new(clinic: &SimClinic, device: &SimDevice, seed: u8) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let secrets = MachineSecrets::make(&device.keys, &mut rng(seed));
        let ports = vault::Ports {
            clock: Arc::new(Stands),
            rng: Box::new(rng(seed + 1)),
        };
        let vault = Vault::create(folder.path(), &secrets, &clinic.statements, ports).unwrap();
        let sync: Arc<Mutex<Option<SyncHandle>>> = Arc::default();
        let told = Arc::clone(&sync);
        vault.subscribe(move |_| told.lock().unwrap().iter().for_each(SyncHandle::nudge));
        Self {
            vault,
            keys: Arc::clone(&device.keys),
            folder,
            sync,
        }
    }

    fn start(&self, relay: &RelayAddress) {
        let store: Arc<dyn SyncStore> = Arc::new(self.vault.clone());
        let keys = (*self.keys).clone();
        let sync = SyncHandle::start(store, relay.clone(), keys, ticking(3), &Handle::current());
        *self.sync.lock().unwrap() = Some(sync);
    }

    async fn stop(&self) {
        let sync = self.sync.lock().unwrap().take();
        sync.unwrap().stop().await;
    }

    /// Someone records, and the clinic keeps it.
    fn record(&self) {
        let new = NewRecording {
            id: RECORDING,
            patient: PATIENT,
            visit: VisitId::from_bytes([2; 16]),
            attachment: domain::AttachmentId::from_bytes(*SOUND.as_bytes()),
            started_at: now(),
            sample_rate: 16_000,
            channels: 1,
        };
        self.vault.write(None, |w| w.start_recording(&new)).unwrap();
        for n in 0..N_CHUNKS {
            self.vault
                .append_chunk(RECORDING, &vec![n as u8; 40_000], 1000)
                .unwrap();
        }
        self.vault
            .write(None, |w| w.finish_recording(RECORDING, now()))
            .unwrap();
    }

    fn sign(&self, by: StaffId, keys: &PersonKeys, body: FactBody) {
        let draft = FactDraft {
            at: now(),
            by: Some(by),
            body,
        };
        let bytes = draft.bytes_to_sign(&self.vault.tenant(), &self.vault.device()).unwrap();
        let signature = keys.sign(FACT_CONTEXT, &bytes);
        self.vault
            .write(None, |w| w.record_fact(&draft, Some(signature)))
            .unwrap();
    }

    /// The owner erases it, in a fact that she signs.
    fn erase(&self) {
        let (owner, keys) = (StaffId::from_bytes([9; 16]), PersonKeys::make(&mut rng(90)));
        let enrolled = StaffEnrolled {
            staff: owner,
            role: Role::Owner,
            device: self.vault.device(),
            person_public: keys.public(),
        };
        self.sign(owner, &keys, FactBody::StaffEnrolled(enrolled));
        let held = self.vault.read(|r| r.held_of_patient(PATIENT)).unwrap();
        let facts = held.facts.iter().map(|fact| fact.id).collect();
        let what = Erased::of(ErasureReason::PatientsRight, PATIENT, held.documents, facts);
        self.sign(owner, &keys, FactBody::Erased(what));
    }

    fn n_here(&self) -> u32 {
        let sound = self.vault.read(|r| r.sound_of(RECORDING));
        sound.map_or(0, |sound| sound.here)
    }

    /// Neither files nor rows; and what the relay was to hear it has heard.
    fn has_forgotten(&self) -> bool {
        let offers = self.vault.chunks_to_offer(9).unwrap();
        files(&self.folder.path().join("attachments")).is_empty()
            && self.n_here() == 0
            && offers.is_none()
            && self.vault.attachment_to_forget().unwrap().is_none()
    }
}

/// Where a relay has its objects.
enum Place {
    Folder,
    Bucket(Bucket),
}

impl Place {
    fn serve(&self, data: &Path, listen: &str) -> Process {
        match self {
            Self::Folder => {
                let mut serve: Command = relay_command(data);
                Process::of(serve.args(["--json", "serve", "--listen", listen]))
            }
            Self::Bucket(bucket) => Process::of(&mut bucket.serve(data, listen)),
        }
    }

    fn folder(&self, data: &Path) -> PathBuf {
        match self {
            Self::Folder => data.join(ATTACHMENTS),
            Self::Bucket(bucket) => bucket.folder(),
        }
    }
}

/// Looks until it is so: what happens behind an answer tells nobody.
async fn comes(what: &str, mut is_so: impl FnMut() -> bool) {
    let began = Instant::now();
    while !is_so() {
        assert!(began.elapsed() < Duration::from_secs(60), "{what}");
        tokio::task::yield_now().await;
    }
}

/// What the relay's rows say, while it does not run.
fn held(data: &Path, clinic: &SimClinic) -> HeldChunks {
    let store = Store::open(data, &mut rng(0)).unwrap();
    store.held_chunks(&clinic.tenant).unwrap()
}

fn copies(folder: &Path) -> Vec<(PathBuf, Vec<u8>)> {
    let all = files(folder).into_iter();
    all.map(|file| (file.clone(), fs::read(file).unwrap())).collect()
}

async fn is_gone_for_good(place: Place) {
    let data = tempfile::tempdir().unwrap();
    let relay = place.serve(data.path(), "127.0.0.1:0");
    let (listen, address) = (relay.listen(), relay.address.clone());
    let objects = || files(&place.folder(data.path()));
    let rng = &mut rng(60);
    let (mut clinic, first) = SimClinic::found(NOW, rng);
    let [second, third] = [(); 2].map(|()| clinic.admit(NOW, rng));
    joined(data.path(), &clinic, "Klinik Sunyi").await;
    let [one, two, away] =
        [(&first, 61), (&second, 63), (&third, 65)].map(|(device, n)| Device::new(&clinic, device, n));

    // Recorded on one, heard on two others, and kept by the relay.
    one.record();
    for device in [&one, &two, &away] {
        device.start(&address);
    }
    comes("all of it is at the relay", || objects().len() == N_CHUNKS as usize).await;
    for device in [&two, &away] {
        comes("it is heard of", || device.vault.want_recording(RECORDING).is_ok()).await;
        comes("it is here, too", || device.n_here() == N_CHUNKS).await;
    }
    away.stop().await;
    let aside = tempfile::tempdir().unwrap();
    let (kept_rows, kept_objects) = (aside.path().join("backup"), copies(&place.folder(data.path())));
    backup(data.path(), &kept_rows).unwrap();

    // Erased: nobody has it, but for the device that is away.
    one.erase();
    comes("no object is left", || objects().is_empty()).await;
    comes("nor on two devices", || one.has_forgotten() && two.has_forgotten()).await;
    assert_eq!(away.n_here(), N_CHUNKS);
    assert_eq!(relay.terminate(), Some(0));
    assert_eq!(held(data.path(), &clinic), HeldChunks::default());

    // The relay starts again; somebody comes with the same sound, as if he had heard of nothing; the one that was away comes.
    let relay = place.serve(data.path(), &listen);
    let sealed: Vec<_> = kept_objects.iter().map(|(_, bytes)| bytes.clone()).collect();
    brings_in_vain(&clinic, &second, &sealed, &address).await;
    away.start(&address);
    comes("the last one has heard", || away.has_forgotten()).await;
    assert_eq!(objects(), [] as [PathBuf; 0]);
    for device in [&one, &two, &away] {
        device.stop().await;
    }
    assert_eq!(relay.terminate(), Some(0));
    assert_eq!(held(data.path(), &clinic), HeldChunks::default());

    // Rows and objects are put back, from before.
    restore(data.path(), &kept_rows, rng).unwrap();
    for (file, bytes) in &kept_objects {
        fs::create_dir_all(file.parent().unwrap()).unwrap();
        fs::write(file, bytes).unwrap();
    }
    let relay = place.serve(data.path(), &listen);
    assert_eq!(objects().len(), sealed.len());
    two.start(&address);
    comes("it is gone again", || objects().is_empty() && two.has_forgotten()).await;
    two.stop().await;
    brings_in_vain(&clinic, &third, &sealed, &address).await;
    assert_eq!(relay.terminate(), Some(0));
    assert_eq!(held(data.path(), &clinic), HeldChunks::default());
    let relay = place.serve(data.path(), &listen);
    assert_eq!(objects(), [] as [PathBuf; 0]);
    assert_eq!(relay.terminate(), Some(0));
}

/// A device of the clinic's with nothing but these chunks brings them; and the relay takes none.
async fn brings_in_vain(clinic: &SimClinic, device: &SimDevice, sealed: &[Vec<u8>], relay: &RelayAddress) {
    let store = Arc::new(MemoryStore::new(clinic.tenant, clinic.encoded_statements()));
    for bytes in sealed {
        store.record_chunk(SOUND, bytes.clone());
    }
    let (shared, keys): (Arc<dyn SyncStore>, _) = (Arc::clone(&store) as _, (*device.keys).clone());
    let sync = SyncHandle::start(shared, relay.clone(), keys, ticking(4), &Handle::current());
    until(&sync, |_| store.held().chunks.refused.len() == sealed.len()).await;
    sync.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_erased_recording_is_gone_from_devices_rows_and_folder_and_comes_back_from_nobody() {
    is_gone_for_good(Place::Folder).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_erased_recording_is_gone_from_devices_rows_and_bucket_and_comes_back_from_nobody() {
    is_gone_for_good(Place::Bucket(Bucket::start().await)).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn whoever_watches_syncing_hears_that_the_relay_has_forgotten() {
    let data = tempfile::tempdir().unwrap();
    let relay = Place::Folder.serve(data.path(), "127.0.0.1:0");
    let (clinic, device) = SimClinic::found(NOW, &mut rng(67));
    joined(data.path(), &clinic, "Klinik Bisik").await;
    device.store.record_chunk(SOUND, vec![1; 500]);
    let sync = start(&device, &relay.address);
    until(&sync, |_| device.store.held().chunks.at_relay.len() == 1).await;
    device.store.erase_attachment(SOUND);
    sync.nudge();
    until(&sync, |_| device.store.held().chunks.to_forget.is_empty()).await;
    sync.stop().await;
}
