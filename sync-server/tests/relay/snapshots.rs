//! A snapshot is far larger than a change: it goes through the relay alone in its frame.

use seal::{ChangeKind, DocumentId, EpochSecrets, FORMAT_VERSION, Header, OpeningId, SealedChange};
use sync_protocol::sim::{Link, SimClinic, SimDevice, settle};
use sync_protocol::{MAX_RELAYED_SNAPSHOT_BYTES, OutId, OutItem};

use crate::world::{NOW, World, rng};

/// A snapshot of so many bytes before it is sealed.
pub fn snapshot(clinic: &SimClinic, device: &SimDevice, n_bytes: usize) -> OutItem {
    let membership = clinic.membership();
    let secrets = EpochSecrets::unwrap(&membership, &device.keys).unwrap();
    let header = Header {
        version: FORMAT_VERSION,
        tenant: clinic.tenant,
        document: DocumentId::from_bytes([7; 32]),
        epoch: membership.current_epoch(),
        device: device.keys.id(),
        opening: OpeningId::from_bytes([n_bytes as u8; 16]),
        number: 1,
        kind: ChangeKind::Snapshot,
    };
    let sealed = SealedChange::seal(header, &vec![7; n_bytes], &secrets, &device.keys, &mut rng(9)).unwrap();
    OutItem {
        id: OutId::Change(sealed.id()),
        bytes: sealed.encode(),
    }
}

#[test]
pub fn the_largest_snapshot_goes_to_every_device_and_a_larger_one_stops_nothing() {
    let mut world = World::new(50);
    let largest = snapshot(&world.a.clinic, &world.a.device, MAX_RELAYED_SNAPSHOT_BYTES - 64 * 1024);
    let too_large = snapshot(&world.a.clinic, &world.a.device, MAX_RELAYED_SNAPSHOT_BYTES + 1);
    assert!(largest.bytes.len() <= MAX_RELAYED_SNAPSHOT_BYTES);
    assert!(largest.bytes.len() > MAX_RELAYED_SNAPSHOT_BYTES * 7 / 8);
    assert!(too_large.bytes.len() > MAX_RELAYED_SNAPSHOT_BYTES);
    let small = world.a.device.seal(40, &mut world.rng);
    for item in [&small, &largest, &too_large, &world.a.device.seal(41, &mut world.rng)] {
        world.a.device.store.write(item.clone());
    }
    world.sync(NOW);
    assert_eq!(world.a.device.store.held().outbox, []);

    let other = world.a.clinic.admit(NOW, &mut world.rng);
    let mut link = Link::open(&other, &world.store, &mut world.rng);
    settle(&mut [&mut link], &mut world.store, NOW, &mut world.rng);
    assert_eq!(link.device_error, None);
    let held = other.store.held().changes;
    assert_eq!(held.len(), 3);
    assert!(held.values().any(|bytes| *bytes == largest.bytes));
}
