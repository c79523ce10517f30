//! A look at a whisper file before whisper.cpp reads it.
//!
//! whisper.cpp throws on some damaged files (which ends this process), takes a file that stops before its first tensor
//! for "an empty model for testing", and reads past the end of a last tensor that is cut short. So the file is walked
//! here first, from record to record, and must end where its last tensor ends. That proves no weight right: only the
//! scribe's hash does.

use std::fs::File;
use std::io::{BufReader, Read};
use std::path::Path;

use crate::wire::Code;

/// "ggml", read as a little-endian number.
const MAGIC: u32 = 0x6767_6d6c;

/// What each number of the header may be: vocabulary; audio context, state, heads, layers; text context, state, heads,
/// layers; mels; kind of weights.
const HEADER: [std::ops::RangeInclusive<u32>; 11] = [
    50_000..=60_000,
    1..=3_000,
    1..=4_096,
    1..=64,
    1..=64,
    1..=4_096,
    1..=4_096,
    1..=64,
    1..=64,
    40..=256,
    0..=10_000,
];

/// No word of a vocabulary and no tensor's name is longer.
const LONGEST_NAME: u32 = 512;

/// Refuses what is no whole whisper file.
pub fn check_speech_model(path: &Path) -> Result<(), Code> {
    let mut file = Walk::open(path)?;
    file.expect(|magic| magic == MAGIC)?;
    for range in HEADER {
        file.expect(|number| range.contains(&number))?;
    }
    let (mels, bins) = (file.number()?, file.number()?);
    file.skip(u64::from(mels) * u64::from(bins) * 4)?;
    for _ in 0..file.number()? {
        let length = file.expect(|length| length <= LONGEST_NAME)?;
        file.skip(length.into())?;
    }
    let mut n_tensors = 0;
    while !file.is_at_end() {
        file.skip_tensor()?;
        n_tensors += 1;
    }
    if n_tensors > 0 { Ok(()) } else { Err(Code::NotAModel) }
}

/// Refuses what is no ggml file.
pub fn check_magic(path: &Path) -> Result<(), Code> {
    Walk::open(path)?.expect(|magic| magic == MAGIC).map(|_| ())
}

/// A file that is stepped through; every step is refused that would leave it.
struct Walk {
    file: BufReader<File>,
    left: u64,
}

impl Walk {
    fn open(path: &Path) -> Result<Self, Code> {
        let file = File::open(path).map_err(|_| Code::CannotRead)?;
        let left = file.metadata().map_err(|_| Code::CannotRead)?.len();
        Ok(Self {
            file: BufReader::new(file),
            left,
        })
    }

    fn is_at_end(&self) -> bool {
        self.left == 0
    }

    fn number(&mut self) -> Result<u32, Code> {
        let mut bytes = [0; 4];
        self.left = self.left.checked_sub(4).ok_or(Code::NotAModel)?;
        self.file.read_exact(&mut bytes).map_err(|_| Code::NotAModel)?;
        Ok(u32::from_le_bytes(bytes))
    }

    fn expect(&mut self, allowed: impl Fn(u32) -> bool) -> Result<u32, Code> {
        self.number().and_then(|number| {
            if allowed(number) {
                Ok(number)
            } else {
                Err(Code::NotAModel)
            }
        })
    }

    fn skip(&mut self, bytes: u64) -> Result<(), Code> {
        self.left = self.left.checked_sub(bytes).ok_or(Code::NotAModel)?;
        let bytes = i64::try_from(bytes).map_err(|_| Code::NotAModel)?;
        self.file.seek_relative(bytes).map_err(|_| Code::CannotRead)
    }

    /// Dimensions, length of the name, kind; each dimension; the name; the weights.
    fn skip_tensor(&mut self) -> Result<(), Code> {
        let n_dimensions = self.expect(|n| (1..=4).contains(&n))?;
        let name = self.expect(|length| (1..=LONGEST_NAME).contains(&length))?;
        let kind = self.number()?;
        let mut n_weights = 1u64;
        for _ in 0..n_dimensions {
            n_weights = n_weights.checked_mul(self.number()?.into()).ok_or(Code::NotAModel)?;
        }
        self.skip(name.into())?;
        let (bytes, block) = block_of(kind).ok_or(Code::NotAModel)?;
        self.skip((n_weights / block).checked_mul(bytes).ok_or(Code::NotAModel)?)
    }
}

/// Bytes of a block of weights, and how many weights it holds: ggml's types, by their number.
fn block_of(kind: u32) -> Option<(u64, u64)> {
    Some(match kind {
        0 => (4, 1),
        1 => (2, 1),
        2 => (18, 32),
        3 => (20, 32),
        6 => (22, 32),
        7 => (24, 32),
        8 => (34, 32),
        10 => (84, 256),
        11 => (110, 256),
        12 => (144, 256),
        13 => (176, 256),
        14 => (210, 256),
        _ => return None,
    })
}
