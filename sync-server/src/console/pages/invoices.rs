//! One invoice, and what is done with it.

use hyper::StatusCode;
use jiff::civil::Date;
use maud::{Markup, html};
use sync_protocol::RelayStoreFailed;

use super::invoices_list;
use crate::calendar::day_at;
use crate::console::reply::{Reply, whole};
use crate::console::second_factor::Fresh;
use crate::console::visit::{Fault, Visit};
use crate::console::words::{fill, words};
use crate::console::{layout, time};
use crate::{Invoice, InvoiceError, InvoiceState, as_pdf, ringgit};

words! {
    /// Of invoices: the list, one of them, and who sends them.
    Words {
        number: "Number", "Nombor";
        month: "Month", "Bulan";
        to: "To", "Kepada";
        total: "Total", "Jumlah";
        issued_on: "Issued", "Dikeluarkan";
        due: "Due", "Perlu dibayar";
        paid_on: "Paid", "Dibayar";
        draft_n: "draft {n}", "draf {n}";
        credits: "Credit note for {number}", "Nota kredit untuk {number}";
        all: "All", "Semua";
        draft: "Drafts", "Draf";
        issued: "Issued", "Dikeluarkan";
        paid: "Paid", "Dibayar";
        void: "Void", "Batal";
        overdue: "overdue", "tertunggak";
        shown: "Invoices that are shown", "Invois yang ditunjukkan";
        no_match: "None is in this state.", "Tiada yang dalam keadaan ini.";
        empty: "None. On the first of each month an invoice is drafted for each clinic that has a plan.",
            "Tiada. Pada hari pertama setiap bulan, invois didraf untuk setiap klinik yang mempunyai pelan.";
        run: "Draft now what is missing", "Draf sekarang yang belum ada";
        description: "Description", "Butiran";
        days: "Days", "Hari";
        of: "{n} of {all}", "{n} daripada {all}";
        a_month: "A month", "Sebulan";
        amount: "Amount", "Amaun";
        subtotal: "Before tax", "Sebelum cukai";
        tax: "Service tax (SST)", "Cukai perkhidmatan (SST)";
        pdf: "Save the PDF", "Simpan PDF";
        drafted: "Draft", "Draf";
        issue: "Issue", "Keluarkan";
        issue_why: "It gets its number and today's date, and stays as it is from then on.",
            "Ia mendapat nombor dan tarikh hari ini, dan kekal seadanya selepas itu.";
        pay: "Mark as paid", "Tandakan dibayar";
        pay_day: "Paid on", "Dibayar pada";
        unpay: "It was not paid after all", "Ia sebenarnya belum dibayar";
        undo: "Undo by a credit note", "Batalkan dengan nota kredit";
        undo_why: "The invoice stays in the books, and a credit note over the same sum beside it.",
            "Invois kekal dalam buku, bersama nota kredit dengan jumlah yang sama.";
        again: "Draft another for the same month", "Draf satu lagi untuk bulan yang sama";
        issuer: "Who sends invoices", "Penghantar invois";
        address: "Address, telephone", "Alamat, telefon";
        registration: "Company registration number", "Nombor pendaftaran syarikat";
        sst_number: "SST number (empty: none)", "Nombor SST (kosong: tiada)";
        sst: "Service tax in percent (0: none)", "Cukai perkhidmatan dalam peratus (0: tiada)";
        terms: "How to pay", "Cara membayar";
        due_days: "Days until it is due", "Tempoh bayaran dalam hari";
        save: "Save", "Simpan";
        no_issuer: "Nothing was issued. Say first who sends invoices: the form is below. Then issue the draft again.",
            "Tiada apa-apa dikeluarkan. Nyatakan dahulu siapa penghantar invois: borangnya di bawah. Kemudian keluarkan draf itu semula.";
        of_clinic: "Of one clinic: {name}", "Bagi satu klinik: {name}";
        everybody: "Show all clinics' invoices", "Tunjukkan invois semua klinik";
        open_sum: "To be paid: {sum}, of which {overdue} is overdue.", "Belum dibayar: {sum}, {overdue} daripadanya tertunggak.";
        newest: "Newest", "Terbaharu";
        before: "Newer", "Lebih baharu";
        after: "Older", "Lebih lama";
        bad_issuer: "Nothing was saved. A name is needed; texts have at most 1000 letters; the tax is written like 8 or 8.50 and is at most 50 percent; 365 days to pay are the most. Put it right below and save again.",
            "Tiada apa-apa disimpan. Nama diperlukan; teks tidak melebihi 1000 huruf; cukai ditulis seperti 8 atau 8.50 dan tidak melebihi 50 peratus; tempoh bayaran tidak melebihi 365 hari. Betulkan di bawah dan simpan semula.";
        bad_day: "Nothing was noted. An invoice is paid between the day on it and today: choose such a day.",
            "Tiada apa-apa dicatat. Invois dibayar antara tarikhnya dan hari ini: pilih hari sedemikian.";
        not_now: "Nothing was done: that is not possible with an invoice in this state. Another operator may have been faster; what is possible now is below.",
            "Tiada apa-apa dilakukan: itu tidak mungkin untuk invois dalam keadaan ini. Operator lain mungkin lebih cepat; yang boleh dilakukan sekarang ada di bawah.";
    }
}

pub(super) fn state_words(own: &Words, state: InvoiceState) -> &'static str {
    match state {
        InvoiceState::Draft => own.draft,
        InvoiceState::Issued => own.issued,
        InvoiceState::Paid => own.paid,
        InvoiceState::Void => own.void,
    }
}

pub(super) fn state(visit: &Visit, one: &Invoice) -> Markup {
    let own = Words::of(visit.lang);
    let is_overdue = one.state == InvoiceState::Issued
        && !one.is_credit_note()
        && one.due.is_some_and(|due| due < day_at(visit.now_ms));
    let kind = match one.state {
        InvoiceState::Draft | InvoiceState::Void => "off",
        InvoiceState::Issued if is_overdue => "bad",
        InvoiceState::Issued => "wait",
        InvoiceState::Paid => "good",
    };
    html! {
        span class={ "state " (kind) } {
            @if is_overdue { span aria-hidden="true" { "▲ " } }
            @if one.state == InvoiceState::Draft { (own.drafted) } @else { (state_words(own, one.state)) }
            @if is_overdue { ", " (own.overdue) }
        }
    }
}

pub(super) fn number(visit: &Visit, one: &Invoice) -> String {
    let own = Words::of(visit.lang);
    one.code
        .clone()
        .unwrap_or_else(|| fill(own.draft_n, &[("n", &one.id.to_string())]))
}

/// A day in the language's words.
pub(super) fn day(visit: &Visit, day: Option<Date>) -> Markup {
    day.map_or_else(|| html! { "–" }, |day| time::date(day, visit.lang))
}

async fn known(visit: &Visit) -> Result<Invoice, Fault> {
    let id = visit.number()?.to_string();
    let known = visit.store(move |store| settled(store.invoice(&id))).await?;
    known.map_err(|_| Fault::NotFound)
}

pub(crate) async fn one(visit: Visit) -> Result<Reply, Fault> {
    shown(&visit, StatusCode::OK, html! {}).await
}

async fn shown(visit: &Visit, status: StatusCode, notice: Markup) -> Result<Reply, Fault> {
    let own = Words::of(visit.lang);
    let one = known(visit).await?;
    let bill = &one.bill;
    let content = html! {
        (notice)
        dl.facts {
            dt { (visit.words.state) } dd { (state(visit, &one)) }
            dt { (own.month) } dd { (time::month(one.month, visit.lang)) }
            dt { (own.to) } dd { a href={ "/clinics/" (one.clinic) } { (bill.buyer_name) } }
            @if one.issued.is_some() { dt { (own.issued_on) } dd { (day(visit, one.issued)) } }
            @if one.issued.is_some() && !one.is_credit_note() { dt { (own.due) } dd { (day(visit, one.due)) } }
            @if one.paid.is_some() { dt { (own.paid_on) } dd { (day(visit, one.paid)) } }
        }
        div.wide { table {
            caption.hidden { (own.description) }
            thead { tr {
                th scope="col" { (own.description) } th.number scope="col" { (own.days) }
                th.number scope="col" { (own.a_month) } th.number scope="col" { (own.amount) }
            } }
            tbody {
                @for line in &bill.lines {
                    tr {
                        th scope="row" { (line.plan) br; small { (time::date(line.from, visit.lang)) " – " (time::date(line.to, visit.lang)) } }
                        td.number { (fill(own.of, &[("n", &line.days.to_string()), ("all", &line.of_days.to_string())])) }
                        td.number { (ringgit(line.price_sen)) }
                        td.number { (ringgit(line.amount_sen)) }
                    }
                }
                @if bill.tax_bp > 0 {
                    tr { th scope="row" { (own.subtotal) } td { } td { } td.number { (ringgit(bill.subtotal_sen)) } }
                    tr { th scope="row" { (own.tax) } td { } td { } td.number { (ringgit(bill.tax_sen)) } }
                }
                tr { th scope="row" { (own.total) } td { } td { } td.number { strong { (ringgit(bill.total_sen)) } } }
            }
        } }
        p { a.button href={ "/invoices/" (one.id) "/pdf" } { (own.pdf) } }
        (acts(visit, &one))
    };
    let title = match &one.credits {
        Some(of) => format!("{} · {}", number(visit, &one), fill(own.credits, &[("number", of)])),
        None => number(visit, &one),
    };
    Ok(layout::page_with(status, visit, "/invoices", &title, content))
}

fn acts(visit: &Visit, one: &Invoice) -> Markup {
    let own = Words::of(visit.lang);
    let at = |act: &str| format!("/invoices/{}/{act}", one.id);
    let today = day_at(visit.now_ms).to_string();
    html! {
        @match one.state {
            InvoiceState::Draft => form.stack method="post" action=(at("issue")) {
                (layout::token(visit))
                p.hint { (own.issue_why) }
                p.acts { button.primary { (own.issue) } }
            },
            InvoiceState::Issued if !one.is_credit_note() => {
                section {
                    h2 { (own.pay) }
                    form.row method="post" action=(at("paid")) {
                        (layout::token(visit))
                        p.field {
                            label for="day" { (own.pay_day) }
                            input #day type="date" name="day" required value=(visit.form.typed("day", &today)) max=(today)
                                aria-describedby="day-form";
                            small #day-form { (visit.words.day_form) }
                        }
                        button.primary { (own.pay) }
                    }
                }
                section {
                    h2 { (own.undo) }
                    form.stack method="post" action=(at("void")) {
                        (layout::token(visit))
                        p.hint { (own.undo_why) }
                        p { label { input type="checkbox" name="again" value="yes"; " " (own.again) } }
                        (layout::code_field(visit, "code"))
                        p.acts { button.danger { (own.undo) } }
                    }
                }
            }
            InvoiceState::Paid => form.row method="post" action=(at("unpaid")) { (layout::token(visit)) button { (own.unpay) } },
            InvoiceState::Issued | InvoiceState::Void => {}
        }
    }
}

pub(crate) async fn issue(visit: Visit) -> Result<Reply, Fault> {
    let (id, by, now_ms) = (visit.number()?, visit.by(), visit.now_ms);
    let issued = visit
        .store(move |store| settled(store.issue_invoice(id, &by, now_ms)))
        .await?;
    finish(&visit, id, issued.map(drop)).await
}

pub(crate) async fn paid(visit: Visit) -> Result<Reply, Fault> {
    let own = Words::of(visit.lang);
    let Ok(day) = visit.form.one("day").trim().parse::<Date>() else {
        return shown(
            &visit,
            StatusCode::UNPROCESSABLE_ENTITY,
            layout::notice("bad", own.bad_day),
        )
        .await;
    };
    let (id, by, now_ms) = (visit.number()?, visit.by(), visit.now_ms);
    let paid = visit
        .store(move |store| settled(store.mark_paid(id, day, &by, now_ms)))
        .await?;
    finish(&visit, id, paid).await
}

pub(crate) async fn unpaid(visit: Visit) -> Result<Reply, Fault> {
    let (id, by, now_ms) = (visit.number()?, visit.by(), visit.now_ms);
    let unpaid = visit
        .store(move |store| settled(store.mark_unpaid(id, &by, now_ms)))
        .await?;
    finish(&visit, id, unpaid).await
}

pub(crate) async fn void(visit: Visit) -> Result<Reply, Fault> {
    if let Fresh::Not(status, why) = visit.fresh_code().await? {
        return shown(&visit, status, why).await;
    }
    let again = visit.form.one("again") == "yes";
    let (id, by, now_ms) = (visit.number()?, visit.by(), visit.now_ms);
    let voided = visit
        .store(move |store| settled(store.void_invoice(id, again, &by, now_ms)))
        .await?;
    finish(&visit, id, voided.map(drop)).await
}

pub(crate) async fn pdf(visit: Visit) -> Result<Reply, Fault> {
    let one = known(&visit).await?;
    let name = format!(
        "{}.pdf",
        one.code.clone().unwrap_or_else(|| format!("draft-{}", one.id))
    );
    let pdf = tokio::task::spawn_blocking(move || as_pdf(&one))
        .await
        .map_err(|_| Fault::Failed)?;
    let pdf = pdf.map_err(|error| {
        tracing::error!(%error, "an invoice is not put on paper");
        Fault::Failed
    })?;
    Ok(Reply::file(&name, "application/pdf", whole(pdf)))
}

async fn finish(visit: &Visit, id: i64, done: Result<(), InvoiceError>) -> Result<Reply, Fault> {
    let own = Words::of(visit.lang);
    let (status, why) = match done {
        Ok(()) => return Ok(Reply::see(&format!("/invoices/{id}"))),
        Err(InvoiceError::Unknown) => return Err(Fault::NotFound),
        Err(InvoiceError::NoIssuer) => {
            let notice = layout::notice("bad", own.no_issuer);
            return invoices_list::list(visit, StatusCode::CONFLICT, notice).await;
        }
        Err(InvoiceError::BadDay) => (StatusCode::UNPROCESSABLE_ENTITY, own.bad_day),
        Err(_) => (StatusCode::CONFLICT, own.not_now),
    };
    shown(visit, status, layout::notice("bad", why)).await
}

/// A store that failed fails the page; everything else is said on it.
pub(super) fn settled<T>(done: Result<T, InvoiceError>) -> Result<Result<T, InvoiceError>, RelayStoreFailed> {
    match done {
        Err(InvoiceError::Store(error)) => Err(error),
        done => Ok(done),
    }
}
