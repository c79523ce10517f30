//! Absorbing: verify, open, merge, store and project what another device wrote, beside each of its parts alone.

use std::{path::Path, time::Duration};

use anyhow::{Context, Result, ensure};
use seal::{Header, SealedChange};
use sync_protocol::{Cursor, Incarnation, Scope, SyncStore};
use testkit::people::people;
use vault::decoders::ForAutomerge;

use super::{
    bare::connect,
    clinic::{BareClinic, processor_seconds, register, take_changes, write_notes},
    figure::{Figure, Goal, Samples},
    machine::load,
    progress::Progress,
};

const ROUNDS: usize = 9;
/// As many people come in one round; a batch of the relay holds the work on some of them.
const PEOPLE: usize = 240;
/// As many as are in the hands of the clinic at one time.
const AT_ONE_TIME: usize = 40;
/// A batch of the relay: what comes to a device that has fallen behind by no more.
const BATCH: usize = sync_protocol::BATCH_ITEMS;
/// What a device stores in one transaction when more waits for it.
const TOGETHER: usize = sync_client::FRAMES_WAITING * BATCH;

/// The set's table, with nothing that is made from it.
pub const BARE_CHANGES: &str = "CREATE TABLE changes (arrival INTEGER PRIMARY KEY, id BLOB NOT NULL UNIQUE,
        document BLOB NOT NULL, device BLOB NOT NULL, opening BLOB NOT NULL, number INTEGER NOT NULL,
        sealed BLOB NOT NULL) STRICT;
    CREATE INDEX of_document ON changes (document, device, opening, number);
    CREATE INDEX of_opening ON changes (device, opening, number);";

/// By whoever comes back after a day, and a batch at a time.
pub fn measure(folder: &Path) -> Result<Vec<Figure>> {
    let (back, per_second) = in_batches(folder, "absorb", "as whoever comes back stores them", TOGETHER)?;
    let (live, _) = in_batches(folder, "absorb-live", &format!("in batches of {BATCH}"), BATCH)?;
    let goal = Goal::at_least("10 000 changes/s on one core", 10_000.0, per_second);
    Ok(vec![back.with(goal), live])
}

/// A day's work by the round: identity, allergies, and a visit with eight edits, for each person.
/// How many changes a second, besides.
fn in_batches(folder: &Path, id: &'static str, how: &str, n_together: usize) -> Result<(Figure, f64)> {
    let clinic = BareClinic::found()?;
    let (writer, reader) = (
        clinic.store(&folder.join(format!("{id}-writer")), 0)?,
        clinic.store(&folder.join(format!("{id}-reader")), 1)?,
    );
    let before = load();
    let mut progress = Progress::of("days of work are absorbed", ROUNDS);
    let mut queue = people(17);
    let (mut ours, mut parts) = (Samples::default(), Samples::default());
    let (mut position, mut n_changes, mut spent) = (0, 0, 0.0);
    for round in 0..=ROUNDS {
        for _ in 0..PEOPLE / AT_ONE_TIME {
            let some = queue.by_ref().take(AT_ONE_TIME).collect();
            let visits = register(&writer, some, 1)?;
            write_notes(&writer, &visits, 8)?;
        }
        let changes = take_changes(&writer)?;
        let per_thousand = |seconds: f64| Duration::from_secs_f64(seconds * 1000.0 / changes.len() as f64);

        let before_parts = processor_seconds();
        alone(
            &clinic,
            &changes,
            &folder.join(format!("{id}-bare-{round}.db")),
            n_together,
        )?;
        let of_parts = processor_seconds() - before_parts;
        let before_ours = processor_seconds();
        for batch in changes.chunks(n_together) {
            position += batch.len() as u64;
            let cursor = Cursor::at(Incarnation([1; 16]), Scope::Changes, position);
            reader.absorb_changes(&cursor, batch.to_vec())?;
        }
        let of_ours = processor_seconds() - before_ours;
        // The first round does not count.
        if round > 0 {
            parts.push(per_thousand(of_parts));
            ours.push(per_thousand(of_ours));
            (n_changes, spent) = (n_changes + changes.len(), spent + of_ours);
            progress.at(round);
        }
    }
    let figures = reader.read(|r| r.sync_figures())?;
    ensure!(
        figures.quarantined + figures.waiting + figures.to_be_read == 0,
        "not everything was taken: {figures:?}"
    );
    let ratio = ours.median() / parts.median();
    let against = "signature, AEAD, Automerge apply, and SQLite insert with its three indexes, each alone".to_owned();
    let what = format!("absorb 1000 changes {how}, processor time");
    let figure = Figure::of(id, what, against, ours, parts)
        .with(Goal::at_most("3x the sum of its parts", 3.0, ratio))
        .under(before);
    Ok((figure, n_changes as f64 / spent))
}

/// The parts, one after the other.
fn alone(clinic: &BareClinic, changes: &[Vec<u8>], file: &Path, n_together: usize) -> Result<()> {
    let sealed: Vec<SealedChange> = changes
        .iter()
        .map(|bytes| SealedChange::decode(bytes))
        .collect::<Result<_, _>>()?;
    for change in &sealed {
        change.verify(&clinic.membership)?;
    }
    let opened: Vec<(Header, Vec<u8>)> = sealed
        .iter()
        .map(|change| Ok((*change.header(), change.open(&clinic.epochs)?.to_vec())))
        .collect::<Result<_>>()?;
    ensure!(ForAutomerge::unpack(&opened).apply() > 0, "no documents");
    let bare = connect(file, Some(&[7; 32]))?;
    bare.execute_batch(BARE_CHANGES)?;
    for batch in sealed.iter().zip(changes).collect::<Vec<_>>().chunks(n_together) {
        let writing = bare.unchecked_transaction()?;
        for (change, bytes) in batch {
            insert(&writing, change, bytes).context("a bare row")?;
        }
        writing.commit()?;
    }
    Ok(())
}

/// A row as the set has it, with nothing made from it.
pub fn insert(conn: &rusqlite::Connection, change: &SealedChange, bytes: &[u8]) -> Result<()> {
    let header = change.header();
    conn.prepare_cached(
        "INSERT INTO changes (id, document, device, opening, number, sealed) VALUES (?1, ?2, ?3, ?4, ?5, ?6)",
    )?
    .execute(rusqlite::params![
        change.id().as_bytes(),
        header.document.as_bytes(),
        header.device.as_bytes(),
        header.opening.as_bytes(),
        i64::try_from(header.number)?,
        bytes
    ])?;
    Ok(())
}
