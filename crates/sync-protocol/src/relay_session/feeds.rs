//! The three feeds of one connection: how far each was sent, how far it was acknowledged.

use std::collections::{BTreeMap, BTreeSet};

use seal::TenantId;

use super::Stop;
use crate::compact::Said;
use crate::limits::{
    BATCH_BYTES, BATCH_ITEMS, BATCHES_IN_FLIGHT, MAX_OWN_POSITIONS, MOST_BATCHES_IN_FLIGHT, PROMPT_MS, WITH_RECEIPTS,
    WITH_SHORT_CHANGES,
};
use crate::{ChangeItem, ConsentItem, Cursors, Feed, Heads, Page, RefusedCode, RelayMessage, RelayStep, RelayStore};

pub(super) struct Feeds {
    changes: Window,
    consents: Window,
    audit: Window,
    /// Positions that this very connection pushed: their bytes need not go back.
    own: BTreeSet<u64>,
    /// What this connection has named so far.
    said: Said,
}

/// Batches on their way, each named by its last position, and when each was sent.
struct Window {
    sent: u64,
    /// Up to here the device has it.
    reached: u64,
    in_flight: BTreeMap<u64, i64>,
    /// As many may be.
    room: u32,
    /// When it was filled last there may have been more than there was room for.
    is_full: bool,
}

impl Feeds {
    pub(super) fn new(cursors: &Cursors, said: Said) -> Self {
        let window = |sent| Window {
            sent,
            reached: sent,
            in_flight: BTreeMap::new(),
            room: BATCHES_IN_FLIGHT,
            is_full: false,
        };
        Self {
            changes: window(cursors.changes),
            consents: window(cursors.consents),
            audit: window(cursors.audit),
            own: BTreeSet::new(),
            said,
        }
    }
}

impl Window {
    fn page(&mut self) -> Option<Page> {
        self.is_full = self.in_flight.len() >= self.room as usize;
        (!self.is_full).then_some(Page {
            after: self.sent,
            max_items: BATCH_ITEMS,
            max_bytes: BATCH_BYTES,
        })
    }

    fn sent(&mut self, position: u64, now_ms: i64) {
        self.sent = position;
        self.in_flight.insert(position, now_ms);
    }

    /// A device that is quick has more on its way, to store it together; behind a slow link or a slow disk nothing piles up.
    fn acknowledged(&mut self, position: u64, now_ms: i64) -> bool {
        let Some(sent_ms) = self.in_flight.get(&position) else {
            return false;
        };
        self.room = if now_ms.saturating_sub(*sent_ms) <= PROMPT_MS {
            (self.room + 1).min(MOST_BATCHES_IN_FLIGHT)
        } else {
            BATCHES_IN_FLIGHT
        };
        self.in_flight.retain(|batch, _| *batch > position);
        self.reached = self.reached.max(position);
        true
    }
}

impl Feeds {
    /// Up to where the device has its clinic's changes.
    pub(super) fn reached(&self) -> u64 {
        // What it pushed itself does not come back to it: with nothing on its way it has all that was passed.
        if self.changes.in_flight.is_empty() {
            self.changes.sent
        } else {
            self.changes.reached
        }
    }

    /// What both ends know is left out of a change.
    pub(super) fn shorten(&mut self, change: &[u8]) -> Vec<u8> {
        self.said.change(change)
    }

    pub(super) fn rest(&mut self) {
        self.said.rest();
    }

    pub(super) fn remember_own(&mut self, positions: &[Option<u64>]) {
        let room = MAX_OWN_POSITIONS.saturating_sub(self.own.len());
        self.own.extend(positions.iter().flatten().take(room));
    }

    pub(super) fn acknowledge(&mut self, feed: Feed, position: u64, now_ms: i64) -> Result<(), RefusedCode> {
        match self.window(feed).acknowledged(position, now_ms) {
            true => Ok(()),
            false => Err(RefusedCode::BadMessage),
        }
    }

    /// Whether something may wait until a batch is acknowledged.
    pub(super) fn wait_for_room(&self) -> bool {
        [&self.changes, &self.consents, &self.audit]
            .into_iter()
            .any(|window| window.is_full)
    }

    pub(super) fn sent_all(&mut self, feed: Feed, heads: Heads) -> bool {
        let head = match feed {
            Feed::Changes => heads.changes,
            Feed::Consents => heads.consents,
            Feed::Audit => heads.audit,
        };
        self.window(feed).sent >= head
    }

    /// Sends batches until every window is full or every feed is at its end. Consents go first: they must not wait.
    ///
    /// Before what brings the device to where the relay stands goes the receipt for it.
    pub(super) fn fill(
        &mut self,
        tenant: &TenantId,
        version: u16,
        store: &mut dyn RelayStore,
        now_ms: i64,
        step: &mut RelayStep,
    ) -> Result<(), Stop> {
        let mut batches = Vec::new();
        let is_short = version >= WITH_SHORT_CHANGES;
        while let Some(page) = self.consents.page() {
            let items = store.consents(tenant, page)?;
            let Some((last, _)) = items.last() else { break };
            self.consents.sent(*last, now_ms);
            let items = items
                .into_iter()
                .map(|(position, consent)| ConsentItem { position, consent })
                .collect();
            batches.push(RelayMessage::Consents(items));
        }
        while let Some(page) = self.changes.page() {
            let mut batch = self.own_next(page);
            if batch.is_empty() {
                for (position, bytes) in store.changes(tenant, page)? {
                    let skipped = match bytes {
                        None if version >= WITH_RECEIPTS => Some(store.chain(tenant, Feed::Changes, position)?.into()),
                        _ => None,
                    };
                    let bytes = bytes.filter(|_| !self.own.remove(&position));
                    step.tally.changes_out += u64::from(bytes.is_some());
                    batch.push(ChangeItem {
                        position,
                        bytes: bytes.map(|whole| if is_short { self.said.change(&whole) } else { whole }.into()),
                        skipped,
                    });
                }
            }
            let Some(last) = batch.last() else { break };
            self.changes.sent(last.position, now_ms);
            batches.push(if is_short {
                RelayMessage::ShortChanges(batch.into())
            } else {
                RelayMessage::Changes(batch)
            });
        }
        if version >= WITH_RECEIPTS && !batches.is_empty() {
            let heads = store.heads(tenant)?;
            if self.sent_all(Feed::Changes, heads) && self.sent_all(Feed::Consents, heads) {
                step.say(&RelayMessage::Receipt(store.receipt(tenant, now_ms)?));
            }
        }
        batches.iter().for_each(|batch| step.say(batch));
        step.tally.batches += batches.len() as u64;
        while let Some(page) = self.audit.page() {
            let mut lines = store.audit(tenant, page)?;
            // What an older build cannot read waits for a newer one.
            if let Some(unknown) = lines.iter().position(|line| !line.is_known_to(version)) {
                lines.truncate(unknown);
            }
            let Some(last) = lines.last() else { break };
            self.audit.sent(last.number, now_ms);
            step.tally.batches += 1;
            step.say(&RelayMessage::Audit(
                lines.iter().map(|line| line.encode().into()).collect(),
            ));
        }
        Ok(())
    }

    /// What comes next, as far as this connection pushed it itself: nothing need be read to say so.
    fn own_next(&mut self, page: Page) -> Vec<ChangeItem> {
        let mut batch = Vec::new();
        while batch.len() < page.max_items && self.own.remove(&(page.after + 1 + batch.len() as u64)) {
            batch.push(ChangeItem {
                position: page.after + 1 + batch.len() as u64,
                bytes: None,
                skipped: None,
            });
        }
        batch
    }

    fn window(&mut self, feed: Feed) -> &mut Window {
        match feed {
            Feed::Changes => &mut self.changes,
            Feed::Consents => &mut self.consents,
            Feed::Audit => &mut self.audit,
        }
    }
}
