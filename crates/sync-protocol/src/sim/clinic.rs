//! A clinic of a simulation: it founds itself, admits devices, and writes.

use std::sync::Arc;

use rand_core::CryptoRng;
use seal::{
    ChangeKind, DeviceKeys, DocumentId, EpochSecrets, Grant, GrantId, Header, Membership, NewGrant, NewRelease,
    OpeningEnd, OpeningId, Release, ReleaseId, Revocation, SealedChange, Statement, TenantId,
};

use crate::memory::MemoryStore;
use crate::{OutId, OutItem};

/// A clinic, as all of its devices together know it.
pub struct SimClinic {
    /// Its id.
    pub tenant: TenantId,
    /// Its statements.
    pub statements: Vec<Statement>,
    admin: DeviceKeys,
}

/// One device of it, with a store in memory.
pub struct SimDevice {
    /// Its keys.
    pub keys: Arc<DeviceKeys>,
    /// Its store.
    pub store: Arc<MemoryStore>,
    membership: Membership,
    secrets: EpochSecrets,
    opening: OpeningId,
    number: u64,
}

impl SimClinic {
    /// Founds a clinic, and gives its first device.
    pub fn found(now_ms: i64, rng: &mut impl CryptoRng) -> (Self, SimDevice) {
        let founded = seal::found_tenant(rng, now_ms);
        let clinic = Self {
            tenant: founded.tenant,
            statements: founded.statements,
            admin: founded.device.clone(),
        };
        let device = clinic.device(founded.device, rng);
        (clinic, device)
    }

    /// Admits one more device. Devices that exist already learn of it only by syncing.
    pub fn admit(&mut self, now_ms: i64, rng: &mut impl CryptoRng) -> SimDevice {
        let keys = DeviceKeys::make(rng);
        let membership = self.membership();
        let secrets = EpochSecrets::unwrap(&membership, &self.admin).expect("the admin is a member");
        let statement = seal::add_device(&membership, &secrets, &self.admin, &keys.public(), false, now_ms, rng);
        self.statements.push(statement.expect("the admin may add a device"));
        self.device(keys, rng)
    }

    /// Removes a device; what it has written so far counts. The others learn of it only by syncing.
    pub fn remove(&mut self, device: &SimDevice, now_ms: i64, rng: &mut impl CryptoRng) {
        let ends = [OpeningEnd {
            opening: device.opening,
            number: device.number,
        }];
        let removal = seal::remove_device(&self.membership(), &self.admin, device.keys.id(), &ends, now_ms, rng);
        self.statements
            .extend(removal.expect("the admin may remove another device"));
    }

    /// Who belongs.
    pub fn membership(&self) -> Membership {
        Membership::from_statements(self.tenant, &self.statements).expect("a clinic's own statements hold together")
    }

    /// The statements as they travel.
    pub fn encoded_statements(&self) -> Vec<Vec<u8>> {
        self.statements.iter().map(Statement::bytes).collect()
    }

    fn device(&self, keys: DeviceKeys, rng: &mut impl CryptoRng) -> SimDevice {
        let membership = self.membership();
        let secrets = EpochSecrets::unwrap(&membership, &keys).expect("the device was admitted");
        SimDevice {
            keys: Arc::new(keys),
            store: Arc::new(MemoryStore::new(self.tenant, self.encoded_statements())),
            membership,
            secrets,
            opening: OpeningId::make(rng),
            number: 0,
        }
    }
}

impl SimDevice {
    /// Seals from now on by what the clinic's devices together know.
    pub fn learn(&mut self, clinic: &SimClinic) {
        self.membership = clinic.membership();
        self.secrets = EpochSecrets::unwrap(&self.membership, &self.keys).expect("the device belongs");
    }

    /// Seals a change of `n_bytes` bytes, without writing it.
    pub fn seal(&mut self, n_bytes: usize, rng: &mut impl CryptoRng) -> OutItem {
        self.number += 1;
        let header = Header {
            version: seal::FORMAT_VERSION,
            tenant: self.membership.tenant(),
            document: DocumentId::from_bytes([7; 32]),
            epoch: self.membership.current_epoch(),
            device: self.keys.id(),
            opening: self.opening,
            number: self.number,
            kind: ChangeKind::Change,
        };
        let change = SealedChange::seal(header, &vec![0; n_bytes], &self.secrets, &self.keys, rng);
        let change = change.expect("a member can seal");
        OutItem {
            id: OutId::Change(change.id()),
            bytes: change.encode(),
        }
    }

    /// Writes a small change.
    pub fn write(&mut self, rng: &mut impl CryptoRng) {
        let item = self.seal(40, rng);
        self.store.write(item);
    }

    /// Writes a grant to `recipient` for a period (milliseconds since 1970, the end excluded).
    pub fn grant(&self, recipient: &Membership, from_ms: i64, until_ms: i64, rng: &mut impl CryptoRng) -> Grant {
        let new = NewGrant {
            id: GrantId::make(rng),
            recipient: recipient.tenant(),
            purpose: 0,
            mode: 1,
            from_ms,
            until_ms,
            erase_at_ms: until_ms,
        };
        let grant = Grant::make(new, self.membership.tenant(), b"terms", recipient, &self.keys, rng);
        let grant = grant.expect("a member can grant");
        self.store.write(OutItem {
            id: OutId::Grant(grant.clear().id),
            bytes: grant.encode(),
        });
        grant
    }

    /// Writes a release of `n_bytes` bytes under a grant. Returns its id.
    pub fn release(
        &self,
        grant: &Grant,
        recipient: &Membership,
        supersedes: Option<ReleaseId>,
        n_bytes: usize,
        rng: &mut impl CryptoRng,
    ) -> ReleaseId {
        let id = ReleaseId::make(rng);
        let new = NewRelease {
            id,
            document: [9; 32],
            supersedes,
            as_of_ms: 0,
        };
        let recipients = [(grant.clear(), recipient)];
        let release = Release::seal(
            new,
            self.membership.tenant(),
            &vec![0; n_bytes],
            &recipients,
            &self.keys,
            rng,
        );
        let bytes = release.expect("a member can release").encode();
        self.store.write(OutItem {
            id: OutId::Release(id),
            bytes,
        });
        id
    }

    /// Writes a revocation.
    pub fn revoke(&self, grant: GrantId, now_ms: i64) {
        let revocation = Revocation::make(grant, self.membership.tenant(), now_ms, &self.keys);
        self.store.write(OutItem {
            id: OutId::Revocation(grant),
            bytes: revocation.encode(),
        });
    }
}
