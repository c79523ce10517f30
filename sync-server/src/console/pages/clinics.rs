//! The operator's list of clinics: what wants attention first, searched, sorted, and added to.

use std::cmp::Reverse;
use std::collections::HashMap;

use hyper::StatusCode;
use maud::{Markup, html};

use super::attention::{Rank, rank};
use super::clinic::invitation;
use super::clinics_table::{Shown, table};
use crate::console::reply::Reply;
use crate::console::visit::{Fault, Visit};
use crate::console::words::{fill, words};
use crate::console::{form, layout};
use crate::{ClinicCard, ClinicError, Standing};

/// Longer than any clinic's name.
pub(super) const MAX_NAME_CHARS: usize = 100;
const A_PAGE: usize = 50;

words! {
    /// Of the list of clinics.
    Words {
        add: "Add a clinic", "Tambah klinik";
        add_name: "The new clinic's name", "Nama klinik baharu";
        make: "Add and show its invitation", "Tambah dan tunjukkan jemputannya";
        add_why: "Its name on your list. You will be shown its invitation once: good for one clinic, for 72 hours.",
            "Namanya dalam senarai anda. Jemputannya akan ditunjukkan sekali: untuk satu klinik, selama 72 jam.";
        search: "Name, plan or id", "Nama, pelan atau id";
        find: "Search", "Cari";
        sort: "Sorted by", "Disusun mengikut";
        by_need: "what wants attention", "yang perlu perhatian";
        seen: "last seen", "terakhir dilihat";
        stored: "storage used", "storan digunakan";
        messages: "messages", "mesej";
        shown: "Clinics that are shown", "Klinik yang ditunjukkan";
        all: "All {n}", "Semua {n}";
        need: "Want attention {n}", "Perlu perhatian {n}";
        suspended_n: "Suspended {n}", "Digantung {n}";
        invited_n: "Invited {n}", "Dijemput {n}";
        removed_n: "Removed {n}", "Dibuang {n}";
        invited: "invited", "dijemput";
        lapsed: "invitation ended", "jemputan tamat";
        active: "active", "aktif";
        suspended: "suspended", "digantung";
        removed: "removed", "dibuang";
        closed: "gives nothing until it has confirmed", "tidak memberi apa-apa sehingga ia mengesahkan";
        empty: "No clinic is on the list yet. Add one: its owner joins with the invitation, and it appears here.",
            "Belum ada klinik dalam senarai. Tambah satu: pemiliknya menyertai dengan jemputan, dan ia muncul di sini.";
        no_match: "No clinic is like that.", "Tiada klinik sedemikian.";
        everything: "Show all clinics", "Tunjukkan semua klinik";
        before: "Earlier", "Sebelumnya";
        after: "Further", "Seterusnya";
        range: "{from} to {to} of {n}", "{from} hingga {to} daripada {n}";
        taken: "There is a clinic of this name already. Search for it, or type another name.",
            "Klinik dengan nama ini sudah ada. Cari klinik itu, atau taip nama lain.";
        bad_name: "A name has one to 100 letters, on one line.", "Nama mempunyai satu hingga 100 huruf, dalam satu baris.";
    }
}

/// A clinic's state, with a mark beside the word: colour alone says nothing.
pub(super) fn state(visit: &Visit, card: &ClinicCard) -> Markup {
    let own = Words::of(visit.lang);
    let (kind, mark, word) = match (&card.standing, card.tenant, card.invited_until_ms) {
        (Standing::Suspended { .. }, ..) => ("warn", "‖", own.suspended),
        (Standing::Removed { .. }, ..) => ("off", "✕", own.removed),
        (Standing::Good, Some(_), _) => ("good", "●", own.active),
        (Standing::Good, None, Some(until)) if until > visit.now_ms => ("wait", "✉", own.invited),
        (Standing::Good, None, _) => ("warn", "✉", own.lapsed),
    };
    html! {
        span class={ "state " (kind) } { span aria-hidden="true" { (mark) } " " (word) }
        @if card.closed { br; small.bad { (own.closed) } }
    }
}

/// Which clinics are shown.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Which {
    All,
    Need,
    Suspended,
    Invited,
    Removed,
}

impl Which {
    const ALL: [Self; 5] = [Self::All, Self::Need, Self::Suspended, Self::Invited, Self::Removed];

    fn name(self) -> &'static str {
        match self {
            Self::All => "",
            Self::Need => "attention",
            Self::Suspended => "suspended",
            Self::Invited => "invited",
            Self::Removed => "removed",
        }
    }

    fn words(self, own: &'static Words) -> &'static str {
        match self {
            Self::All => own.all,
            Self::Need => own.need,
            Self::Suspended => own.suspended_n,
            Self::Invited => own.invited_n,
            Self::Removed => own.removed_n,
        }
    }

    /// Those that were removed are shown when they are asked for, and not among all.
    fn has(self, one: &Shown) -> bool {
        match self {
            Self::All => one.rank != Rank::Gone,
            Self::Need => one.rank <= Rank::Look,
            Self::Suspended => one.rank == Rank::Held,
            Self::Invited => one.row.card.tenant.is_none(),
            Self::Removed => one.rank == Rank::Gone,
        }
    }
}

/// What the address asks for.
struct Wanted {
    text: String,
    which: Which,
    sort: String,
    page: usize,
}

impl Wanted {
    fn read(query: &form::Pairs) -> Self {
        let named = |which: &Which| which.name() == query.one("show");
        Self {
            text: query.one("q").trim().chars().take(MAX_NAME_CHARS).collect(),
            which: Which::ALL.into_iter().find(named).unwrap_or(Which::All),
            sort: query.one("sort").to_owned(),
            page: query.one("page").parse().unwrap_or(0),
        }
    }

    fn has(&self, one: &Shown) -> bool {
        let wanted = self.text.to_lowercase();
        let card = &one.row.card;
        let id = card.tenant.map(|tenant| tenant.to_string()).unwrap_or_default();
        let is_in = |text: &str| text.to_lowercase().contains(&wanted);
        is_in(&card.name) || one.row.plan.as_deref().is_some_and(is_in) || id.starts_with(&wanted)
    }

    fn sort(&self, rows: &mut [Shown]) {
        rows.sort_by_key(|one| one.row.card.name.to_lowercase());
        match self.sort.as_str() {
            "name" => {}
            "seen" => rows.sort_by_key(|one| (!one.is_here(), Reverse(one.row.card.seen_ms))),
            "stored" => rows.sort_by_key(|one| Reverse(one.row.used.bytes.used)),
            "messages" => rows.sort_by_key(|one| Reverse(one.row.used.requests.used)),
            _ => rows.sort_by_key(|one| one.rank),
        }
    }

    /// The address of the same with something else in it.
    fn at(&self, which: Which, page: usize) -> String {
        let mut query = form_urlencoded::Serializer::new(String::new());
        let page = if page > 0 { page.to_string() } else { String::new() };
        let all = [
            ("q", &*self.text),
            ("show", which.name()),
            ("sort", &self.sort),
            ("page", &page),
        ];
        for (name, value) in all.into_iter().filter(|(_, value)| !value.is_empty()) {
            query.append_pair(name, value);
        }
        format!("/clinics?{}", query.finish())
    }
}

pub(crate) async fn page(visit: Visit) -> Result<Reply, Fault> {
    shown(&visit, StatusCode::OK, None).await
}

/// `wrong`: why what was typed as a name was not taken.
async fn shown(visit: &Visit, status: StatusCode, wrong: Option<&str>) -> Result<Reply, Fault> {
    let (own, words, now_ms) = (Words::of(visit.lang), visit.words, visit.now_ms);
    let shared = &visit.console.shared;
    let rows = visit.store(move |store| store.overview(now_ms)).await?;
    let run = shared.run;
    let elsewhere = match shared.writer.is_shared() {
        true => visit.store(move |store| store.n_elsewhere(run, now_ms)).await?,
        false => HashMap::new(),
    };
    let n_at = |tenant| shared.hub.n_of(&tenant) as u64 + elsewhere.get(&tenant).copied().unwrap_or_default();
    let rows = rows.into_iter().map(|row| {
        let n_here = row.card.tenant.map_or(0, n_at);
        let rank = rank(&row, n_here > 0, now_ms);
        Shown { row, n_here, rank }
    });
    let mut rows: Vec<Shown> = rows.collect();
    let n_all = rows.len();
    let wanted = Wanted::read(&visit.query);
    rows.retain(|one| wanted.has(one));
    let chips = chips(own, &wanted, &rows);
    rows.retain(|one| wanted.which.has(one));
    wanted.sort(&mut rows);
    let n_found = rows.len();
    let from = (wanted.page.saturating_mul(A_PAGE)).min(n_found.saturating_sub(1) / A_PAGE * A_PAGE);
    let to = (from + A_PAGE).min(n_found);
    let content = html! {
        (add_form(visit, n_all == 0 || wrong.is_some(), wrong))
        @if n_all == 0 { p.empty { (own.empty) } } @else {
            div.tools {
                (chips)
                (search(own, words.name, &wanted))
            }
            @if n_found == 0 {
                p.empty { (own.no_match) " " a href="/clinics" { (own.everything) } }
            } @else { (table(visit, rows.get(from..to).unwrap_or_default())) }
            @if n_found > A_PAGE { (pages(own, &wanted, (from, to, n_found))) }
        }
    };
    Ok(layout::page_with(status, visit, "/clinics", words.clinics, content))
}

fn chips(own: &'static Words, wanted: &Wanted, rows: &[Shown]) -> Markup {
    let n = |which: Which| rows.iter().filter(|one| which.has(one)).count();
    html! {
        ul.chips aria-label=(own.shown) {
            @for which in Which::ALL {
                @if which == wanted.which || which == Which::All || n(which) > 0 {
                    li {
                        a href=(wanted.at(which, 0)) aria-current=[(which == wanted.which).then_some("true")] {
                            (fill(which.words(own), &[("n", &n(which).to_string())]))
                        }
                    }
                }
            }
        }
    }
}

fn search(own: &'static Words, name: &'static str, wanted: &Wanted) -> Markup {
    let sorts = [
        ("", own.by_need),
        ("name", name),
        ("seen", own.seen),
        ("stored", own.stored),
        ("messages", own.messages),
    ];
    html! {
        form.search method="get" action="/clinics" role="search" {
            p.field { label for="q" { (own.search) } input #q name="q" type="search" value=(wanted.text) maxlength=(MAX_NAME_CHARS); }
            p.field {
                label for="sort" { (own.sort) }
                select #sort name="sort" {
                    @for (key, name) in sorts { option value=(key) selected[key == wanted.sort] { (name) } }
                }
            }
            @if wanted.which != Which::All { input type="hidden" name="show" value=(wanted.which.name()); }
            button { (own.find) }
        }
    }
}

fn pages(own: &'static Words, wanted: &Wanted, (from, to, n): (usize, usize, usize)) -> Markup {
    let range = [
        ("from", (from + 1).to_string()),
        ("to", to.to_string()),
        ("n", n.to_string()),
    ];
    let range: Vec<(&str, &str)> = range.iter().map(|(key, value)| (*key, value.as_str())).collect();
    let page = from / A_PAGE;
    html! {
        p.pages {
            @if page > 0 { a href=(wanted.at(wanted.which, page - 1)) { (own.before) } }
            span { (fill(own.range, &range)) }
            @if to < n { a href=(wanted.at(wanted.which, page + 1)) { (own.after) } }
        }
    }
}

fn add_form(visit: &Visit, is_open: bool, wrong: Option<&str>) -> Markup {
    let own = Words::of(visit.lang);
    html! {
        details.add open[is_open] {
            summary.primary { (own.add) }
            @if let Some(wrong) = wrong { (layout::notice("bad", wrong)) }
            form.stack method="post" action="/clinics" {
                (layout::token(visit))
                p.hint { (own.add_why) }
                p.field {
                    label for="name" { (own.add_name) }
                    input #name name="name" required autocomplete="off" maxlength=(MAX_NAME_CHARS)
                        value=(visit.form.one("name"));
                }
                p.acts { button.primary { (own.make) } }
            }
        }
    }
}

pub(crate) async fn add(visit: Visit) -> Result<Reply, Fault> {
    let own = Words::of(visit.lang);
    let Some(name) = visit.form.line("name", MAX_NAME_CHARS).map(str::to_owned) else {
        return shown(&visit, StatusCode::UNPROCESSABLE_ENTITY, Some(own.bad_name)).await;
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
        Err(_) => shown(&visit, StatusCode::CONFLICT, Some(own.taken)).await,
    }
}
