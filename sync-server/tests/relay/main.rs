//! The relay: its store under real sessions, and the real program under real clients.
#![allow(clippy::unwrap_used, missing_docs)]

mod attachments;
mod cli;
mod clocks;
mod consent;
mod contract;
mod gone;
mod idle;
mod invitations;
mod journeys;
mod limited;
mod operated;
mod process;
mod put_back;
mod released;
mod removal;
mod resting;
mod silent;
mod snapshots;
mod stopping;
mod storm;
mod tls;
mod told;
mod watched;
mod world;
