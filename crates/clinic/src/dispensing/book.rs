//! The Prescription Book's serial of a dispensing that is under way on this device.
//!
//! It stands on the labels before anything is handed over, so it is drawn with the first label and kept beside the
//! visit until the fact is written.

use domain::{DispensingId, LineId, VisitId};
use serde::{Deserialize, Serialize};
use vault::{Dispensed, Reading, RecordedFact, Writing};

use crate::Error;

/// A dispensing that is under way.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Begun {
    pub dispensing: DispensingId,
    pub serial: String,
}

fn key(visit: VisitId) -> String {
    format!("dispensing/{visit}")
}

impl Begun {
    /// The one that is under way for `visit`.
    pub(super) fn of(r: &Reading<'_>, visit: VisitId) -> Result<Option<Self>, Error> {
        let text = r.setting(&key(visit))?;
        Ok(text.and_then(|text| serde_json::from_str(&text).ok()))
    }

    /// The one that is under way, or a new one with the next serial of this device.
    pub(super) fn or_begin(w: &mut Writing<'_>, visit: VisitId) -> Result<Self, Error> {
        if let Some(begun) = Self::of(w, visit)? {
            return Ok(begun);
        }
        let now = w.now();
        let begun = Self {
            dispensing: DispensingId::make(now, w.rng()),
            serial: w.next_prescription_serial()?,
        };
        let text = serde_json::to_string(&begun).expect("an id and a serial");
        w.put_setting(&key(visit), &text)?;
        Ok(begun)
    }

    /// It is in the book now.
    pub(super) fn end(w: &mut Writing<'_>, visit: VisitId) -> Result<(), Error> {
        Ok(w.remove_setting(&key(visit))?)
    }
}

/// The first handing-over of `line`, and how many there are.
pub(super) fn handed_over(
    given: &[(RecordedFact, Dispensed)],
    line: LineId,
) -> (Option<&(RecordedFact, Dispensed)>, usize) {
    let of_line = || {
        given
            .iter()
            .filter(|(_, one)| one.items.iter().any(|item| item.line.id == line))
    };
    (of_line().min_by_key(|(fact, _)| fact.at), of_line().count())
}
