//! What other clinics share with this one, in one line each.

use domain::{Category, Identifier, Instant, PatientId};
use fhir::{Shared, SharedRecord};
use vault::{GrantRow, Reading, Vault};

use super::{known::verified_clinics, terms::SealedTerms};
use crate::{Error, reception::masked, views::sharing::SharedSummary};

/// As many grants are opened for one write.
const CARDS_A_TIME: u32 = 256;

/// A grant that was given to this clinic, opened.
pub(super) struct Received {
    pub row: GrantRow,
    pub terms: SealedTerms,
}

/// A grant, opened; `None` for one that does not hold now, or cannot be opened (sealed for keys that this device lacks).
pub(super) fn open(r: &Reading<'_>, row: GrantRow) -> Option<Received> {
    let (belonging, now_ms) = (r.belonging(), r.now().as_millisecond());
    let asked = consent::admits(row.grant.clear(), row.revoked_at_ms.is_some(), belonging.tenant, now_ms);
    if !asked.is_permit() {
        return None;
    }
    let plain = row.grant.open_terms(&belonging.epochs).ok()?;
    let terms = SealedTerms::decode(&plain).ok()?;
    Some(Received { row, terms })
}

/// Looks whom the grants are about that came since it was last done. One that cannot be opened is tried again the next time.
pub(crate) fn note_cards(vault: &Vault) -> Result<(), Error> {
    let mut behind = None;
    loop {
        let (n_rows, last, opened) = vault.read(|r| -> Result<_, Error> {
            let rows = r.grants_not_looked_at(behind, CARDS_A_TIME)?;
            let (n_rows, last) = (rows.len(), rows.last().map(|row| row.id));
            let opened: Vec<Received> = rows.into_iter().filter_map(|row| open(r, row)).collect();
            Ok((n_rows, last, opened))
        })?;
        if !opened.is_empty() {
            vault.write(None, |w| -> Result<(), Error> {
                for one in &opened {
                    w.note_card(one.row.id, &one.terms.card.identifier)?;
                }
                Ok(())
            })?;
        }
        if n_rows < CARDS_A_TIME as usize {
            return Ok(());
        }
        behind = last;
    }
}

/// The record that the live releases of a grant make together; `None` while none has arrived.
pub(super) fn record_of(r: &Reading<'_>, row: &GrantRow) -> Result<Option<SharedRecord>, Error> {
    let belonging = r.belonging();
    let mut records = Vec::new();
    for one in r.releases_received(row.id)? {
        // Of another clinic's making: one that does not open keeps nobody from the others.
        let plain = match one.release.open(row.grant.clear(), &belonging.epochs) {
            Ok(plain) => plain,
            Err(error) => {
                tracing::warn!(%error, "a release could not be opened");
                continue;
            }
        };
        match fhir::read_bundle_bytes(&plain) {
            Ok(record) => records.push(record),
            Err(error) => tracing::warn!(%error, "a release could not be read"),
        }
    }
    if records.is_empty() {
        return Ok(None);
    }
    let merged = fhir::merge_records(records);
    Ok(merged
        .inspect_err(|error| tracing::warn!(%error, "releases do not belong together"))
        .ok())
}

/// One line on the network screen.
pub(super) fn summary(r: &Reading<'_>, received: &Received) -> Result<SharedSummary, Error> {
    let clear = received.row.grant.clear();
    let record = record_of(r, &received.row)?;
    let terms = &received.terms.terms;
    let all = [
        Category::Encounters,
        Category::Allergies,
        Category::Prescriptions,
        Category::Audio,
    ];
    let (categories, withheld) = all.into_iter().partition(|one| terms.categories.contains(one));
    let verified = verified_clinics(r)?.remove(&clear.source);
    Ok(SharedSummary {
        grant: received.row.id.to_string(),
        clinic_name: verified.unwrap_or_else(|| received.terms.source.name.clone()),
        patient_name: received.terms.card.name.clone(),
        identifier: masked(&received.terms.card.identifier),
        categories,
        withheld,
        as_of: match &record {
            Some(record) => record.as_of,
            None => Instant::from_millisecond(clear.from_ms).unwrap_or(r.now()),
        },
        n_entries: record.as_ref().map_or(0, n_entries),
        matched_patient: matched(r, &received.terms.card.identifier)?,
    })
}

/// What other clinics share about a patient of this one, matched by her document.
pub(crate) fn received_for(r: &Reading<'_>, patient: PatientId) -> Result<Vec<SharedSummary>, Error> {
    let Some(known) = r.patient(patient)? else {
        return Ok(Vec::new());
    };
    let mut summaries = Vec::new();
    let about = r.grants_received_about(&known.identifier)?;
    for one in about.into_iter().filter_map(|row| open(r, row)) {
        if matched(r, &one.terms.card.identifier)? == Some(patient) {
            summaries.push(summary(r, &one)?);
        }
    }
    Ok(summaries)
}

/// The one patient here with this very document; two of them are for a person to tell apart.
pub(crate) fn matched(r: &Reading<'_>, identifier: &Identifier) -> Result<Option<PatientId>, Error> {
    if *identifier == Identifier::None {
        return Ok(None);
    }
    match r.find_by_identifier(identifier)?.as_slice() {
        [one] => Ok(Some(one.id)),
        _ => Ok(None),
    }
}

fn n_entries(record: &SharedRecord) -> u32 {
    fn count<T>(shared: &Shared<Vec<T>>) -> usize {
        shared.given().map_or(0, Vec::len)
    }
    let allergies = match record.allergies.given() {
        Some(domain::AllergyStatus::Known { allergies }) => allergies.len(),
        _ => 0,
    };
    let all = count(&record.encounters) + count(&record.prescriptions) + count(&record.recordings) + allergies;
    u32::try_from(all).unwrap_or(u32::MAX)
}
