//! The demo's own sound and model, part of this program: real sound becomes real text on a machine that has nothing else.
//!
//! The model knows this consult and nothing else; every screen that uses it says so. How both were made is in `demo/`.

use std::path::Path;

use crate::models::{self, Installed, ModelError};
use crate::sound::Pace;
use crate::wav::WavSource;

/// The id of the demo model in the catalogue.
pub const MODEL_ID: &str = "demo-micro-consult";

/// How many turns the demo consult has.
pub const CONSULT_TURNS: usize = 28;

static MODEL: &[u8] = include_bytes!("../demo/model/ggml-micro-consult-q5_0.bin");
static CONSULT: &[u8] = include_bytes!("../demo/consult/consult.wav");

/// Puts the demo model into the models folder, unless it is there and whole.
pub fn install_model(models_dir: &Path) -> Result<Installed, ModelError> {
    let entry = models::catalogue()
        .by_id(MODEL_ID)
        .expect("the catalogue has the demo model");
    let installed = Installed {
        entry: entry.clone(),
        path: models_dir.join(&entry.file),
    };
    match installed.verify() {
        Ok(_) => Ok(installed),
        Err(_) => models::install(entry, MODEL, models_dir),
    }
}

/// The demo consult: 86 s, one channel, 28 turns of a doctor and a patient who are both invented.
pub fn consult(pace: Pace) -> WavSource {
    WavSource::from_bytes(CONSULT, pace).expect("the consult is a WAV file")
}
