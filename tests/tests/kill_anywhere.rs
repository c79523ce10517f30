//! SIGKILL at thirty seeded moments of a day on two devices and a relay.

use std::{
    collections::BTreeMap,
    time::{Duration, Instant},
};

use journeys::{
    hand::Device,
    network::{self, text},
    people::SENTOSA,
};
use rand::{RngExt, SeedableRng};
use rand_chacha::ChaCha20Rng;
use serde_json::{Value, json};
use testkit::{PrinterMode, VirtualPrinter, people::FakePerson};

use crate::{
    story::{Step, Story, adults, set_printer},
    world::{Net, all_sent, refusal_of},
};

const MOMENTS: usize = 30;
const SEED: u64 = 20_261_121;
/// A kill comes at the latest after so many times the time that the verb took undisturbed.
const LATEST: f64 = 1.5;

/// A device and those who are treated at it.
struct Desk {
    name: &'static str,
    device: Option<Device>,
    stories: Vec<Story>,
    /// How long each step took here when nothing happened.
    took: BTreeMap<Step, Duration>,
}

impl Desk {
    fn device(&self) -> &Device {
        self.device.as_ref().expect("it is started again after every kill")
    }

    fn story(&mut self) -> &mut Story {
        self.stories.last_mut().expect("there is always one")
    }

    /// The next patient, when the last one has gone home.
    fn have_somebody(&mut self, waiting: &mut impl Iterator<Item = FakePerson>) {
        if self.stories.last().is_none_or(|story| story.next().is_none()) {
            let person = waiting.next().expect("people without end");
            let story = Story::of(person, self.device()).with_consent(self.stories.len() % 2 == 1);
            self.stories.push(story);
        }
    }

    /// The next step of the day, undisturbed.
    fn go_on(&mut self) {
        let device = self.device.as_ref().expect("it runs");
        let (step, began) = (self.stories.last().and_then(Story::next), Instant::now());
        self.stories
            .last_mut()
            .expect("there is always one")
            .go_on(device)
            .unwrap();
        self.took.extend(step.map(|step| (step, began.elapsed())));
    }

    /// Sends the next verb and kills the device at some moment (1 = when it should answer); true when it had answered.
    fn kill_in_the_middle(&mut self, moment: f64) -> bool {
        let story = self.stories.last().expect("there is always one");
        let step = story.next().expect("she has not gone home");
        let device = self.device.take().expect("it runs");
        let (verb, input) = story.call(&device, step);
        device.send(verb, input).unwrap();
        let usual = self.took.get(&step).copied().unwrap_or(Duration::from_millis(20));
        let until = Instant::now() + usual.mul_f64(moment);
        while Instant::now() < until {
            std::hint::spin_loop();
        }
        device.kill().unwrap();
        match device.answer() {
            Ok(_) => {
                self.story().acknowledged();
                true
            }
            Err(error) => match refusal_of(&error) {
                // The last cut came between its commit and its answer: this one was told so in time.
                Some(refused) if Some(refused.code.as_str()) == step.done_already() => {
                    self.story().acknowledged();
                    true
                }
                Some(refused) => panic!("{step:?}: {refused}"),
                None => false,
            },
        }
    }

    fn come_back(&mut self, net: &Net, when: &str) {
        let device = net.desk(self.name);
        for story in &mut self.stories {
            story.check(&device, when);
        }
        let jobs = device.call("print_jobs", json!({})).unwrap();
        let sending = jobs
            .as_array()
            .unwrap()
            .iter()
            .filter(|job| job["state"] == "sending")
            .count();
        assert!(sending <= 1, "{when}: {sending} labels leave at once");
        self.device = Some(device);
    }
}

#[test]
fn a_day_with_thirty_power_cuts_loses_nothing_that_was_acknowledged() {
    let mut rng = ChaCha20Rng::seed_from_u64(SEED);
    let mut waiting = adults(SEED);
    let mut net = Net::online();
    let labels = tempfile::tempdir().unwrap();
    let printer = VirtualPrinter::start(labels.path(), PrinterMode::Normal).unwrap();
    let mut desks = ["counter", "room"].map(|name| {
        let device = net.desk(name);
        set_printer(&device, &printer.url());
        let mut desk = Desk {
            name,
            device: Some(device),
            stories: Vec::new(),
            took: BTreeMap::new(),
        };
        // The first patient agrees before anything goes wrong: clinic B's keys are fetched from the relay once.
        desk.have_somebody(&mut waiting);
        all_sent(desk.device());
        while desk.story().next().is_some() {
            desk.go_on();
        }
        desk
    });
    let sentosa = net.start("sentosa");
    network::sign_in(&sentosa, &SENTOSA.owner).unwrap();

    let (mut n_answered, mut n_relay) = (0, 0);
    for moment in 0..MOMENTS {
        let unlucky = rng.random_range(0..desks.len());
        for desk in &mut desks {
            for _ in 0..rng.random_range(0..4) {
                desk.have_somebody(&mut waiting);
                desk.go_on();
            }
            desk.have_somebody(&mut waiting);
        }
        let at = rng.random_range(0.0..LATEST);
        let relay_too = rng.random_range(0..5) == 0;
        if relay_too {
            net.kill_relay();
            n_relay += 1;
        }
        let desk = &mut desks[unlucky];
        let answered = desk.kill_in_the_middle(at);
        n_answered += usize::from(answered);
        if relay_too {
            net.start_relay_again();
        }
        let when = format!(
            "moment {moment}: {} killed at {at:.2} of its verb, answered: {answered}",
            desks[unlucky].name
        );
        desks[unlucky].come_back(&net, &when);
    }
    println!("{n_answered} of {MOMENTS} kills came after the answer; the relay was killed {n_relay} times");
    assert!((1..MOMENTS).contains(&n_answered), "the moments do not differ");

    let (mut devices, mut stories) = (Vec::new(), Vec::new());
    for Desk {
        device,
        stories: mut own,
        ..
    } in desks
    {
        let device = device.unwrap();
        own.last_mut().unwrap().finish(&device);
        devices.push(device);
        stories.extend(own);
    }
    let n_jobs = |device: &Device| device.call("print_jobs", json!({})).unwrap().as_array().unwrap().len();
    let n_jobs: usize = devices.iter().map(n_jobs).sum();
    assert!(
        printer.labels().len() <= n_jobs,
        "{} labels of {n_jobs} jobs",
        printer.labels().len()
    );
    for story in &mut stories {
        for device in &devices {
            story.arrives_on(device);
            story.check_elsewhere(device, "at the end");
        }
    }
    let mut live: Vec<String> = Vec::new();
    for story in &stories {
        let grants = story.grants(&devices[0]).unwrap();
        let grants = grants.iter().filter(|grant| grant["state"] == "active");
        live.extend(grants.map(|grant| text(&grant["id"]).unwrap().to_owned()));
    }
    assert!(live.len() > 2, "{} agreements are live", live.len());
    live.sort();
    let exactly_these = |network: &Value| {
        let full = network["received"]
            .as_array()?
            .iter()
            .filter(|row| row["n_entries"] != 0);
        let mut ids: Vec<&str> = full.filter_map(|row| row["grant"].as_str()).collect();
        ids.sort_unstable();
        (ids == live).then_some(())
    };
    sentosa.until("network", &json!({}), exactly_these).unwrap();
    let n_stories = stories.len();
    let n_steps: usize = stories.iter().map(Story::n_done).sum();
    let devices = devices
        .try_into()
        .unwrap_or_else(|_| unreachable!("two desks, two devices"));
    let held = net.close_with_the_same_set(devices);
    let n_live = live.len();
    println!(
        "{n_stories} patients, {n_steps} steps, {n_live} agreements at clinic B; {held} changes on both devices and the relay"
    );
    for device in ["counter", "room"] {
        net.assert_sound(device);
    }
}
