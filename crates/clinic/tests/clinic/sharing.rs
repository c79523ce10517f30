use clinic::{
    Desk, ErrorCode,
    views::reception::QueuePatient,
    views::sharing::{AuditRow, GrantConsent, GrantState, GrantView, SharedRecordView},
};
use domain::{
    AccessMode, Category, ConsentEvidence, ConsentLanguage, Day, HowAgreed, Instant, PatientId, Purpose, QueueState,
    Sensitivity, ShareTerms,
};

use crate::scanned::scanned;
use crate::support::{Net, PIN, Place, line, note, product, refused};

pub const MYKAD: &str = "850101135029";

pub fn terms(categories: &[Category]) -> ShareTerms {
    let day = |text: &str| Day(text.parse().unwrap());
    ShareTerms {
        categories: categories.to_vec(),
        data_from: None,
        data_to: None,
        sensitive: Vec::new(),
        mode: AccessMode::Keep,
        purpose: Purpose::Treatment,
        until: day("2099-12-31"),
        erase_at: day("2099-12-31"),
        onward: false,
    }
}

pub fn evidence() -> ConsentEvidence {
    ConsentEvidence {
        form_version: "2026-11".to_owned(),
        language: ConsentLanguage::Malay,
        how: HowAgreed::Signed,
        signature_svg: "M0 0L10 10".to_owned(),
        witness: "Siti".to_owned(),
        guardian: None,
        signed_at: Instant::from_millisecond(1_795_222_800_000).unwrap(),
    }
}

/// Two clinics on one relay; the first has read the second's card.
pub struct Pair {
    pub giver: Place,
    pub receiver: Place,
    pub receiver_id: String,
    // Last: the relay outlives its clinics.
    pub net: Net,
}

pub fn pair() -> Pair {
    let net = Net::start();
    let giver = Place::founded(&net, 1, "Klinik Seri Mawar");
    let receiver = Place::founded(&net, 50, "Klinik Sentosa");
    for place in [&giver, &receiver] {
        place.wait_until("it is connected", |desk| desk.status().unwrap().sync.connected);
    }
    let card = receiver.desk.own_card().unwrap();
    assert_eq!(card.digits.len(), 24);
    assert_eq!(scanned(&card.qr_svg), card.text);
    let known = giver.desk.verify_clinic(card.text).unwrap();
    assert_eq!((known.name.as_str(), known.verified), ("Klinik Sentosa", true));
    Pair {
        giver,
        receiver,
        receiver_id: known.tenant,
        net,
    }
}

impl Pair {
    /// A patient with a signed visit, a medicine and an allergy at the giving clinic.
    pub fn patient_with_a_visit(&self) -> PatientId {
        let queued = self.giver.queued("Nur Aisyah binti Rahman", MYKAD);
        self.giver
            .desk
            .record_allergy(clinic::views::consult::RecordAllergy {
                patient: queued.patient,
                substance: "Penicillin".to_owned(),
                reaction: "rash".to_owned(),
                severity: domain::Severity::Mild,
            })
            .unwrap();
        let paracetamol = product(&self.giver.desk, "paracetamol");
        self.giver.signed_visit(&queued, Some(line(&paracetamol, 1)));
        queued.patient
    }

    pub fn grant(&self, patient: PatientId, terms: ShareTerms) -> GrantView {
        self.giver.clock.step_ms(1000);
        let clinic = self.receiver_id.clone();
        self.giver
            .desk
            .grant_consent(GrantConsent {
                patient,
                clinic,
                terms,
                evidence: evidence(),
            })
            .unwrap()
    }

    /// Waits until the receiving clinic has at least `n` entries under the grant.
    pub fn arrived(&self, grant: &str, n: u32) -> SharedRecordView {
        self.receiver.wait_until("the record has arrived", |desk| {
            let received = desk.network().unwrap().received;
            received.iter().any(|one| one.grant == grant && one.n_entries >= n)
        });
        self.receiver.desk.open_shared(grant.to_owned()).unwrap()
    }
}

pub fn lines_of(desk: &Desk, action: &str) -> Vec<AuditRow> {
    desk.audit(None)
        .unwrap()
        .into_iter()
        .filter(|row| row.action == action)
        .collect()
}

#[test]
fn a_grant_covers_exactly_what_was_switched_on() {
    let pair = pair();
    let patient = pair.patient_with_a_visit();
    let grant = pair.grant(patient, terms(&[Category::Encounters, Category::Prescriptions]));
    assert_eq!(grant.state, GrantState::Active);
    assert!(grant.n_releases >= 2, "the card and the visit");

    let here = pair.receiver.patient("Nur Aisyah Rahman", MYKAD);
    let SharedRecordView { summary, record } = pair.arrived(&grant.id, 2);
    assert_eq!(summary.withheld, [Category::Allergies, Category::Audio]);
    assert_eq!(summary.clinic_name, "Klinik Seri Mawar");
    assert_eq!(summary.matched_patient, Some(here), "matched by her document");
    assert_eq!(
        record.encounters.given().unwrap()[0].note.subjective,
        ["Fever for three days."]
    );
    assert_eq!(record.prescriptions.given().unwrap().len(), 1);
    assert!(record.allergies.is_withheld() && record.recordings.is_withheld());

    // Both sides can say who read what.
    assert!(!lines_of(&pair.receiver.desk, "release.opened").is_empty());
    pair.giver.wait_until("the relay's line has come", |desk| {
        lines_of(desk, "release.read")
            .iter()
            .any(|row| row.from_relay && row.permitted && row.patient == Some(patient))
    });
    // And whoever asks about one patient, of her alone.
    let other = pair.giver.patient("Lim Siew Ling", "900215105021");
    let read_of = |patient| {
        let rows = pair.giver.desk.audit(Some(patient)).unwrap().into_iter();
        rows.filter(|row| row.from_relay)
            .map(|row| row.patient)
            .collect::<Vec<_>>()
    };
    let read = read_of(patient);
    assert!(
        !read.is_empty() && read.iter().all(|one| *one == Some(patient)),
        "{read:?}"
    );
    assert_eq!(read_of(other), []);

    let text = pair.receiver.desk.export_fhir(grant.id.clone()).unwrap();
    let bundle: serde_json::Value = serde_json::from_str(&text).unwrap();
    assert_eq!(bundle["resourceType"], "Bundle");
    assert!(!text.contains("Penicillin") && !text.contains("AllergyIntolerance\""));
}

#[test]
fn one_request_joins_what_a_person_read_with_the_relays_lines_at_both_clinics() {
    let pair = pair();
    let patient = pair.patient_with_a_visit();
    let grant = pair.grant(patient, terms(&[Category::Encounters]));
    pair.arrived(&grant.id, 1);
    let told = |desk: &Desk| -> Vec<String> {
        let rows = lines_of(desk, "release.read").into_iter();
        let rows = rows.filter(|row| row.from_relay && row.permitted && row.grant.as_ref() == Some(&grant.id));
        rows.filter_map(|row| row.request).collect()
    };
    for place in [&pair.giver, &pair.receiver] {
        place.wait_until("the relay's line has come", |desk| !told(desk).is_empty());
    }
    // Later than the opening that waited for the record: of two at one moment either may stand first.
    pair.receiver.clock.step_ms(1000);
    pair.receiver.desk.open_shared(grant.id.clone()).unwrap();
    let opened = lines_of(&pair.receiver.desk, "release.opened").swap_remove(0);
    assert!(!opened.from_relay);
    let request = opened.request.expect("the device's own line names the request");
    assert!(
        told(&pair.receiver.desk).contains(&request),
        "as the relay's line in the reader's chain does"
    );
    pair.giver
        .wait_until("and the one in the giver's chain", |desk| told(desk).contains(&request));
    // What leaves as FHIR can be looked up at the giver by the same name.
    let exported = pair.receiver.desk.export_fhir(grant.id.clone()).unwrap();
    let newest = told(&pair.receiver.desk)
        .into_iter()
        .find(|request| exported.contains(request.as_str()));
    pair.giver.wait_until("the giver has it too", |desk| {
        newest.as_ref().is_some_and(|it| told(desk).contains(it))
    });
}

#[test]
fn what_is_signed_later_follows_and_a_draft_never() {
    let pair = pair();
    let patient = pair.patient_with_a_visit();
    let grant = pair.grant(patient, terms(&[Category::Encounters, Category::Allergies]));
    pair.arrived(&grant.id, 2);

    let entry = pair.giver.desk.today().unwrap().rows[0].entry;
    pair.giver
        .desk
        .set_queue_state(entry, domain::QueueState::Done)
        .unwrap();
    let queue = clinic::views::reception::QueuePatient {
        patient,
        reason: "cough".to_owned(),
        doctor: None,
    };
    let second = pair.giver.desk.queue_patient(queue).unwrap();
    pair.giver.desk.save_note(second.visit, note("A draft.")).unwrap();
    assert_eq!(
        pair.giver.desk.grants_of(patient).unwrap()[0].n_releases,
        grant.n_releases,
        "a draft is not released"
    );
    pair.giver.desk.sign_note(second.visit, PIN.to_owned()).unwrap();
    let record = pair.arrived(&grant.id, 3).record;
    assert_eq!(record.encounters.given().unwrap().len(), 2);
    let known = |status: &domain::AllergyStatus| matches!(status, domain::AllergyStatus::Known { .. });
    assert!(record.allergies.given().is_some_and(known));
}

#[test]
fn a_sensitive_visit_stays_out_unless_it_is_named() {
    let pair = pair();
    let queued = pair.giver.queued("Nur Aisyah binti Rahman", MYKAD);
    pair.giver
        .desk
        .set_sensitivity(queued.visit, vec![Sensitivity::MentalHealth])
        .unwrap();
    let paracetamol = product(&pair.giver.desk, "paracetamol");
    pair.giver.signed_visit(&queued, Some(line(&paracetamol, 1)));
    let all = [Category::Encounters, Category::Prescriptions];

    let without = pair.grant(queued.patient, terms(&all));
    assert_eq!(without.n_releases, 1, "only the card");
    let named = ShareTerms {
        sensitive: vec![Sensitivity::MentalHealth],
        ..terms(&all)
    };
    let with = pair.grant(queued.patient, named);
    assert_eq!(with.n_releases, 2);
    assert_eq!(pair.arrived(&with.id, 2).record.encounters.given().unwrap().len(), 1);
    let record = pair.arrived(&without.id, 0).record;
    assert!(
        record.encounters.given().unwrap().is_empty(),
        "shared, and nothing to show"
    );
}

#[test]
fn the_drug_of_a_sensitive_visit_is_in_no_release_whatever_is_switched_on() {
    let pair = pair();
    let desk = &pair.giver.desk;
    let sensitive = pair.giver.queued("Nur Aisyah binti Rahman", MYKAD);
    desk.set_sensitivity(sensitive.visit, vec![Sensitivity::SexualHealth])
        .unwrap();
    pair.giver
        .signed_visit(&sensitive, Some(line(&product(desk, "azithromycin"), 1)));
    desk.set_queue_state(sensitive.entry, QueueState::Left).unwrap();
    let all = [
        Category::Encounters,
        Category::Allergies,
        Category::Prescriptions,
        Category::Audio,
    ];
    let grant = pair.grant(sensitive.patient, terms(&all));

    // What she came for besides is shared, its drug too: so the other one is absent for being sensitive.
    let ordinary = QueuePatient {
        patient: sensitive.patient,
        reason: "fever".to_owned(),
        doctor: None,
    };
    let ordinary = desk.queue_patient(ordinary).unwrap();
    pair.giver
        .signed_visit(&ordinary, Some(line(&product(desk, "paracetamol"), 2)));

    let shared = pair.arrived(&grant.id, 2).record;
    assert_eq!(shared.encounters.given().unwrap().len(), 1);
    assert_eq!(shared.prescriptions.given().unwrap().len(), 1);
    let exported = pair.receiver.desk.export_fhir(grant.id).unwrap();
    for told in [serde_json::to_string(&shared).unwrap(), exported] {
        let told = told.to_lowercase();
        assert!(told.contains("paracetamol"));
        assert!(!told.contains("azithromycin"), "{told}");
    }
}

#[test]
fn days_outside_the_agreed_ones_stay_out() {
    let pair = pair();
    let patient = pair.patient_with_a_visit();
    let tomorrow = pair.giver.desk.today().unwrap().day.0.tomorrow().unwrap();
    let later = ShareTerms {
        data_from: Some(Day(tomorrow)),
        ..terms(&[Category::Encounters])
    };
    assert_eq!(pair.grant(patient, later).n_releases, 1, "only the card");
}

#[test]
fn a_revocation_takes_the_record_away_and_both_sides_know() {
    let pair = pair();
    let patient = pair.patient_with_a_visit();
    let grant = pair.grant(patient, terms(&[Category::Encounters]));
    pair.arrived(&grant.id, 1);
    let is_told = |desk: &clinic::Desk| desk.grants_of(patient).unwrap()[0].delivered;
    pair.giver
        .wait_until("it is told that the grant was delivered", is_told);

    refused(
        pair.giver.desk.revoke_consent(grant.id.clone(), " ".to_owned()),
        ErrorCode::Invalid,
    );
    pair.giver
        .desk
        .revoke_consent(grant.id.clone(), "She asked for it.".to_owned())
        .unwrap();
    refused(
        pair.giver.desk.revoke_consent(grant.id.clone(), "again".to_owned()),
        ErrorCode::GrantOver,
    );
    assert_eq!(
        pair.giver.desk.grants_of(patient).unwrap()[0].state,
        GrantState::Revoked
    );
    pair.giver
        .wait_until("it is told that the revocation was delivered", is_told);

    pair.receiver
        .wait_until("it is gone", |desk| desk.network().unwrap().received.is_empty());
    let error = refused(pair.receiver.desk.open_shared(grant.id.clone()), ErrorCode::GrantOver);
    assert_eq!(error.detail["reason"], "revoked");
    let denied = lines_of(&pair.receiver.desk, "release.opened");
    assert!(
        denied
            .iter()
            .any(|row| !row.permitted && row.reason.as_deref() == Some("revoked"))
    );
}

#[test]
fn a_consent_needs_a_signature_a_witness_and_a_guardian_for_a_minor() {
    let pair = pair();
    let patient = pair.patient_with_a_visit();
    let mut child = crate::support::somebody("Amir bin Ali", "151201145028");
    child.birth_date = "2015-12-01".parse().ok().map(Day);
    let child = pair.giver.desk.register_patient(child).unwrap();
    let until = |text: &str| ShareTerms {
        until: Day(text.parse().unwrap()),
        ..terms(&[Category::Encounters])
    };
    let field = |patient, terms, evidence| {
        let clinic = pair.receiver_id.clone();
        let outcome = pair.giver.desk.grant_consent(GrantConsent {
            patient,
            clinic,
            terms,
            evidence,
        });
        refused(outcome, ErrorCode::Invalid).detail["field"].clone()
    };
    let one = || terms(&[Category::Encounters]);
    assert_eq!(field(patient, terms(&[]), evidence()), "categories");
    assert_eq!(field(patient, until("2020-01-01"), evidence()), "until");
    assert_eq!(
        field(
            patient,
            one(),
            ConsentEvidence {
                signature_svg: String::new(),
                ..evidence()
            }
        ),
        "signature"
    );
    assert_eq!(
        field(
            patient,
            one(),
            ConsentEvidence {
                witness: " ".to_owned(),
                ..evidence()
            }
        ),
        "witness"
    );
    assert_eq!(field(child, until("2027-01-01"), evidence()), "guardian");
    let guarded = ConsentEvidence {
        guardian: Some("Ali (father)".to_owned()),
        ..evidence()
    };
    assert_eq!(field(child, one(), guarded), "until", "it ends when he comes of age");
}

#[test]
fn nothing_goes_to_a_clinic_whose_card_nobody_read() {
    let pair = pair();
    let patient = pair.patient_with_a_visit();
    let clinic = "ab".repeat(32);
    let terms = terms(&[Category::Encounters]);
    let input = GrantConsent {
        patient,
        clinic,
        terms,
        evidence: evidence(),
    };
    refused(pair.giver.desk.grant_consent(input), ErrorCode::ClinicNotVerified);
    refused(
        pair.giver.desk.verify_clinic("hello".to_owned()),
        ErrorCode::CardUnreadable,
    );
    let own = pair.giver.desk.own_card().unwrap().text;
    refused(pair.giver.desk.verify_clinic(own), ErrorCode::OwnCard);
}

#[test]
fn what_two_devices_wrote_apart_is_released_once_it_is_merged() {
    let pair = pair();
    let first = &pair.giver;
    let patient = pair.patient_with_a_visit();
    let grant = pair.grant(patient, terms(&[Category::Allergies]));
    let second = Place::new(&pair.net, 90);
    let offer = first.desk.offer_pairing().unwrap();
    let (relay, code, protection) = (offer.relay, offer.code, crate::support::protection());
    second
        .desk
        .join_by_code(clinic::views::setup::JoinByCode {
            relay,
            code,
            device_name: None,
            protection,
        })
        .unwrap();
    second.wait_until("the staff has arrived", |desk| !desk.staff_faces().unwrap().is_empty());
    second.desk.set_pin(second.owner(), PIN.to_owned()).unwrap();
    second.wait_until("the grant has arrived", |desk| {
        desk.grants_of(patient).is_ok_and(|grants| grants.len() == 1)
    });

    pair.net.end();
    for (place, substance) in [(first, "Ibuprofen"), (&second, "Aspirin")] {
        let (substance, reaction) = (substance.to_owned(), String::new());
        let severity = domain::Severity::Mild;
        let input = clinic::views::consult::RecordAllergy {
            patient,
            substance,
            reaction,
            severity,
        };
        place.desk.record_allergy(input).unwrap();
    }
    pair.net.begin();
    pair.receiver.wait_until("all three allergies are released", |desk| {
        let shared = desk.open_shared(grant.id.clone());
        shared.is_ok_and(|view| match view.record.allergies.given() {
            Some(domain::AllergyStatus::Known { allergies }) => allergies.len() == 3,
            _ => false,
        })
    });
}

#[test]
fn looking_is_not_keeping() {
    let pair = pair();
    let patient = pair.patient_with_a_visit();
    let view = ShareTerms {
        mode: AccessMode::View,
        ..terms(&[Category::Encounters])
    };
    let grant = pair.grant(patient, view);
    pair.arrived(&grant.id, 1);
    let path = pair.receiver.data().join("kept.json").to_str().unwrap().to_owned();
    let error = refused(pair.receiver.desk.save_fhir(grant.id, path.clone()), ErrorCode::NotNow);
    assert_eq!(error.detail["why"], "view_only");
    assert!(!std::path::Path::new(&path).exists());
}
