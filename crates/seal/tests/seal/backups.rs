use seal::{
    BACKUP_PIECE_OVERHEAD, BACKUP_PREFIX_BYTES, BackupHead, BackupOpener, EpochSecrets, Membership, SealError,
    begin_backup, remove_device,
};

use crate::world::{Clinic, NOW_MS, rng};

/// A backup of three pieces: its head, and the pieces.
pub fn small(clinic: &Clinic) -> (Vec<u8>, [Vec<u8>; 3]) {
    let (head, mut sealer) = begin_backup(&clinic.membership, &clinic.secrets, NOW_MS, &mut rng(30)).unwrap();
    let pieces = [
        sealer.seal(b"first").unwrap(),
        sealer.seal(b"second").unwrap(),
        sealer.seal_last(b"last").unwrap(),
    ];
    (head, pieces)
}

fn read(mut opener: BackupOpener, pieces: &[&Vec<u8>]) -> Result<Vec<Vec<u8>>, SealError> {
    let (last, others) = pieces.split_last().unwrap();
    let mut opened = Vec::new();
    for piece in others {
        opened.push(opener.open(piece)?.to_vec());
    }
    opened.push(opener.open_last(last)?.to_vec());
    Ok(opened)
}

#[test]
fn the_kit_and_every_device_open_a_backup() {
    let clinic = Clinic::make(1);
    let (head, pieces) = small(&clinic);
    let n_bytes = BackupHead::n_bytes(head.first_chunk::<BACKUP_PREFIX_BYTES>().unwrap()).unwrap();
    assert_eq!(n_bytes, head.len());
    let head = BackupHead::decode(&head).unwrap();
    assert_eq!((head.tenant(), head.made_at_ms()), (clinic.tenant(), NOW_MS));
    let second = EpochSecrets::unwrap(&clinic.membership, &clinic.second).unwrap();
    for opener in [
        head.open_with_kit(&clinic.founded.kit).unwrap(),
        head.open_with_epochs(&clinic.secrets).unwrap(),
        head.open_with_epochs(&second).unwrap(),
    ] {
        let read = read(opener, &pieces.each_ref()).unwrap();
        assert_eq!(read, [&b"first"[..], b"second", b"last"]);
    }
    assert_eq!(pieces[0].len(), b"first".len() + BACKUP_PIECE_OVERHEAD);
}

#[test]
fn another_clinics_kit_and_devices_open_none() {
    let (clinic, other) = (Clinic::make(1), Clinic::make(2));
    let head = BackupHead::decode(&small(&clinic).0).unwrap();
    assert_eq!(head.open_with_kit(&other.founded.kit).unwrap_err(), SealError::NotForUs);
    assert_eq!(head.open_with_epochs(&other.secrets).unwrap_err(), SealError::NotForUs);
    assert_eq!(
        begin_backup(&clinic.membership, &other.secrets, NOW_MS, &mut rng(1)).unwrap_err(),
        SealError::WrongTenant
    );
}

#[test]
fn a_removed_device_opens_no_later_backup() {
    let clinic = Clinic::make(1);
    let before = EpochSecrets::unwrap(&clinic.membership, &clinic.second).unwrap();
    let removal = remove_device(
        &clinic.membership,
        clinic.device(),
        clinic.second.id(),
        &[],
        NOW_MS,
        &mut rng(3),
    )
    .unwrap();
    let statements = clinic.statements.iter().chain(&removal);
    let membership = Membership::from_statements(clinic.tenant(), statements).unwrap();
    let secrets = EpochSecrets::unwrap(&membership, clinic.device()).unwrap();
    let (head, _) = begin_backup(&membership, &secrets, NOW_MS, &mut rng(4)).unwrap();
    let head = BackupHead::decode(&head).unwrap();
    head.open_with_epochs(&secrets).unwrap();
    head.open_with_kit(&clinic.founded.kit).unwrap();
    assert_eq!(head.open_with_epochs(&before).unwrap_err(), SealError::NotForUs);
}

#[test]
fn every_altered_bit_of_a_head_is_found() {
    let clinic = Clinic::make(1);
    let (head, pieces) = small(&clinic);
    for place in 0..head.len() {
        for bit in 0..8 {
            let mut altered = head.clone();
            altered[place] ^= 1 << bit;
            let opened = BackupHead::decode(&altered).and_then(|head| head.open_with_kit(&clinic.founded.kit));
            let error = opened.err().unwrap_or_else(|| panic!("byte {place}, bit {bit}"));
            assert!(
                matches!(
                    error,
                    SealError::Damaged | SealError::Malformed | SealError::WrongCommitment
                ),
                "byte {place}, bit {bit}: {error:?}, which is not what is wrong"
            );
        }
    }
    // A head of another backup of the same clinic fits neither.
    let (other, _) = begin_backup(&clinic.membership, &clinic.secrets, NOW_MS, &mut rng(31)).unwrap();
    let opener = BackupHead::decode(&other)
        .unwrap()
        .open_with_kit(&clinic.founded.kit)
        .unwrap();
    assert_eq!(read(opener, &pieces.each_ref()), Err(SealError::Damaged));
}

#[test]
fn pieces_that_are_cut_off_swapped_repeated_or_altered_are_found() {
    let clinic = Clinic::make(1);
    let (head, pieces) = small(&clinic);
    let head = BackupHead::decode(&head).unwrap();
    let [first, second, last] = &pieces;
    let longer = [last.as_slice(), &[0]].concat();
    for wrong in [
        vec![first],
        vec![first, second],
        vec![last],
        vec![second, first, last],
        vec![first, first, second, last],
        vec![first, last],
        vec![first, second, last, last],
        vec![first, second, &longer],
    ] {
        let opener = head.open_with_kit(&clinic.founded.kit).unwrap();
        assert_eq!(read(opener, &wrong), Err(SealError::Damaged), "{} pieces", wrong.len());
    }
    for place in 0..second.len() {
        let mut altered = second.clone();
        altered[place] ^= 1;
        let opener = head.open_with_kit(&clinic.founded.kit).unwrap();
        assert_eq!(read(opener, &[first, &altered, last]), Err(SealError::Damaged));
    }
}

#[test]
fn a_backup_of_a_newer_format_is_told_from_a_broken_one_and_no_backup_from_both() {
    assert_eq!(BackupHead::n_bytes(b"SQLite forma").unwrap_err(), SealError::Malformed);
    assert_eq!(
        BackupHead::n_bytes(b"MEDIECO\x1a\xff\xff\xff\xff").unwrap_err(),
        SealError::Malformed
    );
    assert_eq!(newer(), Err(SealError::NewerVersion));
}

/// A head as a later build may write it: only the version is where it was.
fn newer() -> Result<BackupHead, SealError> {
    let header = [0xa2, 0x00, 0x02, 0x01, 0xf6]; // {0: 2, 1: null}
    let mut head = b"MEDIECO\x1a\0\0\0\x05".to_vec();
    head.extend(header);
    let check = blake3::derive_key("MediEco seal v1 backup head check", &head);
    head.extend(check);
    head.extend([0; 32]);
    BackupHead::decode(&head)
}
