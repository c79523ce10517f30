//! Speech models: which there are, and which is used.

use std::path::PathBuf;

use scribe::{
    Engine, EngineError, EngineSettings, Installed, ModelEntry, ModelError, Transcriber,
    models::{ModelLanguages, catalogue, installed},
};

use super::Setting;
use crate::{Desk, DeskConfig, Error, ErrorCode, open::OpenClinic, views::status::ModelChoice};

impl Desk {
    /// The models that we know, and which of them are here. The demo's is listed only where it is installed.
    pub fn models(&self) -> Result<Vec<ModelChoice>, Error> {
        let here = self.inner.config.installed_models();
        let in_use = self.model_in_use()?;
        let known = catalogue()
            .all()
            .iter()
            .filter(|entry| !entry.demo || is_here(&here, entry));
        Ok(known
            .map(|entry| choice(entry, is_here(&here, entry), in_use.as_deref()))
            .collect())
    }

    /// The demo brings its own model along.
    pub(crate) fn install_demo_model(&self) -> Result<(), Error> {
        scribe::demo::install_model(&self.inner.config.models_dir()).map_err(unusable)?;
        Ok(())
    }

    pub(super) fn model_in_use(&self) -> Result<Option<String>, Error> {
        match self.opened() {
            Some(clinic) => Ok(clinic.chosen_model()?.map(|model| model.entry.file)),
            None => Ok(None),
        }
    }
}

impl DeskConfig {
    /// Where models lie: one folder for all clinics of the device.
    pub(crate) fn models_dir(&self) -> PathBuf {
        self.data_dir.join("models")
    }

    /// The models on this device.
    pub(crate) fn installed_models(&self) -> Vec<Installed> {
        installed(&self.models_dir())
    }
}

impl OpenClinic {
    /// The model that recordings are written down by: the one that is set; else the first for real use; else the demo's.
    pub(crate) fn chosen_model(&self) -> Result<Option<Installed>, Error> {
        let mut here = self.config.installed_models();
        let set = self.read(|r| Setting::Model.read(r))?;
        here.sort_by_key(|model| (Some(&model.entry.file) != set.as_ref(), model.entry.demo));
        Ok(here.into_iter().next())
    }

    /// How the scribe gets its engine: on its own worker, since checking a model takes a while.
    pub(crate) fn engine_with(
        &self,
        model: Installed,
    ) -> impl FnOnce() -> Result<Box<dyn Transcriber>, EngineError> + Send + 'static {
        let program = self.config.engine.clone();
        move || {
            let model = model.verify().map_err(|_| EngineError::ModelUnusable)?;
            let engine = Engine::start(&EngineSettings {
                program,
                model,
                vad: None,
                threads: None,
            })?;
            Ok(Box::new(engine) as Box<dyn Transcriber>)
        }
    }
}

fn is_here(here: &[Installed], entry: &ModelEntry) -> bool {
    here.iter().any(|one| one.entry.id == entry.id)
}

pub(super) fn choice(entry: &ModelEntry, installed: bool, in_use: Option<&str>) -> ModelChoice {
    ModelChoice {
        id: entry.id.clone(),
        title: entry.title.clone(),
        file: entry.file.clone(),
        bytes: entry.bytes.into(),
        languages: match entry.languages {
            ModelLanguages::English => vec!["en".to_owned()],
            ModelLanguages::Multilingual => vec!["ms".to_owned(), "en".to_owned()],
        },
        demo: entry.demo,
        installed,
        in_use: in_use == Some(entry.file.as_str()),
    }
}

pub(super) fn unusable(error: ModelError) -> Error {
    let why = |why| Error::new(ErrorCode::ModelUnusable).with("why", why);
    match error {
        ModelError::NoRoom => ErrorCode::DiskFull.into(),
        ModelError::Cancelled => ErrorCode::Cancelled.into(),
        ModelError::Truncated { .. } => why("truncated"),
        ModelError::Unknown => why("unknown"),
        ModelError::Damaged => why("damaged"),
        ModelError::Io(_) | ModelError::Busy => ErrorCode::FileFailed.into(),
    }
}
