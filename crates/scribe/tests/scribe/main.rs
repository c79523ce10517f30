//! The scribe from its outside: real files, the real engine, the real model of the demo.
#![allow(clippy::unwrap_used, missing_docs)]

mod capture;
mod consult;
mod draft;
mod engine;
mod models;
mod noise;
mod recording;
mod support;
mod wav;
