//! Hearing: from samples to utterances, who said them, and which words to believe. All pure.

pub mod guard;
pub mod mono;
pub mod phrase;
pub mod pitch;
pub mod speakers;
pub mod vad;
pub mod voice;

pub use phrase::{Segmenter, Unfinished, Utterance};
pub use voice::Voice;
