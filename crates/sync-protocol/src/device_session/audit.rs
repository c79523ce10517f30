//! Is the audit that the relay gives the one that it signed for?
//!
//! Each line must follow from the one before, and each signed head must agree with the lines that are here and with every
//! head before it. A lie never stops syncing: what came is kept, and it is told to people.

use minicbor::bytes::ByteVec;

use super::{DeviceError, DeviceStep, Live};
use crate::{
    AuditLine, Cursors, Feed, Incarnation, RelayLie, Scope, SignedHead, StoreError, SyncStore, WireError,
    limits::WITH_HEADS,
};

/// What one connection knows of the audit's chain.
pub(super) struct Heads {
    /// The hash of the last line that is stored; `None` when it is not known.
    last: Option<[u8; 32]>,
    newest: Option<SignedHead>,
    /// A head for lines that are still to come.
    due: Option<SignedHead>,
}

impl Heads {
    pub(super) fn begin(store: &dyn SyncStore, cursors: &Cursors) -> Result<Self, StoreError> {
        Ok(Self {
            last: Self::last_at(store, &cursors.incarnation, cursors.audit)?,
            newest: store.newest_head(&cursors.incarnation)?,
            due: None,
        })
    }

    fn last_at(store: &dyn SyncStore, life: &Incarnation, number: u64) -> Result<Option<[u8; 32]>, StoreError> {
        match number {
            0 => Ok(Some([0; 32])),
            number => store.audit_hash(life, number),
        }
    }

    /// The next lines after a position; whether they follow, and are the ones that were signed for.
    fn follow(&mut self, mut position: u64, lines: &[AuditLine]) -> bool {
        let mut holds = true;
        for line in lines {
            let hash = line.hash();
            let is_next = position.checked_add(1) == Some(line.number);
            let follows = self.last.is_none_or(|last| last == line.previous);
            let mut signed = [self.newest, self.due].into_iter().flatten();
            let as_signed = signed.all(|head| head.number != line.number || head.hash == hash);
            holds &= is_next && follows && as_signed;
            position = line.number;
            self.last = Some(hash);
        }
        holds
    }
}

impl Live {
    /// The relay has so many lines. If that is less than are here, they were cut off: what comes in their place is heard.
    pub(super) fn see_where_the_audit_ends(&mut self, store: &dyn SyncStore, at: u64) -> Result<(), StoreError> {
        if self.audit > at || self.heads.newest.is_some_and(|head| head.number > at) {
            self.standing.found(RelayLie::AuditChanged);
        }
        if self.audit > at {
            store.absorb_relay_audit(&self.cursor(Scope::Audit, at), Vec::new())?;
            self.audit = at;
            self.heads.last = Heads::last_at(store, &self.incarnation, at)?;
        }
        Ok(())
    }

    pub(super) fn absorb_audit(
        &mut self,
        store: &dyn SyncStore,
        lines: &[ByteVec],
        step: &mut DeviceStep,
    ) -> Result<(), DeviceError> {
        let lines = lines
            .iter()
            .map(|bytes| AuditLine::decode(bytes))
            .collect::<Result<Vec<_>, _>>();
        let lines = lines.map_err(|_| WireError::Malformed)?;
        let position = lines.last().ok_or(DeviceError::Unexpected)?.number;
        if !self.heads.follow(self.audit, &lines) {
            self.standing.found(RelayLie::AuditChanged);
        }
        store.absorb_relay_audit(&self.cursor(Scope::Audit, position), lines)?;
        step.stored(Feed::Audit, position);
        self.audit = position;
        if let Some(head) = self.heads.due.take_if(|head| head.number <= position) {
            self.compare_head(store, &head)?;
        }
        self.note_lie(store)?;
        self.look_whether_caught_up(store, step)
    }

    /// The relay's signed head of the day. It is kept whatever it says, if the relay signed it.
    pub(super) fn hear_head(&mut self, store: &dyn SyncStore, head: SignedHead) -> Result<(), DeviceError> {
        if self.version < WITH_HEADS {
            return Err(DeviceError::Unexpected);
        }
        let Some(key) = self.standing.key() else {
            return Ok(());
        };
        if head.verify(store.tenant(), self.incarnation, &key).is_err() {
            self.standing.found(RelayLie::AuditChanged);
            return Ok(self.note_lie(store)?);
        }
        // It had signed for lines that did not come since.
        let is_owing = self.heads.due.take().is_some_and(|due| due.number > self.audit);
        let differs = self.heads.newest.is_some_and(|newest| !newest.agrees_with(&head));
        if is_owing || differs {
            self.standing.found(RelayLie::AuditChanged);
        }
        store.keep_head(&self.incarnation, &head)?;
        if self.heads.newest.is_none_or(|newest| newest.at_ms <= head.at_ms) {
            self.heads.newest = Some(head);
        }
        if head.number > self.audit {
            self.heads.due = Some(head);
        } else {
            self.compare_head(store, &head)?;
        }
        Ok(self.note_lie(store)?)
    }

    /// With the line of its number, which has come.
    fn compare_head(&mut self, store: &dyn SyncStore, head: &SignedHead) -> Result<(), StoreError> {
        let held = if head.number == self.audit {
            self.heads.last
        } else {
            store.audit_hash(&self.incarnation, head.number)?
        };
        if held.is_some_and(|hash| hash != head.hash) {
            self.standing.found(RelayLie::AuditChanged);
        }
        Ok(())
    }
}
