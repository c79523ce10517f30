//! The naive model: what was ever written, by name; what was granted; what was released.

use std::collections::{BTreeMap, BTreeSet};

use anyhow::Result;
use domain::PatientId;
use seal::{GrantId, ReleaseId};
use sync_protocol::ItemId;

use super::device::Device;

/// A grant that somebody made.
#[derive(Debug, Clone, Copy)]
pub(super) struct Granted {
    pub(super) source: usize,
    pub(super) recipient: usize,
    pub(super) patient: PatientId,
    pub(super) until_ms: i64,
}

/// A release that somebody made.
#[derive(Debug, Clone)]
pub(super) struct Released {
    pub(super) grant: GrantId,
    pub(super) plain: Vec<u8>,
}

/// What the simulation knows besides what the stores say.
#[derive(Default)]
pub(super) struct Model {
    /// Every change that was ever in a store, by clinic.
    pub(super) written: [BTreeSet<ItemId>; 2],
    /// Every grant.
    pub(super) grants: BTreeMap<GrantId, Granted>,
    /// Every release.
    pub(super) releases: BTreeMap<ReleaseId, Released>,
    /// Somebody was put out of a clinic.
    pub(super) has_leavers: bool,
    /// Clinic and letter of devices that may give a number again.
    twice: BTreeSet<(usize, String)>,
}

impl Model {
    /// Looks at what a device holds.
    pub(super) fn saw(&mut self, device: &Device) {
        self.written[device.clinic].extend(&device.held.changes);
    }

    /// A store that was put back gives no number any more, unless that was within one opening and it lacks less than two blocks
    /// of them (`docs/vault.md`, "Copies"): then the numbers of its letter may come twice.
    pub(super) fn was_put_back(&mut self, device: &Device) -> Result<()> {
        if device.vault().is_a_copy() {
            return Ok(());
        }
        let letter = device.vault().read(|r| Ok::<_, vault::VaultError>(r.device_prefix()))?;
        self.twice.insert((device.clinic, letter));
        Ok(())
    }

    /// Such numbers are promised to come once, too: a promise that nobody can keep.
    pub(super) fn all_count_once(&mut self) {
        self.twice.clear();
    }

    /// Whether this number may rightly come once only.
    pub(super) fn counts_once(&self, clinic: usize, number: &str) -> bool {
        let letter: String = number.chars().take_while(char::is_ascii_alphabetic).collect();
        !self.twice.contains(&(clinic, letter))
    }
}
