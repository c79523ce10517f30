//! Frames on stdin and stdout: `u32` little-endian header length, JSON header, then as many payload bytes as it says.
//!
//! Payloads are `f32` little-endian samples, mono, 16 kHz. The table is in `docs/scribe.md`.

use std::io::{self, Read, Write};

use serde::{Deserialize, Serialize};

/// A header is a path and a few numbers.
const MAX_HEADER: u32 = 64 * 1024;

/// 60 s of samples: twice what whisper hears at once.
const MAX_PAYLOAD: u32 = 60 * 16_000 * 4;

/// What the scribe asks.
#[derive(Debug, Deserialize)]
#[serde(tag = "op", rename_all = "snake_case")]
pub enum Request {
    /// Load a whisper model in place of the one before. `threads` 0 is our choice.
    Load { path: String, threads: u16 },
    /// Load a Silero voice-activity model.
    LoadVad { path: String },
    /// How likely is each 32 ms of the payload a voice?
    Vad { id: u64, payload: u32 },
    /// Put the payload into words. `beam` 1 is greedy.
    Transcribe {
        id: u64,
        language: Language,
        beam: u8,
        audio_ctx: u16,
        payload: u32,
    },
    /// Give up on a transcription that runs.
    Cancel { id: u64 },
    /// End.
    Quit,
}

impl Request {
    fn payload(&self) -> u32 {
        match self {
            Request::Vad { payload, .. } | Request::Transcribe { payload, .. } => *payload,
            _ => 0,
        }
    }
}

/// The language to transcribe in.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, Serialize)]
pub enum Language {
    /// English.
    #[serde(rename = "en")]
    English,
    /// Malay.
    #[serde(rename = "ms")]
    Malay,
    /// The likelier of the two.
    #[serde(rename = "auto")]
    Auto,
}

/// What the engine answers.
#[derive(Debug, Serialize)]
#[serde(tag = "reply", rename_all = "snake_case")]
pub enum Reply {
    Ready {
        version: &'static str,
        whisper: &'static str,
        cores: u16,
    },
    Loaded {
        multilingual: bool,
        audio_ctx: u16,
        threads: u16,
    },
    VadLoaded,
    Vad {
        id: u64,
        frame_ms: u32,
        probabilities: Vec<f32>,
    },
    Segments {
        id: u64,
        language: Language,
        segments: Vec<Segment>,
    },
    Error {
        id: Option<u64>,
        code: Code,
    },
}

/// One stretch of text.
#[derive(Debug, Serialize)]
pub struct Segment {
    /// From, in milliseconds since the payload's first sample.
    pub start_ms: u32,
    /// Up to.
    pub end_ms: u32,
    pub text: String,
    /// Mean natural logarithm of the words' probabilities.
    pub avg_logprob: f32,
    /// Probability that nothing was said.
    pub no_speech: f32,
}

/// Why not.
#[derive(Debug, Clone, Copy, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Code {
    /// The file cannot be opened.
    CannotRead,
    /// No ggml file, one of another kind, or cut short.
    NotAModel,
    /// A transcription or a judgement was asked for before its model.
    NotLoaded,
    /// No samples.
    NothingToHear,
    /// Given up, as asked.
    Cancelled,
    /// whisper.cpp gave an error.
    Failed,
}

/// A request with its samples.
#[derive(Debug)]
pub struct Frame {
    pub request: Request,
    pub samples: Vec<f32>,
}

/// The next request; `None` at the end of the stream.
pub fn read(from: &mut impl Read) -> io::Result<Option<Frame>> {
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
    let request: Request = serde_json::from_slice(&header)?;
    let payload = request.payload();
    if payload > MAX_PAYLOAD || !payload.is_multiple_of(4) {
        return Err(io::ErrorKind::InvalidData.into());
    }
    let mut bytes = vec![0; payload as usize];
    from.read_exact(&mut bytes)?;
    let samples = bytes
        .as_chunks()
        .0
        .iter()
        .map(|four| f32::from_le_bytes(*four))
        .collect();
    Ok(Some(Frame { request, samples }))
}

/// Writes one reply and flushes it.
pub fn reply(reply: &Reply) -> io::Result<()> {
    let header = serde_json::to_vec(reply)?;
    let mut stdout = io::stdout().lock();
    stdout.write_all(&(header.len() as u32).to_le_bytes())?;
    stdout.write_all(&header)?;
    stdout.flush()
}
