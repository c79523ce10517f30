//! TLS with the key from the invitation, and with nothing else.

use std::net::SocketAddr;
use std::path::Path;
use std::time::Duration;

use rcgen::{CertificateParams, KeyPair, date_time_ymd};
use sync_client::{RelayAddress, RelayError};
use sync_protocol::sim::SimClinic;
use sync_server::{RunningRelay, ServeOptions, Timers, TlsFiles, now_ms, serve_with};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::sync::oneshot;
use tokio::time::timeout;

use crate::world::rng;

async fn start(folder: &Path, timers: Timers) -> (RunningRelay, oneshot::Sender<()>) {
    // A name and dates that fit nothing, as under a clock whose battery is dead: only the key counts.
    let signing_key = KeyPair::generate().unwrap();
    let mut params = CertificateParams::new(["nowhere.invalid".to_owned()]).unwrap();
    params.not_before = date_time_ymd(1990, 1, 1);
    params.not_after = date_time_ymd(1999, 12, 31);
    let cert = params.self_signed(&signing_key).unwrap();
    let files = TlsFiles {
        certificate: folder.join("relay.pem"),
        key: folder.join("relay.key"),
    };
    std::fs::write(&files.certificate, cert.pem()).unwrap();
    std::fs::write(&files.key, signing_key.serialize_pem()).unwrap();
    let options = ServeOptions {
        tls: Some(files),
        ..ServeOptions::new(folder.join("data"), SocketAddr::from(([127, 0, 0, 1], 0)))
    };
    let (stop, stopped) = oneshot::channel::<()>();
    let relay = serve_with(options, timers, async { drop(stopped.await) })
        .await
        .unwrap();
    (relay, stop)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_relay_is_known_by_its_key_alone() {
    let folder = tempfile::tempdir().unwrap();
    let (relay, stop) = start(folder.path(), Timers::default()).await;
    let (clinic, _) = SimClinic::found(now_ms(), &mut rng(1));
    let added = relay
        .writer
        .run(|store| store.add_clinic("Klinik Satu", now_ms(), &mut rng(2)))
        .await
        .unwrap();
    let (token, _) = added.unwrap();
    let reachable = relay.reachable.clone();
    assert!(reachable.url.starts_with("wss://127.0.0.1:"));

    let impostor = RelayAddress::new(&reachable.url, Some([0; 32])).unwrap();
    let refused = sync_client::join_by_invitation(&impostor, &token, clinic.encoded_statements()).await;
    assert_eq!(refused, Err(RelayError::WrongKey));

    let plain = RelayAddress::new(&reachable.url.replace("wss://", "ws://"), None).unwrap();
    let refused = sync_client::join_by_invitation(&plain, &token, clinic.encoded_statements()).await;
    assert_eq!(refused, Err(RelayError::Unreachable));

    let right = RelayAddress::new(&reachable.url, reachable.key_sha256).unwrap();
    let joined = sync_client::join_by_invitation(&right, &token, clinic.encoded_statements()).await;
    assert_eq!(joined, Ok(clinic.tenant));

    stop.send(()).unwrap();
    relay.stopped().await.unwrap();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn who_does_not_shake_hands_is_not_waited_for() {
    let folder = tempfile::tempdir().unwrap();
    let timers = Timers {
        at_the_door: Duration::from_millis(100),
        ..Timers::default()
    };
    let (relay, _stop) = start(folder.path(), timers).await;
    // Nothing, and the beginning of a handshake.
    for said in [&[][..], &[0x16, 3, 1, 2, 0, 1, 0]] {
        let mut tcp = TcpStream::connect(relay.address).await.unwrap();
        tcp.write_all(said).await.unwrap();
        let mut heard = Vec::new();
        let cut = timeout(Duration::from_secs(5), tcp.read_to_end(&mut heard)).await;
        assert!(cut.is_ok() && heard.is_empty(), "{cut:?} {heard:?}");
    }
}
