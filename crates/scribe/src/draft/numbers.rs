//! Spoken numbers, English and Malay, read from words.

use std::collections::HashMap;
use std::sync::LazyLock;

use serde::Deserialize;

use crate::table;

#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
enum Kind {
    /// three, tiga
    Unit,
    /// ten to nineteen, sepuluh
    Teen,
    /// belas: the unit before it and ten
    Teens,
    /// twenty, thirty
    Tens,
    /// seratus: a hundred by itself
    Whole,
    /// hundred, puluh: times what was before
    Times,
    /// and: between hundreds and the rest
    Joins,
    /// point, perpuluhan
    Point,
}

#[derive(Debug, Deserialize)]
struct Row {
    word: String,
    kind: Kind,
    value: u32,
}

static NUMBERS: LazyLock<HashMap<String, (Kind, u32)>> = LazyLock::new(|| {
    let rows: Vec<Row> = table::rows(include_str!("../../data/numbers.csv"));
    rows.into_iter().map(|row| (row.word, (row.kind, row.value))).collect()
});

/// No number in a consult is larger, and none may overflow.
const LARGEST: u32 = 1_000_000;

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
    read_digits(words.first()?).or_else(|| read_words(words))
}

fn read_digits(word: &str) -> Option<Number> {
    let is_number = word.starts_with(|c: char| c.is_ascii_digit()) && word.chars().all(|c| c.is_ascii_digit() || c == '.');
    let value: f64 = is_number.then(|| word.parse().ok())??;
    Some(Number { value, digits: word.to_owned(), n_words: 1, in_digits: true })
}

fn read_words(words: &[&str]) -> Option<Number> {
    let mut kinds = words.iter().map_while(|word| NUMBERS.get(*word).copied()).peekable();
    // What is complete (thousands, hundreds), and what is being said.
    let (mut total, mut current) = (0u32, 0u32);
    let mut before: Option<Kind> = None;
    let mut n_words = 0;
    let mut decimals = String::new();
    while let Some((kind, value)) = kinds.next() {
        let next = kinds.peek().map(|(kind, _)| *kind);
        match (kind, before) {
            (Kind::Unit, None | Some(Kind::Tens | Kind::Times | Kind::Whole | Kind::Joins)) => current += value,
            (Kind::Teen | Kind::Tens, None | Some(Kind::Times | Kind::Whole | Kind::Joins)) => current += value,
            (Kind::Teens, Some(Kind::Unit)) => current += value,
            (Kind::Whole, None) => current = value,
            (Kind::Times, Some(Kind::Unit | Kind::Teen | Kind::Teens | Kind::Tens)) => {
                // "dua ratus tiga puluh": only the last unit is multiplied.
                let last = if value == 10 { current % 10 } else { current % 1_000 };
                let multiplied = last * value;
                current = current - last + multiplied;
                if value >= 100 {
                    total += std::mem::take(&mut current);
                }
            }
            (Kind::Joins, Some(Kind::Times | Kind::Whole)) if matches!(next, Some(Kind::Unit | Kind::Teen | Kind::Tens)) => {}
            (Kind::Point, Some(_)) if next == Some(Kind::Unit) => {
                while let Some((_, digit)) = kinds.next_if(|(kind, _)| *kind == Kind::Unit) {
                    decimals.push_str(&digit.to_string());
                }
                n_words += 1 + decimals.len();
                break;
            }
            _ => break,
        }
        if total > LARGEST || current > LARGEST {
            return None;
        }
        before = Some(kind);
        n_words += 1;
    }
    before?;
    let whole = total + current;
    let digits = if decimals.is_empty() { whole.to_string() } else { format!("{whole}.{decimals}") };
    Some(Number { value: digits.parse().ok()?, digits, n_words, in_digits: false })
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
        check("38.2 degrees", "38.2", 1);
    }

    #[test]
    fn malay_numbers_are_read() {
        check("tiga puluh lapan perpuluhan dua", "38.2", 5);
        check("seratus tiga puluh atas", "130", 3);
        check("dua ratus lima puluh", "250", 4);
        check("lima belas", "15", 2);
        check("sepuluh", "10", 1);
    }

    #[test]
    fn what_is_no_number_is_not_read() {
        for said in ["and", "point", "hundred", "fever", "puluh", "3rd", "..", "1.2.3"] {
            assert_eq!(read(&[said]), None, "{said}");
        }
    }
}
