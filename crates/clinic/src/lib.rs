//! The clinic's verbs.
//!
//! A [`Desk`] is what one device has open; every verb is a method of it, in a file of its own. A write goes one way:
//! who is signed in → her role ([`roles`]) → is the input sound → the rule → **one** transaction of the vault, with the
//! audit line in it. What a commit spoils is told as [`DeskEvent::Spoiled`]; what a read shows stands in [`READS`].
//!
//! No screen, no wording and no transport here: shapes stand in [`views`], words in `locales/`, sockets below.

mod audit;
mod background;
mod backup;
mod conflicts;
mod consult;
mod contact;
pub mod decoders;
mod desk;
mod device;
mod dispensing;
mod erasing;
mod error;
mod lan;
mod looking;
pub mod machine;
pub mod maintenance;
mod membership;
mod network;
mod open;
mod opening;
mod pharmacy_checks;
mod pin;
mod plan;
mod power;
mod printing;
mod qr;
mod reading_on;
mod reception;
mod recording;
pub mod roles;
mod room;
mod session;
mod setup;
mod sharing;
mod sign_in;
mod staff;
mod status;
mod syncing;
mod tags;
pub mod views;

pub use desk::{Desk, DeskConfig, DeskEvent, MakeRng, Outlet};
pub use error::{Error, ErrorCode};
pub use pharmacy::Finding;
pub use pharmacy_checks::CheckedLine;
pub use sync_client::LanReach;
pub use tags::READS;
