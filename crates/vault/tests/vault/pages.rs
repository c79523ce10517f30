//! How many pages a write writes: each is encrypted, authenticated and handed to the disk, and a person waits for it.

use std::fs;

use domain::Patient;
use vault::VaultError;

use crate::world::{Machine, patient, write};

/// A page in the log: its head of 24 bytes, and itself.
const FRAME: u64 = 24 + 4096;
const LOG_HEAD: u64 = 32;
const N: u64 = 40;

fn n_pages(machine: &Machine) -> u64 {
    let log = machine.file().with_extension("db-wal");
    let n_bytes = fs::metadata(log).unwrap().len();
    assert_eq!((n_bytes - LOG_HEAD) % FRAME, 0);
    (n_bytes - LOG_HEAD) / FRAME
}

/// Pages that each of many writes takes, in tenths of a page.
fn tenths(mut f: impl FnMut(&mut vault::Writing<'_>, u64) -> Result<(), VaultError>) -> u64 {
    let machine = Machine::only();
    write(machine.vault(), |w| w.put_patient(&patient(1)));
    machine.vault().checkpoint().unwrap();
    write(machine.vault(), |w| f(w, 0));
    let before = n_pages(&machine);
    for n in 1..=N {
        write(machine.vault(), |w| f(w, n));
    }
    (n_pages(&machine) - before) * 10 / N
}

#[test]
fn one_field_that_is_edited_is_five_pages_and_a_half() {
    let found = tenths(|w, n| {
        let phone = format!("012-345 {n:04}");
        w.put_patient(&Patient { phone, ..patient(1) })
    });
    println!("{found} tenths of a page");
    assert!(found <= 55, "{found} tenths of a page");
}

#[test]
fn a_setting_is_two_pages_its_own_and_that_of_the_count() {
    assert_eq!(tenths(|w, n| w.put_setting("a", &n.to_string())), 20);
}

#[test]
fn the_log_is_written_over_once_it_has_a_thousand_pages() {
    let machine = Machine::only();
    for n in 0..400 {
        let phone = format!("012-345 {n:04}");
        write(machine.vault(), |w| w.put_patient(&Patient { phone, ..patient(1) }));
    }
    let found = n_pages(&machine);
    assert!((1000..1100).contains(&found), "{found} pages");
}
