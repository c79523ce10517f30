//! A durable write: the verb `register_patient` beside a bare commit of the same bytes.

use std::{path::Path, time::Instant};

use anyhow::{Context, Result};
use testkit::people::people;
use tokio::runtime::Runtime;

use super::{
    Site,
    bare::{BareStore, key_of, sealed},
    counter::Counter,
    figure::{Figure, in_turn},
};
use crate::people::SERI_MAWAR;

const N: usize = 200;

/// Registers people, each beside a bare commit of as many bytes as one registration seals.
pub fn measure(site: &Site, folder: &Path) -> Result<Figure> {
    let runtime = Runtime::new()?;
    let counter = Counter::open(&site.first, &runtime)?;
    counter.sign_in(&SERI_MAWAR.owner)?;
    let mut queue = people(11);
    let mut next = || queue.next().context("people do not end");
    let (n_before, before) = sealed(&site.first, &site.pair)?;
    counter.register(next()?)?;
    let (n_after, after) = sealed(&site.first, &site.pair)?;
    let (n_changes, n_bytes) = (n_after - n_before, after - before);
    let bytes = vec![0xA5; usize::try_from(n_bytes)?];
    let bare = BareStore::make(
        &folder.join("bare-registration.db"),
        Some(&*key_of(&site.first, &site.pair)?),
    )?;
    let (ours, yardstick, load) = in_turn(
        "registrations",
        N,
        |_| {
            let person = next()?;
            let began = Instant::now();
            counter.register(person)?;
            Ok(began.elapsed())
        },
        |_| bare.commit(&bytes),
    )?;
    Ok(Figure::of(
        "registration",
        "register a patient, durable".into(),
        format!("one bare SQLCipher commit of the same {n_bytes} bytes ({n_changes} sealed changes)"),
        ours,
        yardstick,
    )
    .under(load))
}
