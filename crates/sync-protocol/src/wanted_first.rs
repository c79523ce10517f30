//! What the protocol asks of a device's store so that a new device is of use before it has everything.
//!
//! The device that let it in has said which changes today's work needs (`docs/sync.md`, "What a new device takes first").
//! It asks for these by name, at the relay and at other devices, before it goes on with the rest.

use seal::ChangeId;

use crate::StoreError;

/// The changes that a device wants before all others.
///
/// The rules of [`crate::SyncStore`] hold here too: calls block, and what they wrote is durable.
pub trait WantedFirst: Send + Sync {
    /// All that was named, the most wanted first; also what is here by now. Whoever named them may be wrong: there need be no such
    /// change.
    fn wanted_first(&self) -> Result<Vec<ChangeId>, StoreError>;

    /// Those of `ids` that are not here, in their order.
    fn lacking_of(&self, ids: &[ChangeId]) -> Result<Vec<ChangeId>, StoreError>;

    /// Stores sealed changes that the relay gave by name, as [`crate::SyncStore::absorb_changes`] does, without a cursor: they
    /// come once more in their turn.
    fn absorb_first(&self, changes: Vec<Vec<u8>>) -> Result<(), StoreError>;

    /// Of the `of` changes that the relay held when it welcomed this device, those up to `position` are here.
    fn came_to(&self, position: u64, of: u64) -> Result<(), StoreError>;

    /// All were asked for: from now on nothing is wanted first.
    fn forget_wanted_first(&self) -> Result<(), StoreError>;
}
