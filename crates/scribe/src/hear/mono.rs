//! From whatever a source gives to what is heard: one channel, 16 kHz, ±1.0.

use rubato::audioadapter_buffers::owned::InterleavedOwned;
use rubato::{Fft, FixedSync, Indexing, Resampler};

use crate::sound::Format;

/// What voice activity and whisper hear, in Hz.
pub const RATE: u32 = 16_000;

/// Frames that are resampled at once: 21 ms at 48 kHz.
const CHUNK: usize = 1_024;

/// Picks one channel and resamples it.
///
/// One channel, never the mean of all: on an array one of them is the loudspeaker's own, and the mean of the others is
/// a comb filter.
pub struct Ear {
    format: Format,
    channel: usize,
    resampler: Option<Fft<f32>>,
    waiting: Vec<f32>,
    /// Output samples still to be thrown away: the resampler's own delay.
    late: usize,
    /// Output samples that belong to the input so far, less those given out.
    owed: f64,
}

impl Ear {
    /// An ear for this format. A channel that is not there becomes the first.
    pub fn new(format: Format, channel: u16) -> Self {
        let resampler = (format.rate != RATE).then(|| {
            Fft::new(format.rate as usize, RATE as usize, CHUNK, 1, FixedSync::Input)
                .expect("rates are positive and the channel count is 1")
        });
        Self {
            format,
            channel: usize::from(if channel < format.channels { channel } else { 0 }),
            late: resampler.as_ref().map_or(0, Resampler::output_delay),
            resampler,
            waiting: Vec::new(),
            owed: 0.0,
        }
    }

    /// Takes interleaved samples, whole frames; gives what is ready.
    pub fn hear(&mut self, interleaved: &[i16]) -> Vec<f32> {
        let frames = interleaved.chunks_exact(usize::from(self.format.channels));
        let mono = frames.map(|frame| f32::from(frame[self.channel]) / 32_768.0);
        if self.resampler.is_none() {
            return mono.collect();
        }
        let before = self.waiting.len();
        self.waiting.extend(mono);
        self.owed += (self.waiting.len() - before) as f64 * f64::from(RATE) / f64::from(self.format.rate);
        let mut ready = Vec::new();
        while self.waiting.len() >= CHUNK {
            let rest = self.waiting.split_off(CHUNK);
            let chunk = std::mem::replace(&mut self.waiting, rest);
            self.resample(chunk, CHUNK, &mut ready);
        }
        ready
    }

    /// The sound has ended; gives what was still inside.
    pub fn finish(&mut self) -> Vec<f32> {
        let mut ready = Vec::new();
        if self.resampler.is_none() {
            return ready;
        }
        let mut rest = std::mem::take(&mut self.waiting);
        let mut n = rest.len();
        let due = self.owed.round() as usize;
        // A last short chunk, then silence until the delay is out.
        while ready.len() < due {
            rest.resize(CHUNK, 0.0);
            self.resample(std::mem::take(&mut rest), n.min(CHUNK), &mut ready);
            n = 0;
        }
        ready.truncate(due);
        ready
    }

    fn resample(&mut self, chunk: Vec<f32>, n: usize, ready: &mut Vec<f32>) {
        let Some(resampler) = self.resampler.as_mut() else {
            return;
        };
        let input = InterleavedOwned::new_from(chunk, 1, CHUNK).expect("the chunk has CHUNK samples");
        let indexing = Indexing::new().partial_len(n);
        let output = resampler
            .process(&input, (n < CHUNK).then_some(&indexing))
            .expect("one chunk of one channel");
        let output = output.take_data();
        let skip = self.late.min(output.len());
        self.late -= skip;
        self.owed -= (output.len() - skip) as f64;
        ready.extend_from_slice(&output[skip..]);
    }
}

impl std::fmt::Debug for Ear {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Ear")
            .field("format", &self.format)
            .field("channel", &self.channel)
            .finish_non_exhaustive()
    }
}
