//! What the operator can say, and with which code the program ends.

mod audit;
mod clinics;
mod copies;
mod database;
mod invoices;
mod operators;
mod plans;
mod serving;
mod supervisor;

use std::net::SocketAddr;
use std::path::PathBuf;
use std::process::ExitCode;

use clap::{Args, Parser, Subcommand, ValueEnum};
use sync_server::S3Place;

/// Exit codes, the same in every MediEco program (0 is done, 2 is clap's own for wrong usage).
const FAILED: u8 = 1;
const USAGE: u8 = 2;
const REFUSED: u8 = 4;

const EXAMPLES: &str = "\
Examples:
  A relay on this machine, for a try:
      medieco-relay serve --listen 127.0.0.1:7447
  A relay for clinics elsewhere, with its own certificate:
      medieco-relay serve --listen 203.0.113.7:443 --tls-cert relay.pem --tls-key relay.key
  Behind a proxy that does TLS:
      medieco-relay serve --listen 0.0.0.0:7447 --behind-proxy --public-url wss://relay.example.org
  A new clinic; the printed invitation is good once, for 72 hours:
      medieco-relay clinic add 'Klinik Harapan'
  The invitation was lost or is too old:
      medieco-relay invite 'Klinik Harapan'
  Several relays on one PostgreSQL, prepared once:
      medieco-relay database prepare --owner postgres://postgres@db.example.org/relay
      medieco-relay serve --database postgres://medieco_relay@db.example.org/relay
  The console in a browser on this machine, and who may sign in there:
      medieco-relay serve --console 127.0.0.1:7449
      medieco-relay operator add aisyah
  A backup while it runs, and back again:
      medieco-relay backup --to /backup/relay-monday.sqlite
      medieco-relay restore --from /backup/relay-monday.sqlite
  A plan, a clinic on it with a trial, and its invoices:
      medieco-relay plan set Kecil --price 300 --devices 5 --storage 20GB --requests 500000
      medieco-relay plan give 'Klinik Harapan' Kecil --trial-until 2027-01-31
      medieco-relay invoice issue 7 && medieco-relay invoice pdf INV-2027-0001 --to INV-2027-0001.pdf
  Whether the audit chains hold, and a clinic's lines for others to read:
      medieco-relay audit verify
      medieco-relay audit export --clinic 'Klinik Harapan' --fhir --from 2026-11-01

Exit codes: 0 done, 1 failed, 2 wrong usage, 4 refused.";

/// MediEco's relay: keeps the devices of clinics equal, and reads nothing of what passes.
#[derive(Debug, Parser)]
#[command(name = "medieco-relay", version, after_help = EXAMPLES)]
pub struct Cli {
    /// The data folder [default: the system's own place for such data]
    #[arg(long, value_name = "DIR", global = true)]
    data: Option<PathBuf>,
    /// The PostgreSQL that holds the store, postgres://medieco_relay@host/name; the data folder then holds relay.key and the
    /// attachments, the same for every node [default: a file in the data folder]
    #[arg(long, value_name = "URL", global = true)]
    database: Option<String>,
    /// Print results as one JSON object, with a version in "v"
    #[arg(long, global = true)]
    json: bool,
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Run the relay until SIGTERM or Ctrl-C
    Serve(Serve),
    /// Copy the relay's store into one file, also while the relay runs
    Backup {
        /// The file; it must not exist
        #[arg(long, value_name = "FILE")]
        to: PathBuf,
    },
    /// Put a backup back; the relay must be stopped
    Restore {
        /// The file that `backup` made
        #[arg(long, value_name = "FILE")]
        from: PathBuf,
    },
    /// Move the store from its file into a PostgreSQL; the relay must be stopped
    Move {
        /// The login that owns the database, postgres://owner@host/name; its schema is made first
        #[arg(long, value_name = "URL")]
        to: String,
    },
    /// A PostgreSQL for the store
    #[command(subcommand)]
    Database(DatabaseCommand),
    /// The list of clinics
    #[command(subcommand)]
    Clinic(Clinic),
    /// Who may sign in at the console
    #[command(subcommand)]
    Operator(operators::OperatorCommand),
    /// Who fetched what, permitted or denied: the clinics' audit chains
    #[command(subcommand)]
    Audit(audit::AuditCommand),
    /// What clinics may use, and what they pay for it
    #[command(subcommand)]
    Plan(plans::PlanCommand),
    /// Show how much a clinic uses, and what its plan allows
    Usage {
        /// Its name on the list, or its id
        #[arg(value_name = "TENANT_OR_NAME")]
        clinic: String,
    },
    /// What clinics are charged
    #[command(subcommand)]
    Invoice(invoices::InvoiceCommand),
    /// Make a new invitation for a clinic that has not joined; older ones end
    Invite {
        /// Its name on the list, or its id
        #[arg(value_name = "TENANT_OR_NAME")]
        clinic: String,
    },
}

#[derive(Debug, Args)]
struct Serve {
    /// Where to listen; port 0 takes any free port
    #[arg(long, value_name = "ADDRESS:PORT", default_value = "127.0.0.1:7447")]
    listen: SocketAddr,
    /// The certificate chain, PEM
    #[arg(long, value_name = "FILE", requires = "tls_key")]
    tls_cert: Option<PathBuf>,
    /// Its private key, PEM
    #[arg(long, value_name = "FILE", requires = "tls_cert")]
    tls_key: Option<PathBuf>,
    /// A proxy before this relay does TLS
    #[arg(long, conflicts_with = "tls_cert")]
    behind_proxy: bool,
    /// What clinics dial, for invitations [default: the listening address]
    #[arg(long, value_name = "URL")]
    public_url: Option<String>,
    /// SHA-256 of the proxy's public key (SubjectPublicKeyInfo), in hex, for invitations
    #[arg(long, value_name = "HEX", requires = "behind_proxy", value_parser = parse_sha256)]
    public_key_sha256: Option<[u8; 32]>,
    /// A mark outside the data folder, by which a folder that was put back is noticed [default: with the system's own data
    /// folder, a file in the system's folder for states; with --data, none]
    #[arg(long, value_name = "FILE")]
    mark: Option<PathBuf>,
    /// Where attachments are kept, when not in the data folder: a bucket of what speaks S3; which, and its keys, are said by
    /// AWS_ENDPOINT_URL, AWS_REGION, AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY in the environment
    #[arg(long, value_name = "s3://BUCKET[/PREFIX]")]
    attachments: Option<S3Place>,
    /// Where this machine's watchers ask: /health, /ready, /metrics [default: nowhere]
    #[arg(long, value_name = "ADDRESS:PORT")]
    admin: Option<SocketAddr>,
    /// Where operators sign in at the console, with a browser; without TLS on this machine only [default: nowhere]
    #[arg(long, value_name = "ADDRESS:PORT")]
    console: Option<SocketAddr>,
    /// How logs are written to stderr
    #[arg(long, value_name = "FORM", value_enum, default_value_t = LogForm::Text)]
    log: LogForm,
    /// Connections at a time [default: by the limit of open files]
    #[arg(long, value_name = "N")]
    max_connections: Option<usize>,
    /// New connections of one address a minute, ten times as many at once; 0 is no limit [default: 300, and no limit for
    /// this machine's own addresses]
    #[arg(long, value_name = "N")]
    connections_a_minute: Option<u32>,
    /// Seconds that devices get for their goodbye, instead of two, and eight for all of them. For tests
    #[arg(long, value_name = "N", hide = true)]
    goodbye_within: Option<u64>,
}

/// How logs are written.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum LogForm {
    /// For people
    Text,
    /// For programs: one object a line
    Json,
}

#[derive(Debug, Subcommand)]
enum DatabaseCommand {
    /// Make the schema, or bring it up to date, and the role medieco_relay that relays log in as
    Prepare {
        /// The login that owns the database, postgres://owner@host/name
        #[arg(long, value_name = "URL")]
        owner: String,
        /// A file with the password that medieco_relay has from now on
        #[arg(long, value_name = "FILE")]
        password_file: Option<PathBuf>,
    },
    /// The database was put back from a backup: its data begins another life
    Restored,
}

#[derive(Debug, Subcommand)]
enum Clinic {
    /// Put a clinic on the list and print its invitation
    Add {
        /// Your word for it; it stays on this machine's list and goes nowhere else
        name: String,
    },
    /// Show the list
    List,
    /// After a restore: give again what this clinic shares, though none of its devices can confirm what it revoked
    Open {
        /// Its name on the list
        name: String,
    },
}

/// Does what the operator said.
pub fn run(cli: Cli) -> ExitCode {
    let own_mark = cli.data.is_none().then(default_mark).flatten();
    let Some(data) = cli.data.or_else(default_data) else {
        return say(
            FAILED,
            "this system names no folder for data: say with --data where it should be",
        );
    };
    let place = match database::place(data, cli.database.as_deref()) {
        Ok(place) => place,
        Err(error) if error.is_refusal() => return say(REFUSED, error),
        Err(error) => return say(USAGE, error),
    };
    match cli.command {
        Command::Serve(serve) => serving::run(serve, place, own_mark, cli.json),
        Command::Backup { .. } | Command::Restore { .. } if place.database.is_some() => say(
            REFUSED,
            "a PostgreSQL is backed up and put back by its own programs (docs/relay.md says what to do then)",
        ),
        Command::Backup { to } => copies::back_up(&place.data, &to, cli.json),
        Command::Restore { from } => copies::put_back(&place.data, &from, cli.json),
        Command::Move { to } => database::move_there(&place.data, &to, cli.json),
        Command::Database(DatabaseCommand::Prepare { owner, password_file }) => {
            database::make_ready(&owner, password_file.as_deref(), cli.json)
        }
        Command::Database(DatabaseCommand::Restored) => database::was_restored(&place, cli.json),
        Command::Clinic(Clinic::Add { name }) => clinics::add(&place, &name, cli.json),
        Command::Clinic(Clinic::Open { name }) => clinics::open_again(&place, &name, cli.json),
        Command::Clinic(Clinic::List) => clinics::list(&place, cli.json),
        Command::Operator(command) => operators::run(command, &place, cli.json),
        Command::Audit(command) => audit::run(command, &place, cli.json),
        Command::Plan(command) => plans::run(command, &place, cli.json),
        Command::Usage { clinic } => plans::usage(&place, &clinic, cli.json),
        Command::Invoice(command) => invoices::run(command, &place, cli.json),
        Command::Invite { clinic } => clinics::invite(&place, &clinic, cli.json),
    }
}

fn say(code: u8, words: impl std::fmt::Display) -> ExitCode {
    eprintln!("medieco-relay: {words}");
    ExitCode::from(code)
}

fn default_data() -> Option<PathBuf> {
    directories::ProjectDirs::from("my", "MediEco", "medieco-relay").map(|dirs| dirs.data_dir().to_owned())
}

fn default_mark() -> Option<PathBuf> {
    let dirs = directories::ProjectDirs::from("my", "MediEco", "medieco-relay")?;
    Some(dirs.state_dir()?.join("relay.mark"))
}

fn parse_sha256(text: &str) -> Result<[u8; 32], String> {
    let mut bytes = [0; 32];
    hex::decode_to_slice(text, &mut bytes).map_err(|_| "expected 64 hexadecimal digits".to_owned())?;
    Ok(bytes)
}
