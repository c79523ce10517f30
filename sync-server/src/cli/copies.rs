//! `medieco-relay backup` and `medieco-relay restore`.

use std::path::Path;
use std::process::ExitCode;

use sync_server::{RestoreError, backup, restore};

use super::{FAILED, REFUSED, say};

const BACKED_UP: &str =
    "The backup is complete. Chunks of attachments are not in it: copy the folder `attachments` as well.";

pub(super) fn back_up(data: &Path, to: &Path, json: bool) -> ExitCode {
    finish(backup(data, to), "backed_up", BACKED_UP, json)
}

pub(super) fn put_back(data: &Path, from: &Path, json: bool) -> ExitCode {
    let restored = restore(data, from, &mut rand::rng());
    let beside = match &restored {
        Ok(Some(_)) => "; what was there before is beside it as relay.sqlite.replaced",
        _ => "",
    };
    let words = format!(
        "Restored{beside}. If the folder `attachments` is gone, put its copy in place. Then start the relay. Each clinic's \
         devices bring back what the backup lacks by themselves; what a clinic shares is closed to others until \
         one of its devices has confirmed what it revoked."
    );
    finish(restored.map(drop), "restored", &words, json)
}

fn finish(done: Result<(), RestoreError>, event: &str, words: &str, json: bool) -> ExitCode {
    match done {
        Ok(()) => {
            if json {
                println!("{}", serde_json::json!({ "v": 1, "event": event }));
            }
            eprintln!("{words}");
            ExitCode::SUCCESS
        }
        Err(error) if error.is_refusal() => say(REFUSED, error),
        Err(error) => say(FAILED, error),
    }
}
