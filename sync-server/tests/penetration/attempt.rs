//! Counting attempts where they are made.

use std::collections::BTreeSet;
use std::io::Write;
use std::sync::atomic::{AtomicUsize, Ordering};

/// How an attempt ended; one that did neither has failed its test.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum End {
    /// The relay, or whoever was to be deceived, did not go along.
    Refused,
    /// The attacker owns the data and did what he did: the clinics' devices noticed, and say so.
    Noticed,
}

static ENDED: AtomicUsize = AtomicUsize::new(0);
static REFUSED: AtomicUsize = AtomicUsize::new(0);
static NOTICED: AtomicUsize = AtomicUsize::new(0);

/// Counts an attempt as made, however it ends; the last of all says how many there were.
struct Made;

impl Drop for Made {
    fn drop(&mut self) {
        let n = all().len();
        if ENDED.fetch_add(1, Ordering::SeqCst) + 1 == n {
            let (refused, noticed) = (REFUSED.load(Ordering::SeqCst), NOTICED.load(Ordering::SeqCst));
            let line = format!("\npenetration: {n} attempts, {refused} refused, {noticed} noticed by the clinics\n");
            // Not by the macro, which a test's harness keeps to itself.
            drop(std::io::stdout().write_all(line.as_bytes()));
        }
    }
}

pub async fn make(attempt: impl Future<Output = End>) {
    let _made = Made;
    let count = match attempt.await {
        End::Refused => &REFUSED,
        End::Noticed => &NOTICED,
    };
    count.fetch_add(1, Ordering::SeqCst);
}

fn all() -> Vec<&'static str> {
    crate::ALL.iter().flat_map(|names| names.iter().copied()).collect()
}

/// The attempts of a file: each is a test, and has a name in the list of all.
macro_rules! attempts {
    ($($name:ident),* $(,)?) => {
        pub const NAMES: &[&str] = &[$(stringify!($name)),*];

        mod attempt {
            $(#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
            async fn $name() {
                crate::attempt::make(super::$name()).await;
            })*
        }
    };
}
pub(crate) use attempts;

#[test]
fn the_page_lists_every_attempt_and_no_other() {
    let page = std::fs::read_to_string(concat!(env!("CARGO_MANIFEST_DIR"), "/../docs/penetration.md")).unwrap();
    let row = |line: &str| Some(line.strip_prefix("| `")?.split_once('`')?.0.to_owned());
    let listed: Vec<String> = page.lines().filter_map(row).collect();
    let is_listed: BTreeSet<&str> = listed.iter().map(String::as_str).collect();
    let made: BTreeSet<&str> = all().into_iter().collect();
    assert_eq!(is_listed, made);
    assert_eq!((listed.len(), all().len()), (made.len(), made.len()), "each once");
    assert!(made.len() >= 40);
}
