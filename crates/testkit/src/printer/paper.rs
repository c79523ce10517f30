//! The paper that comes out: rows of dots, cut into labels.

use std::fs::{self, File};
use std::io::{self, BufWriter};
use std::path::Path;

/// What was burnt since the last cut.
#[derive(Debug, Default)]
pub(super) struct Paper {
    row_bytes: usize,
    dots: Vec<u8>,
}

impl Paper {
    /// Burns rows; a band of another width than the last is set to the left edge.
    pub fn burn(&mut self, row_bytes: usize, dots: &[u8]) {
        if row_bytes > self.row_bytes {
            self.widen(row_bytes);
        }
        for row in dots.chunks_exact(row_bytes.max(1)) {
            self.dots.extend(row);
            self.dots.resize(self.dots.len() + self.row_bytes - row_bytes, 0);
        }
    }

    fn widen(&mut self, row_bytes: usize) {
        let narrow = std::mem::take(&mut self.dots);
        for row in narrow.chunks_exact(self.row_bytes.max(1)) {
            self.dots.extend(row);
            self.dots.resize(self.dots.len() + row_bytes - self.row_bytes, 0);
        }
        self.row_bytes = row_bytes;
    }

    /// Dots across.
    pub fn width(&self) -> u32 {
        self.row_bytes as u32 * 8
    }

    /// Dots down.
    pub fn height(&self) -> u32 {
        self.dots.len().checked_div(self.row_bytes).unwrap_or(0) as u32
    }

    /// Writes the picture at `path`, where it appears whole or not at all.
    pub fn save(&self, path: &Path) -> io::Result<()> {
        let unfinished = path.with_extension("unfinished");
        let mut encoder = png::Encoder::new(BufWriter::new(File::create(&unfinished)?), self.width(), self.height());
        encoder.set_color(png::ColorType::Grayscale);
        encoder.set_depth(png::BitDepth::One);
        // In a picture 1 is light; on thermal paper it is burnt.
        let light: Vec<u8> = self.dots.iter().map(|dots| !dots).collect();
        let mut writer = encoder.write_header()?;
        writer.write_image_data(&light)?;
        writer.finish()?;
        fs::rename(unfinished, path)
    }
}
