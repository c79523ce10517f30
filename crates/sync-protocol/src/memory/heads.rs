//! The hashes of the relay's audit lines, by the life in which each was given, and its signed heads.

use std::collections::BTreeMap;

use super::MemoryStore;
use crate::{AuditLine, AuditStore, Incarnation, SignedHead, StoreError};

/// What a [`MemoryStore`] keeps of the relay's audit beside its lines.
#[derive(Debug, Clone, Default)]
pub struct AuditKept {
    hashes: BTreeMap<(Incarnation, u64), [u8; 32]>,
    /// In the order in which they came.
    pub heads: Vec<(Incarnation, SignedHead)>,
}

impl AuditKept {
    pub(super) fn note(&mut self, incarnation: Incarnation, lines: &[AuditLine]) {
        let hashes = lines.iter().map(|line| ((incarnation, line.number), line.hash()));
        self.hashes.extend(hashes);
    }
}

impl AuditStore for MemoryStore {
    fn audit_hash(&self, incarnation: &Incarnation, number: u64) -> Result<Option<[u8; 32]>, StoreError> {
        Ok(self.lock().audit_kept.hashes.get(&(*incarnation, number)).copied())
    }

    fn newest_head(&self, incarnation: &Incarnation) -> Result<Option<SignedHead>, StoreError> {
        let held = self.lock();
        let of_this_life = held.audit_kept.heads.iter().filter(|(life, _)| life == incarnation);
        Ok(of_this_life.map(|(_, head)| *head).max_by_key(|head| head.at_ms))
    }

    fn keep_head(&self, incarnation: &Incarnation, head: &SignedHead) -> Result<(), StoreError> {
        let mut held = self.lock();
        if !held.audit_kept.heads.contains(&(*incarnation, *head)) {
            held.audit_kept.heads.push((*incarnation, *head));
        }
        Ok(())
    }
}
