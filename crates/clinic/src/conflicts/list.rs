//! `conflicts`: everything that is open, with both values, who wrote them and when.

use std::collections::BTreeMap;

use domain::{AllergyId, PatientId, Staff, VisitId};
use seal::DeviceId;
use vault::{Hand, Matter, Reading, RecordedFact};

use super::late_edit;
use crate::{
    Desk, Error,
    membership::names,
    open::OpenClinic,
    roles::{self, Verb},
    views::conflicts::{
        ConflictsView, DispensingView, EditedField, GivenItem, HandView, MatterKind, MatterView, SignatureView,
        WrittenView,
    },
};

impl Desk {
    /// What is open, of everybody or of one patient. What a role may not see is counted.
    pub fn conflicts(&self, patient: Option<PatientId>) -> Result<ConflictsView, Error> {
        let (clinic, acting) = self.acting(Verb::SeeConflicts)?;
        clinic.read(|r| view(r, &acting.staff, patient))
    }
}

fn view(r: &Reading<'_>, staff: &Staff, patient: Option<PatientId>) -> Result<ConflictsView, Error> {
    let all = r.matters(patient)?;
    let seen: Vec<&Matter> = all.iter().filter(|matter| roles::may(staff, seen_by(matter))).collect();
    Ok(ConflictsView {
        elsewhere: u32::try_from(all.len() - seen.len()).unwrap_or(u32::MAX),
        matters: seen
            .into_iter()
            .map(|matter| matter_view(r, staff, matter))
            .collect::<Result<_, _>>()?,
    })
}

/// The verb by which its content is seen anyway.
fn seen_by(matter: &Matter) -> Verb {
    match (matter, matter.visit()) {
        (Matter::DispensedTwice { .. }, _) => Verb::SeeDispensing,
        (_, Some(_)) => Verb::OpenVisit,
        (_, None) => Verb::SeeBanner,
    }
}

fn decided_by(matter: &Matter) -> Verb {
    match matter {
        Matter::Disputed(one) => deciding(&one.key),
        Matter::Removed(_) => Verb::DecideClinical,
        Matter::LateEdit { .. } | Matter::SignedTwice { .. } => Verb::SignNote,
        Matter::DispensedTwice { .. } => Verb::ReverseDispensing,
    }
}

/// Who a patient is, is decided by whom she tells; all else by a doctor.
pub(super) fn deciding(key: &str) -> Verb {
    let document = key.split(' ').next().unwrap_or_default();
    if document.ends_with("/identity") {
        Verb::DecideIdentity
    } else {
        Verb::DecideClinical
    }
}

fn matter_view(r: &Reading<'_>, staff: &Staff, matter: &Matter) -> Result<MatterView, Error> {
    let visit = matter.visit();
    let patient = matter.patient();
    let kind_of = |word: &str| format!("{word} {}", visit.map(|visit| visit.to_string()).unwrap_or_default());
    let (key, what) = match matter {
        Matter::Disputed(one) => {
            let values = one.values.iter().map(|value| {
                Ok::<_, Error>(WrittenView {
                    side: value.side.clone(),
                    text: value.text.clone(),
                    beside: value.beside.clone(),
                    by: hand(r, &value.by)?,
                })
            });
            let what = MatterKind::Disputed {
                field: one.field,
                of: one.of.clone(),
                values: values.collect::<Result<_, _>>()?,
            };
            (one.key.clone(), what)
        }
        Matter::Removed(one) => {
            let edited = one.edited.iter().map(|(field, before, now)| EditedField {
                field: *field,
                before: before.clone(),
                now: now.clone(),
            });
            let what = MatterKind::Removed {
                of: one.of.clone(),
                edited: edited.collect(),
                removed_by: one.removed_by.map(|by| hand(r, &by)).transpose()?,
                edited_by: one.edited_by.map(|by| hand(r, &by)).transpose()?,
            };
            (one.key.clone(), what)
        }
        Matter::LateEdit { visit, edit, .. } => {
            let edit = late_edit::view(r, *visit, edit)?;
            (kind_of("late_edit"), MatterKind::LateEdit { edit })
        }
        Matter::SignedTwice { signatures, .. } => {
            let signatures = signatures.iter().map(|(fact, signed)| {
                Ok::<_, Error>(SignatureView {
                    fact: fact.id.to_string(),
                    by: hand(r, &hand_of(fact))?,
                    note: signed.note.clone(),
                    diagnoses: signed.diagnoses.iter().map(|one| one.text.clone()).collect(),
                    medicines: signed.lines.iter().map(|line| line.drug_name.clone()).collect(),
                })
            });
            let signatures = signatures.collect::<Result<_, _>>()?;
            (kind_of("signed_twice"), MatterKind::SignedTwice { signatures })
        }
        Matter::DispensedTwice { dispensings, .. } => {
            let dispensings = dispensings.iter().map(|(fact, dispensed)| {
                let items = dispensed.items.iter().map(|item| GivenItem {
                    name: item.line.drug_name.clone(),
                    quantity: item.quantity,
                    unit: item.line.unit.clone(),
                });
                Ok::<_, Error>(DispensingView {
                    fact: fact.id.to_string(),
                    by: hand(r, &hand_of(fact))?,
                    serial: dispensed.serial.clone(),
                    items: items.collect(),
                })
            });
            let dispensings = dispensings.collect::<Result<_, _>>()?;
            (kind_of("dispensed_twice"), MatterKind::DispensedTwice { dispensings })
        }
    };
    Ok(MatterView {
        key,
        patient,
        patient_name: r.patient(patient)?.map(|patient| patient.name).unwrap_or_default(),
        visit,
        day: match visit {
            Some(visit) => r.visit(visit)?.map(|visit| visit.day),
            None => None,
        },
        may_decide: roles::may(staff, decided_by(matter)),
        what,
    })
}

/// Whose word a fact is.
fn hand_of(fact: &RecordedFact) -> Hand {
    Hand {
        staff: fact.by,
        device: Some(fact.device),
        at: Some(fact.at),
    }
}

/// A hand by its names.
fn hand(r: &Reading<'_>, by: &Hand) -> Result<HandView, Error> {
    let letter = |device: DeviceId| Ok::<_, Error>(r.letter_of(&device)?.unwrap_or_default());
    let names: BTreeMap<_, _> = names(r)?;
    Ok(HandView {
        name: match by.staff {
            Some(_) => OpenClinic::staff_name(r, by.staff)?,
            None => String::new(),
        },
        device: by.device.map(letter).transpose()?.unwrap_or_default(),
        device_name: by.device.and_then(|device| names.get(&device).cloned()),
        at: by.at,
    })
}

/// What is open about one patient, for the screens that show her.
pub(crate) struct Open {
    /// How many matters.
    pub count: u32,
    /// Allergies that count in their graver reading until somebody decides.
    pub allergies: Vec<AllergyId>,
    /// Visits that were signed twice.
    pub signed_twice: Vec<VisitId>,
    /// Visits whose draft was edited apart from its signature.
    pub late_edits: Vec<VisitId>,
    /// Visits of which a medicine was handed over twice.
    pub dispensed_twice: Vec<VisitId>,
}

/// What is open about `patient`; about everybody with `None`.
pub(crate) fn open_of(r: &Reading<'_>, patient: Option<PatientId>) -> Result<Open, Error> {
    let matters = r.matters(patient)?;
    let mut open = Open {
        count: u32::try_from(matters.len()).unwrap_or(u32::MAX),
        allergies: Vec::new(),
        signed_twice: Vec::new(),
        late_edits: Vec::new(),
        dispensed_twice: Vec::new(),
    };
    for matter in &matters {
        match matter {
            Matter::Disputed(one) => open.allergies.extend(allergy_of(&one.key)),
            Matter::Removed(one) => open.allergies.extend(allergy_of(&one.key)),
            Matter::LateEdit { visit, .. } => open.late_edits.push(*visit),
            Matter::SignedTwice { visit, .. } => open.signed_twice.push(*visit),
            Matter::DispensedTwice { visit, .. } => open.dispensed_twice.push(*visit),
        }
    }
    open.allergies.dedup();
    Ok(open)
}

/// The allergy in `patient/<id>/allergies entries/<id>/severity`.
fn allergy_of(key: &str) -> Option<AllergyId> {
    let (_, spot) = key.split_once("/allergies entries/")?;
    spot.split('/').next()?.parse().ok()
}
