//! Between the thread that listens and the one that writes: utterances that wait, and whether they may be worked on.

use std::collections::VecDeque;
use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};

use domain::Span;

use crate::hear::mono::RATE;
use crate::hear::{Unfinished, Utterance};

/// At most this much speech waits in memory (20 minutes, 77 MB). Older speech is then given up: it is kept on disk, and
/// named as missing.
const MOST_SAMPLES: usize = 20 * 60 * RATE as usize;

/// What the writer shall do next.
pub(super) enum Job {
    /// Final words.
    Utterance(Utterance),
    /// A look at what is being said.
    Partial(Unfinished),
}

/// The queue. One listens, one writes, anyone may allow or forbid.
#[derive(Debug)]
pub(super) struct Queue {
    state: Mutex<State>,
    changed: Condvar,
}

#[derive(Debug)]
struct State {
    utterances: VecDeque<Utterance>,
    partial: Option<Unfinished>,
    given_up: Vec<Span>,
    heavy_work: bool,
    closed: bool,
    idle: bool,
}

impl State {
    fn waiting_samples(&self) -> usize {
        self.utterances.iter().map(|utterance| utterance.samples.len()).sum()
    }
}

impl Queue {
    pub(super) fn new(heavy_work: bool) -> Self {
        let (utterances, given_up) = (VecDeque::new(), Vec::new());
        let state = State {
            utterances,
            partial: None,
            given_up,
            heavy_work,
            closed: false,
            idle: false,
        };
        Self {
            state: Mutex::new(state),
            changed: Condvar::new(),
        }
    }

    /// Takes an utterance; gives how much speech waits, in milliseconds, when it may not be worked on.
    pub(super) fn push(&self, utterance: Utterance) -> Option<u32> {
        let mut state = self.lock();
        state.partial = None;
        state.utterances.push_back(utterance);
        while state.waiting_samples() > MOST_SAMPLES {
            let Some(oldest) = state.utterances.pop_front() else {
                break;
            };
            state.given_up.push(span(&oldest));
        }
        self.changed.notify_all();
        let waiting_ms = state.waiting_samples() as u64 * 1_000 / u64::from(RATE);
        (!state.heavy_work).then(|| u32::try_from(waiting_ms).unwrap_or(u32::MAX))
    }

    /// Waits until there is room for more, for sources that can wait; `stopped` ends the waiting.
    pub(super) fn wait_for_room(&self, stopped: impl Fn() -> bool) {
        let full = |state: &mut State| state.waiting_samples() > MOST_SAMPLES / 2 && !stopped();
        drop(
            self.changed
                .wait_while(self.lock(), full)
                .unwrap_or_else(PoisonError::into_inner),
        );
    }

    /// True when a look at unfinished words would delay nothing.
    pub(super) fn is_idle(&self) -> bool {
        let state = self.lock();
        state.idle && state.heavy_work && state.utterances.is_empty() && state.partial.is_none()
    }

    /// Asks for a look at what is being said.
    pub(super) fn look(&self, unfinished: Unfinished) {
        self.lock().partial = Some(unfinished);
        self.changed.notify_all();
    }

    pub(super) fn set_heavy_work(&self, allowed: bool) {
        self.lock().heavy_work = allowed;
        self.changed.notify_all();
    }

    /// No more will come.
    pub(super) fn close(&self) {
        let mut state = self.lock();
        state.closed = true;
        state.partial = None;
        self.changed.notify_all();
    }

    /// Lets those who wait look again.
    pub(super) fn wake(&self) {
        drop(self.lock());
        self.changed.notify_all();
    }

    /// The next job; waits for it. `None` at the end, or when the end came while work is forbidden.
    pub(super) fn next(&self) -> Option<Job> {
        let mut state = self.lock();
        state.idle = true;
        let nothing = |state: &mut State| {
            let has_work = !state.utterances.is_empty() || state.partial.is_some();
            !(state.closed || state.heavy_work && has_work)
        };
        let mut state = self
            .changed
            .wait_while(state, nothing)
            .unwrap_or_else(PoisonError::into_inner);
        state.idle = false;
        if !state.heavy_work {
            return None;
        }
        let utterance = state.utterances.pop_front().map(Job::Utterance);
        let job = utterance.or_else(|| state.partial.take().map(Job::Partial));
        self.changed.notify_all();
        job
    }

    /// The writer ends: what is still there, and what was given up, stays without words.
    pub(super) fn left_over(&self) -> Vec<Span> {
        let mut state = self.lock();
        let mut missing = std::mem::take(&mut state.given_up);
        missing.extend(state.utterances.drain(..).map(|utterance| span(&utterance)));
        self.changed.notify_all();
        missing
    }

    /// The writer has failed: waits for the end, giving up what comes.
    pub(super) fn give_up_until_closed(&self) -> Vec<Span> {
        let mut missing = Vec::new();
        let mut state = self.lock();
        loop {
            missing.append(&mut state.given_up);
            missing.extend(state.utterances.drain(..).map(|utterance| span(&utterance)));
            self.changed.notify_all();
            if state.closed {
                return missing;
            }
            state = self.changed.wait(state).unwrap_or_else(PoisonError::into_inner);
        }
    }

    /// A thread that panicked while it held the lock left whole values behind: they are only moved.
    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

pub(super) fn span(utterance: &Utterance) -> Span {
    Span {
        start_ms: utterance.start_ms,
        end_ms: utterance.end_ms,
    }
}
