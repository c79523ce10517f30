//! One connection with another device, from its socket to its end.

use std::sync::Arc;
use std::time::Duration;

use seal::DeviceId;
use sync_protocol::PeerStream;
use tokio::io::{AsyncReadExt, AsyncWriteExt, ReadHalf, WriteHalf};
use tokio::net::TcpStream;
use tokio::sync::{OwnedSemaphorePermit, mpsc, watch};
use tokio::time::{Instant, timeout, timeout_at};
use tokio_rustls::TlsStream;

use super::end::LanEnd;
use super::handle::Shared;
use super::roll::Met;
use super::session::{Input, Outgoing, Session, outlet};
use crate::Timers;

/// One TLS record.
const PIECE_BYTES: usize = 16 * 1024;
const PIECES_WAITING: usize = 4;

type Stream = TlsStream<TcpStream>;

/// Runs the connection to its end; gives who was there, if that was proven, and why it ended.
///
/// `stranger` is held for as long as the other side has not proven itself.
pub(super) async fn run(
    shared: &Arc<Shared>,
    tcp: TcpStream,
    met: Met,
    stranger: Option<OwnedSemaphorePermit>,
) -> (Option<DeviceId>, LanEnd) {
    let deadline = Instant::now() + shared.timers.handshake;
    let mut stopping = shared.stopping();
    // Small frames go back and forth; waiting to fill a packet would only add up.
    drop(tcp.set_nodelay(true));
    let secured = tokio::select! {
        biased;
        _ = stopping.wait_for(|stop| *stop) => return (None, LanEnd::Stopped),
        secured = timeout_at(deadline, shared.channel.secure(tcp, met.role)) => secured,
    };
    let secured = match secured {
        Ok(Some(secured)) => secured,
        Ok(None) => return (None, LanEnd::NoChannel),
        Err(_) => return (None, LanEnd::Unproven),
    };
    let place = Arc::new(shared.roll.enter(met, secured.binding));
    let (inputs, waiting) = mpsc::channel(PIECES_WAITING);
    let (outlet, outgoing) = outlet();
    let (prove, mut proven) = watch::channel(None);
    let session = Session {
        shared: Arc::clone(shared),
        place: Arc::clone(&place),
        outlet,
        proven: prove,
    };
    let (role, binding) = (met.role, secured.binding);
    let ended = tokio::task::spawn_blocking(move || session.run(role, binding, waiting));
    let (read_half, write_half) = tokio::io::split(secured.stream);
    let news = pass_on_news(shared, inputs.downgrade());
    let lost = tokio::select! {
        biased;
        _ = stopping.wait_for(|stop| *stop) => LanEnd::Stopped,
        () = place.close.notified() => LanEnd::Duplicate,
        () = unproven(deadline, proven.clone(), stranger) => LanEnd::Unproven,
        lost = write(write_half, outgoing, shared.timers) => lost,
        lost = read(read_half, inputs, shared.timers) => lost,
        never = news => match never {},
    };
    // All channels are gone now; the session finishes what it is storing and ends, with the better reason if any.
    let end = match ended.await {
        Ok(Err(reason)) if lost == LanEnd::Lost => reason,
        _ => lost,
    };
    let device = *proven.borrow_and_update();
    tracing::debug!(
        code = end.code(),
        proven = device.is_some(),
        "a connection on the LAN ended"
    );
    (device, end)
}

/// Returns when the other side has not proven itself by the deadline; never, once it has.
async fn unproven(
    deadline: Instant,
    mut proven: watch::Receiver<Option<DeviceId>>,
    stranger: Option<OwnedSemaphorePermit>,
) {
    let in_time = timeout_at(deadline, proven.wait_for(Option::is_some)).await.is_ok();
    if in_time {
        drop(stranger);
        std::future::pending::<()>().await;
    }
}

/// Tells the session whenever something came into the store. The socket alone keeps the session alive.
async fn pass_on_news(shared: &Shared, inputs: mpsc::WeakSender<Input>) -> std::convert::Infallible {
    let mut news = shared.news.subscribe();
    loop {
        // The sender is in `shared`, which is here.
        if news.changed().await.is_err() {
            return std::future::pending().await;
        }
        let Some(inputs) = inputs.upgrade() else {
            return std::future::pending().await;
        };
        drop(inputs.send(Input::News).await);
    }
}

async fn read(mut stream: ReadHalf<Stream>, inputs: mpsc::Sender<Input>, timers: Timers) -> LanEnd {
    loop {
        let mut piece = vec![0; PIECE_BYTES];
        let n_bytes = match timeout(timers.silence, stream.read(&mut piece)).await {
            Ok(Ok(n_bytes)) if n_bytes > 0 => n_bytes,
            Ok(_) => return LanEnd::Lost,
            Err(_) => return LanEnd::Silent,
        };
        piece.truncate(n_bytes);
        if inputs.send(Input::Bytes(piece)).await.is_err() {
            // The session has ended; its last words are being written.
            return std::future::pending().await;
        }
    }
}

async fn write(mut stream: WriteHalf<Stream>, mut outgoing: Outgoing, timers: Timers) -> LanEnd {
    loop {
        let frame = match timeout(timers.life_after, outgoing.next()).await {
            Ok(Some(frame)) => frame,
            Ok(None) => {
                // The session has ended, and everything that it said is written.
                drop(timeout(timers.silence, stream.shutdown()).await);
                return LanEnd::Lost;
            }
            Err(_) => PeerStream::wrap(&[]),
        };
        if !write_with_all_that_waits(&mut stream, frame, &mut outgoing, timers.silence).await {
            return LanEnd::Lost;
        }
    }
}

/// Whether it was taken.
async fn write_with_all_that_waits(
    stream: &mut WriteHalf<Stream>,
    first: Vec<u8>,
    outgoing: &mut Outgoing,
    within: Duration,
) -> bool {
    let mut next = Some(first);
    while let Some(frame) = next {
        if !matches!(timeout(within, stream.write_all(&frame)).await, Ok(Ok(()))) {
            return false;
        }
        next = outgoing.ready();
    }
    matches!(timeout(within, stream.flush()).await, Ok(Ok(())))
}
