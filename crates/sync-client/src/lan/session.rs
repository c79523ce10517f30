//! One connection's session, on a blocking thread: bytes in, frames out, news onto the roll.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use seal::DeviceId;
use sync_protocol::{PEER_BYTES_AHEAD, PeerEvent, PeerRole, PeerSession, PeerStep, PeerStream, RefusedCode};
use tokio::sync::{mpsc, watch};

use super::end::LanEnd;
use super::handle::Shared;
use super::roll::Place;

/// What the session is given.
pub(super) enum Input {
    /// From the other side.
    Bytes(Vec<u8>),
    /// Something came into the store.
    News,
}

/// Frames on their way out. An honest peer never has more than [`PEER_BYTES_AHEAD`] asked for and not read.
pub(super) struct Outlet {
    frames: mpsc::UnboundedSender<Vec<u8>>,
    waiting: Arc<AtomicUsize>,
}

/// The end of [`Outlet`] that writes.
pub(super) struct Outgoing {
    frames: mpsc::UnboundedReceiver<Vec<u8>>,
    waiting: Arc<AtomicUsize>,
}

pub(super) fn outlet() -> (Outlet, Outgoing) {
    let (sender, frames) = mpsc::unbounded_channel();
    let waiting = Arc::new(AtomicUsize::new(0));
    let outlet = Outlet {
        frames: sender,
        waiting: Arc::clone(&waiting),
    };
    (outlet, Outgoing { frames, waiting })
}

impl Outlet {
    fn send(&self, frame: &[u8]) -> Result<(), LanEnd> {
        let frame = PeerStream::wrap(frame);
        if self.waiting.fetch_add(frame.len(), Ordering::Relaxed) + frame.len() > PEER_BYTES_AHEAD {
            return Err(LanEnd::Slow);
        }
        self.frames.send(frame).map_err(|_| LanEnd::Lost)
    }
}

impl Outgoing {
    /// The next frame; `None` when the session has ended and all is taken.
    pub(super) async fn next(&mut self) -> Option<Vec<u8>> {
        let frame = self.frames.recv().await?;
        Some(self.taken(frame))
    }

    /// The next frame, if it is there already.
    pub(super) fn ready(&mut self) -> Option<Vec<u8>> {
        let frame = self.frames.try_recv().ok()?;
        Some(self.taken(frame))
    }

    fn taken(&self, frame: Vec<u8>) -> Vec<u8> {
        self.waiting.fetch_sub(frame.len(), Ordering::Relaxed);
        frame
    }
}

/// What a session works with.
pub(super) struct Session {
    pub(super) shared: Arc<Shared>,
    pub(super) place: Arc<Place>,
    pub(super) outlet: Outlet,
    /// Told who is there.
    pub(super) proven: watch::Sender<Option<DeviceId>>,
}

impl Session {
    /// Runs until the inputs end, or one side refuses the other.
    pub(super) fn run(
        self,
        role: PeerRole,
        binding: [u8; 32],
        mut inputs: mpsc::Receiver<Input>,
    ) -> Result<(), LanEnd> {
        let store = Arc::clone(&self.shared.store);
        let (mut session, step) = PeerSession::open(store, &self.shared.keys, role, binding)?;
        self.follow(&session, step)?;
        let mut stream = PeerStream::default();
        while let Some(input) = inputs.blocking_recv() {
            match input {
                Input::News => {
                    let step = session.news()?;
                    self.follow(&session, step)?;
                }
                Input::Bytes(bytes) => {
                    stream.push(&bytes);
                    self.take_frames(&mut session, &mut stream)?;
                }
            }
        }
        Ok(())
    }

    fn take_frames(&self, session: &mut PeerSession, stream: &mut PeerStream) -> Result<(), LanEnd> {
        loop {
            let max_bytes = session.max_frame_bytes();
            let next = stream.next(max_bytes);
            match next.map_err(|_| LanEnd::Refused(RefusedCode::BadMessage))? {
                None => return Ok(()),
                // A sign of life.
                Some(frame) if frame.is_empty() => {}
                Some(frame) => {
                    let step = session.receive(&frame)?;
                    self.follow(session, step)?;
                }
            }
        }
    }

    fn follow(&self, session: &PeerSession, step: PeerStep) -> Result<(), LanEnd> {
        for frame in &step.send {
            self.outlet.send(frame)?;
        }
        if let Some(code) = step.end {
            // Said after the other end's proof, and by this end alone: nobody can claim it.
            if code == RefusedCode::SameDevice {
                self.place.meets_itself();
            }
            return Err(LanEnd::Refused(code));
        }
        let now_ms = (!step.events.is_empty()).then(|| (self.shared.clock)());
        for event in &step.events {
            if let PeerEvent::Proven(device) = event {
                self.place
                    .prove(*device, session.is_the_one_to_close(), now_ms.unwrap_or_default());
                self.proven.send_replace(Some(*device));
            }
        }
        self.place.heard(session.is_equal(), now_ms);
        Ok(())
    }
}
