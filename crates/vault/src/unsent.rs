//! What no relay has, carried by hand.
//!
//! A device that was removed is refused by the relay and by the clinic's other devices. What it wrote and could not send
//! is neither lost nor locked in: it goes into a file as it is sealed and signed, a member takes that file in, and it is
//! put aside there for a person to look at, like anything that was written after a removal. Only the clinic's devices can
//! read it; a file that was tampered with gives nothing that they would not refuse.

use minicbor::bytes::{ByteArray, ByteVec};
use minicbor::{Decode, Encode};
use rusqlite::params;
use seal::{SealError, SealedChange, Statement};
use sync_protocol::{Consent, ItemId, PeerSet, PeerStore, StoreError};

use crate::outbox::{Kind, TAIL};
use crate::{Vault, VaultError, roster};

/// The version of the file; a newer one is refused.
const VERSION: u16 = 1;

/// The largest file that is looked into, in bytes.
pub const MAX_UNSENT_BYTES: usize = 256 * 1024 * 1024;

/// The most statements of a file that may be new to whoever takes it in: the device may have begun an epoch or two on its
/// own. More would let a thief fill the clinic's statements up to the relay's limit.
const MAX_NEW_STATEMENTS: usize = 64;

/// So many changes are taken in by one transaction.
const A_BATCH: usize = 256;

#[derive(Encode, Decode)]
#[cbor(map)]
pub(crate) struct Carried {
    #[n(0)]
    version: u16,
    #[n(1)]
    tenant: ByteArray<32>,
    /// All statements of the clinic that the device has: it may have begun an epoch that nobody else knows of.
    #[n(2)]
    statements: Vec<ByteVec>,
    /// Sealed changes, in the order of writing.
    #[n(3)]
    changes: Vec<ByteVec>,
    /// Grants and revocations: what a patient took back must not be forgotten with the device.
    #[n(4)]
    consents: Vec<Consent>,
}

impl Vault {
    /// Everything that waits for the relay, for a file; and how many changes that are.
    pub fn unsent(&self) -> Result<(Vec<u8>, u64), VaultError> {
        self.settle()?;
        let carried = self.read(|r| {
            let sql = format!(
                "SELECT sealed FROM (SELECT c.arrival, c.sealed FROM changes_to_send s JOIN changes c ON c.arrival = s.arrival
                                     UNION ALL SELECT c.arrival, c.sealed FROM changes_perhaps_sent s
                                               JOIN changes c ON c.arrival = s.arrival
                                     UNION ALL SELECT arrival, sealed FROM {TAIL}) ORDER BY arrival"
            );
            let changes = r.many(&sql, [], |row| Ok(row.get::<_, Vec<u8>>(0)?.into()))?;
            let grants =
                "SELECT g.bytes FROM outbox o JOIN grants g ON g.id = o.id WHERE o.kind = ?1 AND g.source = ?2";
            let revocations = "SELECT r.bytes FROM outbox o JOIN revocations r ON r.grant_id = o.id
                               WHERE o.kind = ?1 AND r.source = ?2";
            let tenant = self.inner.tenant.as_bytes();
            let mut consents = r.many(grants, params![Kind::Grant as i64, tenant], |row| {
                Ok(Consent::Grant(row.get(0)?))
            })?;
            consents.extend(r.many(revocations, params![Kind::Revocation as i64, tenant], |row| {
                Ok(Consent::Revocation(row.get(0)?))
            })?);
            let statements = roster::read(r.conn(), &self.inner.tenant)?;
            Ok::<_, VaultError>(Carried {
                version: VERSION,
                tenant: (*self.inner.tenant.as_bytes()).into(),
                statements: statements.iter().map(|one| one.bytes().into()).collect(),
                changes,
                consents,
            })
        })?;
        let bytes = minicbor::to_vec(&carried).expect("writing to a Vec cannot fail");
        Ok((bytes, carried.changes.len() as u64))
    }

    /// Takes in what another device of this clinic could not send; gives how many changes were new here. They are judged
    /// like all others, and go on to the relay.
    ///
    /// # Errors
    /// [`VaultError::Malformed`] for what is no such file, another clinic's, or brings more statements than an honest device
    /// would; [`VaultError::Removed`] on a device that does not belong itself.
    pub fn take_in_unsent(&self, bytes: &[u8]) -> Result<u64, VaultError> {
        if !self.belonging().is_member() {
            return Err(VaultError::Removed);
        }
        let carried = read(bytes).filter(|carried| *carried.tenant == *self.inner.tenant.as_bytes());
        let carried = carried.ok_or(VaultError::Malformed("unsent"))?;
        let held = self.belonging();
        let statements = carried.statements.iter().filter_map(|one| Statement::decode(one).ok());
        let new = statements.filter(|one| !held.membership.keeps(&one.id()));
        let new: Vec<Statement> = new.collect();
        if new.len() > MAX_NEW_STATEMENTS {
            return Err(VaultError::Malformed("unsent"));
        }
        self.add_statements(&new)?;

        self.absorb_consents_from_peer(carried.consents).map_err(store_failed)?;

        let belonging = self.belonging();
        let genuine = carried.changes.iter().filter_map(|bytes| {
            let change = SealedChange::decode(bytes).ok()?;
            // What this clinic's devices signed, removed ones included, and nothing else.
            let signed = matches!(
                change.verify(&belonging.membership),
                Ok(()) | Err(SealError::BeyondRemoval)
            );
            (signed && change.body().is_some()).then(|| (ItemId::from(change.id()), bytes.to_vec()))
        });
        let genuine: Vec<(ItemId, Vec<u8>)> = genuine.collect();
        let mut n_new = 0;
        for batch in genuine.chunks(A_BATCH) {
            let ids: Vec<ItemId> = batch.iter().map(|(id, _)| *id).collect();
            let lacking = self.lacking(PeerSet::Changes, &ids).map_err(store_failed)?;
            let new = batch.iter().filter(|(id, _)| lacking.contains(id));
            self.absorb_changes_from_peer(new.map(|(_, bytes)| bytes.clone()).collect())
                .map_err(store_failed)?;
            n_new += lacking.len() as u64;
        }
        Ok(n_new)
    }
}

/// Reads such a file; `None` for what is none, or a newer build's.
pub(crate) fn read(bytes: &[u8]) -> Option<Carried> {
    if bytes.len() > MAX_UNSENT_BYTES {
        return None;
    }
    let carried: Carried = minicbor::decode(bytes).ok()?;
    (carried.version <= VERSION).then_some(carried)
}

fn store_failed(error: StoreError) -> VaultError {
    match error {
        StoreError::DiskFull => VaultError::DiskFull,
        _ => VaultError::Damaged,
    }
}
