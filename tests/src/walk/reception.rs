//! Step 2: a walk-in at the counter, seen in the room.

use anyhow::Result;
use serde_json::{Value, json};

use super::Stage;
use crate::{
    network,
    people::{PATIENT_MYKAD, PATIENT_NAME, PATIENT_PHONE, SERI_MAWAR},
    report::Report,
};

/// Gives the visit.
pub(super) fn register(stage: &Stage, report: &Report) -> Result<Value> {
    report.chapter("2  Reception");
    network::sign_in(&stage.counter, &SERI_MAWAR.staff[1])?;
    let read = report.step(
        "the MyKad number says birthday and sex, and warns where it looks odd",
        || stage.counter.call("read_mykad", json!({"text": PATIENT_MYKAD})),
    )?;
    report.detail(&format!(
        "{} → born {}, {}, warnings {}",
        read["formatted"], read["birth_date"], read["sex"], read["warnings"]
    ));
    if let Some(known) = read["existing"].as_object() {
        let input = json!({"input": {"patient": known["id"], "reason": "Demam dan batuk 3 hari", "doctor": null}});
        let queued = report.step("she is known from the last run, and gets a new token", || {
            stage.counter.call("queue_patient", input)
        })?;
        return seen_in_the_room(stage, queued, report);
    }
    let queued = report.step("a walk-in is registered and gets a token", || {
        stage.counter.call("register_and_queue", json!({
            "patient": {
                "name": PATIENT_NAME,
                "identifier": {"kind": "my_kad", "number": PATIENT_MYKAD.replace('-', "")},
                "birth_date": read["birth_date"], "sex": read["sex"], "phone": PATIENT_PHONE,
                "address": {"lines": "3 Jalan Kenanga", "postcode": "46050", "town": "Petaling Jaya", "state": "Selangor"},
            },
            "reason": "Demam dan batuk 3 hari", "doctor": null,
        }))
    })?;
    seen_in_the_room(stage, queued, report)
}

fn seen_in_the_room(stage: &Stage, queued: Value, report: &Report) -> Result<Value> {
    report.detail(&format!("token {}", queued["token"]));
    report.step("the doctor's device shows her", || {
        stage.room.until("today", &json!({}), |today| {
            today["rows"]
                .as_array()?
                .iter()
                .any(|row| row["visit"] == queued["visit"])
                .then_some(())
        })
    })?;
    Ok(queued)
}
