//! Parents that a hostile member gives its changes: one twice, one with what it is based on itself, one of another document,
//! one that nobody has. Whatever comes first, everybody ends alike.

use automerge::transaction::Transactable;
use automerge::{AutoCommit, Change, ChangeHash, ExpandedChange, ROOT};

use crate::merging::shuffled;
use crate::references::{commit, found, of_opening};
use crate::snapshots::keep_house;
use crate::world::*;

#[test]
fn parents_named_twice_needlessly_or_elsewhere_end_alike_in_every_order() {
    let clinic = Clinic::with_devices(4);
    let mut first = of_opening(&clinic, 9);
    let mut doc = AutoCommit::new().with_actor(first.actor());
    let history: Vec<Change> = (1..4)
        .map(|n| {
            doc.put(ROOT, "x", n).unwrap();
            commit(&mut doc)
        })
        .collect();
    let mut all: Vec<_> = history
        .iter()
        .map(|change| first.change("clinic", change.raw_bytes()))
        .collect();

    // Of another document, where it is a first change as well.
    let mut elsewhere = of_opening(&clinic, 10);
    let mut other = AutoCommit::new().with_actor(elsewhere.actor());
    other.put(ROOT, "x", 1).unwrap();
    let foreign = commit(&mut other);
    let path = format!("patient/{}/allergies", patient_id(1));
    all.push(elsewhere.change(&path, foreign.raw_bytes()));

    let [one, two, three] = [0, 1, 2].map(|n: usize| history[n].hash());
    let nobody = ChangeHash([7; 32]);
    let mut on_top_of = |opening: u8, parents: Vec<ChangeHash>, start_op: u64| {
        let mut forger = of_opening(&clinic, opening);
        let mut child = doc.fork().with_actor(forger.actor());
        child.put(ROOT, format!("of {opening}"), 7).unwrap();
        let change = ExpandedChange {
            deps: parents,
            start_op: start_op.try_into().unwrap(),
            ..commit(&mut child).decode()
        };
        forger.change("clinic", Change::from(change).raw_bytes())
    };
    // These land: twice the same, an older one besides, all of them.
    all.push(on_top_of(20, vec![three, three], 4));
    all.push(on_top_of(21, vec![one, three], 4));
    all.push(on_top_of(22, vec![three, one, two, one], 4));
    // These wait: for what is in another document, and for what nobody has.
    all.push(on_top_of(23, vec![foreign.hash()], 2));
    all.push(on_top_of(24, vec![three, foreign.hash()], 4));
    all.push(on_top_of(25, vec![three, nobody], 4));

    let machines = [0, 2, 3].map(|device| Machine::new(&clinic, device));
    for (seed, machine) in (1..).zip(&machines) {
        for some in shuffled(&all, seed).chunks(seed as usize * 2 - 1) {
            deliver(machine.vault(), some.to_vec());
        }
        assert_eq!(found(machine.vault()), (vec![], 3));
    }
    machines[1].vault().made_again();
    assert_eq!(found(machines[1].vault()), (vec![], 3));
    let [one, other, _] = &machines;
    for machine in &machines {
        assert_same(one.vault(), machine.vault());
    }
    // The document is edited on, and a snapshot of it is made and taken by the other.
    (0..210).for_each(|n| write(one.vault(), |w| w.put_staff(&doctor(n))));
    exchange(one.vault(), other.vault());
    assert!(keep_house(one.vault()).n_made > 0);
    deliver(other.vault(), take_outbox(one.vault()));
    assert!(keep_house(other.vault()).n_confirmed > 0);
    deliver(one.vault(), take_outbox(other.vault()));
    assert_same(one.vault(), other.vault());
    assert_eq!(found(other.vault()), (vec![], 3));
}
