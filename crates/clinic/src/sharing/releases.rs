//! Releases: each part of a record, as each live grant covers it, sealed for the clinic that the grant names.
//!
//! A release is made in the transaction that changes what it shows. A line of the audit names the state that it was
//! made of, so that a device which merges the same state later makes no second one.

use std::collections::{HashMap, HashSet};

use consent::GrantState;
use domain::PatientId;
use fhir::{ReleaseContent, SharedRecord, release_bundle};
use seal::{GrantId, Membership, NewRelease, Release, ReleaseId, derive_document_id, derive_release_document};
use vault::{FactBody, FactDraft, GrantRow, Reading, Writing};

use super::content::{Part, Source};
use crate::{
    Error, ErrorCode,
    audit::{Detail, Line, RELEASE_MADE},
};

/// Makes every release of this patient that the live grants want and that was not made of this state yet.
///
/// A device to which not everything has come makes none: what it lacks would be taken away from another clinic. Those that
/// have everything make them of what it writes, and so does it once it has.
pub(crate) fn refresh_releases(w: &mut Writing<'_>, patient: PatientId) -> Result<(), Error> {
    if w.arriving()?.is_some() {
        return Ok(());
    }
    let now_ms = w.now().as_millisecond();
    let mut live = w.grants_given_for(patient)?;
    live.retain(|row| is_live(row, now_ms));
    live.retain(agreed_to(w, patient)?);
    if live.is_empty() {
        return Ok(());
    }
    let source = Source::of(w, patient)?;
    let made = Made::of(w, patient)?;
    for grant in live {
        let Some(recipient) = w.foreign_membership(grant.grant.clear().recipient)? else {
            tracing::warn!("a grant's clinic is not known on this device yet; its releases are made elsewhere");
            continue;
        };
        let terms = terms_of(w, patient, grant.id)?;
        for part in source.parts(&terms) {
            let to = To {
                patient,
                part,
                grant: &grant,
                recipient: &recipient,
            };
            match source.record(part, &terms) {
                Some(record) => release(w, &made, &to, record)?,
                None if made.last(grant.id, part, patient).is_some() => release(w, &made, &to, source.empty(&terms))?,
                None => (),
            }
        }
        // What was released once and is erased now is told to be nothing.
        for part in made.erased_recordings(grant.id, &source) {
            let to = To {
                patient,
                part,
                grant: &grant,
                recipient: &recipient,
            };
            release(w, &made, &to, source.empty(&terms))?;
        }
    }
    Ok(())
}

/// Whether a fact that counts says that the patient agreed to this very grant. A grant bears no number: one that was signed
/// by a device after its removal verifies, and only its fact is put aside.
fn agreed_to(r: &Reading<'_>, patient: PatientId) -> Result<impl Fn(&GrantRow) -> bool, Error> {
    let consents = r.consents(patient)?;
    Ok(move |row: &GrantRow| {
        consents
            .iter()
            .any(|consent| consent.terms.grant == row.id && consent.terms.recipient == row.grant.clear().recipient)
    })
}

fn is_live(row: &GrantRow, now_ms: i64) -> bool {
    let state = consent::state(row.grant.clear(), row.revoked_at_ms.is_some(), now_ms);
    matches!(state, GrantState::Active | GrantState::NotYet)
}

/// What the patient agreed to, from the fact that says so.
pub(super) fn terms_of(r: &Reading<'_>, patient: PatientId, grant: GrantId) -> Result<domain::ShareTerms, Error> {
    let consents = r.consents(patient)?;
    let granted = consents
        .into_iter()
        .find(|consent| consent.terms.grant == grant)
        .ok_or(ErrorCode::NotFound)?;
    Ok(granted.terms.terms)
}

/// Where a release goes.
struct To<'a> {
    patient: PatientId,
    part: Part,
    grant: &'a GrantRow,
    recipient: &'a Membership,
}

/// Seals one release, unless the last one of this part was made of the very same state.
fn release(w: &mut Writing<'_>, made: &Made, to: &To<'_>, record: SharedRecord) -> Result<(), Error> {
    let state = state_of(&record);
    let last = made.last(to.grant.id, to.part, to.patient);
    if last.is_some_and(|last| last.state == state) {
        return Ok(());
    }
    let belonging = w.belonging();
    let id = ReleaseId::make(w.rng());
    let naming_key = belonging.epochs.naming_key();
    let document = derive_document_id(naming_key, &to.part.path(to.patient));
    let new = NewRelease {
        id,
        document: derive_release_document(naming_key, &document, &to.grant.id),
        supersedes: last.map(|last| last.release),
        as_of_ms: record.as_of.as_millisecond(),
    };
    let bundle = release_bundle(&ReleaseContent {
        id: id.to_string(),
        record,
    });
    let plain = serde_json::to_vec(&bundle).expect("a JSON value is always text");
    let recipients = [(to.grant.grant.clear(), to.recipient)];
    let sealed = Release::seal(new, belonging.tenant, &plain, &recipients, &belonging.keys, w.rng())?;
    w.send_release(&sealed, to.patient)?;

    let mark = Mark {
        part: to.part.path(to.patient),
        release: id,
        state,
        supersedes: last.map(|last| last.release),
    };
    let line = Line::new(RELEASE_MADE)
        .patient(to.patient)
        .grant(&to.grant.id)
        .about(mark.text());
    w.record_fact(
        &FactDraft {
            at: w.now(),
            by: None,
            body: FactBody::Audit(line.into()),
        },
        None,
    )?;
    Ok(())
}

/// A name for what a record says, whenever it says it.
fn state_of(record: &SharedRecord) -> String {
    let mut timeless = serde_json::to_value(record).expect("plain structures");
    if let Some(fields) = timeless.as_object_mut() {
        fields.remove("as_of");
    }
    blake3::hash(timeless.to_string().as_bytes()).to_hex()[..32].to_owned()
}

/// Which release was made of what, as the audit tells it to every device of the clinic.
struct Mark {
    part: String,
    release: ReleaseId,
    state: String,
    supersedes: Option<ReleaseId>,
}

impl Mark {
    fn text(&self) -> String {
        let before = self.supersedes.map(|before| before.to_string()).unwrap_or_default();
        format!("{} {} {} {before}", self.part, self.release, self.state)
    }

    fn read(text: &str) -> Option<Self> {
        let mut words = text.split(' ');
        let (part, release, state) = (words.next()?, words.next()?, words.next()?);
        let supersedes = words.next().and_then(|before| before.parse().ok());
        Some(Self {
            part: part.to_owned(),
            release: release.parse().ok()?,
            state: state.to_owned(),
            supersedes,
        })
    }
}

/// The newest mark of each part under each grant.
struct Made(HashMap<(String, String), Mark>);

impl Made {
    fn of(r: &Reading<'_>, patient: PatientId) -> Result<Self, Error> {
        let mut facts = r.facts_of_patient(patient)?;
        facts.sort_by_key(|fact| (fact.at, fact.id));
        let mut marks = Vec::new();
        for fact in facts {
            let FactBody::Audit(line) = &fact.body else { continue };
            if line.action != RELEASE_MADE {
                continue;
            }
            let detail = Detail::of(line);
            if let (Some(grant), Some(mark)) = (detail.grant, detail.about.as_deref().and_then(Mark::read)) {
                marks.push((grant, mark));
            }
        }
        // What was superseded is not the newest, whatever its clock said.
        let superseded: HashSet<ReleaseId> = marks.iter().filter_map(|(_, mark)| mark.supersedes).collect();
        let standing = marks
            .into_iter()
            .filter(|(_, mark)| !superseded.contains(&mark.release));
        Ok(Self(
            standing
                .map(|(grant, mark)| ((grant, mark.part.clone()), mark))
                .collect(),
        ))
    }

    /// Recordings that were released under a grant and are no more.
    fn erased_recordings(&self, grant: GrantId, source: &Source) -> Vec<Part> {
        let of_grant = self.0.iter().filter(|((of, _), _)| *of == grant.to_string());
        let recordings = of_grant.filter_map(|((_, part), _)| part.split_once("/recording/")?.1.parse().ok());
        recordings
            .filter(|recording| !source.has_recording(*recording))
            .map(Part::Recording)
            .collect()
    }

    fn last(&self, grant: GrantId, part: Part, patient: PatientId) -> Option<&Mark> {
        self.0.get(&(grant.to_string(), part.path(patient)))
    }
}
