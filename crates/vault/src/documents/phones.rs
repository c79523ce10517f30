//! Telephone numbers by their beginnings, beside the search table: a number that changes leaves names and papers there alone.

use std::collections::BTreeSet;

use domain::Patient;
use rusqlite::{Connection, params};

use super::patient::plain;
use crate::VaultError;

/// The number as given and, for a Malaysian one with its country code, as it is dialled at home.
pub(super) fn words(phone: &str) -> BTreeSet<String> {
    let digits = plain(phone);
    let at_home = digits.strip_prefix("60").filter(|rest| !rest.is_empty());
    let at_home = at_home.map(|rest| format!("0{rest}"));
    [Some(digits).filter(|digits| !digits.is_empty()), at_home]
        .into_iter()
        .flatten()
        .collect()
}

/// Writes the numbers of the patient in this row anew, where they say something else now.
pub(super) fn index(
    conn: &Connection,
    row: i64,
    stands: Option<&Patient>,
    patient: Option<&Patient>,
) -> Result<(), VaultError> {
    let of = |patient: Option<&Patient>| patient.map(|patient| words(&patient.phone)).unwrap_or_default();
    let (before, now) = (of(stands), of(patient));
    for word in before.difference(&now) {
        conn.prepare_cached("DELETE FROM p_phones WHERE word = ?1 AND search_row = ?2")?
            .execute(params![word, row])?;
    }
    for word in now.difference(&before) {
        conn.prepare_cached("INSERT OR IGNORE INTO p_phones (word, search_row) VALUES (?1, ?2)")?
            .execute(params![word, row])?;
    }
    Ok(())
}

/// The rows of patients with a number that begins so, at most so many.
pub(super) fn beginning(conn: &Connection, word: &str, limit: u32) -> Result<BTreeSet<i64>, VaultError> {
    // Words are letters and digits: all that begin so come before this.
    let end = format!("{word}\u{10ffff}");
    let mut statement =
        conn.prepare_cached("SELECT search_row FROM p_phones WHERE word >= ?1 AND word < ?2 LIMIT ?3")?;
    let rows = statement.query_map(params![word, end, limit], |row| row.get(0))?;
    Ok(rows.collect::<Result<_, _>>()?)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_telephone_is_found_with_and_without_its_country_code() {
        let words = |phone| words(phone).into_iter().collect::<Vec<_>>();
        assert_eq!(words("+60 12-345 6789"), ["0123456789", "60123456789"]);
        assert_eq!(words("012-345 6789"), ["0123456789"]);
        assert_eq!(words(" - "), Vec::<String>::new());
    }
}
