//! Nur Aisyah's record at Klinik Sentosa, and random ones.

use domain::{
    Allergy, AllergyId, AllergyStatus, AllergyVerification, Celsius, Certainty, Day, Diagnosis, Frequency, Identifier,
    Instant, Kilograms, LineId, Milligrams, MillimetresOfMercury, MyKad, PrescriptionLine, Route, Sensitivity,
    Severity, Sex, Span, Speaker, StaffId, Turn, Vitals,
};
use fhir::{
    Author, IdentityCard, Shared, SharedDispensing, SharedMedicine, SharedNote, SharedReason, SharedRecord,
    SharedRecording, SharedVisit, SourceClinic,
};
use proptest::collection::vec;
use proptest::prelude::*;
use proptest::sample::select;

pub fn at(text: &str) -> Instant {
    Instant(text.parse().unwrap())
}

pub fn day(text: &str) -> Day {
    Day(text.parse().unwrap())
}

pub fn given<T>(value: T) -> Shared<T> {
    Shared::Given { value }
}

pub fn card() -> IdentityCard {
    IdentityCard {
        name: "Nur Aisyah binti Rahman".into(),
        identifier: Identifier::MyKad {
            number: MyKad::parse("980317145002").unwrap(),
        },
        birth_date: Some(day("1998-03-17")),
        sex: Sex::Female,
    }
}

pub fn clinic(letter: char) -> SourceClinic {
    SourceClinic {
        id: letter.to_string().repeat(64),
        name: format!("Klinik {}", letter.to_uppercase()),
        address: "12, Jalan Kenanga, 50000 Kuala Lumpur".into(),
        phone: "03-1234 5678".into(),
    }
}

pub fn doctor() -> Author {
    Author {
        name: "Dr Lim Wei <Chen> & Co".into(),
        registration: "MMC 12345".into(),
    }
}

pub fn visit() -> SharedVisit {
    SharedVisit {
        id: "0193a5f0-0000-7000-8000-000000000001".into(),
        started_at: at("2026-11-21T01:10:00Z"),
        signed_at: at("2026-11-21T01:25:30.5Z"),
        author: doctor(),
        note: SharedNote {
            subjective: vec!["Sore throat for three days.".into(), "Alah kepada penisilin.".into()],
            objective: vec!["Temperature 38.2 °C.".into()],
            assessment: vec!["Acute tonsillitis.".into()],
            plan: vec!["Azithromycin, paracetamol; return if worse.".into()],
        },
        diagnoses: vec![Diagnosis {
            text: "Acute tonsillitis".into(),
            icd10: Some("J03.9".into()),
        }],
        vitals: Vitals {
            temperature: Some(Celsius(38.2)),
            systolic: Some(MillimetresOfMercury(118.0)),
            diastolic: Some(MillimetresOfMercury(76.0)),
            weight: Some(Kilograms(58.0)),
            weight_on: Some(day("2026-11-12")),
        },
        sensitivity: vec![],
    }
}

pub fn line() -> PrescriptionLine {
    PrescriptionLine {
        id: LineId::from_bytes([3; 16]),
        drug_key: "amoxicillin-500mg-capsule".into(),
        drug_name: "Amoxicillin 500 mg capsule".into(),
        strength: Milligrams(500.0),
        unit: "capsule".into(),
        units_per_dose: 1.0,
        route: Route::Oral,
        frequency: Frequency::ThreeTimesDaily,
        when_needed: false,
        days: 5,
        quantity: 15,
        indication: "Tonsillitis".into(),
        advice: "Finish the course".into(),
        overrides: vec![],
    }
}

pub fn medicine() -> SharedMedicine {
    SharedMedicine {
        id: line().id.to_string(),
        visit: visit().id,
        line: line(),
        directions: "Take 1 capsule 3 times a day".into(),
        prescribed_at: at("2026-11-21T01:20:00Z"),
        prescriber: doctor(),
        reasons: vec![SharedReason {
            finding_key: "allergy:penicillins:amoxicillin".into(),
            reason: "Tolerated in March".into(),
            at: at("2026-11-21T01:21:00Z"),
        }],
        dispensed: vec![SharedDispensing {
            id: "0193a5f0-0000-7000-8000-0000000000d1".into(),
            at: at("2026-11-21T01:40:00Z"),
            by: Author {
                name: "Puan Siti".into(),
                registration: String::new(),
            },
            quantity: 15,
        }],
        sensitivity: vec![],
    }
}

pub fn allergy() -> Allergy {
    Allergy {
        id: AllergyId::from_bytes([5; 16]),
        substance: "Penicillin".into(),
        substance_key: Some("penicillins".into()),
        reaction: "rash".into(),
        severity: Severity::Moderate,
        verification: AllergyVerification::PatientReported,
        recorded_at: at("2026-11-21T01:05:00Z"),
        recorded_by: StaffId::from_bytes([7; 16]),
    }
}

pub fn recording() -> SharedRecording {
    SharedRecording {
        id: "0193a5f0-0000-7000-8000-0000000000a1".into(),
        visit: visit().id,
        recorded_at: at("2026-11-21T01:11:00Z"),
        duration_ms: 93_000,
        transcript: vec![Turn {
            span: Span {
                start_ms: 61_500,
                end_ms: 64_000,
            },
            speaker: Speaker::Patient,
            certainty: Certainty::Uncertain,
            language: Some("ms".into()),
            text: "Tekak saya sakit.".into(),
        }],
        sensitivity: vec![],
    }
}

/// What the journey's patient shares: encounters and prescriptions, not her allergies or recordings.
pub fn journey() -> SharedRecord {
    SharedRecord {
        card: card(),
        as_of: at("2026-11-21T02:00:00Z"),
        source: clinic('a'),
        onward: false,
        encounters: given(vec![visit()]),
        allergies: Shared::Withheld,
        prescriptions: given(vec![medicine()]),
        recordings: Shared::Withheld,
        not_understood: 0,
    }
}

/// Everything that there is, with a sensitive visit among it.
pub fn everything() -> SharedRecord {
    let mut sensitive = visit();
    sensitive.id = "0193a5f0-0000-7000-8000-000000000002".into();
    sensitive.sensitivity = vec![Sensitivity::MentalHealth];
    SharedRecord {
        onward: true,
        encounters: given(vec![visit(), sensitive]),
        allergies: given(AllergyStatus::Known {
            allergies: vec![allergy()],
        }),
        recordings: given(vec![recording()]),
        ..journey()
    }
}

fn words() -> impl Strategy<Value = String> {
    "[A-Za-z0-9<>&\"' é漢எ.]{0,12}[A-Za-z0-9]"
}

fn instants() -> impl Strategy<Value = Instant> {
    (0i64..4_000_000_000_000).prop_map(|ms| Instant::from_millisecond(ms).unwrap())
}

fn days() -> impl Strategy<Value = Day> {
    instants().prop_map(|it| domain::day_in_zone(it, "UTC"))
}

fn ids() -> impl Strategy<Value = [u8; 16]> {
    any::<[u8; 16]>()
}

fn authors() -> impl Strategy<Value = Author> {
    (words(), prop_oneof![Just(String::new()), words()]).prop_map(|(name, registration)| Author { name, registration })
}

fn sensitivities() -> impl Strategy<Value = Vec<Sensitivity>> {
    let all = vec![
        Sensitivity::MentalHealth,
        Sensitivity::SexualHealth,
        Sensitivity::Reproductive,
    ];
    proptest::sample::subsequence(all, 0..=3)
}

fn shared<T: std::fmt::Debug + Clone>(value: impl Strategy<Value = T>) -> impl Strategy<Value = Shared<T>> {
    prop_oneof![
        6 => value.prop_map(given),
        1 => Just(Shared::Withheld),
        1 => Just(Shared::Unavailable),
    ]
}

fn cards() -> impl Strategy<Value = IdentityCard> {
    let identifier = prop_oneof![
        "[0-9]{12}".prop_map(|digits| Identifier::MyKad {
            number: MyKad::parse(&digits).unwrap()
        }),
        ("[A-Z]{3}", words()).prop_map(|(country, number)| Identifier::Passport { country, number }),
        (words(), words()).prop_map(|(paper, number)| Identifier::Other { paper, number }),
        Just(Identifier::None),
    ];
    let sex = select(vec![Sex::Female, Sex::Male, Sex::Unknown]);
    (words(), identifier, proptest::option::of(days()), sex).prop_map(|(name, identifier, birth_date, sex)| {
        IdentityCard {
            name,
            identifier,
            birth_date,
            sex,
        }
    })
}

fn visits() -> impl Strategy<Value = SharedVisit> {
    let note = (
        vec(words(), 0..3),
        vec(words(), 0..3),
        vec(words(), 0..3),
        vec(words(), 0..3),
    )
        .prop_map(|(subjective, objective, assessment, plan)| SharedNote {
            subjective,
            objective,
            assessment,
            plan,
        });
    let diagnosis = (words(), proptest::option::of("[A-Z][0-9]{2}"));
    let diagnoses = vec(diagnosis.prop_map(|(text, icd10)| Diagnosis { text, icd10 }), 0..3);
    let measured = || proptest::option::of(0.5f64..300.0);
    let vitals = (
        measured(),
        measured(),
        measured(),
        proptest::option::of((0.5f64..300.0, proptest::option::of(days()))),
    )
        .prop_map(|(temperature, systolic, diastolic, weight)| Vitals {
            temperature: temperature.map(Celsius),
            systolic: systolic.map(MillimetresOfMercury),
            diastolic: diastolic.map(MillimetresOfMercury),
            weight: weight.map(|(kg, _)| Kilograms(kg)),
            weight_on: weight.and_then(|(_, on)| on),
        });
    (
        ids(),
        instants(),
        instants(),
        authors(),
        note,
        diagnoses,
        vitals,
        sensitivities(),
    )
        .prop_map(
            |(id, started_at, signed_at, author, note, diagnoses, vitals, sensitivity)| SharedVisit {
                id: LineId::from_bytes(id).to_string(),
                started_at,
                signed_at,
                author,
                note,
                diagnoses,
                vitals,
                sensitivity,
            },
        )
}

fn medicines() -> impl Strategy<Value = SharedMedicine> {
    let lines = (
        (ids(), words(), words(), 0.0f64..2000.0, words(), 0.0f64..50.0),
        select(vec![
            Route::Oral,
            Route::Topical,
            Route::Inhaled,
            Route::Eye,
            Route::Injection,
        ]),
        select(vec![
            Frequency::OnceDaily,
            Frequency::AtNight,
            Frequency::TwiceDaily,
            Frequency::ThreeTimesDaily,
            Frequency::FourTimesDaily,
            Frequency::EverySixHours,
            Frequency::EveryEightHours,
        ]),
        (any::<bool>(), any::<u16>(), any::<u32>(), words(), words()),
    )
        .prop_map(
            |((id, drug_key, drug_name, mg, unit, units), route, frequency, rest)| PrescriptionLine {
                id: LineId::from_bytes(id),
                drug_key,
                drug_name,
                strength: Milligrams(mg),
                unit,
                units_per_dose: units,
                route,
                frequency,
                when_needed: rest.0,
                days: rest.1,
                quantity: rest.2,
                indication: rest.3,
                advice: rest.4,
                overrides: vec![],
            },
        );
    let dispensings = vec((ids(), instants(), authors(), any::<u32>()), 0..3).prop_map(|all| {
        let dispensing = |(id, at, by, quantity)| {
            let id = LineId::from_bytes(id).to_string();
            SharedDispensing { id, at, by, quantity }
        };
        all.into_iter().map(dispensing).collect()
    });
    let reasons = proptest::option::of((words(), instants())).prop_map(|it| {
        let reason = |(reason, at)| SharedReason {
            finding_key: "interaction:aspirin:warfarin".into(),
            reason,
            at,
        };
        it.map(reason).into_iter().collect()
    });
    (
        lines,
        words(),
        words(),
        instants(),
        authors(),
        reasons,
        dispensings,
        sensitivities(),
    )
        .prop_map(
            |(line, visit, directions, prescribed_at, prescriber, reasons, dispensed, sensitivity)| SharedMedicine {
                id: line.id.to_string(),
                visit,
                line,
                directions,
                prescribed_at,
                prescriber,
                reasons,
                dispensed,
                sensitivity,
            },
        )
}

fn allergies() -> impl Strategy<Value = AllergyStatus> {
    let severity = select(vec![
        Severity::Unknown,
        Severity::Mild,
        Severity::Moderate,
        Severity::Severe,
        Severity::Anaphylaxis,
    ]);
    let verification = select(vec![
        AllergyVerification::PatientReported,
        AllergyVerification::Verified,
    ]);
    let reaction = prop_oneof![Just(String::new()), words()];
    let one = (
        ids(),
        words(),
        proptest::option::of(words()),
        reaction,
        severity,
        verification,
        instants(),
        ids(),
    )
        .prop_map(
            |(id, substance, substance_key, reaction, severity, verification, recorded_at, by)| Allergy {
                id: AllergyId::from_bytes(id),
                substance,
                substance_key,
                reaction,
                severity,
                verification,
                recorded_at,
                recorded_by: StaffId::from_bytes(by),
            },
        );
    prop_oneof![
        Just(AllergyStatus::NotAsked),
        days().prop_map(|asked_on| AllergyStatus::NoneKnown { asked_on }),
        vec(one, 1..3).prop_map(|allergies| AllergyStatus::Known { allergies }),
    ]
}

/// Any record that a source may make.
pub fn records() -> impl Strategy<Value = SharedRecord> {
    (
        cards(),
        instants(),
        any::<bool>(),
        shared(vec(visits(), 0..3)),
        shared(allergies()),
        shared(vec(medicines(), 0..3)),
        shared(Just(vec![recording()])),
    )
        .prop_map(
            |(card, as_of, onward, encounters, allergies, prescriptions, recordings)| SharedRecord {
                card,
                as_of,
                source: clinic('a'),
                onward,
                encounters,
                allergies,
                prescriptions,
                recordings,
                not_understood: 0,
            },
        )
}
