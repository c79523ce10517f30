//! The middle of a busy afternoon, for pictures: one consult that is open, one that waits at the pharmacy, an agreement,
//! and a full waiting room.

use anyhow::{Context, Result};
use serde_json::{Value, json};

use crate::{
    demo::DemoNetwork,
    hand::Device,
    network::sign_in,
    people::SERI_MAWAR,
    walk::{consult_wav, line_for},
};

/// Who is where.
pub struct Afternoon {
    /// Queue row of the patient whose consult is open.
    pub in_consult: Value,
    /// Queue row of the patient whose medicines wait.
    pub at_pharmacy: Value,
}

/// Works on the demo's device until it looks so.
pub fn afternoon(network: &DemoNetwork) -> Result<Afternoon> {
    let desk = Device::start(&network.desk, &network.passphrase)?;
    sign_in(&desk, &SERI_MAWAR.owner)?;
    let rows = desk.call("today", json!({}))?["rows"].clone();
    let row = |n: usize| rows.get(n).cloned().context("the demo's waiting room is full");
    let (in_consult, at_pharmacy) = (row(1)?, row(0)?);
    for seen in [&at_pharmacy, &in_consult] {
        consult(&desk, seen)?;
    }
    let visit = &at_pharmacy["visit"];
    desk.call("sign_note", json!({"visit": visit, "pin": SERI_MAWAR.owner.pin}))?;
    agree(&desk, &at_pharmacy)?;
    for n in [3, 4] {
        let called = row(n)?;
        desk.call("set_queue_state", json!({"entry": called["entry"], "state": "called"}))?;
    }
    let left = row(5)?;
    desk.call("set_queue_state", json!({"entry": left["entry"], "state": "left"}))?;
    desk.finish()?;
    Ok(Afternoon {
        in_consult,
        at_pharmacy,
    })
}

fn consult(desk: &Device, row: &Value) -> Result<()> {
    let (patient, visit) = (&row["patient"], &row["visit"]);
    desk.call("set_queue_state", json!({"entry": row["entry"], "state": "in_consult"}))?;
    desk.call(
        "record_allergy",
        json!({"input": {"patient": patient, "substance": "penicillin", "reaction": "Ruam, bengkak bibir", "severity": "severe"}}),
    )?;
    let source = json!({"kind": "wav", "path": consult_wav(), "fast": true});
    let recording = desk.call("start_recording", json!({"visit": visit, "source": source}))?;
    desk.event(|line| (line["of"]["recording"] == recording && line["of"]["state"] == "done").then_some(()))?;
    let draft = desk.call("propose_draft", json!({"visit": visit}))?;
    desk.call("save_note", json!({"visit": visit, "note": draft["note"]}))?;
    desk.call("save_vitals", json!({"visit": visit, "vitals": draft["vitals"]}))?;
    let diagnosis = json!([{"text": "Acute pharyngitis", "icd10": "J02.9"}]);
    desk.call("save_diagnoses", json!({"visit": visit, "diagnoses": diagnosis}))?;
    let amoxicillin = line_for(desk, "amoxicillin", "three_times_daily", 1.0, 5)?;
    let findings = desk.call("check_line", json!({"visit": visit, "line": amoxicillin}))?;
    let serious = findings
        .as_array()
        .context("findings")?
        .iter()
        .filter(|finding| finding["level"] == "serious");
    let reasons: Vec<Value> = serious
        .map(|finding| json!({"finding_key": finding["key"], "reason": "Skin test negative 2024; observed for 30 minutes"}))
        .collect();
    desk.call(
        "prescribe",
        json!({"input": {"visit": visit, "line": amoxicillin, "reasons": reasons}}),
    )?;
    let paracetamol = line_for(desk, "paracetamol 500", "every_six_hours", 2.0, 3)?;
    desk.call(
        "prescribe",
        json!({"input": {"visit": visit, "line": paracetamol, "reasons": []}}),
    )?;
    Ok(())
}

fn agree(desk: &Device, row: &Value) -> Result<()> {
    let network = desk.call("network", json!({}))?;
    let clinic = &network["clinics"][0]["tenant"];
    let end = jiff::Zoned::now().date().saturating_add(jiff::Span::new().years(1));
    desk.call(
        "grant_consent",
        json!({"input": {
            "patient": row["patient"], "clinic": clinic,
            "terms": {
                "categories": ["encounters", "prescriptions"], "data_from": null, "data_to": null, "sensitive": [],
                "mode": "keep", "purpose": "treatment", "until": end, "erase_at": end, "onward": false,
            },
            "evidence": {
                "form_version": "2026-11", "language": "ms", "signature_svg": "M10 40 C 40 10 60 70 90 40 S 140 20 160 44",
                "witness": SERI_MAWAR.owner.name, "guardian": null, "signed_at": jiff::Timestamp::now(),
            },
        }}),
    )?;
    Ok(())
}
