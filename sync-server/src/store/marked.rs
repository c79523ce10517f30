//! The store, followed by a mark outside its folder.

use std::path::PathBuf;
use std::time::{Duration, Instant};

use rand_core::CryptoRng;
use sync_protocol::RelayStoreFailed;

use super::Store;
use super::sql::Scope;
use crate::Mark;

/// The mark may be so far behind: then it notices nothing that was put back to the last second.
const EVERY: Duration = Duration::from_secs(1);

pub(super) struct FollowingMark {
    path: PathBuf,
    written: Option<(Mark, Instant)>,
}

impl Store {
    /// Where this data stands.
    pub fn place(&self) -> Mark {
        Mark {
            incarnation: self.life.get(),
            commits: self.database.commits(),
        }
    }

    /// Compares the data with the mark at `path`, begins another life if the data was put back, and moves the mark along
    /// from now on. Returns whether it was put back.
    ///
    /// # Errors
    /// [`RelayStoreFailed`].
    pub fn follow_with_mark(&mut self, path: PathBuf, rng: &mut impl CryptoRng) -> Result<bool, RelayStoreFailed> {
        let mark = Mark::read(&path);
        let was_put_back = mark.is_some_and(|mark| mark.is_ahead_of(&self.place())) && !self.is_empty()?;
        if was_put_back {
            tracing::warn!(
                "this data folder was put back to an older state: the mark outside it is ahead. The data begins another \
                 life, and clinics give nothing to each other until each has confirmed its revocations"
            );
            self.begin_another_life(rng)?;
        }
        self.mark = Some(FollowingMark { path, written: None });
        self.move_mark(true);
        Ok(was_put_back)
    }

    /// Moves the mark to where the data stands: now, or when its time has come.
    pub(crate) fn move_mark(&mut self, now: bool) {
        let place = self.place();
        let Some(mark) = &mut self.mark else { return };
        let due = match &mark.written {
            Some((written, at)) => *written != place && (now || at.elapsed() >= EVERY),
            None => true,
        };
        if due {
            if let Err(error) = place.write(&mark.path) {
                tracing::warn!(%error, "the mark outside the data folder cannot be written");
            }
            mark.written = Some((place, Instant::now()));
        }
    }

    /// Whether no clinic was ever here: a new folder, whatever a mark of an older one says.
    fn is_empty(&self) -> Result<bool, RelayStoreFailed> {
        let select = "SELECT NOT EXISTS (SELECT 1 FROM clinic) AND NOT EXISTS (SELECT 1 FROM statement)";
        self.read(Scope::House, |sql| sql.the_row(select, &[])?.flag(0))
    }
}
