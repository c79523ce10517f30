//! Whole journeys across the real programs: the relay, devices as processes of their own, the app's window.
//!
//! Nothing here is shipped. A device process calls the very verbs that the app's commands call.

pub mod bench;
pub mod bench_relay;
pub mod busy;
pub mod child;
pub mod clinics;
pub mod day;
pub mod demo;
pub mod desktop;
pub mod device;
pub mod hand;
pub mod kills;
pub mod link;
pub mod network;
pub mod people;
pub mod relay;
pub mod report;
pub mod same_set;
pub mod screens;
pub mod simulate;
pub mod sound;
pub mod story;
pub mod walk;
pub mod window;
