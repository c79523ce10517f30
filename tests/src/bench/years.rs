//! A clinic after years of work beside the same clinic after its first day: the same questions and the same writes, in turn.
//!
//! Both were filled by the same code, through the store, under a clock that is moved on day by day: people are registered, come,
//! stand in the queue, have their notes written and signed, and each step leaves its line in the audit. Once a month the
//! clinic's second device hears everything, and both keep house as they do when nobody works: histories become snapshots,
//! and what these cover is thrown away after thirty days.

mod kept;
mod newcomer;
mod working;

use std::{
    path::Path,
    time::{Duration, Instant},
};

use anyhow::{Context, Result, ensure};
use domain::QueueState;
use vault::{Vault, VaultError};

use self::working::{Closed, DAYS_A_YEAR, VISITS_A_DAY};
use super::{
    figure::{Figure, Goal, Samples, in_turn},
    machine::load,
    progress::{say, tell},
};

const N: usize = 100;
const N_WRITES: usize = 300;

/// Fills both, unless they are there from the last time, and measures copies of them in `folder`. `kept`: where they stay.
pub fn measure(folder: &Path, kept: &Path, years: usize) -> Result<Vec<Figure>> {
    ensure!(years > 0, "at least one year");
    let clinic = |name: &str, n_days| kept::of(&kept.join(name), &folder.join(name), n_days);
    let day = clinic("first-day", 1)?;
    let old = clinic(&format!("years-{years}"), years * DAYS_A_YEAR)?;
    let opened = open(&old, &day, years)?;
    let rows = Rows {
        old: Opened::of(old)?,
        day: Opened::of(day)?,
        years,
    };
    // Told at once: making the tables again takes longer than everything before it.
    let told = |row: Figure| {
        tell(&row);
        row
    };
    Ok(vec![
        told(opened),
        told(rows.search()?),
        told(rows.patient()?),
        told(rows.queue()?),
        told(rows.edit()?),
        told(rows.move_on()?),
        told(newcomer(&rows, folder)?),
        told(after_an_update(rows.old, years)?),
    ])
}

/// The same store in use.
struct Opened {
    of: Closed,
    vault: Vault,
}

impl Opened {
    fn of(of: Closed) -> Result<Self> {
        let vault = of.open()?;
        Ok(Self { of, vault })
    }
}

fn open(old: &Closed, day: &Closed, years: usize) -> Result<Figure> {
    let act = |closed: &Closed| {
        let began = Instant::now();
        let vault = closed.open()?;
        let took = began.elapsed();
        ensure!(vault.read(|r| r.n_patients())? > 0, "it is another store");
        Ok(took)
    };
    let (ours, yardstick, load) = in_turn("openings of the store", 20, |_| act(old), |_| act(day))?;
    let p95 = ours.quantile(0.95);
    Ok(figure("years_open", "open the store", years, ours, yardstick)
        .with(Goal::at_most("95 % under 500 ms", 500.0, p95))
        .under(load))
}

/// A device takes everything in again.
fn newcomer(rows: &Rows, folder: &Path) -> Result<Figure> {
    let (mut ours, mut yardstick, load) = (Samples::default(), Samples::default(), load());
    say("a new device takes everything in");
    let all = newcomer::take_all_in(&rows.old, &folder.join("replaced"))?;
    let of_a_day = newcomer::take_all_in(&rows.day, &folder.join("replaced-first-day"))?;
    ours.add(all.micros_a_change());
    yardstick.add(of_a_day.micros_a_change());
    let what = format!(
        "take in everything, {} changes, {} of them first (named in {} ms), by a new device, each",
        all.n_changes,
        all.n_first,
        all.named.as_millis()
    );
    let mut row = figure("years_newcomer", &what, rows.years, ours, yardstick)
        .with(Goal::at_most(
            "queue, search, today's patients in 10 s (in s)",
            10.0,
            all.useful.as_secs_f64(),
        ))
        .with(Goal::at_most(
            "complete in 10 minutes (in s)",
            600.0,
            all.complete.as_secs_f64(),
        ))
        .under(load);
    row.unit = "µs";
    Ok(row)
}

/// The next build has other tables: they are made again before anybody is given the store.
fn after_an_update(old: Opened, years: usize) -> Result<Figure> {
    let (mut ours, mut yardstick, load) = (Samples::default(), Samples::default(), load());
    say("the tables are made again, as after an update");
    let Opened { of, vault } = old;
    vault.pretend_other_tables()?;
    drop(vault);
    let began = Instant::now();
    let vault = of.open()?;
    ours.push(began.elapsed());
    say("and in one transaction");
    let began = Instant::now();
    vault.rebuild()?;
    yardstick.push(began.elapsed());
    let what = format!("open the store after an update, its tables made again, after {years} years of work");
    let against = "the same tables in one transaction of one thread".to_owned();
    Ok(Figure::of("years_update", what, against, ours, yardstick).under(load))
}

fn figure(id: &'static str, what: &str, years: usize, ours: Samples, yardstick: Samples) -> Figure {
    let what = format!("{what}, after {years} years of work");
    Figure::of(id, what, "the same after the first day".into(), ours, yardstick)
}

/// Both clinics, in use.
struct Rows {
    old: Opened,
    day: Opened,
    years: usize,
}

impl Rows {
    fn row(
        &self,
        id: &'static str,
        what: &str,
        n: usize,
        act: impl Fn(&Opened, usize) -> Result<Duration>,
    ) -> Result<Figure> {
        let (ours, yardstick, load) = in_turn(id, n, |round| act(&self.old, round), |round| act(&self.day, round))?;
        Ok(figure(id, what, self.years, ours, yardstick).under(load))
    }

    fn search(&self) -> Result<Figure> {
        let row = self.row(
            "years_search",
            "search patients by three letters",
            N,
            |clinic, round| {
                let name = &clinic.of.someone(round).name;
                let text: String = name.chars().take(3).collect::<String>().to_lowercase();
                let began = Instant::now();
                let found = clinic.vault.read(|r| r.search_patients(&text, 30))?;
                let took = began.elapsed();
                ensure!(!found.is_empty(), "nobody was found");
                Ok(took)
            },
        )?;
        let p95 = row.ours.quantile(0.95);
        Ok(row.with(Goal::at_most("95 % under 10 ms", 10.0, p95)))
    }

    fn patient(&self) -> Result<Figure> {
        let row = self.row(
            "years_patient",
            "read a patient, her allergies, all her visits and what is signed",
            N,
            |clinic, round| {
                let id = clinic.of.someone(round).id;
                let began = Instant::now();
                let n_visits = clinic.vault.read(|r| -> Result<usize, VaultError> {
                    r.patient(id)?;
                    r.allergies(id)?;
                    r.facts_of_patient(id)?;
                    Ok(r.visits_of(id)?.len())
                })?;
                let took = began.elapsed();
                ensure!(n_visits > 0, "she never came");
                Ok(took)
            },
        )?;
        let p95 = row.ours.quantile(0.95);
        Ok(row.with(Goal::at_most("95 % under 20 ms", 20.0, p95)))
    }

    fn queue(&self) -> Result<Figure> {
        self.row("years_queue", "read today's queue", N, |clinic, _| {
            let began = Instant::now();
            let queue = clinic.vault.read(|r| r.queue(r.today()?))?;
            let took = began.elapsed();
            ensure!(queue.len() == VISITS_A_DAY, "{} in the queue", queue.len());
            Ok(took)
        })
    }

    fn edit(&self) -> Result<Figure> {
        self.row("years_edit", "edit one field, durable", N_WRITES, |clinic, round| {
            let mut edited = clinic.of.someone(round).clone();
            edited.phone = format!("012-345 {round:04}");
            let began = Instant::now();
            clinic
                .vault
                .write(Some(clinic.of.doctor), |w| -> Result<(), VaultError> {
                    w.put_patient(&edited)
                })?;
            Ok(began.elapsed())
        })
    }

    fn move_on(&self) -> Result<Figure> {
        let states = [QueueState::Called, QueueState::InConsult, QueueState::Done];
        self.row(
            "years_move",
            "move one of today's queue on, durable",
            N_WRITES,
            |clinic, round| {
                let entry = *clinic.of.waiting.get(round % VISITS_A_DAY).context("nobody waits")?;
                let state = states[(round + round / VISITS_A_DAY) % states.len()];
                let began = Instant::now();
                clinic
                    .vault
                    .write(Some(clinic.of.doctor), |w| w.set_queue_state(entry, state))?;
                Ok(began.elapsed())
            },
        )
    }
}
