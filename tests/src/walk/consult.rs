//! Step 3: recording, transcript, draft. The words come out of real sound.

use anyhow::{Context, Result, ensure};
use serde_json::{Value, json};

use super::{Stage, consult_wav};
use crate::report::Report;

/// The doctor's part, up to the draft and the allergy that was named.
pub(super) fn consult(stage: &Stage, queued: &Value, report: &Report) -> Result<()> {
    report.chapter("3  Consult");
    let (room, visit) = (&stage.room, &queued["visit"]);
    room.call(
        "set_queue_state",
        json!({"entry": queued["entry"], "state": "in_consult"}),
    )?;
    let recording = room.call(
        "start_recording",
        json!({"visit": visit, "source": {"kind": "wav", "path": consult_wav(), "fast": true}}),
    )?;
    report.step("text appears while the sound runs", || {
        room.event(|line| (line["event"] == "recording_progress" && !line["of"]["turn"].is_null()).then_some(()))
    })?;
    let turns = report.step("85.8 s of speech are written down on the device", || {
        room.event(|line| match line["of"]["state"].as_str()? {
            _ if line["of"]["recording"] != recording => None,
            "done" => Some(Ok(())),
            "failed" => Some(Err(anyhow::anyhow!("transcription failed: {}", line["of"]["error"]))),
            _ => None,
        })??;
        let view = room.call("open_visit", json!({"visit": visit}))?;
        let turns = view["recordings"][0]["turns"]
            .as_array()
            .context("a recording has turns")?
            .clone();
        ensure!(turns.len() == 28, "{} turns instead of 28", turns.len());
        Ok(turns)
    })?;
    for turn in turns.iter().take(3) {
        report.detail(&format!(
            "{:>6} ms  {}: {}",
            turn["span"]["start_ms"], turn["speaker"], turn["text"]
        ));
    }
    report.leave("transcript.json", &serde_json::to_vec_pretty(&turns)?)?;
    let draft = report.step("a SOAP draft, each sentence pointing back to its seconds", || {
        let draft = room.call("propose_draft", json!({"visit": visit}))?;
        for part in ["subjective", "objective", "assessment", "plan"] {
            let sentences = draft["note"][part].as_array().context("a draft has four parts")?;
            ensure!(!sentences.is_empty(), "nothing was drafted for {part}");
            ensure!(
                sentences.iter().all(|sentence| sentence["source"]["end_ms"].is_u64()),
                "a sentence has no source"
            );
        }
        room.call("save_note", json!({"visit": visit, "note": draft["note"]}))?;
        room.call("save_vitals", json!({"visit": visit, "vitals": draft["vitals"]}))?;
        Ok(draft)
    })?;
    report.leave("draft.json", &serde_json::to_vec_pretty(&draft)?)?;
    let banner = room.call("patient_banner", json!({"patient": queued["patient"]}))?;
    if banner["allergies"]["status"] == "known" {
        return Ok(());
    }
    report.step("the allergy that she names is recorded by the doctor", || {
        let said = &draft["allergies"][0];
        room.call("record_allergy", json!({"input": {
            "patient": queued["patient"], "substance": said["substance"], "reaction": said["reaction"], "severity": "moderate",
        }}))
    })?;
    Ok(())
}
