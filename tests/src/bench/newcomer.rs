//! A new device: everything of a clinic comes over its relay's socket, beside downloading and inserting the same bytes.

use std::{
    fs,
    io::{Read, Write},
    net::{TcpListener, TcpStream},
    path::Path,
    time::{Duration, Instant},
};

use anyhow::{Context, Result, ensure};
use rusqlite::Connection;
use seal::SealedChange;
use testkit::{copy_folder, people::people};
use tokio::runtime::Runtime;

use super::{
    Site,
    absorb::insert,
    bare::{connect, key_of, store_folder},
    clinic::register,
    counter::Counter,
    figure::{Figure, Goal, Samples},
    machine::load,
    progress::{Progress, say},
};
use crate::{link::Link, relay::Relay, same_set::open_store};

const PATIENTS: usize = 10_000;
const VISITS: usize = 4;
const A_WRITE: usize = 100;
const A_BATCH: usize = sync_protocol::BATCH_ITEMS;
const LONGEST: Duration = Duration::from_secs(1_200);
const BETWEEN_LOOKS: Duration = Duration::from_millis(100);

/// What a device saw while it took everything in.
struct Taken {
    searchable: Duration,
    complete: Duration,
    /// Memory of this process at its highest, in MiB.
    memory: f64,
}

/// Fills a clinic at its first device, lets the second take it in, and, when there is time, a copy of it over a slow link.
pub fn measure(site: &mut Site, folder: &Path, long: bool) -> Result<Vec<Figure>> {
    let runtime = Runtime::new()?;
    fill_and_send(site, &runtime)?;
    let slow = folder.join("slow");
    if long {
        copy_folder(&site.second, &slow)?;
    }
    let n_changes = count(&beside(site, &site.first)?, "changes")?;

    let before = load();
    say("the second device takes it all in");
    let taken = take_in(site, &site.second.clone(), &runtime, n_changes)?;
    let alone = download_and_insert(site, folder)?;
    let mut figures = vec![figure("newcomer", &taken, alone, before)];
    figures.push(nothing_new(site, &runtime)?);
    if long {
        let before = load();
        let port = site.relay.port();
        let data = site.relay.data().to_path_buf();
        site.relay.kill()?;
        site.relay = Relay::start(&data, 0)?;
        let link = Link::open(port, site.relay.port(), Some(2_000_000 / 8))?;
        say("a device takes it all in over 2 Mbit/s");
        let taken = take_in(site, &slow, &runtime, n_changes)?;
        let n_bytes = link.n_bytes().1;
        drop(link);
        let alone = Duration::from_secs_f64(n_bytes as f64 * 8.0 / 2_000_000.0);
        figures.push(slow_figure(&taken, alone, before));
    }
    Ok(figures)
}

/// Only the first row, of a clinic that was left in `kept` by [`leave`]: while somebody works on it.
pub fn measure_again(kept: &Path, folder: &Path) -> Result<Figure> {
    let text = fs::read_to_string(kept.join("site"))?;
    let (port, pair) = text.trim().split_once(' ').context("what was left is told")?;
    for name in ["relay", "second"] {
        copy_folder(&kept.join(name), &folder.join(name))?;
    }
    let site = Site {
        relay: Relay::start(&folder.join("relay"), port.parse()?)?,
        first: kept.join("first"),
        second: folder.join("second"),
        crowded: folder.join("none"),
        crowd: String::new(),
        pair: pair.to_owned(),
        passphrase: folder.join("none"),
    };
    let n_changes = count(&beside(&site, &site.first)?, "changes")?;
    let before = load();
    let taken = take_in(&site, &site.second, &Runtime::new()?, n_changes)?;
    let alone = download_and_insert(&site, folder)?;
    Ok(figure("newcomer", &taken, alone, before))
}

/// Leaves a clinic in the folder in which it was made, for [`measure_again`].
pub fn leave(mut site: Site, kept: &Path) -> Result<()> {
    fill_and_send(&site, &Runtime::new()?)?;
    let port = site.relay.port();
    site.relay.kill()?;
    Ok(fs::write(kept.join("site"), format!("{port} {}", site.pair))?)
}

fn fill_and_send(site: &Site, runtime: &Runtime) -> Result<()> {
    fill(site)?;
    let counter = Counter::open(&site.first, runtime)?;
    say("the first device sends it all to the relay");
    wait(|| Ok(counter.desk.status()?.sync.pending == 0))
}

fn figure(id: &'static str, taken: &Taken, alone: Duration, before: f64) -> Figure {
    let (mut ours, mut yardstick) = (Samples::default(), Samples::default());
    ours.push(taken.complete);
    yardstick.push(alone);
    let ratio = ours.median() / yardstick.median();
    let against =
        "the same bytes over a loopback socket into a bare SQLCipher table with the same indexes, same batches";
    let what = format!(
        "a new device takes in {PATIENTS} patients, {} documents",
        PATIENTS * (2 + VISITS)
    );
    Figure::of(id, what, against.into(), ours, yardstick)
        .with(Goal::at_most(
            "search among all in 5 s",
            5.0,
            taken.searchable.as_secs_f64(),
        ))
        .with(Goal::at_most("complete in 60 s", 60.0, taken.complete.as_secs_f64()))
        .with(Goal::at_most("2x downloading and inserting", 2.0, ratio))
        .with(Goal::at_most("300 MiB of memory", 300.0, taken.memory))
        .under(before)
}

fn slow_figure(taken: &Taken, alone: Duration, before: f64) -> Figure {
    let (mut ours, mut yardstick) = (Samples::default(), Samples::default());
    ours.push(taken.complete);
    yardstick.push(alone);
    let against = "the bytes that came, at 2 Mbit/s".to_owned();
    Figure::of(
        "newcomer_slow",
        "the same over a link of 2 Mbit/s".into(),
        against,
        ours,
        yardstick,
    )
    .with(Goal::at_most(
        "complete in 8 min (in s)",
        480.0,
        taken.complete.as_secs_f64(),
    ))
    .under(before)
}

fn fill(site: &Site) -> Result<()> {
    let vault = open_store(&site.first, &site.pair)?;
    let mut queue = people(20).take(PATIENTS);
    let mut progress = Progress::of("a clinic of 10 000 patients is written", PATIENTS);
    for done in (A_WRITE..=PATIENTS).step_by(A_WRITE) {
        register(&vault, queue.by_ref().take(A_WRITE).collect(), VISITS)?;
        progress.at(done);
    }
    Ok(vault.checkpoint()?)
}

fn take_in(site: &Site, device: &Path, runtime: &Runtime, n_changes: u64) -> Result<Taken> {
    let key = key_of(device, &site.pair)?;
    forget_peak()?;
    let began = Instant::now();
    let counter = Counter::open(device, runtime)?;
    // Only now: whoever opens a store takes away the log of one that nobody has open.
    let beside = connect(&store_folder(device, &site.pair).join("vault.db"), Some(&key))?;
    let mut searchable = None;
    wait(|| {
        if searchable.is_none() && count(&beside, "p_patients")? >= PATIENTS as u64 {
            searchable = Some(began.elapsed());
        }
        let sync = counter.desk.status()?.sync;
        Ok(u64::from(sync.n_changes) >= n_changes && sync.to_be_read == 0)
    })?;
    let complete = began.elapsed();
    ensure!(
        count(&beside, "p_visits")? == (PATIENTS * VISITS) as u64,
        "not everything is in the tables"
    );
    Ok(Taken {
        searchable: searchable.unwrap_or(complete),
        complete,
        memory: peak()?,
    })
}

fn wait(mut there: impl FnMut() -> Result<bool>) -> Result<()> {
    let until = Instant::now() + LONGEST;
    while !there()? {
        ensure!(Instant::now() < until, "it took too long");
        std::thread::sleep(BETWEEN_LOOKS);
    }
    Ok(())
}

/// A connection to a device's store, beside whoever has it open.
fn beside(site: &Site, device: &Path) -> Result<Connection> {
    let file = store_folder(device, &site.pair).join("vault.db");
    connect(&file, Some(&*key_of(device, &site.pair)?))
}

/// Rows of a table.
fn count(conn: &Connection, table: &str) -> Result<u64> {
    let n: i64 = conn.query_row(&format!("SELECT count(*) FROM {table}"), [], |row| row.get(0))?;
    Ok(u64::try_from(n)?)
}

/// The same bytes through a socket, and into a table.
fn download_and_insert(site: &Site, folder: &Path) -> Result<Duration> {
    let ours = connect(
        &store_folder(&site.first, &site.pair).join("vault.db"),
        Some(&*key_of(&site.first, &site.pair)?),
    )?;
    let mut sealed = ours.prepare("SELECT sealed FROM changes ORDER BY arrival")?;
    let rows = sealed.query_map([], |row| row.get::<_, Vec<u8>>(0))?;
    let all: Vec<Vec<u8>> = rows.collect::<Result<_, _>>()?;
    let bare = connect(&folder.join("bare-newcomer.db"), Some(&[7; 32]))?;
    bare.execute_batch(super::absorb::BARE_CHANGES)?;
    let listener = TcpListener::bind("127.0.0.1:0")?;
    let mut near = TcpStream::connect(listener.local_addr()?)?;
    let (mut far, _) = listener.accept()?;
    let lengths: Vec<usize> = all.iter().map(Vec::len).collect();
    let sender = std::thread::spawn(move || all.iter().try_for_each(|bytes| far.write_all(bytes)));
    let began = Instant::now();
    for batch in lengths.chunks(A_BATCH) {
        let writing = bare.unchecked_transaction()?;
        for n_bytes in batch {
            let mut bytes = vec![0; *n_bytes];
            near.read_exact(&mut bytes)?;
            insert(&writing, &SealedChange::decode(&bytes)?, &bytes)?;
        }
        writing.commit()?;
    }
    let took = began.elapsed();
    sender.join().ok().context("the sender")??;
    Ok(took)
}

/// Coming back with nothing new on either side: bytes both ways, the WebSocket's beginning included.
fn nothing_new(site: &mut Site, runtime: &Runtime) -> Result<Figure> {
    let before = load();
    let port = site.relay.port();
    let data = site.relay.data().to_path_buf();
    site.relay.kill()?;
    site.relay = Relay::start(&data, 0)?;
    let link = Link::open(port, site.relay.port(), None)?;
    let began = Instant::now();
    let counter = Counter::open(&site.second, runtime)?;
    wait(|| Ok(counter.desk.status()?.sync.connected))?;
    let connected = began.elapsed();
    // Whatever else it says, it says now.
    std::thread::sleep(Duration::from_millis(500));
    let (up, down) = link.n_bytes();
    drop(counter);
    drop(link);
    site.relay.kill()?;
    site.relay = Relay::start(&data, port)?;
    let (mut ours, mut yardstick) = (Samples::default(), Samples::default());
    ours.push(connected);
    yardstick.push(round_trip()?);
    let what = "come back with nothing new, from opening the desk".to_owned();
    let against = "one TCP connection and round trip of 1 KiB on loopback".to_owned();
    Ok(Figure::of("nothing_new", what, against, ours, yardstick)
        .with(Goal::at_most(
            "1 KB both ways, HTTP's upgrade of some 400 bytes included",
            1_424.0,
            (up + down) as f64,
        ))
        .under(before))
}

fn round_trip() -> Result<Duration> {
    let listener = TcpListener::bind("127.0.0.1:0")?;
    let began = Instant::now();
    let mut near = TcpStream::connect(listener.local_addr()?)?;
    let (mut far, _) = listener.accept()?;
    let mut bytes = [0; 1024];
    near.write_all(&bytes)?;
    far.read_exact(&mut bytes)?;
    far.write_all(&bytes)?;
    near.read_exact(&mut bytes)?;
    Ok(began.elapsed())
}

/// From now on the highest memory is counted anew.
fn forget_peak() -> Result<()> {
    Ok(fs::write("/proc/self/clear_refs", "5")?)
}

fn peak() -> Result<f64> {
    let text = fs::read_to_string("/proc/self/status")?;
    let line = text.lines().find_map(|line| line.strip_prefix("VmHWM:"));
    let kib = line.and_then(|line| line.trim().trim_end_matches(" kB").parse::<f64>().ok());
    Ok(kib.context("Linux tells the peak")? / 1024.0)
}
