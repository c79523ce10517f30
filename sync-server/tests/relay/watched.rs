//! What the operator's machines are told beside the clinics: alive, ready, figures, and nobody's name.

use std::os::unix::net::UnixDatagram;
use std::sync::Arc;
use std::time::Instant;

use futures_util::{SinkExt, StreamExt};
use sync_protocol::memory::MemoryStore;
use sync_protocol::sim::SimClinic;
use sync_protocol::{DeviceMessage, DeviceSession, SyncStore};
use tokio::time::timeout;
use tokio_tungstenite::tungstenite::Message;

use crate::journeys::{joined, start, start_with, until};
use crate::operated::{DEADLINE, Operated, http};
use crate::process::{output, relay_command};
use crate::storm::dial;
use crate::world::{NOW, rng};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn figures_tell_what_passed_and_of_nobody_whose_it_was() {
    let folder = tempfile::tempdir().unwrap();
    let relay = Operated::start(folder.path(), &["--admin", "127.0.0.1:0"]);
    let rng = &mut rng(1);
    let (clinic, mut device) = SimClinic::found(NOW, rng);
    joined(folder.path(), &clinic, "Klinik Satu").await;
    let sync = start(&device, &relay.address);
    until(&sync, |state| state.connected).await;
    // The same device once more with an empty store: it hears live what the first one writes.
    let empty = Arc::new(MemoryStore::new(clinic.tenant, device.store.statements().unwrap()));
    let other = start_with(Arc::clone(&empty) as _, &device.keys, &relay.address);
    until(&other, |state| state.connected).await;
    relay.figure_becomes("members", 2.0);
    // A change that meets an answer of the other device's goes out with it and is none that came live: one more follows.
    let mut n = 0;
    let began = Instant::now();
    while relay.figure("live_change_seconds_count") < Some(1.0) {
        assert!(began.elapsed() < DEADLINE);
        (0..3).for_each(|_| device.write(rng));
        n += 3;
        sync.nudge();
        until(&other, |state| state.position == n).await;
    }
    relay.figure_becomes("received_changes_total", n as f64);
    relay.figure_becomes("sent_changes_total", n as f64);
    assert!(relay.figure("store_job_seconds_count") >= Some(5.0));
    assert!(relay.figure("received_frames_bytes_total") >= Some(500.0));
    // The one that brought the invitation is gone.
    relay.figure_becomes("connections", 2.0);
    relay.figure_becomes("outbox_bytes", 0.0);
    relay.figure_becomes("store_queue", 0.0);

    // A stranger's refusal is counted by its code.
    let stranger = seal::DeviceKeys::make(rng);
    let refused = start_with(Arc::clone(&device.store) as _, &stranger, &relay.address);
    until(&refused, |state| state.error_code == Some("unknown_device")).await;
    refused.stop().await;
    relay.figure_reaches("refusals_total{code=\"unknown_device\"}", 1.0);

    let (_, figures) = relay.ask("/metrics");
    assert!(figures.ends_with("# EOF\n"), "{figures}");
    for secret in [
        clinic.tenant.to_string(),
        device.keys.id().to_string(),
        "Klinik".to_owned(),
        "127.0".to_owned(),
    ] {
        assert!(!figures.contains(&secret), "{secret} in {figures}");
    }
    sync.stop().await;
    other.stop().await;
    relay.figure_becomes("members", 0.0);
    relay.figure_becomes("connections", 0.0);
}

/// A clinic that was granted is given, and one that was not is denied: each is counted once.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_is_given_and_what_is_denied_at_the_gate_is_counted() {
    let folder = tempfile::tempdir().unwrap();
    let relay = Operated::start(folder.path(), &["--admin", "127.0.0.1:0"]);
    let (rng, now_ms) = (&mut rng(3), sync_server::now_ms());
    let [(giver, giving), (taker, taking), (third, asking)] = std::array::from_fn(|_| SimClinic::found(NOW, rng));
    for (clinic, name) in [(&giver, "Satu"), (&taker, "Dua"), (&third, "Tiga")] {
        joined(folder.path(), clinic, name).await;
    }
    let recipient = taker.membership();
    let grant = giving.grant(&recipient, now_ms - 60_000, now_ms + 3_600_000, rng);
    for _ in 0..2 {
        giving.release(&grant, &recipient, None, 1_000, rng);
    }
    let (gives, takes) = (start(&giving, &relay.address), start(&taking, &relay.address));
    relay.figure_becomes("releases_given_total", 2.0);
    assert_eq!(relay.figure("releases_denied_total"), Some(0.0));

    // No grant names the third clinic, and it asks all the same.
    let mut socket = dial(relay.listen()).await.unwrap();
    let mut session = DeviceSession::new(Arc::clone(&asking.store) as _, Arc::clone(&asking.keys));
    while !session.is_idle() {
        let frame = timeout(DEADLINE, socket.next())
            .await
            .unwrap()
            .unwrap()
            .unwrap()
            .into_data();
        for frame in session.receive(&frame, NOW).unwrap().send {
            socket.send(Message::binary(frame)).await.unwrap();
        }
    }
    let ask = DeviceMessage::PullReleases(grant.clear().id, 0).encode();
    socket.send(Message::binary(ask)).await.unwrap();
    relay.figure_becomes("releases_denied_total", 1.0);
    assert_eq!(relay.figure("releases_given_total"), Some(2.0));
    gives.stop().await;
    takes.stop().await;
}

#[test]
fn it_is_alive_and_ready_and_tells_clinics_nothing_of_figures() {
    let folder = tempfile::tempdir().unwrap();
    let relay = Operated::start(folder.path(), &["--admin", "127.0.0.1:0"]);
    // A store that is slow today is so for a while.
    let began = Instant::now();
    while relay.ask("/ready") != (200, "{\"status\":\"ready\"}\n".to_owned()) {
        assert!(began.elapsed() < DEADLINE);
    }
    let (status, body) = relay.ask("/health");
    assert!(
        status == 200 && body.starts_with(r#"{"status":"ok","version":""#),
        "{body}"
    );
    assert_eq!(relay.ask("/").0, 404);
    assert_eq!(relay.ask("/sync").0, 404);
    for path in ["/metrics", "/ready"] {
        let request = format!("GET {path} HTTP/1.1\r\nHost: relay\r\n\r\n");
        assert_eq!(http(relay.listen(), &request).unwrap().0, 404, "{path}");
    }
}

#[test]
fn figures_leave_the_machine_only_with_tls() {
    let folder = tempfile::tempdir().unwrap();
    let said = output(
        folder.path(),
        &["serve", "--listen", "127.0.0.1:0", "--admin", "0.0.0.0:0"],
    );
    assert_eq!(said.status.code(), Some(4));
    assert!(String::from_utf8(said.stderr).unwrap().contains("without TLS"));
}

#[test]
fn systemd_is_told_that_it_is_ready_alive_and_stopping() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("notify");
    let socket = UnixDatagram::bind(&path).unwrap();
    socket.set_read_timeout(Some(DEADLINE)).unwrap();
    let mut hear = {
        let mut bytes = [0; 256];
        move || {
            let n = socket.recv(&mut bytes).unwrap();
            String::from_utf8(bytes[..n].to_vec()).unwrap()
        }
    };
    let mut command = relay_command(folder.path());
    command.env("NOTIFY_SOCKET", &path).env("WATCHDOG_USEC", "300000");
    let relay = Operated::start_by(&mut command, folder.path(), &[]);
    assert_eq!(hear(), "READY=1\n");
    assert_eq!(hear(), "WATCHDOG=1\n");
    assert_eq!(hear(), "WATCHDOG=1\n");
    relay.signal("-TERM");
    while hear() != "STOPPING=1\n" {}
    assert_eq!(relay.ended().0, Some(0));
}

#[test]
fn the_unit_is_one_that_systemd_takes() {
    let unit = concat!(env!("CARGO_MANIFEST_DIR"), "/../packaging/medieco-relay.service");
    let text = std::fs::read_to_string(unit).unwrap();
    // Systemd looks whether the program is there.
    let folder = tempfile::tempdir().unwrap();
    let here = folder.path().join("medieco-relay.service");
    std::fs::write(
        &here,
        text.replace("/usr/bin/medieco-relay", env!("CARGO_BIN_EXE_medieco-relay")),
    )
    .unwrap();
    let verify = std::process::Command::new("systemd-analyze")
        .arg("verify")
        .arg(&here)
        .output();
    match verify {
        Ok(said) => {
            let words = String::from_utf8_lossy(&said.stderr);
            assert!(
                said.status.success() && !words.contains("medieco-relay.service"),
                "{words}"
            );
        }
        Err(_) => println!("no systemd-analyze on this machine: the unit was not looked at"),
    }
}
