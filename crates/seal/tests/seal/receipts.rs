//! A relay's receipts.

use seal::{Receipt, RelayKey, SealError, TenantId};

use crate::world::{NOW_MS, rng};

fn receipt() -> Receipt {
    Receipt {
        tenant: TenantId::from_bytes([1; 32]),
        incarnation: [2; 16],
        changes: 3,
        consents: 4,
        sum: [5; 32],
        at_ms: NOW_MS,
    }
}

#[test]
fn a_receipt_holds_for_exactly_what_it_says() {
    let key = RelayKey::make(&mut rng(1));
    let signature = receipt().sign(&key);
    assert_eq!(receipt().verify(&key.public(), &signature), Ok(()));
    let others = [
        Receipt {
            tenant: TenantId::from_bytes([9; 32]),
            ..receipt()
        },
        Receipt {
            incarnation: [9; 16],
            ..receipt()
        },
        Receipt {
            changes: 4,
            consents: 3,
            ..receipt()
        },
        Receipt {
            sum: [9; 32],
            ..receipt()
        },
        Receipt { at_ms: 0, ..receipt() },
    ];
    for other in others {
        assert_eq!(
            other.verify(&key.public(), &signature),
            Err(SealError::BadSignature),
            "{other:?}"
        );
    }
    let another = RelayKey::make(&mut rng(2)).public();
    assert_eq!(receipt().verify(&another, &signature), Err(SealError::BadSignature));
}

#[test]
fn a_relays_key_comes_back_from_its_bytes_and_from_no_others() {
    let key = RelayKey::make(&mut rng(3));
    let bytes = key.to_secret_bytes();
    assert_eq!(RelayKey::from_secret_bytes(&bytes).unwrap().public(), key.public());
    assert_eq!(
        RelayKey::from_secret_bytes(&bytes[..32]).unwrap_err(),
        SealError::Malformed
    );
    assert_eq!(RelayKey::from_secret_bytes(&[]).unwrap_err(), SealError::Malformed);
    let mut newer = bytes.to_vec();
    newer[0] = 2;
    assert_eq!(
        RelayKey::from_secret_bytes(&newer).unwrap_err(),
        SealError::NewerVersion
    );
    assert!(!format!("{key:?}").contains(&hex::encode(&bytes[1..])));
}

/// Frozen: to the byte what version 1 of a receipt's signature is.
#[test]
fn the_signature_of_a_receipt_stays_as_it_is() {
    let key = RelayKey::from_secret_bytes(&[&[1][..], &[7; 32]].concat()).unwrap();
    let frozen = "f2c7c2f2a52f41df8de2558b4fead5faf33d4e78f02cadbd1e90d916b389e6a7\
                  ab2f1783d7eab557813abb8b513280018b1e45762231e3a7610a46e2e621ae03";
    assert_eq!(hex::encode(receipt().sign(&key)), frozen);
}
