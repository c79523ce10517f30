//! ESC/POS: a picture as the bytes that a receipt or label printer takes.
//!
//! The crate `escpos` composes the commands into memory; it never sends (its own sending can't be retried safely,
//! `docs/printing.md`). Only five commands ever leave: start, raster, feed, cut, and questions after the state.

pub mod status;

use std::sync::{Arc, Mutex, PoisonError};

use escpos::driver::Driver;
use escpos::printer::Printer;
use escpos::utils::Protocol;

use crate::raster::Bitmap;

/// Rows in one raster command. A cheap printer buffers a few kilobytes, and prints a band once it has the whole of it.
const BAND: u32 = 128;
/// Lines fed after the label, so that its lower edge passes the bar where a printer without a cutter is torn off.
const FEED_LINES: u8 = 2;

/// The bytes that print `picture` once and cut after it.
///
/// Start (`ESC @`), raster bands (`GS v 0`), feed (`ESC d`), cut (`GS V`). All text is in the picture, so no control
/// byte of anybody's name can reach the printer.
pub fn wrap(picture: &Bitmap) -> Vec<u8> {
    let memory = Memory::default();
    compose(&mut Printer::new(memory.clone(), Protocol::default(), None), picture)
        .expect("memory takes every byte, and no text has to be encoded");
    memory.into_bytes()
}

fn compose(printer: &mut Printer<Memory>, picture: &Bitmap) -> escpos::errors::Result<()> {
    printer.init()?;
    for band in picture.rows().chunks(picture.row_bytes().max(1) * BAND as usize) {
        printer.custom(&raster(picture.row_bytes(), band))?;
    }
    printer.feeds(FEED_LINES)?.cut()?.print()?;
    Ok(())
}

/// `GS v 0`: bytes across, rows down, then the rows; black is 1.
fn raster(row_bytes: usize, rows: &[u8]) -> Vec<u8> {
    let across = u16::try_from(row_bytes).expect("no label is half a million dots wide");
    let down = u16::try_from(rows.len() / row_bytes).expect("a band has at most BAND rows");
    let mut command = vec![0x1d, b'v', b'0', 0];
    command.extend(across.to_le_bytes());
    command.extend(down.to_le_bytes());
    command.extend(rows);
    command
}

/// A printer of memory: keeps what it is given.
#[derive(Clone, Default)]
struct Memory(Arc<Mutex<Vec<u8>>>);

impl Memory {
    fn into_bytes(self) -> Vec<u8> {
        std::mem::take(&mut *self.0.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

impl Driver for Memory {
    fn name(&self) -> String {
        "memory".to_owned()
    }

    fn write(&self, bytes: &[u8]) -> escpos::errors::Result<()> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).extend(bytes);
        Ok(())
    }

    fn read(&self, _: &mut [u8]) -> escpos::errors::Result<usize> {
        Ok(0)
    }

    fn flush(&self) -> escpos::errors::Result<()> {
        Ok(())
    }
}
