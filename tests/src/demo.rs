//! The demo network behind `cargo xtask run`: made once, found again by every later run.

use std::{
    io::Write,
    os::unix::fs::symlink,
    path::{Path, PathBuf},
    process::Command,
};

use anyhow::{Context, Result};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use testkit::people::{FakePerson, people};

use crate::{
    child::{Running, program},
    hand::Device,
    link::Link,
    network::{found, passphrase_file, sign_in, text},
    people::{Colleague, DemoClinic, SENTOSA, SERI_MAWAR},
    relay::Relay,
    walk::{consult_wav, demo_model, use_settings},
};

/// What a second run needs to know of the first.
#[derive(Serialize, Deserialize)]
struct Made {
    relay_port: u16,
    printer_port: u16,
    seri_mawar: String,
    sentosa: String,
}

/// The demo's own folder, and nothing else is ever wiped by `--fresh`.
pub fn folder() -> Result<PathBuf> {
    let folders =
        directories::ProjectDirs::from("my", "medieco", "medieco-demo").context("this user has no home folder")?;
    Ok(folders.data_dir().to_path_buf())
}

/// A demo network whose programs run, and whose stores are closed: a window can be opened on it.
pub struct DemoNetwork {
    relay: Relay,
    _printer: Running,
    _ups: Running,
    /// Folder of the device that belongs to both clinics.
    pub desk: PathBuf,
    /// The demo's description for the app.
    pub description: PathBuf,
    /// The passphrase of its stores.
    pub passphrase: PathBuf,
    /// Tenant id of the clinic whose work is shown.
    pub seri_mawar: String,
}

/// `medieco-journey demo`: prepares and opens the window; ends when it is closed.
pub fn open(fresh: bool) -> Result<()> {
    let folder = folder()?.join("window");
    if fresh && folder.exists() {
        std::fs::remove_dir_all(&folder)?;
    }
    let network = prepare(&folder)?;
    println!("The demo's data: {}", folder.display());
    println!("Sign in as any of these (the sign-in screen says so too):");
    for clinic in [&SERI_MAWAR, &SENTOSA] {
        for person in everybody(clinic) {
            println!("  {:<20} {:<26} PIN {}", clinic.name, person.name, person.pin);
        }
    }
    std::io::stdout().flush()?;
    let status = Command::new(program("medieco")?).args(network.arguments()).status()?;
    anyhow::ensure!(status.success(), "the app ended with {status}");
    Ok(())
}

fn everybody(clinic: &DemoClinic) -> impl Iterator<Item = &Colleague> {
    std::iter::once(&clinic.owner).chain(clinic.staff)
}

impl DemoNetwork {
    /// The app's arguments.
    pub fn arguments(&self) -> [&std::ffi::OsStr; 6] {
        [
            "--data".as_ref(),
            self.desk.as_os_str(),
            "--passphrase-file".as_ref(),
            self.passphrase.as_os_str(),
            "--demo".as_ref(),
            self.description.as_os_str(),
        ]
    }

    /// The operator makes one more clinic; gives the text of its invitation.
    pub fn invitation(&self, name: &str) -> Result<String> {
        self.relay.add_clinic(name)
    }

    /// The relay is gone, as when the internet fails.
    pub fn cut_relay(&mut self) -> Result<()> {
        self.relay.kill()
    }

    /// It is back, on the same data and port.
    pub fn mend_relay(&mut self) -> Result<()> {
        self.relay = Relay::start(self.relay.data(), self.relay.port())?;
        Ok(())
    }

    /// From now on there is a link on the way to the relay, for as long as it is kept.
    pub fn put_link_before_relay(&mut self) -> Result<Link> {
        let port = self.relay.port();
        self.relay.kill()?;
        self.relay = Relay::start(self.relay.data(), 0)?;
        Link::open(port, self.relay.port(), None)
    }
}

/// Starts the network in `folder`; makes it where there is none yet.
pub fn prepare(folder: &Path) -> Result<DemoNetwork> {
    let made_file = folder.join("made.json");
    let earlier: Option<Made> = std::fs::read(&made_file)
        .ok()
        .and_then(|bytes| serde_json::from_slice(&bytes).ok());
    if earlier.is_none() && folder.exists() {
        // A first run that was cut off left half a network behind: nobody has worked with it yet.
        std::fs::remove_dir_all(folder)?;
    }
    std::fs::create_dir_all(folder)?;
    let passphrase = passphrase_file(folder)?;
    let relay = Relay::start(
        &folder.join("relay"),
        earlier.as_ref().map_or(0, |made| made.relay_port),
    )?;
    let (printer, printer_port) = start_printer(folder, earlier.as_ref().map_or(0, |made| made.printer_port))?;
    let ups = start_ups(&folder.join("ups"))?;
    let desk = folder.join("desk");
    let description = folder.join("demo.json");
    let seri_mawar = if let Some(made) = earlier {
        made.seri_mawar
    } else {
        println!("Making a demo network of two clinics …");
        let device = Device::start(&desk, &passphrase)?;
        let made = furnish(&device, &relay, printer_port, &folder.join("ups"))?;
        device.finish()?;
        std::fs::write(&description, serde_json::to_vec_pretty(&describe(&made))?)?;
        std::fs::write(&made_file, serde_json::to_vec(&made)?)?;
        made.seri_mawar
    };
    Ok(DemoNetwork {
        relay,
        _printer: printer,
        _ups: ups,
        desk,
        description,
        passphrase,
        seri_mawar,
    })
}

/// Two clinics on one device: staff, each other's card, settings, and a waiting room with people in it.
fn furnish(device: &Device, relay: &Relay, printer_port: u16, ups: &Path) -> Result<Made> {
    let sentosa = found(device, &relay.add_clinic(SENTOSA.name)?, &SENTOSA)?;
    let sentosa_card = device.call("own_card", json!({}))?;
    let seri_mawar = found(device, &relay.add_clinic(SERI_MAWAR.name)?, &SERI_MAWAR)?;
    let seri_mawar_card = device.call("own_card", json!({}))?;
    device.call("verify_clinic", json!({"card_text": sentosa_card["text"]}))?;
    device.call("import_model", json!({"path": demo_model()}))?;
    let settings = json!({
        "printer": format!("tcp://127.0.0.1:{printer_port}"), "ups": ups, "label_language": "ms",
        "model": "ggml-micro-consult-q5_0.bin",
    });
    use_settings(device, &settings)?;
    fill_waiting_room(device)?;
    publish_entry(device)?;
    device.call("open_clinic", json!({"tenant": sentosa}))?;
    sign_in(device, &SENTOSA.owner)?;
    device.call("verify_clinic", json!({"card_text": seri_mawar_card["text"]}))?;
    publish_entry(device)?;
    write_a_letter(device, &seri_mawar)?;
    ask_for_a_record(device, &seri_mawar)?;
    device.call("open_clinic", json!({"tenant": seri_mawar}))?;
    Ok(Made {
        relay_port: relay.port(),
        printer_port,
        seri_mawar,
        sentosa,
    })
}

/// The clinic stands in the directory, with what its profile says.
fn publish_entry(device: &Device) -> Result<()> {
    let mut entry = device.call("directory", json!({}))?["own"]["entry"].clone();
    entry["accepts_referrals"] = true.into();
    device.call("publish_entry", json!({"input": entry}))?;
    device.until("directory", &json!({}), |directory| {
        (directory["own"]["state"] == "published").then_some(())
    })
}

/// To a clinic that is in the directory and verified; the relay has it then.
fn write_a_letter(device: &Device, to: &str) -> Result<()> {
    device.until("directory", &json!({}), |directory| {
        let mut rows = directory["clinics"].as_array()?.iter();
        rows.any(|row| row["tenant"] == to && row["trust"] == "verified")
            .then_some(())
    })?;
    let text = "Terima kasih kerana merujuk pesakit ini untuk rawatan gigi.\n\n\
                Two fillings were done today. Please go on with her usual medicine; she comes back in six months.";
    device.call("send_letter", json!({"input": {"clinic": to, "text": text}}))?;
    device.until("letters", &json!({}), |letters| {
        matches!(letters["sent"][0]["state"].as_str(), Some("at_relay" | "delivered")).then_some(())
    })
}

/// Somebody who is known at the other clinic sits here, and cannot speak for herself.
fn ask_for_a_record(device: &Device, of: &str) -> Result<()> {
    let person = waiting_people().next().context("people do not end")?;
    let patient = device.call("register_patient", json!({"input": described(&person)}))?;
    let input = json!({
        "patient": patient, "clinic": of, "purpose": "emergency",
        "reason": "Pengsan di kaunter; ubat-ubatannya perlu diketahui sekarang.",
    });
    device.call("ask_for_record", json!({"input": input}))?;
    device.until("record_requests", &json!({}), |requests| {
        matches!(requests["asked"][0]["far"].as_str(), Some("at_relay" | "delivered")).then_some(())
    })
}

const REASONS: [&str; 8] = [
    "Demam dan batuk 3 hari",
    "Blood pressure review",
    "Sakit pinggang",
    "Cough, sore throat",
    "Vaccination",
    "Ruam pada tangan",
    "Diabetes follow-up",
    "Headache since yesterday",
];

fn waiting_people() -> impl Iterator<Item = FakePerson> {
    people(20_261_121)
}

fn described(person: &FakePerson) -> Value {
    json!({
        "name": person.name, "identifier": {"kind": "my_kad", "number": person.mykad},
        "birth_date": person.birth_date, "sex": person.sex, "phone": person.phone,
        "address": {"lines": "", "postcode": "46000", "town": "Petaling Jaya", "state": "Selangor"},
    })
}

fn fill_waiting_room(device: &Device) -> Result<()> {
    for (person, reason) in waiting_people().zip(REASONS.iter().cycle()).take(14) {
        device.call(
            "register_and_queue",
            json!({"patient": described(&person), "reason": reason, "doctor": null}),
        )?;
    }
    Ok(())
}

fn describe(made: &Made) -> Value {
    let pins: Vec<Value> = [(&made.seri_mawar, &SERI_MAWAR), (&made.sentosa, &SENTOSA)]
        .into_iter()
        .flat_map(|(tenant, clinic)| {
            everybody(clinic).map(move |person| json!({"tenant": tenant, "name": person.name, "pin": person.pin}))
        })
        .collect();
    json!({"pins": pins, "consult_wav": consult_wav()})
}

fn start_printer(folder: &Path, port: u16) -> Result<(Running, u16)> {
    let labels = folder.join("labels");
    std::fs::create_dir_all(&labels)?;
    let mut command = Command::new(program("medieco-fake-devices")?);
    command
        .arg("printer")
        .arg("--listen")
        .arg(format!("127.0.0.1:{port}"))
        .arg("--out")
        .arg(labels);
    let printer = Running::start(command, &folder.join("printer.log"))?;
    let port = printer.wait_for(|line| text(&line["address"]).ok()?.rsplit(':').next()?.parse().ok())?;
    Ok((printer, port))
}

/// The UPS's pty has another name each time: a link keeps the one that the settings know.
fn start_ups(link: &Path) -> Result<Running> {
    let mut command = Command::new(program("medieco-fake-devices")?);
    command.arg("ups");
    let ups = Running::start(command, &link.with_extension("log"))?;
    let path = ups.wait_for(|line| line["path"].as_str().map(PathBuf::from))?;
    let _ = std::fs::remove_file(link);
    symlink(path, link)?;
    Ok(ups)
}
