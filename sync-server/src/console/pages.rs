//! The console's pages, one file each, with their words.

mod attention;
pub(super) mod audit;
pub(super) mod clinic;
pub(super) mod clinic_acts;
mod clinic_inside;
pub(super) mod clinics;
mod clinics_table;
pub(super) mod enrol;
pub(super) mod health;
pub(super) mod invitations;
pub(super) mod invoices;
pub(super) mod invoices_list;
pub(super) mod issuer;
pub(super) mod operators;
pub(super) mod plans;
pub(super) mod sessions;
pub(super) mod sign_in;
pub(super) mod small;
pub(super) mod trends;
pub(super) mod usage;

/// All tables of words, for the test that holds the languages equal.
#[cfg(test)]
pub(super) const WORDS: [&[(&str, &str, &str)]; 14] = [
    audit::Words::ALL,
    clinic::Words::ALL,
    clinics::Words::ALL,
    clinics_table::Words::ALL,
    enrol::Words::ALL,
    health::Words::ALL,
    invitations::Words::ALL,
    invoices::Words::ALL,
    operators::Words::ALL,
    plans::Words::ALL,
    sessions::Words::ALL,
    sign_in::Words::ALL,
    trends::Words::ALL,
    usage::Words::ALL,
];
