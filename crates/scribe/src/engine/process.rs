//! The engine's process: started, asked, and ended.

use std::io::{BufRead, BufReader};
use std::process::{Child, ChildStdin, Command, Stdio};
use std::sync::mpsc::{self, Receiver, RecvTimeoutError};
use std::time::Duration;

use super::wire::{self, Code, Reply, Request};
use super::{Effort, EngineError, EngineSettings, Heard, Language, Transcriber};
use crate::hear::mono::RATE;

/// How long a start and a model may take: half a gigabyte from an old disk.
const LOADING: Duration = Duration::from_secs(120);

/// How long an answer may take: this, and twenty times the length of the sound.
const ANSWER: Duration = Duration::from_secs(30);
const ANSWER_PER_SECOND: Duration = Duration::from_secs(20);

/// Threads asked for when nobody chose: the engine's own choice.
const OWN_CHOICE: u16 = 0;

/// Beams for the final words, whisper's own choice; words that are shown meanwhile are greedy.
const CAREFUL_BEAM: u8 = 5;

/// Whisper computes a window of 30 s however short the utterance. This much of it is kept at least, in units of 20 ms
/// (10 s): with less, ordinary models begin to repeat themselves (whisper.cpp issues 1117, 1951).
const LEAST_CONTEXT: usize = 512;
const CONTEXT_PER_SECOND: usize = 50;
const CONTEXT_MARGIN: usize = 128;

/// Silero judges no less than this at once.
const LEAST_JUDGED: usize = 512;

/// A running engine with its model loaded. Dropping it ends the process.
#[derive(Debug)]
pub struct Engine {
    child: Child,
    requests: ChildStdin,
    replies: Receiver<Reply>,
    last_id: u64,
    whole_context: u16,
    multilingual: bool,
    judges: bool,
}

impl Engine {
    /// Starts the program and loads the models; blocks until they are ready, or cannot be.
    pub fn start(settings: &EngineSettings) -> Result<Self, EngineError> {
        let mut child = Command::new(&settings.program)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .map_err(EngineError::NotFound)?;
        let requests = child.stdin.take().expect("stdin is piped");
        let stdout = child.stdout.take().expect("stdout is piped");
        let stderr = child.stderr.take().expect("stderr is piped");
        let (to_replies, replies) = mpsc::channel();
        std::thread::spawn(move || {
            let mut stdout = BufReader::new(stdout);
            // The end of the stream, and anything that is no reply, ends the channel: the engine has stopped.
            while let Ok(Some(reply)) = wire::read(&mut stdout) {
                if to_replies.send(reply).is_err() {
                    break;
                }
            }
        });
        std::thread::spawn(move || {
            for line in BufReader::new(stderr).lines().map_while(Result::ok) {
                tracing::debug!(target: "medieco_engine", "{line}");
            }
        });
        let mut engine = Self {
            child,
            requests,
            replies,
            last_id: 0,
            whole_context: 0,
            multilingual: false,
            judges: false,
        };
        match engine.answer(LOADING)? {
            Reply::Ready {
                version,
                whisper,
                cores,
            } => tracing::info!(version, whisper, cores, "speech engine"),
            _ => return Err(EngineError::Protocol),
        }
        engine.load(settings)?;
        Ok(engine)
    }

    /// True when the model knows more than English.
    pub fn is_multilingual(&self) -> bool {
        self.multilingual
    }

    /// The process, for whoever watches it.
    pub fn process_id(&self) -> u32 {
        self.child.id()
    }

    fn load(&mut self, settings: &EngineSettings) -> Result<(), EngineError> {
        let path = |path: &std::path::Path| path.to_str().map(str::to_owned).ok_or(EngineError::ModelUnusable);
        let load = Request::Load {
            path: path(settings.model.path())?,
            threads: settings.threads.unwrap_or(OWN_CHOICE),
        };
        match self.ask_to_load(&load)? {
            Reply::Loaded {
                multilingual,
                audio_ctx,
                ..
            } => {
                (self.multilingual, self.whole_context) = (multilingual, audio_ctx);
            }
            _ => return Err(EngineError::Protocol),
        }
        if let Some(vad) = &settings.vad {
            match self.ask_to_load(&Request::LoadVad { path: path(vad)? })? {
                Reply::VadLoaded => self.judges = true,
                _ => return Err(EngineError::Protocol),
            }
        }
        Ok(())
    }

    /// A process that ends while it loads was ended by the file that it loads.
    fn ask_to_load(&mut self, load: &Request) -> Result<Reply, EngineError> {
        match self.ask(load, &[], LOADING) {
            Err(EngineError::Stopped | EngineError::Refused(_)) => Err(EngineError::ModelUnusable),
            other => other,
        }
    }

    fn ask(&mut self, request: &Request, payload: &[u8], within: Duration) -> Result<Reply, EngineError> {
        wire::write(&mut self.requests, request, payload).map_err(|_| EngineError::Stopped)?;
        self.answer(within)
    }

    fn answer(&mut self, within: Duration) -> Result<Reply, EngineError> {
        match self.replies.recv_timeout(within) {
            Ok(Reply::Error { code, .. }) => Err(EngineError::Refused(code)),
            Ok(reply) => Ok(reply),
            Err(RecvTimeoutError::Disconnected) => Err(EngineError::Stopped),
            Err(RecvTimeoutError::Timeout) => {
                // Its answer may still come and would be taken for the next one's.
                self.end();
                Err(EngineError::Deadline(within))
            }
        }
    }

    fn next_id(&mut self) -> u64 {
        self.last_id += 1;
        self.last_id
    }

    fn context_for(&self, samples: usize) -> u16 {
        let seconds = samples.div_ceil(RATE as usize);
        let units = (seconds * CONTEXT_PER_SECOND + CONTEXT_MARGIN).max(LEAST_CONTEXT);
        u16::try_from(units).unwrap_or(u16::MAX).min(self.whole_context)
    }

    fn end(&mut self) {
        // It holds nothing that could be lost. Both fail only when it has ended already.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn patience(samples: usize) -> Duration {
    ANSWER + ANSWER_PER_SECOND * u32::try_from(samples / RATE as usize).unwrap_or(u32::MAX).min(60)
}

impl Transcriber for Engine {
    fn transcribe(&mut self, samples: &[f32], language: Language, effort: Effort) -> Result<Heard, EngineError> {
        let payload = wire::payload(samples);
        let asked = self.next_id();
        let request = Request::Transcribe {
            id: asked,
            language,
            beam: if effort == Effort::Careful { CAREFUL_BEAM } else { 1 },
            audio_ctx: self.context_for(samples.len()),
            payload: payload.len() as u32,
        };
        match self.ask(&request, &payload, patience(samples.len())) {
            Ok(Reply::Segments { id, language, segments }) if id == asked => Ok(Heard { language, segments }),
            Ok(_) => Err(EngineError::Protocol),
            Err(EngineError::Refused(Code::NothingToHear)) => Ok(Heard {
                language,
                segments: Vec::new(),
            }),
            Err(error) => Err(error),
        }
    }

    fn voice(&mut self, samples: &[f32]) -> Result<Option<Vec<f32>>, EngineError> {
        if !self.judges || samples.len() < LEAST_JUDGED {
            return Ok(None);
        }
        let payload = wire::payload(samples);
        let asked = self.next_id();
        let request = Request::Vad {
            id: asked,
            payload: payload.len() as u32,
        };
        match self.ask(&request, &payload, patience(samples.len()))? {
            Reply::Vad { id, probabilities, .. } if id == asked => Ok(Some(probabilities)),
            _ => Err(EngineError::Protocol),
        }
    }
}

impl Drop for Engine {
    fn drop(&mut self) {
        self.end();
    }
}
