//! Changes that came together are stored together: in one transaction, after which each batch is acknowledged.

use super::{DeviceError, DeviceSession, DeviceStep, Live, State};
use crate::limits::MAX_FRAME_BYTES;
use crate::{ChangeItem, Cursor, DeviceEvent, RelayMessage, Scope, SyncStore};

/// Batches that follow one another and are still to be stored.
#[derive(Default)]
struct Together {
    items: Vec<ChangeItem>,
    /// The last position of each.
    ends: Vec<u64>,
}

impl DeviceSession {
    /// Frames came, in this order, the last of them at `now_ms` (milliseconds since 1970, UTC). Changes that follow one another
    /// are stored in one transaction: whoever has fallen far behind writes the pages that all of them touch once.
    ///
    /// # Errors
    /// [`DeviceError`]; the connection is then to be closed. What came before the frame that is wrong is stored.
    pub fn receive_all(&mut self, frames: &[impl AsRef<[u8]>], now_ms: i64) -> Result<DeviceStep, DeviceError> {
        let (mut step, mut together) = (DeviceStep::default(), Together::default());
        for frame in frames {
            let heard = RelayMessage::decode(frame.as_ref()).map_err(DeviceError::from);
            match heard.and_then(|message| self.put_together(message, &mut together)) {
                Ok(None) => {}
                Ok(Some(message)) => {
                    self.store(&mut together, &mut step)?;
                    step = self.hear(message, now_ms, step)?;
                }
                Err(error) => {
                    self.store(&mut together, &mut step)?;
                    return Err(error);
                }
            }
        }
        self.store(&mut together, &mut step)?;
        Ok(step)
    }

    /// Gives back what holds no changes, or has no place here.
    fn put_together(
        &mut self,
        message: RelayMessage,
        together: &mut Together,
    ) -> Result<Option<RelayMessage>, DeviceError> {
        let State::Live(live) = &mut self.state else {
            return Ok(Some(message));
        };
        let items = match message {
            RelayMessage::Changes(items) => items,
            RelayMessage::ShortChanges(items) => live.heard.batch(items.0, MAX_FRAME_BYTES)?,
            message => return Ok(Some(message)),
        };
        together
            .ends
            .push(items.last().ok_or(DeviceError::Unexpected)?.position);
        together.items.extend(items);
        Ok(None)
    }

    fn store(&mut self, together: &mut Together, step: &mut DeviceStep) -> Result<(), DeviceError> {
        let Together { items, ends } = std::mem::take(together);
        if let State::Live(live) = &mut self.state
            && !items.is_empty()
        {
            self.position = live.absorb_changes(&*self.store, items, &ends, step)?;
        }
        Ok(())
    }
}

impl Live {
    /// `ends`: the last position of each batch, to be acknowledged.
    fn absorb_changes(
        &mut self,
        store: &dyn SyncStore,
        items: Vec<ChangeItem>,
        ends: &[u64],
        step: &mut DeviceStep,
    ) -> Result<u64, DeviceError> {
        self.standing.changes(&items);
        let receipt = self.standing.settle();
        self.note_lie(store)?;
        let (position, chain) = self.standing.at_changes();
        let cursor = Cursor {
            chain,
            receipt,
            ..self.cursor(Scope::Changes, position)
        };
        let changes = items.into_iter().filter_map(|item| item.bytes).map(Vec::from).collect();
        store.absorb_changes(&cursor, changes)?;
        self.acknowledge_changes(store, position, ends, step)?;
        step.events.push(DeviceEvent::Moved);
        self.look_whether_caught_up(store, step)?;
        Ok(position)
    }
}
