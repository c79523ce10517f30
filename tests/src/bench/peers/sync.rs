//! Two processes and a link: a day's work to an empty device, coming back with nothing new, and one edit at a time; ours and
//! samod's in turn.

use std::{fs, path::Path, time::Instant};

use anyhow::{Result, ensure};
use serde_json::json;
use testkit::people::people;

use super::{
    answer, say_to,
    sides::{First, Pair, Side},
};
use crate::bench::{
    clinic::{BareClinic, register, take_changes, write_notes},
    figure::{Figure, Samples},
    long::{STORE, histories},
    machine::load,
    progress::{Progress, say},
};

const PEOPLE: usize = 500;
/// As many are in the hands of the clinic at one time.
const AT_ONE_TIME: usize = 50;
const ROUNDS_FIRST: usize = 3;
const ROUNDS_AGAIN: usize = 5;
const EDITS: usize = 100;

/// Everything about two processes.
pub fn measure(program: &Path, folder: &Path, log: &Path) -> Result<Vec<Figure>> {
    let clinic = BareClinic::found()?;
    let work = folder.join("work.json");
    say("a day's work is written");
    let n_documents = write_work(&clinic, &folder.join("ours"), &work)?;
    let mut sides = [
        Side::ours(folder, log)?,
        Side::samod(folder, log, program, false),
        Side::samod(folder, log, program, true),
    ];
    for side in &sides[1..] {
        side.fill(&work)?;
    }
    let mut figures = first(&clinic, &mut sides, n_documents)?;
    figures.extend(again(&sides)?);
    figures.extend(live(&sides)?);
    for figure in &mut figures {
        figure.against = figure.against.replace("samod", &sides[1].version);
    }
    Ok(figures)
}

/// A day's work in our store, and the same as Automerge's changes by the document in a file for others.
fn write_work(clinic: &BareClinic, data: &Path, work: &Path) -> Result<usize> {
    let vault = clinic.store_at(data, STORE, 0)?;
    let mut queue = people(31).take(PEOPLE);
    for _ in 0..PEOPLE / AT_ONE_TIME {
        let visits = register(&vault, queue.by_ref().take(AT_ONE_TIME).collect(), 1)?;
        write_notes(&vault, &visits, 8)?;
    }
    let histories = histories(clinic, &take_changes(&vault)?)?;
    serde_json::to_writer(fs::File::create(work)?, &histories)?;
    Ok(histories.len())
}

fn first(clinic: &BareClinic, sides: &mut [Side; 3], n_documents: usize) -> Result<Vec<Figure>> {
    let before = load();
    let mut progress = Progress::of("empty devices take a day's work in", ROUNDS_FIRST);
    let mut seen: [Vec<First>; 3] = Default::default();
    for round in 0..=ROUNDS_FIRST {
        for turn in 0..sides.len() {
            let at = (round + turn) % sides.len();
            let one = sides[at].first(clinic)?;
            // The first round does not count.
            if round > 0 {
                seen[at].push(one);
            }
        }
        progress.at(round);
    }
    let samples = |at: usize, of: fn(&First) -> f64| -> Samples {
        let mut samples = Samples::default();
        seen[at].iter().for_each(|one| samples.add(of(one)));
        samples
    };
    let took: fn(&First) -> f64 = |one| one.took.as_secs_f64() * 1000.0;
    let what = format!("{n_documents} documents to an empty device");
    let row = |id, what: &str, against: &str, at, of: fn(&First) -> f64| {
        Figure::of(id, what.to_owned(), against.to_owned(), samples(0, of), samples(at, of)).under(before)
    };
    Ok(vec![
        row(
            "peers_sync",
            &what,
            "samod with its own files, no sync to disk",
            1,
            took,
        ),
        row("peers_sync_synced", &what, "samod, each file synced to disk", 2, took),
        row("peers_sync_bytes", "that, both ways", "samod", 1, |one| one.n_bytes).counted_in("bytes"),
        row(
            "peers_sync_disk",
            "that, on the disk of whoever took it",
            "samod",
            1,
            |one| one.on_disk,
        )
        .counted_in("bytes"),
        row(
            "peers_sync_memory",
            "that, memory of whoever took it",
            "samod",
            1,
            |one| one.memory,
        )
        .counted_in("MiB"),
    ])
}

fn again(sides: &[Side; 3]) -> Result<Vec<Figure>> {
    let before = load();
    let mut progress = Progress::of("devices come back with nothing new", ROUNDS_AGAIN);
    let (mut took, mut bytes): ([Samples; 2], [Samples; 2]) = Default::default();
    for round in 0..=ROUNDS_AGAIN {
        for turn in 0..2 {
            let at = (round + turn) % 2;
            let (pair, this) = sides[at].connect()?;
            let n_bytes = pair.settled();
            pair.finish()?;
            if round > 0 {
                took[at].push(this);
                bytes[at].add(n_bytes);
            }
        }
        progress.at(round);
    }
    let ([ours, theirs], [our_bytes, their_bytes]) = (took, bytes);
    let (what, against) = ("connect with nothing new", "samod, every document opened before");
    Ok(vec![
        Figure::of("peers_nothing_new", what.into(), against.into(), ours, theirs).under(before),
        Figure::of(
            "peers_nothing_new_bytes",
            "that, both ways".into(),
            "samod".into(),
            our_bytes,
            their_bytes,
        )
        .counted_in("bytes")
        .under(before),
    ])
}

fn live(sides: &[Side; 3]) -> Result<Vec<Figure>> {
    let before = load();
    let mut progress = Progress::of("edits travel", EDITS);
    let mut pairs = Vec::new();
    for side in sides {
        pairs.push(side.connect()?.0);
    }
    let bytes_before: Vec<f64> = pairs.iter().map(Pair::settled).collect();
    let mut took: [Samples; 3] = Default::default();
    for round in 0..=EDITS {
        for turn in 0..sides.len() {
            let at = (round + turn) % sides.len();
            let pair = &mut pairs[at];
            let phone = format!("012-345 {round:04}");
            let began = Instant::now();
            say_to(&mut pair.giver, &json!({ "edit": [round, phone] }))?;
            let arrived = answer(&pair.taker, "arrived")?;
            let this = began.elapsed();
            ensure!(arrived == json!(round), "{arrived} arrived, not {round}");
            if round > 0 {
                took[at].push(this);
            }
        }
        progress.at(round);
    }
    let mut an_edit: Vec<Samples> = Vec::new();
    for (pair, before) in pairs.iter().zip(bytes_before) {
        let mut samples = Samples::default();
        samples.add((pair.settled() - before) / (EDITS + 1) as f64);
        an_edit.push(samples);
    }
    for pair in pairs {
        pair.finish()?;
    }
    let [ours, plain, synced] = took;
    let what = "one field, from the order to durable at the other";
    let row =
        |id, against: &str, theirs| Figure::of(id, what.into(), against.into(), ours.clone(), theirs).under(before);
    Ok(vec![
        row("peers_live", "samod with its own files, no sync to disk", plain),
        row("peers_live_synced", "samod, each file synced to disk", synced),
        Figure::of(
            "peers_edit_bytes",
            "one field, both ways, answers included".into(),
            "samod".into(),
            an_edit[0].clone(),
            an_edit[1].clone(),
        )
        .counted_in("bytes")
        .under(before),
    ])
}
