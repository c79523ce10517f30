//! Which microphone would be used. Asking the system takes a while, so the answer is kept for some seconds.

use std::sync::Mutex;

use domain::Instant;
use scribe::capture::{Microphone, microphones};

/// How long an answer holds.
const FRESH_MS: i64 = 10_000;

/// The last answer.
#[derive(Default)]
pub(crate) struct Ears(Mutex<Option<(Instant, Vec<Microphone>)>>);

impl Ears {
    /// The microphone with this id, or the system's own choice.
    pub(crate) fn find(&self, id: Option<&str>, now: Instant) -> Option<Microphone> {
        let mut kept = self.0.lock().expect("nobody panics under this lock");
        let age_ms = kept
            .as_ref()
            .map(|(since, _)| now.as_millisecond() - since.as_millisecond());
        if age_ms.is_none_or(|age| !(0..FRESH_MS).contains(&age)) {
            *kept = Some((now, microphones().unwrap_or_default()));
        }
        let (_, all) = kept.as_ref()?;
        let wanted = |one: &&Microphone| match id {
            Some(id) => one.id == id,
            None => one.is_default,
        };
        all.iter()
            .find(wanted)
            .or_else(|| all.first().filter(|_| id.is_none()))
            .cloned()
    }
}
