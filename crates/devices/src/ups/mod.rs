//! The UPS: is there mains, and how long may we go on?
//!
//! Bytes become readings in [`q1`], readings and time become a state and effects in [`Watcher`], and [`port`] does the
//! reading. Minutes left are never shown: Q1 does not carry them, and a guess would be believed (`docs/power.md`).

pub mod port;
pub mod q1;
mod watcher;

pub use watcher::{Effect, LowReason, PowerState, Watcher};
