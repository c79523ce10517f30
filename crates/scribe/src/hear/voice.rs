//! What a voice sounds like over an utterance: height and tilt; pure.

use super::pitch::VoicedFrame;

/// Two utterances within this many semitones may be one person's: a speaker's own median moves by two or three.
const SAME_SEMITONES: f32 = 4.0;

/// Height and colour of a voice.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub struct Voice {
    /// Median fundamental, in semitones above 55 Hz; `None` when nothing was voiced.
    pub pitch: Option<f32>,
    /// Median tilt, in dB.
    pub tilt_db: f32,
}

impl Voice {
    /// The voice of these frames.
    pub fn of(frames: &[VoicedFrame]) -> Self {
        let semitones = |f0: f32| 12.0 * (f0 / 55.0).log2();
        Self {
            pitch: median(frames.iter().map(|frame| semitones(frame.f0))),
            tilt_db: median(frames.iter().map(|frame| frame.tilt_db)).unwrap_or_default(),
        }
    }

    /// True when both may be the same person's. Unvoiced scraps may be anyone's.
    pub fn is_like(&self, other: &Voice) -> bool {
        match (self.pitch, other.pitch) {
            (Some(a), Some(b)) => (a - b).abs() <= SAME_SEMITONES,
            _ => true,
        }
    }
}

fn median(values: impl Iterator<Item = f32>) -> Option<f32> {
    let mut values: Vec<f32> = values.collect();
    values.sort_by(f32::total_cmp);
    values.get(values.len() / 2).copied()
}
