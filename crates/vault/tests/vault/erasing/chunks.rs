//! Sound that is erased while a kill, or a fetch, is in its way.

use testkit::copy_folder;

use super::*;

#[test]
fn sound_that_a_kill_left_behind_goes_when_the_store_is_opened() {
    let mut machine = Machine::only();
    let keys = person(machine.vault(), OWNER, Role::Owner);
    write(machine.vault(), |w| w.start_recording(&recording()));
    machine.vault().append_chunk(RECORDING, &[1; 32_000], 1000).unwrap();
    let folder = machine.dir.join("attachments").join(recording().attachment.to_string());
    let aside = machine.dir.join("aside");
    copy_folder(&folder, &aside).unwrap();
    let what = all_of(machine.vault(), 1);
    erase(machine.vault(), &keys, what);
    assert!(!folder.exists());
    // As after a kill between the commit and the taking away.
    machine.close();
    copy_folder(&aside, &folder).unwrap();
    let raw = rusqlite::Connection::open(machine.file()).unwrap();
    raw.pragma_update(None, "key", format!("x'{}'", hex::encode(*machine.secrets.db_key)))
        .unwrap();
    raw.execute(
        "INSERT INTO files_to_erase (attachment) VALUES (?1)",
        [recording().attachment.as_bytes()],
    )
    .unwrap();
    raw.execute("INSERT INTO meta (key, value) VALUES ('traces', 1)", [])
        .unwrap();
    drop(raw);
    machine.try_open().unwrap();
    assert!(!folder.exists());
}

#[test]
fn sound_that_is_being_fetched_goes_when_it_is_erased_and_the_relay_is_told() {
    let (_clinic, one, two) = recorded(3);
    let keys = person(one.vault(), OWNER, Role::Owner);
    exchange(one.vault(), two.vault());
    two.vault().begin_attachments(&LIFE).unwrap();
    two.vault().want_recording(RECORDING).unwrap();
    let none = BTreeSet::new();
    let sealed = |chunk: &ChunkId| one.vault().chunk(chunk).unwrap().unwrap();
    let (first, _) = two.vault().wanted_chunk(&none).unwrap().unwrap();
    two.vault()
        .absorb_chunk(&first, &sealed(&first), ChunkSource::Peer)
        .unwrap();
    let (second, claim) = two.vault().wanted_chunk(&none).unwrap().unwrap();
    let second_sealed = sealed(&second);
    let folder = two.dir.join("attachments").join(recording().attachment.to_string());
    assert!(folder.exists());

    erase(one.vault(), &keys, all_of(one.vault(), 1));
    exchange(one.vault(), two.vault());
    // It was on its way.
    two.vault()
        .absorb_chunk(&second, &second_sealed, ChunkSource::Peer)
        .unwrap();
    drop(claim);
    assert!(!folder.exists());
    for vault in [one.vault(), two.vault()] {
        assert!(matches!(vault.want_recording(RECORDING), Err(VaultError::NotFound(_))));
        assert!(vault.wanted_chunk(&none).unwrap().is_none());
        assert_eq!(vault.chunk(&first).unwrap(), None);
        assert_eq!(vault.chunks_to_offer(9).unwrap(), None);
        assert_eq!(vault.attachment_to_forget().unwrap(), Some(first.attachment));
        vault.attachment_forgotten(&first.attachment).unwrap();
        assert_eq!(vault.attachment_to_forget().unwrap(), None);
    }
    // A relay that was put back has to be told again.
    two.vault().begin_attachments(&INCARNATION).unwrap();
    assert_eq!(two.vault().attachment_to_forget().unwrap(), Some(first.attachment));
}
