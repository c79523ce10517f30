//! The frame of every page: what stands around it, and the pieces that forms are made of.

use hyper::StatusCode;
use maud::{DOCTYPE, Markup, Render, html};

use super::reply::Reply;
use super::visit::{Fault, Visit};
use super::words::{Lang, Words};

/// The sections of the console, as `(address, words)`.
fn sections(words: &'static Words) -> [(&'static str, &'static str); 8] {
    [
        ("/clinics", words.clinics),
        ("/invitations", words.invitations),
        ("/plans", words.plans),
        ("/invoices", words.invoices),
        ("/health", words.health),
        ("/trends", words.trends),
        ("/audit", words.audit),
        ("/operators", words.operators),
    ]
}

/// A page for who is signed in. `section`: the address of the one that it belongs to.
pub(crate) fn page(visit: &Visit, section: &str, title: &str, content: Markup) -> Reply {
    page_with(StatusCode::OK, visit, section, title, content)
}

/// The same, when something was not done.
pub(crate) fn page_with(status: StatusCode, visit: &Visit, section: &str, title: &str, content: Markup) -> Reply {
    let words = visit.words;
    let frame = html! {
        header.bar {
            a.home href="/clinics" { (words.console) }
            nav aria-label=(words.sections) {
                @for (address, name) in sections(words) {
                    a href=(address) aria-current=[(address == section).then_some("page")] { (name) }
                }
            }
            div.me {
                (languages(visit.words, visit.lang))
                a href="/sessions" aria-current=[(section == "/sessions").then_some("page")] { (visit.me().row.name) }
                form method="post" action="/sign-out" { (token(visit)) button.plain { (words.sign_out) } }
            }
        }
        main #content tabindex="-1" {
            h1 { (title) }
            (content)
        }
        footer { p { (words.no_patients) } }
    };
    // Where nobody sees the notice, the first thing that is heard says it.
    let title = match status.is_client_error() {
        true => format!("{} · {title}", words.refused),
        false => title.to_owned(),
    };
    Reply::page(status, document(visit.lang, &title, frame))
}

/// A page for anybody: the way in.
pub(crate) fn open_page(status: StatusCode, lang: Lang, title: &str, content: Markup) -> Reply {
    let words = Words::of(lang);
    let frame = html! {
        header.bar { span.home { (words.console) } div.me { (languages(words, lang)) } }
        main #content .narrow tabindex="-1" {
            h1 { (title) }
            (content)
        }
        footer { p { (words.no_patients) } }
    };
    Reply::page(status, document(lang, title, frame))
}

/// A page that says why there is none.
pub(super) fn fault(lang: Lang, fault: Fault) -> Reply {
    let words = Words::of(lang);
    let (status, title, why) = match &fault {
        Fault::NotFound => (StatusCode::NOT_FOUND, words.not_found, words.not_found_why),
        Fault::Refused => (StatusCode::FORBIDDEN, words.refused, words.refused_why),
        Fault::Ended => (StatusCode::FORBIDDEN, words.ended, words.ended_why),
        Fault::TooMuch(status) => (*status, words.too_much, words.too_much_why),
        Fault::Failed => (StatusCode::INTERNAL_SERVER_ERROR, words.failed, words.failed_why),
    };
    let link = if matches!(fault, Fault::Ended) {
        words.sign_in
    } else {
        words.back
    };
    let content = html! { p { (why) } p { a.button href="/" { (link) } } };
    open_page(status, lang, title, content)
}

/// Proves that a form is this session's own. In every form of who is signed in.
pub(crate) fn token(visit: &Visit) -> Markup {
    html! { input type="hidden" name="form" value=(visit.me().form); }
}

/// The field for a fresh code, in the form of each act that must not happen by a borrowed keyboard.
pub(crate) fn code_field(visit: &Visit, id: &str) -> Markup {
    html! {
        p.field {
            label for=(id) { (visit.words.code) }
            input #(id) name="code" required inputmode="numeric" autocomplete="one-time-code" maxlength="6" size="8";
        }
    }
}

/// What was not done, and why; or what was.
pub(crate) fn notice(kind: &str, text: impl Render) -> Markup {
    let role = if kind == "bad" { "alert" } else { "status" };
    html! { p class={ "notice " (kind) } role=(role) { (text) } }
}

fn document(lang: Lang, title: &str, frame: Markup) -> Markup {
    let words = Words::of(lang);
    html! {
        (DOCTYPE)
        html lang=(lang.code()) {
            head {
                meta charset="utf-8";
                meta name="viewport" content="width=device-width, initial-scale=1";
                meta name="color-scheme" content="light dark";
                title { (title) " · " (words.console) }
                link rel="stylesheet" href="/console.css";
                link rel="icon" href="data:,";
            }
            body {
                a.skip href="#content" { (words.skip) }
                (frame)
            }
        }
    }
}

fn languages(words: &'static Words, lang: Lang) -> Markup {
    let all = [(Lang::Ms, "BM", "Bahasa Malaysia"), (Lang::En, "EN", "English")];
    html! {
        form.languages method="post" action="/language" aria-label=(words.language) {
            @for (one, short, long) in all {
                button.plain name="to" value=(one.code()) lang=(one.code()) title=(long)
                    aria-pressed=(if one == lang { "true" } else { "false" }) { (short) }
            }
        }
    }
}
