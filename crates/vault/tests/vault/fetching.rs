//! Sound of other devices: wanted, fetched, counted; over crashes, full disks and erasures.

use std::collections::BTreeSet;
use std::fs;

use seal::ChunkName;
use sync_protocol::{ChunkId, ChunkSource, ChunkStore, Incarnation, StoreError};
use vault::{SoundState, Vault, VaultError};

use crate::backup::{back_up, restored};
use crate::disk::fill;
use crate::sound::{RECORDING, recording};
use crate::world::*;

pub const LIFE: Incarnation = Incarnation([7; 16]);

/// A finished recording of some chunks on the first of two machines, of which the second has heard.
pub fn recorded(n_chunks: u8) -> (Clinic, Machine, Machine) {
    let clinic = Clinic::with_devices(2);
    let (one, two) = (Machine::new(&clinic, 0), Machine::new(&clinic, 1));
    write(one.vault(), |w| w.start_recording(&recording()));
    for n in 0..n_chunks {
        one.vault().append_chunk(RECORDING, &[n; 500], 1000).unwrap();
    }
    write(one.vault(), |w| w.finish_recording(RECORDING, at(1000)));
    exchange(one.vault(), two.vault());
    (clinic, one, two)
}

fn state(vault: &Vault) -> SoundState {
    vault.read::<_, VaultError>(|r| r.sound_of(RECORDING)).unwrap()
}

/// The next chunk that is wanted, from another vault.
fn fetch_one(to: &Vault, from: &Vault, source: ChunkSource) -> Result<bool, StoreError> {
    let Some((chunk, _claim)) = to.wanted_chunk(&BTreeSet::new())? else {
        return Ok(false);
    };
    let bytes = from.chunk(&chunk)?.expect("the other one has it");
    to.absorb_chunk(&chunk, &bytes, source)?;
    Ok(true)
}

pub fn fetch_all(to: &Vault, from: &Vault) {
    while fetch_one(to, from, ChunkSource::Peer).unwrap() {}
}

fn folder(machine: &Machine) -> std::path::PathBuf {
    machine.dir.join("attachments").join(recording().attachment.to_string())
}

fn n_files(machine: &Machine) -> usize {
    fs::read_dir(folder(machine)).map_or(0, |entries| entries.count())
}

#[test]
fn what_is_wanted_comes_plays_and_is_wanted_no_more() {
    let (_clinic, one, two) = recorded(3);
    let (one, two) = (one.vault(), two.vault());
    let nothing = SoundState {
        here: 0,
        of: 3,
        n_bytes_here: 0,
        wanted: false,
    };
    assert_eq!(state(two), nothing);
    assert!(two.wanted_chunk(&BTreeSet::new()).unwrap().is_none());
    two.want_recording(RECORDING).unwrap();
    assert_eq!(
        state(two),
        SoundState {
            wanted: true,
            ..nothing
        }
    );
    assert!(fetch_one(two, one, ChunkSource::Relay).unwrap());
    assert_eq!((state(two).here, state(two).wanted), (1, true));
    assert_eq!(*two.read_chunk(RECORDING, 0).unwrap(), vec![0; 500]);
    assert!(matches!(
        two.read_chunk(RECORDING, 1),
        Err(VaultError::AttachmentMissing)
    ));
    fetch_all(two, one);
    assert_eq!(
        state(two),
        SoundState {
            wanted: false,
            ..state(one)
        }
    );
    for n in 0..3 {
        assert_eq!(*two.read_chunk(RECORDING, n).unwrap(), vec![n as u8; 500]);
    }
    assert!(read(two, |r| r.unfinished_recordings()).is_empty());
    assert!(matches!(
        two.want_recording(domain::RecordingId::from_bytes([99; 16])),
        Err(VaultError::NotFound("recording"))
    ));
}

#[test]
fn a_fetch_goes_on_after_a_restart_until_somebody_cancels_it() {
    let (_clinic, one, mut two) = recorded(3);
    two.vault().want_recording(RECORDING).unwrap();
    assert!(fetch_one(two.vault(), one.vault(), ChunkSource::Peer).unwrap());
    two.reopen();
    assert_eq!((state(two.vault()).here, state(two.vault()).wanted), (1, true));
    assert!(fetch_one(two.vault(), one.vault(), ChunkSource::Peer).unwrap());
    two.vault().forget_wanted(RECORDING).unwrap();
    assert!(!fetch_one(two.vault(), one.vault(), ChunkSource::Peer).unwrap());
    // What was on its way then is not kept.
    let last = ChunkId {
        attachment: sound_id(),
        name: names(one.vault())[2],
    };
    let bytes = one.vault().chunk(&last).unwrap().unwrap();
    two.vault().absorb_chunk(&last, &bytes, ChunkSource::Peer).unwrap();
    assert_eq!((state(two.vault()).here, n_files(&two)), (2, 2));
    two.vault().want_recording(RECORDING).unwrap();
    fetch_all(two.vault(), one.vault());
    assert_eq!(state(two.vault()).here, 3);
}

fn sound_id() -> seal::AttachmentId {
    seal::AttachmentId::from_bytes(*recording().attachment.as_bytes())
}

/// The names of all chunks, as this vault offers them.
fn names(vault: &Vault) -> Vec<ChunkName> {
    vault.chunks_to_offer(100).unwrap().unwrap().1
}

#[test]
fn each_connection_asks_for_another_chunk() {
    let (_clinic, _one, two) = recorded(3);
    let two = two.vault();
    two.want_recording(RECORDING).unwrap();
    let none = BTreeSet::new();
    let first = two.wanted_chunk(&none).unwrap().unwrap();
    let second = two.wanted_chunk(&none).unwrap().unwrap();
    assert_ne!(first.0, second.0);
    let passed_over = BTreeSet::from([first.0, second.0]);
    let third = two.wanted_chunk(&passed_over).unwrap().unwrap();
    assert!(two.wanted_chunk(&none).unwrap().is_none(), "each is claimed");
    let let_go = first.0;
    drop(first);
    assert_eq!(two.wanted_chunk(&none).unwrap().unwrap().0, let_go);
    drop((second, third));
}

#[test]
fn the_relay_is_offered_what_it_is_not_known_to_have_in_this_life_of_its_data() {
    let (_clinic, one, two) = recorded(3);
    let (one, two) = (one.vault(), two.vault());
    one.begin_attachments(&LIFE).unwrap();
    let all = names(one);
    assert_eq!(all.len(), 3);
    let pending = |vault: &Vault| read(vault, |r| r.sync_figures()).sound_pending;
    assert_eq!(
        (pending(one), pending(two)),
        (1, 0),
        "of one recording sound waits to be sent"
    );
    one.chunks_at_relay(&sound_id(), &all[..1]).unwrap();
    one.chunks_refused(&sound_id(), &all[1..2]).unwrap();
    assert_eq!(names(one), all[2..]);
    assert_eq!(pending(one), 1);
    one.chunks_at_relay(&sound_id(), &all[2..]).unwrap();
    assert_eq!(one.chunks_to_offer(100).unwrap(), None);
    assert_eq!(pending(one), 0);
    one.chunks_lost(&sound_id(), &all[..1]).unwrap();
    assert_eq!(names(one), all[..1]);
    one.chunks_at_relay(&sound_id(), &all).unwrap();
    one.begin_attachments(&LIFE).unwrap();
    assert_eq!(one.chunks_to_offer(100).unwrap(), None);
    one.begin_attachments(&Incarnation([8; 16])).unwrap();
    assert_eq!(names(one), all);

    // What came from the relay need not go there; what came from a device may have to.
    two.begin_attachments(&LIFE).unwrap();
    two.want_recording(RECORDING).unwrap();
    assert!(fetch_one(two, one, ChunkSource::Relay).unwrap());
    assert_eq!(two.chunks_to_offer(100).unwrap(), None);
    assert!(fetch_one(two, one, ChunkSource::Peer).unwrap());
    assert_eq!(names(two), all[1..2]);
}

#[test]
fn a_chunk_that_is_damaged_here_is_not_given_and_is_fetched_anew() {
    let (_clinic, one, two) = recorded(2);
    two.vault().want_recording(RECORDING).unwrap();
    fetch_all(two.vault(), one.vault());
    let chunk = ChunkId {
        attachment: sound_id(),
        name: names(one.vault())[1],
    };
    let path = folder(&two).join(chunk.name.to_string());
    let mut bytes = fs::read(&path).unwrap();
    bytes[40] ^= 1;
    fs::write(&path, bytes).unwrap();
    assert_eq!(two.vault().chunk(&chunk).unwrap(), None);
    assert!(matches!(two.vault().read_chunk(RECORDING, 1), Err(VaultError::Damaged)));
    two.vault().want_recording(RECORDING).unwrap();
    assert_eq!((state(two.vault()).here, state(two.vault()).wanted), (1, true));
    fetch_all(two.vault(), one.vault());
    assert_eq!(*two.vault().read_chunk(RECORDING, 1).unwrap(), vec![1; 500]);
}

#[test]
fn with_a_full_disk_the_fetch_pauses_and_the_store_is_as_it_was() {
    let (_clinic, one, two) = recorded(100);
    two.vault().want_recording(RECORDING).unwrap();
    fill(two.vault());
    let tables = two.vault().dump_tables().unwrap();
    let mut n_fetched = 0;
    let stopped = loop {
        match fetch_one(two.vault(), one.vault(), ChunkSource::Peer) {
            Ok(true) => n_fetched += 1,
            other => break other,
        }
    };
    assert_eq!(stopped, Err(StoreError::DiskFull), "after {n_fetched} of 100");
    assert!(two.vault().sound_has_no_room());
    assert!(
        two.vault().wanted_chunk(&BTreeSet::new()).unwrap().is_none(),
        "it pauses"
    );
    assert_eq!(
        (state(two.vault()).here as usize, n_files(&two)),
        (n_fetched, n_fetched)
    );
    assert!(state(two.vault()).wanted);
    assert_eq!(two.vault().dump_tables().unwrap(), tables);

    two.vault().limit_pages(1 << 30).unwrap();
    two.vault().housekeeping(1).unwrap();
    assert!(!two.vault().sound_has_no_room());
    fetch_all(two.vault(), one.vault());
    assert_eq!((state(two.vault()).here, state(two.vault()).wanted), (100, false));
}

#[test]
fn a_backup_takes_fetched_chunks_along_like_own_ones() {
    let (_clinic, one, two) = recorded(3);
    two.vault().want_recording(RECORDING).unwrap();
    for _ in 0..2 {
        assert!(fetch_one(two.vault(), one.vault(), ChunkSource::Peer).unwrap());
    }
    let stick = tempfile::tempdir().unwrap();
    let made = back_up(two.vault(), stick.path());
    assert_eq!((made.n_chunks, made.n_chunks_missing), (2, 0));
    let home = tempfile::tempdir().unwrap();
    let new = restored(&made.file, &home.path().join("clinic")).unwrap().vault;
    assert_eq!(
        state(&new),
        SoundState {
            wanted: false,
            ..state(two.vault())
        }
    );
    assert_eq!(*new.read_chunk(RECORDING, 1).unwrap(), vec![1; 500]);
    new.want_recording(RECORDING).unwrap();
    fetch_all(&new, one.vault());
    assert_eq!(*new.read_chunk(RECORDING, 2).unwrap(), vec![2; 500]);
}
