//! `transcribe` and `draft`: the scribe without a clinic.

use std::{
    io::Read as _,
    path::{Path, PathBuf},
};

use clap::Args;
use domain::{Speaker, Turn};
use scribe::{
    Drafter as _, Engine, EngineError, EngineSettings, ModelFile, NoSink, Pace, Recorder, RuleDrafter, ScribeEvent,
    Transcriber, draft,
    engine::find_program,
    models::installed,
    wav::{WavError, WavSource},
};
use serde_json::{Value, json};

use crate::{
    Around,
    outcome::{Outcome, Trouble},
};

/// Writes down what is said in a WAV file.
#[derive(Args)]
pub struct Transcribe {
    /// The WAV file: any rate, one or more channels.
    file: PathBuf,
    /// A model: its file, or its name in the catalogue. By default the first that is installed.
    #[arg(long, value_name = "MODEL")]
    model: Option<String>,
}

/// Drafts a note from a transcript.
#[derive(Args)]
pub struct Draft {
    /// The JSON of `transcribe --json`; `-` reads stdin.
    transcript: PathBuf,
}

impl Transcribe {
    pub fn run(self, around: &Around) -> Outcome {
        let program = find_program().ok_or_else(|| Trouble::missing("medieco-engine is not beside this program"))?;
        let model = self.model_file(around)?;
        let sound = WavSource::open(&self.file, Pace::AsFastAsPossible).map_err(|error| match error {
            WavError::Io(_) => Trouble::failed(format!("{}: {error}", self.file.display())),
            other => Trouble::refused(format!("{}: {other}", self.file.display())),
        })?;
        let recorder = Recorder::new(Box::new(NoSink)).partials(false).transcriber(move || {
            let engine = Engine::start(&EngineSettings {
                program,
                model,
                vad: None,
                threads: None,
            })?;
            Ok::<_, EngineError>(Box::new(engine) as Box<dyn Transcriber>)
        });
        let recording = recorder.start(Box::new(sound), |event| {
            if let ScribeEvent::Turn(turn) = event {
                eprintln!("{}", words(&turn));
            }
        });
        let outcome = recording.wait();
        let value = json!({ "turns": outcome.turns, "length_ms": outcome.length_ms, "missing": outcome.missing });
        around.tell("transcript", &value, |_| {
            outcome.turns.iter().map(|turn| words(turn) + "\n").collect()
        })?;
        match outcome.failure {
            Some(failure) => Err(Trouble::failed(format!("not all was written down: {failure:?}"))),
            None => Ok(()),
        }
    }

    fn model_file(&self, around: &Around) -> Result<ModelFile, Trouble> {
        let here = installed(&around.data_dir()?.join("models"));
        let chosen = match &self.model {
            Some(name) if Path::new(name).is_file() => return Ok(ModelFile::unlisted(name)),
            Some(name) => here
                .into_iter()
                .find(|one| one.entry.id == *name || one.entry.file == *name),
            None => here.into_iter().min_by_key(|one| one.entry.demo),
        };
        let chosen = chosen.ok_or_else(|| Trouble::missing("no such model here: see `mediecoctl model list`"))?;
        chosen.verify().map_err(Trouble::refused)
    }
}

impl Draft {
    pub fn run(self, around: &Around) -> Outcome {
        let mut text = String::new();
        let read = if self.transcript.as_os_str() == "-" {
            std::io::stdin().read_to_string(&mut text)
        } else {
            std::fs::File::open(&self.transcript).and_then(|mut file| file.read_to_string(&mut text))
        };
        read.map_err(|error| Trouble::failed(format!("{}: {error}", self.transcript.display())))?;
        let turns = turns_of(&text).ok_or_else(|| Trouble::usage("this is not the JSON of `transcribe --json`"))?;
        let note = RuleDrafter.draft(&turns).map_err(Trouble::failed)?;
        let value = json!({ "note": note, "vitals": draft::suggested_vitals(&turns) });
        around.tell("draft", &value, |_| {
            let parts = [
                ("S", &note.subjective),
                ("O", &note.objective),
                ("A", &note.assessment),
                ("P", &note.plan),
            ];
            let line = |letter: &str, text: &str| format!("{letter}  {text}\n");
            parts
                .iter()
                .flat_map(|(letter, part)| part.iter().map(move |one| line(letter, &one.text)))
                .collect()
        })
    }
}

/// The turns of a transcript: our own JSON, or a bare list of turns.
fn turns_of(text: &str) -> Option<Vec<Turn>> {
    let value: Value = serde_json::from_str(text).ok()?;
    let turns = if value.is_array() {
        value
    } else {
        value.get("result")?.get("turns")?.clone()
    };
    serde_json::from_value(turns).ok()
}

fn words(turn: &Turn) -> String {
    let who = match turn.speaker {
        Speaker::Doctor => "doctor",
        Speaker::Patient => "patient",
        Speaker::Unknown => "-",
    };
    let seconds = turn.span.start_ms / 1000;
    format!("{:>3}:{:02}  {who:<8} {}", seconds / 60, seconds % 60, turn.text)
}
