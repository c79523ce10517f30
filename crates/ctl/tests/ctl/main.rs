//! The program itself, as a script sees it: stdout, stderr, exit codes.
#![allow(clippy::unwrap_used, missing_docs)]

#[cfg(unix)]
mod backup;
mod pull;
mod shelf;

use std::process::{Command, Output};

use testkit::{PrinterMode, UpsScene, VirtualPrinter, VirtualUps};

fn ctl(arguments: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_mediecoctl"))
        .args(arguments)
        .stdin(std::process::Stdio::null())
        .output()
        .unwrap()
}

fn label<'a>(to: &'a str, more: &[&'a str]) -> Vec<&'a str> {
    let mut arguments = vec![
        "label",
        "--medicine",
        "Paracetamol 500 mg tablet",
        "--patient",
        "Nur Aisyah",
        "--directions",
        "Makan 2 biji, 3 kali sehari",
        "--serial",
        "A-000001",
        "--by",
        "Siti",
        "--clinic",
        "Klinik Seri Mawar",
        "--address",
        "12 Jalan Mawar, Kuala Lumpur",
        "--to",
        to,
    ];
    arguments.extend(more);
    arguments
}

fn json(output: &Output) -> serde_json::Value {
    serde_json::from_slice(&output.stdout).unwrap_or_else(|_| panic!("{}", String::from_utf8_lossy(&output.stdout)))
}

#[test]
fn help_has_examples_and_nonsense_is_wrong_usage() {
    let help = ctl(&["--help"]);
    assert!(String::from_utf8(help.stdout).unwrap().contains("Examples:"));
    let nonsense = ctl(&["dance"]);
    assert_eq!(nonsense.status.code(), Some(2));
    assert!(nonsense.stdout.is_empty(), "words go to stderr");
}

#[test]
fn a_label_is_printed_and_the_same_label_is_a_picture() {
    let folder = tempfile::tempdir().unwrap();
    let printer = VirtualPrinter::start(folder.path(), PrinterMode::Normal).unwrap();
    let printed = ctl(&label(&printer.url(), &["--json"]));
    assert_eq!(
        printed.status.code(),
        Some(0),
        "{}",
        String::from_utf8_lossy(&printed.stderr)
    );
    assert_eq!(
        (&json(&printed)["version"], &json(&printed)["result"]["state"]),
        (&1.into(), &"confirmed".into())
    );
    assert_eq!(printer.labels().len(), 1);

    let picture = folder.path().join("label.png");
    assert_eq!(ctl(&label(picture.to_str().unwrap(), &[])).status.code(), Some(0));
    assert_eq!(&std::fs::read(picture).unwrap()[1..4], b"PNG");
}

#[test]
fn a_printer_that_is_not_there_is_a_failure_and_a_label_that_lacks_its_law_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    let off = VirtualPrinter::start(folder.path(), PrinterMode::Refuses).unwrap();
    assert_eq!(ctl(&label(&off.url(), &[])).status.code(), Some(1));
    let file = folder.path().join("x.png");
    assert_eq!(
        ctl(&label(file.to_str().unwrap(), &["--date", " "])).status.code(),
        Some(4)
    );
    assert!(!file.exists());
    assert_eq!(ctl(&label("gopher://x", &[])).status.code(), Some(2));
}

#[test]
fn a_ups_answers_and_a_port_that_is_not_there_is_not_available() {
    let ups = VirtualUps::start().unwrap();
    ups.set(UpsScene::Battery);
    let output = ctl(&["ups", ups.path(), "--json"]);
    assert_eq!(json(&output)["result"]["on_battery"], true);
    assert_eq!(ctl(&["ups", "/dev/nothing-here"]).status.code(), Some(3));
}

#[test]
fn a_data_folder_without_a_clinic_opens_nothing_and_is_not_made() {
    let folder = tempfile::tempdir().unwrap();
    let absent = folder.path().join("absent");
    let verify = ctl(&["vault", "verify", "--data", absent.to_str().unwrap()]);
    assert_eq!(verify.status.code(), Some(1));
    assert!(!absent.exists());
}

#[test]
fn a_foreign_file_is_no_model() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("ggml-tiny.bin");
    std::fs::write(&file, b"hello").unwrap();
    let data = folder.path().to_str().unwrap();
    assert_eq!(
        ctl(&["model", "import", file.to_str().unwrap(), "--data", data])
            .status
            .code(),
        Some(4)
    );
    let list = ctl(&["model", "list", "--json", "--data", data]);
    assert!(
        json(&list)["result"]
            .as_array()
            .unwrap()
            .iter()
            .all(|one| one["installed"] == false)
    );
}

#[test]
fn a_transcript_is_drafted_without_a_clinic() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("turns.json");
    let turn = |start: u32, speaker: &str, text: &str| {
        serde_json::json!({ "span": { "start_ms": start, "end_ms": start + 2000 }, "speaker": speaker,
                            "certainty": "certain", "language": "en", "text": text })
    };
    let turns = serde_json::json!([
        turn(0, "doctor", "What brings you here today?"),
        turn(3000, "patient", "I have had a fever and a cough for three days."),
        turn(6000, "doctor", "Your temperature is 38.4 degrees."),
    ]);
    std::fs::write(&file, turns.to_string()).unwrap();
    let output = ctl(&["draft", file.to_str().unwrap(), "--json"]);
    assert_eq!(
        output.status.code(),
        Some(0),
        "{}",
        String::from_utf8_lossy(&output.stderr)
    );
    assert!(
        !json(&output)["result"]["note"]["subjective"]
            .as_array()
            .unwrap()
            .is_empty()
    );
    std::fs::write(&file, "{}").unwrap();
    assert_eq!(ctl(&["draft", file.to_str().unwrap()]).status.code(), Some(2));
}
