//! Kept sound: how a chunk is written, and how it is heard again.

use base64::{Engine as _, engine::general_purpose::STANDARD};
use domain::RecordingId;
use scribe::{Format, Replay, Source, SourceError};
use vault::{Recording, Vault};

use crate::{
    Desk, Error, ErrorCode,
    audit::{Line, RECORDING_HEARD},
    roles::Verb,
};

/// Milliseconds that are played at most at a time.
const MAX_SPAN_MS: u32 = 120_000;

impl Desk {
    /// Some seconds of a recording, as a WAV file in base64.
    ///
    /// # Errors
    /// [`ErrorCode::Invalid`] for a span that is empty or longer than two minutes; [`ErrorCode::SoundMissing`] when the
    /// sound is on another device.
    pub fn recording_audio(&self, recording: RecordingId, start_ms: u32, end_ms: u32) -> Result<String, Error> {
        let (clinic, acting) = self.acting(Verb::ListenAgain)?;
        if start_ms >= end_ms || end_ms - start_ms > MAX_SPAN_MS {
            return Err(Error::invalid("span"));
        }
        let kept = clinic
            .read(|r| Ok(r.recording(recording)?))?
            .ok_or(ErrorCode::NotFound)?;
        let format = format_of(&kept);
        let pcm = span(&clinic.vault, &kept, format, start_ms, end_ms)?;
        if clinic.first_look(recording.as_bytes()) {
            clinic.write(&acting, |w| {
                acting.audit(w, Line::new(RECORDING_HEARD).patient(kept.patient).visit(kept.visit))?;
                Ok(())
            })?;
        }
        Ok(STANDARD.encode(wav(format, &pcm)))
    }
}

/// A chunk as it is sealed: where it begins (milliseconds, little endian), then interleaved 16-bit samples.
pub(super) fn chunk_bytes(start_ms: u32, pcm: &[i16]) -> Vec<u8> {
    let mut bytes = Vec::with_capacity(4 + pcm.len() * 2);
    bytes.extend(start_ms.to_le_bytes());
    bytes.extend(pcm.iter().flat_map(|sample| sample.to_le_bytes()));
    bytes
}

fn read_chunk(bytes: &[u8]) -> Option<(u32, Vec<i16>)> {
    let (start, samples) = bytes.split_first_chunk::<4>()?;
    let pcm = samples
        .chunks_exact(2)
        .map(|pair| i16::from_le_bytes([pair[0], pair[1]]))
        .collect();
    Some((u32::from_le_bytes(*start), pcm))
}

/// The whole recording, as a source of sound.
pub(super) fn replay(vault: Vault, recording: &Recording) -> impl Source + use<> {
    let (id, n_chunks) = (recording.id, recording.n_chunks);
    let chunks = (0..n_chunks).map(move |index| {
        let bytes = vault.read_chunk(id, index).map_err(|_| SourceError::Broken)?;
        read_chunk(&bytes).map(|(_, pcm)| pcm).ok_or(SourceError::Broken)
    });
    Replay::new(format_of(recording), chunks)
}

fn format_of(recording: &Recording) -> Format {
    Format {
        rate: recording.sample_rate,
        channels: recording.channels,
    }
}

/// The samples from `start_ms` up to `end_ms`; only the chunks that hold them are opened.
fn span(vault: &Vault, kept: &Recording, format: Format, start_ms: u32, end_ms: u32) -> Result<Vec<i16>, Error> {
    let open = |index: u32| -> Result<(u32, Vec<i16>), Error> {
        let bytes = vault.read_chunk(kept.id, index)?;
        read_chunk(&bytes).ok_or(ErrorCode::StoreDamaged.into())
    };
    let (mut low, mut high) = (0, kept.n_chunks);
    while low < high {
        let middle = low + (high - low) / 2;
        if open(middle)?.0 <= start_ms {
            low = middle + 1
        } else {
            high = middle
        }
    }
    let mut pcm = Vec::new();
    for index in low.saturating_sub(1)..kept.n_chunks {
        let (begins, samples) = open(index)?;
        if begins >= end_ms {
            break;
        }
        let from = samples_in(format, start_ms.saturating_sub(begins)).min(samples.len());
        let to = samples_in(format, end_ms - begins).min(samples.len());
        pcm.extend_from_slice(&samples[from..to.max(from)]);
    }
    if pcm.is_empty() {
        Err(ErrorCode::NotFound.into())
    } else {
        Ok(pcm)
    }
}

fn samples_in(format: Format, millis: u32) -> usize {
    let frames = u64::from(millis) * u64::from(format.rate) / 1000;
    usize::try_from(frames)
        .unwrap_or(usize::MAX)
        .saturating_mul(usize::from(format.channels))
}

/// A WAV file: 16-bit PCM behind the 44-byte header (RIFF, "Multimedia Programming Interface", 1991).
fn wav(format: Format, pcm: &[i16]) -> Vec<u8> {
    let n_bytes = u32::try_from(pcm.len() * 2).expect("two minutes of sound");
    let frame = format.channels * 2;
    let mut file = Vec::with_capacity(44 + pcm.len() * 2);
    file.extend(b"RIFF");
    file.extend((36 + n_bytes).to_le_bytes());
    file.extend(b"WAVEfmt ");
    file.extend(16u32.to_le_bytes());
    file.extend(1u16.to_le_bytes());
    file.extend(format.channels.to_le_bytes());
    file.extend(format.rate.to_le_bytes());
    file.extend((format.rate * u32::from(frame)).to_le_bytes());
    file.extend(frame.to_le_bytes());
    file.extend(16u16.to_le_bytes());
    file.extend(b"data");
    file.extend(n_bytes.to_le_bytes());
    file.extend(pcm.iter().flat_map(|sample| sample.to_le_bytes()));
    file
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_chunk_is_read_as_it_was_written() {
        let pcm = [0, 1, -1, i16::MAX, i16::MIN];
        assert_eq!(read_chunk(&chunk_bytes(7_000, &pcm)), Some((7_000, pcm.to_vec())));
        assert_eq!(read_chunk(&[1, 2]), None);
    }

    #[test]
    fn a_wav_says_how_long_it_is() {
        let file = wav(
            Format {
                rate: 16_000,
                channels: 2,
            },
            &[0; 32_000],
        );
        assert_eq!(file.len(), 44 + 64_000);
        assert_eq!(&file[0..4], b"RIFF");
        assert_eq!(
            u32::from_le_bytes(file[28..32].try_into().expect("four bytes")),
            64_000,
            "bytes a second"
        );
    }
}
