use std::fs;
use std::path::PathBuf;

use domain::{AttachmentId, Certainty, RecordingId, Span, Speaker, Turn};
use vault::{NewRecording, VaultError};

use crate::world::*;

pub const RECORDING: RecordingId = RecordingId::from_bytes([5; 16]);

pub fn recording() -> NewRecording {
    NewRecording {
        id: RECORDING,
        patient: patient_id(1),
        visit: visit_id(1),
        attachment: AttachmentId::from_bytes([6; 16]),
        started_at: at(0),
        sample_rate: 16_000,
        channels: 1,
    }
}

fn chunk_files(machine: &Machine) -> Vec<PathBuf> {
    let folder = machine.dir.join("attachments").join(recording().attachment.to_string());
    fs::read_dir(folder)
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .collect()
}

#[test]
fn sound_reads_back_and_lies_sealed_in_files_named_by_their_hash() {
    let machine = Machine::only();
    write(machine.vault(), |w| w.start_recording(&recording()));
    for n in 0u8..3 {
        assert_eq!(
            machine.vault().append_chunk(RECORDING, &[n; 32_000], 1000).unwrap(),
            u32::from(n)
        );
    }
    for n in 0u8..3 {
        assert_eq!(
            *machine.vault().read_chunk(RECORDING, u32::from(n)).unwrap(),
            vec![n; 32_000]
        );
    }
    for path in chunk_files(&machine) {
        let sealed = fs::read(&path).unwrap();
        assert_eq!(
            path.file_name().unwrap().to_str().unwrap(),
            seal::chunk_name(&sealed).to_string()
        );
        assert!(!sealed.windows(64).any(|window| window == [1; 64]));
    }
    assert!(matches!(
        machine.vault().read_chunk(RECORDING, 3),
        Err(VaultError::NotFound("chunk"))
    ));
}

#[test]
fn an_unfinished_recording_is_offered_again_after_a_crash_up_to_its_last_second() {
    let mut machine = Machine::only();
    write(machine.vault(), |w| w.start_recording(&recording()));
    for _ in 0..5 {
        machine.vault().append_chunk(RECORDING, &[1; 100], 1000).unwrap();
    }
    machine.reopen();
    let found = read(machine.vault(), |r| r.unfinished_recordings());
    assert_eq!((found.len(), found[0].n_chunks, found[0].millis), (1, 5, 5000));
    write(machine.vault(), |w| w.finish_recording(RECORDING, at(5000)));
    assert!(read(machine.vault(), |r| r.unfinished_recordings()).is_empty());
    let whole = read(machine.vault(), |r| r.recordings_of_visit(visit_id(1)));
    assert_eq!(
        (whole[0].n_chunks, whole[0].millis, whole[0].ended_at),
        (5, 5000, Some(at(5000)))
    );
    assert!(matches!(
        machine.vault().append_chunk(RECORDING, &[1], 1),
        Err(VaultError::Signed)
    ));
}

#[test]
fn another_device_knows_of_the_sound_and_says_that_it_is_not_there() {
    let clinic = Clinic::with_devices(2);
    let (one, two) = (Machine::new(&clinic, 0), Machine::new(&clinic, 1));
    write(one.vault(), |w| w.start_recording(&recording()));
    one.vault().append_chunk(RECORDING, &[1; 100], 1000).unwrap();
    write(one.vault(), |w| w.finish_recording(RECORDING, at(1000)));
    exchange(one.vault(), two.vault());
    assert_eq!(read(two.vault(), |r| r.recording(RECORDING)).unwrap().n_chunks, 1);
    assert!(matches!(
        two.vault().read_chunk(RECORDING, 0),
        Err(VaultError::AttachmentMissing)
    ));
    assert!(read(two.vault(), |r| r.unfinished_recordings()).is_empty());
}

#[test]
fn a_damaged_chunk_is_told_and_the_others_still_play() {
    let machine = Machine::only();
    write(machine.vault(), |w| w.start_recording(&recording()));
    for n in 0u8..2 {
        machine.vault().append_chunk(RECORDING, &[n; 100], 1000).unwrap();
    }
    let path = &chunk_files(&machine)[0];
    let mut bytes = fs::read(path).unwrap();
    bytes[40] ^= 1;
    fs::write(path, bytes).unwrap();
    let outcomes = [0, 1].map(|place| machine.vault().read_chunk(RECORDING, place).is_ok());
    assert_eq!(outcomes.iter().filter(|ok| **ok).count(), 1);
}

#[test]
fn turns_read_back_and_only_new_ones_are_written() {
    let machine = Machine::only();
    let turn = |n: u32| Turn {
        span: Span {
            start_ms: n * 1000,
            end_ms: n * 1000 + 900,
        },
        speaker: if n.is_multiple_of(2) {
            Speaker::Doctor
        } else {
            Speaker::Patient
        },
        certainty: Certainty::Certain,
        language: Some("ms".into()),
        text: format!("ayat {n}"),
    };
    write(machine.vault(), |w| w.start_recording(&recording()));
    let turns: Vec<Turn> = (0..50).map(turn).collect();
    write(machine.vault(), |w| w.put_turns(RECORDING, &turns[..49]));
    take_outbox(machine.vault());
    write(machine.vault(), |w| w.put_turns(RECORDING, &turns));
    let last: usize = take_outbox(machine.vault()).iter().map(Vec::len).sum();
    assert!(last < 1000, "one more turn took {last} bytes");
    assert_eq!(read(machine.vault(), |r| r.recording(RECORDING)).unwrap().turns, turns);
}
