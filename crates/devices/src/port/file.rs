//! A printer behind a device file (`/dev/usb/lp0`), or a plain file that takes its place.
//!
//! The kernel lets a write to a printer without paper wait for as long as it likes, so the writing has a thread of its
//! own. When the deadline passes that thread is left behind: it holds the device, and ends when the device lets it go.

use std::fs::{File, OpenOptions};
use std::io::{self, Write};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::mpsc;
use std::thread;

use super::{Limits, Refusal, SendOutcome};

/// Bytes handed over at a time.
const CHUNK: usize = 4096;

pub(super) fn send(path: &str, bytes: &[u8], limits: &Limits) -> SendOutcome {
    let taken = Arc::new(AtomicU64::new(0));
    let (done, outcome) = mpsc::channel();
    let writer = {
        let (path, bytes, taken) = (path.to_owned(), bytes.to_vec(), Arc::clone(&taken));
        move || done.send(write(&path, &bytes, &taken)).unwrap_or(())
    };
    if thread::Builder::new()
        .name("printer-file".to_owned())
        .spawn(writer)
        .is_err()
    {
        return SendOutcome::NothingLeft {
            reason: Refusal::NoAnswer,
        };
    }
    match outcome.recv_timeout(limits.connect + limits.write) {
        Ok(Ok(plain)) => SendOutcome::Sent { confirmed: plain },
        Ok(Err(error)) => match taken.load(Ordering::SeqCst) {
            0 => SendOutcome::NothingLeft {
                reason: Refusal::from_io(&error),
            },
            sent => SendOutcome::Unknown { sent },
        },
        // The thread may hand over its first bytes at any later moment: nobody can say that nothing left.
        Err(_) => SendOutcome::Unknown {
            sent: taken.load(Ordering::SeqCst),
        },
    }
}

/// Writes everything; true when it went to a plain file, where it certainly is now.
fn write(path: &str, bytes: &[u8], taken: &AtomicU64) -> io::Result<bool> {
    let mut file = OpenOptions::new().write(true).create(true).truncate(true).open(path)?;
    for chunk in bytes.chunks(CHUNK) {
        write_chunk(&mut file, chunk, taken)?;
    }
    let plain = file.metadata()?.is_file();
    if plain {
        file.sync_all()?;
    }
    Ok(plain)
}

fn write_chunk(file: &mut File, mut chunk: &[u8], taken: &AtomicU64) -> io::Result<()> {
    while !chunk.is_empty() {
        match file.write(chunk)? {
            0 => return Err(io::ErrorKind::WriteZero.into()),
            n => {
                taken.fetch_add(n as u64, Ordering::SeqCst);
                chunk = &chunk[n..];
            }
        }
    }
    Ok(())
}
