//! What a connection hears and does: frames to its session on the store's thread, and the session's frames to its outbox.
//!
//! Frames that must wait their turn are in `connection/waiting.rs`, work with attachments in `connection/objects.rs`, two
//! devices that pair in `connection/pairing.rs`.

mod objects;
mod pairing;
mod waiting;

use std::ops::ControlFlow;
use std::sync::Arc;
use std::time::Duration;

use seal::TenantId;
use sync_protocol::{
    ConnectionId, ObjectDone, Outgoing, RefusedCode, RelayMessage, RelaySession, RelayStep, RelayStoreFailed,
};
use tokio::io::AsyncRead;
use tokio::sync::watch;
use tokio::task::JoinSet;
use tokio::time::{Instant, interval_at, sleep_until, timeout_at};
use tracing::Instrument;

use crate::frames::{FrameReader, Said};
use crate::goodbye::Goodbye;
use crate::hub::Bell;
use crate::limits::Origin;
use crate::outbox::Outbox;
use crate::shared::Shared;
use crate::{Phase, Store, now_ms};
use pairing::Pairing;
use waiting::Waiting;

pub(crate) struct Connection {
    id: ConnectionId,
    shared: Arc<Shared>,
    outbox: Arc<Outbox>,
    origin: Origin,
    session: Option<Box<RelaySession>>,
    patience: Duration,
    /// Work with objects: news and frames don't wait for it.
    work: JoinSet<Option<ObjectDone>>,
    /// Nothing more is read until it was heard.
    waiting: Option<Box<Waiting>>,
    n_requests: u64,
    /// Something happened since the last look at the clock.
    is_busy: bool,
    /// What the store is known to have said by then was said to this connection too.
    told: std::time::Instant,
    /// The minute's look happens when all connections of the clinic look.
    looks_with_clinic: bool,
    /// Its place in a pairing.
    pairing: Option<Pairing>,
}

/// What a step does to a session.
enum Step {
    /// It is woken; the time is that of the news. What others of the clinic have read since then need not be read again.
    Look(std::time::Instant),
    /// Anything else.
    Act,
}

impl Connection {
    pub(crate) fn new(id: ConnectionId, shared: Arc<Shared>, outbox: Arc<Outbox>, origin: Origin) -> Self {
        Self {
            id,
            patience: shared.timers.hello_within,
            shared,
            outbox,
            origin,
            session: None,
            work: JoinSet::new(),
            waiting: None,
            n_requests: 0,
            is_busy: true,
            told: std::time::Instant::now(),
            looks_with_clinic: false,
            pairing: None,
        }
    }

    /// Hears the device until one of the two has enough, and says why.
    pub(crate) async fn listen<R: AsyncRead + Unpin>(&mut self, reader: &mut FrameReader<R>, bell: &Bell) -> Goodbye {
        if let ControlFlow::Break(goodbye) = self.open().await {
            return goodbye;
        }
        let mut phase = self.shared.phase.clone();
        let look_again = self.shared.timers.look_again;
        let mut clock = interval_at(Instant::now() + look_again, look_again);
        // Its silence goes on through news and the minute's look at the clock; while it is not listened to it does not count.
        let mut quiet_since = Instant::now();
        loop {
            if let (false, Some(clinic)) = (self.looks_with_clinic, self.clinic()) {
                self.looks_with_clinic = true;
                clock.reset_at(self.shared.look_of(&clinic, look_again));
            }
            if self.pairing.is_some() && self.shared.writer.is_shared() && clock.period() != pairing::LOOK_EVERY {
                clock = interval_at(Instant::now() + pairing::LOOK_EVERY, pairing::LOOK_EVERY);
            }
            let (patience, outbox) = (self.patience, Arc::clone(&self.outbox));
            let quiet = &mut quiet_since;
            let until = self.waiting.as_ref().and_then(|waiting| waiting.until());
            let next = async {
                if let Some(until) = until {
                    sleep_until(until).await;
                    return None;
                }
                let began = Instant::now();
                outbox.drained().await;
                *quiet += began.elapsed();
                Some(timeout_at(*quiet + patience, reader.next()).await)
            };
            let flow = tokio::select! {
                biased;
                () = until_draining(&mut phase) => return self.end_for_restart().await,
                () = bell.rung() => {
                    self.is_busy = true;
                    let last = bell.last();
                    self.look(bell.heard(), last).await
                }
                _ = clock.tick() => self.tick().await,
                Some(done) = self.work.join_next() => self.finish(done.ok().flatten()).await,
                said = next => {
                    quiet_since = Instant::now();
                    self.is_busy = true;
                    match said {
                        None => self.hear_waiting().await,
                        Some(Ok(Ok(said))) => self.hear(said).await,
                        Some(Ok(Err(broken))) => ControlFlow::Break(broken.into()),
                        Some(Err(_)) => self.was_silent(),
                    }
                }
            };
            if let ControlFlow::Break(goodbye) = flow {
                return goodbye;
            }
        }
    }

    async fn open(&mut self) -> ControlFlow<Goodbye> {
        let opened = self
            .shared
            .on_store(None, |store| RelaySession::open(store, &mut rand::rng()))
            .await;
        let Ok((session, step)) = opened else {
            return ControlFlow::Break(Goodbye::Done);
        };
        self.session = Some(Box::new(session));
        self.outbox.push(step.send, None);
        ControlFlow::Continue(())
    }

    fn clinic(&self) -> Option<TenantId> {
        Some(self.session.as_ref()?.member()?.0)
    }

    /// `last`: when the youngest news came, if any did.
    async fn look(&mut self, since: Option<Instant>, last: Option<std::time::Instant>) -> ControlFlow<Goodbye> {
        if self.pairing.is_some() {
            return self.look_at_pairing().await;
        }
        let news = last.map_or(self.told, |last| last.max(self.told));
        let wake = |session: &mut RelaySession, store: &mut Store| session.wake(store, now_ms());
        self.step(Step::Look(news), since, wake).await
    }

    async fn tick(&mut self) -> ControlFlow<Goodbye> {
        let was_busy = std::mem::replace(&mut self.is_busy, false);
        let flow = self.look(None, None).await;
        if let (false, Some(session)) = (was_busy, &mut self.session) {
            session.rest();
        }
        flow
    }

    async fn hear(&mut self, said: Said) -> ControlFlow<Goodbye> {
        match said {
            Said::Message(frame) => {
                self.shared.figures.received.passed(frame.len());
                match self.session.as_ref().and_then(|session| session.member()) {
                    None => self.receive(frame).await,
                    Some((clinic, device)) => {
                        self.shared.requests.count(clinic);
                        self.take_turn(clinic, device, frame);
                        self.hear_waiting().await
                    }
                }
            }
            // A sign of life, and all that a pairing shows while its people talk.
            Said::Ping(body) => {
                self.outbox.pong(body);
                ControlFlow::Continue(())
            }
            Said::Pong => ControlFlow::Continue(()),
            Said::Close => ControlFlow::Break(Goodbye::Done),
        }
    }

    async fn receive(&mut self, frame: Vec<u8>) -> ControlFlow<Goodbye> {
        let act = move |session: &mut RelaySession, store: &mut Store| {
            session.receive(&frame, store, now_ms(), &mut rand::rng())
        };
        self.step(Step::Act, None, act).await
    }

    /// Runs the session once on the store's thread. `live`: when what it was woken for arrived at the relay.
    ///
    /// Its frames are queued and its news told before the next job begins there, so that what a revocation must call
    /// back is always already in an outbox, and news are told even if this connection is gone by then.
    async fn step(
        &mut self,
        kind: Step,
        live: Option<Instant>,
        act: impl FnOnce(&mut RelaySession, &mut Store) -> Result<RelayStep, RelayStoreFailed> + Send + 'static,
    ) -> ControlFlow<Goodbye> {
        let Some(mut session) = self.session.take() else {
            return ControlFlow::Break(Goodbye::Done);
        };
        self.n_requests += 1;
        let request = self.shared.request(self.id, self.n_requests);
        let (id, shared, outbox) = (self.id, Arc::clone(&self.shared), Arc::clone(&self.outbox));
        let (since, key) = (Instant::now(), session.member().map(|(clinic, _)| clinic));
        let job = move |store: &mut Store| {
            let (before, reached) = (session.member(), session.reached());
            let mut step = match (kind, before) {
                (Step::Look(news), Some((tenant, _))) => store.look(tenant, news, |store| act(&mut session, store)),
                _ => store.step(|store| act(&mut session, store)),
            };
            let told = std::time::Instant::now();
            if let Ok(step) = &mut step {
                if let (None, Some((tenant, device))) = (before, session.member()) {
                    shared.hub.belongs(id, tenant, device);
                    if shared.writer.is_shared() {
                        // Others may have written since the session looked, and nobody knew whom to tell.
                        shared.hub.ring(id, since);
                    }
                    tracing::info!(connection = id.0, %tenant, %device, "a device is here");
                }
                shared.figures.count(step.tally);
                let live = live.filter(|_| step.tally.changes_out > 0);
                outbox.push(step.send.drain(..), live);
                if let Some(now) = session.reached().filter(|now| Some(*now) != reached) {
                    shared.hub.reached(id, now);
                }
                shared.tell(&step.wake, step.is_told.then_some(id), since);
            }
            (session, step, told)
        };
        let done = self.shared.on_store(key, job).instrument(request.clone()).await;
        let Ok((session, mut step, told)) = done else {
            return ControlFlow::Break(Goodbye::Done);
        };
        self.told = told;
        let ask = step.as_mut().ok().and_then(|step| step.pairing.take());
        let flow = request.in_scope(|| match step {
            Ok(step) => self.follow(session, step),
            Err(error) => {
                tracing::error!(connection = self.id.0, %error, "a connection ends without an answer");
                ControlFlow::Break(Goodbye::Done)
            }
        });
        match (flow, ask) {
            (ControlFlow::Continue(()), Some(ask)) => self.pair(ask).instrument(request).await,
            (flow, _) => flow,
        }
    }

    fn follow(&mut self, session: Box<RelaySession>, step: RelayStep) -> ControlFlow<Goodbye> {
        let is_member = session.member().is_some();
        if is_member {
            self.patience = self.shared.timers.silence;
        }
        self.session = Some(session);
        for work in step.objects {
            self.begin(work);
        }
        let Some(code) = step.end else {
            return ControlFlow::Continue(());
        };
        tracing::info!(connection = self.id.0, code = code.name(), "a connection is refused");
        self.shared.figures.refused(code.name());
        if !is_member && is_suspect(code) {
            self.shared.rates.hello_failed(self.origin);
        }
        ControlFlow::Break(Goodbye::Refused(code))
    }

    /// Says so and ends.
    fn refuse(&mut self, code: RefusedCode) -> ControlFlow<Goodbye> {
        self.shared.figures.refused(code.name());
        let frame = RelayMessage::Refused(code).encode();
        self.outbox.push([Outgoing { frame, grant: None }], None);
        ControlFlow::Break(Goodbye::Refused(code))
    }

    fn was_silent(&self) -> ControlFlow<Goodbye> {
        if self.session.as_ref().is_none_or(|session| session.member().is_none()) {
            self.shared.figures.refused("no_hello");
            self.shared.rates.hello_failed(self.origin);
        }
        ControlFlow::Break(Goodbye::Done)
    }

    /// The relay stops: what was received is finished and acknowledged.
    async fn end_for_restart(&mut self) -> Goodbye {
        if let Some(waiting) = self.waiting.take()
            && let ControlFlow::Break(goodbye) = self.receive(waiting.frame()).await
        {
            return goodbye;
        }
        self.finish_all().await;
        self.shared.restart()
    }
}

async fn until_draining(phase: &mut watch::Receiver<Phase>) {
    drop(phase.wait_for(|phase| *phase != Phase::Serving).await);
}

/// Whoever hears this before he has said who he is may be trying things out. Who was removed, came from before a backup or
/// has an old invitation may not.
fn is_suspect(code: RefusedCode) -> bool {
    matches!(
        code,
        RefusedCode::BadMessage
            | RefusedCode::UnknownClinic
            | RefusedCode::UnknownDevice
            | RefusedCode::BadSignature
            | RefusedCode::BadStatements
            | RefusedCode::InvitationUnknown
            | RefusedCode::NobodyWaits
    )
}
