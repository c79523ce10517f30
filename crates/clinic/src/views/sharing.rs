//! Consent, what other clinics share, and who saw what.

use domain::{Category, ConsentEvidence, Instant, PatientId, ShareTerms};
use serde::{Deserialize, Serialize};
use specta::Type;

/// A clinic of the network that this one knows.
#[derive(Debug, Clone, Serialize, Deserialize, Type)]
pub struct KnownClinic {
    /// Tenant id, hexadecimal.
    pub tenant: String,
    /// Name.
    pub name: String,
    /// Its card was read in person, or its digits compared.
    pub verified: bool,
}

/// This clinic's own card, to be shown to another clinic.
#[derive(Debug, Clone, Serialize, Type)]
pub struct ClinicCardView {
    /// The text.
    pub text: String,
    /// As QR code (SVG).
    pub qr_svg: String,
    /// Twenty digits to compare over the telephone.
    pub digits: String,
}

/// A patient's consent.
#[derive(Debug, Clone, Deserialize, Type)]
pub struct GrantConsent {
    /// Who agrees.
    pub patient: PatientId,
    /// Tenant id of the clinic that will see it.
    pub clinic: String,
    /// What she agreed to.
    pub terms: ShareTerms,
    /// How we know.
    pub evidence: ConsentEvidence,
}

/// State of a grant.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, Type)]
#[serde(rename_all = "snake_case")]
pub enum GrantState {
    /// Active.
    Active,
    /// Its period has not begun.
    NotYet,
    /// Its period is over.
    Expired,
    /// Revoked.
    Revoked,
}

/// One grant, as the giving clinic sees it.
#[derive(Debug, Clone, Serialize, Type)]
pub struct GrantView {
    /// Grant id, hexadecimal.
    pub id: String,
    /// Patient.
    pub patient: PatientId,
    /// Patient's name.
    pub patient_name: String,
    /// Other clinic's name.
    pub clinic_name: String,
    /// Terms.
    pub terms: ShareTerms,
    /// State.
    pub state: GrantState,
    /// Given at.
    pub granted_at: Instant,
    /// Revoked at.
    pub revoked_at: Option<Instant>,
    /// The relay has it: the revocation, once revoked.
    pub delivered: bool,
    /// Releases made under it.
    pub n_releases: u32,
}

/// What another clinic shares about a patient, in one line.
#[derive(Debug, Clone, Serialize, Deserialize, Type)]
pub struct SharedSummary {
    /// Grant id, hexadecimal.
    pub grant: String,
    /// Giving clinic's name.
    pub clinic_name: String,
    /// Patient's name on the identity card.
    pub patient_name: String,
    /// Masked identifier on the identity card.
    pub identifier: String,
    /// Shared categories.
    pub categories: Vec<Category>,
    /// Withheld categories.
    pub withheld: Vec<Category>,
    /// As of.
    pub as_of: Instant,
    /// How many entries.
    pub n_entries: u32,
    /// The patient of this clinic whom it was matched with by identifier.
    pub matched_patient: Option<PatientId>,
}

/// What another clinic shares, opened. Its opening is audited on both sides.
#[derive(Debug, Clone, Serialize, Type)]
pub struct SharedRecordView {
    /// Summary.
    pub summary: SharedSummary,
    /// The entries.
    pub record: fhir::SharedRecord,
}

/// The network screen.
#[derive(Debug, Clone, Serialize, Type)]
pub struct NetworkView {
    /// What we share, newest first.
    pub given: Vec<GrantView>,
    /// There is more than is shown.
    pub more_given: bool,
    /// What others share with us now, what came last first.
    pub received: Vec<SharedSummary>,
    /// There is more than is shown.
    pub more_received: bool,
    /// Clinics that we know.
    pub clinics: Vec<KnownClinic>,
}

/// One line of the audit.
#[derive(Debug, Clone, Serialize, Deserialize, Type)]
pub struct AuditRow {
    /// When.
    pub at: Instant,
    /// Who: a person here, or a clinic.
    pub who: String,
    /// Verb code, e.g. `consent.granted`, `release.read`, `note.signed`.
    pub action: String,
    /// Outcome.
    pub permitted: bool,
    /// Reason code.
    pub reason: Option<String>,
    /// Patient, when it concerns one of this clinic.
    pub patient: Option<PatientId>,
    /// Patient's name.
    pub patient_name: Option<String>,
    /// Consent reference, hexadecimal.
    pub grant: Option<String>,
    /// Joins the lines of both sides.
    pub request: Option<String>,
    /// Written by the relay.
    pub from_relay: bool,
}
