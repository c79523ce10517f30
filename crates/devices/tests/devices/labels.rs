use std::path::PathBuf;

use devices::label::{DispensingLabel, LabelField, LabelFinding, LabelLanguage, LabelSize, lay_out};
use devices::raster::Bitmap;
use proptest::prelude::*;

use crate::paracetamol;

#[test]
fn an_ordinary_label_keeps_its_dots_on_every_paper() {
    check_frozen("paracetamol-60x50", &paracetamol(), LabelSize::Mm60x50);
    check_frozen("paracetamol-70x40", &paracetamol(), LabelSize::Mm70x40);
    check_frozen("paracetamol-roll58", &paracetamol(), LabelSize::Roll58);
    check_frozen("paracetamol-roll80", &paracetamol(), LabelSize::Roll80);
}

#[test]
fn a_second_reprint_with_long_texts_keeps_its_dots_in_smaller_type() {
    check_frozen("reprint-60x50", &long_texts(), LabelSize::Mm60x50);
    check_frozen("reprint-70x40", &long_texts(), LabelSize::Mm70x40);
}

#[test]
fn tamil_and_jawi_are_shaped_and_keep_their_dots() {
    let label = DispensingLabel {
        clinic_name: "کلينيک سري ميدن".into(),
        patient_name: "முத்துலட்சுமி a/p சுப்பிரமணியம்".into(),
        language: LabelLanguage::English,
        ..paracetamol()
    };
    check_frozen("scripts-60x50", &label, LabelSize::Mm60x50);
}

/// Compares with the picture in `tests/labels`, dot for dot. `MEDIECO_BLESS=1` writes it anew; then look at it.
fn check_frozen(name: &str, label: &DispensingLabel, size: LabelSize) {
    let path = PathBuf::from(env!("CARGO_MANIFEST_DIR"))
        .join("tests/labels")
        .join(format!("{name}.png"));
    let label = lay_out(label, size).unwrap();
    if std::env::var_os("MEDIECO_BLESS").is_some() {
        std::fs::write(&path, label.to_png()).unwrap();
    }
    let frozen = Bitmap::from_png(&std::fs::read(&path).unwrap()).unwrap();
    assert!(
        label == frozen,
        "{name} has changed: see it with MEDIECO_BLESS=1 and git diff"
    );
}

#[test]
fn the_same_label_gives_the_same_bytes() {
    let bytes = || devices::escpos::wrap(&lay_out(&paracetamol(), LabelSize::Mm60x50).unwrap());
    assert_eq!(bytes(), bytes());
}

#[test]
fn every_text_that_the_law_asks_for_must_be_there() {
    check_missing(|label| label.clinic_name.clear(), LabelField::ClinicName);
    check_missing(|label| label.clinic_address = " \n".into(), LabelField::ClinicAddress);
    check_missing(|label| label.patient_name.clear(), LabelField::PatientName);
    check_missing(|label| label.medicine.clear(), LabelField::Medicine);
    check_missing(|label| label.directions.clear(), LabelField::Directions);
    check_missing(
        |label| label.directions = vec!["\u{202e}".into()],
        LabelField::Directions,
    );
    check_missing(|label| label.date_text.clear(), LabelField::Date);
    check_missing(|label| label.serial.clear(), LabelField::Serial);
    check_missing(|label| label.handed_over_by.clear(), LabelField::HandedOverBy);
}

fn check_missing(spoil: impl Fn(&mut DispensingLabel), field: LabelField) {
    let mut label = paracetamol();
    spoil(&mut label);
    assert_eq!(
        lay_out(&label, LabelSize::Mm60x50),
        Err(LabelFinding::Missing { field })
    );
}

#[test]
fn what_the_law_does_not_ask_for_may_be_absent() {
    let label = DispensingLabel {
        clinic_phone: String::new(),
        quantity_text: String::new(),
        indication: String::new(),
        advice: String::new(),
        ..paracetamol()
    };
    for size in LabelSize::ALL {
        assert!(lay_out(&label, size).is_ok(), "{size:?}");
    }
}

#[test]
fn every_text_leaves_its_dots_on_the_label() {
    check_shows(|label| label.clinic_phone.clear());
    check_shows(|label| label.quantity_text.clear());
    check_shows(|label| label.indication.clear());
    check_shows(|label| label.advice.clear());
    check_shows(|label| label.reprint = Some(1));
    check_shows(|label| label.clinic_name.push('x'));
    check_shows(|label| label.clinic_address.push('x'));
    check_shows(|label| label.patient_name.push('x'));
    check_shows(|label| label.medicine.push('x'));
    check_shows(|label| label.directions[1].push('x'));
    check_shows(|label| label.date_text = "22/11/2026".into());
    check_shows(|label| label.serial.push('x'));
    check_shows(|label| label.handed_over_by.push('x'));
    check_shows(|label| label.language = LabelLanguage::English);
}

fn check_shows(change: impl Fn(&mut DispensingLabel)) {
    let mut label = paracetamol();
    change(&mut label);
    for size in [LabelSize::Mm60x50, LabelSize::Roll58] {
        assert!(lay_out(&label, size).unwrap() != lay_out(&paracetamol(), size).unwrap());
    }
}

#[test]
fn too_much_text_is_a_finding_and_never_cut() {
    let label = DispensingLabel {
        advice: "Simpan di tempat sejuk dan kering. ".repeat(20),
        ..paracetamol()
    };
    for size in [LabelSize::Mm60x50, LabelSize::Mm70x40] {
        let Err(LabelFinding::DoesNotFit { excess_mm }) = lay_out(&label, size) else {
            panic!("{size:?} took it")
        };
        assert!((5..60).contains(&excess_mm), "{excess_mm} mm");
    }
}

#[test]
fn a_roll_grows_with_its_text() {
    let short = lay_out(&paracetamol(), LabelSize::Roll80).unwrap();
    let long = lay_out(&long_texts(), LabelSize::Roll80).unwrap();
    assert!(long.height() > short.height());
    assert_eq!((short.width(), long.width()), (576, 576));
}

#[test]
fn a_word_longer_than_the_label_is_broken_within_the_margins() {
    let label = DispensingLabel {
        medicine: "Pneumonoultramicroscopic".repeat(3),
        ..paracetamol()
    };
    check_margins(&lay_out(&label, LabelSize::Mm60x50).unwrap());
}

#[test]
fn a_character_that_no_font_has_is_a_finding_that_names_the_place() {
    let label = DispensingLabel {
        patient_name: "李明".into(),
        ..paracetamol()
    };
    let finding = lay_out(&label, LabelSize::Mm60x50).unwrap_err();
    assert_eq!(
        finding,
        LabelFinding::CannotWrite {
            field: LabelField::PatientName
        }
    );
    assert!(!finding.to_string().contains('李'));
}

#[test]
fn control_characters_and_marks_that_turn_the_writing_round_change_nothing() {
    let label = DispensingLabel {
        patient_name: "Siti\u{1b}\u{0} Aminah\r\nbinti \u{202e}Abdullah\u{2066}".into(),
        ..paracetamol()
    };
    assert!(lay_out(&label, LabelSize::Mm60x50) == lay_out(&paracetamol(), LabelSize::Mm60x50));
}

#[test]
fn debug_output_of_a_label_names_no_patient() {
    let (label, picture) = (paracetamol(), lay_out(&paracetamol(), LabelSize::Mm60x50).unwrap());
    assert_eq!(format!("{label:?}"), r#"DispensingLabel { serial: "D-000123", .. }"#);
    assert_eq!(format!("{picture:?}"), "Bitmap(480x400)");
}

#[test]
fn a_png_of_another_kind_is_refused() {
    assert!(Bitmap::from_png(b"no PNG").is_err());
    let mut grey = Vec::new();
    let mut encoder = png::Encoder::new(&mut grey, 1, 1);
    encoder.set_color(png::ColorType::Grayscale);
    encoder.write_header().unwrap().write_image_data(&[128]).unwrap();
    assert!(Bitmap::from_png(&grey).is_err());
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(12))]

    #[test]
    fn any_text_is_printed_within_the_margins_or_is_a_finding(
        patient_name in "\\PC{0,40}",
        medicine in "[A-Za-z0-9 ./%()-]{1,60}",
        directions in proptest::collection::vec("[A-Za-z0-9 ,.]{0,50}", 0..4),
        advice in ".{0,80}",
        reprint in proptest::option::of(1u32..2000),
    ) {
        let label = DispensingLabel { patient_name, medicine, directions, advice, reprint, ..paracetamol() };
        for size in LabelSize::ALL {
            if let Ok(picture) = lay_out(&label, size) {
                check_margins(&picture);
            }
        }
    }
}

/// Nothing is burnt within half a millimetre of the edges.
fn check_margins(picture: &Bitmap) {
    let (width, height) = (picture.width(), picture.height());
    for y in 0..height {
        let whole_row = y < 4 || y >= height - 4;
        let inner = if whole_row { width } else { 4 };
        for x in (0..inner).chain(width - 4..width) {
            assert!(!picture.is_black(x, y), "burnt at {x}, {y} of {width}x{height}");
        }
    }
}

fn long_texts() -> DispensingLabel {
    DispensingLabel {
        patient_name: "Nur Syafiqah Aisyah binti Muhammad Hafizuddin".into(),
        advice: "Simpan di dalam peti sejuk. Jangan guna selepas 7 hari. Boleh menyebabkan cirit-birit.".into(),
        reprint: Some(2),
        ..paracetamol()
    }
}
