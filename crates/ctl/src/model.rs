//! `model list` and `model import`.

use std::path::PathBuf;

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
}

impl Model {
    pub fn run(self, around: &Around) -> Outcome {
        let models = around.data_dir()?.join("models");
        match self {
            Self::List => {
                let here = installed(&models);
                let rows: Vec<Value> = catalogue()
                    .all()
                    .iter()
                    .map(|entry| {
                        let is_here = here.iter().any(|one| one.entry.id == entry.id);
                        json!({ "id": entry.id, "title": entry.title, "file": entry.file, "bytes": entry.bytes,
                                "licence": entry.licence, "demo": entry.demo, "installed": is_here })
                    })
                    .collect();
                around.tell("models", &rows, |rows| rows.iter().map(row).collect())
            }
            Self::Import { file } => {
                std::fs::create_dir_all(&models).map_err(Trouble::failed)?;
                let brought = import(&file, &models).map_err(|error| match error {
                    ModelError::Unknown | ModelError::Damaged | ModelError::Truncated { .. } => Trouble::refused(error),
                    other => Trouble::failed(other),
                })?;
                let value = json!({ "id": brought.entry.id, "path": brought.path });
                around.tell("model_import", &value, |_| format!("{}\n", brought.path.display()))
            }
        }
    }
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
