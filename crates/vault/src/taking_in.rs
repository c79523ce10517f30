//! What came: stored if it is not here yet, and judged.

use std::collections::BTreeMap;

use rusqlite::{OptionalExtension, params};
use seal::{ChangeId, Header};

use crate::documents::DocPath;
use crate::erasure::{self, Coming};
use crate::judge::Judge;
use crate::landing::Landing;
use crate::looked::{Looked, Placed};
use crate::set::{self, Verdict};
use crate::{Tag, VaultError};

/// What became of changes that came.
#[derive(Default)]
pub(crate) struct TakenIn {
    /// Were not here, and are in the tables.
    landed: Vec<ChangeId>,
    /// Were not here, and are to be judged.
    new: Vec<ChangeId>,
    /// So are these, and they are judged later.
    later: Vec<ChangeId>,
    /// So are these, which this build cannot read.
    unreadable: Vec<ChangeId>,
    /// Were here.
    pub held: Vec<ChangeId>,
    /// Are to be counted in.
    joining: Vec<Header>,
    /// Something was erased in this clinic, or came without its body.
    any_erased: bool,
}

impl TakenIn {
    /// What was not here, and can be given on.
    pub(crate) fn fresh(&self) -> impl Iterator<Item = &ChangeId> {
        self.landed.iter().chain(&self.new).chain(&self.later)
    }
}

impl Judge<'_> {
    /// Stores what came and is not here yet, and lands what is plain of it; the rest is for [`Self::judge_taken`].
    pub(crate) fn take_in(&mut self, came: Vec<Looked>) -> Result<TakenIn, VaultError> {
        let mut taken = TakenIn {
            any_erased: self.is_anything_erased()?,
            ..TakenIn::default()
        };
        let (edits, others) = by_document(came);
        for (path, edits) in edits {
            self.take_in_edits(path, edits, &mut taken)?;
        }
        for looked in others {
            self.take_in_one(looked, &mut taken)?;
        }
        let joining = std::mem::take(&mut taken.joining);
        set::join(self.conn, &joining)?;
        Ok(taken)
    }

    fn take_in_edits(&mut self, path: DocPath, mut edits: Vec<Looked>, taken: &mut TakenIn) -> Result<(), VaultError> {
        let conn = self.conn;
        let landing = self.land(path, &mut edits, |edit, names| {
            let header = edit.sealed.as_ref().map(|sealed| sealed.header());
            let row = set::Row {
                names: Some(names),
                verdict: Verdict::Applied,
                ..set::Row::unjudged(edit.id, header)
            };
            set::insert_row(conn, &row, &edit.bytes)
        })?;
        let kept = match landing {
            Landing::NotTried => return edits.into_iter().try_for_each(|edit| self.take_in_one(edit, taken)),
            Landing::Landed => None,
            Landing::Failed(kept) => Some(kept),
        };
        for (nth, edit) in edits.into_iter().enumerate() {
            if kept.as_ref().is_some_and(|kept| !kept[nth]) {
                taken.held.push(edit.id);
                continue;
            }
            let header = edit.sealed.as_ref().map(|sealed| *sealed.header());
            taken.joining.extend(header);
            match kept {
                None => taken.landed.push(edit.id),
                Some(_) => taken.new.push(edit.id),
            }
        }
        Ok(())
    }

    fn take_in_one(&mut self, looked: Looked, taken: &mut TakenIn) -> Result<(), VaultError> {
        let Looked {
            id,
            sealed,
            bytes,
            found,
            rank,
        } = looked;
        let Some(sealed) = sealed else {
            // Nobody could be told of it under this name.
            match set::insert(self.conn, id, None, &bytes)? {
                true => taken.unreadable.push(id),
                false => taken.held.push(id),
            }
            return Ok(());
        };
        let n_bytes = bytes.len();
        let stored = if taken.any_erased || sealed.body().is_none() {
            match erasure::coming(self.conn, self.belonging, &sealed, &bytes)? {
                Coming::Into(stored) => stored,
                Coming::Aside => return Ok(()),
            }
        } else {
            bytes
        };
        let names = match &found {
            Ok(Placed::Change(_, change)) if stored.len() == n_bytes => Some(set::automerge_names(change)),
            _ => None,
        };
        let row = set::Row {
            names,
            rank,
            ..set::Row::unjudged(id, Some(sealed.header()))
        };
        if !set::insert_row(self.conn, &row, &stored)? {
            taken.held.push(id);
            return Ok(());
        }
        taken.joining.push(*sealed.header());
        if rank.is_some() {
            taken.later.push(id);
        } else {
            self.looked.insert(id, (n_bytes as u64, found));
            taken.new.push(id);
        }
        Ok(())
    }

    fn is_anything_erased(&self) -> Result<bool, VaultError> {
        let sql = "SELECT EXISTS (SELECT 1 FROM p_erasures) OR EXISTS (SELECT 1 FROM headers)";
        Ok(self.conn.prepare_cached(sql)?.query_row([], |row| row.get(0))?)
    }

    /// Judges what [`Self::take_in`] stored.
    pub(crate) fn judge_taken(&mut self, taken: &TakenIn) -> Result<(), VaultError> {
        if !(taken.landed.is_empty() && taken.later.is_empty()) {
            self.tags.insert(Tag::Sync);
        }
        if !(taken.new.is_empty() && taken.unreadable.is_empty()) {
            self.judge(&[taken.new.as_slice(), &taken.unreadable].concat())?;
        }
        Ok(())
    }

    /// Judges what of these was stored before and is still to be read.
    pub(crate) fn judge_unread(&mut self, ids: &[ChangeId]) -> Result<(), VaultError> {
        let mut unread = Vec::new();
        let mut is_unread = self
            .conn
            .prepare_cached("SELECT 1 FROM changes WHERE id = ?1 AND verdict = 3 AND rank IS NOT NULL")?;
        for id in ids {
            if is_unread.exists([id.as_bytes()])? {
                unread.push(*id);
            }
        }
        match unread.is_empty() {
            true => Ok(()),
            false => self.judge(&unread),
        }
    }

    /// Judges what was stored first and looked at now, unless somebody did meanwhile.
    pub(crate) fn judge_stored(&mut self, looked: Vec<Looked>) -> Result<(), VaultError> {
        let (edits, mut others) = by_document(looked);
        let mut ids = Vec::new();
        for (path, mut edits) in edits {
            match self.land_stored(path, &mut edits)? {
                Landing::Landed => {}
                Landing::NotTried => others.extend(edits),
                Landing::Failed(kept) => {
                    let judged = edits.iter().zip(kept).filter(|(_, kept)| *kept);
                    ids.extend(judged.map(|(edit, _)| edit.id));
                }
            }
        }
        for Looked { id, bytes, found, .. } in others {
            let sql = "SELECT verdict = 3 FROM changes WHERE id = ?1";
            let still: Option<bool> = self
                .conn
                .prepare_cached(sql)?
                .query_row([id.as_bytes()], |row| row.get(0))
                .optional()?;
            if still != Some(true) {
                continue;
            }
            if let Ok(Placed::Change(_, change)) = &found {
                set::note_automerge(self.conn, &id, change)?;
            }
            self.looked.insert(id, (bytes.len() as u64, found));
            ids.push(id);
        }
        self.judge(&ids)
    }

    fn land_stored(&mut self, path: DocPath, edits: &mut [Looked]) -> Result<Landing, VaultError> {
        let conn = self.conn;
        self.land(path, edits, |edit, (hash, seq)| {
            let sql = "UPDATE changes SET verdict = ?2, am_hash = ?3, am_seq = ?4 WHERE id = ?1 AND verdict = 3";
            let row = params![edit.id.as_bytes(), Verdict::Applied as i64, hash, seq];
            Ok(conn.prepare_cached(sql)?.execute(row)? == 1)
        })
    }
}

/// Edits that were found in order, by their documents; and the rest.
fn by_document(looked: Vec<Looked>) -> (BTreeMap<DocPath, Vec<Looked>>, Vec<Looked>) {
    let (mut edits, mut others) = (BTreeMap::<_, Vec<Looked>>::new(), Vec::new());
    for looked in looked {
        match (&looked.found, &looked.sealed) {
            (Ok(Placed::Change(path, _)), Some(_)) => edits.entry(*path).or_default().push(looked),
            _ => others.push(looked),
        }
    }
    (edits, others)
}
