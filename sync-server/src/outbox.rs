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

#[cfg(test)]
mod tests {
    use futures_util::FutureExt;

    use super::*;

    const GRANT: GrantId = GrantId::from_bytes([1; 16]);
    const OTHER: GrantId = GrantId::from_bytes([2; 16]);

    fn frame(name: u8, grant: Option<GrantId>) -> Outgoing {
        Outgoing {
            frame: vec![name],
            grant,
        }
    }

    #[test]
    fn a_revocation_drops_what_has_not_begun_to_leave_and_nothing_else() {
        let outbox = Outbox::default();
        outbox.push([
            frame(1, Some(GRANT)),
            frame(2, None),
            frame(3, Some(OTHER)),
            frame(4, Some(GRANT)),
        ]);
        outbox.revoke(GRANT);
        assert_eq!(outbox.next().now_or_never(), Some(Some(vec![2])));
        assert_eq!(outbox.cut().now_or_never(), None);
        assert_eq!(outbox.next().now_or_never(), Some(Some(vec![3])));
        assert_eq!(outbox.next().now_or_never(), None);
    }

    #[test]
    fn a_revocation_cuts_the_frame_that_is_leaving() {
        let outbox = Outbox::default();
        outbox.push([frame(1, Some(GRANT))]);
        assert!(outbox.next().now_or_never().is_some());
        outbox.revoke(OTHER);
        assert_eq!(outbox.cut().now_or_never(), None);
        outbox.revoke(GRANT);
        assert_eq!(outbox.cut().now_or_never(), Some(()));
    }

    #[test]
    fn nobody_is_listened_to_who_does_not_read() {
        let outbox = Outbox::default();
        outbox.push([frame(1, None)]);
        assert_eq!(outbox.drained().now_or_never(), None);
        assert!(outbox.next().now_or_never().is_some());
        assert_eq!(outbox.drained().now_or_never(), None, "it is still leaving");
        outbox.left();
        assert_eq!(outbox.drained().now_or_never(), Some(()));
    }

    #[test]
    fn what_was_said_last_still_leaves_a_closed_outbox() {
        let outbox = Outbox::default();
        outbox.push([frame(1, None)]);
        outbox.close();
        assert_eq!(outbox.next().now_or_never(), Some(Some(vec![1])));
        assert_eq!(outbox.next().now_or_never(), Some(None));
    }
}
