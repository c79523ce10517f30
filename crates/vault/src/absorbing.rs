//! A batch that came is stored and judged in one transaction.
//!
//! One of which most is stored first (`backlog`) is taken apart: while this thread, which has the writer, stores one part,
//! others look at the next and make the documents that begin with it.

use std::collections::BTreeSet;

use domain::Day;
use rusqlite::Connection;
use seal::ChangeId;

use crate::begun::Begun;
use crate::judge::Judge;
use crate::looked::{Looked, LookedAt};
use crate::{Vault, VaultError, ahead};

/// Changes of one part.
const PART: usize = 512;

/// A part that was looked at, and its documents as far as they could be begun.
type Part = (LookedAt, Begun);

impl Vault {
    /// Stores and judges what came: each part by `take`, and at the end of the same transaction `finish`, once.
    pub(crate) fn absorb_batch(
        &self,
        changes: Vec<Vec<u8>>,
        take: impl Fn(&mut Judge<'_>, Vec<Looked>) -> Result<(), VaultError>,
        finish: impl FnOnce(&Connection) -> Result<(), VaultError>,
    ) -> Result<(), VaultError> {
        let n_changes = changes.len();
        let _storing = self.storing_first(n_changes);
        if !self.stores_first(n_changes) {
            let all = (self.look_closely_at(changes), Begun::default());
            return self.absorb_parts(n_changes, [Ok(all)], take, finish);
        }
        let today = self.read(|r| r.today())?;
        self.absorb_in_parts(Some(today), changes, take, finish)
    }

    /// The same of what is wanted now: all of it is judged, however much it is, and also what was stored before and not read.
    pub(crate) fn absorb_wanted(
        &self,
        changes: Vec<Vec<u8>>,
        take: impl Fn(&mut Judge<'_>, Vec<Looked>) -> Result<(), VaultError>,
    ) -> Result<(), VaultError> {
        let _storing = self.storing_first(changes.len());
        let take = |judge: &mut Judge<'_>, came: Vec<Looked>| {
            let ids: Vec<ChangeId> = came.iter().map(|looked| looked.id).collect();
            take(judge, came)?;
            judge.judge_unread(&ids)
        };
        self.absorb_in_parts(None, changes, take, |_| Ok(()))
    }

    /// `stores_first`: today, when most of it is only ranked.
    fn absorb_in_parts(
        &self,
        stores_first: Option<Day>,
        changes: Vec<Vec<u8>>,
        take: impl Fn(&mut Judge<'_>, Vec<Looked>) -> Result<(), VaultError>,
        finish: impl FnOnce(&Connection) -> Result<(), VaultError>,
    ) -> Result<(), VaultError> {
        let n_changes = changes.len();
        let look = |part| {
            let looked = self.look_at_part(stores_first, part);
            let begun = Begun::of(looked.all());
            (looked, begun)
        };
        std::thread::scope(|scope| {
            let parts = ahead::in_order(scope, ahead::parts(changes, PART), look);
            self.absorb_parts(n_changes, parts, take, finish)
        })
    }

    fn absorb_parts(
        &self,
        n_changes: usize,
        parts: impl IntoIterator<Item = Result<Part, VaultError>>,
        take: impl Fn(&mut Judge<'_>, Vec<Looked>) -> Result<(), VaultError>,
        finish: impl FnOnce(&Connection) -> Result<(), VaultError>,
    ) -> Result<(), VaultError> {
        let mut parts = parts.into_iter().peekable();
        // Whoever writes does not wait for the first part's signatures.
        parts.peek();
        let mut writer = self.inner.writer();
        let tags = writer.take_in::<_, VaultError>(n_changes, |conn, _, shelf, _| {
            let (mut tags, mut n_taken) = (BTreeSet::new(), 0);
            for part in parts {
                let (looked, begun) = part?;
                let (belonging, came) = self.still(looked);
                n_taken += came.len();
                let mut judge = Judge::new(conn, &belonging, shelf);
                judge.begun = begun;
                take(&mut judge, came)?;
                tags.append(&mut judge.tags);
            }
            // Nothing is left out silently: the cursor will move over all of them.
            if n_taken != n_changes {
                return Err(VaultError::Malformed("batch"));
            }
            finish(conn)?;
            Ok(tags)
        })?;
        drop(writer);
        self.tell(&tags.into_iter().collect::<Vec<_>>());
        Ok(())
    }
}
