//! A look at a ggml file before whisper.cpp reads it.
//!
//! whisper.cpp throws on some damaged files (which ends this process) and takes a file that stops before its first
//! tensor for "an empty model for testing", which loads and hears nothing. Both are refused here by the header. This
//! proves no file good: only the scribe's hash does.

use std::fs::File;
use std::io::Read;
use std::path::Path;

use crate::wire::Code;

/// "ggml", read as a little-endian number.
const MAGIC: u32 = 0x6767_6d6c;

/// What a whisper file's header holds after the magic.
const HPARAMS: usize = 11;

/// Refuses what cannot be a whole whisper model.
pub fn check_speech_model(path: &Path) -> Result<(), Code> {
    let (words, size) = header(path, 1 + HPARAMS)?;
    // n_vocab, n_audio_ctx, n_audio_state, n_audio_head, n_audio_layer, n_text_ctx, n_text_state, n_text_head, ...
    let within = |index: usize, low: u32, high: u32| (low..=high).contains(&words[1 + index]);
    let plausible = within(0, 50_000, 60_000)
        && within(1, 1, 3_000)
        && within(2, 1, 4_096)
        && within(4, 1, 64)
        && within(5, 1, 4_096)
        && within(6, 1, 4_096)
        && within(8, 1, 64)
        && within(9, 40, 256);
    // The word table alone, at whisper.cpp's tightest packing of half a byte a weight.
    let least = u64::from(words[1]) * u64::from(words[1 + 6]) / 2;
    if words[0] == MAGIC && plausible && size >= least { Ok(()) } else { Err(Code::NotAModel) }
}

/// Refuses what is no ggml file.
pub fn check_magic(path: &Path) -> Result<(), Code> {
    let (words, _) = header(path, 1)?;
    if words[0] == MAGIC { Ok(()) } else { Err(Code::NotAModel) }
}

fn header(path: &Path, n: usize) -> Result<(Vec<u32>, u64), Code> {
    let mut file = File::open(path).map_err(|_| Code::CannotRead)?;
    let size = file.metadata().map_err(|_| Code::CannotRead)?.len();
    let mut bytes = vec![0; n * 4];
    file.read_exact(&mut bytes).map_err(|_| Code::NotAModel)?;
    Ok((bytes.as_chunks().0.iter().map(|four| u32::from_le_bytes(*four)).collect(), size))
}
