//! The vault from outside: opened, written to, killed, cut short, merged and rebuilt.
#![allow(clippy::unwrap_used, missing_docs)]

mod backlog;
mod backup;
mod backup_harm;
mod backup_killing;
mod conflicts;
mod disk;
mod erasing;
mod facts;
mod killing;
mod merging;
mod nouns;
mod numbers;
mod opening;
mod peers;
mod poison;
mod receipts;
mod removal;
mod search;
mod secrets;
mod sharing;
mod snapshots;
mod sound;
mod syncing;
mod tries;
mod world;
