//! A registered clinic that wants what was not given to it.

use seal::{Grant, GrantId, NewGrant, NewRelease, Release, ReleaseId, Revocation};
use sync_protocol::{AuditOutcome, DeviceMessage, OutId, Refusal, RefusedCode};

use crate::attempt::{End, attempts};
use crate::line::Line;
use crate::relay::{DAY, Relay, a, b, c};

attempts!(
    a_grant_to_itself_in_another_clinics_name,
    a_grant_widened_by_its_recipient,
    a_grant_that_takes_the_place_of_anothers,
    a_grant_whose_recipient_is_exchanged,
    a_grant_brought_again_after_its_revocation,
    a_pull_before_the_grant_begins,
    a_pull_after_the_grant_has_ended,
    a_pull_of_what_was_given_to_another_clinic,
    grant_ids_guessed_one_after_another,
    a_revocation_of_another_clinics_grant,
    a_release_under_another_clinics_grant,
    a_release_that_supersedes_another_clinics,
    a_release_under_another_releases_id,
    a_release_with_exchanged_envelopes,
);

/// What the last lines of A's and C's audit say of one access, under one request.
fn told(relay: &Relay, of_a: AuditOutcome, of_c: AuditOutcome, grant: GrantId) {
    let (in_a, in_c) = (relay.audit(a), relay.audit(c));
    let (in_a, in_c) = (in_a.last().unwrap(), in_c.last().unwrap());
    assert_eq!((in_a.outcome, in_c.outcome), (of_a, of_c));
    assert_eq!((in_a.request, in_a.grant, in_c.grant), (in_c.request, grant, grant));
    assert_eq!(
        (in_a.requester, in_a.device),
        (relay.c.clinic.tenant, relay.c.device.keys.id())
    );
    assert_eq!((in_a.count, in_c.count), (0, 0));
    relay.tells("releases_denied_total", 1.0);
}

const BUT_AUDIT: &[&str] = &["audit", "head"];

fn new_grant(relay: &Relay, id: GrantId) -> NewGrant {
    NewGrant {
        id,
        recipient: relay.c.clinic.tenant,
        purpose: 0,
        mode: 1,
        from_ms: relay.now - 1_000,
        until_ms: relay.now + 365 * DAY,
        erase_at_ms: relay.now + 365 * DAY,
    }
}

async fn a_grant_to_itself_in_another_clinics_name() -> End {
    let mut relay = Relay::start(40).await;
    relay.give_now(b).await;
    let before = relay.rows();
    let (id, recipient) = (GrantId::make(&mut relay.rng), relay.c.clinic.membership());
    let (source, keys) = (relay.a.clinic.tenant, relay.c.device.keys.clone());
    let forged = Grant::make(new_grant(&relay, id), source, b"", &recipient, &keys, &mut relay.rng).unwrap();
    let mut line = Line::member(&relay, &relay.c).await;
    assert_eq!(
        line.push(OutId::Grant(id), forged.encode()).await,
        Some(Refusal::WrongTenant)
    );
    relay.is_as_before(&before, &[]);
    // There is no grant: only its own audit can tell, since nobody else is concerned.
    assert_eq!(line.pull(id).await, Err(AuditOutcome::DeniedNoGrant));
    relay.is_as_before(&before, BUT_AUDIT);
    let line = relay.audit(c).pop().unwrap();
    assert_eq!(
        (line.outcome, line.source, line.grant),
        (AuditOutcome::DeniedNoGrant, None, id)
    );
    End::Refused
}

/// These bytes with one field exchanged; it stands there once.
fn exchanged(bytes: &[u8], old: &[u8], new: &[u8]) -> Vec<u8> {
    let places: Vec<_> = (0..=bytes.len() - old.len())
        .filter(|at| bytes[*at..].starts_with(old))
        .collect();
    assert!(!places.is_empty(), "the field is there");
    let mut changed = bytes.to_vec();
    for at in places {
        changed[at..at + old.len()].copy_from_slice(new);
    }
    changed
}

async fn a_grant_widened_by_its_recipient() -> End {
    let mut relay = Relay::start(41).await;
    let (from, until) = (relay.now - 2 * DAY, relay.now - DAY);
    let recipient = relay.c.clinic.membership();
    let grant = relay.a.device.grant(&recipient, from, until, &mut relay.rng);
    relay.send(&relay.a.device).await;
    let before = relay.rows();
    let later = (until + 365 * DAY).to_be_bytes();
    let widened = exchanged(&grant.encode(), &until.to_be_bytes(), &later);
    assert_eq!(Grant::decode(&widened).unwrap().clear().until_ms, until + 365 * DAY);
    let id = grant.clear().id;
    let mut line = Line::member(&relay, &relay.c).await;
    assert_eq!(
        line.push(OutId::Grant(id), widened.clone()).await,
        Some(Refusal::WrongTenant)
    );
    // Not even the giver's own device can widen what it signed without signing anew.
    let mut of_a = Line::member(&relay, &relay.a).await;
    assert_eq!(of_a.push(OutId::Grant(id), widened).await, Some(Refusal::BadSignature));
    relay.is_as_before(&before, &[]);
    assert_eq!(line.pull(id).await, Err(AuditOutcome::DeniedEnded));
    told(&relay, AuditOutcome::DeniedEnded, AuditOutcome::DeniedEnded, id);
    relay.is_as_before(&before, BUT_AUDIT);
    End::Refused
}

async fn a_grant_that_takes_the_place_of_anothers() -> End {
    let mut relay = Relay::start(42).await;
    let (grant, release) = relay.give_now(b).await;
    let before = relay.rows();
    let id = grant.clear().id;
    // Its own grant to itself, rightly signed, under the id of the other.
    let (recipient, source) = (relay.c.clinic.membership(), relay.c.clinic.tenant);
    let keys = relay.c.device.keys.clone();
    let own = Grant::make(new_grant(&relay, id), source, b"", &recipient, &keys, &mut relay.rng).unwrap();
    let mut line = Line::member(&relay, &relay.c).await;
    assert_eq!(
        line.push(OutId::Grant(id), own.encode()).await,
        Some(Refusal::WrongTenant)
    );
    relay.is_as_before(&before, &[]);
    assert_eq!(line.pull(id).await, Err(AuditOutcome::DeniedNoGrant));
    told(
        &relay,
        AuditOutcome::DeniedNotRecipient,
        AuditOutcome::DeniedNoGrant,
        id,
    );
    assert_eq!(relay.received_by_b().await, [release]);
    End::Refused
}

async fn a_grant_whose_recipient_is_exchanged() -> End {
    let mut relay = Relay::start(43).await;
    let recipient = relay.b.clinic.membership();
    let (from, until) = (relay.now - 1_000, relay.now + DAY);
    let grant = relay.a.device.grant(&recipient, from, until, &mut relay.rng);
    let id = grant.clear().id;
    let before = relay.rows();
    let (of_b, of_c) = (relay.b.clinic.tenant, relay.c.clinic.tenant);
    let swapped = exchanged(&grant.encode(), of_b.as_bytes(), of_c.as_bytes());
    // On its way from A's own device, say, by whoever sits in between.
    let mut of_a = Line::member(&relay, &relay.a).await;
    assert_eq!(of_a.push(OutId::Grant(id), swapped).await, Some(Refusal::BadSignature));
    relay.is_as_before(&before, &[]);
    let mut line = Line::member(&relay, &relay.c).await;
    assert_eq!(line.pull(id).await, Err(AuditOutcome::DeniedNoGrant));
    assert_eq!(relay.audit(c).len(), 1);
    End::Refused
}

async fn a_grant_brought_again_after_its_revocation() -> End {
    let mut relay = Relay::start(44).await;
    let (grant, _) = relay.give_now(c).await;
    let id = grant.clear().id;
    let mut line = Line::member(&relay, &relay.c).await;
    assert_eq!(line.pull(id).await, Ok(1));
    relay.a.device.revoke(id, relay.now);
    relay.send(&relay.a.device).await;
    let before = relay.rows();
    let grant = grant.encode();
    assert_eq!(
        line.push(OutId::Grant(id), grant.clone()).await,
        Some(Refusal::WrongTenant)
    );
    // Nor by a device of the giver that does not know better: it is taken as known, and opens nothing.
    let mut of_a = Line::member(&relay, &relay.a).await;
    assert_eq!(of_a.push(OutId::Grant(id), grant).await, None);
    relay.is_as_before(&before, &[]);
    assert_eq!(line.pull(id).await, Err(AuditOutcome::DeniedRevoked));
    told(&relay, AuditOutcome::DeniedRevoked, AuditOutcome::DeniedRevoked, id);
    End::Refused
}

async fn a_pull_before_the_grant_begins() -> End {
    let mut relay = Relay::start(45).await;
    let (from, until) = (relay.now + DAY, relay.now + 2 * DAY);
    let (grant, _) = relay.give(c, from, until, 500).await;
    denied(&relay, grant.clear().id, AuditOutcome::DeniedNotYet).await;
    End::Refused
}

async fn a_pull_after_the_grant_has_ended() -> End {
    let mut relay = Relay::start(46).await;
    let (from, until) = (relay.now - 2 * DAY, relay.now - 1);
    let (grant, _) = relay.give(c, from, until, 500).await;
    denied(&relay, grant.clear().id, AuditOutcome::DeniedEnded).await;
    End::Refused
}

async fn denied(relay: &Relay, grant: GrantId, outcome: AuditOutcome) {
    let before = relay.rows();
    let mut line = Line::member(relay, &relay.c).await;
    assert_eq!(line.pull(grant).await, Err(outcome));
    told(relay, outcome, outcome, grant);
    relay.is_as_before(&before, BUT_AUDIT);
}

async fn a_pull_of_what_was_given_to_another_clinic() -> End {
    let mut relay = Relay::start(47).await;
    let (grant, release) = relay.give_now(b).await;
    let before = relay.rows();
    let id = grant.clear().id;
    let mut line = Line::member(&relay, &relay.c).await;
    assert_eq!(line.pull(id).await, Err(AuditOutcome::DeniedNoGrant));
    told(
        &relay,
        AuditOutcome::DeniedNotRecipient,
        AuditOutcome::DeniedNoGrant,
        id,
    );
    // Its own audit does not tell whose grant it is.
    let own = relay.audit(c).pop().unwrap();
    assert_eq!((own.source, own.purpose), (None, None));
    relay.is_as_before(&before, BUT_AUDIT);
    assert_eq!(relay.received_by_b().await, [release]);
    End::Refused
}

async fn grant_ids_guessed_one_after_another() -> End {
    let mut relay = Relay::start(48).await;
    relay.give_now(b).await;
    let before = relay.rows();
    let mut line = Line::member(&relay, &relay.c).await;
    for _ in 0..64 {
        let guess = GrantId::make(&mut relay.rng);
        assert_eq!(line.pull(guess).await, Err(AuditOutcome::DeniedNoGrant));
    }
    line.say(&DeviceMessage::PullReleases(GrantId::make(&mut relay.rng), 0))
        .await;
    assert_eq!(line.refused().await.0, RefusedCode::Busy);
    relay.is_as_before(&before, BUT_AUDIT);
    assert_eq!(relay.audit(c).len(), 65);
    relay.tells("releases_denied_total", 65.0);
    relay.tells_of("busy");
    End::Refused
}

async fn a_revocation_of_another_clinics_grant() -> End {
    let mut relay = Relay::start(49).await;
    let (grant, release) = relay.give_now(b).await;
    let id = grant.clear().id;
    let before = relay.rows();
    let mut line = Line::member(&relay, &relay.c).await;
    let keys = &relay.c.device.keys;
    let in_as_name = Revocation::make(id, relay.a.clinic.tenant, relay.now, keys).encode();
    assert_eq!(
        line.push(OutId::Revocation(id), in_as_name).await,
        Some(Refusal::WrongTenant)
    );
    relay.is_as_before(&before, &[]);
    // In its own name it may say so, of a grant of its own that there is not.
    let in_own_name = Revocation::make(id, relay.c.clinic.tenant, relay.now, keys).encode();
    assert_eq!(line.push(OutId::Revocation(id), in_own_name).await, None);
    relay.is_as_before(&before, &["revocation", "consent", "head"]);
    assert_eq!(relay.received_by_b().await, [release]);
    assert!(
        relay.b.device.store.held().revocations.is_empty(),
        "B has heard nothing of it"
    );
    End::Refused
}

/// A release of C's under a grant that is changed to seem its own.
fn forged_release(relay: &mut Relay, grant: &Grant, id: ReleaseId, supersedes: Option<ReleaseId>) -> Release {
    let mut clear = grant.clear().clone();
    clear.source = relay.c.clinic.tenant;
    let (new, recipient) = (
        NewRelease {
            id,
            document: [9; 32],
            supersedes,
            as_of_ms: 0,
        },
        relay.b.clinic.membership(),
    );
    let keys = relay.c.device.keys.clone();
    let source = relay.c.clinic.tenant;
    Release::seal(new, source, b"forged", &[(&clear, &recipient)], &keys, &mut relay.rng).unwrap()
}

async fn a_release_under_another_clinics_grant() -> End {
    let mut relay = Relay::start(50).await;
    let (grant, release) = relay.give_now(b).await;
    let before = relay.rows();
    let id = ReleaseId::make(&mut relay.rng);
    let forged = forged_release(&mut relay, &grant, id, None);
    let mut line = Line::member(&relay, &relay.c).await;
    assert_eq!(
        line.push(OutId::Release(id), forged.encode()).await,
        Some(Refusal::NoGrant)
    );
    relay.is_as_before(&before, &[]);
    assert_eq!(relay.received_by_b().await, [release]);
    End::Refused
}

/// C has a grant to B of its own.
async fn own_grant(relay: &mut Relay) -> Grant {
    let recipient = relay.b.clinic.membership();
    let (from, until) = (relay.now - 1_000, relay.now + DAY);
    let grant = relay.c.device.grant(&recipient, from, until, &mut relay.rng);
    relay.send(&relay.c.device).await;
    grant
}

async fn a_release_that_supersedes_another_clinics() -> End {
    let mut relay = Relay::start(51).await;
    let (grant, of_a) = relay.give_now(b).await;
    let own = own_grant(&mut relay).await;
    let before = relay.rows();
    let id = ReleaseId::make(&mut relay.rng);
    let release = forged_release(&mut relay, &own, id, Some(of_a));
    let mut line = Line::member(&relay, &relay.c).await;
    assert_eq!(
        line.push(OutId::Release(id), release.encode()).await,
        None,
        "its own, under its own grant"
    );
    let after = relay.rows();
    assert!(
        before["release"].iter().all(|row| after["release"].contains(row)),
        "A's is whole"
    );
    assert!(
        before["release_for"]
            .iter()
            .all(|row| after["release_for"].contains(row))
    );
    let mut of_b = Line::member(&relay, &relay.b).await;
    assert_eq!(of_b.pull(grant.clear().id).await, Ok(1));
    End::Refused
}

async fn a_release_under_another_releases_id() -> End {
    let mut relay = Relay::start(52).await;
    let (_, of_a) = relay.give_now(b).await;
    let own = own_grant(&mut relay).await;
    let before = relay.rows();
    let forged = forged_release(&mut relay, &own, of_a, None);
    let mut line = Line::member(&relay, &relay.c).await;
    // Who repeats an id hears what one hears whose answer was lost; what is here stays.
    assert_eq!(line.push(OutId::Release(of_a), forged.encode()).await, None);
    relay.is_as_before(&before, &[]);
    assert_eq!(relay.received_by_b().await, [of_a]);
    End::Refused
}

async fn a_release_with_exchanged_envelopes() -> End {
    let mut relay = Relay::start(53).await;
    let own = own_grant(&mut relay).await;
    let before = relay.rows();
    let (one, two) = (ReleaseId::make(&mut relay.rng), ReleaseId::make(&mut relay.rng));
    let first = forged_release(&mut relay, &own, one, None).encode();
    let second = forged_release(&mut relay, &own, two, None).encode();
    // Both are as long; the envelope stands between signature and ciphertext. It is exchanged, and nothing else.
    assert_eq!(first.len(), second.len());
    let differs: Vec<_> = (0..first.len()).filter(|at| first[*at] != second[*at]).collect();
    let middle = differs[differs.len() / 2];
    let mut mixed = first.clone();
    mixed[middle] = second[middle];
    let mut line = Line::member(&relay, &relay.c).await;
    assert_eq!(line.push(OutId::Release(one), mixed).await, Some(Refusal::Malformed));
    relay.is_as_before(&before, &[]);
    End::Refused
}
