//! Reads the few ESC/POS commands that a label consists of, and refuses every other byte.
//!
//! Written from Epson's command reference, not from the code that writes the commands.

const ESC: u8 = 0x1b;
const GS: u8 = 0x1d;
const DLE: u8 = 0x10;
const EOT: u8 = 0x04;

/// A command.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Command {
    /// `ESC @`: forget all settings.
    Start,
    /// `GS v 0 0`: burn rows of dots, 1 is black.
    Raster {
        /// Bytes of one row.
        row_bytes: usize,
        /// Rows.
        rows: usize,
        /// The dots.
        dots: Vec<u8>,
    },
    /// `ESC d n`: feed this many lines.
    Feed(u8),
    /// `GS V A n`: feed to the knife and cut.
    Cut,
    /// `DLE EOT n`: asks after the state, to be answered at once.
    AskNow(u8),
    /// `GS r 1`: asks after the paper, to be answered when all before it is done.
    AskDone,
}

/// A byte that starts or goes on no command of ours.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("byte {byte:#04x} after {offset} bytes is no command of a label")]
pub struct UnknownByte {
    /// The byte.
    pub byte: u8,
    /// How many bytes came before it.
    pub offset: u64,
}

/// A stream of bytes, read command by command.
#[derive(Debug, Default)]
pub struct Decoder {
    waiting: Vec<u8>,
    n_read: u64,
}

impl Decoder {
    /// Takes bytes in, as they come.
    pub fn feed(&mut self, bytes: &[u8]) {
        self.waiting.extend(bytes);
    }

    /// The next command; `None` until the rest of it has come.
    pub fn next_command(&mut self) -> Result<Option<Command>, UnknownByte> {
        let bytes = self.waiting.as_slice();
        let (command, n_bytes) = match *bytes {
            [ESC, b'@', ..] => (Command::Start, 2),
            [ESC, b'd', lines, ..] => (Command::Feed(lines), 3),
            [GS, b'V', b'A', _, ..] => (Command::Cut, 4),
            [GS, b'r', 1, ..] => (Command::AskDone, 3),
            [DLE, EOT, n @ 1..=4, ..] => (Command::AskNow(n), 3),
            [GS, b'v', b'0', 0, x_low, x_high, y_low, y_high, ref rest @ ..] => {
                let row_bytes = usize::from(u16::from_le_bytes([x_low, x_high]));
                let rows = usize::from(u16::from_le_bytes([y_low, y_high]));
                let Some(dots) = rest.get(..row_bytes * rows) else {
                    return Ok(None);
                };
                (
                    Command::Raster {
                        row_bytes,
                        rows,
                        dots: dots.to_vec(),
                    },
                    8 + dots.len(),
                )
            }
            _ => return self.incomplete(),
        };
        self.waiting.drain(..n_bytes);
        self.n_read += n_bytes as u64;
        Ok(Some(command))
    }

    /// Bytes of a command whose rest has not come.
    pub fn is_waiting(&self) -> bool {
        !self.waiting.is_empty()
    }

    /// Nothing is complete: either more has to come, or a byte is wrong.
    fn incomplete(&self) -> Result<Option<Command>, UnknownByte> {
        const BEGINNINGS: [&[u8]; 6] = [
            &[ESC, b'@'],
            &[ESC, b'd'],
            &[GS, b'V', b'A'],
            &[GS, b'r', 1],
            &[DLE, EOT],
            &[GS, b'v', b'0', 0],
        ];
        let agreeing = |beginning: &&[u8]| beginning.iter().zip(&self.waiting).take_while(|(a, b)| a == b).count();
        let furthest = BEGINNINGS.iter().map(agreeing).max().unwrap_or(0);
        // A whole beginning that stands here waits for its argument, unless that is there and is the wrong one.
        let argument_is_wrong = matches!(*self.waiting, [DLE, EOT, _, ..]);
        let wrong_at = if argument_is_wrong { 2 } else { furthest };
        let complete = BEGINNINGS.iter().any(|beginning| self.waiting.starts_with(beginning));
        match self.waiting.get(wrong_at) {
            Some(&byte) if argument_is_wrong || !complete => Err(UnknownByte {
                byte,
                offset: self.n_read + wrong_at as u64,
            }),
            _ => Ok(None),
        }
    }
}
