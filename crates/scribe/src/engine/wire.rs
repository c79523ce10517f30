//! The scribe's half of the engine's protocol; the table is in `docs/scribe.md`, the other half in `crates/engine`.
//!
//! A frame is a `u32` little-endian header length, a JSON header, and as many payload bytes as the header says.

use std::io::{self, Read, Write};

use serde::{Deserialize, Serialize};

use super::{HeardSegment, Language};

/// A reply is text and numbers of 30 s of speech; more is no reply of ours.
const MAX_HEADER: u32 = 1024 * 1024;

/// What is asked.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(tag = "op", rename_all = "snake_case")]
pub enum Request {
    /// Load a whisper model in place of the one before.
    Load {
        /// Its file.
        path: String,
        /// Threads to use; 0 is the engine's own choice, and it takes no more than it has physical cores.
        threads: u16,
    },
    /// Load a Silero voice-activity model.
    LoadVad {
        /// Its file.
        path: String,
    },
    /// Judge the payload.
    Vad {
        /// Comes back in the reply.
        id: u64,
        /// Bytes of samples that follow.
        payload: u32,
    },
    /// Put the payload into words.
    Transcribe {
        /// Comes back in the reply.
        id: u64,
        /// In which language.
        language: Language,
        /// Beams; 1 is greedy.
        beam: u8,
        /// How much of the 30 s window is computed, in units of 20 ms; 0 is all.
        audio_ctx: u16,
        /// Bytes of samples that follow.
        payload: u32,
    },
    /// Give up on a transcription.
    Cancel {
        /// Which.
        id: u64,
    },
    /// End.
    Quit,
}

/// What comes back. Fields that a newer engine adds are passed over.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(tag = "reply", rename_all = "snake_case")]
pub enum Reply {
    /// Once, at the start.
    Ready {
        /// The engine's version.
        version: String,
        /// whisper.cpp's version.
        whisper: String,
        /// Physical cores.
        cores: u16,
    },
    /// The whisper model is loaded.
    Loaded {
        /// False for models that know English only.
        multilingual: bool,
        /// The whole window, in units of 20 ms.
        audio_ctx: u16,
        /// Threads that will be used.
        threads: u16,
    },
    /// The Silero model is loaded.
    VadLoaded,
    /// A judgement.
    Vad {
        /// The request's.
        id: u64,
        /// How long each judged frame is.
        frame_ms: u32,
        /// Of each frame, 0 to 1.
        probabilities: Vec<f32>,
    },
    /// Words.
    Segments {
        /// The request's.
        id: u64,
        /// English or Malay.
        language: Language,
        /// In order.
        segments: Vec<HeardSegment>,
    },
    /// No.
    Error {
        /// The request's, where it had one.
        id: Option<u64>,
        /// Why not.
        code: Code,
    },
}

/// Why the engine did not do it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Code {
    /// The file cannot be opened.
    CannotRead,
    /// No ggml file, one of another kind, or cut short.
    NotAModel,
    /// Asked before its model was loaded.
    NotLoaded,
    /// No samples.
    NothingToHear,
    /// Given up, as asked.
    Cancelled,
    /// whisper.cpp gave an error.
    Failed,
}

/// Samples as a payload.
pub fn payload(samples: &[f32]) -> Vec<u8> {
    samples.iter().flat_map(|sample| sample.to_le_bytes()).collect()
}

/// Writes a request and its payload, and flushes.
pub fn write(to: &mut impl Write, request: &Request, payload: &[u8]) -> io::Result<()> {
    let header = serde_json::to_vec(request)?;
    let length = u32::try_from(header.len()).map_err(|_| io::ErrorKind::InvalidInput)?;
    to.write_all(&length.to_le_bytes())?;
    to.write_all(&header)?;
    to.write_all(payload)?;
    to.flush()
}

/// Reads the next reply; `None` at the end of the stream.
pub fn read(from: &mut impl Read) -> io::Result<Option<Reply>> {
    let mut length = [0; 4];
    match from.read_exact(&mut length) {
        Err(error) if error.kind() == io::ErrorKind::UnexpectedEof => return Ok(None),
        other => other?,
    }
    let length = u32::from_le_bytes(length);
    if length > MAX_HEADER {
        return Err(io::ErrorKind::InvalidData.into());
    }
    let mut header = vec![0; length as usize];
    from.read_exact(&mut header)?;
    Ok(Some(serde_json::from_slice(&header)?))
}
