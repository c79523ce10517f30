//! What this device is set to: printer, UPS, microphone, model, languages.

mod ears;
mod models;
mod settings;

pub(crate) use ears::Ears;
pub(crate) use settings::{Setting, chosen_label_size, label_language};
