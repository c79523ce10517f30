//! One connection, seen from the relay.
//!
//! The session sends three feeds by position ([`Feed`]), each with a small window, and answers what it is asked. It
//! holds no copy of anything that the store holds: when woken, it reads on from where it was.

mod feeds;
mod greeting;

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use minicbor::bytes::{ByteArray, ByteVec};
use rand_core::CryptoRng;
use seal::{DeviceId, GrantId, TenantId};

use self::feeds::Feeds;
use crate::limits::{BATCH_BYTES, BATCH_ITEMS, MAX_DENIALS, MAX_RELEASE_HEADS, OLDEST_VERSION, PROTOCOL_VERSION};
use crate::{
    DeviceMessage, Feed, Greeting, Page, PairingAsk, PushItem, PushResult, RefusedCode, RelayMessage, RelayStore,
    RelayStoreFailed, ReleaseAnswer, ReleaseAsk, ReleaseHead, ReleaseItem, Releases, Roster, Wake, relay_push,
};

/// A frame to send, and under which grant it shows something: if that grant is revoked first, it is not sent.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Outgoing {
    /// The frame.
    pub frame: Vec<u8>,
    /// Set on frames that hold releases.
    pub grant: Option<GrantId>,
}

/// What one input led to.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct RelayStep {
    /// Frames for this connection, in order.
    pub send: Vec<Outgoing>,
    /// News for other connections; already committed.
    pub wake: Vec<Wake>,
    /// For the relay's [`crate::PairingDesk`].
    pub pairing: Option<PairingAsk>,
    /// The connection ends once `send` is sent; the code is for the log.
    pub end: Option<RefusedCode>,
}

/// One connection, seen from the relay.
pub struct RelaySession {
    greeting: Greeting,
    state: State,
}

enum State {
    /// Greeted; the device has not said yet who it is.
    Greeted,
    /// A device that the relay does not know was asked for its statements; its hello waits here.
    Asked(Box<crate::Hello>),
    /// A proven member.
    Member(Box<Member>),
    /// A pairing: the desk does the rest.
    Pairing,
    /// Refused or done.
    Over,
}

struct Member {
    tenant: TenantId,
    device: DeviceId,
    roster: Arc<Roster>,
    /// The digest of the statements that the device is known to hold.
    told_statements: [u8; 32],
    feeds: Feeds,
    /// How far the device was told that each grant's releases reach.
    told_releases: BTreeMap<GrantId, u64>,
    /// Requests that were denied in this connection; each is a line in two audits.
    n_denied: u32,
}

/// Why a step stops: the device is refused, or the store failed.
enum Stop {
    Refuse(RefusedCode),
    Failed(RelayStoreFailed),
}

impl From<RelayStoreFailed> for Stop {
    fn from(failed: RelayStoreFailed) -> Self {
        Self::Failed(failed)
    }
}

impl From<RefusedCode> for Stop {
    fn from(code: RefusedCode) -> Self {
        Self::Refuse(code)
    }
}

impl RelaySession {
    /// A new connection; the step holds the greeting.
    pub fn open(store: &dyn RelayStore, rng: &mut impl CryptoRng) -> (Self, RelayStep) {
        let mut nonce = [0; 32];
        rng.fill_bytes(&mut nonce);
        let greeting = Greeting {
            oldest: OLDEST_VERSION,
            newest: PROTOCOL_VERSION,
            incarnation: store.incarnation(),
            nonce: ByteArray::from(nonce),
        };
        let mut step = RelayStep::default();
        step.say(&RelayMessage::Greeting(greeting.clone()));
        (Self { greeting, state: State::Greeted }, step)
    }

    /// The proven member at the other end, once it is one.
    pub fn member(&self) -> Option<(TenantId, DeviceId)> {
        match &self.state {
            State::Member(member) => Some((member.tenant, member.device)),
            _ => None,
        }
    }

    /// A frame came.
    ///
    /// # Errors
    /// Only when the store failed; the connection is then to be closed without an answer, and the device tries again.
    pub fn receive(
        &mut self,
        frame: &[u8],
        store: &mut dyn RelayStore,
        now_ms: i64,
        rng: &mut impl CryptoRng,
    ) -> Result<RelayStep, RelayStoreFailed> {
        self.step(|session, step| {
            let message = DeviceMessage::decode(frame).map_err(|_| RefusedCode::BadMessage)?;
            session.hear(message, store, now_ms, rng, step)
        })
    }

    /// Something moved on ([`Wake`]), or a minute passed (grants begin by the clock).
    ///
    /// # Errors
    /// As [`RelaySession::receive`].
    pub fn wake(&mut self, store: &mut dyn RelayStore, now_ms: i64) -> Result<RelayStep, RelayStoreFailed> {
        self.step(|session, step| match &mut session.state {
            State::Member(member) => member.tell_news(store, now_ms, step),
            _ => Ok(()),
        })
    }

    fn step(
        &mut self,
        act: impl FnOnce(&mut Self, &mut RelayStep) -> Result<(), Stop>,
    ) -> Result<RelayStep, RelayStoreFailed> {
        let mut step = RelayStep::default();
        match act(self, &mut step) {
            Ok(()) => {}
            Err(Stop::Failed(failed)) => return Err(failed),
            Err(Stop::Refuse(code)) => {
                step.say(&RelayMessage::Refused(code));
                step.end = Some(code);
                self.state = State::Over;
            }
        }
        Ok(step)
    }

    fn hear(
        &mut self,
        message: DeviceMessage,
        store: &mut dyn RelayStore,
        now_ms: i64,
        rng: &mut impl CryptoRng,
        step: &mut RelayStep,
    ) -> Result<(), Stop> {
        match (&mut self.state, message) {
            (State::Greeted, DeviceMessage::Hello(hello)) => self.meet(hello, store, now_ms, step),
            (State::Asked(_), DeviceMessage::Statements(statements)) => {
                self.meet_with(&statements, store, now_ms, step)
            }
            (State::Member(member), message) => member.hear(message, store, now_ms, rng, step),
            (State::Pairing, DeviceMessage::Pairing(bytes)) => {
                step.pairing = Some(PairingAsk::Post(bytes.into()));
                Ok(())
            }
            _ => Err(RefusedCode::BadMessage.into()),
        }
    }
}

impl Member {
    fn hear(
        &mut self,
        message: DeviceMessage,
        store: &mut dyn RelayStore,
        now_ms: i64,
        rng: &mut impl CryptoRng,
        step: &mut RelayStep,
    ) -> Result<(), Stop> {
        match message {
            DeviceMessage::Statements(statements) => self.learn(&statements, store, step),
            DeviceMessage::Push(items) => self.take(items, store, now_ms, step),
            DeviceMessage::Ack(feed, position) => {
                self.feeds.acknowledge(feed, position)?;
                self.tell_news(store, now_ms, step)
            }
            DeviceMessage::PullReleases(grant, after) => self.serve(grant, after, store, now_ms, rng, step),
            DeviceMessage::FetchStatements(tenant) => {
                let roster = store.roster(&tenant)?;
                step.say(&say_statements(tenant, roster.as_deref()));
                Ok(())
            }
            DeviceMessage::Hello(_) | DeviceMessage::Pairing(_) => Err(RefusedCode::BadMessage.into()),
        }
    }

    /// The device's statements: what is new and accepted is kept, and all others of the clinic are woken.
    fn learn(
        &mut self,
        statements: &[ByteVec],
        store: &mut dyn RelayStore,
        step: &mut RelayStep,
    ) -> Result<(), Stop> {
        let known = store.roster(&self.tenant)?.ok_or(RefusedCode::UnknownClinic)?;
        let roster = known.with(statements.iter().map(|bytes| bytes.as_slice())).ok_or(RefusedCode::BadStatements)?;
        if roster.digest() != known.digest() {
            store.set_roster(&roster)?;
            step.wake.push(Wake::Clinic(self.tenant));
        }
        // Only what the device lacks is told back: it may hold more than is accepted here, and must not be asked again.
        let held: BTreeSet<&[u8]> = statements.iter().map(|bytes| bytes.as_slice()).collect();
        if roster.statements().iter().all(|bytes| held.contains(bytes.as_slice())) {
            self.told_statements = roster.digest();
        }
        self.tell_statements(store, step)
    }

    fn take(
        &mut self,
        items: Vec<PushItem>,
        store: &mut dyn RelayStore,
        now_ms: i64,
        step: &mut RelayStep,
    ) -> Result<(), Stop> {
        if items.len() > BATCH_ITEMS {
            return Err(RefusedCode::BadMessage.into());
        }
        let ids: Vec<_> = items.iter().map(|item| item.id).collect();
        let membership = self.roster.membership();
        let checked: Vec<_> =
            items.into_iter().map(|item| relay_push::check(&self.tenant, membership, item)).collect();
        let good: Vec<_> = checked.iter().filter_map(|item| item.as_ref().ok().cloned()).collect();
        let pushed = store.push(&self.tenant, &good, now_ms)?;
        self.feeds.remember_own(&pushed.positions);
        let mut stored = pushed.refusals.into_iter();
        let refusals = checked.into_iter().map(|item| match item {
            Ok(_) => stored.next().expect("the store answers each item"),
            Err(refusal) => Some(refusal),
        });
        let results = ids.into_iter().zip(refusals).map(|(id, refusal)| PushResult { id, refusal }).collect();
        step.say(&RelayMessage::Pushed(results));
        step.wake.extend(pushed.wake);
        self.tell_news(store, now_ms, step)
    }

    fn serve(
        &mut self,
        grant: GrantId,
        after: u64,
        store: &mut dyn RelayStore,
        now_ms: i64,
        rng: &mut impl CryptoRng,
        step: &mut RelayStep,
    ) -> Result<(), Stop> {
        let mut request = [0; 16];
        rng.fill_bytes(&mut request);
        let page = Page { after, max_items: BATCH_ITEMS, max_bytes: BATCH_BYTES };
        let ask = ReleaseAsk { request, requester: self.tenant, device: self.device, grant, page, now_ms };
        match store.pull_releases(&ask)? {
            ReleaseAnswer::Denied { outcome, source } => {
                self.n_denied += 1;
                if self.n_denied > MAX_DENIALS {
                    return Err(RefusedCode::Busy.into());
                }
                step.say(&RelayMessage::ReleasesDenied(grant, outcome));
                step.wake.extend(source.map(Wake::Clinic));
            }
            ReleaseAnswer::Served { source, items, up_to, more } => {
                let roster = store.roster(&source)?.ok_or(RefusedCode::RelayFailed)?;
                if !items.is_empty() {
                    step.wake.push(Wake::Clinic(source));
                }
                let items =
                    items.into_iter().map(|(position, bytes)| ReleaseItem { position, bytes: bytes.into() }).collect();
                let releases =
                    Releases { grant, source, source_statements: roster.digest(), items, up_to, more };
                step.send.push(Outgoing {
                    frame: RelayMessage::Releases(releases).encode(),
                    grant: Some(grant),
                });
            }
        }
        // The requester's own audit has a new line too, on all of its devices.
        step.wake.push(Wake::Clinic(self.tenant));
        Ok(())
    }

    /// Sends on whatever the device does not have yet, as far as its windows allow.
    fn tell_news(
        &mut self,
        store: &mut dyn RelayStore,
        now_ms: i64,
        step: &mut RelayStep,
    ) -> Result<(), Stop> {
        self.tell_statements(store, step)?;
        self.feeds.fill(&self.tenant, store, step)?;
        if self.feeds.sent_all(Feed::Consents, store.heads(&self.tenant)?) {
            self.tell_releases(store, now_ms, step)?;
        }
        Ok(())
    }

    fn tell_statements(&mut self, store: &mut dyn RelayStore, step: &mut RelayStep) -> Result<(), Stop> {
        let roster = store.roster(&self.tenant)?.ok_or(RefusedCode::UnknownClinic)?;
        if roster.membership().device(&self.device).is_none() {
            return Err(RefusedCode::UnknownDevice.into());
        }
        if roster.digest() != self.told_statements {
            step.say(&say_statements(self.tenant, Some(&roster)));
            self.told_statements = roster.digest();
        }
        self.roster = roster;
        Ok(())
    }

    /// Names grants whose releases reach further than the device was told. It has their grants already.
    fn tell_releases(
        &mut self,
        store: &mut dyn RelayStore,
        now_ms: i64,
        step: &mut RelayStep,
    ) -> Result<(), Stop> {
        let heads = store.release_heads(&self.tenant, now_ms)?;
        let news: Vec<ReleaseHead> = heads
            .into_iter()
            .filter(|(grant, position)| self.told_releases.get(grant).is_none_or(|told| told < position))
            .take(MAX_RELEASE_HEADS)
            .map(|(grant, position)| ReleaseHead { grant, position })
            .collect();
        if !news.is_empty() {
            self.told_releases.extend(news.iter().map(|head| (head.grant, head.position)));
            step.say(&RelayMessage::ReleasesWaiting(news));
        }
        Ok(())
    }
}

impl RelayStep {
    pub(crate) fn say(&mut self, message: &RelayMessage) {
        self.send.push(Outgoing { frame: message.encode(), grant: None });
    }
}

fn say_statements(tenant: TenantId, roster: Option<&Roster>) -> RelayMessage {
    let statements = roster.map(Roster::statements).unwrap_or_default();
    RelayMessage::Statements(tenant, statements.iter().cloned().map(ByteVec::from).collect())
}
