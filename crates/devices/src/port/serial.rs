//! A printer on a serial line.

use std::io::{self, ErrorKind, Read, Write};
use std::time::{Duration, Instant};

use serialport::{DataBits, FlowControl, Parity, SerialPort, StopBits};

use super::talk::{self, Line};
use super::{Limits, Refusal, SendOutcome};

/// Bits on the line for one byte at 8N1.
const BITS_A_BYTE: u64 = 10;
/// Bytes written at once. On Unix the driver reports room for one byte and then waits, deadline or no, until it has
/// room for all that it was given: one byte is what never hangs. Windows has a deadline of its own.
const MOST_AT_ONCE: usize = if cfg!(windows) { 256 } else { 1 };
/// How often the driver's buffer is looked at while it drains.
const GLANCE: Duration = Duration::from_millis(20);

pub(super) fn send(path: &str, baud: u32, bytes: &[u8], limits: &Limits) -> SendOutcome {
    let on_the_line = Duration::from_millis(bytes.len() as u64 * BITS_A_BYTE * 1000 / u64::from(baud.max(1)));
    match open(path, baud) {
        Ok(mut port) => {
            let limits = Limits {
                write: limits.write + on_the_line,
                confirm: patient(limits.confirm, on_the_line),
                ..*limits
            };
            talk::send(&mut port, bytes, &limits)
        }
        Err(error) => SendOutcome::NothingLeft {
            reason: refusal(&error),
        },
    }
}

/// A longer wait, unless there is to be none.
fn patient(wait: Duration, longer: Duration) -> Duration {
    if wait.is_zero() { wait } else { wait + longer }
}

fn open(path: &str, baud: u32) -> serialport::Result<Box<dyn SerialPort>> {
    serialport::new(path, baud)
        .data_bits(DataBits::Eight)
        .parity(Parity::None)
        .stop_bits(StopBits::One)
        .flow_control(FlowControl::None)
        .open()
}

fn refusal(error: &serialport::Error) -> Refusal {
    match error.kind {
        serialport::ErrorKind::Io(kind) => Refusal::from_io(&kind.into()),
        // So serialport calls a port that another program holds.
        serialport::ErrorKind::NoDevice => Refusal::Busy,
        serialport::ErrorKind::InvalidInput | serialport::ErrorKind::Unknown => Refusal::NotThere,
    }
}

impl Line for Box<dyn SerialPort> {
    fn set_patience(&mut self, patience: Duration) -> io::Result<()> {
        self.set_timeout(patience).map_err(io::Error::from)
    }

    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        Write::write(self, &bytes[..bytes.len().min(MOST_AT_ONCE)])
    }

    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        Read::read(self, buffer)
    }

    /// Waits until the driver's buffer is empty. Never by `tcdrain`, which waits for ever on a stalled line.
    fn finish(&mut self, deadline: Instant) -> io::Result<()> {
        while self.bytes_to_write()? > 0 {
            if Instant::now() >= deadline {
                return Err(ErrorKind::TimedOut.into());
            }
            std::thread::sleep(GLANCE);
        }
        Ok(())
    }
}
