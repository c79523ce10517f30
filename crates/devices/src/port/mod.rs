//! The only place from which bytes leave for a printer.
//!
//! [`send`] tries once and tells how far it came; whether to try again is for [`crate::spool`] and for people. A write
//! that succeeded proves nothing (a socket takes a whole label while nobody reads), so a job counts as confirmed only
//! when the printer itself answered after it.

mod address;
mod file;
mod outcome;
mod serial;
mod talk;
mod tcp;

use std::time::Duration;

pub use address::{AddressError, PrinterAddress};
pub use outcome::{Refusal, SendOutcome};

/// How long each step of a sending may take.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Limits {
    /// Until the connection stands.
    pub connect: Duration,
    /// Until every byte is taken; on a serial line the time that the line itself needs is added.
    pub write: Duration,
    /// Until a printer that answers at all has answered a question about its state. Zero: it is never asked, and no
    /// job is ever confirmed.
    pub answer: Duration,
    /// Until it reports that everything was printed. Zero: it is not asked for that.
    pub confirm: Duration,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            connect: Duration::from_secs(3),
            write: Duration::from_secs(20),
            answer: Duration::from_millis(400),
            confirm: Duration::from_secs(10),
        }
    }
}

/// Sends `bytes` to the printer, once, and waits until it is clear what became of them.
///
/// Before the first byte the printer is asked after paper and cover. One that answers is asked again after the last
/// byte, and its answer confirms the job; without that answer the outcome is [`SendOutcome::Unknown`]. One that never
/// answers anything can be sent to but not confirmed. Blocks, at the longest for the sum of `limits`.
pub fn send(address: &PrinterAddress, bytes: &[u8], limits: &Limits) -> SendOutcome {
    let outcome = match address {
        PrinterAddress::Tcp { host, port } => tcp::send(host, *port, bytes, limits),
        PrinterAddress::Serial { path, baud } => serial::send(path, *baud, bytes, limits),
        PrinterAddress::File { path } => file::send(path, bytes, limits),
    };
    tracing::info!(n_bytes = bytes.len(), ?outcome, "sent to printer");
    outcome
}
