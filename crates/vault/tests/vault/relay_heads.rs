//! What a device keeps of the relay's audit: each line in the life of the relay's data in which it was given, and every
//! signed head.

use seal::{AuditHead, DeviceId, GrantId, RelayKey, TenantId};
use sync_protocol::{AuditLine, AuditOutcome, AuditStore, Cursor, Incarnation, Scope, SignedHead, SyncStore};
use vault::Vault;

use crate::world::{Machine, rng};

const FIRST: Incarnation = Incarnation([1; 16]);
const SECOND: Incarnation = Incarnation([2; 16]);

fn line(request: u8, before: Option<&AuditLine>) -> AuditLine {
    AuditLine {
        number: before.map_or(1, |before| before.number + 1),
        previous: before.map_or([0; 32], AuditLine::hash),
        request: [request; 16],
        at_ms: 5,
        requester: TenantId::from_bytes([1; 32]),
        device: DeviceId::from_bytes([2; 32]),
        source: None,
        grant: GrantId::from_bytes([3; 16]),
        purpose: None,
        outcome: AuditOutcome::DeniedNoGrant,
        count: 0,
    }
}

fn absorb(vault: &Vault, life: Incarnation, lines: &[&AuditLine]) {
    let last = lines.last().unwrap().number;
    let lines = lines.iter().map(|line| (*line).clone()).collect();
    vault
        .absorb_relay_audit(&Cursor::at(life, Scope::Audit, last), lines)
        .unwrap();
}

fn rows(vault: &Vault) -> Vec<(u64, u8, bool)> {
    let rows = vault.read(|r| r.relay_audit(10)).unwrap();
    rows.iter()
        .map(|row| (row.line.number, row.line.request[0], row.holds))
        .collect()
}

#[test]
fn a_number_that_is_given_again_after_the_relay_was_put_back_hides_neither_line() {
    let mut machine = Machine::only();
    let vault = machine.vault();
    let one = line(1, None);
    let two = line(2, Some(&one));
    let three = line(3, Some(&two));
    vault.begin_incarnation(&FIRST).unwrap();
    absorb(vault, FIRST, &[&one, &two, &three]);
    assert_eq!(vault.audit_hash(&FIRST, 3).unwrap(), Some(three.hash()));
    assert_eq!(
        vault.audit_hash(&SECOND, 1).unwrap(),
        None,
        "nothing is known of a life that was not met"
    );

    // The relay's data was put back to before the second line; another one stands there since.
    let other = line(12, Some(&one));
    let next = line(13, Some(&other));
    let fourth = line(14, Some(&next));
    vault.begin_incarnation(&SECOND).unwrap();
    absorb(vault, SECOND, &[&one, &other]);
    machine.reopen();
    let vault = machine.vault();
    assert_eq!(vault.audit_hash(&SECOND, 1).unwrap(), Some(one.hash()));
    assert_eq!(vault.audit_hash(&SECOND, 2).unwrap(), Some(other.hash()));
    assert_eq!(vault.audit_hash(&SECOND, 3).unwrap(), None);
    absorb(vault, SECOND, &[&next, &fourth]);
    assert_eq!(vault.audit_hash(&SECOND, 4).unwrap(), Some(fourth.hash()));
    let all = [
        (4, 14, true),
        (3, 13, true),
        (3, 3, true),
        (2, 12, true),
        (2, 2, true),
        (1, 1, true),
    ];
    assert_eq!(rows(vault), all);
    // The same once more is the same.
    absorb(vault, SECOND, &[&other, &next, &fourth]);
    assert_eq!(rows(vault), all);
}

#[test]
fn lines_that_an_older_build_took_in_accuse_nobody() {
    let machine = Machine::only();
    let vault = machine.vault();
    // No life was noted with them.
    let one = line(1, None);
    absorb(vault, FIRST, &[&one]);
    vault.begin_incarnation(&FIRST).unwrap();
    assert_eq!(vault.audit_hash(&FIRST, 1).unwrap(), None);
    let two = line(2, Some(&one));
    absorb(vault, FIRST, &[&two]);
    assert_eq!(vault.audit_hash(&FIRST, 2).unwrap(), Some(two.hash()));
    assert_eq!(rows(vault), [(2, 2, true), (1, 1, true)]);
}

#[test]
fn signed_heads_stay_also_two_that_cannot_both_be_true() {
    let mut machine = Machine::only();
    let vault = machine.vault();
    let key = RelayKey::make(&mut rng(9));
    let head = |life: Incarnation, number, fill, at_ms| {
        let head = AuditHead {
            tenant: TenantId::from_bytes([1; 32]),
            incarnation: life.0,
            number,
            hash: [fill; 32],
            at_ms,
        };
        SignedHead::make(&head, &key)
    };
    let (one, two, fork) = (head(FIRST, 1, 1, 10), head(FIRST, 2, 2, 20), head(FIRST, 2, 3, 20));
    let elsewhere = head(SECOND, 1, 1, 15);
    for (life, head) in [
        (FIRST, one),
        (FIRST, two),
        (FIRST, two),
        (FIRST, fork),
        (SECOND, elsewhere),
    ] {
        vault.keep_head(&life, &head).unwrap();
    }
    machine.reopen();
    let vault = machine.vault();
    assert_eq!(vault.read(|r| r.relay_heads(10)).unwrap().len(), 4, "each once");
    assert_eq!(vault.newest_head(&SECOND).unwrap(), Some(elsewhere));
    assert_eq!(vault.newest_head(&FIRST).unwrap().unwrap().at_ms, 20);
    assert_eq!(vault.newest_head(&Incarnation([3; 16])).unwrap(), None);
}
