//! First start: becoming a clinic, or a further device of one; and which clinic is open.

mod begin_anew;
mod clinics;
mod disk;
mod join_by_code;
mod join_clinic;
mod keys;
mod leave_clinic;
mod offer_pairing;
mod recovery_kit;
mod restore_clinic;

pub(crate) use disk::DeskFile;
pub(crate) use keys::{clinic_dir, load_secrets};
pub(crate) use offer_pairing::PairingProgress;
pub(crate) use restore_clinic::{ToRestore, restore_into};
