//! Wrong PIN, passphrase, key, invitation: a clear code, and a store that is as it was.

use std::{
    fs,
    time::{Duration, Instant},
};

use journeys::{
    hand::Device,
    network::{self, text},
    people::{PASSPHRASE, SENTOSA, SERI_MAWAR},
    relay::Relay,
};
use rand::{RngExt, SeedableRng};
use rusqlite::Connection;
use seal::{Invitation, InvitationToken};
use serde_json::{Value, json};

use crate::world::{Net, n_made, refusal_of, register};

fn owner(device: &Device) -> Value {
    let faces = device.call("staff_faces", json!({})).unwrap();
    faces
        .as_array()
        .unwrap()
        .iter()
        .find(|face| face["name"] == SERI_MAWAR.owner.name)
        .unwrap()
        .clone()
}

#[test]
fn wrong_pins_are_counted_and_no_restart_resets_the_delay() {
    let net = Net::offline();
    let counter = net.start("counter");
    let made = n_made(&counter);
    let wrong = json!({"staff": owner(&counter)["id"], "pin": "975310"});
    let mut third = Instant::now();
    let waits: Vec<u64> = (0..3)
        .map(|_| {
            third = Instant::now();
            let refused = counter.refused("sign_in", wrong.clone()).unwrap();
            assert_eq!(refused.code, "wrong_pin");
            text(&refused.detail["wait_ms"]).unwrap().parse().unwrap()
        })
        .collect();
    assert_eq!(waits[..2], [0, 0], "two slips cost nothing");
    assert!(waits[2] > 4_000, "the third costs five seconds, not {} ms", waits[2]);

    counter.kill().unwrap();
    let counter = counter.start_again().unwrap();
    let refused = counter.refused("sign_in", wrong).unwrap();
    // Within five seconds not even a right PIN would be tried; later the fourth slip costs ten.
    let wait_ms: u64 = text(&refused.detail["wait_ms"]).unwrap().parse().unwrap();
    assert!(refused.code == "wait" || wait_ms > 5_000, "{} {wait_ms}", refused.code);
    assert_eq!(counter.refusal("today", json!({})).unwrap(), "not_signed_in");
    assert_eq!(n_made(&counter), made, "a wrong PIN wrote something into the set");
    let right = counter.call(
        "sign_in",
        json!({"staff": owner(&counter)["id"], "pin": SERI_MAWAR.owner.pin}),
    );
    match right
        .as_ref()
        .map_err(|error| refusal_of(error).map(|refused| refused.code.as_str()))
    {
        Err(code) => assert_eq!(code, Some("wait")),
        Ok(_) => assert!(
            third.elapsed() >= Duration::from_secs(5),
            "she was let in before the delay was over"
        ),
    }
    network::sign_in(&counter, &SERI_MAWAR.staff[0]).unwrap();
}

#[test]
fn a_wrong_passphrase_opens_nothing_and_the_right_one_still_does() {
    let net = Net::offline();
    let before = net.held("counter");
    let right = fs::read(net.passphrase_file()).unwrap();
    fs::write(net.passphrase_file(), "not the passphrase").unwrap();
    let counter = net.start("counter");
    let state = counter.call("app_state", json!({})).unwrap();
    assert_eq!(
        (&state["open"], state["clinics"][0]["tenant"].as_str()),
        (&Value::Null, Some(net.tenant()))
    );
    let unlock = |passphrase: Value| json!({"tenant": net.tenant(), "passphrase": passphrase});
    assert_eq!(
        counter.refusal("open_clinic", json!({"tenant": net.tenant()})).unwrap(),
        "wrong_passphrase"
    );
    assert_eq!(
        counter.refusal("unlock_clinic", unlock("nor this one".into())).unwrap(),
        "wrong_passphrase"
    );
    assert_eq!(counter.refusal("staff_faces", json!({})).unwrap(), "no_clinic_open");
    counter.call("unlock_clinic", unlock(PASSPHRASE.into())).unwrap();
    counter.finish().unwrap();
    fs::write(net.passphrase_file(), right).unwrap();
    assert_eq!(net.held("counter"), before);
}

#[test]
fn a_store_under_another_key_is_left_untouched() {
    let net = Net::offline();
    let before = net.held("room");
    let (own, foreign) = (
        net.store("room").join("vault.db"),
        net.store("counter").join("vault.db"),
    );
    let kept = fs::read(&own).unwrap();
    fs::copy(&foreign, &own).unwrap();
    let room = net.start("room");
    assert_eq!(
        room.refusal("open_clinic", json!({"tenant": net.tenant()})).unwrap(),
        "store_damaged"
    );
    assert_eq!(room.call("app_state", json!({})).unwrap()["open"], Value::Null);
    room.finish().unwrap();
    assert_eq!(
        fs::read(&own).unwrap(),
        fs::read(&foreign).unwrap(),
        "a file that could not be read was written to"
    );
    fs::write(&own, kept).unwrap();
    assert_eq!(net.held("room"), before);
}

fn join(invitation: &str) -> Value {
    json!({"input": {
        "invitation": invitation, "clinic_name": "Klinik Lain",
        "address": {"lines": "1 Jalan Satu", "postcode": "50000", "town": "Kuala Lumpur", "state": "Kuala Lumpur"},
        "phone": "03-1", "owner_name": "Dr Lain", "owner_registration": "MMC 1", "pin": "975310",
        "protection": {"kind": "passphrase", "passphrase": PASSPHRASE},
    }})
}

#[test]
fn an_invitation_that_is_used_expired_or_forged_founds_nothing() {
    let folder = tempfile::tempdir().unwrap();
    let pass = network::passphrase_file(folder.path()).unwrap();
    let mut relay = Relay::start(&folder.path().join("relay"), 0).unwrap();
    let used = relay.add_clinic(SERI_MAWAR.name).unwrap();
    let late = relay.add_clinic(SENTOSA.name).unwrap();
    let good = Device::start(&folder.path().join("good"), &pass).unwrap();
    network::found(&good, &used, &SERI_MAWAR).unwrap();

    relay.kill().unwrap();
    let store = Connection::open(relay.data().join("relay.sqlite")).unwrap();
    let changed = store
        .execute(
            "UPDATE invitation SET expires_ms = made_ms + 1 WHERE used_ms IS NULL",
            [],
        )
        .unwrap();
    assert_eq!(changed, 1);
    drop(store);
    let relay = relay.start_again().unwrap();

    let made_up = Invitation {
        token: InvitationToken::from_bytes([7; 32]),
        ..Invitation::from_text(&used).unwrap()
    };
    let old = Invitation {
        expires_ms: 1,
        ..Invitation::from_text(&late).unwrap()
    };
    let misspelt = &used[..used.len() - 1];
    let stranger = Device::start(&folder.path().join("stranger"), &pass).unwrap();
    for (invitation, code) in [
        (used.as_str(), "invitation_refused"),
        (late.as_str(), "invitation_expired"),
        (&made_up.to_text(), "invitation_refused"),
        (&old.to_text(), "invitation_expired"),
        (misspelt, "invitation_unreadable"),
        ("", "invitation_unreadable"),
    ] {
        assert_eq!(
            stranger.refusal("join_clinic", join(invitation)).unwrap(),
            code,
            "{invitation}"
        );
        let state = stranger.call("app_state", json!({})).unwrap();
        assert_eq!(
            (&state["clinics"], &state["open"]),
            (&json!([]), &Value::Null),
            "{code}"
        );
        let left = fs::read_dir(stranger.data().join("clinics")).map_or(0, Iterator::count);
        assert_eq!(left, 0, "{code} left half a clinic behind");
    }
    register(&good, "Tan Mei Ling").unwrap();

    let again = relay.operator(&["invite", SENTOSA.name]).unwrap();
    network::found(&stranger, text(&again["invitation"]).unwrap(), &SENTOSA).unwrap();
}

#[test]
fn a_pairing_code_that_is_wrong_lets_nobody_in() {
    let net = Net::online();
    let counter = net.desk("counter");
    let offer = counter.call("offer_pairing", json!({})).unwrap();
    let code = text(&offer["code"]).unwrap();
    let last = if code.ends_with('7') { "8" } else { "7" };
    let wrong = format!("{}{last}", &code[..code.len() - 1]);
    let stranger = Device::start(&net.data("stranger"), &net.passphrase_file()).unwrap();
    let input = |code: &str| json!({"input": {"relay": offer["relay"], "code": code, "protection": {"kind": "passphrase", "passphrase": PASSPHRASE}}});
    assert_eq!(stranger.refusal("join_by_code", input(&wrong)).unwrap(), "code_wrong");
    assert_eq!(stranger.call("app_state", json!({})).unwrap()["clinics"], json!([]));
    counter
        .until("pairing_state", &json!({}), |state| (state == "failed").then_some(()))
        .unwrap();
    // One wrong guess spends the code.
    assert_eq!(stranger.refusal("join_by_code", input(code)).unwrap(), "code_expired");
}

#[test]
fn seeded_garbage_as_an_invitation_or_a_card_is_refused_and_nothing_falls_over() {
    let net = Net::offline();
    let counter = net.desk("counter");
    let made = n_made(&counter);
    let mut rng = rand_chacha::ChaCha20Rng::seed_from_u64(2);
    for _ in 0..50 {
        let garbage: String = (0..rng.random_range(0..200))
            .map(|_| char::from(rng.random_range(32..127u8)))
            .collect();
        for text in [garbage.clone(), format!("MEDIECO1-{garbage}")] {
            assert_eq!(
                counter.refusal("verify_clinic", json!({"card_text": text})).unwrap(),
                "card_unreadable"
            );
            assert_eq!(
                counter.refusal("join_clinic", join(&text)).unwrap(),
                "invitation_unreadable"
            );
        }
    }
    assert_eq!(n_made(&counter), made);
}
