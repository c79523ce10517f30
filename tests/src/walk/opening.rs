//! Step 1: operator, clinics, devices, people; on a second run the same ones again.

use std::path::Path;

use anyhow::{Result, ensure};
use serde::{Deserialize, Serialize};
use serde_json::json;
use testkit::{PrinterMode, UpsScene, VirtualPrinter, VirtualUps};

use super::{Stage, demo_model, use_settings};
use crate::{
    hand::Device,
    network,
    people::{SENTOSA, SERI_MAWAR},
    relay::Relay,
    report::Report,
};

/// What a second run needs to know of the first.
#[derive(Serialize, Deserialize)]
struct Made {
    port: u16,
    sentosa_tenant: String,
}

/// Founds the network in `data`, or starts the one that is there.
pub(super) fn open(data: &Path, report: &Report) -> Result<Stage> {
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
