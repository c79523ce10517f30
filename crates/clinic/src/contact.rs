//! When the clinic's other devices were last heard, by whichever way.

use std::collections::BTreeMap;

use domain::Instant;
use seal::DeviceId;
use vault::{Reading, Standing};

use crate::{
    Desk, Error,
    membership::names,
    open::OpenClinic,
    roles::Verb,
    syncing::SyncNow,
    views::status::{DeviceContact, PeerView},
};

/// Where it is kept when devices were last connected on the LAN, one a line: id and milliseconds.
const MET: &str = "lan/met";
/// Nothing is written for less.
const WORTH_WRITING_MS: i64 = 60_000;

/// A counter that has been apart for so long warns before it hands over: another may have handed over the same.
pub(crate) const APART_WARNS_MINUTES: u32 = 3;

impl Desk {
    /// The clinic's other devices, each with when it was last heard.
    pub fn device_contacts(&self) -> Result<Vec<DeviceContact>, Error> {
        let (clinic, _) = self.acting(Verb::SeeDevice)?;
        let (_, peers) = clinic.lan_view()?;
        clinic.read(|r| {
            let (own, names, met) = (r.belonging().device, names(r)?, met(r)?);
            let others = r.devices()?.into_iter();
            let others = others.filter(|device| device.id != own && device.standing == Standing::Member);
            let contacts = others.map(|device| {
                let peer = peers.iter().find(|peer| peer.device == device.letter);
                let live = peer.and_then(|peer| peer.last_contact);
                DeviceContact {
                    name: names.get(&device.id).cloned(),
                    connected: peer.is_some_and(|peer| peer.connected),
                    met_at: live.max(met.get(&device.id).copied()),
                    wrote_at: device.last_wrote_at,
                    letter: device.letter,
                }
            });
            Ok(contacts.collect())
        })
    }
}

impl OpenClinic {
    /// Since when nobody was heard; `None` while somebody is, and in a clinic of one device.
    pub(crate) fn apart_since(&self, relay: &SyncNow, peers: &[PeerView]) -> Option<Instant> {
        let belonging = self.vault.belonging();
        let alone = belonging.membership.devices().all(|(id, _)| id == belonging.device);
        if alone || relay.connected || peers.iter().any(|peer| peer.connected) {
            return None;
        }
        let heard = peers.iter().filter_map(|peer| peer.last_contact);
        heard.chain(relay.last_contact).chain([self.opened_at]).max()
    }

    /// Keeps when devices were last connected, for after the next start.
    pub(crate) fn remember_met(&self, heard: impl Iterator<Item = (DeviceId, Instant)>) -> Result<(), Error> {
        let mut all = self.read(met)?;
        let mut worth_writing = false;
        for (device, at) in heard {
            let before = all.insert(device, at);
            worth_writing |=
                before.is_none_or(|before| at.as_millisecond() - before.as_millisecond() > WORTH_WRITING_MS);
        }
        if worth_writing {
            let lines = all
                .iter()
                .map(|(device, at)| format!("{device} {}\n", at.as_millisecond()));
            let lines: String = lines.collect();
            self.vault
                .write(None, |w| Ok::<_, Error>(w.put_setting(MET, &lines)?))?;
        }
        Ok(())
    }
}

fn met(r: &Reading<'_>) -> Result<BTreeMap<DeviceId, Instant>, Error> {
    let text = r.setting(MET)?.unwrap_or_default();
    let met = text.lines().filter_map(|line| {
        let (device, at) = line.split_once(' ')?;
        Some((device.parse().ok()?, Instant::from_millisecond(at.parse().ok()?)?))
    });
    Ok(met.collect())
}
