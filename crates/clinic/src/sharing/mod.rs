//! Between clinics: what a patient agreed to share, what others share with us, and the releases that carry it.

mod content;
mod grant_consent;
mod grants;
mod known;
mod network;
mod open_shared;
mod received;
mod releases;
mod revoke_consent;
mod signed_visit;
mod terms;

pub(crate) use content::whole_record;
pub(crate) use grant_consent::{check as check_consent, give};
pub(crate) use known::{about_verified, clinic_name, digits_of, verified_clinics};
pub(crate) use received::{matched, note_cards, received_for};
pub(crate) use releases::refresh_releases;
pub(crate) use terms::try_out as try_terms;
