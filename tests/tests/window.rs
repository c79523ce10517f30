//! The app's real window, driven as a person would: first start, and a patient's day.

use journeys::{demo, report::Report, story};

#[test]
fn a_new_owner_starts_on_an_empty_device_in_the_real_window() {
    let folder = tempfile::tempdir().unwrap();
    let report = Report::to(&folder.path().join("results")).unwrap();
    story::first_start(&folder.path().join("first"), &report).unwrap();
}

#[test]
fn a_patients_day_is_lived_in_the_real_window() {
    let folder = tempfile::tempdir().unwrap();
    let report = Report::to(&folder.path().join("results")).unwrap();
    let network = demo::prepare(&folder.path().join("demo")).unwrap();
    story::day(&network, folder.path(), &report).unwrap();
}
