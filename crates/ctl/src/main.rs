//! `mediecoctl`: for people who look after machines, and for scripts.
//!
//! Results go to stdout, words to stderr. Exit codes: 0 done, 1 failed, 2 wrong usage, 3 not available here, 4 refused.

mod backup;
mod doctor;
mod fhir;
mod label;
mod model;
mod outcome;
mod store;
mod transcribe;
mod ups;

use std::{path::PathBuf, process::ExitCode};

use clap::{Parser, Subcommand};

use crate::outcome::Outcome;

const EXAMPLES: &str = "\
Examples:
  mediecoctl doctor
  mediecoctl transcribe consult.wav --json > consult.json
  mediecoctl draft consult.json
  mediecoctl label --medicine 'Paracetamol 500 mg tablet' --patient 'Nur Aisyah' --directions 'Makan 2 biji, 3 kali sehari' \\
      --serial A-000001 --by 'Siti' --clinic 'Klinik Seri Mawar' --address '12 Jalan Mawar, KL' --to tcp://192.168.1.50:9100
  mediecoctl ups /dev/ttyUSB0
  mediecoctl vault verify --passphrase-file /root/medieco.pass
  mediecoctl vault backup /media/stick --with-sound
  mediecoctl vault restore --kit-words-file kit.txt medieco-1a2b3c4d-20261121T180000Z.backup
  mediecoctl model pull whisper-base
  mediecoctl fhir export 0199f5a2-7c31-7000-8000-0123456789ab > patient.json

Exit codes: 0 done, 1 failed, 2 wrong usage, 3 not available on this machine, 4 refused.";

#[derive(Parser)]
#[command(name = "mediecoctl", version, about = "Looks after a machine that runs MediEco.", after_help = EXAMPLES)]
struct Cli {
    /// Machine-readable results on stdout, with a version of their shape.
    #[arg(long, global = true)]
    json: bool,
    /// The app's data folder; by default the one that the app itself uses.
    #[arg(long, global = true, value_name = "DIR")]
    data: Option<PathBuf>,
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    /// Writes down what is said in a WAV file.
    Transcribe(transcribe::Transcribe),
    /// Drafts a note from a transcript (the JSON of `transcribe --json`; `-` reads stdin).
    Draft(transcribe::Draft),
    /// Lays out a dispensing label, and prints it or writes it to a file.
    Label(Box<label::Label>),
    /// Asks a UPS on a serial port (Megatec Q1) how it is.
    Ups(ups::Ups),
    /// Looks after a clinic's store; the app must not be running on it.
    #[command(subcommand)]
    Vault(store::Store),
    /// Exports records as FHIR R4.
    #[command(subcommand)]
    Fhir(fhir::Fhir),
    /// Speech models.
    #[command(subcommand)]
    Model(model::Model),
    /// Looks at what the app needs: keyring, microphone, model, engine, printer, relay.
    Doctor(doctor::Doctor),
}

/// What every command may need.
struct Around {
    json: bool,
    data: Option<PathBuf>,
}

impl Around {
    /// The data folder that was given, or the app's own.
    fn data_dir(&self) -> Result<PathBuf, outcome::Trouble> {
        let own = || directories::ProjectDirs::from("my", "medieco", "medieco").map(|dirs| dirs.data_dir().to_owned());
        self.data
            .clone()
            .or_else(own)
            .ok_or_else(|| outcome::Trouble::missing("this user has no home folder"))
    }

    /// A result: as versioned JSON, or as the words that `plain` makes of it.
    fn tell<T: serde::Serialize>(&self, kind: &str, value: &T, plain: impl FnOnce(&T) -> String) -> Outcome {
        if self.json {
            let wrapped = serde_json::json!({ "version": 1, "kind": kind, "result": value });
            outcome::print(&format!("{wrapped:#}\n"))
        } else {
            outcome::print(&plain(value))
        }
    }
}

fn main() -> ExitCode {
    // clap heeds NO_COLOR by itself; what we say has no colours at all.
    let cli = Cli::parse();
    let around = Around {
        json: cli.json,
        data: cli.data,
    };
    let done = match cli.command {
        Command::Transcribe(it) => it.run(&around),
        Command::Draft(it) => it.run(&around),
        Command::Label(it) => it.run(&around),
        Command::Ups(it) => it.run(&around),
        Command::Vault(it) => it.run(&around),
        Command::Fhir(it) => it.run(&around),
        Command::Model(it) => it.run(&around),
        Command::Doctor(it) => it.run(&around),
    };
    match done {
        Ok(()) => ExitCode::SUCCESS,
        Err(trouble) => {
            eprintln!("mediecoctl: {}", trouble.words);
            ExitCode::from(trouble.code)
        }
    }
}
