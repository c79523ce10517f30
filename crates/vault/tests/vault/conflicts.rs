//! What was written apart and a person must judge: shown with whose it is, decided once, equal everywhere.

use domain::{AllergyStatus, DispensingId, Field, Identifier, MyKad, Severity, Vitals};
use seal::{ChangeId, PersonKeys};
use vault::{
    Choice, Dispensed, DispensedItem, Disputed, FACT_CONTEXT, FactBody, FactDraft, Matter, NoteSigned, Reversal,
    StaffEnrolled, Vault, VaultError,
};

use crate::snapshots::only_snapshots;
use crate::world::*;

fn matters(vault: &Vault) -> Vec<Matter> {
    let matters = read(vault, |r| r.matters(None));
    let counted = read(vault, |r| r.sync_figures()).conflicts;
    assert_eq!(counted, matters.len() as u64, "the count is the list's");
    matters
}

fn disputed(vault: &Vault) -> Disputed {
    match &matters(vault)[..] {
        [Matter::Disputed(one)] => one.clone(),
        other => panic!("{other:?}"),
    }
}

fn texts(disputed: &Disputed) -> Vec<&str> {
    let mut texts: Vec<&str> = disputed.values.iter().map(|value| value.text.as_str()).collect();
    texts.sort_unstable();
    texts
}

fn side_of(disputed: &Disputed, text: &str) -> Choice {
    let value = disputed.values.iter().find(|value| value.text == text).unwrap();
    Choice::Side(value.side.clone())
}

fn as_staff<T>(vault: &Vault, n: u8, f: impl FnOnce(&mut vault::Writing<'_>) -> Result<T, VaultError>) -> T {
    vault.write(Some(staff_id(n)), f).unwrap()
}

/// Two devices that both know of one moderate allergy of patient 1.
fn one_allergy() -> (Clinic, Machine, Machine) {
    let clinic = Clinic::with_devices(2);
    let (one, two) = (Machine::new(&clinic, 0), Machine::new(&clinic, 1));
    write(one.vault(), |w| {
        w.record_allergy(patient_id(1), &allergy(1, Severity::Unknown))
    });
    exchange(one.vault(), two.vault());
    (clinic, one, two)
}

#[test]
fn two_severities_are_shown_with_whose_they_are_and_the_worse_counts_until_somebody_decides() {
    let (_clinic, one, two) = one_allergy();
    as_staff(one.vault(), 1, |w| {
        w.record_allergy(patient_id(1), &allergy(1, Severity::Mild))
    });
    as_staff(two.vault(), 2, |w| {
        w.record_allergy(patient_id(1), &allergy(1, Severity::Anaphylaxis))
    });
    exchange(one.vault(), two.vault());
    assert_same(one.vault(), two.vault());

    for vault in [one.vault(), two.vault()] {
        let open = disputed(vault);
        assert_eq!((open.field, open.of.as_str()), (Field::Severity, "Penicillin"));
        assert_eq!(texts(&open), ["anaphylaxis", "mild"]);
        for value in &open.values {
            let (staff, device) = match value.text.as_str() {
                "mild" => (staff_id(1), one.vault().device()),
                _ => (staff_id(2), two.vault().device()),
            };
            assert_eq!((value.by.staff, value.by.device), (Some(staff), Some(device)));
            assert_eq!(value.by.at, Some(at(0)), "the still clock of this world");
        }
        assert_eq!(severities(vault), [Severity::Anaphylaxis]);
    }

    let choice = side_of(&disputed(one.vault()), "mild");
    let key = disputed(one.vault()).key;
    write(one.vault(), |w| w.decide(&key, &choice));
    exchange(one.vault(), two.vault());
    assert_same(one.vault(), two.vault());
    for vault in [one.vault(), two.vault()] {
        assert_eq!(matters(vault), []);
        assert_eq!(severities(vault), [Severity::Mild]);
        vault.rebuild().unwrap();
        assert_eq!(matters(vault), []);
    }
    let again = two.vault().write(None, |w| w.decide(&key, &choice));
    assert!(matches!(again, Err(VaultError::NotFound("conflict"))), "{again:?}");
}

fn severities(vault: &Vault) -> Vec<Severity> {
    match read(vault, |r| r.allergies(patient_id(1))) {
        AllergyStatus::Known { allergies } => allergies.iter().map(|one| one.severity).collect(),
        other => panic!("{other:?}"),
    }
}

#[test]
fn once_a_snapshot_has_taken_a_change_its_device_is_still_known() {
    let clinic = Clinic::with_devices(3);
    let (one, two, three) = (
        Machine::new(&clinic, 0),
        Machine::new(&clinic, 1),
        Machine::new(&clinic, 2),
    );
    write(one.vault(), |w| {
        w.record_allergy(patient_id(1), &allergy(1, Severity::Unknown))
    });
    exchange(one.vault(), two.vault());
    as_staff(one.vault(), 1, |w| {
        w.record_allergy(patient_id(1), &allergy(1, Severity::Mild))
    });
    as_staff(two.vault(), 2, |w| {
        w.record_allergy(patient_id(1), &allergy(1, Severity::Severe))
    });
    exchange(one.vault(), two.vault());
    one.vault().snapshot_everything().unwrap();
    let made = take_outbox(one.vault());
    deliver(two.vault(), made.clone());
    while two.vault().housekeeping(8).unwrap().more {}
    let all: Vec<_> = made.into_iter().chain(take_outbox(two.vault())).collect();
    deliver(three.vault(), only_snapshots(&all));

    let open = disputed(three.vault());
    assert_eq!(texts(&open), ["mild", "severe"]);
    for value in &open.values {
        let device = if value.text == "mild" { &one } else { &two }.vault().device();
        assert_eq!((value.by.staff, value.by.device), (None, Some(device)));
    }
    write(three.vault(), |w| w.decide(&open.key, &side_of(&open, "severe")));
    assert_eq!(matters(three.vault()), []);
}

#[test]
fn a_third_value_that_a_person_types_ends_it_and_nonsense_is_refused() {
    let (_clinic, one, two) = one_allergy();
    write(one.vault(), |w| {
        w.record_allergy(patient_id(1), &allergy(1, Severity::Mild))
    });
    write(two.vault(), |w| {
        w.record_allergy(patient_id(1), &allergy(1, Severity::Severe))
    });
    exchange(one.vault(), two.vault());
    let key = disputed(one.vault()).key;
    for nonsense in [
        Choice::Typed("rather bad".into()),
        Choice::Side("00".repeat(32)),
        Choice::Side(String::new()),
    ] {
        let refused = one.vault().write(None, |w| w.decide(&key, &nonsense));
        assert!(matches!(refused, Err(VaultError::NotFound("value"))), "{refused:?}");
    }
    for key in [
        "",
        "clinic name",
        "patient/1/allergies entries/x/severity",
        &format!("{key}/more"),
    ] {
        let refused = one
            .vault()
            .write(None, |w| w.decide(key, &Choice::Typed("mild".into())));
        assert!(matches!(refused, Err(VaultError::NotFound("conflict"))), "{refused:?}");
    }
    write(one.vault(), |w| w.decide(&key, &Choice::Typed("moderate".into())));
    exchange(one.vault(), two.vault());
    assert_same(one.vault(), two.vault());
    assert_eq!(matters(two.vault()), []);
    assert_eq!(severities(two.vault()), [Severity::Moderate]);
}

#[test]
fn two_decisions_made_apart_are_one_more_matter_and_equal_ones_are_none() {
    let (_clinic, one, two) = one_allergy();
    write(one.vault(), |w| {
        w.record_allergy(patient_id(1), &allergy(1, Severity::Mild))
    });
    write(two.vault(), |w| {
        w.record_allergy(patient_id(1), &allergy(1, Severity::Severe))
    });
    exchange(one.vault(), two.vault());
    let key = disputed(one.vault()).key;
    write(one.vault(), |w| w.decide(&key, &Choice::Typed("mild".into())));
    write(two.vault(), |w| w.decide(&key, &Choice::Typed("anaphylaxis".into())));
    exchange(one.vault(), two.vault());
    assert_same(one.vault(), two.vault());
    assert_eq!(texts(&disputed(one.vault())), ["anaphylaxis", "mild"]);

    write(one.vault(), |w| w.decide(&key, &Choice::Typed("moderate".into())));
    write(two.vault(), |w| w.decide(&key, &Choice::Typed("moderate".into())));
    exchange(one.vault(), two.vault());
    assert_same(one.vault(), two.vault());
    assert_eq!(matters(one.vault()), []);
}

#[test]
fn of_an_allergy_whose_substance_was_written_apart_both_substances_stand() {
    let (_clinic, one, two) = one_allergy();
    let (mut sulfa, mut aspirin) = (allergy(1, Severity::Severe), allergy(1, Severity::Severe));
    (sulfa.substance, sulfa.substance_key) = ("Sulfa".into(), Some("sulfonamides".into()));
    (aspirin.substance, aspirin.substance_key) = ("Aspirin".into(), Some("aspirin".into()));
    write(one.vault(), |w| w.record_allergy(patient_id(1), &sulfa));
    write(two.vault(), |w| w.record_allergy(patient_id(1), &aspirin));
    exchange(one.vault(), two.vault());
    assert_same(one.vault(), two.vault());
    let AllergyStatus::Known { allergies } = read(one.vault(), |r| r.allergies(patient_id(1))) else {
        panic!("none");
    };
    let mut named: Vec<_> = allergies
        .iter()
        .map(|one| (one.substance.as_str(), one.substance_key.as_deref()))
        .collect();
    named.sort_unstable();
    assert_eq!(named, [("Aspirin", Some("aspirin")), ("Sulfa", Some("sulfonamides"))]);
    assert_ne!(allergies[0].id, allergies[1].id);
    let open = disputed(one.vault());
    assert_eq!(open.field, Field::Substance);
    // The key goes with the word.
    write(one.vault(), |w| w.decide(&open.key, &side_of(&open, "Sulfa")));
    let AllergyStatus::Known { allergies } = read(one.vault(), |r| r.allergies(patient_id(1))) else {
        panic!("none");
    };
    assert_eq!(allergies, [sulfa]);
}

#[test]
fn an_identity_number_is_chosen_with_its_paper() {
    let clinic = Clinic::with_devices(2);
    let (one, two) = (Machine::new(&clinic, 0), Machine::new(&clinic, 1));
    write(one.vault(), |w| w.put_patient(&patient(1)));
    exchange(one.vault(), two.vault());
    let (mut by_card, mut by_passport) = (patient(1), patient(1));
    by_card.identifier = Identifier::MyKad {
        number: MyKad::parse("900101145599").unwrap(),
    };
    by_passport.identifier = Identifier::Passport {
        country: "SGP".into(),
        number: "E1234567".into(),
    };
    write(one.vault(), |w| w.put_patient(&by_card));
    write(two.vault(), |w| w.put_patient(&by_passport));
    exchange(one.vault(), two.vault());
    assert_same(one.vault(), two.vault());
    let open = disputed(one.vault());
    assert_eq!(open.field, Field::Identifier);
    let mut shown: Vec<_> = open
        .values
        .iter()
        .map(|value| (value.beside.clone().unwrap(), value.text.clone()))
        .collect();
    shown.sort();
    assert_eq!(
        shown,
        [
            ("my_kad".to_owned(), "900101145599".to_owned()),
            ("passport".to_owned(), "E1234567".to_owned())
        ]
    );
    write(two.vault(), |w| w.decide(&open.key, &side_of(&open, "E1234567")));
    exchange(one.vault(), two.vault());
    let now = read(one.vault(), |r| r.patient(patient_id(1))).unwrap();
    assert_eq!(now.identifier, by_passport.identifier);
    assert_eq!(matters(one.vault()), []);
}

#[test]
fn a_dose_and_a_weight_are_judged_until_the_visit_is_signed() {
    let clinic = Clinic::with_devices(2);
    let (one, two) = (Machine::new(&clinic, 0), Machine::new(&clinic, 1));
    write(one.vault(), |w| {
        w.open_visit(&visit(1))?;
        w.put_line(visit_id(1), &line(1))
    });
    exchange(one.vault(), two.vault());
    let (mut less, mut more) = (line(1), line(1));
    less.units_per_dose = 1.0;
    more.units_per_dose = 4.0;
    more.advice = "with water".into(); // what only one side wrote is no dispute
    let weighed = |kg| Vitals {
        weight: Some(domain::Kilograms(kg)),
        ..Vitals::default()
    };
    write(one.vault(), |w| {
        w.put_line(visit_id(1), &less)?;
        w.put_vitals(visit_id(1), &weighed(12.0))
    });
    write(two.vault(), |w| {
        w.put_line(visit_id(1), &more)?;
        w.put_vitals(visit_id(1), &weighed(21.0))
    });
    exchange(one.vault(), two.vault());
    assert_same(one.vault(), two.vault());
    let open = matters(one.vault());
    let fields: Vec<_> = open
        .iter()
        .map(|matter| match matter {
            Matter::Disputed(one) => (one.field, texts(one).join(" ")),
            other => panic!("{other:?}"),
        })
        .collect();
    assert_eq!(
        fields,
        [
            (Field::UnitsPerDose, "1 4".to_owned()),
            (Field::Weight, "12 21".to_owned())
        ]
    );
    let key = match &open[0] {
        Matter::Disputed(one) => one.key.clone(),
        other => panic!("{other:?}"),
    };
    write(one.vault(), |w| w.put_note(visit_id(1), &note(&["as it stands"])));
    sign(one.vault(), 1, "as it stands", &PersonKeys::make(&mut rng(5)));
    assert_eq!(matters(one.vault()), []);
    let late = one.vault().write(None, |w| w.decide(&key, &Choice::Typed("2".into())));
    assert!(matches!(late, Err(VaultError::Signed)), "{late:?}");
}

#[test]
fn an_allergy_that_one_removes_while_another_edits_it_counts_until_somebody_decides() {
    for put_back in [true, false] {
        let (_clinic, one, two) = one_allergy();
        as_staff(one.vault(), 1, |w| {
            w.remove_allergy(patient_id(1), allergy(1, Severity::Mild).id)
        });
        as_staff(two.vault(), 2, |w| {
            w.record_allergy(patient_id(1), &allergy(1, Severity::Severe))
        });
        assert_eq!(
            read(one.vault(), |r| r.allergies(patient_id(1))),
            AllergyStatus::NotAsked
        );
        exchange(one.vault(), two.vault());
        assert_same(one.vault(), two.vault());
        assert_eq!(severities(one.vault()), [Severity::Severe]);
        let [Matter::Removed(open)] = &matters(one.vault())[..] else {
            panic!("{:?}", matters(one.vault()));
        };
        assert_eq!(open.of, "Penicillin");
        assert_eq!(
            open.edited,
            [(Field::Severity, "unknown".to_owned(), "severe".to_owned())]
        );
        assert_eq!(open.removed_by.unwrap().staff, Some(staff_id(1)));
        assert_eq!(open.edited_by.unwrap().staff, Some(staff_id(2)));
        write(two.vault(), |w| w.decide_removed(&open.key, put_back));
        exchange(one.vault(), two.vault());
        assert_same(one.vault(), two.vault());
        assert_eq!(matters(one.vault()), []);
        let status = read(one.vault(), |r| r.allergies(patient_id(1)));
        assert_eq!(status == AllergyStatus::NotAsked, !put_back, "{status:?}");
    }
}

#[test]
fn a_line_that_one_removes_while_another_edits_it_is_a_proposal_and_no_prescription() {
    let clinic = Clinic::with_devices(2);
    let (one, two) = (Machine::new(&clinic, 0), Machine::new(&clinic, 1));
    write(one.vault(), |w| {
        w.open_visit(&visit(1))?;
        w.put_line(visit_id(1), &line(1))?;
        w.put_line(visit_id(1), &line(2))
    });
    exchange(one.vault(), two.vault());
    let mut longer = line(1);
    longer.days = 7;
    write(one.vault(), |w| {
        w.remove_line(visit_id(1), line(1).id)?;
        w.remove_line(visit_id(1), line(2).id)
    });
    write(two.vault(), |w| w.put_line(visit_id(1), &longer));
    exchange(one.vault(), two.vault());
    assert_same(one.vault(), two.vault());
    assert_eq!(read(one.vault(), |r| r.visit(visit_id(1))).unwrap().lines, []);
    let [Matter::Removed(open)] = &matters(two.vault())[..] else {
        panic!("only what was edited apart: {:?}", matters(two.vault()));
    };
    assert_eq!(open.edited, [(Field::Days, "3".to_owned(), "7".to_owned())]);
    write(one.vault(), |w| w.decide_removed(&open.key, true));
    exchange(one.vault(), two.vault());
    assert_eq!(read(two.vault(), |r| r.visit(visit_id(1))).unwrap().lines, [longer]);
    // Undo of a removal: the line is simply written again.
    write(one.vault(), |w| w.put_line(visit_id(1), &line(2)));
    assert_eq!(read(one.vault(), |r| r.visit(visit_id(1))).unwrap().lines.len(), 2);
    assert_eq!(matters(one.vault()), []);
}

/// Signs the visit as it stands, with these words.
fn sign(vault: &Vault, visit: u8, words: &str, keys: &PersonKeys) -> ChangeId {
    let draft = read(vault, |r| r.visit(visit_id(visit))).unwrap();
    let body = FactBody::NoteSigned(NoteSigned {
        patient: draft.patient,
        visit: draft.id,
        note: note(&[words]),
        diagnoses: draft.diagnoses,
        vitals: draft.vitals,
        lines: draft.lines,
        sensitivity: draft.sensitivity,
    });
    record(vault, 1, body, keys)
}

fn record(vault: &Vault, ms: i64, body: FactBody, keys: &PersonKeys) -> ChangeId {
    let by = Some(staff_id(1));
    let draft = FactDraft { at: at(ms), by, body };
    let bytes = draft.bytes_to_sign(&vault.tenant(), &vault.device()).unwrap();
    let signature = keys.sign(FACT_CONTEXT, &bytes);
    vault
        .write::<_, VaultError>(by, |w| w.record_fact(&draft, Some(signature)))
        .unwrap()
}

fn enrol(vault: &Vault, keys: &PersonKeys) {
    let enrolled = StaffEnrolled {
        staff: staff_id(1),
        role: domain::Role::Doctor,
        device: vault.device(),
        person_public: keys.public(),
    };
    record(vault, 0, FactBody::StaffEnrolled(enrolled), keys);
}

fn reversal(vault: &Vault, ms: i64, reverses: ChangeId, keys: &PersonKeys) {
    let body = Reversal {
        patient: patient_id(1),
        visit: visit_id(1),
        reverses,
        reason: "handed over twice".into(),
    };
    record(vault, ms, FactBody::Reversal(body), keys);
}

#[test]
fn a_late_edit_of_a_signed_draft_is_proposed_until_it_is_settled_and_a_later_one_again() {
    let clinic = Clinic::with_devices(2);
    let (one, two) = (Machine::new(&clinic, 0), Machine::new(&clinic, 1));
    write(one.vault(), |w| {
        w.open_visit(&visit(1))?;
        w.put_line(visit_id(1), &line(1))?;
        w.put_note(visit_id(1), &note(&["fever"]))
    });
    exchange(one.vault(), two.vault());
    sign(one.vault(), 1, "fever", &PersonKeys::make(&mut rng(5)));
    assert_eq!(matters(one.vault()), [], "what is signed as drafted is no matter");
    write(two.vault(), |w| {
        w.put_note(visit_id(1), &note(&["fever", "and a cough"]))?;
        w.put_line(visit_id(1), &line(2))?;
        w.set_sensitivity(visit_id(1), &[domain::Sensitivity::SexualHealth])
    });
    let second = take_outbox(two.vault());
    write(two.vault(), |w| {
        w.put_note(visit_id(1), &note(&["fever", "and a cough", "and more"]))
    });
    let third = take_outbox(two.vault());
    deliver(one.vault(), second);
    let seen = read(one.vault(), |r| r.visit(visit_id(1))).unwrap();
    assert_eq!(seen.lines, [line(1)], "the signature holds");
    assert_eq!(
        seen.sensitivity,
        [domain::Sensitivity::SexualHealth],
        "a mark only keeps more to the clinic"
    );
    let [Matter::LateEdit { edit, .. }] = &matters(one.vault())[..] else {
        panic!("{:?}", matters(one.vault()));
    };
    assert_eq!(edit.note, note(&["fever", "and a cough"]));
    assert_eq!(edit.lines, [line(1), line(2)]);

    write(one.vault(), |w| w.settle_draft(visit_id(1)));
    assert_eq!(matters(one.vault()), []);
    deliver(one.vault(), third);
    assert_eq!(matters(one.vault()).len(), 1, "written apart from the settling too");
    write(one.vault(), |w| w.settle_draft(visit_id(1)));
    exchange(one.vault(), two.vault());
    assert_same(one.vault(), two.vault());
    assert_eq!(matters(two.vault()), []);
    assert_eq!(
        read(two.vault(), |r| r.visit(visit_id(1))).unwrap().note,
        note(&["fever"])
    );
}

fn dispensed(vault: &Vault, ms: i64, serial: &str, lines: &[u8], keys: &PersonKeys) -> ChangeId {
    let items = lines.iter().map(|n| DispensedItem {
        line: line(*n),
        quantity: 18,
        batch: None,
    });
    let body = Dispensed {
        patient: patient_id(1),
        visit: visit_id(1),
        dispensing: DispensingId::from_bytes([u8::try_from(ms).unwrap(); 16]),
        serial: serial.to_owned(),
        items: items.collect(),
    };
    record(vault, ms, FactBody::Dispensed(body), keys)
}

fn serials(vault: &Vault) -> Vec<String> {
    let given = read(vault, |r| r.dispensings(visit_id(1)));
    given.into_iter().map(|(_, one)| one.serial).collect()
}

#[test]
fn of_two_handings_over_one_is_reversed_and_two_reversals_made_apart_leave_one_standing() {
    let clinic = Clinic::with_devices(2);
    let (one, two) = (Machine::new(&clinic, 0), Machine::new(&clinic, 1));
    let keys = PersonKeys::make(&mut rng(5));
    write(one.vault(), |w| w.open_visit(&visit(1)));
    exchange(one.vault(), two.vault());
    for machine in [&one, &two] {
        enrol(machine.vault(), &keys);
    }
    let first = dispensed(one.vault(), 2, "A0001", &[1, 2], &keys);
    let partly = dispensed(one.vault(), 3, "A0002", &[3], &keys);
    let second = dispensed(two.vault(), 4, "B0001", &[1], &keys);
    assert_eq!(matters(one.vault()), [], "one after the other is no matter");
    exchange(one.vault(), two.vault());
    assert_same(one.vault(), two.vault());
    for vault in [one.vault(), two.vault()] {
        let [Matter::DispensedTwice { dispensings, .. }] = &matters(vault)[..] else {
            panic!("{:?}", matters(vault));
        };
        let ids: Vec<_> = dispensings.iter().map(|(fact, _)| fact.id).collect();
        assert_eq!(ids, [first, second]);
        assert!(!read(vault, |r| r.may_reverse(visit_id(1), &partly)));
    }

    reversal(one.vault(), 5, second, &keys);
    assert_eq!(matters(one.vault()), []);
    assert_eq!(serials(one.vault()), ["A0001", "A0002"]);
    reversal(two.vault(), 6, first, &keys);
    exchange(one.vault(), two.vault());
    assert_same(one.vault(), two.vault());
    for vault in [one.vault(), two.vault()] {
        assert_eq!(
            serials(vault),
            ["A0001", "A0002"],
            "the first reversal holds, the other says nothing"
        );
        assert_eq!(read(vault, |r| r.reversals(visit_id(1))).len(), 1);
        assert_eq!(matters(vault), []);
    }
    let book = read(one.vault(), |r| {
        r.prescription_book(day("2026-01-01"), day("2026-12-31"))
    });
    assert_eq!(book.len(), 3, "nothing leaves the Prescription Book");
}

#[test]
fn a_reversal_that_nobody_who_stands_has_signed_takes_nothing_back() {
    let machine = Machine::only();
    let (vault, keys) = (machine.vault(), PersonKeys::make(&mut rng(5)));
    enrol(vault, &keys);
    let first = dispensed(vault, 2, "A0001", &[1], &keys);
    dispensed(vault, 3, "A0002", &[1], &keys);
    reversal(vault, 4, first, &PersonKeys::make(&mut rng(6)));
    assert_eq!(serials(vault), ["A0001", "A0002"]);
    assert_eq!(matters(vault).len(), 1);
}

#[test]
fn of_two_signatures_the_one_that_is_left_counts_and_the_last_one_cannot_be_reversed() {
    let clinic = Clinic::with_devices(2);
    let (one, two) = (Machine::new(&clinic, 0), Machine::new(&clinic, 1));
    let keys = PersonKeys::make(&mut rng(5));
    write(one.vault(), |w| {
        w.open_visit(&visit(1))?;
        w.put_note(visit_id(1), &note(&["second"]))
    });
    exchange(one.vault(), two.vault());
    for machine in [&one, &two] {
        enrol(machine.vault(), &keys);
    }
    let first = sign(one.vault(), 1, "first", &keys);
    let second = sign(two.vault(), 1, "second", &keys);
    exchange(one.vault(), two.vault());
    assert_same(one.vault(), two.vault());
    let [Matter::SignedTwice { signatures, .. }] = &matters(one.vault())[..] else {
        panic!("{:?}", matters(one.vault()));
    };
    assert_eq!(signatures.len(), 2);
    let settled = one.vault().write(None, |w| w.settle_draft(visit_id(1)));
    assert!(settled.is_err(), "which of the two, somebody has to say first");

    reversal(two.vault(), 5, first, &keys);
    reversal(two.vault(), 6, second, &keys);
    exchange(one.vault(), two.vault());
    assert_same(one.vault(), two.vault());
    let visit = read(one.vault(), |r| r.visit(visit_id(1))).unwrap();
    assert_eq!(visit.note, note(&["second"]));
    assert_eq!(
        visit.signed.iter().map(|signed| signed.fact).collect::<Vec<_>>(),
        [second]
    );
    assert_eq!(matters(one.vault()), []);
}
