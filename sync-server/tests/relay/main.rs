//! The relay: its store under real sessions, and the real program under real clients.
#![allow(clippy::unwrap_used, missing_docs)]

mod cli;
mod consent;
mod invitations;
mod journeys;
mod process;
mod removal;
mod tls;
mod world;
