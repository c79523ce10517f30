//! One connection of a device to the relay, of which either end can be gone without the other's knowing.

use std::collections::VecDeque;
use std::mem;
use std::sync::{Arc, Mutex, PoisonError};

use sync_protocol::sim::SimObjects;
use sync_protocol::{
    DeviceError, DeviceSession, DeviceStep, Outgoing, RefusedCode, RelaySession, RelayStep, RelayStore, StoreError,
    SyncStore, Wake,
};
use testkit::SeededRng;

use super::device::Device;
use super::faults::{Fault, Faulty};
use super::lying::Given;

/// One connection.
pub(super) struct Call {
    /// Whose.
    pub(super) device: usize,
    /// The device's disk was full while it lasted.
    pub(super) was_full: bool,
    /// A frame was tampered with on the way: then refusals are no surprise.
    pub(super) garbled: bool,
    /// Why the device gave up, if it did.
    pub(super) error: Option<DeviceError>,
    /// Bytes that both ends sent.
    pub(super) n_bytes: usize,
    /// Frames that both ends sent.
    pub(super) n_frames: usize,
    /// What the relay is asked for of sound, and gives.
    pub(super) given: Given,
    device_end: Option<DeviceSession>,
    relay_end: Option<RelaySession>,
    /// Where the relay keeps chunks.
    objects: Arc<Mutex<SimObjects>>,
    up: VecDeque<Vec<u8>>,
    down: VecDeque<Outgoing>,
}

impl Call {
    /// Connects. The relay's greeting is on its way.
    pub(super) fn open(
        at: usize,
        device: &Device,
        fault: Option<Fault>,
        relay: &dyn RelayStore,
        objects: &Arc<Mutex<SimObjects>>,
        rng: &mut SeededRng,
    ) -> Self {
        let vault = device.vault().clone();
        let store: Arc<dyn SyncStore> = match fault {
            Some(fault) => Arc::new(Faulty { vault, fault }),
            None => Arc::new(vault),
        };
        let (relay_end, greeting) = RelaySession::open(relay, rng);
        let mut call = Self {
            device: at,
            was_full: device.full,
            garbled: false,
            error: None,
            n_bytes: 0,
            n_frames: 0,
            given: Given::default(),
            device_end: Some(DeviceSession::new(store, Arc::clone(&device.keys))),
            relay_end: Some(relay_end),
            objects: Arc::clone(objects),
            up: VecDeque::new(),
            down: VecDeque::new(),
        };
        call.follow_relay(greeting);
        call
    }

    /// Whether the device believes in it.
    pub(super) fn is_up(&self) -> bool {
        self.device_end.is_some()
    }

    /// Whether nobody believes in it any more.
    pub(super) fn is_over(&self) -> bool {
        self.device_end.is_none() && self.relay_end.is_none()
    }

    /// Whether one end is gone and the other does not know.
    pub(super) fn is_half_open(&self) -> bool {
        self.device_end.is_some() != self.relay_end.is_some()
    }

    /// Something was written at the device.
    pub(super) fn nudge(&mut self) {
        if let Some(session) = &mut self.device_end {
            let step = session.nudge();
            self.follow_device(step);
        }
    }

    /// The relay hears the next frame. Returns whether there was one, and whom to wake.
    pub(super) fn deliver_up(
        &mut self,
        relay: &mut dyn RelayStore,
        now_ms: i64,
        rng: &mut SeededRng,
    ) -> (bool, Vec<Wake>) {
        let Some(frame) = self.up.pop_front() else {
            return (false, Vec::new());
        };
        let Some(session) = &mut self.relay_end else {
            return (true, Vec::new());
        };
        match session.receive(&frame, relay, now_ms, rng) {
            Ok(step) => (true, self.work(step, relay, now_ms)),
            Err(_) => {
                self.relay_end = None;
                (true, Vec::new())
            }
        }
    }

    /// Whether a frame waits for the relay.
    pub(super) fn waits_up(&self) -> bool {
        !self.up.is_empty() && self.relay_end.is_some()
    }

    /// The next frame to the device.
    pub(super) fn next_down(&mut self) -> Option<Outgoing> {
        self.down.pop_front()
    }

    /// The device hears a frame.
    pub(super) fn hear(&mut self, frame: &[u8], now_ms: i64) {
        if let Some(session) = &mut self.device_end {
            let step = session.receive(frame, now_ms);
            self.follow_device(step);
        }
    }

    /// The relay has news.
    pub(super) fn wake(&mut self, wake: &Wake, relay: &mut dyn RelayStore, now_ms: i64) {
        let Some(session) = &self.relay_end else { return };
        if session.member().is_none_or(|(member, _)| !wake.concerns(&member)) {
            return;
        }
        if let Wake::Revoked { grant, .. } = wake {
            self.down.retain(|outgoing| outgoing.grant != Some(*grant));
        }
        self.look_again(relay, now_ms);
    }

    /// A minute passed at the relay.
    pub(super) fn look_again(&mut self, relay: &mut dyn RelayStore, now_ms: i64) {
        let Some(session) = &mut self.relay_end else { return };
        match session.wake(relay, now_ms) {
            Ok(step) => drop(self.work(step, relay, now_ms)),
            Err(_) => self.relay_end = None,
        }
    }

    /// The connection breaks; what is on its way is lost.
    pub(super) fn cut(&mut self) {
        self.lose_device_end();
        self.lose_relay_end();
    }

    /// The device's end is gone. What it had sent still arrives.
    pub(super) fn lose_device_end(&mut self) {
        self.device_end = None;
        self.down.clear();
    }

    /// The relay's end is gone. What it had sent still arrives.
    pub(super) fn lose_relay_end(&mut self) {
        self.relay_end = None;
        self.up.clear();
    }

    /// The next frame arrives short, or twice.
    pub(super) fn garble(&mut self, twice: bool) {
        match (twice, self.up.front_mut(), self.down.front_mut()) {
            (false, Some(frame), _) | (false, None, Some(Outgoing { frame, .. })) => {
                frame.truncate(frame.len() / 2);
            }
            (true, Some(frame), _) => {
                let again = frame.clone();
                self.up.push_front(again);
            }
            (true, None, Some(outgoing)) => {
                let again = outgoing.clone();
                self.down.push_front(again);
            }
            (_, None, None) => return,
        }
        self.garbled = true;
    }

    /// What no honest end gives a reason for; `None` when all is well.
    pub(super) fn surprise(&self, relay_is_astray: bool, leavers: bool) -> Option<DeviceError> {
        let expected = self.garbled
            || match self.error? {
                DeviceError::Store(StoreError::DiskFull) => self.was_full,
                DeviceError::Refused(RefusedCode::RelayBehind) => relay_is_astray,
                DeviceError::Refused(RefusedCode::Removed | RefusedCode::UnknownDevice) => leavers,
                _ => false,
            };
        self.error.filter(|_| !expected)
    }

    /// Follows the relay, and does at once what it wants done with objects.
    fn work(&mut self, step: RelayStep, relay: &mut dyn RelayStore, now_ms: i64) -> Vec<Wake> {
        let (mut steps, mut wakes) = (VecDeque::from([step]), Vec::new());
        while let Some(mut step) = steps.pop_front() {
            for work in mem::take(&mut step.objects) {
                let done = self.objects.lock().unwrap_or_else(PoisonError::into_inner).work(work);
                match self
                    .relay_end
                    .as_mut()
                    .map(|session| session.worked(done, relay, now_ms))
                {
                    Some(Ok(step)) => steps.push_back(step),
                    Some(Err(_)) => self.relay_end = None,
                    None => {}
                }
            }
            wakes.extend(self.follow_relay(step));
        }
        wakes
    }

    fn follow_device(&mut self, step: Result<DeviceStep, DeviceError>) {
        match step {
            Ok(step) => {
                self.n_frames += step.send.len();
                self.n_bytes += step.send.iter().map(Vec::len).sum::<usize>();
                step.send.iter().for_each(|frame| self.given.device_says(frame));
                self.up.extend(step.send);
            }
            Err(error) => {
                self.error = Some(error);
                self.lose_device_end();
            }
        }
    }

    fn follow_relay(&mut self, mut step: RelayStep) -> Vec<Wake> {
        for outgoing in &mut step.send {
            outgoing.frame = self.given.relay_says(mem::take(&mut outgoing.frame));
        }
        self.n_frames += step.send.len();
        self.n_bytes += step.send.iter().map(|outgoing| outgoing.frame.len()).sum::<usize>();
        self.down.extend(step.send);
        if step.end.is_some() {
            self.lose_relay_end();
        }
        step.wake
    }
}
