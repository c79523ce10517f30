//! A new device is killed while it takes what it wants first: the rest goes on, and the end is the same.

use std::path::Path;
use std::process::Command;

use sync_protocol::Scope;

use super::*;
use crate::killing::was_killed;

const PROBE: &str = "wanted_first::kills::the_probe_takes_first_what_is_named_and_then_the_rest";
const DIR: &str = "MEDIECO_FIRST_PROBE";
/// Fewer than are named.
const BATCH: usize = 24;
const FROM_PEER: &str = "MEDIECO_FIRST_FROM_PEER";

/// Asks for what is named and not here, then goes on from the cursor.
fn take_all(vault: &Vault, feed: &[Vec<u8>], from_peer: bool) {
    vault.read_in_background();
    let wanted = vault.wanted_first().unwrap();
    for ids in wanted.chunks(BATCH) {
        let lacking = vault.lacking_of(ids).unwrap();
        let came: Vec<Vec<u8>> = feed
            .iter()
            .filter(|change| lacking.contains(&id_of(change)))
            .cloned()
            .collect();
        match from_peer {
            true => vault.absorb_first_from_peer(came).unwrap(),
            false => vault.absorb_first(came).unwrap(),
        }
    }
    vault.forget_wanted_first().unwrap();
    let at = usize::try_from(vault.cursor(&INCARNATION, &Scope::Changes).unwrap()).unwrap();
    feed[at..].chunks(BATCH).for_each(|some| deliver(vault, some.to_vec()));
    while vault.read_on().unwrap() > 0 {}
}

fn feed_in(dir: &Path) -> Vec<Vec<u8>> {
    let text = std::fs::read_to_string(dir.join("feed")).unwrap();
    text.lines().map(|line| hex::decode(line).unwrap()).collect()
}

#[test]
fn the_probe_takes_first_what_is_named_and_then_the_rest() {
    let Some(dir) = std::env::var_os(DIR) else {
        return;
    };
    let dir = Path::new(&dir);
    let clinic = Clinic::with_devices(3);
    let vault = Vault::open(dir, &clinic.secrets(1), ports(50)).unwrap();
    take_all(&vault, &feed_in(dir), std::env::var_os(FROM_PEER).is_some());
}

#[test]
fn a_kill_at_any_place_of_taking_what_is_wanted_first_loses_nothing() {
    let (clinic, old) = clinic_at_work();
    let (names, feed) = (names_of(old.vault()), feed_of(old.vault()));
    assert!(names.len() > 3 * BATCH, "{} names", names.len());
    let lines: Vec<String> = feed.iter().map(hex::encode).collect();
    let of_relay = ["absorb.stored", "absorb.applied"].map(|point| (point, false));
    let of_peer = ["peer.stored", "peer.judged"].map(|point| (point, true));
    for (point, from_peer) in of_relay.into_iter().chain(of_peer) {
        let mut new = Machine::new(&clinic, 1);
        new.vault().want_first(&names).unwrap();
        std::fs::write(new.dir.join("feed"), lines.join("\n")).unwrap();
        new.close();
        // In the first batch, and then in the second of those that are left.
        for passing in [1, 2] {
            let mut probe = Command::new(std::env::current_exe().unwrap());
            probe.args([PROBE, "--exact"]).env(DIR, &new.dir);
            probe.env("MEDIECO_KILL_AT", format!("{point}:{passing}"));
            if from_peer {
                probe.env(FROM_PEER, "1");
            }
            let outcome = probe.output().unwrap();
            let said = String::from_utf8_lossy(&outcome.stdout);
            assert!(
                was_killed(outcome.status),
                "nothing passes {point} {passing} times: {said}"
            );
            new.try_open().unwrap();
            let figures = read(new.vault(), |r| r.sync_figures());
            let n_whole = (passing - 1) * BATCH as u64;
            assert_eq!(
                figures.n_changes, n_whole,
                "a batch is here or it is not: {point} {passing}"
            );
            assert_eq!((figures.to_be_read, figures.waiting, figures.quarantined), (0, 0, 0));
            assert_eq!(new.vault().wanted_first().unwrap(), names);
            assert!(new.vault().verify().unwrap().trees_hold);
            new.close();
        }
        new.try_open().unwrap();
        take_all(new.vault(), &feed, from_peer);
        assert_eq!(new.vault().wanted_first().unwrap(), []);
        assert_same(new.vault(), old.vault());
        let figures = read(new.vault(), |r| r.sync_figures());
        assert_eq!((figures.missing.len(), figures.waiting, figures.quarantined), (0, 0, 0));
        let tables = new.vault().dump_tables().unwrap();
        new.vault().made_again();
        assert_eq!(
            difference(&tables, &new.vault().dump_tables().unwrap()),
            None,
            "{point}"
        );
    }
}
