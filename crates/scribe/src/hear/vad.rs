//! Voice activity by energy over an adaptive noise floor; pure, 10 ms at a time.
//!
//! It says how far a frame stands out of the room's own noise, nothing more: what makes a phrase of such frames is
//! `phrase.rs`'s business, and whether the phrase was a voice at all is `pitch.rs`'s. Silero, where its file is
//! present, judges afterwards through the engine; this detector must do without it.

/// Samples in a frame: 10 ms at 16 kHz.
pub const FRAME: usize = 160;

/// A frame opens a phrase when it stands this far above the floor, in dB.
///
/// Speech across a desk has 15 dB and more over a clinic's noise; 9 dB is three standard deviations of a smoothed
/// 10 ms energy of stationary noise (about 3 dB), so steady noise opens nothing.
const OPENS_DB: f32 = 9.0;

/// A frame carries an open phrase on when it stands this far above the floor, in dB: less than `OPENS_DB`, so that
/// soft ends of words stay inside.
const CARRIES_DB: f32 = 6.0;

/// The floor never sinks below this, in dBFS: under it are only converters' last bits and digital silence.
const LOWEST_FLOOR_DB: f32 = -75.0;

/// How fast the floor follows a rise between phrases, in dB per frame: 2 dB/s. Inside a phrase it does not, so that a
/// long vowel does not become "the noise"; there only `Quietest` lifts it.
const FLOOR_RISES_DB: f32 = 0.02;

/// The share of the way that the floor sinks per frame towards a quieter one: a third of it in 40 ms.
const FLOOR_SINKS: f32 = 0.1;

/// How much a frame stands out.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Activity {
    /// No louder than the room.
    Quiet,
    /// Enough to carry an open phrase on, too little to open one.
    Carries,
    /// Enough to open a phrase.
    Opens,
}

/// The detector's state: a high-pass filter, a smoothed level and the noise floor.
#[derive(Debug, Clone)]
pub struct Detector {
    highpass: HighPass,
    level_db: Option<f32>,
    floor_db: f32,
    quietest: Quietest,
}

impl Detector {
    /// A detector that has heard nothing yet.
    pub fn new() -> Self {
        Self {
            highpass: HighPass::new(),
            level_db: None,
            floor_db: 0.0,
            quietest: Quietest::new(),
        }
    }

    /// Judges the next frame of `FRAME` samples (±1.0, 16 kHz). `in_phrase` says whether a phrase is open.
    pub fn judge(&mut self, frame: &[f32], in_phrase: bool) -> Activity {
        let energy = frame.iter().map(|&x| self.highpass.next(x).powi(2)).sum::<f32>() / frame.len() as f32;
        let now_db = 10.0 * (energy + 1e-10).log10();
        // Attack is immediate (an onset must not be late), release takes two frames.
        let level_db = match self.level_db {
            Some(before) if now_db < before => 0.5 * before + 0.5 * now_db,
            _ => now_db,
        };
        if self.level_db.is_none() {
            self.floor_db = now_db;
        }
        self.level_db = Some(level_db);
        self.follow_floor(level_db, in_phrase);
        let above = level_db - self.floor_db;
        match above {
            _ if above >= OPENS_DB => Activity::Opens,
            _ if above >= CARRIES_DB => Activity::Carries,
            _ => Activity::Quiet,
        }
    }

    /// The room's own noise as of now, in dBFS.
    pub fn floor_db(&self) -> f32 {
        self.floor_db
    }

    fn follow_floor(&mut self, level_db: f32, in_phrase: bool) {
        let gap = level_db - self.floor_db;
        self.floor_db += match gap {
            _ if gap < 0.0 => gap * FLOOR_SINKS,
            _ if in_phrase => 0.0,
            _ => gap.min(FLOOR_RISES_DB),
        };
        // Nothing was quieter than this for seconds: then it is the room (a fan was switched on), however it began.
        let at_least = self.quietest.of_the_last_seconds(level_db);
        self.floor_db = self.floor_db.max(at_least).max(LOWEST_FLOOR_DB);
    }
}

impl Default for Detector {
    fn default() -> Self {
        Self::new()
    }
}

/// The lowest level of the last three seconds: a speaker draws breath more often than that.
#[derive(Debug, Clone)]
struct Quietest {
    /// Lowest level of each past block; the first is the oldest.
    blocks: [f32; Self::BLOCKS],
    lowest: f32,
    frames: usize,
}

impl Quietest {
    const BLOCKS: usize = 10;
    /// 300 ms.
    const BLOCK_FRAMES: usize = 30;

    fn new() -> Self {
        // Until three seconds were heard, the minimum says nothing.
        Self {
            blocks: [f32::NEG_INFINITY; Self::BLOCKS],
            lowest: f32::INFINITY,
            frames: 0,
        }
    }

    fn of_the_last_seconds(&mut self, level_db: f32) -> f32 {
        self.lowest = self.lowest.min(level_db);
        self.frames += 1;
        if self.frames == Self::BLOCK_FRAMES {
            self.blocks.rotate_left(1);
            self.blocks[Self::BLOCKS - 1] = self.lowest;
            (self.lowest, self.frames) = (f32::INFINITY, 0);
        }
        self.blocks.iter().copied().fold(f32::INFINITY, f32::min)
    }
}

/// First-order high-pass at 120 Hz: takes away mains hum, rumble and a converter's offset, which are no speech but
/// would lift the floor.
#[derive(Debug, Clone)]
struct HighPass {
    before_in: f32,
    before_out: f32,
}

impl HighPass {
    /// `1 / (1 + 2π · 120 Hz / 16 kHz)`.
    const KEEPS: f32 = 0.955;

    fn new() -> Self {
        Self {
            before_in: 0.0,
            before_out: 0.0,
        }
    }

    fn next(&mut self, x: f32) -> f32 {
        self.before_out = Self::KEEPS * (self.before_out + x - self.before_in);
        self.before_in = x;
        self.before_out
    }
}
