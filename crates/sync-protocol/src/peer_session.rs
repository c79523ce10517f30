//! One connection between two devices of one clinic, seen from either end.
//!
//! Both ends run the same session. They greet each other, make their statements equal, and check each other's proof;
//! until then nothing but statements flows. Then they compare what they hold (the caller leads), ask for what they
//! lack, and stay: what comes into one store, from wherever, is told to the other. Nothing is remembered across
//! connections, so a connection may end at any byte.

mod chunks;
mod comparing;
mod items;
mod meeting;
mod proven;
mod receipts;

use std::sync::Arc;

use seal::{DeviceId, DeviceKeys};

use self::meeting::Meeting;
use self::proven::Proven;
use crate::limits::{MAX_FRAME_BYTES, MAX_PEER_FRAME_BYTES, MAX_PEER_HELLO_BYTES};
use crate::{PeerMessage, PeerStore, RefusedCode, StoreError};

/// Which end of the channel.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum PeerRole {
    /// The one that opened the connection.
    Caller = 0,
    /// The one that took it.
    Answerer = 1,
}

impl PeerRole {
    /// The role at the other end.
    pub fn other(self) -> Self {
        match self {
            Self::Caller => Self::Answerer,
            Self::Answerer => Self::Caller,
        }
    }
}

/// Why the connection cannot go on, though this side has not refused it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum PeerError {
    /// The own store could not read or write.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// The other side refused.
    #[error("the peer refused: {}", .0.name())]
    Refused(RefusedCode),
}

/// What a person or a screen may want to know.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum PeerEvent {
    /// The other side is this member.
    Proven(DeviceId),
    /// Something was stored.
    Moved,
    /// As far as this side knows, both hold the same now. Comes again after each time that they did not.
    Equal,
}

/// What one input led to.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct PeerStep {
    /// Frames for the other side, in order.
    pub send: Vec<Vec<u8>>,
    /// News.
    pub events: Vec<PeerEvent>,
    /// This side refuses the other: the connection ends once `send` is sent.
    pub end: Option<RefusedCode>,
}

/// One connection between two devices of one clinic.
pub struct PeerSession {
    store: Arc<dyn PeerStore>,
    state: State,
}

enum State {
    /// The own hello is sent.
    Meeting(Box<Meeting>),
    /// The other side is a member.
    Proven(Box<Proven>),
    /// Refused.
    Over,
}

/// Why a step stops.
enum Stop {
    Refuse(RefusedCode),
    Failed(PeerError),
}

impl From<StoreError> for Stop {
    fn from(error: StoreError) -> Self {
        Self::Failed(error.into())
    }
}

impl From<RefusedCode> for Stop {
    fn from(code: RefusedCode) -> Self {
        Self::Refuse(code)
    }
}

impl PeerSession {
    /// A new connection of the device that `keys` make; the step holds its hello.
    ///
    /// `binding` is the exporter value of the encrypted channel (RFC 5705, RFC 9266), which both ends compute and no
    /// other channel has. It needs TLS 1.3: older ones can be made to give two channels the same value.
    ///
    /// # Errors
    /// [`PeerError::Store`].
    pub fn open(
        store: Arc<dyn PeerStore>,
        keys: &DeviceKeys,
        role: PeerRole,
        binding: [u8; 32],
    ) -> Result<(Self, PeerStep), PeerError> {
        let mut step = PeerStep::default();
        let meeting = Meeting::begin(&*store, keys, role, binding, &mut step)?;
        let state = State::Meeting(Box::new(meeting));
        Ok((Self { store, state }, step))
    }

    /// The other side, once it has proven who it is.
    pub fn peer(&self) -> Option<DeviceId> {
        match &self.state {
            State::Proven(proven) => Some(proven.device()),
            State::Meeting(_) | State::Over => None,
        }
    }

    /// Whether, as far as this side knows, both hold the same.
    pub fn is_equal(&self) -> bool {
        matches!(&self.state, State::Proven(proven) if proven.is_equal())
    }

    /// Whether this connection is the one to close, should there be two between the same two devices.
    ///
    /// The one stays that the device with the lower id opened; both ends come to the same answer. Two at once do no
    /// harm, they only say everything twice.
    pub fn is_the_one_to_close(&self) -> bool {
        matches!(&self.state, State::Proven(proven) if proven.is_the_one_to_close())
    }

    /// The largest frame that may come now. A stranger may send a kilobyte.
    pub fn max_frame_bytes(&self) -> usize {
        match &self.state {
            State::Meeting(meeting) if meeting.was_greeted() => MAX_FRAME_BYTES,
            State::Meeting(_) | State::Over => MAX_PEER_HELLO_BYTES,
            State::Proven(_) => MAX_PEER_FRAME_BYTES,
        }
    }

    /// A frame came.
    ///
    /// # Errors
    /// [`PeerError`]; the connection is then to be closed.
    pub fn receive(&mut self, frame: &[u8]) -> Result<PeerStep, PeerError> {
        let max_bytes = self.max_frame_bytes();
        self.step(|session, step| {
            let message = PeerMessage::decode(frame, max_bytes).map_err(|_| RefusedCode::BadMessage)?;
            session.hear(message, step)
        })
    }

    /// Something came into the store: written here, from the relay, or from another peer.
    ///
    /// # Errors
    /// As [`PeerSession::receive`].
    pub fn news(&mut self) -> Result<PeerStep, PeerError> {
        self.step(|session, step| match &mut session.state {
            State::Proven(proven) => {
                proven.look_at_statements(&*session.store, step)?;
                proven.tell_receipt(&*session.store, step)?;
                proven.look_for_missed(&*session.store, step)?;
                proven.go_on(&*session.store, step)
            }
            State::Meeting(_) | State::Over => Ok(()),
        })
    }

    fn hear(&mut self, message: PeerMessage, step: &mut PeerStep) -> Result<(), Stop> {
        if let PeerMessage::Refused(code) = message {
            self.state = State::Over;
            return Err(Stop::Failed(PeerError::Refused(code)));
        }
        match &mut self.state {
            State::Meeting(meeting) => {
                if let Some(proven) = meeting.hear(&*self.store, message, step)? {
                    self.state = State::Proven(Box::new(proven));
                }
                Ok(())
            }
            State::Proven(proven) => proven.hear(&*self.store, message, step),
            State::Over => Err(RefusedCode::BadMessage.into()),
        }
    }

    fn step(&mut self, act: impl FnOnce(&mut Self, &mut PeerStep) -> Result<(), Stop>) -> Result<PeerStep, PeerError> {
        let mut step = PeerStep::default();
        match act(self, &mut step) {
            Ok(()) => {}
            Err(Stop::Failed(error)) => return Err(error),
            Err(Stop::Refuse(code)) => {
                step.say(&PeerMessage::Refused(code));
                step.end = Some(code);
                self.state = State::Over;
            }
        }
        Ok(step)
    }
}

impl PeerStep {
    fn say(&mut self, message: &PeerMessage) {
        self.send.push(message.encode());
    }
}
