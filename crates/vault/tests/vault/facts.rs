use domain::{Instant, Role, StaffId};
use seal::PersonKeys;
use vault::{
    Addendum, AuditLine, FACT_CONTEXT, FactBody, FactDraft, NoteSigned, StaffEnrolled, Vault, VaultError, steps_of,
};

use crate::world::*;

fn enrolment(vault: &Vault, staff: StaffId, keys: &PersonKeys) -> FactBody {
    FactBody::StaffEnrolled(StaffEnrolled {
        staff,
        role: Role::Doctor,
        device: vault.device(),
        person_public: keys.public(),
    })
}

fn signature_of(vault: &Vault, patient: u8, visit: u8, words: &[&str]) -> FactBody {
    let draft = read(vault, |r| r.visit(visit_id(visit))).unwrap();
    FactBody::NoteSigned(NoteSigned {
        patient: patient_id(patient),
        visit: visit_id(visit),
        note: note(words),
        diagnoses: draft.diagnoses,
        vitals: draft.vitals,
        lines: draft.lines,
        sensitivity: draft.sensitivity,
    })
}

fn record(vault: &Vault, at: Instant, by: StaffId, body: FactBody, keys: &PersonKeys) {
    let draft = FactDraft { at, by: Some(by), body };
    let bytes = draft.bytes_to_sign(&vault.tenant(), &vault.device()).unwrap();
    let signature = keys.sign(FACT_CONTEXT, &bytes);
    vault
        .write::<_, VaultError>(Some(by), |w| w.record_fact(&draft, Some(signature)))
        .unwrap();
}

fn enrol(vault: &Vault, staff: StaffId, keys: &PersonKeys) {
    record(vault, at(0), staff, enrolment(vault, staff, keys), keys);
}

#[test]
fn a_signed_note_refuses_an_edit_of_its_draft() {
    let machine = Machine::only();
    let (vault, keys) = (machine.vault(), PersonKeys::make(&mut rng(5)));
    enrol(vault, staff_id(1), &keys);
    write(vault, |w| {
        w.open_visit(&visit(1))?;
        w.put_note(visit_id(1), &note(&["draft"]))
    });
    record(vault, at(1), staff_id(1), signature_of(vault, 1, 1, &["signed"]), &keys);

    type Edit = fn(&mut vault::Writing<'_>) -> Result<(), VaultError>;
    let edits: [Edit; 5] = [
        |w| w.put_note(visit_id(1), &note(&["other"])),
        |w| w.put_line(visit_id(1), &line(1)),
        |w| w.remove_line(visit_id(1), line(1).id),
        |w| w.put_diagnoses(visit_id(1), &[]),
        |w| w.set_sensitivity(visit_id(1), &[]),
    ];
    for edit in edits {
        assert!(matches!(vault.write(None, edit), Err(VaultError::Signed)));
    }
    let visit = read(vault, |r| r.visit(visit_id(1))).unwrap();
    assert_eq!(visit.note, note(&["signed"]));
    assert_eq!(visit.signed.len(), 1);
    assert!(visit.signed[0].verified);
}

#[test]
fn an_addition_to_a_signed_note_is_a_fact_of_its_own() {
    let machine = Machine::only();
    let body = FactBody::Addendum(Addendum {
        patient: patient_id(1),
        visit: visit_id(1),
        text: "Also: rest.".into(),
    });
    let draft = FactDraft {
        at: at(3),
        by: Some(staff_id(1)),
        body,
    };
    write(machine.vault(), |w| w.record_fact(&draft, None));
    let facts = read(machine.vault(), |r| r.facts_of_visit(visit_id(1)));
    assert_eq!(facts.len(), 1);
    assert_eq!((&facts[0].body, facts[0].verified), (&draft.body, false));
}

#[test]
fn an_edit_made_apart_from_a_signature_becomes_a_proposal() {
    let clinic = Clinic::with_devices(2);
    let (one, two) = (Machine::new(&clinic, 0), Machine::new(&clinic, 1));
    let keys = PersonKeys::make(&mut rng(5));
    enrol(one.vault(), staff_id(1), &keys);
    write(one.vault(), |w| {
        w.open_visit(&visit(1))?;
        w.put_note(visit_id(1), &note(&["as drafted"]))
    });
    exchange(one.vault(), two.vault());
    record(
        one.vault(),
        at(1),
        staff_id(1),
        signature_of(one.vault(), 1, 1, &["as drafted"]),
        &keys,
    );
    write(two.vault(), |w| {
        w.put_note(visit_id(1), &note(&["as drafted", "and more"]))
    });
    exchange(one.vault(), two.vault());
    assert_same(one.vault(), two.vault());
    let visit = read(two.vault(), |r| r.visit(visit_id(1))).unwrap();
    assert_eq!(visit.note, note(&["as drafted"]));
    assert_eq!(
        visit.proposal.map(|edit| edit.note),
        Some(note(&["as drafted", "and more"]))
    );
}

#[test]
fn two_signatures_made_apart_both_stand_and_the_first_one_counts() {
    let clinic = Clinic::with_devices(2);
    let (one, two) = (Machine::new(&clinic, 0), Machine::new(&clinic, 1));
    write(one.vault(), |w| w.open_visit(&visit(1)));
    exchange(one.vault(), two.vault());
    let keys = PersonKeys::make(&mut rng(5));
    record(
        two.vault(),
        at(9),
        staff_id(2),
        signature_of(two.vault(), 1, 1, &["later"]),
        &keys,
    );
    record(
        one.vault(),
        at(8),
        staff_id(1),
        signature_of(one.vault(), 1, 1, &["first"]),
        &keys,
    );
    exchange(one.vault(), two.vault());
    assert_same(one.vault(), two.vault());
    let visit = read(one.vault(), |r| r.visit(visit_id(1))).unwrap();
    assert_eq!(
        visit.signed.iter().map(|signed| signed.by).collect::<Vec<_>>(),
        [Some(staff_id(1)), Some(staff_id(2))]
    );
    assert_eq!(visit.note, note(&["first"]));
}

#[test]
fn a_signature_is_verified_by_an_enrolment_that_comes_later() {
    let clinic = Clinic::with_devices(2);
    let (one, two) = (Machine::new(&clinic, 0), Machine::new(&clinic, 1));
    let (owner, doctor) = (PersonKeys::make(&mut rng(5)), PersonKeys::make(&mut rng(6)));
    let vault = one.vault();
    // The owner enrols herself, then the doctor, who then signs; the other device hears of it backwards.
    enrol(vault, staff_id(1), &owner);
    record(
        vault,
        at(1),
        staff_id(1),
        enrolment(vault, staff_id(2), &doctor),
        &owner,
    );
    write(vault, |w| w.open_visit(&visit(1)));
    record(
        vault,
        at(2),
        staff_id(2),
        signature_of(vault, 1, 1, &["signed"]),
        &doctor,
    );
    assert!(read(vault, |r| r.visit(visit_id(1))).unwrap().signed[0].verified);

    let mut changes = take_outbox(vault);
    while let Some(last) = changes.pop() {
        deliver(two.vault(), vec![last]);
    }
    assert_same(one.vault(), two.vault());
    assert!(read(two.vault(), |r| r.visit(visit_id(1))).unwrap().signed[0].verified);
    assert_eq!(
        read(vault, |r| r.enrolment(staff_id(2))).unwrap().person_public,
        doctor.public()
    );
    assert_eq!(
        read(two.vault(), |r| r.enrolment(staff_id(2))),
        None,
        "not on this device"
    );
}

#[test]
fn a_signature_by_a_key_that_nobody_enrolled_is_shown_as_unverified() {
    let machine = Machine::only();
    let vault = machine.vault();
    let (owner, thief) = (PersonKeys::make(&mut rng(5)), PersonKeys::make(&mut rng(6)));
    enrol(vault, staff_id(1), &owner);
    write(vault, |w| w.open_visit(&visit(1)));
    record(
        vault,
        at(2),
        staff_id(1),
        signature_of(vault, 1, 1, &["forged"]),
        &thief,
    );
    // An enrolment that is signed by the wrong key enrols nobody.
    record(vault, at(3), staff_id(1), enrolment(vault, staff_id(2), &thief), &thief);
    assert!(!read(vault, |r| r.visit(visit_id(1))).unwrap().signed[0].verified);
    assert_eq!(read(vault, |r| r.enrolment(staff_id(2))), None);
}

#[test]
fn audit_lines_are_found_newest_first_and_by_action() {
    let machine = Machine::only();
    for n in 0..5 {
        let action = if n % 2 == 0 {
            "patient.registered"
        } else {
            "clinic.verified"
        };
        let line = AuditLine {
            action: action.into(),
            patient: None,
            visit: None,
            detail: n.to_string(),
        };
        let draft = FactDraft {
            at: at(n),
            by: Some(staff_id(1)),
            body: FactBody::Audit(line),
        };
        write(machine.vault(), |w| w.record_fact(&draft, None));
    }
    let details = |facts: Vec<vault::RecordedFact>| -> Vec<String> {
        facts
            .into_iter()
            .filter_map(|f| {
                if let FactBody::Audit(line) = f.body {
                    Some(line.detail)
                } else {
                    None
                }
            })
            .collect()
    };
    assert_eq!(details(read(machine.vault(), |r| r.audit(3))), ["4", "3", "2"]);
    assert_eq!(
        details(read(machine.vault(), |r| r.audit_of("clinic.verified"))),
        ["3", "1"]
    );
}

#[test]
fn nobody_can_record_a_fact_of_a_kind_that_is_not_known() {
    let machine = Machine::only();
    let draft = FactDraft {
        at: at(0),
        by: None,
        body: FactBody::Unknown { kind: 99 },
    };
    let refused = machine
        .vault()
        .write::<_, VaultError>(None, |w| w.record_fact(&draft, None));
    assert!(matches!(refused, Err(VaultError::Malformed("fact"))));
}

/// Lines that a person signed, in one write.
fn sign_lines(vault: &Vault, n: usize, by: StaffId, keys: &PersonKeys) {
    write(vault, |w| {
        for nth in 0..n {
            let body = FactBody::Audit(AuditLine {
                action: "patient.opened".into(),
                patient: Some(patient_id(1)),
                visit: None,
                detail: nth.to_string(),
            });
            let draft = FactDraft {
                at: at(2),
                by: Some(by),
                body,
            };
            let bytes = draft.bytes_to_sign(&vault.tenant(), &vault.device())?;
            w.record_fact(&draft, Some(keys.sign(FACT_CONTEXT, &bytes)))?;
        }
        Ok(())
    });
}

#[test]
fn what_somebody_unknown_signs_costs_no_more_after_much_of_it_and_all_of_it_stands_once_she_is_enrolled() {
    const MANY: usize = 1_100;
    let machine = Machine::only();
    let (vault, doctor) = (machine.vault(), PersonKeys::make(&mut rng(6)));
    let one_more = || {
        let ((), steps) = steps_of(|| sign_lines(vault, 1, staff_id(2), &doctor));
        steps.values().sum::<u64>()
    };
    sign_lines(vault, 30, staff_id(2), &doctor);
    let early = one_more();
    sign_lines(vault, MANY, staff_id(2), &doctor);
    let late = one_more();
    assert!(late < early + 50, "{early} steps became {late}");

    let verified = || {
        let facts = read(vault, |r| r.facts_of_patient(patient_id(1)));
        (facts.len(), facts.iter().filter(|fact| fact.verified).count())
    };
    assert_eq!(verified(), (MANY + 32, 0));
    enrol(vault, staff_id(2), &doctor);
    assert_eq!(verified(), (MANY + 32, MANY + 32));
}
