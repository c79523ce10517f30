//! Steps 4 to 6: the relay is killed, the mains fail, and everything goes on.

use anyhow::{Context, Result, ensure};
use serde_json::{Value, json};
use testkit::UpsScene;

use super::{Stage, line_for};
use crate::{people::SERI_MAWAR, report::Report};

/// Prescribing, signing, another walk-in and a power cut without a relay; then it comes back.
pub(super) fn without_relay(mut stage: Stage, queued: &Value, report: &Report) -> Result<Stage> {
    report.chapter("4  The relay is killed in the middle of it all");
    report.step("kill -9 of the relay", || stage.relay.kill())?;
    let (room, visit) = (&stage.room, &queued["visit"]);
    report.step("amoxicillin raises an alert that wants a reason; paracetamol does not", || {
        let amoxicillin = line_for(room, "amoxicillin", "three_times_daily", 1.0, 5)?;
        let input = json!({"input": {"visit": visit, "line": amoxicillin, "reasons": []}});
        let code = room.refusal("prescribe", input)?;
        ensure!(code == "reason_needed", "amoxicillin answered {code}");
        let findings = room.call("check_line", json!({"visit": visit, "line": amoxicillin}))?;
        let serious: Vec<&Value> = findings.as_array().context("findings")?.iter().filter(|f| f["level"] == "serious").collect();
        report.detail(&format!("{} ({})", serious[0]["key"], serious[0]["source"]));
        let reasons: Vec<Value> = serious
            .iter()
            .map(|f| json!({"finding_key": f["key"], "reason": "Rash at age 4 only, tolerated since; observed for 30 minutes"}))
            .collect();
        room.call("prescribe", json!({"input": {"visit": visit, "line": amoxicillin, "reasons": reasons}}))?;
        let paracetamol = line_for(room, "paracetamol 500", "every_six_hours", 2.0, 3)?;
        room.call("prescribe", json!({"input": {"visit": visit, "line": paracetamol, "reasons": []}}))
    })?;
    report.step("the doctor signs with her PIN", || {
        let code = room.refusal("sign_note", json!({"visit": visit, "pin": "000000"}))?;
        ensure!(code == "wrong_pin", "a wrong PIN answered {code}");
        room.call("sign_note", json!({"visit": visit, "pin": SERI_MAWAR.owner.pin}))
    })?;
    report.step("nothing can edit the signed note", || {
        let note = json!({"subjective": [], "objective": [], "assessment": [], "plan": []});
        let code = room.refusal("save_note", json!({"visit": visit, "note": note}))?;
        ensure!(code == "signed", "an edit answered {code}");
        Ok(())
    })?;
    report.step("the counter goes on: another walk-in, another token", || {
        stage.counter.call("register_and_queue", json!({
            "patient": {
                "name": "Tan Mei Ling", "identifier": {"kind": "none"},
                "birth_date": "1987-05-02", "sex": "female", "phone": "", "address": {"lines": "", "postcode": "", "town": "", "state": ""},
            },
            "reason": "Sakit kepala", "doctor": null,
        }))
    })?;
    report.chapter("5  Mains fail");
    stage.ups.set(UpsScene::Battery);
    report.step(
        "the UPS goes on battery: the status bar shows it, the store is checkpointed",
        || {
            stage.counter.until("status", &json!({}), |status| {
                (status["power"]["state"] == "battery").then_some(())
            })
        },
    )?;
    stage.ups.set(UpsScene::Mains);
    report.chapter("6  The relay comes back");
    let pending = stage.room.call("status", json!({}))?["sync"]["pending"].clone();
    report.detail(&format!("saved in the room and not yet sent: {pending}"));
    stage.relay = report.step("the relay starts again on its own data", || stage.relay.start_again())?;
    report.step("both devices of clinic A have sent everything", || {
        for device in [&stage.room, &stage.counter] {
            device.until("status", &json!({}), |status| {
                (status["sync"]["connected"] == true && status["sync"]["pending"] == 0).then_some(())
            })?;
        }
        Ok(())
    })?;
    Ok(stage)
}
