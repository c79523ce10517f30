//! Messages between clinics, and the directory, between real sessions.

use std::collections::BTreeSet;

use rand_chacha::ChaCha20Rng;
use seal::{DirectoryCard, DirectoryEntry, Mail, MailContent, MailId, MailKind, TenantId};
use sync_protocol::sim::{Link, SimClinic, SimDevice, settle};
use sync_protocol::{
    DeviceError, DeviceMessage, DirectoryAnswer, DirectoryAsk, DirectoryRefusal, MailAnswer, MailAsk, MailRefusal,
    MailState, RefusedCode, RelayMessage, Wake,
};

use crate::memory_relay::MemoryRelay;
use crate::{NOW, rng, roster};

struct World {
    rng: ChaCha20Rng,
    relay: MemoryRelay,
    a: SimClinic,
    b: SimClinic,
    of_a: SimDevice,
    of_b: SimDevice,
}

impl World {
    fn new(seed: u8) -> Self {
        let mut rng = rng(seed);
        let (a, of_a) = SimClinic::found(NOW, &mut rng);
        let (b, of_b) = SimClinic::found(NOW, &mut rng);
        let mut relay = MemoryRelay::new([1; 16]);
        relay.know(roster(&a));
        relay.know(roster(&b));
        Self {
            rng,
            relay,
            a,
            b,
            of_a,
            of_b,
        }
    }

    fn letter(&mut self, text: &[u8]) -> Mail {
        let content = MailContent {
            kind: MailKind::ReferralLetter,
            written_ms: NOW,
            bytes: text.to_vec().into(),
        };
        let id = MailId::make(&mut self.rng);
        let (to, keys) = (self.b.membership(), &self.of_a.keys);
        Mail::seal(id, self.a.tenant, &content, &to, keys, &mut self.rng).unwrap()
    }

    fn write(&mut self, text: &[u8]) -> MailId {
        let mail = self.letter(text);
        self.of_a.store.write_mail(&mail);
        mail.header().id
    }

    fn link(&mut self, of: fn(&Self) -> &SimDevice) -> Link {
        let mut rng = self.rng.clone();
        let link = Link::open(of(self), &self.relay, &mut rng);
        self.rng = rng;
        link
    }

    fn settle(&mut self, links: &mut [&mut Link]) {
        settle(links, &mut self.relay, NOW, &mut self.rng);
    }

    /// Both connect anew, and everything that can be told is told.
    fn sync(&mut self) {
        let (mut a, mut b) = (self.link(|world| &world.of_a), self.link(|world| &world.of_b));
        self.settle(&mut [&mut a, &mut b]);
        assert_eq!((a.device_error, b.device_error), (None, None));
        assert_eq!((a.refused, b.refused), (None, None));
    }

    fn state(&self, id: MailId) -> Option<MailState> {
        self.of_a.store.held().mailed.states.get(&id).map(|told| told.state)
    }

    fn n_came(&self) -> usize {
        self.of_b.store.held().mailed.came.len()
    }
}

fn card(clinic: &SimClinic, number: u64, device: &SimDevice) -> DirectoryCard {
    let entry = DirectoryEntry {
        name: format!("Klinik {number}"),
        telephone: String::new(),
        address: String::new(),
        specialties: Vec::new(),
        accepts_referrals: true,
    };
    DirectoryCard::make(clinic.tenant, number, NOW, Some(entry), &device.keys).unwrap()
}

#[test]
fn a_letter_goes_live_to_the_other_clinic_and_its_sender_hears_what_became_of_it() {
    let mut world = World::new(1);
    let (mut a, mut b) = (world.link(|world| &world.of_a), world.link(|world| &world.of_b));
    world.settle(&mut [&mut a, &mut b]);
    let id = world.write(b"Please see her.");
    a.nudge();
    world.settle(&mut [&mut a, &mut b]);
    assert_eq!((world.n_came(), world.state(id)), (1, Some(MailState::Delivered)));
    assert!(world.of_a.store.held().mailed.to_post.is_empty());
    world.of_b.store.read_mail(world.a.tenant, id);
    b.nudge();
    world.settle(&mut [&mut a, &mut b]);
    assert_eq!(world.state(id), Some(MailState::Read));
    assert!(world.of_b.store.held().mailed.to_tell_read.is_empty());
    assert!(world.of_b.store.held().foreign_statements.contains_key(&world.a.tenant));
    let (a, b) = (a.device().is_idle(), b.device().is_idle());
    assert!(a && b, "nothing is left on its way");
}

#[test]
fn letters_arrive_in_their_order_more_than_a_page_of_them() {
    let mut world = World::new(2);
    let ids: Vec<MailId> = (0..50_u8).map(|nth| world.write(&[nth; 10])).collect();
    world.sync();
    let came = world.of_b.store.held().mailed.came;
    let came: Vec<MailId> = came
        .iter()
        .map(|bytes| Mail::decode(bytes).unwrap().header().id)
        .collect();
    assert_eq!(came, ids);
    assert!(ids.iter().all(|id| world.state(*id) == Some(MailState::Delivered)));
}

#[test]
fn a_cut_between_any_two_frames_makes_neither_a_second_letter_nor_none() {
    for n_frames in 0..24 {
        let mut world = World::new(3);
        let id = world.write(b"Please see her.");
        let (mut a, mut b) = (world.link(|world| &world.of_a), world.link(|world| &world.of_b));
        let mut left = n_frames;
        'cut: loop {
            let mut moved = false;
            for at in [0, 1] {
                let link = if at == 0 { &mut a } else { &mut b };
                let (was_frame, wakes) = link.deliver_up(&mut world.relay, NOW, &mut world.rng);
                for wake in wakes {
                    a.wake(&wake, &mut world.relay, NOW);
                    b.wake(&wake, &mut world.relay, NOW);
                }
                let link = if at == 0 { &mut a } else { &mut b };
                let was_other = link.deliver_down(NOW);
                for was in [was_frame, was_other] {
                    moved |= was;
                    left -= i32::from(was);
                    if left <= 0 {
                        break 'cut;
                    }
                }
            }
            if !moved {
                break;
            }
        }
        a.cut();
        b.cut();
        world.sync();
        assert_eq!(
            (world.n_came(), world.state(id)),
            (1, Some(MailState::Delivered)),
            "cut after {n_frames}"
        );
        assert_eq!(world.relay.post.mail.len(), 1);
    }
}

#[test]
fn a_disk_that_is_full_acknowledges_nothing_and_the_letter_comes_when_there_is_room() {
    let mut world = World::new(4);
    let id = world.write(b"Please see her.");
    world.of_b.store.fill_mail(true);
    let (mut a, mut b) = (world.link(|world| &world.of_a), world.link(|world| &world.of_b));
    world.settle(&mut [&mut a, &mut b]);
    assert!(matches!(b.device_error, Some(DeviceError::Store(_))));
    assert_eq!(world.relay.post.mail[0].1.state, MailState::Stored);
    world.of_b.store.fill_mail(false);
    world.sync();
    assert_eq!((world.n_came(), world.state(id)), (1, Some(MailState::Delivered)));
}

#[test]
fn a_relay_that_was_put_back_is_told_again_and_nobody_sees_a_letter_twice() {
    let mut world = World::new(5);
    let delivered = world.write(b"one");
    world.sync();
    let lost = world.write(b"two");
    let mut a = world.link(|world| &world.of_a);
    world.settle(&mut [&mut a]);
    assert_eq!(world.relay.post.mail.len(), 2);
    // The backup knew of neither.
    world.relay.post = crate::memory_post::Post::default();
    world.relay.become_another([2; 16]);
    world.sync();
    assert_eq!(world.n_came(), 2);
    assert_eq!(world.state(lost), Some(MailState::Delivered));
    assert_eq!(world.state(delivered), Some(MailState::Delivered));
    assert_eq!(
        world.relay.post.mail.len(),
        1,
        "what is with its receiver is not sent again"
    );
    // Or without a word: it says itself that it has less.
    world.of_a.store.sign_card(&card(&world.a, 1, &world.of_a));
    let third = world.write(b"three");
    let mut a = world.link(|world| &world.of_a);
    world.settle(&mut [&mut a]);
    world.relay.post = crate::memory_post::Post::default();
    world.sync();
    assert_eq!((world.n_came(), world.state(third)), (3, Some(MailState::Delivered)));
    assert_eq!(world.relay.post.cards.len(), 1, "the card stands there again");
}

#[test]
fn what_a_relay_puts_off_waits_on_the_device_and_goes_when_the_relay_says_so() {
    let mut world = World::new(6);
    world.relay.post.puts_off = true;
    let ids = [world.write(b"one"), world.write(b"two")];
    let mut a = world.link(|world| &world.of_a);
    world.settle(&mut [&mut a]);
    a.nudge();
    world.settle(&mut [&mut a]);
    assert_eq!(world.of_a.store.held().mailed.to_post, BTreeSet::from(ids));
    assert!(world.relay.post.mail.is_empty() && world.of_a.store.held().mailed.refused.is_empty());
    world.relay.post.puts_off = false;
    let wake = Wake::Clinic(world.a.tenant);
    a.wake(&wake, &mut world.relay, NOW + 59_999);
    settle(&mut [&mut a], &mut world.relay, NOW + 59_999, &mut world.rng);
    assert!(world.relay.post.mail.is_empty(), "not before it is told");
    a.wake(&wake, &mut world.relay, NOW + 60_000);
    settle(&mut [&mut a], &mut world.relay, NOW + 60_000, &mut world.rng);
    let posted: Vec<_> = world
        .relay
        .post
        .mail
        .iter()
        .map(|(mail, ..)| mail.header().id)
        .collect();
    assert_eq!(posted, ids);
    assert!(world.of_a.store.held().mailed.to_post.is_empty());
}

fn said(link: &Link) -> Vec<RelayMessage> {
    link.frames_down()
        .map(|frame| RelayMessage::decode(frame).unwrap())
        .collect()
}

/// What the relay answers to a member's frame.
fn answer(world: &mut World, ask: DeviceMessage) -> (Vec<RelayMessage>, Option<RefusedCode>) {
    let mut link = world.link(|world| &world.of_a);
    world.settle(&mut [&mut link]);
    link.inject_up(ask.encode());
    let mut rng = world.rng.clone();
    link.deliver_up(&mut world.relay, NOW, &mut rng);
    (said(&link), link.refused)
}

fn refusal_of(world: &mut World, bytes: Vec<u8>) -> Option<MailRefusal> {
    let (said, _) = answer(world, DeviceMessage::Mail(MailAsk::Post(bytes.into())));
    let posted = said.into_iter().find_map(|message| match message {
        RelayMessage::Mail(MailAnswer::Posted(_, refusal)) => Some(refusal),
        _ => None,
    });
    posted.expect("the relay answers")
}

#[test]
fn a_relay_takes_a_clinics_own_letters_signed_by_a_device_that_belongs() {
    let mut world = World::new(7);
    let good = world.letter(b"x");
    assert_eq!(refusal_of(&mut world, good.encode()), None);
    assert_eq!(refusal_of(&mut world, good.encode()), None, "the same is the same");
    assert_eq!(refusal_of(&mut world, vec![1, 2, 3]), Some(MailRefusal::Malformed));
    let content = |kind| MailContent {
        kind,
        written_ms: NOW,
        bytes: vec![1].into(),
    };
    let id = MailId::from_bytes([9; 16]);
    let seal = |from: TenantId, to: &SimClinic, by: &SimDevice| {
        let kind = MailKind::Other(77);
        Mail::seal(id, from, &content(kind), &to.membership(), &by.keys, &mut rng(9))
            .unwrap()
            .encode()
    };
    let in_their_name = seal(world.b.tenant, &world.a, &world.of_b);
    assert_eq!(refusal_of(&mut world, in_their_name), Some(MailRefusal::WrongTenant));
    let by_a_stranger = seal(world.a.tenant, &world.b, &world.of_b);
    assert_eq!(refusal_of(&mut world, by_a_stranger), Some(MailRefusal::UnknownDevice));
    let to_itself = seal(world.a.tenant, &world.a, &world.of_a);
    assert_eq!(refusal_of(&mut world, to_itself), Some(MailRefusal::Malformed));
    let mut altered = good.encode();
    *altered.last_mut().unwrap() ^= 1;
    assert_eq!(refusal_of(&mut world, altered), Some(MailRefusal::Malformed));
    assert_eq!(world.relay.post.mail.len(), 1);
    // A device that was removed, in a letter that it signed while it belonged.
    let lost = world.a.admit(NOW, &mut world.rng.clone());
    let kept = seal(world.a.tenant, &world.b, &lost);
    world.a.remove(&lost, NOW, &mut world.rng.clone());
    world.relay.know(roster(&world.a));
    assert_eq!(refusal_of(&mut world, kept), Some(MailRefusal::UnknownDevice));
}

#[test]
fn nobody_acknowledges_what_he_was_not_given() {
    let mut world = World::new(8);
    let (said, refused) = answer(&mut world, DeviceMessage::Mail(MailAsk::Stored(1)));
    assert_eq!(refused, Some(RefusedCode::BadMessage), "{said:?}");
}

#[test]
fn a_card_stands_in_the_directory_of_everybody_and_the_newest_counts() {
    let mut world = World::new(9);
    world.of_a.store.sign_card(&card(&world.a, 1, &world.of_a));
    world.sync();
    world.sync();
    let listed = |world: &World| world.of_b.store.held().mailed.cards.get(&world.a.tenant).cloned();
    assert_eq!(listed(&world).map(|card| card.number()), Some(1));
    world.of_a.store.sign_card(&card(&world.a, 3, &world.of_a));
    world.sync();
    world.sync();
    assert_eq!(listed(&world).map(|card| card.number()), Some(3));
    // One that was signed apart comes too late, and its device hears so.
    world.of_a.store.sign_card(&card(&world.a, 2, &world.of_a));
    world.sync();
    let mailed = world.of_a.store.held().mailed;
    assert_eq!(
        (mailed.card_waits, mailed.card_refused),
        (false, Some(DirectoryRefusal::Older))
    );
    assert_eq!(listed(&world).map(|card| card.number()), Some(3));
    let gone = DirectoryCard::make(world.a.tenant, 4, NOW, None, &world.of_a.keys).unwrap();
    world.of_a.store.sign_card(&gone);
    world.sync();
    world.sync();
    assert_eq!(listed(&world).and_then(|card| card.entry().cloned()), None);
}

#[test]
fn a_relay_takes_no_card_of_another_clinic_and_none_that_no_admin_signed() {
    let mut world = World::new(10);
    let of_b = card(&world.b, 1, &world.of_b);
    let by_b = card(&world.a, 1, &world.of_b);
    let second = world.a.admit(NOW, &mut world.rng.clone());
    world.relay.know(roster(&world.a));
    let by_no_admin = card(&world.a, 1, &second);
    for (card, expected) in [
        (of_b, DirectoryRefusal::WrongTenant),
        (by_b, DirectoryRefusal::NotAdmin),
        (by_no_admin, DirectoryRefusal::NotAdmin),
    ] {
        let publish = DirectoryAsk::Publish(card.encode().into());
        let (said, _) = answer(&mut world, DeviceMessage::Directory(publish));
        let refused = said.into_iter().find_map(|message| match message {
            RelayMessage::Directory(DirectoryAnswer::Published(_, refusal)) => refusal,
            _ => None,
        });
        assert_eq!(refused, Some(expected));
    }
    assert!(world.relay.post.cards.is_empty());
}

#[test]
fn an_older_relay_hears_nothing_of_letters_and_they_wait() {
    let mut world = World::new(11);
    world.write(b"x");
    world.of_a.store.sign_card(&card(&world.a, 1, &world.of_a));
    let mut link = world.link(|world| &world.of_a);
    link.as_an_older_relay();
    let mut heard = Vec::new();
    for _ in 0..20 {
        heard.extend(link.frames_up().map(|frame| DeviceMessage::decode(frame).unwrap()));
        link.deliver_up(&mut world.relay, NOW, &mut world.rng);
        link.deliver_down(NOW);
    }
    assert!(link.device().is_live());
    let is_of_mail = |message: &DeviceMessage| matches!(message, DeviceMessage::Mail(_) | DeviceMessage::Directory(_));
    assert!(!heard.iter().any(is_of_mail));
    assert_eq!(world.of_a.store.held().mailed.to_post.len(), 1);
    world.sync();
    assert_eq!(world.n_came(), 1);
}

#[test]
fn a_relay_that_answers_what_was_not_asked_is_left() {
    for frame in [
        RelayMessage::Mail(MailAnswer::Posted(MailId::from_bytes([1; 16]), None)),
        RelayMessage::Mail(MailAnswer::Came(sync_protocol::MailPage {
            items: vec![vec![1].into()].into(),
            up_to: 1,
            more: false,
        })),
        RelayMessage::Mail(MailAnswer::ReadNoted(
            TenantId::from_bytes([1; 32]),
            MailId::from_bytes([1; 16]),
        )),
        RelayMessage::Directory(DirectoryAnswer::Published(1, None)),
    ] {
        let mut world = World::new(12);
        let mut link = world.link(|world| &world.of_a);
        world.settle(&mut [&mut link]);
        // The answer to this is what is replaced.
        let statements = DeviceMessage::FetchStatements(world.b.tenant);
        link.inject_up(statements.encode());
        let mut rng = world.rng.clone();
        link.deliver_up(&mut world.relay, NOW, &mut rng);
        link.replace_down(frame.encode());
        link.deliver_down(NOW);
        assert_eq!(link.device_error, Some(DeviceError::Unexpected));
    }
}
