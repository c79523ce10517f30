//! The thread that listens: source to keeper to segmenter. It waits for nothing but the source and the disk.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use super::Tell;
use super::keeper::Keeper;
use super::queue::Queue;
use crate::event::{FailureCode, Outcome, ScribeEvent};
use crate::hear::mono::Ear;
use crate::hear::{Segmenter, Utterance};
use crate::sound::{Format, SinkError, Source, SourceError};

/// A level is told about this often.
const LEVEL_EVERY_MS: u32 = 100;

/// An unfinished turn is looked at again when it has grown by this much.
const LOOK_EVERY_MS: u32 = 1_000;

/// Digital silence, in dBFS.
const SILENCE_DB: f32 = -100.0;

pub(super) struct Listener {
    pub(super) source: Box<dyn Source>,
    pub(super) keeper: Keeper,
    pub(super) channel: u16,
    pub(super) queue: Option<Arc<Queue>>,
    pub(super) partials: bool,
    pub(super) stopped: Arc<AtomicBool>,
    pub(super) tell: Tell,
}

impl Listener {
    /// Listens to the end. The outcome has no turns: those are the writer's.
    pub(super) fn run(mut self) -> Outcome {
        let format = self.source.format();
        let failure = self.listen(format).err();
        // What the source gave before it failed is kept too, unless keeping is what failed.
        let kept = match failure {
            Some(FailureCode::RecordingNotKept) => self.keeper.finish(),
            _ => self.keeper.flush(format).and_then(|()| self.keeper.finish()),
        };
        let failure = failure.or(kept.err().map(|_| FailureCode::RecordingNotKept));
        if let Some(code) = failure {
            (self.tell)(ScribeEvent::Failed { code });
        }
        Outcome {
            length_ms: self.keeper.length_ms(format),
            lost_ms: self.source.lost_ms(),
            failure,
            ..Outcome::default()
        }
    }

    fn listen(&mut self, format: Format) -> Result<(), FailureCode> {
        let mut ear = Ear::new(format, self.channel);
        let mut segmenter = Segmenter::new();
        let mut meter = Meter::new(format);
        let mut looked_at_ms = 0;
        let mut heard = Ok(());
        while !self.stopped.load(Ordering::Relaxed) {
            let block = match self.source.read() {
                Ok(Some(block)) => block,
                Ok(None) => break,
                Err(error) => {
                    heard = Err(code_of(error));
                    break;
                }
            };
            self.keeper.take(format, &block).map_err(not_kept)?;
            if let Some(level) = meter.take(&block) {
                (self.tell)(level);
            }
            let utterances = segmenter.push(&ear.hear(&block));
            self.hand_over(format, utterances)?;
            self.look(&segmenter, &mut looked_at_ms);
            self.wait_for_room();
        }
        let mut utterances = segmenter.push(&ear.finish());
        utterances.extend(segmenter.finish());
        self.hand_over(format, utterances)?;
        heard
    }

    /// Utterances go to the writer only when their sound is kept.
    fn hand_over(&mut self, format: Format, utterances: Vec<Utterance>) -> Result<(), FailureCode> {
        let Some(queue) = self.queue.clone() else { return Ok(()) };
        if !utterances.is_empty() {
            self.keeper.flush(format).map_err(not_kept)?;
        }
        for utterance in utterances {
            if let Some(waiting_ms) = queue.push(utterance) {
                (self.tell)(ScribeEvent::Postponed { waiting_ms });
            }
        }
        Ok(())
    }

    fn look(&self, segmenter: &Segmenter, looked_at_ms: &mut u32) {
        let Some(queue) = self.queue.as_ref().filter(|queue| self.partials && queue.is_idle()) else {
            return;
        };
        let Some(unfinished) = segmenter.unfinished() else {
            return;
        };
        if unfinished.end_ms >= unfinished.start_ms.max(*looked_at_ms) + LOOK_EVERY_MS {
            *looked_at_ms = unfinished.end_ms;
            queue.look(unfinished);
        }
    }

    fn wait_for_room(&self) {
        if let Some(queue) = self.queue.as_ref().filter(|_| self.source.waits()) {
            queue.wait_for_room(|| self.stopped.load(Ordering::Relaxed));
        }
    }
}

fn not_kept(error: SinkError) -> FailureCode {
    tracing::error!(%error, "recording");
    FailureCode::RecordingNotKept
}

fn code_of(error: SourceError) -> FailureCode {
    match error {
        SourceError::MicrophoneLost => FailureCode::MicrophoneLost,
        SourceError::Broken => FailureCode::SourceBroken,
    }
}

/// Peaks of each channel.
struct Meter {
    format: Format,
    peaks: Vec<u16>,
    n_heard: u64,
    n_since: usize,
}

impl Meter {
    fn new(format: Format) -> Self {
        Self {
            format,
            peaks: vec![0; usize::from(format.channels)],
            n_heard: 0,
            n_since: 0,
        }
    }

    fn take(&mut self, block: &[i16]) -> Option<ScribeEvent> {
        for frame in block.chunks_exact(self.peaks.len()) {
            for (peak, sample) in self.peaks.iter_mut().zip(frame) {
                *peak = (*peak).max(sample.unsigned_abs());
            }
        }
        self.n_heard += block.len() as u64;
        self.n_since += block.len();
        if self.n_since < self.format.samples(LEVEL_EVERY_MS) {
            return None;
        }
        self.n_since = 0;
        let in_db = |peak: u16| (20.0 * (f32::from(peak) / 32_768.0).log10()).max(SILENCE_DB);
        let peak_db = self.peaks.iter().map(|&peak| in_db(peak)).collect();
        self.peaks.fill(0);
        Some(ScribeEvent::Level {
            at_ms: self.format.milliseconds(self.n_heard),
            peak_db,
        })
    }
}
