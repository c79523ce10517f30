//! Short sounds for journeys, as bytes of WAV files.

use std::fs;

use anyhow::{Context, Result};

use crate::walk;

/// The first seconds of the demo consult: 16 kHz, one channel, 16 bit.
pub fn speech(millis: usize) -> Result<Vec<i16>> {
    let file = fs::read(walk::consult_wav())?;
    let bytes = file.get(44..44 + millis * 32).context("the consult is longer")?;
    let pairs = bytes.as_chunks::<2>().0.iter();
    Ok(pairs.map(|pair| i16::from_le_bytes(*pair)).collect())
}

/// Samples of 16 bit as they lie in a file.
pub fn bytes_of(samples: impl Iterator<Item = i16>) -> Vec<u8> {
    samples.flat_map(i16::to_le_bytes).collect()
}

/// A WAV file around `data`.
pub fn wav(rate: u32, channels: u16, bits: u16, data: &[u8]) -> Vec<u8> {
    let frame = channels * (bits / 8);
    let mut file = Vec::from(*b"RIFF");
    file.extend((36 + data.len() as u32).to_le_bytes());
    file.extend(b"WAVEfmt ");
    file.extend(16u32.to_le_bytes());
    file.extend(1u16.to_le_bytes());
    file.extend(channels.to_le_bytes());
    file.extend(rate.to_le_bytes());
    file.extend((rate * u32::from(frame)).to_le_bytes());
    file.extend(frame.to_le_bytes());
    file.extend(bits.to_le_bytes());
    file.extend(b"data");
    file.extend((data.len() as u32).to_le_bytes());
    file.extend(data);
    file
}
