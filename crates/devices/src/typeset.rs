//! Sets text into dots: shaping and wrapping by cosmic-text, with the bundled fonts alone.
//!
//! Every position is rounded to whole dots and every glyph is cut at half coverage, so that stems stay equally wide and
//! the same text gives the same dots on every machine.

use std::sync::Arc;

use cosmic_text::{
    Align, Attrs, Buffer, Color, Family, FontSystem, Hinting, Metrics, Shaping, SubpixelBin, SwashCache, Weight, Wrap,
    fontdb,
};

use crate::raster::Bitmap;

const FONTS: [&[u8]; 6] = [
    include_bytes!("../fonts/NotoSans-Regular.ttf"),
    include_bytes!("../fonts/NotoSans-Bold.ttf"),
    include_bytes!("../fonts/NotoSansTamil-Regular.ttf"),
    include_bytes!("../fonts/NotoSansTamil-Bold.ttf"),
    include_bytes!("../fonts/NotoNaskhArabic-Regular.ttf"),
    include_bytes!("../fonts/NotoNaskhArabic-Bold.ttf"),
];

/// Coverage of a dot, of 255, from which it is burnt.
const BURNT_FROM: u8 = 120;

/// How text looks.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Style {
    /// Size of the em in dots.
    pub size: u32,
    pub bold: bool,
}

impl Style {
    /// From one baseline to the next, in dots.
    pub fn line_height(self) -> u32 {
        (self.size * 6).div_ceil(5)
    }
}

/// What colour text is burnt in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Ink {
    Black,
    /// Paper left white on black.
    Paper,
}

/// Text that has been shaped and wrapped to a width.
pub(crate) struct Block {
    buffer: Buffer,
    /// Dots of the longest line.
    pub width: u32,
    /// Dots of all lines.
    pub height: u32,
    /// Whether the fonts have every character of it.
    pub complete: bool,
}

/// The fonts, and the glyphs that were drawn from them.
pub(crate) struct Typesetter {
    fonts: FontSystem,
    glyphs: SwashCache,
}

impl Typesetter {
    pub fn new() -> Self {
        let mut fonts = fontdb::Database::new();
        for font in FONTS {
            fonts.load_font_source(fontdb::Source::Binary(Arc::new(font)));
        }
        Self {
            fonts: FontSystem::new_with_locale_and_db("ms-MY".to_owned(), fonts),
            glyphs: SwashCache::new(),
        }
    }

    /// Shapes `text` and wraps it to `width` dots; a word longer than that is broken.
    pub fn set(&mut self, text: &str, style: Style, width: u32) -> Block {
        let mut asked = width;
        loop {
            let block = self.set_once(text, style, asked);
            // Wrapping counts in fractions of a dot; rounding each glyph to whole ones can push a full line over.
            match block.width.saturating_sub(width) {
                0 => return block,
                over => asked = asked.saturating_sub(over).max(1),
            }
            if asked == 1 {
                return block;
            }
        }
    }

    fn set_once(&mut self, text: &str, style: Style, width: u32) -> Block {
        let line_height = style.line_height() as f32;
        let mut buffer = Buffer::new_empty(Metrics::new(style.size as f32, line_height));
        buffer.set_hinting(Hinting::Enabled);
        buffer.set_wrap(Wrap::WordOrGlyph);
        buffer.set_size(Some(width as f32), None);
        let weight = if style.bold { Weight::BOLD } else { Weight::NORMAL };
        let attrs = Attrs::new().family(Family::Name("Noto Sans")).weight(weight);
        buffer.set_text(text, &attrs, Shaping::Advanced, Some(Align::Left));
        buffer.shape_until_scroll(&mut self.fonts, false);

        let longest = buffer
            .layout_runs()
            .map(|run| run.glyphs.iter().map(|glyph| glyph.w).sum())
            .fold(0.0, f32::max);
        let n_lines = if text.is_empty() {
            0
        } else {
            buffer.layout_runs().count() as u32
        };
        let complete = buffer
            .layout_runs()
            .all(|run| run.glyphs.iter().all(|glyph| glyph.glyph_id != 0));
        Block {
            buffer,
            width: longest.ceil() as u32,
            height: n_lines * style.line_height(),
            complete,
        }
    }

    /// Burns a block with its upper left corner at `x`, `y`.
    pub fn draw(&mut self, paper: &mut Bitmap, block: &Block, x: u32, y: u32, ink: Ink) {
        for run in block.buffer.layout_runs() {
            // Lines start at the left edge, whichever way they are written.
            let left = run.glyphs.iter().map(|glyph| glyph.x).fold(f32::INFINITY, f32::min);
            for glyph in run.glyphs {
                let placed = glyph.physical((x as f32 - left, y as f32 + run.line_y.round()), 1.0);
                let mut key = placed.cache_key;
                (key.x_bin, key.y_bin) = (SubpixelBin::Zero, SubpixelBin::Zero);
                self.glyphs
                    .with_pixels(&mut self.fonts, key, Color::rgb(0, 0, 0), |dx, dy, colour| {
                        if colour.a() < BURNT_FROM {
                            return;
                        }
                        let (Ok(x), Ok(y)) = (u32::try_from(placed.x + dx), u32::try_from(placed.y + dy)) else {
                            return;
                        };
                        match ink {
                            Ink::Black => paper.blacken(x, y),
                            Ink::Paper => paper.whiten(x, y),
                        }
                    });
            }
        }
    }
}
