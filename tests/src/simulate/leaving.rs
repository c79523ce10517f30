//! Who belongs, while it changes: devices are put out and made admins, epochs begin, keys are handed on, and what came too
//! late is looked at.

use std::collections::BTreeSet;

use anyhow::{Context, Result, ensure};
use seal::{DeviceId, EpochId, Membership, SealedChange, Statement};
use sync_protocol::{ItemId, PeerStore, RelayStore};
use testkit::SeededRng;
use vault::{AuditLine, FactBody, VaultError, Writing};

use super::chance::pick;
use super::deeds::sign;
use super::device::acknowledged;
use super::plan::Act;
use super::world::World;

/// A clinic keeps so many members: with one alone there is nothing to simulate.
const FEWEST_MEMBERS: usize = 2;

impl World {
    pub(super) fn on_membership(&mut self, act: Act, rng: &mut SeededRng) -> Result<String> {
        let (acting, whom) = match act {
            Act::Remove(who) | Act::MakeAdmin(who) => {
                let who = self.who(who);
                let admins: Vec<usize> = (0..self.devices.len()).filter(|by| self.may_act_on(*by, who)).collect();
                let Some(by) = pick(rng, &admins) else {
                    return Ok("nobody may".into());
                };
                (*by, Some(self.devices[who].keys.id()))
            }
            Act::Review(who) | Act::Rotate(who) | Act::HandOn(who) => (self.who(who), None),
            act => anyhow::bail!("{act:?} does not say who belongs"),
        };
        if matches!(act, Act::Remove(_)) {
            self.model.has_leavers = true;
            self.devices
                .iter()
                .for_each(|device| device.erasures.borrow_mut().may_be_void = true);
        }
        let device = &self.devices[acting];
        let done = if matches!(act, Act::HandOn(_)) {
            acknowledged(device.vault().hand_on_keys().map(drop), device.full)?
        } else {
            let written = device.vault().write(Some(device.staff), |w| {
                let statements = statements(act, whom, w)?;
                if statements.is_empty() {
                    return Err(VaultError::NotFound("reason"));
                }
                w.add_statements(&statements)?;
                let audit = AuditLine {
                    action: "device.changed".into(),
                    patient: None,
                    visit: None,
                    detail: String::new(),
                };
                sign(device, w, FactBody::Audit(audit))
            });
            acknowledged(written, device.full)?
        };
        self.figures.n_membership += u64::from(done.is_some());
        let told = format!("{} {act:?}: {}", device.name, done.map_or("nothing", |()| "done"));
        self.devices[acting].look()?;
        self.model.saw(&self.devices[acting]);
        self.stir(acting);
        Ok(told)
    }

    /// Whether, in its own eyes, a device is an admin of a clinic that can do without the other one.
    fn may_act_on(&self, by: usize, who: usize) -> bool {
        let (by, who) = (&self.devices[by], &self.devices[who]);
        let belonging = by.vault().belonging();
        let membership = &belonging.membership;
        by.clinic == who.clinic
            && by.keys.id() != who.keys.id()
            && membership.is_admin(&by.keys.id())
            && membership.device(&who.keys.id()).is_some()
            && membership.devices().count() > FEWEST_MEMBERS
    }

    /// What this device just wrote is sealed under keys that nobody has whom it knows to be removed.
    pub(super) fn check_epochs(&self, who: usize, before: &BTreeSet<ItemId>) -> Result<()> {
        let device = &self.devices[who];
        let belonging = device.vault().belonging();
        let new: Vec<ItemId> = device.held.changes.difference(before).copied().collect();
        for bytes in device.vault().changes(&new, usize::MAX)?.into_iter().flatten() {
            let epoch: EpochId = SealedChange::decode(&bytes)?.header().epoch;
            let stranger = belonging
                .membership
                .holders(&epoch)
                .find(|id| belonging.membership.device(id).is_none());
            ensure!(
                stranger.is_none(),
                "{} writes what a removed device can read",
                device.name
            );
        }
        Ok(())
    }

    /// Whether anybody was ever put out of a clinic: then not everything that was written counts everywhere.
    pub(super) fn has_leavers(&self, clinic: usize) -> bool {
        let devices = self.devices.iter().filter(|device| device.clinic == clinic);
        let statements = devices.flat_map(|device| &device.held.statements);
        let removes = |bytes: &Vec<u8>| {
            Statement::decode(bytes).is_ok_and(|it| matches!(it.kind(), seal::StatementKind::RemoveDevice(_)))
        };
        statements.into_iter().any(removes)
    }

    /// Who belongs to a clinic, as far as the relay knows.
    pub(super) fn membership_at_relay(&mut self, clinic: usize) -> Result<Membership> {
        let roster = self.relay.store().roster(&self.clinics[clinic].tenant)?;
        Ok(roster
            .context("every clinic has joined the relay")?
            .membership()
            .clone())
    }

    /// The devices of a clinic that belong to it by these statements.
    pub(super) fn members(&self, clinic: usize, membership: &Membership) -> Vec<usize> {
        let belongs = |who: &usize| {
            let device = &self.devices[*who];
            device.clinic == clinic && membership.device(&device.keys.id()).is_some()
        };
        (0..self.devices.len()).filter(belongs).collect()
    }
}

fn statements(act: Act, whom: Option<DeviceId>, w: &mut Writing<'_>) -> Result<Vec<Statement>, VaultError> {
    let (belonging, now_ms) = (w.belonging(), w.now().as_millisecond());
    let (membership, keys) = (&belonging.membership, &belonging.keys);
    Ok(match (act, whom) {
        (Act::Remove(_), Some(id)) => {
            let ends = w.ends_of(&id)?;
            seal::remove_device(membership, keys, id, &ends, now_ms, w.rng())?
        }
        (Act::MakeAdmin(_), Some(id)) => vec![seal::make_admin(membership, keys, id, now_ms)?],
        (Act::Rotate(_), _) if belonging.is_member() => vec![seal::new_epoch(membership, keys, now_ms, w.rng())?],
        (Act::Review(_), _) if membership.is_admin(&belonging.device) => {
            let aside = w.put_aside()?.into_iter().find(|group| group.is_after_removal());
            match aside {
                Some(group) => seal::remove_device(membership, keys, group.device, &group.ends, now_ms, w.rng())?,
                None => Vec::new(),
            }
        }
        _ => Vec::new(),
    })
}
