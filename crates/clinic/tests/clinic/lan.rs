//! Devices of one clinic that keep working together while the relay is away.

use clinic::{
    ErrorCode,
    views::{
        setup::{JoinByCode, PairingState},
        status::{DeviceSettings, LanView, SyncHealth, WayFound},
    },
};

use crate::support::{Net, Place, protection, refused};

fn health(place: &Place) -> SyncHealth {
    place.desk.status().unwrap().sync
}

pub fn port(place: &Place) -> u16 {
    place.wait_until("it listens", |desk| {
        matches!(desk.status().unwrap().sync.lan, LanView::Listening { .. })
    });
    match health(place).lan {
        LanView::Listening { port } => port,
        other => panic!("{other:?}"),
    }
}

pub fn set(place: &Place, change: impl FnOnce(&mut DeviceSettings)) {
    let mut settings = place.desk.device_settings().unwrap();
    change(&mut settings);
    place.desk.save_device_settings(settings).unwrap();
}

/// A clinic of two devices, the owner signed in on both.
pub(crate) fn two_devices(net: &Net) -> (Place, Place) {
    let one = Place::new_on_lan(net, 1);
    one.desk
        .join_clinic(crate::support::founding(
            net.invitation("Klinik Seri Mawar"),
            "Klinik Seri Mawar",
        ))
        .unwrap();
    let two = Place::new_on_lan(net, 2);
    let offer = one.desk.offer_pairing().unwrap();
    let joined = two.desk.join_by_code(JoinByCode {
        relay: net.url(),
        code: offer.code,
        device_name: None,
        protection: protection(),
    });
    joined.unwrap();
    one.wait_until("the pairing is over", |desk| {
        !matches!(desk.pairing_state(), Ok(PairingState::Waiting))
    });
    two.wait_until("the owner has arrived", |desk| {
        desk.staff_faces().is_ok_and(|faces| !faces.is_empty())
    });
    let owner = two.owner();
    two.desk.set_pin(owner, crate::support::PIN.to_owned()).unwrap();
    two.sign_in(owner);
    (one, two)
}

/// The second's address is typed at the first; they are connected.
pub(crate) fn introduce(one: &Place, two: &Place) {
    let at = format!("127.0.0.1:{}", port(two));
    set(one, |settings| settings.lan_addresses = vec![at]);
    for place in [one, two] {
        place.wait_until("they are connected", |desk| {
            desk.status().unwrap().sync.peers.iter().any(|peer| peer.connected)
        });
    }
}

#[test]
fn two_devices_go_on_together_while_the_relay_is_away() {
    let net = Net::start();
    let (one, two) = two_devices(&net);
    net.end();
    one.wait_until("the relay is gone", |desk| !desk.status().unwrap().sync.connected);
    let at = format!("127.0.0.1:{}", port(&two));
    set(&one, |settings| {
        settings.lan_addresses = vec![format!("  {at} "), String::new()]
    });
    assert_eq!(one.desk.device_settings().unwrap().lan_addresses, [at]);
    for (place, letter) in [(&one, "B"), (&two, "A")] {
        place.wait_until("they are equal", |desk| {
            let peers = desk.status().unwrap().sync.peers;
            peers
                .iter()
                .any(|peer| peer.device == letter && peer.connected && peer.equal)
        });
    }
    for (place, letter) in [(&one, "B"), (&two, "A")] {
        let contacts = place.desk.device_contacts().unwrap();
        let other = contacts.iter().find(|contact| contact.letter == letter).unwrap();
        assert!(other.connected && other.met_at.is_some(), "{contacts:?}");
        assert_eq!(contacts.len(), 1, "not itself");
        assert_eq!(health(place).apart_since, None, "who hears another device is not apart");
    }
    let queued = one.queued("Nur Aisyah", "850101135029");
    two.wait_until("she is in the queue", |desk| {
        desk.today().unwrap().rows.iter().any(|row| row.visit == queued.visit)
    });
    assert!(
        health(&two).pending > 0,
        "what came without the relay waits for it here too"
    );
    assert!(matches!(
        health(&one).peers[0].found,
        WayFound::Typed | WayFound::Announced | WayFound::Called
    ));

    net.begin();
    for place in [&one, &two] {
        place.wait_until("all is sent", |desk| desk.status().unwrap().sync.pending == 0);
    }
}

#[test]
fn a_device_that_is_set_so_neither_listens_nor_calls() {
    let net = Net::start();
    let place = Place::new_on_lan(&net, 1);
    place
        .desk
        .join_clinic(crate::support::founding(net.invitation("Klinik A"), "Klinik A"))
        .unwrap();
    assert!(place.desk.device_settings().unwrap().lan_enabled, "on unless it is set");
    let before = port(&place);
    set(&place, |settings| settings.lan_enabled = false);
    assert_eq!(health(&place).lan, LanView::Off);
    assert!(std::net::TcpStream::connect(("127.0.0.1", before)).is_err());
    set(&place, |settings| settings.lan_enabled = true);
    port(&place);
}

#[test]
fn an_address_that_is_none_is_refused() {
    let net = Net::start();
    let place = Place::founded(&net, 1, "Klinik A");
    assert_eq!(health(&place).lan, LanView::Off);
    for address in ["tcp://192.168.1.2", "192.168.1.2:0", "a b", "[::1"] {
        let mut settings = place.desk.device_settings().unwrap();
        settings.lan_addresses = vec!["counter.local".to_owned(), address.to_owned()];
        let error = refused(place.desk.save_device_settings(settings), ErrorCode::Invalid);
        assert_eq!(error.detail["field"], "lan_addresses", "{address}");
    }
}
