//! One job over one line, whatever the line is: ask, send, be told.

use std::io::{self, ErrorKind};
use std::time::{Duration, Instant};

use super::{Limits, Refusal, SendOutcome};
use crate::escpos::status::{ASK_COVER, ASK_DONE, ASK_PAPER, Paper, is_done, parse_cover_open, parse_paper};

/// The longest single write or read: how soon a deadline is noticed.
const STEP: Duration = Duration::from_millis(100);
/// Bytes handed over at a time, so that the count of what left stays close to the truth.
const CHUNK: usize = 4096;

/// A line to a printer whose reads and writes come back within about [`STEP`].
pub(super) trait Line {
    /// Sets how long one `write` or `read` may take.
    fn set_patience(&mut self, patience: Duration) -> io::Result<()>;
    /// Takes some bytes; `TimedOut` or `WouldBlock` when it takes none.
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize>;
    /// Gives some bytes; 0 when the other side has closed.
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize>;
    /// Says that nothing more comes, and waits until `deadline` for the other side to have taken it all.
    /// An error means that some of it was lost.
    fn finish(&mut self, deadline: Instant) -> io::Result<()>;
}

/// Sends one job over a line that stands.
pub(super) fn send(line: &mut impl Line, bytes: &[u8], limits: &Limits) -> SendOutcome {
    if let Err(error) = line.set_patience(STEP) {
        return SendOutcome::NothingLeft {
            reason: Refusal::from_io(&error),
        };
    }
    let answers = match ready(line, limits.answer) {
        Ok(answers) => answers,
        Err(reason) => return SendOutcome::NothingLeft { reason },
    };
    match write_all(line, bytes, Instant::now() + limits.write) {
        Ok(()) => {}
        Err((0, error)) if gave_up(&error) => {
            return SendOutcome::NothingLeft {
                reason: Refusal::NoAnswer,
            };
        }
        Err((0, error)) => {
            return SendOutcome::NothingLeft {
                reason: Refusal::from_io(&error),
            };
        }
        Err((sent, _)) => return SendOutcome::Unknown { sent },
    }
    let sent = bytes.len() as u64;
    if answers && !limits.confirm.is_zero() {
        return match ask(line, &ASK_DONE, limits.confirm, |byte| is_done(byte).then_some(())) {
            Ok(Some(())) => SendOutcome::Sent { confirmed: true },
            Ok(None) | Err(_) => SendOutcome::Unknown { sent },
        };
    }
    match line.finish(Instant::now() + limits.answer.max(STEP)) {
        Ok(()) => SendOutcome::Sent { confirmed: false },
        Err(_) => SendOutcome::Unknown { sent },
    }
}

/// Asks after paper and cover. `Ok(false)` when the printer answers nothing, which many never do.
fn ready(line: &mut impl Line, patience: Duration) -> Result<bool, Refusal> {
    if patience.is_zero() {
        return Ok(false);
    }
    match ask(line, &ASK_PAPER, patience, parse_paper).map_err(|error| Refusal::from_io(&error))? {
        None => return Ok(false),
        Some(Paper::Out) => return Err(Refusal::PaperOut),
        Some(Paper::Enough | Paper::NearEnd) => {}
    }
    match ask(line, &ASK_COVER, patience, parse_cover_open).map_err(|error| Refusal::from_io(&error))? {
        Some(true) => Err(Refusal::CoverOpen),
        Some(false) | None => Ok(true),
    }
}

/// Puts a question and waits for the first byte that `understand` takes for its answer.
fn ask<T>(
    line: &mut impl Line,
    question: &[u8],
    patience: Duration,
    understand: impl Fn(u8) -> Option<T>,
) -> io::Result<Option<T>> {
    let deadline = Instant::now() + patience;
    match write_all(line, question, deadline) {
        Ok(()) => {}
        Err((_, error)) if gave_up(&error) => return Ok(None),
        Err((_, error)) => return Err(error),
    }
    let mut buffer = [0; 64];
    while Instant::now() < deadline {
        match line.read(&mut buffer) {
            Ok(0) => return Err(ErrorKind::UnexpectedEof.into()),
            Ok(n) => {
                if let Some(answer) = buffer[..n].iter().find_map(|byte| understand(*byte)) {
                    return Ok(Some(answer));
                }
            }
            Err(error) if gave_up(&error) => {}
            Err(error) => return Err(error),
        }
    }
    Ok(None)
}

/// Writes everything, or says how many bytes were taken before the error or the deadline.
fn write_all(line: &mut impl Line, bytes: &[u8], deadline: Instant) -> Result<(), (u64, io::Error)> {
    let mut sent = 0;
    while sent < bytes.len() {
        let chunk = &bytes[sent..bytes.len().min(sent + CHUNK)];
        match line.write(chunk) {
            Ok(0) => return Err((sent as u64, ErrorKind::WriteZero.into())),
            Ok(n) => sent += n,
            Err(error) if gave_up(&error) && Instant::now() < deadline => {}
            Err(error) => return Err((sent as u64, error)),
        }
    }
    Ok(())
}

/// Whether an error only says that nothing happened for a while.
pub(super) fn gave_up(error: &io::Error) -> bool {
    matches!(
        error.kind(),
        ErrorKind::TimedOut | ErrorKind::WouldBlock | ErrorKind::Interrupted
    )
}
