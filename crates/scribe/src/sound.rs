//! Sound on its way in, and to where it is kept.

use std::time::{Duration, Instant};

/// Shape of interleaved samples.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Format {
    /// Frames per second, in Hz.
    pub rate: u32,
    /// Samples per frame, at least 1.
    pub channels: u16,
}

impl Format {
    /// How long `samples` interleaved samples last, in milliseconds, rounded down.
    pub fn milliseconds(self, samples: u64) -> u32 {
        let frames = samples / u64::from(self.channels.max(1));
        u32::try_from(frames * 1_000 / u64::from(self.rate.max(1))).unwrap_or(u32::MAX)
    }

    /// Interleaved samples in `milliseconds`, whole frames.
    pub fn samples(self, milliseconds: u32) -> usize {
        let frames = u64::from(self.rate) * u64::from(milliseconds) / 1_000;
        usize::try_from(frames * u64::from(self.channels)).unwrap_or(usize::MAX)
    }
}

/// Where sound comes from: a file, a microphone, a recording that was kept. All feed the very same pipeline.
pub trait Source: Send {
    /// The shape of what `read` gives; never changes.
    fn format(&self) -> Format;

    /// The next block of interleaved samples, whole frames, about 100 ms; waits for it for at most about 100 ms.
    ///
    /// An empty block means "nothing yet", `None` the end.
    fn read(&mut self) -> Result<Option<Vec<i16>>, SourceError>;

    /// Milliseconds that were heard but lost before `read` could have them.
    fn lost_ms(&self) -> u32 {
        0
    }

    /// True when the sound waits for its reader, as a file does. A microphone does not.
    fn waits(&self) -> bool {
        false
    }
}

/// Why no more sound comes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum SourceError {
    /// The microphone went away, or fell silent as hardware does not.
    #[error("the microphone is gone")]
    MicrophoneLost,
    /// The file or the kept recording cannot be read on.
    #[error("the recording cannot be read on")]
    Broken,
}

/// How fast a file is read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Pace {
    /// As a microphone would give it.
    RealTime,
    /// As fast as the rest can take it.
    AsFastAsPossible,
}

/// Up to a second of sound, to be kept.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AudioChunk {
    /// 0, 1, 2, ... without a gap.
    pub index: u32,
    /// Where it begins, in milliseconds since the recording began.
    pub start_ms: u32,
    /// Shape of `pcm`.
    pub format: Format,
    /// Interleaved samples as the source gave them, all channels.
    pub pcm: Vec<i16>,
}

/// Where sound is kept. The caller fills it: the vault seals each chunk.
///
/// `append` is called for every second of sound, and always before its words are sought; what it was given is durable
/// when it returns. After an error nothing more comes but `finish`.
pub trait AudioSink: Send {
    /// Keeps one chunk.
    fn append(&mut self, chunk: AudioChunk) -> Result<(), SinkError>;

    /// The recording has ended.
    fn finish(&mut self) -> Result<(), SinkError>;
}

/// Sound could not be kept. The text is a code, never personal data.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("the recording could not be kept: {0}")]
pub struct SinkError(pub String);

/// Keeps nothing: for a recording that is kept already and is only put into words again.
#[derive(Debug, Default, Clone, Copy)]
pub struct NoSink;

impl AudioSink for NoSink {
    fn append(&mut self, _: AudioChunk) -> Result<(), SinkError> {
        Ok(())
    }

    fn finish(&mut self) -> Result<(), SinkError> {
        Ok(())
    }
}

/// Holds a reader to the speed of sound.
#[derive(Debug)]
pub(crate) struct Metronome {
    pace: Pace,
    began: Option<Instant>,
}

impl Metronome {
    pub(crate) fn new(pace: Pace) -> Self {
        Self { pace, began: None }
    }

    /// Waits until `at_ms` of sound would have been heard.
    pub(crate) fn wait_until(&mut self, at_ms: u32) {
        if self.pace == Pace::AsFastAsPossible {
            return;
        }
        let began = *self.began.get_or_insert_with(Instant::now);
        let due = began + Duration::from_millis(u64::from(at_ms));
        std::thread::sleep(due.saturating_duration_since(Instant::now()));
    }
}
