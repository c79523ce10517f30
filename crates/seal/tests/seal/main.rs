//! Tests of what the crate shows to others: formats that stay, forgeries that fail, rules that hold in any order.
#![allow(clippy::unwrap_used, missing_docs)]

mod across_clinics;
mod apart;
mod asking;
mod backups;
mod changes;
mod console;
mod decoders;
mod first_changes;
mod frozen;
mod keys;
mod mail;
mod pairing;
mod parts;
mod receipts;
mod removals;
mod rotations;
mod statements;
mod stolen;
mod team;
mod text;
mod ticket;
mod world;
