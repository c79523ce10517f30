//! One day of kills on one pair of devices, and what must hold at its end.

use std::time::Instant;

use anyhow::{Context, Result, ensure};
use rand::{RngExt, SeedableRng};
use rand_chacha::ChaCha20Rng;
use serde_json::{Value, json};
use testkit::{PrinterMode, VirtualPrinter};

use super::{desk::Desk, figures::Figures, ground::Ground};
use crate::{
    clinics::all_sent,
    day::{Story, adults},
    hand::Device,
    network::{self, text},
    people::SENTOSA,
    same_set::{open_store, the_same_set},
};

/// A kill comes at the latest after so many times the time that the work takes undisturbed.
const LATEST: f64 = 1.5;
/// One in so many kills takes the relay with it.
const RELAY_TOO: u32 = 8;
/// Steps that one device is asked for at once.
const AT_ONCE: usize = 4;
/// Stories that are over and are looked at again after each kill.
const OLD_STORIES: usize = 2;

/// Which day.
#[derive(Debug, Clone, Copy)]
pub struct Day {
    /// Decides who is killed when.
    pub seed: u64,
    /// How often.
    pub n_kills: u64,
}

/// Works and kills; then everyone has everything that anyone acknowledged, and the stores are sound.
pub fn day(ground: &mut Ground, day: Day) -> Result<Figures> {
    let labels = tempfile::tempdir()?;
    let printer = VirtualPrinter::start(labels.path(), PrinterMode::Normal)?;
    let mut working = Working {
        desks: [
            Desk::open("counter", ground, &printer.url())?,
            Desk::open("room", ground, &printer.url())?,
        ],
        waiting: Box::new(adults(day.seed)),
        rng: ChaCha20Rng::seed_from_u64(day.seed),
        figures: Figures::default(),
        ground,
    };
    working.first_patients()?;
    for number in 0..day.n_kills {
        working.kill(number).with_context(|| format!("kill {number}"))?;
    }
    let figures = working.end(&printer).context("at the end of the day")?;
    Ok(figures)
}

struct Working<'a> {
    ground: &'a mut Ground,
    desks: [Desk; 2],
    waiting: Box<dyn Iterator<Item = testkit::people::FakePerson>>,
    rng: ChaCha20Rng,
    figures: Figures,
}

impl Working<'_> {
    /// The first ones agree before anything goes wrong: clinic B's keys are fetched from the relay once.
    fn first_patients(&mut self) -> Result<()> {
        for desk in &mut self.desks {
            all_sent(desk.device()?)?;
            desk.admit(1, &mut self.waiting, self.ground)?;
            while let Some(place) = desk.here().first().copied() {
                desk.go_on(place)?;
                self.figures.n_acknowledged += 1;
            }
        }
        Ok(())
    }

    fn kill(&mut self, number: u64) -> Result<()> {
        let unlucky = self.rng.random_range(0..self.desks.len());
        for desk in &mut self.desks {
            desk.admit(AT_ONCE, &mut self.waiting, self.ground)?;
            let here = desk.here();
            let place = here[self.rng.random_range(0..here.len())];
            desk.go_on(place)?;
            self.figures.n_acknowledged += 1;
        }
        // Now and then it has nothing to do but to take in what the other does.
        let n_steps = [0, 1].map(|_| self.rng.random_range(1..=AT_ONCE));
        let idle = self.rng.random_range(0..5) == 0;
        let mut usual = std::time::Duration::ZERO;
        for (at, desk) in self.desks.iter_mut().enumerate() {
            let n_steps = if at == unlucky && idle { 0 } else { n_steps[at] };
            usual = usual.max(desk.ask(n_steps)?);
        }
        let part = self.rng.random_range(0.0..LATEST);
        let relay_too = self.rng.random_range(0..RELAY_TOO) == 0;
        if relay_too {
            self.ground.kill_relay()?;
            self.figures.n_relay_kills += 1;
        }
        let (n_answered, n_cut_off) = self.desks[unlucky].kill_at(Instant::now() + usual.mul_f64(part))?;
        let n_others = self.desks[1 - unlucky].all_answered()?;
        self.figures.n_acknowledged += n_answered + n_others;
        self.figures.n_cut_off += n_cut_off;
        self.figures.n_kills += 1;
        if relay_too {
            self.ground.start_relay_again()?;
        }
        let desk = &mut self.desks[unlucky];
        // Every other time the device itself is the first to open what the kill left.
        if number % 2 == 1 {
            desk.verify(self.ground)?;
            self.figures.n_verified += 1;
        }
        self.figures.reopened.push(desk.come_back(self.ground)?);
        let mut places: Vec<usize> = desk.here();
        places.extend((0..OLD_STORIES).map(|_| self.rng.random_range(0..desk.stories.len())));
        desk.check(&places)
            .with_context(|| format!("{} was killed at {part:.2} of its work", desk.name))
    }

    /// Everybody is treated and goes home; then both devices and the relay have the same, and clinic B what it may have.
    fn end(self, printer: &VirtualPrinter) -> Result<Figures> {
        let Self {
            ground,
            desks,
            mut figures,
            ..
        } = self;
        let (mut devices, mut stories, mut n_jobs) = (Vec::new(), Vec::new(), 0);
        for desk in desks {
            let (device, mut own) = desk.close()?;
            for story in &mut own {
                let n_before = story.n_done();
                story.finish(&device)?;
                figures.n_acknowledged += (story.n_done() - n_before) as u64;
            }
            n_jobs += device.call("print_jobs", json!({}))?.as_array().map_or(0, Vec::len);
            devices.push(device);
            stories.extend(own);
        }
        let n_labels = printer.labels().len();
        ensure!(n_labels <= n_jobs, "{n_labels} labels of {n_jobs} jobs");
        for story in &mut stories {
            for device in &devices {
                story.arrives_on(device)?;
                story.check_elsewhere(device, "at the end")?;
            }
        }
        clinic_b_has_exactly_what_it_may(ground, &devices[0], &stories)?;
        let folders: Vec<_> = devices.iter().map(|device| device.data().to_path_buf()).collect();
        // What one wrote last is with the other once each has told the other that nothing is left to say.
        for device in &devices {
            let equal = |status: &Value| (status["sync"]["peers"][0]["equal"] == true).then_some(());
            device.until("status", &json!({}), equal)?;
            all_sent(device)?;
        }
        for device in devices {
            device.finish()?;
        }
        let tenant = &ground.clinics().tenant;
        the_same_set(ground.relay()?, tenant, &folders[0], &folders[1])?;
        for folder in &folders {
            let report = open_store(folder, tenant)?.verify()?;
            ensure!(
                report.pages_hold && report.altered.is_empty() && report.missing.is_empty() && report.trees_hold,
                "{}: {} altered, {} holes",
                folder.display(),
                report.altered.len(),
                report.missing.len()
            );
        }
        Ok(figures)
    }
}

fn clinic_b_has_exactly_what_it_may(ground: &Ground, device: &Device, stories: &[Story]) -> Result<()> {
    let mut live: Vec<String> = Vec::new();
    for story in stories {
        for grant in story.grants(device)?.iter().filter(|grant| grant["state"] == "active") {
            live.push(text(&grant["id"])?.to_owned());
        }
    }
    live.sort();
    let sentosa = ground.start("sentosa")?;
    network::sign_in(&sentosa, &SENTOSA.owner)?;
    let exactly_these = |network: &Value| {
        let rows = network["received"].as_array()?.iter();
        let full = rows.filter(|row| row["n_entries"] != 0);
        let mut ids: Vec<&str> = full.filter_map(|row| row["grant"].as_str()).collect();
        ids.sort_unstable();
        (ids == live).then_some(())
    };
    sentosa.until("network", &json!({}), exactly_these)?;
    sentosa.finish()
}
