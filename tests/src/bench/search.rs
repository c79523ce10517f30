//! Search among 20 000 patients: the verb `search_patients` beside FTS5 alone over the same text.

use std::{path::Path, time::Instant};

use anyhow::{Context, Result, ensure};
use domain::{Identifier, Patient, PatientId};
use rusqlite::{Connection, params};
use sync_protocol::SyncStore;
use testkit::people::{FakePerson, people};
use tokio::runtime::Runtime;
use vault::{Vault, VaultError};

use super::{
    Site,
    bare::{connect, key_of, store_folder},
    counter::{Counter, home},
    figure::{Figure, Goal, in_turn},
    progress::Progress,
};
use crate::{people::SENTOSA, same_set::open_store};

const N_PATIENTS: usize = 20_000;
const A_WRITE: usize = 500;
const N: usize = 100;
/// As many rows as the verb shows.
const ROWS: u32 = 30;

/// What is typed for a person.
type Typed = fn(&FakePerson) -> String;

/// Fills the crowded clinic, then searches it.
pub fn measure(site: &Site, folder: &Path) -> Result<Vec<Figure>> {
    fill(&open_store(&site.crowded, &site.crowd)?)?;
    let key = key_of(&site.crowded, &site.crowd)?;
    let bare = copy_text(site, &folder.join("bare-search.db"), &key)?;
    let runtime = Runtime::new()?;
    let counter = Counter::open(&site.crowded, &runtime)?;
    counter.sign_in(&SENTOSA.owner)?;
    // Everyone that is looked for is there; each search is for somebody else.
    let wanted: Vec<FakePerson> = crowd().step_by(N_PATIENTS / (N + 1)).take(N + 1).collect();
    let kinds: [(&'static str, &'static str, Typed); 4] = [
        ("search_letter", "search 20 000 patients by one letter", |person| {
            beginning(person, 1)
        }),
        (
            "search_three_letters",
            "search 20 000 patients by three letters",
            |person| beginning(person, 3),
        ),
        ("search_number", "search 20 000 patients by MyKad number", |person| {
            person.mykad.digits().to_owned()
        }),
        (
            "search_name_and_telephone",
            "search 20 000 patients by three letters and the beginning of everybody's telephone",
            |person| format!("{} 01", beginning(person, 3)),
        ),
    ];
    kinds
        .into_iter()
        .map(|(id, what, typed)| {
            let (ours, yardstick, load) = in_turn(
                what,
                N,
                |round| {
                    let text = typed(&wanted[round]);
                    let began = Instant::now();
                    let rows = counter.desk.search_patients(text)?;
                    let took = began.elapsed();
                    ensure!(!rows.is_empty(), "nobody was found");
                    Ok(took)
                },
                |round| {
                    let text = typed(&wanted[round]);
                    let words = text.split(' ').map(|word| format!("\"{word}\"*"));
                    let text = words.collect::<Vec<_>>().join(" ");
                    let began = Instant::now();
                    let n_rows = match_alone(&bare, &text)?;
                    let took = began.elapsed();
                    ensure!(n_rows > 0, "nobody was found");
                    Ok(took)
                },
            )?;
            let against =
                format!("FTS5 alone in a bare SQLCipher table of the same text, first {ROWS} rows, unordered");
            let p95 = ours.quantile(0.95);
            let goal = Goal::at_most("95 % under 10 ms", 10.0, p95);
            Ok(Figure::of(id, what.into(), against, ours, yardstick)
                .with(goal)
                .under(load))
        })
        .collect()
}

fn crowd() -> impl Iterator<Item = FakePerson> {
    people(13).take(N_PATIENTS)
}

fn beginning(person: &FakePerson, n_letters: usize) -> String {
    let first = person.name.split(' ').next().unwrap_or_default();
    first.chars().take(n_letters).collect::<String>().to_lowercase()
}

/// Everybody at once through the vault, and nothing left to send, as if a relay had it all.
fn fill(vault: &Vault) -> Result<()> {
    let mut progress = Progress::of("20 000 patients are registered", N_PATIENTS);
    let mut queue = crowd();
    for done in (A_WRITE..=N_PATIENTS).step_by(A_WRITE) {
        vault.write(None, |w| -> Result<(), VaultError> {
            for person in queue.by_ref().take(A_WRITE) {
                let patient = Patient {
                    id: PatientId::make(w.now(), w.rng()),
                    name: person.name,
                    identifier: Identifier::MyKad { number: person.mykad },
                    birth_date: Some(person.birth_date),
                    sex: person.sex,
                    phone: person.phone,
                    address: home(),
                };
                w.put_patient(&patient)?;
            }
            Ok(())
        })?;
        progress.at(done);
    }
    loop {
        let sent = vault.outbox(1000, 8 << 20)?;
        if sent.is_empty() {
            break;
        }
        vault.mark_sent(&sent.iter().map(|item| item.id).collect::<Vec<_>>())?;
    }
    Ok(vault.checkpoint()?)
}

/// The very words that our tables of search hold, in one table with the same settings of FTS5.
fn copy_text(site: &Site, file: &Path, key: &[u8; 32]) -> Result<Connection> {
    let ours = connect(&store_folder(&site.crowded, &site.crowd).join("vault.db"), Some(key))?;
    let definition: String = ours.query_row("SELECT sql FROM sqlite_master WHERE name = 'p_search'", [], |row| {
        row.get(0)
    })?;
    let bare = connect(file, Some(key))?;
    // Ours keeps telephone numbers beside it.
    bare.execute_batch(&definition.replace("identifier,", "identifier, phone,"))?;
    let writing = bare.unchecked_transaction()?;
    let mut words = ours.prepare(
        "SELECT s.rowid, s.name, s.identifier, coalesce(n.words, '') FROM p_search s
         LEFT JOIN (SELECT search_row, group_concat(word, ' ') AS words FROM p_phones GROUP BY search_row) n
             ON n.search_row = s.rowid",
    )?;
    let mut rows = words.query([])?;
    let mut n_copied = 0;
    while let Some(row) = rows.next()? {
        let (place, name, number, phone): (i64, String, String, String) =
            (row.get(0)?, row.get(1)?, row.get(2)?, row.get(3)?);
        let insert = "INSERT INTO p_search (rowid, name, identifier, phone) VALUES (?1, ?2, ?3, ?4)";
        bare.prepare_cached(insert)?
            .execute(params![place, name, number, phone])?;
        n_copied += 1;
    }
    writing.commit()?;
    ensure!(n_copied == N_PATIENTS, "{n_copied} patients in the search table");
    Ok(bare)
}

fn match_alone(bare: &Connection, words: &str) -> Result<usize> {
    let mut statement = bare.prepare_cached("SELECT rowid, name FROM p_search WHERE p_search MATCH ?1 LIMIT ?2")?;
    let found = statement.query_map(params![words, ROWS], |row| {
        Ok((row.get::<_, i64>(0)?, row.get::<_, String>(1)?))
    })?;
    let found: Vec<(i64, String)> = found.collect::<Result<_, _>>().context("FTS5 alone")?;
    Ok(found.len())
}
