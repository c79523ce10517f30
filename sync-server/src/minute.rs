//! What is kept once a minute: how the relay has been, and which devices were here.

use std::sync::Arc;

use tokio::time::{Instant, Interval, MissedTickBehavior, interval_at};

use crate::shared::Shared;
use crate::{Sample, now_ms};

/// All devices that are here are noted each so many minutes.
const ALL_EVERY: u32 = 15;

/// Passes; and where the counters stood when the last one did.
pub(crate) struct Minute {
    clock: Interval,
    changes: u64,
    refused: u64,
    limited: u64,
    n_passed: u32,
}

impl Minute {
    /// The first one passes after a minute.
    pub(crate) fn begin(shared: &Shared) -> Self {
        let a_minute = shared.timers.a_minute;
        let mut clock = interval_at(Instant::now() + a_minute, a_minute);
        clock.set_missed_tick_behavior(MissedTickBehavior::Skip);
        let mut begun = Self {
            clock,
            changes: 0,
            refused: 0,
            limited: 0,
            n_passed: 0,
        };
        begun.sample(shared);
        begun
    }

    pub(crate) async fn passes(&mut self) {
        self.clock.tick().await;
    }

    /// Keeps it, and does not wait for that.
    pub(crate) fn keep(&mut self, shared: &Arc<Shared>) {
        // Those that stay are noted less often: where they are is known.
        let all = self.n_passed.is_multiple_of(ALL_EVERY);
        self.n_passed = self.n_passed.wrapping_add(1);
        let (sample, seen, now_ms) = (self.sample(shared), shared.hub.take_seen(all), now_ms());
        let (writer, node) = (shared.writer.clone(), shared.run);
        tokio::spawn(async move {
            let kept = writer.run(move |store| {
                store.keep_sample(node, &sample, now_ms)?;
                if !seen.is_empty() {
                    store.keep_seen(node, &seen, now_ms)?;
                }
                if all { store.forget_unseen(node, now_ms) } else { Ok(()) }
            });
            if let Ok(Err(error)) = kept.await {
                tracing::warn!(%error, "a minute's figures are not kept");
            }
        });
    }

    fn sample(&mut self, shared: &Shared) -> Sample {
        let figures = &shared.figures;
        let now = [
            figures.received.n_changes(),
            figures.n_refused.get(),
            figures.n_limited.get(),
        ];
        let before = [self.changes, self.refused, self.limited];
        [self.changes, self.refused, self.limited] = now;
        let [changes, refused, limited] = [0, 1, 2].map(|nth| now[nth].saturating_sub(before[nth]));
        let level = |gauge: &prometheus_client::metrics::gauge::Gauge| u64::try_from(gauge.get()).unwrap_or_default();
        Sample {
            at: 0,
            n_minutes: 1,
            connections: level(&figures.connections),
            members: level(&figures.members),
            changes,
            refused,
            limited,
            queue: level(&figures.store_queue),
        }
    }
}
