//! Pure policy: who may see what, until when, and the reason.
//!
//! Two halves that meet in one agreement, and no I/O, clock or clinical type in either:
//!
//! - [`covers`], at the source clinic and on its screens: does this entry belong into a release under these terms?
//! - [`admits`], at the relay: may this clinic have what is released under this grant, now?
//!
//! The default is deny: what this build does not understand (a purpose, a category, a sensitive subject of a newer one)
//! is never given. `docs/consent.md` tells where each half is asked, and what the answers look like to people.

mod admits;
mod covers;
mod marks;

pub use admits::{
    Decision, DenyReason, GrantState, MODE_KEEP, MODE_VIEW, PURPOSE_EMERGENCY, PURPOSE_TREATMENT, admits, may_hold,
    state,
};
pub use covers::{Terms, Verdict, WithheldReason, covers};
pub use marks::{Category, Day, Marks, Sensitivity};
