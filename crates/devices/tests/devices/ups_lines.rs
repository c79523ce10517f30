use devices::ups::q1::{ASK, BatteryVolts, Q1Error, Reading, parse};
use proptest::prelude::*;

/// Real lines (facts/devices.md 3.2) with what NUT's driver says of them.
#[test]
fn real_lines_are_read_as_the_reference_driver_reads_them() {
    check(
        "Ippon (nut#598)",
        "(229.4 229.4 229.4 013 49.9 13.1 25.0 00001001",
        "OL",
    );
    check(
        "DigiTECH 650 (nut#674)",
        "(246.0 000.0 249.0 000 50.0 13.8 29.0 00001000",
        "OL",
    );
    check(
        "Ippon Na+ (nut#2923)",
        "(235.7 000.0 229.9 013 49.9 2.50 55.0 00000001",
        "OL",
    );
    check(
        "OMRON BN150T",
        "(102.5 000.0 102.4 000 49.9 54.5 22.7 00101000",
        "OL BYPASS",
    );
    check("Armac", "(233.0 000.0 233.0 014 49.0 27.0 20.8 00001001", "OL");
    check("Armac, outage", "(000.0 140.0 227.0 002 00.0 46.8 56.0 10001000", "OB");
    check(
        "Armac type, online",
        "(241.5 000.0 230.3 000 49.9 2.25 48.0 00000001",
        "OL",
    );
    check("Voltronic", "(209.7 209.7 219.7 020 50.0 41.8 23.3 00000001", "OL");
    check(
        "Voltronic, outage",
        "(002.9 000.0 000.0 000 00.0 2.02 21.0 10000001",
        "OB",
    );
    check(
        "Voltronic QS, 117 V",
        "(117.4 117.4 117.4 000 60.2 13.7 --.- 00001001",
        "OL",
    );
    check("FSP (QS)", "(229.2 229.2 229.2 014 50.1 27.6 --.- 00001001", "OL");
    check(
        "FSP (QS), outage",
        "(012.3 229.7 220.2 014 50.1 24.6 --.- 10001001",
        "OB",
    );
}

/// Made-up lines with the driver's verdict.
#[test]
fn the_bits_mean_what_the_reference_driver_takes_them_for() {
    check(
        "worn battery",
        "(230.1 000.0 229.9 017 50.0 10.6 29.0 01001001",
        "OL LB",
    );
    check("self-test", "(230.1 000.0 229.9 017 50.0 13.6 29.0 00001101", "OL CAL");
    check("190 V", "(190.0 000.0 229.9 017 50.0 13.6 29.0 00101001", "OL BYPASS");
    check("the end", "(000.0 000.0 229.9 040 50.0 10.6 29.0 11001011", "OB LB FSD");
}

fn check(unit: &str, line: &str, verdict: &str) {
    let reading = parse(&answer(line)).unwrap_or_else(|error| panic!("{unit}: {error}"));
    assert_eq!(said(&reading), verdict, "{unit}");
}

/// In the words of NUT; boost, buck and bypass are one bit and one word here.
fn said(reading: &Reading) -> String {
    let flags = [
        (!reading.on_battery, "OL"),
        (reading.on_battery, "OB"),
        (reading.battery_low, "LB"),
        (reading.testing, "CAL"),
        (reading.bypass_or_boost, "BYPASS"),
        (reading.shutdown_active, "FSD"),
    ];
    flags
        .iter()
        .filter(|(set, _)| *set)
        .map(|(_, word)| *word)
        .collect::<Vec<_>>()
        .join(" ")
}

fn answer(line: &str) -> Vec<u8> {
    [line.as_bytes(), b"\r"].concat()
}

const GOOD: &str = "(229.4 228.1 230.2 013 49.9 13.1 25.4 00001001";

#[test]
fn every_column_lands_in_its_field() {
    let reading = parse(&answer(GOOD)).unwrap();
    let expected = Reading {
        input_volts: 229.4,
        fault_volts: 228.1,
        output_volts: 230.2,
        load_percent: 13,
        hertz: 49.9,
        battery: BatteryVolts::Battery(13.1),
        temperature: Some(25.4),
        on_battery: false,
        battery_low: false,
        bypass_or_boost: false,
        ups_failed: false,
        standby_type: true,
        testing: false,
        shutdown_active: false,
        beeper_on: true,
    };
    assert_eq!(reading, expected);
}

#[test]
fn volts_of_a_cell_are_told_from_volts_of_a_battery() {
    let battery = |line| parse(&answer(line)).unwrap().battery;
    assert_eq!(
        battery("(235.7 000.0 229.9 013 49.9 2.50 55.0 00000001"),
        BatteryVolts::Cell(2.5)
    );
    assert_eq!(
        battery("(102.5 000.0 102.4 000 49.9 54.5 22.7 00101000"),
        BatteryVolts::Battery(54.5)
    );
}

#[test]
fn a_line_of_another_length_is_refused_whole() {
    for line in [
        "",
        "(229.4 228.1 230.2 013 49.9 13.1 25.4 0000100",
        "(229.4 228.1 230.2 013 49.9 13.60 25.4 00001001",
        "(229.4 228.1 230.2 013 49.9 13.1 00001001",
        "Q1",
        "(NAK",
    ] {
        assert_eq!(
            parse(&answer(line)),
            Err(Q1Error::Length {
                n_bytes: line.len() + 1
            }),
            "{line}"
        );
    }
    assert_eq!(parse(b""), Err(Q1Error::Length { n_bytes: 0 }));
    assert_eq!(parse(ASK), Err(Q1Error::Length { n_bytes: 3 }));
}

#[test]
fn one_odd_character_anywhere_refuses_the_whole_line() {
    let good = answer(GOOD);
    for column in 0..good.len() {
        for odd in [0x00, 0xff, b' ', b'\r', b'-', b'.', b'x'] {
            let mut line = good.clone();
            line[column] = odd;
            let same_or_cell = odd == good[column];
            if !same_or_cell {
                assert!(parse(&line).is_err(), "{odd:#04x} in column {column} was taken");
            }
        }
    }
}

#[test]
fn the_line_that_made_a_driver_call_the_outage_over_is_refused() {
    let mut line = answer("(000.0 000.0 229.9 040 50.0 10.6 29.0 00001001");
    line[19] = 0xff;
    assert_eq!(parse(&line), Err(Q1Error::Column { column: 19 }));
}

proptest! {
    #[test]
    fn no_bytes_make_the_reader_panic(bytes in proptest::collection::vec(any::<u8>(), 0..60)) {
        let _ = parse(&bytes);
    }

    #[test]
    fn no_line_of_the_right_length_makes_it_panic(bytes in "[(0-9. -]{46}\r") {
        if let Ok(reading) = parse(bytes.as_bytes()) {
            prop_assert!((0.0..1000.0).contains(&reading.input_volts) && reading.load_percent < 1000);
        }
    }
}
