//! Lays a label out: the largest type in which everything fits is the one that is used.
//!
//! A label is a head (clinic), a body (patient, medicine, directions) and a foot (who, serial, the words of the law).
//! On a single label the foot stands at the lower edge and the body takes the air; on a roll they follow each other.

use super::size::{DOTS_A_MM, Height};
use super::words::{CONTROLLED, Words, one_line};
use super::{DispensingLabel, LabelField, LabelFinding, LabelSize};
use crate::raster::{Area, Bitmap};
use crate::typeset::{Block, Ink, Style, Typesetter};

/// Sizes of type that are tried, in hundredths of the ordinary one.
const SCALES: [u32; 12] = [125, 118, 112, 106, 100, 94, 88, 82, 76, 71, 66, 62];
/// No type is smaller than this em, in dots: 1.9 mm, about 5.3 points.
const SMALLEST: u32 = 15;
/// The patient's name, the medicine and how to take it are never smaller than this em, in dots: 2.4 mm.
const SMALLEST_MAIN: u32 = 19;
/// Dots between two texts that share a line.
const GUTTER: u32 = 14;

/// Lays `label` out on paper of this size. The same label always gives the same dots.
///
/// Text is wrapped, then set smaller step by step down to what can be read; it is never cut: what still does not fit,
/// what is missing and what can't be drawn comes back as a finding.
pub fn lay_out(label: &DispensingLabel, size: LabelSize) -> Result<Bitmap, LabelFinding> {
    let texts = Texts::of(label)?;
    let mut typesetter = Typesetter::new();
    let room = match size.height() {
        Height::Fixed(height) | Height::UpTo(height) => height,
    };
    let mut excess = 0;
    for scale in SCALES {
        // A roll has room below: there is no reason for more than the ordinary size.
        if matches!(size.height(), Height::UpTo(_)) && scale > 100 {
            continue;
        }
        let sheet = Sheet::set(&texts, size, scale, &mut typesetter)?;
        let needed = sheet.height();
        if needed <= room {
            return Ok(sheet.draw(size, &mut typesetter));
        }
        excess = needed - room;
    }
    Err(LabelFinding::DoesNotFit {
        excess_mm: excess.div_ceil(DOTS_A_MM),
    })
}

/// The texts of a label, ready to be set: cleaned, with the label's own words around them.
struct Texts {
    clinic_name: String,
    clinic_address: String,
    clinic_phone: String,
    reprint: Option<String>,
    patient: String,
    date: String,
    medicine: String,
    quantity: String,
    directions: Vec<String>,
    indication: String,
    advice: String,
    handed_over: String,
    serial: String,
}

impl Texts {
    fn of(label: &DispensingLabel) -> Result<Self, LabelFinding> {
        let Words {
            phone,
            indication,
            handed_over_by,
            serial,
        } = label.language.words();
        let directions: Vec<String> = label
            .directions
            .iter()
            .map(|d| one_line(d))
            .filter(|d| !d.is_empty())
            .collect();
        if directions.is_empty() {
            return Err(LabelFinding::Missing {
                field: LabelField::Directions,
            });
        }
        let by = required(&label.handed_over_by, LabelField::HandedOverBy)?;
        let number = required(&label.serial, LabelField::Serial)?;
        Ok(Self {
            clinic_name: required(&label.clinic_name, LabelField::ClinicName)?,
            clinic_address: required(&label.clinic_address, LabelField::ClinicAddress)?,
            clinic_phone: after(&format!("{phone} "), &label.clinic_phone),
            reprint: label.reprint.map(|n| format!("REPRINT {n}")),
            patient: required(&label.patient_name, LabelField::PatientName)?,
            date: required(&label.date_text, LabelField::Date)?,
            medicine: required(&label.medicine, LabelField::Medicine)?,
            quantity: one_line(&label.quantity_text),
            directions,
            indication: after(&format!("{indication}: "), &label.indication),
            advice: one_line(&label.advice),
            handed_over: format!("{handed_over_by}: {by}"),
            serial: format!("{serial} {number}"),
        })
    }
}

fn required(text: &str, field: LabelField) -> Result<String, LabelFinding> {
    let text = one_line(text);
    if text.is_empty() {
        Err(LabelFinding::Missing { field })
    } else {
        Ok(text)
    }
}

/// `text` with `lead` before it; nothing when there is no text.
fn after(lead: &str, text: &str) -> String {
    let text = one_line(text);
    if text.is_empty() { text } else { format!("{lead}{text}") }
}

/// One thing on the sheet, over its whole width.
enum Row {
    /// A text, with another at the right end of its first line.
    Line {
        left: Block,
        right: Option<Badge>,
        indent: u32,
    },
    /// A black bar with the text in its middle, left white.
    Bar { text: Block, padding: u32 },
    /// A line of this many dots.
    Rule(u32),
    /// Nothing, for this many dots.
    Gap(u32),
}

/// A text at the right end of a line.
struct Badge {
    text: Block,
    /// Lowers it, so that both stand on one baseline.
    drop: u32,
    /// White on black.
    inverse: bool,
}

impl Row {
    fn height(&self) -> u32 {
        match self {
            Self::Line { left, right, .. } => left
                .height
                .max(right.as_ref().map_or(0, |badge| badge.drop + badge.text.height)),
            Self::Bar { text, padding } => text.height + 2 * padding,
            Self::Rule(height) | Self::Gap(height) => *height,
        }
    }
}

/// All rows of a label, set in one scale.
struct Sheet {
    head: Vec<Row>,
    body: Vec<Row>,
    foot: Vec<Row>,
    margin: u32,
}

/// The styles of one scale.
struct Styles {
    clinic: Style,
    small: Style,
    patient: Style,
    medicine: Style,
    direction: Style,
    text: Style,
    law: Style,
    gap: u32,
}

impl Styles {
    fn of(scale: u32) -> Self {
        let dots = |ordinary: u32, smallest: u32| ((ordinary * scale + 50) / 100).max(smallest);
        let style = |ordinary, smallest, bold| Style {
            size: dots(ordinary, smallest),
            bold,
        };
        Self {
            clinic: style(25, SMALLEST_MAIN, true),
            small: style(18, SMALLEST, false),
            patient: style(24, SMALLEST_MAIN, true),
            medicine: style(30, SMALLEST_MAIN, true),
            direction: style(26, SMALLEST_MAIN, true),
            text: style(20, SMALLEST, false),
            law: style(19, SMALLEST, true),
            gap: dots(7, 3),
        }
    }
}

impl Sheet {
    fn set(texts: &Texts, size: LabelSize, scale: u32, typesetter: &mut Typesetter) -> Result<Self, LabelFinding> {
        let Styles {
            clinic,
            small,
            patient,
            medicine,
            direction,
            text,
            law,
            gap,
        } = Styles::of(scale);
        let mut setter = Setter {
            typesetter,
            width: size.width() - 2 * size.margin_x(),
        };

        let reprint = texts.reprint.as_deref().map(|words| Right {
            text: words,
            style: Style { bold: true, ..text },
            field: LabelField::ClinicName,
            inverse: true,
        });
        let mut head = vec![setter.line(&texts.clinic_name, clinic, LabelField::ClinicName, reprint)?];
        head.extend(setter.side_by_side(
            (&texts.clinic_address, LabelField::ClinicAddress),
            (&texts.clinic_phone, LabelField::ClinicPhone),
            small,
        )?);
        head.extend([Row::Gap(gap), Row::Rule(3), Row::Gap(gap)]);

        let plain = |words, field| Right {
            text: words,
            style: text,
            field,
            inverse: false,
        };
        let date = Some(plain(&texts.date, LabelField::Date));
        let quantity = (!texts.quantity.is_empty()).then(|| plain(&texts.quantity, LabelField::Quantity));
        let mut body = vec![
            setter.line(&texts.patient, patient, LabelField::PatientName, date)?,
            Row::Gap(gap),
            setter.line(&texts.medicine, medicine, LabelField::Medicine, quantity)?,
            Row::Gap(gap / 2),
        ];
        for sentence in &texts.directions {
            body.push(setter.bullet(sentence, direction, LabelField::Directions)?);
        }
        body.push(Row::Gap(gap));
        for (words, field) in [
            (&texts.indication, LabelField::Indication),
            (&texts.advice, LabelField::Advice),
        ] {
            if !words.is_empty() {
                body.push(setter.line(words, text, field, None)?);
            }
        }

        let mut foot = vec![Row::Gap(gap), Row::Rule(1), Row::Gap(gap / 2)];
        foot.extend(setter.side_by_side(
            (&texts.handed_over, LabelField::HandedOverBy),
            (&texts.serial, LabelField::Serial),
            small,
        )?);
        foot.extend([Row::Gap(gap), setter.bar(CONTROLLED, law, gap / 2)]);
        Ok(Self {
            head,
            body,
            foot,
            margin: size.margin_y(),
        })
    }

    fn height(&self) -> u32 {
        2 * self.margin + height_of(&self.head) + height_of(&self.body) + height_of(&self.foot)
    }

    fn draw(&self, size: LabelSize, typesetter: &mut Typesetter) -> Bitmap {
        let height = match size.height() {
            Height::Fixed(height) => height,
            Height::UpTo(_) => self.height(),
        };
        let spare = height - self.height();
        let mut pen = Pen {
            paper: Bitmap::new(size.width(), height),
            typesetter,
            margin: size.margin_x(),
        };
        let y = pen.rows(&self.head, self.margin);
        pen.rows(&self.body, y + spare / 3);
        pen.rows(&self.foot, height - self.margin - height_of(&self.foot));
        pen.paper
    }
}

fn height_of(rows: &[Row]) -> u32 {
    rows.iter().map(Row::height).sum()
}

/// What stands at the right end of a line, before it is set.
struct Right<'a> {
    text: &'a str,
    style: Style,
    field: LabelField,
    inverse: bool,
}

/// Sets texts over the width between the margins.
struct Setter<'a> {
    typesetter: &'a mut Typesetter,
    width: u32,
}

impl Setter<'_> {
    fn block(&mut self, text: &str, style: Style, width: u32, field: LabelField) -> Result<Block, LabelFinding> {
        let block = self.typesetter.set(text, style, width);
        if block.complete {
            Ok(block)
        } else {
            Err(LabelFinding::CannotWrite { field })
        }
    }

    /// `left` over the width, or what of it `right` leaves free.
    fn line(&mut self, left: &str, style: Style, field: LabelField, right: Option<Right>) -> Result<Row, LabelFinding> {
        let Some(right) = right else {
            return Ok(Row::Line {
                left: self.block(left, style, self.width, field)?,
                right: None,
                indent: 0,
            });
        };
        // A long text at the right is wrapped in its half rather than pushing the left one off the paper.
        let text = self.block(right.text, right.style, self.width / 2, right.field)?;
        let padding = if right.inverse { GUTTER } else { 0 };
        let left = self.block(left, style, self.width - text.width - padding - GUTTER, field)?;
        let drop = style.line_height().saturating_sub(right.style.line_height()) * 4 / 5;
        Ok(Row::Line {
            left,
            right: Some(Badge {
                text,
                drop,
                inverse: right.inverse,
            }),
            indent: 0,
        })
    }

    /// Two texts in one row when they fit, else one below the other. An empty one takes no room.
    fn side_by_side(
        &mut self,
        left: (&str, LabelField),
        right: (&str, LabelField),
        style: Style,
    ) -> Result<Vec<Row>, LabelFinding> {
        let first = self.block(left.0, style, self.width, left.1)?;
        let second = self.block(right.0, style, self.width, right.1)?;
        let one_line = style.line_height();
        let both = first.height <= one_line && second.height <= one_line;
        let badge = |text| Badge {
            text,
            drop: 0,
            inverse: false,
        };
        let row = |left, right| Row::Line { left, right, indent: 0 };
        Ok(if both && first.width + GUTTER + second.width <= self.width {
            vec![row(first, Some(badge(second)))]
        } else {
            vec![row(first, None), row(second, None)]
        })
    }

    /// A sentence behind a dot; its further lines stand under its first.
    fn bullet(&mut self, sentence: &str, style: Style, field: LabelField) -> Result<Row, LabelFinding> {
        let indent = style.size * 3 / 5;
        Ok(Row::Line {
            left: self.block(sentence, style, self.width - indent, field)?,
            right: None,
            indent,
        })
    }

    fn bar(&mut self, text: &str, style: Style, padding: u32) -> Row {
        Row::Bar {
            text: self.typesetter.set(text, style, self.width),
            padding,
        }
    }
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
