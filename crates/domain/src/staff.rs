//! Who works here, and what their role opens.

use serde::{Deserialize, Serialize};
use specta::Type;

use crate::StaffId;

/// What a person does here. Roles bind the screens and the verbs, not the cryptography.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize, Type)]
#[serde(rename_all = "snake_case")]
pub enum Role {
    /// Owns the clinic: everything that an admin may.
    Owner,
    /// Staff, devices, settings, sharing.
    Admin,
    /// Consults, signs, prescribes, shares.
    Doctor,
    /// Checks, labels, hands over.
    Pharmacist,
    /// Registers, queues, takes consents.
    Receptionist,
}

/// A member of the staff.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, Type)]
pub struct Staff {
    /// Id.
    pub id: StaffId,
    /// Name, with title.
    pub name: String,
    /// Role.
    pub role: Role,
    /// Registration number with the Malaysian Medical Council or the Pharmacy Board; empty where there is none.
    pub registration: String,
    /// No longer works here: kept for the record, can't sign in.
    pub left: bool,
}
