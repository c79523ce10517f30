//! Who gives other bytes of sound than were asked for: devices on the LAN, and the relay. What they say is altered on its way; what
//! they hold stays right. Nobody may ask one of them for the same chunk again in that connection.

use std::collections::BTreeSet;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use sync_protocol::{
    AttachmentAnswer, AttachmentAsk, ChunkId, DeviceMessage, MAX_PEER_FRAME_BYTES, PeerChunks, PeerMessage,
    RelayMessage,
};

use super::plan::Which;
use super::world::World;

/// What is given instead of a chunk.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Lie {
    /// As many bytes, one of them another.
    Others,
    /// Too few: the last one is lacking.
    TooFew,
    /// One too many.
    TooMany,
    /// None at all.
    Nothing,
}

impl Lie {
    fn instead_of(self, mut bytes: Vec<u8>) -> Vec<u8> {
        match self {
            Self::Others => {
                let middle = bytes.len() / 2;
                bytes.iter_mut().skip(middle).take(1).for_each(|byte| *byte ^= 1);
            }
            Self::TooFew => drop(bytes.pop()),
            Self::TooMany => bytes.push(0),
            Self::Nothing => bytes.clear(),
        }
        bytes
    }
}

/// What one end of a connection is asked for, and what it gives.
#[derive(Default)]
pub(super) struct Given {
    /// It lies so.
    pub(super) lie: Option<Lie>,
    /// So often it did.
    pub(super) n_lies: u64,
    /// It was asked again for what it had given wrongly.
    pub(super) asked_again: bool,
    owed: Option<ChunkId>,
    wrong: BTreeSet<ChunkId>,
}

impl Given {
    fn asked(&mut self, chunk: ChunkId) {
        self.asked_again |= self.wrong.contains(&chunk);
        self.owed = Some(chunk);
    }

    /// What it gives instead of these bytes, where it lies.
    fn gives(&mut self, bytes: &[u8]) -> Option<Vec<u8>> {
        let (owed, lie) = (self.owed.take(), self.lie?);
        self.wrong.extend(owed);
        self.n_lies += 1;
        Some(lie.instead_of(bytes.to_vec()))
    }

    /// The relay says this: what comes of it to the device.
    pub(super) fn relay_says(&mut self, frame: Vec<u8>) -> Vec<u8> {
        let Ok(RelayMessage::Attachments(AttachmentAnswer::Chunk(bytes))) = RelayMessage::decode(&frame) else {
            return frame;
        };
        let lie = |bytes: Vec<u8>| RelayMessage::Attachments(AttachmentAnswer::Chunk(bytes.into())).encode();
        self.gives(&bytes).map_or(frame, lie)
    }

    /// The device says this to the relay.
    pub(super) fn device_says(&mut self, frame: &[u8]) {
        if let Ok(DeviceMessage::Attachments(AttachmentAsk::Get(chunk))) = DeviceMessage::decode(frame) {
            self.asked(chunk);
        }
    }
}

/// What both ends of a meeting are asked for, and give.
#[derive(Clone, Default)]
pub(super) struct Both(Arc<Mutex<[Given; 2]>>);

impl Both {
    /// A look at both ends, in order.
    pub(super) fn ends(&self) -> MutexGuard<'_, [Given; 2]> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// This end says this: what comes of it to the other.
    pub(super) fn says(&self, end: usize, frame: Vec<u8>) -> Vec<u8> {
        let Ok(PeerMessage::Chunks(said)) = PeerMessage::decode(&frame, MAX_PEER_FRAME_BYTES) else {
            return frame;
        };
        let mut ends = self.ends();
        match said {
            PeerChunks::Get(chunk) => ends[1 - end].asked(chunk),
            PeerChunks::Chunk(bytes) => {
                let lie = |bytes: Vec<u8>| PeerMessage::Chunks(PeerChunks::Chunk(bytes.into())).encode();
                return ends[end].gives(&bytes).map_or(frame, lie);
            }
            PeerChunks::NotHere(_) | PeerChunks::Here(..) => {}
        }
        frame
    }
}

impl World {
    /// From now on a device gives other bytes of sound, or the right ones again.
    pub(super) fn lie(&mut self, who: Which, lie: Option<Lie>) -> String {
        let who = self.who(who);
        self.devices[who].lie = lie;
        for meeting in &self.meetings {
            for end in (0..2).filter(|end| meeting.who[*end] == who) {
                meeting.given.ends()[end].lie = lie;
            }
        }
        format!("{} gives {}", self.devices[who].name, words(lie))
    }

    /// The same of the relay.
    pub(super) fn relay_lies(&mut self, lie: Option<Lie>) -> String {
        self.relay.lie = lie;
        self.calls.iter_mut().for_each(|call| call.given.lie = lie);
        format!("the relay gives {}", words(lie))
    }

    /// Whether anybody gives other bytes.
    pub(super) fn has_liars(&self) -> bool {
        self.relay.lie.is_some() || self.devices.iter().any(|device| device.lie.is_some())
    }

    /// Everybody gives the right bytes again.
    pub(super) fn all_are_honest(&mut self) {
        self.relay_lies(None);
        for device in &mut self.devices {
            device.lie = None;
        }
        for meeting in &self.meetings {
            meeting.given.ends().iter_mut().for_each(|end| end.lie = None);
        }
    }
}

fn words(lie: Option<Lie>) -> String {
    lie.map_or("the right bytes of sound".into(), |lie| {
        format!("wrong bytes of sound: {lie:?}")
    })
}
