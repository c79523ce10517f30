//! How the relay is, and how it was.

use maud::{Markup, html};

use crate::console::chart::{Chart, Point, most};
use crate::console::reply::Reply;
use crate::console::visit::{Fault, Visit};
use crate::console::words::{fill, words};
use crate::console::{layout, time};
use crate::{Sample, Span};

const DAY_MS: i64 = 24 * 60 * 60 * 1000;

words! {
    /// Of the relay's health.
    Words {
        ready: "Ready", "Sedia";
        yes: "yes", "ya";
        no: "no: {why}", "tidak: {why}";
        version: "Version", "Versi";
        database: "Database", "Pangkalan data";
        file: "a file on this machine", "fail pada mesin ini";
        postgres: "PostgreSQL, shared by all nodes", "PostgreSQL, dikongsi oleh semua nod";
        running: "This node runs since", "Nod ini berjalan sejak";
        connections: "Connections now", "Sambungan sekarang";
        members: "Devices here now", "Peranti di sini sekarang";
        queue: "Jobs that wait for the store", "Kerja yang menunggu storan";
        outbox: "Bytes that wait to leave", "Bait yang menunggu untuk keluar";
        storm: "Pace", "Rentak";
        calm: "calm: nothing was held back in the last quarter of an hour",
            "tenang: tiada apa-apa ditahan dalam suku jam terakhir";
        busy: "{n} were held back or turned away in the last quarter of an hour",
            "{n} ditahan atau ditolak dalam suku jam terakhir";
        backup: "Last backup (medieco-relay backup)", "Sandaran terakhir (medieco-relay backup)";
        uptime: "Minutes of the last 24 hours in which a node ran", "Minit dalam 24 jam terakhir apabila nod berjalan";
        last_day: "The last 24 hours", "24 jam terakhir";
        devices: "Devices", "Peranti";
        changes: "Changes a minute", "Perubahan seminit";
        refused: "Connections refused a minute", "Sambungan ditolak seminit";
        limited: "Held back a minute", "Ditahan seminit";
        most: "most: {n}", "terbanyak: {n}";
        empty: "The first figures come a minute after the relay starts.", "Angka pertama tiba seminit selepas geganti bermula.";
    }
}

pub(crate) async fn page(visit: Visit) -> Result<Reply, Fault> {
    let own = Words::of(visit.lang);
    let since_ms = visit.now_ms - DAY_MS;
    let samples = visit.store(move |store| store.samples(Span::Minute, since_ms)).await?;
    let shared = &visit.console.shared;
    let ready = match shared.watch().ready().await {
        Ok(()) => own.yes.to_owned(),
        Err(why) => fill(own.no, &[("why", why.code())]),
    };
    let recent = visit.now_ms / Span::Minute.ms() - 15;
    let n_limited: u64 = samples
        .iter()
        .filter(|sample| sample.at >= recent)
        .map(|sample| sample.limited)
        .sum();
    let n_minutes = samples.iter().filter(|sample| sample.n_minutes > 0).count();
    let began_ms = visit.now_ms - i64::try_from(shared.began.elapsed().as_millis()).unwrap_or_default();
    let backup = visit.store(|store| store.last_backup_ms()).await?;
    let content = html! {
        dl.facts {
            dt { (own.ready) } dd { (ready) }
            dt { (own.version) } dd { (env!("CARGO_PKG_VERSION")) }
            dt { (own.database) } dd { @if shared.writer.is_shared() { (own.postgres) } @else { (own.file) } }
            dt { (own.running) } dd { (time::when(began_ms, visit.lang)) }
            dt { (own.connections) } dd { (shared.hub.n_connections()) }
            dt { (own.members) } dd { (shared.figures.members.get()) }
            dt { (own.queue) } dd { (shared.figures.store_queue.get()) }
            dt { (own.outbox) } dd { (shared.figures.outbox_bytes.get()) }
            dt { (own.storm) } dd {
                @if n_limited == 0 { (own.calm) } @else { (fill(own.busy, &[("n", &n_limited.to_string())])) }
            }
            @if !shared.writer.is_shared() {
                dt { (own.backup) } dd { (backup.map_or(visit.words.never.to_owned(), |ms| time::when(ms, visit.lang))) }
            }
            dt { (own.uptime) } dd { (n_minutes) " / 1440" }
        }
        h2 { (own.last_day) }
        @if samples.is_empty() { p.empty { (own.empty) } } @else {
            div.charts.four {
                (one(&visit, own.devices, &samples, |sample| sample.members))
                (one(&visit, own.changes, &samples, |sample| sample.changes))
                (one(&visit, own.refused, &samples, |sample| sample.refused))
                (one(&visit, own.limited, &samples, |sample| sample.limited))
            }
        }
    };
    Ok(layout::page(&visit, "/health", visit.words.health, content))
}

fn one(visit: &Visit, title: &str, samples: &[Sample], value: fn(&Sample) -> u64) -> Markup {
    let own = Words::of(visit.lang);
    let to = visit.now_ms / Span::Minute.ms();
    let points: Vec<Point> = samples.iter().map(|sample| (sample.at, value(sample))).collect();
    let last = points.last().filter(|(at, _)| *at >= to - 1);
    let since_ms = (to - 24 * 60) * Span::Minute.ms();
    Chart {
        title,
        now: last.map_or(String::new(), |(_, n)| time::count(*n)),
        points: &points,
        span: (to - 24 * 60, to),
        ends: (time::when(since_ms, visit.lang), visit.words.now.to_owned()),
        most: fill(own.most, &[("n", &time::count(most(&points)))]),
        top: None,
    }
    .draw()
}
