//! The clinic's devices: who belongs, and what was put aside of those that no longer do.

use std::collections::BTreeMap;

use domain::Instant;
use serde::{Deserialize, Serialize};
use specta::Type;

/// One device that was ever let in.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, Type)]
pub struct DeviceView {
    /// Device id, hexadecimal.
    pub id: String,
    /// The letter in front of numbers that it hands out.
    pub letter: String,
    /// What people call it.
    pub name: Option<String>,
    /// It is this very device.
    pub this: bool,
    /// It may let devices in and remove them. Ask for the recovery kit before such a one is removed.
    pub admin: bool,
    /// When it was let in.
    pub added_at: Option<Instant>,
    /// When it last wrote something that has arrived here.
    pub last_seen: Option<Instant>,
    /// It does not belong any more.
    pub removed: bool,
}

/// Remove a device from the clinic.
#[derive(Debug, Clone, Serialize, Deserialize, Type)]
pub struct RemoveDevice {
    /// Device id, hexadecimal.
    pub device: String,
    /// The PIN of who does it.
    pub pin: String,
    /// The words of the recovery kit. Needed for this very device, and on a device that is no admin's; wanted whenever an
    /// admin's device was stolen, for nothing that a thief signs can undo what the kit says.
    pub kit: Option<String>,
    /// With the kit: what the device let in or removed since then (by its own clock) is undone too.
    pub undo_since: Option<Instant>,
    /// It is meant to be this very device.
    pub own: bool,
}

/// Let a device let others in.
#[derive(Debug, Clone, Serialize, Deserialize, Type)]
pub struct MakeAdmin {
    /// Device id, hexadecimal.
    pub device: String,
    /// The PIN of who does it.
    pub pin: String,
    /// The words of the recovery kit; needed on a device that is no admin's.
    pub kit: Option<String>,
}

/// Changes of one device that were put aside for one reason.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, Type)]
pub struct QuarantinedView {
    /// Why, as a stable word; `after_removal` is to be reviewed.
    pub reason: String,
    /// Device id, hexadecimal.
    pub device: String,
    /// Its letter; empty when no such device was ever let in.
    pub letter: String,
    /// What people call it.
    pub name: Option<String>,
    /// How many.
    pub count: u32,
    /// When the oldest of them was written, by that device's clock.
    pub first_at: Option<Instant>,
    /// How many belong to which kind of document (`visit`, `identity` …), as far as they can be opened here.
    pub documents: BTreeMap<String, u32>,
    /// Work of others that waits for these.
    pub waiting: u32,
    /// Somebody has looked at them and left them out.
    pub reviewed: bool,
}

/// What is to become of a removed device's work beyond its removal.
#[derive(Debug, Clone, Serialize, Deserialize, Type)]
pub struct ReviewRemoved {
    /// Device id, hexadecimal.
    pub device: String,
    /// It counts from now on, on all devices; else it stays put aside, and is known to have been looked at.
    pub take: bool,
    /// The PIN of who decides.
    pub pin: String,
    /// The words of the recovery kit; needed on a device that is no admin's, to take.
    pub kit: Option<String>,
}
