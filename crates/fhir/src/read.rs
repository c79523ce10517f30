//! The document Bundle of a release, read. It comes from outside.

use domain::AllergyStatus;
use serde_json::Value;

use crate::allergy::read_allergy;
use crate::document::NO_REDISCLOSURE;
use crate::medicine::read_medicine;
use crate::names::{ACT_CODE, ASKED_ON, FHIR_VERSION, RELEASE_FORMAT};
use crate::people::{read_clinic, read_patient};
use crate::reading::{Index, day, extension, instant, kind, list, text};
use crate::recording::read_recording;
use crate::section::{Emptiness, Section, emptiness};
use crate::visit::read_visit;
use crate::{FhirError, Shared, SharedRecord};

/// The largest document that is read, in bytes of JSON.
pub const MAX_BYTES: usize = 8 * 1024 * 1024;
/// The largest number of entries in a document that is read.
pub const MAX_ENTRIES: usize = 10_000;

/// Reads a document from bytes; refuses more than [`MAX_BYTES`] before it looks inside.
pub fn read_bundle_bytes(bytes: &[u8]) -> Result<SharedRecord, FhirError> {
    if bytes.len() > MAX_BYTES {
        return Err(FhirError::TooLarge);
    }
    read_bundle(&serde_json::from_slice(bytes).map_err(|_| FhirError::NotJson)?)
}

/// Reads what [`crate::release_bundle`] writes. Other kinds of entries are passed over; entries of ours that can't be read are
/// counted in [`SharedRecord::not_understood`].
pub fn read_bundle(bundle: &Value) -> Result<SharedRecord, FhirError> {
    if kind(bundle) != Some("Bundle") || text(bundle, "/type") != Some("document") {
        return Err(FhirError::NotADocument);
    }
    let entries = list(bundle, "/entry");
    if entries.len() > MAX_ENTRIES {
        return Err(FhirError::TooLarge);
    }
    let tagged = |(system, code): (&str, &str)| {
        list(bundle, "/meta/tag")
            .iter()
            .any(|it| text(it, "/system") == Some(system) && text(it, "/code") == Some(code))
    };
    if !tagged(FHIR_VERSION) || !tagged(RELEASE_FORMAT) {
        return Err(FhirError::OtherVersion);
    }
    let composition = entries
        .first()
        .and_then(|entry| entry.get("resource"))
        .ok_or(FhirError::NotADocument)?;
    if kind(composition) != Some("Composition") {
        return Err(FhirError::NotADocument);
    }
    let mut reader = Reader {
        index: Index::of(entries),
        composition,
        not_understood: 0,
    };
    let index = &reader.index;
    let patient = index.follow(composition, "/subject/reference").and_then(read_patient);
    let source = index.follow(composition, "/custodian/reference").and_then(read_clinic);
    let as_of = instant(composition, "/date");
    let (Some(card), Some(source), Some(as_of)) = (patient, source, as_of) else {
        return Err(FhirError::NotADocument);
    };
    let may_not = |it: &Value| text(it, "/system") == Some(ACT_CODE) && text(it, "/code") == Some(NO_REDISCLOSURE);
    Ok(SharedRecord {
        card,
        as_of,
        source,
        onward: !list(bundle, "/meta/security").iter().any(may_not),
        encounters: reader.category(Section::Encounters, "Encounter", read_visit),
        allergies: reader.allergies(),
        prescriptions: reader.category(Section::Medicines, "MedicationRequest", read_medicine),
        recordings: reader.category(Section::Recordings, "DocumentReference", |_, it, _| read_recording(it)),
        not_understood: reader.not_understood,
    })
}

struct Reader<'v> {
    index: Index<'v>,
    composition: &'v Value,
    not_understood: u32,
}

impl<'v> Reader<'v> {
    /// The entries of one kind that a section lists, each read by `read` with its address.
    fn category<T>(
        &mut self,
        section: Section,
        wanted: &str,
        read: impl Fn(&Index<'v>, &'v Value, &'v str) -> Option<T>,
    ) -> Shared<Vec<T>> {
        let Some(section) = section.find(self.composition) else {
            return Shared::Unavailable;
        };
        match emptiness(section) {
            Some(Emptiness::NilKnown) => return Shared::Given { value: Vec::new() },
            Some(Emptiness::Withheld) => return Shared::Withheld,
            Some(Emptiness::NotAsked | Emptiness::Unavailable) => return Shared::Unavailable,
            None => {}
        }
        let unread_before = self.not_understood;
        let mut value = Vec::new();
        for listed in list(section, "/entry") {
            let Some((url, resource)) = text(listed, "/reference").zip(self.index.follow(listed, "/reference")) else {
                self.not_understood += 1;
                continue;
            };
            if kind(resource) == Some(wanted) {
                match read(&self.index, resource, url) {
                    Some(it) => value.push(it),
                    None => self.not_understood += 1,
                }
            }
        }
        // That nothing of it could be read does not mean that there is nothing.
        if value.is_empty() && self.not_understood > unread_before {
            return Shared::Unavailable;
        }
        Shared::Given { value }
    }

    /// Allergies know one more answer than the lists: nobody asked.
    fn allergies(&mut self) -> Shared<AllergyStatus> {
        let section = Section::Allergies.find(self.composition);
        let asked_on = section
            .and_then(|section| extension(section, "/emptyReason/extension", ASKED_ON))
            .and_then(|it| day(it, "/valueDate"));
        match (section.and_then(emptiness), asked_on) {
            (Some(Emptiness::NotAsked), _) => Shared::Given {
                value: AllergyStatus::NotAsked,
            },
            (Some(Emptiness::NilKnown), Some(asked_on)) => Shared::Given {
                value: AllergyStatus::NoneKnown { asked_on },
            },
            (Some(Emptiness::NilKnown), None) => {
                self.not_understood += 1;
                Shared::Unavailable
            }
            _ => match self.category(Section::Allergies, "AllergyIntolerance", |_, it, _| read_allergy(it)) {
                Shared::Given { value } if value.is_empty() => Shared::Unavailable,
                Shared::Given { value: allergies } => Shared::Given {
                    value: AllergyStatus::Known { allergies },
                },
                Shared::Withheld => Shared::Withheld,
                Shared::Unavailable => Shared::Unavailable,
            },
        }
    }
}
