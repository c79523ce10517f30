//! What two devices of a clinic wrote apart: told on both, decided by a person, audited.

use clinic::{
    ErrorCode,
    views::{
        conflicts::{ChosenValue, ConflictsView, DecideConflict, MatterKind, MatterView, Reverse, TakeLateEdit},
        consult::{NoteState, PrescribeLine, RecordAllergy},
        pharmacy::HandOver,
        setup::{JoinByCode, PairingState},
    },
};
use domain::{AllergyStatus, Field, PatientId, Role, Severity, VisitId};

use crate::support::{Net, PIN, Place, line, note, product, protection, refused};

/// A clinic of two devices that reach each other by the relay alone, the owner, who practises, signed in on both.
pub(crate) fn two_devices(net: &Net) -> (Place, Place) {
    let one = Place::founded(net, 1, "Klinik Seri Mawar");
    let two = Place::new(net, 2);
    let offer = one.desk.offer_pairing().unwrap();
    let joined = two.desk.join_by_code(JoinByCode {
        relay: net.url(),
        code: offer.code,
        protection: protection(),
        device_name: None,
    });
    joined.unwrap();
    one.wait_until("the pairing is over", |desk| {
        !matches!(desk.pairing_state(), Ok(PairingState::Waiting))
    });
    two.wait_until("the owner has arrived", |desk| {
        desk.staff_faces().is_ok_and(|faces| !faces.is_empty())
    });
    let owner = two.owner();
    two.desk.set_pin(owner, PIN.to_owned()).unwrap();
    two.sign_in(owner);
    (one, two)
}

/// The relay goes away, and both know.
fn part(net: &Net, one: &Place, two: &Place) {
    for place in [one, two] {
        place.wait_until("all is sent", |desk| desk.status().unwrap().sync.pending == 0);
    }
    net.end();
    for place in [one, two] {
        place.wait_until("the relay is gone", |desk| !desk.status().unwrap().sync.connected);
    }
}

/// The relay is back, and both have heard all, with so many matters open.
fn meet(net: &Net, one: &Place, two: &Place, n_open: u32) {
    net.begin();
    for place in [one, two] {
        place.wait_until("both know what is open", |desk| {
            let sync = desk.status().unwrap().sync;
            sync.connected && sync.pending == 0 && sync.conflicts == n_open
        });
    }
}

fn settled(one: &Place, two: &Place) {
    for place in [one, two] {
        place.wait_until("nothing is open", |desk| desk.status().unwrap().sync.conflicts == 0);
    }
}

fn open(place: &Place) -> ConflictsView {
    place.desk.conflicts(None).unwrap()
}

fn only(place: &Place) -> MatterView {
    let mut view = open(place);
    assert_eq!((view.matters.len(), view.elsewhere), (1, 0), "{view:?}");
    view.matters.remove(0)
}

fn allergic(place: &Place, patient: PatientId, severity: Severity) {
    let (substance, reaction) = ("Penicillin".to_owned(), "rash".to_owned());
    let input = RecordAllergy {
        patient,
        substance,
        reaction,
        severity,
    };
    place.clock.step_ms(1000);
    place.desk.record_allergy(input).unwrap();
}

fn severities(place: &Place, patient: PatientId) -> Vec<Severity> {
    match place.desk.patient_banner(patient).unwrap().allergies {
        AllergyStatus::Known { allergies } => allergies.iter().map(|one| one.severity).collect(),
        _ => Vec::new(),
    }
}

#[test]
fn two_severities_written_apart_count_as_the_worse_until_a_doctor_decides() {
    let net = Net::start();
    let (one, two) = two_devices(&net);
    let queued = one.queued("Nur Aisyah", "850101135029");
    let patient = queued.patient;
    allergic(&one, patient, Severity::Unknown);
    two.wait_until("the allergy is there", |_| {
        severities_of(&two, patient) == [Severity::Unknown]
    });
    part(&net, &one, &two);
    allergic(&one, patient, Severity::Mild);
    allergic(&two, patient, Severity::Anaphylaxis);
    meet(&net, &one, &two, 1);

    for place in [&one, &two] {
        let matter = only(place);
        assert_eq!((matter.patient, matter.visit, matter.may_decide), (patient, None, true));
        assert_eq!(matter.patient_name, "Nur Aisyah");
        let MatterKind::Disputed { field, of, values } = &matter.what else {
            panic!("{:?}", matter.what);
        };
        assert_eq!((*field, of.as_str()), (Field::Severity, "Penicillin"));
        for value in values {
            let device = if value.text == "mild" { "A" } else { "B" };
            assert_eq!(
                (value.by.name.as_str(), value.by.device.as_str()),
                ("Dr Aisyah", device)
            );
            assert!(value.by.at.is_some());
        }
        let banner = place.desk.patient_banner(patient).unwrap();
        assert_eq!((banner.undecided, banner.undecided_allergies.len()), (1, 1));
        assert_eq!(severities(place, patient), [Severity::Anaphylaxis]);
        let amoxicillin = line(&product(&place.desk, "amoxicillin"), 1);
        let findings = place.desk.check_line(queued.visit, amoxicillin).unwrap();
        assert!(findings.iter().any(|found| found.needs_reason), "{findings:?}");
    }

    // A pharmacist sees it and does not decide it; nor does the counter.
    let doctor = one.owner();
    let (pharmacist, counter) = (one.colleague(Role::Pharmacist), one.colleague(Role::Receptionist));
    let mild = decide(&only(&one), "mild");
    for staff in [pharmacist, counter] {
        one.sign_in(staff);
        assert!(!only(&one).may_decide);
        refused(one.desk.decide_conflict(mild.clone()), ErrorCode::NotAllowed);
    }
    one.sign_in(doctor);
    let nonsense = DecideConflict {
        value: ChosenValue::Typed {
            text: "rather bad".to_owned(),
        },
        ..mild.clone()
    };
    assert_eq!(
        refused(one.desk.decide_conflict(nonsense), ErrorCode::Invalid).detail["field"],
        "value"
    );
    one.desk.decide_conflict(mild.clone()).unwrap();
    settled(&one, &two);
    assert_eq!(severities(&two, patient), [Severity::Mild]);
    assert_eq!(two.desk.patient_banner(patient).unwrap().undecided, 0);
    let late = refused(two.desk.decide_conflict(mild), ErrorCode::NotNow);
    assert_eq!(late.detail["why"], "decided");
    let audit = two.desk.audit(Some(patient)).unwrap();
    let line = audit.iter().find(|row| row.action == "conflict.decided").unwrap();
    assert_eq!(
        (line.who.as_str(), line.reason.as_deref()),
        ("Dr Aisyah", Some("seen the old letter"))
    );
}

fn severities_of(place: &Place, patient: PatientId) -> Vec<Severity> {
    match place.desk.patient_banner(patient).map(|banner| banner.allergies) {
        Ok(AllergyStatus::Known { allergies }) => allergies.iter().map(|one| one.severity).collect(),
        _ => Vec::new(),
    }
}

fn decide(matter: &MatterView, text: &str) -> DecideConflict {
    let MatterKind::Disputed { values, .. } = &matter.what else {
        panic!("{:?}", matter.what);
    };
    let side = values.iter().find(|value| value.text == text).unwrap().side.clone();
    DecideConflict {
        key: matter.key.clone(),
        value: ChosenValue::Side { side },
        reason: "seen the old letter".to_owned(),
    }
}

fn prescribe(place: &Place, visit: VisitId, units_per_dose: f64) {
    let line = domain::PrescriptionLine {
        units_per_dose,
        ..line(&product(&place.desk, "paracetamol 500"), 1)
    };
    let input = PrescribeLine {
        visit,
        line,
        reasons: Vec::new(),
    };
    place.clock.step_ms(1000);
    place.desk.prescribe(input).unwrap();
}

#[test]
fn a_dose_written_apart_is_decided_before_the_note_is_signed() {
    let net = Net::start();
    let (one, two) = two_devices(&net);
    let queued = one.queued("Nur Aisyah", "850101135029");
    let visit = queued.visit;
    one.desk.no_known_allergies(queued.patient).unwrap();
    one.desk.save_note(visit, note("Fever.")).unwrap();
    prescribe(&one, visit, 1.0);
    two.wait_until("the line is there", |desk| {
        desk.open_visit(visit).is_ok_and(|view| view.lines.len() == 1)
    });
    part(&net, &one, &two);
    prescribe(&one, visit, 1.5);
    prescribe(&two, visit, 2.0);
    meet(&net, &one, &two, 1);

    assert_eq!(only(&two).visit, Some(visit));
    let error = refused(two.desk.sign_note(visit, PIN.to_owned()), ErrorCode::NotNow);
    assert_eq!(error.detail["why"], "undecided");
    two.desk.decide_conflict(decide(&only(&two), "1.5")).unwrap();
    two.desk.sign_note(visit, PIN.to_owned()).unwrap();
    settled(&one, &two);
    one.wait_until("it is signed", |desk| {
        let note = desk.open_visit(visit).unwrap().note;
        matches!(
            note,
            NoteState::Signed {
                twice: false,
                late_edit: false,
                ..
            }
        )
    });
    assert_eq!(one.desk.open_visit(visit).unwrap().lines[0].line.units_per_dose, 1.5);
}

fn hand_over(place: &Place, visit: VisitId) {
    place.clock.step_ms(1000);
    let input = HandOver {
        visit,
        lines: vec![line("x", 1).id],
        reasons: Vec::new(),
        pin: PIN.to_owned(),
    };
    place.desk.hand_over(input).unwrap();
}

#[test]
fn a_prescription_handed_over_on_two_devices_is_flagged_on_both_until_one_is_reversed() {
    let net = Net::start();
    let (one, two) = two_devices(&net);
    let queued = one.queued("Nur Aisyah", "850101135029");
    let (visit, patient) = (queued.visit, queued.patient);
    one.desk.no_known_allergies(patient).unwrap();
    one.signed_visit(&queued, Some(line(&product(&one.desk, "paracetamol 500"), 1)));
    two.wait_until("it is signed", |desk| desk.open_dispense(visit).is_ok());
    assert_eq!(two.desk.status().unwrap().sync.apart_since, None);
    part(&net, &one, &two);
    let apart = two.desk.status().unwrap().sync;
    assert!(
        apart.apart_since.is_some() && apart.apart_warns_minutes > 0,
        "{apart:?}"
    );
    hand_over(&one, visit);
    hand_over(&two, visit);
    assert_eq!(two.desk.status().unwrap().sync.conflicts, 0);
    meet(&net, &one, &two, 1);

    for place in [&one, &two] {
        assert!(place.desk.open_dispense(visit).unwrap().dispensed_twice);
        let rows = place.desk.dispensing_queue().unwrap();
        assert!(
            rows.iter().any(|row| row.visit == visit && row.dispensed_twice),
            "{rows:?}"
        );
        assert!(place.desk.patient_history(patient).unwrap()[0].dispensed_twice);
        assert_eq!(place.desk.patient_banner(patient).unwrap().undecided, 1);
    }
    let MatterKind::DispensedTwice { dispensings } = only(&two).what else {
        panic!("{:?}", only(&two).what);
    };
    let serials: Vec<&str> = dispensings.iter().map(|one| one.serial.as_str()).collect();
    assert_eq!(serials.len(), 2);
    assert!(
        serials.iter().any(|serial| serial.starts_with('A')) && serials.iter().any(|serial| serial.starts_with('B'))
    );

    let reverse = |fact: &str, reason: &str| Reverse {
        visit,
        fact: fact.to_owned(),
        reason: reason.to_owned(),
        pin: PIN.to_owned(),
    };
    let second = &dispensings[1];
    let error = refused(
        two.desk.reverse_dispensing(reverse(&second.fact, " ")),
        ErrorCode::Invalid,
    );
    assert_eq!(error.detail["field"], "reason");
    // It is no signature.
    refused(
        two.desk.reverse_signature(reverse(&second.fact, "x")),
        ErrorCode::NotNow,
    );
    let counter = two.colleague(Role::Receptionist);
    let pharmacist = two.colleague(Role::Pharmacist);
    two.sign_in(counter);
    refused(
        two.desk.reverse_dispensing(reverse(&second.fact, "x")),
        ErrorCode::NotAllowed,
    );
    assert_eq!(open(&two).elsewhere, 1, "counted, not shown");
    two.sign_in(pharmacist);
    two.desk
        .reverse_dispensing(reverse(&second.fact, "taken back"))
        .unwrap();
    settled(&one, &two);
    for place in [&one, &two] {
        let view = place.desk.open_dispense(visit).unwrap();
        assert!(!view.dispensed_twice && view.dispensed.is_some());
        assert_eq!(
            (view.reversed.len(), view.reversed[0].serial.as_str()),
            (1, second.serial.as_str())
        );
        assert_eq!(view.reversed[0].reason, "taken back");
        assert!(place.desk.dispensing_queue().unwrap().is_empty());
    }
    // The other one is the last that stands.
    refused(
        two.desk.reverse_dispensing(reverse(&dispensings[0].fact, "x")),
        ErrorCode::NotNow,
    );
    let audit = one.desk.audit(Some(patient)).unwrap();
    assert!(audit.iter().any(|row| row.action == "medicines.reversed"));
}

#[test]
fn a_note_signed_on_two_devices_and_a_draft_that_went_on_elsewhere_are_each_settled_by_a_doctor() {
    let net = Net::start();
    let (one, two) = two_devices(&net);
    let (first, second) = (
        one.queued("Nur Aisyah", "850101135029"),
        one.queued("Tan Siew Ling", "900202146030"),
    );
    for visit in [first.visit, second.visit] {
        one.desk.save_note(visit, note("Fever.")).unwrap();
        two.wait_until("the draft is there", |desk| {
            let view = desk.open_visit(visit);
            view.is_ok_and(|view| matches!(view.note, NoteState::Draft { note, .. } if !note.is_empty()))
        });
    }
    part(&net, &one, &two);
    one.clock.step_ms(1000);
    one.desk.sign_note(first.visit, PIN.to_owned()).unwrap();
    one.desk.sign_note(second.visit, PIN.to_owned()).unwrap();
    two.desk.save_note(first.visit, note("Fever and a rash.")).unwrap();
    two.clock.step_ms(5000);
    two.desk.sign_note(second.visit, PIN.to_owned()).unwrap();
    meet(&net, &one, &two, 2);

    let late = two.desk.conflicts(Some(first.patient)).unwrap().matters.remove(0);
    let MatterKind::LateEdit { edit } = &late.what else {
        panic!("{:?}", late.what);
    };
    assert_eq!(
        (edit.added.as_slice(), edit.left_out.as_slice()),
        (
            ["Fever and a rash.".to_owned()].as_slice(),
            ["Fever.".to_owned()].as_slice()
        )
    );
    let flags = |place: &Place, visit| match place.desk.open_visit(visit).unwrap().note {
        NoteState::Signed {
            twice,
            late_edit,
            addenda,
            ..
        } => (twice, late_edit, addenda.len()),
        NoteState::Draft { .. } => panic!("not signed"),
    };
    assert_eq!(flags(&one, first.visit), (false, true, 0));
    assert_eq!(flags(&one, second.visit), (true, false, 0));

    let take = |text: &str| TakeLateEdit {
        visit: first.visit,
        text: text.to_owned(),
        pin: PIN.to_owned(),
    };
    refused(one.desk.take_late_edit(take("  ")), ErrorCode::Invalid);
    one.desk.take_late_edit(take("A rash, too.")).unwrap();
    let again = refused(one.desk.take_late_edit(take("A rash, too.")), ErrorCode::NotNow);
    assert_eq!(again.detail["why"], "decided");

    let MatterKind::SignedTwice { signatures } =
        one.desk.conflicts(Some(second.patient)).unwrap().matters.remove(0).what
    else {
        panic!("not signed twice");
    };
    let reverse = Reverse {
        visit: second.visit,
        fact: signatures[1].fact.clone(),
        reason: "the same note".to_owned(),
        pin: PIN.to_owned(),
    };
    refused(one.desk.reverse_dispensing(reverse.clone()), ErrorCode::NotNow);
    one.desk.reverse_signature(reverse).unwrap();
    settled(&one, &two);
    for place in [&one, &two] {
        assert_eq!(flags(place, first.visit), (false, false, 1));
        assert_eq!(flags(place, second.visit), (false, false, 0));
    }
    let audit = two.desk.audit(None).unwrap();
    for action in ["note.late_edit_taken", "note.signature_reversed"] {
        assert!(audit.iter().any(|row| row.action == action), "{action}");
    }
}
