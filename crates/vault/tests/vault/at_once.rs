//! The first stores of a process, opened by several threads at the same moment.

use std::process::Command;
use std::sync::Barrier;

use crate::world::*;

const PROBE: &str = "at_once::the_probe_makes_eight_stores_at_the_same_moment";
const N: usize = 8;

#[test]
fn the_probe_makes_eight_stores_at_the_same_moment() {
    if std::env::var_os("MEDIECO_PROBE_DIR").is_none() {
        return;
    }
    let clinic = Clinic::with_devices(1);
    let (folder, start) = (tempfile::tempdir().unwrap(), Barrier::new(N));
    std::thread::scope(|scope| {
        for n in 0..N {
            let (clinic, start, dir) = (&clinic, &start, folder.path().join(n.to_string()));
            scope.spawn(move || {
                start.wait();
                clinic.create_in(&dir, 0)
            });
        }
    });
}

/// Only in a process of its own does nothing else come first.
#[test]
fn eight_threads_that_open_the_first_stores_of_a_process_all_find_the_cipher() {
    for _ in 0..6 {
        let outcome = Command::new(std::env::current_exe().unwrap())
            .args([PROBE, "--exact"])
            .env("MEDIECO_PROBE_DIR", "yes")
            .output()
            .unwrap();
        assert!(outcome.status.success(), "{}", String::from_utf8_lossy(&outcome.stdout));
    }
}
