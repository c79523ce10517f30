//! `vault backup` and `vault restore`.

use std::{ops::ControlFlow, path::PathBuf};

use clap::Args;
use clinic::maintenance;
use serde_json::json;
use vault::BackupProgress;

use crate::{
    Around,
    outcome::Outcome,
    store::{Which, ports, secret_in},
};

/// Makes a backup.
#[derive(Args)]
pub struct Backup {
    /// The folder that it goes to: of a stick, or of another machine.
    #[arg(value_name = "FOLDER")]
    folder: PathBuf,
    /// Recordings come along, as far as they are on this machine.
    #[arg(long)]
    with_sound: bool,
    #[command(flatten)]
    which: Which,
}

/// Makes this machine a new device of a clinic.
#[derive(Args)]
pub struct Restore {
    /// The backup.
    #[arg(value_name = "FILE")]
    file: PathBuf,
    /// A file with the 24 words of the recovery kit; nobody but its owner may be able to read it (mode 0600).
    #[arg(long, value_name = "FILE")]
    kit_words_file: PathBuf,
    /// A file with a passphrase for the new store (mode 0600); without one the keyring keeps its key.
    #[arg(long, value_name = "FILE")]
    passphrase_file: Option<PathBuf>,
}

fn go_on(_: BackupProgress) -> ControlFlow<()> {
    ControlFlow::Continue(())
}

impl Backup {
    pub fn run(self, around: &Around) -> Outcome {
        let vault = self.which.open(around)?;
        let made = maintenance::back_up(&vault, &self.folder, self.with_sound, &mut go_on)?;
        let value = json!({
            "file": made.file,
            "bytes": made.n_bytes,
            "changes": made.n_changes,
            "chunks": made.n_chunks,
            "chunks_missing": made.n_chunks_missing,
            "older_taken_away": made.n_pruned,
        });
        around.tell("vault_backup", &value, |_| {
            let missing = match made.n_chunks_missing {
                0 => String::new(),
                n => format!(", {n} pieces of sound are not on this machine"),
            };
            let (file, changes, bytes) = (made.file.display(), made.n_changes, made.n_bytes);
            format!("{file}: {changes} changes, {bytes} bytes{missing}\n")
        })
    }
}

impl Restore {
    pub fn run(self, around: &Around) -> Outcome {
        let words = secret_in(&self.kit_words_file)?;
        let passphrase = self.passphrase_file.as_deref().map(secret_in).transpose()?;
        let data = around.data_dir()?;
        let made = maintenance::restore(&data, &self.file, words, passphrase, ports(), &mut go_on)?;
        around.tell("vault_restore", &made, |made| {
            let (name, changes, chunks) = (&made.clinic.name, made.changes, made.chunks);
            format!("{name}: {changes} changes, {chunks} pieces of sound; this is a new device of the clinic\n")
        })
    }
}
