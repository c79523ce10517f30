//! The store's key in the operating system's keyring: a real Secret Service on a bus of its own.

use std::path::Path;

use journeys::{
    desktop::Desktop,
    hand::Device,
    people::{SENTOSA, SERI_MAWAR},
    relay::Relay,
};
use serde_json::{Value, json};

/// Founds a clinic whose key is to be in the keyring.
fn join(invitation: &str) -> Value {
    json!({"input": {
        "invitation": invitation, "clinic_name": SENTOSA.name,
        "address": {"lines": SENTOSA.street, "postcode": SENTOSA.postcode, "town": SENTOSA.town, "state": SENTOSA.state},
        "phone": SENTOSA.phone, "owner_name": SENTOSA.owner.name, "owner_registration": SENTOSA.owner.registration,
        "pin": SENTOSA.owner.pin, "protection": {"kind": "keyring"},
    }})
}

fn device(folder: &Path, desktop: &Desktop) -> Device {
    Device::start_in(&folder.join("device"), &desktop.environment()).unwrap()
}

fn state(device: &Device) -> Value {
    device.call("app_state", json!({})).unwrap()
}

#[test]
fn the_keyring_keeps_the_key_and_nobody_is_asked_for_a_passphrase() {
    let folder = tempfile::tempdir().unwrap();
    let relay = Relay::start(&folder.path().join("relay"), 0).unwrap();
    let invitation = relay.add_clinic(SENTOSA.name).unwrap();
    let mut desktop = Desktop::start(&folder.path().join("home")).unwrap();
    desktop.start_open_keyring().unwrap();
    let first = device(folder.path(), &desktop);
    assert_eq!(state(&first)["keyring"], "ready");
    let kit = first.call("join_clinic", join(&invitation)).unwrap();
    let tenant = kit["tenant"].as_str().unwrap().to_owned();
    first.kill().unwrap();
    drop(first);
    let clinic = folder.path().join("device/clinics").join(&tenant);
    assert!(!clinic.join("secrets.sealed").exists(), "a key lies beside the store");

    let again = device(folder.path(), &desktop);
    assert_eq!(state(&again)["clinics"][0]["needs_passphrase"], false);
    let faces = again.call("staff_faces", json!({})).unwrap();
    assert_eq!(faces[0]["name"], SENTOSA.owner.name, "it opened by itself");
    again.finish().unwrap();

    desktop.start_closed_keyring().unwrap();
    let locked = device(folder.path(), &desktop);
    assert_eq!(
        locked.refusal("open_clinic", json!({"tenant": tenant})).unwrap(),
        "keyring_locked"
    );
    assert_eq!(state(&locked)["keyring"], "locked");
    locked.finish().unwrap();
    desktop.start_open_keyring().unwrap();
    let unlocked = device(folder.path(), &desktop);
    assert_eq!(state(&unlocked)["open"], json!(tenant));
    unlocked.finish().unwrap();

    // The same disk in another person's desktop: her keyring is open, and knows nothing of this store.
    let mut other = Desktop::start(&folder.path().join("other")).unwrap();
    other.start_open_keyring().unwrap();
    let stranger = device(folder.path(), &other);
    assert_eq!(
        stranger.refusal("open_clinic", json!({"tenant": tenant})).unwrap(),
        "key_missing"
    );
    stranger.finish().unwrap();
}

#[test]
fn without_a_keyring_a_clinic_is_not_founded_half() {
    let folder = tempfile::tempdir().unwrap();
    let relay = Relay::start(&folder.path().join("relay"), 0).unwrap();
    let invitation = relay.add_clinic(SERI_MAWAR.name).unwrap();
    let nobody = [("DBUS_SESSION_BUS_ADDRESS", "unix:path=/nowhere")];
    let device = Device::start_in(&folder.path().join("device"), &nobody).unwrap();
    assert_eq!(state(&device)["keyring"], "absent");
    assert_eq!(
        device.refusal("join_clinic", join(&invitation)).unwrap(),
        "keyring_absent"
    );
    assert_eq!(state(&device)["clinics"], json!([]));
    device.finish().unwrap();
}
