//! The pharmacist's side: checks, labels, handing over.

use domain::{Instant, LineId, PrintJobId, QueueEntryId, Token, VisitId};
use serde::{Deserialize, Serialize};
use specta::Type;

use super::consult::{OverrideReason, PatientBanner};
use crate::pharmacy_checks::CheckedLine;

/// One prescription that waits.
#[derive(Debug, Clone, Serialize, Type)]
pub struct DispenseRow {
    /// Queue entry.
    pub entry: QueueEntryId,
    /// Visit.
    pub visit: VisitId,
    /// Token.
    pub token: Token,
    /// Patient's name.
    pub name: String,
    /// Prescriber.
    pub doctor_name: String,
    /// Number of medicines.
    pub n_lines: u32,
    /// Number of alerts that the doctor overrode.
    pub n_overridden: u32,
    /// Signed at.
    pub signed_at: Instant,
    /// A medicine of it was handed over on two devices: a person must reverse one.
    pub dispensed_twice: bool,
}

/// One prescription, open.
#[derive(Debug, Clone, Serialize, Type)]
pub struct DispenseView {
    /// Visit.
    pub visit: VisitId,
    /// Token.
    pub token: Token,
    /// Who.
    pub banner: PatientBanner,
    /// Prescriber.
    pub doctor_name: String,
    /// Each medicine with its checks, overrides and label state.
    pub lines: Vec<DispenseLine>,
    /// Handed over: by whom and when.
    pub dispensed: Option<Dispensed>,
    /// Another device has dispensed the same prescription too: a person must reverse one.
    pub dispensed_twice: bool,
    /// Handings-over that were reversed, oldest first.
    pub reversed: Vec<ReversedDispensing>,
}

/// A handing-over that no longer counts, because the medicines had been handed over on another device too.
#[derive(Debug, Clone, Serialize, Type)]
pub struct ReversedDispensing {
    /// Who had handed over.
    pub by: String,
    /// When.
    pub at: Instant,
    /// Its number in the Prescription Book.
    pub serial: String,
    /// Who reversed it.
    pub reversed_by: String,
    /// Why.
    pub reason: String,
}

/// A medicine at the pharmacy.
#[derive(Debug, Clone, Serialize, Type)]
pub struct DispenseLine {
    /// The line and its findings.
    pub checked: CheckedLine,
    /// Directions as they will stand on the label, in the label's language.
    pub directions: Vec<String>,
    /// Prescription Book serial, once it has one.
    pub serial: Option<String>,
    /// The newest print job of its label.
    pub job: Option<PrintJobView>,
    /// This line was handed over: by whom and when.
    pub handed_over: Option<Dispensed>,
}

/// Handed over.
#[derive(Debug, Clone, Serialize, Type)]
pub struct Dispensed {
    /// By whom.
    pub by: String,
    /// When.
    pub at: Instant,
}

/// One job at the printer.
#[derive(Debug, Clone, Serialize, Deserialize, Type)]
pub struct PrintJobView {
    /// Id.
    pub id: PrintJobId,
    /// State.
    pub state: PrintState,
    /// Medicine, as printed.
    pub title: String,
    /// How many reprints this one is; 0 = the first print.
    pub reprint: u32,
    /// When it was asked for.
    pub at: Instant,
    /// Reason code of a failure.
    pub reason: Option<String>,
}

/// State of a print job, in the words of DESIGN.md.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, Type)]
#[serde(rename_all = "snake_case")]
pub enum PrintState {
    /// Waits for the printer.
    Queued,
    /// Bytes are leaving.
    Sending,
    /// All bytes left.
    Sent,
    /// The printer, or a person, confirmed it.
    Confirmed,
    /// Nothing left; tried again by itself.
    Failed,
    /// Did it come out? A person must say.
    Unknown,
}

/// Hand the medicines over.
#[derive(Debug, Clone, Deserialize, Type)]
pub struct HandOver {
    /// Visit.
    pub visit: VisitId,
    /// Lines that are handed over now.
    pub lines: Vec<LineId>,
    /// Reasons for the serious alerts that came up since the signature, by finding key; may be left out when none did.
    #[serde(default)]
    pub reasons: Vec<OverrideReason>,
    /// The PIN of who hands over.
    pub pin: String,
}

/// A product to choose.
#[derive(Debug, Clone, Serialize, Type)]
pub struct ProductChoice {
    /// Key.
    pub key: String,
    /// Name as printed.
    pub name: String,
    /// Strength of one unit, milligrams.
    #[specta(type = specta_typescript::Number)]
    pub strength_mg: f64,
    /// What one unit is.
    pub unit: String,
    /// Route.
    pub route: domain::Route,
    /// Halal status code.
    pub halal: String,
    /// Poison group code.
    pub poison_group: String,
}
