//! `decide_conflict` and `decide_removed`: a person has looked at both, and says what holds.

use seal::DeviceId;
use serde::Serialize;
use vault::{Choice, Hand, VaultError};

use super::list::deciding;
use crate::{
    Desk, Error, ErrorCode,
    audit::{CONFLICT_DECIDED, ENTRY_LEFT_OUT, ENTRY_PUT_BACK, Line},
    roles::Verb,
    sharing::refresh_releases,
    views::conflicts::{ChosenValue, DecideConflict, DecideRemoved},
};

impl Desk {
    /// Writes the chosen value over all that were written apart. The audit names the field, whose values they were and
    /// which one holds; what they say stays in the record.
    ///
    /// # Errors
    /// [`ErrorCode::NotNow`] with `why` = `decided` when nothing is disputed there any more, [`ErrorCode::Invalid`] for a
    /// value that the field cannot have, [`ErrorCode::Signed`].
    pub fn decide_conflict(&self, input: DecideConflict) -> Result<(), Error> {
        let (clinic, acting) = self.acting(deciding(&input.key))?;
        let choice = match input.value {
            ChosenValue::Side { side } => Choice::Side(side),
            ChosenValue::Typed { text } => Choice::Typed(text),
        };
        clinic.write(&acting, |w| {
            let was = w.decide(&input.key, &choice).map_err(refused)?;
            let about = About {
                field: input.key.rsplit('/').next().unwrap_or_default(),
                sides: was.values.iter().map(|value| Side::of(&value.by)).collect(),
                chosen: match &choice {
                    Choice::Side(side) => was.values.iter().position(|value| value.side == *side),
                    Choice::Typed(_) => None,
                },
            };
            let line = Line::new(CONFLICT_DECIDED).patient(was.patient).about(about.text());
            acting.audit(w, explained(line, was.visit, &input.reason))?;
            refresh_releases(w, was.patient)
        })
    }

    /// What one removed and another edited comes back as it was edited, or stays removed.
    ///
    /// # Errors
    /// As [`Desk::decide_conflict`].
    pub fn decide_removed(&self, input: DecideRemoved) -> Result<(), Error> {
        let (clinic, acting) = self.acting(Verb::DecideClinical)?;
        clinic.write(&acting, |w| {
            let was = w.decide_removed(&input.key, input.put_back).map_err(refused)?;
            let about = About {
                field: if was.visit.is_some() { "line" } else { "allergy" },
                sides: [was.removed_by, was.edited_by].iter().flatten().map(Side::of).collect(),
                chosen: None,
            };
            let action = if input.put_back { ENTRY_PUT_BACK } else { ENTRY_LEFT_OUT };
            let line = Line::new(action).patient(was.patient).about(about.text());
            acting.audit(w, explained(line, was.visit, &input.reason))?;
            refresh_releases(w, was.patient)
        })
    }
}

fn explained<'a>(line: Line<'a>, visit: Option<domain::VisitId>, reason: &str) -> Line<'a> {
    let line = match visit {
        Some(visit) => line.visit(visit),
        None => line,
    };
    match reason.trim() {
        "" => line,
        reason => line.reason(reason),
    }
}

fn refused(error: VaultError) -> Error {
    match error {
        VaultError::NotFound("conflict") => Error::not_now("decided"),
        VaultError::NotFound("value") => Error::invalid("value"),
        VaultError::Signed => ErrorCode::Signed.into(),
        other => other.into(),
    }
}

/// What the audit line is about, beyond whom.
#[derive(Serialize)]
struct About<'a> {
    field: &'a str,
    sides: Vec<Side>,
    /// Whose value holds; `None`: neither's.
    chosen: Option<usize>,
}

/// Whose value it was.
#[derive(Serialize)]
struct Side {
    staff: Option<domain::StaffId>,
    device: Option<DeviceId>,
    at_ms: Option<i64>,
}

impl Side {
    fn of(hand: &Hand) -> Self {
        Self {
            staff: hand.staff,
            device: hand.device,
            at_ms: hand.at.map(domain::Instant::as_millisecond),
        }
    }
}

impl About<'_> {
    fn text(&self) -> String {
        serde_json::to_string(self).expect("ids and numbers")
    }
}
