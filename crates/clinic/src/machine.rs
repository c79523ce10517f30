//! The real clock, the real randomness and the passphrase file, for the shells that hold a [`crate::Desk`].
//!
//! Nothing else in this crate uses them: verbs get the time and the randomness from the desk's configuration.

use std::{io, path::Path, sync::Arc};

use domain::Instant;
use rand::SeedableRng;
use zeroize::Zeroizing;

use crate::MakeRng;

/// This machine's clock.
#[derive(Debug, Clone, Copy)]
pub struct SystemClock;

impl vault::Clock for SystemClock {
    fn now(&self) -> Instant {
        Instant(jiff::Timestamp::now())
    }
}

/// Generators seeded by the operating system.
pub fn system_rng() -> MakeRng {
    Arc::new(|| Box::new(rand::rngs::StdRng::from_rng(&mut rand::rng())))
}

/// Reads the passphrase from a file that nobody but its owner may read (mode 0600); a last newline doesn't count.
pub fn read_passphrase_file(file: &Path) -> io::Result<Zeroizing<String>> {
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt;
        if std::fs::metadata(file)?.permissions().mode() & 0o077 != 0 {
            let words = format!("{} may be read by others: run chmod 600 on it", file.display());
            return Err(io::Error::new(io::ErrorKind::PermissionDenied, words));
        }
    }
    let text = Zeroizing::new(std::fs::read_to_string(file)?);
    Ok(Zeroizing::new(text.trim_end_matches(['\r', '\n']).to_owned()))
}

/// `medieco-engine` beside the program that runs now.
pub fn engine_beside_this_program() -> std::path::PathBuf {
    scribe::engine::find_program().unwrap_or_else(|| "medieco-engine".into())
}
