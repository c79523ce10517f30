//! Burns a sheet into dots.

use super::LabelSize;
use super::sheet::{Badge, GUTTER, Row, Sheet, height_of};
use super::size::Height;
use crate::raster::{Area, Bitmap};
use crate::typeset::{Ink, Typesetter};

/// Burns `sheet` on paper of this size, which is high enough for it.
///
/// On a single label the foot stands at the lower edge and the body takes the air; on a roll they follow each other.
pub(super) fn burn(sheet: &Sheet, size: LabelSize, typesetter: &mut Typesetter) -> Bitmap {
    let needed = sheet.height();
    let height = match size.height() {
        Height::Fixed(height) => height,
        Height::UpTo(_) => needed,
    };
    let air = height - needed;
    let mut pen = Pen {
        paper: Bitmap::new(size.width(), height),
        typesetter,
        margin: size.margin_x(),
    };
    let y = pen.rows(&sheet.head, sheet.margin);
    pen.rows(&sheet.body, y + air / 3);
    pen.rows(&sheet.foot, height - sheet.margin - height_of(&sheet.foot));
    pen.paper
}

/// Burns rows into the paper.
struct Pen<'a> {
    paper: Bitmap,
    typesetter: &'a mut Typesetter,
    margin: u32,
}

impl Pen<'_> {
    /// Burns `rows` from `y` down and says where they end.
    fn rows(&mut self, rows: &[Row], mut y: u32) -> u32 {
        for row in rows {
            self.row(row, y);
            y += row.height();
        }
        y
    }

    fn row(&mut self, row: &Row, y: u32) {
        let (left_edge, right_edge) = (self.margin, self.paper.width() - self.margin);
        let width = right_edge - left_edge;
        match row {
            Row::Line { left, right, indent } => {
                if *indent > 0 {
                    self.dot(left_edge, y, *indent);
                }
                self.typesetter
                    .draw(&mut self.paper, left, left_edge + indent, y, Ink::Black);
                if let Some(badge) = right {
                    self.badge(badge, right_edge, y + badge.drop);
                }
            }
            Row::Bar { text, padding } => {
                self.paper.fill(Area {
                    x: left_edge,
                    y,
                    width,
                    height: row.height(),
                });
                let x = left_edge + width.saturating_sub(text.width) / 2;
                self.typesetter.draw(&mut self.paper, text, x, y + padding, Ink::Paper);
            }
            Row::Rule(height) => self.paper.fill(Area {
                x: left_edge,
                y,
                width,
                height: *height,
            }),
            Row::Gap(_) => {}
        }
    }

    fn badge(&mut self, badge: &Badge, right_edge: u32, y: u32) {
        let Badge { text, inverse, .. } = badge;
        let x = right_edge - text.width;
        if *inverse {
            let padding = GUTTER / 2;
            self.paper.fill(Area {
                x: x - 2 * padding,
                y,
                width: text.width + 2 * padding,
                height: text.height,
            });
            self.typesetter.draw(&mut self.paper, text, x - padding, y, Ink::Paper);
        } else {
            self.typesetter.draw(&mut self.paper, text, x, y, Ink::Black);
        }
    }

    /// A dot of a third of the indent, at the height of a small letter's middle.
    fn dot(&mut self, x: u32, y: u32, indent: u32) {
        let side = indent / 3 + 1;
        self.paper.fill(Area {
            x: x + 1,
            y: y + indent * 6 / 5 - side / 2,
            width: side,
            height: side,
        });
    }
}
