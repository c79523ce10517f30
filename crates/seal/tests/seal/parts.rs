//! A change taken apart and put together: the same bytes, or no parts at all.

use proptest::prelude::*;
use seal::{ChangeKind, ChangeParts, Header, MAX_CHANGE_BYTES, SealError, SealedChange};

use crate::world::{Clinic, RawChange, rng};

#[test]
fn the_parts_of_a_change_give_its_bytes_and_its_id() {
    let clinic = Clinic::make(1);
    let change = clinic.change(b"allergy: penicillin");
    let again = SealedChange::from_parts(&change.parts().unwrap()).unwrap();
    assert_eq!(again, change);
    assert_eq!(again.encode(), change.encode());
    again.verify(&clinic.membership).unwrap();
}

#[test]
fn parts_that_were_altered_make_another_change_that_does_not_hold() {
    let clinic = Clinic::make(1);
    let change = clinic.change(b"5 mg");
    let parts = change.parts().unwrap();
    let body = [parts.body, &[0]].concat();
    let altered = [
        ChangeParts {
            header: Header {
                number: 2,
                ..parts.header
            },
            ..parts
        },
        ChangeParts { body: &body, ..parts },
    ];
    for parts in altered {
        let made = SealedChange::from_parts(&parts).unwrap();
        assert_ne!(made.id(), change.id());
        assert_eq!(made.verify(&clinic.membership), Err(SealError::BadSignature));
        assert_eq!(SealedChange::decode(&made.encode()), Ok(made));
    }
}

#[test]
fn what_would_lose_something_has_no_parts() {
    let clinic = Clinic::make(1);
    let change = clinic.change(b"x");
    assert_eq!(change.clone().without_body().parts(), None);
    // A key of a newer build, and a number in a form that nobody needs.
    let mut with_a_key = RawChange::of(&change);
    with_a_key.header[0] += 1;
    with_a_key.header.extend([0x18, 99, 0x01]);
    let mut longer = RawChange::of(&change);
    assert_eq!(longer.header[1..3], [0, 1], "key 0, version 1");
    longer.header.splice(2..3, [0x18, 1]);
    for raw in [with_a_key, longer] {
        let odd = raw.resigned(clinic.device()).read();
        odd.verify(&clinic.membership).unwrap();
        assert_eq!(odd.parts(), None);
    }
}

#[test]
fn parts_are_bounded_as_bytes_are() {
    let clinic = Clinic::make(1);
    let change = clinic.change(b"x");
    let parts = change.parts().unwrap();
    let of_version = |version| {
        let header = Header {
            version,
            ..parts.header
        };
        SealedChange::from_parts(&ChangeParts { header, ..parts }).map(|_| ())
    };
    assert_eq!(of_version(0), Err(SealError::Malformed));
    assert_eq!(of_version(1), Ok(()));
    assert_eq!(of_version(2), Err(SealError::NewerVersion));
    let body = vec![0; 2 * MAX_CHANGE_BYTES];
    let large = ChangeParts { body: &body, ..parts };
    assert_eq!(SealedChange::from_parts(&large), Err(SealError::TooLarge));
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(48))]

    #[test]
    fn any_change_has_parts_that_make_it(len in 0..3000_usize, seed: u8, number: u64, code: u16) {
        let clinic = Clinic::make(1);
        let kind = match code { 0 => ChangeKind::Change, 1 => ChangeKind::Fact, 2..=4 => ChangeKind::Snapshot, code => ChangeKind::Unknown(code) };
        let header = Header { number, kind, ..clinic.header() };
        let sealed = SealedChange::seal(header, &vec![1; len], &clinic.secrets, clinic.device(), &mut rng(seed)).unwrap();
        let again = SealedChange::from_parts(&sealed.parts().unwrap()).unwrap();
        prop_assert_eq!(again.encode(), sealed.encode());
        prop_assert_eq!(again.id(), sealed.id());
    }
}
