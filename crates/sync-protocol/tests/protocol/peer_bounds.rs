//! A member that has gone bad: whatever it claims, asks or sends, the other side stays small and ends with a code.

use std::sync::Arc;

use minicbor::bytes::ByteVec;
use rand_chacha::ChaCha20Rng;
use sync_protocol::sim::{PeerLink, SimClinic, SimDevice};
use sync_protocol::tree::FAN_OUT;
use sync_protocol::{
    BATCH_ITEMS, Bucket, FrameTooLarge, IdsAsk, IdsPage, ItemId, MAX_ASKS, MAX_PEER_FRAME_BYTES, PeerError,
    PeerMessage, PeerRole, PeerSession, PeerSet, PeerStore, PeerStream, Prefix, RefusedCode, Standing, SyncStore,
};

use crate::{NOW, rng};

/// An honest session that has proven its bad peer, and that peer's way to speak to it.
struct Victim {
    device: SimDevice,
    session: PeerSession,
    /// What it said last.
    said: Vec<PeerMessage>,
    refused: Option<RefusedCode>,
    n_bytes_said: usize,
    n_bytes_heard: usize,
}

impl Victim {
    /// `role` is the victim's, which holds so many things; `standing` is what the bad peer claims to hold.
    fn new(role: PeerRole, standing: Standing, n_held: u32, rng: &mut ChaCha20Rng) -> Self {
        let (mut clinic, device) = SimClinic::found(NOW, rng);
        let bad = clinic.admit(NOW, rng);
        device.store.absorb_statements(clinic.encoded_statements()).unwrap();
        // What they hold plays no part: names of what does not decode.
        let things = (0..n_held).map(|n| n.to_be_bytes().to_vec()).collect();
        device.store.absorb_changes_from_peer(things).unwrap();
        let (session, _) = PeerSession::open(Arc::clone(&device.store) as _, &device.keys, role, [9; 32]).unwrap();
        let (_, hello) = PeerSession::open(Arc::clone(&bad.store) as _, &bad.keys, role.other(), [9; 32]).unwrap();
        let mut victim = Self {
            device,
            session,
            said: Vec::new(),
            refused: None,
            n_bytes_said: 0,
            n_bytes_heard: 0,
        };
        victim.hears_frame(&hello.send[0]);
        assert!(victim.session.peer().is_some());
        victim.hears(PeerMessage::Standing(standing));
        victim
    }

    fn hears(&mut self, message: PeerMessage) {
        self.hears_frame(&message.encode());
    }

    fn hears_frame(&mut self, frame: &[u8]) {
        let step = self.session.receive(frame).unwrap();
        self.n_bytes_heard += frame.len();
        self.n_bytes_said += step.send.iter().map(Vec::len).sum::<usize>();
        assert!(step.send.len() <= 6, "one frame in, a handful out");
        self.said = step
            .send
            .iter()
            .map(|frame| PeerMessage::decode(frame, usize::MAX).unwrap())
            .collect();
        self.refused = step.end.or(self.refused);
        if let Some(code) = step.end {
            assert_eq!(self.said.last(), Some(&PeerMessage::Refused(code)));
            let after = self.session.receive(&PeerMessage::Heard.encode()).unwrap();
            assert_eq!(after.end, Some(RefusedCode::BadMessage), "it is over");
        }
    }

    fn ended(&self) -> bool {
        self.refused == Some(RefusedCode::BadMessage)
    }
}

fn huge() -> Standing {
    let bucket = Bucket {
        n: u64::MAX,
        sum: [0xff; 32],
    };
    Standing {
        consents: bucket,
        changes: bucket,
    }
}

fn ids_from(n: u64) -> Vec<ItemId> {
    let id = |n: u64| {
        let mut id = [0; 32];
        id[24..].copy_from_slice(&n.to_be_bytes());
        ItemId::from_bytes(id)
    };
    (0..BATCH_ITEMS as u64).map(|nth| id(n + nth)).collect()
}

#[test]
fn huge_counts_are_only_numbers_and_a_tree_that_never_fits_comes_to_an_end() {
    let rng = &mut rng(1);
    let mut victim = Victim::new(PeerRole::Caller, huge(), 100_000, rng);
    let (mut n_asked, mut unheard) = (0, false);
    // Every bucket is huge, and no page holds anything: nothing is found, and that is that.
    while !victim.said.contains(&PeerMessage::Compared) {
        unheard |= victim
            .said
            .iter()
            .any(|message| matches!(message, PeerMessage::Have(..)));
        let asked = victim.said.iter().find_map(|message| match message {
            PeerMessage::AskTree(_, prefixes) => {
                n_asked += prefixes.0.len();
                let full = [Bucket {
                    n: u64::MAX,
                    sum: [7; 32],
                }; FAN_OUT];
                Some(PeerMessage::Tree(vec![full; prefixes.0.len()].into()))
            }
            PeerMessage::AskIds(_, asks) => {
                let nothing = IdsPage {
                    ids: Vec::new().into(),
                    more: false,
                };
                Some(PeerMessage::Ids(vec![nothing; asks.0.len()].into()))
            }
            _ => None,
        });
        match asked {
            Some(answer) => victim.hears(answer),
            None => {
                assert!(std::mem::take(&mut unheard), "it waits for nothing: {:?}", victim.said);
                victim.hears(PeerMessage::Heard);
            }
        }
    }
    assert!(n_asked > 4_096, "it went all the way down: {n_asked}");
    assert!(n_asked <= 2 * (1 + 16 + 256 + 4_096), "{n_asked}");
    println!(
        "a tree that never fits: {n_asked} prefixes asked, {} bytes said",
        victim.n_bytes_said
    );
    assert!(victim.n_bytes_said < 4 * 1024 * 1024, "{} bytes", victim.n_bytes_said);
}

#[test]
fn ids_that_are_claimed_and_never_given_end_it() {
    let rng = &mut rng(2);
    let mut victim = Victim::new(PeerRole::Caller, huge(), 0, rng);
    let mut n_claimed = 0_u64;
    while victim.refused.is_none() {
        assert!(n_claimed < 100_000, "it goes on for ever");
        for message in std::mem::take(&mut victim.said) {
            if victim.refused.is_some() {
                break;
            }
            match message {
                PeerMessage::AskTree(_, prefixes) => {
                    let huge = Bucket {
                        n: u64::MAX,
                        sum: [7; 32],
                    };
                    let mut first = vec![[Bucket::default(); FAN_OUT]; prefixes.0.len()];
                    first[0][0] = huge;
                    victim.hears(PeerMessage::Tree(first.into()));
                }
                PeerMessage::AskIds(..) => {
                    n_claimed += BATCH_ITEMS as u64;
                    let page = IdsPage {
                        ids: ids_from(n_claimed).into(),
                        more: true,
                    };
                    victim.hears(PeerMessage::Ids(vec![page].into()));
                }
                PeerMessage::Want(_, ids) => victim.hears(PeerMessage::Items(vec![None; ids.0.len()].into())),
                _ => {}
            }
        }
    }
    assert!(victim.ended());
    println!("claimed and never given: ended after {n_claimed} claims");
}

#[test]
fn bytes_that_are_not_what_their_name_says_are_not_kept() {
    let rng = &mut rng(3);
    for set in PeerSet::ALL {
        let mut victim = Victim::new(PeerRole::Answerer, huge(), 0, rng);
        let other = {
            let (_, mut device) = SimClinic::found(NOW, rng);
            device.seal(40, rng)
        };
        victim.hears(PeerMessage::Have(set, vec![ItemId::from_bytes([5; 32])].into()));
        assert!(
            victim
                .said
                .iter()
                .any(|message| matches!(message, PeerMessage::Want(..)))
        );
        victim.hears(PeerMessage::Items(vec![Some(ByteVec::from(other.bytes))].into()));
        assert!(victim.ended());
        let held = victim.device.store.held();
        assert!(held.changes.is_empty() && held.quarantined.is_empty());
    }
}

#[test]
fn wanting_the_same_for_ever_ends() {
    let rng = &mut rng(4);
    let mut victim = Victim::new(PeerRole::Answerer, huge(), 3, rng);
    let id = victim
        .device
        .store
        .ids_under(PeerSet::Changes, Prefix::ROOT, None, 1)
        .unwrap()[0];
    let mut n_wanted = 0;
    while victim.refused.is_none() {
        n_wanted += 1;
        assert!(n_wanted < 10_000, "it goes on for ever");
        victim.hears(PeerMessage::Want(PeerSet::Changes, vec![id].into()));
    }
    assert!(victim.ended());
    println!("the same one {n_wanted} times");
}

#[test]
fn asking_for_ever_ends() {
    let rng = &mut rng(5);
    let mut victim = Victim::new(PeerRole::Answerer, huge(), 3, rng);
    let mut n_asked = 0;
    while victim.refused.is_none() {
        n_asked += 1;
        assert!(n_asked < 10_000, "it goes on for ever");
        victim.hears(PeerMessage::AskTree(
            PeerSet::Changes,
            vec![Prefix::ROOT; MAX_ASKS].into(),
        ));
    }
    assert!(victim.ended());

    let mut victim = Victim::new(PeerRole::Answerer, huge(), 3, rng);
    let mut n_asked = 0;
    let ask = IdsAsk {
        prefix: Prefix::ROOT,
        after: None,
    };
    while victim.refused.is_none() {
        n_asked += 1;
        assert!(n_asked < 100_000, "it goes on for ever");
        victim.hears(PeerMessage::AskIds(PeerSet::Changes, vec![ask; MAX_ASKS].into()));
    }
    assert!(victim.ended());
}

#[test]
fn telling_without_waiting_to_be_heard_ends() {
    let rng = &mut rng(6);
    let mut victim = Victim::new(PeerRole::Answerer, huge(), 0, rng);
    let mut n = 0;
    while victim.refused.is_none() {
        n += 1;
        assert!(n < 100, "it goes on for ever");
        victim.hears(PeerMessage::Have(PeerSet::Changes, ids_from(n * 1_000).into()));
    }
    assert!(victim.ended());
    println!("told {n} times without waiting");
}

#[test]
fn who_tells_much_and_gives_nothing_is_not_heard_any_more() {
    let rng = &mut rng(12);
    let mut victim = Victim::new(PeerRole::Answerer, huge(), 0, rng);
    let mut n_told = 0;
    loop {
        n_told += 1;
        assert!(n_told < 100, "what it wants grows for ever");
        victim.hears(PeerMessage::Have(PeerSet::Changes, ids_from(n_told * 1_000).into()));
        if !victim.said.contains(&PeerMessage::Heard) {
            break;
        }
    }
    assert_eq!(n_told, 3, "two batches are on their way, and one waits");
    victim.hears(PeerMessage::Items(vec![None; BATCH_ITEMS].into()));
    assert!(
        victim.said.contains(&PeerMessage::Heard),
        "one came, one goes, and the next may be told"
    );
}

#[test]
fn what_nobody_asked_for_ends() {
    let rng = &mut rng(7);
    let page = IdsPage {
        ids: ids_from(1).into(),
        more: false,
    };
    let to_both = [
        PeerMessage::Standing(huge()),
        PeerMessage::Heard,
        PeerMessage::Items(vec![None].into()),
        PeerMessage::Have(PeerSet::Changes, Vec::new().into()),
        PeerMessage::Want(PeerSet::Changes, Vec::new().into()),
    ];
    let to_the_answerer = [
        PeerMessage::Tree(vec![[Bucket::default(); FAN_OUT]].into()),
        PeerMessage::Ids(vec![page.clone()].into()),
        PeerMessage::AskTree(PeerSet::Changes, vec![Prefix::from_number(0x1_0000).unwrap()].into()),
        PeerMessage::AskTree(PeerSet::Changes, Vec::new().into()),
        PeerMessage::AskIds(PeerSet::Changes, Vec::new().into()),
    ];
    let to_the_caller = [
        PeerMessage::Ids(vec![page].into()),
        PeerMessage::Tree(Vec::new().into()),
        PeerMessage::Tree(vec![[Bucket::default(); FAN_OUT]; 2].into()),
        PeerMessage::AskTree(PeerSet::Changes, vec![Prefix::ROOT].into()),
        PeerMessage::Compared,
    ];
    for message in to_both.iter().chain(&to_the_answerer) {
        let mut victim = Victim::new(PeerRole::Answerer, huge(), 3, rng);
        victim.hears(message.clone());
        assert!(victim.ended(), "{message:?}");
    }
    for message in to_both.iter().chain(&to_the_caller) {
        let mut victim = Victim::new(PeerRole::Caller, huge(), 3, rng);
        victim.hears(message.clone());
        assert!(victim.ended(), "{message:?}");
    }
}

#[test]
fn pages_out_of_order_or_out_of_place_end() {
    let rng = &mut rng(8);
    let [low, high] = [1, 2].map(|n| ids_from(n)[0]);
    let elsewhere = ItemId::from_bytes([0xee; 32]);
    let pages = [
        (vec![high, low], false),
        (vec![low, low], false),
        (vec![elsewhere], false),
        (Vec::new(), true),
    ];
    for (ids, more) in pages {
        let mut victim = Victim::new(PeerRole::Caller, huge(), 0, rng);
        let mut first = [Bucket::default(); FAN_OUT];
        first[0].add(&low);
        victim.hears(PeerMessage::Tree(vec![first].into()));
        assert!(
            matches!(victim.said[..], [PeerMessage::AskIds(..)]),
            "{:?}",
            victim.said
        );
        victim.hears(PeerMessage::Ids(vec![IdsPage { ids: ids.into(), more }].into()));
        assert!(victim.ended());
    }
}

#[test]
fn frames_that_are_too_large_are_not_even_collected() {
    let rng = &mut rng(9);
    let (mut clinic, one) = SimClinic::found(NOW, rng);
    let two = clinic.admit(NOW, rng);
    // A stranger: a kilobyte, and no more.
    let mut link = PeerLink::open(&one, &two, [9; 32]);
    assert_eq!(link.ends[1].session.max_frame_bytes(), 1024);
    link.replace_coming(1, &[0; 1025]);
    link.deliver(1, 4);
    assert_eq!(
        link.ends[1].refused,
        Some(RefusedCode::BadMessage),
        "by the length alone"
    );

    let mut victim = Victim::new(PeerRole::Answerer, huge(), 0, rng);
    let step = victim.session.receive(&vec![0; MAX_PEER_FRAME_BYTES + 1]).unwrap();
    assert_eq!(step.end, Some(RefusedCode::BadMessage));

    let mut stream = PeerStream::default();
    stream.push(&u32::MAX.to_be_bytes());
    assert_eq!(stream.next(MAX_PEER_FRAME_BYTES), Err(FrameTooLarge));
}

#[test]
fn a_list_that_is_too_long_is_not_read() {
    let rng = &mut rng(10);
    let items = |n: usize| PeerMessage::decode(&PeerMessage::Items(vec![None; n].into()).encode(), 4_096).is_ok();
    assert!(items(BATCH_ITEMS));
    assert!(!items(BATCH_ITEMS + 1));
    // A few bytes that announce a list of four thousand million things; and a full frame of one-byte things.
    for frame in [
        vec![0x82, 0x08, 0x82, 0x01, 0x9a, 0xff, 0xff, 0xff, 0xff],
        [
            &[0x82, 0x0b, 0x81, 0x9a, 0x00, 0x80, 0x00, 0x00][..],
            &vec![0xf6; 0x80_0000],
        ]
        .concat(),
    ] {
        let mut victim = Victim::new(PeerRole::Answerer, huge(), 0, rng);
        victim.hears_frame(&frame);
        assert!(victim.ended());
    }
}

#[test]
fn a_refusal_is_heard_once_and_for_all() {
    let rng = &mut rng(11);
    let mut victim = Victim::new(PeerRole::Answerer, huge(), 0, rng);
    let refused = PeerMessage::Refused(RefusedCode::Removed).encode();
    assert_eq!(
        victim.session.receive(&refused),
        Err(PeerError::Refused(RefusedCode::Removed))
    );
    assert_eq!(victim.session.peer(), None);
}
