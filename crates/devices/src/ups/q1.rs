//! Megatec Q1, the question that most small UPSes understand.
//!
//! ```text
//! (MMM.M NNN.N PPP.P QQQ RR.R SS.S TT.T bbbbbbbb\r
//! input  fault output load Hz  batt temp  bits
//! ```
//!
//! Fixed columns, 46 characters and a carriage return. A line with anything odd in it is refused whole: a driver that
//! took the status bits of a damaged line was seen to call an outage over.

use serde::Serialize;

/// The question; the only bytes that this program ever sends to a UPS.
pub const ASK: &[u8] = b"Q1\r";
/// Bytes of an answer, with its carriage return.
pub const LINE_BYTES: usize = 47;

/// Where the spaces stand.
const SPACES: [usize; 7] = [6, 12, 18, 22, 27, 32, 37];

/// Why a line was refused.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum Q1Error {
    /// Not 47 bytes long.
    #[error("the UPS's answer is {n_bytes} bytes long instead of {LINE_BYTES}")]
    Length {
        /// How long it is.
        n_bytes: usize,
    },
    /// Another character than the format has in this column, counted from 0.
    #[error("the UPS's answer has a wrong character in column {column}")]
    Column {
        /// The first such column.
        column: usize,
    },
}

/// The battery's voltage, in volts.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
#[serde(tag = "of", content = "volts", rename_all = "snake_case")]
pub enum BatteryVolts {
    /// Of the whole battery.
    Battery(f64),
    /// Of one cell: what UPSes of the online type tell.
    Cell(f64),
}

/// One answer.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub struct Reading {
    /// Input, in volts. No test for an outage: that is `on_battery`.
    pub input_volts: f64,
    /// Input at the last fault, in volts.
    pub fault_volts: f64,
    /// Output, in volts.
    pub output_volts: f64,
    /// Load, in per cent of what the UPS can carry; over 100 when overloaded.
    pub load_percent: u16,
    /// Frequency, in hertz.
    pub hertz: f64,
    /// Battery.
    pub battery: BatteryVolts,
    /// Temperature in degrees Celsius; `None` where the UPS has no sensor.
    pub temperature: Option<f64>,
    /// Mains failed: the load hangs on the battery.
    pub on_battery: bool,
    /// The battery is nearly empty; without `on_battery` it is worn out.
    pub battery_low: bool,
    /// Mains pass through a bypass, or are boosted or bucked; some UPSes set it always.
    pub bypass_or_boost: bool,
    /// The UPS reports a fault of its own.
    pub ups_failed: bool,
    /// Of the standby (line-interactive) type; else online.
    pub standby_type: bool,
    /// It tests its battery.
    pub testing: bool,
    /// It has been told to cut the load.
    pub shutdown_active: bool,
    /// Its beeper is switched on.
    pub beeper_on: bool,
}

/// Reads one answer, carriage return included. The whole of it or nothing.
pub fn parse(line: &[u8]) -> Result<Reading, Q1Error> {
    let line: &[u8; LINE_BYTES] = line.try_into().map_err(|_| Q1Error::Length { n_bytes: line.len() })?;
    let columns = Columns(line);
    columns.expect(0, b'(')?;
    for column in SPACES {
        columns.expect(column, b' ')?;
    }
    columns.expect(46, b'\r')?;

    let bit = |number: usize| columns.bit(45 - number);
    Ok(Reading {
        input_volts: columns.number::<5>(1, 3)?,
        fault_volts: columns.number::<5>(7, 3)?,
        output_volts: columns.number::<5>(13, 3)?,
        load_percent: columns.number::<3>(19, 3)? as u16,
        hertz: columns.number::<4>(23, 2)?,
        battery: columns.battery()?,
        temperature: columns.temperature()?,
        on_battery: bit(7)?,
        battery_low: bit(6)?,
        bypass_or_boost: bit(5)?,
        ups_failed: bit(4)?,
        standby_type: bit(3)?,
        testing: bit(2)?,
        shutdown_active: bit(1)?,
        beeper_on: bit(0)?,
    })
}

/// A line of the right length, read column by column.
struct Columns<'a>(&'a [u8; LINE_BYTES]);

impl Columns<'_> {
    fn expect(&self, column: usize, byte: u8) -> Result<(), Q1Error> {
        if self.0[column] == byte {
            Ok(())
        } else {
            Err(Q1Error::Column { column })
        }
    }

    fn bit(&self, column: usize) -> Result<bool, Q1Error> {
        match self.0[column] {
            b'0' => Ok(false),
            b'1' => Ok(true),
            _ => Err(Q1Error::Column { column }),
        }
    }

    /// `N` characters from `start`: digits, with a point after the first `whole` of them unless these are all.
    fn number<const N: usize>(&self, start: usize, whole: usize) -> Result<f64, Q1Error> {
        let (mut digits, mut divisor) = (0u32, 1u32);
        for place in 0..N {
            let column = start + place;
            if place == whole {
                self.expect(column, b'.')?;
                continue;
            }
            let byte = self.0[column];
            if !byte.is_ascii_digit() {
                return Err(Q1Error::Column { column });
            }
            digits = digits * 10 + u32::from(byte - b'0');
            if place > whole {
                divisor *= 10;
            }
        }
        Ok(f64::from(digits) / f64::from(divisor))
    }

    /// `SS.S` for a battery, `S.SS` for a cell.
    fn battery(&self) -> Result<BatteryVolts, Q1Error> {
        match self.0[29] {
            b'.' => self.number::<4>(28, 1).map(BatteryVolts::Cell),
            _ => self.number::<4>(28, 2).map(BatteryVolts::Battery),
        }
    }

    /// `TT.T`, or `--.-` without a sensor.
    fn temperature(&self) -> Result<Option<f64>, Q1Error> {
        match &self.0[33..37] {
            b"--.-" => Ok(None),
            _ => self.number::<4>(33, 2).map(Some),
        }
    }
}
