//! medieco-engine: whisper-rs behind stdio, nothing else.

fn main() {}
