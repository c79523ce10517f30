//! All rows of a label, set in one scale of type, before anything is burnt.

use super::texts::Texts;
use super::words::CONTROLLED;
use super::{LabelField, LabelFinding, LabelSize};
use crate::typeset::{Block, Style, Typesetter};

/// No type is smaller than this em, in dots: 1.9 mm, about 5.3 points.
const SMALLEST: u32 = 15;
/// The patient's name, the medicine and how to take it are never smaller than this em, in dots: 2.4 mm.
const SMALLEST_MAIN: u32 = 19;
/// Dots between two texts that share a line.
pub(super) const GUTTER: u32 = 14;

/// One thing on the sheet, over its whole width.
pub(super) enum Row {
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
pub(super) struct Badge {
    pub text: Block,
    /// Lowers it, so that both stand on one baseline.
    pub drop: u32,
    /// White on black.
    pub inverse: bool,
}

impl Row {
    /// Dots down.
    pub fn height(&self) -> u32 {
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
pub(super) struct Sheet {
    /// The clinic.
    pub head: Vec<Row>,
    /// Patient, medicine, directions.
    pub body: Vec<Row>,
    /// Who, serial, the words of the law.
    pub foot: Vec<Row>,
    /// Dots kept free above and below.
    pub margin: u32,
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
    /// Sets every text in `scale`, in hundredths of the ordinary size.
    pub fn set(texts: &Texts, size: LabelSize, scale: u32, typesetter: &mut Typesetter) -> Result<Self, LabelFinding> {
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

    /// Dots that all of it needs.
    pub fn height(&self) -> u32 {
        2 * self.margin + height_of(&self.head) + height_of(&self.body) + height_of(&self.foot)
    }
}

/// Dots that these rows need.
pub(super) fn height_of(rows: &[Row]) -> u32 {
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
