//! The frames of one connection that are on their way out.
//!
//! A frame that shows releases is marked with its grant. When that grant is revoked, frames that have not begun to
//! leave are dropped, and a connection in the middle of such a frame is cut.

use std::collections::VecDeque;
use std::sync::{Mutex, MutexGuard};

use seal::GrantId;
use sync_protocol::Outgoing;
use tokio::sync::Notify;

/// The outgoing half of one connection; shared between its session and its socket.
#[derive(Default)]
pub(crate) struct Outbox {
    queue: Mutex<Queue>,
    filled: Notify,
    drained: Notify,
    cut: Notify,
}

#[derive(Default)]
struct Queue {
    frames: VecDeque<Outgoing>,
    leaving: Option<GrantId>,
    busy: bool,
    closed: bool,
}

impl Outbox {
    /// Queues frames.
    pub(crate) fn push(&self, frames: impl IntoIterator<Item = Outgoing>) {
        self.lock().frames.extend(frames);
        self.filled.notify_one();
    }

    /// No more frames will come; the socket closes once those that wait have left.
    pub(crate) fn close(&self) {
        self.lock().closed = true;
        self.filled.notify_one();
    }

    /// The grant ended: nothing under it may still arrive.
    pub(crate) fn revoke(&self, grant: GrantId) {
        let mut queue = self.lock();
        queue.frames.retain(|frame| frame.grant != Some(grant));
        if queue.leaving == Some(grant) {
            self.cut.notify_one();
        }
    }

    /// The next frame; `None` when closed and empty. [`Outbox::left`] follows once it is on the wire.
    pub(crate) async fn next(&self) -> Option<Vec<u8>> {
        loop {
            {
                let mut queue = self.lock();
                if let Some(outgoing) = queue.frames.pop_front() {
                    queue.busy = true;
                    queue.leaving = outgoing.grant;
                    return Some(outgoing.frame);
                }
                if queue.closed {
                    return None;
                }
            }
            self.filled.notified().await;
        }
    }

    /// The frame that [`Outbox::next`] gave has left.
    pub(crate) fn left(&self) {
        let mut queue = self.lock();
        queue.busy = false;
        queue.leaving = None;
        if queue.frames.is_empty() {
            self.drained.notify_one();
        }
    }

    /// Waits until everything has left: who does not read what was answered is not listened to.
    pub(crate) async fn drained(&self) {
        loop {
            {
                let queue = self.lock();
                if queue.frames.is_empty() && !queue.busy {
                    return;
                }
            }
            self.drained.notified().await;
        }
    }

    /// Waits until the frame that is leaving must be cut off.
    pub(crate) async fn cut(&self) {
        self.cut.notified().await;
    }

    fn lock(&self) -> MutexGuard<'_, Queue> {
        self.queue.lock().expect("nothing panics while it holds the outbox")
    }
}
