//! Letters of other clinics and the directory in a real store: once, never in the way of others, and after a crash.

use seal::{DirectoryCard, DirectoryEntry, Mail, MailContent, MailId, MailKind};
use sync_protocol::{
    DirectoryRefusal, Incarnation, MailCursors, MailRefusal, MailState, MailStore, MailToSay, MailTold, StoreError,
};
use vault::{CardStanding, Vault};

use crate::sharing::Pair;
use crate::world::*;

fn letter(pair: &Pair, n: u8, text: &[u8]) -> Mail {
    let content = MailContent {
        kind: MailKind::ReferralLetter,
        written_ms: 5,
        bytes: text.to_vec().into(),
    };
    let id = MailId::from_bytes([n; 16]);
    let to = pair.b.membership();
    Mail::seal(
        id,
        pair.a.tenant,
        &content,
        &to,
        &pair.a.devices[0],
        &mut rng(u64::from(n)),
    )
    .unwrap()
}

fn came(vault: &Vault) -> Vec<(MailId, Option<Vec<u8>>)> {
    let came = read(vault, |r| r.came_mail());
    came.into_iter().rev().map(|one| (one.id, one.content)).collect()
}

fn put_aside(vault: &Vault) -> Vec<(String, u64)> {
    read(vault, |r| r.mail_put_aside())
}

#[test]
fn a_letter_is_kept_once_and_opens_when_its_sender_is_known() {
    let pair = Pair::new();
    let vault = pair.at_b.vault();
    vault.begin_mail(&INCARNATION).unwrap();
    let (one, two) = (letter(&pair, 1, b"one"), letter(&pair, 2, b"two"));
    vault
        .absorb_mail(&INCARNATION, vec![one.encode(), two.encode()], 2)
        .unwrap();
    assert_eq!(put_aside(vault), [("unknown_clinic".to_owned(), 2)]);
    pair.introduce();
    let both = [
        (one.header().id, Some(b"one".to_vec())),
        (two.header().id, Some(b"two".to_vec())),
    ];
    assert_eq!(came(vault), both);
    assert_eq!(put_aside(vault), []);
    // A relay that was put back gives them again, under another life.
    let later = Incarnation([9; 16]);
    assert_eq!(vault.begin_mail(&later).unwrap(), MailCursors::default());
    vault.absorb_mail(&later, vec![two.encode(), one.encode()], 2).unwrap();
    assert_eq!(came(vault), both);
    assert_eq!(vault.begin_mail(&later).unwrap().inbox, 2);
}

#[test]
fn what_does_not_open_is_put_aside_with_its_reason_and_keeps_nothing_from_coming() {
    let pair = Pair::new();
    let vault = pair.at_b.vault();
    pair.introduce();
    vault.begin_mail(&INCARNATION).unwrap();
    let good = letter(&pair, 1, b"good");
    let mut forged = letter(&pair, 2, b"forged").encode();
    let at = forged.windows(2).position(|head| head == [0x58, 64]).unwrap() + 2;
    forged[at] ^= 1;
    let content = MailContent {
        kind: MailKind::Other(77),
        written_ms: 5,
        bytes: b"newer".to_vec().into(),
    };
    let (from, keys) = (pair.a.tenant, &pair.a.devices[0]);
    let id = MailId::from_bytes([3; 16]);
    let to_itself = Mail::seal(id, from, &content, &pair.a.membership(), keys, &mut rng(3)).unwrap();
    let id = MailId::from_bytes([4; 16]);
    let newer = Mail::seal(id, from, &content, &pair.b.membership(), keys, &mut rng(4)).unwrap();
    let items = vec![forged, vec![1, 2, 3], to_itself.encode(), good.encode(), newer.encode()];
    vault.absorb_mail(&INCARNATION, items, 5).unwrap();
    let reasons = ["bad_signature", "malformed", "wrong_tenant"].map(|reason| (reason.to_owned(), 1));
    assert_eq!(put_aside(vault), reasons);
    assert_eq!(
        came(vault).len(),
        2,
        "the good one, and one of a newer build as it came"
    );
    let kinds: Vec<MailKind> = read(vault, |r| r.came_mail()).iter().map(|one| one.kind).collect();
    assert_eq!(kinds, [MailKind::Other(77), MailKind::ReferralLetter]);
    assert_eq!(vault.begin_mail(&INCARNATION).unwrap().inbox, 5);
}

#[test]
fn a_letter_waits_with_the_write_that_made_it_until_it_is_in_its_receivers_record() {
    let mut pair = Pair::new();
    pair.at_a.vault().begin_mail(&INCARNATION).unwrap();
    let (one, two) = (letter(&pair, 1, b"one"), letter(&pair, 2, b"two"));
    let given_up: Result<(), vault::VaultError> = pair.at_a.vault().write(None, |w| {
        w.send_mail(&one)?;
        Err(vault::VaultError::NotFound("anything"))
    });
    assert!(given_up.is_err());
    assert_eq!(
        pair.at_a.vault().mail_to_say(true, true),
        Ok(None),
        "nothing was written, nothing leaves"
    );
    write(pair.at_a.vault(), |w| {
        w.send_mail(&one)?;
        w.send_mail(&two)
    });
    pair.at_a.reopen();
    let vault = pair.at_a.vault();
    let (first, second) = (one.header().id, two.header().id);
    assert_eq!(
        vault.mail_to_say(true, true),
        Ok(Some(MailToSay::Post(first, one.encode())))
    );
    assert_eq!(vault.mail_to_say(false, true), Ok(None));
    vault.mail_posted(&first, None).unwrap();
    vault.mail_posted(&second, Some(MailRefusal::UnknownDevice)).unwrap();
    assert_eq!(vault.mail_to_say(true, true), Ok(None));
    let refused = read(vault, |r| r.mail_progress(second)).refused;
    assert_eq!(refused.as_deref(), Some("unknown_device"));
    // A relay that was put back is told again of what is not known to be read, and of nothing else.
    vault.begin_mail(&Incarnation([9; 16])).unwrap();
    assert_eq!(
        vault.mail_to_say(true, true),
        Ok(Some(MailToSay::Post(first, one.encode())))
    );
    let told = |life, state| {
        vault.mail_posted(&first, None).unwrap();
        let told = MailTold {
            id: first,
            state,
            at_ms: 7,
        };
        vault
            .absorb_mail_states(&Incarnation([life; 16]), vec![told], 1)
            .unwrap();
        assert_eq!(vault.mail_to_say(true, true), Ok(None));
        let known = read(vault, |r| r.mail_progress(first)).state;
        assert_eq!(known.map(|(state, _)| state), Some(state));
    };
    // One device of its receiver has it; the others may not have fetched it from the relay that lost it.
    told(9, MailState::Delivered);
    vault.begin_mail(&Incarnation([8; 16])).unwrap();
    assert_eq!(
        vault.mail_to_say(true, true),
        Ok(Some(MailToSay::Post(first, one.encode())))
    );
    told(8, MailState::Read);
    vault.begin_mail(&Incarnation([7; 16])).unwrap();
    assert_eq!(vault.mail_to_say(true, true), Ok(None));
}

#[test]
fn what_became_of_a_letter_only_goes_on_whatever_a_relay_says_that_was_put_back() {
    let pair = Pair::new();
    let vault = pair.at_a.vault();
    let id = letter(&pair, 1, b"one").header().id;
    let says = |life: u8, state, at_ms| {
        let life = Incarnation([life; 16]);
        vault.begin_mail(&life).unwrap();
        vault
            .absorb_mail_states(&life, vec![MailTold { id, state, at_ms }], 1)
            .unwrap();
        let (state, at) = read(vault, |r| r.mail_progress(id)).state.unwrap();
        (state, at.as_millisecond())
    };
    assert_eq!(says(1, MailState::Stored, 1), (MailState::Stored, 1));
    assert_eq!(says(2, MailState::Expired, 2), (MailState::Expired, 2));
    // In a backup it still waited, and somebody came for it.
    assert_eq!(says(3, MailState::Stored, 3), (MailState::Expired, 2));
    assert_eq!(says(3, MailState::Delivered, 4), (MailState::Delivered, 4));
    assert_eq!(says(3, MailState::Read, 5), (MailState::Read, 5));
    for (life, state) in [
        (4, MailState::Stored),
        (5, MailState::Delivered),
        (6, MailState::Expired),
    ] {
        assert_eq!(says(life, state, 9), (MailState::Read, 5));
    }
    assert_eq!(says(7, MailState::Other(9), 9), (MailState::Other(9), 9));
    assert_eq!(says(7, MailState::Read, 10), (MailState::Read, 10));
}

#[test]
fn a_full_disk_takes_no_letter_and_the_cursor_stays() {
    let pair = Pair::new();
    pair.introduce();
    let vault = pair.at_b.vault();
    vault.begin_mail(&INCARNATION).unwrap();
    let long = letter(&pair, 1, &[7; 200_000]);
    vault.limit_pages(1).unwrap();
    let full = vault.absorb_mail(&INCARNATION, vec![long.encode()], 1);
    assert_eq!(full, Err(StoreError::DiskFull));
    vault.limit_pages(u32::MAX - 1).unwrap();
    assert_eq!(vault.begin_mail(&INCARNATION).unwrap().inbox, 0);
    vault.absorb_mail(&INCARNATION, vec![long.encode()], 1).unwrap();
    assert_eq!(came(vault).len(), 1);
}

fn card(pair: &Pair, number: u64, name: &str) -> DirectoryCard {
    let entry = DirectoryEntry {
        name: name.to_owned(),
        telephone: String::new(),
        address: String::new(),
        specialties: Vec::new(),
        accepts_referrals: false,
    };
    DirectoryCard::make(pair.a.tenant, number, 5, Some(entry), &pair.a.devices[0]).unwrap()
}

fn listed(vault: &Vault) -> Vec<(String, CardStanding)> {
    let listed = read(vault, |r| r.directory());
    listed.into_iter().map(|one| (one.entry.name, one.standing)).collect()
}

#[test]
fn a_card_that_does_not_hold_never_takes_the_place_of_one_that_does() {
    let pair = Pair::new();
    let vault = pair.at_b.vault();
    vault.begin_mail(&INCARNATION).unwrap();
    let absorb = |cards: &[&DirectoryCard], up_to| {
        let cards = cards.iter().map(|card| card.encode()).collect();
        vault.absorb_cards(&INCARNATION, cards, up_to).unwrap();
    };
    absorb(&[&card(&pair, 2, "Klinik Dua"), &card(&pair, 1, "Klinik Satu")], 1);
    assert_eq!(listed(vault), [("Klinik Dua".to_owned(), CardStanding::NotKnown)]);
    // A relay that invents one, with the highest number there is, before the clinic is known here.
    let invented = DirectoryCard::make(pair.a.tenant, i64::MAX as u64, 5, None, &pair.b.devices[0]).unwrap();
    let entry = card(&pair, 1, "Klinik Palsu").entry().cloned();
    let false_name = DirectoryCard::make(pair.a.tenant, i64::MAX as u64, 5, entry, &pair.b.devices[0]).unwrap();
    absorb(&[&false_name], 2);
    pair.introduce();
    assert_eq!(listed(vault), [("Klinik Palsu".to_owned(), CardStanding::Fails)]);
    absorb(&[&card(&pair, 3, "Klinik Tiga")], 3);
    assert_eq!(listed(vault), [("Klinik Tiga".to_owned(), CardStanding::Holds)]);
    absorb(&[&invented, &false_name], 4);
    assert_eq!(listed(vault), [("Klinik Tiga".to_owned(), CardStanding::Holds)]);
    let gone = DirectoryCard::make(pair.a.tenant, 4, 5, None, &pair.a.devices[0]).unwrap();
    absorb(&[&gone, &card(&pair, 3, "Klinik Tiga")], 5);
    assert_eq!(listed(vault), [], "withdrawn, and an older one does not come back");
}

#[test]
fn the_own_card_is_numbered_on_from_what_the_directory_has() {
    let pair = Pair::new();
    let vault = pair.at_a.vault();
    vault.begin_mail(&INCARNATION).unwrap();
    vault
        .absorb_cards(&INCARNATION, vec![card(&pair, 6, "by another device").encode()], 1)
        .unwrap();
    let entry = card(&pair, 1, "Klinik Baru").entry().cloned();
    write(vault, |w| w.publish_card(entry.clone()));
    let Ok(Some(MailToSay::Card(number, _))) = vault.mail_to_say(true, true) else {
        panic!("it waits")
    };
    assert_eq!(number, 7);
    vault.card_published(7, Some(DirectoryRefusal::Older)).unwrap();
    let own = read(vault, |r| r.own_card()).unwrap();
    assert_eq!((own.waits, own.refused.as_deref()), (false, Some("older")));
    write(vault, |w| w.publish_card(entry));
    vault.card_published(8, None).unwrap();
    let own = read(vault, |r| r.own_card()).unwrap();
    assert_eq!((own.number, own.waits, own.refused), (8, false, None));
}
