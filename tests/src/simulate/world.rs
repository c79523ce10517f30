//! Two clinics, their devices, one relay, and whatever is between them; and what each step does to them.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::rc::Rc;

use anyhow::{Context, Result};
use rand::SeedableRng;
use seal::{ChangeId, DeviceKeys, EpochSecrets, MAX_FIRST_CHANGES, Membership, Statement, TenantId};
use sync_protocol::{ItemId, Roster, SyncStore};
use testkit::{SeededRng, TestClock, seeded_rng};
use vault::Reading;

use super::call::Call;
use super::chance::bytes;
use super::device::Device;
use super::erasing::Shared;
use super::faults::Fault;
use super::figures::Figures;
use super::harm::Harm;
use super::meeting::Meeting;
use super::model::Model;
use super::plan::{Act, Step, Which};
use super::relay::Relay;

/// Devices of each clinic at the beginning.
const DEVICES: [usize; 2] = [3, 2];
/// Devices that there may be at the most.
const MOST_DEVICES: usize = 8;

/// Tells the chance of the set-up from that of the plan.
const SET_UP: u64 = 0x5e7;

/// A clinic, as it was founded.
pub(super) struct Clinic {
    pub(super) tenant: TenantId,
    pub(super) membership: Membership,
    /// How many devices were ever given a name.
    n_named: usize,
}

/// Everything.
pub(super) struct World {
    pub(super) clinics: Vec<Clinic>,
    pub(super) devices: Vec<Device>,
    pub(super) relay: Relay,
    pub(super) calls: Vec<Call>,
    pub(super) meetings: Vec<Meeting>,
    pub(super) model: Model,
    pub(super) figures: Figures,
    /// The true time, in milliseconds since 1970, UTC.
    pub(super) now_ms: i64,
    /// On which side each device is; the lowest bit is the relay's side.
    pub(super) sides: u16,
    /// A rule that all devices break.
    pub(super) fault: Option<Fault>,
    /// What is harmed once all is healed.
    pub(super) harm: Option<Harm>,
    home: PathBuf,
}

impl World {
    /// The clinics are founded, have their devices, and have joined the relay.
    pub(super) fn set_up(home: &Path, seed: u64) -> Result<Self> {
        let rng = &mut seeded_rng(seed ^ SET_UP);
        let now_ms = TestClock::default().now_ms();
        let mut clinics = Vec::new();
        let mut devices = Vec::new();
        let mut rosters = Vec::new();
        for (clinic, n_devices) in DEVICES.into_iter().enumerate() {
            let (tenant, statements, keys) = found(n_devices, now_ms, rng)?;
            let membership = Membership::from_statements(tenant, &statements)?;
            let encoded: Vec<Vec<u8>> = statements.iter().map(Statement::bytes).collect();
            rosters
                .push(Roster::from_statements(tenant, encoded.iter().map(Vec::as_slice)).context("a founded clinic")?);
            let erasures = Shared::default();
            for (place, keys) in keys.into_iter().enumerate() {
                let name = format!("{}{}", letter(clinic), place + 1);
                let mut device = Device::set_up(name, clinic, keys, &statements, home, now_ms, rng)?;
                device.erasures = Rc::clone(&erasures);
                devices.push(device);
            }
            clinics.push(Clinic {
                tenant,
                membership,
                n_named: n_devices,
            });
        }
        let relay = Relay::set_up(&home.join("relay"), &rosters, now_ms, rng)?;
        let mut world = Self {
            clinics,
            devices,
            relay,
            calls: Vec::new(),
            meetings: Vec::new(),
            model: Model::default(),
            figures: Figures::default(),
            now_ms,
            sides: 0,
            fault: None,
            harm: None,
            home: home.to_owned(),
        };
        for who in 0..world.devices.len() {
            world.enrol(who)?;
        }
        Ok(world)
    }

    /// One step. Returns what came of it, in words; an error is a broken promise.
    pub(super) fn apply(&mut self, step: Step) -> Result<String> {
        let rng = &mut seeded_rng(step.seed);
        self.figures.n_steps += 1;
        self.pass(1 + i64::from(bytes::<1>(rng)[0]) * 40);
        for device in &self.devices {
            self.relay.covered.extend(&device.covered);
        }
        match step.act {
            Act::Do(who, deed) => {
                let who = self.who(who);
                let done = self.perform(who, deed, rng)?;
                self.stir(who);
                Ok(done)
            }
            Act::DoAndDie(who, deed) => {
                let who = self.who(who);
                let before = self.devices[who].before_a_commit()?;
                // What it says of itself is not to be believed: nobody heard it.
                let (held, own) = (self.devices[who].held.clone(), self.devices[who].own.clone());
                let done = self.perform(who, deed, rng)?;
                (self.devices[who].held, self.devices[who].own) = (held, own);
                self.goes_down(who);
                self.devices[who].die_in_the_commit(&before, rng)?;
                self.came_back(who, &format!("{done}, power cut in the commit"))
            }
            Act::PowerCut(who) => {
                let who = self.who(who);
                self.goes_down(who);
                self.devices[who].power_cut(rng)?;
                self.came_back(who, "power cut")
            }
            Act::Restart(who) => {
                let who = self.who(who);
                self.goes_down(who);
                self.devices[who].restart(rng)?;
                self.came_back(who, "restarted")
            }
            Act::KeepCopy(who) => {
                let who = self.who(who);
                self.devices[who].keep_copy()?;
                Ok(format!("{} is copied", self.devices[who].name))
            }
            Act::PutBack(who, its_mark) => {
                let who = self.who(who);
                let which = usize::from(bytes::<1>(rng)[0]);
                self.goes_down(who);
                if self.devices[who].put_back(which, its_mark, rng)? {
                    self.figures.n_put_back += 1;
                    self.model.was_put_back(&self.devices[who])?;
                }
                self.came_back(who, "put back")
            }
            Act::LyingDisk(who, mark_too) => {
                let who = self.who(who);
                self.goes_down(who);
                let lost = self.devices[who].lose_what_was_synced(mark_too, rng)?;
                if lost {
                    self.figures.n_put_back += 1;
                    self.model.was_put_back(&self.devices[who])?;
                }
                self.came_back(who, if lost { "lost what was synced" } else { "power cut" })
            }
            act @ (Act::Remove(_) | Act::MakeAdmin(_) | Act::Rotate(_) | Act::HandOn(_) | Act::Review(_)) => {
                self.on_membership(act, rng)
            }
            Act::Clone(who) => self.clone_device(who, rng),
            Act::Admit(who) => self.admit(who, rng),
            Act::Clock(who, jump) => {
                let who = self.who(who);
                let now_ms = self.now_ms;
                self.devices[who].clock.jump(jump, now_ms);
                Ok(format!("{}: clock {jump:?}", self.devices[who].name))
            }
            Act::Fill(who) => {
                let who = self.who(who);
                self.devices[who].set_full(true)?;
                let calls = self.calls.iter_mut().filter(|call| call.device == who);
                calls.for_each(|call| call.was_full = true);
                let meetings = self.meetings.iter_mut().filter(|meeting| meeting.is_of(who));
                meetings.for_each(|meeting| meeting.was_full = true);
                Ok(format!("{}: disk full", self.devices[who].name))
            }
            Act::Free(who) => {
                let who = self.who(who);
                self.devices[who].set_full(false)?;
                Ok(format!("{}: room again", self.devices[who].name))
            }
            Act::Rot => Ok(self.rot(rng)),
            Act::Rebuild(who) => {
                let who = self.who(who);
                self.check_rebuild(who)?;
                Ok(format!("{} rebuilt its tables", self.devices[who].name))
            }
            Act::Forget(who) => {
                let who = self.who(who);
                let held = self.devices[who].held.clone();
                self.goes_down(who);
                self.devices[who].put_back(0, true, rng)?;
                self.devices[who].held = held;
                self.devices[who].look()?;
                Ok(format!("{} has nothing to forget", self.devices[who].name))
            }
            act => self.on_the_network(act, rng),
        }
    }

    /// Which device.
    pub(super) fn who(&self, which: Which) -> usize {
        usize::from(which) % self.devices.len()
    }

    /// Time goes by, for everyone.
    pub(super) fn pass(&mut self, millis: i64) {
        self.now_ms += millis;
        self.devices.iter().for_each(|device| device.clock.set(self.now_ms));
    }

    /// All devices keep house; one makes a snapshot of everything, and for some of them a month goes by.
    pub(super) fn keep_house(&mut self, rng: &mut SeededRng) -> Result<()> {
        let chance = bytes::<2>(rng);
        let maker = self.who(chance[0]);
        for who in 0..self.devices.len() {
            let a_month = (chance[1] >> (who % 8)) & 1 == 1;
            let done = self.devices[who].keep_house(who == maker, a_month)?;
            self.figures.n_confirmed += done.n_confirmed as u64;
            self.figures.n_dropped += done.n_dropped as u64;
            self.model.saw(&self.devices[who]);
            self.stir(who);
        }
        Ok(())
    }

    /// What a snapshot was ever seen to hold: it may be here or not.
    pub(super) fn without_covered(&self, changes: &BTreeSet<ItemId>) -> BTreeSet<ItemId> {
        changes.iter().filter(|id| !self.is_covered(id)).copied().collect()
    }

    /// Whether a snapshot was ever seen to hold it.
    pub(super) fn is_covered(&self, id: &ItemId) -> bool {
        self.devices.iter().any(|device| device.covered.contains(id))
    }

    /// The same without what an erasure named that may not count after all.
    pub(super) fn without_void(&self, clinic: usize, changes: &BTreeSet<ItemId>) -> BTreeSet<ItemId> {
        let mut left = self.without_covered(changes);
        if let Some(device) = self.devices.iter().find(|device| device.clinic == clinic) {
            let erasures = device.erasures.borrow();
            left.retain(|id| !erasures.may_have_left(id));
        }
        left
    }

    /// The process is gone, and its connections with it.
    fn goes_down(&mut self, who: usize) {
        for call in &mut self.calls {
            if call.device == who {
                call.cut();
            }
        }
        self.meetings.retain(|meeting| !meeting.is_of(who));
        self.sweep();
    }

    fn came_back(&mut self, who: usize, why: &str) -> Result<String> {
        self.figures.n_crashes += 1;
        self.model.saw(&self.devices[who]);
        let device = &self.devices[who];
        Ok(format!("{}: {why}; holds {}", device.name, device.held.changes.len()))
    }

    fn clone_device(&mut self, who: Which, rng: &mut SeededRng) -> Result<String> {
        if self.devices.len() == MOST_DEVICES {
            return Ok("no more devices".into());
        }
        let who = self.who(who);
        let name = self.new_name(self.devices[who].clinic);
        let twin = self.devices[who].cloned(name, rng)?;
        self.figures.n_clones += 1;
        let told = format!("{} is cloned as {}", self.devices[who].name, twin.name);
        self.devices.push(twin);
        Ok(told)
    }

    /// The founding device of a clinic admits one more.
    fn admit(&mut self, which: Which, rng: &mut SeededRng) -> Result<String> {
        let clinic = usize::from(which) % self.clinics.len();
        let founder = self.devices.iter().position(|device| device.clinic == clinic);
        let founder = founder.context("each clinic has its founding device")?;
        if self.devices.len() == MOST_DEVICES || self.devices[founder].full {
            return Ok("nobody is admitted".into());
        }
        let name = self.new_name(clinic);
        let (admin, keys) = (&self.devices[founder], DeviceKeys::make(rng));
        let belonging = admin.vault().belonging();
        if !belonging.membership.is_admin(&admin.keys.id()) {
            return Ok("nobody is admitted".into());
        }
        let added = seal::add_device(
            &belonging.membership,
            &belonging.epochs,
            &belonging.keys,
            &keys.public(),
            false,
            admin.clock.now_ms(),
            rng,
        )?;
        let mut encoded = admin.vault().statements()?;
        encoded.push(added.bytes());
        admin.vault().absorb_statements(encoded.clone())?;
        let statements = encoded.iter().map(|bytes| Statement::decode(bytes));
        let statements: Vec<Statement> = statements.collect::<Result<_, _>>()?;
        let mut device = Device::set_up(name, clinic, keys, &statements, &self.home, self.now_ms, rng)?;
        device.erasures = Rc::clone(&admin.erasures);
        device.vault().begin_arriving()?;
        device.vault().want_first(&self.first_for_a_new_device(admin)?)?;
        let told = format!("{} admits {}", admin.name, device.name);
        self.figures.n_admitted += 1;
        self.devices.push(device);
        self.devices[founder].look()?;
        self.enrol(self.devices.len() - 1)?;
        self.stir(founder);
        Ok(told)
    }

    /// What the admin's device names, and what nobody has; half of them get the least wanted first.
    fn first_for_a_new_device(&self, admin: &Device) -> Result<Vec<ChangeId>> {
        let first = |r: &Reading<'_>| r.first_for_a_new_device(MAX_FIRST_CHANGES);
        let mut first = admin.vault().read(first)?;
        first.insert(first.len() / 2, ChangeId::from_bytes([0x5a; 32]));
        if self.figures.n_admitted % 2 == 1 {
            first.reverse();
        }
        Ok(first)
    }

    fn new_name(&mut self, clinic: usize) -> String {
        self.clinics[clinic].n_named += 1;
        format!("{}{}", letter(clinic), self.clinics[clinic].n_named)
    }
}

fn letter(clinic: usize) -> char {
    char::from(b'A' + clinic as u8)
}

/// A clinic of `n` devices that know each other.
fn found(n: usize, now_ms: i64, rng: &mut SeededRng) -> Result<(TenantId, Vec<Statement>, Vec<DeviceKeys>)> {
    let rng = &mut SeededRng::from_seed(bytes(rng));
    let founded = seal::found_tenant(rng, now_ms);
    let (mut statements, mut devices) = (founded.statements, vec![founded.device]);
    for place in 1..n {
        let membership = Membership::from_statements(founded.tenant, &statements)?;
        let epochs = EpochSecrets::unwrap(&membership, &devices[0])?;
        let new = DeviceKeys::make(rng);
        let made_at_ms = now_ms + place as i64;
        let added = seal::add_device(&membership, &epochs, &devices[0], &new.public(), false, made_at_ms, rng);
        statements.push(added?);
        devices.push(new);
    }
    Ok((founded.tenant, statements, devices))
}
