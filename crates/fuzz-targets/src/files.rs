//! Documents and sound that come as files, or inside something that another clinic sealed.

use std::io::Cursor;

use fhir::{ReleaseContent, merge_records, read_bundle_bytes, release_bundle};
use hound::{SampleFormat, WavSpec, WavWriter};
use scribe::wav::WavSource;
use scribe::{Pace, Source};

/// A release as the tests of `fhir` freeze it.
const RELEASE: &str = include_str!("../data/release.json");

/// Another clinic's document: read, merged, and written again as a screen or a release of ours does it.
pub(crate) fn fhir(bytes: &[u8]) {
    let Ok(record) = read_bundle_bytes(bytes) else { return };
    let merged = merge_records(vec![record.clone(), record]).expect("a document and itself");
    let again = release_bundle(&ReleaseContent {
        id: "4f".repeat(16),
        record: merged,
    });
    let again = serde_json::to_vec(&again).expect("JSON");
    let _ = read_bundle_bytes(&again);
}

pub(crate) fn fhir_documents() -> Vec<Vec<u8>> {
    vec![RELEASE.as_bytes().to_vec()]
}

/// Sound in a file, to its end.
pub(crate) fn wav(bytes: &[u8]) {
    let Ok(mut source) = WavSource::from_bytes(bytes.to_vec(), Pace::AsFastAsPossible) else {
        return;
    };
    let _ = source.length_ms();
    let mut n_samples = 0;
    while let Ok(Some(block)) = source.read() {
        n_samples += block.len();
        assert!(n_samples <= bytes.len(), "sound out of nothing");
    }
}

pub(crate) fn wavs() -> Vec<Vec<u8>> {
    [
        (1, 16_000, 16, SampleFormat::Int),
        (2, 48_000, 24, SampleFormat::Int),
        (8, 8_000, 8, SampleFormat::Int),
        (1, 44_100, 32, SampleFormat::Int),
        (2, 16_000, 32, SampleFormat::Float),
    ]
    .map(|(channels, sample_rate, bits_per_sample, sample_format)| {
        let spec = WavSpec {
            channels,
            sample_rate,
            bits_per_sample,
            sample_format,
        };
        let mut file = Cursor::new(Vec::new());
        let mut writer = WavWriter::new(&mut file, spec).expect("memory");
        for n in 0..i32::from(channels) * 20 {
            match sample_format {
                SampleFormat::Int => writer.write_sample(n % 100).expect("memory"),
                SampleFormat::Float => writer.write_sample(n as f32 / 100.0).expect("memory"),
            }
        }
        writer.finalize().expect("memory");
        file.into_inner()
    })
    .into()
}
