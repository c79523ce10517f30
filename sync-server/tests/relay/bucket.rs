//! Attachments in an object store: a real server that speaks S3, at a real socket, on a folder.

use std::fs;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use hyper_util::rt::TokioIo;
use s3s::auth::SimpleAuth;
use s3s::service::{S3Service, S3ServiceBuilder};
use s3s_fs::FileSystem;
use sync_protocol::sim::SimClinic;
use sync_server::{ATTACHMENTS, Store};
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
struct Bucket {
    folder: TempDir,
    address: SocketAddr,
    serving: JoinHandle<()>,
}

impl Drop for Bucket {
    fn drop(&mut self) {
        self.serving.abort();
    }
}

impl Bucket {
    async fn start() -> Self {
        let folder = tempfile::tempdir().unwrap();
        fs::create_dir(folder.path().join(BUCKET)).unwrap();
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let mut service = S3ServiceBuilder::new(FileSystem::new(folder.path()).unwrap());
        service.set_auth(SimpleAuth::from_single(KEY, SECRET));
        Self {
            folder,
            address,
            serving: tokio::spawn(answer(listener, service.build())),
        }
    }

    /// `medieco-relay serve` with its attachments here.
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

    fn objects(&self) -> Vec<PathBuf> {
        files(&self.folder.path().join(BUCKET).join(PREFIX))
    }
}

async fn answer(listener: TcpListener, service: S3Service) {
    // Dropped together with this: connections end with their server.
    let mut connections = tokio::task::JoinSet::new();
    loop {
        let (socket, _) = listener.accept().await.unwrap();
        let http = hyper::server::conn::http1::Builder::new().serve_connection(TokioIo::new(socket), service.clone());
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
