//! What it costs to be equal, and that nothing is said twice.

use sync_protocol::sim::{PeerLink, SimDevice};
use sync_protocol::{PeerEvent, PeerMessage, PeerSet, PeerStore, Prefix};

use crate::peers::{clinic_of, ids, meet, messages};
use crate::rng;

#[test]
fn nothing_new_is_one_round_trip_under_a_kilobyte() {
    let rng = &mut rng(1);
    let (_, [mut one, two]) = clinic_of::<2>(rng);
    (0..100).for_each(|_| one.write(rng));
    meet(&one, &two);
    let mut again = meet(&one, &two);
    for end in 0..2 {
        let said = messages(&again, end);
        assert!(
            matches!(said[..], [PeerMessage::Hello(_), PeerMessage::Standing(_)]),
            "{said:?}"
        );
        assert!(again.ends[end].events.contains(&PeerEvent::Equal));
        again.news(end);
        assert_eq!(again.ends[end].sent.len(), 2, "no news, no word");
    }
    println!("nothing new: {} bytes in all", again.n_bytes());
    assert!(
        again.n_bytes() < 600,
        "{} bytes: look before you let it grow",
        again.n_bytes()
    );
}

#[test]
fn one_change_among_many_costs_a_few_kilobytes() {
    let rng = &mut rng(2);
    let (_, [mut one, two]) = clinic_of::<2>(rng);
    // What a change holds plays no part here, so most of them are names of what does not decode.
    let many: Vec<Vec<u8>> = (0..100_000u32).map(|n| n.to_be_bytes().to_vec()).collect();
    for device in [&one, &two] {
        device.store.absorb_changes_from_peer(many.clone()).unwrap();
    }
    for caller_has_it in [true, false] {
        let item = one.seal(40, rng);
        let n_bytes_itself = item.bytes.len();
        one.store.write(item);
        let link = if caller_has_it {
            meet(&one, &two)
        } else {
            meet(&two, &one)
        };
        let n_bytes = link.n_bytes();
        println!("one change of {n_bytes_itself} bytes among 100 000: {n_bytes} bytes in all");
        assert!(n_bytes < 4_096, "{n_bytes} bytes: look before you let it grow");
        assert_eq!(ids(&one), ids(&two));
    }
}

#[test]
fn an_empty_device_gets_everything_and_gives_nothing_twice() {
    for empty_calls in [true, false] {
        let rng = &mut rng(3);
        let (_, [mut full, empty]) = clinic_of::<2>(rng);
        (0..1_300).for_each(|_| full.write(rng));
        let link = if empty_calls {
            meet(&empty, &full)
        } else {
            meet(&full, &empty)
        };
        assert_eq!(ids(&empty), ids(&full));
        let giver = usize::from(empty_calls);
        let given = messages(&link, giver).into_iter().filter_map(|message| match message {
            PeerMessage::ShortItems(items) => Some(items.0.len()),
            _ => None,
        });
        assert_eq!(given.sum::<usize>(), 1_300);
        let got_back = messages(&link, 1 - giver)
            .into_iter()
            .any(|message| matches!(message, PeerMessage::Have(..)));
        assert!(!got_back, "nothing is told back to where it came from");
    }
}

#[test]
fn large_bodies_come_in_batches_of_which_two_are_on_their_way() {
    let rng = &mut rng(4);
    let (_, [mut full, empty]) = clinic_of::<2>(rng);
    for _ in 0..40 {
        let item = full.seal(60_000, rng);
        full.store.write(item);
    }
    let mut link = PeerLink::open(&empty, &full, [9; 32]);
    let (mut unanswered, mut most) = (0_i64, 0);
    let mut n_seen = [0; 2];
    loop {
        let moved = [link.deliver(0, usize::MAX), link.deliver(1, usize::MAX)];
        for (end, n_seen) in link.ends.iter().zip(&mut n_seen) {
            for frame in &end.sent[*n_seen..] {
                match PeerMessage::decode(frame, usize::MAX).unwrap() {
                    PeerMessage::Want(..) => unanswered += 1,
                    PeerMessage::ShortItems(_) => {
                        unanswered -= 1;
                        assert!(frame.len() < 300 * 1024, "{} bytes", frame.len());
                    }
                    _ => {}
                }
                most = most.max(unanswered);
            }
            *n_seen = end.sent.len();
        }
        if moved == [false, false] {
            break;
        }
    }
    assert!(most <= 2, "{most} on their way");
    assert_eq!(ids(&empty), ids(&full));
}

#[test]
fn a_set_that_differs_everywhere_is_made_equal_in_pages() {
    let rng = &mut rng(11);
    let (_, [one, two]) = clinic_of::<2>(rng);
    // Thousands on both sides, a part in common, under prefixes of every size.
    let some = |from: u32, to: u32| (from..to).map(|n| n.to_be_bytes().to_vec()).collect::<Vec<_>>();
    one.store.absorb_changes_from_peer(some(0, 6_000)).unwrap();
    two.store.absorb_changes_from_peer(some(4_000, 12_000)).unwrap();
    meet(&one, &two);
    let all = |device: &SimDevice| {
        device
            .store
            .ids_under(PeerSet::Changes, Prefix::ROOT, None, 20_000)
            .unwrap()
    };
    assert_eq!(all(&one).len(), 12_000);
    assert_eq!(all(&one), all(&two));
}
