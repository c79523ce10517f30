//! One device's WebSocket: frames to its session on the store's thread, and the session's frames back.

use std::ops::ControlFlow;
use std::sync::Arc;
use std::time::Duration;

use axum::body::Bytes;
use axum::extract::ws::{Message, WebSocket};
use futures_util::stream::{SplitSink, SplitStream};
use futures_util::{SinkExt, StreamExt};
use sync_protocol::{ConnectionId, ObjectDone, ObjectWork, RelayChunks, RelaySession, RelayStep, RelayStoreFailed};
use tokio::sync::{Notify, watch};
use tokio::task::JoinSet;
use tokio::time::{Instant, interval_at, timeout, timeout_at};

use crate::hub::Hub;
use crate::outbox::Outbox;
use crate::{Objects, Store, Writer, now_ms};

/// How long a connection waits for what. Tests have shorter ones.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Timers {
    /// A new connection must say who it is within this.
    pub hello_within: Duration,
    /// A ping goes out after this much silence of ours.
    pub ping_after: Duration,
    /// A peer that sends nothing, not even a pong, for this long is gone.
    pub silence: Duration,
    /// Grants begin and end by the clock: sessions look again after this.
    pub look_again: Duration,
}

impl Default for Timers {
    fn default() -> Self {
        Self {
            hello_within: Duration::from_secs(15),
            ping_after: Duration::from_secs(25),
            silence: Duration::from_secs(75),
            look_again: Duration::from_secs(60),
        }
    }
}

/// What all connections share.
#[derive(Clone)]
pub(crate) struct Shared {
    pub(crate) writer: Writer,
    pub(crate) hub: Arc<Hub>,
    pub(crate) objects: Arc<Objects>,
    pub(crate) closing: watch::Receiver<bool>,
    pub(crate) timers: Timers,
}

/// Speaks with one device until either side has enough.
pub(crate) async fn speak(socket: WebSocket, shared: Shared) {
    let (outbox, news) = (Arc::new(Outbox::default()), Arc::new(Notify::new()));
    let Some(id) = shared.hub.enter(&outbox, &news) else {
        return;
    };
    let (sink, stream) = socket.split();
    let timers = shared.timers;
    let mut writing = tokio::spawn(write(sink, Arc::clone(&outbox), timers));
    let mut connection = Connection {
        id,
        shared,
        outbox,
        session: None,
        patience: timers.hello_within,
        work: JoinSet::new(),
    };
    let cut = tokio::select! {
        () = connection.listen(stream, &news) => false,
        _ = &mut writing => true,
    };
    connection.outbox.close();
    connection.shared.hub.leave(id);
    // What was answered last (a refusal, say) still leaves; a peer that does not read it is not waited for.
    if !cut && timeout(timers.hello_within, writing).await.is_err() {
        tracing::debug!(connection = id.0, "a peer did not read to the end");
    }
}

struct Connection {
    id: ConnectionId,
    shared: Shared,
    outbox: Arc<Outbox>,
    session: Option<Box<RelaySession>>,
    patience: Duration,
    /// Work with objects: news and frames don't wait for it.
    work: JoinSet<Option<ObjectDone>>,
}

impl Connection {
    async fn listen(&mut self, mut stream: SplitStream<WebSocket>, news: &Notify) {
        if self.open().await.is_break() {
            return;
        }
        let mut closing = self.shared.closing.clone();
        let look_again = self.shared.timers.look_again;
        let mut clock = interval_at(Instant::now() + look_again, look_again);
        // Its silence goes on through news and the minute's look at the clock; while it is not listened to it does not count.
        let mut quiet_since = Instant::now();
        loop {
            let (patience, outbox) = (self.patience, Arc::clone(&self.outbox));
            let quiet = &mut quiet_since;
            let next = async {
                let began = Instant::now();
                outbox.drained().await;
                *quiet += began.elapsed();
                timeout_at(*quiet + patience, stream.next()).await
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
                Some(done) = self.work.join_next() => match done {
                    Ok(Some(done)) => self.step(|session, store| session.worked(done, store, now_ms())).await,
                    Ok(None) | Err(_) => ControlFlow::Continue(()),
                },
                frame = next => match frame {
                    Ok(Some(Ok(message))) => {
                        quiet_since = Instant::now();
                        self.hear(message).await
                    }
                    Ok(Some(Err(_)) | None) | Err(_) => ControlFlow::Break(()),
                },
            };
            if flow.is_break() {
                return;
            }
        }
    }

    async fn open(&mut self) -> ControlFlow<()> {
        let opened = self
            .shared
            .writer
            .run(|store| RelaySession::open(store, &mut rand::rng()))
            .await;
        let Ok((session, step)) = opened else {
            return ControlFlow::Break(());
        };
        self.session = Some(Box::new(session));
        self.outbox.push(step.send);
        ControlFlow::Continue(())
    }

    async fn hear(&mut self, message: Message) -> ControlFlow<()> {
        match message {
            Message::Binary(frame) => {
                self.step(move |session, store| session.receive(&frame, store, now_ms(), &mut rand::rng()))
                    .await
            }
            // A sign of life, and all that a pairing shows while its people talk.
            Message::Ping(_) | Message::Pong(_) => ControlFlow::Continue(()),
            Message::Text(_) | Message::Close(_) => ControlFlow::Break(()),
        }
    }

    /// Runs the session once on the store's thread.
    ///
    /// Its frames are queued and its news told before the next job begins there, so that what a revocation must call
    /// back is always already in an outbox, and news are told even if this connection is gone by then.
    async fn step(
        &mut self,
        act: impl FnOnce(&mut RelaySession, &mut Store) -> Result<RelayStep, RelayStoreFailed> + Send + 'static,
    ) -> ControlFlow<()> {
        let Some(mut session) = self.session.take() else {
            return ControlFlow::Break(());
        };
        let (id, hub, outbox) = (self.id, Arc::clone(&self.shared.hub), Arc::clone(&self.outbox));
        let done = self.shared.writer.run(move |store| {
            let before = session.member();
            let mut step = act(&mut session, store);
            if let Ok(step) = &mut step {
                if let (None, Some((tenant, device))) = (before, session.member()) {
                    hub.belongs(id, tenant);
                    tracing::info!(connection = id.0, %tenant, %device, "a device is here");
                }
                outbox.push(step.send.drain(..));
                hub.wake(&step.wake);
            }
            (session, step)
        });
        let Ok((session, step)) = done.await else {
            return ControlFlow::Break(());
        };
        match step {
            Ok(step) => self.follow(session, step),
            Err(error) => {
                tracing::error!(connection = self.id.0, %error, "a connection ends without an answer");
                ControlFlow::Break(())
            }
        }
    }

    fn follow(&mut self, session: Box<RelaySession>, step: RelayStep) -> ControlFlow<()> {
        if session.member().is_some() || step.pairing.is_some() {
            self.patience = self.shared.timers.silence;
        }
        self.session = Some(session);
        if let Some(ask) = step.pairing {
            self.shared.hub.pair(self.id, ask, now_ms());
        }
        for work in step.objects {
            self.begin(work);
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

impl Connection {
    /// Begins work with an object. What is to be removed is removed, whether this connection lasts or not.
    fn begin(&mut self, work: ObjectWork) {
        let Shared { objects, writer, .. } = self.shared.clone();
        if !matches!(work, ObjectWork::Remove(..)) {
            self.work.spawn(async move { objects.work(work).await });
            return;
        }
        tokio::spawn(async move {
            if let Some(ObjectDone::Removed(tenant, attachment)) = objects.work(work).await {
                let noted = writer
                    .run(move |store| store.attachment_removed(&tenant, &attachment))
                    .await;
                if !matches!(noted, Ok(Ok(()))) {
                    tracing::warn!("that an erased attachment is removed was not noted; the next start looks again");
                }
            }
        });
    }
}

/// Sends what the outbox holds until it is closed and empty, or a revocation cuts off the frame that is leaving.
async fn write(mut sink: SplitSink<WebSocket, Message>, outbox: Arc<Outbox>, timers: Timers) {
    loop {
        let message = match timeout(timers.ping_after, outbox.next()).await {
            Ok(Some(frame)) => Message::Binary(Bytes::from(frame)),
            Ok(None) => break,
            Err(_) => Message::Ping(Bytes::new()),
        };
        let sent = tokio::select! {
            biased;
            () = outbox.cut() => return,
            sent = timeout(timers.silence, sink.send(message)) => matches!(sent, Ok(Ok(()))),
        };
        if !sent {
            return;
        }
        outbox.left();
    }
    drop(timeout(timers.ping_after, sink.close()).await);
}
