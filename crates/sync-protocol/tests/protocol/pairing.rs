//! The mailbox: one host, one joiner, ten minutes.

use sync_protocol::{
    ConnectionId, PAIRING_LIFETIME_MS, PairingAsk, PairingDesk, PairingPost, RefusedCode, RelayMessage,
};

use crate::NOW;

const HOST: ConnectionId = ConnectionId(1);
const JOINER: ConnectionId = ConnectionId(2);
const THIRD: ConnectionId = ConnectionId(3);

fn host(desk: &mut PairingDesk, who: ConnectionId, at: &str) -> Vec<PairingPost> {
    desk.handle(who, PairingAsk::Host(at.into()), NOW)
}

fn join(desk: &mut PairingDesk, who: ConnectionId, at: &str, now_ms: i64) -> Vec<PairingPost> {
    desk.handle(who, PairingAsk::Join(at.into()), now_ms)
}

fn post(to: ConnectionId, message: RelayMessage) -> PairingPost {
    PairingPost { to, message }
}

fn refused(to: ConnectionId, code: RefusedCode) -> Vec<PairingPost> {
    vec![post(to, RelayMessage::Refused(code))]
}

#[test]
fn messages_go_to_the_other_side() {
    let mut desk = PairingDesk::default();
    assert_eq!(host(&mut desk, HOST, "7KD"), [post(HOST, RelayMessage::PairingOpen)]);
    let open = [
        post(JOINER, RelayMessage::PairingOpen),
        post(HOST, RelayMessage::PairingOpen),
    ];
    assert_eq!(join(&mut desk, JOINER, "7KD", NOW), open);
    let said = desk.handle(HOST, PairingAsk::Post(vec![1]), NOW);
    assert_eq!(said, [post(JOINER, RelayMessage::Pairing(vec![1].into()))]);
    let said = desk.handle(JOINER, PairingAsk::Post(vec![2]), NOW);
    assert_eq!(said, [post(HOST, RelayMessage::Pairing(vec![2].into()))]);
    assert_eq!(desk.leave(JOINER), [post(HOST, RelayMessage::PairingClosed)]);
    assert_eq!(desk.leave(HOST), []);
}

#[test]
fn a_rendezvous_is_used_up_by_the_first_who_comes() {
    let mut desk = PairingDesk::default();
    host(&mut desk, HOST, "7KD");
    join(&mut desk, JOINER, "7KD", NOW);
    assert_eq!(
        join(&mut desk, THIRD, "7KD", NOW),
        refused(THIRD, RefusedCode::NobodyWaits)
    );
    assert_eq!(host(&mut desk, THIRD, "7KD"), refused(THIRD, RefusedCode::Busy));
    desk.leave(JOINER);
    assert_eq!(
        join(&mut desk, THIRD, "7KD", NOW),
        refused(THIRD, RefusedCode::NobodyWaits)
    );
}

#[test]
fn a_mailbox_closes_after_ten_minutes() {
    let mut desk = PairingDesk::default();
    host(&mut desk, HOST, "7KD");
    assert_eq!(desk.expire(NOW + PAIRING_LIFETIME_MS - 1), []);
    let late = join(&mut desk, JOINER, "7KD", NOW + PAIRING_LIFETIME_MS);
    let expected = [
        post(HOST, RelayMessage::PairingClosed),
        post(JOINER, RelayMessage::Refused(RefusedCode::NobodyWaits)),
    ];
    assert_eq!(late, expected);
}

#[test]
fn guessing_is_slowed_to_sixty_a_minute() {
    let mut desk = PairingDesk::default();
    for guess in 0..60 {
        let answer = join(&mut desk, ConnectionId(guess), "7KD", NOW);
        assert_eq!(answer, refused(ConnectionId(guess), RefusedCode::NobodyWaits));
    }
    assert_eq!(
        join(&mut desk, ConnectionId(60), "7KD", NOW + 59_999),
        refused(ConnectionId(60), RefusedCode::Busy)
    );
    let later = join(&mut desk, ConnectionId(61), "7KD", NOW + 60_000);
    assert_eq!(later, refused(ConnectionId(61), RefusedCode::NobodyWaits));
}

#[test]
fn a_mailbox_is_small() {
    let mut desk = PairingDesk::default();
    host(&mut desk, HOST, "7KD");
    let alone = desk.handle(HOST, PairingAsk::Post(vec![1]), NOW);
    assert_eq!(
        alone,
        refused(HOST, RefusedCode::BadMessage),
        "nobody is there to hear it"
    );
    join(&mut desk, JOINER, "7KD", NOW);
    let large = desk.handle(
        JOINER,
        PairingAsk::Post(vec![0; seal::MAX_PAIRING_MESSAGE_BYTES + 1]),
        NOW,
    );
    assert_eq!(large, refused(JOINER, RefusedCode::BadMessage));
    for _ in 0..8 {
        desk.handle(HOST, PairingAsk::Post(vec![1]), NOW);
    }
    assert_eq!(
        desk.handle(HOST, PairingAsk::Post(vec![1]), NOW),
        refused(HOST, RefusedCode::BadMessage)
    );
}
