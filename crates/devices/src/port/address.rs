//! Where a printer is, as a person types it into the settings.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};
use specta::Type;

/// Port that network printers listen on.
const RAW_PRINTING: u16 = 9100;
/// Speed of most serial receipt printers as they leave the factory.
const COMMON_BAUD: u32 = 9600;

/// A printer's address. Its text form is what is stored, shown and typed:
///
/// `tcp://192.168.1.50:9100` (`:9100` may be left out), `serial:///dev/ttyUSB0?baud=9600` or `serial://COM3`
/// (`?baud=9600` may be left out), `file:///dev/usb/lp0`.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize, Type)]
#[serde(try_from = "String", into = "String")]
#[specta(type = String)]
pub enum PrinterAddress {
    /// On the network.
    Tcp {
        /// Name or IP address; an IPv6 address stands in brackets.
        host: String,
        /// Port.
        port: u16,
    },
    /// On a serial line, 8N1.
    Serial {
        /// Device, e.g. `/dev/ttyUSB0` or `COM3`.
        path: String,
        /// Bits a second.
        baud: u32,
    },
    /// A device that takes bytes as a file does (`/dev/usb/lp0`), or a plain file.
    File {
        /// Its path.
        path: String,
    },
}

/// Why a text is no address of a printer.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum AddressError {
    /// It starts with none of `tcp://`, `serial://`, `file://`.
    #[error("a printer's address starts with tcp://, serial:// or file://")]
    UnknownKind,
    /// No host or path follows.
    #[error("the printer's address names no host or path")]
    Empty,
    /// What follows the host is no port number from 1 to 65535.
    #[error("the printer's port is a number from 1 to 65535")]
    BadPort,
    /// What follows the path is not `?baud=` and a number from 1.
    #[error("after the device's path only ?baud= and a number may follow")]
    BadBaud,
}

impl FromStr for PrinterAddress {
    type Err = AddressError;

    fn from_str(text: &str) -> Result<Self, AddressError> {
        let (kind, rest) = text.trim().split_once("://").ok_or(AddressError::UnknownKind)?;
        match kind {
            "tcp" => tcp(rest),
            "serial" => serial(rest),
            "file" => Ok(Self::File { path: not_empty(rest)? }),
            _ => Err(AddressError::UnknownKind),
        }
    }
}

fn tcp(rest: &str) -> Result<PrinterAddress, AddressError> {
    // The colons inside an IPv6 address's brackets part nothing.
    let after_brackets = rest.rfind(']').map_or(0, |bracket| bracket + 1);
    let (host, port) = match rest[after_brackets..].rfind(':') {
        Some(colon) => {
            let port = rest[after_brackets + colon + 1..]
                .parse()
                .ok()
                .filter(|port| *port != 0);
            (&rest[..after_brackets + colon], port.ok_or(AddressError::BadPort)?)
        }
        None => (rest, RAW_PRINTING),
    };
    Ok(PrinterAddress::Tcp {
        host: not_empty(host)?,
        port,
    })
}

fn serial(rest: &str) -> Result<PrinterAddress, AddressError> {
    let (path, baud) = match rest.split_once('?') {
        Some((path, option)) => {
            let baud = option
                .strip_prefix("baud=")
                .and_then(|baud| baud.parse().ok())
                .filter(|baud| *baud != 0);
            (path, baud.ok_or(AddressError::BadBaud)?)
        }
        None => (rest, COMMON_BAUD),
    };
    Ok(PrinterAddress::Serial {
        path: not_empty(path)?,
        baud,
    })
}

fn not_empty(text: &str) -> Result<String, AddressError> {
    if text.is_empty() {
        Err(AddressError::Empty)
    } else {
        Ok(text.to_owned())
    }
}

impl fmt::Display for PrinterAddress {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Tcp { host, port } => write!(f, "tcp://{host}:{port}"),
            Self::Serial { path, baud } => write!(f, "serial://{path}?baud={baud}"),
            Self::File { path } => write!(f, "file://{path}"),
        }
    }
}

impl TryFrom<String> for PrinterAddress {
    type Error = AddressError;

    fn try_from(text: String) -> Result<Self, AddressError> {
        text.parse()
    }
}

impl From<PrinterAddress> for String {
    fn from(address: PrinterAddress) -> Self {
        address.to_string()
    }
}
