//! What it takes to decide whether a clinic may have what another one released.

use std::{hint::black_box, time::Instant};

use anyhow::{Context, Result};
use rand::SeedableRng;
use rand_chacha::ChaCha20Rng;
use sync_protocol::{Page, RelayStore, ReleaseAnswer, ReleaseAsk};

use super::{
    archive::Archive,
    crowd::Clinic,
    node::Home,
    open,
    row::{Row, Spread},
};
use crate::bench::figure::Goal;

const DECISION_US: f64 = 2.0;
const AT_ONCE: u32 = 1_000;
const ROUNDS: usize = 1_000;

/// `consent::admits` alone.
pub fn alone() -> Result<Row> {
    let mut row = Row::begin("relay_decision", "a consent is decided: admits alone", None);
    let (from, to) = (Clinic::make(0, 1)?, Clinic::make(2, 1)?);
    let (grant, _) = from.grant(&to.membership, &mut ChaCha20Rng::seed_from_u64(9))?;
    let now_ms = sync_server::now_ms();
    let once = |_| {
        let began = Instant::now();
        for _ in 0..AT_ONCE {
            black_box(consent::admits(
                black_box(grant.clear()),
                black_box(false),
                to.tenant,
                now_ms,
            ));
        }
        began.elapsed().as_secs_f64() * 1e6 / f64::from(AT_ONCE)
    };
    let spread = Spread::of((0..ROUNDS).map(once).collect());
    row.put("p50 µs", spread.at(0.5));
    row.put("p99 µs", spread.at(0.99));
    row.aims(Goal::at_most("below 2 µs", DECISION_US, spread.at(0.99)));
    Ok(row)
}

/// The gate's transaction around it, in the great store: the grant and its state are read, nothing is given.
pub fn gate(home: &Home, archive: &Archive, n_rounds: usize) -> Result<Row> {
    let mut row = Row::begin(
        "relay_gate",
        "the gate's transaction, with nothing new to give",
        Some(home.name()),
    );
    let mut store = open(home)?;
    let grant = *archive.grants.first().context("something was granted")?;
    let mut spread = Vec::new();
    for round in 0..=n_rounds {
        let ask = ReleaseAsk {
            request: [1; 16],
            requester: archive.to.tenant,
            device: archive.to.writers.first().context("a clinic has a device")?.keys.id(),
            grant,
            page: Page {
                after: u64::MAX,
                max_items: 1,
                max_bytes: 1,
            },
            now_ms: sync_server::now_ms(),
        };
        let began = Instant::now();
        let answer = store.pull_releases(&ask)?;
        if round > 0 {
            spread.push(began.elapsed().as_secs_f64() * 1000.0);
        }
        let served = matches!(&answer, ReleaseAnswer::Served { items, .. } if items.is_empty());
        served
            .then_some(())
            .context("the gate is open, and there is nothing new")?;
    }
    row.put_spread(&Spread::of(spread));
    Ok(row)
}
