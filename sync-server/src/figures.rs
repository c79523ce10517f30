//! What the relay counts of itself, for the operator: sums over everybody. No clinic, device or address is in any of it.

use std::time::Duration;

use prometheus_client::encoding::text::encode;
use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::gauge::Gauge;
use prometheus_client::metrics::histogram::{Histogram, exponential_buckets};
use prometheus_client::registry::{Registry, Unit};
use sync_protocol::Tally;

type Why = [(&'static str, &'static str); 1];

/// All figures of one relay.
pub(crate) struct Figures {
    registry: Registry,
    /// Connections that are open.
    pub(crate) connections: Gauge,
    /// Those of proven members.
    pub(crate) members: Gauge,
    /// From devices.
    pub(crate) received: Traffic,
    /// To devices.
    pub(crate) sent: Traffic,
    batches: Counter,
    releases_given: Counter,
    releases_denied: Counter,
    refusals: Family<Why, Counter>,
    limited: Family<Why, Counter>,
    /// Connections that were cut because they did not read.
    pub(crate) slow_readers: Counter,
    /// Jobs that wait for the store.
    pub(crate) store_queue: Gauge,
    store_job: Histogram,
    relay_time: Histogram,
    /// Bytes that wait to leave.
    pub(crate) outbox_bytes: Gauge,
    /// All refusals, and all that was limited.
    pub(crate) n_refused: Counter,
    pub(crate) n_limited: Counter,
}

/// One direction.
#[derive(Default)]
pub(crate) struct Traffic {
    frames: Counter,
    bytes: Counter,
    changes: Counter,
}

impl Traffic {
    /// Sealed changes so far.
    pub(crate) fn n_changes(&self) -> u64 {
        self.changes.get()
    }

    /// A frame of so many bytes passed.
    pub(crate) fn passed(&self, n_bytes: usize) {
        self.frames.inc();
        self.bytes.inc_by(n_bytes as u64);
    }
}

impl Default for Figures {
    fn default() -> Self {
        // From 0.1 ms to 13 s.
        let times = || Histogram::new(exponential_buckets(0.0001, 2.0, 18));
        let mut figures = Self {
            registry: Registry::with_prefix("medieco_relay"),
            connections: Gauge::default(),
            members: Gauge::default(),
            received: Traffic::default(),
            sent: Traffic::default(),
            batches: Counter::default(),
            releases_given: Counter::default(),
            releases_denied: Counter::default(),
            refusals: Family::default(),
            limited: Family::default(),
            slow_readers: Counter::default(),
            store_queue: Gauge::default(),
            store_job: times(),
            relay_time: times(),
            outbox_bytes: Gauge::default(),
            n_refused: Counter::default(),
            n_limited: Counter::default(),
        };
        figures.register();
        figures
    }
}

impl Figures {
    fn register(&mut self) {
        let to = &mut self.registry;
        to.register("connections", "Open connections", self.connections.clone());
        to.register("members", "Open connections of proven devices", self.members.clone());
        for (name, traffic) in [("received", &self.received), ("sent", &self.sent)] {
            let name = |what| format!("{name}_{what}");
            to.register(name("frames"), "Messages", traffic.frames.clone());
            to.register(name("changes"), "Sealed changes", traffic.changes.clone());
            let bytes = traffic.bytes.clone();
            to.register_with_unit(name("frames"), "Bytes of messages", Unit::Bytes, bytes);
        }
        to.register("batches", "Batches of a feed that were sent", self.batches.clone());
        let given = self.releases_given.clone();
        to.register("releases_given", "Releases that went to other clinics", given);
        let denied = self.releases_denied.clone();
        to.register("releases_denied", "Requests for releases that were denied", denied);
        let refusals = self.refusals.clone();
        to.register("refusals", "Connections that were refused, by code", refusals);
        let limited = self.limited.clone();
        to.register("rate_limited", "What had to wait or was turned away, by limit", limited);
        let slow = self.slow_readers.clone();
        to.register("slow_readers", "Connections cut because they did not read", slow);
        to.register("store_queue", "Jobs that wait for the store", self.store_queue.clone());
        let job = self.store_job.clone();
        to.register_with_unit("store_job", "Time of one job of the store", Unit::Seconds, job);
        let relay_time = self.relay_time.clone();
        let help = "From the arrival of a change to its being written to another device's socket";
        to.register_with_unit("live_change", help, Unit::Seconds, relay_time);
        let outbox = self.outbox_bytes.clone();
        to.register_with_unit("outbox", "Bytes that wait to leave", Unit::Bytes, outbox);
    }

    /// A step of a session did so much.
    pub(crate) fn count(&self, tally: Tally) {
        self.received.changes.inc_by(tally.changes_in);
        self.sent.changes.inc_by(tally.changes_out);
        self.batches.inc_by(tally.batches);
        self.releases_given.inc_by(tally.releases_given);
        self.releases_denied.inc_by(tally.releases_denied);
    }

    /// A connection was refused.
    pub(crate) fn refused(&self, code: &'static str) {
        self.n_refused.inc();
        self.refusals.get_or_create(&[("code", code)]).inc();
    }

    /// Something had to wait, or was turned away.
    pub(crate) fn limited(&self, limit: &'static str) {
        self.n_limited.inc();
        self.limited.get_or_create(&[("limit", limit)]).inc();
    }

    /// A job of the store took so long.
    pub(crate) fn store_did(&self, took: Duration) {
        self.store_job.observe(took.as_secs_f64());
    }

    /// A change was so long on its way from one device's socket to another's.
    pub(crate) fn relayed(&self, took: Duration) {
        self.relay_time.observe(took.as_secs_f64());
    }

    /// All of it, as text (OpenMetrics).
    pub(crate) fn as_text(&self) -> String {
        let mut text = String::new();
        match encode(&mut text, &self.registry) {
            Ok(()) => text,
            Err(_) => String::new(),
        }
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    /// Names of the table in the operators' page, with what is said to be there for the other direction too.
    fn documented() -> BTreeSet<String> {
        let page = include_str!("../../docs/operations.md");
        let table = page
            .split_once("| figure (`medieco_relay_\u{2026}`)")
            .expect("the table of figures")
            .1;
        let rows = table.lines().skip(2).take_while(|line| line.starts_with('|'));
        let mut names = BTreeSet::new();
        for row in rows {
            let cell = row.split('|').nth(1).unwrap_or_default();
            let quoted = cell.split('`').skip(1).step_by(2);
            let of_row: Vec<&str> = quoted.map(|name| name.split('{').next().unwrap_or(name)).collect();
            for name in &of_row {
                match name.strip_suffix('_') {
                    None => drop(names.insert((*name).to_owned())),
                    Some(other) => {
                        let received = of_row.iter().filter_map(|name| name.strip_prefix("received_"));
                        names.extend(received.map(|rest| format!("{other}_{rest}")));
                    }
                }
            }
        }
        names
    }

    #[test]
    fn the_figures_that_are_served_are_those_that_the_operators_page_names() {
        let figures = Figures::default();
        // Nothing is served of what has no code yet.
        figures.refused("full");
        figures.limited("frames");
        let text = figures.as_text();
        let types = text
            .lines()
            .filter_map(|line| line.strip_prefix("# TYPE medieco_relay_")?.split_once(' '));
        let served: BTreeSet<String> = types
            .map(|(name, kind)| match kind {
                "counter" => format!("{name}_total"),
                _ => name.to_owned(),
            })
            .collect();
        assert!(served.len() >= 15, "{text}");
        assert_eq!(served, documented());
    }
}
