//! Cache tags: what a write spoils, and what each read shows. The screens never guess what to read again.

use vault::Tag;

/// Everything: a clinic was opened or closed, or somebody signed in or out.
pub const EVERYTHING: &str = "everything";
/// Status bar.
pub const STATUS: &str = "status";
/// The clinic's devices, and what was put aside.
pub const DEVICES: &str = "devices";
/// Consents, other clinics, what they share.
pub const SHARING: &str = "sharing";

/// The tags that each read provides; `{patient}`, `{visit}` stand for the id that it was asked about (or shows).
pub const READS: &[(&str, &[&str])] = &[
    ("app_state", &["clinic", "settings"]),
    ("staff_faces", &["staff"]),
    ("conflicts", &["status", "patient", "visit", "staff"]),
    ("device_contacts", &["devices", "status", "clinic"]),
    ("session", &["staff", "clinic"]),
    ("devices", &["devices", "clinic", "audit"]),
    ("quarantined", &["devices", "status", "clinic", "audit"]),
    ("search_patients", &["patients"]),
    ("read_mykad", &["patients"]),
    ("today", &["queue", "patients", "staff"]),
    ("patient_banner", &["patient:{patient}"]),
    ("patient_history", &["patient:{patient}", "staff"]),
    (
        "open_visit",
        &["visit:{visit}", "patient:{patient}", "recordings", "queue", "sharing"],
    ),
    ("check_line", &["visit:{visit}", "patient:{patient}"]),
    ("recordings_of", &["recordings", "status", "patient:{patient}"]),
    ("propose_draft", &["recordings"]),
    ("dispensing_queue", &["queue", "patients", "audit"]),
    ("open_dispense", &["visit:{visit}", "patient:{patient}", "print_jobs"]),
    (
        "label_preview",
        &["visit:{visit}", "patient:{patient}", "clinic", "settings"],
    ),
    ("print_jobs", &["print_jobs"]),
    ("network", &["sharing", "patients"]),
    ("directory", &["directory", "sharing", "audit", "devices", "clinic"]),
    ("letters", &["letters", "sharing", "audit", "staff"]),
    ("record_requests", &["letters", "sharing", "audit", "staff", "patients"]),
    ("grants_of", &["sharing"]),
    ("open_shared", &["sharing"]),
    ("export_fhir", &["sharing"]),
    ("own_card", &["clinic"]),
    ("audit", &["audit", "patients", "staff"]),
    ("status", &["status", "print_jobs", "settings"]),
    ("plan", &["status", "devices"]),
    ("device_settings", &["settings"]),
    ("models", &["settings"]),
    ("backup_state", &["settings", "status"]),
];

/// The screens' names of what changed in the store.
pub(crate) fn spoiled_by(tags: &[Tag]) -> Vec<String> {
    let mut words: Vec<String> = tags.iter().flat_map(words_of).collect();
    words.sort();
    words.dedup();
    words
}

fn words_of(tag: &Tag) -> Vec<String> {
    let word = |word: &str| vec![word.to_owned()];
    match tag {
        Tag::Clinic => word("clinic"),
        Tag::Staff => word("staff"),
        Tag::Membership => vec!["staff".to_owned(), DEVICES.to_owned(), STATUS.to_owned()],
        Tag::Patients => word("patients"),
        Tag::Patient(id) | Tag::Allergies(id) | Tag::Visits(id) => vec![format!("patient:{id}")],
        Tag::Queue(_) => word("queue"),
        Tag::Visit(id) => vec![format!("visit:{id}")],
        Tag::Recording(_) => word("recordings"),
        Tag::Facts => word("audit"),
        Tag::PatientFacts(id) => vec![format!("patient:{id}"), SHARING.to_owned(), "audit".to_owned()],
        Tag::PrintJobs => word("print_jobs"),
        Tag::Settings => word("settings"),
        Tag::Grants | Tag::Releases => word(SHARING),
        Tag::Mail => word("letters"),
        Tag::Directory => word("directory"),
        Tag::RelayAudit => word("audit"),
        Tag::Sync => word(STATUS),
    }
}
