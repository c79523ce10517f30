//! How many connections this process can hold.

use crate::door::AT_THE_DOOR;

/// Files that are open for other things: the store, chunks that are read or written, logs, the operator's listener.
const OTHER_FILES: usize = 256;
/// Where the system does not tell.
const USUAL: usize = 10_000;

/// As many as the limit of open files leaves room for, beside those at the door.
pub(crate) fn most_connections() -> usize {
    let files = most_files().unwrap_or(USUAL + AT_THE_DOOR + OTHER_FILES);
    files.saturating_sub(AT_THE_DOOR + OTHER_FILES).max(files / 4)
}

#[cfg(unix)]
fn most_files() -> Option<usize> {
    use rustix::process::{Resource, getrlimit};
    getrlimit(Resource::Nofile)
        .current
        .map(|files| usize::try_from(files).unwrap_or(usize::MAX))
}

#[cfg(not(unix))]
fn most_files() -> Option<usize> {
    None
}
