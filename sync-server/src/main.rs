//! `medieco-relay`: the operator's commands. Results go to stdout, words to stderr.

mod cli;

use std::process::ExitCode;

use clap::Parser;

fn main() -> ExitCode {
    cli::run(cli::Cli::parse())
}
