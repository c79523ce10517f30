//! Plans: what clinics may use, and what it costs.

use hyper::StatusCode;
use maud::{Markup, html};
use sync_protocol::RelayStoreFailed;

use crate::console::reply::Reply;
use crate::console::visit::{Fault, Visit};
use crate::console::words::{fill, fill_in, words};
use crate::console::{layout, time};
use crate::{PlanError, PlanRow, PlanTerms, read_ringgit, read_size, ringgit, size};

words! {
    /// Of plans.
    Words {
        price: "A month", "Sebulan";
        devices: "Devices", "Peranti";
        staff: "Staff", "Kakitangan";
        stored: "Storage", "Storan";
        requests: "Messages a month", "Mesej sebulan";
        no_limit: "no limit", "tiada had";
        since: "Version {n}, since {day}", "Versi {n}, sejak {day}";
        clinics: "Clinics", "Klinik";
        retired: "retired", "ditamatkan";
        edit: "Change {name}", "Ubah {name}";
        add: "Add a plan", "Tambah pelan";
        save: "Save", "Simpan";
        retire: "Retire", "Tamatkan";
        retire_why: "No clinic is put on it any more. Who has it keeps it.",
            "Tiada klinik diletakkan padanya lagi. Klinik yang sudah memilikinya kekal dengannya.";
        change_why: "Limits hold at once, the price from today on. Invoices that were issued stay as they are.",
            "Had berkuat kuasa serta-merta, harga mulai hari ini. Invois yang telah dikeluarkan kekal seadanya.";
        limits_why: "A limit that is left empty is none. At 80 % a clinic is warned. At 100 % new devices, or attachments, are not taken; everything clinical always is.",
            "Had yang dibiarkan kosong bermakna tiada had. Pada 80 % klinik diberi amaran. Pada 100 % peranti baharu, atau lampiran, tidak diterima; semua yang klinikal sentiasa diterima.";
        staff_why: "Nothing is refused by the number of staff: the relay cannot count people, the clinic's devices say how many there are.",
            "Tiada apa-apa ditolak kerana bilangan kakitangan: geganti tidak dapat mengira orang, peranti klinik yang menyatakannya.";
        price_field: "Ringgit a month, before tax", "Ringgit sebulan, sebelum cukai";
        size_field: "Storage (500MB, 20GB)", "Storan (500MB, 20GB)";
        empty: "No plan yet. Without one a clinic has no limits and gets no invoices.",
            "Belum ada pelan. Tanpa pelan, klinik tiada had dan tidak menerima invois.";
        bad_number: "Nothing was saved. Amounts are written like 300 or 300.50, sizes like 500MB or 20GB, limits as whole numbers.",
            "Tiada apa-apa disimpan. Jumlah ditulis seperti 300 atau 300.50, saiz seperti 500MB atau 20GB, had sebagai nombor bulat.";
        bad_name: "A plan's name has 1 to 60 letters, on one line.", "Nama pelan mempunyai 1 hingga 60 huruf, dalam satu baris.";
        bad_terms: "Nothing was saved: the price or a limit is out of all proportion. Is a digit or a unit too many?",
            "Tiada apa-apa disimpan: harga atau had tidak munasabah. Adakah terlebih angka atau unit?";
    }
}

pub(crate) async fn page(visit: Visit) -> Result<Reply, Fault> {
    shown(&visit, StatusCode::OK, html! {}).await
}

/// A form that was sent and not done is open, with what was typed in it: the plan's own, or else that for a new one.
async fn shown(visit: &Visit, status: StatusCode, notice: Markup) -> Result<Reply, Fault> {
    let (own, words, now_ms) = (Words::of(visit.lang), visit.words, visit.now_ms);
    let plans = visit.store(move |store| store.plans(now_ms)).await?;
    let (is_sent, sent) = (visit.form.has("price"), visit.form.one("name").trim());
    let is_new = is_sent && plans.iter().all(|plan| plan.name != sent);
    let content = html! {
        (notice)
        @if plans.is_empty() { p.empty { (own.empty) } } @else {
            div.wide { table {
                caption.hidden { (words.plans) }
                thead { tr {
                    th scope="col" { (words.name) } th.number scope="col" { (own.price) }
                    th.number scope="col" { (own.devices) } th.number scope="col" { (own.staff) }
                    th.number scope="col" { (own.stored) } th.number scope="col" { (own.requests) }
                    th.number scope="col" { (own.clinics) }
                } }
                tbody { @for plan in &plans { (row(visit, plan)) } }
            } }
            section { @for plan in &plans { (change(visit, plan, is_sent && plan.name == sent)) } }
        }
        details.fold open[plans.is_empty() || is_new] {
            summary { (own.add) }
            form.stack method="post" action="/plans" {
                (layout::token(visit))
                p.field { label for="name" { (words.name) } input #name name="name" required maxlength="60" value=[is_new.then_some(sent)]; }
                (fields(visit, "new", &PlanTerms::default(), is_new))
                p.hint { (own.limits_why) }
                p.hint { (own.staff_why) }
                p.acts { button.primary { (own.add) } }
            }
        }
    };
    Ok(layout::page_with(status, visit, "/plans", words.plans, content))
}

fn row(visit: &Visit, plan: &PlanRow) -> Markup {
    let own = Words::of(visit.lang);
    let n = |limit: Option<u64>| limit.map_or(own.no_limit.to_owned(), time::count);
    let day = plan
        .from_day
        .parse()
        .map_or_else(|_| html! { (plan.from_day) }, |day| time::date(day, visit.lang));
    let version = fill_in(own.since, &[("n", html! { (plan.version) }), ("day", day)]);
    html! {
        tr {
            th scope="row" {
                (plan.name)
                @if plan.is_retired { " " span.off { "(" (own.retired) ")" } }
                br; small { (version) }
            }
            td.number { (ringgit(plan.terms.price_sen)) }
            td.number { (n(plan.terms.devices)) }
            td.number { (n(plan.terms.staff)) }
            td.number { (plan.terms.bytes.map_or(own.no_limit.to_owned(), time::bytes)) }
            td.number { (n(plan.terms.requests)) }
            td.number { (plan.n_clinics) }
        }
    }
}

/// The forms of one plan, folded away.
fn change(visit: &Visit, plan: &PlanRow, is_sent: bool) -> Markup {
    let own = Words::of(visit.lang);
    let id = format!("plan-{}", plan.number);
    html! {
        details.fold open[is_sent] {
            summary { (fill(own.edit, &[("name", &plan.name)])) }
            form.stack method="post" action="/plans" {
                (layout::token(visit))
                input type="hidden" name="name" value=(plan.name);
                (fields(visit, &id, &plan.terms, is_sent))
                p.hint { (own.change_why) }
                p.acts { button.primary { (own.save) } }
            }
            @if !plan.is_retired {
                form.stack method="post" action="/plans/retire" {
                    (layout::token(visit))
                    input type="hidden" name="name" value=(plan.name);
                    p.hint { (own.retire_why) }
                    p.acts { button { (own.retire) } }
                }
            }
        }
    }
}

fn fields(visit: &Visit, id: &str, terms: &PlanTerms, is_sent: bool) -> Markup {
    let own = Words::of(visit.lang);
    let text = |n: Option<u64>| n.map(|n| n.to_string()).unwrap_or_default();
    let price = format!("{}.{:02}", terms.price_sen / 100, terms.price_sen % 100);
    let all = [
        ("price", own.price_field, price, true),
        ("devices", own.devices, text(terms.devices), false),
        ("staff", own.staff, text(terms.staff), false),
        (
            "storage",
            own.size_field,
            terms.bytes.map(size).unwrap_or_default(),
            false,
        ),
        ("requests", own.requests, text(terms.requests), false),
    ];
    html! {
        @for (name, label, known, required) in all {
            @let value = if is_sent { visit.form.typed(name, &known) } else { &known };
            p.field {
                label for=(format!("{id}-{name}")) { (label) }
                input id=(format!("{id}-{name}")) name=(name) value=(value) required[required] maxlength="20" autocomplete="off";
            }
        }
    }
}

/// What was typed; `None` when it cannot be read.
fn read(visit: &Visit) -> Option<PlanTerms> {
    let typed = |name| Some(visit.form.one(name).trim()).filter(|text| !text.is_empty());
    let limit = |name| {
        typed(name)
            .map(|text| text.parse::<u64>().ok())
            .map_or(Some(None), |n| n.map(Some))
    };
    Some(PlanTerms {
        price_sen: read_ringgit(typed("price")?).ok()?,
        devices: limit("devices")?,
        staff: limit("staff")?,
        bytes: match typed("storage") {
            None => None,
            Some(text) => Some(read_size(text).ok()?),
        },
        requests: limit("requests")?,
    })
}

pub(crate) async fn set(visit: Visit) -> Result<Reply, Fault> {
    let own = Words::of(visit.lang);
    let Some(terms) = read(&visit) else {
        return wrong(&visit, own.bad_number).await;
    };
    let Some(name) = visit.form.line("name", 60).map(str::to_owned) else {
        return wrong(&visit, own.bad_name).await;
    };
    let (by, now_ms) = (visit.by(), visit.now_ms);
    let set = visit
        .store(move |store| settled(store.set_plan(&name, &terms, &by, now_ms)))
        .await?;
    match set {
        Ok(_) => Ok(Reply::see("/plans")),
        Err(PlanError::BadName) => wrong(&visit, own.bad_name).await,
        Err(_) => wrong(&visit, own.bad_terms).await,
    }
}

pub(crate) async fn retire(visit: Visit) -> Result<Reply, Fault> {
    let (name, by, now_ms) = (visit.form.one("name").to_owned(), visit.by(), visit.now_ms);
    let retired = visit
        .store(move |store| settled(store.retire_plan(&name, &by, now_ms)))
        .await?;
    retired.map_err(|_| Fault::NotFound)?;
    Ok(Reply::see("/plans"))
}

async fn wrong(visit: &Visit, why: &str) -> Result<Reply, Fault> {
    shown(visit, StatusCode::UNPROCESSABLE_ENTITY, layout::notice("bad", why)).await
}

/// A store that failed fails the page; everything else is said on it.
pub(super) fn settled<T>(done: Result<T, PlanError>) -> Result<Result<T, PlanError>, RelayStoreFailed> {
    match done {
        Err(PlanError::Store(error)) => Err(error),
        done => Ok(done),
    }
}
