//! A clinic of two devices and a relay, founded once in a run of the tests and copied for each of them.

use std::{
    fs,
    path::{Path, PathBuf},
    sync::OnceLock,
};

pub use journeys::hand::refusal_of;
use journeys::{
    clinics::{self, Clinics},
    hand::Device,
    kills::Ground,
    link::Link,
    network,
    people::SERI_MAWAR,
    relay::Relay,
    same_set::{open_store, the_same_set},
};
use serde_json::{Value, json};
use tempfile::TempDir;
use testkit::copy_folder;
use vault::{SetDigest, VerifyReport};

/// Where nothing listens.
const NOWHERE: &str = "ws://127.0.0.1:1";
/// Where the clinic keeps its relay's address.
const RELAY: &str = "relay/address";

/// Clinic A on disk (`counter` and `room`), and clinic B (`sentosa`); their owners have met. All are closed.
struct Template {
    folder: PathBuf,
    tenant: String,
    sentosa: String,
}

/// One test's own copy of the clinic.
pub struct Net {
    folder: TempDir,
    relay: Option<Relay>,
}

/// What a closed store holds.
#[derive(Debug, PartialEq, Eq)]
pub struct Held {
    pub patients: u64,
    pub set: SetDigest,
}

fn template() -> &'static Template {
    static TEMPLATE: OnceLock<Template> = OnceLock::new();
    TEMPLATE.get_or_init(|| {
        let all = Path::new(env!("CARGO_TARGET_TMPDIR")).join("journeys");
        fs::create_dir_all(&all).unwrap();
        sweep(&all);
        found(all.join(std::process::id().to_string()))
    })
}

/// Takes away what earlier runs left: a static has no end at which it could do so itself.
fn sweep(all: &Path) {
    for entry in fs::read_dir(all).unwrap().flatten() {
        let lives = Path::new("/proc").join(entry.file_name()).exists();
        if !lives || entry.file_name() == *std::process::id().to_string() {
            fs::remove_dir_all(entry.path()).unwrap();
        }
    }
}

fn found(folder: PathBuf) -> Template {
    let relay = Relay::start(&folder.join("relay"), 0).unwrap();
    let Clinics { tenant, sentosa } = clinics::found(&folder, &relay).unwrap();
    for (device, tenant) in [("counter", &tenant), ("room", &tenant), ("sentosa", &sentosa)] {
        set_relay(&folder.join(device), tenant, NOWHERE);
    }
    drop(relay);
    Template {
        folder,
        tenant,
        sentosa,
    }
}

/// Another relay for a closed device.
fn set_relay(device: &Path, tenant: &str, url: &str) {
    let store = open_store(device, tenant).unwrap();
    store.write(None, |w| w.put_setting(RELAY, url)).unwrap();
}

/// Clinic B's tenant id.
pub fn sentosa() -> &'static str {
    &template().sentosa
}

/// A sound file of a few spoken words.
pub fn words() -> PathBuf {
    template().folder.join(clinics::WORDS)
}

/// Waits until the device has sent all that it saved.
pub fn all_sent(device: &Device) {
    clinics::all_sent(device).unwrap();
}

impl Net {
    /// The clinic without a relay in reach: everything works, nothing is sent.
    pub fn offline() -> Self {
        let folder = tempfile::tempdir().unwrap();
        copy_folder(&template().folder, folder.path()).unwrap();
        Self { folder, relay: None }
    }

    /// The clinic with its relay.
    pub fn online() -> Self {
        let mut net = Self::offline();
        let relay = Relay::start(&net.folder.path().join("relay"), 0).unwrap();
        for (device, tenant) in [
            ("counter", net.tenant()),
            ("room", net.tenant()),
            ("sentosa", sentosa()),
        ] {
            set_relay(&net.data(device), tenant, &relay.url());
        }
        net.relay = Some(relay);
        net
    }

    /// The same clinics, for a day of kills; the folder is to be kept alive.
    pub fn into_ground(mut self) -> (Ground, TempDir) {
        let relay = self.relay.take().unwrap();
        let clinics = Clinics {
            tenant: self.tenant().to_owned(),
            sentosa: sentosa().to_owned(),
        };
        (Ground::of(self.folder.path(), relay, clinics), self.folder)
    }

    pub fn tenant(&self) -> &'static str {
        &template().tenant
    }

    /// The data folder of a device.
    pub fn data(&self, device: &str) -> PathBuf {
        self.folder.path().join(device)
    }

    /// The folder of the clinic's store on a device.
    pub fn store(&self, device: &str) -> PathBuf {
        self.data(device).join("clinics").join(self.tenant())
    }

    pub fn passphrase_file(&self) -> PathBuf {
        self.folder.path().join("passphrase")
    }

    /// Starts a device; nobody is signed in.
    pub fn start(&self, device: &str) -> Device {
        Device::start(&self.data(device), &self.passphrase_file()).unwrap()
    }

    /// Starts a device and signs its owner in: a doctor, who may do everything that these tests do.
    pub fn desk(&self, device: &str) -> Device {
        let device = self.start(device);
        network::sign_in(&device, &SERI_MAWAR.owner).unwrap();
        device
    }

    /// A link on the way to the relay, which a closed device of the clinic will use, and whoever it lets in.
    pub fn link_before(&self, device: &str) -> Link {
        let link = Link::open(0, self.relay().port(), None).unwrap();
        set_relay(&self.data(device), self.tenant(), &link.url());
        link
    }

    pub fn relay(&self) -> &Relay {
        self.relay.as_ref().unwrap()
    }

    /// What a closed device holds.
    pub fn held(&self, device: &str) -> Held {
        let store = open_store(&self.data(device), self.tenant()).unwrap();
        Held {
            patients: store.read(|r| r.n_patients()).unwrap(),
            set: store.set_of_changes().unwrap(),
        }
    }

    /// A closed device's store is sound through and through.
    pub fn assert_sound(&self, device: &str) {
        let VerifyReport {
            pages_hold,
            altered,
            missing,
            ..
        } = open_store(&self.data(device), self.tenant()).unwrap().verify().unwrap();
        assert!(
            pages_hold && altered.is_empty() && missing.is_empty(),
            "{device}: {altered:?} {missing:?}"
        );
    }

    /// Closes both devices once they have sent everything; they and the relay hold the same set. Gives its size.
    pub fn close_with_the_same_set(&self, devices: [Device; 2]) -> u64 {
        for device in &devices {
            all_sent(device);
        }
        // The last change of one is with the other only when it was told so.
        let [one, other] = &devices;
        for (writer, reader) in [(one, other), (other, one)] {
            let name = format!("Last of {}", writer.pid());
            register(writer, &name).unwrap();
            reader
                .until("search_patients", &json!({"query": name}), |found| {
                    found.get(0).map(drop)
                })
                .unwrap();
        }
        let folders = devices.each_ref().map(|device| device.data().to_path_buf());
        devices.into_iter().for_each(|device| {
            all_sent(&device);
            device.finish().unwrap();
        });
        the_same_set(self.relay(), self.tenant(), &folders[0], &folders[1]).unwrap()
    }
}

/// Registers somebody without papers and puts her in the queue.
pub fn register(device: &Device, name: &str) -> anyhow::Result<Value> {
    device.call(
        "register_and_queue",
        json!({
            "patient": {
                "name": name, "identifier": {"kind": "none"}, "birth_date": "1987-05-02", "sex": "female", "phone": "",
                "address": {"lines": "", "postcode": "", "town": "", "state": ""},
            },
            "reason": "Sakit kepala", "doctor": null,
        }),
    )
}

/// How many changes wait to be sent: without a relay, how many were made.
pub fn n_made(device: &Device) -> u64 {
    device.call("status", json!({})).unwrap()["sync"]["pending"]
        .as_u64()
        .unwrap()
}
