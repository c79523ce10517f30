//! Keeps sound: collects blocks into chunks of at most a second.

use crate::sound::{AudioChunk, AudioSink, Format, SinkError};

/// A chunk is this long, and shorter only when words are about to be sought in it, and at the end.
const CHUNK_MS: u32 = 1_000;

/// Collects and hands on.
pub(super) struct Keeper {
    sink: Box<dyn AudioSink>,
    waiting: Vec<i16>,
    n_chunks: u32,
    n_kept: u64,
}

impl Keeper {
    pub(super) fn new(sink: Box<dyn AudioSink>) -> Self {
        Self {
            sink,
            waiting: Vec::new(),
            n_chunks: 0,
            n_kept: 0,
        }
    }

    /// Takes a block of any length; keeps every whole second.
    pub(super) fn take(&mut self, format: Format, block: &[i16]) -> Result<(), SinkError> {
        self.waiting.extend_from_slice(block);
        let second = format.samples(CHUNK_MS);
        while self.waiting.len() >= second {
            let rest = self.waiting.split_off(second);
            let pcm = std::mem::replace(&mut self.waiting, rest);
            self.append(format, pcm)?;
        }
        Ok(())
    }

    /// Keeps what waits, now.
    pub(super) fn flush(&mut self, format: Format) -> Result<(), SinkError> {
        if self.waiting.is_empty() {
            return Ok(());
        }
        let pcm = std::mem::take(&mut self.waiting);
        self.append(format, pcm)
    }

    /// The end. After a failure only the sink's own end is tried.
    pub(super) fn finish(&mut self) -> Result<(), SinkError> {
        self.sink.finish()
    }

    /// How long the recording is, as kept.
    pub(super) fn length_ms(&self, format: Format) -> u32 {
        format.milliseconds(self.n_kept)
    }

    fn append(&mut self, format: Format, pcm: Vec<i16>) -> Result<(), SinkError> {
        let n = pcm.len() as u64;
        let start_ms = format.milliseconds(self.n_kept);
        self.sink.append(AudioChunk {
            index: self.n_chunks,
            start_ms,
            format,
            pcm,
        })?;
        self.n_chunks += 1;
        self.n_kept += n;
        Ok(())
    }
}
