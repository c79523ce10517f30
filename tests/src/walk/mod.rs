//! A patient's whole day, step by step, on headless devices, the real relay, a virtual printer and a virtual UPS.

mod consult;
mod opening;
mod outage;
mod pharmacy;
mod reception;
mod sharing;

use std::path::{Path, PathBuf};

use anyhow::{Context, Result};
use domain::LineId;
use serde_json::{Value, json};
use testkit::{VirtualPrinter, VirtualUps};

use crate::{hand::Device, network::text, relay::Relay, report::Report, same_set::the_same_set};

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
    let mut stage = opening::open(data, report)?;
    let visit = reception::register(&stage, report)?;
    consult::consult(&stage, &visit, report)?;
    stage = outage::without_relay(stage, &visit, report)?;
    pharmacy::dispense(&stage, &visit, report)?;
    let grant = sharing::share(&stage, &visit, report)?;
    sharing::revoke(&stage, &grant, report)?;
    sharing::tell_audit(&stage, report)?;
    same_everywhere(stage, report)
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

/// The devices are closed, and what each holds is compared with the relay, change by change.
fn same_everywhere(stage: Stage, report: &Report) -> Result<()> {
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
