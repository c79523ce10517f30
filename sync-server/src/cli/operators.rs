//! `medieco-relay operator …`: it works beside a running relay, on the same folder.

use std::process::ExitCode;

use clap::Subcommand;
use sync_server::{COMMAND_LINE, OperatorError, Store, console_link, now_ms};

use super::database::Place;
use super::{FAILED, REFUSED, USAGE, say};

#[derive(Debug, Subcommand)]
pub(super) enum OperatorCommand {
    /// Put an operator on the list and print the link by which it sets password and second factor, good once, for 24 hours
    Add {
        /// One to 32 of a-z, 0-9 and . _ -
        name: String,
    },
    /// Show the list
    List,
    /// Take an operator's password, second factor and sign-ins away, and print another link
    Reset {
        /// Its name
        name: String,
    },
    /// Take an operator off the list
    Remove {
        /// Its name
        name: String,
    },
}

pub(super) fn run(command: OperatorCommand, place: &Place, json: bool) -> ExitCode {
    let mut store = match place.open() {
        Ok(store) => store,
        Err(error) if error.is_refusal() => return say(REFUSED, error),
        Err(error) => return say(FAILED, error),
    };
    let done = match command {
        OperatorCommand::Add { name } => with_link(&mut store, &name, json, |store, hash| {
            store.add_operator(&name, hash, COMMAND_LINE, now_ms(), &mut rand::rng())
        }),
        OperatorCommand::Reset { name } => with_link(&mut store, &name, json, |store, hash| {
            store.reset_operator(&name, hash, COMMAND_LINE, now_ms())
        }),
        OperatorCommand::Remove { name } => store.remove_operator(&name, false, COMMAND_LINE, now_ms()),
        OperatorCommand::List => list(&store, json),
    };
    match done {
        Ok(()) => ExitCode::SUCCESS,
        Err(error @ OperatorError::BadName) => say(USAGE, error),
        Err(error @ OperatorError::Store(_)) => say(FAILED, error),
        Err(error) => say(REFUSED, error),
    }
}

fn with_link(
    store: &mut Store,
    name: &str,
    json: bool,
    act: impl FnOnce(&mut Store, &[u8; 32]) -> Result<(), OperatorError>,
) -> Result<(), OperatorError> {
    let (path, hash) = console_link();
    act(store, &hash)?;
    let url = store.console_url()?;
    let link = format!("{}{path}", url.as_deref().unwrap_or_default());
    if json {
        println!("{}", serde_json::json!({ "v": 1, "name": name, "link": link }));
        return Ok(());
    }
    eprintln!(
        "The link for {name} is good once, for 24 hours. Whoever has it becomes this operator: hand it over safely."
    );
    if url.is_none() {
        eprintln!("It goes behind the console's address; this relay was never started with --console.");
    } else {
        eprintln!("Behind a proxy, put the console's public address in the place of the one that is printed.");
    }
    println!("{link}");
    Ok(())
}

fn list(store: &Store, json: bool) -> Result<(), OperatorError> {
    let rows = store.operators(now_ms())?;
    if json {
        let operators: Vec<_> = rows
            .iter()
            .map(|row| {
                serde_json::json!({
                    "name": row.name,
                    "enrolled": row.is_enrolled,
                    "n_codes": row.n_codes,
                    "link_until_ms": row.link_until_ms,
                })
            })
            .collect();
        println!("{}", serde_json::json!({ "v": 1, "operators": operators }));
        return Ok(());
    }
    for row in rows {
        let state = match (row.is_enrolled, row.link_until_ms) {
            (true, _) => format!("can sign in\t{} recovery codes left", row.n_codes),
            (false, Some(_)) => "has a link".to_owned(),
            (false, None) => "its link has ended".to_owned(),
        };
        println!("{}\t{state}", row.name);
    }
    Ok(())
}
