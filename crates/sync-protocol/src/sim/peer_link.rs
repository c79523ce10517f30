//! One connection between two devices of a clinic, byte by byte.

use std::collections::VecDeque;
use std::sync::Arc;

use seal::DeviceKeys;

use super::SimDevice;
use crate::{PeerError, PeerEvent, PeerRole, PeerSession, PeerStep, PeerStore, PeerStream, RefusedCode};

/// One end of a [`PeerLink`].
pub struct PeerEnd {
    /// Its session.
    pub session: PeerSession,
    /// Why it gave up, if it did.
    pub error: Option<PeerError>,
    /// Why it refused the other end, if it did.
    pub refused: Option<RefusedCode>,
    /// What it told its shell.
    pub events: Vec<PeerEvent>,
    /// All frames that it sent.
    pub sent: Vec<Vec<u8>>,
    open: bool,
    stream: PeerStream,
    /// Bytes on their way to it.
    coming: VecDeque<u8>,
}

/// What comes of a frame on its way from one of the ends, 0 or 1.
pub type OnItsWay = Box<dyn FnMut(usize, Vec<u8>) -> Vec<u8> + Send>;

/// A connection between two devices. What is on its way can be cut at any byte.
pub struct PeerLink {
    /// The caller's end, and the answerer's.
    pub ends: [PeerEnd; 2],
    /// Alters what either end says after its hello, where there is one.
    pub on_its_way: Option<OnItsWay>,
}

impl PeerLink {
    /// Connects. Both hellos are on their way.
    pub fn open(caller: &SimDevice, answerer: &SimDevice, binding: [u8; 32]) -> Self {
        Self::between([caller, answerer], [binding; 2])
    }

    /// Connects; each end believes in its own channel.
    pub fn between(devices: [&SimDevice; 2], bindings: [[u8; 32]; 2]) -> Self {
        let ends = devices.map(|device| (Arc::clone(&device.store) as Arc<dyn PeerStore>, &*device.keys));
        Self::connect(ends, bindings)
    }

    /// Connects these stores, whatever they are, of the devices with these keys.
    pub fn connect(ends: [(Arc<dyn PeerStore>, &DeviceKeys); 2], bindings: [[u8; 32]; 2]) -> Self {
        let [caller, answerer] = ends;
        let open =
            |(store, keys), role, binding| PeerSession::open(store, keys, role, binding).expect("the store holds");
        let (caller, to_answerer) = open(caller, PeerRole::Caller, bindings[0]);
        let (answerer, to_caller) = open(answerer, PeerRole::Answerer, bindings[1]);
        let mut link = Self {
            ends: [PeerEnd::of(caller), PeerEnd::of(answerer)],
            on_its_way: None,
        };
        link.follow(0, Ok(to_answerer));
        link.follow(1, Ok(to_caller));
        link
    }

    /// Whether both ends still speak.
    pub fn is_open(&self) -> bool {
        self.ends.iter().all(|end| end.open)
    }

    /// Whether both ends know that they hold the same.
    pub fn is_equal(&self) -> bool {
        self.is_open() && self.ends.iter().all(|end| end.session.is_equal())
    }

    /// Bytes that both ends sent, with the lengths of the frames.
    pub fn n_bytes(&self) -> usize {
        let frames = self.ends.iter().flat_map(|end| &end.sent);
        frames.map(|frame| PeerStream::wrap(frame).len()).sum()
    }

    /// The next `n` bytes reach an end. Returns whether there were any.
    pub fn deliver(&mut self, end: usize, n: usize) -> bool {
        let to = &mut self.ends[end];
        let n = n.min(to.coming.len());
        let bytes: Vec<u8> = to.coming.drain(..n).collect();
        if !to.open {
            return false;
        }
        to.stream.push(&bytes);
        while self.ends[end].open {
            let to = &mut self.ends[end];
            let max_bytes = to.session.max_frame_bytes();
            match to.stream.next(max_bytes) {
                Ok(Some(frame)) => {
                    let step = to.session.receive(&frame);
                    self.follow(end, step);
                }
                Ok(None) => break,
                Err(_) => {
                    to.refused = Some(RefusedCode::BadMessage);
                    to.close();
                }
            }
        }
        n > 0
    }

    /// Something came into an end's store.
    pub fn news(&mut self, end: usize) {
        if self.ends[end].open {
            let step = self.ends[end].session.news();
            self.follow(end, step);
        }
    }

    /// The connection breaks: all that is on its way is lost.
    pub fn cut(&mut self) {
        self.ends.iter_mut().for_each(PeerEnd::close);
    }

    /// One end is gone, and the other one does not know.
    pub fn cut_one(&mut self, end: usize) {
        self.ends[end].close();
    }

    /// This frame comes to an end, whoever sent it.
    pub fn inject(&mut self, end: usize, frame: &[u8]) {
        self.ends[end].coming.extend(PeerStream::wrap(frame));
    }

    /// This frame comes to an end instead of what is on its way.
    pub fn replace_coming(&mut self, end: usize, frame: &[u8]) {
        self.ends[end].coming.clear();
        self.inject(end, frame);
    }

    fn follow(&mut self, from: usize, step: Result<PeerStep, PeerError>) {
        match step {
            Ok(mut step) => {
                if let Some(alter) = &mut self.on_its_way {
                    for frame in &mut step.send {
                        *frame = alter(from, std::mem::take(frame));
                    }
                }
                for frame in &step.send {
                    self.ends[1 - from].coming.extend(PeerStream::wrap(frame));
                }
                let end = &mut self.ends[from];
                end.sent.extend(step.send);
                end.events.extend(step.events);
                if step.end.is_some() {
                    end.refused = step.end;
                    end.close();
                }
            }
            Err(error) => {
                self.ends[from].error = Some(error);
                self.ends[from].close();
            }
        }
    }
}

impl PeerEnd {
    fn of(session: PeerSession) -> Self {
        Self {
            session,
            error: None,
            refused: None,
            events: Vec::new(),
            sent: Vec::new(),
            open: true,
            stream: PeerStream::default(),
            coming: VecDeque::new(),
        }
    }

    fn close(&mut self) {
        self.open = false;
        self.coming.clear();
    }
}

/// Delivers everything on all links, and tells every end its store's news, until nothing moves any more.
///
/// # Panics
/// When that never happens: two sides that answer each other for ever.
pub fn settle_peers(links: &mut [PeerLink]) {
    for _ in 0..super::link::ROUNDS {
        let mut moved = false;
        for link in links.iter_mut() {
            for end in 0..2 {
                moved |= link.deliver(end, usize::MAX);
            }
        }
        for link in links.iter_mut() {
            for end in 0..2 {
                let n_sent = link.ends[end].sent.len();
                link.news(end);
                moved |= link.ends[end].sent.len() > n_sent;
            }
        }
        if !moved {
            return;
        }
    }
    panic!("the links never come to rest");
}
