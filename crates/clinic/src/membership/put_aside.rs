//! `quarantined`: what was put aside, by device and reason.

use std::collections::BTreeMap;

use seal::{DeviceId, OpeningEnd, OpeningId};
use serde::{Deserialize, Serialize};
use vault::{FactBody, PutAside, Reading};

use super::list::names;
use crate::{
    Desk, Error,
    audit::{DEVICE_WORK_LEFT, Detail},
    roles::Verb,
    views::members::QuarantinedView,
};

impl Desk {
    /// Everything that was put aside; what a removed device wrote too late first.
    pub fn quarantined(&self) -> Result<Vec<QuarantinedView>, Error> {
        let (clinic, _) = self.acting(Verb::SeeDevices)?;
        clinic.read(|r| {
            let (names, reviewed) = (names(r)?, reviewed(r)?);
            let mut aside = r.put_aside()?;
            aside.sort_by_key(|group| !group.is_after_removal());
            aside
                .into_iter()
                .map(|group| {
                    Ok(QuarantinedView {
                        letter: r.letter_of(&group.device)?.unwrap_or_default(),
                        name: names.get(&group.device).cloned(),
                        reviewed: is_reviewed(&group, &reviewed),
                        reason: group.reason,
                        device: group.device.to_string(),
                        count: shown(group.count),
                        first_at: group.first_at,
                        documents: kinds(group.documents),
                        waiting: shown(group.n_held_up),
                    })
                })
                .collect()
        })
    }
}

/// How many changes are put aside that nobody has looked at yet.
pub(crate) fn n_to_look_at(r: &Reading<'_>, n_quarantined: u64) -> Result<u64, Error> {
    if n_quarantined == 0 {
        return Ok(0);
    }
    let mut n_reviewed = 0;
    for (device, ends) in reviewed(r)? {
        n_reviewed += r.n_after_removal(&device, &ends)?;
    }
    Ok(n_quarantined.saturating_sub(n_reviewed))
}

/// How far somebody has looked at what was put aside, as the audit tells it to every device of the clinic.
#[derive(Serialize, Deserialize)]
pub(super) struct Left {
    device: DeviceId,
    ends: BTreeMap<OpeningId, u64>,
}

impl Left {
    pub(super) fn of(group: &PutAside) -> Self {
        Self {
            device: group.device,
            ends: group.ends.iter().map(|end| (end.opening, end.number)).collect(),
        }
    }

    pub(super) fn text(&self) -> String {
        serde_json::to_string(self).expect("ids and numbers")
    }
}

type Reviewed = BTreeMap<DeviceId, BTreeMap<OpeningId, u64>>;

fn reviewed(r: &Reading<'_>) -> Result<Reviewed, Error> {
    let mut reviewed = Reviewed::new();
    for fact in r.audit_of(DEVICE_WORK_LEFT)? {
        let FactBody::Audit(line) = &fact.body else { continue };
        let about = Detail::of(line).about.unwrap_or_default();
        let Ok(left) = serde_json::from_str::<Left>(&about) else {
            continue;
        };
        let ends = reviewed.entry(left.device).or_default();
        for (opening, number) in left.ends {
            let end = ends.entry(opening).or_default();
            *end = number.max(*end);
        }
    }
    Ok(reviewed)
}

fn is_reviewed(group: &PutAside, reviewed: &Reviewed) -> bool {
    let covers = |ends: &BTreeMap<OpeningId, u64>, end: &OpeningEnd| {
        ends.get(&end.opening).is_some_and(|number| end.number <= *number)
    };
    let ends = reviewed.get(&group.device);
    group.is_after_removal() && ends.is_some_and(|ends| group.ends.iter().all(|end| covers(ends, end)))
}

fn kinds(documents: BTreeMap<&'static str, u64>) -> BTreeMap<String, u32> {
    let kinds = documents.into_iter();
    kinds.map(|(kind, n)| (kind.to_owned(), shown(n))).collect()
}

pub(super) fn shown(n: u64) -> u32 {
    u32::try_from(n).unwrap_or(u32::MAX)
}
