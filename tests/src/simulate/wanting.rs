//! Sound of other devices: somebody wants a recording, an object rots at the relay; and that what is wanted comes whole, or is
//! nowhere within reach and is told as not here.

use std::collections::BTreeSet;
use std::sync::PoisonError;

use anyhow::{Context, Result, ensure};
use domain::RecordingId;
use sync_protocol::{ChunkId, ChunkStore, ObjectKey, RelayChunks};
use testkit::SeededRng;
use vault::VaultError;

use super::chance::{below, pick};
use super::deeds::patients;
use super::device::Device;
use super::world::World;

impl Device {
    /// Somebody here wants to hear one of the recordings of those who are worked with.
    pub(super) fn want(&mut self, rng: &mut SeededRng) -> Result<Option<RecordingId>> {
        let known = patients(self.vault())?;
        let recordings = self.vault().read(|r| {
            let mut recordings = Vec::new();
            for patient in &known {
                for visit in r.visits_of(patient.id)? {
                    recordings.extend(
                        r.recordings_of_visit(visit.id)?
                            .into_iter()
                            .map(|recording| recording.id),
                    );
                }
            }
            Ok::<_, VaultError>(recordings)
        })?;
        let Some(recording) = pick(rng, &recordings).copied() else {
            return Ok(None);
        };
        match self.vault().want_recording(recording) {
            Ok(()) => {
                self.own.wanted.insert(recording);
                Ok(Some(recording))
            }
            Err(VaultError::DiskFull) if self.full => Ok(None),
            Err(VaultError::NotFound(_) | VaultError::Removed) => Ok(None),
            Err(error) => Err(error).context("wanting a recording failed"),
        }
    }

    /// Chunks of sound that this device would fetch.
    pub(super) fn wanted_chunks(&self) -> Result<BTreeSet<ChunkId>> {
        let mut wanted = BTreeSet::new();
        while let Some((chunk, _)) = self.vault().wanted_chunk(&wanted)? {
            wanted.insert(chunk);
        }
        Ok(wanted)
    }
}

impl World {
    /// Somebody wants a recording. Returns what came of it, in words.
    pub(super) fn want(&mut self, who: usize, rng: &mut SeededRng) -> Result<String> {
        let wanted = self.devices[who].want(rng)?;
        self.figures.n_wanted += u64::from(wanted.is_some());
        let told = wanted.map_or("nothing", |_| "a recording");
        Ok(format!("{} wants {told}", self.devices[who].name))
    }

    /// One of the relay's objects is no more what was written, or is gone.
    pub(super) fn rot(&mut self, rng: &mut SeededRng) -> String {
        let mut objects = self.relay.objects.lock().unwrap_or_else(PoisonError::into_inner);
        let keys: Vec<ObjectKey> = objects.held.keys().copied().collect();
        let Some(key) = pick(rng, &keys) else {
            return "nothing rots".into();
        };
        match objects.held.get_mut(key) {
            Some(bytes) if below(rng, 2) == 0 => bytes[0] ^= 1,
            _ => drop(objects.held.remove(key)),
        }
        "an object rots at the relay".into()
    }

    /// What somebody who belongs wanted is here whole, or what is lacking is with nobody else who gives the right bytes.
    pub(super) fn check_wanted(&mut self, clinic: usize, members: &[usize]) -> Result<()> {
        let tenant = self.clinics[clinic].tenant;
        for who in members {
            let device = &self.devices[*who];
            let lacking = device.wanted_chunks()?;
            for recording in &device.own.wanted {
                if device.erasures.borrow().may_lack_recording(recording) {
                    continue;
                }
                let sound = match device.vault().read(|r| r.sound_of(*recording)) {
                    // Its document may have come too late.
                    Err(VaultError::NotFound(_)) if self.has_leavers(clinic) => continue,
                    sound => sound.with_context(|| format!("{} does not know what it wanted", device.name))?,
                };
                ensure!(
                    sound.here == sound.of || sound.wanted,
                    "{} has {} of {} chunks and calls it done",
                    device.name,
                    sound.here,
                    sound.of
                );
                if sound.here == sound.of {
                    self.figures.n_heard += u64::from(sound.of > 0);
                }
                for place in 0..sound.of {
                    match device.vault().read_chunk(*recording, place) {
                        Err(VaultError::AttachmentMissing) if sound.here < sound.of => {}
                        read => drop(read.with_context(|| format!("{} keeps other bytes of sound", device.name))?),
                    }
                }
            }
            for chunk in &lacking {
                let others = members.iter().map(|other| &self.devices[*other]);
                // A clone does not meet its twin: what it has comes by the relay alone.
                let reached = others.filter(|other| other.keys.id() != device.keys.id() || self.relay.lie.is_none());
                for other in reached.filter(|other| other.lie.is_none()) {
                    ensure!(
                        other.vault().chunk(chunk)?.is_none(),
                        "{} lacks sound that {} has",
                        device.name,
                        other.name
                    );
                }
                let key = ObjectKey { tenant, chunk: *chunk };
                let objects = self.relay.objects.lock().unwrap_or_else(PoisonError::into_inner);
                let is_given = self.relay.lie.is_none();
                let is_whole = objects
                    .held
                    .get(&key)
                    .is_some_and(|bytes| seal::chunk_name(bytes) == chunk.name);
                drop(objects);
                ensure!(
                    !(is_given && is_whole && self.relay.store().has_chunk(&tenant, chunk)?),
                    "{} lacks sound that the relay has",
                    device.name
                );
            }
        }
        Ok(())
    }
}
