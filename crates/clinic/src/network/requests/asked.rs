//! What this clinic asked others for, and how far that has come.

use std::collections::BTreeMap;

use domain::{Instant, PatientId};
use seal::{GrantId, MailId, MailKind, TenantId};
use vault::{FactBody, MailProgress, Reading, RecordAsked};

use super::content::RecordAnswer;
use crate::{
    Error, ErrorCode,
    network::letters::state_of,
    views::{
        network::SentState,
        requests::{AskedFar, AskedRow, AskedState},
    },
};

pub(super) const MS_A_DAY: i64 = 24 * 60 * 60 * 1000;

/// After so many days a request counts as not answered, and may be made anew. Whatever the other clinic did with it.
const NO_ANSWER_AFTER_DAYS: i64 = 14;

/// An answer that came.
#[derive(Clone, Copy)]
pub(super) struct Came {
    pub answer: MailId,
    pub grant: GrantId,
    /// It is in the record already.
    pub is_read: bool,
}

/// Everything that was asked for.
pub(super) struct AskedRecords {
    rows: Vec<(Instant, RecordAsked, MailProgress, Option<Came>)>,
    now: Instant,
}

impl AskedRecords {
    pub(super) fn of(r: &Reading<'_>) -> Result<Self, Error> {
        let answers = answers(r)?;
        let mut rows = Vec::new();
        for fact in r.records_asked()? {
            if let FactBody::RecordAsked(asked) = fact.body {
                let progress = r.mail_progress(asked.request)?;
                let came = answers.get(&(asked.to, asked.request)).copied();
                rows.push((fact.at, asked, progress, came));
            }
        }
        Ok(Self { rows, now: r.now() })
    }

    /// Whether a request for her is still waiting at this clinic.
    pub(super) fn is_open(&self, patient: PatientId, to: TenantId) -> bool {
        let hers = self
            .rows
            .iter()
            .filter(|(_, asked, ..)| (asked.patient, asked.to) == (patient, to));
        hers.map(|row| self.state(row))
            .any(|state| state == AskedState::Waiting)
    }

    /// How many were made since then.
    pub(super) fn n_since(&self, ms: i64) -> usize {
        self.rows.iter().filter(|(at, ..)| at.as_millisecond() > ms).count()
    }

    /// The answer to this request, and which clinic gave it.
    pub(super) fn answer_to(&self, request: MailId) -> Result<(TenantId, PatientId, Came), Error> {
        let row = self.rows.iter().find(|(_, asked, ..)| asked.request == request);
        let (_, asked, _, came) = row.ok_or(ErrorCode::NotFound)?;
        Ok((asked.to, asked.patient, came.ok_or(ErrorCode::NotFound)?))
    }

    /// One row for each, newest first.
    pub(super) fn rows(&self, r: &Reading<'_>) -> Result<Vec<AskedRow>, Error> {
        let mut rows = Vec::new();
        for row in &self.rows {
            let (at, asked, progress, came) = row;
            rows.push(AskedRow {
                id: asked.request.to_string(),
                patient: asked.patient,
                patient_name: r
                    .patient(asked.patient)?
                    .map(|patient| patient.name)
                    .unwrap_or_default(),
                clinic: asked.to.to_string(),
                clinic_name: asked.to_name.clone(),
                author: asked.author.clone(),
                purpose: asked.purpose,
                reason: asked.reason.clone(),
                asked_at: *at,
                state: self.state(row),
                far: far(progress),
                grant: came.map(|came| came.grant.to_string()),
                is_read: came.is_some_and(|came| came.is_read),
            });
        }
        Ok(rows)
    }

    fn state(&self, (at, _, progress, came): &(Instant, RecordAsked, MailProgress, Option<Came>)) -> AskedState {
        state(*at, progress, came.is_some(), self.now)
    }
}

fn state(at: Instant, progress: &MailProgress, is_answered: bool, now: Instant) -> AskedState {
    let is_old = now.as_millisecond() - at.as_millisecond() >= NO_ANSWER_AFTER_DAYS * MS_A_DAY;
    match progress {
        _ if is_answered => AskedState::Answered,
        MailProgress { refused: Some(_), .. } => AskedState::NotSent,
        // What never left was not left unanswered.
        _ if far(progress) == AskedFar::WaitsHere => AskedState::Waiting,
        _ if is_old => AskedState::NoAnswer,
        _ => AskedState::Waiting,
    }
}

/// Up to the other clinic's devices and no further: what happens behind them is not told, and would not be shown.
fn far(progress: &MailProgress) -> AskedFar {
    match state_of(progress) {
        SentState::WaitsHere => AskedFar::WaitsHere,
        SentState::OnItsWay | SentState::Refused => AskedFar::OnItsWay,
        SentState::AtRelay => AskedFar::AtRelay,
        SentState::Delivered | SentState::Read | SentState::Expired => AskedFar::Delivered,
    }
}

/// The answers that came, by clinic and request. One counts once the grant that it names is here, and is that clinic's own.
fn answers(r: &Reading<'_>) -> Result<BTreeMap<(TenantId, MailId), Came>, Error> {
    let mut came = Vec::new();
    // Of one that two devices opened apart the first reading counts.
    for fact in r.answers_read()?.into_iter().rev() {
        if let FactBody::AnswerRead(read) = fact.body {
            let (answer, grant, is_read) = (read.answer, read.grant, true);
            came.push((read.from, read.request, Came { answer, grant, is_read }));
        }
    }
    for mail in r.came_mail()?.into_iter().filter(|mail| mail.kind == MailKind::Answer) {
        if let Some(read) = mail.content.as_deref().and_then(RecordAnswer::from_bytes) {
            let (answer, grant, is_read) = (mail.id, read.grant, false);
            came.push((mail.from, read.request, Came { answer, grant, is_read }));
        }
    }
    let mut answers = BTreeMap::new();
    for (from, request, came) in came {
        let given = r.grant_received(came.grant)?;
        if given.is_some_and(|row| row.grant.clear().source == from) {
            answers.entry((from, request)).or_insert(came);
        }
    }
    Ok(answers)
}

#[cfg(test)]
mod tests {
    use sync_protocol::MailState;

    use super::*;

    fn at(days: i64) -> Instant {
        Instant::from_millisecond(days * MS_A_DAY).expect("a time")
    }

    fn progress(state: Option<MailState>, refused: Option<&str>, waits_here: bool) -> MailProgress {
        MailProgress {
            waits_here,
            refused: refused.map(str::to_owned),
            state: state.map(|state| (state, at(1))),
        }
    }

    #[test]
    fn nothing_but_an_answer_and_the_time_changes_what_is_said() {
        let known = [
            None,
            Some(MailState::Stored),
            Some(MailState::Delivered),
            Some(MailState::Read),
        ];
        for known in known {
            let progress = progress(known, None, false);
            assert_eq!(state(at(0), &progress, false, at(13)), AskedState::Waiting);
            assert_eq!(state(at(0), &progress, false, at(14)), AskedState::NoAnswer);
            assert_eq!(state(at(0), &progress, true, at(13)), AskedState::Answered);
            assert_eq!(state(at(0), &progress, true, at(99)), AskedState::Answered);
        }
        let refused = progress(None, Some("unknown_device"), false);
        assert_eq!(state(at(0), &refused, false, at(1)), AskedState::NotSent);
        let waits_here = progress(None, None, true);
        assert_eq!(state(at(0), &waits_here, false, at(99)), AskedState::Waiting);
        // What was delivered once, and is handed to a relay that was put back, is as old as it is.
        let again = progress(Some(MailState::Delivered), None, true);
        assert_eq!(state(at(0), &again, false, at(14)), AskedState::NoAnswer);
    }

    #[test]
    fn a_request_has_come_to_the_devices_of_the_other_clinic_at_most() {
        for told in [MailState::Delivered, MailState::Read, MailState::Expired] {
            assert_eq!(far(&progress(Some(told), None, false)), AskedFar::Delivered);
        }
        assert_eq!(far(&progress(Some(MailState::Stored), None, false)), AskedFar::AtRelay);
        assert_eq!(far(&progress(None, None, true)), AskedFar::WaitsHere);
    }
}
