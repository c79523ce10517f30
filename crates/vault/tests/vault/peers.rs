//! Vaults that meet without a relay, and the trees that they compare.

use std::sync::Arc;

use rusqlite::Connection;
use seal::{Grant, GrantId, NewGrant, Revocation};
use sync_protocol::memory::MemoryStore;
use sync_protocol::sim::{PeerLink, settle_peers};
use sync_protocol::{Bucket, Consent, ItemId, OutId, PeerSet, PeerStore, Prefix, SyncStore};
use vault::Vault;

use crate::world::*;

const END: i64 = 4_000_000_000_000;

/// The devices meet until nothing moves any more.
pub fn meet(clinic: &Clinic, ends: [(&Vault, usize); 2]) -> PeerLink {
    let ends = ends.map(|(vault, device)| {
        let store: Arc<dyn PeerStore> = Arc::new(vault.clone());
        (store, &clinic.devices[device])
    });
    let mut link = [PeerLink::connect(ends, [[9; 32]; 2])];
    settle_peers(&mut link);
    let [link] = link;
    assert!(link.is_equal(), "{:?} {:?}", link.ends[0].error, link.ends[1].error);
    link
}

/// A grant of `from` to another clinic, by its founding device.
fn grant(from: &Clinic, n: u8) -> Grant {
    let other = Clinic::from_seed(1, 2);
    let new = NewGrant {
        id: GrantId::from_bytes([n; 16]),
        recipient: other.tenant,
        purpose: 0,
        mode: 1,
        from_ms: 0,
        until_ms: END,
        erase_at_ms: END,
    };
    Grant::make(
        new,
        from.tenant,
        b"terms",
        &other.membership(),
        &from.devices[0],
        &mut rng(3),
    )
    .unwrap()
}

fn root(store: &dyn PeerStore, set: PeerSet) -> Bucket {
    let mut root = Bucket::default();
    store.tree(set, &[Prefix::ROOT]).unwrap()[0]
        .iter()
        .for_each(|child| root.join(child));
    root
}

/// The file, looked at behind the closed vault's back.
fn raw(machine: &Machine) -> Connection {
    let conn = Connection::open(machine.file()).unwrap();
    let key: String = machine
        .secrets
        .db_key
        .iter()
        .map(|byte| format!("{byte:02x}"))
        .collect();
    conn.execute_batch(&format!("PRAGMA key = \"x'{key}'\"")).unwrap();
    conn
}

#[test]
fn what_two_devices_wrote_apart_is_on_both_once_they_met() {
    let clinic = Clinic::with_devices(3);
    let (one, two) = (Machine::new(&clinic, 0), Machine::new(&clinic, 1));
    for n in 1..40 {
        write(one.vault(), |w| w.put_patient(&patient(n)));
        write(two.vault(), |w| w.put_staff(&doctor(n)));
    }
    write(one.vault(), |w| w.send_grant(&grant(&clinic, 1)));
    write(one.vault(), |w| w.send_grant(&grant(&clinic, 2)));
    let revocation = Revocation::make(GrantId::from_bytes([2; 16]), clinic.tenant, 77, &clinic.devices[1]);
    write(two.vault(), |w| w.send_revocation(&revocation));

    meet(&clinic, [(one.vault(), 0), (two.vault(), 1)]);
    assert_same(one.vault(), two.vault());
    for machine in [&one, &two] {
        assert_eq!(read(machine.vault(), |r| r.n_patients()), 39);
        let given = read(machine.vault(), |r| r.grants_given());
        assert_eq!(
            given.iter().map(|row| row.revoked_at_ms).collect::<Vec<_>>(),
            [None, Some(77)]
        );
        // Either may be the one that reaches the relay: 78 changes, two grants, one revocation.
        assert_eq!(machine.vault().pending().unwrap(), 81);
        assert!(machine.vault().verify().unwrap().trees_hold);
    }
    let again = meet(&clinic, [(two.vault(), 1), (one.vault(), 0)]);
    assert!(again.n_bytes() < 1024, "{} bytes for nothing", again.n_bytes());
}

#[test]
fn what_comes_from_one_peer_reaches_the_next_and_nothing_goes_twice_into_the_line() {
    let clinic = Clinic::with_devices(3);
    let machines = [0, 1, 2].map(|device| Machine::new(&clinic, device));
    let [one, two, three] = &machines;
    let open = |a: usize, b: usize, binding: u8| {
        let ends = [a, b].map(|device| {
            let store: Arc<dyn PeerStore> = Arc::new(machines[device].vault().clone());
            (store, &clinic.devices[device])
        });
        PeerLink::connect(ends, [[binding; 32]; 2])
    };
    let mut links = [open(0, 1, 1), open(1, 2, 2)];
    settle_peers(&mut links);
    write(one.vault(), |w| w.put_patient(&patient(1)));
    settle_peers(&mut links);
    assert_same(one.vault(), three.vault());
    assert_eq!(read(three.vault(), |r| r.n_patients()), 1);
    // The relay has it by way of one of them; what the others still offer is harmless there.
    let sent = take_outbox(two.vault());
    assert_eq!(sent.len(), 1);
    deliver(one.vault(), sent.clone());
    deliver(three.vault(), sent);
    for machine in &machines {
        assert!(machine.vault().pending().unwrap() <= 1);
        assert_eq!(machine.vault().set_of_changes().unwrap().count, 1);
    }
}

#[test]
fn the_vault_answers_peers_as_the_plainest_store_does() {
    let clinic = Clinic::with_devices(2);
    let (writer, vault) = (Machine::new(&clinic, 0), Machine::new(&clinic, 1));
    for n in 1..100 {
        write(writer.vault(), |w| w.put_patient(&patient(n)));
    }
    let mut changes = take_outbox(writer.vault());
    changes.push(b"no change at all".to_vec());
    let consents = vec![
        Consent::Grant(grant(&clinic, 1).encode()),
        Consent::Revocation(
            Revocation::make(GrantId::from_bytes([7; 16]), clinic.tenant, 1, &clinic.devices[0]).encode(),
        ),
    ];
    let plain = MemoryStore::new(clinic.tenant, Vec::new());
    let stores: [&dyn PeerStore; 2] = [vault.vault(), &plain];
    for store in stores {
        for batch in changes.chunks(10) {
            store.absorb_changes_from_peer(batch.to_vec()).unwrap();
        }
        store.absorb_changes_from_peer(changes[..5].to_vec()).unwrap();
        store.absorb_consents_from_peer(consents.clone()).unwrap();
        store.absorb_consents_from_peer(consents.clone()).unwrap();
    }
    let [vault, plain] = stores;
    let all = Prefix::ROOT.children().unwrap();
    let deep = all.iter().flat_map(|child| child.children().unwrap());
    let deeper = deep.clone().flat_map(|child| child.children().unwrap());
    let prefixes: Vec<Prefix> = [Prefix::ROOT]
        .into_iter()
        .chain(all)
        .chain(deep)
        .chain(deeper)
        .collect();
    for set in PeerSet::ALL {
        let n = if set == PeerSet::Changes { 100 } else { 2 };
        assert_eq!(root(vault, set).n, n);
        assert!(vault.tree(set, &prefixes).unwrap() == plain.tree(set, &prefixes).unwrap());
        assert_eq!(vault.newest(set).unwrap(), plain.newest(set).unwrap());
        let ids = vault.ids_under(set, Prefix::ROOT, None, 1000).unwrap();
        assert_eq!(ids, plain.ids_under(set, Prefix::ROOT, None, 1000).unwrap());
        for prefix in &all {
            for after in [None, ids.first(), ids.last(), ids.get(ids.len() / 2)] {
                assert_eq!(
                    vault.ids_under(set, *prefix, after, 3).unwrap(),
                    plain.ids_under(set, *prefix, after, 3).unwrap()
                );
            }
        }
        for place in [0, 1, n / 2, n, n + 1] {
            assert_eq!(vault.since(set, place, 7).unwrap(), plain.since(set, place, 7).unwrap());
        }
        let unknown = ItemId::from_bytes([0xee; 32]);
        let asked = [&[unknown], &ids[..], &[unknown]].concat();
        assert_eq!(vault.lacking(set, &asked).unwrap(), [unknown, unknown]);
        for max_bytes in [0, 1, 900, 5_000, 1 << 20] {
            assert_eq!(
                vault.changes(&asked, max_bytes).unwrap(),
                plain.changes(&asked, max_bytes).unwrap()
            );
            assert_eq!(
                vault.consents(&asked, max_bytes).unwrap(),
                plain.consents(&asked, max_bytes).unwrap()
            );
        }
    }
    let waiting = |store: &dyn PeerStore| {
        let items = store.outbox(1000, 1 << 20).unwrap();
        items.into_iter().map(|item| item.id).collect::<Vec<OutId>>()
    };
    // What cannot be read is for peers only: the relay could not file it either.
    assert_eq!(waiting(vault).len(), 101);
    assert_eq!(waiting(vault), waiting(plain));
}

#[test]
fn a_grant_that_turns_out_forged_is_no_member_of_the_set_any_more() {
    let (ours, theirs) = (Clinic::from_seed(1, 2), Clinic::from_seed(2, 1));
    let machine = Machine::new(&ours, 0);
    // The second device signs, and the statements that come later do not know it.
    let clear = grant(&theirs, 1);
    let new = NewGrant {
        id: clear.clear().id,
        recipient: ours.tenant,
        purpose: 0,
        mode: 1,
        from_ms: 0,
        until_ms: END,
        erase_at_ms: END,
    };
    let forged = Grant::make(
        new,
        theirs.tenant,
        b"terms",
        &ours.membership(),
        &theirs.devices[1],
        &mut rng(3),
    );
    let consent = Consent::Grant(forged.unwrap().encode());
    machine.vault().absorb_consents_from_peer(vec![consent]).unwrap();
    assert_eq!(root(machine.vault(), PeerSet::Consents).n, 1);
    assert_eq!(
        machine.vault().pending().unwrap(),
        0,
        "another clinic's is not ours to send"
    );

    let statements = theirs.without_the_last_device().statements;
    let statements = statements.iter().map(seal::Statement::bytes).collect();
    machine
        .vault()
        .absorb_foreign_statements(theirs.tenant, statements)
        .unwrap();
    assert_eq!(root(machine.vault(), PeerSet::Consents), Bucket::default());
    assert!(machine.vault().verify().unwrap().trees_hold);
}

#[test]
fn a_store_of_an_older_build_gets_its_trees_when_it_is_opened() {
    let clinic = Clinic::with_devices(1);
    let mut machine = Machine::new(&clinic, 0);
    for n in 1..30 {
        write(machine.vault(), |w| w.put_patient(&patient(n)));
    }
    write(machine.vault(), |w| w.send_grant(&grant(&clinic, 1)));
    let before = PeerSet::ALL.map(|set| root(machine.vault(), set));
    machine.close();
    let store = raw(&machine);
    store
        .execute_batch("DELETE FROM buckets; DELETE FROM consent_names; DELETE FROM meta WHERE key = 'buckets';")
        .unwrap();
    store.close().unwrap();
    machine.try_open().unwrap();
    assert_eq!(PeerSet::ALL.map(|set| root(machine.vault(), set)), before);
    assert_eq!(before.map(|root| root.n), [1, 29]);
    assert!(machine.vault().verify().unwrap().trees_hold);
}

#[test]
fn a_wrong_tree_is_found_by_verify_and_mended_by_rebuild() {
    let clinic = Clinic::with_devices(1);
    for damage in [
        "UPDATE buckets SET n = n + 1 WHERE prefix = (SELECT max(prefix) FROM buckets)",
        "DELETE FROM buckets WHERE prefix = (SELECT min(prefix) FROM buckets)",
        "INSERT INTO buckets VALUES (1, 70000, 1, zeroblob(32))",
        "DELETE FROM consent_names",
    ] {
        let mut machine = Machine::new(&clinic, 0);
        write(machine.vault(), |w| w.put_patient(&patient(1)));
        write(machine.vault(), |w| w.send_grant(&grant(&clinic, 1)));
        machine.close();
        assert_eq!(raw(&machine).execute(damage, []).unwrap(), 1, "{damage}");
        machine.try_open().unwrap();
        let report = machine.vault().verify().unwrap();
        assert!(report.pages_hold && !report.trees_hold, "{damage}");
        machine.vault().made_again();
        assert!(machine.vault().verify().unwrap().trees_hold, "{damage}");
    }
}
