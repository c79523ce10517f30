//! `medieco-engine`: whisper.cpp behind stdin and stdout, nothing else.
//!
//! It is a process of its own so that a bad model file (a C++ exception cannot be caught from Rust) or an old processor
//! ends this process and not the clinic's app. It opens no socket, reads no file but the models it is told of, and
//! ends as soon as its stdin closes, whatever it is doing. The protocol is in `docs/scribe.md`; its other half is
//! `scribe::engine::wire`, and a test there runs this very program.

mod cores;
mod speech;
mod voice;
mod weights;
mod wire;

use std::io::{self, BufReader};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, mpsc};

use crate::speech::SpeechModel;
use crate::voice::VoiceModel;
use crate::wire::{Code, Frame, Reply, Request};

fn main() -> anyhow::Result<()> {
    match std::env::args().nth(1).as_deref() {
        None => {}
        Some("--version") => {
            println!(
                "medieco-engine {} (whisper.cpp {})",
                env!("CARGO_PKG_VERSION"),
                whisper_rs::WHISPER_CPP_VERSION
            );
            return Ok(());
        }
        Some(_) => {
            eprintln!("medieco-engine is started by MediEco and speaks over stdin and stdout (docs/scribe.md).");
            eprintln!("Usage: medieco-engine [--version]");
            std::process::exit(2);
        }
    }
    // Without a logging backend this keeps whisper.cpp's chatter off both streams.
    whisper_rs::install_logging_hooks();
    let cancelled = Arc::new(AtomicU64::new(0));
    let (to_work, work) = mpsc::channel();
    let cancels = Arc::clone(&cancelled);
    std::thread::spawn(move || read_requests(&to_work, &cancels));
    let mut engine = Engine {
        speech: None,
        voice: None,
        cancelled,
    };
    wire::reply(&Reply::Ready {
        version: env!("CARGO_PKG_VERSION"),
        whisper: whisper_rs::WHISPER_CPP_VERSION,
        cores: cores::physical(),
    })?;
    for frame in work {
        let reply = engine
            .answer(frame)
            .unwrap_or_else(|(id, code)| Reply::Error { id, code });
        wire::reply(&reply)?;
    }
    Ok(())
}

/// Reads on while the model computes, so that a cancel and the end of the parent are noticed at once.
fn read_requests(to_work: &mpsc::Sender<Frame>, cancelled: &AtomicU64) {
    let mut stdin = BufReader::new(io::stdin());
    loop {
        match wire::read(&mut stdin) {
            Ok(Some(Frame {
                request: Request::Cancel { id },
                ..
            })) => cancelled.store(id, Ordering::Relaxed),
            Ok(Some(Frame {
                request: Request::Quit, ..
            }))
            | Ok(None) => std::process::exit(0),
            Ok(Some(frame)) => {
                if to_work.send(frame).is_err() {
                    std::process::exit(0);
                }
            }
            Err(error) => {
                eprintln!("medieco-engine: unreadable request: {}", error.kind());
                std::process::exit(2);
            }
        }
    }
}

struct Engine {
    speech: Option<SpeechModel>,
    voice: Option<VoiceModel>,
    /// The id that was cancelled last; ids start at 1.
    cancelled: Arc<AtomicU64>,
}

/// An error, and the request that it belongs to, where that has an id.
type Refusal = (Option<u64>, Code);

impl Engine {
    fn answer(&mut self, frame: Frame) -> Result<Reply, Refusal> {
        match frame.request {
            Request::Load { path, threads } => {
                self.speech = None;
                let model = SpeechModel::load(&path, threads).map_err(|code| (None, code))?;
                let reply = Reply::Loaded {
                    multilingual: model.is_multilingual(),
                    audio_ctx: model.audio_ctx(),
                    threads: model.threads(),
                };
                self.speech = Some(model);
                Ok(reply)
            }
            Request::LoadVad { path } => {
                self.voice = Some(VoiceModel::load(&path).map_err(|code| (None, code))?);
                Ok(Reply::VadLoaded)
            }
            Request::Vad { id, .. } => {
                let voice = self.voice.as_mut().ok_or((Some(id), Code::NotLoaded))?;
                let probabilities = voice.probabilities(&frame.samples).map_err(|code| (Some(id), code))?;
                Ok(Reply::Vad {
                    id,
                    frame_ms: VoiceModel::FRAME_MS,
                    probabilities,
                })
            }
            Request::Transcribe {
                id,
                language,
                beam,
                audio_ctx,
                ..
            } => {
                let speech = self.speech.as_mut().ok_or((Some(id), Code::NotLoaded))?;
                let cancelled = Arc::clone(&self.cancelled);
                let stop = move || cancelled.load(Ordering::Relaxed) == id;
                let heard = speech
                    .transcribe(&frame.samples, language, beam, audio_ctx, stop)
                    .map_err(|code| (Some(id), code))?;
                Ok(Reply::Segments {
                    id,
                    language: heard.language,
                    segments: heard.segments,
                })
            }
            Request::Cancel { .. } | Request::Quit => unreachable!("answered by the reading thread"),
        }
    }
}
