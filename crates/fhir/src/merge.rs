//! All live releases of one grant as one.

use std::collections::BTreeSet;

use domain::{Identifier, Instant, search_key};
use serde_json::Value;

use crate::{FhirError, IdentityCard, ReleaseContent, Shared, SharedRecord, read_bundle, release_bundle};

/// One document of all that the releases give; `id` becomes its own. Whatever the order, the result is the same.
pub fn merge_bundles(id: &str, bundles: &[Value]) -> Result<Value, FhirError> {
    let records = bundles.iter().map(read_bundle).collect::<Result<_, _>>()?;
    Ok(release_bundle(&ReleaseContent {
        id: id.to_owned(),
        record: merge_records(records)?,
    }))
}

/// One record of all that the records give: the newest word counts, what anyone gives is given, and what nobody gives
/// but somebody withholds is withheld.
pub fn merge_records(mut records: Vec<SharedRecord>) -> Result<SharedRecord, FhirError> {
    // Newest first; what is equally new in an order that does not depend on the caller's.
    records.sort_by_cached_key(|it| {
        (
            std::cmp::Reverse(it.as_of),
            serde_json::to_string(it).unwrap_or_default(),
        )
    });
    let newest = records.first().ok_or(FhirError::Empty)?.clone();
    if records.iter().any(|it| it.source.id != newest.source.id) {
        return Err(FhirError::DifferentSources);
    }
    if records.iter().any(|it| !may_be_same_person(&it.card, &newest.card)) {
        return Err(FhirError::DifferentPeople);
    }
    Ok(SharedRecord {
        onward: records.iter().all(|it| it.onward),
        encounters: union(&records, |it| &it.encounters, |it| &it.id, |it| it.started_at),
        allergies: strongest(records.iter().map(|it| &it.allergies)),
        prescriptions: union(&records, |it| &it.prescriptions, |it| &it.id, |it| it.prescribed_at),
        recordings: union(&records, |it| &it.recordings, |it| &it.id, |it| it.recorded_at),
        not_understood: records.iter().fold(0, |sum, it| sum.saturating_add(it.not_understood)),
        ..newest
    })
}

/// A card may be corrected between two releases, in its document or in its name: both changed at once is another person.
fn may_be_same_person(one: &IdentityCard, other: &IdentityCard) -> bool {
    let same_document = one.identifier == other.identifier && one.identifier != Identifier::None;
    same_document || search_key(&one.name) == search_key(&other.name)
}

/// The first that is given, else withheld if any is, else unavailable.
fn strongest<'r, T: Clone + 'r>(mut all: impl Iterator<Item = &'r Shared<T>> + Clone) -> Shared<T> {
    let withheld = all.clone().any(Shared::is_withheld);
    match all.find(|it| it.given().is_some()) {
        Some(given) => given.clone(),
        None if withheld => Shared::Withheld,
        None => Shared::Unavailable,
    }
}

/// Every entry that any of the records gives, by its id as the newest of them has it; newest entries first.
fn union<T: Clone>(
    records: &[SharedRecord],
    category: impl Fn(&SharedRecord) -> &Shared<Vec<T>>,
    id: impl Fn(&T) -> &str,
    at: impl Fn(&T) -> Instant,
) -> Shared<Vec<T>> {
    match strongest(records.iter().map(&category)) {
        Shared::Given { .. } => {
            let mut seen = BTreeSet::new();
            let given = records.iter().filter_map(|record| category(record).given()).flatten();
            let mut value: Vec<T> = given.filter(|it| seen.insert(id(it).to_owned())).cloned().collect();
            value.sort_by(|a, b| (at(b), id(a)).cmp(&(at(a), id(b))));
            Shared::Given { value }
        }
        otherwise => otherwise,
    }
}
