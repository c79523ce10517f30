//! Mailboxes between clinics and the directory, on both databases.

use std::sync::mpsc::channel;
use std::thread;

use seal::{DirectoryCard, DirectoryEntry, Mail, MailContent, MailId, MailKind, TenantId};
use sync_protocol::{
    DirectoryRefusal, MAIL_KEPT_MS, MAX_MAIL_AN_HOUR, MAX_WAITING_OF_CLINIC, MAX_WAITING_OF_PAIR, MailState, Page,
    RelayMail, Wake,
};
use sync_server::{FILE_NAME, Store};

use super::{Home, on_both, on_postgres, open};
use crate::world::{NOW, Side, World, a, b, c, rng};

const HOUR: i64 = 60 * 60 * 1000;
const ALL: Page = Page {
    after: 0,
    max_items: 10_000,
    max_bytes: usize::MAX,
};

on_both!(
    a_letter_waits_is_delivered_is_read_and_its_sender_is_told,
    the_same_id_of_the_same_sender_is_the_same_letter,
    a_clinic_sends_so_many_in_an_hour_and_no_more,
    so_many_wait_for_one_clinic_from_another_and_in_all,
    after_ninety_days_by_the_relays_clock_a_letter_is_over,
    a_clinic_that_nobody_knows_looks_like_one_that_does_not_come,
    a_guessed_id_is_nobodys,
    a_list_is_read_page_by_page,
    the_newest_card_stands_in_the_directory,
    what_waits_survives_a_restart,
);

fn letter(from: &Side, to: &Side, id: u16) -> Mail {
    letter_to(from, to, id, b"Please see her.")
}

fn letter_to(from: &Side, to: &Side, id: u16, text: &[u8]) -> Mail {
    let content = MailContent {
        kind: MailKind::ReferralLetter,
        written_ms: NOW,
        bytes: text.to_vec().into(),
    };
    let mut bytes = [0; 16];
    bytes[..2].copy_from_slice(&id.to_be_bytes());
    let (id, to) = (MailId::from_bytes(bytes), to.clinic.membership());
    Mail::seal(id, from.clinic.tenant, &content, &to, &from.device.keys, &mut rng(7)).unwrap()
}

fn inbox(store: &mut Store, tenant: &TenantId, now_ms: i64) -> Vec<MailId> {
    let part = store.mail(tenant, ALL, now_ms).unwrap();
    assert!(!part.more);
    let id = |bytes: &Vec<u8>| Mail::decode(bytes).unwrap().header().id;
    part.items.iter().map(id).collect()
}

fn states(store: &mut Store, tenant: &TenantId) -> Vec<(MailId, MailState)> {
    let part = store.mail_states(tenant, ALL).unwrap();
    part.items.iter().map(|told| (told.id, told.state)).collect()
}

/// Behind the store's back.
fn act(world: &World, sql: &str) {
    match &world.home {
        Home::Folder => {
            let file = rusqlite::Connection::open(world.folder.path().join(FILE_NAME)).unwrap();
            file.execute_batch(sql).unwrap();
        }
        Home::Database(database) => database.raw().batch_execute(sql).unwrap(),
    }
}

fn a_letter_waits_is_delivered_is_read_and_its_sender_is_told() {
    let mut world = World::new(70);
    let (of_a, of_b, of_c) = (
        a(&world).clinic.tenant,
        b(&world).clinic.tenant,
        c(&world).clinic.tenant,
    );
    let mail = letter(&world.a, &world.b, 1);
    let id = mail.header().id;
    assert!(world.store.post_mail(&mail, NOW).unwrap());
    assert_eq!(inbox(&mut world.store, &of_b, NOW), [id]);
    for other in [of_a, of_c] {
        assert_eq!(inbox(&mut world.store, &other, NOW), []);
    }
    assert_eq!(states(&mut world.store, &of_a), [(id, MailState::Stored)]);
    let heads = world.store.post_heads(&of_a).unwrap();
    assert_eq!((heads.mail.inbox, heads.mail.states), (0, 1));
    // Another clinic's acknowledgement is nobody's.
    assert_eq!(world.store.mail_stored(&of_c, 9, NOW).unwrap(), []);
    assert_eq!(states(&mut world.store, &of_a), [(id, MailState::Stored)]);
    let told = world.store.mail_stored(&of_b, 1, NOW + 5).unwrap();
    assert_eq!(told, [Wake::Clinic(of_a)]);
    assert_eq!(states(&mut world.store, &of_a), [(id, MailState::Delivered)]);
    assert_eq!(
        world.store.mail_stored(&of_b, 1, NOW + 6).unwrap(),
        [],
        "once is enough"
    );
    // The clinic's other devices are given it all the same.
    assert_eq!(inbox(&mut world.store, &of_b, NOW + 6), [id]);
    assert_eq!(world.store.mail_read(&of_b, &of_a, &id, NOW + 7).unwrap(), told);
    let part = world.store.mail_states(&of_a, ALL).unwrap();
    assert_eq!((part.items[0].state, part.items[0].at_ms), (MailState::Read, NOW + 7));
    assert_eq!(
        (part.items.len(), part.up_to),
        (1, 3),
        "of each letter the last word alone"
    );
    assert_eq!(states(&mut world.store, &of_b), []);
}

fn the_same_id_of_the_same_sender_is_the_same_letter() {
    let mut world = World::new(71);
    let (of_a, of_b) = (world.a.clinic.tenant, world.b.clinic.tenant);
    let mail = letter(&world.a, &world.b, 1);
    for _ in 0..3 {
        assert!(world.store.post_mail(&mail, NOW).unwrap());
    }
    // Also with other words, or to another clinic: what is here stays.
    let other = letter_to(&world.a, &world.b, 1, b"Other words.");
    assert!(world.store.post_mail(&other, NOW).unwrap());
    assert!(world.store.post_mail(&letter(&world.a, &world.c, 1), NOW).unwrap());
    let part = world.store.mail(&of_b, ALL, NOW).unwrap();
    assert_eq!((part.items, part.up_to), (vec![mail.encode()], 1));
    let of_c = world.c.clinic.tenant;
    assert_eq!(inbox(&mut world.store, &of_c, NOW), []);
    // Another clinic's letter of this id is another.
    assert!(world.store.post_mail(&letter(&world.c, &world.b, 1), NOW).unwrap());
    assert_eq!(inbox(&mut world.store, &of_b, NOW).len(), 2);
    assert_eq!(states(&mut world.store, &of_a).len(), 1);
    // And after it was delivered it does not wait again.
    world.store.mail_stored(&of_b, 2, NOW).unwrap();
    assert!(world.store.post_mail(&mail, NOW).unwrap());
    assert_eq!(
        states(&mut world.store, &of_a),
        [(mail.header().id, MailState::Delivered)]
    );
}

fn a_clinic_sends_so_many_in_an_hour_and_no_more() {
    let mut world = World::new(72);
    let limit = u16::try_from(MAX_MAIL_AN_HOUR).unwrap();
    for id in 0..limit {
        assert!(world.store.post_mail(&letter(&world.a, &world.b, id), NOW).unwrap());
    }
    let more = [letter(&world.a, &world.b, limit), letter(&world.a, &world.c, limit + 1)];
    for mail in &more {
        assert!(!world.store.post_mail(mail, NOW + HOUR - 1).unwrap());
    }
    let known = letter(&world.a, &world.b, 0);
    assert!(world.store.post_mail(&known, NOW).unwrap(), "what is here is here");
    let of_c = letter(&world.c, &world.b, 0);
    assert!(world.store.post_mail(&of_c, NOW).unwrap(), "others are not held back");
    assert!(world.store.post_mail(&more[0], NOW + HOUR).unwrap());
}

fn so_many_wait_for_one_clinic_from_another_and_in_all() {
    let mut world = World::new(73);
    let (of_a, of_b) = (world.a.clinic.tenant, world.b.clinic.tenant);
    let limit = u16::try_from(MAX_WAITING_OF_PAIR).unwrap();
    let mut now_ms = NOW;
    for id in 0..limit {
        now_ms += if id % 100 == 0 { HOUR } else { 0 };
        assert!(world.store.post_mail(&letter(&world.a, &world.b, id), now_ms).unwrap());
    }
    now_ms += HOUR;
    let one_more = letter(&world.a, &world.b, limit);
    assert!(!world.store.post_mail(&one_more, now_ms).unwrap());
    assert!(
        world
            .store
            .post_mail(&letter(&world.a, &world.c, limit + 1), now_ms)
            .unwrap()
    );
    let of_c = letter(&world.c, &world.b, 0);
    assert!(world.store.post_mail(&of_c, now_ms).unwrap());
    // What is fetched waits no more.
    world.store.mail_stored(&of_b, 1, now_ms).unwrap();
    assert!(world.store.post_mail(&one_more, now_ms).unwrap());
    assert_eq!(
        world.figure("SELECT max(waiting) FROM mail_head"),
        i64::from(limit) + 1,
        "counted as it comes and goes"
    );
    let hex = hex::encode(of_b.as_bytes());
    let literal = match &world.home {
        Home::Folder => format!("x'{hex}'"),
        Home::Database(_) => format!("'\\x{hex}'"),
    };
    act(
        &world,
        &format!("UPDATE mail_head SET waiting = {MAX_WAITING_OF_CLINIC} WHERE tenant = {literal}"),
    );
    let full = letter(&world.c, &world.b, 1);
    assert!(!world.store.post_mail(&full, now_ms).unwrap());
    world.store.mail_stored(&of_b, 2, now_ms).unwrap();
    assert!(world.store.post_mail(&full, now_ms).unwrap());
    assert_eq!(states(&mut world.store, &of_a).len(), usize::from(limit) + 2);
}

fn after_ninety_days_by_the_relays_clock_a_letter_is_over() {
    let mut world = World::new(74);
    let (of_a, of_b) = (world.a.clinic.tenant, world.b.clinic.tenant);
    let [waits, came] = [1, 2].map(|id| letter(&world.a, &world.b, id));
    world.store.post_mail(&came, NOW).unwrap();
    world.store.mail_stored(&of_b, 1, NOW).unwrap();
    world.store.post_mail(&waits, NOW).unwrap();
    let both = [came.header().id, waits.header().id];
    assert_eq!(inbox(&mut world.store, &of_b, NOW + MAIL_KEPT_MS - 1), both);
    assert!(!world.store.expire_mail(NOW + MAIL_KEPT_MS - 1).unwrap());
    assert_eq!(inbox(&mut world.store, &of_b, NOW), both);
    // Whether house was kept or not.
    assert_eq!(inbox(&mut world.store, &of_b, NOW + MAIL_KEPT_MS), []);
    assert_eq!(world.figure("SELECT count(*) FROM mail WHERE bytes IS NOT NULL"), 2);
    assert!(!world.store.expire_mail(NOW + MAIL_KEPT_MS).unwrap());
    assert_eq!(world.figure("SELECT count(*) FROM mail WHERE bytes IS NOT NULL"), 0);
    let expected = [(both[0], MailState::Delivered), (both[1], MailState::Expired)];
    assert_eq!(states(&mut world.store, &of_a), expected);
    assert_eq!(world.figure("SELECT CAST(sum(waiting) AS BIGINT) FROM mail_head"), 0);
    // Too late is too late, and a repetition wakes nothing.
    let late = NOW + MAIL_KEPT_MS + 1;
    assert_eq!(world.store.mail_stored(&of_b, 2, late).unwrap(), []);
    world.store.mail_read(&of_b, &of_a, &both[1], late).unwrap();
    assert!(world.store.post_mail(&waits, late).unwrap());
    assert_eq!(states(&mut world.store, &of_a), expected);
    assert_eq!(inbox(&mut world.store, &of_b, late), []);
    world.store.expire_mail(NOW + 2 * MAIL_KEPT_MS).unwrap();
    assert_eq!(world.figure("SELECT count(*) FROM mail"), 0);
    let heads = world.store.post_heads(&of_b).unwrap();
    assert_eq!(heads.mail.inbox, 2, "positions are never given again");
}

fn a_clinic_that_nobody_knows_looks_like_one_that_does_not_come() {
    let mut world = World::new(75);
    let of_a = world.a.clinic.tenant;
    let unknown = World::new(76).b;
    for (id, to) in [(1, &unknown), (2, &world.b)] {
        assert!(world.store.post_mail(&letter(&world.a, to, id), NOW).unwrap());
    }
    let words: Vec<MailState> = states(&mut world.store, &of_a)
        .into_iter()
        .map(|(_, state)| state)
        .collect();
    assert_eq!(words, [MailState::Stored, MailState::Stored]);
    world.store.expire_mail(NOW + MAIL_KEPT_MS).unwrap();
    let words: Vec<MailState> = states(&mut world.store, &of_a)
        .into_iter()
        .map(|(_, state)| state)
        .collect();
    assert_eq!(words, [MailState::Expired, MailState::Expired]);
    // Should it join one day, what still waits is its own.
    assert!(world.store.post_mail(&letter(&world.a, &unknown, 3), NOW).unwrap());
    assert_eq!(inbox(&mut world.store, &unknown.clinic.tenant, NOW).len(), 1);
}

fn a_guessed_id_is_nobodys() {
    let mut world = World::new(77);
    let (of_a, of_c) = (world.a.clinic.tenant, world.c.clinic.tenant);
    let mail = letter(&world.a, &world.b, 1);
    world.store.post_mail(&mail, NOW).unwrap();
    let id = mail.header().id;
    assert_eq!(world.store.mail_read(&of_c, &of_a, &id, NOW).unwrap(), []);
    assert_eq!(world.store.mail_read(&of_a, &of_a, &id, NOW).unwrap(), []);
    let unknown = MailId::from_bytes([9; 16]);
    assert_eq!(world.store.mail_read(&of_c, &of_a, &unknown, NOW).unwrap(), []);
    assert_eq!(states(&mut world.store, &of_a), [(id, MailState::Stored)]);
}

fn a_list_is_read_page_by_page() {
    let mut world = World::new(78);
    let (of_a, of_b) = (world.a.clinic.tenant, world.b.clinic.tenant);
    let ids: Vec<MailId> = (0..25)
        .map(|id| {
            let mail = letter(&world.a, &world.b, id);
            assert!(world.store.post_mail(&mail, NOW).unwrap());
            mail.header().id
        })
        .collect();
    let (mut read, mut told, mut after) = (Vec::new(), Vec::new(), 0);
    loop {
        let page = Page {
            after,
            max_items: 10,
            max_bytes: usize::MAX,
        };
        let part = world.store.mail(&of_b, page, NOW).unwrap();
        read.extend(part.items.iter().map(|bytes| Mail::decode(bytes).unwrap().header().id));
        let of_states = world.store.mail_states(&of_a, page).unwrap();
        told.extend(of_states.items.iter().map(|one| one.id));
        assert_eq!((part.up_to, part.more), (of_states.up_to, of_states.more));
        after = part.up_to;
        if !part.more {
            break;
        }
    }
    assert_eq!((read, told, after), (ids.clone(), ids, 25));
    // One that is larger than a page still comes, alone.
    let narrow = Page {
        after: 0,
        max_items: 10,
        max_bytes: 1,
    };
    let part = world.store.mail(&of_b, narrow, NOW).unwrap();
    assert_eq!((part.items.len(), part.up_to, part.more), (1, 1, true));
}

fn card(of: &Side, number: u64) -> DirectoryCard {
    let entry = DirectoryEntry {
        name: format!("Klinik {number}"),
        telephone: "03-1234".to_owned(),
        address: String::new(),
        specialties: vec!["paediatrics".to_owned()],
        accepts_referrals: true,
    };
    DirectoryCard::make(of.clinic.tenant, number, NOW, Some(entry), &of.device.keys).unwrap()
}

fn the_newest_card_stands_in_the_directory() {
    let mut world = World::new(79);
    let of_c = world.c.clinic.tenant;
    let listed = |world: &mut World, after| {
        let part = world.store.cards(&of_c, Page { after, ..ALL }).unwrap();
        assert!(!part.more);
        let cards = part.items.iter().map(|bytes| DirectoryCard::decode(bytes).unwrap());
        let cards: Vec<_> = cards.map(|card| (card.tenant(), card.number())).collect();
        (cards, part.up_to)
    };
    assert_eq!(listed(&mut world, 0), (vec![], 0));
    let (of_a, of_b) = (world.a.clinic.tenant, world.b.clinic.tenant);
    let (first, other) = (card(&world.a, 3), card(&world.b, 1));
    for card in [&first, &other, &first] {
        assert_eq!(world.store.publish_card(card, NOW).unwrap(), None);
    }
    assert_eq!(listed(&mut world, 0), (vec![(of_a, 3), (of_b, 1)], 2));
    let older = card(&world.a, 2);
    assert_eq!(
        world.store.publish_card(&older, NOW).unwrap(),
        Some(DirectoryRefusal::Older)
    );
    let same_number = DirectoryCard::make(of_a, 3, NOW, None, &world.a.device.keys).unwrap();
    let refused = world.store.publish_card(&same_number, NOW).unwrap();
    assert_eq!(refused, Some(DirectoryRefusal::Older));
    let newer = card(&world.a, 4);
    let later = world.store.publish_card(&newer, NOW + 59_999).unwrap();
    assert_eq!(later, Some(DirectoryRefusal::Later), "everybody fetches each");
    assert_eq!(world.store.publish_card(&newer, NOW + 60_000).unwrap(), None);
    assert_eq!(listed(&mut world, 2), (vec![(of_a, 4)], 3), "only what changed");
    let withdrawn = DirectoryCard::make(of_b, 2, NOW, None, &world.b.device.keys).unwrap();
    assert_eq!(world.store.publish_card(&withdrawn, NOW + 60_000).unwrap(), None);
    assert_eq!(listed(&mut world, 3), (vec![(of_b, 2)], 4), "a withdrawal is told too");
    let endless = DirectoryCard::make(of_a, u64::MAX, NOW, None, &world.a.device.keys).unwrap();
    let refused = world.store.publish_card(&endless, NOW + 200_000).unwrap();
    assert_eq!(refused, Some(DirectoryRefusal::Malformed));
    assert_eq!(world.store.post_heads(&of_c).unwrap().directory, 4);
}

fn what_waits_survives_a_restart() {
    let mut world = World::new(80);
    let of_b = world.b.clinic.tenant;
    let mail = letter(&world.a, &world.b, 1);
    world.store.post_mail(&mail, NOW).unwrap();
    let of_a = card(&world.a, 1);
    world.store.publish_card(&of_a, NOW).unwrap();
    world.reopen();
    assert_eq!(inbox(&mut world.store, &of_b, NOW), [mail.header().id]);
    assert_eq!(world.store.cards(&of_b, ALL).unwrap().items, [of_a.encode()]);
}

#[test]
fn two_clinics_that_write_to_each_other_at_once_wait_for_nobody_for_ever_and_lose_nothing() {
    on_postgres(|| {
        let world = World::new(81);
        let (of_a, of_b) = (world.a.clinic.tenant, world.b.clinic.tenant);
        const EACH: u16 = 40;
        let there: Vec<Mail> = (0..EACH).map(|id| letter(&world.a, &world.b, id)).collect();
        let back: Vec<Mail> = (0..EACH).map(|id| letter(&world.b, &world.a, id)).collect();
        let (done, finished) = channel();
        for (nth, mails) in [there.clone(), there, back.clone(), back].into_iter().enumerate() {
            let mut store = open(&world.folder, &world.home, &mut rng(82));
            let (done, tenant) = (done.clone(), if nth < 2 { of_a } else { of_b });
            thread::spawn(move || {
                for mail in mails {
                    assert!(store.post_mail(&mail, NOW).unwrap());
                    let head = store.post_heads(&tenant).unwrap().mail.inbox;
                    store.mail_stored(&tenant, head, NOW).unwrap();
                }
                done.send(()).unwrap();
            });
        }
        (0..4).for_each(|_| finished.recv().unwrap());
        let mut store = open(&world.folder, &world.home, &mut rng(83));
        for tenant in [of_a, of_b] {
            let part = store.mail(&tenant, ALL, NOW).unwrap();
            assert_eq!((part.items.len(), part.up_to), (usize::from(EACH), u64::from(EACH)));
            store.mail_stored(&tenant, part.up_to, NOW).unwrap();
        }
        for tenant in [of_a, of_b] {
            let told = states(&mut store, &tenant);
            assert_eq!(told.len(), usize::from(EACH));
            assert!(told.iter().all(|(_, state)| *state == MailState::Delivered));
        }
        assert_eq!(world.figure("SELECT CAST(sum(waiting) AS BIGINT) FROM mail_head"), 0);
    });
}

#[test]
fn raw_sql_of_a_clinic_reads_its_own_letters_alone_and_writes_in_nobody_elses_name() {
    on_postgres(|| {
        let mut world = World::new(84);
        world.store.post_mail(&letter(&world.a, &world.b, 1), NOW).unwrap();
        let of_a = card(&world.a, 1);
        world.store.publish_card(&of_a, NOW).unwrap();
        let Home::Database(database) = &world.home else {
            panic!()
        };
        let hex = |side: &Side| hex::encode(side.clinic.tenant.as_bytes());
        let (a, b, c) = (hex(&world.a), hex(&world.b), hex(&world.c));
        let connect = |tenant: &str| {
            let mut client = database.relay().connect().unwrap();
            let say = format!("SELECT set_config('medieco.tenant', '{tenant}', false)");
            client.batch_execute(&say).unwrap();
            client
        };
        let count = |tenant: &str, table: &str| -> i64 {
            let sql = format!("SELECT count(*) FROM {table}");
            connect(tenant).query_one(&sql, &[]).unwrap().get(0)
        };
        assert_eq!([&a, &b, &c].map(|who| count(who, "mail")), [1, 1, 0]);
        assert_eq!([&a, &b, &c].map(|who| count(who, "mail_head")), [1, 1, 0]);
        assert_eq!([&a, &b, &c].map(|who| count(who, "directory")), [1, 1, 1]);
        let id = "00000000000000000000000000000009";
        let forged = format!(
            "INSERT INTO mail (sender, id, recipient, position, state, state_at, state_ms, stored_ms, bytes)
             VALUES ('\\x{a}', '\\x{id}', '\\x{b}', 9, 0, 9, 1, 1, '')"
        );
        let of_others = [
            forged,
            "UPDATE mail SET bytes = ''".to_owned(),
            "UPDATE mail SET state = 3".to_owned(),
            "DELETE FROM mail".to_owned(),
            "UPDATE mail_head SET waiting = 0".to_owned(),
            "DELETE FROM directory".to_owned(),
            "UPDATE directory SET bytes = ''".to_owned(),
            format!("INSERT INTO directory VALUES ('\\x{b}', 1, 9, 1, '')"),
        ];
        let mut stranger = connect(&c);
        for attempt in &of_others {
            let done = stranger.execute(attempt.as_str(), &[]);
            assert!(done.is_err() || done.is_ok_and(|n_rows| n_rows == 0), "{attempt}");
        }
        // Who receives says what became of a letter, and neither alters who sent it nor takes it away; who sent it has no
        // say in that.
        let mut receiver = connect(&b);
        assert_eq!(receiver.execute("UPDATE mail SET state = 1", &[]).unwrap(), 1);
        for attempt in [
            "UPDATE mail SET sender = recipient",
            "UPDATE mail SET recipient = sender",
        ] {
            assert!(receiver.execute(attempt, &[]).is_err(), "{attempt}");
        }
        assert_eq!(receiver.execute("DELETE FROM mail", &[]).unwrap(), 0);
        assert_eq!(connect(&a).execute("UPDATE mail SET state = 2", &[]).unwrap(), 0);
    });
}
