//! How the set is: what is still to be sent, what waits, what was quarantined, what is missing, and whether every page
//! and every signature still holds.

use seal::{ChangeId, DeviceId, SealError, SealedChange};
use sync_protocol::PeerSet;
use sync_protocol::RelayLie;

use crate::holes::MissingSince;
use crate::reading::count;
use crate::set::{self, SetDigest, Verdict};
use crate::{Reading, Vault, VaultError, backlog, buckets, open, outbox, receipts};

/// What the status strip of every screen shows of the store.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct SyncFigures {
    /// Things that the relay does not have yet.
    pub pending: u64,
    /// Recordings of which the relay does not have all the sound that is here.
    pub sound_pending: u64,
    /// Changes that are here and still to be read: they are in no table yet.
    pub to_be_read: u64,
    /// Of so many that are here.
    pub n_changes: u64,
    /// How much has come to a device that is new ([`Reading::arriving`]).
    pub arriving: Option<u8>,
    /// Changes that wait for a parent.
    pub waiting: u64,
    /// Changes that were quarantined.
    pub quarantined: u64,
    /// Things that the relay will never take.
    pub refused: u64,
    /// What was written apart and a person must judge ([`Reading::matters`]).
    pub conflicts: u64,
    /// Holes in what other devices wrote.
    pub missing: Vec<MissingSince>,
    /// How the relay was found out, in the present life of its data.
    pub relay_lie: Option<RelayLie>,
}

/// A change that was not taken.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Quarantined {
    /// Its name.
    pub id: ChangeId,
    /// The device that its header names.
    pub device: DeviceId,
    /// Why, as a stable word.
    pub reason: String,
}

/// What [`Vault::verify`] found.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct VerifyReport {
    /// Whether every page of the file is the one that was written there.
    pub pages_hold: bool,
    /// Changes whose stored bytes are not the change that they are filed under.
    pub altered: Vec<ChangeId>,
    /// Changes whose signature or membership does not hold.
    pub unsigned: Vec<ChangeId>,
    /// Holes in what devices wrote.
    pub missing: Vec<MissingSince>,
    /// Whether the trees that the clinic's devices compare are those of what is held; `rebuild` makes them anew.
    pub trees_hold: bool,
    /// The set.
    pub set: SetDigest,
}

impl Reading<'_> {
    /// The figures of the status strip.
    pub fn sync_figures(&self) -> Result<SyncFigures, VaultError> {
        // `verdict IN (1, 2)` besides: only then does the partial index `changes_in_doubt` answer, not a scan of the set.
        let how_many = |sql: &str| Ok::<u64, VaultError>(self.one(sql, [], |row| Ok(count(row, 0)?))?.unwrap_or(0));
        Ok(SyncFigures {
            pending: outbox::pending(self.conn())?,
            sound_pending: how_many("SELECT count(DISTINCT attachment) FROM chunks WHERE at_relay = 0")?,
            to_be_read: backlog::to_be_read(self.conn())?,
            arriving: self.arriving()?,
            n_changes: buckets::total(self.conn(), PeerSet::Changes)?,
            waiting: how_many("SELECT count(*) FROM changes WHERE verdict IN (1, 2) AND verdict = 1")?,
            quarantined: how_many("SELECT count(*) FROM changes WHERE verdict IN (1, 2) AND verdict = 2")?,
            refused: how_many("SELECT count(*) FROM refused")?,
            conflicts: self.n_matters()?,
            missing: self.missing()?,
            relay_lie: receipts::lie(self.conn())?,
        })
    }

    /// Everything that was quarantined, in the order in which it came.
    pub fn quarantined(&self) -> Result<Vec<Quarantined>, VaultError> {
        let sql = "SELECT id, device, coalesce(reason, '') FROM changes WHERE verdict IN (1, 2) AND verdict = ?1 ORDER BY arrival";
        self.many(sql, [Verdict::Quarantined as i64], |row| {
            Ok(Quarantined {
                id: ChangeId::from_bytes(row.get(0)?),
                device: DeviceId::from_bytes(row.get(1)?),
                reason: row.get(2)?,
            })
        })
    }
}

impl Vault {
    /// Reads everything and checks it against what it claims to be. Changes nothing.
    pub fn verify(&self) -> Result<VerifyReport, VaultError> {
        self.checkpoint()?;
        self.read(|r| {
            let membership = &r.belonging().membership;
            let mut altered = Vec::new();
            let mut unsigned = Vec::new();
            r.many("SELECT id, sealed FROM changes WHERE kind >= 0", [], |row| {
                let id = ChangeId::from_bytes(row.get(0)?);
                let sealed = row.get_ref(1)?.as_blob().map_err(|_| VaultError::Damaged)?;
                match SealedChange::decode(sealed) {
                    Ok(change) if change.id() == id => {
                        // What a removed device wrote too late is genuine all the same.
                        let holds = matches!(change.verify(membership), Ok(()) | Err(SealError::BeyondRemoval));
                        unsigned.extend((!holds).then_some(id));
                    }
                    _ => altered.push(id),
                }
                Ok(())
            })?;
            let pages_hold = open::every_page_holds(r.conn());
            Ok(VerifyReport {
                pages_hold,
                altered,
                unsigned,
                missing: r.missing()?,
                trees_hold: buckets::hold(r.conn())?,
                set: set::digest(r.conn())?,
            })
        })
    }
}
