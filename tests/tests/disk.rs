//! A full disk: what was acknowledged stays, and with room again everything goes on.

use std::fs;

use journeys::{hand::Device, network, people::SERI_MAWAR};
use serde_json::json;
use testkit::copy_folder;

use crate::world::{Net, refusal_of, register};

#[test]
fn a_full_disk_is_told_and_with_room_again_everything_goes_on() {
    let net = Net::offline();
    let Some(disk) = testkit::small_tmpfs(4_096) else {
        return;
    };
    let data = disk.path().join("counter");
    copy_folder(&net.data("counter"), &data).unwrap();
    let ballast = disk.path().join("ballast");
    fs::write(&ballast, vec![0; 2 * 1024 * 1024]).unwrap();
    let start = || {
        let device = Device::start(&data, &net.passphrase_file()).unwrap();
        network::sign_in(&device, &SERI_MAWAR.owner).unwrap();
        device
    };
    let counter = start();

    let mut registered = Vec::new();
    let full = loop {
        assert!(registered.len() < 2_000, "the disk never fills");
        let name = format!("Patient {:04}", registered.len());
        match register(&counter, &name) {
            Ok(_) => registered.push(name),
            Err(error) => break error,
        }
    };
    assert_eq!(
        refusal_of(&full).map(|refused| refused.code.as_str()),
        Some("disk_full"),
        "{full:#}"
    );
    assert!(registered.len() > 3, "{} were registered", registered.len());
    // Still full: still told, and still readable.
    assert_eq!(
        refusal_of(&register(&counter, "No room").unwrap_err()).unwrap().code,
        "disk_full"
    );
    let rows = |device: &Device| {
        device.call("today", json!({})).unwrap()["rows"]
            .as_array()
            .unwrap()
            .len()
    };
    assert_eq!(rows(&counter), registered.len());
    assert_eq!(counter.call("status", json!({})).unwrap()["disk_full"], true);

    // Started again on the full disk: what is there can be opened, and what is full is said.
    counter.kill().unwrap();
    drop(counter);
    let counter = Device::start(&data, &net.passphrase_file()).unwrap();
    assert_eq!(counter.call("app_state", json!({})).unwrap()["open"], net.tenant());
    let faces = counter.call("staff_faces", json!({})).unwrap();
    let owner = faces
        .as_array()
        .unwrap()
        .iter()
        .find(|face| face["name"] == SERI_MAWAR.owner.name)
        .unwrap();
    let sign_in = json!({"staff": owner["id"], "pin": SERI_MAWAR.owner.pin});
    counter.call("sign_in", sign_in).unwrap();
    assert_eq!(rows(&counter), registered.len(), "she who signs in reads");
    drop(counter);

    fs::remove_file(&ballast).unwrap();
    let counter = start();
    assert_eq!(rows(&counter), registered.len());
    register(&counter, "Room again").unwrap();
    registered.push("Room again".to_owned());
    counter.kill().unwrap();
    drop(counter);
    let counter = start();
    assert_eq!(rows(&counter), registered.len());
    for name in &registered {
        let found = counter.call("search_patients", json!({"query": name})).unwrap();
        assert_eq!(found.as_array().unwrap().len(), 1, "{name}");
    }
    counter.finish().unwrap();
    let store = journeys::same_set::open_store(&data, net.tenant()).unwrap();
    let report = store.verify().unwrap();
    assert!(report.pages_hold && report.missing.is_empty() && report.altered.is_empty());
}
