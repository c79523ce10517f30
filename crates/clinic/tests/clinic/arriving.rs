//! A device that is new says so until it has had everything, and takes first what it was told to.

use clinic::views::setup::JoinByCode;
use sync_protocol::WantedFirst;

use crate::devices::is_sent;
use crate::support::{Net, PIN, Place, protection};

#[test]
fn a_new_device_says_that_records_are_still_coming_until_they_have_come() {
    let net = Net::start();
    let first = Place::founded(&net, 1, "Klinik Seri Mawar");
    first.queued("Tan Mei Ling", "980317145002");
    first.patient("Siti Aminah", "900505145678");
    first.wait_until("it is sent", is_sent);
    let offer = first.desk.offer_pairing().unwrap();
    // The operator does so at this very moment: the device is let in, and nothing else comes.
    net.suspend(1);
    let new = Place::new(&net, 2);
    let input = JoinByCode {
        relay: offer.relay,
        code: offer.code,
        device_name: None,
        protection: protection(),
    };
    new.desk.join_by_code(input).unwrap();
    new.wait_until("it is refused", |desk| {
        desk.status().unwrap().sync.error.as_deref() == Some("suspended")
    });
    let arriving = |place: &Place| place.desk.status().unwrap().sync.arriving;
    assert_eq!((arriving(&first), arriving(&new)), (None, Some(0)));

    let new = new.restarted(&net);
    assert_eq!(arriving(&new), Some(0), "also after a restart");
    new.desk.shut_down();
    let store = new.store();
    assert!(
        store.wanted_first().unwrap().len() > 3,
        "staff, queue and both patients"
    );
    drop(store);

    net.reactivate(1);
    let new = new.restarted(&net);
    new.wait_until("everything has come", |desk| {
        desk.status().unwrap().sync.arriving.is_none()
    });
    new.desk.set_pin(new.owner(), PIN.to_owned()).unwrap();
    assert_eq!(new.desk.search_patients("siti".to_owned()).unwrap().len(), 1);
    assert_eq!(new.desk.today().unwrap().rows.len(), 1);
    new.desk.shut_down();
    assert_eq!(new.store().wanted_first().unwrap(), [], "it has asked for all of them");
}
