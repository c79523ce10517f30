//! A registered clinic that says of itself what is not so: positions, receipts, acknowledgements, statements, too much.

use seal::{ChangeId, GrantId, Receipt, RelayKey};
use sync_protocol::{
    BATCH_ITEMS, Cursors, DeviceMessage, Feed, Greeting, Incarnation, MemberProof, PushItem, RefusedCode, RelayMessage,
    SignedReceipt,
};
use sync_server::{Limits, Rate, Timers};

use crate::attempt::{End, attempts};
use crate::line::{Line, cursors, hello_with, push};
use crate::relay::{Relay, b, rng};

attempts!(
    positions_beyond_what_is_there,
    positions_of_another_life,
    a_receipt_that_the_relay_never_signed,
    a_receipt_of_another_clinic,
    an_acknowledgement_of_what_was_never_sent,
    the_word_that_all_consents_are_here_for_nothing,
    statements_of_another_clinic_within_its_own,
    more_in_one_push_than_fits,
    more_names_of_changes_than_fit,
    no_name_of_a_change,
    names_of_changes_without_end,
    a_second_hello,
    more_than_its_share,
);

fn hello_from(relay: &Relay, greeting: &Greeting, cursors: Cursors) -> DeviceMessage {
    let proof = MemberProof::make(greeting, relay.c.clinic.tenant, &relay.c.device.keys);
    hello_with(proof, cursors)
}

/// C says that it is ahead, and shows this for it.
async fn ahead_with(relay: &Relay, receipt: Option<SignedReceipt>) {
    let before = relay.rows();
    let (mut line, greeting) = Line::greeted(relay).await;
    let claimed = Cursors {
        changes: 1_000,
        consents: 1_000,
        ..cursors(&greeting)
    };
    line.say(&hello_from(relay, &greeting, claimed)).await;
    assert_eq!(line.hear().await, Some(RelayMessage::ReceiptWanted));
    line.say(&DeviceMessage::ShowReceipt(receipt)).await;
    assert_eq!(line.refused().await, (RefusedCode::RelayBehind, vec![]));
    relay.is_as_before(&before, &[]);
    relay.tells_of("relay_behind");
}

fn n_forged(relay: &Relay) -> i64 {
    relay
        .database()
        .query_row("SELECT n_forged FROM relay", [], |row| row.get(0))
        .unwrap()
}

async fn positions_beyond_what_is_there() -> End {
    let relay = Relay::start(80).await;
    ahead_with(&relay, None).await;
    assert_eq!(n_forged(&relay), 0);
    End::Refused
}

async fn positions_of_another_life() -> End {
    let relay = Relay::start(81).await;
    let before = relay.rows();
    let (mut line, greeting) = Line::greeted(&relay).await;
    let claimed = Cursors {
        incarnation: Incarnation([1; 16]),
        ..cursors(&greeting)
    };
    line.say(&hello_from(&relay, &greeting, claimed)).await;
    assert_eq!(line.refused().await, (RefusedCode::BadMessage, vec![]));
    relay.is_as_before(&before, &[]);
    relay.tells_of("bad_message");
    End::Refused
}

async fn a_receipt_that_the_relay_never_signed() -> End {
    let relay = Relay::start(82).await;
    let (_, greeting) = Line::greeted(&relay).await;
    let receipt = Receipt {
        tenant: relay.c.clinic.tenant,
        incarnation: greeting.incarnation.0,
        changes: 1_000,
        consents: 1_000,
        sum: sync_protocol::sum_of_chains(&[1; 32], &[2; 32]),
        at_ms: relay.now,
    };
    let forged = SignedReceipt::make(&receipt, [1; 32], [2; 32], &RelayKey::make(&mut rng(182)));
    // Were it believed, every clinic would be closed to every other.
    ahead_with(&relay, Some(forged)).await;
    assert_eq!(n_forged(&relay), 1);
    End::Refused
}

async fn a_receipt_of_another_clinic() -> End {
    let mut relay = Relay::start(83).await;
    relay.a.device.write(&mut relay.rng);
    relay.send(&relay.a.device).await;
    let tenant = relay.a.clinic.tenant;
    let now = relay.now;
    let make = move |store: &mut sync_server::Store| sync_protocol::RelayStore::receipt(store, &tenant, now);
    let of_a = relay.running().writer.run(make).await.unwrap().unwrap();
    ahead_with(&relay, Some(of_a)).await;
    assert_eq!(n_forged(&relay), 1);
    End::Refused
}

/// A member says this, and is refused.
async fn member_refused(relay: &Relay, said: DeviceMessage, code: RefusedCode) {
    let before = relay.rows();
    let mut line = Line::member(relay, &relay.c).await;
    line.say(&said).await;
    assert_eq!(line.refused().await.0, code);
    relay.is_as_before(&before, &[]);
    relay.tells_of(code.name());
}

async fn an_acknowledgement_of_what_was_never_sent() -> End {
    let relay = Relay::start(84).await;
    for feed in [Feed::Changes, Feed::Consents, Feed::Audit] {
        member_refused(&relay, DeviceMessage::Ack(feed, 5), RefusedCode::BadMessage).await;
        member_refused(&relay, DeviceMessage::Ack(feed, u64::MAX), RefusedCode::BadMessage).await;
    }
    End::Refused
}

async fn the_word_that_all_consents_are_here_for_nothing() -> End {
    let mut relay = Relay::start(85).await;
    relay.give_now(b).await;
    let begin = |store: &mut sync_server::Store| store.begin_another_life(&mut rng(185));
    relay.running().writer.run(begin).await.unwrap().unwrap();
    let closed = "SELECT count(*) FROM closed WHERE source = ?1 AND confirmed_by IS NULL";
    let is_closed = |relay: &Relay| -> i64 {
        let source = relay.a.clinic.tenant;
        relay
            .database()
            .query_row(closed, [source.as_bytes()], |row| row.get(0))
            .unwrap()
    };
    assert_eq!(is_closed(&relay), 1);
    // C's word opens C, if anything; never A.
    let mut line = Line::member(&relay, &relay.c).await;
    line.say(&DeviceMessage::ConsentsComplete(vec![])).await;
    assert!(line.pull(GrantId::from_bytes([1; 16])).await.is_err());
    assert_eq!(is_closed(&relay), 1);
    End::Refused
}

async fn statements_of_another_clinic_within_its_own() -> End {
    let mut relay = Relay::start(86).await;
    let before = relay.rows();
    let mut line = Line::member(&relay, &relay.c).await;
    // A real removal, which A's relay does not know yet, and one of its own that names A's admin.
    relay.a.clinic.remove(&relay.a.second, relay.now, &mut relay.rng);
    let statements = relay
        .a
        .clinic
        .encoded_statements()
        .into_iter()
        .map(Into::into)
        .collect();
    line.say(&DeviceMessage::Statements(statements)).await;
    let no_grant = GrantId::from_bytes([1; 16]);
    assert!(
        line.pull(no_grant).await.is_err(),
        "it is heard on, and was not listened to"
    );
    relay.is_as_before(&before, &["audit", "head"]);
    Line::as_device(&relay, relay.a.clinic.tenant, &relay.a.second.keys).await;
    End::Refused
}

async fn more_in_one_push_than_fits() -> End {
    let mut relay = Relay::start(87).await;
    let own = relay.c.device.seal(40, &mut relay.rng);
    let item = PushItem {
        id: own.id,
        bytes: own.bytes.into(),
    };
    let many = DeviceMessage::Push(vec![item; BATCH_ITEMS + 1]);
    member_refused(&relay, many, RefusedCode::BadMessage).await;
    End::Refused
}

async fn more_names_of_changes_than_fit() -> End {
    let relay = Relay::start(76).await;
    let many = DeviceMessage::AskChanges(vec![ChangeId::from_bytes([1; 32]); BATCH_ITEMS + 1].into());
    member_refused(&relay, many, RefusedCode::BadMessage).await;
    End::Refused
}

async fn no_name_of_a_change() -> End {
    let relay = Relay::start(77).await;
    member_refused(
        &relay,
        DeviceMessage::AskChanges(vec![].into()),
        RefusedCode::BadMessage,
    )
    .await;
    End::Refused
}

/// More than any device ever wants first, over and over on one connection.
async fn names_of_changes_without_end() -> End {
    let relay = Relay::start(78).await;
    let before = relay.rows();
    let mut line = Line::member(&relay, &relay.c).await;
    let ids = [ChangeId::from_bytes([1; 32]); BATCH_ITEMS];
    for _ in 0..(1 << 17) / BATCH_ITEMS {
        assert_eq!(line.named(&ids).await, vec![None; BATCH_ITEMS]);
    }
    // It may have passed the bound by the answer to one.
    for _ in 0..2 {
        line.say(&DeviceMessage::AskChanges(ids.to_vec().into())).await;
    }
    assert_eq!(line.refused().await.0, RefusedCode::BadMessage);
    relay.is_as_before(&before, &[]);
    relay.tells_of("bad_message");
    End::Refused
}

async fn a_second_hello() -> End {
    let relay = Relay::start(88).await;
    let before = relay.rows();
    let (mut line, greeting) = Line::greeted(&relay).await;
    line.say(&hello_from(&relay, &greeting, cursors(&greeting))).await;
    line.until(|heard| matches!(heard, RelayMessage::Welcome(_)).then_some(()))
        .await;
    // As A now: the connection has been proven, after all.
    let proof = MemberProof::make(&greeting, relay.a.clinic.tenant, &relay.a.device.keys);
    line.say(&hello_with(proof, cursors(&greeting))).await;
    assert_eq!(line.refused().await.0, RefusedCode::BadMessage);
    relay.is_as_before(&before, &[]);
    relay.tells_of("bad_message");
    End::Refused
}

async fn more_than_its_share() -> End {
    let limits = Limits {
        clinic_kib: Rate::new(1, 40),
        ..Limits::default()
    };
    let mut relay = Relay::start_with(89, limits, Timers::default()).await;
    let large = relay.c.device.seal(80_000, &mut relay.rng);
    member_refused(&relay, push(large.id, large.bytes), RefusedCode::Busy).await;
    relay.tells("rate_limited_total{limit=\"clinic_bytes\"}", 1.0);
    // Another clinic's share is its own.
    relay.a.device.write(&mut relay.rng);
    relay.send(&relay.a.device).await;
    End::Refused
}
