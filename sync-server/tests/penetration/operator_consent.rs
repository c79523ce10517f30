//! An operator who alters grants, revocations and releases of a relay that is stopped, and starts it again.

use seal::{DeviceKeys, Grant, GrantId, NewGrant, NewRelease, Release, ReleaseId};
use sync_protocol::{AuditOutcome, DeviceError, OutId, RefusedCode, RelayLie};

use crate::attempt::{End, attempts};
use crate::line::Line;
use crate::relay::{DAY, Relay, a, b, c, rng};
use crate::victim::Victim;

attempts!(
    a_forged_grant_with_a_forged_release,
    a_grant_that_is_longer_than_was_signed,
    a_grants_row_turned_to_another_clinic,
    releases_exchanged_between_two_grants,
    a_releases_bytes_altered,
    a_release_of_the_operators_under_a_real_grant,
    a_revocation_taken_out,
    a_revocation_kept_from_its_recipient,
);

/// B's first device, with a real vault, hears all that is for it, and pulls.
async fn b_hears(relay: &mut Relay, n_pulls: usize) -> Victim {
    relay.serve().await;
    let victim = Victim::new(&relay.b, &relay.b.device, relay.now);
    let heard = victim
        .hears(relay, |victim| victim.audit_holds().len() >= n_pulls)
        .await;
    assert_eq!(heard, Ok(()));
    victim
}

/// A grant of A's to B, and a release under it, as the operator's own key signs them.
fn forged(relay: &mut Relay, keys: &DeviceKeys) -> (Grant, Release) {
    let (source, recipient) = (relay.a.clinic.tenant, relay.b.clinic.membership());
    let new = NewGrant {
        id: GrantId::make(&mut relay.rng),
        recipient: recipient.tenant(),
        purpose: 0,
        mode: 1,
        from_ms: relay.now - 1_000,
        until_ms: relay.now + DAY,
        erase_at_ms: relay.now + DAY,
    };
    let grant = Grant::make(new, source, b"", &recipient, keys, &mut relay.rng).unwrap();
    let release = forged_release(relay, &grant, keys);
    (grant, release)
}

fn forged_release(relay: &mut Relay, grant: &Grant, keys: &DeviceKeys) -> Release {
    let recipient = relay.b.clinic.membership();
    let new = NewRelease {
        id: ReleaseId::make(&mut relay.rng),
        document: [9; 32],
        supersedes: None,
        as_of_ms: 0,
    };
    let recipients = [(grant.clear(), &recipient)];
    Release::seal(new, relay.a.clinic.tenant, b"forged", &recipients, keys, &mut relay.rng).unwrap()
}

/// Puts a release behind all others of its grant.
fn put_in(relay: &Relay, grant: GrantId, release: &Release) {
    let (file, id, source) = (relay.database(), release.header().id, relay.a.clinic.tenant);
    let insert = "INSERT INTO release (id, source, bytes) VALUES (?1, ?2, ?3)";
    file.execute(insert, (id.as_bytes(), source.as_bytes(), release.encode()))
        .unwrap();
    file.execute(
        "UPDATE given SET releases = releases + 1 WHERE id = ?1",
        [grant.as_bytes()],
    )
    .unwrap();
    let link = "INSERT INTO release_for SELECT id, releases, ?2 FROM given WHERE id = ?1";
    file.execute(link, (grant.as_bytes(), id.as_bytes())).unwrap();
}

async fn a_forged_grant_with_a_forged_release() -> End {
    let mut relay = Relay::start(140).await;
    let (real, _) = relay.give_now(b).await;
    relay.stop().await;
    let (grant, release) = forged(&mut relay, &DeviceKeys::make(&mut rng(198)));
    let (source, recipient, id) = (relay.a.clinic.tenant, relay.b.clinic.tenant, grant.clear().id);
    let file = relay.database();
    let insert = "INSERT INTO given (id, source, recipient, bytes) VALUES (?1, ?2, ?3, ?4)";
    file.execute(
        insert,
        (id.as_bytes(), source.as_bytes(), recipient.as_bytes(), grant.encode()),
    )
    .unwrap();
    let tell = "INSERT INTO consent (tenant, position, kind, source, id, chain) VALUES (?1, 2, 0, ?2, ?3, ?4)";
    file.execute(
        tell,
        (recipient.as_bytes(), source.as_bytes(), id.as_bytes(), [7_u8; 32]),
    )
    .unwrap();
    let head = "UPDATE head SET position = 2 WHERE tenant = ?1 AND feed = 1";
    assert_eq!(file.execute(head, [recipient.as_bytes()]).unwrap(), 1);
    put_in(&relay, id, &release);
    let victim = b_hears(&mut relay, 2).await;
    assert_eq!(victim.grants_received(), [real.clear().id]);
    assert_eq!(victim.received(id), []);
    assert_eq!(victim.received(real.clear().id).len(), 1);
    assert_eq!(victim.lie(), Some(RelayLie::LeftOut));
    // A hears that somebody asked for what it never gave.
    assert!(relay.audit(a).iter().any(|line| line.grant == id));
    End::Noticed
}

async fn a_grant_that_is_longer_than_was_signed() -> End {
    let mut relay = Relay::start(141).await;
    let (from, until) = (relay.now - 2 * DAY, relay.now - DAY);
    let (grant, _) = relay.give(b, from, until + 10 * DAY, 500).await;
    let id = grant.clear().id;
    relay.stop().await;
    let mut bytes = grant.encode();
    let old = (until + 10 * DAY).to_be_bytes();
    for at in 0..bytes.len() - 8 {
        if bytes[at..].starts_with(&old) {
            bytes[at..at + 8].copy_from_slice(&(until + 365 * DAY).to_be_bytes());
        }
    }
    assert_eq!(Grant::decode(&bytes).unwrap().clear().until_ms, until + 365 * DAY);
    relay
        .database()
        .execute("UPDATE given SET bytes = ?1", [bytes])
        .unwrap();
    let victim = b_hears(&mut relay, 1).await;
    assert_eq!(victim.grants_received(), []);
    assert_eq!(victim.received(id), []);
    assert!(relay.audit(a).iter().any(|line| line.grant == id));
    End::Refused
}

async fn a_grants_row_turned_to_another_clinic() -> End {
    let mut relay = Relay::start(142).await;
    let (grant, _) = relay.give_now(b).await;
    let id = grant.clear().id;
    relay.stop().await;
    let turn = "UPDATE given SET recipient = ?1";
    relay
        .database()
        .execute(turn, [relay.c.clinic.tenant.as_bytes()])
        .unwrap();
    relay.serve().await;
    let mut line = Line::member(&relay, &relay.c).await;
    // The gate reads what was signed, not its own notes.
    assert_eq!(line.pull(id).await, Err(AuditOutcome::DeniedNoGrant));
    assert_eq!(relay.audit(a).pop().unwrap().outcome, AuditOutcome::DeniedNotRecipient);
    assert_eq!(relay.audit(c).pop().unwrap().outcome, AuditOutcome::DeniedNoGrant);
    End::Refused
}

async fn releases_exchanged_between_two_grants() -> End {
    let mut relay = Relay::start(143).await;
    let (one, first) = relay.give_now(b).await;
    let (two, second) = relay.give_now(b).await;
    relay.stop().await;
    let exchange = "UPDATE release_for SET release_id = CASE WHEN release_id = ?1 THEN ?2 ELSE ?1 END";
    assert_eq!(
        relay
            .database()
            .execute(exchange, (first.as_bytes(), second.as_bytes()))
            .unwrap(),
        2
    );
    let victim = b_hears(&mut relay, 2).await;
    assert_eq!(
        (victim.received(one.clear().id), victim.received(two.clear().id)),
        (vec![], vec![])
    );
    End::Refused
}

async fn a_releases_bytes_altered() -> End {
    let mut relay = Relay::start(144).await;
    let (grant, release) = relay.give_now(b).await;
    let held = relay.a.device.store.held().releases[&release].clone();
    relay.stop().await;
    for at in [held.len() - 1, held.len() / 2, 100] {
        let mut altered = held.clone();
        altered[at] ^= 1;
        relay
            .database()
            .execute("UPDATE release SET bytes = ?1", [altered])
            .unwrap();
        let n_before = relay.audit(b).len();
        let victim = b_hears(&mut relay, n_before + 1).await;
        assert_eq!(victim.received(grant.clear().id), [], "byte {at}");
        relay.stop().await;
    }
    End::Refused
}

async fn a_release_of_the_operators_under_a_real_grant() -> End {
    let mut relay = Relay::start(145).await;
    let (grant, real) = relay.give_now(b).await;
    relay.stop().await;
    let keys = DeviceKeys::make(&mut rng(199));
    let release = forged_release(&mut relay, &grant, &keys);
    put_in(&relay, grant.clear().id, &release);
    let victim = b_hears(&mut relay, 1).await;
    assert_eq!(victim.received(grant.clear().id), [real]);
    End::Refused
}

async fn a_revocation_taken_out() -> End {
    let mut relay = Relay::start(146).await;
    let (grant, _) = relay.give_now(b).await;
    let id = grant.clear().id;
    relay.a.device.revoke(id, relay.now);
    relay.send(&relay.a.device).await;
    relay.stop().await;
    let forget =
        "DELETE FROM revocation; DELETE FROM consent WHERE kind = 1; UPDATE head SET position = 1 WHERE feed = 1";
    relay.database().execute_batch(forget).unwrap();
    relay.serve().await;
    let store = relay.a.device.store.clone();
    let heard = relay
        .speak(store, &relay.a.device.keys, |session| session.is_idle())
        .await;
    assert_eq!(heard, Err(DeviceError::Refused(RefusedCode::RelayBehind)));
    relay.tells_of("relay_behind");
    let mut line = Line::member(&relay, &relay.b).await;
    assert_eq!(line.pull(id).await, Err(AuditOutcome::DeniedSourceClosed));
    relay.send(&relay.a.device).await;
    assert_eq!(line.pull(id).await, Err(AuditOutcome::DeniedRevoked));
    End::Noticed
}

async fn a_revocation_kept_from_its_recipient() -> End {
    let mut relay = Relay::start(147).await;
    let (grant, release) = relay.give_now(b).await;
    let id = grant.clear().id;
    relay.a.device.revoke(id, relay.now);
    relay.send(&relay.a.device).await;
    relay.stop().await;
    // B is told nothing, and the body that was deleted is put back.
    let file = relay.database();
    let of_b = relay.b.clinic.tenant;
    file.execute("DELETE FROM consent WHERE tenant = ?1 AND kind = 1", [of_b.as_bytes()])
        .unwrap();
    file.execute(
        "UPDATE head SET position = 1 WHERE tenant = ?1 AND feed = 1",
        [of_b.as_bytes()],
    )
    .unwrap();
    let body = relay.a.device.store.held().releases.get(&release).cloned();
    file.execute("UPDATE release SET bytes = ?1", [body.unwrap_or_else(|| vec![1])])
        .unwrap();
    drop(file);
    relay.serve().await;
    let mut line = Line::member(&relay, &relay.b).await;
    assert_eq!(line.pull(id).await, Err(AuditOutcome::DeniedRevoked));
    assert_eq!(relay.audit(a).pop().unwrap().outcome, AuditOutcome::DeniedRevoked);
    // A real grant that comes after it makes the relay tell both of the revocation again.
    let mut of_a = Line::member(&relay, &relay.a).await;
    assert_eq!(of_a.push(OutId::Grant(id), grant.encode()).await, None);
    assert_eq!(line.pull(id).await, Err(AuditOutcome::DeniedRevoked));
    End::Refused
}
