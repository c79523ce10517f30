//! What no single device shows: work written apart, a tablet that was put out, sound on another device, a copied disk.
//! All of it is made by real devices through the clinic's verbs.

use std::{
    fs,
    path::{Path, PathBuf},
    time::Instant,
};

use anyhow::{Context, Result, ensure};
use serde_json::{Value, json};
use testkit::copy_folder;

use crate::{
    child::PATIENCE,
    clinics::{all_sent, fill},
    demo::DemoNetwork,
    hand::Device,
    network::{pair, sign_in, text},
    people::{PASSPHRASE, SERI_MAWAR},
    walk::{consult_wav, demo_model, use_settings},
    window::Window,
};

/// Patients of a clinic whose records take a while to come, and what has come of them in bytes when today's work is there.
const OTHERS: usize = 1_500;
const BEFORE_THE_LINE_BROKE: u64 = 1_200_000;

/// Folders of devices, and queue rows of patients whose screens show it.
pub struct Apart {
    /// The clinic's second device; closed.
    tablet: PathBuf,
    /// One that was put out with work that it had not sent.
    pub put_out: PathBuf,
    /// A copy of the counter's disk.
    pub copied: PathBuf,
    /// A clinic whose kit nobody has confirmed.
    pub new_clinic: PathBuf,
    /// Nothing yet.
    pub unused: PathBuf,
    /// An allergy with two severities.
    pub two_severities: Value,
    /// A note signed on both devices.
    pub signed_twice: Value,
    /// A signed visit whose sound is on the tablet.
    pub recorded: Value,
}

impl Apart {
    /// Makes it around the demo's device, which has worked an afternoon already.
    pub fn make(network: &mut DemoNetwork, home: &Path) -> Result<Self> {
        let desk = Device::start(&network.desk, &network.passphrase)?;
        sign_in(&desk, &SERI_MAWAR.owner)?;
        let rows = desk.call("today", json!({}))?["rows"].clone();
        let row = |n: usize| rows.get(n).cloned().context("the demo's waiting room is full");
        let (allergic, twice, late, warm, recorded) = (row(6)?, row(7)?, row(8)?, row(9)?, row(10)?);
        for seen in [&twice, &late] {
            write(&desk, seen, &["Demam dan batuk 3 hari. Tiada sesak nafas."])?;
        }
        allergy(&desk, &allergic, "unknown")?;

        let tablet = join(&desk, network, &home.join("tablet"), "Bilik 2")?;
        let old = join(&desk, network, &home.join("old"), "Tablet lama")?;
        old.call("skip_model", json!({}))?;
        for device in [&tablet, &old] {
            knows(device, "open_visit", &json!({"visit": late["visit"]}), |visit| {
                visit["note"]["note"]["subjective"].get(0).is_some()
            })?;
            knows(
                device,
                "patient_banner",
                &json!({"patient": allergic["patient"]}),
                |banner| banner["allergies"]["status"] == "known",
            )?;
        }
        record(&tablet, &recorded)?;
        for device in [&desk, &tablet, &old] {
            all_sent(device)?;
        }

        network.cut_relay()?;
        for device in [&desk, &tablet, &old] {
            device.until("status", &json!({}), |status| {
                (status["sync"]["connected"] == false).then_some(())
            })?;
        }
        allergy(&desk, &allergic, "mild")?;
        allergy(&tablet, &allergic, "anaphylaxis")?;
        temperature(&desk, &warm, 38.4)?;
        temperature(&tablet, &warm, 39.1)?;
        sign(&desk, &twice)?;
        write(
            &tablet,
            &twice,
            &["Demam dan batuk 3 hari. Tiada sesak nafas.", "Tekak merah."],
        )?;
        sign(&tablet, &twice)?;
        sign(&desk, &late)?;
        write(
            &tablet,
            &late,
            &["Demam dan batuk 3 hari. Tiada sesak nafas.", "Ibunya asma."],
        )?;
        for name in ["Lim Chee Keong", "Devi a/p Muthu"] {
            old.call("register_patient", json!({"input": nobody(name)}))?;
        }
        old.finish()?;
        let device = device_called(&desk, "Tablet lama")?;
        let (pin, none) = (SERI_MAWAR.owner.pin, Value::Null);
        desk.call(
            "remove_device",
            json!({"input": {"device": device, "pin": pin, "kit": none, "undo_since": none, "own": false}}),
        )?;
        network.mend_relay()?;
        all_sent(&desk)?;
        carry(&desk, network, home)?;
        for device in [&desk, &tablet] {
            device.until("status", &json!({}), |status| {
                (status["sync"]["conflicts"].as_u64()? >= 4).then_some(())
            })?;
        }
        knows(&desk, "open_visit", &json!({"visit": recorded["visit"]}), |visit| {
            visit["note"]["state"] == "signed" && visit["recordings"].get(0).is_some()
        })?;
        tablet.finish()?;
        desk.finish()?;

        let copied = home.join("copied");
        copy_folder(&network.desk, &copied)?;
        let unused = home.join("unused");
        fs::create_dir_all(&unused)?;
        Ok(Self {
            tablet: home.join("tablet"),
            put_out: home.join("old"),
            copied,
            new_clinic: new_clinic(network, &home.join("new"))?,
            unused,
            two_severities: allergic,
            signed_twice: twice,
            recorded,
        })
    }

    /// The relay goes away; the tablet is nearby and registers somebody, which waits to be sent in the window too.
    pub fn without_the_relay(&self, network: &mut DemoNetwork, window: &Window) -> Result<Device> {
        network.cut_relay()?;
        let tablet = Device::start_on_lan(&self.tablet, &network.passphrase, &[])?;
        sign_in(&tablet, &SERI_MAWAR.owner)?;
        tablet.call("register_patient", json!({"input": nobody("Noraini binti Yusof")}))?;
        let deadline = Instant::now() + PATIENCE;
        loop {
            let sync = &window.ask("status")?["sync"];
            let nearby = sync["peers"]
                .as_array()
                .is_some_and(|peers| peers.iter().any(|peer| peer["connected"] == true));
            if nearby && sync["connected"] == false && sync["pending"].as_u64() > Some(0) {
                return Ok(tablet);
            }
            ensure!(Instant::now() < deadline, "the tablet was not found nearby: {sync}");
        }
    }
}

/// Makes the data of a tablet, closed, whose line broke down while its clinic's records came to it; gives the queue row of
/// somebody whom nobody has asked about allergies.
pub fn half_arrived(network: &mut DemoNetwork, data: &Path) -> Result<Value> {
    fill(&network.desk, &network.seri_mawar, OTHERS)?;
    let link = network.put_link_before_relay()?;
    let desk = Device::start(&network.desk, &network.passphrase)?;
    sign_in(&desk, &SERI_MAWAR.owner)?;
    all_sent(&desk)?;
    let waiting = desk.call("today", json!({}))?["rows"].clone();
    link.let_through(Some(BEFORE_THE_LINE_BROKE));
    let tablet = join(&desk, network, data, "Bilik 3")?;
    tablet.call("skip_model", json!({}))?;
    tablet.until("today", &json!({}), |today| (today["rows"] == waiting).then_some(()))?;
    tablet.finish()?;
    desk.finish()?;
    waiting.get(11).cloned().context("the demo's waiting room is full")
}

/// A further device of the clinic, named, with the owner signed in.
fn join(desk: &Device, network: &DemoNetwork, data: &Path, name: &str) -> Result<Device> {
    let device = Device::start(data, &network.passphrase)?;
    let before = devices(desk)?;
    pair(desk, &device)?;
    let known = |one: &Value| before.iter().any(|other| other["id"] == one["id"]);
    let new = devices(desk)?
        .into_iter()
        .find(|one| !known(one))
        .context("it was let in")?;
    desk.call("rename_device", json!({"device": new["id"], "name": name}))?;
    sign_in(&device, &SERI_MAWAR.owner)?;
    Ok(device)
}

fn devices(desk: &Device) -> Result<Vec<Value>> {
    let all = desk.call("devices", json!({}))?;
    Ok(all.as_array().cloned().unwrap_or_default())
}

fn device_called(desk: &Device, name: &str) -> Result<Value> {
    let found = devices(desk)?.into_iter().find(|device| device["name"] == name);
    Ok(found.with_context(|| format!("no device is called {name}"))?["id"].clone())
}

/// Asks until the device knows, and knows it so; what it refuses meanwhile has not arrived.
fn knows(device: &Device, verb: &str, input: &Value, so: impl Fn(&Value) -> bool) -> Result<()> {
    device
        .until("status", &json!({}), |_| {
            device
                .call(verb, input.clone())
                .is_ok_and(|answer| so(&answer))
                .then_some(())
        })
        .with_context(|| verb.to_owned())
}

fn allergy(device: &Device, row: &Value, severity: &str) -> Result<()> {
    let input = json!({"patient": row["patient"], "substance": "Penicillin", "reaction": "Ruam, bengkak bibir", "severity": severity});
    device.call("record_allergy", json!({"input": input})).map(drop)
}

fn temperature(device: &Device, row: &Value, degrees: f64) -> Result<()> {
    let vitals =
        json!({"temperature": degrees, "systolic": null, "diastolic": null, "weight": null, "weight_on": null});
    device
        .call("save_vitals", json!({"visit": row["visit"], "vitals": vitals}))
        .map(drop)
}

fn write(device: &Device, row: &Value, sentences: &[&str]) -> Result<()> {
    let sentences: Vec<Value> = sentences
        .iter()
        .map(|text| json!({"text": text, "source": null}))
        .collect();
    let note = json!({"subjective": sentences, "objective": [], "assessment": [], "plan": []});
    device
        .call("save_note", json!({"visit": row["visit"], "note": note}))
        .map(drop)
}

fn sign(device: &Device, row: &Value) -> Result<()> {
    let pin = SERI_MAWAR.owner.pin;
    device
        .call("sign_note", json!({"visit": row["visit"], "pin": pin}))
        .map(drop)
}

/// A whole consult in the room: its sound stays on the tablet.
fn record(tablet: &Device, row: &Value) -> Result<()> {
    tablet.call("import_model", json!({"path": demo_model()}))?;
    use_settings(tablet, &json!({"model": "ggml-micro-consult-q5_0.bin"}))?;
    let visit = &row["visit"];
    let source = json!({"kind": "wav", "path": consult_wav(), "fast": true});
    let recording = tablet.call("start_recording", json!({"visit": visit, "source": source}))?;
    tablet.event(|line| (line["of"]["recording"] == recording && line["of"]["state"] == "done").then_some(()))?;
    let draft = tablet.call("propose_draft", json!({"visit": visit}))?;
    tablet.call("save_note", json!({"visit": visit, "note": draft["note"]}))?;
    sign(tablet, row)
}

/// What the tablet that was put out could not send comes to the counter in a file, and is put aside there.
fn carry(desk: &Device, network: &DemoNetwork, home: &Path) -> Result<()> {
    let old = Device::start(&home.join("old"), &network.passphrase)?;
    old.until("status", &json!({}), |status| (status["removed"] == true).then_some(()))?;
    sign_in(&old, &SERI_MAWAR.owner)?;
    let file = home.join("medieco.unsent");
    old.call("save_unsent", json!({"path": file}))?;
    old.finish()?;
    desk.call("take_in_unsent", json!({"path": file})).map(drop)
}

/// Founded as far as its kit.
fn new_clinic(network: &DemoNetwork, data: &Path) -> Result<PathBuf> {
    let name = "Klinik Keluarga Cahaya Petaling";
    let device = Device::start(data, &network.passphrase)?;
    let kit = device.call(
        "join_clinic",
        json!({"input": {
            "invitation": network.invitation(name)?, "clinic_name": name,
            "address": {"lines": "3 Jalan Cahaya", "postcode": "47301", "town": "Petaling Jaya", "state": "Selangor"},
            "phone": "03-7803 0160", "owner_name": "Dr Farah binti Zainal", "owner_registration": "MMC 60021",
            "pin": SERI_MAWAR.owner.pin, "protection": {"kind": "passphrase", "passphrase": PASSPHRASE},
        }}),
    )?;
    text(&kit["tenant"])?;
    device.finish()?;
    Ok(data.to_path_buf())
}

fn nobody(name: &str) -> Value {
    json!({
        "name": name, "identifier": {"kind": "none"}, "birth_date": "1987-05-02", "sex": "female",
        "phone": "", "address": {"lines": "", "postcode": "", "town": "", "state": ""},
    })
}
