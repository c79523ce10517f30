//! Changes without what both ends of a connection know, as they come one after the other.

use seal::{ChangeKind, DeviceId, TenantId};
use sync_protocol::compact::{EXPANSION, Heard, Said};

use crate::world::WORLD;

const TENANT: TenantId = TenantId::from_bytes([0xaa; 32]);
const DEVICE: DeviceId = DeviceId::from_bytes([0xdd; 32]);

/// Items, each with two bytes of length before it. The product ends a connection at the first that is none; here the
/// dictionary goes on with whatever that left in it.
pub(crate) fn short_changes(bytes: &[u8]) {
    let mut heard = Heard::between(&TENANT, &[DEVICE]);
    let mut rest = bytes;
    while let Some((length, behind)) = rest.split_first_chunk() {
        let length = usize::from(u16::from_be_bytes(*length)).min(behind.len());
        let (item, behind) = behind.split_at(length);
        rest = behind;
        let Ok(whole) = heard.change(item) else { continue };
        assert!(whole.len() <= EXPANSION * item.len());
        let short = Said::between(&TENANT, &[DEVICE]).change(&whole);
        assert_eq!(Heard::between(&TENANT, &[DEVICE]).change(&short), Ok(whole));
    }
}

/// A connection's changes, and each of them as the first of a connection.
pub(crate) fn conversations() -> Vec<Vec<u8>> {
    let mut changes = crate::clinics::changes();
    let here = &WORLD.here;
    changes.push(here.seal("patient", ChangeKind::Change, b"another document").encode());
    changes.push(vec![1, 2, 3]);
    let with_length = |item: Vec<u8>| [&u16::try_from(item.len()).expect("small").to_be_bytes()[..], &item].concat();
    let mut said = Said::between(&TENANT, &[DEVICE]);
    let all = changes
        .iter()
        .flat_map(|change| with_length(said.change(change)))
        .collect();
    let first = |change: &Vec<u8>| with_length(Said::between(&TENANT, &[DEVICE]).change(change));
    [all].into_iter().chain(changes[..2].iter().map(first)).collect()
}
