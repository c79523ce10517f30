//! What comes over a cable or a pipe: the speech engine and its master, a UPS, a printer.

use devices::escpos::status;
use devices::ups::q1;
use scribe::engine::wire;

/// The engine is a program and no library: its half of the wire is read here as it is there.
#[expect(dead_code, reason = "the engine uses all of it")]
#[path = "../../engine/src/wire.rs"]
mod engine_wire;

/// Requests one after the other, to the first that is none.
pub(crate) fn engine_request(mut bytes: &[u8]) {
    while let Ok(Some(frame)) = engine_wire::read(&mut bytes) {
        assert!(frame.samples.len() <= 60 * 16_000);
    }
}

pub(crate) fn engine_requests() -> Vec<Vec<u8>> {
    let requests = [
        (r#"{"op":"load","path":"m.bin","threads":2}"#, 0),
        (r#"{"op":"load_vad","path":"v.bin"}"#, 0),
        (r#"{"op":"vad","id":1,"payload":64}"#, 64),
        (
            r#"{"op":"transcribe","id":2,"language":"ms","beam":1,"audio_ctx":0,"payload":64}"#,
            64,
        ),
        (r#"{"op":"cancel","id":2}"#, 0),
        (r#"{"op":"quit"}"#, 0),
    ];
    let mut frames: Vec<_> = requests.iter().map(|(header, n)| framed(header, *n)).collect();
    frames.push(frames.concat());
    frames.push(framed(r#"{"op":"vad","id":1,"payload":3840000}"#, 0));
    frames
}

/// Replies one after the other, to the first that is none.
pub(crate) fn engine_reply(mut bytes: &[u8]) {
    while let Ok(Some(_)) = wire::read(&mut bytes) {}
}

pub(crate) fn engine_replies() -> Vec<Vec<u8>> {
    let replies = [
        r#"{"reply":"ready","version":"0.1.0","whisper":"1.8","cores":2}"#,
        r#"{"reply":"loaded","multilingual":true,"audio_ctx":1500,"threads":2}"#,
        r#"{"reply":"vad_loaded"}"#,
        r#"{"reply":"vad","id":1,"frame_ms":32,"probabilities":[0.5,1e-9]}"#,
        r#"{"reply":"segments","id":2,"language":"en","segments":[{"start_ms":0,"end_ms":900,"text":"hello","avg_logprob":-0.1,"no_speech":0.01}]}"#,
        r#"{"reply":"error","id":null,"code":"not_a_model"}"#,
    ];
    let mut frames: Vec<_> = replies.iter().map(|header| framed(header, 0)).collect();
    frames.push(frames.concat());
    frames
}

fn framed(header: &str, n_payload: usize) -> Vec<u8> {
    let mut frame = (header.len() as u32).to_le_bytes().to_vec();
    frame.extend(header.as_bytes());
    frame.resize(frame.len() + n_payload, 0x3d);
    frame
}

pub(crate) fn ups_answer(bytes: &[u8]) {
    if let Ok(reading) = q1::parse(bytes) {
        let volts = [
            reading.input_volts,
            reading.fault_volts,
            reading.output_volts,
            reading.hertz,
        ];
        assert!(volts.iter().all(|it| (0.0..=999.9).contains(it)) && reading.load_percent <= 999);
    }
}

pub(crate) fn ups_answers() -> Vec<Vec<u8>> {
    [
        "(230.1 229.9 230.0 021 50.0 27.3 30.0 00001001\r",
        "(000.0 229.9 230.0 100 50.0 2.05 --.- 11000000\r",
    ]
    .map(|line| line.as_bytes().to_vec())
    .into()
}

pub(crate) fn printer_answer(bytes: &[u8]) {
    for answer in bytes {
        let (paper, cover) = (status::parse_paper(*answer), status::parse_cover_open(*answer));
        assert_eq!(paper.is_some(), cover.is_some(), "the same form for both");
        let _ = status::is_done(*answer);
    }
}

pub(crate) fn printer_answers() -> Vec<Vec<u8>> {
    vec![(0..=255).collect(), vec![0x12], vec![0x72]]
}
