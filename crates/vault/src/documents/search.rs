//! Finding a patient at the counter: by the beginnings of her names, of her document's number, or of her telephone.

use std::collections::BTreeSet;

use domain::{Identifier, Patient, PatientId, search_key};
use rusqlite::{Connection, Row, params};

use super::patient::plain;
use super::phones;
use crate::reading::noun;
use crate::{Reading, VaultError};

/// Where the searched words were found.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Matched {
    /// In the name.
    Name,
    /// In the number of the document.
    Identifier,
    /// In the telephone number.
    Phone,
}

/// A patient who was found.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PatientHit {
    /// Who.
    pub patient: Patient,
    /// Where.
    pub matched: Matched,
}

/// At most so many hits are put in order; a text that finds more is too short to mean one person.
const CANDIDATES: u32 = 400;

/// Of words of which one may begin a telephone number, so many at most are looked for there.
const NUMBERS: usize = 3;

impl Reading<'_> {
    /// Patients whose name, document or telephone has words that begin with each word of `text`; by name.
    ///
    /// Capitals, accents and dashes don't count; digits are searched as one number. Empty text finds nobody. Measured
    /// with 20 000 patients in an unoptimised build: under 20 ms for one letter, under 1 ms for a number.
    pub fn search_patients(&self, text: &str, limit: u32) -> Result<Vec<PatientHit>, VaultError> {
        let Some(query) = Query::parse(text) else {
            return Ok(Vec::new());
        };
        let hit = |row: &Row<'_>| {
            let patient: Patient = noun(row, 0)?;
            Ok(PatientHit {
                matched: query.matched(&patient),
                patient,
            })
        };
        let words: Vec<&str> = query.words.iter().map(String::as_str).collect();
        let Some(rows) = with_numbers(self.conn(), &words)? else {
            // A limit that is bound would have SQLite prepare this anew each time.
            let sql = format!(
                "SELECT p.json FROM
                     (SELECT place, name FROM
                         (SELECT rowid AS place, name FROM p_search WHERE p_search MATCH ?1 LIMIT {CANDIDATES})
                      ORDER BY name, place LIMIT {limit}) best
                 JOIN p_patients p ON p.search_row = best.place ORDER BY best.name, best.place"
            );
            return self.many(&sql, [match_words(&words)], hit);
        };
        let rows: Vec<String> = rows.iter().map(i64::to_string).collect();
        let sql = "SELECT p.json FROM
                       (SELECT s.rowid AS place, s.name FROM json_each(?1) c JOIN p_search s ON s.rowid = c.value
                        ORDER BY s.name, s.rowid LIMIT ?2) best
                   JOIN p_patients p ON p.search_row = best.place ORDER BY best.name, best.place";
        self.many(sql, params![format!("[{}]", rows.join(",")), limit], hit)
    }
}

/// The rows of those who are found, if a word begins anybody's telephone number; otherwise the search table alone answers.
fn with_numbers(conn: &Connection, words: &[&str]) -> Result<Option<BTreeSet<i64>>, VaultError> {
    // One word alone that finds more is too short to mean anybody; with others beside it, they say who is meant.
    let limit = if words.len() == 1 { CANDIDATES } else { u32::MAX };
    let mut begun = Vec::new();
    for (place, word) in words.iter().enumerate() {
        let rows = phones::beginning(conn, word, limit)?;
        if !rows.is_empty() && begun.len() < NUMBERS {
            begun.push((place, rows));
        }
    }
    if begun.is_empty() {
        return Ok(None);
    }
    let mut found = matching(conn, words, CANDIDATES, |_| true)?;
    // Each choice of words that are to begin a number; the others are in the name or the document.
    for choice in 1..1_usize << begun.len() {
        let chosen = || begun.iter().enumerate().filter(|(nth, _)| choice >> nth & 1 == 1);
        let places: Vec<usize> = chosen().map(|(_, (place, _))| *place).collect();
        let mut sets = chosen().map(|(_, (_, rows))| rows);
        let smallest = sets.next().cloned().unwrap_or_default();
        let common = sets.fold(smallest, |common, rows| &common & rows);
        let others = words.iter().enumerate().filter(|(place, _)| !places.contains(place));
        let others: Vec<&str> = others.map(|(_, word)| *word).collect();
        if others.is_empty() {
            found.extend(common.into_iter().take(CANDIDATES as usize));
        } else if !common.is_empty() {
            found.extend(matching(conn, &others, u32::MAX, |row| common.contains(row))?);
        }
    }
    Ok(Some(found))
}

/// The rows of the search table that have each of these words.
fn matching(
    conn: &Connection,
    words: &[&str],
    limit: u32,
    wanted: impl Fn(&i64) -> bool,
) -> Result<BTreeSet<i64>, VaultError> {
    let mut statement = conn.prepare_cached("SELECT rowid FROM p_search WHERE p_search MATCH ?1 LIMIT ?2")?;
    let rows = statement.query_map(params![match_words(words), limit], |row| row.get(0))?;
    Ok(rows
        .filter(|row| row.as_ref().map_or(true, &wanted))
        .take(CANDIDATES as usize)
        .collect::<Result<_, _>>()?)
}

/// Words in FTS5's language. They hold letters and digits only, so that quoting is enough.
fn match_words(words: &[&str]) -> String {
    words
        .iter()
        .map(|word| format!("\"{word}\"*"))
        .collect::<Vec<_>>()
        .join(" ")
}

/// What was typed, as words to compare.
struct Query {
    words: Vec<String>,
}

impl Query {
    fn parse(text: &str) -> Option<Self> {
        let is_number = text.chars().any(|c| c.is_ascii_digit()) && !text.chars().any(char::is_alphabetic);
        let words = if is_number {
            vec![plain(text)]
        } else {
            search_key(text)
                .split(' ')
                .filter(|word| !word.is_empty())
                .map(str::to_owned)
                .collect()
        };
        (!words.is_empty()).then_some(Self { words })
    }

    fn matched(&self, patient: &Patient) -> Matched {
        let all_begin = |candidates: &[&str]| {
            self.words
                .iter()
                .all(|word| candidates.iter().any(|candidate| candidate.starts_with(word.as_str())))
        };
        let numbers = phones::words(&patient.phone);
        if all_begin(&search_key(&patient.name).split(' ').collect::<Vec<_>>()) {
            Matched::Name
        } else if all_begin(&numbers.iter().map(String::as_str).collect::<Vec<_>>()) {
            Matched::Phone
        } else {
            Matched::Identifier
        }
    }
}

/// The row of a patient in the search table: derived from her id, so that it is the same after a rebuild.
pub(super) fn row_of(id: PatientId) -> i64 {
    let hash = blake3::hash(id.as_bytes());
    i64::from_le_bytes(*hash.as_bytes().first_chunk().expect("8 of 32 bytes")) & i64::MAX
}

/// Writes what a patient is found by anew, where it says something else than what stood here. Her row is in the table.
pub(super) fn index(
    conn: &Connection,
    row: i64,
    stands: Option<&Patient>,
    patient: &Patient,
) -> Result<(), VaultError> {
    let is_same = |same: fn(&Patient, &Patient) -> bool| stands.is_some_and(|stands| same(stands, patient));
    let has_words = is_same(|a, b| a.name == b.name && a.identifier == b.identifier)
        || stands.is_some_and(|stands| words(stands) == words(patient));
    if has_words && is_same(|a, b| a.phone == b.phone) {
        return Ok(());
    }
    let others = others_at(conn, row, patient.id)?;
    if !others.is_empty() {
        return share(conn, row, others, Some(patient));
    }
    phones::index(conn, row, stands, Some(patient))?;
    if has_words {
        return Ok(());
    }
    if stands.is_some() {
        remove(conn, row)?;
    }
    insert(conn, row, &words(patient))
}

/// Takes away what a patient is found by. Her row is not in the table any more.
pub(super) fn forget(conn: &Connection, row: i64, stands: &Patient) -> Result<(), VaultError> {
    let others = others_at(conn, row, stands.id)?;
    if !others.is_empty() {
        return share(conn, row, others, None);
    }
    phones::index(conn, row, Some(stands), None)?;
    remove(conn, row)
}

/// Who else is found in this row: ids can be made until two have the same one.
fn others_at(conn: &Connection, row: i64, patient: PatientId) -> Result<Vec<Patient>, VaultError> {
    let mut statement = conn.prepare_cached("SELECT json FROM p_patients WHERE search_row = ?1 AND id <> ?2")?;
    let mut rows = statement.query(params![row, patient.as_bytes()])?;
    let mut others = Vec::new();
    while let Some(row) = rows.next()? {
        others.push(noun(row, 0)?);
    }
    Ok(others)
}

/// One row for all of them, in the order of their ids: whoever is looked for, the others are found as well.
fn share(conn: &Connection, row: i64, mut all: Vec<Patient>, one: Option<&Patient>) -> Result<(), VaultError> {
    all.extend(one.cloned());
    all.sort_by_key(|patient| patient.id);
    conn.prepare_cached("DELETE FROM p_phones WHERE search_row = ?1")?
        .execute([row])?;
    for patient in &all {
        phones::index(conn, row, None, Some(patient))?;
    }
    let words: Vec<[String; 2]> = all.iter().map(words).collect();
    let column = |nth: usize| {
        words
            .iter()
            .map(|words| words[nth].as_str())
            .collect::<Vec<_>>()
            .join(" ")
    };
    remove(conn, row)?;
    insert(conn, row, &[column(0), column(1)])
}

fn remove(conn: &Connection, row: i64) -> Result<(), VaultError> {
    conn.prepare_cached("DELETE FROM p_search WHERE rowid = ?1")?
        .execute([row])?;
    Ok(())
}

fn insert(conn: &Connection, row: i64, words: &[String; 2]) -> Result<(), VaultError> {
    conn.prepare_cached("INSERT INTO p_search (rowid, name, identifier) VALUES (?1, ?2, ?3)")?
        .execute(params![row, words[0], words[1]])?;
    Ok(())
}

fn words(patient: &Patient) -> [String; 2] {
    [search_key(&patient.name), number_words(&patient.identifier)]
}

fn number_words(identifier: &Identifier) -> String {
    match identifier {
        Identifier::MyKad { number } => number.digits().to_owned(),
        Identifier::Passport { number, .. } | Identifier::Other { number, .. } => plain(number),
        Identifier::None => String::new(),
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn typed_text_becomes_words_that_cannot_be_read_as_operators() {
        let words = |text| {
            Query::parse(text).map(|query| match_words(&query.words.iter().map(String::as_str).collect::<Vec<_>>()))
        };
        assert_eq!(words("  Núr  binti").as_deref(), Some("\"nur\"* \"binti\"*"));
        assert_eq!(words("900101-14 55").as_deref(), Some("\"9001011455\"*"));
        assert_eq!(words("a\" OR name:*").as_deref(), Some("\"a\"* \"or\"* \"name\"*"));
        assert_eq!(words(" - \" "), None);
    }

    fn siti(n: u8, name: &str, phone: &str) -> Patient {
        Patient {
            id: PatientId::from_bytes([n; 16]),
            name: name.into(),
            identifier: Identifier::Other {
                paper: "card".into(),
                number: format!("X{n}"),
            },
            birth_date: None,
            sex: domain::Sex::Unknown,
            phone: phone.into(),
            address: domain::Address::default(),
        }
    }

    #[test]
    fn patients_of_one_row_are_found_whoever_came_first_and_whoever_goes() {
        use crate::documents::patient::write_row;
        use crate::{rebuild, schema};
        let tables = |steps: &[&Patient]| {
            let mut conn = Connection::open_in_memory().unwrap();
            schema::migrate(&mut conn).unwrap();
            schema::renew_projections(&conn).unwrap();
            steps.iter().for_each(|one| write_row(&conn, one, 77).unwrap());
            conn
        };
        let rows = |conn: &Connection| rebuild::dump(conn).unwrap();
        let [one, other] = [siti(1, "Siti Aminah", "012-111"), siti(2, "Tan Mei Ling", "012-111")];
        let renamed = siti(1, "Siti Aminah Abdullah", "013-9");
        let both = tables(&[&one, &other]);
        assert_eq!(rows(&both), rows(&tables(&[&other, &one])));
        assert_eq!(
            rows(&tables(&[&one, &other, &renamed])),
            rows(&tables(&[&renamed, &other]))
        );
        for word in ["siti", "tan", "x2"] {
            assert_eq!(matching(&both, &[word], 9, |_| true).unwrap(), [77].into(), "{word}");
        }
        // One goes: the other is found as if she had always been alone, also by the telephone that they shared.
        crate::documents::patient::unproject(&both, one.id).unwrap();
        assert_eq!(rows(&both), rows(&tables(&[&other])));
        assert_eq!(matching(&both, &["siti"], 9, |_| true).unwrap(), [].into());
        assert_eq!(phones::beginning(&both, "012", 9).unwrap(), [77].into());
    }
}
