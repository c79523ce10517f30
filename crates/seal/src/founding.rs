//! How a tenant begins, and how a device is admitted.

use rand_core::CryptoRng;

use crate::{
    AddDevice, DeviceKeys, DevicePublic, EpochSecrets, EpochWrap, Genesis, KeyWrap, Membership, NewEpoch, RecoveryKit,
    SealError, Statement, StatementKind, TenantId,
    epoch::EpochKeys,
    statement::{NewStatement, SigningWith, kit_recipient},
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

    let recipients = [
        (*public.id().as_bytes(), public.hpke),
        (kit_recipient(&kit_hpke), kit_hpke),
    ];
    let wraps = recipients.map(|(recipient, hpke)| KeyWrap {
        recipient,
        sealed: keys
            .wrap(tenant, &recipient, &hpke, rng)
            .expect("keys that were just made take an envelope"),
    });
    let epoch = NewEpoch {
        clinic_hpke: keys.clinic_public(),
        secret_check: keys.check(),
        wraps: wraps.into(),
    };
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

/// The statement by which `admin` admits `new`, with the keys of every epoch that `secrets` opens wrapped to it.
///
/// [`SealError::NotAdmin`] when the statements at hand do not make `admin` one; [`SealError::WrongTenant`] when the
/// secrets are another tenant's; [`SealError::Malformed`] when the new device's key takes no envelope.
pub fn add_device(
    membership: &Membership,
    secrets: &EpochSecrets,
    admin: &DeviceKeys,
    new: &DevicePublic,
    as_admin: bool,
    now_ms: i64,
    rng: &mut impl CryptoRng,
) -> Result<Statement, SealError> {
    let tenant = membership.tenant();
    if secrets.tenant() != tenant {
        return Err(SealError::WrongTenant);
    }
    if !membership.is_admin(&admin.id()) {
        return Err(SealError::NotAdmin);
    }
    let recipient = new.id();
    let wraps = secrets
        .iter()
        .map(|(epoch, keys)| {
            let sealed = keys.wrap(tenant, recipient.as_bytes(), &new.hpke, rng)?;
            Ok(EpochWrap { epoch: *epoch, sealed })
        })
        .collect::<Result<_, SealError>>()?;
    let add = AddDevice {
        device: *new,
        admin: as_admin,
        wraps,
    };
    let statement = NewStatement {
        tenant: Some(tenant),
        predecessors: membership.heads(),
        made_at_ms: now_ms,
        kind: StatementKind::AddDevice(add),
    };
    Ok(Statement::sign(statement, &SigningWith::Device(admin)))
}
