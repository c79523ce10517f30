//! A patient's whole day, step by step, on headless devices, the real relay, a virtual printer and a virtual UPS.

use std::{
    path::{Path, PathBuf},
    time::Duration,
};

use anyhow::{Context, Result, ensure};
use domain::LineId;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use testkit::{PrinterMode, UpsScene, VirtualPrinter, VirtualUps};

use crate::{
    hand::Device,
    network::{self, text},
    people::{PATIENT_MYKAD, PATIENT_NAME, PATIENT_PHONE, SENTOSA, SERI_MAWAR},
    relay::Relay,
    report::Report,
    same_set::the_same_set,
};

/// The demo consult: real sound, made for this project.
pub fn consult_wav() -> PathBuf {
    demo_folder().join("consult/consult.wav")
}

/// The demo model: a real Whisper file that knows this one consult.
pub fn demo_model() -> PathBuf {
    demo_folder().join("model/ggml-micro-consult-q5_0.bin")
}

fn demo_folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../crates/scribe/demo")
}

/// Everything that takes part.
pub struct Stage {
    /// The relay.
    pub relay: Relay,
    /// Clinic A's counter: reception and pharmacy, with printer and UPS.
    pub counter: Device,
    /// Clinic A's consulting room.
    pub room: Device,
    /// Clinic B's only device.
    pub sentosa: Device,
    /// Clinic B's tenant id.
    pub sentosa_tenant: String,
    /// The label printer at the counter.
    pub printer: VirtualPrinter,
    /// The UPS at the counter.
    pub ups: VirtualUps,
}

/// The whole day. Data below `data`, results below the report's folder.
pub fn walk(data: &Path, report: &Report) -> Result<()> {
    let mut stage = open(data, report)?;
    let visit = register(&stage, report)?;
    consult(&stage, &visit, report)?;
    stage = without_relay(stage, &visit, report)?;
    dispense(&stage, &visit, report)?;
    let grant = share(&stage, &visit, report)?;
    revoke(&stage, &grant, report)?;
    tell_audit(&stage, report)?;
    same_everywhere(stage, report)
}

/// What a second run needs to know of the first.
#[derive(Serialize, Deserialize)]
struct Made {
    port: u16,
    sentosa_tenant: String,
}

/// Step 1: operator, clinics, devices, people; on a second run the same ones again.
pub fn open(data: &Path, report: &Report) -> Result<Stage> {
    let made = data.join("made.json");
    let stage = match std::fs::read(&made) {
        Ok(bytes) => reopen(data, &serde_json::from_slice(&bytes)?, report)?,
        Err(_) => {
            // A first run that was cut off left half a network behind: nobody has worked with it yet.
            if data.exists() {
                std::fs::remove_dir_all(data)?;
            }
            let stage = found(data, report)?;
            let known = Made {
                port: stage.relay.port(),
                sentosa_tenant: stage.sentosa_tenant.clone(),
            };
            std::fs::write(&made, serde_json::to_vec(&known)?)?;
            stage
        }
    };
    report.step("a label printer and a UPS are set at the counter", || {
        let settings = json!({"printer": stage.printer.url(), "ups": stage.ups.path(), "label_language": "ms"});
        use_settings(&stage.counter, &settings)?;
        stage.counter.until("status", &json!({}), |status| {
            (status["power"]["state"] == "mains").then_some(())
        })
    })?;
    for (device, owner) in [(&stage.room, &SERI_MAWAR.owner), (&stage.sentosa, &SENTOSA.owner)] {
        network::sign_in(device, owner)?;
    }
    stage.ups.set(UpsScene::Mains);
    Ok(stage)
}

fn reopen(data: &Path, made: &Made, report: &Report) -> Result<Stage> {
    report.chapter("1  The network of the last run");
    let pass = network::passphrase_file(data)?;
    let relay = report.step("the relay starts again", || {
        Relay::start(&data.join("relay"), made.port)
    })?;
    let start = |name: &str| Device::start(&data.join(name), &pass);
    let (counter, room, sentosa) = report.step("three devices open their stores", || {
        Ok((start("counter")?, start("room")?, start("sentosa")?))
    })?;
    network::sign_in(&counter, &SERI_MAWAR.owner)?;
    let earlier = counter.call("search_patients", json!({"query": ""}))?;
    report.detail(&format!(
        "patients of the last run: {}",
        earlier.as_array().map_or(0, Vec::len)
    ));
    let (printer, ups) = cables(report)?;
    Ok(Stage {
        relay,
        counter,
        room,
        sentosa,
        sentosa_tenant: made.sentosa_tenant.clone(),
        printer,
        ups,
    })
}

fn found(data: &Path, report: &Report) -> Result<Stage> {
    report.chapter("1  A relay, two clinics, three devices");
    let pass = network::passphrase_file(data)?;
    let relay = report.step("the relay listens on this machine", || {
        Relay::start(&data.join("relay"), 0)
    })?;
    let (first, second) = report.step("the operator makes two clinics and prints two invitations", || {
        Ok((relay.add_clinic(SERI_MAWAR.name)?, relay.add_clinic(SENTOSA.name)?))
    })?;
    let counter = report.step(
        "clinic A's counter joins by its invitation, makes its keys, keeps its kit, hires",
        || {
            let device = Device::start(&data.join("counter"), &pass)?;
            network::found(&device, &first, &SERI_MAWAR)?;
            Ok(device)
        },
    )?;
    report.step("the used invitation opens nothing a second time", || {
        let thief = Device::start(&data.join("thief"), &pass)?;
        let input = json!({"input": {
            "invitation": first, "clinic_name": "X", "address": {"lines": "x", "postcode": "1", "town": "x", "state": "x"},
            "phone": "0", "owner_name": "X", "owner_registration": "", "pin": "975310",
            "protection": {"kind": "passphrase", "passphrase": "a long enough one"},
        }});
        let code = thief.refusal("join_clinic", input)?;
        ensure!(code == "invitation_refused", "refused with {code}");
        Ok(())
    })?;
    let room = report.step("the consulting room's laptop is paired by a code", || {
        let device = Device::start(&data.join("room"), &pass)?;
        network::pair(&counter, &device)?;
        network::sign_in(&device, &SERI_MAWAR.owner)?;
        device.call("import_model", json!({"path": demo_model()}))?;
        use_settings(&device, &json!({"model": "ggml-micro-consult-q5_0.bin"}))?;
        Ok(device)
    })?;
    let (sentosa, sentosa_tenant) = report.step("clinic B joins on a device of its own", || {
        let device = Device::start(&data.join("sentosa"), &pass)?;
        let tenant = network::found(&device, &second, &SENTOSA)?;
        Ok((device, tenant))
    })?;
    report.step("the two clinics read each other's card", || {
        network::introduce(&counter, &sentosa)
    })?;
    let (printer, ups) = cables(report)?;
    Ok(Stage {
        relay,
        counter,
        room,
        sentosa,
        sentosa_tenant,
        printer,
        ups,
    })
}

/// What hangs at the counter's cables.
fn cables(report: &Report) -> Result<(VirtualPrinter, VirtualUps)> {
    let labels = report.folder().join("labels");
    std::fs::create_dir_all(&labels)?;
    Ok((
        VirtualPrinter::start(&labels, PrinterMode::Normal)?,
        VirtualUps::start()?,
    ))
}

/// Changes some of a device's settings.
pub fn use_settings(device: &Device, changed: &Value) -> Result<()> {
    let mut settings = device.call("device_settings", json!({}))?;
    for (name, value) in changed.as_object().context("settings are an object")? {
        settings[name] = value.clone();
    }
    device.call("save_device_settings", json!({"settings": settings}))?;
    Ok(())
}

/// Step 2: a walk-in at the counter, seen in the room. Gives the visit.
pub fn register(stage: &Stage, report: &Report) -> Result<Value> {
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

/// Step 3: recording, transcript, draft. The words come out of real sound.
pub fn consult(stage: &Stage, queued: &Value, report: &Report) -> Result<()> {
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

/// Steps 4 to 6, the room's part: the relay is killed, and everything goes on.
pub fn without_relay(mut stage: Stage, queued: &Value, report: &Report) -> Result<Stage> {
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

/// A prescription line for the first product that `query` finds.
pub fn line_for(device: &Device, query: &str, frequency: &str, units: f64, days: u16) -> Result<Value> {
    let products = device.call("search_products", json!({"query": query}))?;
    let product = products
        .get(0)
        .with_context(|| format!("no product is called {query}"))?;
    let now = domain::Instant(jiff::Timestamp::now());
    Ok(json!({
        "id": LineId::make(now, &mut rand::rng()), "drug_key": product["key"], "drug_name": product["name"],
        "strength": product["strength_mg"], "unit": product["unit"], "units_per_dose": units, "route": product["route"],
        "frequency": frequency, "when_needed": false, "days": days, "quantity": 24, "indication": "Demam",
        "advice": "", "overrides": [],
    }))
}

/// Step 4, the pharmacist's part.
pub fn dispense(stage: &Stage, queued: &Value, report: &Report) -> Result<()> {
    report.chapter("7  Pharmacy");
    let (counter, visit) = (&stage.counter, &queued["visit"]);
    let farid = &SERI_MAWAR.staff[0];
    network::sign_in(counter, farid)?;
    report.step(
        "the signed prescription is in the dispensing queue, with the doctor's reason",
        || {
            counter.until("dispensing_queue", &json!({}), |rows| {
                let row = rows.as_array()?.iter().find(|row| row["visit"] == *visit)?;
                (row["n_overridden"].as_u64()? > 0).then_some(())
            })
        },
    )?;
    let view = counter.call("open_dispense", json!({"visit": visit}))?;
    let lines: Vec<Value> = view["lines"]
        .as_array()
        .context("lines")?
        .iter()
        .map(|line| line["checked"]["line"]["id"].clone())
        .collect();
    report.step("two labels are printed as ESC/POS over TCP", || {
        counter.call("print_labels", json!({"visit": visit, "lines": lines}))?;
        let printed = stage.printer.wait_for_labels(lines.len(), Duration::from_secs(20));
        ensure!(printed.len() == lines.len(), "{} labels came out", printed.len());
        for label in &printed {
            report.detail(&format!("→ {}", label.display()));
        }
        Ok(())
    })?;
    report.step("the pharmacist hands over, with his PIN", || {
        counter.call(
            "hand_over",
            json!({"input": {"visit": visit, "lines": lines, "pin": farid.pin}}),
        )
    })?;
    Ok(())
}

/// Step 7: she agrees to share visits and medicines with clinic B. Gives the grant.
pub fn share(stage: &Stage, queued: &Value, report: &Report) -> Result<Value> {
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
pub fn revoke(stage: &Stage, grant: &Value, report: &Report) -> Result<()> {
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
pub fn tell_audit(stage: &Stage, report: &Report) -> Result<()> {
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

/// The devices are closed, and what each holds is compared with the relay, change by change.
pub fn same_everywhere(stage: Stage, report: &Report) -> Result<()> {
    report.chapter("10  Nothing lost");
    let Stage {
        relay,
        counter,
        room,
        sentosa,
        ..
    } = stage;
    for device in [&counter, &room] {
        device.until("status", &json!({}), |status| {
            (status["sync"]["pending"] == 0).then_some(())
        })?;
    }
    report.step(
        "both devices of clinic A and the relay hold the same set of changes",
        || {
            let (one, other) = (counter.data().to_path_buf(), room.data().to_path_buf());
            let tenant = counter.call("session", json!({}))?["tenant"].clone();
            counter.finish()?;
            room.finish()?;
            let held = the_same_set(&relay, text(&tenant)?, &one, &other)?;
            report.detail(&format!("{held} changes"));
            Ok(())
        },
    )?;
    sentosa.finish()
}
