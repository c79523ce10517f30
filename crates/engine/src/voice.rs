//! Voice or not: Silero inside whisper.cpp.

use std::path::Path;

use whisper_rs::{WhisperVadContext, WhisperVadContextParams};

use crate::weights;
use crate::wire::Code;

/// A Silero model, ready.
pub struct VoiceModel {
    context: WhisperVadContext,
}

impl VoiceModel {
    /// Silero judges 512 samples at a time.
    pub const FRAME_MS: u32 = 32;
    const FRAME: usize = 512;

    /// Loads a model. One thread: with whisper.cpp's own choice of four, two cores hang for minutes on seconds of sound.
    pub fn load(path: &str) -> Result<Self, Code> {
        weights::check_magic(Path::new(path))?;
        let mut params = WhisperVadContextParams::new();
        params.set_n_threads(1);
        params.set_use_gpu(false);
        WhisperVadContext::new(path, params)
            .map(|context| Self { context })
            .map_err(|_| Code::NotAModel)
    }

    /// How likely each 32 ms are a voice, 0 to 1.
    pub fn probabilities(&mut self, samples: &[f32]) -> Result<Vec<f32>, Code> {
        if samples.len() < Self::FRAME {
            return Err(Code::NothingToHear);
        }
        self.context.detect_speech(samples).map_err(|_| Code::Failed)?;
        Ok(self.context.probabilities().to_vec())
    }
}
