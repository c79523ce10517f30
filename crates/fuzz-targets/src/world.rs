//! Two clinics with fixed keys: one whose devices read, and one that shares with it.

use std::sync::LazyLock;

use rand_chacha::ChaCha20Rng;
use rand_chacha::rand_core::SeedableRng;
use seal::{
    ChangeKind, DeviceKeys, EpochSecrets, FORMAT_VERSION, Grant, GrantId, Header, Membership, NewGrant, OpeningEnd,
    OpeningId, SealedChange, Statement, add_device, ask_for_keys, derive_document_id, found_tenant, make_admin,
    remove_device,
};

pub(crate) const NOW_MS: i64 = 1_795_219_200_000;

pub(crate) fn rng(seed: u8) -> ChaCha20Rng {
    ChaCha20Rng::from_seed([seed; 32])
}

/// A clinic with two devices.
pub(crate) struct Clinic {
    pub device: DeviceKeys,
    pub statements: Vec<Statement>,
    /// By the statements above.
    pub membership: Membership,
    pub secrets: EpochSecrets,
    /// What comes later: the second device is made an admin's, and removed; the first asks for the keys of the epoch that
    /// came with that.
    pub later: Vec<Statement>,
}

/// The clinic that reads, and the one that shares with it.
pub(crate) struct World {
    pub here: Clinic,
    pub there: Clinic,
    /// From there to here.
    pub grant: Grant,
}

pub(crate) static WORLD: LazyLock<World> = LazyLock::new(|| {
    let (here, there) = (Clinic::make(1), Clinic::make(2));
    let new = NewGrant {
        id: GrantId::from_bytes([1; 16]),
        recipient: here.membership.tenant(),
        purpose: 0,
        mode: 0,
        from_ms: NOW_MS,
        until_ms: NOW_MS + 1,
        erase_at_ms: NOW_MS + 2,
    };
    let (source, device) = (there.membership.tenant(), &there.device);
    let grant = Grant::make(new, source, b"terms", &here.membership, device, &mut rng(4));
    World {
        grant: grant.expect("a member may give"),
        here,
        there,
    }
});

/// Makes the clinics before anything is counted.
pub(crate) fn prepare() {
    LazyLock::force(&WORLD);
    assert!(vault::decoders::prepare_documents(), "tables in memory");
}

impl Clinic {
    fn make(seed: u8) -> Self {
        let rng = &mut rng(seed);
        let founded = found_tenant(rng, NOW_MS);
        let (tenant, device) = (founded.tenant, founded.device);
        let belong = |statements: &[Statement]| Membership::from_statements(tenant, statements).expect("our own");

        let mut statements = founded.statements;
        let first = belong(&statements);
        let secrets = EpochSecrets::unwrap(&first, &device).expect("our own");
        let second = DeviceKeys::make(rng);
        let added = add_device(&first, &secrets, &device, &second.public(), false, NOW_MS + 1, rng);
        statements.push(added.expect("an admin may"));
        let membership = belong(&statements);
        let secrets = EpochSecrets::unwrap(&membership, &device).expect("our own");

        let mut all = statements.clone();
        all.push(make_admin(&membership, &device, second.id(), NOW_MS + 2).expect("an admin may"));
        let ends = [OpeningEnd {
            opening: OpeningId::from_bytes([5; 16]),
            number: 1,
        }];
        let removal = remove_device(&belong(&all), &device, second.id(), &ends, NOW_MS + 3, rng);
        all.extend(removal.expect("an admin may"));
        all.extend(ask_for_keys(&belong(&all), &secrets, &device, NOW_MS + 4).expect("a member may"));
        Self {
            later: all.split_off(statements.len()),
            device,
            statements,
            membership,
            secrets,
        }
    }

    /// A change of the document at `path`.
    pub fn seal(&self, path: &str, kind: ChangeKind, plain: &[u8]) -> SealedChange {
        let header = Header {
            version: FORMAT_VERSION,
            tenant: self.membership.tenant(),
            document: derive_document_id(self.secrets.naming_key(), path),
            epoch: self.membership.current_epoch(),
            device: self.device.id(),
            opening: OpeningId::from_bytes([5; 16]),
            number: 1,
            kind,
        };
        SealedChange::seal(header, plain, &self.secrets, &self.device, &mut rng(9)).expect("our own")
    }

    /// All its statements.
    pub fn everything(&self) -> impl Iterator<Item = &Statement> {
        self.statements.iter().chain(&self.later)
    }
}
