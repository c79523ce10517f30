//! Facts that exclude one another: two signatures of one visit, two handings-over of one medicine, made apart.
//!
//! Both stay true; a person reverses one. A reversal counts only while another of its kind stands, so that two people who
//! reverse apart cannot leave a signed visit without a signature: the first reversal holds, the second says nothing.

use std::collections::BTreeSet;

use domain::{LineId, VisitId};
use rusqlite::params;
use seal::ChangeId;

use super::body::{Dispensed, FactBody, NoteSigned, Reversal, kind};
use super::read::RecordedFact;
use crate::{Reading, VaultError};

/// The facts of one visit that can exclude one another, and what of them stands.
pub(crate) struct Twice {
    signed: Vec<(RecordedFact, NoteSigned)>,
    dispensed: Vec<(RecordedFact, Dispensed)>,
    reversed: Vec<(RecordedFact, Reversal)>,
}

impl Twice {
    /// Oldest first, as `facts` are.
    fn of(facts: Vec<RecordedFact>) -> Self {
        let (mut signed, mut dispensed, mut reversals) = (Vec::new(), Vec::new(), Vec::new());
        for fact in facts {
            match fact.body.clone() {
                FactBody::NoteSigned(body) => signed.push((fact, body)),
                FactBody::Dispensed(body) => dispensed.push((fact, body)),
                FactBody::Reversal(body) if fact.verified => reversals.push((fact, body)),
                _ => {}
            }
        }
        let mut twice = Self {
            signed,
            dispensed,
            reversed: Vec::new(),
        };
        for (fact, reversal) in reversals {
            if twice.may_reverse(&reversal.reverses) {
                twice.reversed.push((fact, reversal));
            }
        }
        twice
    }

    /// Whether this fact stands, and another that it excludes.
    pub(crate) fn may_reverse(&self, fact: &ChangeId) -> bool {
        let signed = self.signed();
        if signed.iter().any(|(one, _)| one.id == *fact) {
            return signed.len() > 1;
        }
        let dispensed = self.dispensed();
        let Some((_, wanted)) = dispensed.iter().find(|(one, _)| one.id == *fact) else {
            return false;
        };
        let lines = lines_of(wanted);
        let others = dispensed.iter().filter(|(one, _)| one.id != *fact);
        others.clone().any(|(_, other)| !lines.is_disjoint(&lines_of(other)))
    }

    /// The signatures that stand.
    pub(crate) fn signed(&self) -> Vec<&(RecordedFact, NoteSigned)> {
        self.signed.iter().filter(|(fact, _)| self.stands(&fact.id)).collect()
    }

    /// The handings-over that stand.
    pub(crate) fn dispensed(&self) -> Vec<&(RecordedFact, Dispensed)> {
        self.dispensed
            .iter()
            .filter(|(fact, _)| self.stands(&fact.id))
            .collect()
    }

    /// The handings-over that stand and share a medicine with another.
    pub(crate) fn dispensed_twice(&self) -> Vec<&(RecordedFact, Dispensed)> {
        let standing = self.dispensed();
        let doubled = standing.iter().filter(|(fact, _)| self.may_reverse(&fact.id));
        doubled.copied().collect()
    }

    /// What was reversed, with the reversal.
    pub(crate) fn reversed(&self) -> &[(RecordedFact, Reversal)] {
        &self.reversed
    }

    fn stands(&self, fact: &ChangeId) -> bool {
        self.reversed.iter().all(|(_, reversal)| reversal.reverses != *fact)
    }
}

fn lines_of(dispensed: &Dispensed) -> BTreeSet<LineId> {
    dispensed.items.iter().map(|item| item.line.id).collect()
}

impl Reading<'_> {
    /// Signatures, handings-over and reversals of a visit.
    pub(crate) fn twice(&self, visit: VisitId) -> Result<Twice, VaultError> {
        let facts = self.facts(
            "WHERE visit = ?1 AND kind IN (?2, ?3, ?4) ORDER BY at_ms, id",
            params![visit.as_bytes(), kind::NOTE_SIGNED, kind::DISPENSED, kind::REVERSAL],
        )?;
        Ok(Twice::of(facts))
    }

    /// The signatures of a visit's note that stand, oldest first; more than one when it was signed apart on two devices.
    pub fn signatures(&self, visit: VisitId) -> Result<Vec<(RecordedFact, NoteSigned)>, VaultError> {
        Ok(self.twice(visit)?.signed().into_iter().cloned().collect())
    }

    /// What was handed over at a visit and stands, oldest first.
    pub fn dispensings(&self, visit: VisitId) -> Result<Vec<(RecordedFact, Dispensed)>, VaultError> {
        Ok(self.twice(visit)?.dispensed().into_iter().cloned().collect())
    }

    /// The reversals of a visit that hold, oldest first.
    pub fn reversals(&self, visit: VisitId) -> Result<Vec<(RecordedFact, Reversal)>, VaultError> {
        Ok(self.twice(visit)?.reversed().to_vec())
    }

    /// Whether this fact stands beside another that it excludes, so that one of them may be reversed.
    pub fn may_reverse(&self, visit: VisitId, fact: &ChangeId) -> Result<bool, VaultError> {
        Ok(self.twice(visit)?.may_reverse(fact))
    }
}
