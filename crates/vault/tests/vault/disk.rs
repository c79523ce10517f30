use std::fs;
use std::io::Write;
use std::path::Path;

use sync_protocol::{Cursor, Scope, StoreError, SyncStore};
use vault::VaultError;

use crate::sound::{RECORDING, recording};
use crate::world::*;

const NO_ROOM: u32 = 1;
const ROOM: u32 = 1 << 30;

/// Writes until the last free page is gone, so that the next write needs room that isn't there.
pub fn fill(vault: &vault::Vault) {
    vault.limit_pages(NO_ROOM).unwrap();
    for n in 0.. {
        let big = "x".repeat(2000);
        match vault.write::<_, VaultError>(None, |w| w.put_setting(&format!("filler {n}"), &big)) {
            Ok(()) => {}
            Err(VaultError::DiskFull) => return,
            Err(other) => panic!("{other:?}"),
        }
    }
}

/// Somebody else's file that takes all the room that is left on a disk.
pub fn fill_file(filler: &Path) {
    let mut file = fs::File::options().create(true).append(true).open(filler).unwrap();
    while file.write_all(&[1; 512]).is_ok() {}
}

#[test]
fn a_full_disk_stops_a_write_and_leaves_the_store_as_it_was() {
    let mut machine = Machine::only();
    write(machine.vault(), |w| w.put_patient(&patient(1)));
    fill(machine.vault());
    let before = (
        machine.vault().set_of_changes().unwrap(),
        machine.vault().dump_tables().unwrap(),
    );

    let many = |w: &mut vault::Writing<'_>| (2..60).try_for_each(|n| w.put_patient(&patient(n)));
    assert!(matches!(machine.vault().write(None, many), Err(VaultError::DiskFull)));
    assert_eq!(
        (
            machine.vault().set_of_changes().unwrap(),
            machine.vault().dump_tables().unwrap()
        ),
        before
    );

    machine.vault().limit_pages(ROOM).unwrap();
    write(machine.vault(), many);
    machine.reopen();
    assert_eq!(read(machine.vault(), |r| r.n_patients()), 59);
    assert!(
        machine.vault().verify().unwrap().missing.is_empty(),
        "no number was lost"
    );
}

#[test]
fn a_full_disk_stops_what_comes_from_outside_and_its_cursor() {
    let clinic = Clinic::with_devices(2);
    let (one, two) = (Machine::new(&clinic, 0), Machine::new(&clinic, 1));
    write(one.vault(), |w| (1..60).try_for_each(|n| w.put_patient(&patient(n))));
    let changes = take_outbox(one.vault());
    fill(two.vault());
    let cursor = Cursor::at(INCARNATION, Scope::Changes, 59);
    assert_eq!(
        two.vault().absorb_changes(&cursor, changes.clone()),
        Err(StoreError::DiskFull)
    );
    assert_eq!(two.vault().set_of_changes().unwrap().count, 0);
    assert_eq!(two.vault().cursor(&INCARNATION, &Scope::Changes), Ok(0));
    two.vault().limit_pages(ROOM).unwrap();
    two.vault().absorb_changes(&cursor, changes).unwrap();
    assert_same(one.vault(), two.vault());
}

#[test]
fn a_chunk_that_found_no_room_leaves_no_file_and_is_not_counted() {
    let machine = Machine::only();
    write(machine.vault(), |w| w.start_recording(&recording()));
    machine.vault().append_chunk(RECORDING, &[1; 10], 1000).unwrap();
    fill(machine.vault());
    let mut n_chunks = 1;
    loop {
        match machine.vault().append_chunk(RECORDING, &[2; 10], 1000) {
            Ok(_) => n_chunks += 1,
            Err(VaultError::DiskFull) => break,
            Err(other) => panic!("{other:?}"),
        }
    }
    let folder = machine.dir.join("attachments").join(recording().attachment.to_string());
    assert_eq!(fs::read_dir(folder).unwrap().count(), n_chunks);
    assert_eq!(
        read(machine.vault(), |r| r.recording(RECORDING)).unwrap().n_chunks as usize,
        n_chunks
    );
}
