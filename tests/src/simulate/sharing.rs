//! What clinics give each other: grants, releases under them, revocations.

use anyhow::Result;
use seal::{Grant, GrantId, NewGrant, NewRelease, Release, ReleaseId, Revocation};
use testkit::SeededRng;
use vault::{AuditLine, FactBody};

use super::chance::{below, bytes, percent, pick};
use super::deeds::{patients, sign};
use super::device::acknowledged;
use super::model::{Granted, Released};
use super::plan::Deed;
use super::world::World;

const HOUR_MS: i64 = 60 * 60 * 1000;

impl World {
    pub(super) fn share(&mut self, who: usize, deed: Deed, rng: &mut SeededRng) -> Result<Option<()>> {
        match deed {
            Deed::Grant => self.grant(who, rng),
            Deed::Release => self.release(who, rng),
            deed => self.revoke(who, deed == Deed::Revoke, rng),
        }
    }

    fn grant(&mut self, who: usize, rng: &mut SeededRng) -> Result<Option<()>> {
        let device = &self.devices[who];
        let (source, recipient) = (device.clinic, 1 - device.clinic);
        let patients = patients(device.vault())?;
        let Some(patient) = pick(rng, &patients).map(|patient| patient.id) else {
            return Ok(None);
        };
        // A few end while the simulation runs.
        let lasts_ms = if percent(rng, 20) { HOUR_MS / 4 } else { 9_000 * HOUR_MS };
        let until_ms = self.now_ms + lasts_ms;
        let new = NewGrant {
            id: GrantId::make(rng),
            recipient: self.clinics[recipient].tenant,
            purpose: 0,
            mode: 1,
            from_ms: self.now_ms - HOUR_MS,
            until_ms,
            erase_at_ms: until_ms,
        };
        let id = new.id;
        let membership = &self.clinics[recipient].membership;
        let grant = Grant::make(new, device.tenant(), b"terms", membership, &device.keys, rng)?;
        let audit = FactBody::Audit(AuditLine {
            action: "consent.granted".into(),
            patient: Some(patient),
            visit: None,
            detail: String::new(),
        });
        let written = device.vault().write(Some(device.staff), |w| {
            w.send_grant(&grant)?;
            sign(device, w, audit)
        });
        let granted = Granted {
            source,
            recipient,
            patient,
            until_ms,
        };
        self.model.grants.insert(id, granted);
        acknowledged(written, device.full)
    }

    fn release(&mut self, who: usize, rng: &mut SeededRng) -> Result<Option<()>> {
        let device = &self.devices[who];
        let mut given = device.vault().read(|r| r.grants_given())?;
        given.retain(|row| row.revoked_at_ms.is_none());
        let Some(row) = pick(rng, &given) else {
            return Ok(None);
        };
        let granted = self.model.grants[&row.id];
        let document = [1 + below(rng, 2) as u8; 32];
        let made = device.vault().read(|r| r.releases_made(granted.patient))?;
        let of_this = |release: &Release| {
            let header = release.header();
            header.document == document && header.grants.contains(&row.id)
        };
        let supersedes = made
            .iter()
            .rev()
            .find(|made| of_this(&made.release))
            .map(|made| made.id);
        let id = ReleaseId::make(rng);
        let mut plain = format!("{} {}", row.id, granted.patient).into_bytes();
        plain.resize(plain.len() + below(rng, 2_000), b' ');
        let new = NewRelease {
            id,
            document,
            supersedes,
            as_of_ms: device.clock.now_ms(),
        };
        let recipients = [(row.grant.clear(), &self.clinics[granted.recipient].membership)];
        let release = Release::seal(new, device.tenant(), &plain, &recipients, &device.keys, rng)?;
        let written = device
            .vault()
            .write(Some(device.staff), |w| w.send_release(&release, granted.patient));
        let done = acknowledged(written, device.full)?;
        let released = Released { grant: row.id, plain };
        self.model.releases.insert(id, released);
        if done.is_some() {
            self.devices[who].own.releases.insert(id, granted.patient);
        }
        Ok(done)
    }

    fn revoke(&mut self, who: usize, heard: bool, rng: &mut SeededRng) -> Result<Option<()>> {
        let device = &self.devices[who];
        let known: Vec<GrantId> = if heard {
            let given = device.vault().read(|r| r.grants_given())?;
            given.iter().map(|row| row.id).collect()
        } else {
            let all = self.model.grants.iter();
            all.filter(|(_, granted)| granted.source == device.clinic)
                .map(|(id, _)| *id)
                .collect()
        };
        let Some(grant) = pick(rng, &known) else {
            return Ok(None);
        };
        let at_ms = device.clock.now_ms() + i64::from(bytes::<1>(rng)[0]);
        let revocation = Revocation::make(*grant, device.tenant(), at_ms, &device.keys);
        let written = device
            .vault()
            .write(Some(device.staff), |w| w.send_revocation(&revocation));
        acknowledged(written, device.full)
    }
}
