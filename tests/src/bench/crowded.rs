//! A clinic of 20 000 patients: opening its store, and opening a patient.

use std::{sync::Arc, time::Instant};

use anyhow::{Context, Result, ensure};
use clinic::machine::SystemClock;
use domain::PatientId;
use rand::SeedableRng;
use tokio::runtime::Runtime;
use vault::{KeyHolder, PassphraseFile, Ports, Vault};
use zeroize::Zeroizing;

use super::{
    Site,
    bare::{connect, key_of, store_folder},
    counter::Counter,
    figure::{Figure, Goal, in_turn},
};
use crate::people::{PASSPHRASE, SENTOSA};

/// The store, and people in it.
pub fn measure(site: &Site) -> Result<Vec<Figure>> {
    Ok(vec![cold_open(site)?, open_patient(site)?])
}

/// From the keys in hand to a store that answers; each page is checked on the way.
fn cold_open(site: &Site) -> Result<Figure> {
    let dir = store_folder(&site.crowded, &site.crowd);
    let file = dir.join("vault.db");
    let secrets = PassphraseFile::new(&dir, Zeroizing::new(PASSPHRASE.to_owned())).load()?;
    let key = key_of(&site.crowded, &site.crowd)?;
    let (ours, yardstick, load) = in_turn(
        "openings of a store of 20 000 patients",
        20,
        |_| {
            let rng = Box::new(rand::rngs::StdRng::from_rng(&mut rand::rng()));
            let clock = Arc::new(SystemClock);
            let began = Instant::now();
            let vault = Vault::open(&dir, &secrets, Ports { clock, rng })?;
            let took = began.elapsed();
            ensure!(vault.read(|r| r.n_patients())? >= 20_000, "it is another store");
            Ok(took)
        },
        |_| {
            let began = Instant::now();
            let conn = connect(&file, Some(&key))?;
            let n: i64 = conn.query_row("SELECT count(*) FROM sqlite_master", [], |row| row.get(0))?;
            ensure!(n > 0, "an empty file");
            Ok(began.elapsed())
        },
    )?;
    let p95 = ours.quantile(0.95);
    let against = "SQLCipher's connection and one row, no page checked".to_owned();
    Ok(Figure::of(
        "cold_open",
        "open the store of 20 000 patients".into(),
        against,
        ours,
        yardstick,
    )
    .with(Goal::at_most("95 % under 500 ms", 500.0, p95))
    .under(load))
}

/// Her banner, with allergies and what is open, by the desk's verb.
fn open_patient(site: &Site) -> Result<Figure> {
    let runtime = Runtime::new()?;
    let counter = Counter::open(&site.crowded, &runtime)?;
    counter.sign_in(&SENTOSA.owner)?;
    let conn = connect(
        &store_folder(&site.crowded, &site.crowd).join("vault.db"),
        Some(&*key_of(&site.crowded, &site.crowd)?),
    )?;
    let mut ids = conn.prepare("SELECT id FROM p_patients ORDER BY search_row LIMIT 101")?;
    let ids = ids.query_map([], |row| Ok(PatientId::from_bytes(row.get(0)?)))?;
    let ids: Vec<PatientId> = ids.collect::<Result<_, _>>().context("patients")?;
    let (ours, yardstick, load) = in_turn(
        "patients are opened",
        100,
        |round| {
            let began = Instant::now();
            counter.desk.patient_banner(ids[round])?;
            Ok(began.elapsed())
        },
        |round| {
            let began = Instant::now();
            let sql = "SELECT json FROM p_patients WHERE id = ?1";
            let json: String = conn
                .prepare_cached(sql)?
                .query_row([ids[round].as_bytes()], |row| row.get(0))?;
            ensure!(!json.is_empty(), "nobody");
            Ok(began.elapsed())
        },
    )?;
    let p95 = ours.quantile(0.95);
    let against = "one row of the same table by its key, bare SQLCipher".to_owned();
    Ok(Figure::of(
        "open_patient",
        "open a patient among 20 000".into(),
        against,
        ours,
        yardstick,
    )
    .with(Goal::at_most("95 % under 20 ms", 20.0, p95))
    .under(load))
}
