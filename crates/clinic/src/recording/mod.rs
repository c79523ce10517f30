//! Recordings: sound kept in the vault as it comes in, and what becomes of it.

mod audio;
mod elsewhere;
mod live;
mod outcome;
mod start;
mod told;
mod view;

pub(crate) use live::Recordings;
pub(crate) use view::view;
