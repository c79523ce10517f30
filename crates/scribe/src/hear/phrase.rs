//! From frames to utterances: phrases between pauses, joined where the same voice goes on; pure.
//!
//! A pause of `PAUSE_MS` ends a phrase. A phrase that follows within `BREATH_MS` in the same voice is the same
//! utterance, so a person who stops to think is not cut to pieces, while an answer after a question is its own turn.
//! What was no voice (too short, not periodic, too soft) is dropped here: silence yields no text.

use super::pitch::{PitchTracker, VoicedFrame};
use super::vad::{Activity, Detector, FRAME};
use super::voice::Voice;

/// This much quiet ends a phrase. Stops inside words are silent for up to 190 ms in the demo consult, answers come
/// after 340 ms and more; the usual gap between speakers is 200 to 400 ms.
const PAUSE_MS: usize = 250;

/// The same voice may pause this long and still be in the same utterance.
const BREATH_MS: usize = 500;

/// Sound before the first loud frame that goes along: soft consonants begin below the floor's margin.
const PRE_ROLL_MS: usize = 150;

/// Sound after the last loud frame that goes along, for the same reason.
const POST_ROLL_MS: usize = 100;

/// A phrase opens after this many loud frames in a row (30 ms): a click is shorter.
const OPENING_FRAMES: usize = 3;

/// An utterance has at least this much voiced sound: a short "ya" has 200 ms.
const LEAST_VOICED_MS: usize = 120;

/// At least this share of an utterance's loud frames is voiced: speech has 50 to 70 %, clatter a few.
const LEAST_VOICED_SHARE: f32 = 0.25;

/// Softer than this in the mean, in dBFS, nothing is a person at the desk (whisper.cpp turns such sound into thanks).
const SOFTEST_DB: f32 = -55.0;

/// An utterance is cut at its next phrase, at the latest here: whisper hears 30 s at a time.
const LONGEST_MS: usize = 28_000;

const FRAME_MS: usize = 10;
const PER_MS: usize = 16;

/// Something that a voice said between two pauses.
#[derive(Debug, Clone, PartialEq)]
pub struct Utterance {
    /// Where its speech begins, in milliseconds since the recording began.
    pub start_ms: u32,
    /// Where its speech ends.
    pub end_ms: u32,
    /// 16 kHz, ±1.0, with a little of what was before and after.
    pub samples: Vec<f32>,
    /// What the voice sounds like.
    pub voice: Voice,
}

/// What is still being said.
#[derive(Debug, Clone, PartialEq)]
pub struct Unfinished {
    /// Where its speech begins.
    pub start_ms: u32,
    /// Up to where it was heard.
    pub end_ms: u32,
    /// 16 kHz, ±1.0.
    pub samples: Vec<f32>,
}

/// Cuts a stream of 16 kHz samples into utterances.
#[derive(Debug)]
pub struct Segmenter {
    detector: Detector,
    pitch: PitchTracker,
    /// Samples from `base` on; older ones are forgotten.
    heard: Vec<f32>,
    base: usize,
    /// Frames judged so far.
    frames: usize,
    loud_run: usize,
    run_voiced: Vec<VoicedFrame>,
    phrase: Option<Phrase>,
    held: Option<Phrase>,
}

#[derive(Debug, Clone)]
struct Phrase {
    /// First and one past the last loud frame.
    first: usize,
    end: usize,
    n_loud: usize,
    voiced: Vec<VoicedFrame>,
}

impl Segmenter {
    /// A segmenter at the beginning of a recording.
    pub fn new() -> Self {
        Self {
            detector: Detector::new(),
            pitch: PitchTracker::new(),
            heard: Vec::new(),
            base: 0,
            frames: 0,
            loud_run: 0,
            run_voiced: Vec::new(),
            phrase: None,
            held: None,
        }
    }

    /// Takes more sound; gives what was finished by it.
    pub fn push(&mut self, samples: &[f32]) -> Vec<Utterance> {
        self.heard.extend_from_slice(samples);
        let mut done = Vec::new();
        while self.base + self.heard.len() >= (self.frames + 1) * FRAME {
            self.take_frame(&mut done);
        }
        self.forget();
        done
    }

    /// The recording ends here; gives what was still open.
    pub fn finish(&mut self) -> Vec<Utterance> {
        let mut done = Vec::new();
        if let Some(phrase) = self.phrase.take() {
            self.hold(phrase, &mut done);
        }
        done.extend(self.release());
        done
    }

    /// What is being said right now, when it already is worth a look.
    pub fn unfinished(&self) -> Option<Unfinished> {
        let open = match (&self.held, &self.phrase) {
            (Some(held), Some(phrase)) if self.same_utterance(held, phrase) => held.clone().with(phrase),
            (_, Some(phrase)) => phrase.clone(),
            (held, None) => held.clone()?,
        };
        if !open.is_voice() {
            return None;
        }
        let (start_ms, end_ms, samples) = self.cut(&open);
        Some(Unfinished {
            start_ms,
            end_ms,
            samples,
        })
    }

    /// The room's own noise, in dBFS.
    pub fn floor_db(&self) -> f32 {
        self.detector.floor_db()
    }

    fn take_frame(&mut self, done: &mut Vec<Utterance>) {
        let from = self.frames * FRAME - self.base;
        let frame = &self.heard[from..from + FRAME];
        let activity = self.detector.judge(frame, self.phrase.is_some());
        let voiced = self.pitch.next(frame);
        let at = self.frames;
        self.frames += 1;
        match self.phrase.as_mut() {
            Some(phrase) if activity >= Activity::Carries => phrase.carry_on(at, voiced),
            Some(phrase) if (at + 1 - phrase.end) * FRAME_MS >= PAUSE_MS => {
                if let Some(phrase) = self.phrase.take() {
                    self.hold(phrase, done);
                }
            }
            Some(_) => {}
            None => self.maybe_open(at, activity, voiced),
        }
        let waited = |held: &Phrase| (self.frames - held.end) * FRAME_MS > BREATH_MS;
        if self.phrase.is_none() && self.held.as_ref().is_some_and(waited) {
            done.extend(self.release());
        }
        if self
            .phrase
            .as_ref()
            .is_some_and(|phrase| (at - phrase.first) * FRAME_MS >= LONGEST_MS)
            && let Some(phrase) = self.phrase.take()
        {
            self.hold(phrase, done);
        }
    }

    fn maybe_open(&mut self, at: usize, activity: Activity, voiced: Option<VoicedFrame>) {
        if activity < Activity::Opens {
            self.loud_run = 0;
            self.run_voiced.clear();
            return;
        }
        self.loud_run += 1;
        self.run_voiced.extend(voiced);
        if self.loud_run >= OPENING_FRAMES {
            self.phrase = Some(Phrase {
                first: at + 1 - self.loud_run,
                end: at + 1,
                n_loud: self.loud_run,
                voiced: std::mem::take(&mut self.run_voiced),
            });
            self.loud_run = 0;
        }
    }

    /// A phrase has ended: it goes on the held one, or takes its place.
    fn hold(&mut self, phrase: Phrase, done: &mut Vec<Utterance>) {
        match self.held.take() {
            Some(held) if self.same_utterance(&held, &phrase) => self.held = Some(held.with(&phrase)),
            held => {
                self.held = held;
                done.extend(self.release());
                self.held = Some(phrase);
            }
        }
    }

    fn same_utterance(&self, held: &Phrase, next: &Phrase) -> bool {
        let pause_ms = next.first.saturating_sub(held.end) * FRAME_MS;
        let length_ms = (next.end - held.first) * FRAME_MS;
        pause_ms <= BREATH_MS && length_ms <= LONGEST_MS && held.voice().is_like(&next.voice())
    }

    fn release(&mut self) -> Option<Utterance> {
        let phrase = self.held.take().filter(Phrase::is_voice)?;
        let (start_ms, end_ms, samples) = self.cut(&phrase);
        if level_db(&samples) < SOFTEST_DB {
            return None;
        }
        Some(Utterance {
            start_ms,
            end_ms,
            samples,
            voice: phrase.voice(),
        })
    }

    fn cut(&self, phrase: &Phrase) -> (u32, u32, Vec<f32>) {
        let from = (phrase.first * FRAME)
            .saturating_sub(PRE_ROLL_MS * PER_MS)
            .max(self.base);
        let to = (phrase.end * FRAME + POST_ROLL_MS * PER_MS).min(self.base + self.heard.len());
        let samples = self.heard[from - self.base..to - self.base].to_vec();
        (
            (phrase.first * FRAME_MS) as u32,
            (phrase.end * FRAME_MS) as u32,
            samples,
        )
    }

    /// Lets go of what no utterance can need any more.
    fn forget(&mut self) {
        let oldest = [self.held.as_ref(), self.phrase.as_ref()]
            .into_iter()
            .flatten()
            .map(|p| p.first)
            .min();
        let needed = oldest.unwrap_or(self.frames.saturating_sub(OPENING_FRAMES)) * FRAME;
        let keep_from = needed.saturating_sub(PRE_ROLL_MS * PER_MS);
        // In steps of a second, so that the rest is not moved for every block.
        if keep_from >= self.base + 1_000 * PER_MS {
            self.heard.drain(..keep_from - self.base);
            self.base = keep_from;
        }
    }
}

impl Default for Segmenter {
    fn default() -> Self {
        Self::new()
    }
}

impl Phrase {
    fn carry_on(&mut self, at: usize, voiced: Option<VoicedFrame>) {
        self.end = at + 1;
        self.n_loud += 1;
        self.voiced.extend(voiced);
    }

    fn with(mut self, next: &Phrase) -> Phrase {
        self.end = next.end;
        self.n_loud += next.n_loud;
        self.voiced.extend_from_slice(&next.voiced);
        self
    }

    fn voice(&self) -> Voice {
        Voice::of(&self.voiced)
    }

    fn is_voice(&self) -> bool {
        let voiced = self.voiced.len();
        voiced * FRAME_MS >= LEAST_VOICED_MS && voiced as f32 >= LEAST_VOICED_SHARE * self.n_loud as f32
    }
}

fn level_db(samples: &[f32]) -> f32 {
    let mean = samples.iter().map(|x| x * x).sum::<f32>() / samples.len().max(1) as f32;
    10.0 * (mean + 1e-10).log10()
}
