//! The status bar: saved, sent, power, printer, microphone.

use domain::Instant;
use serde::{Deserialize, Serialize};
use specta::Type;

use crate::ErrorCode;

/// Everything in the status bar.
#[derive(Debug, Clone, Serialize, Deserialize, Type)]
pub struct StatusView {
    /// Sync health.
    pub sync: SyncHealth,
    /// Power.
    pub power: PowerView,
    /// Label printer.
    pub printer: PrinterView,
    /// Microphone and model.
    pub scribe: ScribeView,
    /// The disk is full: everything can be read, nothing new can be saved.
    pub disk_full: bool,
    /// When the last backup was made on this device.
    pub last_backup: Option<Instant>,
    /// Why the last try made none.
    pub backup_problem: Option<ErrorCode>,
    /// This device was removed from the clinic: it shows what it has, and saves nothing new. `sync.pending` entries of it
    /// were never sent.
    pub removed: bool,
    /// Its store is a copy, or was put back: it gives no numbers, and has to become a new device.
    pub is_a_copy: bool,
    /// A page of its store is not the one that was written there: it is not opened again.
    pub damaged: bool,
}

/// Sync health. "Saved" and "sent" are different words.
#[derive(Debug, Clone, Serialize, Deserialize, Type)]
pub struct SyncHealth {
    /// A relay is set.
    pub has_relay: bool,
    /// Connected now.
    pub connected: bool,
    /// Changes that are saved here and not yet sent.
    pub pending: u32,
    /// Recordings of which sound is saved here and not yet sent.
    pub sound_pending: u32,
    /// Changes that came and are still to be read here: a new device is of use before it has read all.
    pub to_be_read: u32,
    /// Of so many that are here.
    pub n_changes: u32,
    /// This device is new, or was restored, and not all of the clinic's records have come yet: so much has, in percent. What it
    /// does not show may be on the other devices.
    pub arriving: Option<u8>,
    /// Last contact with the relay.
    pub last_contact: Option<Instant>,
    /// Changes that were put aside, with a reason, and that nobody has looked at yet.
    pub quarantined: u32,
    /// Error code of the last try.
    pub error: Option<String>,
    /// Whether the clinic's other devices can reach this one without the internet.
    pub lan: LanView,
    /// The clinic's other devices that were met without the internet since the start.
    pub peers: Vec<PeerView>,
    /// What was written apart and waits for a person to judge it.
    pub conflicts: u32,
    /// Changes of other devices that have not come here, though later ones of the same device have.
    pub missing: Vec<MissingView>,
    /// Visits, places in the queue and recordings that are not shown, because another has the same id: a device is broken, or
    /// somebody tampers with it.
    pub claimed_twice: u32,
    /// Since when this device has heard neither the relay nor any other device of the clinic; `None` while it does, and in a
    /// clinic of one device.
    pub apart_since: Option<Instant>,
    /// After so many minutes apart a counter warns before it hands over what another may have handed over.
    pub apart_warns_minutes: u32,
    /// The relay was found out: what it gives is not what it signed for (`left_out`, `two_faces`, `forgot`).
    pub relay_lie: Option<String>,
}

/// A hole in what another device wrote.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, Type)]
pub struct MissingView {
    /// The letter of the device; empty when it is not known.
    pub device: String,
    /// How many holes.
    pub holes: u32,
}

/// One of the clinic's other devices, and when it was last heard.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, Type)]
pub struct DeviceContact {
    /// Its letter.
    pub letter: String,
    /// What people call it.
    pub name: Option<String>,
    /// Connected now, without the internet.
    pub connected: bool,
    /// When it was last connected without the internet.
    pub met_at: Option<Instant>,
    /// When it wrote the newest of what has come here, whichever way that came.
    pub wrote_at: Option<Instant>,
}

/// Reaching the clinic's other devices without the internet.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, Type)]
#[serde(tag = "state", rename_all = "snake_case")]
pub enum LanView {
    /// Switched off on this device.
    Off,
    /// Not yet.
    Starting,
    /// Others can call.
    Listening {
        /// On this port.
        port: u16,
    },
    /// Nobody can call this device; it still calls others.
    Failed {
        /// `no_port`.
        code: String,
    },
}

/// One of the clinic's other devices.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, Type)]
pub struct PeerView {
    /// Its letter, as on tokens and labels.
    pub device: String,
    /// How it was found.
    pub found: WayFound,
    /// Connected now.
    pub connected: bool,
    /// As far as this device knows, both hold the same.
    pub equal: bool,
    /// When it was last heard.
    pub last_contact: Option<Instant>,
}

/// How a device was found.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, Type)]
#[serde(rename_all = "snake_case")]
pub enum WayFound {
    /// Its address was typed.
    Typed,
    /// It was there before.
    Known,
    /// It announced itself.
    Announced,
    /// It called.
    Called,
}

/// Power, as the UPS says.
#[derive(Debug, Clone, Serialize, Deserialize, Type)]
pub struct PowerView {
    /// State code.
    pub state: PowerCode,
    /// On battery since.
    pub on_battery_since: Option<Instant>,
    /// Load, percent, when known.
    pub load_percent: Option<u8>,
    /// Heavy work is paused.
    pub paused: bool,
}

/// Power in a word.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, Type)]
#[serde(rename_all = "snake_case")]
pub enum PowerCode {
    /// No UPS is set.
    NotSet,
    /// Mains.
    Mains,
    /// On battery.
    Battery,
    /// On battery and low.
    Low,
    /// The UPS answers late.
    Degraded,
    /// The UPS does not answer.
    Unknown,
    /// The battery is bad.
    BatteryFault,
}

/// The label printer.
#[derive(Debug, Clone, Serialize, Deserialize, Type)]
pub struct PrinterView {
    /// Address, or none set.
    pub address: Option<String>,
    /// Jobs that wait or are under way.
    pub waiting: u32,
    /// Jobs that need a person's answer.
    pub unknown: u32,
    /// Reason code of the last failure.
    pub problem: Option<String>,
}

/// Microphone and model.
#[derive(Debug, Clone, Serialize, Deserialize, Type)]
pub struct ScribeView {
    /// Name of the microphone; `None` = there is none.
    pub microphone: Option<String>,
    /// Its channels.
    pub channels: u16,
    /// Model in use.
    pub model: Option<String>,
    /// It is the demo's model, which knows only the demo consult.
    pub demo_model: bool,
}

/// What this device is set to.
#[derive(Debug, Clone, Serialize, Deserialize, Type)]
pub struct DeviceSettings {
    /// `tcp://HOST:PORT`, `serial:///dev/…`, `file:///…`; empty = none.
    pub printer: String,
    /// `60x50` or `70x40` (mm).
    pub label_size: String,
    /// Serial port of the UPS; empty = none.
    pub ups: String,
    /// Microphone id; empty = system's default.
    pub microphone: String,
    /// File name of the model; empty = none.
    pub model: String,
    /// Language of labels: `ms` or `en`.
    pub label_language: String,
    /// Keep equal with the clinic's other devices on this network, also without the internet.
    pub lan_enabled: bool,
    /// Where other devices are, if they do not find each other: `192.168.1.20`, `counter.local:47800`.
    pub lan_addresses: Vec<String>,
}

/// Told to the screens: which queries to read again.
#[derive(Debug, Clone, Serialize, Deserialize, Type)]
pub struct Spoiled {
    /// Tags, e.g. `queue`, `patient:<id>`, `visit:<id>`, `sharing`, `status`.
    pub tags: Vec<String>,
}

/// A microphone to choose.
#[derive(Debug, Clone, Serialize, Deserialize, Type)]
pub struct MicrophoneChoice {
    /// Id.
    pub id: String,
    /// Name, as the system tells it.
    pub name: String,
}

/// Told while a speech model is brought in from a file.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, Type)]
pub struct ModelImport {
    /// Bytes copied so far.
    #[specta(type = specta_typescript::Number)]
    pub done_bytes: u64,
    /// Bytes of the file.
    #[specta(type = specta_typescript::Number)]
    pub total_bytes: u64,
}

/// A speech model to choose.
#[derive(Debug, Clone, Serialize, Deserialize, Type)]
pub struct ModelChoice {
    /// Catalogue id.
    pub id: String,
    /// Title.
    pub title: String,
    /// File name.
    pub file: String,
    /// Size, bytes.
    #[specta(type = specta_typescript::Number)]
    pub bytes: u64,
    /// Languages, ISO 639-1.
    pub languages: Vec<String>,
    /// The demo's model: it knows the demo consult and nothing else.
    pub demo: bool,
    /// It is on this device.
    pub installed: bool,
    /// Recordings are written down by it.
    pub in_use: bool,
}
