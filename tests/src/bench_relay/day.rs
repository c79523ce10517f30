//! An hour of a clinic's day: what its people do, and how often.
//!
//! The figures are assumptions, written down here once: thirty people, of whom eight are doctors who see six patients each
//! in an hour, so 48 visits. A visit is registered at the desk, moves through the queue, has its note edited as it is
//! written (the edits are what travels), is dispensed; one in ten has an agreement with another clinic, to which its end
//! is released. Each device loses its connection twice an hour. Sizes are bytes of the sealed bodies, from what the app writes
//! (`docs/bench.md`, the bytes of an edit).

use std::time::{Duration, Instant};

use anyhow::{Context, Result};
use rand::Rng;
use sync_protocol::OutItem;
use tokio::time::{Instant as Moment, sleep_until};

use super::{
    load::{Load, Word},
    talk::tail,
};

/// People of the clinic whose hour it is.
const PEOPLE: f64 = 30.0;
const HOUR: f64 = 3_600.0;

#[derive(Clone, Copy)]
enum Deed {
    /// Changes of so many bytes, in one push.
    Changes(&'static [usize]),
    Consent,
    Release,
    Reconnect,
}

/// What happens, and how often in an hour.
const DEEDS: [(Deed, f64); 8] = [
    // A patient is registered, or registered anew.
    (Deed::Changes(&[480, 160]), 12.0),
    // Waits, called, with the doctor, at the pharmacy, done.
    (Deed::Changes(&[96]), 5.0 * 48.0),
    // A note is saved as it is written.
    (Deed::Changes(&[160]), 12.0 * 48.0),
    // Vital signs, allergies, diagnoses.
    (Deed::Changes(&[200]), 2.0 * 48.0),
    // Handed over, and taken from the stock.
    (Deed::Changes(&[240, 120]), 1.5 * 48.0),
    (Deed::Consent, 5.0),
    (Deed::Release, 5.0),
    (Deed::Reconnect, 2.0 * PEOPLE),
];

/// Bytes of a visit's release.
const RELEASE_BYTES: usize = 2_000;

/// Lives for so long, at so many times the pace. What is to happen has its time before it happens, and is late if the
/// machine is: waiting counts.
pub(super) async fn live(load: &mut Load, how_long: Duration, pace: f64) -> Result<()> {
    if load.seats.is_empty() {
        return Ok(());
    }
    let n_deeds: f64 = DEEDS.iter().map(|(_, n)| n).sum();
    let a_second = n_deeds * pace * load.seats.len() as f64 / PEOPLE / HOUR;
    agree(load).await?;
    let (began, mut at) = (Instant::now(), Duration::ZERO);
    loop {
        at += Duration::from_secs_f64(-(1.0 - fraction(load)).ln() / a_second);
        if at >= how_long {
            return Ok(());
        }
        let mut left = fraction(load) * n_deeds;
        let deed = DEEDS.iter().find(|(_, n)| {
            left -= n;
            left < 0.0
        });
        let deed = deed.map_or(Deed::Changes(&[160]), |(deed, _)| *deed);
        let nth = usize::try_from(load.rng.next_u64() % load.seats.len() as u64)?;
        sleep_until(Moment::from_std(began + at)).await;
        let word = match deed {
            Deed::Changes(sizes) => Word::Write(changes(load, nth, sizes)?),
            Deed::Reconnect => Word::Cut,
            Deed::Consent | Deed::Release => {
                let source = load.seats.get(nth).context("it was chosen")?.clinic;
                let Some(to) = load.clinics.get(beside(source)).map(|to| to.membership.clone()) else {
                    continue;
                };
                let from = load.clinics.get(source).context("a seat has a clinic")?;
                let item = match (deed, load.grants.get_mut(&source)) {
                    (Deed::Release, Some((grant, n_released))) => {
                        *n_released += 1;
                        from.release(grant, &to, RELEASE_BYTES, &mut load.rng)?
                    }
                    _ => from.grant(&to, &mut load.rng)?.1,
                };
                Word::Write(vec![item])
            }
        };
        if let Word::Write(items) = &word {
            let mut sent_at = load.shared.sent_at.borrow_mut();
            let ends = items.iter().filter_map(|item| tail(&item.bytes));
            sent_at.extend(ends.map(|end| (end, began + at)));
        }
        let seat = load.seats.get(nth).context("it was chosen")?;
        seat.say(&load.shared, word);
    }
}

/// Clinics give to the one beside them.
pub(super) fn beside(clinic: usize) -> usize {
    clinic ^ 1
}

/// Each clinic gives something to the one beside it, before the clock starts.
async fn agree(load: &mut Load) -> Result<()> {
    let first: Vec<usize> = (0..load.seats.len())
        .filter(|nth| load.seats.get(*nth).is_some_and(|seat| seat.device == 0))
        .collect();
    for nth in first {
        let seat = load.seats.get(nth).context("it was chosen")?;
        let (Some(from), Some(to)) = (load.clinics.get(seat.clinic), load.clinics.get(beside(seat.clinic))) else {
            continue;
        };
        if !load.grants.contains_key(&seat.clinic) {
            let (grant, item) = from.grant(&to.membership, &mut load.rng)?;
            load.grants.insert(seat.clinic, (grant, 0));
            seat.say(&load.shared, Word::Write(vec![item]));
        }
    }
    load.until(Duration::from_millis(25), |load| load.shared.has_sent_all())
        .await;
    Ok(())
}

fn changes(load: &mut Load, nth: usize, sizes: &[usize]) -> Result<Vec<OutItem>> {
    let Load {
        clinics, seats, rng, ..
    } = load;
    let seat = seats.get(nth).context("it was chosen")?;
    let clinic = clinics.get_mut(seat.clinic).context("a seat has a clinic")?;
    sizes
        .iter()
        .map(|size| clinic.change(seat.device, *size, rng))
        .collect()
}

/// From 0, and below 1.
fn fraction(load: &mut Load) -> f64 {
    (load.rng.next_u64() >> 11) as f64 / (1_u64 << 53) as f64
}
