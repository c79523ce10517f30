//! Whole journeys across the real programs: a day as it should be, and every kind of bad luck in it.
#![allow(clippy::unwrap_used, missing_docs)]

mod bench_relay;
mod copies;
mod day;
mod disk;
mod keyring;
mod kill_anywhere;
mod kill_points;
mod lan;
mod microphone;
mod models;
mod new_device;
mod oracle;
mod power;
mod printer;
mod refusals;
mod second_start;
mod simulate;
mod sound;
mod story;
mod window;
mod world;
