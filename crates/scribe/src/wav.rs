//! Sound from a WAV file: 1 to 8 channels, 8 to 48 kHz, 8, 16, 24 or 32 bit.

use std::fs::File;
use std::io::{self, BufReader, Cursor, Read};
use std::path::Path;

use hound::{SampleFormat, WavReader, WavSpec};

use crate::sound::{Format, Metronome, Pace, Source, SourceError};

/// A block is 100 ms.
const BLOCK_MS: u32 = 100;

/// Why a file is no sound for us. Each is told to the person in other words.
#[derive(Debug, thiserror::Error)]
pub enum WavError {
    /// The file cannot be opened or read.
    #[error("the file cannot be read: {0}")]
    Io(#[source] io::Error),
    /// The file has no bytes at all.
    #[error("the file is empty")]
    Empty,
    /// The file is something else, or its header is cut short.
    #[error("the file is no WAV file")]
    NotWav,
    /// The header is fine and nothing follows it.
    #[error("the file has a header and no sound")]
    NoSamples,
    /// A WAV file of a kind that we do not read.
    #[error("a WAV file with {channels} channels, {rate} Hz, {bits} bit is not read")]
    Unsupported {
        /// Channels that the header names, 0 when it could not be told.
        channels: u16,
        /// Rate that the header names, in Hz.
        rate: u32,
        /// Bits in a sample.
        bits: u16,
    },
}

/// A WAV file as a source.
pub struct WavSource {
    reader: WavReader<Box<dyn Read + Send>>,
    format: Format,
    spec: WavSpec,
    metronome: Metronome,
    n_read: u64,
}

impl std::fmt::Debug for WavSource {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("WavSource")
            .field("format", &self.format)
            .field("spec", &self.spec)
            .finish_non_exhaustive()
    }
}

impl WavSource {
    /// Opens a file.
    pub fn open(path: &Path, pace: Pace) -> Result<Self, WavError> {
        let file = File::open(path).map_err(WavError::Io)?;
        let bytes = file.metadata().map_err(WavError::Io)?.len();
        Self::read_header(Box::new(BufReader::new(file)), bytes, pace)
    }

    /// Reads a file that is in memory.
    pub fn from_bytes(bytes: impl AsRef<[u8]> + Send + 'static, pace: Pace) -> Result<Self, WavError> {
        let n = bytes.as_ref().len() as u64;
        Self::read_header(Box::new(Cursor::new(bytes)), n, pace)
    }

    /// How long the file says it is, in milliseconds.
    pub fn length_ms(&self) -> u32 {
        self.format.milliseconds(u64::from(self.reader.len()))
    }

    fn read_header(from: Box<dyn Read + Send>, bytes: u64, pace: Pace) -> Result<Self, WavError> {
        if bytes == 0 {
            return Err(WavError::Empty);
        }
        let reader = WavReader::new(from).map_err(|error| match error {
            // Only the operating system's errors have a number; hound's own mean that the header stops too soon.
            hound::Error::IoError(error) if error.raw_os_error().is_some() => WavError::Io(error),
            hound::Error::Unsupported => WavError::Unsupported {
                channels: 0,
                rate: 0,
                bits: 0,
            },
            _ => WavError::NotWav,
        })?;
        let spec = reader.spec();
        let readable = match spec.sample_format {
            SampleFormat::Int => matches!(spec.bits_per_sample, 8 | 16 | 24 | 32),
            SampleFormat::Float => spec.bits_per_sample == 32,
        };
        if !readable || !(8_000..=48_000).contains(&spec.sample_rate) || !(1..=8).contains(&spec.channels) {
            let (channels, rate, bits) = (spec.channels, spec.sample_rate, spec.bits_per_sample);
            return Err(WavError::Unsupported { channels, rate, bits });
        }
        if reader.duration() == 0 {
            return Err(WavError::NoSamples);
        }
        Ok(Self {
            format: Format {
                rate: spec.sample_rate,
                channels: spec.channels,
            },
            spec,
            reader,
            metronome: Metronome::new(pace),
            n_read: 0,
        })
    }

    /// The next samples, as 16 bit whatever the file has. A file that stops before its header's word ends there.
    fn block(&mut self) -> Vec<i16> {
        let n = self.format.samples(BLOCK_MS);
        let mut block: Vec<i16> = match (self.spec.sample_format, self.spec.bits_per_sample) {
            (SampleFormat::Float, _) => self
                .reader
                .samples::<f32>()
                .take(n)
                .map_while(Result::ok)
                .map(from_float)
                .collect(),
            (SampleFormat::Int, 8) => self.whole_numbers(n, |x| x << 8),
            (SampleFormat::Int, 24) => self.whole_numbers(n, |x| x >> 8),
            (SampleFormat::Int, 32) => self.whole_numbers(n, |x| x >> 16),
            (SampleFormat::Int, _) => self.whole_numbers(n, |x| x),
        };
        block.truncate(block.len() - block.len() % usize::from(self.format.channels));
        block
    }

    fn whole_numbers(&mut self, n: usize, to_16: impl Fn(i32) -> i32) -> Vec<i16> {
        let samples = self.reader.samples::<i32>().take(n).map_while(Result::ok);
        samples
            .map(|x| to_16(x).clamp(i32::from(i16::MIN), i32::from(i16::MAX)) as i16)
            .collect()
    }
}

fn from_float(x: f32) -> i16 {
    (x * 32_767.0).clamp(-32_768.0, 32_767.0) as i16
}

impl Source for WavSource {
    fn format(&self) -> Format {
        self.format
    }

    fn read(&mut self) -> Result<Option<Vec<i16>>, SourceError> {
        let block = self.block();
        if block.is_empty() {
            return Ok(None);
        }
        self.n_read += block.len() as u64;
        self.metronome.wait_until(self.format.milliseconds(self.n_read));
        Ok(Some(block))
    }

    fn waits(&self) -> bool {
        true
    }
}
