//! Two clinics with fixed keys, and a way to write what no honest build writes.

use minicbor::{Decode, Encode};
use rand_chacha::{ChaCha20Rng, rand_core::SeedableRng};
use seal::{
    ChangeKind, DeviceId, DeviceKeys, DocumentId, EpochId, EpochSecrets, FORMAT_VERSION, Founded, Header, Membership,
    OpeningId, SealedChange, Statement, StatementId, TenantId, add_device, derive_document_id, found_tenant,
};

pub const NOW_MS: i64 = 1_795_219_200_000;

pub fn rng(seed: u8) -> ChaCha20Rng {
    ChaCha20Rng::from_seed([seed; 32])
}

/// A clinic with its first device (an admin's) and a second one (not an admin's).
pub struct Clinic {
    pub founded: Founded,
    pub second: DeviceKeys,
    pub statements: Vec<Statement>,
    pub membership: Membership,
    pub secrets: EpochSecrets,
}

impl Clinic {
    pub fn make(seed: u8) -> Self {
        let mut rng = rng(seed);
        let founded = found_tenant(&mut rng, NOW_MS);
        let second = DeviceKeys::make(&mut rng);
        let mut statements = founded.statements.clone();
        let membership = Membership::from_statements(founded.tenant, &statements).unwrap();
        let secrets = EpochSecrets::unwrap(&membership, &founded.device).unwrap();
        let added = add_device(
            &membership,
            &secrets,
            &founded.device,
            &second.public(),
            false,
            NOW_MS + 1,
            &mut rng,
        )
        .unwrap();
        statements.push(added);
        let membership = Membership::from_statements(founded.tenant, &statements).unwrap();
        Self {
            founded,
            second,
            statements,
            membership,
            secrets,
        }
    }

    pub fn tenant(&self) -> TenantId {
        self.founded.tenant
    }

    pub fn device(&self) -> &DeviceKeys {
        &self.founded.device
    }

    pub fn document(&self, path: &str) -> DocumentId {
        derive_document_id(self.secrets.naming_key(), path)
    }

    pub fn header(&self) -> Header {
        Header {
            version: FORMAT_VERSION,
            tenant: self.tenant(),
            document: self.document("clinic"),
            epoch: self.membership.current_epoch(),
            device: self.device().id(),
            opening: OpeningId::from_bytes([5; 16]),
            number: 1,
            kind: ChangeKind::Change,
        }
    }

    pub fn change(&self, plain: &[u8]) -> SealedChange {
        SealedChange::seal(self.header(), plain, &self.secrets, self.device(), &mut rng(9)).unwrap()
    }
}

/// A sealed change in its parts, to be altered and put together again.
#[derive(Encode, Decode)]
#[cbor(map)]
pub struct RawChange {
    #[cbor(n(0), with = "minicbor::bytes")]
    pub header: Vec<u8>,
    #[cbor(n(1), with = "minicbor::bytes")]
    pub body_hash: [u8; 32],
    #[cbor(n(2), with = "minicbor::bytes")]
    pub signature: [u8; 64],
    #[cbor(n(3), with = "minicbor::bytes")]
    pub body: Option<Vec<u8>>,
}

impl RawChange {
    pub fn of(change: &SealedChange) -> Self {
        minicbor::decode(&change.encode()).unwrap()
    }

    pub fn with_header(mut self, alter: impl FnOnce(&mut Header)) -> Self {
        let mut header = minicbor::decode(&self.header).unwrap();
        alter(&mut header);
        self.header = minicbor::to_vec(header).unwrap();
        self
    }

    pub fn with_body(mut self, alter: impl FnOnce(&mut Vec<u8>)) -> Self {
        alter(self.body.as_mut().unwrap());
        self
    }

    /// What someone on the way can do.
    pub fn rehashed(mut self) -> Self {
        self.body_hash = blake3::derive_key("MediEco seal v1 change body hash", self.body.as_ref().unwrap());
        self
    }

    /// What only a member can do.
    pub fn resigned(self, device: &DeviceKeys) -> Self {
        let mut raw = self.rehashed();
        let signed_part = [raw.header.as_slice(), &raw.body_hash].concat();
        raw.signature = device.sign("MediEco seal v1 change signature", &signed_part);
        raw
    }

    pub fn bytes(&self) -> Vec<u8> {
        minicbor::to_vec(self).unwrap()
    }

    pub fn read(&self) -> SealedChange {
        SealedChange::decode(&self.bytes()).unwrap()
    }
}

/// A statement's signed part, to be written as no honest build writes it.
#[derive(Encode, Decode)]
#[cbor(map)]
pub struct RawStatement {
    #[n(0)]
    pub version: u16,
    #[n(1)]
    pub kind: u16,
    #[n(2)]
    pub tenant: Option<TenantId>,
    #[n(3)]
    pub device: Option<DeviceId>,
    #[n(4)]
    pub predecessors: Vec<StatementId>,
    #[n(5)]
    pub made_at_ms: i64,
    #[cbor(n(6), with = "minicbor::bytes")]
    pub payload: Vec<u8>,
    /// What a newer build may add.
    #[n(77)]
    pub newer: Option<String>,
}

#[derive(Encode, Decode)]
#[cbor(map)]
pub struct RawSigned {
    #[cbor(n(0), with = "minicbor::bytes")]
    pub body: Vec<u8>,
    #[cbor(n(1), with = "minicbor::bytes")]
    pub signature: [u8; 64],
}

impl RawStatement {
    pub fn new(clinic: &Clinic, device: &DeviceKeys, kind: u16, payload: Vec<u8>) -> Self {
        Self {
            version: FORMAT_VERSION,
            kind,
            tenant: Some(clinic.tenant()),
            device: Some(device.id()),
            predecessors: clinic.membership.heads(),
            made_at_ms: NOW_MS,
            payload,
            newer: None,
        }
    }

    pub fn signed(&self, device: &DeviceKeys) -> Vec<u8> {
        let body = minicbor::to_vec(self).unwrap();
        let signature = device.sign("MediEco seal v1 statement signature", &body);
        minicbor::to_vec(RawSigned { body, signature }).unwrap()
    }

    pub fn statement(&self, device: &DeviceKeys) -> Statement {
        Statement::decode(&self.signed(device)).unwrap()
    }
}

pub fn epoch_of(statement: &Statement) -> EpochId {
    EpochId::from_bytes(*statement.id().as_bytes())
}
