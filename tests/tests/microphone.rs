//! The room's sound comes from a microphone: through ALSA, into the same pipeline as a file's, in a headless device and
//! in the app's window.

use std::{fs, path::Path, process::Command};

use journeys::{
    child::{Running, program},
    demo,
    hand::Device,
    people::SERI_MAWAR,
    screens, walk,
    window::Window,
};
use serde_json::{Value, json};

use crate::{
    sound::{bytes_of, speech, wav},
    world::{Net, register},
};

/// The first two turns of the demo consult end here.
const SAID_MS: usize = 6_400;
/// What was said till then.
const SAID: [&str; 2] = [
    "Good morning, what brings you in today?",
    "I have had a fever and a cough for three days.",
];

/// A microphone that is plugged in, and the environment of a program that hears it.
struct Microphone {
    process: Running,
    config: String,
    to_say: std::path::PathBuf,
}

impl Microphone {
    fn plug_in(folder: &Path) -> Self {
        let mut command = Command::new(program("medieco-fake-devices").unwrap());
        command.arg("microphone").arg("--dir").arg(folder);
        let process = Running::start(command, &folder.join("microphone.log")).unwrap();
        let config = process
            .wait_for(|line| line["alsa_config"].as_str().map(str::to_owned))
            .unwrap();
        let to_say = folder.join("said.wav");
        fs::write(&to_say, wav(16_000, 1, 16, &bytes_of(speech(SAID_MS).into_iter()))).unwrap();
        Self {
            process,
            config,
            to_say,
        }
    }

    /// Somebody speaks in the room.
    fn speak(&mut self) {
        use std::io::Write;
        let line = self.to_say.to_str().unwrap().to_owned();
        writeln!(self.process.stdin().unwrap(), "{line}").unwrap();
        self.process
            .wait_for(|line| (line["event"] == "playing").then_some(()))
            .unwrap();
    }
}

fn texts(recording: &Value) -> Vec<&str> {
    let turns = recording["turns"].as_array().unwrap();
    turns.iter().map(|turn| turn["text"].as_str().unwrap()).collect()
}

#[test]
fn what_is_said_into_a_microphone_is_kept_and_written_down_while_it_runs() {
    let net = Net::offline();
    let folder = tempfile::tempdir().unwrap();
    let mut microphone = Microphone::plug_in(folder.path());
    let environment = [("ALSA_CONFIG_PATH", microphone.config.as_str())];
    let room = Device::start_with(&net.data("room"), &net.passphrase_file(), &environment).unwrap();
    journeys::network::sign_in(&room, &SERI_MAWAR.owner).unwrap();
    room.call("import_model", json!({"path": walk::demo_model()})).unwrap();
    assert!(
        room.call("status", json!({})).unwrap()["scribe"]["microphone"].is_string(),
        "no microphone is heard"
    );
    let visit = register(&room, "Somebody who speaks").unwrap()["visit"].clone();
    let source = json!({"kind": "microphone", "device": null});
    let start = json!({"visit": visit, "source": source});
    let recording = room.call("start_recording", start.clone()).unwrap();
    let other = register(&room, "Somebody else").unwrap()["visit"].clone();
    let taken = json!({"visit": other, "source": source});
    assert_eq!(room.refusal("start_recording", taken).unwrap(), "recording_running");
    microphone.speak();
    let live = |line: &Value| {
        let said = line["of"]["turn"]["text"].as_str()?;
        (line["of"]["state"] == "recording" && said == SAID[1]).then_some(())
    };
    room.event(live).unwrap();
    room.call("stop_recording", json!({"recording": recording})).unwrap();
    room.event(|line| (line["of"]["state"] == "done").then_some(()))
        .unwrap();
    let view = room.call("open_visit", json!({"visit": visit})).unwrap();
    let kept = &view["recordings"][0];
    assert_eq!(texts(kept), SAID);
    assert!(kept["length_ms"].as_u64().unwrap() >= SAID_MS as u64);
    room.finish().unwrap();
    net.assert_sound("room");
}

#[test]
fn the_doctor_records_from_a_microphone_in_the_real_window() {
    let folder = tempfile::tempdir().unwrap();
    let mut microphone = Microphone::plug_in(folder.path());
    let network = demo::prepare(&folder.path().join("demo")).unwrap();
    let environment = [("ALSA_CONFIG_PATH", microphone.config.as_str())];
    let window = screens::open_with(&network, folder.path(), &environment).unwrap();
    window.speak("en").unwrap();
    screens::sign_in(&window, &SERI_MAWAR.owner).unwrap();
    open_somebody(&window);
    window.press("Record").unwrap();
    window.shows(" recording").unwrap();
    microphone.speak();
    window.shows(SAID[1]).unwrap();
    window.press("Stop").unwrap();
    window.shows("What was said (2 turns)").unwrap();
    window.close().unwrap();
}

/// Registers a walk-in and opens her consult.
fn open_somebody(window: &Window) {
    window.press("Today").unwrap();
    window.fill_in("Full name", "Somebody who speaks").unwrap();
    window.fill_in("Reason for the visit", "Demam").unwrap();
    window.press("Register and queue").unwrap();
    window.find("[data-testid=queued]").unwrap();
    let today = window.ask("today").unwrap();
    let token = today["rows"][0]["token"].as_str().unwrap().to_owned();
    window.press("Consult").unwrap();
    window.press(&format!("Open {token}")).unwrap();
}
