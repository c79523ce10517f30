use devices::escpos::status::{Paper, is_done, parse_cover_open, parse_paper};
use devices::label::{LabelSize, lay_out};
use testkit::printer::{Command, Decoder};

use crate::paracetamol;

#[test]
fn a_label_is_five_kinds_of_command_and_nothing_else() {
    let bytes = devices::escpos::wrap(&lay_out(&paracetamol(), LabelSize::Mm60x50).unwrap());
    let mut decoder = Decoder::default();
    decoder.feed(&bytes);
    let mut said = Vec::new();
    while let Some(command) = decoder.next_command().unwrap() {
        said.push(match command {
            Command::Raster { row_bytes, rows, .. } => format!("raster {row_bytes} bytes x {rows} rows"),
            other => format!("{other:?}"),
        });
    }
    assert!(!decoder.is_waiting());
    insta::assert_snapshot!(said.join("\n"), @r"
    Start
    raster 60 bytes x 128 rows
    raster 60 bytes x 128 rows
    raster 60 bytes x 128 rows
    raster 60 bytes x 16 rows
    Feed(2)
    Cut
    ");
}

#[test]
fn the_answer_about_paper_is_read_as_real_printers_give_it() {
    check_paper(0x12, Some(Paper::Enough));
    check_paper(0x1e, Some(Paper::NearEnd));
    check_paper(0x72, Some(Paper::Out));
    check_paper(0x7e, Some(Paper::Out));
}

#[test]
fn a_byte_of_another_form_is_no_answer() {
    for byte in [0x00, 0xff, 0x92, 0x13, 0x02, b'A'] {
        check_paper(byte, None);
        assert_eq!(parse_cover_open(byte), None, "{byte:#04x}");
    }
}

fn check_paper(answer: u8, expected: Option<Paper>) {
    assert_eq!(parse_paper(answer), expected, "{answer:#04x}");
}

#[test]
fn an_open_cover_is_one_bit() {
    assert_eq!(parse_cover_open(0x12), Some(false));
    assert_eq!(parse_cover_open(0x16), Some(true));
}

#[test]
fn no_late_answer_in_real_time_passes_for_the_word_that_all_is_printed() {
    assert!(is_done(0x00) && is_done(0x03) && is_done(0x0c));
    assert!(
        (0..=u8::MAX)
            .filter(|byte| parse_paper(*byte).is_some())
            .all(|byte| !is_done(byte))
    );
}
