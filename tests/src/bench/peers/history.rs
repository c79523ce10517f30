//! One long document, a visit's note that is edited over and over: taking it in, opening it, going on with it, its size; our
//! store beside Automerge bare, Loro and yrs in memory.

use std::{
    fs,
    path::{Path, PathBuf},
    process::Command,
    time::Duration,
};

use anyhow::{Context, Result};
use serde_json::json;

use super::{answer, peer_version, say_to};
use crate::{
    bench::{
        clinic::BareClinic,
        figure::{Figure, Samples},
        long::{self, STORE, Written, absorb, histories, live, open, snapshot},
        machine::load,
        progress::Progress,
    },
    child::Running,
    same_set::open_store,
};

const LIBRARIES: [&str; 3] = ["automerge", "loro", "yrs"];

/// A length and how often each thing is done with it.
struct Length {
    n_changes: usize,
    rounds: usize,
    ids: Ids,
}

/// Names of rows, by library.
struct Ids {
    apply: [&'static str; 3],
    load: [&'static str; 3],
    edit: [&'static str; 3],
    size: [&'static str; 3],
}

const LENGTHS: [Length; 2] = [
    Length {
        n_changes: 1_000,
        rounds: 5,
        ids: Ids {
            apply: [
                "peers_apply_1000_automerge",
                "peers_apply_1000_loro",
                "peers_apply_1000_yrs",
            ],
            load: [
                "peers_load_1000_automerge",
                "peers_load_1000_loro",
                "peers_load_1000_yrs",
            ],
            edit: [
                "peers_edit_1000_automerge",
                "peers_edit_1000_loro",
                "peers_edit_1000_yrs",
            ],
            size: [
                "peers_size_1000_automerge",
                "peers_size_1000_loro",
                "peers_size_1000_yrs",
            ],
        },
    },
    Length {
        n_changes: 10_000,
        rounds: 3,
        ids: Ids {
            apply: [
                "peers_apply_10000_automerge",
                "peers_apply_10000_loro",
                "peers_apply_10000_yrs",
            ],
            load: [
                "peers_load_10000_automerge",
                "peers_load_10000_loro",
                "peers_load_10000_yrs",
            ],
            edit: [
                "peers_edit_10000_automerge",
                "peers_edit_10000_loro",
                "peers_edit_10000_yrs",
            ],
            size: [
                "peers_size_10000_automerge",
                "peers_size_10000_loro",
                "peers_size_10000_yrs",
            ],
        },
    },
];

/// Everything about one document.
pub fn measure(program: &Path, folder: &Path, log: &Path) -> Result<Vec<Figure>> {
    let mut figures = Vec::new();
    for length in &LENGTHS {
        let folder = folder.join(format!("history-{}", length.n_changes));
        fs::create_dir_all(&folder)?;
        figures.extend(of_length(length, program, &folder, log)?);
    }
    Ok(figures)
}

/// What was seen in turn: ours first, then each library.
type Seen = [Samples; 4];

fn of_length(length: &Length, program: &Path, folder: &Path, log: &Path) -> Result<Vec<Figure>> {
    let before = load();
    let Length { n_changes, rounds, ids } = length;
    let clinic = BareClinic::found()?;
    let written = long::write(&clinic, &folder.join("writer"), *n_changes)?;
    let Written { visit, changes, .. } = &written;
    let (visit, work) = (*visit, folder.join("work.json"));
    write_work(&clinic, &written, &work)?;

    let mut command = Command::new(program);
    command.arg("history").arg(&work);
    let mut others = Running::start(command, log)?;
    let saved = answer(&others, "saved").with_context(|| log.display().to_string())?;

    let mut progress = Progress::of("a long document is taken in, opened and edited", *rounds);
    let (mut apply, mut load, mut edit, mut edit_early): (Seen, Seen, Seen, Samples) = Default::default();
    let mut reader = PathBuf::new();
    for round in 0..=*rounds {
        reader = folder.join(format!("reader-{round}"));
        in_turn(&mut apply, round, &mut others, "apply", || {
            absorb(&clinic, &reader, changes)
        })?;
        in_turn(&mut load, round, &mut others, "load", || open(&reader, visit, false))?;
        // How it stands in the first minute, until the history is closed by a snapshot.
        let early = open(&reader, visit, true)?;
        if round > 0 {
            edit_early.push(early);
        }
        progress.at(round);
    }
    let as_changes = live(&open_store(&reader, STORE)?)?;
    snapshot(&written.writer, &reader)?;
    for round in 0..=*rounds {
        in_turn(&mut edit, round, &mut others, "edit", || open(&reader, visit, true))?;
    }
    let as_snapshot = live(&open_store(&reader, STORE)?)?;
    others.finish()?;

    let mut figures = Vec::new();
    let mut rows = |ids: &[&'static str; 3], what: &str, seen: &Seen, in_memory: &str| {
        for (at, library) in LIBRARIES.iter().enumerate() {
            let version = peer_version(program, library).unwrap_or_else(|| (*library).to_owned());
            let against = format!("{version}{in_memory}");
            let (ours, theirs) = (seen[0].clone(), seen[at + 1].clone());
            figures.push(Figure::of(ids[at], what.to_owned(), against, ours, theirs).under(before));
        }
    };
    let n = n_changes;
    rows(
        &ids.apply,
        &format!("take {n} edits of one note in"),
        &apply,
        ", in memory",
    );
    rows(
        &ids.load,
        &format!("open and read a note of {n} edits"),
        &load,
        ", from its bytes in memory",
    );
    rows(
        &ids.edit,
        &format!("open it and edit once, {n} edits"),
        &edit,
        ", in memory, what is to be sent",
    );
    for (at, library) in LIBRARIES.iter().enumerate() {
        let (mut ours, mut theirs) = (Samples::default(), Samples::default());
        ours.add(as_snapshot as f64);
        theirs.add(saved[*library].as_f64().context("bytes")?);
        let against = format!("{library} as it saves; ours before a snapshot: {as_changes}");
        let what = format!("size of {n} edits of one note");
        let figure = Figure::of(ids.size[at], what, against, ours, theirs);
        figures.push(figure.counted_in("bytes").under(before));
    }
    let id = if *n > 1_000 {
        "peers_edit_10000_early"
    } else {
        "peers_edit_1000_early"
    };
    let what = format!("the same before there is a snapshot, {n} edits");
    let figure = Figure::of(id, what, "automerge, as above".into(), edit_early, edit[1].clone());
    figures.push(figure.under(before));
    Ok(figures)
}

/// Ours and each library once, the one that begins in rotation; round 0 does not count.
fn in_turn(
    seen: &mut Seen,
    round: usize,
    others: &mut Running,
    command: &str,
    mut ours: impl FnMut() -> Result<Duration>,
) -> Result<()> {
    for turn in 0..seen.len() {
        let at = (round + turn) % seen.len();
        let took = match at {
            0 => ours()?.as_secs_f64() * 1000.0,
            library => {
                say_to(others, &json!({ command: LIBRARIES[library - 1] }))?;
                answer(others, "ms")?.as_f64().context("milliseconds")?
            }
        };
        if round > 0 {
            seen[at].add(took);
        }
    }
    Ok(())
}

/// The same for the others.
fn write_work(clinic: &BareClinic, written: &Written, work: &Path) -> Result<()> {
    let all = histories(clinic, &written.changes)?;
    let (_, changes) = all
        .into_iter()
        .max_by_key(|(_, changes)| changes.len())
        .context("a document")?;
    let history = json!({ "changes": changes, "note": written.first, "edits": written.edits });
    Ok(serde_json::to_writer(fs::File::create(work)?, &history)?)
}
