//! Step 7: she agrees to share visits and medicines with clinic B, and changes her mind.

use anyhow::{Result, ensure};
use serde_json::{Value, json};

use super::Stage;
use crate::{
    network::{self, text},
    people::SERI_MAWAR,
    report::Report,
};

/// Gives the grant.
pub(super) fn share(stage: &Stage, queued: &Value, report: &Report) -> Result<Value> {
    report.chapter("8  Consent");
    network::sign_in(&stage.counter, &SERI_MAWAR.owner)?;
    let today = jiff::Timestamp::now()
        .to_zoned(jiff::tz::TimeZone::get("Asia/Kuala_Lumpur")?)
        .date();
    let end = today.saturating_add(jiff::Span::new().years(1));
    let grant = report.step("she grants clinic B her visits and medicines, not her recordings or allergies", || {
        stage.counter.call("grant_consent", json!({"input": {
            "patient": queued["patient"], "clinic": stage.sentosa_tenant,
            "terms": {
                "categories": ["encounters", "prescriptions"], "data_from": null, "data_to": null, "sensitive": [],
                "mode": "keep", "purpose": "treatment", "until": end, "erase_at": end, "onward": false,
            },
            "evidence": {
                "form_version": "2026-11", "language": "ms", "signature_svg": "M10 40 C 40 10 60 70 90 40 S 140 20 160 44",
                "witness": SERI_MAWAR.staff[1].name, "guardian": null, "signed_at": jiff::Timestamp::now(),
            },
        }}))
    })?;
    let received = report.step("clinic B has exactly these, and shows them", || {
        stage.sentosa.until("network", &json!({}), |network| {
            let row = network["received"]
                .as_array()?
                .iter()
                .find(|row| row["grant"] == grant["id"])?
                .clone();
            (row["n_entries"].as_u64()? >= 3).then_some(row)
        })
    })?;
    ensure!(
        received["categories"] == json!(["encounters", "prescriptions"]),
        "shared: {}",
        received["categories"]
    );
    ensure!(
        received["withheld"] == json!(["allergies", "audio"]),
        "withheld: {}",
        received["withheld"]
    );
    report.step("the same as a FHIR R4 document, with what was withheld marked", || {
        stage.sentosa.call("open_shared", json!({"grant": grant["id"]}))?;
        let bundle = stage.sentosa.call("export_fhir", json!({"grant": grant["id"]}))?;
        let bundle = text(&bundle)?;
        ensure!(
            bundle.contains("\"withheld\""),
            "the bundle does not say what was withheld"
        );
        ensure!(
            !bundle.contains("AllergyIntolerance"),
            "an allergy crossed without consent"
        );
        report.leave("shared-with-clinic-b.fhir.json", bundle.as_bytes())?;
        Ok(())
    })?;
    Ok(grant)
}

/// She changes her mind.
pub(super) fn revoke(stage: &Stage, grant: &Value, report: &Report) -> Result<()> {
    report.step("she revokes: clinic B has nothing more, its copies are gone", || {
        stage.counter.call(
            "revoke_consent",
            json!({"grant": grant["id"], "reason": "Patient asked at the counter"}),
        )?;
        stage.sentosa.until("network", &json!({}), |network| {
            let rows = network["received"].as_array()?;
            rows.iter().all(|row| row["grant"] != grant["id"]).then_some(())
        })?;
        let code = stage.sentosa.refusal("open_shared", json!({"grant": grant["id"]}))?;
        ensure!(
            code == "grant_over" || code == "nothing_received" || code == "not_found",
            "opening answered {code}"
        );
        Ok(())
    })
}

/// The audit of both clinics tells all of it.
pub(super) fn tell_audit(stage: &Stage, report: &Report) -> Result<()> {
    report.chapter("9  Audit");
    for (name, device) in [("clinic-a", &stage.counter), ("clinic-b", &stage.sentosa)] {
        let rows = report.step(&format!("the audit of {name} tells of the relay's side too"), || {
            device.until("audit", &json!({"patient": null}), |rows| {
                let list = rows.as_array()?;
                list.iter().any(|row| row["from_relay"] == true).then(|| rows.clone())
            })
        })?;
        for row in rows.as_array().into_iter().flatten().take(4) {
            report.detail(&format!("{} {} {}", row["at"], row["who"], row["action"]));
        }
        report.leave(&format!("audit-{name}.json"), &serde_json::to_vec_pretty(&rows)?)?;
    }
    Ok(())
}
