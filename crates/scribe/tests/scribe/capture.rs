//! A microphone without hardware: ALSA's `file` plugin over a FIFO; and no microphone at all.
//!
//! ALSA reads its configuration from the environment when it is first used, so each test runs itself again as a child
//! with that environment, and does its work there.
#![cfg(target_os = "linux")]

use std::fs::{self, OpenOptions};
use std::io::Write;
use std::path::Path;
use std::process::Command;

use scribe::capture::{self, CaptureError, MicrophoneSource};
use scribe::{Format, Source};

const CHILD: &str = "MEDIECO_TEST_ALSA";

/// Runs the test `name` again with this ALSA configuration, unless this is that run already: then gives its folder.
fn in_child(name: &str, config: impl Fn(&Path) -> String) -> Option<std::path::PathBuf> {
    if let Some(folder) = std::env::var_os(CHILD) {
        return Some(folder.into());
    }
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("asound.conf");
    fs::write(&file, config(folder.path())).unwrap();
    let output = Command::new(std::env::current_exe().unwrap())
        .args([name, "--exact", "--nocapture"])
        .env("ALSA_CONFIG_PATH", &file)
        .env(CHILD, folder.path())
        .output()
        .unwrap();
    let told = String::from_utf8_lossy(&output.stdout) + String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success() && told.contains("1 passed"), "{told}");
    None
}

#[test]
fn four_channels_are_heard_bit_for_bit() {
    let config = |folder: &Path| {
        let fifo = folder.join("mic.fifo");
        assert!(Command::new("mkfifo").arg(&fifo).status().unwrap().success());
        format!(
            "</usr/share/alsa/alsa.conf>\npcm.filemic {{\n type file\n slave.pcm {{ type null }}\n file \"/dev/null\"\n \
             infile \"{}\"\n format \"raw\"\n}}\n",
            fifo.display()
        )
    };
    let Some(folder) = in_child("capture::four_channels_are_heard_bit_for_bit", config) else {
        return;
    };
    let format = Format {
        rate: 48_000,
        channels: 4,
    };
    // Two seconds, each frame and each channel recognisable. It fits the ring, so it need not be paced.
    let sound: Vec<i16> = (0..2 * 48_000u32)
        .flat_map(|n| (0..4).map(move |ch| (n % 8_000 * 4 + ch) as i16))
        .collect();
    let bytes: Vec<u8> = sound.iter().flat_map(|x| x.to_le_bytes()).collect();
    // Held for reading and writing from the beginning: ALSA opens and closes a device while it lists it, and a writer
    // would be told that its reader has gone.
    let fifo = folder.join("mic.fifo");
    let held = OpenOptions::new().read(true).write(true).open(&fifo).unwrap();
    let mut source = MicrophoneSource::open(Some("alsa:filemic"), Some(format)).unwrap();
    assert_eq!(source.format(), format);
    // Written in pieces that a pipe takes whole and that are whole periods: of a short read ALSA makes a whole period.
    let writer = std::thread::spawn(move || {
        let mut fifo = OpenOptions::new().write(true).open(fifo).unwrap();
        bytes.chunks(3_840).try_for_each(|piece| fifo.write_all(piece))
    });
    let mut heard = Vec::new();
    let mut lost = None;
    while heard.len() < sound.len() - 4 * 4_800 && lost.is_none() {
        match source.read() {
            Ok(block) => heard.extend(block.unwrap()),
            Err(error) => lost = Some(error),
        }
    }
    // Once the FIFO ends so does the driver's wait for more, which the source's drop waits for: so this comes first.
    drop(held);
    let lost_ms = source.lost_ms();
    drop(source);
    // Whether the last piece still found its reader does not matter.
    let _ = writer.join().unwrap();
    assert_eq!((lost, lost_ms), (None, 0));
    assert!(heard == sound[..heard.len().min(sound.len())], "the samples differ");
}

#[test]
fn a_machine_without_a_microphone_is_a_typed_error() {
    let name = "capture::a_machine_without_a_microphone_is_a_typed_error";
    if in_child(name, |_| String::new()).is_none() {
        return;
    }
    assert_eq!(capture::microphones(), Ok(vec![]));
    assert_eq!(
        MicrophoneSource::open(None, None).unwrap_err(),
        CaptureError::NoMicrophone
    );
    assert_eq!(
        MicrophoneSource::open(Some("alsa:nothing"), None).unwrap_err(),
        CaptureError::NoMicrophone
    );
    assert_eq!(
        MicrophoneSource::open(Some("not an id"), None).unwrap_err(),
        CaptureError::NoMicrophone
    );
}

#[test]
fn a_shape_that_we_cannot_use_is_refused() {
    let name = "capture::a_shape_that_we_cannot_use_is_refused";
    if in_child(name, |_| {
        "pcm.nothing { type null }\npcm.!default { type null }\n".into()
    })
    .is_none()
    {
        return;
    }
    let odd = Format {
        rate: 192_000,
        channels: 32,
    };
    assert_eq!(
        MicrophoneSource::open(None, Some(odd)).unwrap_err(),
        CaptureError::Unsupported
    );
}
