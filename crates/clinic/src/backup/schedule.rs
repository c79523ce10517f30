//! When a backup is made by itself: every day, when the clinic is quiet; never on battery; never two close together,
//! whatever the clock does.

use std::{
    sync::{
        Arc, Mutex, MutexGuard,
        atomic::{AtomicBool, Ordering},
        mpsc::{self, RecvTimeoutError, Sender},
    },
    thread::JoinHandle,
    time::{Duration, Instant},
};

use vault::Tag;

use super::Kept;
use crate::{
    ErrorCode,
    open::{ClinicRef, OpenClinic},
};

/// How often it is looked whether one is due.
const LOOK_EVERY: Duration = Duration::from_secs(5 * 60);

/// After so many milliseconds the next one waits for a quiet moment; after as many more it does not wait.
const DAILY_MS: i64 = 20 * 3_600_000;
const LATEST_MS: i64 = 32 * 3_600_000;

/// Nothing was written for so long: a quiet moment.
const QUIET: Duration = Duration::from_secs(2 * 60);

/// Between two tries, by a clock that nobody sets.
const BETWEEN_TRIES: Duration = Duration::from_secs(3_600);

/// The making of backups on this device.
#[derive(Clone, Default)]
pub(crate) struct Backups(Arc<Inner>);

#[derive(Default)]
struct Inner {
    running: AtomicBool,
    stopped: AtomicBool,
    /// Also when the store had no room to keep it.
    problem: Mutex<Option<ErrorCode>>,
    last_write: Mutex<Option<Instant>>,
    ends: Mutex<Ends>,
}

#[derive(Default)]
struct Ends {
    told: Option<Sender<Told>>,
    thread: Option<JoinHandle<()>>,
}

enum Told {
    Look,
    Close,
}

/// A backup that is under way; over when dropped.
pub(super) struct Begun<'b>(&'b Inner);

impl Begun<'_> {
    pub(super) fn is_stopped(&self) -> bool {
        self.0.stopped.load(Ordering::Relaxed)
    }
}

impl Drop for Begun<'_> {
    fn drop(&mut self) {
        self.0.running.store(false, Ordering::Release);
    }
}

fn locked<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().expect("nobody panics under this lock")
}

impl Backups {
    /// Begins one; `None` while another is under way.
    pub(super) fn begin(&self) -> Option<Begun<'_>> {
        let free = !self.0.running.swap(true, Ordering::AcqRel);
        free.then_some(Begun(&self.0))
    }

    pub(super) fn is_running(&self) -> bool {
        self.0.running.load(Ordering::Acquire)
    }

    pub(super) fn problem(&self) -> Option<ErrorCode> {
        *locked(&self.0.problem)
    }

    pub(super) fn set_problem(&self, problem: Option<ErrorCode>) {
        *locked(&self.0.problem) = problem;
    }

    /// The folder changed: one may be due.
    pub(super) fn look_now(&self) {
        self.set_problem(None);
        if let Some(told) = &locked(&self.0.ends).told {
            drop(told.send(Told::Look));
        }
    }

    /// Hears of a commit. Never blocks.
    pub(crate) fn changed(&self, tags: &[Tag]) {
        if tags.iter().any(|tag| !matches!(tag, Tag::Settings | Tag::Sync)) {
            *locked(&self.0.last_write) = Some(Instant::now());
        }
    }

    pub(crate) fn start(&self, clinic: ClinicRef) {
        let (told, heard) = mpsc::channel();
        let thread = std::thread::Builder::new().name("backups".to_owned()).spawn(move || {
            let mut tries = Tries::default();
            loop {
                match heard.recv_timeout(LOOK_EVERY) {
                    Ok(Told::Look) => tries = Tries::default(),
                    Err(RecvTimeoutError::Timeout) => (),
                    Ok(Told::Close) | Err(RecvTimeoutError::Disconnected) => return,
                }
                let Some(clinic) = clinic.upgrade() else { return };
                clinic.back_up_if_due(&mut tries);
            }
        });
        match thread {
            Ok(thread) => {
                *locked(&self.0.ends) = Ends {
                    told: Some(told),
                    thread: Some(thread),
                }
            }
            Err(error) => tracing::error!(%error, "no backup will be made by itself"),
        }
    }

    /// Ends what is under way, within a moment.
    pub(crate) fn stop(&self) {
        self.0.stopped.store(true, Ordering::Relaxed);
        let ends = std::mem::take(&mut *locked(&self.0.ends));
        if let Some(told) = ends.told {
            drop(told.send(Told::Close));
        }
        if let Some(thread) = ends.thread
            && thread.thread().id() != std::thread::current().id()
            && thread.join().is_err()
        {
            tracing::error!("the maker of backups panicked");
        }
    }
}

/// What this thread has tried.
#[derive(Default)]
struct Tries {
    last: Option<Instant>,
    /// The folder was not there: whoever plugs the stick in need not wait for an hour.
    folder_was_missing: bool,
}

impl OpenClinic {
    fn back_up_if_due(&self, tries: &mut Tries) {
        let kept = match self.read(Kept::read) {
            Ok(kept) => kept,
            Err(error) => {
                tracing::warn!(code = ?error.code, "whether a backup is due is not known");
                return;
            }
        };
        let Some(folder) = kept.folder else { return };
        if self.power.heavy_work_paused() {
            return;
        }
        let last = kept.last.filter(|made| made.folder == folder.to_string_lossy());
        let is_back = tries.folder_was_missing && folder.is_dir();
        let quiet_for = locked(&self.backups.0.last_write).map_or(QUIET, |at| at.elapsed());
        let due = is_due(&Look {
            age_ms: last.map(|made| self.vault.now().as_millisecond() - made.at.as_millisecond()),
            since_try: tries.last.filter(|_| !is_back).map(|at| at.elapsed()),
            quiet_for,
        });
        if !due {
            return;
        }
        let outcome = self.back_up(None).map_err(|error| error.code);
        tries.folder_was_missing = outcome == Err(ErrorCode::BackupFolderMissing);
        // What the battery, or a person's own backup, put off is not put off for an hour.
        if outcome != Err(ErrorCode::NotNow) {
            tries.last = Some(Instant::now());
        }
    }
}

/// What a backup waits for.
struct Look {
    /// How old the last one in this folder is, by the clock on the wall; `None` when there is none.
    age_ms: Option<i64>,
    /// How long ago this program last tried.
    since_try: Option<Duration>,
    /// For how long nothing was written.
    quiet_for: Duration,
}

fn is_due(look: &Look) -> bool {
    if look.since_try.is_some_and(|since| since < BETWEEN_TRIES) {
        return false;
    }
    match look.age_ms {
        None => true,
        Some(age) if age >= LATEST_MS => true,
        // Less than nothing: the clock was set back, and the age is anybody's guess.
        Some(age) => !(0..DAILY_MS).contains(&age) && look.quiet_for >= QUIET,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const HOUR_MS: i64 = 3_600_000;

    fn check(age_hours: Option<i64>, tried_minutes_ago: Option<u64>, quiet_minutes: u64, due: bool) {
        let look = Look {
            age_ms: age_hours.map(|hours| hours * HOUR_MS),
            since_try: tried_minutes_ago.map(|minutes| Duration::from_secs(60 * minutes)),
            quiet_for: Duration::from_secs(60 * quiet_minutes),
        };
        assert_eq!(
            is_due(&look),
            due,
            "{age_hours:?} {tried_minutes_ago:?} {quiet_minutes}"
        );
    }

    #[test]
    fn the_first_one_is_made_at_once_and_then_one_a_day_in_a_quiet_moment() {
        check(None, None, 0, true);
        check(Some(19), None, 60, false);
        check(Some(21), None, 60, true);
        check(Some(21), None, 1, false);
        check(Some(33), None, 0, true);
    }

    #[test]
    fn a_try_that_failed_is_repeated_after_an_hour() {
        check(None, Some(59), 60, false);
        check(None, Some(61), 60, true);
    }

    #[test]
    fn a_clock_that_jumps_makes_one_backup_and_no_storm() {
        for years in [-100, -1, 1, 100] {
            check(Some(years * 365 * 24), None, 60, true);
            check(Some(years * 365 * 24), Some(30), 60, false);
        }
    }
}
