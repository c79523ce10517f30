//! One connection of the running sync: a socket on the runtime, the session on a blocking thread of its own.
//!
//! Frames go to the session through a short channel, so that a slow disk slows the relay down and nothing piles up.
//! What the session answers is small and bounded by the protocol's windows (one push, two acknowledgements per feed,
//! one pull), so its channel never fills and the two directions cannot wait for each other.

use std::sync::Arc;

use futures_util::stream::{SplitSink, SplitStream};
use futures_util::{SinkExt, StreamExt};
use seal::TenantId;
use sync_protocol::{DeviceEvent, DeviceSession, DeviceStep, again_after};
use tokio::sync::{mpsc, watch};
use tokio::time::timeout;
use tokio_tungstenite::tungstenite::Message;

use crate::handle::Clock;
use crate::socket::Socket;
use crate::{RelayError, Timers};

/// Frames that wait for the session; when it comes to them it takes them together, and stores what changes they bring in one
/// transaction.
pub const FRAMES_WAITING: usize = 8;
const ANSWERS_WAITING: usize = 1_024;

/// What the session is given.
pub(crate) enum Input {
    /// From the relay.
    Frame(Vec<u8>),
    /// Something was written here.
    Nudge,
    /// A person wants to know another clinic.
    Fetch(TenantId),
}

/// What the session tells the outside, after each input.
pub(crate) struct Report {
    /// News.
    pub(crate) events: Vec<DeviceEvent>,
    /// Items that wait to be sent.
    pub(crate) pending: u64,
    /// The last position stored.
    pub(crate) position: u64,
}

/// The two channels of a running session.
pub(crate) struct Running {
    pub(crate) inputs: mpsc::Sender<Input>,
    answers: mpsc::Receiver<Vec<u8>>,
    ended: tokio::task::JoinHandle<Result<(), RelayError>>,
}

/// Starts the session on a blocking thread. `report` is called there after each input.
pub(crate) fn start(
    mut session: DeviceSession,
    store: Arc<dyn sync_protocol::SyncStore>,
    clock: Arc<Clock>,
    report: impl Fn(Report) + Send + 'static,
) -> Running {
    let (inputs, mut waiting) = mpsc::channel(FRAMES_WAITING);
    let (answer, answers) = mpsc::channel(ANSWERS_WAITING);
    let ended = tokio::task::spawn_blocking(move || {
        let mut left = None;
        while let Some(input) = left.take().or_else(|| waiting.blocking_recv()) {
            let DeviceStep { send, events } = match input {
                Input::Frame(frame) => {
                    let mut frames = vec![frame];
                    while frames.len() < FRAMES_WAITING {
                        match waiting.try_recv() {
                            Ok(Input::Frame(frame)) => frames.push(frame),
                            other => {
                                left = other.ok();
                                break;
                            }
                        }
                    }
                    session.receive_all(&frames, clock())?
                }
                Input::Nudge => session.nudge()?,
                Input::Fetch(tenant) => session.fetch_statements(tenant),
            };
            for frame in send {
                if answer.try_send(frame).is_err() {
                    return Ok(());
                }
            }
            report(Report {
                events,
                pending: store.pending()?,
                position: session.position(),
            });
        }
        Ok(())
    });
    Running { inputs, answers, ended }
}

/// Carries frames both ways until the connection or the session ends, and says why.
pub(crate) async fn carry(
    socket: Socket,
    running: Running,
    timers: Timers,
    stopping: &mut watch::Receiver<bool>,
) -> RelayError {
    let Running { inputs, answers, ended } = running;
    let (sink, stream) = socket.split();
    let lost = tokio::select! {
        biased;
        _ = stopping.wait_for(|stop| *stop) => RelayError::Stopped,
        lost = read(stream, inputs, timers) => lost,
        lost = write(sink, answers, timers) => lost,
    };
    // Both channels are gone now; the session finishes what it is storing and ends, with the better reason if any.
    match ended.await {
        Ok(Err(error)) if lost != RelayError::Stopped => error,
        Ok(_) | Err(_) => lost,
    }
}

async fn read(mut stream: SplitStream<Socket>, inputs: mpsc::Sender<Input>, timers: Timers) -> RelayError {
    loop {
        match timeout(timers.silence, stream.next()).await {
            Ok(Some(Ok(Message::Binary(frame)))) => {
                if inputs.send(Input::Frame(frame.into())).await.is_err() {
                    return RelayError::Protocol;
                }
            }
            Ok(Some(Ok(Message::Ping(_) | Message::Pong(_)))) => {}
            Ok(Some(Ok(Message::Close(Some(goodbye))))) => {
                let again_ms = again_after::hear(&goodbye.reason);
                return again_ms.map_or(RelayError::Lost, RelayError::Restarting);
            }
            Ok(Some(Ok(_) | Err(_)) | None) => return RelayError::Lost,
            Err(_) => return RelayError::TimedOut,
        }
    }
}

async fn write(
    mut sink: SplitSink<Socket, Message>,
    mut answers: mpsc::Receiver<Vec<u8>>,
    timers: Timers,
) -> RelayError {
    loop {
        let message = match timeout(timers.life_after, answers.recv()).await {
            Ok(Some(frame)) => Message::binary(frame),
            Ok(None) => return RelayError::Lost,
            Err(_) => Message::Ping(Vec::new().into()),
        };
        if !matches!(timeout(timers.silence, sink.send(message)).await, Ok(Ok(()))) {
            return RelayError::Lost;
        }
    }
}
