//! Somebody starts the app while it runs.

use std::process::{Command, Stdio};

use journeys::{child::program, demo, desktop::Desktop, screens};

#[test]
fn a_second_start_ends_at_once_and_leaves_the_first_window_to_work() {
    let folder = tempfile::tempdir().unwrap();
    let network = demo::prepare(&folder.path().join("demo")).unwrap();
    let desktop = Desktop::start(&folder.path().join("home")).unwrap();
    let session = desktop.environment();
    let first = screens::open_with(&network, folder.path(), &session).unwrap();
    first.shows("MediEco").unwrap();
    let second = Command::new(program("medieco").unwrap())
        .args(network.arguments())
        .envs(session)
        .env("DISPLAY", first.display())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .status()
        .unwrap();
    assert_eq!(second.code(), Some(0));
    screens::sign_in(&first, &journeys::people::SERI_MAWAR.owner).unwrap();
    first.close().unwrap();
}

#[test]
fn a_second_start_without_a_bus_says_that_the_store_is_open_elsewhere() {
    let folder = tempfile::tempdir().unwrap();
    let network = demo::prepare(&folder.path().join("demo")).unwrap();
    let first = screens::open(&network, &folder.path().join("one")).unwrap();
    first.speak("en").unwrap();
    first.shows("Who is working?").unwrap();
    let second = screens::open(&network, &folder.path().join("two")).unwrap();
    second.speak("en").unwrap();
    second.press(journeys::people::SERI_MAWAR.name).unwrap();
    second.shows("MediEco is open already").unwrap();
    second.close().unwrap();
    screens::sign_in(&first, &journeys::people::SERI_MAWAR.owner).unwrap();
    first.close().unwrap();
}
