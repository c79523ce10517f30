//! `model list`, `model import` and `model pull`.

mod pull;
mod source;

use std::path::{Path, PathBuf};

use clap::Subcommand;
use scribe::{
    ModelError,
    models::{catalogue, import, installed},
};
use serde_json::{Value, json};

use crate::{
    Around,
    outcome::{Outcome, Trouble},
};

/// Speech models.
#[derive(Subcommand)]
pub enum Model {
    /// The models that this version knows, and which of them are here.
    List,
    /// Brings in a model from a file; it counts once its hash is right.
    Import {
        /// The model's file.
        file: PathBuf,
    },
    /// Fetches a model from its publisher or a mirror, goes on where an earlier try stopped, and checks its hash.
    Pull(pull::Pull),
}

impl Model {
    pub fn run(self, around: &Around) -> Outcome {
        match self {
            Self::List => list(around),
            Self::Import { file } => bring_in(&file, around),
            Self::Pull(it) => it.run(around),
        }
    }
}

/// The app's models folder.
fn models_dir(around: &Around) -> Result<PathBuf, Trouble> {
    Ok(around.data_dir()?.join("models"))
}

fn list(around: &Around) -> Outcome {
    let here = installed(&models_dir(around)?);
    let rows: Vec<Value> = catalogue()
        .all()
        .iter()
        .map(|entry| {
            let is_here = here.iter().any(|one| one.entry.id == entry.id);
            json!({ "id": entry.id, "title": entry.title, "file": entry.file, "bytes": entry.bytes,
                    "licence": entry.licence, "demo": entry.demo, "installed": is_here, "url": entry.url() })
        })
        .collect();
    around.tell("models", &rows, |rows| rows.iter().map(row).collect())
}

fn bring_in(file: &Path, around: &Around) -> Outcome {
    let models = models_dir(around)?;
    std::fs::create_dir_all(&models).map_err(Trouble::failed)?;
    let brought = import(file, &models).map_err(|error| match error {
        ModelError::Unknown | ModelError::Damaged | ModelError::Truncated { .. } => Trouble::refused(error),
        other => Trouble::failed(other),
    })?;
    let value = json!({ "id": brought.entry.id, "path": brought.path });
    around.tell("model_import", &value, |_| format!("{}\n", brought.path.display()))
}

fn row(row: &Value) -> String {
    let text = |key: &str| row[key].as_str().unwrap_or_default().to_owned();
    let here = if row["installed"] == true { "here" } else { "-" };
    format!(
        "{:<28} {:>11} {:<5} {}\n",
        text("id"),
        row["bytes"],
        here,
        text("title")
    )
}
