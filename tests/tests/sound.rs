//! Sound files as they come: good ones are written down or at least kept, bad ones are refused before anything begins.

use std::{fs, path::PathBuf};

pub use journeys::sound::{bytes_of, wav};
use journeys::{hand::Device, sound, walk};
use serde_json::{Value, json};

use crate::world::{Net, n_made, register};

/// The first seconds of the demo consult.
pub fn speech(millis: usize) -> Vec<i16> {
    sound::speech(millis).unwrap()
}

fn start(device: &Device, visit: &Value, file: &PathBuf) -> anyhow::Result<Value> {
    device.call(
        "start_recording",
        json!({"visit": visit, "source": {"kind": "wav", "path": file, "fast": true}}),
    )
}

/// Waits for the scribe's last word.
fn last_word(device: &Device, recording: &Value) -> String {
    let state = device.event(|line| {
        let of = &line["of"];
        (of["recording"] == *recording).then_some(())?;
        ["done", "failed"].into_iter().find(|word| of["state"] == *word)
    });
    state.unwrap().to_owned()
}

#[test]
fn sound_of_every_common_shape_is_written_down() {
    let net = Net::offline();
    let room = net.desk("room");
    room.call("import_model", json!({"path": walk::demo_model()})).unwrap();
    let folder = tempfile::tempdir().unwrap();
    let said = speech(6_800);
    let louder = said.iter().map(|sample| sample.saturating_mul(2));
    let at_44100: Vec<i16> = (0..said.len() * 441 / 160).map(|n| said[n * 160 / 441]).collect();
    let shapes = [
        ("plain.wav", wav(16_000, 1, 16, &bytes_of(said.iter().copied()))),
        (
            "stereo.wav",
            wav(16_000, 2, 16, &bytes_of(said.iter().flat_map(|sample| [*sample; 2]))),
        ),
        (
            "eight-bit.wav",
            wav(
                16_000,
                1,
                8,
                &louder.map(|sample| ((sample >> 8) + 128) as u8).collect::<Vec<u8>>(),
            ),
        ),
        ("cd.wav", wav(44_100, 1, 16, &bytes_of(at_44100.into_iter()))),
        (
            "cut-off.wav",
            wav(16_000, 1, 16, &bytes_of(said.iter().copied()))[..100_001].to_vec(),
        ),
    ];
    for (name, bytes) in shapes {
        let file = folder.path().join(name);
        fs::write(&file, bytes).unwrap();
        let visit = register(&room, name).unwrap()["visit"].clone();
        let recording = start(&room, &visit, &file).unwrap();
        assert_eq!(last_word(&room, &recording), "done", "{name}");
        let view = room.call("open_visit", json!({"visit": visit})).unwrap();
        let kept = &view["recordings"][0];
        let expected_ms = if name == "cut-off.wav" { 3_123 } else { 6_800 };
        assert!(
            kept["length_ms"].as_u64().unwrap().abs_diff(expected_ms) <= 100,
            "{name}: {}",
            kept["length_ms"]
        );
        // What is written down of sound that a model never heard so is the model's affair; that it is heard is ours.
        assert!(
            !kept["turns"].as_array().unwrap().is_empty(),
            "{name}: nothing was heard"
        );
        let again = room
            .call(
                "recording_audio",
                json!({"recording": recording, "start_ms": 0, "end_ms": 1_000}),
            )
            .unwrap();
        assert!(again.as_str().unwrap().len() > 20_000, "{name}: the sound was not kept");
    }
    room.finish().unwrap();
    net.assert_sound("room");
}

#[test]
fn what_is_no_sound_is_refused_before_anything_begins() {
    let net = Net::offline();
    let room = net.desk("room");
    let visit = register(&room, "Tan Mei Ling").unwrap()["visit"].clone();
    room.call("open_visit", json!({"visit": visit})).unwrap(); // that somebody looked is audited once
    let made = n_made(&room);
    let folder = tempfile::tempdir().unwrap();
    let whole = wav(16_000, 1, 16, &bytes_of(speech(500).into_iter()));
    for (name, bytes) in [
        ("empty.wav", Vec::new()),
        ("header-only.wav", wav(16_000, 1, 16, &[])),
        ("half-a-header.wav", whole[..30].to_vec()),
        (
            "letter.wav",
            b"Dear doctor, here is the recording that you asked for. Regards".to_vec(),
        ),
        ("too-fast.wav", wav(192_000, 1, 16, &[0; 4_000])),
        ("too-slow.wav", wav(4_000, 1, 16, &[0; 4_000])),
        ("nine-channels.wav", wav(16_000, 9, 16, &[0; 18_000])),
    ] {
        let file = folder.path().join(name);
        fs::write(&file, bytes).unwrap();
        let input = json!({"visit": visit, "source": {"kind": "wav", "path": file, "fast": true}});
        assert_eq!(
            room.refusal("start_recording", input).unwrap(),
            "sound_unreadable",
            "{name}"
        );
    }
    let missing = folder.path().join("not-there.wav");
    for path in [missing.as_path(), folder.path()] {
        let input = json!({"visit": visit, "source": {"kind": "wav", "path": path, "fast": true}});
        assert_eq!(
            room.refusal("start_recording", input).unwrap(),
            "sound_unreadable",
            "{}",
            path.display()
        );
    }
    assert_eq!(n_made(&room), made, "a refused recording left something in the set");
    assert_eq!(
        room.call("open_visit", json!({"visit": visit})).unwrap()["recordings"],
        json!([])
    );
}
