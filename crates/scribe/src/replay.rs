//! A recording that was kept, again: after a crash, or when its words were postponed.

use crate::sound::{Format, Source, SourceError};

/// A source over kept chunks, in their order; as fast as the rest can take them.
pub struct Replay<I> {
    format: Format,
    chunks: I,
}

impl<I> Replay<I>
where
    I: Iterator<Item = Result<Vec<i16>, SourceError>> + Send,
{
    /// Plays `chunks` of interleaved samples of this shape.
    pub fn new(format: Format, chunks: I) -> Self {
        Self { format, chunks }
    }
}

impl<I> Source for Replay<I>
where
    I: Iterator<Item = Result<Vec<i16>, SourceError>> + Send,
{
    fn format(&self) -> Format {
        self.format
    }

    fn read(&mut self) -> Result<Option<Vec<i16>>, SourceError> {
        self.chunks.next().transpose()
    }

    fn waits(&self) -> bool {
        true
    }
}
