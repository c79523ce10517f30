//! The list of invoices, page by page: of one state or all, of one clinic or all.

use hyper::StatusCode;
use maud::{Markup, html};

use super::invoices::{Words, day, number, state, state_words};
use super::issuer;
use crate::calendar::day_at;
use crate::console::form::Pairs;
use crate::console::reply::Reply;
use crate::console::visit::{Fault, Visit};
use crate::console::words::fill;
use crate::console::{layout, time};
use crate::{Invoice, InvoicePlace, InvoiceState, InvoiceSums, InvoicesFrom, InvoicesPage, InvoicesWanted, ringgit};

const A_PAGE: usize = 50;

/// What the address asks for. Nonsense in it asks for nothing.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
struct Asked {
    wanted: InvoicesWanted,
    from: InvoicesFrom,
}

impl Asked {
    fn read(query: &Pairs) -> Self {
        let place = |name| query.one(name).parse::<InvoicePlace>().ok();
        Self {
            wanted: InvoicesWanted {
                state: InvoiceState::of(query.one("state")),
                clinic: query.one("clinic").parse().ok(),
            },
            from: match (place("older"), place("newer")) {
                (Some(than), _) => InvoicesFrom::Older(than),
                (None, Some(than)) => InvoicesFrom::Newer(than),
                (None, None) => InvoicesFrom::Newest,
            },
        }
    }

    /// The address of the same clinic's, of this state and from there on.
    fn at(self, state: Option<InvoiceState>, from: InvoicesFrom) -> String {
        let mut query = form_urlencoded::Serializer::new(String::new());
        let clinic = self.wanted.clinic.map(|clinic| clinic.to_string());
        let (older, newer) = match from {
            InvoicesFrom::Newest => (None, None),
            InvoicesFrom::Older(than) => (Some(than.to_string()), None),
            InvoicesFrom::Newer(than) => (None, Some(than.to_string())),
        };
        let state = state.map(|state| state.name().to_owned());
        for (name, value) in [("state", state), ("clinic", clinic), ("older", older), ("newer", newer)] {
            if let Some(value) = value {
                query.append_pair(name, &value);
            }
        }
        let query = query.finish();
        if query.is_empty() {
            "/invoices".to_owned()
        } else {
            format!("/invoices?{query}")
        }
    }
}

pub(crate) async fn page(visit: Visit) -> Result<Reply, Fault> {
    list(&visit, StatusCode::OK, html! {}).await
}

pub(super) async fn list(visit: &Visit, status: StatusCode, notice: Markup) -> Result<Reply, Fault> {
    let own = Words::of(visit.lang);
    let (asked, today) = (Asked::read(&visit.query), day_at(visit.now_ms));
    let Asked { wanted, from } = asked;
    let page = visit
        .store(move |store| store.invoices_page(wanted, from, A_PAGE))
        .await?;
    let sums = visit
        .store(move |store| store.invoice_sums(wanted.clinic, today))
        .await?;
    let sender = visit.store(|store| store.issuer()).await?.unwrap_or_default();
    let whose = match wanted.clinic {
        Some(clinic) => of_clinic(visit, clinic).await?,
        None => html! {},
    };
    let content = html! {
        (notice)
        (whose)
        @if sums.n(None) == 0 { p.empty { (own.empty) } } @else {
            (open(visit, &sums))
            div.tools { (chips(own, asked, &sums)) }
            @if page.invoices.is_empty() { p.empty { (own.no_match) } } @else {
                (table(visit, &page.invoices))
                (pages(own, asked, &page))
            }
        }
        form.row method="post" action="/invoices/run" { (layout::token(visit)) button { (own.run) } }
        (issuer::form(visit, &sender, !notice.0.is_empty()))
    };
    Ok(layout::page_with(
        status,
        visit,
        "/invoices",
        visit.words.invoices,
        content,
    ))
}

/// Whose they are, and the way back to everybody's. A clinic that was taken off the list is a number.
async fn of_clinic(visit: &Visit, clinic: i64) -> Result<Markup, Fault> {
    let own = Words::of(visit.lang);
    let card = visit.store(move |store| store.clinic_card(clinic)).await?;
    let number = format!("#{clinic}");
    let name = card.as_ref().map_or(number.as_str(), |card| &card.name);
    Ok(html! {
        p {
            (fill(own.of_clinic, &[("name", name)])) " · "
            @if card.is_some() { a href={ "/clinics/" (clinic) } { (number) } " · " }
            a href="/invoices" { (own.everybody) }
        }
    })
}

/// What is still to be paid.
fn open(visit: &Visit, sums: &InvoiceSums) -> Markup {
    let own = Words::of(visit.lang);
    let (all, overdue) = (ringgit(sums.open_sen), ringgit(sums.overdue_sen));
    html! { p { (fill(own.open_sum, &[("sum", &all), ("overdue", &overdue)])) } }
}

fn chips(own: &'static Words, asked: Asked, sums: &InvoiceSums) -> Markup {
    let states = [None].into_iter().chain(InvoiceState::ALL.map(Some));
    html! {
        ul.chips aria-label=(own.shown) {
            @for one in states {
                li {
                    a href=(asked.at(one, InvoicesFrom::Newest)) aria-current=[(one == asked.wanted.state).then_some("true")] {
                        (one.map_or(own.all, |state| state_words(own, state))) " " (time::count(sums.n(one)))
                    }
                }
            }
        }
    }
}

fn table(visit: &Visit, invoices: &[Invoice]) -> Markup {
    let own = Words::of(visit.lang);
    html! {
        div.wide { table {
            caption.hidden { (visit.words.invoices) }
            thead { tr {
                th scope="col" { (own.number) } th scope="col" { (own.month) } th scope="col" { (own.to) }
                th.number scope="col" { (own.total) } th scope="col" { (visit.words.state) } th scope="col" { (own.due) }
            } }
            tbody {
                @for one in invoices {
                    tr {
                        th.when scope="row" { a href={ "/invoices/" (one.id) } { (number(visit, one)) } }
                        td.when { (time::month(one.month, visit.lang)) }
                        td { (one.bill.buyer_name) }
                        td.number { (ringgit(if one.is_credit_note() { -one.bill.total_sen } else { one.bill.total_sen })) }
                        td { (state(visit, one)) }
                        td.when { (day(visit, one.due.filter(|_| !one.is_credit_note()))) }
                    }
                }
            }
        } }
    }
}

fn pages(own: &'static Words, asked: Asked, page: &InvoicesPage) -> Markup {
    let at = |from| asked.at(asked.wanted.state, from);
    html! {
        @if page.newer.is_some() || page.older.is_some() {
            p.pages {
                @if let Some(than) = page.newer {
                    a href=(at(InvoicesFrom::Newest)) { (own.newest) }
                    a rel="prev" href=(at(InvoicesFrom::Newer(than))) { (own.before) }
                }
                @if let Some(than) = page.older { a rel="next" href=(at(InvoicesFrom::Older(than))) { (own.after) } }
            }
        }
    }
}

pub(crate) async fn run(visit: Visit) -> Result<Reply, Fault> {
    let now_ms = visit.now_ms;
    visit.store(move |store| store.draft_invoices(now_ms)).await?;
    Ok(Reply::see("/invoices"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_that_the_list_gives_is_read_back_and_nonsense_asks_for_nothing() {
        let read = |query: &str| Asked::read(&Pairs::read(query.as_bytes()));
        let place = InvoicePlace {
            month: "2026-11".parse().expect("a month"),
            clinic: 7,
            id: 123,
        };
        let wanted = InvoicesWanted {
            state: Some(InvoiceState::Paid),
            clinic: Some(7),
        };
        for from in [
            InvoicesFrom::Newest,
            InvoicesFrom::Older(place),
            InvoicesFrom::Newer(place),
        ] {
            let asked = Asked { wanted, from };
            let address = asked.at(wanted.state, from);
            let query = address.strip_prefix("/invoices?").unwrap_or_default();
            assert_eq!(read(query), asked, "{address}");
        }
        assert_eq!(Asked::default().at(None, InvoicesFrom::Newest), "/invoices");
        for nonsense in [
            "",
            "state=",
            "state=unpaid&clinic=x&older=2026-11",
            "newer=1&newer=2",
            "older=;DROP",
        ] {
            assert_eq!(read(nonsense), Asked::default(), "{nonsense}");
        }
    }
}
