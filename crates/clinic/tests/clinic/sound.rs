//! The sound of a consult that was recorded on another device: fetched, heard, left alone, erased.

use clinic::{
    DeskEvent, ErrorCode,
    views::{
        reception::Queued,
        sound::{EraseRecording, SoundPlace, SoundReason, SoundView},
    },
};
use domain::RecordingId;

use crate::{
    conflicts, erasing, lan,
    support::{Net, PIN, Place, refused},
};

/// Recorded at the first place and signed there; the second has heard of it, and has no sound.
fn recorded(one: &Place, two: &Place) -> (Queued, RecordingId) {
    let queued = one.queued("Nur Aisyah binti Rahman", "850101135029");
    let recording = erasing::record(one, queued.visit);
    one.signed_visit(&queued, None);
    assert_eq!(at(one, &queued), SoundPlace::Here);
    two.wait_until("it has heard of the recording", |desk| {
        let all = desk.recordings_of(queued.patient).unwrap();
        all.first()
            .is_some_and(|one| one.signed && one.place == SoundPlace::Elsewhere)
    });
    (queued, recording)
}

fn only(place: &Place, queued: &Queued) -> SoundView {
    let mut all = place.desk.recordings_of(queued.patient).unwrap();
    assert_eq!(all.len(), 1, "{all:?}");
    all.remove(0)
}

fn at(place: &Place, queued: &Queued) -> SoundPlace {
    only(place, queued).place
}

fn arrived(place: &Place, queued: &Queued) {
    place.wait_until("the sound is here", |desk| {
        desk.recordings_of(queued.patient).unwrap()[0].place == SoundPlace::Here
    });
}

/// How often this was audited of her, as this place knows it.
fn audited(place: &Place, queued: &Queued, action: &str) -> usize {
    let lines = place.desk.audit(Some(queued.patient)).unwrap();
    lines.iter().filter(|line| line.action == action).count()
}

fn cut(net: &Net, places: [&Place; 2]) {
    for place in places {
        place.wait_until("all is sent", |desk| desk.status().unwrap().sync.pending == 0);
    }
    net.end();
    for place in places {
        place.wait_until("the relay is gone", |desk| !desk.status().unwrap().sync.connected);
    }
}

#[test]
fn what_one_device_recorded_another_fetches_through_the_relay_and_hears() {
    let net = Net::start();
    let (one, two) = conflicts::two_devices(&net);
    let (queued, recording) = recorded(&one, &two);
    let view = only(&two, &queued);
    assert_eq!((view.recording, view.visit), (recording, queued.visit));
    assert!(
        (2_900..3_100).contains(&view.length_ms) && view.bytes > 90_000,
        "{view:?}"
    );
    refused(two.desk.recording_audio(recording, 0, 3_000), ErrorCode::SoundMissing);

    two.desk.fetch_recording(recording).unwrap();
    arrived(&two, &queued);
    let heard = two.desk.recording_audio(recording, 0, 3_000).unwrap();
    assert_eq!(heard, one.desk.recording_audio(recording, 0, 3_000).unwrap());
    // Asked again it is here already, and nothing more is on record.
    two.desk.fetch_recording(recording).unwrap();
    assert_eq!(at(&two, &queued), SoundPlace::Here);
    assert_eq!(audited(&two, &queued, "recording.fetched"), 1);
    let told = two.events().into_iter().any(|event| match event {
        DeskEvent::Spoiled(spoiled) => spoiled.tags.iter().any(|tag| tag == "recordings"),
        _ => false,
    });
    assert!(told, "the screens are told of each part");
}

#[test]
fn without_the_relay_it_comes_from_the_device_itself() {
    let net = Net::start();
    let (one, two) = lan::two_devices(&net);
    cut(&net, [&one, &two]);
    lan::introduce(&one, &two);
    let (queued, recording) = recorded(&one, &two);
    two.desk.fetch_recording(recording).unwrap();
    arrived(&two, &queued);
    assert!(!two.desk.status().unwrap().sync.connected);
    assert_eq!(
        two.desk.recording_audio(recording, 1_000, 2_000).unwrap(),
        one.desk.recording_audio(recording, 1_000, 2_000).unwrap()
    );
}

#[test]
fn what_waits_for_the_relay_waits_over_a_restart_and_then_comes() {
    let net = Net::start();
    let (one, two) = conflicts::two_devices(&net);
    let (queued, recording) = recorded(&one, &two);
    cut(&net, [&one, &two]);
    two.desk.fetch_recording(recording).unwrap();
    assert!(matches!(
        at(&two, &queued),
        SoundPlace::Coming {
            here: 0,
            no_room: false,
            ..
        }
    ));
    refused(two.desk.recording_audio(recording, 0, 1_000), ErrorCode::SoundMissing);
    let two = two.restarted(&net);
    two.sign_in(two.owner());
    assert!(matches!(at(&two, &queued), SoundPlace::Coming { .. }));
    net.begin();
    arrived(&two, &queued);
    two.desk.recording_audio(recording, 0, 3_000).unwrap();
}

#[test]
fn sound_that_the_relay_does_not_have_is_counted_until_it_has_it() {
    let net = Net::start();
    let (one, two) = conflicts::two_devices(&net);
    cut(&net, [&one, &two]);
    let queued = one.queued("Nur Aisyah binti Rahman", "850101135029");
    erasing::record(&one, queued.visit);
    assert_eq!(one.desk.status().unwrap().sync.sound_pending, 1);
    net.begin();
    one.wait_until("sound is sent, too", |desk| {
        let sync = desk.status().unwrap().sync;
        sync.pending == 0 && sync.sound_pending == 0
    });
    assert_eq!(two.desk.status().unwrap().sync.sound_pending, 0);
}

#[test]
fn a_fetch_that_is_left_alone_takes_no_more_until_it_is_asked_for_again() {
    let net = Net::start();
    let (one, two) = conflicts::two_devices(&net);
    let (queued, recording) = recorded(&one, &two);
    cut(&net, [&one, &two]);
    two.desk.fetch_recording(recording).unwrap();
    two.desk.stop_fetching_recording(recording).unwrap();
    two.desk.stop_fetching_recording(recording).unwrap();
    assert_eq!(at(&two, &queued), SoundPlace::Elsewhere);
    net.begin();
    let next = one.queued("Tan Mei Ling", "900101145501");
    two.wait_until("it hears the other again", |desk| {
        desk.today().unwrap().rows.iter().any(|row| row.visit == next.visit)
    });
    assert_eq!(at(&two, &queued), SoundPlace::Elsewhere);
    two.desk.fetch_recording(recording).unwrap();
    arrived(&two, &queued);
    assert_eq!(
        audited(&two, &queued, "recording.fetched"),
        2,
        "each time somebody asked"
    );
}

#[test]
fn what_is_erased_meanwhile_never_arrives() {
    let net = Net::start();
    let (one, two) = conflicts::two_devices(&net);
    let (queued, recording) = recorded(&one, &two);
    cut(&net, [&one, &two]);
    two.desk.fetch_recording(recording).unwrap();
    one.desk
        .erase_recording(EraseRecording {
            recording,
            reason: SoundReason::PatientsRight,
            pin: PIN.to_owned(),
        })
        .unwrap();
    net.begin();
    two.wait_until("it is gone here too", |desk| {
        desk.recordings_of(queued.patient).unwrap().is_empty()
    });
    refused(two.desk.fetch_recording(recording), ErrorCode::NotFound);
    let folder = two.clinic_folder().join("attachments");
    assert!(!folder.exists() || std::fs::read_dir(folder).unwrap().next().is_none());
}
