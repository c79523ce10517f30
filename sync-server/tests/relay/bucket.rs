//! Attachments in an object store: a real server that speaks S3, at a real socket, on a folder.

use std::fs;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use hyper::service::{Service, service_fn};
use hyper_util::rt::TokioIo;
use s3s::auth::SimpleAuth;
use s3s::service::{S3Service, S3ServiceBuilder};
use s3s_fs::FileSystem;
use seal::AttachmentId;
use sync_protocol::sim::SimClinic;
use sync_protocol::{ChunkId, ObjectKey, ObjectWork, RelayChunks};
use sync_server::{ATTACHMENTS, Objects, S3Place, Store, Writer};
use tempfile::TempDir;
use tokio::net::TcpListener;
use tokio::task::JoinHandle;

use crate::attachments::{files, holds_all, record, start};
use crate::journeys::{joined, until};
use crate::process::{Process, relay_command};
use crate::world::{NOW, rng};

/// Both are short: the server makes a file name of each whole name.
const BUCKET: &str = "abc";
const PREFIX: &str = "r";
const KEY: &str = "a-key-of-tests";
const SECRET: &str = "a-secret-of-tests";

/// The server; gone when it is dropped.
pub struct Bucket {
    folder: TempDir,
    address: SocketAddr,
    /// It lets nobody in.
    pub refuses: Arc<AtomicBool>,
    serving: JoinHandle<()>,
}

impl Drop for Bucket {
    fn drop(&mut self) {
        self.serving.abort();
    }
}

impl Bucket {
    pub async fn start() -> Self {
        let folder = tempfile::tempdir().unwrap();
        fs::create_dir(folder.path().join(BUCKET)).unwrap();
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let mut service = S3ServiceBuilder::new(FileSystem::new(folder.path()).unwrap());
        service.set_auth(SimpleAuth::from_single(KEY, SECRET));
        let refuses = Arc::default();
        Self {
            folder,
            address,
            serving: tokio::spawn(answer(listener, service.build(), Arc::clone(&refuses))),
            refuses,
        }
    }

    /// For a relay in this process.
    pub fn place(&self) -> S3Place {
        let place: S3Place = format!("s3://{BUCKET}/{PREFIX}").parse().unwrap();
        place.by(&format!("http://{}", self.address), KEY, SECRET)
    }

    /// `medieco-relay serve` with its attachments here.
    pub fn serve(&self, data: &Path, listen: &str) -> Command {
        self.relay(data, listen, SECRET)
    }

    fn relay(&self, data: &Path, listen: &str, secret: &str) -> Command {
        let mut serve = relay_command(data);
        serve.args(["--json", "serve", "--listen", listen, "--attachments"]);
        serve.arg(format!("s3://{BUCKET}/{PREFIX}"));
        serve
            .env("AWS_ENDPOINT_URL", format!("http://{}", self.address))
            .env("AWS_REGION", "ap-southeast-5")
            .env("AWS_ACCESS_KEY_ID", KEY)
            .env("AWS_SECRET_ACCESS_KEY", secret);
        serve
    }

    /// The folder of the objects.
    pub fn folder(&self) -> PathBuf {
        self.folder.path().join(BUCKET).join(PREFIX)
    }

    fn objects(&self) -> Vec<PathBuf> {
        files(&self.folder())
    }
}

async fn answer(listener: TcpListener, service: S3Service, refuses: Arc<AtomicBool>) {
    // Dropped together with this: connections end with their server.
    let mut connections = tokio::task::JoinSet::new();
    loop {
        let (socket, _) = listener.accept().await.unwrap();
        let (service, refuses) = (service.clone(), Arc::clone(&refuses));
        let answer = service_fn(move |request: hyper::Request<hyper::body::Incoming>| {
            let (answered, refuses) = (Service::call(&service, request), refuses.load(Ordering::Relaxed));
            async move {
                if refuses {
                    let mut refused = hyper::Response::new(s3s::Body::empty());
                    *refused.status_mut() = hyper::StatusCode::FORBIDDEN;
                    return Ok(refused);
                }
                answered.await
            }
        });
        let http = hyper::server::conn::http1::Builder::new().serve_connection(TokioIo::new(socket), answer);
        connections.spawn(async move { drop(http.await) });
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn sound_goes_through_a_bucket_and_comes_again_when_it_is_lost_there() {
    let bucket = Bucket::start().await;
    let data = tempfile::tempdir().unwrap();
    let relay = Process::of(&mut bucket.relay(data.path(), "127.0.0.1:0", SECRET));
    let (listen, address) = (relay.listen(), relay.address.clone());
    let rng = &mut rng(47);
    let (mut clinic, one) = SimClinic::found(NOW, rng);
    let two = clinic.admit(NOW, rng);
    joined(data.path(), &clinic, "Klinik Baldi").await;
    let chunks = record(&one, 6, 60_000);
    two.store.want_chunks(chunks.iter().copied());
    let (up, down) = (start(&one, &address), start(&two, &address));
    until(&up, |_| one.store.held().chunks.at_relay.len() == 6).await;
    until(&down, |_| holds_all(&two, &chunks)).await;
    up.stop().await;
    down.stop().await;
    assert_eq!(bucket.objects().len(), 6);
    assert!(!data.path().join(ATTACHMENTS).exists());
    assert_eq!(relay.terminate(), Some(0));

    // One object is lost: the relay finds out when it starts, and the device brings it again.
    fs::remove_file(&bucket.objects()[0]).unwrap();
    let relay = Process::of(&mut bucket.relay(data.path(), &listen, SECRET));
    let up = start(&one, &address);
    until(&up, |_| bucket.objects().len() == 6).await;
    up.stop().await;

    assert_eq!(relay.terminate(), Some(0));
    let held = Store::open(data.path(), rng).unwrap().held_chunks(&clinic.tenant);
    assert_eq!(held.unwrap().n_chunks, 6);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_the_bucket_did_not_let_go_when_it_was_erased_goes_later() {
    let bucket = Bucket::start().await;
    let data = tempfile::tempdir().unwrap();
    let rng = &mut rng(48);
    let (clinic, _) = SimClinic::found(NOW, rng);
    let objects = Objects::in_s3(&bucket.place()).unwrap();
    let (rows, threads) = Writer::start(Store::open(data.path(), rng).unwrap()).unwrap();
    let (tenant, attachment) = (clinic.tenant, AttachmentId::from_bytes([5; 16]));
    let sealed = vec![7; 500];
    let name = seal::chunk_name(&sealed);
    let chunk = ChunkId { attachment, name };
    objects
        .work(ObjectWork::Write(ObjectKey { tenant, chunk }, sealed))
        .await;
    let came = rows.run(move |store| store.chunk_came(&tenant, &chunk, 500)).await;
    assert_eq!((came.unwrap().unwrap(), bucket.objects().len()), (None, 1));

    let forgotten = rows.run(move |store| store.forget_attachment(&tenant, &attachment));
    forgotten.await.unwrap().unwrap();
    bucket.refuses.store(true, Ordering::Relaxed);
    assert_eq!(objects.work(ObjectWork::Remove(tenant, attachment)).await, None);
    assert!(objects.remove_what_stayed(&rows).await.is_err());
    assert_eq!(bucket.objects().len(), 1);
    bucket.refuses.store(false, Ordering::Relaxed);
    objects.remove_what_stayed(&rows).await.unwrap();
    assert_eq!(bucket.objects(), [] as [PathBuf; 0]);
    // And nothing is left to do.
    bucket.refuses.store(true, Ordering::Relaxed);
    objects.remove_what_stayed(&rows).await.unwrap();
    drop(rows);
    threads.join().unwrap();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_bucket_that_does_not_let_the_relay_in_is_said_at_the_start_without_its_secret() {
    let bucket = Bucket::start().await;
    let data = tempfile::tempdir().unwrap();
    let mut serve = bucket.relay(data.path(), "127.0.0.1:0", "another-secret-of-tests");
    let ended = tokio::task::spawn_blocking(move || serve.stdout(Stdio::null()).output().unwrap());
    let ended = ended.await.unwrap();
    assert_eq!(ended.status.code(), Some(1));
    let said = String::from_utf8(ended.stderr).unwrap();
    assert!(said.contains("attachments cannot be reached"), "{said}");
    assert!(!said.contains("secret-of-tests"), "{said}");
}

#[test]
fn a_place_that_is_none_or_has_keys_in_it_is_refused_before_anything_is_opened() {
    let data = tempfile::tempdir().unwrap();
    for wrong in ["/srv/sound", "s3://key:secret@bucket", "s3://"] {
        let ended = relay_command(data.path())
            .args(["serve", "--attachments", wrong])
            .output()
            .unwrap();
        assert_eq!(ended.status.code(), Some(2), "{wrong}");
    }
    assert_eq!(fs::read_dir(data.path()).unwrap().count(), 0);
}
