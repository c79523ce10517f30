//! What stands at the far end of real sockets and ptys, and fixtures: everything that a test or the demo needs and a
//! clinic would have.
//!
//! - [`VirtualPrinter`]: a label printer on a TCP port, that turns what it is sent into PNG files, or misbehaves;
//! - [`VirtualUps`]: a UPS on a pty;
//! - [`VirtualMicrophone`]: a microphone behind ALSA;
//! - [`TestClock`], [`seeded_rng`]: time and chance, the same in every run;
//! - [`people::people`]: patients who do not exist;
//! - [`Switch`]: hosts on a LAN of their own;
//! - [`small_tmpfs`]: a disk that is soon full; [`copy_folder`]: what lies on one, once more.
//!
//! It knows `domain` alone, so that any crate's tests may use it. Its printer reads ESC/POS with a decoder of its own
//! and shares no line with the code that writes it.

mod clock;
mod folder;
mod left_out;
#[cfg(target_os = "linux")]
mod microphone;
pub mod people;
pub mod printer;
mod rng;
#[cfg(target_os = "linux")]
mod switch;
mod tmpfs;
#[cfg(unix)]
mod ups;

pub use clock::TestClock;
pub use folder::copy_folder;
pub use left_out::left_out;
#[cfg(target_os = "linux")]
pub use microphone::VirtualMicrophone;
pub use printer::{PrinterEvent, PrinterMode, VirtualPrinter};
pub use rng::{SeededRng, seeded_rng};
#[cfg(target_os = "linux")]
pub use switch::Switch;
pub use tmpfs::{SmallTmpfs, small_tmpfs};
#[cfg(unix)]
pub use ups::{UpsScene, VirtualUps};
