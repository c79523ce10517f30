//! The operator's list of clinics: searched, sorted, and added to.

use std::cmp::Reverse;

use hyper::StatusCode;
use maud::{Markup, html};

use super::clinic::invitation;
use crate::console::reply::Reply;
use crate::console::visit::{Fault, Visit};
use crate::console::words::words;
use crate::console::{layout, time};
use crate::{ClinicCard, ClinicError, Standing};

/// Longer than any clinic's name.
pub(super) const MAX_NAME_CHARS: usize = 100;
const A_PAGE: usize = 100;

words! {
    /// Of the list of clinics.
    Words {
        add: "Add a clinic", "Tambah klinik";
        add_why: "Its name on your list. You will be shown its invitation once: good for one clinic, for 72 hours.",
            "Namanya dalam senarai anda. Jemputannya akan ditunjukkan sekali: untuk satu klinik, selama 72 jam.";
        search: "Search by name or id", "Cari mengikut nama atau id";
        find: "Search", "Cari";
        sort: "Sorted by", "Disusun mengikut";
        invited: "invited", "dijemput";
        lapsed: "invitation ended", "jemputan tamat";
        active: "active", "aktif";
        suspended: "suspended", "digantung";
        removed: "removed", "dibuang";
        devices: "Devices", "Peranti";
        here_now: "{n} here now", "{n} di sini sekarang";
        seen: "Last seen", "Terakhir dilihat";
        changes: "Changes", "Perubahan";
        stored: "Attachments", "Lampiran";
        closed: "gives nothing until it has confirmed", "tidak memberi apa-apa sehingga ia mengesahkan";
        empty: "No clinic is on the list yet. Add one: its owner joins with the invitation, and it appears here.",
            "Belum ada klinik dalam senarai. Tambah satu: pemiliknya menyertai dengan jemputan, dan ia muncul di sini.";
        no_match: "No clinic has this in its name or id.", "Tiada klinik mempunyai ini dalam nama atau idnya.";
        more: "There are {n} more. Search for the one that you want.", "Ada {n} lagi. Cari yang anda mahukan.";
        taken: "There is a clinic of this name already.", "Klinik dengan nama ini sudah ada.";
        bad_name: "A name has one to 100 letters, on one line.", "Nama mempunyai satu hingga 100 huruf, dalam satu baris.";
    }
}

/// A clinic's state, with a mark beside the word: colour alone says nothing.
pub(super) fn state(visit: &Visit, card: &ClinicCard) -> Markup {
    let own = Words::of(visit.lang);
    let (kind, mark, word) = match (&card.standing, card.tenant, card.invited_until_ms) {
        (Standing::Suspended { .. }, ..) => ("warn", "⏸", own.suspended),
        (Standing::Removed { .. }, ..) => ("off", "✕", own.removed),
        (Standing::Good, Some(_), _) => ("good", "●", own.active),
        (Standing::Good, None, Some(until)) if until > visit.now_ms => ("wait", "✉", own.invited),
        (Standing::Good, None, _) => ("off", "✉", own.lapsed),
    };
    html! {
        span class={ "state " (kind) } { span aria-hidden="true" { (mark) } " " (word) }
        @if card.closed { br; small { (own.closed) } }
    }
}

pub(crate) async fn page(visit: Visit) -> Result<Reply, Fault> {
    shown(&visit, StatusCode::OK, html! {}).await
}

async fn shown(visit: &Visit, status: StatusCode, notice: Markup) -> Result<Reply, Fault> {
    let (own, words) = (Words::of(visit.lang), visit.words);
    let mut cards = visit.store(|store| store.clinic_cards()).await?;
    let n_all = cards.len();
    let (wanted, sort) = (visit.query.one("q").trim().to_lowercase(), visit.query.one("sort"));
    let has = |card: &ClinicCard| {
        let id = card.tenant.map(|tenant| tenant.to_string()).unwrap_or_default();
        card.name.to_lowercase().contains(&wanted) || id.starts_with(&wanted)
    };
    cards.retain(has);
    match sort {
        "seen" => cards.sort_by_key(|card| Reverse(card.seen_ms)),
        "stored" => cards.sort_by_key(|card| Reverse(card.n_attachment_bytes)),
        "changes" => cards.sort_by_key(|card| Reverse(card.changes)),
        "state" => cards.sort_by_key(|card| (standing_order(card), card.name.to_lowercase())),
        _ => cards.sort_by_key(|card| card.name.to_lowercase()),
    }
    let n_more = cards.len().saturating_sub(A_PAGE);
    cards.truncate(A_PAGE);
    let sorts = [
        ("name", words.name),
        ("state", words.state),
        ("seen", own.seen),
        ("changes", own.changes),
        ("stored", own.stored),
    ];
    let content = html! {
        (notice)
        @if n_all == 0 { p.empty { (own.empty) } } @else {
            form.row method="get" action="/clinics" role="search" {
                p.field { label for="q" { (own.search) } input #q name="q" type="search" value=(visit.query.one("q")) maxlength="100"; }
                p.field {
                    label for="sort" { (own.sort) }
                    select #sort name="sort" {
                        @for (key, name) in sorts { option value=(key) selected[key == sort] { (name) } }
                    }
                }
                button { (own.find) }
            }
            @if cards.is_empty() { p.empty { (own.no_match) } } @else { (table(visit, &cards)) }
            @if n_more > 0 { p { (crate::console::words::fill(own.more, &[("n", &n_more.to_string())])) } }
        }
        section {
            h2 { (own.add) }
            form.stack method="post" action="/clinics" {
                (layout::token(visit))
                p.hint { (own.add_why) }
                p.field { label for="name" { (words.name) } input #name name="name" required autocomplete="off" maxlength=(MAX_NAME_CHARS); }
                p.acts { button.primary { (own.add) } }
            }
        }
    };
    Ok(layout::page_with(status, visit, "/clinics", words.clinics, content))
}

fn table(visit: &Visit, cards: &[ClinicCard]) -> Markup {
    let (own, words) = (Words::of(visit.lang), visit.words);
    html! {
        div.wide { table {
            caption.hidden { (words.clinics) }
            thead { tr {
                th scope="col" { (words.name) } th scope="col" { (words.state) } th scope="col" { (own.seen) }
                th.number scope="col" { (own.devices) } th.number scope="col" { (own.changes) } th.number scope="col" { (own.stored) }
            } }
            tbody {
                @for card in cards {
                    @let here = card.tenant.map_or(0, |tenant| visit.console.shared.hub.n_of(&tenant));
                    tr {
                        th scope="row" { a href={ "/clinics/" (card.number) } { (card.name) } }
                        td { (state(visit, card)) }
                        td {
                            @if here > 0 { (visit.words.now) }
                            @else { (card.seen_ms.map_or(words.never.to_owned(), |ms| time::when(ms, visit.lang))) }
                        }
                        td.number { (crate::console::words::fill(own.here_now, &[("n", &here.to_string())])) }
                        td.number { (card.changes) }
                        td.number { (time::bytes(card.n_attachment_bytes)) }
                    }
                }
            }
        } }
    }
}

fn standing_order(card: &ClinicCard) -> u8 {
    match (&card.standing, card.tenant) {
        (Standing::Suspended { .. }, _) => 0,
        (Standing::Good, None) => 1,
        (Standing::Good, Some(_)) => 2,
        (Standing::Removed { .. }, _) => 3,
    }
}

pub(crate) async fn add(visit: Visit) -> Result<Reply, Fault> {
    let own = Words::of(visit.lang);
    let Some(name) = visit.form.line("name", MAX_NAME_CHARS).map(str::to_owned) else {
        return shown(
            &visit,
            StatusCode::UNPROCESSABLE_ENTITY,
            layout::notice("bad", own.bad_name),
        )
        .await;
    };
    let (by, now_ms, listed) = (visit.by(), visit.now_ms, name.clone());
    let added = visit
        .store(
            move |store| match store.list_clinic(&listed, &by, now_ms, &mut rand::rng()) {
                Err(ClinicError::Store(error)) => Err(error),
                added => Ok(added),
            },
        )
        .await?;
    match added {
        Ok((number, token, ends_ms)) => invitation(&visit, number, &name, token, ends_ms).await,
        Err(_) => shown(&visit, StatusCode::CONFLICT, layout::notice("bad", own.taken)).await,
    }
}
