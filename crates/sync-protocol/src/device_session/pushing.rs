//! What waits in the outbox, to the relay: one push at a time, and before it the statements that it needs.

use super::{DeviceError, DeviceEvent, DeviceStep, Live, wrap};
use crate::limits::{BATCH_BYTES, BATCH_ITEMS, WITH_RECEIPTS, WITH_SHORT_CHANGES};
use crate::{DeviceMessage, OutId, OutItem, PushItem, PushResult, StoreError, SyncStore, digest_of_statements};

/// How far an outbox is looked through for what an older relay understands.
const MANY_ITEMS: usize = 100_000;

impl Live {
    /// Sends the own statements when they are not what the relay has, or was sent last.
    pub(super) fn tell_statements(&mut self, store: &dyn SyncStore, step: &mut DeviceStep) -> Result<(), StoreError> {
        let statements = store.statements()?;
        let digest = digest_of_statements(statements.iter().map(Vec::as_slice));
        if digest != self.told_statements {
            step.say(&DeviceMessage::Statements(wrap(statements)));
            self.told_statements = digest;
        }
        Ok(())
    }

    /// Sends what waits, after the statements that it needs: it may be sealed under an epoch that has just begun. Hence
    /// the statements are read after the outbox.
    pub(super) fn push(&mut self, store: &dyn SyncStore, step: &mut DeviceStep) -> Result<(), StoreError> {
        let mut items = Vec::new();
        if self.pushing.is_empty() {
            items = self.outbox(store)?;
            if items.is_empty() && std::mem::take(&mut self.to_confirm) {
                step.say(&DeviceMessage::ConsentsComplete(self.standing.former.clone()));
            }
        }
        self.tell_statements(store, step)?;
        if !items.is_empty() {
            self.pushing = items.iter().map(|item| item.id).collect();
            step.say(&if self.version >= WITH_SHORT_CHANGES {
                DeviceMessage::ShortPush(self.said.push(items).into())
            } else {
                DeviceMessage::Push(items.into_iter().map(PushItem::from).collect())
            });
        }
        self.say_mail(store, step)?;
        self.move_chunks(store, step)
    }

    /// What waits. To an older relay nothing is said that it would not understand; that waits for a newer one.
    fn outbox(&self, store: &dyn SyncStore) -> Result<Vec<OutItem>, StoreError> {
        if self.version >= WITH_RECEIPTS {
            return store.outbox(BATCH_ITEMS, BATCH_BYTES);
        }
        let mut items = store.outbox(MANY_ITEMS, BATCH_BYTES)?;
        items.retain(|item| !matches!(item.id, OutId::Covered(_) | OutId::Erased(_)));
        items.truncate(BATCH_ITEMS);
        Ok(items)
    }

    pub(super) fn pushed(
        &mut self,
        store: &dyn SyncStore,
        results: &[PushResult],
        step: &mut DeviceStep,
    ) -> Result<(), DeviceError> {
        let answers_the_push = self.pushing.iter().eq(results.iter().map(|result| &result.id));
        if self.pushing.is_empty() || !answers_the_push {
            return Err(DeviceError::Unexpected);
        }
        let sent: Vec<_> = results
            .iter()
            .filter(|one| one.refusal.is_none())
            .map(|one| one.id)
            .collect();
        let refused: Vec<_> = results.iter().filter_map(|one| Some((one.id, one.refusal?))).collect();
        for one in results {
            if let (OutId::Change(id), Some(position)) = (one.id, one.position) {
                self.standing.own(position, id);
            }
        }
        if !sent.is_empty() {
            store.mark_sent(&sent)?;
        }
        if !refused.is_empty() {
            store.mark_refused(&refused)?;
        }
        self.pushing.clear();
        step.events.push(DeviceEvent::Moved);
        Ok(self.push(store, step)?)
    }
}
