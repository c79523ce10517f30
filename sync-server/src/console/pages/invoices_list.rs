//! The list of invoices, and who sends them.

use hyper::StatusCode;
use maud::{Markup, html};

use super::invoices::{Words, day, number, settled, state, state_words};
use crate::calendar::day_at;
use crate::console::reply::Reply;
use crate::console::visit::{Fault, Visit};
use crate::console::words::fill;
use crate::console::{layout, time};
use crate::{Invoice, InvoiceState, Issuer, read_ringgit, ringgit};

const A_PAGE: usize = 100;

pub(crate) async fn page(visit: Visit) -> Result<Reply, Fault> {
    list(&visit, StatusCode::OK, html! {}).await
}

pub(super) async fn list(visit: &Visit, status: StatusCode, notice: Markup) -> Result<Reply, Fault> {
    let own = Words::of(visit.lang);
    let wanted = InvoiceState::of(visit.query.one("state"));
    let clinic: Option<i64> = visit.query.one("clinic").parse().ok();
    let mut invoices = visit.store(move |store| store.invoices(None)).await?;
    let issuer = visit.store(|store| store.issuer()).await?;
    if let Some(clinic) = clinic {
        invoices.retain(|one| one.clinic == clinic);
    }
    let sums = sums(visit, &invoices);
    let n_all = invoices.len();
    invoices.retain(|one| wanted.is_none_or(|state| one.state == state));
    let page: usize = visit.query.one("page").parse().unwrap_or(0);
    let from = page
        .saturating_mul(A_PAGE)
        .min(invoices.len().saturating_sub(1) / A_PAGE * A_PAGE);
    let shown = invoices
        .get(from..(from + A_PAGE).min(invoices.len()))
        .unwrap_or_default();
    let content = html! {
        (notice)
        @if let Some(clinic) = clinic {
            p {
                (fill(own.of_clinic, &[("name", shown.first().map_or("–", |one| &one.bill.buyer_name))])) " · "
                a href={ "/clinics/" (clinic) } { "#" (clinic) } " · "
                a href="/invoices" { (own.everybody) }
            }
        }
        @if n_all > 0 { (sums) }
        @if n_all > 0 {
            form.row method="get" action="/invoices" {
                @if let Some(clinic) = clinic { input type="hidden" name="clinic" value=(clinic); }
                p.field {
                    label for="state" { (visit.words.state) }
                    select #state name="state" {
                        option value="" selected[wanted.is_none()] { (own.all) }
                        @for state in InvoiceState::ALL {
                            option value=(state.name()) selected[wanted == Some(state)] { (state_words(own, state)) }
                        }
                    }
                }
                button { (own.show) }
            }
        }
        @if shown.is_empty() { p.empty { (own.empty) } } @else { (table(visit, shown)) }
        @if invoices.len() > A_PAGE { (pages(visit, from / A_PAGE, from + shown.len() < invoices.len())) }
        form.row method="post" action="/invoices/run" { (layout::token(visit)) button { (own.run) } }
        (issuer_form(visit, &issuer.unwrap_or_default(), !notice.0.is_empty()))
    };
    Ok(layout::page_with(
        status,
        visit,
        "/invoices",
        visit.words.invoices,
        content,
    ))
}

/// What is still to be paid, and what is still to be issued.
fn sums(visit: &Visit, invoices: &[Invoice]) -> Markup {
    let (own, today) = (Words::of(visit.lang), day_at(visit.now_ms));
    let open = |one: &&Invoice| one.state == InvoiceState::Issued && !one.is_credit_note();
    let sum = |of: &dyn Fn(&Invoice) -> bool| {
        let open = invoices.iter().filter(open).filter(|one| of(one));
        ringgit(open.map(|one| one.bill.total_sen).sum())
    };
    let (all, overdue) = (sum(&|_| true), sum(&|one| one.due.is_some_and(|due| due < today)));
    let n_drafts = invoices.iter().filter(|one| one.state == InvoiceState::Draft).count();
    html! {
        p {
            (fill(own.open_sum, &[("sum", &all), ("overdue", &overdue)])) " "
            (fill(own.to_issue, &[("n", &n_drafts.to_string())]))
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

fn pages(visit: &Visit, page: usize, has_more: bool) -> Markup {
    let own = Words::of(visit.lang);
    let at = |page: usize| {
        let mut query = form_urlencoded::Serializer::new(String::new());
        for name in ["state", "clinic"] {
            query.append_pair(name, visit.query.one(name));
        }
        query.append_pair("page", &page.to_string());
        format!("/invoices?{}", query.finish())
    };
    html! {
        p.pages {
            @if page > 0 { a href=(at(page - 1)) { (own.before) } }
            @if has_more { a href=(at(page + 1)) { (own.after) } }
        }
    }
}

/// Open when something is wrong, or nobody said it yet.
fn issuer_form(visit: &Visit, issuer: &Issuer, is_wrong: bool) -> Markup {
    let own = Words::of(visit.lang);
    let sst = format!("{}.{:02}", issuer.sst_bp / 100, issuer.sst_bp % 100);
    html! {
        details.fold open[is_wrong || issuer.name.is_empty()] {
            summary { (own.issuer) @if !issuer.name.is_empty() { ": " (issuer.name) } }
            form.stack method="post" action="/invoices/issuer" {
                (layout::token(visit))
                p.field { label for="name" { (visit.words.name) } input #name name="name" required maxlength="1000" value=(issuer.name); }
                p.field { label for="address" { (own.address) } textarea #address name="address" rows="4" maxlength="1000" { (issuer.address) } }
                p.field { label for="registration" { (own.registration) } input #registration name="registration" maxlength="1000" value=(issuer.registration); }
                p.field { label for="sst_number" { (own.sst_number) } input #sst_number name="sst_number" maxlength="1000" value=(issuer.sst_number); }
                p.field { label for="sst" { (own.sst) } input #sst name="sst" required inputmode="decimal" maxlength="6" value=(sst); }
                p.field { label for="terms" { (own.terms) } textarea #terms name="terms" rows="4" maxlength="1000" { (issuer.terms) } }
                p.field { label for="due_days" { (own.due_days) } input #due_days type="number" name="due_days" required min="0" max="365" value=(issuer.due_days); }
                p.acts { button { (own.save) } }
            }
        }
    }
}

pub(crate) async fn run(visit: Visit) -> Result<Reply, Fault> {
    let now_ms = visit.now_ms;
    visit.store(move |store| store.draft_invoices(now_ms)).await?;
    Ok(Reply::see("/invoices"))
}

pub(crate) async fn set_issuer(visit: Visit) -> Result<Reply, Fault> {
    let own = Words::of(visit.lang);
    let field = |name: &str| visit.form.one(name).replace("\r\n", "\n").trim().to_owned();
    let sst_bp = read_ringgit(&field("sst")).ok().and_then(|bp| u32::try_from(bp).ok());
    let (Some(sst_bp), Ok(due_days)) = (sst_bp, field("due_days").parse()) else {
        return list(
            &visit,
            StatusCode::UNPROCESSABLE_ENTITY,
            layout::notice("bad", own.bad_issuer),
        )
        .await;
    };
    let issuer = Issuer {
        name: field("name"),
        address: field("address"),
        registration: field("registration"),
        sst_number: field("sst_number"),
        sst_bp,
        terms: field("terms"),
        due_days,
    };
    let (by, now_ms) = (visit.by(), visit.now_ms);
    match visit
        .store(move |store| settled(store.set_issuer(&issuer, &by, now_ms)))
        .await?
    {
        Ok(()) => Ok(Reply::see("/invoices")),
        Err(_) => {
            list(
                &visit,
                StatusCode::UNPROCESSABLE_ENTITY,
                layout::notice("bad", own.bad_issuer),
            )
            .await
        }
    }
}
