//! Requests that came from other clinics: what waits, what was decided, and what is kept back from the list.

use std::collections::{BTreeMap, BTreeSet};

use domain::{Instant, Purpose};
use seal::{GrantId, MailId, MailKind, TenantId};
use vault::{CameMail, FactBody, Reading, RecordedFact, RequestRead};

use super::{asked::MS_A_DAY, content::RecordRequest};
use crate::{
    Error,
    sharing::verified_clinics,
    views::requests::{Decision, HeldBack, RequestRow},
};

/// So many open requests of one clinic that came within 24 hours are shown one by one; of the others, how many there are.
const SHOWN_OF_A_CLINIC: usize = 30;

/// The lists of what came.
pub(super) struct CameRequests {
    /// To be decided: emergencies first, then as they came.
    pub open: Vec<RequestRow>,
    /// Decided, newest first.
    pub decided: Vec<RequestRow>,
    /// Open, and too many of one clinic.
    pub held_back: Vec<HeldBack>,
    /// Of a newer build.
    pub n_unreadable: usize,
}

impl CameRequests {
    pub(super) fn of(r: &Reading<'_>) -> Result<Self, Error> {
        let (rows, n_unreadable) = rows(r)?;
        let (mut open, mut decided): (Vec<_>, Vec<_>) = rows.into_iter().partition(|row| row.decision.is_none());
        open.sort_by_key(|row| (row.purpose != Purpose::Emergency, row.came_at));
        decided.sort_by_key(|row| std::cmp::Reverse(row.came_at));
        let (open, held_back) = parted(open);
        Ok(Self {
            open,
            decided,
            held_back,
            n_unreadable,
        })
    }
}

/// The request in a message, if it is one that this build can show.
pub(super) fn readable(came: &CameMail) -> Option<RecordRequest> {
    let content = came.content.as_ref().filter(|_| came.kind == MailKind::RecordRequest);
    content.and_then(|bytes| RecordRequest::from_bytes(bytes))
}

/// A request as it stands in the record; `None` while nobody has read it. Of two readings apart the first counts.
pub(super) fn read_of(
    r: &Reading<'_>,
    from: TenantId,
    id: MailId,
) -> Result<Option<(RecordedFact, RequestRead)>, Error> {
    let facts = r.requests_read()?.into_iter().rev();
    let mut read = facts.filter_map(|fact| match fact.body.clone() {
        FactBody::RequestRead(read) => Some((fact, read)),
        _ => None,
    });
    Ok(read.find(|(_, read)| (read.from, read.request) == (from, id)))
}

/// What became of a request, and by which fact. What was given counts, whatever else somebody decided apart.
pub(super) fn decision_of(
    r: &Reading<'_>,
    from: TenantId,
    id: MailId,
) -> Result<Option<(RecordedFact, Option<GrantId>)>, Error> {
    let facts = r.requests_decided()?.into_iter().rev();
    let decided = facts.filter_map(|fact| match &fact.body {
        FactBody::RequestDecided(one) if (one.from, one.request) == (from, id) => {
            let grant = one.grant;
            Some((fact, grant))
        }
        _ => None,
    });
    Ok(decided.min_by_key(|(_, grant)| grant.is_none()))
}

fn rows(r: &Reading<'_>) -> Result<(Vec<RequestRow>, usize), Error> {
    let verified = verified_clinics(r)?;
    let decisions = decisions(r)?;
    let came = r.came_mail()?.into_iter();
    let mut came: BTreeMap<_, _> = came
        .filter(|mail| mail.kind == MailKind::RecordRequest)
        .map(|mail| ((mail.from, mail.id), mail))
        .collect();
    let mut rows = Vec::new();
    let mut known = BTreeSet::new();
    for fact in r.requests_read()?.into_iter().rev() {
        let FactBody::RequestRead(read) = fact.body else {
            continue;
        };
        let name = (read.from, read.request);
        if !known.insert(name) {
            continue;
        }
        rows.push(RequestRow {
            from: read.from.to_string(),
            id: read.request.to_string(),
            clinic_name: verified.get(&read.from).cloned().unwrap_or(read.from_name),
            verified: verified.contains_key(&read.from),
            author: read.author,
            purpose: read.purpose,
            came_at: came.remove(&name).map_or(fact.at, |mail| mail.came_at),
            name: Some(read.name),
            doubt: read.doubt,
            decision: decisions.get(&name).copied(),
        });
    }
    let mut n_unreadable = 0;
    for mail in came.into_values() {
        let Some(request) = readable(&mail) else {
            n_unreadable += 1;
            continue;
        };
        rows.push(RequestRow {
            from: mail.from.to_string(),
            id: mail.id.to_string(),
            clinic_name: verified.get(&mail.from).cloned().unwrap_or(request.clinic),
            verified: verified.contains_key(&mail.from),
            author: request.author,
            purpose: request.purpose,
            came_at: mail.came_at,
            name: None,
            doubt: mail.doubt,
            decision: None,
        });
    }
    Ok((rows, n_unreadable))
}

fn decisions(r: &Reading<'_>) -> Result<BTreeMap<(TenantId, MailId), Decision>, Error> {
    let mut decisions = BTreeMap::new();
    for fact in r.requests_decided()? {
        if let FactBody::RequestDecided(one) = fact.body {
            let decision = decisions.entry((one.from, one.request)).or_insert(Decision::Declined);
            if one.grant.is_some() {
                *decision = Decision::Answered;
            }
        }
    }
    Ok(decisions)
}

/// What is shown of these, and how many of which clinics are not. Those that somebody opened are shown before others, and
/// emergencies before the rest; as they are worked off, the next ones come up.
fn parted(open: Vec<RequestRow>) -> (Vec<RequestRow>, Vec<HeldBack>) {
    let mut shown: BTreeMap<String, Vec<Instant>> = BTreeMap::new();
    let mut held_back: BTreeMap<String, HeldBack> = BTreeMap::new();
    let mut take = |row: &RequestRow| {
        let times = shown.entry(row.from.clone()).or_default();
        let near = |at: &&Instant| (at.as_millisecond() - row.came_at.as_millisecond()).abs() < MS_A_DAY;
        let has_room = times.iter().filter(near).count() < SHOWN_OF_A_CLINIC;
        if has_room {
            times.push(row.came_at);
        } else {
            let of = held_back.entry(row.from.clone()).or_insert_with(|| HeldBack {
                clinic_name: row.clinic_name.clone(),
                verified: row.verified,
                count: 0,
            });
            of.count += 1;
        }
        has_room
    };
    let is_opened = |row: &&RequestRow| row.name.is_some();
    for row in open.iter().filter(is_opened) {
        take(row);
    }
    let rows = open.iter().filter(|row| is_opened(row) || take(row)).cloned().collect();
    (rows, held_back.into_values().collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn row(from: &str, purpose: Purpose, came_ms: i64, is_opened: bool) -> RequestRow {
        RequestRow {
            from: from.to_owned(),
            id: came_ms.to_string(),
            clinic_name: from.to_owned(),
            verified: true,
            author: String::new(),
            purpose,
            came_at: Instant::from_millisecond(came_ms).expect("a time"),
            name: is_opened.then(String::new),
            doubt: None,
            decision: None,
        }
    }

    #[test]
    fn of_too_many_of_one_clinic_the_rest_is_counted() {
        let many = || (0..32).map(|n| row("a", Purpose::Treatment, n, false));
        let (shown, held) = parted(many().chain([row("b", Purpose::Treatment, 5, false)]).collect());
        assert_eq!((shown.len(), held.len(), held[0].count), (31, 1, 2));
        assert_eq!(held[0].clinic_name, "a");
        // An emergency stands before them, and what somebody has opened does not vanish.
        let first = row("a", Purpose::Emergency, 99, false);
        let (shown, held) = parted([first].into_iter().chain(many()).collect());
        assert_eq!((shown.len(), held[0].count), (30, 3));
        assert!(shown.iter().any(|row| row.purpose == Purpose::Emergency));
        let opened = row("a", Purpose::Treatment, 99, true);
        let (shown, held) = parted(many().chain([opened]).collect());
        assert_eq!((shown.len(), held[0].count), (30, 3));
        assert!(shown.iter().any(|row| row.name.is_some()));
        // What came over days is no flood.
        let slowly = (0..60).map(|n| row("a", Purpose::Treatment, n * MS_A_DAY / 30, false));
        assert!(parted(slowly.collect()).1.is_empty());
    }
}
