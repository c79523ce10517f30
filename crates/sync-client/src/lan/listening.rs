//! Taking calls.

use std::io;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::sync::Arc;
use std::time::Duration;

use sync_protocol::PeerRole;
use tokio::net::{TcpListener, TcpStream};
use tokio::time::sleep;

use super::connection::run;
use super::handle::{LanReach, Shared};
use super::roll::{Found, Met};

/// How many other ports are tried.
const OTHER_PORTS: usize = 8;
/// The system is out of sockets: it won't have one in the next instant.
const AFTER_FAILURE: Duration = Duration::from_secs(1);

/// Listens on this port, by IPv6 and IPv4 as far as the machine has them; on any port if this one is taken.
///
/// # Errors
/// What the system said about any port.
pub(super) async fn listen(reach: LanReach, port: u16) -> io::Result<(u16, Vec<TcpListener>)> {
    let mut outcome = on_port(reach, port).await;
    // A port that is free for IPv6 may be taken for IPv4: then another one.
    for _ in 0..OTHER_PORTS {
        if outcome.is_ok() {
            break;
        }
        outcome = on_port(reach, 0).await;
    }
    outcome
}

async fn on_port(reach: LanReach, port: u16) -> io::Result<(u16, Vec<TcpListener>)> {
    let (v6, v4) = match reach {
        LanReach::Everywhere => (Ipv6Addr::UNSPECIFIED, Ipv4Addr::UNSPECIFIED),
        LanReach::ThisMachine => (Ipv6Addr::LOCALHOST, Ipv4Addr::LOCALHOST),
    };
    let v6 = TcpListener::bind((v6, port)).await;
    let port = match &v6 {
        Ok(listener) => listener.local_addr()?.port(),
        Err(_) => port,
    };
    let v4 = TcpListener::bind((v4, port)).await;
    match (v6, v4) {
        (Ok(v6), Ok(v4)) => Ok((port, vec![v6, v4])),
        // Where an IPv6 socket takes IPv4 calls too, the port is taken by ourselves.
        (Ok(v6), Err(error)) if reach == LanReach::Everywhere && error.kind() == io::ErrorKind::AddrInUse => {
            Ok((port, vec![v6]))
        }
        (Ok(_), Err(error)) => Err(error),
        (Err(_), Ok(v4)) => Ok((v4.local_addr()?.port(), vec![v4])),
        (Err(_), Err(error)) => Err(error),
    }
}

/// Takes calls until it is told to stop.
pub(super) async fn take_calls(shared: Arc<Shared>, listener: TcpListener) {
    let mut stopping = shared.stopping();
    loop {
        let taken = tokio::select! {
            biased;
            _ = stopping.wait_for(|stop| *stop) => return,
            taken = listener.accept() => taken,
        };
        match taken {
            Ok((tcp, from)) => take(&shared, tcp, from),
            Err(_) => tokio::select! {
                biased;
                _ = stopping.wait_for(|stop| *stop) => return,
                () = sleep(AFTER_FAILURE) => {}
            },
        }
    }
}

/// One call; when there are too many, it is hung up.
fn take(shared: &Arc<Shared>, tcp: TcpStream, from: SocketAddr) {
    let Ok(place) = Arc::clone(&shared.places).try_acquire_owned() else {
        return;
    };
    let Ok(stranger) = Arc::clone(&shared.strangers).try_acquire_owned() else {
        return;
    };
    let met = Met {
        role: PeerRole::Answerer,
        found: Found::Called,
        at: plain(from),
    };
    shared.spawn(move |shared| async move {
        run(&shared, tcp, met, Some(stranger)).await;
        drop(place);
    });
}

/// An IPv4 address that came by an IPv6 socket, as what it is.
fn plain(address: SocketAddr) -> SocketAddr {
    match address.ip().to_canonical() {
        IpAddr::V4(ip) => SocketAddr::new(IpAddr::V4(ip), address.port()),
        IpAddr::V6(_) => address,
    }
}
