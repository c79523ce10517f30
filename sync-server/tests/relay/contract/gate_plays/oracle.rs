//! What the relay has and what may leave, as far as everything that was done tells: plain lists, and no look at the store.

use std::collections::{BTreeMap, BTreeSet};

use seal::{GrantId, TenantId};
use sync_protocol::{AuditLine, AuditOutcome, Refusal, RefusedCode};

use super::cast::{CAST, GRANTS, N};
use super::letters::Post;
use crate::world::NOW;

/// What a clinic's device pushed, or heard that another one did.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Held {
    Grant(usize),
    Revocation(usize),
    Release(usize, usize, bool),
}

/// What the relay has, as far as everything that was done tells.
#[derive(Clone, Default)]
pub struct Has {
    pub life: usize,
    pub granted: BTreeSet<usize>,
    pub revoked: BTreeSet<usize>,
    /// Releases that were ever taken, or were known to be over before they came.
    pub known: BTreeSet<(usize, usize)>,
    /// What may be given under each grant, by position.
    pub given: BTreeMap<usize, BTreeMap<u64, usize>>,
    pub last: BTreeMap<usize, u64>,
    pub lines: [Vec<Expected>; N],
    /// A clinic that was closed: in which life, and up to where, what was put back had come; and the device that opened it.
    pub closed: [Option<Closed>; N],
    /// Which devices have spoken since.
    pub spoken: [BTreeSet<usize>; N],
    /// Of these the operator serves none, and of those he removed them nothing is left.
    pub suspended: BTreeSet<usize>,
    pub removed: BTreeSet<usize>,
    /// Clinics whose second device was removed, as far as the relay has heard.
    pub without_second: BTreeSet<usize>,
    pub post: Post,
    /// How far each clinic's consents reach, as the relay says.
    pub consents: [u64; N],
}

#[derive(Clone, Copy)]
pub struct Closed {
    life: usize,
    consents: u64,
    opened_by: Option<usize>,
}

pub type Expected = (u128, i64, usize, usize, Option<usize>, usize, AuditOutcome, u64);

pub fn told(line: &AuditLine) -> Expected {
    let clinic = |tenant: TenantId| CAST.tenants.iter().position(|one| *one == tenant).unwrap();
    let requester = clinic(line.requester);
    let device = CAST.devices[requester]
        .iter()
        .position(|one| *one == line.device)
        .unwrap();
    let grant = (0..GRANTS.len())
        .find(|grant| CAST.grant_id(*grant) == line.grant)
        .unwrap();
    let request = u128::from_be_bytes(line.request);
    let source = line.source.map(clinic);
    assert_eq!(line.purpose, source.map(|_| GRANTS[grant].2));
    (
        request,
        line.at_ms,
        requester,
        device,
        source,
        grant,
        line.outcome,
        line.count,
    )
}

impl Has {
    /// Whether something that is pushed is taken.
    pub fn take(&mut self, item: Held, now_ms: i64) -> Option<Refusal> {
        match item {
            Held::Grant(grant) => drop(self.granted.insert(grant)),
            Held::Revocation(grant) => {
                self.revoked.insert(grant);
                self.given.remove(&grant);
            }
            Held::Release(grant, nth, replaces) => {
                let (.., until) = GRANTS[grant];
                let lives = self.granted.contains(&grant) && !self.revoked.contains(&grant) && now_ms < NOW + until;
                if self.known.contains(&(grant, nth)) {
                    return None;
                }
                // One of a newer build's purpose takes releases, and gives none.
                if !lives {
                    return Some(Refusal::NoGrant);
                }
                self.known.insert((grant, nth));
                let given = self.given.entry(grant).or_default();
                if let (true, Some(before)) = (replaces, nth.checked_sub(1)) {
                    given.retain(|_, one| *one != before);
                    self.known.insert((grant, before));
                }
                let at = self.last.entry(grant).or_default();
                *at += 1;
                given.insert(*at, nth);
            }
        }
        None
    }

    /// Why nothing that hangs on this grant may leave for this clinic, now.
    pub fn denial(&self, now_ms: i64, clinic: usize, grant: usize) -> Option<AuditOutcome> {
        let (source, recipient, purpose, from, until) = GRANTS[grant];
        if !self.granted.contains(&grant) {
            Some(AuditOutcome::DeniedNoGrant)
        } else if clinic != recipient {
            Some(AuditOutcome::DeniedNotRecipient)
        } else if self.revoked.contains(&grant) {
            Some(AuditOutcome::DeniedRevoked)
        } else if purpose != 0 {
            Some(AuditOutcome::DeniedNotUnderstood)
        } else if now_ms < NOW + from {
            Some(AuditOutcome::DeniedNotYet)
        } else if now_ms >= NOW + until {
            Some(AuditOutcome::DeniedEnded)
        } else if self.is_closed(source) || self.is_not_served(source) {
            Some(AuditOutcome::DeniedSourceClosed)
        } else {
            None
        }
    }

    /// The grants of which a clinic is told, and how far their releases reach.
    pub fn heads(&self, now_ms: i64, clinic: usize) -> BTreeMap<GrantId, u64> {
        let told = self.last.iter().filter(|(grant, at)| {
            let may = self.denial(now_ms, clinic, **grant).is_none();
            may && **at > 0
        });
        told.map(|(grant, at)| (CAST.grant_id(*grant), *at)).collect()
    }

    /// What may leave, by position; or why nothing does. And the lines that tell of it.
    pub fn decide(
        &mut self,
        (request, now_ms, clinic, device): (u128, i64, usize, usize),
        grant: usize,
        after: u64,
    ) -> Result<Vec<(u64, usize)>, AuditOutcome> {
        let source = GRANTS[grant].0;
        let denied = self.denial(now_ms, clinic, grant);
        let line = |source, outcome, count| (request, now_ms, clinic, device, source, grant, outcome, count);
        let Some(outcome) = denied else {
            let given = self.given.get(&grant).into_iter().flatten();
            let given: Vec<_> = given
                .map(|(at, nth)| (*at, *nth))
                .filter(|(at, _)| *at > after)
                .collect();
            if !given.is_empty() {
                let line = line(Some(source), AuditOutcome::Permitted, given.len() as u64);
                self.lines[clinic].push(line);
                self.lines[source].push(line);
            }
            return Ok(given);
        };
        match outcome {
            AuditOutcome::DeniedNoGrant => self.lines[clinic].push(line(None, outcome, 0)),
            AuditOutcome::DeniedNotRecipient => {
                self.lines[clinic].push(line(None, AuditOutcome::DeniedNoGrant, 0));
                if clinic != source {
                    self.lines[source].push(line(Some(source), outcome, 0));
                }
            }
            _ => {
                self.lines[clinic].push(line(Some(source), outcome, 0));
                self.lines[source].push(line(Some(source), outcome, 0));
            }
        }
        Err(match outcome {
            AuditOutcome::DeniedNotRecipient => AuditOutcome::DeniedNoGrant,
            outcome => outcome,
        })
    }

    pub fn is_closed(&self, clinic: usize) -> bool {
        self.closed[clinic].is_some_and(|closed| closed.opened_by.is_none())
    }

    pub fn is_not_served(&self, clinic: usize) -> bool {
        self.suspended.contains(&clinic) || self.removed.contains(&clinic)
    }

    /// Why this device is turned away; of a suspended clinic one that was removed hears only that.
    pub fn refuses(&self, clinic: usize, device: usize) -> Option<RefusedCode> {
        if self.removed.contains(&clinic) {
            Some(RefusedCode::Suspended)
        } else if device == 1 && self.without_second.contains(&clinic) {
            Some(RefusedCode::Removed)
        } else {
            self.suspended.contains(&clinic).then_some(RefusedCode::Suspended)
        }
    }

    /// What was put back begins another life: every clinic is closed. Who was closed already still has to answer for then.
    pub fn begin(&mut self, life: usize) {
        for clinic in 0..N {
            let here = Closed {
                life: self.life,
                consents: self.consents[clinic],
                opened_by: None,
            };
            let still = self.closed[clinic].filter(|closed| closed.opened_by.is_none());
            self.closed[clinic] = still.or(Some(here));
            self.spoken[clinic].clear();
        }
        self.life = life;
    }

    /// A device has brought all that it holds. It opens its clinic if it had come as far as what was put back, or if it is the
    /// last of all.
    pub fn hear(&mut self, clinic: usize, device: usize, reached: &BTreeMap<usize, u64>) {
        let n_members = if self.without_second.contains(&clinic) { 1 } else { 2 };
        let Some(closed) = self.closed[clinic].as_mut().filter(|closed| closed.opened_by.is_none()) else {
            return;
        };
        let spoken = &mut self.spoken[clinic];
        spoken.insert(device);
        let at = reached.get(&closed.life).filter(|_| closed.life != self.life);
        let came_far = at.is_some_and(|at| *at >= closed.consents);
        if came_far || (0..n_members).all(|device| spoken.contains(&device)) {
            closed.opened_by = Some(device);
        }
    }

    /// The second device was removed. What it opened is closed.
    pub fn remove_second(&mut self, clinic: usize) {
        self.without_second.insert(clinic);
        if let Some(closed) = &mut self.closed[clinic] {
            closed.opened_by = closed.opened_by.filter(|device| *device == 0);
        }
    }

    /// The operator removed this clinic, and nothing is left of it but its chain and what others' feeds name.
    pub fn remove(&mut self, clinic: usize) {
        self.suspended.remove(&clinic);
        self.removed.insert(clinic);
        self.given.retain(|grant, _| GRANTS[*grant].0 != clinic);
        self.post.remove(clinic);
    }
}
