//! Spoken numbers, English and Malay, read from words.

use std::collections::{BTreeMap, HashMap};
use std::sync::LazyLock;

use serde::Deserialize;

use crate::table;

#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
enum Kind {
    /// three, tiga
    Unit,
    /// ten to nineteen, sepuluh, sebelas
    Teen,
    /// twenty, thirty
    Tens,
    /// belas, after a unit: and ten
    UnitAndTen,
    /// puluh, after a unit: times ten
    UnitTimesTen,
    /// hundred, ratus
    Hundred,
    /// seratus
    OneHundred,
    /// thousand, ribu
    Thousand,
    /// seribu
    OneThousand,
    /// and, after hundreds and thousands
    Joins,
    /// point, perpuluhan
    Point,
}

#[derive(Debug, Deserialize)]
struct Row {
    word: String,
    language: String,
    kind: Kind,
    value: u32,
}

type Words = HashMap<String, (Kind, u32)>;

/// One table a language: a number is said in one.
static LANGUAGES: LazyLock<Vec<Words>> = LazyLock::new(|| {
    let mut languages: BTreeMap<String, Words> = BTreeMap::new();
    for row in table::rows::<Row>(include_str!("../../data/numbers.csv")) {
        languages
            .entry(row.language)
            .or_default()
            .insert(row.word, (row.kind, row.value));
    }
    languages.into_values().collect()
});

/// A number that was read.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Number {
    /// Its value.
    pub(super) value: f64,
    /// In digits, with as many decimals as were said.
    pub(super) digits: String,
    /// How many words it took.
    pub(super) n_words: usize,
    /// True when it stood in digits already.
    pub(super) in_digits: bool,
}

/// Reads the number that begins at the first of these lower-case words without punctuation.
pub(super) fn read(words: &[&str]) -> Option<Number> {
    let first = words.first()?;
    read_digits(first).or_else(|| LANGUAGES.iter().find_map(|language| read_words(words, language)))
}

fn read_digits(word: &str) -> Option<Number> {
    let is_number =
        word.starts_with(|c: char| c.is_ascii_digit()) && word.chars().all(|c| c.is_ascii_digit() || c == '.');
    let value: f64 = is_number.then(|| word.parse().ok())??;
    Some(Number {
        value,
        digits: word.to_owned(),
        n_words: 1,
        in_digits: true,
    })
}

fn read_words(words: &[&str], language: &Words) -> Option<Number> {
    let kinds: Vec<_> = words.iter().map_while(|word| language.get(*word).copied()).collect();
    let mut reader = Reader { kinds: &kinds, at: 0 };
    let whole = reader.number()?;
    let decimals = reader.decimals();
    let digits = if decimals.is_empty() {
        whole.to_string()
    } else {
        format!("{whole}.{decimals}")
    };
    Some(Number {
        value: digits.parse().ok()?,
        digits,
        n_words: reader.at,
        in_digits: false,
    })
}

/// Reads a number from the largest part to the smallest; each part only where the language has it, so that "one two" is
/// one and not three.
struct Reader<'a> {
    kinds: &'a [(Kind, u32)],
    at: usize,
}

impl Reader<'_> {
    fn number(&mut self) -> Option<u32> {
        if self.take(Kind::OneThousand).is_some() {
            return Some(1_000 + self.rest(Self::below_1000));
        }
        let value = self.below_1000()?;
        if value > 0 && self.take(Kind::Thousand).is_some() {
            return Some(value * 1_000 + self.rest(Self::below_1000));
        }
        Some(value)
    }

    fn below_1000(&mut self) -> Option<u32> {
        if self.take(Kind::OneHundred).is_some() {
            return Some(100 + self.rest(Self::below_100));
        }
        let value = self.below_100()?;
        if (1..10).contains(&value) && self.take(Kind::Hundred).is_some() {
            return Some(value * 100 + self.rest(Self::below_100));
        }
        Some(value)
    }

    fn below_100(&mut self) -> Option<u32> {
        if let Some(tens) = self.take(Kind::Tens) {
            return Some(tens + self.unit_above_zero().unwrap_or(0));
        }
        if let Some(teen) = self.take(Kind::Teen) {
            return Some(teen);
        }
        let unit = self.take(Kind::Unit)?;
        if unit > 1 && self.take(Kind::UnitAndTen).is_some() {
            return Some(unit + 10);
        }
        if unit > 1 && self.take(Kind::UnitTimesTen).is_some() {
            return Some(unit * 10 + self.unit_above_zero().unwrap_or(0));
        }
        Some(unit)
    }

    fn unit_above_zero(&mut self) -> Option<u32> {
        let before = self.at;
        let unit = self.take(Kind::Unit).filter(|unit| *unit > 0);
        if unit.is_none() {
            self.at = before;
        }
        unit
    }

    /// What may follow hundreds or thousands, with or without "and"; zero, and nothing taken, when it does not.
    fn rest(&mut self, part: impl Fn(&mut Self) -> Option<u32>) -> u32 {
        let before = self.at;
        self.take(Kind::Joins);
        match part(self) {
            Some(value) if value > 0 => value,
            _ => {
                self.at = before;
                0
            }
        }
    }

    /// Digit by digit after the point; empty when none follows.
    fn decimals(&mut self) -> String {
        let before = self.at;
        let mut decimals = String::new();
        if self.take(Kind::Point).is_some() {
            while let Some(digit) = self.take(Kind::Unit) {
                decimals.push_str(&digit.to_string());
            }
        }
        if decimals.is_empty() {
            self.at = before;
        }
        decimals
    }

    fn take(&mut self, wanted: Kind) -> Option<u32> {
        let (_, value) = self.kinds.get(self.at).filter(|(kind, _)| *kind == wanted)?;
        self.at += 1;
        Some(*value)
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    fn check(said: &str, digits: &str, n_words: usize) {
        let words: Vec<&str> = said.split(' ').collect();
        let number = read(&words).unwrap();
        assert_eq!((number.digits.as_str(), number.n_words), (digits, n_words), "{said}");
    }

    #[test]
    fn english_numbers_are_read() {
        check("five milligrams", "5", 1);
        check("thirty eight point two degrees", "38.2", 4);
        check("one hundred thirty over eighty", "130", 3);
        check("one hundred and five", "105", 4);
        check("two thousand five hundred", "2500", 4);
        check("nineteen", "19", 1);
        check("thirty seven point zero five", "37.05", 5);
        check("one two three", "1", 1);
        check("two and a half", "2", 1);
        check("one hundred and a half", "100", 2);
        check("twenty zero", "20", 1);
        check("one hundred two hundred", "102", 3);
        check("eighty hundred", "80", 1);
        check("three ratus", "3", 1);
        check("38.2 degrees", "38.2", 1);
    }

    #[test]
    fn malay_numbers_are_read() {
        check("tiga puluh lapan perpuluhan dua", "38.2", 5);
        check("seratus tiga puluh atas", "130", 3);
        check("dua ratus lima puluh", "250", 4);
        check("lima belas", "15", 2);
        check("seribu dua ratus", "1200", 3);
        check("sepuluh", "10", 1);
    }

    #[test]
    fn what_is_no_number_is_not_read() {
        for said in ["and", "point", "hundred", "fever", "puluh", "3rd", "..", "1.2.3"] {
            assert_eq!(read(&[said]), None, "{said}");
        }
    }
}
