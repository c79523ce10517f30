//! The printer's end of its connections.

use std::io::{self, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::sync::Arc;
use std::thread;

use super::escpos::{Command, Decoder};
use super::paper::Paper;
use super::{Inside, PrinterEvent, PrinterMode};

/// Answers in real time; every one has the form 0xx1xx10.
const FINE: u8 = 0x12;
const NO_PAPER: u8 = FINE | 0x60;
const OPEN_COVER: u8 = FINE | 0x04;
/// Answer to `GS r 1`: paper is there.
const DONE: u8 = 0x00;

/// Takes connections until the printer is dropped; each has a thread of its own.
pub(super) fn serve(listener: &TcpListener, inside: &Arc<Inside>) {
    for stream in listener.incoming() {
        if inside.state().stopping {
            return;
        }
        let Ok(stream) = stream else { continue };
        let inside = Arc::clone(inside);
        let mode = inside.state().mode;
        // Without a thread the connection is dropped, as an overloaded printer would.
        let _ = thread::Builder::new()
            .name("virtual-printer-job".to_owned())
            .spawn(move || {
                let mut job = Job {
                    mode,
                    paper: Paper::default(),
                    n_read: 0,
                    inside: &inside,
                };
                let end = job.run(&stream);
                let rows = job.paper.height();
                if rows > 0 {
                    inside.happened(PrinterEvent::HalfLabel { rows });
                }
                if let Ok(End::Held) = end {
                    inside.state().held.push(stream);
                }
            });
    }
}

/// How a connection ends.
enum End {
    /// The other side closed it, or we do.
    Closed,
    /// It stays open, and nobody reads.
    Held,
}

/// One connection.
struct Job<'a> {
    mode: PrinterMode,
    paper: Paper,
    n_read: usize,
    inside: &'a Inside,
}

impl Job<'_> {
    fn run(&mut self, mut stream: &TcpStream) -> io::Result<End> {
        let mut decoder = Decoder::default();
        let mut buffer = [0; 4096];
        loop {
            let wanted = match self.mode {
                PrinterMode::StopsReadingAfter(limit) if self.n_read >= limit => return Ok(End::Held),
                PrinterMode::DropsAfter(limit) if self.n_read >= limit => return Ok(End::Closed),
                PrinterMode::StopsReadingAfter(limit) | PrinterMode::DropsAfter(limit) => limit - self.n_read,
                _ => buffer.len(),
            };
            let n = stream.read(&mut buffer[..wanted.min(4096)])?;
            if n == 0 {
                return Ok(End::Closed);
            }
            self.n_read += n;
            decoder.feed(&buffer[..n]);
            loop {
                match decoder.next_command() {
                    Ok(Some(Command::Raster { .. })) if self.is_stuck() => return Ok(End::Held),
                    Ok(Some(command)) => self.obey(command, stream)?,
                    Ok(None) => break,
                    Err(unknown) => {
                        self.inside.happened(PrinterEvent::Refused {
                            byte: unknown.byte,
                            offset: unknown.offset,
                        });
                        return Ok(End::Closed);
                    }
                }
            }
        }
    }

    fn is_stuck(&self) -> bool {
        matches!(self.mode, PrinterMode::OutOfPaper | PrinterMode::CoverOpen)
    }

    fn obey(&mut self, command: Command, mut stream: &TcpStream) -> io::Result<()> {
        match command {
            Command::Start | Command::Feed(_) => {}
            Command::Raster { row_bytes, dots, .. } => self.paper.burn(row_bytes, &dots),
            Command::Cut => self.cut()?,
            Command::AskNow(_) | Command::AskDone if self.mode == PrinterMode::Silent => {}
            Command::AskNow(n) => stream.write_all(&[self.condition(n)])?,
            Command::AskDone => stream.write_all(&[DONE])?,
        }
        Ok(())
    }

    fn condition(&self, question: u8) -> u8 {
        match (self.mode, question) {
            (PrinterMode::OutOfPaper, 4) => NO_PAPER,
            (PrinterMode::CoverOpen, 2) => OPEN_COVER,
            _ => FINE,
        }
    }

    fn cut(&mut self) -> io::Result<()> {
        let paper = std::mem::take(&mut self.paper);
        if paper.height() == 0 {
            return Ok(());
        }
        let number = {
            let mut state = self.inside.state();
            state.n_labels += 1;
            state.n_labels
        };
        let path = self.inside.folder.join(format!("label-{number:04}.png"));
        paper.save(&path)?;
        self.inside.happened(PrinterEvent::Label {
            path,
            width: paper.width(),
            height: paper.height(),
        });
        Ok(())
    }
}
