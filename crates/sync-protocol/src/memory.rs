//! The contract of [`SyncStore`] in its plainest form: maps behind a lock, gone when dropped.
//!
//! For tests and simulations, of this crate and of those above it. It verifies nothing; a change that does not decode
//! is quarantined, as the contract asks.

mod chunks;
mod heads;
mod mail;
mod peers;

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Mutex, MutexGuard};

use seal::{ChangeId, Grant, GrantId, Release, ReleaseId, Revocation, SealedChange, TenantId};

pub use self::chunks::Chunks;
pub use self::heads::AuditKept;
pub use self::mail::Mailed;
use self::peers::Arrivals;
use crate::{
    AuditLine, Claims, Consent, Cursor, FormerLife, Incarnation, OutId, OutItem, PeerSet, Refusal, RelayLie,
    RelayStanding, Scope, SignedReceipt, StoreError, SyncStore, Usage, UsageStore, WantedFirst, name_of_change,
};

/// A store in memory.
pub struct MemoryStore {
    tenant: TenantId,
    held: Mutex<Held>,
    claims: Claims,
}

/// What a [`MemoryStore`] holds, to be looked at by tests.
#[derive(Debug, Clone, Default)]
pub struct Held {
    /// The own clinic's statements.
    pub statements: BTreeSet<Vec<u8>>,
    /// Other clinics' statements.
    pub foreign_statements: BTreeMap<TenantId, BTreeSet<Vec<u8>>>,
    /// Sealed changes.
    pub changes: BTreeMap<ChangeId, Vec<u8>>,
    /// Changes that did not decode.
    pub quarantined: Vec<Vec<u8>>,
    /// Grants, given and received.
    pub grants: BTreeMap<GrantId, Vec<u8>>,
    /// Revocations, by giver and grant.
    pub revocations: BTreeMap<(TenantId, GrantId), Vec<u8>>,
    /// Releases, made and received.
    pub releases: BTreeMap<ReleaseId, Vec<u8>>,
    /// The relay's audit chain.
    pub audit: Vec<AuditLine>,
    /// Its lines' hashes and its signed heads.
    pub audit_kept: AuditKept,
    /// What waits to be sent, in the order of writing.
    pub outbox: Vec<OutItem>,
    /// Changes that the relay's new life perhaps has: those that its feed does not bring are queued then.
    pub perhaps_sent: BTreeMap<ChangeId, Vec<u8>>,
    /// What the relay would not take.
    pub refused: Vec<(OutId, Refusal)>,
    /// Cursors.
    pub cursors: BTreeMap<(Incarnation, Scope), u64>,
    /// The relay's last known incarnation.
    pub incarnation: Option<Incarnation>,
    /// What is known of the relay, by incarnation; the chains are in `chains`.
    pub relay: BTreeMap<Incarnation, RelayStanding>,
    /// How the relay was found out.
    pub lies: Vec<RelayLie>,
    /// How many people are on the clinic's staff, if that is known here.
    pub n_staff: Option<u32>,
    /// What the relay said last of the clinic's plan.
    pub usage: Option<Usage>,
    /// The changes that it wants before all others.
    pub wanted_first: Vec<ChangeId>,
    /// How far it came, of how much.
    pub came_to: (u64, u64),
    /// Chunks of attachments, and those that are wanted.
    pub chunks: Chunks,
    /// Messages between clinics, and the directory.
    pub mailed: Mailed,
    chains: BTreeMap<(Incarnation, Scope), Option<[u8; 32]>>,
    /// Where in `quarantined` a name stands.
    unreadable: BTreeMap<ChangeId, usize>,
    arrivals: Arrivals,
}

impl MemoryStore {
    /// A store of this clinic that holds its statements and nothing else.
    pub fn new(tenant: TenantId, statements: impl IntoIterator<Item = Vec<u8>>) -> Self {
        let held = Held {
            statements: statements.into_iter().collect(),
            ..Held::default()
        };
        Self {
            tenant,
            held: Mutex::new(held),
            claims: Claims::new(|| ()),
        }
    }

    /// What the store holds now.
    pub fn held(&self) -> Held {
        self.lock().clone()
    }

    /// Writes something that this device made: kept, and queued for the relay.
    pub fn write(&self, item: OutItem) {
        let mut held = self.lock();
        held.keep(&item);
        held.outbox.push(item);
    }

    /// So many people are on the clinic's staff.
    pub fn set_staff(&self, n_staff: u32) {
        self.lock().n_staff = Some(n_staff);
    }

    /// These are wanted before all others.
    pub fn want_first(&self, ids: Vec<ChangeId>) {
        self.lock().wanted_first = ids;
    }

    fn lock(&self) -> MutexGuard<'_, Held> {
        self.held.lock().expect("no test panics while it holds the store")
    }
}

impl Held {
    fn keep(&mut self, item: &OutItem) {
        let bytes = item.bytes.clone();
        match item.id {
            OutId::Change(_) => drop(self.take_change(bytes)),
            OutId::Grant(_) => drop(self.take_consent(Consent::Grant(bytes))),
            OutId::Revocation(_) => drop(self.take_consent(Consent::Revocation(bytes))),
            OutId::Release(id) => drop(self.releases.insert(id, bytes)),
            OutId::Covered(_) | OutId::Erased(_) => {}
        }
    }

    /// Keeps a change; returns its id if it is new and can be read.
    fn take_change(&mut self, bytes: Vec<u8>) -> Option<OutId> {
        let id = name_of_change(&bytes);
        let is_new = self.arrivals.note(PeerSet::Changes, id.into());
        if SealedChange::decode(&bytes).is_ok() {
            self.changes.insert(id, bytes);
            return is_new.then_some(OutId::Change(id));
        }
        if is_new {
            self.unreadable.insert(id, self.quarantined.len());
            self.quarantined.push(bytes);
        }
        None
    }

    /// Keeps a grant or a revocation; returns its id if it is new.
    fn take_consent(&mut self, consent: Consent) -> Option<OutId> {
        let name = consent.item_id().ok()?;
        let is_new = self.arrivals.note(PeerSet::Consents, name);
        let id = match consent {
            Consent::Grant(bytes) => {
                let id = Grant::decode(&bytes).ok()?.clear().id;
                self.grants.insert(id, bytes);
                OutId::Grant(id)
            }
            Consent::Revocation(bytes) => {
                let id = Revocation::decode(&bytes).ok()?.grant();
                self.revoke(bytes);
                OutId::Revocation(id)
            }
        };
        is_new.then_some(id)
    }

    fn revoke(&mut self, bytes: Vec<u8>) {
        if let Ok(revocation) = Revocation::decode(&bytes) {
            let grant = revocation.grant();
            self.revocations.insert((revocation.source(), grant), bytes);
            self.releases.retain(|_, release| {
                Release::decode(release).is_ok_and(|release| !release.header().grants.contains(&grant))
            });
        }
    }

    fn is_revoked(&self, grant: &Grant) -> bool {
        self.revocations.contains_key(&(grant.clear().source, grant.clear().id))
    }

    fn everything(&self) -> Vec<OutItem> {
        let item = |id, bytes: &Vec<u8>| OutItem {
            id,
            bytes: bytes.clone(),
        };
        let grants = self.grants.iter().map(|(id, bytes)| item(OutId::Grant(*id), bytes));
        let revocations = self
            .revocations
            .iter()
            .map(|((_, id), bytes)| item(OutId::Revocation(*id), bytes));
        let changes = self.changes.iter().map(|(id, bytes)| item(OutId::Change(*id), bytes));
        let releases = self.releases.iter().map(|(id, bytes)| item(OutId::Release(*id), bytes));
        grants.chain(revocations).chain(changes).chain(releases).collect()
    }

    fn former(&self, now: &Incarnation) -> Vec<FormerLife> {
        let lives: BTreeSet<_> = self.cursors.keys().map(|(life, _)| *life).collect();
        let at = |life, scope| self.cursors.get(&(life, scope)).copied().unwrap_or(0);
        lives
            .into_iter()
            .filter(|life| life != now)
            .map(|life| FormerLife {
                incarnation: life,
                changes: at(life, Scope::Changes),
                consents: at(life, Scope::Consents),
            })
            .collect()
    }

    fn advance(&mut self, cursor: &Cursor) {
        let position = self.cursors.entry((cursor.incarnation, cursor.scope)).or_default();
        *position = cursor.position.max(*position);
        self.chains.insert((cursor.incarnation, cursor.scope), cursor.chain);
        if let Some(receipt) = cursor.receipt {
            self.relay.entry(cursor.incarnation).or_default().receipt = Some(receipt);
        }
    }
}

impl UsageStore for MemoryStore {
    fn n_staff(&self) -> Result<Option<u32>, StoreError> {
        Ok(self.lock().n_staff)
    }

    fn keep_usage(&self, usage: &Usage) -> Result<(), StoreError> {
        self.lock().usage = Some(usage.clone());
        Ok(())
    }
}

impl WantedFirst for MemoryStore {
    fn wanted_first(&self) -> Result<Vec<ChangeId>, StoreError> {
        Ok(self.lock().wanted_first.clone())
    }

    fn lacking_of(&self, ids: &[ChangeId]) -> Result<Vec<ChangeId>, StoreError> {
        let held = self.lock();
        let lacking = ids.iter().filter(|id| !held.changes.contains_key(id));
        Ok(lacking.copied().collect())
    }

    fn absorb_first(&self, changes: Vec<Vec<u8>>) -> Result<(), StoreError> {
        let mut held = self.lock();
        for bytes in changes {
            held.take_change(bytes);
        }
        Ok(())
    }

    fn came_to(&self, position: u64, of: u64) -> Result<(), StoreError> {
        let mut held = self.lock();
        held.came_to = (position, of);
        if position >= of {
            for (id, bytes) in std::mem::take(&mut held.perhaps_sent) {
                let id = OutId::Change(id);
                held.outbox.push(OutItem { id, bytes });
            }
        }
        Ok(())
    }

    fn forget_wanted_first(&self) -> Result<(), StoreError> {
        self.lock().wanted_first.clear();
        Ok(())
    }
}

impl SyncStore for MemoryStore {
    fn tenant(&self) -> TenantId {
        self.tenant
    }

    fn statements(&self) -> Result<Vec<Vec<u8>>, StoreError> {
        Ok(self.lock().statements.iter().cloned().collect())
    }

    fn absorb_statements(&self, statements: Vec<Vec<u8>>) -> Result<(), StoreError> {
        self.lock().statements.extend(statements);
        Ok(())
    }

    fn absorb_foreign_statements(&self, tenant: TenantId, statements: Vec<Vec<u8>>) -> Result<(), StoreError> {
        self.lock()
            .foreign_statements
            .entry(tenant)
            .or_default()
            .extend(statements);
        Ok(())
    }

    fn outbox(&self, max_items: usize, max_bytes: usize) -> Result<Vec<OutItem>, StoreError> {
        let held = self.lock();
        let mut n_bytes = 0;
        let fits = held.outbox.iter().take(max_items).take_while(|item| {
            let first = n_bytes == 0;
            n_bytes += item.bytes.len();
            first || n_bytes <= max_bytes
        });
        Ok(fits.cloned().collect())
    }

    fn pending(&self) -> Result<u64, StoreError> {
        let held = self.lock();
        Ok((held.outbox.len() + held.perhaps_sent.len()) as u64)
    }

    fn mark_sent(&self, ids: &[OutId]) -> Result<(), StoreError> {
        self.lock().outbox.retain(|item| !ids.contains(&item.id));
        Ok(())
    }

    fn mark_refused(&self, items: &[(OutId, Refusal)]) -> Result<(), StoreError> {
        let mut held = self.lock();
        held.outbox.retain(|item| !items.iter().any(|(id, _)| *id == item.id));
        held.refused.extend(items);
        Ok(())
    }

    fn begin_incarnation(&self, incarnation: &Incarnation) -> Result<(), StoreError> {
        let mut held = self.lock();
        if held
            .incarnation
            .replace(*incarnation)
            .is_some_and(|last| last != *incarnation)
        {
            let everything = held.everything();
            let waited: BTreeSet<OutId> = held.outbox.iter().map(|item| item.id).collect();
            held.outbox.clear();
            for item in everything {
                match item.id {
                    OutId::Change(id) if !waited.contains(&item.id) => drop(held.perhaps_sent.insert(id, item.bytes)),
                    _ => held.outbox.push(item),
                }
            }
        }
        Ok(())
    }

    fn cursor(&self, incarnation: &Incarnation, scope: &Scope) -> Result<u64, StoreError> {
        Ok(self.lock().cursors.get(&(*incarnation, *scope)).copied().unwrap_or(0))
    }

    fn relay_standing(&self, incarnation: &Incarnation) -> Result<RelayStanding, StoreError> {
        let held = self.lock();
        let chain = |scope| held.chains.get(&(*incarnation, scope)).copied().flatten();
        Ok(RelayStanding {
            changes_chain: chain(Scope::Changes),
            consents_chain: chain(Scope::Consents),
            former: held.former(incarnation),
            ..held.relay.get(incarnation).cloned().unwrap_or_default()
        })
    }

    fn last_incarnation(&self) -> Result<Option<Incarnation>, StoreError> {
        Ok(self.lock().incarnation)
    }

    fn keep_receipt(
        &self,
        incarnation: &Incarnation,
        key: &[u8; 32],
        receipt: Option<&SignedReceipt>,
    ) -> Result<(), StoreError> {
        let mut held = self.lock();
        let standing = held.relay.entry(*incarnation).or_default();
        standing.key = standing.key.or(Some(*key));
        standing.receipt = receipt.copied().or(standing.receipt);
        Ok(())
    }

    fn note_lie(&self, _: &Incarnation, lie: RelayLie) -> Result<(), StoreError> {
        self.lock().lies.push(lie);
        Ok(())
    }

    fn absorb_changes(&self, cursor: &Cursor, changes: Vec<Vec<u8>>) -> Result<(), StoreError> {
        let mut held = self.lock();
        for bytes in changes {
            held.perhaps_sent.remove(&name_of_change(&bytes));
            held.take_change(bytes);
        }
        held.advance(cursor);
        Ok(())
    }

    fn absorb_consents(&self, cursor: &Cursor, consents: Vec<Consent>) -> Result<(), StoreError> {
        let mut held = self.lock();
        for consent in consents {
            held.take_consent(consent);
        }
        held.advance(cursor);
        Ok(())
    }

    fn absorb_releases(&self, cursor: &Cursor, releases: Vec<Vec<u8>>) -> Result<(), StoreError> {
        let mut held = self.lock();
        let Scope::Releases(id) = cursor.scope else {
            return Err(StoreError::Failed("not_a_grant"));
        };
        let grant = held.grants.get(&id).and_then(|bytes| Grant::decode(bytes).ok());
        if grant.is_none_or(|grant| !held.is_revoked(&grant)) {
            let decoded = releases
                .into_iter()
                .filter_map(|bytes| Some((Release::decode(&bytes).ok()?, bytes)));
            for (release, bytes) in decoded {
                if let Some(old) = &release.header().supersedes {
                    held.releases.remove(old);
                }
                held.releases.insert(release.header().id, bytes);
            }
        }
        held.advance(cursor);
        Ok(())
    }

    fn absorb_relay_audit(&self, cursor: &Cursor, lines: Vec<AuditLine>) -> Result<(), StoreError> {
        let mut held = self.lock();
        held.audit_kept.note(cursor.incarnation, &lines);
        let known = held.audit.last().map_or(0, |line| line.number);
        held.audit.extend(lines.into_iter().filter(|line| line.number > known));
        held.advance(cursor);
        // Also back: of a chain that was cut off, what comes in place of its end is wanted.
        held.cursors.insert((cursor.incarnation, cursor.scope), cursor.position);
        Ok(())
    }

    fn inbound_grants(&self, now_ms: i64) -> Result<Vec<GrantId>, StoreError> {
        let held = self.lock();
        let grants = held.grants.values().filter_map(|bytes| Grant::decode(bytes).ok());
        let live = grants.filter(|grant| {
            let clear = grant.clear();
            clear.recipient == self.tenant && now_ms < clear.until_ms && !held.is_revoked(grant)
        });
        Ok(live.map(|grant| grant.clear().id).collect())
    }
}
