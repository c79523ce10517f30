//! How much SQLite does for each statement, for tests that ask whether a store of many years takes more of it.
//!
//! Counted are the steps of its virtual machine: unlike a time they are the same on every machine. Compiled always, active
//! only in debug builds and only within [`steps_of`].

use std::cell::RefCell;
use std::collections::{BTreeMap, HashMap};

use rusqlite::Connection;
use rusqlite::StatementStatus::VmStep;
use rusqlite::trace::{TraceEvent, TraceEventCodes};

/// How many steps each statement took, by its words.
#[doc(hidden)]
pub type Steps = BTreeMap<String, u64>;

thread_local! {
    static COUNTED: RefCell<Option<Steps>> = const { RefCell::new(None) };
}

/// Does something, and tells what SQLite did for it on this thread.
#[doc(hidden)]
pub fn steps_of<T>(act: impl FnOnce() -> T) -> (T, Steps) {
    COUNTED.set(Some(Steps::new()));
    let done = act();
    (done, COUNTED.take().unwrap_or_default())
}

/// What this connection does can be counted from now on.
pub(crate) fn can_be_counted(conn: &mut Connection) -> rusqlite::Result<()> {
    if !cfg!(debug_assertions) {
        return Ok(());
    }
    let (both, mut begun) = (
        TraceEventCodes::SQLITE_TRACE_STMT | TraceEventCodes::SQLITE_TRACE_PROFILE,
        HashMap::new(),
    );
    conn.trace_v2(
        both,
        Some(move |event: TraceEvent<'_>| {
            COUNTED.with_borrow_mut(|counted| {
                let Some(counted) = counted else { return };
                match event {
                    TraceEvent::Stmt(statement, _) => {
                        begun.insert(statement.sql().into_owned(), statement.get_status(VmStep));
                    }
                    TraceEvent::Profile(statement, _) => {
                        let words = statement.sql().into_owned();
                        if let Some(before) = begun.remove(&words) {
                            let took = statement.get_status(VmStep).saturating_sub(before);
                            *counted.entry(words).or_default() += u64::try_from(took).unwrap_or_default();
                        }
                    }
                    _ => {}
                }
            });
        }),
    )
}
