//! Is what the relay gives what it signed for?
//!
//! The device computes the chain of each feed as it takes it, and compares it with the relay's receipts. A lie never stops
//! syncing: what comes is genuine by its own signatures, and what does not come is found on the LAN. It is told to people.

use std::collections::BTreeMap;

use seal::{ChangeId, SealedChange, TenantId};

use crate::{
    ChangeItem, Consent, Cursors, FormerLife, Incarnation, NO_CHAIN, RelayLie, RelayStanding, SignedReceipt, follow,
};

/// What one connection knows of where the relay stands.
pub(super) struct Standing {
    tenant: TenantId,
    incarnation: Incarnation,
    /// `None`: a relay that gives no receipts; then nothing is compared.
    key: Option<[u8; 32]>,
    changes: Reached,
    consents: Reached,
    newest: Option<SignedReceipt>,
    /// What comes next leads up to this one.
    due: Option<SignedReceipt>,
    /// What this connection pushed and has not come back, by position: it comes without its bytes.
    own: BTreeMap<u64, ChangeId>,
    lie: Option<RelayLie>,
    /// How far the store had come in other lives of the relay's data.
    pub(super) former: Vec<FormerLife>,
}

struct Reached {
    position: u64,
    chain: Option<[u8; 32]>,
}

impl Reached {
    fn at(position: u64, chain: Option<[u8; 32]>) -> Self {
        let chain = if position == 0 { Some(NO_CHAIN) } else { chain };
        Self { position, chain }
    }

    /// The chain with one name more. What a newer build wrote has no name here: the next receipt tells how it goes on.
    fn followed_by(&self, name: Option<ChangeId>) -> Option<[u8; 32]> {
        Some(follow(&self.chain?, name?.as_bytes()))
    }
}

fn name_of(change: &[u8]) -> Option<ChangeId> {
    Some(SealedChange::decode(change).ok()?.id())
}

impl Standing {
    pub(super) fn begin(tenant: TenantId, cursors: &Cursors, known: RelayStanding) -> Self {
        // A receipt for this very position knows the chain, too.
        let signed = known.receipt;
        let changes = signed.filter(|receipt| receipt.changes == cursors.changes);
        let consents = signed.filter(|receipt| receipt.consents == cursors.consents);
        let changes_chain = known.changes_chain.or(changes.map(|receipt| receipt.changes_chain));
        let consents_chain = known.consents_chain.or(consents.map(|receipt| receipt.consents_chain));
        Self {
            tenant,
            incarnation: cursors.incarnation,
            key: known.key,
            changes: Reached::at(cursors.changes, changes_chain),
            consents: Reached::at(cursors.consents, consents_chain),
            newest: known.receipt,
            due: None,
            own: BTreeMap::new(),
            lie: None,
            former: known.former,
        }
    }

    /// The sum of both chains, when they are known.
    pub(super) fn sum(&self) -> Option<[u8; 32]> {
        Some(crate::sum_of_chains(&self.changes.chain?, &self.consents.chain?))
    }

    pub(super) fn newest(&self) -> Option<SignedReceipt> {
        self.newest
    }

    /// The key of the relay that welcomes; it is the one of this life of its data, or the relay has two faces. Returns
    /// whether receipts count from now on.
    pub(super) fn met(&mut self, key: Option<[u8; 32]>) -> bool {
        if self.key.is_some() && key.is_some() && self.key != key {
            self.lie = Some(RelayLie::TwoFaces);
        }
        self.key = self.key.or(key);
        self.key.is_some()
    }

    /// The relay says where it stands; what it gives next leads there.
    pub(super) fn announce(&mut self, receipt: SignedReceipt) {
        self.due = Some(receipt);
    }

    /// A push was given this position.
    pub(super) fn own(&mut self, position: u64, change: ChangeId) {
        if self.key.is_some() {
            self.own.insert(position, change);
        }
    }

    /// The next positions of the changes. What was here already is passed over.
    pub(super) fn changes(&mut self, items: &[ChangeItem]) {
        for item in items {
            if item.position <= self.changes.position {
                continue;
            }
            let own = self.own.remove(&item.position);
            let is_next = item.position == self.changes.position.saturating_add(1);
            let chain = match (&item.bytes, item.skipped) {
                // A snapshot covers what is skipped; should that be a lie, the writers' numbers have a hole.
                (None, Some(chain)) => Some(chain.into()),
                (Some(bytes), _) if is_next => self.changes.followed_by(name_of(bytes)),
                (None, None) if is_next && own.is_some() => self.changes.followed_by(own),
                _ => {
                    self.found(RelayLie::LeftOut);
                    None
                }
            };
            let position = item.position;
            self.changes = Reached { position, chain };
        }
    }

    /// The next positions of the consents. What was here already is passed over.
    pub(super) fn consents<'a>(&mut self, items: impl Iterator<Item = (u64, &'a Consent)>) {
        for (position, consent) in items {
            if position <= self.consents.position {
                continue;
            }
            let chain = if position == self.consents.position + 1 {
                let name = consent.item_id().ok();
                self.consents
                    .followed_by(name.map(|name| ChangeId::from_bytes(*name.as_bytes())))
            } else {
                self.found(RelayLie::LeftOut);
                None
            };
            self.consents = Reached { position, chain };
        }
    }

    /// The receipt that was announced, once its positions are reached: compared, and from now on the newest.
    pub(super) fn settle(&mut self) -> Option<SignedReceipt> {
        let receipt = self.due?;
        let key = self.key?;
        if (self.changes.position, self.consents.position) != (receipt.changes, receipt.consents) {
            return None;
        }
        self.due = None;
        if receipt.verify(self.tenant, self.incarnation, &key).is_err() {
            self.found(RelayLie::TwoFaces);
            return None;
        }
        if let Some(before) = self.newest.filter(|before| !before.agrees_with(&receipt)) {
            let less = receipt.changes < before.changes || receipt.consents < before.consents;
            self.found(if less { RelayLie::Forgot } else { RelayLie::TwoFaces });
        }
        let differs = |computed: Option<[u8; 32]>, signed| computed.is_some_and(|chain| chain != signed);
        if differs(self.changes.chain, receipt.changes_chain) || differs(self.consents.chain, receipt.consents_chain) {
            self.found(RelayLie::LeftOut);
        }
        // Also after a lie: one is told once, and the next is found again.
        self.changes.chain = Some(receipt.changes_chain);
        self.consents.chain = Some(receipt.consents_chain);
        self.newest = Some(receipt);
        Some(receipt)
    }

    /// Where the changes are, and the chain there.
    pub(super) fn at_changes(&self) -> (u64, Option<[u8; 32]>) {
        (self.changes.position, self.changes.chain)
    }

    /// Where the consents are, and the chain there.
    pub(super) fn at_consents(&self) -> (u64, Option<[u8; 32]>) {
        (self.consents.position, self.consents.chain)
    }

    /// What was found out since the last call.
    pub(super) fn take_lie(&mut self) -> Option<RelayLie> {
        self.lie.take()
    }

    /// The key that verifies what the relay signs; `None` when it signs nothing.
    pub(super) fn key(&self) -> Option<[u8; 32]> {
        self.key
    }

    pub(super) fn found(&mut self, lie: RelayLie) {
        if self.key.is_some() {
            self.lie = self.lie.or(Some(lie));
        }
    }
}
