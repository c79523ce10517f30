//! Is this frame a voice, and how high: normalised autocorrelation at 4 kHz; pure.

use super::vad::FRAME;

/// Every fourth sample is kept: a voice's fundamental (70 to 400 Hz) needs no more, and it costs a sixteenth.
const DECIMATE: usize = 4;
const RATE: f32 = 4_000.0;

/// 40 ms at 4 kHz: almost three periods of a 70 Hz voice.
const WINDOW: usize = 160;

/// Lags of 400 and 70 Hz.
const SHORTEST: usize = 10;
const LONGEST: usize = 57;

/// A frame is voiced when it repeats itself at least this well (1.0 = a perfect period).
///
/// Steady vowels reach 0.9, white noise 0.3 at the most over 103 products; struck dishes ring for less than the window.
const VOICED: f32 = 0.6;

/// A shorter lag wins over a longer one that is at most this much better: whole multiples of a period fit as well.
const OCTAVE_GUARD: f32 = 0.9;

/// What a voiced frame sounds like.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct VoicedFrame {
    /// Fundamental frequency, in Hz.
    pub f0: f32,
    /// How much of the energy lies high: first difference against signal, in dB. Differs between voices.
    pub tilt_db: f32,
}

/// Follows the last 40 ms.
#[derive(Debug, Clone)]
pub struct PitchTracker {
    lowpass: [LowPass; 2],
    phase: usize,
    window: [f32; WINDOW],
    before: f32,
}

impl PitchTracker {
    /// A tracker that has heard nothing yet.
    pub fn new() -> Self {
        Self {
            lowpass: [LowPass::default(); 2],
            phase: 0,
            window: [0.0; WINDOW],
            before: 0.0,
        }
    }

    /// Takes the next frame; `None` when the last 40 ms were no voice.
    pub fn next(&mut self, frame: &[f32]) -> Option<VoicedFrame> {
        let mut signal = 0.0;
        let mut difference = 0.0;
        let mut kept = [0.0; FRAME / DECIMATE];
        let mut n_kept = 0;
        for &x in frame {
            signal += x * x;
            difference += (x - self.before).powi(2);
            self.before = x;
            let low = self.lowpass.iter_mut().fold(x, |x, filter| filter.next(x));
            if self.phase == 0 && n_kept < kept.len() {
                kept[n_kept] = low;
                n_kept += 1;
            }
            self.phase = (self.phase + 1) % DECIMATE;
        }
        self.window.copy_within(n_kept.., 0);
        self.window[WINDOW - n_kept..].copy_from_slice(&kept[..n_kept]);
        let f0 = self.fundamental()?;
        Some(VoicedFrame {
            f0,
            tilt_db: 10.0 * ((difference + 1e-9) / (signal + 1e-9)).log10(),
        })
    }

    fn fundamental(&self) -> Option<f32> {
        let n = WINDOW - LONGEST - 1;
        let mean = self.window.iter().sum::<f32>() / WINDOW as f32;
        let x = self.window.map(|v| v - mean);
        let here: f32 = x[..n].iter().map(|v| v * v).sum();
        if here < 1e-7 {
            return None;
        }
        let mut likeness = [0.0f32; LONGEST + 2];
        for (lag, likeness) in likeness.iter_mut().enumerate().skip(SHORTEST - 1) {
            let there = &x[lag..lag + n];
            let product: f32 = x[..n].iter().zip(there).map(|(a, b)| a * b).sum();
            let energy: f32 = there.iter().map(|v| v * v).sum();
            *likeness = product / (here * energy + 1e-12).sqrt();
        }
        let best = (SHORTEST..=LONGEST).map(|lag| likeness[lag]).fold(0.0, f32::max);
        if best < VOICED {
            return None;
        }
        let is_peak = |lag: usize| likeness[lag] >= likeness[lag - 1] && likeness[lag] >= likeness[lag + 1];
        let lag = (SHORTEST..=LONGEST).find(|&lag| is_peak(lag) && likeness[lag] >= OCTAVE_GUARD * best)?;
        Some(RATE / between(lag, likeness[lag - 1], likeness[lag], likeness[lag + 1]))
    }
}

impl Default for PitchTracker {
    fn default() -> Self {
        Self::new()
    }
}

/// The top of the parabola through three neighbours: a lag is a whole number of samples, a pitch is not.
fn between(lag: usize, left: f32, top: f32, right: f32) -> f32 {
    let bend = left - 2.0 * top + right;
    let shift = if bend < -1e-6 { 0.5 * (left - right) / bend } else { 0.0 };
    lag as f32 + shift.clamp(-0.5, 0.5)
}

/// One pole at 800 Hz; two of them keep what would fold back below a tenth.
#[derive(Debug, Clone, Copy, Default)]
struct LowPass(f32);

impl LowPass {
    /// `1 - exp(-2π · 800 Hz / 16 kHz)`.
    const TAKES: f32 = 0.27;

    fn next(&mut self, x: f32) -> f32 {
        self.0 += Self::TAKES * (x - self.0);
        self.0
    }
}
