//! Consent that changes while somebody is away: a recipient that was off for weeks, and a giver whose devices are apart.

use clinic::{
    Desk, ErrorCode,
    views::sharing::{GrantConsent, GrantState, GrantView},
};
use domain::{Category, Day, PatientId, ShareTerms};

use crate::devices::{is_sent, joined};
use crate::lan::{port, set};
use crate::sharing::{Pair, evidence, lines_of, pair, terms};
use crate::support::{Net, PIN, Place, founding, note, refused};

const WEEK_MS: i64 = 7 * 24 * 60 * 60 * 1000;

/// Which grants there are releases of, and how many.
fn received(desk: &Desk) -> Vec<(String, u32)> {
    let received = desk.network().unwrap().received;
    received.into_iter().map(|one| (one.grant, one.n_entries)).collect()
}

fn grant(giver: &Place, clinic: &str, patient: PatientId, terms: ShareTerms) -> GrantView {
    giver.clock.step_ms(1000);
    let input = GrantConsent {
        patient,
        clinic: clinic.to_owned(),
        terms,
        evidence: evidence(),
    };
    giver.desk.grant_consent(input).unwrap()
}

fn revoke(giver: &Place, grant: &str) {
    giver.clock.step_ms(1000);
    let words = "She asked for it.".to_owned();
    giver.desk.revoke_consent(grant.to_owned(), words).unwrap();
}

/// A second visit of hers, signed: what was agreed to is released.
fn signs_another_visit(giver: &Place, patient: PatientId) {
    let today = giver.desk.today().unwrap();
    for row in today.rows.iter().filter(|row| row.patient == patient) {
        giver.desk.set_queue_state(row.entry, domain::QueueState::Done).unwrap();
    }
    giver.clock.step_ms(1000);
    let queue = clinic::views::reception::QueuePatient {
        patient,
        reason: "cough".to_owned(),
        doctor: None,
    };
    let visit = giver.desk.queue_patient(queue).unwrap().visit;
    giver.desk.save_note(visit, note("It is better.")).unwrap();
    giver.desk.sign_note(visit, PIN.to_owned()).unwrap();
}

/// The recipient is off while something happens at the giver; three weeks later it is switched on again.
fn away_for_weeks(receiver: Place, giver: &Place, net: &Net, meanwhile: impl FnOnce()) -> Place {
    let clock = receiver.clock.clone();
    let receiver = receiver.restarted_after(net, || {
        meanwhile();
        giver.wait_until("the relay has all of it", is_sent);
        clock.step_ms(3 * WEEK_MS);
    });
    receiver.sign_in(receiver.owner());
    receiver.wait_until("it is connected again", |desk| desk.status().unwrap().sync.connected);
    receiver
}

fn is_denied(desk: &Desk, grant: &str, reason: &str) {
    let error = refused(desk.open_shared(grant.to_owned()), ErrorCode::GrantOver);
    assert_eq!(error.detail["reason"], reason);
    let told = lines_of(desk, "release.opened");
    assert!(
        told.iter()
            .any(|row| !row.permitted && row.reason.as_deref() == Some(reason)),
        "{told:?}"
    );
}

#[test]
fn a_recipient_that_was_off_while_the_grant_was_revoked_comes_back_and_holds_nothing() {
    let pair = pair();
    let patient = pair.patient_with_a_visit();
    let grant = pair.grant(patient, terms(&[Category::Encounters]));
    pair.arrived(&grant.id, 1);
    let Pair {
        giver, receiver, net, ..
    } = pair;
    let receiver = away_for_weeks(receiver, &giver, &net, || {
        // What is signed after it is switched off, and before the revocation, waits for it at the relay for nothing.
        signs_another_visit(&giver, patient);
        revoke(&giver, &grant.id);
    });
    receiver.wait_until("it is gone", |desk| received(desk).is_empty());
    is_denied(&receiver.desk, &grant.id, "revoked");
    assert_eq!(giver.desk.grants_of(patient).unwrap()[0].state, GrantState::Revoked);
    let revoked = lines_of(&giver.desk, "consent.revoked");
    assert_eq!(revoked.len(), 1);
    assert_eq!(revoked[0].grant.as_deref(), Some(grant.id.as_str()));
}

#[test]
fn a_recipient_that_was_off_while_the_grant_was_narrowed_holds_the_narrow_one_alone() {
    for narrow_first in [true, false] {
        let pair = pair();
        let patient = pair.patient_with_a_visit();
        let wide = pair.grant(patient, terms(&[Category::Encounters, Category::Allergies]));
        pair.arrived(&wide.id, 2);
        let Pair {
            giver,
            receiver,
            receiver_id,
            net,
        } = pair;
        let mut narrow = None;
        let receiver = away_for_weeks(receiver, &giver, &net, || {
            let narrowed = || grant(&giver, &receiver_id, patient, terms(&[Category::Allergies]));
            if narrow_first {
                narrow = Some(narrowed());
            }
            revoke(&giver, &wide.id);
            narrow = narrow.take().or_else(|| Some(narrowed()));
            signs_another_visit(&giver, patient);
        });
        let narrow = narrow.unwrap();
        receiver.wait_until(
            "the narrow one is here, and it alone",
            |desk| matches!(&received(desk)[..], [(grant, n)] if *grant == narrow.id && *n >= 1),
        );
        let record = receiver.desk.open_shared(narrow.id.clone()).unwrap().record;
        assert!(record.allergies.given().is_some() && record.encounters.is_withheld());
        is_denied(&receiver.desk, &wide.id, "revoked");
        giver.wait_until("the relay has told who read what", |desk| {
            lines_of(desk, "release.read")
                .iter()
                .any(|row| row.permitted && row.grant.as_deref() == Some(narrow.id.as_str()))
        });
        let states = giver.desk.grants_of(patient).unwrap();
        let of = |id: &str| states.iter().find(|one| one.id == id).unwrap().state;
        assert_eq!(
            (of(&wide.id), of(&narrow.id)),
            (GrantState::Revoked, GrantState::Active)
        );
    }
}

#[test]
fn a_recipient_that_was_off_until_after_the_end_of_the_grant_holds_nothing_of_it() {
    let pair = pair();
    let patient = pair.patient_with_a_visit();
    let tomorrow = pair.giver.desk.today().unwrap().day.0.tomorrow().unwrap();
    let short = ShareTerms {
        until: Day(tomorrow),
        erase_at: Day(tomorrow),
        ..terms(&[Category::Encounters])
    };
    let grant = pair.grant(patient, short);
    pair.arrived(&grant.id, 1);
    let Pair {
        giver, receiver, net, ..
    } = pair;
    let receiver = away_for_weeks(receiver, &giver, &net, || signs_another_visit(&giver, patient));
    let error = refused(receiver.desk.open_shared(grant.id.clone()), ErrorCode::GrantOver);
    assert_eq!(error.detail["reason"], "expired");
    receiver.wait_until("nothing of it is left", |desk| {
        received(desk).iter().all(|(_, n_entries)| *n_entries == 0)
    });
    // Not even in the store: whoever has its key finds no release of that grant.
    let (id, receiver) = (grant.id.clone(), receiver);
    receiver.desk.shut_down();
    let store = receiver.store();
    let id = seal::GrantId::from_bytes(hex_16(&id));
    let kept = store.read::<_, vault::VaultError>(|r| r.releases_received(id)).unwrap();
    assert!(kept.is_empty(), "{} releases are still there", kept.len());
}

fn hex_16(text: &str) -> [u8; 16] {
    let byte = |n: usize| u8::from_str_radix(&text[2 * n..2 * n + 2], 16).unwrap();
    std::array::from_fn(byte)
}

/// How the giver's two devices come together again.
#[derive(Debug, Clone, Copy, PartialEq)]
enum Together {
    TheRevokerFirst,
    TheReleaserFirst,
    OnTheLan,
}

/// One device of the giver releases, the other one revokes, and neither has heard of the other.
fn a_release_races_a_revocation(how: Together) {
    let net = Net::start();
    let one = Place::new(&net, 221);
    let invitation = net.invitation("Klinik Seri Mawar");
    one.desk.join_clinic(founding(invitation, "Klinik Seri Mawar")).unwrap();
    let receiver = Place::founded(&net, 222, "Klinik Sentosa");
    receiver.wait_until("it is connected", |desk| desk.status().unwrap().sync.connected);
    let two = joined(&net, &one, 223);
    let card = receiver.desk.own_card().unwrap().text;
    let pair = Pair {
        receiver_id: one.desk.verify_clinic(card).unwrap().tenant,
        giver: one,
        receiver,
        net,
    };
    let patient = pair.patient_with_a_visit();
    let grant = pair.grant(patient, terms(&[Category::Encounters]));
    pair.arrived(&grant.id, 1);
    two.sign_in(two.owner());
    two.wait_until("the grant has arrived", |desk| {
        desk.grants_of(patient).is_ok_and(|grants| grants.len() == 1)
    });
    two.wait_until("all is sent", is_sent);
    let Pair {
        giver: one,
        receiver,
        net,
        ..
    } = pair;

    net.end();
    revoke(&one, &grant.id);
    signs_another_visit(&two, patient);
    assert_eq!(two.desk.grants_of(patient).unwrap()[0].state, GrantState::Active);
    let (one, two) = match how {
        Together::TheRevokerFirst => {
            let two = two.restarted_after(&net, || {
                net.begin();
                one.wait_until("the revocation is sent", is_sent);
                receiver.wait_until("it is gone", |desk| received(desk).is_empty());
            });
            (one, two)
        }
        Together::TheReleaserFirst => {
            let one = one.restarted_after(&net, || {
                net.begin();
                two.wait_until("the release is sent", is_sent);
                receiver.wait_until("it has the second visit too", |desk| {
                    received(desk).iter().any(|(_, n)| *n >= 2)
                });
            });
            (one, two)
        }
        Together::OnTheLan => {
            let one = one.restarted_on_lan_after(&net, || ());
            let two = two.restarted_on_lan_after(&net, || ());
            one.sign_in(one.owner());
            let at = format!("127.0.0.1:{}", port(&two));
            set(&one, |settings| settings.lan_addresses = vec![at]);
            two.sign_in(two.owner());
            two.wait_until("it has heard of the revocation", |desk| {
                desk.grants_of(patient).unwrap()[0].state == GrantState::Revoked
            });
            net.begin();
            (one, two)
        }
    };
    receiver.wait_until("nothing is left of it", |desk| received(desk).is_empty());
    for place in [&one, &two] {
        place.wait_until("all is sent", is_sent);
        if place.desk.grants_of(patient).is_err() {
            place.sign_in(place.owner());
        }
        place.wait_until("they agree", |desk| {
            desk.grants_of(patient).unwrap()[0].state == GrantState::Revoked
        });
    }
    // Whatever came last: at its next contact it has nothing, and opens nothing.
    let receiver = receiver.restarted(&net);
    receiver.sign_in(receiver.owner());
    receiver.wait_until("it is connected", |desk| desk.status().unwrap().sync.connected);
    assert_eq!(received(&receiver.desk), [], "{how:?}");
    is_denied(&receiver.desk, &grant.id, "revoked");
}

#[test]
fn a_release_that_races_a_revocation_loses_when_the_revoker_is_first_at_the_relay() {
    a_release_races_a_revocation(Together::TheRevokerFirst);
}

#[test]
fn a_release_that_races_a_revocation_is_taken_back_when_it_was_first_at_the_relay() {
    a_release_races_a_revocation(Together::TheReleaserFirst);
}

#[test]
fn a_release_that_races_a_revocation_never_leaves_when_the_two_devices_meet_on_the_lan_first() {
    a_release_races_a_revocation(Together::OnTheLan);
}
