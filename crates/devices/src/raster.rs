//! A picture of black and white dots, as a thermal printer burns it.

use std::io::Cursor;

/// A 1-bit picture. A dot is black or it is paper.
#[derive(Clone, PartialEq, Eq)]
pub struct Bitmap {
    width: u32,
    height: u32,
    rows: Vec<u8>,
}

/// Why a PNG is not one of our pictures.
#[derive(Debug, thiserror::Error)]
pub enum PngError {
    /// No PNG, or a damaged one.
    #[error("the PNG can't be read")]
    Damaged(#[from] png::DecodingError),
    /// Coloured, grey, or of another depth.
    #[error("the PNG is not black and white with one bit a dot")]
    NotOneBit,
}

/// A rectangle of dots, from its upper left corner.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Area {
    pub x: u32,
    pub y: u32,
    pub width: u32,
    pub height: u32,
}

impl Bitmap {
    /// White paper of `width` by `height` dots.
    pub fn new(width: u32, height: u32) -> Self {
        Self {
            width,
            height,
            rows: vec![0; bytes_across(width) * height as usize],
        }
    }

    /// Dots across.
    pub fn width(&self) -> u32 {
        self.width
    }

    /// Dots down.
    pub fn height(&self) -> u32 {
        self.height
    }

    /// Bytes that one row takes; the last one is padded with paper.
    pub fn row_bytes(&self) -> usize {
        bytes_across(self.width)
    }

    /// All rows, top down, [`Self::row_bytes`] each; the leftmost dot is the highest bit, 1 is black.
    pub fn rows(&self) -> &[u8] {
        &self.rows
    }

    /// Whether the dot is black; what lies outside is paper.
    pub fn is_black(&self, x: u32, y: u32) -> bool {
        self.at(x, y).is_some_and(|(byte, bit)| self.rows[byte] & bit != 0)
    }

    /// How many dots are black.
    pub fn n_black(&self) -> u32 {
        self.rows.iter().map(|byte| byte.count_ones()).sum()
    }

    /// The picture as a PNG of one bit a dot.
    pub fn to_png(&self) -> Vec<u8> {
        let mut png = Vec::new();
        let mut encoder = png::Encoder::new(Cursor::new(&mut png), self.width, self.height);
        encoder.set_color(png::ColorType::Grayscale);
        encoder.set_depth(png::BitDepth::One);
        let light: Vec<u8> = self.rows.iter().map(|byte| !byte).collect();
        encoder
            .write_header()
            .and_then(|mut writer| writer.write_image_data(&light))
            .expect("memory takes every byte, and the rows fit the header");
        png
    }

    /// Reads a picture that [`Self::to_png`], or anything else that writes one bit a dot, wrote.
    pub fn from_png(png: &[u8]) -> Result<Self, PngError> {
        let mut reader = png::Decoder::new(Cursor::new(png)).read_info()?;
        if reader.output_color_type() != (png::ColorType::Grayscale, png::BitDepth::One) {
            return Err(PngError::NotOneBit);
        }
        let mut picture = Self::new(reader.info().width, reader.info().height);
        reader.next_frame(&mut picture.rows)?;
        picture.rows.iter_mut().for_each(|byte| *byte = !*byte);
        picture.clear_padding();
        Ok(picture)
    }

    pub(crate) fn blacken(&mut self, x: u32, y: u32) {
        if let Some((byte, bit)) = self.at(x, y) {
            self.rows[byte] |= bit;
        }
    }

    pub(crate) fn whiten(&mut self, x: u32, y: u32) {
        if let Some((byte, bit)) = self.at(x, y) {
            self.rows[byte] &= !bit;
        }
    }

    pub(crate) fn fill(&mut self, area: Area) {
        for y in area.y..area.y + area.height {
            for x in area.x..area.x + area.width {
                self.blacken(x, y);
            }
        }
    }

    fn at(&self, x: u32, y: u32) -> Option<(usize, u8)> {
        (x < self.width && y < self.height).then(|| (y as usize * self.row_bytes() + x as usize / 8, 0x80 >> (x % 8)))
    }

    fn clear_padding(&mut self) {
        let (row_bytes, used) = (self.row_bytes(), self.width % 8);
        if used > 0 {
            self.rows
                .chunks_exact_mut(row_bytes)
                .for_each(|row| row[row_bytes - 1] &= !(0xff >> used));
        }
    }
}

impl std::fmt::Debug for Bitmap {
    /// The size alone: a label names its patient.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Bitmap({}x{})", self.width, self.height)
    }
}

fn bytes_across(width: u32) -> usize {
    width.div_ceil(8) as usize
}
