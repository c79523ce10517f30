//! Where the store is, and `medieco-relay database …`.

use std::path::{Path, PathBuf};
use std::process::ExitCode;

use sync_server::{DatabaseUrl, DatabaseUrlError, OpenError, Store, move_to, prepare};

use super::{FAILED, REFUSED, USAGE, say};

/// Where a relay's data are.
pub(super) struct Place {
    /// The folder; with a database, of the key and the attachments alone.
    pub(super) data: PathBuf,
    pub(super) database: Option<DatabaseUrl>,
}

impl Place {
    pub(super) fn open(&self) -> Result<Store, OpenError> {
        match &self.database {
            None => Store::open(&self.data, &mut rand::rng()),
            Some(url) => Store::open_shared(&self.data, url, &mut rand::rng()),
        }
    }
}

pub(super) fn place(data: PathBuf, database: Option<&str>) -> Result<Place, DatabaseUrlError> {
    let database = database.map(read).transpose()?;
    Ok(Place { data, database })
}

fn read(url: &str) -> Result<DatabaseUrl, DatabaseUrlError> {
    Ok(url.parse::<DatabaseUrl>()?.with_password_of_environment())
}

fn code(error: &DatabaseUrlError) -> u8 {
    if error.is_refusal() { REFUSED } else { USAGE }
}

pub(super) fn make_ready(owner: &str, password_file: Option<&Path>, json: bool) -> ExitCode {
    let owner = match read(owner) {
        Ok(owner) => owner,
        Err(error) => return say(code(&error), error),
    };
    let password = match password_file.map(std::fs::read_to_string).transpose() {
        Ok(password) => password,
        Err(error) => return say(FAILED, format!("the file with the password cannot be read: {error}")),
    };
    let password = password.as_deref().map(|text| text.trim_end_matches(['\r', '\n']));
    if password.is_some_and(str::is_empty) {
        return say(USAGE, "the file with the password is empty");
    }
    finish(
        prepare(&owner, password),
        "prepared",
        "The database is ready. Relays log in as medieco_relay.",
        json,
    )
}

pub(super) fn was_restored(place: &Place, json: bool) -> ExitCode {
    if place.database.is_none() {
        return say(
            USAGE,
            "say with --database which; a file is put back with `medieco-relay restore`",
        );
    }
    let begun = place
        .open()
        .and_then(|mut store| Ok(store.begin_another_life(&mut rand::rng())?));
    let words = "The data begins another life: devices bring back what the backup lacks, and what a clinic shares is closed \
                 to others until one of its devices has confirmed what it revoked.";
    finish(begun, "restored", words, json)
}

pub(super) fn move_there(data: &Path, to: &str, json: bool) -> ExitCode {
    let owner = match read(to) {
        Ok(owner) => owner,
        Err(error) => return say(code(&error), error),
    };
    match move_to(data, &owner, &mut rand::rng()) {
        Ok(n_rows) => {
            if json {
                println!("{}", serde_json::json!({ "v": 1, "event": "moved", "n_rows": n_rows }));
            }
            eprintln!(
                "Moved: {n_rows} rows, counted and compared. The file stays as relay.sqlite.moved. Serve with --database from now \
                 on, and give each node a copy of relay.key."
            );
            ExitCode::SUCCESS
        }
        Err(error) if error.is_refusal() => say(REFUSED, error),
        Err(error) => say(FAILED, error),
    }
}

fn finish(done: Result<(), OpenError>, event: &str, words: &str, json: bool) -> ExitCode {
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
