//! A UPS that sends garbage, falls silent, is unplugged: it is told, and when it recovers so does the device.

use journeys::{child::PATIENCE, walk};
use serde_json::json;
use testkit::{UpsScene, VirtualUps};

use crate::world::{Net, register};

#[test]
fn a_ups_that_sends_garbage_is_survived_and_its_recovery_is_seen() {
    let net = Net::offline();
    let counter = net.desk("counter");
    let ups = VirtualUps::start().unwrap();
    walk::use_settings(&counter, &json!({"ups": ups.path()})).unwrap();
    let power = |wanted: &[&str]| {
        counter.until("status", &json!({}), |status| {
            wanted
                .iter()
                .find(|state| status["power"]["state"] == **state)
                .map(|state| (*state).to_owned())
        })
    };
    power(&["mains"]).unwrap();
    ups.set(UpsScene::Garbage);
    // Each kind of garbage once; none of it, whatever digits it holds, is taken for a reading.
    assert!(ups.wait_for_questions(ups.n_questions() + 5, PATIENCE));
    let shown = power(&["degraded", "battery", "low", "unknown"]).unwrap();
    assert!(shown == "degraded" || shown == "unknown", "garbage was read as {shown}");
    register(&counter, "Tan Mei Ling").unwrap();
    ups.set(UpsScene::Mains);
    power(&["mains"]).unwrap();
    ups.set(UpsScene::Battery);
    power(&["battery"]).unwrap();
    register(&counter, "Goh Ah Kow").unwrap();
    ups.set(UpsScene::Mains);
    power(&["mains"]).unwrap();
    assert_eq!(
        ups.other_commands(),
        Vec::<Vec<u8>>::new(),
        "a UPS can be switched off by a wrong command"
    );
    counter.finish().unwrap();
    assert_eq!(net.held("counter").patients, 2);
}
