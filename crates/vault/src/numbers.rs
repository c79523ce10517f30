//! Numbers that people read: unique per clinic even offline, by a letter of the device and a counter.
//!
//! The letter comes from the order in which devices were added, so that every device works it out alike. That order is
//! the statements' own, not their clocks': who adds a device with a wrong clock moves nobody's letter. Two devices
//! that were added apart, by admins who had not heard of each other, share one until they do; so that a number is not
//! given twice afterwards, the counter also stays ahead of every number with its letter that is already on record.

use std::collections::{BTreeMap, BTreeSet};

use domain::{Day, Token};
use rusqlite::{OptionalExtension, params};
use seal::{DeviceId, Membership, Statement, StatementId, StatementKind};

use crate::facts::kind;
use crate::{Reading, VaultError, Writing};

/// `A` for the founding device, then `B`, `C` … `Z`, `AA`, `AB` …
pub(crate) fn device_prefix(membership: &Membership, statements: &[Statement], device: &DeviceId) -> String {
    let added = in_order(membership, statements);
    letters(added.iter().position(|(id, _)| id == device).unwrap_or(added.len()))
}

/// Every device that was ever admitted, with when, in the order of their letters. Those whose admission is void count
/// too: or everybody's letter would move when a statement turns out void, and back when it does not.
pub(crate) fn in_order(membership: &Membership, statements: &[Statement]) -> Vec<(DeviceId, i64)> {
    let kept = || statements.iter().filter(|statement| membership.keeps(&statement.id()));
    let depths = depths(kept());
    let mut added: Vec<_> = kept()
        .filter_map(|statement| match statement.kind() {
            StatementKind::Genesis(genesis) => Some((statement, genesis.first_device.id())),
            StatementKind::AddDevice(add) => Some((statement, add.device.id())),
            _ => None,
        })
        .map(|(statement, id)| (depths[&statement.id()], statement.made_at_ms(), statement.id(), id))
        .collect();
    added.sort();
    let mut seen = BTreeSet::new();
    let first = added.into_iter().filter(|(.., id)| seen.insert(*id));
    first.map(|(_, made_at_ms, _, id)| (id, made_at_ms)).collect()
}

/// How many statements lie under each one, along the longest way down: more than under any that it builds upon.
fn depths<'s>(statements: impl Iterator<Item = &'s Statement>) -> BTreeMap<StatementId, u32> {
    let statements: BTreeMap<_, _> = statements.map(|statement| (statement.id(), statement)).collect();
    let mut depths = BTreeMap::new();
    for id in statements.keys() {
        // A way down may be as long as the list, so no function calls itself here.
        let mut way = vec![*id];
        while let Some(top) = way.last() {
            let below = statements[top].predecessors().iter();
            let below: Vec<_> = below.filter(|below| statements.contains_key(below)).collect();
            if let Some(open) = below.iter().find(|below| !depths.contains_key(**below)) {
                way.push(**open);
                continue;
            }
            let depth = below.iter().map(|below| depths[*below] + 1).max().unwrap_or(0);
            depths.insert(*top, depth);
            way.pop();
        }
    }
    depths
}

/// Bijective base 26: 0 = `A`, 25 = `Z`, 26 = `AA`.
pub(crate) fn letters(mut place: usize) -> String {
    let mut text = Vec::new();
    loop {
        text.push(b'A' + (place % 26) as u8);
        if place < 26 {
            break;
        }
        place = place / 26 - 1;
    }
    text.reverse();
    String::from_utf8(text).expect("letters are ASCII")
}

/// More digits than these no counter gets to. What says it did is nobody's number: it would use the others up.
const MAX_DIGITS: usize = 12;

/// A serial with its digits filled up, so that text is in the order of numbers; `None` for what no device gave.
pub(crate) fn in_order_of_numbers(serial: &str) -> Option<String> {
    let (letters, digits) = serial.split_once('-')?;
    let is_number = (1..=MAX_DIGITS).contains(&digits.len()) && digits.bytes().all(|digit| digit.is_ascii_digit());
    is_number.then(|| format!("{letters}-{digits:0>MAX_DIGITS$}"))
}

/// The counter in `text` when it was given out under `prefix`.
fn counter_of(text: &str, prefix: &str) -> Option<i64> {
    let digits = text.strip_prefix(prefix)?.trim_start_matches('-');
    digits.parse().ok().filter(|_| digits.len() <= MAX_DIGITS)
}

impl Reading<'_> {
    /// The letter or letters in front of numbers that this device hands out.
    pub fn device_prefix(&self) -> String {
        self.belonging().prefix.clone()
    }
}

impl Writing<'_> {
    /// The next token of a day, such as `A07`.
    pub(crate) fn next_token(&mut self, day: Day) -> Result<Token, VaultError> {
        let on_record = self.many("SELECT token FROM p_queue WHERE day = ?1", [day.to_string()], |row| {
            Ok(row.get::<_, String>(0)?)
        })?;
        let number = self.next(&format!("token/{day}"), &on_record)?;
        Ok(Token(format!("{}{number:02}", self.device_prefix())))
    }

    /// The next serial of the Prescription Book, such as `A-000001`. Given up when this write is given up.
    pub fn next_prescription_serial(&mut self) -> Result<String, VaultError> {
        let prefix = self.device_prefix();
        let newest = "SELECT subject FROM p_facts WHERE kind = ?1 AND subject BETWEEN ?2 || '-' AND ?2 || '-:'
                      ORDER BY subject DESC LIMIT 1";
        let on_record = self.many(newest, params![kind::DISPENSED, prefix], |row| {
            Ok(row.get::<_, String>(0)?)
        })?;
        let number = self.next("prescription", &on_record)?;
        Ok(format!("{prefix}-{number:06}"))
    }

    /// One more than the counter's last number and than every number on record under this device's letter.
    ///
    /// # Errors
    /// [`VaultError::Copy`] where another store may be giving the same.
    fn next(&mut self, name: &str, on_record: &[String]) -> Result<i64, VaultError> {
        self.count_number()?;
        let prefix = self.device_prefix();
        let last: Option<i64> = self
            .conn()
            .prepare_cached("SELECT last FROM counters WHERE name = ?1")?
            .query_row([name], |row| row.get(0))
            .optional()?;
        let seen = on_record.iter().filter_map(|text| counter_of(text, &prefix)).max();
        let next = last.max(seen).unwrap_or(0) + 1;
        self.conn()
            .prepare_cached("INSERT OR REPLACE INTO counters (name, last) VALUES (?1, ?2)")?
            .execute(params![name, next])?;
        Ok(next)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn letters_go_on_after_z() {
        let shown: Vec<String> = [0, 1, 25, 26, 27, 701, 702].into_iter().map(letters).collect();
        assert_eq!(shown, ["A", "B", "Z", "AA", "AB", "ZZ", "AAA"]);
    }

    #[test]
    fn a_number_of_another_letter_does_not_count() {
        assert_eq!(counter_of("A07", "A"), Some(7));
        assert_eq!(counter_of("A-000012", "A"), Some(12));
        assert_eq!(counter_of("AB07", "A"), None);
        assert_eq!(counter_of("B07", "A"), None);
    }

    #[test]
    fn serials_are_in_the_order_of_their_numbers() {
        let [some, million] = ["A-999999", "A-1000000"].map(in_order_of_numbers);
        assert!(some < million);
        assert_eq!(million.and_then(|million| counter_of(&million, "A")), Some(1_000_000));
        for foreign in ["A", "A-", "A-12x", "A-1234567890123", "A-1-2", "A-+12"] {
            assert_eq!(in_order_of_numbers(foreign), None, "{foreign}");
        }
    }
}
