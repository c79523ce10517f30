//! A recording: sound is kept, cut into utterances, and put into words, on two threads.
//!
//! The first reads the source, keeps its sound, and cuts it; it never waits for words. The second puts utterances into
//! words when heavy work is allowed. What could not be done is named in the outcome, to be done again from what was kept.

mod keeper;
mod listener;
mod queue;
mod writer;

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::JoinHandle;

use queue::Queue;

use crate::engine::{EngineError, Language, Transcriber};
use crate::event::{Outcome, ScribeEvent};
use crate::sound::{AudioSink, Source};

type StartEngine = Box<dyn FnOnce() -> Result<Box<dyn Transcriber>, EngineError> + Send>;
type Tell = Arc<dyn Fn(ScribeEvent) + Send + Sync>;

/// A recording that is about to begin.
pub struct Recorder {
    sink: Box<dyn AudioSink>,
    start_engine: Option<StartEngine>,
    language: Language,
    channel: u16,
    partials: bool,
    heavy_work: bool,
}

impl Recorder {
    /// A recorder that keeps sound in `sink`, in either language, from the first channel.
    pub fn new(sink: Box<dyn AudioSink>) -> Self {
        Self {
            sink,
            start_engine: None,
            language: Language::Auto,
            channel: 0,
            partials: true,
            heavy_work: true,
        }
    }

    /// The engine, started when the recording runs already; without one, sound is kept and nothing else.
    #[must_use]
    pub fn transcriber(
        mut self,
        start: impl FnOnce() -> Result<Box<dyn Transcriber>, EngineError> + Send + 'static,
    ) -> Self {
        self.start_engine = Some(Box::new(start));
        self
    }

    /// The language that is spoken.
    #[must_use]
    pub fn language(mut self, language: Language) -> Self {
        self.language = language;
        self
    }

    /// The channel that is listened to, from 0; all are kept.
    #[must_use]
    pub fn channel(mut self, channel: u16) -> Self {
        self.channel = channel;
        self
    }

    /// Whether words are shown while a turn is still being spoken.
    #[must_use]
    pub fn partials(mut self, partials: bool) -> Self {
        self.partials = partials;
        self
    }

    /// False to begin on battery: sound is kept, words wait.
    #[must_use]
    pub fn heavy_work(mut self, allowed: bool) -> Self {
        self.heavy_work = allowed;
        self
    }

    /// Begins. `on_event` is called from the scribe's threads and must not block them.
    pub fn start(self, source: Box<dyn Source>, on_event: impl Fn(ScribeEvent) + Send + Sync + 'static) -> Recording {
        let tell: Tell = Arc::new(on_event);
        let queue = Arc::new(Queue::new(self.heavy_work));
        let stopped = Arc::new(AtomicBool::new(false));
        let writer = self.start_engine.map(|start_engine| {
            let writer = writer::Writer::new(Arc::clone(&queue), self.language, Arc::clone(&tell));
            std::thread::spawn(move || writer.run(start_engine))
        });
        let listener = listener::Listener {
            source,
            keeper: keeper::Keeper::new(self.sink),
            channel: self.channel,
            // Without an engine nobody would take them.
            queue: writer.is_some().then(|| Arc::clone(&queue)),
            partials: self.partials,
            stopped: Arc::clone(&stopped),
            tell: Arc::clone(&tell),
        };
        let closing = Arc::clone(&queue);
        let thread = std::thread::spawn(move || {
            let mut outcome = listener.run();
            closing.close();
            if let Some(written) = writer.and_then(|writer| writer.join().ok()) {
                outcome.turns = written.turns;
                outcome.missing = written.missing;
                outcome.failure = outcome.failure.or(written.failure);
            }
            tell(ScribeEvent::Finished(outcome.clone()));
            outcome
        });
        Recording {
            queue,
            stopped,
            thread: Some(thread),
        }
    }
}

/// A recording that runs. Dropping it stops it and waits for its end.
#[derive(Debug)]
pub struct Recording {
    queue: Arc<Queue>,
    stopped: Arc<AtomicBool>,
    thread: Option<JoinHandle<Outcome>>,
}

impl Recording {
    /// Ends the recording within about 100 ms; words that are due are still sought. `wait` gives the outcome.
    pub fn stop(&self) {
        self.stopped.store(true, Ordering::Relaxed);
        self.queue.wake();
    }

    /// Allows heavy work, or (on battery) forbids it: sound is kept on, words wait.
    ///
    /// A recording that ends while it is forbidden leaves its words to be sought later: they are `missing`.
    pub fn set_heavy_work(&self, allowed: bool) {
        self.queue.set_heavy_work(allowed);
    }

    /// False when its outcome is there.
    pub fn is_running(&self) -> bool {
        self.thread.as_ref().is_some_and(|thread| !thread.is_finished())
    }

    /// Waits for the end and the last words.
    pub fn wait(mut self) -> Outcome {
        let thread = self
            .thread
            .take()
            .expect("only wait and drop take it, and both own the recording");
        thread.join().unwrap_or_default()
    }
}

impl Drop for Recording {
    fn drop(&mut self) {
        self.stop();
        if let Some(thread) = self.thread.take() {
            // A thread that panicked has nothing left to wait for.
            let _ = thread.join();
        }
    }
}
