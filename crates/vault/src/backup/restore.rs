//! A new device from a backup and the recovery kit. Never the old one again: its keys are in no backup.

use std::fs;
use std::io;
use std::path::Path;

use rusqlite::{Connection, params};
use seal::{BackupHead, DeviceKeys, EpochSecrets, Membership, RecoveryKit, Statement, TenantId};
use sync_protocol::Consent;

use super::container::{Closed, Reader};
use super::record::{Chunk, Record};
use super::trial::judge_all;
use super::{BackupError, BackupStage, Watch, tell};
use crate::ports::SharedRng;
use crate::{KeyHolder, MachineSecrets, Ports, Vault, VaultError, files, kill, outbox, roster, sharing, sync};

/// A store that was made from a backup.
pub struct Restored {
    /// It, open.
    pub vault: Vault,
    /// The relay's address, as the backup has it.
    pub relay: Option<String>,
    /// When the backup was made, by the clock of its maker, in milliseconds since 1970.
    pub made_at_ms: i64,
    /// How many changes it holds.
    pub n_changes: u64,
    /// How many chunks of sound it holds.
    pub n_chunks: u64,
}

/// What a backup says of itself to anybody: whose it is, and of when. Nothing of it is proved.
pub fn backup_head(file: &Path) -> Result<BackupHead, BackupError> {
    Ok(Closed::open(file)?.head)
}

/// Makes this machine a new device of the clinic whose backup and recovery kit these are, in `dir`, which must be empty.
///
/// The kit admits it, with the keys of every epoch and as an admin's. What the backup holds is judged like anything that
/// comes from elsewhere, and waits for the relay, which may have lost it.
///
/// # Errors
/// Whichever it is, `dir` is as empty as it was. After a kill or a power cut it may not be: the caller empties it.
pub fn restore(
    file: &Path,
    kit: &RecoveryKit,
    dir: &Path,
    holder: &dyn KeyHolder,
    ports: Ports,
    watch: Watch<'_>,
) -> Result<Restored, BackupError> {
    let closed = Closed::open(file)?;
    let head = closed.head.clone();
    let reader = closed.opened(|head| head.open_with_kit(kit))?;
    if !is_empty(dir).map_err(VaultError::from)? {
        return Err(BackupError::AlreadyHere);
    }
    let made = make(&head, reader, kit, dir, holder, ports, watch);
    if made.is_err() {
        let _ = holder.forget(); // there may be nothing yet to forget
        if let Err(error) = fs::remove_dir_all(dir).or_else(not_there) {
            tracing::warn!(kind = ?error.kind(), "what was left of a store that could not be restored is still there");
        }
    }
    made
}

fn make(
    head: &BackupHead,
    mut reader: Reader,
    kit: &RecoveryKit,
    dir: &Path,
    holder: &dyn KeyHolder,
    ports: Ports,
    watch: Watch<'_>,
) -> Result<Restored, BackupError> {
    let tenant = head.tenant();
    let Some(Record::About(about)) = reader.read()? else {
        return Err(BackupError::Damaged);
    };
    let (own, foreign, mut record) = statements(&mut reader, tenant)?;

    let mut rng = SharedRng::new(ports.rng);
    let device = DeviceKeys::make(&mut rng);
    let all = admitted(tenant, own, kit, &device, ports.clock.now().as_millisecond(), &mut rng)?;
    let secrets = MachineSecrets::make(&device, &mut rng).marked_at(holder.marks());
    fs::create_dir_all(dir).map_err(VaultError::from)?;
    holder.store(&secrets, &mut rng)?;
    let ports = Ports {
        clock: ports.clock,
        rng: Box::new(rng),
    };
    let vault = Vault::create(dir, &secrets, &all, ports)?;
    kill::point("restore.made");

    let belonging = vault.belonging();
    let mut writer = vault.inner.writer();
    writer.transaction(|conn, _, shelf, _| {
        for statement in &foreign {
            roster::insert(conn, &statement.tenant(), std::slice::from_ref(statement))?;
        }
        while let Some(one) = record {
            match one {
                Record::Grant(bytes) => sharing::absorb_consent(conn, &belonging, &Consent::Grant(bytes))?,
                Record::Revocation(bytes) => sharing::absorb_consent(conn, &belonging, &Consent::Revocation(bytes))?,
                Record::Change(bytes) => drop(sync::store(conn, &belonging, &bytes)?),
                Record::Chunk(chunk) => keep(conn, dir, &chunk)?,
                Record::About(_) | Record::Statement(_) | Record::End(_) => return Err(BackupError::Damaged),
            }
            let (done, of) = reader.progress();
            tell(watch, BackupStage::Reading, done, of)?;
            record = reader.read()?;
        }
        kill::point("restore.stored");
        judge_all(conn, &belonging, shelf, watch)?;
        outbox::put_everything(conn)?;
        kill::point("restore.judged");
        Ok::<_, BackupError>(())
    })?;
    drop(writer);
    vault.settle()?;
    kill::point("restore.committed");
    let totals = reader.totals();
    Ok(Restored {
        vault,
        relay: about.relay,
        made_at_ms: head.made_at_ms(),
        n_changes: totals.changes.n,
        n_chunks: totals.chunks.n,
    })
}

/// The statements of the clinic and of others, and the first record after them.
type Statements = (Vec<Statement>, Vec<Statement>, Option<Record>);

fn statements(reader: &mut Reader, tenant: TenantId) -> Result<Statements, BackupError> {
    let (mut own, mut foreign) = (Vec::new(), Vec::new());
    loop {
        match reader.read()? {
            Some(Record::Statement(bytes)) => {
                let statement = Statement::decode(&bytes).map_err(BackupError::in_file)?;
                let of = if statement.tenant() == tenant {
                    &mut own
                } else {
                    &mut foreign
                };
                of.push(statement);
            }
            next => return Ok((own, foreign, next)),
        }
    }
}

/// All statements of the clinic, with those by which the kit admits `device` and hands it the keys of every epoch.
fn admitted(
    tenant: TenantId,
    mut statements: Vec<Statement>,
    kit: &RecoveryKit,
    device: &DeviceKeys,
    now_ms: i64,
    rng: &mut SharedRng,
) -> Result<Vec<Statement>, BackupError> {
    let members = |statements: &[Statement]| Membership::from_statements(tenant, statements);
    // Whoever knows a kit's public key can make a container; only the kit's own clinic lets it admit anybody.
    let before = members(&statements).map_err(BackupError::in_file)?;
    let epochs = EpochSecrets::unwrap_with_kit(&before, kit).map_err(|_| BackupError::WrongKeys)?;
    let added = seal::add_device(&before, &epochs, kit, &device.public(), true, now_ms, rng)
        .map_err(|_| BackupError::WrongKeys)?;
    statements.push(added);
    let after = members(&statements).map_err(BackupError::in_file)?;
    statements.extend(seal::add_wraps(&after, &epochs, kit, now_ms, rng)?);
    Ok(statements)
}

/// Puts one chunk of sound where it belongs.
fn keep(conn: &Connection, dir: &Path, chunk: &Chunk) -> Result<(), BackupError> {
    let name = seal::chunk_name(&chunk.sealed);
    let path = files::chunk(dir, &chunk.attachment().to_string(), name.as_bytes());
    let folder = path.parent().expect("a chunk lies in its attachment's folder");
    fs::create_dir_all(folder).map_err(VaultError::from)?;
    files::write_whole(&path, &chunk.sealed, || ()).map_err(VaultError::from)?;
    let n_bytes = i64::try_from(chunk.sealed.len()).unwrap_or(i64::MAX);
    conn.prepare_cached(
        "INSERT OR IGNORE INTO chunks (attachment, place, file, n_bytes, millis) VALUES (?1, ?2, ?3, ?4, ?5)",
    )?
    .execute(params![
        chunk.attachment,
        chunk.place,
        name.as_bytes(),
        n_bytes,
        chunk.millis
    ])?;
    Ok(())
}

fn is_empty(dir: &Path) -> io::Result<bool> {
    match fs::read_dir(dir) {
        Ok(mut entries) => Ok(entries.next().is_none()),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(true),
        Err(error) => Err(error),
    }
}

fn not_there(error: io::Error) -> io::Result<()> {
    match error.kind() {
        io::ErrorKind::NotFound => Ok(()),
        _ => Err(error),
    }
}
