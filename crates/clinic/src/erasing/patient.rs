//! `erasure_preview` and `erase_patient`: what of a patient may go now, what has to stay and until when.

use domain::{Instant, PatientId, Role};
use seal::Revocation;
use vault::{Erased, ErasureReason, FactBody, HeldDocument, HeldOfPatient, Reading, RecordedFact, Writing};

use super::{must_be_enrolled_as, retention, word};
use crate::{
    Desk, Error, ErrorCode,
    audit::{CONSENT_REVOKED, Line, PATIENT_ERASED},
    open::ZONE,
    roles::Verb,
    session::Acting,
    views::erasing::{ErasePatient, EraseReason, ErasureCount, ErasurePreview},
};

const MAY: [Role; 2] = [Role::Owner, Role::Admin];

/// So many facts are named by one erasure: one sealed change holds them.
const A_FACT: usize = 1_000;

/// The one kind of document that no law asks a clinic to keep.
const SOUND: &str = "recording";

/// What is held of a patient, parted by what may become of it.
struct Parted {
    goes: HeldOfPatient,
    stays: HeldOfPatient,
    until: domain::Day,
    is_over: bool,
}

impl Parted {
    fn of(r: &Reading<'_>, patient: PatientId) -> Result<Self, Error> {
        let person = r.patient(patient)?;
        let held = r.held_of_patient(patient)?;
        if held.documents.is_empty() && held.facts.is_empty() {
            return Err(Error::new(ErrorCode::NotFound).with("what", "patient"));
        }
        let until = retention::kept_until(
            last_attendance(r, patient, &held)?,
            person.and_then(|one| one.birth_date),
        );
        let is_over = domain::day_in_zone(r.now(), ZONE) >= until;
        let (goes, stays) = if is_over {
            let nothing = HeldOfPatient {
                documents: Vec::new(),
                facts: Vec::new(),
            };
            (held, nothing)
        } else {
            let is_sound = |document: &HeldDocument| document.kind == SOUND;
            let (sound, documents) = held.documents.into_iter().partition(is_sound);
            let goes = HeldOfPatient {
                documents: sound,
                facts: Vec::new(),
            };
            (
                goes,
                HeldOfPatient {
                    documents,
                    facts: held.facts,
                },
            )
        };
        Ok(Self {
            goes,
            stays,
            until,
            is_over,
        })
    }
}

/// When she was last here: the latest visit, or whatever was written of her since.
fn last_attendance(r: &Reading<'_>, patient: PatientId, held: &HeldOfPatient) -> Result<Instant, Error> {
    let visits = r.visits_of(patient)?.into_iter().map(|visit| visit.opened_at);
    let facts = held.facts.iter().map(|fact: &RecordedFact| fact.at);
    // Whose record has neither was registered and never came: it counts from now, since nothing says since when.
    Ok(visits.chain(facts).max().unwrap_or_else(|| r.now()))
}

impl Desk {
    /// What erasing this patient's record would take away now, and what has to stay. Changes nothing.
    pub fn erasure_preview(&self, patient: PatientId) -> Result<ErasurePreview, Error> {
        let (clinic, _) = self.acting(Verb::ErasePatient)?;
        clinic.read(|r| {
            let parted = Parted::of(r, patient)?;
            let consents = r.grants_given_for(patient)?;
            let n_consents = consents.iter().filter(|row| row.revoked_at_ms.is_none()).count();
            Ok(ErasurePreview {
                goes: counted(&parted.goes),
                stays: counted(&parted.stays),
                kept_until: parted.until,
                retention_is_over: parted.is_over,
                consents_to_end: if parted.is_over { shown(n_consents) } else { 0 },
                queue_lines: shown(r.queue_entries_of(patient)?.len()),
            })
        })
    }

    /// Erases what may go of this patient's record, on every device, for ever. While the record has to be kept that is the
    /// sound of her consults, and only at her own wish; afterwards it is everything, and her consents end with it.
    ///
    /// # Errors
    /// [`ErrorCode::NotNow`] with `why` = `retention` and `until` when nothing of it may go yet for this reason;
    /// [`ErrorCode::NotFound`]; those of the PIN.
    pub fn erase_patient(&self, input: ErasePatient) -> Result<ErasureCount, Error> {
        let (clinic, acting) = self.acting(Verb::ErasePatient)?;
        let acting = clinic.with_pin(&acting, &input.pin)?;
        clinic.write(&acting, |w| {
            must_be_enrolled_as(w, &acting, &MAY)?;
            let parted = Parted::of(w, input.patient)?;
            let nothing_may_go = parted.goes.documents.is_empty() && parted.goes.facts.is_empty();
            if nothing_may_go || (!parted.is_over && input.reason == EraseReason::Retention) {
                return Err(Error::not_now("retention").with("until", parted.until));
            }
            let count = counted(&parted.goes);
            if parted.is_over {
                end_consents(w, &acting, input.patient)?;
            }
            erase(w, &acting, input.patient, input.reason.into(), parted.goes)?;
            let line = Line::new(PATIENT_ERASED)
                .patient(input.patient)
                .reason(word(input.reason.into()));
            acting.audit(w, line.about(format!("{} {}", count.documents, count.facts)))?;
            Ok(count)
        })
    }
}

fn erase(
    w: &mut Writing<'_>,
    acting: &Acting,
    patient: PatientId,
    reason: ErasureReason,
    goes: HeldOfPatient,
) -> Result<(), Error> {
    let mut documents = goes.documents;
    let ids: Vec<_> = goes.facts.iter().map(|fact| fact.id).collect();
    let mut some = ids.chunks(A_FACT);
    loop {
        let facts = some.next().unwrap_or_default().to_vec();
        if facts.is_empty() && documents.is_empty() {
            return Ok(());
        }
        let erased = Erased::of(reason, patient, std::mem::take(&mut documents), facts);
        acting.record(w, FactBody::Erased(erased))?;
    }
}

/// What other clinics hold under a consent goes at their next contact, as after any revocation.
fn end_consents(w: &mut Writing<'_>, acting: &Acting, patient: PatientId) -> Result<(), Error> {
    for row in w.grants_given_for(patient)? {
        if row.revoked_at_ms.is_some() {
            continue;
        }
        let (belonging, at_ms) = (w.belonging(), w.now().as_millisecond());
        w.send_revocation(&Revocation::make(row.id, belonging.tenant, at_ms, &belonging.keys))?;
        acting.audit(
            w,
            Line::new(CONSENT_REVOKED)
                .patient(patient)
                .grant(&row.id)
                .reason("erased"),
        )?;
    }
    Ok(())
}

fn counted(held: &HeldOfPatient) -> ErasureCount {
    let of_kind = |kind: &str| held.documents.iter().filter(|document| document.kind == kind).count();
    ErasureCount {
        documents: shown(held.documents.len()),
        visits: shown(of_kind("visit")),
        recordings: shown(of_kind(SOUND)),
        facts: shown(held.facts.len()),
    }
}

fn shown(n: usize) -> u32 {
    u32::try_from(n).unwrap_or(u32::MAX)
}
