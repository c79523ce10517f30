//! The draft: of the demo consult, of arbitrary turns, and of real consultations where they are present.

mod inventions;

use std::collections::BTreeSet;
use std::fmt::Write;

use domain::{Certainty, Heard, NoteSentence, SoapNote, Span, Speaker, Turn};
use proptest::prelude::*;
use scribe::draft::{mentioned_allergies, suggested_vitals};
use scribe::{Drafter, RuleDrafter};

use crate::support::{self, truth};

fn sections(note: &SoapNote) -> [(&str, &Vec<NoteSentence>); 4] {
    [
        ("S", &note.subjective),
        ("O", &note.objective),
        ("A", &note.assessment),
        ("P", &note.plan),
    ]
}

fn shown(note: &SoapNote) -> String {
    let mut text = String::new();
    for (name, sentences) in sections(note) {
        for sentence in sentences {
            let span = sentence.source.unwrap();
            writeln!(
                text,
                "{name} [{:6.2}..{:6.2}] {}",
                f64::from(span.start_ms) / 1e3,
                f64::from(span.end_ms) / 1e3,
                sentence.text
            )
            .unwrap();
        }
    }
    text
}

fn turns(said: &[(Speaker, &str)]) -> Vec<Turn> {
    let turn = |(n, (speaker, text)): (usize, &(Speaker, &str))| Turn {
        span: Span {
            start_ms: n as u32 * 1_000,
            end_ms: n as u32 * 1_000 + 900,
        },
        speaker: *speaker,
        certainty: Certainty::Uncertain,
        language: None,
        text: (*text).to_owned(),
    };
    said.iter().enumerate().map(turn).collect()
}

fn draft(said: &[(Speaker, &str)]) -> SoapNote {
    RuleDrafter.draft(&turns(said)).unwrap()
}

fn texts(sentences: &[NoteSentence]) -> Vec<&str> {
    sentences.iter().map(|sentence| sentence.text.as_str()).collect()
}

#[test]
fn the_demo_consult_is_drafted() {
    insta::assert_snapshot!(shown(&RuleDrafter.draft(&truth()).unwrap()));
}

#[test]
fn the_demo_consult_is_drafted_alike_when_nobody_is_named() {
    let mut unnamed = truth();
    unnamed.iter_mut().for_each(|turn| turn.speaker = Speaker::Unknown);
    insta::assert_snapshot!(shown(&RuleDrafter.draft(&unnamed).unwrap()));
}

#[test]
fn vitals_and_allergies_of_the_demo_consult_are_offered() {
    let vitals = suggested_vitals(&truth());
    assert_eq!(vitals.temperature.map(|x| x.0), Some(38.2));
    assert_eq!(
        (vitals.systolic.map(|x| x.0), vitals.diastolic.map(|x| x.0)),
        (Some(130.0), Some(80.0))
    );
    assert_eq!((vitals.weight, vitals.weight_on), (None, None));
    let [allergy] = mentioned_allergies(&truth()).try_into().unwrap();
    assert_eq!(
        (allergy.substance_text.as_str(), allergy.reaction.as_deref()),
        ("penicillin", Some("rash"))
    );
    assert_eq!(allergy.span, truth()[7].span);
}

#[test]
fn vitals_are_read_however_they_are_said() {
    use Speaker::{Doctor, Patient};
    let check =
        |said: &str, written: &[&str]| assert_eq!(texts(&draft(&[(Doctor, said)]).objective), written, "{said}");
    check("Your temperature is 38.2 degrees.", &["T 38.2 °C"]);
    check("Suhu awak tiga puluh lapan perpuluhan dua darjah.", &["T 38.2 °C"]);
    check("Blood pressure 130/80.", &["BP 130/80"]);
    check(
        "Tekanan darah awak seratus tiga puluh atas lapan puluh.",
        &["BP 130/80"],
    );
    check(
        "Your blood pressure is one hundred and five over seventy, good.",
        &["BP 105/70"],
    );
    check("Your weight is sixty two point five kilograms.", &["Weight 62.5 kg"]);
    check("The temperature is one hundred and two.", &[]);
    check("Bend it ninety degrees.", &[]);
    check("We were over eighty people.", &[]);
    // A question measures nothing, and what a patient measured at home is her story.
    check("Is your temperature thirty nine degrees?", &[]);
    assert_eq!(
        suggested_vitals(&turns(&[(Patient, "My temperature was thirty nine degrees.")])),
        domain::Vitals::default()
    );
}

#[test]
fn negations_are_kept() {
    use Speaker::{Doctor, Patient};
    let note = draft(&[(Patient, "I have no fever and I do not cough.")]);
    assert_eq!(texts(&note.subjective), ["I have no fever and I do not cough."]);
    let note = draft(&[(Doctor, "Any chest pain?"), (Patient, "No.")]);
    assert_eq!(texts(&note.subjective), ["Any chest pain? No."]);
    assert_eq!(
        note.subjective[0].source,
        Some(Heard {
            recording: None,
            start_ms: 0,
            end_ms: 1_900
        })
    );
    let note = draft(&[(Doctor, "Your lungs are clear, no wheeze.")]);
    assert_eq!(texts(&note.objective), ["Lungs are clear, no wheeze."]);
    let note = draft(&[(Doctor, "This is not an infection.")]);
    assert_eq!(texts(&note.assessment), ["This is not an infection."]);
}

#[test]
fn a_question_alone_and_small_talk_are_not_drafted() {
    use Speaker::{Doctor, Patient};
    let note = draft(&[
        (Doctor, "Good morning, how are you?"),
        (Patient, "That is better than last month."),
        (Doctor, "Do you have a fever?"),
        (Patient, "The bus was late."),
    ]);
    assert!(note.is_empty(), "{}", shown(&note));
}

#[test]
fn allergies_that_are_denied_or_asked_about_are_none() {
    use Speaker::{Doctor, Patient};
    let check = |said: &[(Speaker, &str)], told: &[(&str, Option<&str>)]| {
        let mentioned = mentioned_allergies(&turns(said));
        let mentioned: Vec<_> = mentioned
            .iter()
            .map(|m| (m.substance_text.as_str(), m.reaction.as_deref()))
            .collect();
        assert_eq!(mentioned, told, "{said:?}");
    };
    check(&[(Doctor, "Are you allergic to any medicine?"), (Patient, "No.")], &[]);
    check(&[(Patient, "I am not allergic to penicillin.")], &[]);
    check(&[(Patient, "I am allergic to something.")], &[]);
    check(
        &[(Patient, "Saya alah kepada penisilin, badan jadi gatal.")],
        &[("penisilin", Some("gatal"))],
    );
    check(&[(Patient, "Saya tidak alah kepada penisilin.")], &[]);
    check(
        &[(Patient, "I am allergic to sulfa drugs and I get hives.")],
        &[("sulfa drugs", Some("hives"))],
    );
    check(&[(Patient, "I am allergic to aspirin.")], &[("aspirin", None)]);
    check(
        &[(Patient, "I am allergic to prawns. I do not get a rash.")],
        &[("prawns", None)],
    );
}
