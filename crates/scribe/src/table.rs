//! The scribe's tables: CSV files under `data/`, compiled in, and how their words are matched.

use serde::de::DeserializeOwned;

/// All rows of a table that is part of this program.
///
/// Panics when the file does not fit its type: it was compiled in, and a test reads each.
pub(crate) fn rows<T: DeserializeOwned>(csv_text: &str) -> Vec<T> {
    let mut reader = csv::ReaderBuilder::new()
        .trim(csv::Trim::All)
        .from_reader(csv_text.as_bytes());
    reader
        .deserialize()
        .collect::<Result<_, _>>()
        .expect("tables are compiled in and read by a test")
}

/// The words of a text in lower case, without punctuation, with one space around each: ` so it is dry `.
pub(crate) fn plain(text: &str) -> String {
    let mut plain = String::with_capacity(text.len() + 2);
    plain.push(' ');
    for word in text
        .split(|c: char| !c.is_alphanumeric() && c != '\'' && c != '’')
        .filter(|word| !word.is_empty())
    {
        plain.extend(word.chars().flat_map(char::to_lowercase));
        plain.push(' ');
    }
    plain
}

/// Where a phrase stands in a `plain` text, as whole words.
pub(crate) fn find(plain: &str, phrase: &str) -> Option<usize> {
    plain.match_indices(phrase).map(|(at, _)| at).find(|&at| {
        let after = at + phrase.len();
        plain[..at].ends_with(' ') && plain[after..].starts_with(' ')
    })
}

/// True when a phrase stands in a `plain` text, as whole words.
pub(crate) fn says(plain: &str, phrase: &str) -> bool {
    find(plain, phrase).is_some()
}
