//! The thread that writes: utterances to words, words to turns.

use std::sync::Arc;

use domain::{Certainty, Span, Speaker, Turn};

use super::queue::{Job, Queue, span};
use super::{StartEngine, Tell};
use crate::engine::{Effort, EngineError, Heard, Language, Transcriber};
use crate::event::{FailureCode, ScribeEvent};
use crate::hear::{Unfinished, Utterance, Voice, guard, speakers};

/// Silero finds a voice when at least this many of its frames (32 ms each) are this likely one. The threshold is
/// Silero's own; three frames are a short syllable.
const VOICE_PROBABLE: f32 = 0.5;
const VOICE_FRAMES: usize = 3;

pub(super) struct Writer {
    queue: Arc<Queue>,
    language: Language,
    tell: Tell,
    turns: Vec<Turn>,
    voices: Vec<Voice>,
}

/// What the writer leaves behind.
#[derive(Debug, Default)]
pub(super) struct Written {
    pub(super) turns: Vec<Turn>,
    pub(super) missing: Vec<Span>,
    pub(super) failure: Option<FailureCode>,
}

impl Writer {
    pub(super) fn new(queue: Arc<Queue>, language: Language, tell: Tell) -> Self {
        Self {
            queue,
            language,
            tell,
            turns: Vec::new(),
            voices: Vec::new(),
        }
    }

    /// Works to the end of the queue. After a failure, what comes is counted as missing.
    pub(super) fn run(mut self, start_engine: StartEngine) -> Written {
        let mut missing = Vec::new();
        let failure = match start_engine() {
            Ok(mut engine) => self.work(engine.as_mut(), &mut missing).err(),
            Err(error) => Some(error),
        };
        let failure = failure.map(|error| {
            tracing::error!(%error, "speech engine");
            code_of(&error)
        });
        if let Some(code) = failure {
            (self.tell)(ScribeEvent::Failed { code });
            missing.extend(self.queue.give_up_until_closed());
        } else {
            missing.extend(self.queue.left_over());
        }
        missing.sort_by_key(|span| span.start_ms);
        Written {
            turns: self.turns,
            missing,
            failure,
        }
    }

    fn work(&mut self, engine: &mut dyn Transcriber, missing: &mut Vec<Span>) -> Result<(), EngineError> {
        while let Some(job) = self.queue.next() {
            match job {
                Job::Partial(unfinished) => self.show(engine, unfinished)?,
                Job::Utterance(utterance) => match self.write(engine, &utterance) {
                    Ok(()) => {}
                    // This one could not be done; the engine is well.
                    Err(EngineError::Refused(_)) => missing.push(span(&utterance)),
                    Err(error) => {
                        missing.push(span(&utterance));
                        return Err(error);
                    }
                },
            }
        }
        Ok(())
    }

    fn write(&mut self, engine: &mut dyn Transcriber, utterance: &Utterance) -> Result<(), EngineError> {
        if !is_voice(engine, &utterance.samples)? {
            return Ok(());
        }
        let heard = engine.transcribe(&utterance.samples, self.language, Effort::Careful)?;
        let Some(text) = guard::believable(&heard, utterance.end_ms - utterance.start_ms) else {
            return Ok(());
        };
        self.add(utterance, &heard, text);
        Ok(())
    }

    fn add(&mut self, utterance: &Utterance, heard: &Heard, text: String) {
        self.voices.push(utterance.voice);
        self.turns.push(Turn {
            span: span(utterance),
            speaker: Speaker::Unknown,
            certainty: Certainty::Uncertain,
            language: code(heard.language).map(str::to_owned),
            text,
        });
        let voices = self.voices.iter().copied();
        let said: Vec<_> = voices.zip(self.turns.iter().map(|turn| turn.text.as_str())).collect();
        let speakers = speakers::name(&said);
        let last = self.turns.len() - 1;
        let others_changed = self.turns[..last]
            .iter()
            .zip(&speakers)
            .any(|(turn, speaker)| turn.speaker != *speaker);
        for (turn, speaker) in self.turns.iter_mut().zip(&speakers) {
            turn.speaker = *speaker;
        }
        (self.tell)(ScribeEvent::Turn(self.turns[last].clone()));
        if others_changed {
            (self.tell)(ScribeEvent::Speakers(speakers));
        }
    }

    fn show(&self, engine: &mut dyn Transcriber, unfinished: Unfinished) -> Result<(), EngineError> {
        let heard = match engine.transcribe(&unfinished.samples, self.language, Effort::Quick) {
            Err(EngineError::Refused(_)) => return Ok(()),
            other => other?,
        };
        if let Some(text) = guard::believable(&heard, unfinished.end_ms - unfinished.start_ms) {
            let span = Span {
                start_ms: unfinished.start_ms,
                end_ms: unfinished.end_ms,
            };
            (self.tell)(ScribeEvent::Partial { span, text });
        }
        Ok(())
    }
}

fn is_voice(engine: &mut dyn Transcriber, samples: &[f32]) -> Result<bool, EngineError> {
    let Some(probabilities) = engine.voice(samples)? else {
        return Ok(true);
    };
    Ok(probabilities
        .iter()
        .filter(|&&probability| probability >= VOICE_PROBABLE)
        .count()
        >= VOICE_FRAMES)
}

fn code(language: Language) -> Option<&'static str> {
    match language {
        Language::English => Some("en"),
        Language::Malay => Some("ms"),
        Language::Auto => None,
    }
}

fn code_of(error: &EngineError) -> FailureCode {
    match error {
        EngineError::NotFound(_) => FailureCode::EngineMissing,
        EngineError::ModelUnusable => FailureCode::ModelUnusable,
        _ => FailureCode::EngineStopped,
    }
}
