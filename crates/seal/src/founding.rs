//! How a tenant begins.

use rand_core::CryptoRng;

use crate::{
    DeviceKeys, Genesis, RecoveryKit, Statement, StatementKind, TenantId,
    coming_and_going::new_epoch_for,
    epoch::EpochKeys,
    statement::{NewStatement, SigningWith},
};

/// A new tenant: what is public of it, and the two secrets that its owner now has.
#[derive(Debug)]
pub struct Founded {
    /// Its id: the hash of the first statement.
    pub tenant: TenantId,
    /// Genesis and first epoch.
    pub statements: Vec<Statement>,
    /// Keys of the first device, which is an admin's.
    pub device: DeviceKeys,
    /// The recovery kit, to be printed.
    pub kit: RecoveryKit,
}

/// Founds a tenant: new keys for its first device, a kit, and the first epoch.
pub fn found_tenant(rng: &mut impl CryptoRng, now_ms: i64) -> Founded {
    let device = DeviceKeys::make(rng);
    let kit = RecoveryKit::make(rng);
    let keys = EpochKeys::make(rng);
    let public = device.public();
    let kit_hpke = kit.opening_key().public();

    let genesis = Genesis {
        root: kit.root(),
        kit_hpke,
        first_device: public,
        first_epoch_check: keys.check(),
    };
    let genesis = Statement::sign(
        NewStatement {
            tenant: None,
            predecessors: Vec::new(),
            made_at_ms: now_ms,
            kind: StatementKind::Genesis(genesis),
        },
        &SigningWith::Root(&kit),
    );
    let tenant = genesis.tenant();

    let epoch = new_epoch_for(tenant, &keys, [&public], &kit_hpke, rng).expect("keys just made take an envelope");
    let epoch = Statement::sign(
        NewStatement {
            tenant: Some(tenant),
            predecessors: vec![genesis.id()],
            made_at_ms: now_ms,
            kind: StatementKind::NewEpoch(epoch),
        },
        &SigningWith::Device(&device),
    );
    Founded {
        tenant,
        statements: vec![genesis, epoch],
        device,
        kit,
    }
}
