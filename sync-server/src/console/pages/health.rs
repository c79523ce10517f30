//! How the relay is, and how it was.

use maud::{Markup, html};
use prometheus_client::metrics::gauge::Gauge;

use crate::console::chart::{Chart, Point, most};
use crate::console::reply::Reply;
use crate::console::visit::{Fault, Visit};
use crate::console::words::{fill, words};
use crate::console::{layout, time};
use crate::{NodeSample, NotReady, Sample, Span};

const DAY_MS: i64 = 24 * 60 * 60 * 1000;

words! {
    /// Of the relay's health.
    Words {
        ready: "Ready", "Sedia";
        yes: "yes", "ya";
        draining: "no: it was asked to stop, and lets nobody in any more", "tidak: ia diminta berhenti, dan tidak menerima sesiapa lagi";
        store_slow: "no: its store does not answer within a second. The relay's log says more; is the disk full, or the database away?",
            "tidak: storannya tidak menjawab dalam sesaat. Log geganti menerangkan lebih lanjut; adakah cakera penuh, atau pangkalan data terputus?";
        version: "Version", "Versi";
        database: "Database", "Pangkalan data";
        file: "a file on this machine", "fail pada mesin ini";
        postgres: "PostgreSQL, shared by all nodes", "PostgreSQL, dikongsi oleh semua nod";
        running: "This node runs since", "Nod ini berjalan sejak";
        connections: "Connections now", "Sambungan sekarang";
        members: "Devices here now", "Peranti di sini sekarang";
        queue: "Jobs that wait for the store", "Tugas yang menunggu storan";
        outbox: "Waiting to leave", "Menunggu untuk dihantar";
        outbox_of_node: "Waiting to leave this node", "Menunggu untuk dihantar dari nod ini";
        nodes: "Nodes", "Nod";
        nodes_why: "This node as it is now, the others as they kept it in their last minute. A node that has kept nothing for two minutes is not here. Prometheus asks each node by itself.",
            "Nod ini seperti sekarang, yang lain seperti yang disimpannya pada minit terakhir. Nod yang tidak menyimpan apa-apa selama dua minit tiada di sini. Prometheus bertanya kepada setiap nod secara berasingan.";
        node: "Node, as in its log", "Nod, seperti dalam lognya";
        this_one: "(this one)", "(nod ini)";
        as_of: "As of", "Setakat";
        connections_of: "Connections", "Sambungan";
        waiting: "Jobs that wait", "Tugas menunggu";
        storm: "Pace", "Kesibukan";
        calm: "calm: nothing was held back in the last quarter of an hour",
            "tenang: tiada apa-apa ditahan dalam suku jam terakhir";
        busy: "{n} were held back or turned away in the last quarter of an hour",
            "{n} ditahan atau ditolak dalam suku jam terakhir";
        backup: "Last backup (medieco-relay backup)", "Sandaran terakhir (medieco-relay backup)";
        uptime: "Minutes of the last 24 hours in which a node ran", "Bilangan minit nod berjalan dalam 24 jam terakhir";
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
    let (now_ms, since_ms) = (visit.now_ms, visit.now_ms - DAY_MS);
    let samples = visit.store(move |store| store.samples(Span::Minute, since_ms)).await?;
    let nodes = nodes(&visit).await?;
    let shared = &visit.console.shared;
    let ready = match shared.watch().ready().await {
        Ok(()) => own.yes,
        Err(NotReady::Draining) => own.draining,
        Err(NotReady::StoreSlow) => own.store_slow,
    };
    let recent = now_ms / Span::Minute.ms() - 15;
    let n_limited: u64 = samples
        .iter()
        .filter(|sample| sample.at >= recent)
        .map(|sample| sample.limited)
        .sum();
    let n_minutes = samples.iter().filter(|sample| sample.n_minutes > 0).count();
    let began_ms = now_ms - i64::try_from(shared.began.elapsed().as_millis()).unwrap_or_default();
    let backup = visit.store(|store| store.last_backup_ms()).await?;
    let is_shared = shared.writer.is_shared();
    let sum = |value: fn(&Sample) -> u64| time::count(nodes.iter().map(|one| value(&one.sample)).sum());
    let content = html! {
        dl.facts {
            dt { (own.ready) } dd { (ready) }
            dt { (own.version) } dd { (env!("CARGO_PKG_VERSION")) }
            dt { (own.database) } dd { @if is_shared { (own.postgres) } @else { (own.file) } }
            dt { (own.running) } dd { (time::when(began_ms, visit.lang)) }
            @if is_shared { dt { (own.nodes) } dd { (nodes.len()) } }
            dt { (own.connections) } dd { (sum(|sample| sample.connections)) }
            dt { (own.members) } dd { (sum(|sample| sample.members)) }
            dt { (own.queue) } dd { (sum(|sample| sample.queue)) }
            dt { @if is_shared { (own.outbox_of_node) } @else { (own.outbox) } }
            dd { (time::bytes(u64::try_from(shared.figures.outbox_bytes.get()).unwrap_or_default())) }
            dt { (own.storm) } dd {
                @if n_limited == 0 { (own.calm) } @else { (fill(own.busy, &[("n", &time::count(n_limited))])) }
            }
            @if !is_shared {
                dt { (own.backup) }
                dd { @match backup { Some(ms) => (time::when(ms, visit.lang)), None => (visit.words.never) } }
            }
            dt { (own.uptime) } dd { (n_minutes) " / 1440" }
        }
        @if is_shared { (table(&visit, &nodes)) }
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

/// This node as it is now, and others that share its database as they were in their last minute.
async fn nodes(visit: &Visit) -> Result<Vec<NodeSample>, Fault> {
    let (shared, now_ms) = (&visit.console.shared, visit.now_ms);
    let kept = visit.store(move |store| store.nodes(now_ms)).await?;
    let (mine, others): (Vec<_>, Vec<_>) = kept.into_iter().partition(|one| one.node == shared.run);
    let figures = &shared.figures;
    let level = |gauge: &Gauge| u64::try_from(gauge.get()).unwrap_or_default();
    let this = NodeSample {
        node: shared.run,
        sample: Sample {
            at: now_ms / Span::Minute.ms(),
            connections: shared.hub.n_connections() as u64,
            members: level(&figures.members),
            queue: level(&figures.store_queue),
            ..mine.first().map(|one| one.sample).unwrap_or_default()
        },
    };
    // With a file there are no others: what a run before this one kept is over.
    let others = others.into_iter().filter(|_| shared.writer.is_shared());
    Ok([this].into_iter().chain(others).collect())
}

fn table(visit: &Visit, nodes: &[NodeSample]) -> Markup {
    let (own, run) = (Words::of(visit.lang), visit.console.shared.run);
    html! {
        h2 #nodes { (own.nodes) }
        p.hint { (own.nodes_why) }
        div.wide { table {
            caption.hidden { (own.nodes) }
            thead { tr {
                th scope="col" { (own.node) } th scope="col" { (own.as_of) } th.number scope="col" { (own.connections_of) }
                th.number scope="col" { (own.devices) } th.number scope="col" { (own.waiting) }
                th.number scope="col" { (own.changes) } th.number scope="col" { (own.refused) }
                th.number scope="col" { (own.limited) }
            } }
            tbody {
                @for NodeSample { node, sample } in nodes {
                    tr {
                        th scope="row" { code { (format!("{node:08x}")) } @if *node == run { " " (own.this_one) } }
                        td.when {
                            @if *node == run { (visit.words.now) }
                            @else { (time::when(sample.at * Span::Minute.ms(), visit.lang)) }
                        }
                        td.number { (time::count(sample.connections)) }
                        td.number { (time::count(sample.members)) }
                        td.number { (time::count(sample.queue)) }
                        td.number { (time::count(sample.changes)) }
                        td.number { (time::count(sample.refused)) }
                        td.number { (time::count(sample.limited)) }
                    }
                }
            }
        } }
    }
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
        ends: (time::when(since_ms, visit.lang), html! { (visit.words.now) }),
        most: fill(own.most, &[("n", &time::count(most(&points)))]),
        top: None,
    }
    .draw()
}
