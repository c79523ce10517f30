//! First start, signing in, and the people of a clinic.

use domain::{Address, Instant, Role, StaffId};
use serde::{Deserialize, Serialize};
use specta::Type;

/// What the app knows before anybody signs in.
#[derive(Debug, Clone, Serialize, Deserialize, Type)]
pub struct AppState {
    /// Version of this build.
    pub version: String,
    /// Clinics that this device is a member of, by name.
    pub clinics: Vec<ClinicOnDevice>,
    /// The clinic that is open now.
    pub open: Option<String>,
    /// A clinic that is made ready after an update before it is opened.
    pub making_ready: Option<MakingReady>,
    /// A set-up that was begun and not finished.
    pub unfinished_setup: Option<SetupStep>,
    /// `Some` only in the demo network.
    pub demo: Option<Demo>,
    /// True when the operating system has a keyring that works.
    pub keyring: KeyringState,
    /// The last run ended in a panic: where its report lies.
    pub crash_report: Option<String>,
}

/// How far a clinic is made ready after an update: what is shown of its records is made anew from the records themselves.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, Type)]
pub struct MakingReady {
    /// Tenant id, hexadecimal.
    pub tenant: String,
    /// The clinic's name.
    pub name: String,
    /// Entries that are ready.
    pub done: u32,
    /// Entries in all.
    pub of: u32,
}

/// Told while a clinic is made ready, and at the end.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, Type)]
pub struct MakingReadyTold {
    /// How far it is.
    pub at: MakingReady,
    /// It is over: the clinic is open, or could not be opened.
    pub ended: bool,
    /// Why it could not be.
    pub error: Option<crate::Error>,
}

/// One clinic that this device is a member of.
#[derive(Debug, Clone, Serialize, Deserialize, Type)]
pub struct ClinicOnDevice {
    /// Tenant id, hexadecimal.
    pub tenant: String,
    /// Name.
    pub name: String,
    /// Wants a passphrase before it can be opened.
    pub needs_passphrase: bool,
}

/// What the operating system's keyring says.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, Type)]
#[serde(rename_all = "snake_case")]
pub enum KeyringState {
    /// It works.
    Ready,
    /// It is there, but locked.
    Locked,
    /// There is none: a passphrase is needed.
    Absent,
}

/// The demo's own people and their PINs. Absent outside the demo.
#[derive(Debug, Clone, Serialize, Deserialize, Type)]
pub struct Demo {
    /// Who can sign in where, with which PIN.
    pub pins: Vec<DemoPin>,
    /// The recording that the consult can be fed with.
    pub consult_wav: String,
}

/// One demo sign-in.
#[derive(Debug, Clone, Serialize, Deserialize, Type)]
pub struct DemoPin {
    /// Tenant id, hexadecimal.
    pub tenant: String,
    /// Staff name.
    pub name: String,
    /// PIN.
    pub pin: String,
}

/// Where a set-up stands; every step can be resumed after a restart.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, Type)]
#[serde(rename_all = "snake_case")]
pub enum SetupStep {
    /// The recovery kit was made and not yet confirmed as kept.
    RecoveryKit,
    /// A speech model can be imported; may be skipped.
    Model,
}

/// How the store's key is kept.
#[derive(Debug, Clone, Serialize, Deserialize, Type)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub enum Protection {
    /// In the operating system's keyring.
    Keyring,
    /// Under a passphrase of at least ten characters.
    Passphrase {
        /// The passphrase.
        passphrase: String,
    },
}

/// Join as the first device of a new clinic.
#[derive(Debug, Clone, Deserialize, Type)]
pub struct JoinClinic {
    /// The invitation's text.
    pub invitation: String,
    /// The clinic's name, as printed on labels.
    pub clinic_name: String,
    /// Address, as printed on labels.
    pub address: Address,
    /// Telephone, as printed on labels.
    pub phone: String,
    /// The owner's name.
    pub owner_name: String,
    /// The owner's role in the work: usually a doctor.
    pub owner_registration: String,
    /// Her PIN: six digits.
    pub pin: String,
    /// How the store's key is kept.
    pub protection: Protection,
}

/// Join an existing clinic as a further device.
#[derive(Debug, Clone, Deserialize, Type)]
pub struct JoinByCode {
    /// The relay's address, as shown beside the code; not needed with a ticket.
    pub relay: String,
    /// The eight-character code, or the ticket behind the QR code.
    pub code: String,
    /// What people are to call this device.
    pub device_name: Option<String>,
    /// How the store's key is kept.
    pub protection: Protection,
}

/// A code that lets one further device in.
#[derive(Debug, Clone, Serialize, Type)]
pub struct PairingOffer {
    /// Eight characters, `XXXX-XXXX`.
    pub code: String,
    /// The relay's address, to be typed on the new device.
    pub relay: String,
    /// A ticket for the same pairing (SVG), to be scanned.
    pub qr_svg: String,
    /// The ticket as text, to be pasted. A secret, like the code.
    pub ticket: String,
    /// Until when it works.
    pub expires_at: Instant,
}

/// The recovery kit, shown once, to be printed or saved.
#[derive(Debug, Clone, Serialize, Type)]
pub struct RecoveryKitView {
    /// Clinic's name.
    pub clinic_name: String,
    /// Tenant id, hexadecimal.
    pub tenant: String,
    /// Twenty-four words.
    pub words: Vec<String>,
    /// The same words as a QR code (SVG), to be scanned wherever they are asked for.
    pub qr_svg: String,
}

/// A face on the sign-in screen.
#[derive(Debug, Clone, Serialize, Type)]
pub struct StaffFace {
    /// Id.
    pub id: StaffId,
    /// Name.
    pub name: String,
    /// Role.
    pub role: Role,
    /// Has set a PIN on this very device.
    pub has_pin_here: bool,
    /// Milliseconds until the next try is taken; 0 = now.
    pub wait_ms: u32,
}

/// Who is signed in.
#[derive(Debug, Clone, Serialize, Type)]
pub struct SessionView {
    /// Staff id.
    pub staff: StaffId,
    /// Name.
    pub name: String,
    /// Role.
    pub role: Role,
    /// Clinic's name.
    pub clinic_name: String,
    /// Tenant id, hexadecimal.
    pub tenant: String,
    /// May what a doctor may: consult, prescribe, sign. (A pharmacist dispenses without it.)
    pub practises: bool,
    /// Minutes of rest after which the app locks, by role.
    pub lock_after_minutes: u16,
}

/// A new member of the staff.
#[derive(Debug, Clone, Deserialize, Type)]
pub struct AddStaff {
    /// Name with title.
    pub name: String,
    /// Role.
    pub role: Role,
    /// Registration number, or empty.
    pub registration: String,
    /// First PIN on this device; `None` when she will choose it on another device.
    pub pin: Option<String>,
}

/// Where the letting-in of a further device stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, Type)]
#[serde(rename_all = "snake_case")]
pub enum PairingState {
    /// The code is shown; nobody has typed it yet.
    Waiting,
    /// The device is a member.
    Done,
    /// The code was wrong, too old, or the relay went away.
    Failed,
    /// The operator has suspended the clinic: the relay lets no device in.
    Suspended,
    /// The clinic's plan has no place for another device.
    NoPlace,
}
