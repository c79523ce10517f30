//! The fixtures themselves.
#![allow(clippy::unwrap_used, missing_docs)]

use std::collections::HashSet;

use domain::{Day, Instant, day_in_zone};
use testkit::printer::{Command, Decoder, UnknownByte};
use testkit::{TestClock, people, seeded_rng, small_tmpfs};

#[test]
fn twenty_thousand_people_have_distinct_numbers_that_look_right_and_agree_with_them() {
    let today = day_in_zone(TestClock::default().now(), "Asia/Kuala_Lumpur");
    let mut numbers = HashSet::new();
    for person in people::people(7).take(20_000) {
        assert_eq!(person.mykad.warnings(today), []);
        assert_eq!(person.mykad.birth_date(today), Some(person.birth_date));
        assert_eq!(person.mykad.sex(), person.sex);
        assert!(numbers.insert(person.mykad));
    }
}

#[test]
fn the_same_seed_gives_the_same_people_and_another_seed_others() {
    let names = |seed| {
        people::people(seed)
            .take(50)
            .map(|person| person.name)
            .collect::<Vec<_>>()
    };
    assert_eq!(names(1), names(1));
    assert_ne!(names(1), names(2));
}

#[test]
fn a_clock_stands_still_until_it_is_stepped_and_its_clones_show_the_same() {
    let clock = TestClock::default();
    let clone = clock.clone();
    assert_eq!(clock.now().to_string(), "2026-11-21T01:00:00Z");
    assert_eq!(clock.step_ms(1500), Instant::from_millisecond(clock.now_ms()).unwrap());
    assert_eq!(clone.now().to_string(), "2026-11-21T01:00:01.5Z");
}

#[test]
fn seeded_chance_repeats_itself() {
    use rand_chacha::rand_core::Rng;
    let draw = |seed| {
        (0..4)
            .map(|_| 0)
            .scan(seeded_rng(seed), |rng, _: i32| Some(rng.next_u64()))
            .collect::<Vec<_>>()
    };
    assert_eq!(draw(3), draw(3));
    assert_ne!(draw(3), draw(4));
}

#[test]
fn a_small_tmpfs_is_full_after_its_size_and_gone_when_dropped() {
    let Some(disk) = small_tmpfs(64) else { return };
    let path = disk.path().to_owned();
    assert!(std::fs::write(path.join("small"), [0; 1024]).is_ok());
    let error = std::fs::write(path.join("large"), vec![0; 128 * 1024]).unwrap_err();
    assert_eq!(error.kind(), std::io::ErrorKind::StorageFull);
    drop(disk);
    assert!(!path.exists());
}

#[test]
fn the_printer_reads_a_command_however_its_bytes_are_cut() {
    let bytes = b"\x1b@\x1dv0\x00\x01\x00\x02\x00\xaa\x55\x1bd\x02\x1dVA\x00\x10\x04\x04\x1dr\x01";
    let expected = [
        Command::Start,
        Command::Raster {
            row_bytes: 1,
            rows: 2,
            dots: vec![0xaa, 0x55],
        },
        Command::Feed(2),
        Command::Cut,
        Command::AskNow(4),
        Command::AskDone,
    ];
    for size in 1..=bytes.len() {
        let mut decoder = Decoder::default();
        let mut commands = Vec::new();
        for chunk in bytes.chunks(size) {
            decoder.feed(chunk);
            while let Some(command) = decoder.next_command().unwrap() {
                commands.push(command);
            }
        }
        assert_eq!(commands, expected, "in pieces of {size}");
        assert!(!decoder.is_waiting());
    }
}

#[test]
fn the_printer_refuses_the_first_byte_that_is_no_command_of_a_label() {
    check_refused(b"A", b'A', 0);
    check_refused(b"\x1b@Siti", b'S', 2);
    check_refused(b"\x1bp\x00\x19\xfa", b'p', 1);
    check_refused(b"\x1dV\x00", 0, 2);
    check_refused(b"\x1dv0\x01", 1, 3);
    check_refused(b"\x10\x04\x05", 5, 2);
    check_refused(b"\x1dr\x02", 2, 2);
}

fn check_refused(bytes: &[u8], byte: u8, offset: u64) {
    let mut decoder = Decoder::default();
    decoder.feed(bytes);
    let refused = loop {
        match decoder.next_command() {
            Ok(Some(_)) => {}
            Ok(None) => panic!("{bytes:02x?} was not refused"),
            Err(refused) => break refused,
        }
    };
    assert_eq!(refused, UnknownByte { byte, offset });
}

#[test]
fn a_person_is_as_old_as_her_number_says() {
    let person = people::people(1).next().unwrap();
    let Day(date) = person.birth_date;
    assert_eq!(
        person.mykad.digits()[..6],
        format!("{:02}{:02}{:02}", date.year() % 100, date.month(), date.day())
    );
}

mod program;
