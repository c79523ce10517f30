//! What was written apart and a person must judge: shown with whose it is, decided once, equal everywhere.

mod signed;

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
        vault.made_again();
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
