//! The fonts of invoices: those of the labels (`crates/devices/fonts`, OFL), for Latin, Tamil and Arabic script. A character
//! that none of them has is printed as a question mark.

use krilla::Data;
use krilla::text::Font;
use skrifa::instance::{LocationRef, Size};
use skrifa::{FontRef, MetadataProvider};

use super::PdfError;

const REGULAR: [&[u8]; 3] = [
    include_bytes!("../../../crates/devices/fonts/NotoSans-Regular.ttf"),
    include_bytes!("../../../crates/devices/fonts/NotoSansTamil-Regular.ttf"),
    include_bytes!("../../../crates/devices/fonts/NotoNaskhArabic-Regular.ttf"),
];
const BOLD: [&[u8]; 3] = [
    include_bytes!("../../../crates/devices/fonts/NotoSans-Bold.ttf"),
    include_bytes!("../../../crates/devices/fonts/NotoSansTamil-Bold.ttf"),
    include_bytes!("../../../crates/devices/fonts/NotoNaskhArabic-Bold.ttf"),
];

/// Regular and bold, each for all scripts.
pub(super) struct Fonts {
    regular: Vec<Face>,
    bold: Vec<Face>,
}

/// One font, to be drawn with and to be measured by.
pub(super) struct Face {
    pub(super) font: Font,
    bytes: &'static [u8],
}

impl Face {
    fn read(bytes: &'static [u8]) -> Result<Self, PdfError> {
        let font = Font::new(Data::from(bytes.to_vec()), 0).ok_or_else(|| PdfError("a font is damaged".into()))?;
        Ok(Self { font, bytes })
    }

    fn metrics(&self) -> Option<FontRef<'static>> {
        FontRef::new(self.bytes).ok()
    }

    fn has(&self, c: char) -> bool {
        self.metrics().is_some_and(|font| font.charmap().map(c).is_some())
    }

    pub(super) fn width(&self, text: &str, size: f32) -> f32 {
        let Some(font) = self.metrics() else { return 0.0 };
        let (charmap, metrics) = (
            font.charmap(),
            font.glyph_metrics(Size::new(size), LocationRef::default()),
        );
        let advance = |c| charmap.map(c).and_then(|glyph| metrics.advance_width(glyph));
        text.chars().filter_map(advance).sum()
    }
}

impl Fonts {
    pub(super) fn read() -> Result<Self, PdfError> {
        let faces = |all: [&'static [u8]; 3]| all.into_iter().map(Face::read).collect::<Result<_, _>>();
        Ok(Self {
            regular: faces(REGULAR)?,
            bold: faces(BOLD)?,
        })
    }

    fn faces(&self, bold: bool) -> &[Face] {
        if bold { &self.bold } else { &self.regular }
    }

    pub(super) fn face(&self, nth: usize, bold: bool) -> &Face {
        &self.faces(bold)[nth]
    }

    /// The text in pieces that one font has; spaces stay with what is before them.
    pub(super) fn runs(&self, text: &str, bold: bool) -> Vec<(usize, String)> {
        let mut runs: Vec<(usize, String)> = Vec::new();
        for c in text.chars() {
            let known = self.faces(bold).iter().position(|face| face.has(c));
            let (nth, c) = known.map_or((0, '?'), |nth| (nth, c));
            match runs.last_mut() {
                Some((before, run)) if *before == nth || (c == ' ' && self.face(*before, bold).has(c)) => run.push(c),
                _ => runs.push((nth, c.to_string())),
            }
        }
        runs
    }

    pub(super) fn width(&self, text: &str, size: f32, bold: bool) -> f32 {
        let runs = self.runs(text, bold).into_iter();
        runs.map(|(nth, run)| self.face(nth, bold).width(&run, size)).sum()
    }

    /// The text in lines of at most this width, broken between words; a word that is wider alone is cut.
    pub(super) fn broken(&self, text: &str, size: f32, width: f32) -> Vec<String> {
        let mut lines = Vec::new();
        for line in text.lines() {
            let mut now = String::new();
            for word in line.split_whitespace() {
                let longer = if now.is_empty() {
                    word.to_owned()
                } else {
                    format!("{now} {word}")
                };
                if self.width(&longer, size, false) <= width {
                    now = longer;
                    continue;
                }
                if !now.is_empty() {
                    lines.push(std::mem::take(&mut now));
                }
                for c in word.chars() {
                    now.push(c);
                    if self.width(&now, size, false) > width && now.chars().count() > 1 {
                        now.pop();
                        lines.push(std::mem::replace(&mut now, c.to_string()));
                    }
                }
            }
            lines.push(now);
        }
        lines
    }
}
