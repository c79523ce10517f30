//! A relay's store in its plainest form: what one clinic pushes, its devices get. Nothing crosses clinics here; the
//! consent gate is tested where it is, in the real relay's store.

use std::collections::BTreeMap;
use std::sync::Arc;

use seal::{GrantId, TenantId};
use sync_protocol::{
    AuditLine, AuditOutcome, Checked, Consent, Heads, Incarnation, OutId, Page, Pushed, Redeemed, RelayStore,
    RelayStoreFailed, ReleaseAnswer, ReleaseAsk, Roster, Wake,
};

pub struct MemoryRelay {
    incarnation: Incarnation,
    rosters: BTreeMap<TenantId, Arc<Roster>>,
    pub changes: Vec<(OutId, Vec<u8>)>,
    pub consents: Vec<Consent>,
    pub lines: Vec<AuditLine>,
}

impl MemoryRelay {
    pub fn new(incarnation: [u8; 16]) -> Self {
        Self {
            incarnation: Incarnation(incarnation),
            rosters: BTreeMap::new(),
            changes: Vec::new(),
            consents: Vec::new(),
            lines: Vec::new(),
        }
    }

    pub fn know(&mut self, roster: Roster) {
        self.rosters.insert(roster.membership().tenant(), Arc::new(roster));
    }

    pub fn become_another(&mut self, incarnation: [u8; 16]) {
        self.incarnation = Incarnation(incarnation);
    }
}

fn page_of<T: Clone>(items: &[T], page: Page, size: impl Fn(&T) -> usize) -> Vec<(u64, T)> {
    let mut n_bytes = 0;
    let numbered = items
        .iter()
        .enumerate()
        .map(|(index, item)| (index as u64 + 1, item.clone()));
    let after = numbered
        .filter(|(position, _)| *position > page.after)
        .take(page.max_items);
    after
        .enumerate()
        .take_while(|(nth, (_, item))| {
            n_bytes += size(item);
            *nth == 0 || n_bytes <= page.max_bytes
        })
        .map(|(_, item)| item)
        .collect()
}

impl RelayStore for MemoryRelay {
    fn incarnation(&self) -> Incarnation {
        self.incarnation
    }

    fn roster(&mut self, tenant: &TenantId) -> Result<Option<Arc<Roster>>, RelayStoreFailed> {
        Ok(self.rosters.get(tenant).cloned())
    }

    fn set_roster(&mut self, roster: &Roster) -> Result<(), RelayStoreFailed> {
        self.know(roster.clone());
        Ok(())
    }

    fn redeem(&mut self, _: &[u8; 32], roster: &Roster, _: i64) -> Result<Redeemed, RelayStoreFailed> {
        self.know(roster.clone());
        Ok(Redeemed::Joined)
    }

    fn heads(&mut self, _: &TenantId) -> Result<Heads, RelayStoreFailed> {
        Ok(Heads {
            changes: self.changes.len() as u64,
            consents: self.consents.len() as u64,
            audit: self.lines.len() as u64,
        })
    }

    fn changes(&mut self, _: &TenantId, page: Page) -> Result<Vec<(u64, Vec<u8>)>, RelayStoreFailed> {
        let items = page_of(&self.changes, page, |(_, bytes)| bytes.len());
        Ok(items
            .into_iter()
            .map(|(position, (_, bytes))| (position, bytes))
            .collect())
    }

    fn consents(&mut self, _: &TenantId, page: Page) -> Result<Vec<(u64, Consent)>, RelayStoreFailed> {
        Ok(page_of(&self.consents, page, |_| 1))
    }

    fn audit(&mut self, _: &TenantId, page: Page) -> Result<Vec<AuditLine>, RelayStoreFailed> {
        Ok(page_of(&self.lines, page, |_| 1)
            .into_iter()
            .map(|(_, line)| line)
            .collect())
    }

    fn push(&mut self, tenant: &TenantId, items: &[Checked], _: i64) -> Result<Pushed, RelayStoreFailed> {
        let mut pushed = Pushed {
            wake: vec![Wake::Clinic(*tenant)],
            ..Pushed::default()
        };
        for item in items {
            match item {
                Checked::Change { id, bytes } if !self.changes.iter().any(|(held, _)| *held == OutId::Change(*id)) => {
                    self.changes.push((OutId::Change(*id), bytes.clone()));
                    pushed.positions.push(self.changes.len() as u64);
                }
                Checked::Grant { bytes, .. } => self.consents.push(Consent::Grant(bytes.clone())),
                Checked::Revocation { bytes, .. } => self.consents.push(Consent::Revocation(bytes.clone())),
                Checked::Change { .. } | Checked::Release { .. } => {}
            }
            pushed.refusals.push(None);
        }
        Ok(pushed)
    }

    fn release_heads(&mut self, _: &TenantId, _: i64) -> Result<Vec<(GrantId, u64)>, RelayStoreFailed> {
        Ok(Vec::new())
    }

    fn pull_releases(&mut self, _: &ReleaseAsk) -> Result<ReleaseAnswer, RelayStoreFailed> {
        Ok(ReleaseAnswer::Denied {
            outcome: AuditOutcome::DeniedNoGrant,
            source: None,
        })
    }
}
