//! What is erased is in no page of the store, its log or a backup.

use super::*;

/// What whoever has the key reads in a file of SQLCipher's pages (version 4, raw key), slack and free pages included.
fn plain_pages(file: &[u8], header: usize, key: &[u8; 32]) -> Vec<u8> {
    const PAGE: usize = 4096;
    const RESERVED: usize = 80; // 16 bytes of the vector, 64 of the authentication
    let cipher = Aes256::new(&(*key).into());
    let mut plain = Vec::new();
    for page in file
        .chunks(PAGE + header)
        .map(|frame| &frame[header.min(frame.len())..])
    {
        let Some(body) = page.get(..PAGE - RESERVED) else {
            continue;
        };
        let mut before: [u8; 16] = page[PAGE - RESERVED..][..16].try_into().unwrap();
        for sealed in body.as_chunks::<16>().0 {
            let mut block = aes::Block::from(*sealed);
            cipher.decrypt_block(&mut block);
            plain.extend(block.iter().zip(before).map(|(byte, mask)| byte ^ mask));
            before = *sealed;
        }
    }
    plain
}

/// Which of these words stand somewhere in the store's file or in its log.
fn found(machine: &Machine, words: &[&'static str]) -> Vec<&'static str> {
    let log = fs::read(machine.dir.join("vault.db-wal")).unwrap_or_default();
    let mut plain = plain_pages(&fs::read(machine.file()).unwrap(), 0, &machine.secrets.db_key);
    // A log has a head of 32 bytes, and one of 24 before each page.
    plain.extend(plain_pages(
        log.get(32..).unwrap_or_default(),
        24,
        &machine.secrets.db_key,
    ));
    let is_in = |word: &str| {
        plain
            .windows(word.len())
            .any(|window| window.eq_ignore_ascii_case(word.as_bytes()))
    };
    words.iter().copied().filter(|word| is_in(word)).collect()
}

/// Whole words of patient 1: not such as an index of beginnings keeps for others.
const WORDS: [&str; 6] = ["aisyah", "900101145501", "mawar", "penicillin", "murmurs", "quietude"];

#[test]
fn what_is_erased_is_in_no_page_of_the_store_nor_of_its_log_nor_in_a_backup() {
    let clinic = Clinic::with_devices(1);
    let machine = Machine::new(&clinic, 0);
    let vault = machine.vault();
    let keys = person(vault, OWNER, Role::Owner);
    treat(vault, 1);
    write(vault, |w| w.start_recording(&recording()));
    vault.append_chunk(RECORDING, &[1; 32_000], 1000).unwrap();
    write(vault, |w| w.finish_recording(RECORDING, at(5)));
    let folder = machine.dir.join("attachments").join(recording().attachment.to_string());
    assert!(folder.exists());
    assert_eq!(found(&machine, &WORDS), WORDS, "this test can see");
    let before = every_change(vault);
    let copy = machine.dir.join("vault.db.before-2");
    fs::copy(machine.file(), &copy).unwrap();

    let what = all_of(vault, 1);
    assert_eq!(what.documents.len(), 4);
    assert_eq!((what.facts.len(), what.attachments.len()), (1, 1));
    erase(vault, &keys, what);

    assert_eq!(found(&machine, &WORDS), [] as [&str; 0]);
    assert!(!folder.exists() && !copy.exists());
    assert!(matches!(vault.read_chunk(RECORDING, 0), Err(VaultError::NotFound(_))));
    assert_eq!(read(vault, |r| r.patient(patient_id(1))), None);
    assert_eq!(read(vault, |r| r.search_patients("aisyah", 9)), []);
    assert_eq!(read(vault, |r| r.facts_of_visit(visit_id(1))), []);
    // Every change is still a member, under its id and with its signature.
    let after = every_change(vault);
    assert_eq!(after.len(), before.len() + 1);
    assert!(ids(&before).iter().all(|id| ids(&after).contains(id)));
    let report = vault.verify().unwrap();
    assert!(report.pages_hold && report.trees_hold && report.altered.is_empty() && report.unsigned.is_empty());
    assert_eq!(report.missing, []);
    let tables = vault.dump_tables().unwrap();
    vault.made_again();
    assert_eq!(difference(&tables, &vault.dump_tables().unwrap()), None);

    // A backup holds exactly that, and stands its own test.
    let stick = tempfile::tempdir().unwrap();
    let report = back_up(vault, stick.path());
    let home = tempfile::tempdir().unwrap();
    let new = restored(&report.file, &home.path().join("clinic")).unwrap().vault;
    assert_eq!(read(&new, |r| r.patient(patient_id(1))), None);
    assert_eq!(ids(&every_change(&new)), ids(&after));
    assert_eq!(new.set_of_changes().unwrap(), vault.set_of_changes().unwrap());
}

#[test]
fn an_old_backup_does_not_bring_it_back_once_the_erasure_is_there() {
    let clinic = Clinic::with_devices(1);
    let machine = Machine::new(&clinic, 0);
    let vault = machine.vault();
    let keys = person(vault, OWNER, Role::Admin);
    treat(vault, 1);
    let stick = tempfile::tempdir().unwrap();
    let old = back_up(vault, stick.path());
    erase(vault, &keys, all_of(vault, 1));
    let home = tempfile::tempdir().unwrap();
    let new = restored(&old.file, &home.path().join("clinic")).unwrap().vault;
    assert!(
        read(&new, |r| r.patient(patient_id(1))).is_some(),
        "the backup is older"
    );
    vault.add_statements(&statements(&new)).unwrap();

    exchange(vault, &new);

    assert_same(vault, &new);
    assert_eq!(read(&new, |r| r.patient(patient_id(1))), None);
    assert_eq!(read(vault, |r| r.patient(patient_id(1))), None);
    assert_eq!(
        n_bodies(&new, |change| change.header().kind == seal::ChangeKind::Change),
        0
    );
}
