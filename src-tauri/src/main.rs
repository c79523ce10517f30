//! The app's program: reads its arguments, opens the desk, and shows it in one window.

#![cfg_attr(all(not(debug_assertions), windows), windows_subsystem = "windows")]

mod start;

use std::process::ExitCode;

use clap::Parser;

/// Absorbing makes and drops many small things: a tenth of its time is saved (docs/bench.md).
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

/// MediEco, the clinic's own record.
#[derive(Parser)]
#[command(version, after_help = "Examples:\n  medieco\n  medieco --data /srv/clinic")]
struct Cli {
    /// Folder of this device's data [default: the system's own place for it].
    #[arg(long, value_name = "DIR")]
    data: Option<std::path::PathBuf>,
    /// File with the passphrase of the store (mode 0600), for machines without a keyring.
    #[arg(long, value_name = "FILE")]
    passphrase_file: Option<std::path::PathBuf>,
    /// The demo network's description; shows its PINs. Made by `cargo xtask run`.
    #[arg(long, value_name = "FILE", hide = true)]
    demo: Option<std::path::PathBuf>,
    /// An empty page and no store: what a start costs without us (`cargo xtask bench`).
    #[arg(long, hide = true)]
    empty_page: bool,
}

fn main() -> ExitCode {
    match start::start(Cli::parse()) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("medieco: {error:#}");
            ExitCode::FAILURE
        }
    }
}
