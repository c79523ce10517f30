//! How devices come and go: the statements that an admin, the recovery kit or a member makes of it.
//!
//! Each names as its predecessors all that `membership` knows to hold. To make one that does *not* build upon certain
//! statements, so that a removal strikes at them (what a stolen device signed), pass the membership of the set without
//! them.

use std::collections::BTreeMap;

use rand_core::CryptoRng;

use crate::{
    AddDevice, AddWraps, AskForKeys, DeviceId, DeviceKeys, DevicePublic, EpochId, EpochSecrets, EpochWrap, KeyWrap,
    MAX_STATEMENT_BYTES, MakeAdmin, Membership, NewEpoch, OpeningEnd, RemoveDevice, SealError, Signer, SigningWith,
    Statement, StatementId, StatementKind, TenantId,
    epoch::EpochKeys,
    statement::{NewStatement, kit_recipient},
};

/// So many envelopes of epochs fit into one statement, beside its predecessors.
const WRAPS_A_STATEMENT: usize = 350;
/// So many epochs are asked for in one.
const ASKED_FOR_A_STATEMENT: usize = 1_000;
/// So many ends of openings do.
const ENDS_A_STATEMENT: usize = 1_800;

/// The statement by which an admin (or the kit) admits `new`, with the keys of the epochs that `secrets` opens wrapped to
/// it: the first, from which documents are named, and the latest 349; the rest is for [`add_wraps`].
///
/// [`SealError::NotAdmin`] when the statements at hand do not let `by` do so; [`SealError::WrongTenant`] when the secrets
/// are another tenant's; [`SealError::RemovedDevice`] when `new` was removed; [`SealError::Malformed`] when its key takes
/// no envelope.
pub fn add_device<'a>(
    membership: &Membership,
    secrets: &EpochSecrets,
    by: impl Into<SigningWith<'a>>,
    new: &DevicePublic,
    as_admin: bool,
    now_ms: i64,
    rng: &mut impl CryptoRng,
) -> Result<Statement, SealError> {
    let by = by.into();
    check_secrets(membership, secrets)?;
    check_admin(membership, &by)?;
    if membership.is_removed(&new.id()) {
        return Err(SealError::RemovedDevice);
    }
    let (mut epochs, rest): (Vec<_>, Vec<_>) = membership
        .epochs_by_fitness()
        .iter()
        .copied()
        .filter(|id| secrets.has(id))
        .partition(|id| membership.is_first_epoch(&membership.epochs()[id]));
    epochs.extend(rest);
    epochs.truncate(WRAPS_A_STATEMENT);
    let add = AddDevice {
        device: *new,
        admin: as_admin,
        wraps: wrap_epochs(membership.tenant(), secrets, &epochs, new, rng)?,
    };
    sign(
        membership,
        membership.heads(),
        now_ms,
        StatementKind::AddDevice(add),
        &by,
    )
}

/// The statement by which an admin (or the kit) lets another member say who belongs.
///
/// [`SealError::NotAdmin`] as in [`add_device`]; [`SealError::UnknownDevice`] when `device` is not a member.
pub fn make_admin<'a>(
    membership: &Membership,
    by: impl Into<SigningWith<'a>>,
    device: DeviceId,
    now_ms: i64,
) -> Result<Statement, SealError> {
    let by = by.into();
    check_admin(membership, &by)?;
    membership.device(&device).ok_or(SealError::UnknownDevice)?;
    let make = MakeAdmin { device };
    sign(
        membership,
        membership.heads(),
        now_ms,
        StatementKind::MakeAdmin(make),
        &by,
    )
}

/// The statements by which an admin (or the kit) removes a device, and by which what is written from then on is sealed
/// under keys that it has not. They belong together: commit and send all or none.
///
/// `ends` names, for every opening of the device, the last number that is to count; what is not named does not count.
/// For a device that was removed already this only lets more of its changes count, and no new epoch is made.
///
/// [`SealError::NotAdmin`] as in [`add_device`]; [`SealError::UnknownDevice`] when `device` neither is nor was a member;
/// [`SealError::WrongDevice`] when it would remove itself: then nobody would be there to make the epoch.
pub fn remove_device<'a>(
    membership: &Membership,
    by: impl Into<SigningWith<'a>>,
    device: DeviceId,
    ends: &[OpeningEnd],
    now_ms: i64,
    rng: &mut impl CryptoRng,
) -> Result<Vec<Statement>, SealError> {
    let by = by.into();
    check_admin(membership, &by)?;
    if membership.device(&device).is_none() && !membership.is_removed(&device) {
        return Err(SealError::UnknownDevice);
    }
    if by.signer() == Signer::Device(device) {
        return Err(SealError::WrongDevice);
    }
    let mut chunks: Vec<&[OpeningEnd]> = ends.chunks(ENDS_A_STATEMENT).collect();
    if chunks.is_empty() {
        chunks.push(&[]);
    }
    let mut statements = Vec::new();
    let mut predecessors = membership.heads();
    for ends in chunks {
        let remove = RemoveDevice {
            device,
            ends: ends.to_vec(),
        };
        let statement = sign(
            membership,
            predecessors,
            now_ms,
            StatementKind::RemoveDevice(remove),
            &by,
        )?;
        predecessors = vec![statement.id()];
        statements.push(statement);
    }
    if !membership.is_removed(&device) {
        let left = membership
            .devices()
            .filter(|(id, _)| *id != device)
            .map(|(_, public)| public);
        statements.push(begin_epoch(membership, predecessors, left, now_ms, &by, rng)?);
    }
    Ok(statements)
}

/// The statement by which any member (or the kit) begins an epoch whose keys exactly the members and the kit have: before
/// writing, when [`Membership::writing_epoch`] gives none.
///
/// [`SealError::UnknownDevice`] or [`SealError::RemovedDevice`] when `by` is not a member.
pub fn new_epoch<'a>(
    membership: &Membership,
    by: impl Into<SigningWith<'a>>,
    now_ms: i64,
    rng: &mut impl CryptoRng,
) -> Result<Statement, SealError> {
    let by = by.into();
    check_member(membership, &by)?;
    let members = membership.devices().map(|(_, public)| public);
    begin_epoch(membership, membership.heads(), members, now_ms, &by, rng)
}

/// The statements by which a member (or the kit) hands the keys that it has to members that were not given them, or cannot
/// open what they were given ([`Membership::to_hand_on`]); none when there is nothing that it could hand on.
///
/// Errors as in [`new_epoch`], and [`SealError::WrongTenant`] when the secrets are another tenant's.
pub fn add_wraps<'a>(
    membership: &Membership,
    secrets: &EpochSecrets,
    by: impl Into<SigningWith<'a>>,
    now_ms: i64,
    rng: &mut impl CryptoRng,
) -> Result<Vec<Statement>, SealError> {
    let by = by.into();
    check_secrets(membership, secrets)?;
    check_member(membership, &by)?;
    let mut missing: BTreeMap<DeviceId, Vec<EpochId>> = BTreeMap::new();
    for (device, epoch) in membership.to_hand_on(by.signer(), secrets) {
        missing.entry(device).or_default().push(epoch);
    }
    let mut statements: Vec<Statement> = Vec::new();
    let mut predecessors = membership.heads();
    for (device, missing) in missing {
        let public = membership.device(&device).ok_or(SealError::UnknownDevice)?;
        for epochs in missing.chunks(WRAPS_A_STATEMENT) {
            let wraps = wrap_epochs(membership.tenant(), secrets, epochs, public, rng)?;
            let add = AddWraps { device, wraps };
            let statement = sign(membership, predecessors, now_ms, StatementKind::AddWraps(add), &by)?;
            predecessors = vec![statement.id()];
            statements.push(statement);
        }
    }
    Ok(statements)
}

/// The statements by which a member says which keys it was given and cannot open, so that others hand them on to it once
/// more ([`add_wraps`]); none when it can open all, or has said so and nobody has answered yet.
///
/// Errors as in [`add_wraps`].
pub fn ask_for_keys(
    membership: &Membership,
    secrets: &EpochSecrets,
    by: &DeviceKeys,
    now_ms: i64,
) -> Result<Vec<Statement>, SealError> {
    check_secrets(membership, secrets)?;
    let signer = by.into();
    check_member(membership, &signer)?;
    let epochs: Vec<EpochId> = membership.to_ask_for(&by.id(), secrets).collect();
    let mut predecessors = membership.heads();
    let mut statements = Vec::new();
    for epochs in epochs.chunks(ASKED_FOR_A_STATEMENT) {
        let epochs = epochs.to_vec();
        let ask = StatementKind::AskForKeys(AskForKeys { epochs });
        let statement = sign(membership, predecessors, now_ms, ask, &signer)?;
        predecessors = vec![statement.id()];
        statements.push(statement);
    }
    Ok(statements)
}

/// A new epoch for these devices and the kit.
pub(crate) fn new_epoch_for<'a>(
    tenant: TenantId,
    keys: &EpochKeys,
    devices: impl IntoIterator<Item = &'a DevicePublic>,
    kit_hpke: &[u8; 32],
    rng: &mut impl CryptoRng,
) -> Result<NewEpoch, SealError> {
    let devices = devices.into_iter().map(|public| (*public.id().as_bytes(), public.hpke));
    let recipients = devices.chain([(kit_recipient(kit_hpke), *kit_hpke)]);
    let wraps = recipients.map(|(recipient, hpke)| {
        let sealed = keys.wrap(tenant, &recipient, &hpke, rng)?;
        Ok(KeyWrap { recipient, sealed })
    });
    Ok(NewEpoch {
        clinic_hpke: keys.clinic_public(),
        secret_check: keys.check(),
        wraps: wraps.collect::<Result<_, SealError>>()?,
    })
}

fn begin_epoch<'m>(
    membership: &Membership,
    predecessors: Vec<StatementId>,
    devices: impl IntoIterator<Item = &'m DevicePublic>,
    now_ms: i64,
    by: &SigningWith<'_>,
    rng: &mut impl CryptoRng,
) -> Result<Statement, SealError> {
    let keys = EpochKeys::make(rng);
    let epoch = new_epoch_for(membership.tenant(), &keys, devices, membership.kit_hpke(), rng)?;
    sign(membership, predecessors, now_ms, StatementKind::NewEpoch(epoch), by)
}

fn wrap_epochs(
    tenant: TenantId,
    secrets: &EpochSecrets,
    epochs: &[EpochId],
    recipient: &DevicePublic,
    rng: &mut impl CryptoRng,
) -> Result<Vec<EpochWrap>, SealError> {
    let wrap = |epoch: &EpochId| {
        let keys = secrets.keys(epoch).ok_or(SealError::UnknownEpoch)?;
        let sealed = keys.wrap(tenant, recipient.id().as_bytes(), &recipient.hpke, rng)?;
        Ok(EpochWrap { epoch: *epoch, sealed })
    };
    epochs.iter().map(wrap).collect()
}

fn sign(
    membership: &Membership,
    predecessors: Vec<StatementId>,
    made_at_ms: i64,
    kind: StatementKind,
    by: &SigningWith<'_>,
) -> Result<Statement, SealError> {
    let new = NewStatement {
        tenant: Some(membership.tenant()),
        predecessors,
        made_at_ms,
        kind,
    };
    let statement = Statement::sign(new, by);
    if statement.bytes().len() > MAX_STATEMENT_BYTES {
        return Err(SealError::TooLarge);
    }
    Ok(statement)
}

fn check_secrets(membership: &Membership, secrets: &EpochSecrets) -> Result<(), SealError> {
    if secrets.tenant() == membership.tenant() {
        Ok(())
    } else {
        Err(SealError::WrongTenant)
    }
}

fn check_admin(membership: &Membership, by: &SigningWith<'_>) -> Result<(), SealError> {
    let may = match by {
        SigningWith::Root(kit) => kit.root() == *membership.root(),
        SigningWith::Device(keys) => membership.is_admin(&keys.id()),
    };
    if may { Ok(()) } else { Err(SealError::NotAdmin) }
}

fn check_member(membership: &Membership, by: &SigningWith<'_>) -> Result<(), SealError> {
    match by {
        SigningWith::Root(_) => check_admin(membership, by),
        SigningWith::Device(keys) => {
            let id = keys.id();
            if membership.is_removed(&id) {
                return Err(SealError::RemovedDevice);
            }
            membership.device(&id).map(|_| ()).ok_or(SealError::UnknownDevice)
        }
    }
}
