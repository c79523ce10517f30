//! Do the audit chains hold? Each for itself, against the signed heads, and against each other.
//!
//! A line that was altered is found by the line after it, by its twin in the other clinic's chain, or by a head that was signed
//! since. Whoever alters both twins, all that follows and the heads' signatures needs relay.key, and is found by the
//! clinics' devices, which hold what they were given.

use std::collections::{BTreeMap, BTreeSet};

use seal::TenantId;
use serde::Serialize;
use sync_protocol::{AuditLine, RelayStore, RelayStoreFailed};

use crate::{Store, StoredHead};

/// Rows that are read at a time.
const ROWS: usize = 1_000;
/// Findings of one clinic that are kept; more are only counted.
const MAX_FINDINGS: usize = 100;

/// What is wrong at one place of a chain.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Wrong {
    /// The line cannot be read, or says another number than it has.
    Unreadable,
    /// A line is not there.
    Missing,
    /// The line does not follow from the one before: one of the two was altered.
    DoesNotFollow,
    /// The chain goes on behind its end.
    BehindTheEnd,
    /// The access concerns other clinics.
    Misplaced,
    /// The other clinic's chain has no such line.
    TwinMissing,
    /// The head cannot be read.
    HeadUnreadable,
    /// The relay did not sign this head.
    HeadForged,
    /// The head was signed for another line than the one that is here, or for one that is not.
    HeadDiffers,
}

impl Wrong {
    /// For a person.
    pub fn words(self) -> &'static str {
        match self {
            Self::Unreadable => "cannot be read",
            Self::Missing => "is missing",
            Self::DoesNotFollow => "does not follow from the one before",
            Self::BehindTheEnd => "stands behind the chain's end",
            Self::Misplaced => "is about other clinics",
            Self::TwinMissing => "is not in the other clinic's chain, or says something else there",
            Self::HeadUnreadable => "has a signed head that cannot be read",
            Self::HeadForged => "has a head that this relay did not sign",
            Self::HeadDiffers => "is not the line that was signed for",
        }
    }
}

/// One thing that is wrong.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Finding {
    /// The line's number in the chain.
    pub number: u64,
    /// What.
    pub what: Wrong,
    /// The other clinic, where two are concerned.
    pub other: Option<TenantId>,
}

/// One clinic's chain.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ChainReport {
    /// The clinic.
    pub tenant: TenantId,
    /// Lines that were read.
    pub n_lines: u64,
    /// Signed heads that were read.
    pub n_heads: u64,
    /// The newest head.
    pub newest: Option<StoredHead>,
    /// What is wrong, by number; at most a hundred.
    pub findings: BTreeSet<Finding>,
    /// How much is wrong.
    pub n_findings: u64,
}

impl ChainReport {
    fn found(&mut self, number: u64, what: Wrong, other: Option<TenantId>) {
        self.n_findings += 1;
        if self.findings.len() < MAX_FINDINGS {
            self.findings.insert(Finding { number, what, other });
        }
    }
}

/// Lines that must be in other chains, by chain and by the hash of the access; and whose line says so.
type Expected = BTreeMap<TenantId, BTreeMap<[u8; 32], (TenantId, u64)>>;

/// Looks at the chains of these clinics, and for the twins of their lines into those of others. Works beside a running relay.
///
/// # Errors
/// [`RelayStoreFailed`].
pub fn check_audit(store: &Store, clinics: &[TenantId]) -> Result<Vec<ChainReport>, RelayStoreFailed> {
    let mut expected = Expected::new();
    let mut reports = Vec::with_capacity(clinics.len());
    for tenant in clinics {
        reports.push(check_chain(store, tenant, &mut expected)?);
    }
    // Twins are written in one transaction, so what is looked for by now is there.
    for (chain, mut wanted) in expected {
        each_row(store, &chain, |_, line| {
            if let Some(line) = line {
                wanted.remove(&line.without_place().hash());
            }
        })?;
        for (owner, number) in wanted.into_values() {
            let report = reports.iter_mut().find(|report| report.tenant == owner);
            report
                .expect("only lines of these chains expect a twin")
                .found(number, Wrong::TwinMissing, Some(chain));
        }
    }
    Ok(reports)
}

/// The operators' own list: how many lines, and the numbers of those that do not follow from the one before.
///
/// # Errors
/// [`RelayStoreFailed`].
pub fn check_operators(store: &Store) -> Result<(u64, Vec<u64>), RelayStoreFailed> {
    // No number comes near it, and every database can count so far.
    let (mut n_lines, mut broken, mut before) = (0, Vec::new(), u64::from(u32::MAX));
    loop {
        let lines = store.operator_audit(before, ROWS)?;
        let Some(oldest) = lines.last() else { break };
        before = oldest.number;
        n_lines += lines.len() as u64;
        broken.extend(lines.iter().filter(|line| !line.holds).map(|line| line.number));
    }
    broken.sort_unstable();
    Ok((n_lines, broken))
}

fn check_chain(store: &Store, tenant: &TenantId, expected: &mut Expected) -> Result<ChainReport, RelayStoreFailed> {
    let mut report = ChainReport {
        tenant: *tenant,
        n_lines: 0,
        n_heads: 0,
        newest: None,
        findings: BTreeSet::new(),
        n_findings: 0,
    };
    // In this order: a relay that runs only adds lines, and then signs for them.
    let mut heads = signed_heads(store, tenant, &mut report)?;
    let end = store.end_of_audit(tenant)?;
    let (mut last, mut before) = (0_u64, Some([0; 32]));
    each_row(store, tenant, |number, line| {
        report.n_lines += 1;
        if let Some(hole) = last.checked_add(1).filter(|next| *next < number) {
            report.found(hole, Wrong::Missing, None);
            before = None;
        }
        last = number;
        let Some(line) = line.filter(|line| line.number == number) else {
            report.found(number, Wrong::Unreadable, None);
            before = None;
            return;
        };
        if before.is_some_and(|hash| hash != line.previous) {
            report.found(number, Wrong::DoesNotFollow, None);
        }
        let hash = line.hash();
        before = Some(hash);
        if heads
            .remove(&number)
            .is_some_and(|signed| signed.iter().any(|one| *one != hash))
        {
            report.found(number, Wrong::HeadDiffers, None);
        }
        if line.requester != *tenant && line.source != Some(*tenant) {
            report.found(number, Wrong::Misplaced, None);
        }
        if let Some((other, twin)) = line.twin(tenant) {
            let of_other = expected.entry(other).or_default();
            of_other.insert(twin.hash(), (*tenant, number));
        }
    })?;
    // What was added since the end was read stands behind it by right.
    let end_now = store.end_of_audit(tenant)?;
    if last < end {
        report.found(last + 1, Wrong::Missing, None);
    } else if last > end_now {
        report.found(end_now + 1, Wrong::BehindTheEnd, None);
    }
    for number in heads.into_keys() {
        report.found(number, Wrong::HeadDiffers, None);
    }
    Ok(report)
}

/// The hashes that were signed for, by number.
fn signed_heads(
    store: &Store,
    tenant: &TenantId,
    report: &mut ChainReport,
) -> Result<BTreeMap<u64, Vec<[u8; 32]>>, RelayStoreFailed> {
    let mut hashes = BTreeMap::<u64, Vec<[u8; 32]>>::new();
    for stored in store.signed_heads(tenant)? {
        report.n_heads += 1;
        let Some(stored) = stored else {
            report.found(0, Wrong::HeadUnreadable, None);
            continue;
        };
        let head = stored.head;
        // Lives before this one may have had another key; this one has the key that is in the folder.
        let is_own_key = stored.incarnation != store.incarnation() || stored.key == store.receipt_key();
        if !is_own_key || head.verify(*tenant, stored.incarnation, &stored.key).is_err() {
            report.found(head.number, Wrong::HeadForged, None);
            continue;
        }
        hashes.entry(head.number).or_default().push(head.hash);
        if report.newest.is_none_or(|newest| newest.head.at_ms <= head.at_ms) {
            report.newest = Some(stored);
        }
    }
    Ok(hashes)
}

/// Every row of a chain; `None` for a line that cannot be read.
fn each_row(
    store: &Store,
    tenant: &TenantId,
    mut look: impl FnMut(u64, Option<AuditLine>),
) -> Result<(), RelayStoreFailed> {
    let mut after = 0;
    loop {
        let rows = store.audit_rows(tenant, after, ROWS)?;
        let is_last = rows.len() < ROWS;
        for row in rows {
            after = row.number;
            look(row.number, AuditLine::decode(&row.bytes).ok());
        }
        if is_last {
            return Ok(());
        }
    }
}
