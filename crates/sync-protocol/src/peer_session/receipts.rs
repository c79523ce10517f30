//! Two devices compare what the relay signed for each of them. A relay that shows them different things, or keeps something
//! from one of them, has signed receipts that cannot both be true.

use super::PeerStep;
use crate::limits::{PEER_VERSION, PEER_WITH_RECEIPTS, RECEIPT_EVERY_MS};
use crate::{Incarnation, PeerMessage, PeerStore, RelayLie, SignedReceipt, StoreError};

/// What the other side was told.
pub(super) struct Receipts {
    speaks: bool,
    told: Option<SignedReceipt>,
}

impl Receipts {
    /// `newest`: the newest version of the protocol that the other side speaks.
    pub(super) fn begin(newest: u16) -> Self {
        Self {
            speaks: PEER_VERSION.min(newest) >= PEER_WITH_RECEIPTS,
            told: None,
        }
    }

    /// Tells the newest receipt, unless the other side heard one not long before it.
    pub(super) fn tell(&mut self, store: &dyn PeerStore, step: &mut PeerStep) -> Result<(), StoreError> {
        if !self.speaks {
            return Ok(());
        }
        let Some((life, _, receipt)) = newest(store)? else {
            return Ok(());
        };
        let soon = |told: SignedReceipt| receipt.at_ms < told.at_ms.saturating_add(RECEIPT_EVERY_MS);
        if !self.told.is_some_and(soon) {
            step.say(&PeerMessage::Receipt(life, receipt));
            self.told = Some(receipt);
        }
        Ok(())
    }

    /// The other side's. Of another life of the relay's, or not the relay's at all: it says nothing.
    pub(super) fn heard(
        &mut self,
        store: &dyn PeerStore,
        life: Incarnation,
        theirs: &SignedReceipt,
        step: &mut PeerStep,
    ) -> Result<(), StoreError> {
        let Some((own_life, key, own)) = newest(store)? else {
            return Ok(());
        };
        if life != own_life || theirs.verify(store.tenant(), life, &key).is_err() || own.agrees_with(theirs) {
            return Ok(());
        }
        store.note_lie(&life, RelayLie::TwoFaces)?;
        // The other side finds out by the same.
        if self.speaks && self.told != Some(own) {
            step.say(&PeerMessage::Receipt(life, own));
            self.told = Some(own);
        }
        Ok(())
    }
}

fn newest(store: &dyn PeerStore) -> Result<Option<(Incarnation, [u8; 32], SignedReceipt)>, StoreError> {
    let Some(life) = store.last_incarnation()? else {
        return Ok(None);
    };
    let standing = store.relay_standing(&life)?;
    Ok(standing
        .key
        .zip(standing.receipt)
        .map(|(key, receipt)| (life, key, receipt)))
}
