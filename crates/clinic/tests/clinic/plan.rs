//! What the operator of the network says: the plan, and that a clinic is suspended.

use clinic::{ErrorCode, views::plan::LimitOf};
use domain::Role;

use crate::{
    devices::is_sent,
    support::{Net, Place, refused},
};

#[test]
fn a_suspended_clinic_is_told_so_goes_on_working_and_sends_what_waited_once_it_is_let_in_again() {
    let net = Net::start();
    let place = Place::founded(&net, 91, "Klinik Seri Mawar");
    place.wait_until("everything is sent", is_sent);
    net.suspend(1);
    // Whoever is connected hears of it with what is written next at the latest.
    place.patient("Siti Aminah", "900505145678");
    place.wait_until("it is told", |desk| {
        desk.status().unwrap().sync.error.as_deref() == Some("suspended")
    });
    let plan = place.desk.plan().unwrap();
    assert_eq!((plan.suspended, plan.without_a_place), (true, false));
    let sync = place.desk.status().unwrap().sync;
    assert!(!sync.connected && sync.pending > 0, "{sync:?}");
    place.patient("Tan Mei Ling", "980317145002");
    let found = place.desk.search_patients("a".to_owned()).unwrap();
    assert!(!found.is_empty(), "work goes on");

    net.reactivate(1);
    // It would ask again by itself after some minutes; a start asks sooner.
    let place = place.restarted(&net);
    place.sign_in(place.owner());
    place.wait_until("what waited is sent", is_sent);
    assert_eq!(place.desk.status().unwrap().sync.error, None);
    assert!(!place.desk.plan().unwrap().suspended);
}

#[test]
fn the_plan_is_what_the_relay_said_last_and_for_owners_and_administrators() {
    let net = Net::start();
    let place = Place::founded(&net, 92, "Klinik Seri Mawar");
    place.wait_until("the relay has said it", |desk| desk.plan().unwrap().usage.is_some());
    let plan = place.desk.plan().unwrap();
    assert_eq!(
        (plan.relay.as_deref(), plan.devices, plan.suspended),
        (Some("127.0.0.1"), 1, false)
    );
    let usage = plan.usage.unwrap();
    assert_eq!((usage.plan, usage.trial_until, usage.trial_over), (None, None, false));
    let shown: Vec<_> = usage.limits.iter().map(|limit| (limit.of, limit.limit)).collect();
    let expected = [LimitOf::Devices, LimitOf::Staff, LimitOf::Bytes, LimitOf::Requests];
    assert_eq!(shown, expected.map(|of| (of, None)), "no plan, no limits");
    // It stays known while the relay is away.
    net.end();
    let place = place.restarted(&net);
    place.sign_in(place.owner());
    assert!(place.desk.plan().unwrap().usage.is_some());
    let doctor = place.colleague(Role::Doctor);
    place.sign_in(doctor);
    refused(place.desk.plan(), ErrorCode::NotAllowed);
}
