//! One connection between two sessions, frame by frame.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex};

use rand_core::CryptoRng;

use super::{SimDevice, SimObjects};
use crate::{
    DeviceError, DeviceSession, DeviceStep, Greeting, Outgoing, RefusedCode, RelayMessage, RelaySession, RelayStep,
    RelayStore, Wake,
};

/// A connection of one device. What is on its way can be lost, cut short or repeated; then the connection is over,
/// as a socket's is, unless both sides happen to bear it.
pub struct Link {
    device: DeviceSession,
    relay: RelaySession,
    up: VecDeque<Vec<u8>>,
    down: VecDeque<Outgoing>,
    open: bool,
    /// Where the relay keeps chunks; a relay with several links keeps them in one place.
    pub objects: Arc<Mutex<SimObjects>>,
    /// Why the device gave up, if it did.
    pub device_error: Option<DeviceError>,
    /// What the relay refused, if it did.
    pub refused: Option<RefusedCode>,
    /// Bytes that the device sent.
    pub n_bytes_up: usize,
    /// Bytes that the relay sent.
    pub n_bytes_down: usize,
    /// Frames that the device sent.
    pub n_frames_up: usize,
}

impl Link {
    /// Connects. The relay's greeting is on its way.
    pub fn open(device: &SimDevice, relay: &dyn RelayStore, rng: &mut impl CryptoRng) -> Self {
        let store: Arc<dyn crate::SyncStore> = Arc::clone(&device.store) as _;
        Self::between(DeviceSession::new(store, Arc::clone(&device.keys)), relay, rng)
    }

    /// Connects this session.
    pub fn between(device: DeviceSession, relay: &dyn RelayStore, rng: &mut impl CryptoRng) -> Self {
        let (relay, step) = RelaySession::open(relay, rng);
        let mut link = Self {
            device,
            relay,
            up: VecDeque::new(),
            down: VecDeque::new(),
            open: true,
            objects: Arc::default(),
            device_error: None,
            refused: None,
            n_bytes_up: 0,
            n_bytes_down: 0,
            n_frames_up: 0,
        };
        link.follow_relay(step);
        link
    }

    /// Whether both sides still speak.
    pub fn is_open(&self) -> bool {
        self.open
    }

    /// The device's session.
    pub fn device(&mut self) -> &mut DeviceSession {
        &mut self.device
    }

    /// The relay's greeting is that of a build that speaks only the first version of the protocol.
    ///
    /// # Panics
    /// When the greeting has left.
    pub fn as_an_older_relay(&mut self) {
        self.as_an_older_relay_of(1);
    }

    /// The relay's greeting is that of a build that speaks no newer version than this.
    ///
    /// # Panics
    /// When the greeting has left.
    pub fn as_an_older_relay_of(&mut self, newest: u16) {
        let first = self.down.front_mut().expect("the greeting is on its way");
        let Ok(RelayMessage::Greeting(greeting)) = RelayMessage::decode(&first.frame) else {
            panic!("the greeting has left");
        };
        let older = Greeting { newest, ..greeting };
        first.frame = RelayMessage::Greeting(older).encode();
    }

    /// Something was written on the device.
    pub fn nudge(&mut self) {
        let step = self.device.nudge();
        self.follow_device(step);
    }

    /// The relay hears the device's next frame. Returns whether there was one, and whom to wake.
    pub fn deliver_up(
        &mut self,
        relay: &mut dyn RelayStore,
        now_ms: i64,
        rng: &mut impl CryptoRng,
    ) -> (bool, Vec<Wake>) {
        let Some(frame) = self.up.pop_front().filter(|_| self.open) else {
            return (false, Vec::new());
        };
        let step = self.relay.receive(&frame, relay, now_ms, rng).expect("the store holds");
        (true, self.work(step, relay, now_ms))
    }

    /// The device hears the relay's next frame. Returns whether there was one.
    pub fn deliver_down(&mut self, now_ms: i64) -> bool {
        let Some(outgoing) = self.down.pop_front().filter(|_| self.open) else {
            return false;
        };
        let step = self.device.receive(&outgoing.frame, now_ms);
        self.follow_device(step);
        true
    }

    /// The relay has news for this connection's clinic.
    pub fn wake(&mut self, wake: &Wake, relay: &mut dyn RelayStore, now_ms: i64) -> Vec<Wake> {
        if !self.open || self.relay.member().is_none_or(|(member, _)| !wake.concerns(&member)) {
            return Vec::new();
        }
        if let Wake::Revoked { grant, .. } = wake {
            self.down.retain(|outgoing| outgoing.grant != Some(*grant));
        }
        let step = self.relay.wake(relay, now_ms).expect("the store holds");
        self.work(step, relay, now_ms)
    }

    /// The connection breaks: all that is on its way is lost.
    pub fn cut(&mut self) {
        self.open = false;
        self.up.clear();
        self.down.clear();
    }

    /// The next frame to the relay arrives short by `n` bytes.
    pub fn truncate_up(&mut self, n: usize) {
        if let Some(frame) = self.up.front_mut() {
            frame.truncate(frame.len().saturating_sub(n));
        }
    }

    /// The next frame to the device arrives short by `n` bytes.
    pub fn truncate_down(&mut self, n: usize) {
        if let Some(outgoing) = self.down.front_mut() {
            outgoing.frame.truncate(outgoing.frame.len().saturating_sub(n));
        }
    }

    /// The next frame to the relay arrives twice.
    pub fn repeat_up(&mut self) {
        self.up.extend(self.up.front().cloned().into_iter().collect::<Vec<_>>());
        self.up.rotate_right(usize::from(!self.up.is_empty()));
    }

    /// The next frame to the device arrives twice.
    pub fn repeat_down(&mut self) {
        self.down
            .extend(self.down.front().cloned().into_iter().collect::<Vec<_>>());
        self.down.rotate_right(usize::from(!self.down.is_empty()));
    }

    /// This frame comes to the relay next, whoever sent it.
    pub fn inject_up(&mut self, frame: Vec<u8>) {
        self.up.push_front(frame);
    }

    /// The next frame to the device is this one instead.
    pub fn replace_down(&mut self, frame: Vec<u8>) {
        if let Some(outgoing) = self.down.front_mut() {
            outgoing.frame = frame;
        }
    }

    /// Frames that are on their way to the relay.
    pub fn frames_up(&self) -> impl Iterator<Item = &[u8]> {
        self.up.iter().map(Vec::as_slice)
    }

    /// Frames that are on their way to the device.
    pub fn frames_down(&self) -> impl Iterator<Item = &[u8]> {
        self.down.iter().map(|outgoing| outgoing.frame.as_slice())
    }

    /// Follows the relay, and does at once what it wants done with objects.
    fn work(&mut self, step: RelayStep, relay: &mut dyn RelayStore, now_ms: i64) -> Vec<Wake> {
        let (mut steps, mut wakes) = (VecDeque::from([step]), Vec::new());
        while let Some(mut step) = steps.pop_front() {
            for work in std::mem::take(&mut step.objects) {
                let done = self
                    .objects
                    .lock()
                    .expect("no test panics while it holds them")
                    .work(work);
                steps.push_back(self.relay.worked(done, relay, now_ms).expect("the store holds"));
            }
            wakes.extend(self.follow_relay(step));
        }
        wakes
    }

    fn follow_device(&mut self, step: Result<DeviceStep, DeviceError>) {
        match step {
            Ok(step) => {
                self.n_frames_up += step.send.len();
                self.n_bytes_up += step.send.iter().map(Vec::len).sum::<usize>();
                self.up.extend(step.send);
            }
            Err(error) => {
                self.device_error = Some(error);
                self.cut();
            }
        }
    }

    fn follow_relay(&mut self, step: RelayStep) -> Vec<Wake> {
        self.n_bytes_down += step.send.iter().map(|outgoing| outgoing.frame.len()).sum::<usize>();
        self.down.extend(step.send);
        self.refused = step.end.or(self.refused);
        step.wake
    }
}

/// Far more rounds than any honest exchange of a test needs.
pub(super) const ROUNDS: usize = 100_000;

/// Delivers everything on all links, and wakes whom it concerns, until nothing moves any more.
///
/// # Panics
/// When that never happens: two sides that answer each other for ever.
pub fn settle(links: &mut [&mut Link], relay: &mut dyn RelayStore, now_ms: i64, rng: &mut impl CryptoRng) {
    for _ in 0..ROUNDS {
        let mut moved = false;
        for at in 0..links.len() {
            let (was_frame, wakes) = links[at].deliver_up(relay, now_ms, rng);
            moved |= was_frame;
            tell(wakes, links, relay, now_ms);
            moved |= links[at].deliver_down(now_ms);
        }
        if !moved {
            return;
        }
    }
    panic!("the links never come to rest");
}

fn tell(wakes: Vec<Wake>, links: &mut [&mut Link], relay: &mut dyn RelayStore, now_ms: i64) {
    for wake in wakes {
        for link in links.iter_mut() {
            // News of news are of the same clinic, which is being told already.
            link.wake(&wake, relay, now_ms);
        }
    }
}
