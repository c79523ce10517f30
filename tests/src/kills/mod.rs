//! SIGKILL of real device processes under load, by the seed: what was acknowledged is there when they come back.
//!
//! Two devices of one clinic, as processes of their own, work and absorb each other's work by the relay and by the LAN.
//! At some moment one is killed. What it had told through its pipe until then is what it acknowledged. `simulate` is about
//! power cuts and everything else that goes wrong, in one thread; here it is the app's own core that dies.

mod day;
mod desk;
mod figures;
mod ground;
mod newcomer;

pub use day::{Day, day};
pub use figures::Figures;
pub use ground::Ground;
pub use newcomer::{Intake, TakenIn, newcomer};

use anyhow::{Context, Result};

/// So many kills has one day: lists stay as long as a clinic's.
const KILLS_A_DAY: u64 = 100;

/// Days until there were `n_kills`; progress to stderr, the result to stdout. The folder of a day that fails is kept.
pub fn kills(n_kills: u64, seed: u64) -> Result<()> {
    let mut all = Figures::default();
    for number in 0.. {
        let left = n_kills - all.n_kills;
        if left == 0 {
            break;
        }
        let folder = tempfile::Builder::new().prefix("medieco-kills-").tempdir()?;
        let mut ground = Ground::found(folder.path()).context("two clinics")?;
        let day = Day {
            seed: seed + number,
            n_kills: left.min(KILLS_A_DAY),
        };
        match self::day(&mut ground, day) {
            Ok(figures) => all += figures,
            Err(error) => {
                drop(ground);
                let kept = folder.keep();
                println!("{all}");
                return Err(error.context(format!("day {number} of seed {seed}; its folder is {}", kept.display())));
            }
        }
        eprintln!("{all}");
    }
    println!("{all}");
    Ok(())
}

/// A new device takes so many patients in and is killed on the way; the result to stdout. The folder is kept when it fails.
pub fn take_in(n_patients: usize, n_kills: u64, seed: u64) -> Result<()> {
    let folder = tempfile::Builder::new().prefix("medieco-newcomer-").tempdir()?;
    let intake = Intake {
        seed,
        n_patients,
        n_kills,
    };
    match newcomer(folder.path(), intake) {
        Ok(taken) => {
            println!("{n_patients} patients: {taken}");
            Ok(())
        }
        Err(error) => {
            let kept = folder.keep();
            Err(error.context(format!("seed {seed}; its folder is {}", kept.display())))
        }
    }
}
