//! A device with a real vault, and what its people are shown.

use std::sync::Arc;

use domain::Instant;
use seal::{DeviceKeys, GrantId, ReleaseId};
use sync_protocol::sim::SimDevice;
use sync_protocol::{DeviceError, DeviceSession, RelayLie, SyncStore};
use tempfile::TempDir;
use vault::{MachineSecrets, Ports, Reading, Vault, VaultError};

use crate::relay::{Relay, Side, rng};

pub struct Victim {
    pub vault: Vault,
    keys: Arc<DeviceKeys>,
    _folder: TempDir,
}

struct Stands(Instant);

impl vault::Clock for Stands {
    fn now(&self) -> Instant {
        self.0
    }
}

impl Victim {
    /// This device, with an empty vault.
    pub fn new(side: &Side, device: &SimDevice, now_ms: i64) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let secrets = MachineSecrets::make(&device.keys, &mut rng(201));
        let ports = Ports {
            clock: Arc::new(Stands(Instant::from_millisecond(now_ms).unwrap())),
            rng: Box::new(rng(202)),
        };
        let vault = Vault::create(folder.path(), &secrets, &side.clinic.statements, ports).unwrap();
        Self {
            vault,
            keys: Arc::clone(&device.keys),
            _folder: folder,
        }
    }

    /// Hears all changes and consents that the relay has for it, and whatever else until `enough`.
    pub async fn hears(&self, relay: &Relay, enough: impl Fn(&Self) -> bool) -> Result<(), DeviceError> {
        let store: Arc<dyn SyncStore> = Arc::new(self.vault.clone());
        let all = |session: &DeviceSession| session.is_idle() && relay.has_all(&self.vault) && enough(self);
        relay.speak(store, &self.keys, all).await
    }

    fn read<T>(&self, look: impl FnOnce(&Reading<'_>) -> Result<T, VaultError>) -> T {
        self.vault.read(look).unwrap()
    }

    /// How its people are told that the relay was found out.
    pub fn lie(&self) -> Option<RelayLie> {
        self.read(|r| r.sync_figures()).relay_lie
    }

    /// Whether each line of the relay's audit follows from the one before; the oldest first.
    pub fn audit_holds(&self) -> Vec<bool> {
        let rows = self.read(|r| r.relay_audit(100));
        rows.iter().rev().map(|row| row.holds).collect()
    }

    /// Signed heads of the relay's audit that it keeps.
    pub fn n_heads(&self) -> usize {
        self.read(|r| r.relay_heads(100)).len()
    }

    pub fn grants_received(&self) -> Vec<GrantId> {
        self.read(|r| r.grants_received()).iter().map(|row| row.id).collect()
    }

    pub fn received(&self, grant: GrantId) -> Vec<ReleaseId> {
        self.read(|r| r.releases_received(grant))
            .iter()
            .map(|row| row.id)
            .collect()
    }
}
