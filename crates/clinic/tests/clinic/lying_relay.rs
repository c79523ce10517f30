//! A relay that shows each device a world of its own: found out by the devices themselves, shown on both, and nothing is lost.

use clinic::Desk;

use crate::devices::{is_sent, joined};
use crate::lan::{port, set};
use crate::support::{Net, Place, note};

fn is_queued(desk: &Desk, name: &str) -> bool {
    desk.today().unwrap().rows.iter().any(|row| row.name.contains(name))
}

fn n_changes(place: &Place) -> u32 {
    place.desk.status().unwrap().sync.n_changes
}

#[test]
fn two_desks_under_a_relay_with_two_faces_find_it_out_on_the_lan_and_lose_nothing() {
    let net = Net::start();
    let one = Place::founded(&net, 211, "Klinik Seri Mawar");
    let two = joined(&net, &one, 212);
    two.wait_until("all is sent", is_sent);
    one.wait_until("all is sent", is_sent);
    one.sign_in(one.owner());
    one.queued("Nur Aisyah", "850101135029");
    two.wait_until("she is in the queue", |desk| is_queued(desk, "Nur Aisyah"));
    two.wait_until("all is sent", is_sent);

    // One device sees this world …
    let mut shown = 0;
    net.end();
    let before = net.copy_of_data();
    let two = two.restarted_after(&net, || {
        net.begin();
        one.queued("Tan Mei Ling", "980317145002");
        for n in 10..22 {
            one.patient(&format!("Ahmad {n}"), &format!("9001011455{n}"));
        }
        one.wait_until("all is sent", is_sent);
        shown = n_changes(&one);
        net.end();
    });
    // … and the other one a world in which that never happened.
    net.put_back(before);
    let one = one.restarted_on_lan_after(&net, || {
        net.begin();
        two.sign_in(two.owner());
        let queued = two.queued("Siti Aminah", "900505145678");
        // Both come equally far: no clock is needed to see that these are two worlds.
        for n in 0.. {
            if n_changes(&two) >= shown {
                break;
            }
            two.desk.save_note(queued.visit, note(&format!("{n} days."))).unwrap();
        }
        assert_eq!(n_changes(&two), shown);
        two.wait_until("all is sent", is_sent);
        net.end();
    });
    one.sign_in(one.owner());
    assert!(!is_queued(&one.desk, "Siti Aminah") && !is_queued(&two.desk, "Tan Mei Ling"));
    for place in [&one, &two] {
        assert_eq!(
            place.desk.status().unwrap().sync.relay_lie,
            None,
            "neither can know alone"
        );
    }

    let two = two.restarted_on_lan_after(&net, || ());
    two.sign_in(two.owner());
    let at = format!("127.0.0.1:{}", port(&two));
    set(&one, |settings| settings.lan_addresses = vec![at]);
    for place in [&one, &two] {
        place.wait_until("what the relay kept from it is here", |desk| {
            is_queued(desk, "Siti Aminah") && is_queued(desk, "Tan Mei Ling")
        });
        place.wait_until("the relay's lie is shown", |desk| {
            desk.status().unwrap().sync.relay_lie.as_deref() == Some("two_faces")
        });
    }

    // The relay learns by the first device's receipt that it was put back, and is told what it had lost.
    net.begin();
    for place in [&one, &two] {
        place.wait_until("all is sent", is_sent);
        place.wait_until("in its new life the relay has told no lie yet", |desk| {
            desk.status().unwrap().sync.relay_lie.is_none()
        });
    }
    let third = joined(&net, &one, 213);
    third.sign_in(third.owner());
    third.wait_until("a new device gets all of it from the relay", |desk| {
        ["Nur Aisyah", "Tan Mei Ling", "Siti Aminah"]
            .iter()
            .all(|name| is_queued(desk, name))
    });
}
