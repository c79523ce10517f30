//! A person decides what was written apart: an ordinary edit over all of it, so that it is over wherever it arrives.

use automerge::ChangeHash;

use super::super::disputes::{self, Spot};
use super::super::{DocPath, Edit, removal};
use super::{Disputed, Matter, Removed, parse};
use crate::{VaultError, Writing};

/// How a disputed field is decided.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Choice {
    /// What one side wrote, by [`super::Written::side`].
    Side(String),
    /// What a person types.
    Typed(String),
}

impl Writing<'_> {
    /// Decides a disputed field: the choice is written over all that was written apart, as any edit is, so that the
    /// dispute is over wherever it arrives. Gives what was disputed.
    ///
    /// # Errors
    /// [`VaultError::NotFound`]: `conflict` when nothing is disputed there (any more), `value` when no side wrote this
    /// or the field cannot say it; [`VaultError::Signed`].
    pub fn decide(&mut self, key: &str, choice: &Choice) -> Result<Disputed, VaultError> {
        let (path, spot) = self.open_spot(key)?;
        let (Some(Matter::Disputed(disputed)), Some(field)) = (self.spot(key)?, spot.field) else {
            return Err(VaultError::NotFound("conflict"));
        };
        let side = match choice {
            Choice::Side(side) => {
                let known = disputed.values.iter().find(|value| value.side == *side);
                Some(known.ok_or(VaultError::NotFound("value"))?.side.clone())
            }
            Choice::Typed(_) => None,
        };
        self.edit(path, |root| {
            within(root, &spot.within, |map| match (&side, choice) {
                (Some(side), _) => {
                    let mut hash = [0; 32];
                    hex::decode_to_slice(side, &mut hash).map_err(|_| VaultError::NotFound("value"))?;
                    disputes::choose(map, field, ChangeHash(hash))
                }
                (None, Choice::Typed(text) | Choice::Side(text)) => {
                    let typed = disputes::typed(&map.view(), field, text).ok_or(VaultError::NotFound("value"))?;
                    typed.into_iter().try_for_each(|(key, value)| map.overrule(key, value))
                }
            })
        })?;
        Ok(disputed)
    }

    /// Decides upon an entry that one removed and another edited: it comes back as it was edited, or is left out. Gives
    /// what it was.
    ///
    /// # Errors
    /// As [`Writing::decide`].
    pub fn decide_removed(&mut self, key: &str, put_back: bool) -> Result<Removed, VaultError> {
        let (path, spot) = self.open_spot(key)?;
        let (Some(Matter::Removed(removed)), [container, name]) = (self.spot(key)?, &spot.within[..]) else {
            return Err(VaultError::NotFound("conflict"));
        };
        self.edit(path, |root| {
            let mut entries = root.map(container)?;
            if put_back {
                removal::put_back(&mut entries.map(name)?)
            } else {
                removal::remove(&mut entries, name)
            }
        })?;
        Ok(removed)
    }

    fn open_spot(&self, key: &str) -> Result<(DocPath, Spot), VaultError> {
        let (path, spot) = parse(key).ok_or(VaultError::NotFound("conflict"))?;
        match path.visit() {
            Some(visit) if !self.signatures(visit)?.is_empty() => Err(VaultError::Signed),
            _ => Ok((path, spot)),
        }
    }
}

fn within(
    edit: &mut Edit<'_>,
    names: &[String],
    f: impl FnOnce(&mut Edit<'_>) -> Result<(), VaultError>,
) -> Result<(), VaultError> {
    match names {
        [] => f(edit),
        [first] => f(&mut edit.map(first)?),
        [first, second, ..] => f(&mut edit.map(first)?.map(second)?),
    }
}
