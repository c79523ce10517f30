//! Tests of what the crate shows to others: formats that stay, forgeries that fail, rules that hold in any order.
#![allow(clippy::unwrap_used, missing_docs)]

mod across_clinics;
mod changes;
mod decoders;
mod frozen;
mod keys;
mod pairing;
mod statements;
mod text;
mod world;
