//! An invoice on paper: A4, its fonts inside. The same invoice in the same state gives the same bytes.

use krilla::Document;
use krilla::color::luma;
use krilla::geom::{PathBuilder, Point};
use krilla::metadata::Metadata;
use krilla::num::NormalizedF32;
use krilla::page::PageSettings;
use krilla::paint::{Fill, FillRule, Stroke};
use krilla::text::TextDirection;

use super::fonts::Fonts;
use super::{Invoice, InvoiceState};
use crate::amounts::ringgit;

/// A4, in points.
const PAGE: (f32, f32) = (595.0, 842.0);
const MARGIN: f32 = 50.0;
const RIGHT: f32 = PAGE.0 - MARGIN;
/// Nothing but the page's number is written below this.
const BOTTOM: f32 = PAGE.1 - 70.0;
const LEADING: f32 = 14.0;
/// Where the sums begin.
const SUMS: f32 = 300.0;
/// The widest line of an address, in points.
const ADDRESS_WIDTH: f32 = 260.0;

/// The invoice could not be put on paper.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("the invoice cannot be made into a PDF: {0}")]
pub struct PdfError(pub(super) String);

/// The invoice as a PDF.
///
/// # Errors
/// [`PdfError`].
pub fn as_pdf(invoice: &Invoice) -> Result<Vec<u8>, PdfError> {
    let fonts = Fonts::read()?;
    let pages = Layout::of(invoice, &fonts).pages;
    let language = invoice.bill.language();
    let mut document = Document::new();
    let title = match &invoice.code {
        Some(code) => code.clone(),
        None => language.words().draft.to_owned(),
    };
    let authors = vec![invoice.bill.seller.name.clone()];
    let metadata = Metadata::new().title(title).authors(authors);
    document.set_metadata(metadata.language(language.code().to_owned()));
    let settings = PageSettings::from_wh(PAGE.0, PAGE.1).ok_or_else(|| PdfError("no such page".into()))?;
    for marks in &pages {
        let mut page = document.start_page_with(settings.clone());
        let mut surface = page.surface();
        for mark in marks {
            match mark {
                Mark::Text(text) => {
                    let paint = luma::Color::new(text.grey).into();
                    surface.set_stroke(None);
                    surface.set_fill(Some(Fill {
                        paint,
                        opacity: NormalizedF32::ONE,
                        rule: FillRule::NonZero,
                    }));
                    let mut x = text.x;
                    for (nth, run) in fonts.runs(&text.words, text.bold) {
                        let font = fonts.face(nth, text.bold);
                        let at = Point::from_xy(x, text.y);
                        surface.draw_text(at, font.font.clone(), text.size, &run, false, TextDirection::Auto);
                        x += font.width(&run, text.size);
                    }
                }
                Mark::Rule { from, to, y } => {
                    let mut path = PathBuilder::new();
                    path.move_to(*from, *y);
                    path.line_to(*to, *y);
                    surface.set_fill(None);
                    surface.set_stroke(Some(Stroke {
                        paint: luma::Color::new(160).into(),
                        width: 0.6,
                        ..Stroke::default()
                    }));
                    if let Some(path) = path.finish() {
                        surface.draw_path(&path);
                    }
                }
            }
        }
        surface.finish();
        page.finish();
    }
    document.finish().map_err(|error| PdfError(format!("{error:?}")))
}

enum Mark {
    Text(Text),
    Rule { from: f32, to: f32, y: f32 },
}

struct Text {
    x: f32,
    y: f32,
    size: f32,
    bold: bool,
    grey: u8,
    words: String,
}

struct Layout<'f> {
    fonts: &'f Fonts,
    pages: Vec<Vec<Mark>>,
    y: f32,
}

impl<'f> Layout<'f> {
    fn of(invoice: &Invoice, fonts: &'f Fonts) -> Self {
        let mut layout = Self {
            fonts,
            pages: vec![Vec::new()],
            y: MARGIN + 20.0,
        };
        layout.head(invoice);
        layout.lines(invoice);
        layout.foot(invoice);
        layout.number_pages(invoice);
        layout
    }

    fn head(&mut self, invoice: &Invoice) {
        let bill = &invoice.bill;
        let (seller, language) = (&bill.seller, bill.language());
        let words = language.words();
        let title = match (invoice.is_credit_note(), invoice.state) {
            (true, _) => words.credit_note.to_owned(),
            (false, InvoiceState::Draft) => format!("{} ({})", words.invoice, words.draft.to_lowercase()),
            (false, _) => words.invoice.to_owned(),
        };
        self.right(&title, 20.0, true);
        let mut from = vec![(seller.name.clone(), true)];
        let address = self.fonts.broken(&seller.address, 9.5, ADDRESS_WIDTH);
        from.extend(address.into_iter().map(|line| (line, false)));
        for (word, number) in [
            (words.registration, &seller.registration),
            (words.sst_number, &seller.sst_number),
        ] {
            if !number.is_empty() {
                from.push((format!("{word} {number}"), false));
            }
        }
        let top = self.y;
        for (line, bold) in from {
            self.left(MARGIN, &line, if bold { 12.0 } else { 9.5 }, bold);
            self.y += LEADING;
        }
        let under_seller = self.y;
        let day = |day: Option<jiff::civil::Date>| day.map(|day| language.day(day));
        let facts = [
            (words.number, invoice.code.clone()),
            (words.date, day(invoice.issued)),
            (words.due, day(invoice.due).filter(|_| !invoice.is_credit_note())),
            (words.period, Some(language.month(invoice.month))),
            (words.credits, invoice.credits.clone()),
            (words.paid, day(invoice.paid)),
        ];
        self.y = top + 2.0 * LEADING;
        for (word, fact) in facts {
            if let Some(fact) = fact {
                self.left(355.0, word, 9.5, false);
                self.right(&fact, 9.5, false);
                self.y += LEADING;
            }
        }
        self.y = self.y.max(under_seller) + LEADING;
        if invoice.state == InvoiceState::Void {
            self.left(MARGIN, words.void, 11.0, true);
            self.y += 1.5 * LEADING;
        }
        self.grey(words.bill_to);
        self.y += LEADING;
        self.left(MARGIN, &bill.buyer_name, 11.0, true);
        self.y += LEADING;
        for line in self.fonts.broken(&bill.buyer_address, 9.5, ADDRESS_WIDTH) {
            self.left(MARGIN, &line, 9.5, false);
            self.y += LEADING;
        }
        self.y += LEADING;
    }

    fn lines(&mut self, invoice: &Invoice) {
        let language = invoice.bill.language();
        let words = language.words();
        let columns = [(360.0, words.days), (455.0, words.a_month), (RIGHT, words.amount)];
        self.left(MARGIN, words.description, 9.5, true);
        for (x, word) in columns {
            self.ends_at(x, word, 9.5, true);
        }
        self.y += 6.0;
        self.rule(MARGIN);
        for line in &invoice.bill.lines {
            self.y += LEADING + 3.0;
            self.make_room(2.0 * LEADING);
            self.left(MARGIN, &line.plan, 9.5, false);
            let days = format!("{} {} {}", line.days, words.of, line.of_days);
            self.ends_at(360.0, &days, 9.5, false);
            self.ends_at(455.0, &ringgit(line.price_sen), 9.5, false);
            self.ends_at(RIGHT, &ringgit(line.amount_sen), 9.5, false);
            self.y += LEADING - 2.0;
            self.grey(&format!("{} – {}", language.day(line.from), language.day(line.to)));
        }
        self.y += 8.0;
        self.rule(MARGIN);
    }

    fn foot(&mut self, invoice: &Invoice) {
        let bill = &invoice.bill;
        let words = bill.language().words();
        self.make_room(5.0 * LEADING);
        let mut sums = Vec::new();
        if bill.tax_bp > 0 {
            sums.push((words.subtotal.to_owned(), bill.subtotal_sen, false));
            let percent = format!("{}.{:02}", bill.tax_bp / 100, bill.tax_bp % 100);
            let percent = percent.trim_end_matches('0').trim_end_matches('.');
            sums.push((format!("{} {percent} %", words.tax), bill.tax_sen, false));
        }
        let total = match (invoice.is_credit_note(), invoice.state) {
            (true, _) => words.credited,
            (false, InvoiceState::Draft | InvoiceState::Issued) => words.total,
            (false, InvoiceState::Paid) => words.settled,
            (false, InvoiceState::Void) => words.undone,
        };
        sums.push((total.to_owned(), bill.total_sen, true));
        for (word, sen, bold) in sums {
            if bold {
                self.y += 8.0;
                self.rule(SUMS);
            }
            self.y += LEADING + 3.0;
            let size = if bold { 12.0 } else { 9.5 };
            self.ends_at(455.0, &word, size, bold);
            self.ends_at(RIGHT, &ringgit(sen), size, bold);
        }
        self.y += 3.0 * LEADING;
        // Nobody is told how to pay what is not to be paid.
        let is_open = matches!(invoice.state, InvoiceState::Draft | InvoiceState::Issued) && !invoice.is_credit_note();
        if bill.seller.terms.is_empty() || !is_open {
            return;
        }
        self.make_room(2.0 * LEADING);
        self.grey(words.terms);
        for line in self.fonts.broken(&bill.seller.terms, 9.5, RIGHT - MARGIN) {
            self.y += LEADING;
            self.make_room(LEADING);
            self.left(MARGIN, &line, 9.5, false);
        }
    }

    fn number_pages(&mut self, invoice: &Invoice) {
        let words = invoice.bill.language().words();
        let n_pages = self.pages.len();
        let whose = match &invoice.code {
            Some(code) => format!("{} · {code} · ", invoice.bill.seller.name),
            None => String::new(),
        };
        for (nth, page) in self.pages.iter_mut().enumerate() {
            page.push(Mark::Text(Text {
                x: MARGIN,
                y: PAGE.1 - 40.0,
                size: 8.0,
                bold: false,
                grey: 110,
                words: format!("{whose}{} {} {} {n_pages}", words.page, nth + 1, words.of),
            }));
        }
    }

    fn make_room(&mut self, height: f32) {
        if self.y + height > BOTTOM {
            self.pages.push(Vec::new());
            self.y = MARGIN + 20.0;
        }
    }

    fn mark(&mut self, mark: Mark) {
        self.pages.last_mut().expect("there is a first page").push(mark);
    }

    fn text(&mut self, x: f32, words: &str, (size, bold, grey): (f32, bool, u8)) {
        let (y, words) = (self.y, words.to_owned());
        self.mark(Mark::Text(Text {
            x,
            y,
            size,
            bold,
            grey,
            words,
        }));
    }

    fn left(&mut self, x: f32, words: &str, size: f32, bold: bool) {
        self.text(x, words, (size, bold, 0));
    }

    fn ends_at(&mut self, x: f32, words: &str, size: f32, bold: bool) {
        let width = self.fonts.width(words, size, bold);
        self.text(x - width, words, (size, bold, 0));
    }

    fn right(&mut self, words: &str, size: f32, bold: bool) {
        self.ends_at(RIGHT, words, size, bold);
    }

    fn grey(&mut self, words: &str) {
        self.text(MARGIN, words, (8.5, false, 90));
    }

    fn rule(&mut self, from: f32) {
        let y = self.y;
        self.mark(Mark::Rule { from, to: RIGHT, y });
    }
}
