//! The table in the operator's list: one clinic a row, and on a narrow screen one a card.

use maud::{Markup, html};
use sync_protocol::{UsageLevel, Used};

use super::attention::Rank;
use super::clinics::state;
use super::usage::{class, share, strip};
use crate::console::time;
use crate::console::visit::Visit;
use crate::console::words::{fill, fill_in, words};
use crate::{ClinicOverview, InvoicesStand, Standing};

words! {
    /// Of the table.
    Words {
        clinic: "Clinic", "Klinik";
        seen: "Last seen", "Terakhir dilihat";
        sync: "Sync", "Segerak";
        devices: "Devices", "Peranti";
        staff: "Staff", "Staf";
        stored: "Storage", "Storan";
        messages: "Messages", "Mesej";
        invoices: "Invoices", "Invois";
        no_plan: "no plan", "tiada pelan";
        trial: "trial until {day}", "percubaan hingga {day}";
        here: "now ({n})", "sekarang ({n})";
        level: "up to date", "terkini";
        behind: "{n} of {all} behind", "{n} / {all} ketinggalan";
        by: "by up to {n}", "sehingga {n}";
        near: "near", "hampir";
        full: "full", "penuh";
        overdue: "overdue", "tertunggak";
        since: "since {day}", "sejak {day}";
        due: "due", "perlu dibayar";
        until: "by {day}", "selewatnya {day}";
        drafted: "to be issued", "untuk dikeluarkan";
        paid: "paid", "dibayar";
        of: "{n} / {limit}", "{n} / {limit}";
    }
}

/// A clinic of the list.
pub(super) struct Shown {
    pub(super) row: ClinicOverview,
    /// Its devices that are connected now; at other nodes, as of their last minute.
    pub(super) n_here: u64,
    pub(super) rank: Rank,
}

impl Shown {
    pub(super) fn is_here(&self) -> bool {
        self.n_here > 0
    }
}

pub(super) fn table(visit: &Visit, rows: &[Shown]) -> Markup {
    let (own, words) = (Words::of(visit.lang), visit.words);
    html! {
        // On a narrow screen the style makes cards of its rows: the roles say that it is a table all the same.
        table.cards role="table" {
            caption.hidden { (words.clinics) }
            thead role="rowgroup" { tr role="row" {
                th scope="col" role="columnheader" { (own.clinic) } th scope="col" role="columnheader" { (words.state) } th scope="col" role="columnheader" { (own.seen) }
                th scope="col" role="columnheader" { (own.sync) } th scope="col" role="columnheader" { (own.devices) } th scope="col" role="columnheader" { (own.staff) }
                th scope="col" role="columnheader" { (own.stored) } th scope="col" role="columnheader" { (own.messages) } th scope="col" role="columnheader" { (own.invoices) }
            } }
            tbody role="rowgroup" { @for one in rows { (row(visit, one)) } }
        }
    }
}

fn row(visit: &Visit, one: &Shown) -> Markup {
    let (own, words, row) = (Words::of(visit.lang), visit.words, &one.row);
    let card = &row.card;
    let edge = match one.rank {
        Rank::Act => "act",
        Rank::Look => "look",
        Rank::Held | Rank::Well | Rank::Gone => "",
    };
    html! {
        tr class=(edge) role="row" {
            th scope="row" role="rowheader" {
                a href={ "/clinics/" (card.number) } { (card.name) }
                small {
                    (row.plan.as_deref().unwrap_or(own.no_plan))
                    @if let Some(day) = row.trial_until { ", " (fill_in(own.trial, &[("day", time::date(day, visit.lang))])) }
                }
            }
            td role="cell" data-label=(words.state) { (state(visit, card)) }
            td.when role="cell" data-label=(own.seen) {
                @if one.is_here() { span.good { (fill(own.here, &[("n", &time::count(one.n_here))])) } }
                @else if card.tenant.is_none() { (nothing()) }
                @else if let Some(ms) = card.seen_ms { (time::lately(ms, visit.now_ms, visit.lang)) }
                @else { (words.never) }
            }
            td role="cell" data-label=(own.sync) { (sync(own, row)) }
            @let used = row.used;
            @let is_in = card.tenant.is_some();
            td role="cell" data-label=(own.devices) { @if is_in { (gauge(own, own.devices, used.devices, Unit::Pieces)) } @else { (nothing()) } }
            td role="cell" data-label=(own.staff) { @if is_in { (gauge(own, own.staff, used.staff, Unit::Pieces)) } @else { (nothing()) } }
            td role="cell" data-label=(own.stored) { @if is_in { (gauge(own, own.stored, used.bytes, Unit::Bytes)) } @else { (nothing()) } }
            td role="cell" data-label=(own.messages) { @if is_in { (gauge(own, own.messages, used.requests, Unit::Many)) } @else { (nothing()) } }
            td role="cell" data-label=(own.invoices) { (invoices(visit, row)) }
        }
    }
}

fn nothing() -> Markup {
    html! { span.off { "–" } }
}

/// How far its devices are behind, by what they acknowledged when they were seen last.
fn sync(own: &Words, row: &ClinicOverview) -> Markup {
    let n_devices = row.used.devices.used.unwrap_or_default();
    if row.card.standing != Standing::Good || n_devices == 0 {
        return nothing();
    }
    if row.n_behind == 0 {
        return html! { (own.level) };
    }
    let values = [("n", row.n_behind.to_string()), ("all", n_devices.to_string())];
    let values: Vec<(&str, &str)> = values.iter().map(|(key, value)| (*key, value.as_str())).collect();
    html! { span.said { (fill(own.behind, &values)) } small { (fill(own.by, &[("n", &time::count(row.behind_by))])) } }
}

/// How a figure is written.
#[derive(Clone, Copy)]
enum Unit {
    /// Few enough to be said both: `4 / 5`.
    Pieces,
    Many,
    Bytes,
}

fn gauge(own: &Words, name: &str, used: Used, unit: Unit) -> Markup {
    let words = |n: u64| match unit {
        Unit::Bytes => time::bytes(n),
        Unit::Pieces | Unit::Many => time::count(n),
    };
    let (Some(n), limit) = (used.used, used.limit) else {
        return nothing();
    };
    let Some(limit) = limit else {
        return html! { (words(n)) };
    };
    let said = match unit {
        Unit::Pieces => fill(own.of, &[("n", &words(n)), ("limit", &words(limit))]),
        Unit::Many | Unit::Bytes if n > 0 && share(n, limit) == 0 => "< 1 %".to_owned(),
        Unit::Many | Unit::Bytes => format!("{} %", share(n, limit)),
    };
    let whole = format!("{} / {}", words(n), words(limit));
    let level = match used.level {
        UsageLevel::Fine => "",
        level => class(level),
    };
    html! {
        span class={ "said " (level) } title=(whole) {
            (said)
            @match used.level {
                UsageLevel::Fine => {}
                UsageLevel::Near => { " " (own.near) }
                UsageLevel::Full => { " " (own.full) }
            }
        }
        (strip(name, used.level, n, limit))
    }
}

fn invoices(visit: &Visit, row: &ClinicOverview) -> Markup {
    let own = Words::of(visit.lang);
    let all = format!("/invoices?clinic={}", row.card.number);
    let said = |kind: &str, mark: &str, word: &str, more: Option<Markup>| {
        html! {
            a class={ "state " (kind) } href=(all) { span aria-hidden="true" { (mark) } " " (word) }
            @if let Some(more) = more { small { (more) } }
        }
    };
    let day = |text: &str, day| Some(fill_in(text, &[("day", time::date(day, visit.lang))]));
    match row.invoices {
        InvoicesStand::Overdue(due) => said("bad", "▲", own.overdue, day(own.since, due)),
        InvoicesStand::Due(due) => said("wait", "○", own.due, day(own.until, due)),
        InvoicesStand::Drafted => said("warn", "✎", own.drafted, None),
        InvoicesStand::Paid => said("good", "✓", own.paid, None),
        InvoicesStand::None => html! { span.off { (visit.words.none) } },
    }
}
