//! Model files that are not whole: refused with the reason, and nothing of them stays.

use std::fs;

use journeys::walk;
use serde_json::{Value, json};

use crate::world::{Net, register};

#[test]
fn a_model_file_that_is_not_whole_is_refused_and_nothing_of_it_stays() {
    let net = Net::offline();
    let room = net.desk("room");
    let folder = tempfile::tempdir().unwrap();
    let whole = fs::read(walk::demo_model()).unwrap();
    let name = walk::demo_model().file_name().unwrap().to_owned();
    let mut flipped = whole.clone();
    flipped[whole.len() / 2] ^= 1;
    for (bytes, why) in [
        (whole[..whole.len() - 1].to_vec(), "truncated"),
        (whole[..5_000].to_vec(), "truncated"),
        (flipped, "damaged"),
    ] {
        let file = folder.path().join(&name);
        fs::write(&file, bytes).unwrap();
        let refused = room.refused("import_model", json!({"path": file})).unwrap();
        assert_eq!(
            (refused.code.as_str(), &refused.detail["why"]),
            ("model_unusable", &json!(why))
        );
    }
    for (name, bytes) in [("empty.bin", &[][..]), ("holiday.jpg", &whole[100..5_000])] {
        let file = folder.path().join(name);
        fs::write(&file, bytes).unwrap();
        assert_eq!(
            room.refusal("import_model", json!({"path": file})).unwrap(),
            "model_unusable",
            "{name}"
        );
    }
    let gone = folder.path().join("not-there.bin");
    assert_eq!(
        room.refusal("import_model", json!({"path": gone})).unwrap(),
        "file_failed"
    );
    let left = fs::read_dir(room.data().join("models")).map_or(0, Iterator::count);
    assert_eq!(left, 0, "something of a refused model stayed");

    let model = room.call("import_model", json!({"path": walk::demo_model()})).unwrap();
    assert_eq!((&model["installed"], &model["demo"]), (&json!(true), &json!(true)));
}

#[test]
fn a_model_that_was_damaged_after_it_was_imported_costs_the_text_and_not_the_sound() {
    let net = Net::offline();
    let room = net.desk("room");
    room.call("import_model", json!({"path": walk::demo_model()})).unwrap();
    let installed = room.data().join("models").join(walk::demo_model().file_name().unwrap());
    let whole = fs::read(&installed).unwrap();
    fs::write(&installed, &whole[..whole.len() / 2]).unwrap();
    let visit = register(&room, "Tan Mei Ling").unwrap()["visit"].clone();
    let source = json!({"kind": "wav", "path": walk::consult_wav(), "fast": true});
    let recording = room
        .call("start_recording", json!({"visit": visit, "source": source}))
        .unwrap();
    let ends = |wanted: &'static str| {
        room.event(|line| {
            let of = &line["of"];
            let over = of["recording"] == recording && (of["state"] == "done" || of["state"] == "failed");
            over.then(|| of["state"] == wanted)
        })
    };
    assert!(ends("failed").unwrap());
    let view = room.call("open_visit", json!({"visit": visit})).unwrap();
    assert!(
        view["recordings"][0]["length_ms"].as_u64().unwrap() > 85_000,
        "{}",
        view["recordings"][0]
    );

    fs::write(&installed, whole).unwrap();
    room.call("resume_transcription", json!({"recording": recording}))
        .unwrap();
    assert!(ends("done").unwrap());
    let view = room.call("open_visit", json!({"visit": visit})).unwrap();
    let turns = view["recordings"][0]["turns"].as_array().map_or(0, Vec::len);
    assert_eq!((turns, &view["recordings"][0]["state"]), (28, &Value::from("done")));
}
