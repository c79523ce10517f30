//! Places at which a test may end this process as a power cut would: at once, with nothing tidied.
//!
//! Compiled always, active only in debug builds and only when `MEDIECO_KILL_AT` names a point: `write.sealed` kills
//! at the first passing, `write.sealed:3` at the third, `*:17` at the seventeenth passing of any point.

/// Every point there is, in the order in which a write passes them; the kill test walks this list.
pub const POINTS: &[&str] = &[
    "write.begun",
    "write.edited",
    "write.sealed",
    "write.before_commit",
    "write.committed",
    "write.marked",
    "absorb.stored",
    "absorb.applied",
    "absorb.before_commit",
    "peer.stored",
    "peer.judged",
    "peer.before_commit",
    "reading.judged",
    "chunk.file_written",
    "chunk.file_synced",
    "chunk.counted",
    "chunk.fetched_written",
    "chunk.fetched_synced",
    "chunk.fetched_counted",
    "checkpoint.begun",
    "rebuild.dropped",
    "rebuild.before_commit",
];

/// Every point of making a backup, and of restoring one, in their order.
pub const BACKUP_POINTS: &[&str] = &[
    "backup.begun",
    "backup.half_written",
    "backup.written",
    "backup.read_back",
    "backup.tested",
    "backup.named",
    "backup.pruned",
    "restore.made",
    "restore.stored",
    "restore.judged",
    "restore.committed",
];

/// Every point of making, confirming and settling snapshots, and of throwing away what they cover, in their order.
pub const SNAPSHOT_POINTS: &[&str] = &[
    "snapshot.begun",
    "snapshot.sealed",
    "snapshot.before_commit",
    "snapshot.confirmed",
    "snapshot.settled",
    "snapshot.dropped",
];

/// Every point of making a store ready whose tables are another build's, in their order.
pub const READY_POINTS: &[&str] = &[
    "ready.begun",
    "ready.dropped",
    "ready.set_back",
    "ready.before_reading",
    "ready.read",
];

/// Ends the process here if a test asked for it.
#[inline]
pub fn point(name: &'static str) {
    debug_assert!(
        [POINTS, BACKUP_POINTS, SNAPSHOT_POINTS, READY_POINTS]
            .iter()
            .any(|points| points.contains(&name)),
        "every kill point stands in a list"
    );
    #[cfg(debug_assertions)]
    armed::passing(name);
}

#[cfg(debug_assertions)]
mod armed {
    use std::process::Command;
    use std::sync::OnceLock;
    use std::sync::atomic::{AtomicU64, Ordering};

    struct Order {
        name: String,
        at_passing: u64,
    }

    static ORDER: OnceLock<Option<Order>> = OnceLock::new();
    static PASSINGS: AtomicU64 = AtomicU64::new(0);

    pub(super) fn passing(name: &str) {
        let Some(order) = ORDER.get_or_init(read_order) else {
            return;
        };
        if order.name != "*" && order.name != name {
            return;
        }
        if PASSINGS.fetch_add(1, Ordering::SeqCst) + 1 == order.at_passing {
            die();
        }
    }

    fn read_order() -> Option<Order> {
        let text = std::env::var("MEDIECO_KILL_AT").ok()?;
        let (name, passing) = text.rsplit_once(':').unwrap_or((&text, "1"));
        Some(Order {
            name: name.to_owned(),
            at_passing: passing.parse().unwrap_or(1),
        })
    }

    /// SIGKILL where there is one: unlike `abort` it can neither be caught nor does it write anything.
    fn die() -> ! {
        if cfg!(unix) {
            let _ = Command::new("kill")
                .arg("-9")
                .arg(std::process::id().to_string())
                .status();
        }
        std::process::abort()
    }
}
