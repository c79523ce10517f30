//! Bad luck by the seed: two clinics of real vaults and the relay's real store in one thread, between them connections
//! that break at any byte, and around them power cuts, old copies, clones, wrong clocks and full disks.
//!
//! Everything is drawn from a seed, so that a run can be had again. It knows no socket and no window (the journeys do),
//! and nothing of a clinic's roles: deeds are writes of the vault. `docs/simulate.md` tells what it promises.

mod call;
mod chance;
mod clock;
mod deeds;
mod device;
mod disk;
mod erasing;
mod faults;
mod figures;
mod harm;
mod healing;
mod leaving;
mod lying;
mod meeting;
mod model;
mod network;
mod oracle;
mod plan;
mod program;
mod relay;
mod run;
mod seeds;
mod sharing;
mod shrink;
mod wanting;
mod world;

pub use faults::Fault;
pub use figures::Figures;
pub use harm::Harm;
pub use lying::Lie;
pub use plan::{Act, Deed, Jump, Step, Which, plan, plan_as_it_was};
pub use program::{Options, explain, simulate};
pub use run::{Broken, Held, Wrong, run, run_with};
pub use seeds::{Seed, seeds};
pub use shrink::shrink;
