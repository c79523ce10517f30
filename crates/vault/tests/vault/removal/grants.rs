//! Grants and enrolments while a removal is on its way.

use super::*;

fn record(vault: &Vault, by: u8, keys: &PersonKeys, body: FactBody) {
    let by = Some(staff_id(by));
    let draft = FactDraft { at: at(0), by, body };
    let bytes = draft.bytes_to_sign(&vault.tenant(), &vault.device()).unwrap();
    let signature = keys.sign(FACT_CONTEXT, &bytes);
    write(vault, |w| w.record_fact(&draft, Some(signature)).map(drop));
}

fn enrols(n: u8, device: DeviceId, keys: &PersonKeys) -> FactBody {
    FactBody::StaffEnrolled(StaffEnrolled {
        staff: staff_id(n),
        role: Role::Doctor,
        device,
        person_public: keys.public(),
    })
}

#[test]
fn a_signature_falls_with_the_enrolment_that_it_stood_on_and_rises_with_it() {
    let clinic = Clinic::with_devices(4);
    let [admin, lost, other, hearer] = [0, 1, 2, 3].map(|device| Machine::new(&clinic, device));
    let (admin, lost, other, hearer) = (admin.vault(), lost.vault(), other.vault(), hearer.vault());
    let (first, second) = (PersonKeys::make(&mut rng(5)), PersonKeys::make(&mut rng(6)));
    record(lost, 1, &first, enrols(1, lost.device(), &first));
    let early = take_outbox(lost);
    deliver(admin, early.clone());
    record(lost, 1, &first, enrols(2, other.device(), &second));
    let late = take_outbox(lost);
    let addendum = FactBody::Addendum(vault::Addendum {
        patient: patient_id(1),
        visit: visit_id(1),
        text: "rest".into(),
    });
    record(other, 2, &second, addendum);
    let written = take_outbox(other);
    let verified = |vault: &Vault| read(vault, |r| r.facts_of_visit(visit_id(1)))[0].verified;

    for vault in [admin, other, hearer] {
        deliver(vault, [early.clone(), written.clone()].concat());
    }
    assert!(!verified(other));
    deliver(other, late.clone());
    assert!(verified(other));
    remove(admin, lost.device());
    other.add_statements(&statements(admin)).unwrap();
    assert!(!verified(other));
    hearer.add_statements(&statements(admin)).unwrap();
    deliver(admin, late.clone());
    deliver(hearer, late);
    assert_same(admin, other);
    assert_same(hearer, other);
    take(admin, lost.device());
    hear_all(&[other, hearer], admin);
    assert!([admin, other, hearer].into_iter().all(verified));
    assert_same(hearer, other);
}

#[test]
fn what_the_relay_refused_for_want_of_a_statement_is_offered_again_when_one_comes() {
    let clinic = Clinic::with_devices(2);
    let (admin, other) = (Machine::new(&clinic, 0), Machine::new(&clinic, 1));
    write(other.vault(), |w| w.put_patient(&patient(1)));
    let waits = || {
        other
            .vault()
            .outbox(10, 1 << 20)
            .unwrap()
            .into_iter()
            .map(|item| item.id)
            .collect::<Vec<_>>()
    };
    let before = waits();
    other
        .vault()
        .mark_refused(&[(before[0], Refusal::UnknownDevice)])
        .unwrap();
    assert_eq!(waits(), []);
    make_admin(admin.vault(), other.vault().device());
    other.vault().add_statements(&statements(admin.vault())).unwrap();
    assert_eq!(waits(), before);
    assert_eq!(read(other.vault(), |r| r.sync_figures()).refused, 0);
}

pub fn agreement(n: u8, recipient: seal::TenantId) -> ConsentGranted {
    ConsentGranted {
        patient: patient_id(n),
        grant: GrantId::from_bytes([n; 16]),
        recipient,
        recipient_name: "Klinik Sentosa".into(),
        terms: ShareTerms {
            categories: vec![Category::Allergies],
            data_from: None,
            data_to: None,
            sensitive: Vec::new(),
            mode: AccessMode::Keep,
            purpose: Purpose::Treatment,
            until: day("2027-11-21"),
            erase_at: day("2027-11-21"),
            onward: false,
        },
        evidence: ConsentEvidence {
            form_version: "1".into(),
            language: ConsentLanguage::Malay,
            how: HowAgreed::Signed,
            signature_svg: "M0 0".into(),
            witness: "Dr 1".into(),
            guardian: None,
            signed_at: at(0),
        },
    }
}

/// A patient of the giver's agrees that the other clinic may have something: grant and fact in one write.
fn grant(giver: &Vault, n: u8, recipient: &Membership) -> Grant {
    write(giver, |w| {
        let belonging = w.belonging();
        let new = NewGrant {
            id: GrantId::from_bytes([n; 16]),
            recipient: recipient.tenant(),
            purpose: 0,
            mode: 1,
            from_ms: 0,
            until_ms: i64::MAX,
            erase_at_ms: i64::MAX,
        };
        let grant = Grant::make(new, belonging.tenant, b"terms", recipient, &belonging.keys, w.rng())?;
        w.send_grant(&grant)?;
        let body = FactBody::ConsentGranted(agreement(n, recipient.tenant()));
        let draft = FactDraft {
            at: at(0),
            by: None,
            body,
        };
        w.record_fact(&draft, None)?;
        Ok(grant)
    })
}

#[test]
fn a_rotation_while_a_grant_is_being_made_costs_neither_clinic_anything() {
    let (giving, receiving) = (Clinic::from_seed(5, 1), Clinic::from_seed(2, 2));
    let [one, two, three] = [0, 1, 2].map(|device| Machine::new(&giving, device));
    let (one, two, three) = (one.vault(), two.vault(), three.vault());
    let (recipient, lost) = (Machine::new(&receiving, 0), Machine::new(&receiving, 1));
    let (recipient, lost) = (recipient.vault(), lost.vault());
    make_admin(one, two.device());
    hear_all(&[two, three], one);

    // The giver's clinic: two rotations apart, and the grant is the first thing that is written after them.
    remove(one, giving.devices[3].id());
    remove(two, giving.devices[4].id());
    hear_all(&[three], one);
    hear_all(&[three], two);
    let n_statements = statements(three).len();
    let before = receiving.membership();
    let early = grant(three, 1, &before);
    assert_eq!(
        statements(three).len(),
        n_statements + 1,
        "in one write with the epoch that it needed"
    );
    two.add_statements(&statements(three)).unwrap();
    let fact = take_outbox(three);
    deliver(two, fact.clone());
    assert_eq!(read(two, |r| r.consents(patient_id(1))).len(), 1);
    assert!(!opens(&giving.devices[3], two, &fact[0]) && !opens(&giving.devices[4], two, &fact[0]));

    // The receiving clinic rotates before the grant, which was sealed for its older key, arrives.
    remove(recipient, lost.device());
    lost.add_statements(&statements(recipient)).unwrap();
    assert_eq!(
        early.open_terms(&recipient.belonging().epochs).unwrap().as_slice(),
        b"terms"
    );
    let now = recipient.belonging();
    assert_ne!(now.membership.clinic_key(), before.clinic_key());
    let late = grant(three, 2, &now.membership);
    assert!(late.open_terms(&now.epochs).is_ok());
    assert!(late.open_terms(&lost.belonging().epochs).is_err());
}
