//! How many cores this machine has that are no mere hyper-threads.

use std::collections::BTreeSet;
use std::fs;

/// Physical cores, at least 1, at most what this process may use.
///
/// Linux tells siblings under `/sys`; elsewhere every logical core counts.
pub fn physical() -> u16 {
    let allowed = std::thread::available_parallelism().map_or(1, usize::from);
    let siblings: BTreeSet<String> = (0..allowed.max(64))
        .map_while(|n| {
            let folder = format!("/sys/devices/system/cpu/cpu{n}/topology");
            fs::read_to_string(format!("{folder}/thread_siblings_list")).ok()
        })
        .collect();
    let cores = if siblings.is_empty() {
        allowed
    } else {
        siblings.len().min(allowed)
    };
    u16::try_from(cores.max(1)).unwrap_or(u16::MAX)
}
