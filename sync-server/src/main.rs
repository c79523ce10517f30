//! `medieco-relay`: the operator's commands. Results go to stdout, words to stderr.

mod cli;

use std::process::ExitCode;

use clap::Parser;

/// The same as in the app.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

fn main() -> ExitCode {
    cli::run(cli::Cli::parse())
}
