//! One long document: the same edits applied, loaded and gone on with by Automerge bare, Loro and yrs, in memory.

mod automerge_bare;
mod loro_bare;
mod yrs_bare;

use std::{
    fs,
    io::stdin,
    path::Path,
    time::{Duration, Instant},
};

use anyhow::{Context, Result, ensure};
use serde::Deserialize;
use serde_json::json;

use crate::tell;

/// As many come at one time as in a batch of our relay.
const BATCH: usize = 512;
/// Who writes.
const WRITER: u64 = 1;
/// Who takes it in and goes on.
const READER: u64 = 2;
/// The section of the note that is edited.
const EDITED: &str = "plan";

/// A visit's note as it was first written, and each edit after that: a sentence takes the place of another.
#[derive(Deserialize)]
pub struct History {
    /// The very changes that our store made of it, Automerge's.
    changes: Vec<Vec<u8>>,
    /// Sections and their sentences.
    note: Vec<(String, Vec<String>)>,
    /// Which sentence of the plan, and what it says from then on.
    edits: Vec<(usize, String)>,
}

impl History {
    /// What the plan says in the end.
    fn plan(&self) -> Vec<String> {
        let plan = self.note.iter().find(|(section, _)| section == EDITED);
        let mut plan = plan.map(|(_, sentences)| sentences.clone()).unwrap_or_default();
        for (place, text) in &self.edits {
            plan[*place] = text.clone();
        }
        plan
    }
}

/// One of those who are compared.
trait Library {
    type Doc;

    /// An empty document takes everything in, in batches.
    fn apply(&self) -> Result<Self::Doc>;

    /// From the bytes that it saved.
    fn load(&self) -> Result<Self::Doc>;

    /// One more edit; the bytes that would be sent for it.
    fn edit(&self, doc: &mut Self::Doc, text: &str) -> Result<Vec<u8>>;

    /// The sentences of the plan.
    fn plan(&self, doc: &Self::Doc) -> Result<Vec<String>>;

    /// How many bytes it saved.
    fn n_saved(&self) -> usize;
}

#[derive(Deserialize)]
#[serde(rename_all = "snake_case")]
enum Command {
    Apply(String),
    Load(String),
    Edit(String),
}

pub fn run(file: &Path) -> Result<()> {
    let history: History = serde_json::from_slice(&fs::read(file)?)?;
    let plan = history.plan();
    let automerge = automerge_bare::Bare::of(&history)?;
    let loro = loro_bare::Bare::of(&history)?;
    let yrs = yrs_bare::Bare::of(&history)?;
    let saved = json!({ "automerge": automerge.n_saved(), "loro": loro.n_saved(), "yrs": yrs.n_saved() });
    tell(&json!({ "saved": saved }));
    for line in stdin().lines() {
        let command: Command = serde_json::from_str(&line?)?;
        let (Command::Apply(name) | Command::Load(name) | Command::Edit(name)) = &command;
        let took = match name.as_str() {
            "automerge" => measure(&automerge, &command, &plan),
            "loro" => measure(&loro, &command, &plan),
            _ => measure(&yrs, &command, &plan),
        };
        tell(&json!({ "ms": took.with_context(|| name.clone())?.as_secs_f64() * 1000.0 }));
    }
    Ok(())
}

/// Each to the end: applied and loaded is what can be read, edited is what could be sent.
fn measure<L: Library>(library: &L, command: &Command, plan: &[String]) -> Result<Duration> {
    let began = Instant::now();
    let doc = match command {
        Command::Apply(_) => library.apply()?,
        Command::Load(_) => library.load()?,
        Command::Edit(_) => {
            let mut doc = library.load()?;
            let sent = library.edit(&mut doc, "Edited once more.")?;
            let took = began.elapsed();
            ensure!(
                !sent.is_empty() && library.plan(&doc)?[0] == "Edited once more.",
                "the edit is not there"
            );
            return Ok(took);
        }
    };
    let read = library.plan(&doc)?;
    let took = began.elapsed();
    ensure!(read == plan, "it reads something else");
    Ok(took)
}
