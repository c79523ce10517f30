//! What an input to a device's session leads to: frames, news, or the end.

use seal::TenantId;

use crate::{DeviceMessage, Feed, RefusedCode, StoreError, WireError};

/// Why the connection cannot go on. All but [`DeviceError::Refused`] are worth another try.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum DeviceError {
    /// The relay sent what is no frame.
    #[error(transparent)]
    Wire(#[from] WireError),
    /// The own store could not read or write.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// The relay refused.
    #[error("the relay refused: {}", .0.name())]
    Refused(RefusedCode),
    /// The relay sent a message that has no place here.
    #[error("the relay sent a message out of place")]
    Unexpected,
}

/// What a person or a screen may want to know.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum DeviceEvent {
    /// The relay knows this device; what differs is on its way.
    Live {
        /// The relay's clock, milliseconds since 1970, UTC.
        relay_now_ms: i64,
    },
    /// Something was stored or sent.
    Moved,
    /// The answer to [`fetch_statements`](super::DeviceSession::fetch_statements); empty when the relay knows no such clinic.
    Statements(TenantId, Vec<Vec<u8>>),
}

/// What one input led to.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct DeviceStep {
    /// Frames for the relay, in order.
    pub send: Vec<Vec<u8>>,
    /// News.
    pub events: Vec<DeviceEvent>,
}

impl DeviceStep {
    pub(super) fn say(&mut self, message: &DeviceMessage) {
        self.send.push(message.encode());
    }

    pub(super) fn stored(&mut self, feed: Feed, position: u64) {
        self.say(&DeviceMessage::Ack(feed, position));
        self.events.push(DeviceEvent::Moved);
    }
}
