//! What changed, in the words of the screens' cache: each read provides tags, each commit spoils some.

use domain::{Day, PatientId, RecordingId, VisitId};

/// Something that a screen may be showing.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Tag {
    /// The clinic's profile.
    Clinic,
    /// The staff.
    Staff,
    /// Lists of patients, and search.
    Patients,
    /// One patient's identity.
    Patient(PatientId),
    /// One patient's allergies.
    Allergies(PatientId),
    /// The queue of one day.
    Queue(Day),
    /// One visit.
    Visit(VisitId),
    /// The list of one patient's visits.
    Visits(PatientId),
    /// One recording.
    Recording(RecordingId),
    /// Lists of facts: audit, Prescription Book, enrolments.
    Facts,
    /// The facts about one patient.
    PatientFacts(PatientId),
    /// Print jobs.
    PrintJobs,
    /// Settings of this machine.
    Settings,
    /// Grants and revocations.
    Grants,
    /// Releases from or to other clinics.
    Releases,
    /// Messages to other clinics and from them.
    Mail,
    /// The directory of clinics.
    Directory,
    /// The relay's audit lines.
    RelayAudit,
    /// Who belongs to this clinic.
    Membership,
    /// Pending, waiting, quarantined, missing.
    Sync,
}
