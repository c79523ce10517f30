//! A device, those who are treated at it, and what it was asked for and has not answered yet.

use std::{
    collections::BTreeMap,
    time::{Duration, Instant},
};

use anyhow::{Context, Result, bail, ensure};
use serde_json::{Value, json};
use testkit::people::FakePerson;

use super::ground::Ground;
use crate::{
    day::{Step, Story, set_printer},
    hand::{Device, refusal_of},
    network,
    people::SERI_MAWAR,
    same_set::open_store,
};

/// What a step takes where nobody has measured it yet.
const USUAL: Duration = Duration::from_millis(20);

pub(super) struct Desk {
    pub(super) name: &'static str,
    pub(super) stories: Vec<Story>,
    device: Option<Device>,
    /// Stories whose next step is on its way, in order.
    asked: Vec<(usize, Step)>,
    /// How long each step took here when nothing happened.
    took: BTreeMap<Step, Duration>,
}

impl Desk {
    pub(super) fn open(name: &'static str, ground: &Ground, printer: &str) -> Result<Self> {
        let device = ground.start(name)?;
        network::sign_in(&device, &SERI_MAWAR.owner)?;
        set_printer(&device, printer)?;
        Ok(Self {
            name,
            stories: Vec::new(),
            device: Some(device),
            asked: Vec::new(),
            took: BTreeMap::new(),
        })
    }

    pub(super) fn device(&self) -> Result<&Device> {
        self.device.as_ref().context("the device is down")
    }

    /// Its device and its stories, at the end of the day.
    pub(super) fn close(self) -> Result<(Device, Vec<Story>)> {
        Ok((self.device.context("the device is down")?, self.stories))
    }

    /// Places of those who have not gone home, the newest first.
    pub(super) fn here(&self) -> Vec<usize> {
        let all = (0..self.stories.len()).rev();
        all.filter(|place| self.stories[*place].next().is_some()).collect()
    }

    /// So many people are here at least.
    pub(super) fn admit(
        &mut self,
        n_people: usize,
        waiting: &mut impl Iterator<Item = FakePerson>,
        ground: &Ground,
    ) -> Result<()> {
        while self.here().len() < n_people {
            let person = waiting.next().context("people without end")?;
            let taken_back = self.stories.len() % 2 == 1;
            let story = Story::of(person, ground.around(), self.device()?)?.with_consent(taken_back);
            self.stories.push(story);
        }
        Ok(())
    }

    /// The next step of a story, undisturbed.
    pub(super) fn go_on(&mut self, place: usize) -> Result<()> {
        let device = self.device.as_ref().context("the device is down")?;
        let story = &mut self.stories[place];
        let (step, began) = (story.next(), Instant::now());
        story.go_on(device)?;
        self.took.extend(step.map(|step| (step, began.elapsed())));
        Ok(())
    }

    /// Asks for the next step of up to `n_steps` stories at once. Gives how long that usually takes.
    pub(super) fn ask(&mut self, n_steps: usize) -> Result<Duration> {
        let device = self.device.as_ref().context("the device is down")?;
        let mut calls = Vec::new();
        for place in self.here().into_iter().take(n_steps) {
            let story = &self.stories[place];
            let step = story.next().context("she has not gone home")?;
            // Whoever waits for the end of one recording would not hear that of another.
            if step == Step::Record && calls.iter().any(|(_, other, _)| *other == step) {
                continue;
            }
            // A step that asks the device something does so before anything is on its way.
            calls.push((place, step, story.call(device, step)?));
        }
        let mut usual = Duration::ZERO;
        for (place, step, (verb, input)) in calls {
            device.send(verb, input)?;
            self.asked.push((place, step));
            usual += self.took.get(&step).copied().unwrap_or(USUAL);
        }
        Ok(usual)
    }

    /// Kills the device when the moment comes, and takes down what it had acknowledged. Gives how many steps that were,
    /// and how many were cut off.
    pub(super) fn kill_at(&mut self, moment: Instant) -> Result<(u64, u64)> {
        let device = self.device.take().context("the device is down")?;
        let mut asked = std::mem::take(&mut self.asked).into_iter();
        let mut answers = Vec::new();
        while answers.len() < asked.len() {
            match device.answer_by(moment) {
                Ok(Some(answer)) => answers.push(Ok(answer)),
                Ok(None) => break,
                Err(error) => answers.push(Err(error)),
            }
        }
        if answers.len() == asked.len() {
            device.hear_until(moment);
        }
        device.kill()?;
        // What it said before it died is still in the pipe.
        while answers.len() < asked.len() {
            match device.answer() {
                Err(error) if refusal_of(&error).is_none() => break,
                answer => answers.push(answer),
            }
        }
        let n_answered = answers.len() as u64;
        for (answer, (place, step)) in answers.into_iter().zip(&mut asked) {
            match answer {
                Ok(_) => {}
                // An earlier cut came between its commit and its answer: this one was told so in time.
                Err(error) if refused_as_done(&error, step) => {}
                Err(error) => return Err(error.context(format!("{step:?}"))),
            }
            self.stories[place].acknowledged();
        }
        Ok((n_answered, asked.len() as u64))
    }

    /// Everything that was asked for and not cut off is answered.
    pub(super) fn all_answered(&mut self) -> Result<u64> {
        let device = self.device.as_ref().context("the device is down")?;
        let asked = std::mem::take(&mut self.asked);
        let answers: Vec<Result<Value>> = asked.iter().map(|_| device.answer()).collect();
        let n_answered = asked.len() as u64;
        for ((place, step), answer) in asked.into_iter().zip(answers) {
            self.stories[place]
                .take_note(device, step, answer)
                .with_context(|| format!("{step:?} on {}, which nobody killed", self.name))?;
        }
        Ok(n_answered)
    }

    /// The store of the dead device, opened and verified as `mediecoctl vault verify` does.
    pub(super) fn verify(&self, ground: &Ground) -> Result<()> {
        let store = open_store(&ground.data(self.name), &ground.clinics().tenant)?;
        let report = store.verify()?;
        ensure!(
            report.pages_hold && report.trees_hold && report.altered.is_empty() && report.unsigned.is_empty(),
            "{}: pages {}, trees {}, {} altered, {} without a valid signature",
            self.name,
            report.pages_hold,
            report.trees_hold,
            report.altered.len(),
            report.unsigned.len()
        );
        Ok(())
    }

    /// Starts the device again. Gives how long it took until its store was open.
    pub(super) fn come_back(&mut self, ground: &Ground) -> Result<Duration> {
        let began = Instant::now();
        let device = ground.start(self.name)?;
        let took = began.elapsed();
        network::sign_in(&device, &SERI_MAWAR.owner)?;
        self.device = Some(device);
        Ok(took)
    }

    /// What these stories acknowledged is there.
    pub(super) fn check(&mut self, places: &[usize]) -> Result<()> {
        let device = self.device.as_ref().context("the device is down")?;
        for place in places {
            self.stories[*place].check(device, self.name)?;
        }
        let jobs = device.call("print_jobs", json!({}))?;
        let jobs = jobs.as_array().context("a list of jobs")?;
        let n_sending = jobs.iter().filter(|job| job["state"] == "sending").count();
        if n_sending > 1 {
            bail!("{}: {n_sending} labels leave at once", self.name);
        }
        Ok(())
    }
}

fn refused_as_done(error: &anyhow::Error, step: Step) -> bool {
    refusal_of(error).is_some_and(|refused| Some(refused.code.as_str()) == step.done_already())
}
