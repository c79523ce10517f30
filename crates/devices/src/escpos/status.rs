//! What a printer says of itself: the one-byte answers to `DLE EOT n` and `GS r 1`.
//!
//! Many cheap printers answer nothing at all; then a job can be sent but never confirmed.

/// Asks whether the cover is open and whether paper stopped the printing (`DLE EOT 2`), answered at once.
pub const ASK_COVER: [u8; 3] = [0x10, 0x04, 2];
/// Asks after the paper (`DLE EOT 4`), answered at once.
pub const ASK_PAPER: [u8; 3] = [0x10, 0x04, 4];
/// Asks after the paper in order (`GS r 1`): answered once all that came before was printed.
pub const ASK_DONE: [u8; 3] = [0x1d, b'r', 1];

/// How much paper there is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Paper {
    /// Enough.
    Enough,
    /// The roll comes to its end.
    NearEnd,
    /// None.
    Out,
}

/// Reads the answer to [`ASK_PAPER`]; `None` when the byte is no such answer.
pub fn parse_paper(answer: u8) -> Option<Paper> {
    real_time(answer).map(|bits| match bits {
        bits if bits & 0x60 != 0 => Paper::Out,
        bits if bits & 0x0c != 0 => Paper::NearEnd,
        _ => Paper::Enough,
    })
}

/// Reads whether the cover is open from the answer to [`ASK_COVER`]; `None` when the byte is no such answer.
pub fn parse_cover_open(answer: u8) -> Option<bool> {
    real_time(answer).map(|bits| bits & 0x04 != 0)
}

/// Whether a byte answers [`ASK_DONE`]: bits 4 and 7 are always clear.
pub fn is_done(answer: u8) -> bool {
    answer & 0x90 == 0
}

/// Every answer in real time has the form `0xx1xx10`.
fn real_time(answer: u8) -> Option<u8> {
    (answer & 0b1001_0011 == 0b0001_0010).then_some(answer)
}
