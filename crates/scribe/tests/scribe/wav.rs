//! WAV files, good and bad.

use std::io::Cursor;

use hound::{SampleFormat, WavSpec, WavWriter};
use scribe::wav::{WavError, WavSource};
use scribe::{Format, Pace, Source};

fn made(spec: WavSpec, write: impl Fn(&mut WavWriter<&mut Cursor<Vec<u8>>>)) -> Vec<u8> {
    let mut bytes = Cursor::new(Vec::new());
    let mut writer = WavWriter::new(&mut bytes, spec).unwrap();
    write(&mut writer);
    writer.finalize().unwrap();
    bytes.into_inner()
}

fn spec(channels: u16, rate: u32, bits: u16) -> WavSpec {
    WavSpec {
        channels,
        sample_rate: rate,
        bits_per_sample: bits,
        sample_format: SampleFormat::Int,
    }
}

fn all(bytes: Vec<u8>) -> (Format, Vec<i16>) {
    let mut source = WavSource::from_bytes(bytes, Pace::AsFastAsPossible).unwrap();
    let mut pcm = Vec::new();
    while let Some(block) = source.read().unwrap() {
        pcm.extend(block);
    }
    (source.format(), pcm)
}

#[test]
fn every_depth_is_read_as_the_same_sound() {
    for (bits, shift) in [(8u16, -8i32), (16, 0), (24, 8), (32, 16)] {
        let scale = |x: i32| if shift < 0 { x >> -shift } else { x << shift };
        let bytes = made(spec(1, 16_000, bits), |wav| {
            for x in [-32_768, -256, 0, 256, 32_512] {
                wav.write_sample(scale(x)).unwrap();
            }
        });
        assert_eq!(all(bytes).1, [-32_768, -256, 0, 256, 32_512], "{bits} bit");
    }
    let float = WavSpec {
        sample_format: SampleFormat::Float,
        ..spec(1, 16_000, 32)
    };
    let bytes = made(float, |wav| {
        [-1.0f32, 0.0, 0.5, 7.0]
            .into_iter()
            .for_each(|x| wav.write_sample(x).unwrap())
    });
    assert_eq!(all(bytes).1, [-32_767, 0, 16_383, 32_767]);
}

#[test]
fn channels_and_rates_are_kept_as_they_are() {
    for channels in [1, 2, 4, 6] {
        for rate in [8_000, 11_025, 22_050, 44_100, 48_000] {
            let n = 2_700 * channels as i16;
            let bytes = made(spec(channels, rate, 16), |wav| {
                (0..n).for_each(|x| wav.write_sample(x).unwrap());
            });
            let (format, pcm) = all(bytes);
            assert_eq!(format, Format { rate, channels });
            assert_eq!(pcm, (0..n).collect::<Vec<_>>());
        }
    }
}

#[test]
fn each_bad_file_has_its_own_error() {
    let open = |bytes: &[u8]| WavSource::from_bytes(bytes.to_vec(), Pace::AsFastAsPossible).map(|_| ());
    let good = made(spec(1, 16_000, 16), |wav| {
        (0..1_000i16).for_each(|x| wav.write_sample(x).unwrap())
    });
    let silent = made(spec(1, 16_000, 16), |_| {});
    assert!(matches!(open(b""), Err(WavError::Empty)));
    assert!(matches!(
        open(b"%PDF-1.7 this is no sound at all, whatever its name says"),
        Err(WavError::NotWav)
    ));
    for keep in [1, 4, 11, 12, 20, 30, 40] {
        assert!(
            matches!(open(&good[..keep]), Err(WavError::NotWav)),
            "first {keep} bytes"
        );
    }
    assert!(matches!(open(&silent), Err(WavError::NoSamples)));
    let fast = made(spec(1, 96_000, 16), |wav| wav.write_sample(1i16).unwrap());
    assert!(matches!(open(&fast), Err(WavError::Unsupported { rate: 96_000, .. })));
    let wide = made(spec(12, 16_000, 16), |wav| {
        (0..12i16).for_each(|x| wav.write_sample(x).unwrap())
    });
    assert!(matches!(open(&wide), Err(WavError::Unsupported { channels: 12, .. })));
    let mut compressed = good.clone();
    compressed[20] = 2; // Microsoft ADPCM
    assert!(matches!(
        open(&compressed),
        Err(WavError::Unsupported { .. } | WavError::NotWav)
    ));
    let absent = WavSource::open(std::path::Path::new("/nowhere.wav"), Pace::AsFastAsPossible);
    assert!(matches!(absent, Err(WavError::Io(_))));
}

#[test]
fn a_file_that_stops_early_is_read_up_to_there() {
    let good = made(spec(2, 16_000, 16), |wav| {
        (0..32_000i16).for_each(|x| wav.write_sample(x).unwrap())
    });
    // In the middle of a frame: the half is left out.
    let (_, pcm) = all(good[..44 + 6_002].to_vec());
    assert_eq!(pcm, (0..3_000).collect::<Vec<i16>>());
}

#[test]
fn a_consult_at_another_rate_gives_the_same_words() {
    // Upsampled by repetition to 48 kHz stereo, the doctor's first turn: resampling and channel choice in the real path.
    let turn = std::fs::read(crate::support::demo("consult/turns/01-doctor.wav")).unwrap();
    let (_, pcm) = all(turn);
    let bytes = made(spec(2, 48_000, 24), |wav| {
        let quiet = std::iter::repeat_n(0, 8_000);
        for x in quiet.clone().chain(pcm.iter().copied()).chain(quiet.clone()) {
            for _ in 0..3 {
                wav.write_sample(i32::from(x) << 8).unwrap();
                wav.write_sample(0).unwrap();
            }
        }
    });
    let (outcome, _) = crate::support::transcribe(WavSource::from_bytes(bytes, Pace::AsFastAsPossible).unwrap());
    assert_eq!(
        crate::support::texts(&outcome.turns),
        ["Good morning, what brings you in today?"]
    );
}
