//! How much a clinic uses, its plan, and to whom its invoices go: a part of the clinic's page.

use hyper::StatusCode;
use jiff::civil::Date;
use maud::{Markup, html};
use sync_protocol::{Usage, UsageLevel, Used, Wake};
use tokio::time::Instant;

use super::clinic::{Sent, shown};
use super::plans::settled;
use crate::calendar::{Month, day_at};
use crate::console::chart::{Chart, Point, most};
use crate::console::reply::Reply;
use crate::console::visit::{Fault, Visit};
use crate::console::words::{fill, fill_in, words};
use crate::console::{layout, time};
use crate::{Billing, ClinicCard, ClinicPlan, Language, PlanError, PlanRow, UsageDay};

/// Months in the charts, with the present one.
const MONTHS: i64 = 12;

words! {
    /// Of a clinic's usage and plan.
    Words {
        title: "Plan and usage", "Pelan dan penggunaan";
        plan: "Plan", "Pelan";
        none: "none: no limits, no invoices", "tiada: tiada had, tiada invois";
        no_plan: "No plan", "Tiada pelan";
        trial: "Trial until {day}, with that day", "Percubaan hingga {day}, termasuk hari itu";
        devices: "Devices", "Peranti";
        staff: "Staff, as its devices say", "Kakitangan, menurut perantinya";
        stored: "Storage", "Storan";
        requests: "Messages this month", "Mesej bulan ini";
        of: "{n} of {limit}", "{n} daripada {limit}";
        no_limit: "{n}, no limit", "{n}, tiada had";
        unknown: "not known yet", "belum diketahui";
        near: "80 % and more", "80 % atau lebih";
        full: "all used", "habis";
        refuses_devices: "New devices are not served.", "Peranti baharu tidak dilayan.";
        refuses_attachments: "Attachments are not taken: they wait on the clinic's devices.",
            "Lampiran tidak diterima: ia menunggu pada peranti klinik.";
        always: "Changes, consents and revocations always go through.", "Perubahan, persetujuan dan pembatalan sentiasa dilayan.";
        no_figures: "No figures yet.", "Belum ada angka.";
        months: "Twelve months", "Dua belas bulan";
        most: "most: {n}", "terbanyak: {n}";
        messages: "Messages", "Mesej";
        fetches: "Fetches from other clinics", "Pengambilan daripada klinik lain";
        give: "Another plan, or a trial", "Pelan lain, atau percubaan";
        set: "Give it this plan from today on", "Berikan pelan ini mulai hari ini";
        trial_field: "Last day of a trial (empty: none)", "Hari terakhir percubaan (kosong: tiada)";
        keep_places: "Devices that are its members now are served on, however many they are.",
            "Peranti yang menjadi ahlinya sekarang terus dilayan, walau berapa bilangannya.";
        billing: "Invoices go to", "Invois dihantar kepada";
        address: "Address", "Alamat";
        language: "Language", "Bahasa";
        save: "Save", "Simpan";
        bad_day: "The plan is as it was. A trial ends today or later; days are written like 2026-12-31.",
            "Pelan kekal seperti sebelumnya. Percubaan tamat hari ini atau kemudian; hari ditulis seperti 2026-12-31.";
        bad_plan: "The plan is as it was: there is no such plan any more, or it is retired. Choose another one.",
            "Pelan kekal seperti sebelumnya: pelan itu tiada lagi, atau telah ditamatkan. Pilih yang lain.";
        bad_billing: "Nothing was saved. A name is needed, on one line; name and address have at most 400 letters each.",
            "Tiada apa-apa disimpan. Nama diperlukan, dalam satu baris; nama dan alamat tidak melebihi 400 huruf setiap satu.";
    }
}

/// The part of a clinic's page. `sent`: the form that was not done, if one was.
pub(super) async fn panel(visit: &Visit, card: &ClinicCard, sent: Sent) -> Result<Markup, Fault> {
    let (number, now_ms) = (card.number, visit.now_ms);
    let known = visit
        .store(move |store| settled(store.clinic_plan(number, now_ms)))
        .await?;
    let known = known.map_err(|_| Fault::NotFound)?;
    let plans = visit.store(move |store| store.plans(now_ms)).await?;
    let since = Month::of(day_at(now_ms)).after(1 - MONTHS).first();
    let used = match card.tenant {
        None => None,
        Some(tenant) => Some(
            visit
                .store_of(tenant, move |store| {
                    Ok((store.usage_now(&tenant, now_ms)?, store.usage_days(&tenant, since)?))
                })
                .await?,
        ),
    };
    let own = Words::of(visit.lang);
    Ok(html! {
        section {
            h2 { (own.title) }
            dl.facts {
                dt { (own.plan) } dd { (known.plan.as_deref().unwrap_or(own.none)) }
                @if let Some(day) = known.trial_until.filter(|day| *day >= day_at(now_ms)) {
                    dt { } dd { (fill_in(own.trial, &[("day", time::date(day, visit.lang))])) }
                }
            }
            @if let Some((usage, days)) = &used {
                (bars(visit, usage))
                (charts(visit, days))
            }
            details.fold open[sent == Sent::Plan || known.plan.is_none()] {
                summary { (own.give) }
                (plan_form(visit, &known, &plans, sent))
            }
            details.fold open[sent == Sent::Billing] {
                summary { (own.billing) ": " (known.billing.name) }
                (billing_form(visit, &known, sent))
            }
        }
    })
}

fn bars(visit: &Visit, usage: &Usage) -> Markup {
    let own = Words::of(visit.lang);
    let plain = time::count;
    html! {
        dl.gauges {
            (bar(own, own.devices, usage.devices, plain))
            (bar(own, own.staff, usage.staff, plain))
            (bar(own, own.stored, usage.bytes, time::bytes))
            (bar(own, own.requests, usage.requests, plain))
        }
        @if usage.refuses_devices { p.notice.bad { (own.refuses_devices) " " (own.always) } }
        @if usage.refuses_attachments { p.notice.bad { (own.refuses_attachments) " " (own.always) } }
    }
}

fn bar(own: &Words, name: &str, used: Used, words: impl Fn(u64) -> String) -> Markup {
    let said = match (used.used, used.limit) {
        (None, _) => own.unknown.to_owned(),
        (Some(n), None) => fill(own.no_limit, &[("n", &words(n))]),
        (Some(n), Some(limit)) => fill(own.of, &[("n", &words(n)), ("limit", &words(limit))]),
    };
    html! {
        div {
            dt { (name) }
            dd {
                (said)
                @match used.level {
                    UsageLevel::Fine => {}
                    UsageLevel::Near => { " " span.warn { "(" (own.near) ")" } }
                    UsageLevel::Full => { " " span.bad { "(" (own.full) ")" } }
                }
                @if let (Some(n), Some(limit)) = (used.used, used.limit) {
                    (strip(name, used.level, n, limit))
                }
            }
        }
    }
}

/// The colour of a level; its word stands beside it.
pub(super) fn class(level: UsageLevel) -> &'static str {
    match level {
        UsageLevel::Fine => "good",
        UsageLevel::Near => "warn",
        UsageLevel::Full => "bad",
    }
}

/// Whole percent of a limit, at most 100.
pub(super) fn share(used: u64, limit: u64) -> u64 {
    match limit {
        0 => 100,
        limit => u64::try_from(u128::from(used) * 100 / u128::from(limit))
            .unwrap_or(100)
            .min(100),
    }
}

/// A bar of how much of a limit is used, drawn as SVG: no style comes from a page.
pub(super) fn strip(name: &str, level: UsageLevel, used: u64, limit: u64) -> Markup {
    let (class, share) = (class(level), share(used, limit));
    html! {
        svg class={ "strip " (class) } viewBox="0 0 100 4" preserveAspectRatio="none" role="img" aria-label=(format!("{name}: {share} %")) {
            rect.ground width="100" height="4" {}
            rect.part width=(share) height="4" {}
        }
    }
}

/// Sums of the days of each month.
fn by_month(days: &[UsageDay], value: fn(&UsageDay) -> u64) -> Vec<Point> {
    let mut months: Vec<Point> = Vec::new();
    for day in days {
        let Ok(date) = day.day.parse::<Date>() else { continue };
        let month = i64::from(date.year()) * 12 + i64::from(date.month());
        match months.last_mut() {
            Some((last, sum)) if *last == month => *sum = sum.saturating_add(value(day)),
            _ => months.push((month, value(day))),
        }
    }
    months
}

/// The last that is known of each month. A day that was not noted yet says nothing of what is stored.
fn at_end_of_month(days: &[UsageDay], value: fn(&UsageDay) -> u64) -> Vec<Point> {
    let mut months: Vec<Point> = Vec::new();
    for day in days.iter().filter(|day| day.n_devices > 0 || day.n_bytes > 0) {
        let Ok(date) = day.day.parse::<Date>() else { continue };
        let month = i64::from(date.year()) * 12 + i64::from(date.month());
        match months.last_mut() {
            Some((last, known)) if *last == month => *known = value(day),
            _ => months.push((month, value(day))),
        }
    }
    months
}

fn charts(visit: &Visit, days: &[UsageDay]) -> Markup {
    let own = Words::of(visit.lang);
    let now = day_at(visit.now_ms);
    let to = i64::from(now.year()) * 12 + i64::from(now.month());
    let all = [
        (
            own.messages,
            by_month(days, |day| day.n_requests),
            time::count as fn(u64) -> String,
        ),
        (own.stored, at_end_of_month(days, |day| day.n_bytes), time::bytes),
        (own.devices, at_end_of_month(days, |day| day.n_devices), time::count),
        (own.fetches, by_month(days, |day| day.n_permitted), time::count),
    ];
    if days.is_empty() {
        return html! { h3 { (own.months) } p.empty { (own.no_figures) } };
    }
    let ends = [1 - MONTHS, 0].map(|n| time::month(Month::of(now).after(n), visit.lang));
    html! {
        h3 { (own.months) }
        div.charts.four {
            @for (title, points, words) in all {
                (Chart {
                    title,
                    now: points.last().map_or(String::new(), |(_, n)| words(*n)),
                    points: &points,
                    span: (to + 1 - MONTHS, to),
                    ends: (ends[0].clone(), ends[1].clone()),
                    most: fill(own.most, &[("n", &words(most(&points)))]),
                    top: None,
                }.draw())
            }
        }
    }
}

fn plan_form(visit: &Visit, known: &ClinicPlan, plans: &[PlanRow], sent: Sent) -> Markup {
    let own = Words::of(visit.lang);
    let trial = known.trial_until.map(|day| day.to_string()).unwrap_or_default();
    let chosen = sent.typed(Sent::Plan, visit, "plan", known.plan.as_deref().unwrap_or_default());
    let has = |plan: &PlanRow| known.plan.as_ref() == Some(&plan.name);
    html! {
        form.stack method="post" action={ "/clinics/" (known.number) "/plan" } {
            (layout::token(visit))
            p.field {
                label for="plan" { (own.plan) }
                select #plan name="plan" {
                    option value="" selected[chosen.is_empty()] { (own.no_plan) }
                    @for plan in plans.iter().filter(|plan| !plan.is_retired || has(plan)) {
                        option value=(plan.name) selected[plan.name == chosen] { (plan.name) }
                    }
                }
            }
            p.field {
                label for="trial" { (own.trial_field) }
                input #trial type="date" name="trial" aria-describedby="trial-form"
                    value=(sent.typed(Sent::Plan, visit, "trial", &trial));
                small #trial-form { (visit.words.day_form) }
            }
            p.hint { (own.keep_places) }
            p.acts { button { (own.set) } }
        }
    }
}

fn billing_form(visit: &Visit, known: &ClinicPlan, sent: Sent) -> Markup {
    let own = Words::of(visit.lang);
    let billing = &known.billing;
    let value = |name: &str, known| sent.typed(Sent::Billing, visit, name, known);
    let chosen = value("language", billing.language.code());
    let languages = [(Language::Malay, "Bahasa Malaysia"), (Language::English, "English")];
    html! {
        form.stack method="post" action={ "/clinics/" (known.number) "/billing" } {
            (layout::token(visit))
            p.field {
                label for="billing-name" { (visit.words.name) }
                input #billing-name name="name" required maxlength="400" value=(value("name", &billing.name));
            }
            p.field {
                label for="billing-address" { (own.address) }
                textarea #billing-address name="address" rows="4" maxlength="400" { (value("address", &billing.address)) }
            }
            p.field {
                label for="billing-language" { (own.language) }
                select #billing-language name="language" {
                    @for (language, name) in languages {
                        option value=(language.code()) selected[language.code() == chosen] { (name) }
                    }
                }
            }
            p.acts { button { (own.save) } }
        }
    }
}

pub(crate) async fn set_plan(visit: Visit) -> Result<Reply, Fault> {
    let own = Words::of(visit.lang);
    let plan = Some(visit.form.one("plan").to_owned()).filter(|name| !name.is_empty());
    let typed = visit.form.one("trial").trim();
    let trial = match typed.parse::<Date>() {
        Ok(day) => Some(day),
        Err(_) if typed.is_empty() => None,
        Err(_) => return wrong(&visit, Sent::Plan, own.bad_day).await,
    };
    let (number, by, now_ms) = (visit.number()?, visit.by(), visit.now_ms);
    let put = visit
        .store(move |store| settled(store.put_on_plan(number, plan.as_deref(), trial, &by, now_ms)))
        .await?;
    match put {
        Ok(()) => {}
        Err(PlanError::NoSuchClinic) => return Err(Fault::NotFound),
        Err(PlanError::TrialIsOver) => return wrong(&visit, Sent::Plan, own.bad_day).await,
        Err(_) => return wrong(&visit, Sent::Plan, own.bad_plan).await,
    }
    // Its devices are told at once what holds now.
    if let Some(tenant) = super::clinic::card(&visit).await?.tenant {
        visit.console.shared.tell(&[Wake::Clinic(tenant)], None, Instant::now());
    }
    Ok(Reply::see(&format!("/clinics/{number}")))
}

pub(crate) async fn set_billing(visit: Visit) -> Result<Reply, Fault> {
    let own = Words::of(visit.lang);
    let billing = Billing {
        name: visit.form.one("name").to_owned(),
        address: visit.form.one("address").to_owned(),
        language: Language::of(visit.form.one("language")),
    };
    let (number, by, now_ms) = (visit.number()?, visit.by(), visit.now_ms);
    let set = visit
        .store(move |store| settled(store.set_billing(number, &billing, &by, now_ms)))
        .await?;
    match set {
        Ok(()) => Ok(Reply::see(&format!("/clinics/{number}"))),
        Err(PlanError::NoSuchClinic) => Err(Fault::NotFound),
        Err(_) => wrong(&visit, Sent::Billing, own.bad_billing).await,
    }
}

async fn wrong(visit: &Visit, sent: Sent, why: &str) -> Result<Reply, Fault> {
    shown(
        visit,
        StatusCode::UNPROCESSABLE_ENTITY,
        layout::notice("bad", why),
        sent,
    )
    .await
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_day_that_was_not_noted_yet_does_not_make_a_month_look_empty() {
        let day = |day: &str, n_devices, n_requests| UsageDay {
            day: day.to_owned(),
            n_devices,
            n_bytes: 10 * n_devices,
            n_requests,
            ..UsageDay::default()
        };
        let days = [
            day("2026-10-30", 3, 7),
            day("2026-11-01", 4, 1),
            day("2026-11-02", 0, 5),
        ];
        let november = 2026 * 12 + 11;
        assert_eq!(
            at_end_of_month(&days, |day| day.n_devices),
            [(november - 1, 3), (november, 4)]
        );
        assert_eq!(
            by_month(&days, |day| day.n_requests),
            [(november - 1, 7), (november, 6)]
        );
        assert_eq!((share(0, 0), share(1, 3), share(9, 3)), (100, 33, 100));
    }
}
