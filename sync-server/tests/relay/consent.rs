//! The gate between clinics.

use seal::{Grant, ReleaseId, Revocation};
use sync_protocol::sim::{Link, settle};
use sync_protocol::{AuditOutcome, OutId, OutItem, Refusal, RelayMessage, RelayStore, SyncStore};

use crate::world::{NOW, World, a, b, c};

const DAY: i64 = 86_400_000;

/// A grants B for a day from now, with one release of so many bytes each.
fn granted(world: &mut World, releases: &[usize]) -> (Grant, Vec<ReleaseId>) {
    let recipient = world.b.clinic.membership();
    let grant = world.a.device.grant(&recipient, NOW, NOW + DAY, &mut world.rng);
    let release = |n_bytes: &usize| {
        world
            .a
            .device
            .release(&grant, &recipient, None, *n_bytes, &mut world.rng)
    };
    let releases = releases.iter().map(release).collect();
    (grant, releases)
}

fn received(world: &World) -> Vec<ReleaseId> {
    world.b.device.store.held().releases.into_keys().collect()
}

#[test]
pub fn a_release_reaches_the_holder_of_its_grant_and_both_audits_tell() {
    let mut world = World::new(1);
    let (grant, releases) = granted(&mut world, &[1000]);
    world.sync(NOW);
    assert_eq!(received(&world), releases);
    let (of_a, of_b) = (world.audit(a), world.audit(b));
    assert_eq!((of_a.len(), of_b.len()), (1, 1));
    assert_eq!(of_a[0].request, of_b[0].request);
    for line in [&of_a[0], &of_b[0]] {
        assert!(line.permitted());
        assert_eq!((line.grant, line.count), (grant.clear().id, 1));
        assert_eq!(
            (line.requester, line.device),
            (world.b.clinic.tenant, world.b.device.keys.id())
        );
        assert_eq!(
            (line.source, line.purpose, line.at_ms),
            (Some(world.a.clinic.tenant), Some(0), NOW)
        );
    }
    // Both devices were given their clinic's line, and B the statements that verify what came.
    assert_eq!(world.a.device.store.held().audit, of_a);
    assert_eq!(world.b.device.store.held().audit, of_b);
    let of_the_giver = &world.b.device.store.held().foreign_statements[&world.a.clinic.tenant];
    assert_eq!(of_the_giver.len(), world.a.clinic.statements.len());
}

#[test]
pub fn a_reconnect_with_nothing_new_is_no_access() {
    let mut world = World::new(2);
    granted(&mut world, &[1000]);
    world.sync(NOW);
    let mut link = Link::open(&world.b.device, &world.store, &mut world.rng);
    settle(&mut [&mut link], &mut world.store, NOW, &mut world.rng);
    assert_eq!(
        link.n_frames_up, 1,
        "the hello alone: the relay saw that nothing is new"
    );
    assert!(link.n_bytes_up + link.n_bytes_down < 1024);
    assert_eq!(world.audit(b).len(), 1);
}

#[test]
pub fn the_gate_opens_with_the_grant_and_closes_with_it() {
    let mut world = World::new(3);
    let recipient = world.b.clinic.membership();
    let grant = world.a.device.grant(&recipient, NOW + 10, NOW + 20, &mut world.rng);
    world.a.device.release(&grant, &recipient, None, 10, &mut world.rng);
    world.sync(NOW);
    assert_eq!(received(&world), [], "not before the grant begins");
    let id = grant.clear().id;
    assert_eq!(world.denial(b, id, NOW + 9), Some(AuditOutcome::DeniedNotYet));
    assert_eq!(world.denial(b, id, NOW + 10), None);
    assert_eq!(world.denial(b, id, NOW + 19), None);
    assert_eq!(world.denial(b, id, NOW + 20), Some(AuditOutcome::DeniedEnded));
    world.sync(NOW + 10);
    assert_eq!(received(&world).len(), 1);

    world.a.device.release(&grant, &recipient, None, 10, &mut world.rng);
    world.sync(NOW + 20);
    assert_eq!(received(&world).len(), 1, "nothing after its end");
    assert_eq!(world.a.device.store.held().refused.last().unwrap().1, Refusal::NoGrant);
}

#[test]
pub fn a_third_clinic_gets_nothing_and_learns_nothing() {
    let mut world = World::new(4);
    let (grant, _) = granted(&mut world, &[1000]);
    world.sync(NOW);
    assert_eq!(
        world.denial(c, grant.clear().id, NOW),
        Some(AuditOutcome::DeniedNoGrant)
    );
    let of_c = world.audit(c);
    assert_eq!(
        (of_c[0].source, of_c[0].purpose, of_c[0].outcome),
        (None, None, AuditOutcome::DeniedNoGrant)
    );
    let of_a = world.audit(a);
    let denied = of_a.last().unwrap();
    assert_eq!(
        (denied.requester, denied.outcome),
        (world.c.clinic.tenant, AuditOutcome::DeniedNotRecipient)
    );
    assert_eq!(denied.request, of_c[0].request);
    // Its feed of consents is empty: it never heard of the grant.
    assert_eq!(world.store.heads(&world.c.clinic.tenant.clone()).unwrap().consents, 0);
}

#[test]
pub fn the_giver_itself_pulls_nothing_through_the_gate() {
    let mut world = World::new(5);
    let (grant, _) = granted(&mut world, &[10]);
    world.sync(NOW);
    assert_eq!(
        world.denial(a, grant.clear().id, NOW),
        Some(AuditOutcome::DeniedNoGrant)
    );
}

#[test]
pub fn a_revocation_deletes_at_the_relay_and_at_the_recipient() {
    let mut world = World::new(6);
    let (grant, _) = granted(&mut world, &[1000, 2000]);
    world.sync(NOW);
    assert_eq!((received(&world).len(), world.n_bodies()), (2, 2));
    world.a.device.revoke(grant.clear().id, NOW);
    world.sync(NOW);
    assert_eq!((received(&world).len(), world.n_bodies()), (0, 0));
    assert_eq!(
        world.denial(b, grant.clear().id, NOW),
        Some(AuditOutcome::DeniedRevoked)
    );
    assert_eq!(world.audit(b).last().unwrap().outcome, AuditOutcome::DeniedRevoked);

    // What A still had to send under it is not taken any more.
    let recipient = world.b.clinic.membership();
    let late = world.a.device.release(&grant, &recipient, None, 10, &mut world.rng);
    world.sync(NOW);
    assert_eq!(
        world.a.device.store.held().refused,
        [(OutId::Release(late), Refusal::NoGrant)]
    );
    assert_eq!(world.n_bodies(), 0);
}

#[test]
pub fn a_revocation_cuts_what_is_on_its_way() {
    let mut world = World::new(7);
    // Each is a batch of its own.
    let (grant, _) = granted(&mut world, &[200_000, 200_000, 200_000]);
    let mut giver = Link::open(&world.a.device, &world.store, &mut world.rng);
    settle(&mut [&mut giver], &mut world.store, NOW, &mut world.rng);
    let mut taker = Link::open(&world.b.device, &world.store, &mut world.rng);
    let holds_releases = |frame: &[u8]| matches!(RelayMessage::decode(frame), Ok(RelayMessage::Releases(_)));
    // B takes the first batch and asks for the second, which is on its way now.
    while !(received(&world).len() == 1 && taker.frames_down().any(holds_releases)) {
        taker.deliver_up(&mut world.store, NOW, &mut world.rng);
        if !taker.frames_down().any(holds_releases) || received(&world).is_empty() {
            taker.deliver_down(NOW);
        }
    }
    world.a.device.revoke(grant.clear().id, NOW);
    giver.nudge();
    let (_, wakes) = giver.deliver_up(&mut world.store, NOW, &mut world.rng);
    for wake in wakes {
        taker.wake(&wake, &mut world.store, NOW);
    }
    assert!(
        !taker.frames_down().any(holds_releases),
        "the second batch was called back"
    );
    settle(&mut [&mut giver, &mut taker], &mut world.store, NOW, &mut world.rng);
    assert_eq!(received(&world), [], "and the first is forgotten");
    let served: u64 = world.audit(b).iter().map(|line| line.count).sum();
    assert_eq!(
        served, 2,
        "the audit tells of both batches that the relay read for B, but of no third"
    );
}

#[test]
pub fn a_revocation_before_its_grant_holds() {
    let mut world = World::new(8);
    let recipient = world.b.clinic.membership();
    let grant = world.a.device.grant(&recipient, NOW, NOW + DAY, &mut world.rng);
    let id = grant.clear().id;
    let waiting = world.a.device.store.outbox(1, usize::MAX).unwrap();
    world.a.device.store.mark_sent(&[OutId::Grant(id)]).unwrap();
    world.a.device.revoke(id, NOW);
    world.sync(NOW);
    world.a.device.store.write(waiting[0].clone());
    world.a.device.release(&grant, &recipient, None, 10, &mut world.rng);
    world.sync(NOW);
    assert_eq!(world.denial(b, id, NOW), Some(AuditOutcome::DeniedRevoked));
    assert_eq!(world.n_bodies(), 0);
    let of_b = world.b.device.store.held();
    assert!(of_b.revocations.contains_key(&(world.a.clinic.tenant, id)));
    assert!(of_b.releases.is_empty());
}

#[test]
pub fn nobody_revokes_the_grant_of_another() {
    let mut world = World::new(9);
    let (grant, releases) = granted(&mut world, &[10]);
    let id = grant.clear().id;
    world.sync(NOW);
    world.c.device.revoke(id, NOW);
    let forged = Revocation::make(id, world.a.clinic.tenant, NOW, &world.c.device.keys);
    let also = OutItem {
        id: OutId::Revocation(seal::GrantId::from_bytes([1; 16])),
        bytes: forged.encode(),
    };
    world.c.device.store.write(also);
    let mut link = Link::open(&world.c.device, &world.store, &mut world.rng);
    settle(&mut [&mut link], &mut world.store, NOW, &mut world.rng);
    assert_eq!(
        world.c.device.store.held().refused.len(),
        1,
        "in A's name it is not even taken"
    );
    assert_eq!(world.denial(b, id, NOW), None);
    world.sync(NOW);
    assert_eq!(received(&world), releases);
}

#[test]
pub fn a_grant_in_the_name_of_another_clinic_is_refused() {
    let mut world = World::new(10);
    let recipient = world.c.clinic.membership();
    let grant = world.a.device.grant(&recipient, NOW, NOW + DAY, &mut world.rng);
    // C takes A's unsent grant and pushes it, to make A give.
    let stolen = OutItem {
        id: OutId::Grant(grant.clear().id),
        bytes: grant.encode(),
    };
    world.c.device.store.write(stolen);
    let mut link = Link::open(&world.c.device, &world.store, &mut world.rng);
    settle(&mut [&mut link], &mut world.store, NOW, &mut world.rng);
    assert_eq!(world.c.device.store.held().refused[0].1, Refusal::WrongTenant);
    assert_eq!(
        world.denial(c, grant.clear().id, NOW),
        Some(AuditOutcome::DeniedNoGrant)
    );
}

#[test]
pub fn a_superseded_release_is_deleted_and_a_late_repetition_brings_nothing_back() {
    let mut world = World::new(11);
    let recipient = world.b.clinic.membership();
    let grant = world.a.device.grant(&recipient, NOW, NOW + DAY, &mut world.rng);
    let old = world.a.device.release(&grant, &recipient, None, 10, &mut world.rng);
    let as_sent = world.a.device.store.outbox(10, usize::MAX).unwrap().pop().unwrap();
    world.sync(NOW);
    let new = world
        .a
        .device
        .release(&grant, &recipient, Some(old), 10, &mut world.rng);
    world.sync(NOW);
    assert_eq!((received(&world), world.n_bodies()), (vec![new], 1));
    world.a.device.store.write(as_sent);
    world.sync(NOW);
    assert_eq!((received(&world), world.n_bodies()), (vec![new], 1));
    assert_eq!(world.a.device.store.pending().unwrap(), 0);
}

#[test]
pub fn a_release_that_arrives_after_its_successor_is_not_served() {
    let mut world = World::new(12);
    let recipient = world.b.clinic.membership();
    let grant = world.a.device.grant(&recipient, NOW, NOW + DAY, &mut world.rng);
    let old = world.a.device.release(&grant, &recipient, None, 10, &mut world.rng);
    let held_back = world.a.device.store.outbox(10, usize::MAX).unwrap().pop().unwrap();
    world.a.device.store.mark_sent(&[OutId::Release(old)]).unwrap();
    let new = world
        .a
        .device
        .release(&grant, &recipient, Some(old), 10, &mut world.rng);
    world.sync(NOW);
    world.a.device.store.write(held_back);
    world.sync(NOW);
    assert_eq!(received(&world), [new]);
}

#[test]
pub fn a_grant_given_while_both_are_there_arrives_at_once() {
    let mut world = World::new(13);
    let mut giver = Link::open(&world.a.device, &world.store, &mut world.rng);
    let mut taker = Link::open(&world.b.device, &world.store, &mut world.rng);
    settle(&mut [&mut giver, &mut taker], &mut world.store, NOW, &mut world.rng);
    granted(&mut world, &[500]);
    giver.nudge();
    settle(&mut [&mut giver, &mut taker], &mut world.store, NOW, &mut world.rng);
    assert_eq!(received(&world).len(), 1);
    assert_eq!(
        world.a.device.store.held().audit.len(),
        1,
        "and A hears live that B took it"
    );
}

#[test]
pub fn a_relay_opened_again_knows_all_it_knew() {
    let mut world = World::new(14);
    let (grant, releases) = granted(&mut world, &[10]);
    world.a.device.write(&mut world.rng);
    world.sync(NOW);
    world.a.device.revoke(grant.clear().id, NOW);
    world.sync(NOW);
    let before = world.store.incarnation();
    world.reopen();
    assert_eq!(world.store.incarnation(), before);
    assert_eq!(
        world.denial(b, grant.clear().id, NOW),
        Some(AuditOutcome::DeniedRevoked)
    );
    assert_eq!(world.store.heads(&world.a.clinic.tenant.clone()).unwrap().changes, 1);
    assert_eq!(releases.len(), 1);
}
