//! What must hold once everything works again: equal sets, equal tables, nothing lost, nothing doubled, nothing given
//! that is not granted.

use std::collections::BTreeSet;

use anyhow::{Result, ensure};
use domain::Day;
use seal::{GrantId, ReleaseId, SealedChange};
use sync_protocol::{ItemId, PeerStore, RelayStore, WantedFirst};
use vault::VaultError;

use super::device::Device;
use super::world::World;

/// How far a clock with a dead battery is behind, in days.
const DEAD_DAYS: i32 = 3 * 365;

impl World {
    /// Checks all of it.
    pub(super) fn check(&mut self) -> Result<()> {
        for clinic in 0..self.clinics.len() {
            let membership = self.membership_at_relay(clinic)?;
            let members = self.members(clinic, &membership);
            ensure!(!members.is_empty(), "nobody is left of clinic {clinic}");
            self.check_equal(clinic, &members)?;
            for who in &members {
                self.check_health(*who)?;
                self.devices[*who].check_own()?;
                self.check_received(*who)?;
            }
            self.check_numbers(clinic, &self.devices[members[0]])?;
            self.check_erased(clinic, &members)?;
            self.check_wanted(clinic, &members)?;
        }
        self.check_given()
    }

    /// Drops the tables of a device and makes them anew: every row must come out as it was.
    pub(super) fn check_rebuild(&self, who: usize) -> Result<()> {
        let device = &self.devices[who];
        let before = device.vault().dump_tables()?;
        match device.vault().rebuild() {
            Err(VaultError::DiskFull) if device.full => return Ok(()),
            rebuilt => rebuilt?,
        };
        let after = device.vault().dump_tables()?;
        ensure!(
            before == after,
            "{}: a rebuild gives other rows: {}",
            device.name,
            difference(&before, &after)
        );
        Ok(())
    }

    fn check_equal(&mut self, clinic: usize, members: &[usize]) -> Result<()> {
        let tenant = self.clinics[clinic].tenant;
        let roster = self.relay.store().roster(&tenant)?;
        let at_relay: BTreeSet<Vec<u8>> = roster
            .iter()
            .flat_map(|roster| roster.statements().iter().cloned())
            .collect();
        let first = &self.devices[members[0]];
        let tables = first.vault().dump_tables()?;
        for who in members {
            let device = &self.devices[*who];
            let unlike = |what: &str| format!("{} and {} differ in {what}", first.name, device.name);
            ensure!(
                device.held.changes == first.held.changes,
                "{}: {}; {}",
                unlike("changes"),
                first.alone(device)?,
                device.alone(first)?
            );
            ensure!(device.held.consents == first.held.consents, unlike("consents"));
            ensure!(
                device.held.statements == at_relay,
                "{} and the relay differ in statements",
                device.name
            );
            let rows = device.vault().dump_tables()?;
            ensure!(rows == tables, "{}: {}", unlike("rows"), difference(&tables, &rows));
        }
        let kept = &self.relay.known.clinics[&tenant].changes;
        ensure!(
            self.without_void(clinic, kept) == self.without_void(clinic, &first.held.changes),
            "the relay and {} differ in changes",
            first.name
        );
        ensure!(
            first.held.changes.is_subset(&self.model.written[clinic]),
            "{} holds what nobody wrote",
            first.name
        );
        self.check_rebuild(members[members.len() - 1])
    }

    fn check_health(&self, who: usize) -> Result<()> {
        let device = &self.devices[who];
        let name = &device.name;
        let figures = device.vault().read(|r| r.sync_figures())?;
        ensure!(figures.pending == 0, "{name}: {} still to send", figures.pending);
        ensure!(figures.refused == 0, "{name}: the relay refused {}", figures.refused);
        // It may have forgotten in a former life; in this one it told the truth to everybody.
        ensure!(
            figures.relay_lie.is_none(),
            "{name}: accuses the relay of {:?}",
            figures.relay_lie
        );
        let n_first = device.vault().wanted_first()?.len();
        ensure!(
            n_first == 0,
            "{name}: {n_first} changes are still wanted before all others"
        );
        ensure!(figures.arriving.is_none(), "{name}: it still waits for records");
        let quarantined = device.vault().read(|r| r.quarantined())?;
        let leavers = self.has_leavers(device.clinic);
        let rightly = |reason: &str| leavers && matches!(reason, "after_removal" | "unknown_device");
        if let Some(wrongly) = quarantined.iter().find(|one| !rightly(&one.reason)) {
            anyhow::bail!("{name}: quarantined {:?}", wrongly.reason);
        }
        // Where a store that was put back had written what nobody else got, what followed it may wait for ever.
        let written = self.without_covered(&self.model.written[device.clinic]);
        if self.without_covered(&device.held.changes) == written && !leavers {
            ensure!(figures.waiting == 0, "{name}: {} wait for a parent", figures.waiting);
            ensure!(figures.missing.is_empty(), "{name}: holes {:?}", figures.missing);
        }
        let report = device.vault().verify()?;
        ensure!(
            report.pages_hold && report.altered.is_empty(),
            "{name}: pages or changes are altered"
        );
        ensure!(
            report.unsigned.is_empty() || leavers,
            "{name}: a signature does not hold"
        );
        ensure!(report.trees_hold, "{name}: the trees are not those of what is held");
        Ok(())
    }

    /// Numbers that people read come once.
    fn check_numbers(&self, clinic: usize, device: &Device) -> Result<()> {
        let numbers = device.vault().read(|r| {
            let today = r.today()?;
            let day = |ago: i32| Day(today.0.saturating_sub(jiff::Span::new().days(ago)));
            let mut numbers = Vec::new();
            for ago in [-1, 0, 1, DEAD_DAYS - 1, DEAD_DAYS, DEAD_DAYS + 1] {
                let queue = r.queue(day(ago))?;
                numbers.extend(queue.into_iter().map(|entry| (Some(day(ago)), entry.token.0)));
            }
            let book = r.prescription_book(day(DEAD_DAYS + 1), day(-1))?;
            numbers.extend(book.into_iter().map(|(_, dispensed)| (None, dispensed.serial)));
            Ok::<_, VaultError>(numbers)
        })?;
        let mut seen = BTreeSet::new();
        for number in numbers {
            let once = self.model.counts_once(clinic, &number.1);
            ensure!(
                seen.insert(number.clone()) || !once,
                "{} stands twice for {:?}",
                number.1,
                number.0
            );
        }
        Ok(())
    }

    /// A device holds releases of live grants only, and only what was made under each.
    fn check_received(&self, who: usize) -> Result<()> {
        let device = &self.devices[who];
        for grant in self.model.grants.keys() {
            let rows = device.vault().read(|r| r.releases_received(*grant))?;
            ensure!(
                rows.is_empty() || self.lives(grant),
                "{} holds releases of a grant that is over",
                device.name
            );
            for row in rows {
                let made = self.model.releases.get(&row.id).filter(|made| made.grant == *grant);
                let row_of = device.vault().read(|r| r.grant(*grant))?;
                let (Some(made), Some(row_of)) = (made, row_of) else {
                    anyhow::bail!("{} holds a release that its grant does not cover", device.name);
                };
                let plain = row
                    .release
                    .open(row_of.grant.clear(), &device.vault().belonging().epochs)?;
                ensure!(
                    *plain == made.plain,
                    "{}: a release opens to something else",
                    device.name
                );
            }
        }
        Ok(())
    }

    /// What was released under a live grant and is not out of date is with every device of the other clinic.
    fn check_given(&self) -> Result<()> {
        for (grant, granted) in self.model.grants.iter().filter(|(grant, _)| self.lives(grant)) {
            let mut made = Vec::new();
            for device in self.still_here(granted.source) {
                let rows = device.vault().read(|r| r.releases_made(granted.patient))?;
                made.extend(
                    rows.into_iter()
                        .filter(|row| row.release.header().grants.contains(grant)),
                );
            }
            let out_of_date: BTreeSet<ReleaseId> =
                made.iter().filter_map(|row| row.release.header().supersedes).collect();
            for device in self.still_here(granted.recipient) {
                let rows = device.vault().read(|r| r.releases_received(*grant))?;
                for row in made.iter().filter(|row| !out_of_date.contains(&row.id)) {
                    ensure!(
                        rows.iter().any(|here| here.id == row.id),
                        "{} lacks a release under a live grant",
                        device.name
                    );
                }
            }
        }
        Ok(())
    }

    /// The devices of a clinic that belong to it in their own eyes, which by now are everybody's.
    fn still_here(&self, clinic: usize) -> impl Iterator<Item = &Device> {
        let of_clinic = self.devices.iter().filter(move |device| device.clinic == clinic);
        of_clinic.filter(|device| device.vault().belonging().is_member())
    }

    fn lives(&self, grant: &GrantId) -> bool {
        let over = self.model.grants[grant].until_ms <= self.now_ms;
        !over && !self.relay.known.revoked.contains(grant)
    }
}

impl Device {
    /// What this device holds and the other doesn't, in words.
    pub(super) fn alone(&self, other: &Self) -> Result<String> {
        let only: Vec<ItemId> = self.held.changes.difference(&other.held.changes).copied().collect();
        let mut words = vec![format!("{} alone has {}", self.name, only.len())];
        for bytes in self.vault().changes(&only, usize::MAX)?.into_iter().flatten() {
            let change = SealedChange::decode(&bytes)?;
            let header = change.header();
            let body = if change.body().is_some() { "with" } else { "without" };
            let covered = if self.covered.contains(&change.id().into()) {
                ", was covered"
            } else {
                ""
            };
            words.push(format!("{:?} {} {body} body{covered}", header.kind, header.number));
        }
        Ok(words.join(", "))
    }
}

/// The first row that only one of them has.
fn difference(one: &[String], other: &[String]) -> String {
    let lone = |these: &[String], those: &[String]| these.iter().find(|row| !those.contains(row)).cloned();
    let row = lone(one, other).or_else(|| lone(other, one));
    row.unwrap_or_else(|| "the same rows, some of them twice".into())
}
