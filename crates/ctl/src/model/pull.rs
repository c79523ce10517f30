//! `model pull`: fetches a model of the catalogue, from its publisher or from mirrors.

use std::{
    io::{IsTerminal as _, Write as _},
    time::Duration,
};

use clap::Args;
use scribe::{
    ModelError,
    models::{Arriving, Installed, ModelEntry, catalogue, installed},
};
use serde_json::json;

use super::source::{Fetched, Source};
use crate::{
    Around,
    outcome::{Outcome, Trouble},
};

/// A broken connection is gone on with so often without a single new byte.
const FRUITLESS_TRIES: u32 = 3;

/// Which model, and from where.
#[derive(Args)]
pub struct Pull {
    /// The model, as `model list` names it.
    id: String,
    /// Fetch `URL/<file>` from there instead of from the publisher; several are tried in this order.
    #[arg(long, value_name = "URL")]
    mirror: Vec<String>,
    /// So many seconds without a byte are the end of a try.
    #[arg(long, value_name = "SECONDS", default_value_t = 60)]
    patience: u64,
}

impl Pull {
    pub fn run(self, around: &Around) -> Outcome {
        let entry = catalogue()
            .by_id(&self.id)
            .ok_or_else(|| Trouble::usage(format!("no model is called {}; see `mediecoctl model list`", self.id)))?;
        let sources = self.sources(entry)?;
        let models_dir = super::models_dir(around)?;
        let here = installed(&models_dir).into_iter().find(|one| one.entry.id == entry.id);
        let brought = match here.filter(|one| one.verify().is_ok()) {
            Some(here) => here,
            None => fetch(entry, &sources, Arriving::begin(entry, &models_dir).map_err(told)?)?,
        };
        let value = json!({ "id": entry.id, "path": brought.path, "bytes": entry.bytes });
        around.tell("model_pull", &value, |_| format!("{}\n", brought.path.display()))
    }

    fn sources(&self, entry: &ModelEntry) -> Result<Vec<Source>, Trouble> {
        let patience = Duration::from_secs(self.patience.max(1));
        if self.mirror.is_empty() {
            let own = entry.url().ok_or_else(|| {
                Trouble::missing("this model comes with the program; its publisher has it nowhere else")
            })?;
            return Ok(vec![Source::at(&own, patience)?]);
        }
        let urls = self.mirror.iter();
        urls.map(|url| Source::at(&format!("{}/{}", url.trim_end_matches('/'), entry.file), patience))
            .collect()
    }
}

/// One source after the other, until one has given the model.
fn fetch(entry: &ModelEntry, sources: &[Source], mut arriving: Arriving) -> Result<Installed, Trouble> {
    let models_dir = arriving.models_dir().to_owned();
    let mut last = Trouble::failed("there is nowhere to fetch it from");
    for source in sources {
        let began_with = arriving.have();
        match from(source, &mut arriving) {
            Ok(()) => {}
            Err(trouble) if trouble.final_ => return Err(trouble.told),
            Err(trouble) => {
                say(&trouble.told.words);
                last = trouble.told;
                continue;
            }
        }
        match arriving.finish() {
            Ok(installed) => return Ok(installed),
            Err(ModelError::Damaged) => {
                last = Trouble::refused(format!(
                    "what {} gave is not this model (its SHA-256 is another); it was thrown away",
                    source.name()
                ));
                say(&last.words);
            }
            Err(error) => return Err(told(error)),
        }
        arriving = Arriving::begin(entry, &models_dir).map_err(told)?;
        // What an earlier time, or another source, had left may have been the false part.
        if began_with > 0 && from(source, &mut arriving).is_ok() {
            match arriving.finish() {
                Ok(installed) => return Ok(installed),
                Err(ModelError::Damaged) => {}
                Err(error) => return Err(told(error)),
            }
            arriving = Arriving::begin(entry, &models_dir).map_err(told)?;
        }
    }
    Err(last)
}

/// Why a source did not give everything; `final_` when no other could either.
struct Stopped {
    told: Trouble,
    final_: bool,
}

/// All that is missing, from one source.
fn from(source: &Source, arriving: &mut Arriving) -> Result<(), Stopped> {
    let mut n_fruitless = 0;
    while arriving.have() < arriving.want() {
        let before = arriving.have();
        let mut progress = Progress::of(source, arriving);
        let fetched = source.fetch(arriving, |have| progress.tell(have));
        progress.end();
        n_fruitless = if arriving.have() > before { 0 } else { n_fruitless + 1 };
        let (have, want) = (arriving.have(), arriving.want());
        match fetched {
            Ok(Fetched::Whole) => {}
            Ok(Fetched::Broken(_)) if n_fruitless < FRUITLESS_TRIES => {}
            Ok(Fetched::Broken(why)) => {
                let name = source.name();
                return Err(Stopped {
                    told: Trouble::failed(format!(
                        "{name}: {why} at {} of {}; what has come is kept, and the same command goes on from there",
                        megabytes(have),
                        megabytes(want)
                    )),
                    final_: false,
                });
            }
            Ok(Fetched::Refused(why)) => {
                return Err(Stopped {
                    told: Trouble::failed(format!("{}: {why}", source.name())),
                    final_: false,
                });
            }
            Err(error) => {
                return Err(Stopped {
                    told: told(error),
                    final_: true,
                });
            }
        }
    }
    Ok(())
}

fn told(error: ModelError) -> Trouble {
    match error {
        ModelError::NoRoom => Trouble::failed("the disk is full; what had come of the model was removed again"),
        ModelError::Busy => Trouble::refused("another mediecoctl is fetching this model"),
        ModelError::Damaged => Trouble::refused(error),
        other => Trouble::failed(other),
    }
}

/// Words for whoever watches; results alone go to stdout.
fn say(words: &str) {
    eprintln!("mediecoctl: {words}");
}

fn megabytes(bytes: u64) -> String {
    format!("{}.{} MB", bytes / 1_000_000, bytes / 100_000 % 10)
}

/// How far it is: in place on a terminal, a line for each tenth elsewhere.
struct Progress {
    want: u64,
    shown: u64,
    on_terminal: bool,
}

impl Progress {
    fn of(source: &Source, arriving: &Arriving) -> Self {
        let (have, want) = (arriving.have(), arriving.want());
        let name = source.name();
        if have == 0 {
            say(&format!("{} from {name}", megabytes(want)));
        } else {
            say(&format!(
                "going on at {} of {} from {name}",
                megabytes(have),
                megabytes(want)
            ));
        }
        Self {
            want,
            shown: have * 10 / want.max(1),
            on_terminal: std::io::stderr().is_terminal(),
        }
    }

    fn tell(&mut self, have: u64) {
        let steps = if self.on_terminal { 1_000 } else { 10 };
        let now = have * steps / self.want.max(1);
        if now == self.shown {
            return;
        }
        self.shown = now;
        if self.on_terminal {
            eprint!("\r{} of {} ", megabytes(have), megabytes(self.want));
            let _ = std::io::stderr().flush();
        } else {
            eprintln!("{} of {}", megabytes(have), megabytes(self.want));
        }
    }

    fn end(&self) {
        if self.on_terminal {
            eprintln!();
        }
    }
}
