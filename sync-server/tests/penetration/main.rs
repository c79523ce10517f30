//! Attempts to break a relay, each named, against the real listener at a real socket: by a stranger, by a clinic that is
//! registered and means harm, by a device that was stolen and removed, and by an operator with the database in hand.
//!
//! Each says how it was refused, what its victim is left with, and where it is told. The list is `docs/penetration.md`.
#![allow(clippy::unwrap_used, missing_docs)]

mod attempt;
mod browser;
mod clinic_chunks;
mod clinic_consent;
mod clinic_cursors;
mod clinic_mail;
mod console;
mod console_forms;
mod console_sign_in;
mod line;
mod operator_audit;
mod operator_consent;
mod operator_data;
mod relay;
mod revoked;
mod stranger_bytes;
mod stranger_hello;
mod victim;

/// The attempts of each file.
const ALL: [&[&str]; 12] = [
    stranger_hello::NAMES,
    stranger_bytes::NAMES,
    clinic_consent::NAMES,
    clinic_chunks::NAMES,
    clinic_cursors::NAMES,
    clinic_mail::NAMES,
    revoked::NAMES,
    operator_data::NAMES,
    operator_consent::NAMES,
    operator_audit::NAMES,
    console_sign_in::NAMES,
    console_forms::NAMES,
];
