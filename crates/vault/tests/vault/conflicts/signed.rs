//! What was signed or handed over twice, and edits that come after a signature.

use super::*;

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
