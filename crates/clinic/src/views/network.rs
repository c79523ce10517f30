//! The directory of clinics, and letters between them.

use domain::Instant;
use serde::{Deserialize, Serialize};
use specta::Type;

/// What a clinic says of itself.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, Type)]
pub struct EntryView {
    /// Name.
    pub name: String,
    /// Telephone.
    pub telephone: String,
    /// Address; may have lines.
    pub address: String,
    /// Codes of what it does.
    pub specialties: Vec<String>,
    /// Other clinics may send it patients.
    pub accepts_referrals: bool,
}

/// How far the clinic behind an entry is known.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Type)]
#[serde(rename_all = "snake_case")]
pub enum Trust {
    /// A person knows the clinic by its card or its digits, and the entry is that clinic's own word.
    Verified,
    /// A person knows the clinic; that the entry is its own word could not be checked here yet.
    Met,
    /// Nobody has verified it: anybody can give himself a name.
    Unverified,
    /// The entry is not the clinic's own word.
    Doubtful,
}

/// A clinic in the directory.
#[derive(Debug, Clone, Serialize, Type)]
pub struct DirectoryRow {
    /// Tenant id, hexadecimal.
    pub tenant: String,
    /// It is this clinic.
    pub is_own: bool,
    /// What it says of itself.
    pub entry: EntryView,
    /// The name by which a person verified it, when it calls itself otherwise now.
    pub known_as: Option<String>,
    /// Twenty digits to compare over the telephone.
    pub digits: String,
    /// How far it is known.
    pub trust: Trust,
    /// When it said so, by its own clock.
    pub signed_at: Instant,
    /// When that came here.
    pub came_at: Instant,
}

/// How far the clinic's own entry has come.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Type)]
#[serde(rename_all = "snake_case")]
pub enum EntryState {
    /// The clinic is not in the directory.
    None,
    /// Signed, and not with the relay yet.
    Waiting,
    /// In the directory.
    Published,
    /// The relay did not take it; `refused` says why.
    Refused,
}

/// The clinic's own entry.
#[derive(Debug, Clone, Serialize, Type)]
pub struct OwnEntry {
    /// As it stands, or one to begin with.
    pub entry: EntryView,
    /// How far it has come.
    pub state: EntryState,
    /// Why the relay did not take it.
    pub refused: Option<String>,
    /// This person may change it on this device.
    pub may_edit: bool,
    /// She may, on an admin's device.
    pub needs_admin_device: bool,
}

/// The directory.
#[derive(Debug, Clone, Serialize, Type)]
pub struct DirectoryView {
    /// By name.
    pub clinics: Vec<DirectoryRow>,
    /// This clinic's own entry.
    pub own: OwnEntry,
    /// Codes of specialties to choose from.
    pub specialties: Vec<String>,
}

/// A letter to another clinic.
#[derive(Debug, Clone, Deserialize, Type)]
pub struct SendLetter {
    /// Tenant id of the clinic, hexadecimal.
    pub clinic: String,
    /// The text.
    pub text: String,
}

/// A letter that came.
#[derive(Debug, Clone, Serialize, Type)]
pub struct LetterRow {
    /// Tenant id of the sender, hexadecimal.
    pub from: String,
    /// Its id, hexadecimal.
    pub id: String,
    /// The sender's name: as a person verified it, or as it calls itself.
    pub clinic_name: String,
    /// A person verified the sender.
    pub verified: bool,
    /// Who wrote it.
    pub author: String,
    /// When it came here.
    pub came_at: Instant,
    /// Somebody has read it.
    pub is_read: bool,
    /// This build can show it.
    pub is_readable: bool,
    /// What is to be said of who signed it.
    pub doubt: Option<String>,
}

/// How far a letter has come.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Type)]
#[serde(rename_all = "snake_case")]
pub enum SentState {
    /// On this device, until the relay is reached and takes it.
    WaitsHere,
    /// Written, and the relay has said nothing of it yet.
    OnItsWay,
    /// Waits at the relay for the other clinic.
    AtRelay,
    /// A device of the other clinic has it.
    Delivered,
    /// The other clinic says that it was read.
    Read,
    /// Nobody came for it in 90 days.
    Expired,
    /// The relay does not take it.
    Refused,
}

/// A letter that went out.
#[derive(Debug, Clone, Serialize, Type)]
pub struct SentLetter {
    /// Its id, hexadecimal.
    pub id: String,
    /// To which clinic.
    pub clinic_name: String,
    /// Who wrote it.
    pub author: String,
    /// What it says.
    pub text: String,
    /// When it was written.
    pub sent_at: Instant,
    /// How far it has come.
    pub state: SentState,
    /// Since when, by the relay's clock.
    pub state_at: Option<Instant>,
    /// Why the relay does not take it.
    pub refused: Option<String>,
}

/// Letters between clinics.
#[derive(Debug, Clone, Serialize, Type)]
pub struct LettersView {
    /// What came, newest first.
    pub received: Vec<LetterRow>,
    /// What went out, newest first.
    pub sent: Vec<SentLetter>,
    /// Messages that could not be opened on this device.
    pub n_put_aside: u32,
    /// This person may write one.
    pub may_write: bool,
}

/// A letter that came, opened.
#[derive(Debug, Clone, Serialize, Type)]
pub struct LetterView {
    /// Tenant id of the sender, hexadecimal.
    pub from: String,
    /// Its id, hexadecimal.
    pub id: String,
    /// The sender's name.
    pub clinic_name: String,
    /// A person verified the sender.
    pub verified: bool,
    /// The sender's twenty digits.
    pub digits: String,
    /// Who wrote it.
    pub author: String,
    /// What it says.
    pub text: String,
    /// When it was written, by the sender's clock.
    pub written_at: Instant,
    /// When it was read first.
    pub read_at: Instant,
    /// By whom.
    pub read_by: String,
    /// What is to be said of who signed it.
    pub doubt: Option<String>,
}
