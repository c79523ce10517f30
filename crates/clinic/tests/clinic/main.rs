//! The clinic's verbs, told as sentences, against a real relay, a real store and devices at the far end of real sockets.
#![allow(clippy::unwrap_used, missing_docs)]

mod asking;
mod backup;
mod conflicts;
mod consult;
mod copies;
mod devices;
mod erasing;
mod full_disk;
mod lan;
mod letters;
mod lying_relay;
mod models;
mod pharmacy;
mod plan;
mod power;
mod reception;
mod roles;
mod scanned;
mod set_up;
mod several_clinics;
mod sharing;
mod sharing_apart;
mod sign_in;
mod sound;
mod support;
