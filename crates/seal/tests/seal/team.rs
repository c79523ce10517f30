//! A clinic of several devices, each of which knows only what reached it.

use std::collections::BTreeMap;

use rand_chacha::ChaCha20Rng;
use seal::{
    AddDevice, ChangeKind, DeviceKeys, EpochSecrets, FORMAT_VERSION, Header, Membership, OpeningEnd, OpeningId,
    RecoveryKit, Refusal, RemoveDevice, SealedChange, Statement, StatementId, TenantId, add_device, derive_document_id,
    found_tenant, new_epoch, remove_device,
};

use crate::world::{NOW_MS, RawStatement, rng};

pub const OPENING: OpeningId = OpeningId::from_bytes([5; 16]);

/// Statements, in no order.
pub type Known = BTreeMap<StatementId, Statement>;

pub struct Team {
    pub tenant: TenantId,
    pub kit: RecoveryKit,
    /// The founder's, then the admins', then the others'.
    pub devices: Vec<DeviceKeys>,
    pub known: Known,
    pub rng: ChaCha20Rng,
}

impl Team {
    /// The founder, and so many more admins and others, all admitted by the founder.
    pub fn make(seed: u8, n_admins: usize, n_others: usize) -> Self {
        let mut rng = rng(seed);
        let founded = found_tenant(&mut rng, NOW_MS);
        let mut team = Self {
            tenant: founded.tenant,
            kit: founded.kit,
            devices: vec![founded.device],
            known: founded.statements.into_iter().map(|one| (one.id(), one)).collect(),
            rng,
        };
        for n in 0..n_admins + n_others {
            let added = team.admit(0, n < n_admins, &team.known.clone());
            team.learn([added]);
        }
        team
    }

    pub fn now(&self) -> Membership {
        self.by(&self.known)
    }

    pub fn by(&self, known: &Known) -> Membership {
        Membership::from_statements(self.tenant, known.values()).unwrap()
    }

    pub fn learn(&mut self, statements: impl IntoIterator<Item = Statement>) {
        self.known.extend(statements.into_iter().map(|one| (one.id(), one)));
    }

    pub fn secrets(&self, device: usize) -> EpochSecrets {
        EpochSecrets::unwrap(&self.now(), &self.devices[device]).unwrap()
    }

    /// A new device, admitted by this one by what is known.
    pub fn admit(&mut self, by: usize, admin: bool, known: &Known) -> Statement {
        let new = DeviceKeys::make(&mut self.rng);
        let membership = self.by(known);
        let secrets = EpochSecrets::unwrap(&membership, &self.devices[by]).unwrap();
        let by = &self.devices[by];
        let added = add_device(&membership, &secrets, by, &new.public(), admin, NOW_MS, &mut self.rng).unwrap();
        self.devices.push(new);
        added
    }

    /// A removal by what is known, with its epoch.
    pub fn removal(&mut self, by: usize, device: usize, known: &Known) -> Vec<Statement> {
        let membership = self.by(known);
        let ends = [OpeningEnd {
            opening: OPENING,
            number: 3,
        }];
        let (by, device) = (&self.devices[by], self.devices[device].id());
        remove_device(&membership, by, device, &ends, NOW_MS, &mut self.rng).unwrap()
    }

    /// A new epoch by what is known.
    pub fn rotation(&mut self, by: usize, known: &Known) -> Statement {
        new_epoch(&self.by(known), &self.devices[by], NOW_MS, &mut self.rng).unwrap()
    }

    pub fn is_member(&self, device: usize) -> bool {
        self.now().device(&self.devices[device].id()).is_some()
    }

    pub fn members(&self) -> Vec<usize> {
        (0..self.devices.len())
            .filter(|device| self.is_member(*device))
            .collect()
    }

    /// A change that a device writes, under the epoch that it would choose.
    pub fn change(&mut self, device: usize, number: u64, by: &Known) -> SealedChange {
        let membership = self.by(by);
        let keys = &self.devices[device];
        let secrets = EpochSecrets::unwrap(&membership, keys).unwrap();
        let header = Header {
            version: FORMAT_VERSION,
            tenant: self.tenant,
            document: derive_document_id(secrets.naming_key(), "clinic"),
            epoch: membership.writing_epoch(&secrets).unwrap(),
            device: keys.id(),
            opening: OPENING,
            number,
            kind: ChangeKind::Change,
        };
        SealedChange::seal(header, b"written", &secrets, keys, &mut self.rng).unwrap()
    }
}

/// A statement with any past, as no honest build writes it.
pub fn raw(team: &Team, by: &DeviceKeys, upon: &[StatementId], kind: u16, payload: Vec<u8>) -> Statement {
    let raw = RawStatement {
        version: seal::FORMAT_VERSION,
        kind,
        tenant: Some(team.tenant),
        device: Some(by.id()),
        predecessors: upon.to_vec(),
        made_at_ms: NOW_MS,
        payload,
        newer: None,
    };
    raw.statement(by)
}

pub fn adding(device: &DeviceKeys, admin: bool) -> Vec<u8> {
    minicbor::to_vec(AddDevice {
        device: device.public(),
        admin,
        wraps: Vec::new(),
    })
    .unwrap()
}

pub fn removing(device: &DeviceKeys) -> Vec<u8> {
    minicbor::to_vec(RemoveDevice {
        device: device.id(),
        ends: Vec::new(),
    })
    .unwrap()
}

/// Does it hold, and if not, why not?
#[track_caller]
pub fn check_refused(membership: &Membership, statement: &Statement, expected: Option<Refusal>) {
    assert_eq!(membership.refused().get(&statement.id()).copied(), expected);
    assert_eq!(membership.accepted().contains(&statement.id()), expected.is_none());
}
