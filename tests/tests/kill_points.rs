//! SIGKILL at every named write step, of the real device process, at the moments of the day that write.

use std::{collections::BTreeMap, process::Command};

use journeys::{
    child::{PATIENCE, program},
    hand::Device,
    network,
    people::SERI_MAWAR,
    same_set::open_store,
    walk,
};
use serde_json::{Value, json};
use testkit::{PrinterMode, VirtualPrinter};
use vault::{KeyHolder, PassphraseFile, kill};
use zeroize::Zeroizing;

use crate::{
    story::{Step, adults, set_printer, story_of},
    world::{Net, refusal_of, register},
};

/// The steps of the day at which a device is killed.
const WRITING: [Step; 5] = [Step::Register, Step::Note, Step::Sign, Step::Print, Step::HandOver];

fn points(of: &str) -> impl Iterator<Item = &'static str> {
    let all = kill::POINTS.iter().copied();
    all.filter(move |point| point.starts_with(of))
}

/// Starts a device that dies at `order`; `None` when it died already while it was started.
fn armed(net: &Net, device: &str, order: &str) -> Option<Device> {
    Device::start_with(&net.data(device), &net.passphrase_file(), &[("MEDIECO_KILL_AT", order)]).ok()
}

/// The same, with the owner signed in.
fn armed_desk(net: &Net, device: &str, order: &str) -> Option<Device> {
    let device = armed(net, device, order)?;
    match network::sign_in(&device, &SERI_MAWAR.owner) {
        Ok(()) => Some(device),
        Err(error) if refusal_of(&error).is_none() => None,
        Err(error) => panic!("{order}: {error:#}"),
    }
}

/// The first passing of `point` after the start and the sign-in, found by trying.
fn first_after_sign_in(net: &Net, device: &str, point: &str) -> usize {
    let survives = |n: &usize| {
        let survived = armed_desk(net, device, &format!("{point}:{n}")).is_some();
        // A try that was counted and never answered counts as a wrong one: it is made good at once.
        drop(net.desk(device));
        survived
    };
    (1..).find(survives).unwrap()
}

/// Waits for the end of a device that is dying.
fn wait_for_its_end(device: &Device) {
    let end = device.event(|_| None::<()>).unwrap_err().to_string();
    assert!(end.ends_with("has ended"), "{end}");
}

#[test]
fn every_named_write_step_has_its_kill_here() {
    let known = [
        "write.",
        "absorb.",
        "peer.",
        "reading.",
        "chunk.",
        "checkpoint.",
        "rebuild.",
    ];
    let unknown: Vec<&&str> = kill::POINTS
        .iter()
        .filter(|point| !known.iter().any(|group| point.starts_with(group)))
        .collect();
    assert!(unknown.is_empty(), "nothing here passes {unknown:?}");
}

#[test]
fn a_kill_at_any_step_of_a_write_loses_nothing_of_the_day() {
    let mut killed: BTreeMap<&str, Vec<Step>> = BTreeMap::new();
    // Most of these points are passed once a commit.
    let commits = first_after_sign_in(&Net::offline(), "counter", "write.committed");
    for point in points("write.") {
        let (net, labels) = (Net::offline(), tempfile::tempdir().unwrap());
        let printer = VirtualPrinter::start(labels.path(), PrinterMode::Silent).unwrap();
        let passing = match point {
            "write.edited" | "write.sealed" => first_after_sign_in(&net, "counter", point),
            _ => commits,
        };
        let order = format!("{point}:{passing}");
        let mut device = net.desk("counter");
        set_printer(&device, &printer.url());
        let mut story = story_of(adults(3).next().unwrap(), &device);
        while let Some(step) = story.next() {
            if WRITING.contains(&step) {
                drop(device);
                let doomed = armed_desk(&net, "counter", &order).unwrap_or_else(|| panic!("{order} before {step:?}"));
                let (verb, input) = story.call(&doomed, step).unwrap();
                match doomed.call(verb, input) {
                    Ok(_) => story.acknowledged(),
                    Err(error) if refusal_of(&error).is_none() => killed.entry(point).or_default().push(step),
                    Err(error) => panic!("{step:?} at {point}: {error:#}"),
                }
                drop(doomed);
                device = net.desk("counter");
                story
                    .check(&device, &format!("after {step:?} was cut off at {point}"))
                    .unwrap();
            }
            if story.next() == Some(step) {
                story
                    .go_on(&device)
                    .unwrap_or_else(|error| panic!("{step:?} again after {point}: {error:#}"));
            }
            if step == Step::Print {
                printed(&device);
            }
        }
        story.check(&device, &format!("at the end of {point}")).unwrap();
        device.finish().unwrap();
        net.assert_sound("counter");
    }
    for point in points("write.") {
        // A step that makes facts only edits no document.
        let expected: &[Step] = if point == "write.edited" {
            &WRITING[..3]
        } else {
            &WRITING
        };
        let at = killed.get(point).map_or(&[][..], Vec::as_slice);
        assert!(
            expected.iter().all(|step| at.contains(step)),
            "{point} killed only {at:?}"
        );
    }
}

/// Waits until the newest label has left, or nobody can tell, and gives its job.
fn printed(device: &Device) -> Value {
    let settled = ["sent", "confirmed", "unknown"];
    let job = device.until("print_jobs", &json!({}), |jobs| {
        settled
            .iter()
            .any(|state| jobs[0]["state"] == *state)
            .then(|| jobs[0].clone())
    });
    job.unwrap()
}

/// Cut off before the job is frozen, while it is told to leave, and when it has left.
#[test]
fn a_kill_while_a_label_leaves_prints_nothing_twice() {
    let (net, labels) = (Net::offline(), tempfile::tempdir().unwrap());
    let printer = VirtualPrinter::start(labels.path(), PrinterMode::Normal).unwrap();
    // Commits come in this order: the sign-in's, the job, `sending`, what became of it.
    let first = first_after_sign_in(&net, "counter", "write.committed");
    let mut device = net.desk("counter");
    set_printer(&device, &printer.url());
    let mut unknown = 0;
    for (number, person) in adults(4).take(6).enumerate() {
        let point = ["write.before_commit", "write.committed"][number % 2];
        let mut story = story_of(person, &device);
        while story.next() != Some(Step::Print) {
            story.go_on(&device).unwrap();
        }
        drop(device);
        let before = printer.labels().len();
        let doomed = armed_desk(&net, "counter", &format!("{point}:{}", first + number / 2)).unwrap();
        let (verb, input) = story.call(&doomed, Step::Print).unwrap();
        if doomed.call(verb, input).is_ok() {
            story.acknowledged();
        }
        wait_for_its_end(&doomed);
        drop(doomed);
        device = net.desk("counter");
        let when = format!("passing {} of {point}", number / 2);
        story.check(&device, &when).unwrap();
        if story.next() == Some(Step::Print) {
            story.go_on(&device).unwrap();
        }
        let job = printed(&device);
        let came_out = printer.labels().len() - before;
        assert!(came_out <= 1, "{when}: the label came out {came_out} times");
        if job["state"] == "unknown" {
            unknown += 1;
            device
                .call("answer_print", json!({"job": job["id"], "came_out": came_out == 1}))
                .unwrap();
            if came_out == 0 {
                device
                    .call("reprint", json!({"job": job["id"], "reason": "Power cut"}))
                    .unwrap();
                printer.wait_for_labels(before + 1, PATIENCE);
            }
        }
        // The next label leaves after everything before it: had one been waiting, it would be on paper now.
        assert_eq!(printer.labels().len(), before + 1, "{when}");
        story.finish(&device).unwrap();
        story.check(&device, &when).unwrap();
    }
    assert!(unknown >= 2, "only {unknown} labels were cut off on their way");
    device.finish().unwrap();
    net.assert_sound("counter");
    assert_eq!(printer.labels().len(), 6);
}

#[test]
fn a_kill_while_changes_arrive_loses_none_of_them() {
    let net = Net::online();
    let room = net.desk("room");
    for (n, point) in points("absorb.").enumerate() {
        let name = format!("Sent {n}");
        register(&room, &name).unwrap();
        crate::world::all_sent(&room);
        // A device that was shut is started, and cut off as the first changes come in.
        if let Some(counter) = armed(&net, "counter", point) {
            wait_for_its_end(&counter);
        }
        let counter = net.desk("counter");
        counter
            .until("search_patients", &json!({"query": name}), |found| {
                found.get(0).map(drop)
            })
            .unwrap();
    }
    let counter = net.desk("counter");
    net.close_with_the_same_set([counter, room]);
    net.assert_sound("counter");
}

#[test]
fn a_kill_while_a_large_batch_is_read_loses_none_of_it() {
    let net = Net::online();
    let room = net.desk("room");
    for (n, point) in points("reading.").enumerate() {
        // More than is read as it comes: it is stored first.
        let names: Vec<String> = (0..40).map(|m| format!("Sent {n} {m}")).collect();
        for name in &names {
            register(&room, name).unwrap();
        }
        crate::world::all_sent(&room);
        let counter = armed(&net, "counter", point).unwrap_or_else(|| panic!("nothing passes {point}"));
        wait_for_its_end(&counter);
        let counter = net.desk("counter");
        for name in &names {
            let is_found = |found: &Value| found.get(0).map(drop);
            counter
                .until("search_patients", &json!({"query": name}), is_found)
                .unwrap();
        }
    }
    let counter = net.desk("counter");
    net.close_with_the_same_set([counter, room]);
    net.assert_sound("counter");
}

#[test]
fn a_kill_while_a_peers_changes_arrive_loses_none_of_them() {
    let net = Net::offline();
    let start = |device: &str, point: &str| {
        let order = [("MEDIECO_KILL_AT", point)];
        let order = if point.is_empty() { &[][..] } else { &order };
        Device::start_on_lan(&net.data(device), &net.passphrase_file(), order)
    };
    let room = start("room", "").unwrap();
    network::sign_in(&room, &SERI_MAWAR.owner).unwrap();
    let port = room.until("status", &json!({}), |status| status["sync"]["lan"]["port"].as_u64());
    let counter = start("counter", "").unwrap();
    network::sign_in(&counter, &SERI_MAWAR.owner).unwrap();
    let mut settings = counter.call("device_settings", json!({})).unwrap();
    settings["lan_addresses"] = json!([format!("127.0.0.1:{}", port.unwrap())]);
    counter
        .call("save_device_settings", json!({"settings": settings}))
        .unwrap();
    counter.finish().unwrap();
    for (n, point) in points("peer.").enumerate() {
        let name = format!("Sent {n}");
        register(&room, &name).unwrap();
        // It is started, and cut off as the first changes come in.
        if let Ok(counter) = start("counter", point) {
            wait_for_its_end(&counter);
        }
        let counter = start("counter", "").unwrap();
        network::sign_in(&counter, &SERI_MAWAR.owner).unwrap();
        counter
            .until("search_patients", &json!({"query": name}), |found| {
                found.get(0).map(drop)
            })
            .unwrap();
        let equal = |status: &Value| (status["sync"]["peers"][0]["equal"] == true).then_some(());
        room.until("status", &json!({}), equal).unwrap();
        counter.until("status", &json!({}), equal).unwrap();
        counter.finish().unwrap();
    }
    room.finish().unwrap();
    assert_eq!(net.held("counter"), net.held("room"));
    net.assert_sound("counter");
}

#[test]
fn a_kill_while_sound_is_sealed_loses_at_most_the_second_that_was_being_spoken() {
    let recording = points("chunk.").filter(|point| !point.starts_with("chunk.fetched"));
    for (n, point) in recording.enumerate() {
        let net = Net::offline();
        let room = net.desk("room");
        room.call("import_model", json!({"path": walk::demo_model()})).unwrap();
        let visit = register(&room, "Tan Mei Ling").unwrap()["visit"].clone();
        drop(room);
        // 2, 5 and 8 chunks are acknowledged when it dies in the next one.
        let n_whole = 2 + 3 * n as u32;
        let doomed = armed_desk(&net, "room", &format!("{point}:{}", n_whole + 1)).unwrap();
        let source = json!({"kind": "wav", "path": walk::consult_wav(), "fast": true});
        let started = doomed.call("start_recording", json!({"visit": visit, "source": source}));
        wait_for_its_end(&doomed);
        drop(doomed);

        let unfinished = {
            let store = open_store(&net.data("room"), net.tenant()).unwrap();
            store.read(|r| r.unfinished_recordings()).unwrap()
        };
        let counted = if point == "chunk.counted" { n_whole + 1 } else { n_whole };
        let n_chunks: Vec<u32> = unfinished.iter().map(|recording| recording.n_chunks).collect();
        assert_eq!(n_chunks, [counted], "{point}");

        let room = net.desk("room");
        let view = room.call("open_visit", json!({"visit": visit})).unwrap();
        let kept = &view["recordings"][0];
        if let Ok(id) = started {
            assert_eq!(kept["id"], id, "{point}");
        }
        assert_eq!(kept["state"], "interrupted", "{point}");
        let length_ms = kept["length_ms"].as_u64().unwrap();
        assert_eq!(length_ms, unfinished[0].millis, "{point}");
        let end = json!({"recording": kept["id"], "start_ms": 0, "end_ms": length_ms});
        let heard = room.call("recording_audio", end).unwrap();
        assert!(
            heard.as_str().unwrap().len() as u64 > length_ms * 32,
            "{point}: not every chunk can be heard"
        );
        room.call("resume_transcription", json!({"recording": kept["id"]}))
            .unwrap();
        let done = room.event(|line| {
            let over = line["of"]["state"] == "done" || line["of"]["state"] == "failed";
            over.then(|| line["of"]["state"].clone())
        });
        assert_eq!(done.unwrap(), "done", "{point}");
        let again = room.call(
            "start_recording",
            json!({"visit": visit, "source": {
                "kind": "wav", "path": walk::consult_wav(), "fast": true,
            }}),
        );
        again.unwrap();
        room.kill().unwrap();
        net.assert_sound("room");
    }
}

#[test]
fn a_kill_while_the_store_is_checkpointed_loses_nothing() {
    for point in points("checkpoint.") {
        let net = Net::offline();
        let doomed = armed_desk(&net, "counter", point).unwrap();
        register(&doomed, "Tan Mei Ling").unwrap();
        assert!(
            doomed.finish().is_err(),
            "nothing passes {point} when a device is closed"
        );
        assert_eq!(net.held("counter").patients, 1);
        net.assert_sound("counter");
    }
}

#[test]
fn a_kill_while_the_tables_are_made_again_loses_nothing() {
    let net = Net::offline();
    let device = net.desk("counter");
    let mut story = story_of(adults(5).next().unwrap(), &device);
    while story.next() != Some(Step::Print) {
        story.go_on(&device).unwrap();
    }
    device.finish().unwrap();
    let before = net.held("counter");

    // A new build whose tables are others makes them again when the store is opened.
    for point in kill::READY_POINTS {
        tables_of_an_older_build(&net, "counter");
        // That is done on a thread: who starts it may be answered before.
        if let Some(device) = armed(&net, "counter", point) {
            wait_for_its_end(&device);
        }
        let device = Device::start_with(&net.data("counter"), &net.passphrase_file(), &[]).unwrap();
        device.call("open_clinic", json!({"tenant": net.tenant()})).unwrap();
        device.finish().unwrap();
        assert_eq!(net.held("counter"), before, "{point}");
    }
    // So does a person who looks after the machine.
    for point in points("rebuild.") {
        assert!(!rebuild(&net, "counter", Some(point)), "nothing passes {point}");
        let device = net.desk("counter");
        story.check(&device, point).unwrap();
        device.finish().unwrap();
    }
    assert!(rebuild(&net, "counter", None));
    let device = net.desk("counter");
    story.check(&device, "after all of it").unwrap();
    device.finish().unwrap();
    net.assert_sound("counter");
}

/// `mediecoctl vault rebuild`; whether it came through.
fn rebuild(net: &Net, device: &str, killed_at: Option<&str>) -> bool {
    let mut ctl = Command::new(program("mediecoctl").unwrap());
    ctl.args(["vault", "rebuild", "--data"])
        .arg(net.data(device))
        .arg("--passphrase-file")
        .arg(net.passphrase_file());
    let out = ctl
        .envs(killed_at.map(|point| ("MEDIECO_KILL_AT", point)))
        .output()
        .unwrap();
    let said = String::from_utf8_lossy(&out.stderr);
    assert!(out.status.success() || killed_at.is_some(), "{said}");
    assert!(
        out.status.success() || out.status.code().is_none(),
        "it ended by itself: {said}"
    );
    out.status.success()
}

/// As if the tables had been made by a build whose tables were others.
fn tables_of_an_older_build(net: &Net, device: &str) {
    let dir = net.store(device);
    let passphrase = Zeroizing::new(journeys::people::PASSPHRASE.to_owned());
    let secrets = PassphraseFile::new(&dir, passphrase).load().unwrap();
    let key: String = secrets.db_key.iter().map(|byte| format!("{byte:02x}")).collect();
    let store = rusqlite::Connection::open(dir.join("vault.db")).unwrap();
    store.execute_batch(&format!("PRAGMA key = \"x'{key}'\"")).unwrap();
    let changed = store
        .execute("UPDATE meta SET value = 'older' WHERE key = 'projections'", [])
        .unwrap();
    assert_eq!(changed, 1);
    store.close().unwrap();
}

/// The set is the same on a device that was killed at each passing of any point in turn while it was started.
#[test]
fn a_device_that_dies_at_each_passing_of_its_start_comes_up_in_the_end() {
    let net = Net::offline();
    let before = net.held("counter");
    let died = first_after_sign_in(&net, "counter", "*") - 1;
    assert!(died > 5, "a sign-in passes {died} points only");
    let after = net.held("counter");
    assert_eq!(after.patients, before.patients);
    assert!(
        after.set.count > before.set.count,
        "the sign-in that came through is audited"
    );
    assert!(
        open_store(&net.data("counter"), net.tenant())
            .unwrap()
            .verify()
            .unwrap()
            .pages_hold
    );
    let counter = net.desk("counter");
    assert_ne!(counter.call("session", json!({})).unwrap(), Value::Null);
}
