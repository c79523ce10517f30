//! A giant document: nine thousand edits of one note, taken in by another device; and one more edit after opening, once a
//! snapshot holds them.

use std::{path::Path, time::Instant};

use anyhow::{Result, ensure};
use vault::decoders::ForAutomerge;

use super::{
    clinic::BareClinic,
    figure::{Figure, in_turn},
    long::{self, absorb, open, plains, snapshot},
};

const EDITS: usize = 9_000;

/// Both rows.
pub fn measure(folder: &Path) -> Result<Vec<Figure>> {
    let clinic = BareClinic::found()?;
    let giant = long::write(&clinic, &folder.join("giant"), EDITS)?;
    let plains = plains(&clinic, &giant.changes)?;
    let reader = |round: usize| folder.join(format!("giant-reader-{round}"));
    let rounds = 3;
    let (ours, yardstick, load) = in_turn(
        "a giant document is taken in",
        rounds,
        |round| absorb(&clinic, &reader(round), &giant.changes),
        |_| {
            let began = Instant::now();
            ensure!(ForAutomerge::unpack(&plains).apply() > 0, "no documents");
            Ok(began.elapsed())
        },
    )?;
    let taken = Figure::of(
        "giant",
        format!("take {EDITS} edits of one note in"),
        "unpacking and Automerge apply of all at once, in memory".into(),
        ours,
        yardstick,
    );
    snapshot(&giant.writer, &reader(rounds))?;

    let small = long::write(&clinic, &folder.join("small"), 1)?;
    absorb(&clinic, &folder.join("small-reader"), &small.changes)?;
    let (ours, yardstick, load_of_edit) = in_turn(
        "a giant document is opened and edited",
        20,
        |_| open(&reader(rounds), giant.visit, true),
        |_| open(&folder.join("small-reader"), small.visit, true),
    )?;
    let edited = Figure::of(
        "giant_edit",
        "open the store and edit it once, durable".into(),
        "the same where the note has one edit".into(),
        ours,
        yardstick,
    );
    Ok(vec![taken.under(load), edited.under(load_of_edit)])
}
