//! Speech to text: one utterance in, its words out.

use std::path::Path;

use whisper_rs::{
    FullParams, SamplingStrategy, WhisperContext, WhisperContextParameters, WhisperSegment, WhisperState, get_lang_id,
};

use crate::wire::{Code, Language, Segment};
use crate::{cores, weights};

/// whisper.cpp hears nothing in less than a second; short answers are padded with silence to this many samples.
const SHORTEST: usize = 17_600;

/// A whisper model, ready.
pub struct SpeechModel {
    context: WhisperContext,
    state: WhisperState,
    threads: u16,
}

/// What was heard.
pub struct Heard {
    /// English or Malay, never `Auto`.
    pub language: Language,
    /// In order.
    pub segments: Vec<Segment>,
}

impl SpeechModel {
    /// Loads a model.
    ///
    /// More threads than physical cores are slower and never used. `threads` of 0 leaves one core to the app: whisper.cpp's
    /// threads wait for each other by spinning, and on two busy cores two of them took 49 s for what one did in 2 s.
    pub fn load(path: &str, threads: u16) -> Result<Self, Code> {
        weights::check_speech_model(Path::new(path))?;
        let context =
            WhisperContext::new_with_params(path, WhisperContextParameters::default()).map_err(|_| Code::NotAModel)?;
        let state = context.create_state().map_err(|_| Code::Failed)?;
        let cores = cores::physical();
        let threads = if threads == 0 { cores.saturating_sub(1) } else { threads };
        Ok(Self {
            context,
            state,
            threads: threads.clamp(1, cores),
        })
    }

    pub fn is_multilingual(&self) -> bool {
        self.context.is_multilingual()
    }

    pub fn audio_ctx(&self) -> u16 {
        u16::try_from(self.context.n_audio_ctx()).unwrap_or(0)
    }

    pub fn threads(&self) -> u16 {
        self.threads
    }

    /// Puts one utterance into words: no text from before, nothing drawn at random, time stamps on.
    ///
    /// `audio_ctx` of 0 hears the whole window of 30 s. `stop` is asked between steps.
    pub fn transcribe(
        &mut self,
        samples: &[f32],
        language: Language,
        beam: u8,
        audio_ctx: u16,
        stop: impl Fn() -> bool + 'static,
    ) -> Result<Heard, Code> {
        if samples.is_empty() {
            return Err(Code::NothingToHear);
        }
        if stop() {
            return Err(Code::Cancelled);
        }
        let mut samples = samples.to_vec();
        samples.resize(samples.len().max(SHORTEST), 0.0);
        let language = self.settle(language, &samples)?;
        let mut params = FullParams::new(match beam {
            0 | 1 => SamplingStrategy::Greedy { best_of: 1 },
            beam => SamplingStrategy::BeamSearch {
                beam_size: i32::from(beam.min(8)),
                patience: -1.0,
            },
        });
        params.set_n_threads(i32::from(self.threads));
        params.set_language(Some(code(language)));
        params.set_no_context(true);
        params.set_n_max_text_ctx(0);
        params.set_temperature(0.0);
        params.set_temperature_inc(0.0);
        params.set_audio_ctx(i32::from(audio_ctx));
        params.set_suppress_blank(true);
        params.set_print_special(false);
        params.set_print_progress(false);
        params.set_print_realtime(false);
        params.set_print_timestamps(false);
        // whisper-rs 0.16 hands whisper.cpp a pointer to a boxed trait object and reads it back as the closure's own
        // type: sound only when that type is itself the boxed trait object.
        let stop = std::rc::Rc::new(stop);
        let asked = std::rc::Rc::clone(&stop);
        params.set_abort_callback_safe::<_, Box<dyn FnMut() -> bool>>(
            Box::new(move || asked()) as Box<dyn FnMut() -> bool>
        );
        match self.state.full(params, &samples) {
            _ if stop() => Err(Code::Cancelled),
            Err(_) => Err(Code::Failed),
            Ok(()) => Ok(Heard {
                language,
                segments: self.segments(),
            }),
        }
    }

    /// Whisper takes one language per window: `Auto` is settled as the likelier of English and Malay, since free
    /// detection mistakes short Malay for a dozen others.
    fn settle(&mut self, language: Language, samples: &[f32]) -> Result<Language, Code> {
        if !self.is_multilingual() {
            return Ok(Language::English);
        }
        if language != Language::Auto {
            return Ok(language);
        }
        let threads = usize::from(self.threads);
        self.state.pcm_to_mel(samples, threads).map_err(|_| Code::Failed)?;
        let (_, probabilities) = self.state.lang_detect(0, threads).map_err(|_| Code::Failed)?;
        let of = |language| {
            let id = get_lang_id(code(language)).and_then(|id| usize::try_from(id).ok());
            id.and_then(|id| probabilities.get(id)).copied().unwrap_or(0.0)
        };
        Ok(if of(Language::Malay) > of(Language::English) {
            Language::Malay
        } else {
            Language::English
        })
    }

    fn segments(&self) -> Vec<Segment> {
        let end_of_words = self.context.token_eot();
        self.state
            .as_iter()
            .map(|segment| Segment {
                start_ms: milliseconds(segment.start_timestamp()),
                end_ms: milliseconds(segment.end_timestamp()),
                text: segment.to_str_lossy().unwrap_or_default().trim().to_owned(),
                avg_logprob: mean_logprob(&segment, end_of_words),
                no_speech: segment.no_speech_probability(),
            })
            .collect()
    }
}

fn code(language: Language) -> &'static str {
    match language {
        Language::Malay => "ms",
        Language::English | Language::Auto => "en",
    }
}

/// whisper.cpp counts in hundredths of a second.
fn milliseconds(centiseconds: i64) -> u32 {
    u32::try_from(centiseconds.max(0) * 10).unwrap_or(u32::MAX)
}

/// Over words only: tokens from `end_of_words` on are marks and time stamps.
fn mean_logprob(segment: &WhisperSegment<'_>, end_of_words: i32) -> f32 {
    let words = (0..segment.n_tokens())
        .filter_map(|n| segment.get_token(n))
        .map(|token| token.token_data());
    let (sum, n) = words
        .filter(|word| word.id < end_of_words)
        .fold((0.0, 0u32), |(sum, n), word| (sum + word.plog, n + 1));
    if n == 0 { 0.0 } else { sum / n as f32 }
}
