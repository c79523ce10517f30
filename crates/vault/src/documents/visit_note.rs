//! The words of a visit: its SOAP draft sentence by sentence, its diagnoses, and what was measured.

use domain::{Celsius, Diagnosis, Heard, Kilograms, MillimetresOfMercury, NoteSentence, SoapNote, Span, Vitals};

use super::{Edit, View};
use crate::VaultError;

pub(super) fn write_note(root: &mut Edit<'_>, note: &SoapNote) -> Result<(), VaultError> {
    let mut sections = root.map("note")?;
    for (section, sentences) in [
        ("subjective", &note.subjective),
        ("objective", &note.objective),
        ("assessment", &note.assessment),
        ("plan", &note.plan),
    ] {
        sections.list(
            section,
            sentences,
            &["text", "start_ms", "end_ms", "recording"],
            read_sentence,
            write_sentence,
        )?;
    }
    Ok(())
}

pub(super) fn read_note(root: &View<'_>) -> SoapNote {
    let Some(sections) = root.map("note") else {
        return SoapNote::default();
    };
    let sentences = |section| sections.items(section).iter().map(read_sentence).collect();
    SoapNote {
        subjective: sentences("subjective"),
        objective: sentences("objective"),
        assessment: sentences("assessment"),
        plan: sentences("plan"),
    }
}

fn read_sentence(fields: &View<'_>) -> NoteSentence {
    let heard = || {
        Some(Heard {
            recording: fields.parsed("recording"),
            start_ms: fields.number("start_ms")?,
            end_ms: fields.number("end_ms")?,
        })
    };
    NoteSentence {
        text: fields.words("text"),
        source: heard(),
    }
}

fn write_sentence(fields: &mut Edit<'_>, sentence: &NoteSentence) -> Result<(), VaultError> {
    fields.put("text", sentence.text.as_str())?;
    match sentence.source {
        Some(heard) => write_heard(fields, heard),
        None => Ok(()),
    }
}

fn write_heard(fields: &mut Edit<'_>, heard: Heard) -> Result<(), VaultError> {
    let Heard {
        recording,
        start_ms,
        end_ms,
    } = heard;
    write_span(fields, Span { start_ms, end_ms })?;
    match recording {
        Some(recording) => fields.put("recording", recording.to_string()),
        None => Ok(()),
    }
}

pub(super) fn write_span(fields: &mut Edit<'_>, span: Span) -> Result<(), VaultError> {
    fields.put("start_ms", i64::from(span.start_ms))?;
    fields.put("end_ms", i64::from(span.end_ms))
}

pub(super) fn write_diagnoses(root: &mut Edit<'_>, diagnoses: &[Diagnosis]) -> Result<(), VaultError> {
    root.list(
        "diagnoses",
        diagnoses,
        &["text", "icd10"],
        read_diagnosis,
        |fields, diagnosis| {
            fields.put("text", diagnosis.text.as_str())?;
            fields.put_or_remove("icd10", diagnosis.icd10.as_deref())
        },
    )
}

pub(super) fn read_diagnoses(root: &View<'_>) -> Vec<Diagnosis> {
    root.items("diagnoses").iter().map(read_diagnosis).collect()
}

fn read_diagnosis(fields: &View<'_>) -> Diagnosis {
    Diagnosis {
        text: fields.words("text"),
        icd10: fields.text("icd10"),
    }
}

pub(super) fn write_vitals(root: &mut Edit<'_>, vitals: &Vitals) -> Result<(), VaultError> {
    let mut fields = root.map("vitals")?;
    fields.put_or_remove("temperature_c", vitals.temperature.map(|value| value.0))?;
    fields.put_or_remove("systolic_mmhg", vitals.systolic.map(|value| value.0))?;
    fields.put_or_remove("diastolic_mmhg", vitals.diastolic.map(|value| value.0))?;
    fields.put_or_remove("weight_kg", vitals.weight.map(|value| value.0))?;
    fields.put_or_remove("weight_on", vitals.weight_on.map(|day| day.to_string()))
}

pub(super) fn read_vitals(root: &View<'_>) -> Vitals {
    let Some(fields) = root.map("vitals") else {
        return Vitals::default();
    };
    Vitals {
        temperature: fields.float("temperature_c").map(Celsius),
        systolic: fields.float("systolic_mmhg").map(MillimetresOfMercury),
        diastolic: fields.float("diastolic_mmhg").map(MillimetresOfMercury),
        weight: fields.float("weight_kg").map(Kilograms),
        weight_on: fields.day("weight_on"),
    }
}
