//! One connection, seen from the relay.
//!
//! The session sends three feeds by position ([`Feed`]), each with a small window, and answers what it is asked. It
//! holds no copy of anything that the store holds: when woken, it reads on from where it was.

mod attachments;
mod feeds;
mod greeting;
mod mail;
mod member;

use minicbor::bytes::ByteArray;
use rand_core::CryptoRng;
use seal::{DeviceId, GrantId, TenantId};

use self::member::Member;
use crate::limits::{OLDEST_VERSION, PROTOCOL_VERSION};
use crate::{
    DeviceMessage, Greeting, ObjectDone, ObjectWork, PairingAsk, RefusedCode, RelayMessage, RelayStore,
    RelayStoreFailed, Wake,
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
    /// Whatever is news for this clinic in `wake`, this step told this connection already: it need not be woken for it.
    pub is_told: bool,
    /// To be done by the shell; what came of it goes to [`RelaySession::worked`].
    pub objects: Vec<ObjectWork>,
    /// To be done by the shell.
    pub pairing: Option<PairingAsk>,
    /// The connection ends once `send` is sent; the code is for the log.
    pub end: Option<RefusedCode>,
    /// How much it did.
    pub tally: Tally,
}

/// How much one step did; for the operator's figures.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Tally {
    /// Changes that were new here.
    pub changes_in: u64,
    /// Changes that went out with their bodies.
    pub changes_out: u64,
    /// Batches of a feed.
    pub batches: u64,
    /// Releases that went to a holder of their grant.
    pub releases_given: u64,
    /// Requests for releases that were denied.
    pub releases_denied: u64,
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
    /// A proven member that holds more than is here, or something else, was asked for its receipt.
    Doubted(Box<greeting::Coming>),
    /// A proven member.
    Member(Box<Member>),
    /// A pairing: the shell does the rest.
    Pairing,
    /// Refused or done.
    Over,
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
        (
            Self {
                greeting,
                state: State::Greeted,
            },
            step,
        )
    }

    /// The proven member at the other end, once it is one.
    pub fn member(&self) -> Option<(TenantId, DeviceId)> {
        match &self.state {
            State::Member(member) => Some((member.tenant, member.device)),
            _ => None,
        }
    }

    /// Up to where the proven member at the other end has its clinic's changes.
    pub fn reached(&self) -> Option<u64> {
        match &self.state {
            State::Member(member) => Some(member.feeds.reached()),
            _ => None,
        }
    }

    /// Nothing came and nothing went for a while: what is not needed until then takes no memory.
    pub fn rest(&mut self) {
        if let State::Member(member) = &mut self.state {
            member.rest();
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
            session.same_life(store)?;
            let message = DeviceMessage::decode(frame).map_err(|_| RefusedCode::BadMessage)?;
            session.hear(message, store, now_ms, rng, step)
        })
    }

    /// Something moved on ([`Wake`]), or a minute passed (grants begin by the clock).
    ///
    /// # Errors
    /// As [`RelaySession::receive`].
    pub fn wake(&mut self, store: &mut dyn RelayStore, now_ms: i64) -> Result<RelayStep, RelayStoreFailed> {
        self.step(|session, step| {
            session.same_life(store)?;
            match &mut session.state {
                State::Member(member) => member.tell_news(store, now_ms, step),
                _ => Ok(()),
            }
        })
    }

    /// Work with objects is done.
    ///
    /// # Errors
    /// As [`RelaySession::receive`].
    pub fn worked(
        &mut self,
        done: ObjectDone,
        store: &mut dyn RelayStore,
        now_ms: i64,
    ) -> Result<RelayStep, RelayStoreFailed> {
        self.step(|session, step| {
            attachments::note(&done, store, step)?;
            match &mut session.state {
                State::Member(member) => {
                    // What is more urgent goes first.
                    member.tell_news(store, now_ms, step)?;
                    member.worked(done, store, now_ms, step)
                }
                _ => Ok(()),
            }
        })
    }

    /// The data may have begun another life during the connection: its positions mean nothing any more.
    fn same_life(&self, store: &dyn RelayStore) -> Result<(), RefusedCode> {
        if store.incarnation() == self.greeting.incarnation {
            Ok(())
        } else {
            Err(RefusedCode::RelayBehind)
        }
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
            (State::Doubted(_), DeviceMessage::ShowReceipt(receipt)) => self.look_at(receipt, store, now_ms, rng, step),
            // Everything was told, and nothing new came: an acknowledgement makes room that nobody waits for.
            (State::Member(member), DeviceMessage::Ack(feed, position)) if !member.feeds.wait_for_room() => {
                Ok(member.feeds.acknowledge(feed, position, now_ms)?)
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

impl RelayStep {
    pub(crate) fn say(&mut self, message: &RelayMessage) {
        self.send.push(Outgoing {
            frame: message.encode(),
            grant: None,
        });
    }
}
