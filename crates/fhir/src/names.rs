//! Systems and codes: the words that other systems know, and our own where there is none.
//!
//! Names under `https://medieco.my/` are names, not addresses. SNOMED CT is not used: Malaysia's membership is unclear.

use domain::{Frequency, Route, Sensitivity};

pub(crate) const LOINC: &str = "http://loinc.org";
pub(crate) const UCUM: &str = "http://unitsofmeasure.org";
pub(crate) const ICD_10: &str = "http://hl7.org/fhir/sid/icd-10";
pub(crate) const ACT_CODE: &str = "http://terminology.hl7.org/CodeSystem/v3-ActCode";
pub(crate) const ACT_REASON: &str = "http://terminology.hl7.org/CodeSystem/v3-ActReason";
pub(crate) const CONFIDENTIALITY: &str = "http://terminology.hl7.org/CodeSystem/v3-Confidentiality";
pub(crate) const OBSERVATION_VALUE: &str = "http://terminology.hl7.org/CodeSystem/v3-ObservationValue";
pub(crate) const EMPTY_REASON: &str = "http://terminology.hl7.org/CodeSystem/list-empty-reason";
pub(crate) const IDENTIFIER_TYPE: &str = "http://terminology.hl7.org/CodeSystem/v2-0203";

pub(crate) const MYKAD: &str = "https://medieco.my/fhir/sid/mykad";
/// HL7's own pattern: followed by the country's ISO 3166 alpha-3 code.
pub(crate) const PASSPORT: &str = "http://hl7.org/fhir/sid/passport-";
pub(crate) const OTHER_PAPER: &str = "https://medieco.my/fhir/sid/other-paper";
pub(crate) const CLINIC: &str = "https://medieco.my/fhir/sid/clinic";
pub(crate) const REGISTRATION: &str = "https://medieco.my/fhir/sid/registration";
pub(crate) const STAFF: &str = "https://medieco.my/fhir/sid/staff";
pub(crate) const RELEASE: &str = "https://medieco.my/fhir/sid/release";
pub(crate) const GRANT: &str = "https://medieco.my/fhir/sid/grant";
pub(crate) const REQUEST: &str = "https://medieco.my/fhir/sid/request";
pub(crate) const VISIT: &str = "https://medieco.my/fhir/sid/visit";
pub(crate) const LINE: &str = "https://medieco.my/fhir/sid/prescription-line";
pub(crate) const DISPENSING: &str = "https://medieco.my/fhir/sid/dispensing";
pub(crate) const ALLERGY: &str = "https://medieco.my/fhir/sid/allergy";
pub(crate) const RECORDING: &str = "https://medieco.my/fhir/sid/recording";

pub(crate) const PRODUCT_CODE: &str = "https://medieco.my/fhir/CodeSystem/product";
pub(crate) const SUBSTANCE_CODE: &str = "https://medieco.my/fhir/CodeSystem/substance";
pub(crate) const FREQUENCY_CODE: &str = "https://medieco.my/fhir/CodeSystem/frequency";
pub(crate) const ROUTE_CODE: &str = "https://medieco.my/fhir/CodeSystem/route";
pub(crate) const FINDING_CODE: &str = "https://medieco.my/fhir/CodeSystem/finding";
pub(crate) const SECTION_CODE: &str = "https://medieco.my/fhir/CodeSystem/section";
pub(crate) const DOCUMENT_CODE: &str = "https://medieco.my/fhir/CodeSystem/document";

/// Tag that says which FHIR this is; FHIR itself has no place for it inside a resource.
pub(crate) const FHIR_VERSION: (&str, &str) = ("https://medieco.my/fhir/CodeSystem/fhir-version", "4.0.1");
/// Tag that says which shape of ours this is.
pub(crate) const RELEASE_FORMAT: (&str, &str) = ("https://medieco.my/fhir/CodeSystem/release-format", "1");

pub(crate) const ASKED_ON: &str = "https://medieco.my/fhir/StructureDefinition/asked-on";
pub(crate) const ALLERGY_SEVERITY: &str = "https://medieco.my/fhir/StructureDefinition/allergy-severity";
pub(crate) const ERASE_AT: &str = "https://medieco.my/fhir/StructureDefinition/erase-at";
pub(crate) const WITNESS: &str = "https://medieco.my/fhir/StructureDefinition/witness";
pub(crate) const DATA_ABSENT: &str = "http://hl7.org/fhir/StructureDefinition/data-absent-reason";

/// HL7's sensitivity labels, with what they mean.
pub(crate) fn sensitivity_code(sensitivity: Sensitivity) -> &'static str {
    match sensitivity {
        Sensitivity::MentalHealth => "MH",
        Sensitivity::SexualHealth => "STD",
        Sensitivity::Reproductive => "SEX",
    }
}

/// All of them.
pub(crate) const SENSITIVITIES: [Sensitivity; 3] = [
    Sensitivity::MentalHealth,
    Sensitivity::SexualHealth,
    Sensitivity::Reproductive,
];

/// The code of a route, which is also the word in the domain's JSON.
pub(crate) const ROUTES: [(Route, &str); 5] = [
    (Route::Oral, "oral"),
    (Route::Topical, "topical"),
    (Route::Inhaled, "inhaled"),
    (Route::Eye, "eye"),
    (Route::Injection, "injection"),
];

/// Code; times; in how many; of what; at bedtime.
pub(crate) const FREQUENCIES: [(Frequency, &str, u8, u8, &str, bool); 7] = [
    (Frequency::OnceDaily, "once_daily", 1, 1, "d", false),
    (Frequency::AtNight, "at_night", 1, 1, "d", true),
    (Frequency::TwiceDaily, "twice_daily", 2, 1, "d", false),
    (Frequency::ThreeTimesDaily, "three_times_daily", 3, 1, "d", false),
    (Frequency::FourTimesDaily, "four_times_daily", 4, 1, "d", false),
    (Frequency::EverySixHours, "every_six_hours", 1, 6, "h", false),
    (Frequency::EveryEightHours, "every_eight_hours", 1, 8, "h", false),
];
