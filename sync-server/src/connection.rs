//! One device's WebSocket: frames to its session on the store's thread, and the session's frames back.

use std::ops::ControlFlow;
use std::sync::Arc;
use std::time::Duration;

use axum::body::Bytes;
use axum::extract::ws::{Message, WebSocket};
use futures_util::stream::{SplitSink, SplitStream};
use futures_util::{SinkExt, StreamExt};
use sync_protocol::{ConnectionId, RelaySession, RelayStep, RelayStoreFailed};
use tokio::sync::{Notify, watch};
use tokio::time::{Instant, interval_at, timeout};

use crate::hub::Hub;
use crate::outbox::Outbox;
use crate::{Store, Writer, now_ms};

/// A new connection must say who it is within this.
const HELLO_WITHIN: Duration = Duration::from_secs(15);
/// A ping goes out after this much silence of ours.
const PING_AFTER: Duration = Duration::from_secs(25);
/// A peer that sends nothing, not even a pong, for this long is gone.
const SILENCE: Duration = Duration::from_secs(75);
/// Grants begin and end by the clock: sessions look again after this.
const LOOK_AGAIN: Duration = Duration::from_secs(60);

/// What all connections share.
#[derive(Clone)]
pub(crate) struct Shared {
    pub(crate) writer: Writer,
    pub(crate) hub: Arc<Hub>,
    pub(crate) closing: watch::Receiver<bool>,
}

/// Speaks with one device until either side has enough.
pub(crate) async fn speak(socket: WebSocket, shared: Shared) {
    let (outbox, news) = (Arc::new(Outbox::default()), Arc::new(Notify::new()));
    let Some(id) = shared.hub.enter(&outbox, &news) else { return };
    let (sink, stream) = socket.split();
    let writing = tokio::spawn(write(sink, Arc::clone(&outbox)));
    let mut connection = Connection { id, shared, outbox, session: None, member: false };
    connection.listen(stream, &news).await;
    connection.outbox.close();
    connection.shared.hub.leave(id);
    // What was answered last (a refusal, say) still leaves; a peer that does not read it is not waited for.
    if timeout(HELLO_WITHIN, writing).await.is_err() {
        tracing::debug!(connection = id.0, "a peer did not read to the end");
    }
}

struct Connection {
    id: ConnectionId,
    shared: Shared,
    outbox: Arc<Outbox>,
    session: Option<Box<RelaySession>>,
    member: bool,
}

impl Connection {
    async fn listen(&mut self, mut stream: SplitStream<WebSocket>, news: &Notify) {
        if self.open().await.is_break() {
            return;
        }
        let mut closing = self.shared.closing.clone();
        let mut clock = interval_at(Instant::now() + LOOK_AGAIN, LOOK_AGAIN);
        loop {
            let patience = if self.member { SILENCE } else { HELLO_WITHIN };
            let outbox = Arc::clone(&self.outbox);
            let next = async {
                outbox.drained().await;
                timeout(patience, stream.next()).await
            };
            let flow = tokio::select! {
                biased;
                // Changes once, when the relay is asked to stop.
                _ = closing.changed() => ControlFlow::Break(()),
                () = news.notified() => self.step(|session, store| session.wake(store, now_ms())).await,
                _ = clock.tick() => {
                    self.shared.hub.expire_pairings(now_ms());
                    self.step(|session, store| session.wake(store, now_ms())).await
                }
                frame = next => match frame {
                    Ok(Some(Ok(message))) => self.hear(message).await,
                    Ok(Some(Err(_)) | None) | Err(_) => ControlFlow::Break(()),
                },
            };
            if flow.is_break() {
                return;
            }
        }
    }

    async fn open(&mut self) -> ControlFlow<()> {
        let opened = self.shared.writer.run(|store| RelaySession::open(store, &mut rand::rng())).await;
        let Ok((session, step)) = opened else { return ControlFlow::Break(()) };
        self.session = Some(Box::new(session));
        self.follow(step)
    }

    async fn hear(&mut self, message: Message) -> ControlFlow<()> {
        match message {
            Message::Binary(frame) => {
                self.step(move |session, store| session.receive(&frame, store, now_ms(), &mut rand::rng())).await
            }
            Message::Ping(_) | Message::Pong(_) => {
                // A pairing waits for a person; its pongs are its sign of life.
                ControlFlow::Continue(())
            }
            Message::Text(_) | Message::Close(_) => ControlFlow::Break(()),
        }
    }

    /// Runs the session once on the store's thread, and follows what it says.
    async fn step(
        &mut self,
        act: impl FnOnce(&mut RelaySession, &mut Store) -> Result<RelayStep, RelayStoreFailed> + Send + 'static,
    ) -> ControlFlow<()> {
        let Some(mut session) = self.session.take() else { return ControlFlow::Break(()) };
        let done = self.shared.writer.run(move |store| {
            let step = act(&mut session, store);
            (session, step)
        });
        let Ok((session, step)) = done.await else { return ControlFlow::Break(()) };
        self.session = Some(session);
        match step {
            Ok(step) => self.follow(step),
            Err(error) => {
                tracing::error!(connection = self.id.0, %error, "a connection ends without an answer");
                ControlFlow::Break(())
            }
        }
    }

    fn follow(&mut self, step: RelayStep) -> ControlFlow<()> {
        let member = self.session.as_ref().and_then(|session| session.member());
        if let (false, Some((tenant, device))) = (self.member, member) {
            self.member = true;
            self.shared.hub.belongs(self.id, tenant);
            tracing::info!(connection = self.id.0, %tenant, %device, "a device is here");
            // Whatever happened between its welcome and now is told by one more look.
            self.shared.hub.wake(&[sync_protocol::Wake::Clinic(tenant)]);
        }
        self.outbox.push(step.send);
        self.shared.hub.wake(&step.wake);
        if let Some(ask) = step.pairing {
            self.member = true;
            self.shared.hub.pair(self.id, ask, now_ms());
        }
        match step.end {
            Some(code) => {
                tracing::info!(connection = self.id.0, code = code.name(), "a connection is refused");
                ControlFlow::Break(())
            }
            None => ControlFlow::Continue(()),
        }
    }
}

/// Sends what the outbox holds until it is closed and empty, or a revocation cuts off the frame that is leaving.
async fn write(mut sink: SplitSink<WebSocket, Message>, outbox: Arc<Outbox>) {
    loop {
        let message = match timeout(PING_AFTER, outbox.next()).await {
            Ok(Some(frame)) => Message::Binary(Bytes::from(frame)),
            Ok(None) => break,
            Err(_) => Message::Ping(Bytes::new()),
        };
        let sent = tokio::select! {
            biased;
            () = outbox.cut() => return,
            sent = timeout(SILENCE, sink.send(message)) => matches!(sent, Ok(Ok(()))),
        };
        if !sent {
            return;
        }
        outbox.left();
    }
    drop(timeout(PING_AFTER, sink.close()).await);
}
