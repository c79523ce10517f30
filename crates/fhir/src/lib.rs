//! Maps domain to FHIR R4.
