#![cfg(unix)]

use std::sync::mpsc::{Receiver, channel};
use std::time::Duration;

use devices::ups::port::{Heard, Polling, Watch, watch};
use testkit::{UpsScene, VirtualUps};

use crate::PATIENCE;

fn often() -> Polling {
    Polling {
        interval: Duration::from_millis(5),
        answer: Duration::from_millis(500),
        reopen_at_most: Duration::from_millis(20),
    }
}

fn listen(path: &str, polling: Polling) -> (Watch, Receiver<Heard>) {
    let (tell, heard) = channel();
    let watch = watch(path, polling, move |news| _ = tell.send(news)).unwrap();
    (watch, heard)
}

/// Waits for the first news that is as expected.
fn until(heard: &Receiver<Heard>, expected: impl Fn(&Heard) -> bool) -> Heard {
    loop {
        let news = heard.recv_timeout(PATIENCE).expect("the expected news came in time");
        if expected(&news) {
            return news;
        }
    }
}

fn is_on_battery(news: &Heard) -> bool {
    matches!(news, Heard::Reading(reading) if reading.on_battery)
}

fn is_on_mains(news: &Heard) -> bool {
    matches!(news, Heard::Reading(reading) if !reading.on_battery)
}

#[test]
fn mains_battery_and_low_are_read_from_the_line_and_nothing_but_q1_is_sent() {
    let ups = VirtualUps::start().unwrap();
    let (_watch, heard) = listen(ups.path(), often());
    assert_eq!(until(&heard, |_| true), Heard::Opened);
    until(&heard, is_on_mains);
    ups.set(UpsScene::Battery);
    until(&heard, is_on_battery);
    ups.set(UpsScene::Low);
    until(
        &heard,
        |news| matches!(news, Heard::Reading(reading) if reading.battery_low),
    );
    ups.set(UpsScene::Mains);
    until(&heard, is_on_mains);
    assert_eq!(ups.other_commands(), [] as [Vec<u8>; 0]);
}

#[test]
fn garbage_is_told_and_survived_and_never_taken_for_a_reading() {
    let ups = VirtualUps::start().unwrap();
    ups.set(UpsScene::Garbage);
    let (_watch, heard) = listen(ups.path(), often());
    assert!(ups.wait_for_questions(11, PATIENCE));
    let told: Vec<Heard> = heard.try_iter().collect();
    assert!(
        told.iter().filter(|news| matches!(news, Heard::Garbage(_))).count() >= 10,
        "{told:?}"
    );
    assert!(!told.iter().any(|news| matches!(news, Heard::Reading(_))), "{told:?}");
    ups.set(UpsScene::Mains);
    until(&heard, is_on_mains);
}

#[test]
fn a_silent_ups_is_told_and_heard_again_when_it_speaks() {
    let ups = VirtualUps::start().unwrap();
    ups.set(UpsScene::Silent);
    let (_watch, heard) = listen(
        ups.path(),
        Polling {
            answer: Duration::from_millis(20),
            ..often()
        },
    );
    until(&heard, |news| *news == Heard::Silent);
    ups.set(UpsScene::Battery);
    until(&heard, is_on_battery);
}

#[test]
fn a_port_that_disappears_is_told_and_opened_again_when_it_is_back() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("ups");
    let plug = |ups: &VirtualUps| {
        let _ = std::fs::remove_file(&path);
        std::os::unix::fs::symlink(ups.path(), &path).unwrap();
    };
    let mut first = VirtualUps::start().unwrap();
    plug(&first);
    let (_watch, heard) = listen(path.to_str().unwrap(), often());
    until(&heard, is_on_mains);
    first.unplug();
    until(&heard, |news| *news == Heard::PortLost);
    let second = VirtualUps::start().unwrap();
    second.set(UpsScene::Battery);
    plug(&second);
    until(&heard, is_on_battery);
}

#[test]
fn a_port_that_is_not_there_is_told_again_and_again() {
    let (_watch, heard) = listen("/dev/no-such-port", often());
    for _ in 0..5 {
        assert_eq!(heard.recv_timeout(PATIENCE), Ok(Heard::PortLost));
    }
}

#[test]
fn a_dropped_watch_asks_no_more_and_lets_the_port_go() {
    let ups = VirtualUps::start().unwrap();
    let (watch, heard) = listen(ups.path(), often());
    until(&heard, is_on_mains);
    drop(watch);
    // The channel closes once both threads have ended, and with them the port.
    while heard.recv_timeout(PATIENCE) != Err(std::sync::mpsc::RecvTimeoutError::Disconnected) {}
    let (_watch, heard) = listen(ups.path(), often());
    assert_eq!(until(&heard, |_| true), Heard::Opened);
}
