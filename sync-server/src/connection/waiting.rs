//! A frame's turn: one that came too soon after too many others waits, and nothing more is read from its device meanwhile.

use std::ops::ControlFlow;
use std::time::Duration;

use seal::{DeviceId, TenantId};
use sync_protocol::RefusedCode;
use tokio::time::Instant;

use super::Connection;
use crate::goodbye::Goodbye;
use crate::limits::{LONGEST_WAIT, Toll};

/// A frame that came too soon after too many others.
pub(super) struct Waiting {
    frame: Vec<u8>,
    toll: Toll,
    /// By the limits' clock.
    came: Duration,
    /// It is tried again then; `None` when it was not tried yet.
    until: Option<Instant>,
}

impl Waiting {
    /// It is tried again then.
    pub(super) fn until(&self) -> Option<Instant> {
        self.until
    }

    /// What was said.
    pub(super) fn frame(self) -> Vec<u8> {
        self.frame
    }
}

impl Connection {
    /// What a member says waits for its turn, which may have come already.
    pub(super) fn take_turn(&mut self, clinic: TenantId, device: DeviceId, frame: Vec<u8>) {
        self.waiting = Some(Box::new(Waiting {
            toll: Toll::new(clinic, device, frame.len()),
            frame,
            came: self.shared.rates.clock.passed(),
            until: None,
        }));
    }

    /// Hears the frame that waits, if it need not wait any longer.
    pub(super) async fn hear_waiting(&mut self) -> ControlFlow<Goodbye> {
        let Some(mut waiting) = self.waiting.take() else {
            return ControlFlow::Continue(());
        };
        let Err(not_yet) = self.shared.rates.pay(&mut waiting.toll) else {
            return self.receive(waiting.frame).await;
        };
        let has_waited = self.shared.rates.clock.passed().saturating_sub(waiting.came);
        if waiting.until.is_none() {
            self.shared.figures.limited(not_yet.limit);
        }
        if has_waited + not_yet.wait > LONGEST_WAIT {
            tracing::info!(
                connection = self.id.0,
                limit = not_yet.limit,
                "a device asks for too much"
            );
            return self.refuse(RefusedCode::Busy);
        }
        waiting.until = Some(Instant::now() + not_yet.wait);
        self.waiting = Some(waiting);
        ControlFlow::Continue(())
    }
}
