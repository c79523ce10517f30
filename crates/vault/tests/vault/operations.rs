//! A change of very many operations: a few bytes can promise 2⁴⁰ of them, and Automerge would go through them all.

use std::time::Instant;

use automerge::transaction::{CommitOptions, Transactable};
use automerge::{ActorId, AutoCommit, ROOT};
use vault::Vault;

use crate::poison::Forger;
use crate::world::*;

/// As `columns.rs` has it.
const MOST: usize = 1 << 16;

/// A chunk of 70 bytes that says 2⁴⁰ times "x is nothing".
fn without_end(actor: &ActorId) -> Vec<u8> {
    const TIMES: [u8; 6] = [0x80, 0x80, 0x80, 0x80, 0x80, 0x20];
    let mut body = vec![0, actor.to_bytes().len() as u8];
    body.extend(actor.to_bytes());
    body.extend([1, 1, 0, 0, 0]); // the first change, from operation 1 on, at no time, without words or other writers
    let columns = [
        (0x15, [&TIMES[..], &[1, b'x']].concat()), // the key
        (0x34, TIMES.to_vec()),                    // no insertions
        (0x42, [&TIMES[..], &[1]].concat()),       // the action: put
        (0x56, [&TIMES[..], &[0]].concat()),       // the value: null
        (0x70, [&TIMES[..], &[0]].concat()),       // in the place of none
    ];
    body.push(columns.len() as u8);
    columns
        .iter()
        .for_each(|(spec, column)| body.extend([*spec, column.len() as u8]));
    columns.iter().for_each(|(_, column)| body.extend(column));
    [&[0x85, 0x6f, 0x4a, 0x83, 0, 0, 0, 0, 1, body.len() as u8][..], &body].concat()
}

/// One change of so many operations, all of them on one field.
fn change_of(actor: ActorId, n_operations: usize) -> Vec<u8> {
    let mut doc = AutoCommit::new().with_actor(actor);
    for n in 0..n_operations {
        doc.put(ROOT, "x", n as i64).unwrap();
    }
    let hash = doc.commit_with(CommitOptions::default().with_time(0)).unwrap();
    doc.get_change_by_hash(&hash).unwrap().raw_bytes().to_vec()
}

fn reasons(vault: &Vault) -> Vec<String> {
    let quarantined = read(vault, |r| r.quarantined());
    quarantined.into_iter().map(|one| one.reason).collect()
}

#[test]
fn a_change_of_more_operations_than_anybody_does_at_once_is_put_aside_alike_by_all() {
    let clinic = Clinic::with_devices(4);
    let writer = Machine::new(&clinic, 2);
    write(writer.vault(), |w| w.put_staff(&doctor(1)));
    let good = take_outbox(writer.vault());
    let mut forger = Forger::new(&clinic);
    let bomb = without_end(&forger.actor());
    assert!(bomb.len() < 100, "{} bytes", bomb.len());
    let bomb = forger.change("clinic", &bomb);
    let many = change_of(forger.actor(), MOST + 1);
    let many = forger.change("clinic", &many);
    assert!(many.len() < 256 * 1024, "{} bytes sealed", many.len());
    let heard = |device: usize, order: [&[Vec<u8>]; 3]| {
        let machine = Machine::new(&clinic, device);
        for batch in order {
            deliver(machine.vault(), batch.to_vec());
        }
        machine
    };
    let (bomb, many) = ([bomb], [many]);
    let one = heard(0, [&bomb, &good, &many]);
    let other = heard(3, [&many, &bomb, &good]);
    for machine in [&one, &other] {
        assert_eq!(reasons(machine.vault()), ["too_many_operations"; 2]);
        assert_eq!(read(machine.vault(), |r| r.all_staff()).len(), 1);
        machine.vault().made_again();
        assert_eq!(reasons(machine.vault()), ["too_many_operations"; 2]);
    }
    assert_same(one.vault(), other.vault());
    // The work goes on in the same document.
    write(other.vault(), |w| w.put_staff(&doctor(2)));
    exchange(one.vault(), other.vault());
    assert_same(one.vault(), other.vault());
    assert_eq!(read(one.vault(), |r| r.all_staff()).len(), 2);
}

#[test]
fn as_many_operations_as_there_may_be_land() {
    let clinic = Clinic::with_devices(2);
    let mut forger = Forger::new(&clinic);
    let most = change_of(forger.actor(), MOST);
    let most = forger.change("clinic", &most);
    let machine = Machine::new(&clinic, 0);
    let began = Instant::now();
    deliver(machine.vault(), vec![most]);
    println!(
        "{MOST} operations in one change: judged in {} ms",
        began.elapsed().as_millis()
    );
    assert_eq!(reasons(machine.vault()), Vec::<String>::new());
    write(machine.vault(), |w| w.put_staff(&doctor(1)));
}
