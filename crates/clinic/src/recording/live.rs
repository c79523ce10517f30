//! The recordings that are running on this device now.

use std::{
    collections::HashMap,
    sync::{Mutex, MutexGuard},
};

use domain::{RecordingId, Turn, VisitId};

use crate::views::consult::RecordingState;

/// One that is running.
pub(super) struct Live {
    pub visit: VisitId,
    pub state: RecordingState,
    /// Turns that are final so far.
    pub turns: Vec<Turn>,
    pub length_ms: u32,
    /// It holds the microphone.
    pub from_microphone: bool,
    /// The scribe's end of it; `None` for the moment in which it starts.
    pub scribe: Option<scribe::Recording>,
    /// The scribe has said its last word. Its end is let go of by another thread than its own.
    pub over: bool,
}

/// All of them.
#[derive(Default)]
pub(crate) struct Recordings(Mutex<HashMap<RecordingId, Live>>);

impl Recordings {
    /// Whether sound of this visit is still coming in, or being written down.
    pub(crate) fn is_live_for(&self, visit: VisitId) -> bool {
        self.lock().values().any(|live| live.visit == visit && !live.over)
    }

    /// Pauses what is heavy, or takes it up again. Sound is kept all the while.
    pub(crate) fn set_heavy_work(&self, on: bool) {
        for live in self.lock().values() {
            if let Some(scribe) = &live.scribe {
                scribe.set_heavy_work(on);
            }
        }
    }

    /// Stops all, and waits until each is on disk. Words that are still due are sought later.
    pub(crate) fn stop_all(&self) {
        self.set_heavy_work(false);
        let all: Vec<Live> = self.lock().drain().map(|(_, live)| live).collect();
        // Waiting for a recording's end happens without the lock, which its last event needs.
        drop(all);
    }

    /// Hands over the scribe's end of a recording that has just been started.
    pub(super) fn attach(&self, id: RecordingId, scribe: scribe::Recording) {
        let too_late = match self.lock().get_mut(&id) {
            Some(live) => live.scribe.replace(scribe),
            None => Some(scribe),
        };
        drop(too_late);
    }

    /// Runs `f` on one that is running.
    pub(super) fn with<T>(&self, id: RecordingId, f: impl FnOnce(&mut Live) -> T) -> Option<T> {
        self.lock().get_mut(&id).filter(|live| !live.over).map(f)
    }

    pub(super) fn microphone_is_taken(&self) -> bool {
        self.lock()
            .values()
            .any(|live| live.from_microphone && live.state == RecordingState::Recording && !live.over)
    }

    pub(super) fn insert(&self, id: RecordingId, live: Live) {
        let ended: Vec<Live> = {
            let mut all = self.lock();
            let over: Vec<_> = all.iter().filter(|(_, live)| live.over).map(|(id, _)| *id).collect();
            let ended = over.into_iter().filter_map(|id| all.remove(&id)).collect();
            all.insert(id, live);
            ended
        };
        drop(ended);
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<RecordingId, Live>> {
        self.0.lock().expect("nobody panics under this lock")
    }
}
