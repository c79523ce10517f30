//! Speech models: which there are, which are here, and whether a file is what it says.
//!
//! A model file is only ever loaded when its SHA-256 is the catalogue's (`Installed::verify`), or when a person vouches
//! for a file of her own (`ModelFile::unlisted`). Nothing here opens a socket: a stick goes through `import`, and
//! `mediecoctl model pull` writes what it fetches into [`Arriving`].

mod arriving;

use std::collections::HashSet;
use std::fs::{self, File};
use std::io::{self, Read, Write};
use std::ops::ControlFlow;
use std::path::{Path, PathBuf};
use std::sync::{LazyLock, Mutex, PoisonError};
use std::time::SystemTime;

use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};
use specta::Type;

use crate::table;

pub use arriving::Arriving;

/// One row of the catalogue (`data/models.csv`).
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, Type)]
pub struct ModelEntry {
    /// Names it in settings.
    pub id: String,
    /// Its file name, as published.
    pub file: String,
    /// For people.
    pub title: String,
    /// Size of the file.
    pub bytes: u32,
    /// SHA-256 of the file, in hexadecimal.
    pub sha256: String,
    /// What it knows.
    pub languages: ModelLanguages,
    /// SPDX name of its licence.
    pub licence: String,
    /// Where it comes from.
    pub source: String,
    /// The pinned revision there.
    pub revision: String,
    /// True for the model that knows only the demo consult: never for work with patients.
    pub demo: bool,
    /// What to expect of it.
    pub note: String,
}

impl ModelEntry {
    /// Where its publisher has it; `None` for a model that comes with the program.
    pub fn url(&self) -> Option<String> {
        let Self {
            source, revision, file, ..
        } = self;
        source
            .starts_with("huggingface.co/")
            .then(|| format!("https://{source}/resolve/{revision}/{file}"))
    }
}

/// What a model knows.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, Type)]
#[serde(rename_all = "snake_case")]
pub enum ModelLanguages {
    /// English only.
    English,
    /// Malay and English among a hundred.
    Multilingual,
}

/// Every model that this build knows.
#[derive(Debug)]
pub struct Catalogue(Vec<ModelEntry>);

static CATALOGUE: LazyLock<Catalogue> = LazyLock::new(|| Catalogue(table::rows(include_str!("../../data/models.csv"))));

/// The catalogue of this build.
pub fn catalogue() -> &'static Catalogue {
    &CATALOGUE
}

impl Catalogue {
    /// All, the demo model too.
    pub fn all(&self) -> &[ModelEntry] {
        &self.0
    }

    /// Those that may be offered for work with patients.
    pub fn for_real_use(&self) -> impl Iterator<Item = &ModelEntry> {
        self.0.iter().filter(|entry| !entry.demo)
    }

    /// The entry of this id.
    pub fn by_id(&self, id: &str) -> Option<&ModelEntry> {
        self.0.iter().find(|entry| entry.id == id)
    }
}

/// Why a file is no model for us.
#[derive(Debug, thiserror::Error)]
pub enum ModelError {
    /// The file or the folder cannot be read or written.
    #[error("the model file cannot be read or written: {0}")]
    Io(#[source] io::Error),
    /// The disk is full.
    #[error("there is no room for the model")]
    NoRoom,
    /// The file is named like a model and is shorter: a download or a copy that was cut off.
    #[error("the model file is cut short: {have} of {want} bytes")]
    Truncated {
        /// Bytes that are there.
        have: u64,
        /// Bytes that should be.
        want: u64,
    },
    /// The size is right and the content is not.
    #[error("the model file is damaged")]
    Damaged,
    /// Another process is fetching the same model.
    #[error("another program is fetching this model")]
    Busy,
    /// Whoever watched the import ended it.
    #[error("the import was cancelled")]
    Cancelled,
    /// Neither name nor size is any model's of the catalogue.
    #[error("the file is no model that this version knows")]
    Unknown,
}

impl From<io::Error> for ModelError {
    fn from(error: io::Error) -> Self {
        match error.kind() {
            io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded => Self::NoRoom,
            _ => Self::Io(error),
        }
    }
}

/// A model of the catalogue whose file is in the models folder. `verify` says whether it is whole.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Installed {
    /// Which.
    pub entry: ModelEntry,
    /// Where.
    pub path: PathBuf,
}

/// A file that may be loaded.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ModelFile(PathBuf);

impl ModelFile {
    /// A file that is in no catalogue: a clinic's own. A person chose it by its path and vouches for it; if it is no
    /// model, the engine ends and nothing else does.
    pub fn unlisted(path: impl Into<PathBuf>) -> Self {
        Self(path.into())
    }

    /// Where it is.
    pub fn path(&self) -> &Path {
        &self.0
    }
}

/// The models of the catalogue that are in this folder, by name. No folder is no models.
pub fn installed(models_dir: &Path) -> Vec<Installed> {
    let there = CATALOGUE.0.iter().map(|entry| Installed {
        entry: entry.clone(),
        path: models_dir.join(&entry.file),
    });
    there.filter(|installed| installed.path.is_file()).collect()
}

/// Copies a model file into the models folder, checking it on the way. On any error nothing is left behind.
pub fn import(file: &Path, models_dir: &Path) -> Result<Installed, ModelError> {
    import_watched(file, models_dir, |_, _| ControlFlow::Continue(()))
}

/// The same; `watch` hears after each piece (of at most 1 MiB) how many bytes of how many are copied, and may end it.
///
/// # Errors
/// Those of [`import`], and [`ModelError::Cancelled`].
pub fn import_watched(
    file: &Path,
    models_dir: &Path,
    mut watch: impl FnMut(u64, u64) -> ControlFlow<()>,
) -> Result<Installed, ModelError> {
    let have = fs::metadata(file)?.len();
    let by_size = CATALOGUE.0.iter().find(|entry| u64::from(entry.bytes) == have);
    let entry = match by_size {
        Some(entry) => entry,
        None => {
            let named = |entry: &&ModelEntry| file.file_name().is_some_and(|name| name == entry.file.as_str());
            let entry = CATALOGUE.0.iter().find(named).ok_or(ModelError::Unknown)?;
            let want = u64::from(entry.bytes);
            return Err(if have < want {
                ModelError::Truncated { have, want }
            } else {
                ModelError::Damaged
            });
        }
    };
    let mut from = File::open(file)?;
    let mut done = 0;
    write_checked(entry, models_dir, |to| {
        hash(&mut from, |bytes| {
            to.write_all(bytes)?;
            done += bytes.len() as u64;
            match watch(done, have) {
                ControlFlow::Continue(()) => Ok(()),
                ControlFlow::Break(()) => Err(ModelError::Cancelled),
            }
        })
    })
}

/// Removes what an import left behind that was cut off by a kill or a power cut. Not while one is running.
pub fn remove_unfinished(models_dir: &Path) {
    for entry in &CATALOGUE.0 {
        drop(Part(part_of(entry, models_dir)));
    }
}

fn part_of(entry: &ModelEntry, models_dir: &Path) -> PathBuf {
    models_dir.join(format!("{}.part", entry.file))
}

/// Writes what `from` gives as this model's file: beside its place first, then checked, then moved there.
pub(crate) fn install(entry: &ModelEntry, mut from: impl Read, models_dir: &Path) -> Result<Installed, ModelError> {
    write_checked(entry, models_dir, |to| {
        hash(&mut from, |bytes| Ok(to.write_all(bytes)?))
    })
}

/// `write` gives the hash of what it wrote.
fn write_checked(
    entry: &ModelEntry,
    models_dir: &Path,
    write: impl FnOnce(&mut File) -> Result<String, ModelError>,
) -> Result<Installed, ModelError> {
    fs::create_dir_all(models_dir)?;
    let path = models_dir.join(&entry.file);
    let part = Part(part_of(entry, models_dir));
    let mut to = File::create(&part.0)?;
    if write(&mut to)? != entry.sha256 {
        return Err(ModelError::Damaged);
    }
    to.sync_all()?;
    fs::rename(&part.0, &path)?;
    Ok(Installed {
        entry: entry.clone(),
        path,
    })
}

impl Installed {
    /// Checks the file against the catalogue: in full at its first load in a process, then only when it has changed.
    pub fn verify(&self) -> Result<ModelFile, ModelError> {
        static CHECKED: LazyLock<Mutex<HashSet<(PathBuf, u64, SystemTime)>>> = LazyLock::new(Mutex::default);
        let metadata = fs::metadata(&self.path)?;
        let (have, want) = (metadata.len(), u64::from(self.entry.bytes));
        if have != want {
            return Err(if have < want {
                ModelError::Truncated { have, want }
            } else {
                ModelError::Damaged
            });
        }
        let seen = (self.path.clone(), have, metadata.modified()?);
        let checked = || CHECKED.lock().unwrap_or_else(PoisonError::into_inner);
        if !checked().contains(&seen) {
            if hash(&mut File::open(&self.path)?, |_| Ok(()))? != self.entry.sha256 {
                return Err(ModelError::Damaged);
            }
            checked().insert(seen);
        }
        Ok(ModelFile(self.path.clone()))
    }
}

/// Removes an unfinished file when it goes out of scope; after the move there is nothing to remove.
struct Part(PathBuf);

impl Drop for Part {
    fn drop(&mut self) {
        let _ = fs::remove_file(&self.0);
    }
}

fn hash(from: &mut impl Read, mut also: impl FnMut(&[u8]) -> Result<(), ModelError>) -> Result<String, ModelError> {
    let mut hasher = Sha256::new();
    let mut buffer = vec![0; 1024 * 1024];
    loop {
        match from.read(&mut buffer)? {
            0 => return Ok(hex::encode(hasher.finalize())),
            n => {
                hasher.update(&buffer[..n]);
                also(&buffer[..n])?;
            }
        }
    }
}
