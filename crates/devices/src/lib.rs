//! Printers and UPS: bytes are pure functions, ports are at the edge.
//!
//! A label goes [`label::lay_out`] → [`raster::Bitmap`] → [`escpos::wrap`] → bytes, which the caller freezes in its
//! store; [`spool::Job`] says what may happen to them, and [`port::send`] is the only thing that lets them out.
//! A UPS goes [`ups::port::watch`] → [`ups::q1::parse`] → [`ups::Watcher`] → effects for the caller to carry out.
//!
//! Deliberately absent: scanning for devices (a wrong guess on a serial line can cut a UPS's load), a retry inside
//! `send`, any printer's own fonts or text commands (so no control byte of a name ever reaches a printer).
//!
//! The hard ideas are in `docs/printing.md` and `docs/power.md`; what stands at the far end in tests is `testkit`.

pub mod escpos;
pub mod label;
pub mod port;
pub mod raster;
pub mod spool;
mod typeset;
pub mod ups;
