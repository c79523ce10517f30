//! Everything between the devices: calls to the relay, meetings on the LAN, and how both go wrong.

use std::mem;
use std::sync::Arc;

use anyhow::{Result, bail, ensure};
use sync_protocol::{SyncStore, Wake};
use testkit::SeededRng;

use super::call::Call;
use super::chance::{below, bytes};
use super::meeting::Meeting;
use super::plan::{Act, Which};
use super::world::World;

/// Connections of each sort that there may be at the most, half-open ones included.
const MOST_CONNECTIONS: usize = 16;

impl World {
    pub(super) fn on_the_network(&mut self, act: Act, rng: &mut SeededRng) -> Result<String> {
        let told = match act {
            Act::Dial(who) => self.dial(self.who(who), rng),
            Act::Deliver(n) => self.deliver_some(n, rng)?,
            Act::Cut(which) => self.with_call(which, |call| call.cut()),
            Act::HalfOpen(which, relays) => self.with_call(which, |call| match relays {
                true => call.lose_relay_end(),
                false => call.lose_device_end(),
            }),
            Act::Garble(which, twice) => self.with_call(which, |call| call.garble(twice)),
            Act::Minute => {
                self.keep_house(rng)?;
                self.minute()
            }
            Act::Meet(one, other) => self.meet(self.who(one), self.who(other), rng),
            Act::Bytes(which, end, n) => match self.meetings.len() {
                0 => "nobody meets".into(),
                n_meetings => {
                    let at = usize::from(which) % n_meetings;
                    self.deliver_bytes(at, usize::from(end), usize::from(n))?;
                    format!("{n} bytes at meeting {at}")
                }
            },
            Act::Talk(n) => {
                for _ in 0..n {
                    self.talk()?;
                }
                format!("{} meetings go on", self.meetings.len())
            }
            Act::Part(which) => self.with_meeting(which, |meeting| meeting.link.cut()),
            Act::HalfPart(which, end) => self.with_meeting(which, |meeting| meeting.link.cut_one(usize::from(end))),
            Act::Split(sides) => {
                self.sides = sides;
                self.part_the_split();
                format!("split {sides:016b}")
            }
            Act::Whole => {
                self.sides = 0;
                "whole again".into()
            }
            Act::RelayAway => {
                self.relay.away = true;
                self.calls.iter_mut().for_each(Call::cut);
                "the relay is away".into()
            }
            Act::RelayBack => {
                self.relay.away = false;
                "the relay is back".into()
            }
            Act::RelayPowerCut(in_the_commit) => self.relay_power_cut(in_the_commit, rng)?,
            Act::RelayKeepCopy => {
                self.relay.keep_copy()?;
                "the relay is copied".into()
            }
            Act::RelayPutBack(which, new_incarnation) => {
                self.calls.iter_mut().for_each(Call::cut);
                if !self.relay.put_back(usize::from(which), new_incarnation, rng)? {
                    return Ok("no copy of the relay".into());
                }
                self.figures.n_relay_put_back += 1;
                format!("the relay is put back (new incarnation: {new_incarnation})")
            }
            Act::Wait(seconds) => {
                self.keep_house(rng)?;
                self.pass(i64::from(seconds) * 1000);
                format!("{seconds} s go by")
            }
            Act::Lie(who, lie) => self.lie(who, lie),
            Act::RelayLies(lie) => self.relay_lies(lie),
            act => bail!("{act:?} is not of the network"),
        };
        self.sweep();
        Ok(told)
    }

    /// Something came into this device's store: it tells its connections, as its program does.
    pub(super) fn stir(&mut self, who: usize) {
        for call in self.calls.iter_mut().filter(|call| call.device == who) {
            call.nudge();
        }
        for meeting in self.meetings.iter_mut().filter(|meeting| meeting.is_of(who)) {
            for end in (0..2).filter(|end| meeting.who[*end] == who) {
                meeting.link.news(end);
            }
        }
    }

    /// What is over is forgotten, and counted.
    pub(super) fn sweep(&mut self) {
        let figures = &mut self.figures;
        self.calls.retain_mut(|call| {
            let over = call.is_over();
            figures.n_lies += mem::take(&mut call.given.n_lies);
            if over {
                figures.n_frames += call.n_frames as u64;
                figures.n_bytes += call.n_bytes as u64;
            }
            !over
        });
        for meeting in &mut self.meetings {
            let (n_frames, n_bytes) = meeting.count();
            figures.n_frames += n_frames;
            figures.n_bytes += n_bytes;
            figures.n_lies += meeting.count_lies();
        }
    }

    /// A device calls the relay, unless it believes that it is connected.
    pub(super) fn dial(&mut self, who: usize, rng: &mut SeededRng) -> String {
        let name = self.devices[who].name.clone();
        if self.relay.away || !self.same_side(who, None) {
            return format!("{name} does not reach the relay");
        }
        if self.calls.iter().any(|call| call.device == who && call.is_up()) {
            return format!("{name} is connected");
        }
        if self.calls.len() >= MOST_CONNECTIONS {
            self.calls.remove(0).cut();
        }
        let objects = Arc::clone(&self.relay.objects);
        let mut call = Call::open(who, &self.devices[who], self.fault, self.relay.store(), &objects, rng);
        call.given.lie = self.relay.lie;
        self.calls.push(call);
        self.figures.n_connections += 1;
        format!("{name} calls the relay")
    }

    fn deliver_some(&mut self, n: u8, rng: &mut SeededRng) -> Result<String> {
        let mut n_moved = 0;
        for _ in 0..n {
            if self.calls.is_empty() {
                break;
            }
            let at = below(rng, self.calls.len());
            n_moved += usize::from(self.deliver_up(at, rng)?) + usize::from(self.deliver_down(at)?);
        }
        Ok(format!("{n_moved} frames arrive"))
    }

    /// The relay hears a call's next frame. Returns whether there was one.
    pub(super) fn deliver_up(&mut self, at: usize, rng: &mut SeededRng) -> Result<bool> {
        let (moved, wakes) = self.calls[at].deliver_up(self.relay.store(), self.now_ms, rng);
        if moved {
            let tenant = self.devices[self.calls[at].device].tenant();
            self.relay.look(tenant)?;
            self.wake(&wakes);
        }
        Ok(moved)
    }

    fn wake(&mut self, wakes: &[Wake]) {
        for wake in wakes {
            for call in &mut self.calls {
                call.wake(wake, self.relay.store(), self.now_ms);
            }
        }
    }

    /// A call's device hears its next frame. Returns whether there was one.
    pub(super) fn deliver_down(&mut self, at: usize) -> Result<bool> {
        let Some(outgoing) = self.calls[at].next_down() else {
            return Ok(false);
        };
        let who = self.calls[at].device;
        if let Some(grant) = outgoing.grant {
            ensure!(
                !self.relay.known.revoked.contains(&grant),
                "{} is given a release after its grant was revoked",
                self.devices[who].name
            );
        }
        let now_ms = self.devices[who].clock.now_ms();
        self.calls[at].hear(&outgoing.frame, now_ms);
        if let Some(error) = self.calls[at].surprise(self.relay.astray, self.model.has_leavers) {
            bail!("{}: {error}", self.devices[who].name);
        }
        ensure!(
            !self.calls[at].given.asked_again,
            "{} asks the relay again for sound of which it gave other bytes",
            self.devices[who].name
        );
        self.saw(who)?;
        Ok(true)
    }

    /// Looks at a device's store after something came, and lets it tell others.
    fn saw(&mut self, who: usize) -> Result<()> {
        if self.devices[who].look()? {
            self.model.saw(&self.devices[who]);
        }
        if self.devices[who].was_told() {
            self.stir(who);
        }
        Ok(())
    }

    fn with_call(&mut self, which: Which, act: impl FnOnce(&mut Call)) -> String {
        if self.calls.is_empty() {
            return "nobody is connected".into();
        }
        let at = usize::from(which) % self.calls.len();
        act(&mut self.calls[at]);
        format!("at the call of {}", self.devices[self.calls[at].device].name)
    }

    fn with_meeting(&mut self, which: Which, act: impl FnOnce(&mut Meeting)) -> String {
        if self.meetings.is_empty() {
            return "nobody meets".into();
        }
        let at = usize::from(which) % self.meetings.len();
        act(&mut self.meetings[at]);
        let [one, other] = self.meetings[at].who.map(|who| self.devices[who].name.clone());
        format!("at the meeting of {one} and {other}")
    }

    fn minute(&mut self) -> String {
        for call in &mut self.calls {
            if call.is_half_open() {
                call.cut();
            }
            call.look_again(self.relay.store(), self.now_ms);
        }
        self.meetings.retain(|meeting| meeting.link.is_open());
        "a minute passes".into()
    }

    /// Two devices meet, if they are of one clinic and on one side.
    pub(super) fn meet(&mut self, one: usize, other: usize, rng: &mut SeededRng) -> String {
        let (a, b) = (&self.devices[one], &self.devices[other]);
        if one == other || a.clinic != b.clinic || !self.same_side(one, Some(other)) {
            return "nobody meets".into();
        }
        let told = format!("{} meets {}", a.name, b.name);
        let meeting = Meeting::open([one, other], [a, b], bytes(rng));
        if self.meetings.len() >= MOST_CONNECTIONS {
            self.meetings.remove(0);
        }
        self.meetings.push(meeting);
        self.figures.n_connections += 1;
        told
    }

    /// So many bytes reach one end of a meeting. Returns whether there were any.
    pub(super) fn deliver_bytes(&mut self, at: usize, end: usize, n: usize) -> Result<bool> {
        let moved = self.meetings[at].link.deliver(end, n);
        let [one, other] = self.meetings[at].who;
        if let Some(error) = self.meetings[at].surprise(self.model.has_leavers) {
            bail!("{} and {}: {error}", self.devices[one].name, self.devices[other].name);
        }
        self.saw(self.meetings[at].who[end])?;
        Ok(moved)
    }

    /// Everything that is on its way on any meeting arrives once. Returns whether there was anything.
    pub(super) fn talk(&mut self) -> Result<bool> {
        let mut moved = false;
        for at in 0..self.meetings.len() {
            for end in 0..2 {
                moved |= self.deliver_bytes(at, end, usize::MAX)?;
            }
        }
        Ok(moved)
    }

    fn part_the_split(&mut self) {
        let split: Vec<bool> = (0..self.devices.len()).map(|who| !self.same_side(who, None)).collect();
        for call in self.calls.iter_mut().filter(|call| split[call.device]) {
            call.cut();
        }
        let sides = self.sides;
        self.meetings.retain(|meeting| {
            let [one, other] = meeting.who.map(|who| sides >> (who + 1) & 1);
            one == other
        });
    }

    /// Whether a device is on the side of another, or of the relay.
    fn same_side(&self, who: usize, other: Option<usize>) -> bool {
        let side = |bit: usize| self.sides >> bit & 1;
        side(who + 1) == side(other.map_or(0, |other| other + 1))
    }

    fn relay_power_cut(&mut self, in_the_commit: bool, rng: &mut SeededRng) -> Result<String> {
        self.figures.n_relay_crashes += 1;
        let waiting: Vec<usize> = (0..self.calls.len()).filter(|at| self.calls[*at].waits_up()).collect();
        let told = match (in_the_commit, waiting.first()) {
            (true, Some(at)) => {
                let before = self.relay.before_a_commit()?;
                // It takes the frame in, and nobody hears of it.
                drop(self.calls[*at].deliver_up(self.relay.store(), self.now_ms, rng));
                self.relay.die_in_the_commit(&before, rng)?;
                "the relay's power is cut in a commit"
            }
            _ => {
                self.relay.power_cut(rng)?;
                "the relay's power is cut"
            }
        };
        self.calls.iter_mut().for_each(Call::cut);
        Ok(told.into())
    }

    /// How much waits at a device to be sent.
    pub(super) fn pending(&self, who: usize) -> Result<u64> {
        Ok(self.devices[who].vault().pending()?)
    }
}
