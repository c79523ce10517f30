//! What this device is set to: printer, UPS, microphone, model, languages.

mod ears;
mod model_import;
mod models;
mod settings;

pub(crate) use ears::Ears;
pub(crate) use model_import::Importing;
pub(crate) use settings::{Setting, chosen_label_size, label_language};
