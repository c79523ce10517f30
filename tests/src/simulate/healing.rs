//! Everything works again: how long until nothing moves any more, and do all hold the same then?

use std::collections::BTreeSet;

use anyhow::{Context, Result, bail, ensure};
use sync_protocol::ItemId;
use testkit::{SeededRng, seeded_rng};

use super::chance::percent;
use super::world::World;

/// Rounds in which each connection moves once; far more than any exchange between healthy machines takes.
const ROUNDS: usize = 2_000;
/// Tries to connect, where one may rightly be turned away before the right statements have come.
const TRIES: usize = 4;
/// What an idle device may cost when it calls again, in bytes both ways.
const IDLE_BYTES: usize = 1_024;
/// What it costs to ask for a chunk of sound that the relay does not have, in bytes both ways.
const ASKED_BYTES: usize = 256;
/// Short grants end meanwhile.
const LATER_MS: i64 = 60 * 60 * 1000;

/// What was where before everything began to talk.
struct Before {
    by_device: Vec<BTreeSet<ItemId>>,
    by_relay: Vec<BTreeSet<ItemId>>,
}

impl World {
    /// Mends everything, lets everyone talk until nothing moves, and checks what must hold then.
    ///
    /// By the relay first or by the LAN first: each must do alone what it can, so that neither hides the other's gaps.
    pub(super) fn heal(&mut self, seed: u64) -> Result<()> {
        let rng = &mut seeded_rng(seed);
        self.mend(rng)?;
        let before = Before {
            by_device: self.devices.iter().map(|device| device.held.changes.clone()).collect(),
            by_relay: (0..self.clinics.len())
                .map(|clinic| self.at_relay(clinic).clone())
                .collect(),
        };
        let by_relay_first = percent(rng, 50);
        for by_relay in [by_relay_first, !by_relay_first, by_relay_first] {
            if by_relay {
                self.settle_calls(rng).context("by the relay")?;
            } else {
                self.settle_meetings(rng).context("by the LAN")?;
            }
            for clinic in (0..self.clinics.len()).filter(|clinic| !self.has_leavers(*clinic)) {
                self.check_union(clinic, by_relay || by_relay_first)?;
            }
        }
        for who in 0..self.devices.len() {
            self.devices[who].vault().hand_on_keys()?;
        }
        self.settle_meetings(rng).context("by the LAN, with all keys")?;
        let words = self.look_after_all()?;
        self.settle_meetings(rng).context("by the LAN, with the last words")?;
        self.settle_calls(rng).context("by the relay, at last")?;
        (0..self.clinics.len()).try_for_each(|clinic| self.check_nothing_lost(clinic, &before, &words))?;
        if let Some(harm) = self.harm {
            self.do_harm(harm).context("harm could not be done")?;
        }
        self.check()?;
        if self.has_liars() {
            // What only they have comes once they give it.
            self.all_are_honest();
            self.settle_meetings(rng).context("by the LAN, all honest")?;
            self.settle_calls(rng).context("by the relay, all honest")?;
            self.figures.n_heard = 0;
            self.check()?;
        }
        self.check_idle(rng)
    }

    /// All devices keep house once: a device that threw bodies away under what removed ones vouched for says so then. Gives what
    /// they wrote.
    fn look_after_all(&mut self) -> Result<BTreeSet<ItemId>> {
        let mut words = BTreeSet::new();
        for who in 0..self.devices.len() {
            let before = self.devices[who].held.changes.clone();
            self.devices[who].keep_house(false, false)?;
            words.extend(self.devices[who].held.changes.difference(&before));
            self.model.saw(&self.devices[who]);
        }
        Ok(words)
    }

    /// Whoever belongs holds what all of those held and what the relay held, and nothing from nowhere.
    fn check_nothing_lost(&mut self, clinic: usize, before: &Before, words: &BTreeSet<ItemId>) -> Result<()> {
        let membership = self.membership_at_relay(clinic)?;
        let members = self.members(clinic, &membership);
        let of = |who: &usize| before.by_device[*who].iter().copied();
        let mut union = before.by_relay[clinic].clone();
        union.extend(members.iter().flat_map(of));
        let mut all = union.clone();
        all.extend(words);
        let devices = (0..before.by_device.len()).filter(|who| self.devices[*who].clinic == clinic);
        for who in devices {
            all.extend(of(&who));
            // It comes to light again when its document is erased.
            all.extend(&self.devices[who].covered);
        }
        let union = self.without_void(clinic, &union);
        for who in members {
            let (name, held) = (&self.devices[who].name, &self.devices[who].held.changes);
            let n_lost = union.difference(held).count();
            ensure!(n_lost == 0, "{name} lacks {n_lost} changes that its clinic had");
            ensure!(held.is_subset(&all), "{name} holds what nobody had");
        }
        Ok(())
    }

    fn at_relay(&self, clinic: usize) -> &BTreeSet<ItemId> {
        &self.relay.known.clinics[&self.clinics[clinic].tenant].changes
    }

    fn mend(&mut self, rng: &mut SeededRng) -> Result<()> {
        self.relay.away = false;
        self.sides = 0;
        self.hang_up();
        self.meetings.clear();
        for who in 0..self.devices.len() {
            let now_ms = self.now_ms;
            self.devices[who].clock.jump(super::plan::Jump::Right, now_ms);
            self.devices[who].set_full(false)?;
            // With a full disk a connection may have ended in the middle; the store is whole all the same.
            self.devices[who].look()?;
            self.devices[who].check_own()?;
            self.model.saw(&self.devices[who]);
        }
        if self.relay.astray {
            self.relay.begin_a_new_life(rng)?;
        }
        self.pass(LATER_MS);
        Ok(())
    }

    fn check_union(&self, clinic: usize, with_relay: bool) -> Result<()> {
        let devices = self.devices.iter().filter(|device| device.clinic == clinic);
        let mut union: BTreeSet<ItemId> = devices.flat_map(|device| device.held.changes.iter().copied()).collect();
        if with_relay {
            union.extend(self.at_relay(clinic));
        }
        // Until all have the keys, not everybody can read an erasure: what it names waits beside the set.
        let plain = |changes: &BTreeSet<ItemId>| {
            let mut left = self.without_covered(changes);
            let of_clinic = self.devices.iter().find(|device| device.clinic == clinic);
            left.retain(|id| of_clinic.is_none_or(|device| !device.erasures.borrow().are_naming(id)));
            left
        };
        let union = plain(&union);
        let devices = || self.devices.iter().filter(|device| device.clinic == clinic);
        for device in devices() {
            let (name, held) = (&device.name, plain(&device.held.changes));
            if let Some(who) = devices().find(|other| other.held.changes.difference(&device.held.changes).count() > 0) {
                ensure!(
                    held == union,
                    "{name} holds {} of {} changes; {}",
                    held.len(),
                    union.len(),
                    who.alone(device)?
                );
            }
            ensure!(held == union, "{name} holds {} of {} changes", held.len(), union.len());
        }
        // A grant that its giver and the relay have lost is with whom it was given to, and comes round on the LAN alone.
        if self.figures.n_relay_put_back == 0 {
            let first = devices().next().map(|device| &device.held.consents);
            let unlike = devices().find(|device| Some(&device.held.consents) != first);
            let name = unlike.map(|device| &device.name);
            ensure!(name.is_none(), "{name:?} holds other grants and revocations");
        }
        Ok(())
    }

    fn hang_up(&mut self) {
        self.calls.iter_mut().for_each(super::call::Call::cut);
        self.sweep();
    }

    /// All devices call the relay, until nothing moves. Who was turned away and belongs after all calls again.
    fn settle_calls(&mut self, rng: &mut SeededRng) -> Result<()> {
        self.hang_up();
        self.meetings.clear();
        for _ in 0..self.n_tries() {
            for who in 0..self.devices.len() {
                self.dial(who, rng);
            }
            self.exchange(rng)?;
            if self.connected()?.is_ok() {
                return Ok(());
            }
        }
        self.connected()?.map_err(anyhow::Error::msg)
    }

    fn n_tries(&self) -> usize {
        if self.model.has_leavers { TRIES } else { 1 }
    }

    fn exchange(&mut self, rng: &mut SeededRng) -> Result<()> {
        for _ in 0..ROUNDS {
            let mut moved = false;
            for at in 0..self.calls.len() {
                moved |= self.deliver_up(at, rng)?;
                moved |= self.deliver_down(at)?;
            }
            if !moved {
                self.sweep();
                return Ok(());
            }
        }
        bail!("stuck: frames are still on their way after {ROUNDS} rounds")
    }

    /// Whether everyone who belongs is connected and has nothing left to send; if not, what is wrong.
    fn connected(&mut self) -> Result<Result<(), String>> {
        for clinic in 0..self.clinics.len() {
            let membership = self.membership_at_relay(clinic)?;
            for who in self.members(clinic, &membership) {
                let name = &self.devices[who].name;
                if !self.calls.iter().any(|call| call.device == who && call.is_up()) {
                    return Ok(Err(format!("{name} is not connected: {:?}", self.refusal(who))));
                }
                let pending = self.pending(who)?;
                if pending > 0 {
                    return Ok(Err(format!("{name} still has {pending} to send")));
                }
            }
        }
        Ok(Ok(()))
    }

    fn refusal(&self, who: usize) -> Option<String> {
        let calls = self.calls.iter().filter(|call| call.device == who);
        calls
            .filter_map(|call| call.error)
            .map(|error| error.to_string())
            .next()
    }

    /// All devices of each clinic meet, until nothing moves. Who was turned away and belongs after all meets again.
    fn settle_meetings(&mut self, rng: &mut SeededRng) -> Result<()> {
        self.hang_up();
        self.meetings.clear();
        for _ in 0..self.n_tries() {
            for one in 0..self.devices.len() {
                for other in one + 1..self.devices.len() {
                    if self.meet_each_other(one, other) {
                        self.meet(one, other, rng);
                    }
                }
            }
            self.talk_on()?;
            self.meetings.retain(|meeting| meeting.link.is_equal());
            if self.apart().is_none() {
                return Ok(());
            }
        }
        match self.apart() {
            Some([one, other]) => bail!("{one} and {other} do not come to the same set"),
            None => Ok(()),
        }
    }

    fn talk_on(&mut self) -> Result<()> {
        for _ in 0..ROUNDS {
            if !self.talk()? {
                self.sweep();
                return Ok(());
            }
        }
        bail!("stuck: bytes are still on their way after {ROUNDS} rounds")
    }

    /// Whether these are two devices of one clinic that know each other as members, and do not meet already. A clone is
    /// the same device: it does not meet itself.
    fn meet_each_other(&self, one: usize, other: usize) -> bool {
        let knows = |one: usize, other: usize| {
            let belonging = self.devices[one].vault().belonging();
            belonging.membership.device(&self.devices[other].keys.id()).is_some()
        };
        let [a, b] = [one, other].map(|who| &self.devices[who]);
        let met = self
            .meetings
            .iter()
            .any(|meeting| meeting.is_of(one) && meeting.is_of(other));
        let strangers = self.has_leavers(a.clinic) && !(knows(one, other) && knows(other, one) && knows(one, one));
        a.clinic == b.clinic && a.keys.id() != b.keys.id() && !met && !strangers
    }

    /// Two who should have met and did not.
    fn apart(&self) -> Option<[&str; 2]> {
        let n = self.devices.len();
        let mut pairs = (0..n).flat_map(|one| (one + 1..n).map(move |other| [one, other]));
        let apart = pairs.find(|[one, other]| self.meet_each_other(*one, *other));
        apart.map(|pair| pair.map(|who| self.devices[who].name.as_str()))
    }

    /// Everyone calls once more: with nothing new that costs next to nothing.
    fn check_idle(&mut self, rng: &mut SeededRng) -> Result<()> {
        self.settle_calls(rng)?;
        for call in &self.calls {
            let device = &self.devices[call.device];
            // Sound that is nowhere any more is asked for in each connection.
            let most = IDLE_BYTES + ASKED_BYTES * device.wanted_chunks()?.len();
            ensure!(
                call.n_bytes < most,
                "{} has nothing new and says it in {} bytes",
                device.name,
                call.n_bytes
            );
        }
        self.hang_up();
        Ok(())
    }
}
