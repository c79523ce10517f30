//! The frames of one connection that are on their way out.
//!
//! A frame that shows releases is marked with its grant. When that grant is revoked, frames that have not begun to
//! leave are dropped, and a connection in the middle of such a frame is cut.

use std::collections::VecDeque;
use std::sync::{Mutex, MutexGuard};

use prometheus_client::metrics::gauge::Gauge;
use seal::GrantId;
use sync_protocol::Outgoing;
use tokio::sync::Notify;
use tokio::time::Instant;

/// The outgoing half of one connection; shared between its session and its socket.
#[derive(Default)]
pub(crate) struct Outbox {
    queue: Mutex<Queue>,
    filled: Notify,
    drained: Notify,
    cut: Notify,
    /// Bytes in the outboxes of all connections.
    n_bytes: Gauge,
}

#[derive(Default)]
struct Queue {
    frames: VecDeque<Waiting>,
    /// The last ping that came is answered; the peer asks no more than that.
    pong: Option<Vec<u8>>,
    leaving: Option<GrantId>,
    busy: bool,
    closed: bool,
}

struct Waiting {
    outgoing: Outgoing,
    since: Option<Instant>,
}

/// What leaves next.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Leaving {
    /// A frame, and when the live change in it arrived here, if that is what it brings.
    Frame(Vec<u8>, Option<Instant>),
    /// The answer to a ping.
    Pong(Vec<u8>),
}

impl Outbox {
    /// An empty one; `n_bytes` follows what waits in it.
    pub(crate) fn new(n_bytes: Gauge) -> Self {
        Self {
            queue: Mutex::default(),
            filled: Notify::new(),
            drained: Notify::new(),
            cut: Notify::new(),
            n_bytes,
        }
    }

    /// Queues frames; `since`: when the live change that they bring arrived.
    pub(crate) fn push(&self, frames: impl IntoIterator<Item = Outgoing>, since: Option<Instant>) {
        let frames = frames.into_iter().map(|outgoing| Waiting { outgoing, since });
        let mut queue = self.lock();
        for frame in frames {
            self.n_bytes.inc_by(frame.n_bytes());
            queue.frames.push_back(frame);
        }
        drop(queue);
        self.filled.notify_one();
    }

    /// A ping wants its answer.
    pub(crate) fn pong(&self, body: Vec<u8>) {
        self.lock().pong = Some(body);
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
        queue.frames.retain(|frame| {
            let stays = frame.outgoing.grant != Some(grant);
            if !stays {
                self.n_bytes.dec_by(frame.n_bytes());
            }
            stays
        });
        if queue.leaving == Some(grant) {
            self.cut.notify_one();
        }
    }

    /// What leaves next; `None` when closed and empty. [`Outbox::left`] follows once it is on the wire.
    pub(crate) async fn next(&self) -> Option<Leaving> {
        loop {
            {
                let mut queue = self.lock();
                if let Some(body) = queue.pong.take() {
                    queue.busy = true;
                    return Some(Leaving::Pong(body));
                }
                if let Some(frame) = queue.frames.pop_front() {
                    self.n_bytes.dec_by(frame.n_bytes());
                    queue.busy = true;
                    queue.leaving = frame.outgoing.grant;
                    return Some(Leaving::Frame(frame.outgoing.frame, frame.since));
                }
                if queue.closed {
                    return None;
                }
            }
            self.filled.notified().await;
        }
    }

    /// What [`Outbox::next`] gave has left.
    pub(crate) fn left(&self) {
        let mut queue = self.lock();
        queue.busy = false;
        queue.leaving = None;
        if queue.frames.is_empty() {
            // An idle connection holds no place for frames.
            queue.frames = VecDeque::new();
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

impl Drop for Outbox {
    fn drop(&mut self) {
        let left: i64 = self.lock().frames.iter().map(Waiting::n_bytes).sum();
        self.n_bytes.dec_by(left);
    }
}

impl Waiting {
    fn n_bytes(&self) -> i64 {
        i64::try_from(self.outgoing.frame.len()).unwrap_or(i64::MAX)
    }
}

#[cfg(test)]
mod tests {
    use futures_util::FutureExt;

    use super::*;

    const GRANT: GrantId = GrantId::from_bytes([1; 16]);
    const OTHER: GrantId = GrantId::from_bytes([2; 16]);

    fn leaves(name: u8) -> Option<Option<Leaving>> {
        Some(Some(Leaving::Frame(vec![name], None)))
    }

    fn frame(name: u8, grant: Option<GrantId>) -> Outgoing {
        Outgoing {
            frame: vec![name],
            grant,
        }
    }

    #[test]
    fn a_revocation_drops_what_has_not_begun_to_leave_and_nothing_else() {
        let outbox = Outbox::default();
        outbox.push(
            [
                frame(1, Some(GRANT)),
                frame(2, None),
                frame(3, Some(OTHER)),
                frame(4, Some(GRANT)),
            ],
            None,
        );
        outbox.revoke(GRANT);
        assert_eq!(outbox.next().now_or_never(), leaves(2));
        assert_eq!(outbox.cut().now_or_never(), None);
        assert_eq!(outbox.next().now_or_never(), leaves(3));
        assert_eq!(outbox.next().now_or_never(), None);
    }

    #[test]
    fn a_revocation_cuts_the_frame_that_is_leaving() {
        let outbox = Outbox::default();
        outbox.push([frame(1, Some(GRANT))], None);
        assert!(outbox.next().now_or_never().is_some());
        outbox.revoke(OTHER);
        assert_eq!(outbox.cut().now_or_never(), None);
        outbox.revoke(GRANT);
        assert_eq!(outbox.cut().now_or_never(), Some(()));
    }

    #[test]
    fn nobody_is_listened_to_who_does_not_read() {
        let outbox = Outbox::default();
        outbox.push([frame(1, None)], None);
        assert_eq!(outbox.drained().now_or_never(), None);
        assert!(outbox.next().now_or_never().is_some());
        assert_eq!(outbox.drained().now_or_never(), None, "it is still leaving");
        outbox.left();
        assert_eq!(outbox.drained().now_or_never(), Some(()));
    }

    #[test]
    fn what_was_said_last_still_leaves_a_closed_outbox() {
        let outbox = Outbox::default();
        outbox.push([frame(1, None)], None);
        outbox.close();
        assert_eq!(outbox.next().now_or_never(), leaves(1));
        assert_eq!(outbox.next().now_or_never(), Some(None));
    }

    #[test]
    fn the_bytes_that_wait_are_counted_until_they_leave_are_dropped_or_nobody_is_there() {
        let n_bytes = Gauge::default();
        let outbox = Outbox::new(n_bytes.clone());
        outbox.push((0..5).map(|name| frame(name, (name < 2).then_some(GRANT))), None);
        assert_eq!(n_bytes.get(), 5);
        outbox.revoke(GRANT);
        assert_eq!(n_bytes.get(), 3);
        assert!(outbox.next().now_or_never().is_some());
        assert_eq!(n_bytes.get(), 2);
        drop(outbox);
        assert_eq!(n_bytes.get(), 0);
    }
}
