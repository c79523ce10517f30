//! A second start on the same data, and a copied folder that claims to be the first device.

use journeys::{
    hand::{Device, refusal_of},
    network,
    people::SERI_MAWAR,
};
use serde_json::{Value, json};
use testkit::copy_folder;

use crate::world::{Net, all_sent, register};

#[test]
fn a_second_start_on_the_same_data_is_told_so_and_the_first_is_unharmed() {
    let net = Net::offline();
    let first = net.desk("counter");
    register(&first, "Before").unwrap();
    let second = net.start("counter");
    assert_eq!(second.call("app_state", json!({})).unwrap()["open"], Value::Null);
    for _ in 0..3 {
        assert_eq!(
            second.refusal("open_clinic", json!({"tenant": net.tenant()})).unwrap(),
            "store_busy"
        );
        register(&first, "Meanwhile").unwrap();
    }
    second.finish().unwrap();
    register(&first, "After").unwrap();
    first.finish().unwrap();
    assert_eq!(net.held("counter").patients, 5);
    net.assert_sound("counter");
}

#[test]
fn a_killed_device_leaves_no_lock_behind() {
    let net = Net::offline();
    let first = net.desk("counter");
    register(&first, "Before").unwrap();
    first.kill().unwrap();
    let second = net.desk("counter");
    register(&second, "After").unwrap();
    second.finish().unwrap();
    assert_eq!(net.held("counter").patients, 2);
}

#[test]
fn a_copy_that_claims_to_be_the_first_device_gives_no_number_and_loses_nobody_a_change() {
    let net = Net::online();
    // A power cut, and somebody starts the copy on another machine while the first is started again.
    let first = net.desk("counter");
    register(&first, "Before the copy").unwrap();
    first.kill().unwrap();
    let copied = net.data("copy");
    copy_folder(&net.data("counter"), &copied).unwrap();
    let first = net.desk("counter");
    let elsewhere = [("MEDIECO_MACHINE_ID", "another machine")];
    let copy = Device::start_with(&copied, &net.passphrase_file(), &elsewhere).unwrap();
    network::sign_in(&copy, &SERI_MAWAR.owner).unwrap();
    assert_eq!(copy.call("status", json!({})).unwrap()["is_a_copy"], true);
    assert_eq!(first.call("status", json!({})).unwrap()["is_a_copy"], false);
    let refused = register(&copy, "In the queue").unwrap_err();
    assert_eq!(refusal_of(&refused).unwrap().code, "device_is_a_copy");
    let room = net.desk("room");
    for n in 0..5 {
        register(&first, &format!("First {n}")).unwrap();
        let input = json!({
            "name": format!("Copy {n}"), "identifier": {"kind": "none"}, "birth_date": "1987-05-02", "sex": "female",
            "phone": "", "address": {"lines": "", "postcode": "", "town": "", "state": ""},
        });
        copy.call("register_patient", json!({"input": input})).unwrap();
    }
    for device in [&first, &copy] {
        all_sent(device);
    }
    for device in [&room, &first, &copy] {
        for n in 0..5 {
            for who in ["First", "Copy"] {
                let query = json!({"query": format!("{who} {n}")});
                device
                    .until("search_patients", &query, |found| found.get(0).map(drop))
                    .unwrap();
            }
        }
    }
    copy.finish().unwrap();
    net.close_with_the_same_set([first, room]);
    for device in ["counter", "copy", "room"] {
        net.assert_sound(device);
    }
}
