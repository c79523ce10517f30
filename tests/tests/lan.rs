//! The internet is gone: a clinic's devices on hosts of their own, with nothing between them but a switch.

use journeys::{hand::Device, network, people::SERI_MAWAR};
use serde_json::{Value, json};
use testkit::Switch;

use crate::world::{Net, register};

const COUNTER: usize = 0;
const ROOM: usize = 1;
/// Another clinic's device in the same house.
const STRANGER: usize = 2;

fn desk(net: &Net, device: &str, switch: &Switch, host: usize) -> Device {
    let device = Device::start_on_host(&net.data(device), &net.passphrase_file(), switch, host).unwrap();
    network::sign_in(&device, &SERI_MAWAR.owner).unwrap();
    device
}

/// Waits until the device shows a patient of this name.
fn shows(device: &Device, name: &str) {
    let found = |found: &Value| found.get(0).map(drop);
    device.until("search_patients", &json!({"query": name}), found).unwrap();
}

fn equal(device: &Device) {
    let equal = |status: &Value| (status["sync"]["peers"][0]["equal"] == true).then_some(());
    device.until("status", &json!({}), equal).unwrap();
}

fn peers(device: &Device) -> Vec<Value> {
    let status = device.call("status", json!({})).unwrap();
    status["sync"]["peers"].as_array().unwrap().clone()
}

#[test]
fn without_the_internet_devices_find_each_other_part_and_meet_again() {
    let Some(switch) = Switch::with_hosts(3) else { return };
    let net = Net::offline();
    let stranger = Device::start_on_host(&net.data("sentosa"), &net.passphrase_file(), &switch, STRANGER).unwrap();
    let counter = desk(&net, "counter", &switch, COUNTER);
    register(&counter, "Before they met").unwrap();
    let room = desk(&net, "room", &switch, ROOM);
    shows(&room, "Before they met");
    register(&room, "While together").unwrap();
    shows(&counter, "While together");

    switch.pull_cable(ROOM);
    register(&counter, "Apart at the counter").unwrap();
    register(&room, "Apart in the room").unwrap();
    switch.plug_in(ROOM);
    shows(&room, "Apart at the counter");
    shows(&counter, "Apart in the room");
    equal(&room);
    equal(&counter);

    counter.kill().unwrap();
    drop(counter);
    register(&room, "While the counter was dead").unwrap();
    let counter = desk(&net, "counter", &switch, COUNTER);
    shows(&counter, "While the counter was dead");
    equal(&counter);

    assert_eq!(
        peers(&stranger),
        [] as [Value; 0],
        "another clinic's device is nobody's peer"
    );
    for device in [counter, room, stranger] {
        device.finish().unwrap();
    }
    assert_eq!(net.held("counter"), net.held("room"));
}

#[test]
fn where_a_router_blocks_multicast_a_typed_address_is_enough() {
    let Some(switch) = Switch::with_hosts(2) else { return };
    (0..2).for_each(|host| switch.block_multicast_to(host));
    let net = Net::offline();
    let counter = desk(&net, "counter", &switch, COUNTER);
    let room = desk(&net, "room", &switch, ROOM);
    let port = |status: &Value| status["sync"]["lan"]["port"].as_u64();
    let port = counter.until("status", &json!({}), port).unwrap();
    let mut settings = room.call("device_settings", json!({})).unwrap();
    settings["lan_addresses"] = json!([format!("{}:{port}", switch.address(COUNTER))]);
    room.call("save_device_settings", json!({"settings": settings}))
        .unwrap();
    register(&counter, "By a typed address").unwrap();
    shows(&room, "By a typed address");
    assert_eq!(peers(&room)[0]["found"], "typed");
    room.finish().unwrap();
    let room = desk(&net, "room", &switch, ROOM);
    register(&counter, "And again tomorrow").unwrap();
    shows(&room, "And again tomorrow");
    equal(&room);
    for device in [counter, room] {
        device.finish().unwrap();
    }
    assert_eq!(net.held("counter"), net.held("room"));
}

#[test]
fn devices_that_once_met_meet_again_where_nothing_is_announced_any_more() {
    let Some(switch) = Switch::with_hosts(2) else { return };
    let net = Net::offline();
    let counter = desk(&net, "counter", &switch, COUNTER);
    let room = desk(&net, "room", &switch, ROOM);
    equal(&room);
    equal(&counter);
    for device in [counter, room] {
        device.finish().unwrap();
    }
    (0..2).for_each(|host| switch.block_multicast_to(host));
    let counter = desk(&net, "counter", &switch, COUNTER);
    let room = desk(&net, "room", &switch, ROOM);
    register(&counter, "By the address of last time").unwrap();
    shows(&room, "By the address of last time");
    for device in [counter, room] {
        device.finish().unwrap();
    }
}
