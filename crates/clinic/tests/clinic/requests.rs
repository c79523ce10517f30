//! A clinic asks another for a patient's record: what it is answered, and what it is never told.

use clinic::{
    Desk, ErrorCode,
    views::{
        network::{SendLetter, SentState},
        requests::{AnswerRequest, AskForRecord, AskedFar, AskedRow, AskedState, Decision, RequestRow, RequestView},
    },
};
use domain::{Category, ConsentLanguage, Day, HowAgreed, PatientId, Purpose, Sensitivity, ShareTerms};
use sync_protocol::{MailState, MailTold};

use crate::{
    devices::joined,
    sharing::{MYKAD, Pair, lines_of, pair, terms},
    support::{Place, refused, somebody},
};

const DAY_MS: i64 = 24 * 60 * 60 * 1000;

/// Two clinics that know each other: the receiver asks, the giver is asked.
pub(crate) struct Asking {
    pub(crate) pair: Pair,
    pub(crate) giver_id: String,
}

pub(crate) fn asking() -> Asking {
    let pair = pair();
    let card = pair.giver.desk.own_card().unwrap().text;
    let giver_id = pair.receiver.desk.verify_clinic(card).unwrap().tenant;
    Asking { pair, giver_id }
}

impl Asking {
    fn asks(&self, patient: PatientId, purpose: Purpose) -> Result<String, clinic::Error> {
        self.pair.receiver.clock.step_ms(1000);
        self.pair
            .receiver
            .desk
            .ask_for_record(asking_for(patient, &self.giver_id, purpose))
    }

    /// Asks, and waits until the other clinic has it.
    pub(crate) fn asked(&self, patient: PatientId) -> String {
        let id = self.asks(patient, Purpose::Treatment).unwrap();
        self.pair
            .receiver
            .wait_until("it was delivered", |desk| one(desk, &id).far == AskedFar::Delivered);
        let is_here = |desk: &Desk| open(desk).iter().any(|row| row.id == id);
        self.pair.giver.wait_until("it came", is_here);
        id
    }

    fn opened(&self, id: &str) -> RequestView {
        let giver = &self.pair.giver;
        let row = open(&giver.desk).into_iter().find(|row| row.id == id).unwrap();
        giver.clock.step_ms(1000);
        giver.desk.open_request(row.from, row.id).unwrap()
    }
}

pub(crate) fn asking_for(patient: PatientId, clinic: &str, purpose: Purpose) -> AskForRecord {
    AskForRecord {
        patient,
        clinic: clinic.to_owned(),
        purpose,
        reason: " Chest pain,\nmedicines unknown. ".to_owned(),
    }
}

pub(crate) fn answering(request: &RequestView, patient: PatientId) -> AnswerRequest {
    AnswerRequest {
        from: request.from.clone(),
        id: request.id.clone(),
        patient,
        how: HowAgreed::Spoken,
        guardian: None,
        language: ConsentLanguage::Malay,
        terms: terms(&[Category::Encounters]),
    }
}

pub(crate) fn open(desk: &Desk) -> Vec<RequestRow> {
    desk.record_requests().unwrap().open
}

pub(crate) fn one(desk: &Desk, id: &str) -> AskedRow {
    let asked = desk.record_requests().unwrap().asked;
    asked.into_iter().find(|row| row.id == id).unwrap()
}

/// A letter from the one to the other is read there: whatever was said before has been heard by then.
fn letter_is_read(from: &Place, to: &Place, to_id: &str) {
    let before = to.desk.letters().unwrap().received.len();
    let letter = SendLetter {
        clinic: to_id.to_owned(),
        text: "Are you there?".to_owned(),
    };
    let id = from.desk.send_letter(letter).unwrap();
    to.wait_until("the letter came", |desk| {
        desk.letters().unwrap().received.len() > before
    });
    let row = to
        .desk
        .letters()
        .unwrap()
        .received
        .into_iter()
        .find(|row| row.id == id)
        .unwrap();
    to.desk.open_letter(row.from, row.id).unwrap();
    from.wait_until("and was read", |desk| {
        let sent = desk.letters().unwrap().sent;
        sent.iter()
            .any(|letter| letter.id == id && letter.state == SentState::Read)
    });
}

#[test]
fn what_is_asked_for_is_answered_by_a_person_and_opened_where_it_was_asked() {
    let asking = asking();
    let (giver, receiver) = (&asking.pair.giver, &asking.pair.receiver);
    let hers = asking.pair.patient_with_a_visit();
    let here = receiver.patient("Nur Aisyah Rahman", MYKAD);
    let id = asking.asked(here);
    let row = one(&receiver.desk, &id);
    assert_eq!(
        (row.state, row.reason.as_str(), row.grant),
        (AskedState::Waiting, "Chest pain, medicines unknown.", None)
    );
    refused(receiver.desk.open_answer(id.clone()), ErrorCode::NotFound);

    let listed = open(&giver.desk).remove(0);
    assert_eq!(
        (listed.name.as_ref(), listed.verified),
        (None, true),
        "it is read by opening it"
    );
    let request = asking.opened(&id);
    assert_eq!(
        (
            request.name.as_str(),
            request.document.as_str(),
            request.reason.as_str()
        ),
        (
            "Nur Aisyah Rahman",
            "MyKad 850101-13-5029",
            "Chest pain, medicines unknown."
        )
    );
    let found = &request.matches[0];
    assert_eq!((request.matches.len(), found.patient), (1, hers));
    assert!(found.same_birth_date && !found.same_name);
    assert_eq!(request.clinic_name, "Klinik Sentosa");
    assert_eq!(lines_of(&giver.desk, "request.read")[0].patient, Some(hers));

    giver.clock.step_ms(1000);
    let grant = giver.desk.answer_request(answering(&request, hers)).unwrap();
    let again = refused(giver.desk.answer_request(answering(&request, hers)), ErrorCode::NotNow);
    assert_eq!(again.detail["why"], "decided");
    assert_eq!(giver.desk.grants_of(hers).unwrap()[0].id, grant);
    assert_eq!(
        lines_of(&giver.desk, "request.answered")[0].grant.as_ref(),
        Some(&grant)
    );
    assert!(open(&giver.desk).is_empty());
    assert_eq!(
        giver.desk.record_requests().unwrap().decided[0].decision,
        Some(Decision::Answered)
    );
    let decided = giver
        .desk
        .open_request(request.from, request.id)
        .unwrap()
        .decided
        .unwrap();
    assert_eq!((decided.patient, decided.by.as_str()), (Some(hers), "Dr Aisyah"));

    receiver.wait_until("the answer is here", |desk| {
        let row = one(desk, &id);
        row.state == AskedState::Answered && row.grant.as_ref() == Some(&grant) && !row.is_read
    });
    assert_eq!(receiver.desk.open_answer(id.clone()).unwrap(), grant);
    assert!(one(&receiver.desk, &id).is_read);
    let shared = asking.pair.arrived(&grant, 1);
    assert_eq!(shared.summary.matched_patient, Some(here));
    assert_eq!(shared.record.encounters.given().unwrap().len(), 1);
    assert!(shared.record.allergies.is_withheld());
    assert_eq!(
        receiver.desk.open_answer(id).unwrap(),
        grant,
        "once more, from the record"
    );
    assert_eq!(lines_of(&receiver.desk, "answer.read").len(), 1);
    // It is answered: she may be asked for anew.
    asking.asks(here, Purpose::Treatment).unwrap();
}

#[test]
fn refused_unknown_and_not_looked_at_are_the_same_to_who_asks() {
    let asking = asking();
    let (giver, receiver) = (&asking.pair.giver, &asking.pair.receiver);
    let hers = asking.pair.patient_with_a_visit();
    let known = asking.asked(receiver.patient("Nur Aisyah Rahman", MYKAD));
    let unknown = asking.asked(receiver.patient("Tan Mei Ling", "980317145002"));
    let not_looked_at = asking.asked(receiver.patient("Siti Aminah", "900505145678"));
    letter_is_read(receiver, giver, &asking.giver_id);
    let told = || {
        let asked = serde_json::to_value(receiver.desk.record_requests().unwrap().asked).unwrap();
        let of_letters = receiver.desk.letters().unwrap().received.len();
        let shared = receiver.desk.network().unwrap().received.len();
        (asked, of_letters, shared)
    };
    let states = || -> Vec<MailTold> {
        let states = asking.pair.net.mail_states(&asking.pair.receiver_id).into_iter();
        let ids = [&known, &unknown, &not_looked_at];
        states.filter(|told| ids.contains(&&told.id.to_string())).collect()
    };
    let before = (told(), states());
    assert_eq!(before.1.len(), 3);
    assert!(before.1.iter().all(|told| told.state == MailState::Delivered));

    let request = asking.opened(&known);
    assert_eq!(request.matches[0].patient, hers);
    giver
        .desk
        .decline_request(request.from.clone(), request.id.clone())
        .unwrap();
    let twice = refused(giver.desk.decline_request(request.from, request.id), ErrorCode::NotNow);
    assert_eq!(twice.detail["why"], "decided");
    assert_eq!(
        lines_of(&giver.desk, "request.declined")[0].patient,
        Some(hers),
        "she can be told who asked"
    );
    let nobody = asking.opened(&unknown);
    assert!(nobody.matches.is_empty());
    assert_eq!(open(&giver.desk).len(), 2);

    // Two letters each way, so that whatever the giver had to say is said and heard.
    for _ in 0..2 {
        letter_is_read(receiver, giver, &asking.giver_id);
        letter_is_read(giver, receiver, &asking.pair.receiver_id);
    }
    let after = (told(), states());
    assert_eq!(after.0.0, before.0.0, "the whole view of what was asked for");
    assert_eq!(
        (after.0.1, after.0.2),
        (2, before.0.2),
        "and nothing but the letters came"
    );
    assert_eq!(after.1, before.1, "and the relay says the same, at the same time");
    let of_giver = asking.pair.net.mail_states(&asking.giver_id);
    assert_eq!(of_giver.len(), 2, "the giver sent two letters, and nothing else");

    for patient in ["Nur", "Tan", "Siti"] {
        let found = receiver.desk.search_patients(patient.to_owned()).unwrap()[0].id;
        let still = refused(asking.asks(found, Purpose::Treatment), ErrorCode::NotNow);
        assert_eq!(still.detail["why"], "asked_already");
    }
    receiver.clock.step_ms(14 * DAY_MS);
    let asked = receiver.desk.record_requests().unwrap().asked;
    assert!(asked.iter().all(|row| row.state == AskedState::NoAnswer), "{asked:?}");
    assert_eq!(asked.len(), 3);
    for row in asked {
        asking.asks(row.patient, Purpose::Treatment).unwrap();
    }
}

#[test]
fn a_clinic_asks_thirty_times_a_day_and_what_comes_in_a_flood_is_counted() {
    let asking = asking();
    let (giver, receiver) = (&asking.pair.giver, &asking.pair.receiver);
    let patients: Vec<PatientId> = (0..32)
        .map(|n| receiver.patient(&format!("Patient {n}"), &format!("8501011350{n:02}")))
        .collect();
    for patient in &patients[..30] {
        asking.asks(*patient, Purpose::Treatment).unwrap();
    }
    let error = refused(asking.asks(patients[30], Purpose::Treatment), ErrorCode::NotNow);
    assert_eq!(
        (error.detail["why"].as_str(), error.detail["most"].as_str()),
        ("asked_enough", "30")
    );
    receiver.clock.step_ms(DAY_MS);
    asking.asks(patients[30], Purpose::Treatment).unwrap();
    asking.asks(patients[31], Purpose::Emergency).unwrap();

    giver.wait_until("all came", |desk| {
        let view = desk.record_requests().unwrap();
        view.open.len() + view.held_back.iter().map(|held| held.count as usize).sum::<usize>() == 32
    });
    let view = giver.desk.record_requests().unwrap();
    assert_eq!((view.open.len(), view.held_back.len()), (30, 1));
    let held = &view.held_back[0];
    assert_eq!((held.count, held.clinic_name.as_str()), (2, "Klinik Sentosa"));
    assert_eq!(
        view.open[0].purpose,
        Purpose::Emergency,
        "an emergency is among those that are shown, and first"
    );
    // As one is worked off, the next comes up.
    let first = view.open[1].clone();
    giver.desk.open_request(first.from.clone(), first.id.clone()).unwrap();
    giver.desk.decline_request(first.from, first.id).unwrap();
    let view = giver.desk.record_requests().unwrap();
    assert_eq!(
        (view.open.len(), view.held_back[0].count, view.decided.len()),
        (30, 1, 1)
    );
}

#[test]
fn what_is_asked_without_a_connection_waits_and_goes_and_both_may_restart_in_between() {
    let asking = asking();
    let hers = asking.pair.patient_with_a_visit();
    let other = asking.pair.receiver.patient("Tan Mei Ling", "980317145002");
    asking.asked(other);
    let here = asking.pair.receiver.patient("Nur Aisyah Rahman", MYKAD);
    asking.pair.net.end();
    let id = asking.asks(here, Purpose::Treatment).unwrap();
    assert_eq!(one(&asking.pair.receiver.desk, &id).far, AskedFar::WaitsHere);

    let Asking { pair, .. } = asking;
    let Pair {
        giver, receiver, net, ..
    } = pair;
    let receiver = receiver.restarted(&net);
    receiver.sign_in(receiver.owner());
    let row = one(&receiver.desk, &id);
    assert_eq!((row.state, row.far), (AskedState::Waiting, AskedFar::WaitsHere));
    net.begin();
    giver.wait_until("both are there", |desk| open(desk).len() == 2);
    let row = open(&giver.desk).into_iter().find(|row| row.id == id).unwrap();
    let request = giver.desk.open_request(row.from, row.id).unwrap();

    let giver = giver.restarted(&net);
    giver.sign_in(giver.owner());
    let again = giver
        .desk
        .open_request(request.from.clone(), request.id.clone())
        .unwrap();
    assert_eq!((again.name, again.read_at), (request.name.clone(), request.read_at));
    giver.wait_until("it is connected", |desk| desk.status().unwrap().sync.connected);
    let grant = giver.desk.answer_request(answering(&request, hers)).unwrap();
    receiver.wait_until("the answer is here", |desk| {
        one(desk, &id).state == AskedState::Answered
    });
    let receiver = receiver.restarted(&net);
    receiver.sign_in(receiver.owner());
    assert_eq!(receiver.desk.open_answer(id).unwrap(), grant);
    receiver.wait_until("the record has arrived", |desk| desk.open_shared(grant.clone()).is_ok());
}

#[test]
fn an_emergency_is_given_for_days_and_without_asking_only_what_needs_no_naming() {
    let asking = asking();
    let (giver, receiver) = (&asking.pair.giver, &asking.pair.receiver);
    let hers = asking.pair.patient_with_a_visit();
    let mut child = somebody("Amir bin Ali", "151201145028");
    child.birth_date = "2015-12-01".parse().ok().map(Day);
    let child = giver.desk.register_patient(child).unwrap();
    let calm = asking.asked(receiver.patient("Tan Mei Ling", "980317145002"));
    let here = receiver.patient("Nur Aisyah Rahman", MYKAD);
    let id = asking.asks(here, Purpose::Emergency).unwrap();
    giver.wait_until("it came", |desk| open(desk).len() == 2);
    assert_eq!(open(&giver.desk)[0].id, id, "emergencies stand first");

    let field =
        |input: AnswerRequest| refused(giver.desk.answer_request(input), ErrorCode::Invalid).detail["field"].clone();
    let calm = asking.opened(&calm);
    let not_asked = |request: &RequestView, patient| AnswerRequest {
        how: HowAgreed::NotAsked,
        ..answering(request, patient)
    };
    assert_eq!(field(not_asked(&calm, hers)), "how", "she can be asked");
    let signed = AnswerRequest {
        how: HowAgreed::Signed,
        ..answering(&calm, hers)
    };
    assert_eq!(field(signed), "how", "who signs does so on another screen");
    assert_eq!(field(answering(&calm, child)), "guardian");

    let request = asking.opened(&id);
    assert_eq!(field(not_asked(&request, hers)), "purpose", "as it was asked for");
    let urgent = |until: Day| ShareTerms {
        purpose: Purpose::Emergency,
        until,
        erase_at: until,
        ..terms(&[Category::Encounters])
    };
    let last = request.emergency_until;
    let beyond = Day(last.0.tomorrow().unwrap());
    let with = |terms: ShareTerms| AnswerRequest {
        terms,
        ..not_asked(&request, hers)
    };
    assert_eq!(field(with(urgent(beyond))), "until");
    assert_eq!(
        field(with(ShareTerms {
            erase_at: beyond,
            ..urgent(last)
        })),
        "erase_at"
    );
    let sensitive = vec![Sensitivity::MentalHealth];
    assert_eq!(
        field(with(ShareTerms {
            sensitive,
            ..urgent(last)
        })),
        "sensitive"
    );
    assert!(giver.desk.grants_of(hers).unwrap().is_empty());

    let grant = giver.desk.answer_request(with(urgent(last))).unwrap();
    receiver.wait_until("the answer is here", |desk| {
        one(desk, &id).grant.as_ref() == Some(&grant)
    });
    let shared = asking.pair.arrived(&grant, 1);
    assert_eq!(shared.record.encounters.given().unwrap().len(), 1);
    let exported = receiver.desk.export_fhir(grant.clone()).unwrap();
    assert!(
        exported.contains("\"ETREAT\"") && exported.contains("\"verified\": false"),
        "{exported}"
    );
    receiver.clock.step_ms(5 * DAY_MS);
    refused(receiver.desk.open_shared(grant), ErrorCode::GrantOver);
    // A consent without a signature is no way around.
    let mut unsigned = crate::sharing::evidence();
    unsigned.how = HowAgreed::Spoken;
    unsigned.signature_svg = String::new();
    let error = refused(
        giver.desk.grant_consent(clinic::views::sharing::GrantConsent {
            patient: hers,
            clinic: asking.pair.receiver_id.clone(),
            terms: terms(&[Category::Encounters]),
            evidence: unsigned,
        }),
        ErrorCode::Invalid,
    );
    assert_eq!(error.detail["field"], "how");
}

#[test]
fn what_one_device_opened_is_in_the_record_for_its_colleagues() {
    let asking = asking();
    let giver = &asking.pair.giver;
    let tablet = joined(&asking.pair.net, giver, 61);
    let here = asking.pair.receiver.patient("Nur Aisyah Rahman", MYKAD);
    let id = asking.asked(here);
    tablet.wait_until("it came there too", |desk| !open(desk).is_empty());
    let request = asking.opened(&id);
    tablet.wait_until("it was read", |desk| open(desk)[0].name.is_some());
    tablet
        .desk
        .decline_request(request.from.clone(), request.id.clone())
        .unwrap();
    giver.wait_until("it was decided", |desk| open(desk).is_empty());
    let decided = giver
        .desk
        .open_request(request.from, request.id)
        .unwrap()
        .decided
        .unwrap();
    assert_eq!(decided.decision, Decision::Declined);
    // What she is called stands in the record alone.
    let tablet = tablet.restarted(&asking.pair.net);
    tablet.wait_until("it is connected", |desk| desk.status().unwrap().sync.connected);
    tablet.desk.shut_down();
    let came = tablet.store().read(|r| r.came_mail()).unwrap();
    assert_eq!((came.len(), came[0].content.as_ref()), (1, None));
}
