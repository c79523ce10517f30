//! Under test: a man in the middle, who speaks TLS with both sides.
#![allow(clippy::unwrap_used)]

use std::net::SocketAddr;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use rand_chacha::ChaCha20Rng;
use rand_chacha::rand_core::SeedableRng;
use sync_protocol::memory::MemoryStore;
use sync_protocol::sim::{SimClinic, SimDevice};
use sync_protocol::{PeerMessage, PeerRole, PeerStore, PeerStream, RefusedCode, SyncStore};
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::runtime::Handle;
use tokio::time::timeout;

use super::channel::Channel;
use super::{LanHandle, LanOptions, LanReach};
use crate::Ports;

const PATIENCE: Duration = Duration::from_secs(30);

fn rng(seed: u8) -> ChaCha20Rng {
    ChaCha20Rng::from_seed([seed; 32])
}

fn start(device: &SimDevice, typed: Option<SocketAddr>, seed: u8) -> LanHandle {
    let options = LanOptions {
        port: 0,
        reach: LanReach::ThisMachine,
        hint_key: None,
        typed: typed.iter().map(|at| at.to_string().parse().unwrap()).collect(),
        known: Vec::new(),
    };
    let ports = Ports {
        clock: Arc::new(|| 0),
        rng: Box::new(rng(seed)),
    };
    let store: Arc<MemoryStore> = Arc::clone(&device.store);
    LanHandle::start(
        store as Arc<dyn PeerStore>,
        (*device.keys).clone(),
        options,
        ports,
        &Handle::current(),
    )
}

/// Passes everything on, and writes it down.
async fn pass(mut from: impl AsyncRead + Unpin, mut to: impl AsyncWrite + Unpin, heard: Arc<Mutex<Vec<u8>>>) {
    let mut piece = [0; 4096];
    while let Ok(n_bytes @ 1..) = from.read(&mut piece).await {
        heard.lock().unwrap().extend(&piece[..n_bytes]);
        if to.write_all(&piece[..n_bytes]).await.is_err() || to.flush().await.is_err() {
            return;
        }
    }
    drop(to.shutdown().await);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_man_in_the_middle_hears_two_hellos_and_a_refusal() {
    let random = &mut rng(1);
    let (mut clinic, mut one) = SimClinic::found(0, random);
    let mut two = clinic.admit(0, random);
    for device in [&one, &two] {
        device.store.absorb_statements(clinic.encoded_statements()).unwrap();
    }
    (0..20).for_each(|_| one.write(random));
    (0..20).for_each(|_| two.write(random));

    let called = start(&two, None, 2);
    let port = called
        .state()
        .wait_for(|state| state.port.is_some())
        .await
        .unwrap()
        .port
        .unwrap();
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let middle = listener.local_addr().unwrap();
    let caller = start(&one, Some(middle), 3);

    let channel = Channel::make(&mut rng(4));
    let (tcp, _) = timeout(PATIENCE, listener.accept()).await.unwrap().unwrap();
    let with_caller = channel.secure(tcp, PeerRole::Answerer).await.unwrap();
    let tcp = TcpStream::connect(("127.0.0.1", port)).await.unwrap();
    let with_called = channel.secure(tcp, PeerRole::Caller).await.unwrap();
    assert_ne!(with_caller.binding, with_called.binding);

    let heard: [Arc<Mutex<Vec<u8>>>; 2] = Default::default();
    let (caller_read, caller_write) = tokio::io::split(with_caller.stream);
    let (called_read, called_write) = tokio::io::split(with_called.stream);
    let passing = async {
        tokio::join!(
            pass(caller_read, called_write, Arc::clone(&heard[0])),
            pass(called_read, caller_write, Arc::clone(&heard[1])),
        )
    };
    timeout(PATIENCE, passing).await.unwrap();

    for heard in heard {
        let heard = heard.lock().unwrap().clone();
        let mut stream = PeerStream::default();
        stream.push(&heard);
        let mut messages = Vec::new();
        while let Some(frame) = stream.next(1024).unwrap() {
            messages.push(PeerMessage::decode(&frame, 1024).unwrap());
        }
        assert!(matches!(messages[0], PeerMessage::Hello(_)));
        assert!(
            matches!(messages[1..], [] | [PeerMessage::Refused(RefusedCode::UnknownClinic)]),
            "{messages:?}"
        );
        for secret in [
            *clinic.tenant.as_bytes(),
            *one.keys.id().as_bytes(),
            *two.keys.id().as_bytes(),
        ] {
            assert!(!heard.windows(32).any(|window| window == secret));
        }
    }
    for (handle, device) in [(&caller, &one), (&called, &two)] {
        assert_eq!(handle.state().borrow().peers, []);
        assert_eq!(device.store.held().changes.len(), 20);
    }
    caller.stop().await;
    called.stop().await;
}
