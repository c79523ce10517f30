//! Everything works again: how long until nothing moves any more, and do all hold the same then?

use std::collections::BTreeSet;

use anyhow::{Context, Result, bail, ensure};
use sync_protocol::ItemId;
use testkit::{SeededRng, seeded_rng};

use super::chance::percent;
use super::world::World;

/// Rounds in which each connection moves once; far more than any exchange between healthy machines takes.
const ROUNDS: usize = 2_000;
/// What an idle device may cost when it calls again, in bytes both ways.
const IDLE_BYTES: usize = 1_024;
/// Short grants end meanwhile.
const LATER_MS: i64 = 60 * 60 * 1000;

impl World {
    /// Mends everything, lets everyone talk until nothing moves, and checks what must hold then.
    ///
    /// By the relay first or by the LAN first: each must do alone what it can, so that neither hides the other's gaps.
    pub(super) fn heal(&mut self, seed: u64) -> Result<()> {
        let rng = &mut seeded_rng(seed);
        self.mend(rng)?;
        let everywhere: Vec<BTreeSet<ItemId>> = (0..self.clinics.len())
            .map(|clinic| self.held_by(clinic, true))
            .collect();
        let by_relay_first = percent(rng, 50);
        for by_relay in [by_relay_first, !by_relay_first, by_relay_first] {
            if by_relay {
                self.settle_calls(rng).context("by the relay")?;
            } else {
                self.settle_meetings(rng).context("by the LAN")?;
            }
            for clinic in 0..self.clinics.len() {
                self.check_union(clinic, by_relay || by_relay_first)?;
            }
        }
        self.settle_calls(rng).context("by the relay, at last")?;
        for (clinic, before) in everywhere.into_iter().enumerate() {
            ensure!(
                self.held_by(clinic, true) == before,
                "clinic {clinic}: another set than the union of what its devices and the relay held"
            );
        }
        self.check()?;
        self.check_idle(rng)
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

    /// What the devices of a clinic hold together, and the relay for them.
    fn held_by(&self, clinic: usize, with_relay: bool) -> BTreeSet<ItemId> {
        let devices = self.devices.iter().filter(|device| device.clinic == clinic);
        let mut all: BTreeSet<ItemId> = devices.flat_map(|device| device.held.changes.iter().copied()).collect();
        if with_relay {
            all.extend(&self.relay.known.clinics[&self.clinics[clinic].tenant].changes);
        }
        all
    }

    fn check_union(&self, clinic: usize, with_relay: bool) -> Result<()> {
        let union = self.held_by(clinic, with_relay);
        for device in self.devices.iter().filter(|device| device.clinic == clinic) {
            ensure!(
                device.held.changes == union,
                "{} holds {} of {} changes",
                device.name,
                device.held.changes.len(),
                union.len()
            );
        }
        Ok(())
    }

    fn hang_up(&mut self) {
        self.calls.iter_mut().for_each(super::call::Call::cut);
        self.sweep();
    }

    /// All devices call the relay, until nothing moves.
    fn settle_calls(&mut self, rng: &mut SeededRng) -> Result<()> {
        self.hang_up();
        self.meetings.clear();
        for who in 0..self.devices.len() {
            self.dial(who, rng);
        }
        for _ in 0..ROUNDS {
            let mut moved = false;
            for at in 0..self.calls.len() {
                moved |= self.deliver_up(at, rng)?;
                moved |= self.deliver_down(at)?;
            }
            if !moved {
                return self.all_connected();
            }
        }
        bail!("stuck: frames are still on their way after {ROUNDS} rounds")
    }

    fn all_connected(&self) -> Result<()> {
        for who in 0..self.devices.len() {
            let name = &self.devices[who].name;
            let up = self.calls.iter().any(|call| call.device == who && call.is_up());
            ensure!(up, "{name} is not connected: {:?}", self.refusal(who));
            let pending = self.pending(who)?;
            ensure!(pending == 0, "{name} still has {pending} to send");
        }
        Ok(())
    }

    fn refusal(&self, who: usize) -> Option<String> {
        let calls = self.calls.iter().filter(|call| call.device == who);
        calls
            .filter_map(|call| call.error)
            .map(|error| error.to_string())
            .next()
    }

    /// All devices of each clinic meet, until nothing moves.
    fn settle_meetings(&mut self, rng: &mut SeededRng) -> Result<()> {
        self.hang_up();
        self.meetings.clear();
        for one in 0..self.devices.len() {
            for other in one + 1..self.devices.len() {
                // A clone is the same device: it does not meet itself.
                if self.devices[one].keys.id() != self.devices[other].keys.id() {
                    self.meet(one, other, rng);
                }
            }
        }
        for _ in 0..ROUNDS {
            if !self.talk()? {
                let unequal = self.meetings.iter().find(|meeting| !meeting.link.is_equal());
                if let Some([one, other]) = unequal.map(|meeting| meeting.who.map(|who| &self.devices[who].name)) {
                    bail!("{one} and {other} do not come to the same set");
                }
                self.sweep();
                return Ok(());
            }
        }
        bail!("stuck: bytes are still on their way after {ROUNDS} rounds")
    }

    /// Everyone calls once more: with nothing new that costs next to nothing.
    fn check_idle(&mut self, rng: &mut SeededRng) -> Result<()> {
        self.settle_calls(rng)?;
        for call in &self.calls {
            let name = &self.devices[call.device].name;
            ensure!(
                call.n_bytes < IDLE_BYTES,
                "{name} has nothing new and says it in {} bytes",
                call.n_bytes
            );
        }
        self.hang_up();
        Ok(())
    }
}
