//! Requests for a record, and who is believed: verified clinics, devices that were removed since, and what somebody makes up.

use clinic::{
    ErrorCode,
    views::{
        network::SendLetter,
        requests::{AnswerRequest, AskForRecord, AskedFar, AskedState},
    },
};
use domain::{Category, ConsentLanguage, HowAgreed, Purpose};
use seal::{Mail, MailContent, MailId, MailKind};

use crate::{
    devices::{is_sent, joined, removing, the_other},
    requests::{Asking, answering, asking, asking_for, one, open},
    sharing::{MYKAD, Pair, terms},
    support::{Net, Place, refused},
};

#[test]
fn both_must_have_verified_the_other() {
    let net = Net::start();
    let giver = Place::founded(&net, 1, "Klinik Seri Mawar");
    let receiver = Place::founded(&net, 50, "Klinik Sentosa");
    let card = giver.desk.own_card().unwrap();
    let here = receiver.patient("Nur Aisyah Rahman", MYKAD);
    let hers = giver.patient("Nur Aisyah Rahman", MYKAD);
    let of = |clinic: &str| asking_for(here, clinic, Purpose::Treatment);
    refused(
        receiver.desk.ask_for_record(of(&"ab".repeat(32))),
        ErrorCode::ClinicNotVerified,
    );
    let giver_id = receiver.desk.verify_clinic(card.text).unwrap().tenant;
    let no_reason = AskForRecord {
        reason: " \n".to_owned(),
        ..of(&giver_id)
    };
    let error = refused(receiver.desk.ask_for_record(no_reason), ErrorCode::Invalid);
    assert_eq!(error.detail["field"], "reason");
    receiver.wait_until("it is connected", |desk| desk.status().unwrap().sync.connected);
    receiver.desk.ask_for_record(of(&giver_id)).unwrap();

    giver.wait_until("it came", |desk| !open(desk).is_empty());
    let row = open(&giver.desk).remove(0);
    assert_eq!(
        (row.verified, row.clinic_name.as_str()),
        (false, "Klinik Sentosa"),
        "its own word"
    );
    refused(
        giver.desk.answer_request(AnswerRequest {
            from: row.from.clone(),
            id: row.id.clone(),
            patient: hers,
            how: HowAgreed::Spoken,
            guardian: None,
            language: ConsentLanguage::Malay,
            terms: terms(&[Category::Encounters]),
        }),
        ErrorCode::NotFound,
    );
    let request = giver.desk.open_request(row.from, row.id).unwrap();
    assert_eq!(request.digits, receiver.desk.own_card().unwrap().digits);
    refused(
        giver.desk.answer_request(answering(&request, hers)),
        ErrorCode::ClinicNotVerified,
    );
    assert!(giver.desk.grants_of(hers).unwrap().is_empty());
    giver.desk.decline_request(request.from, request.id).unwrap();
}

#[test]
fn what_a_device_asked_that_was_removed_since_is_shown_with_its_doubt() {
    let asking = asking();
    let Asking { pair, giver_id } = asking;
    let Pair {
        giver, receiver, net, ..
    } = pair;
    let tablet = joined(&net, &receiver, 60);
    let here = receiver.patient("Nur Aisyah Rahman", MYKAD);
    tablet.wait_until("all has arrived", |desk| {
        !desk.search_patients("nur".to_owned()).unwrap().is_empty()
            && desk.network().unwrap().clinics.iter().any(|clinic| clinic.verified)
    });
    let giver = giver.restarted_after(&net, || {
        let id = tablet
            .desk
            .ask_for_record(asking_for(here, &giver_id, Purpose::Treatment))
            .unwrap();
        tablet.wait_until("the relay has it", |desk| one(desk, &id).far == AskedFar::AtRelay);
        tablet.wait_until("it is sent", is_sent);
        receiver.wait_until("its colleagues see it", |desk| {
            !desk.record_requests().unwrap().asked.is_empty()
        });
        let device = the_other(&receiver.desk).id;
        receiver.desk.remove_device(removing(&device)).unwrap();
        receiver.wait_until("the relay has heard", is_sent);
    });
    giver.sign_in(giver.owner());
    giver.wait_until("it came", |desk| !open(desk).is_empty());
    let row = open(&giver.desk).remove(0);
    assert_eq!(row.doubt.as_deref(), Some("removed_device"));
    let request = giver.desk.open_request(row.from, row.id).unwrap();
    assert_eq!(request.doubt.as_deref(), Some("removed_device"));
}

#[test]
fn what_a_clinic_makes_up_is_not_believed() {
    let asking = asking();
    let here = asking.pair.receiver.patient("Nur Aisyah Rahman", MYKAD);
    let id = asking.asked(here);
    let Asking { pair, .. } = asking;
    let Pair {
        giver,
        receiver,
        receiver_id,
        net,
    } = pair;
    // An answer that names what was never given, one that is none, and a request of a form that nobody knows.
    let answer = serde_json::json!({ "request": id, "grant": "ab".repeat(16) }).to_string();
    let made_up = [
        (MailKind::Answer, answer.as_str()),
        (MailKind::Answer, "[]"),
        (MailKind::RecordRequest, "{}"),
    ];
    giver
        .desk
        .send_letter(SendLetter {
            clinic: receiver_id.clone(),
            text: "x".to_owned(),
        })
        .unwrap();
    giver.desk.shut_down();
    let store = giver.store();
    store
        .write(None, |w| {
            let belonging = w.belonging();
            let to = w.foreign_membership(receiver_id.parse().unwrap())?.unwrap();
            for (kind, bytes) in made_up {
                let (written_ms, bytes) = (1, bytes.as_bytes().to_vec().into());
                let content = MailContent {
                    kind,
                    written_ms,
                    bytes,
                };
                let id = MailId::make(w.rng());
                let mail = Mail::seal(id, belonging.tenant, &content, &to, &belonging.keys, w.rng()).unwrap();
                w.send_mail(&mail)?;
            }
            Ok::<_, vault::VaultError>(())
        })
        .unwrap();
    drop(store);
    let giver = giver.restarted(&net);
    giver.sign_in(giver.owner());
    receiver.wait_until("all came", |desk| desk.record_requests().unwrap().n_unreadable == 1);
    let row = one(&receiver.desk, &id);
    assert_eq!((row.state, row.grant), (AskedState::Waiting, None));
    refused(receiver.desk.open_answer(id), ErrorCode::NotFound);
    assert!(open(&receiver.desk).is_empty());
    assert_eq!(
        receiver.desk.letters().unwrap().received.len(),
        1,
        "nor do they stand among letters"
    );
}
