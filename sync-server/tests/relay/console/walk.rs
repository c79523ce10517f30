//! Every page, in both languages, as anybody and as an operator.

use rusqlite::types::Value;
use sync_protocol::sim::SimClinic;

use super::Desk;
use super::browser::Answer;
use crate::world::{NOW, rng};

/// Every address of the console, as `src/console/routes.rs` has them, and whether it asks for an operator.
fn routes() -> Vec<(String, String, bool)> {
    let source = std::fs::read_to_string(concat!(env!("CARGO_MANIFEST_DIR"), "/src/console/routes.rs")).unwrap();
    let route = |line: &str| {
        let mut words = line.trim().split(' ');
        let method = words.next().filter(|word| ["GET", "POST"].contains(word))?;
        let path = words.next()?.trim_matches('"').to_owned();
        Some((method.to_owned(), path, words.next()? == "Operator"))
    };
    let routes: Vec<_> = source.lines().filter_map(route).collect();
    assert!(routes.len() >= 27, "{routes:?}");
    routes
}

const DAY: i64 = 24 * 60 * 60 * 1000;

const ALWAYS: [(&str, &str); 6] = [
    ("x-frame-options", "DENY"),
    ("x-content-type-options", "nosniff"),
    ("referrer-policy", "same-origin"),
    ("cache-control", "no-store"),
    ("cross-origin-opener-policy", "same-origin"),
    ("cross-origin-resource-policy", "same-origin"),
];

fn is_guarded(answer: &Answer, at: &str) {
    for (name, value) in ALWAYS {
        assert_eq!(answer.header(name), [value], "{at}: {name}");
    }
    let policy = answer.header("content-security-policy");
    assert_eq!(policy.len(), 1, "{at}");
    for part in [
        "default-src 'none'",
        "style-src 'self'",
        "form-action 'self'",
        "frame-ancestors 'none'",
        "base-uri 'none'",
    ] {
        assert!(policy[0].contains(part), "{at}: {part}");
    }
    assert!(!policy[0].contains("script") && !policy[0].contains("unsafe"), "{at}");
    let page = answer.text();
    for bad in ["<script", " style=\"", " onclick", "javascript:"] {
        assert!(!page.contains(bad), "{at}: {bad}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_answer_of_every_address_has_the_headers_and_nobody_is_let_in_without_a_session() {
    let desk = Desk::open().await;
    let mut operator = desk.operator("aisyah");
    operator.post("/clinics", &[("name", "Klinik Satu")]);
    for (method, path, needs_operator) in routes() {
        let path = path.replace('*', "1");
        let mut stranger = desk.browser();
        let answer = match method.as_str() {
            "GET" => stranger.get(&path),
            _ => stranger.post(&path, &[]),
        };
        is_guarded(&answer, &path);
        if needs_operator {
            let refused = answer.status == 403 || answer.leads_to() == Some("/sign-in");
            assert!(refused, "{method} {path}: {}", answer.status);
        }
        for other in ["GET", "POST", "PUT", "DELETE", "OPTIONS", "TRACE", "HEAD"] {
            is_guarded(&stranger.ask(other, &path, &[], ""), &path);
        }
        if method == "GET" {
            is_guarded(&operator.get(&path), &path);
        }
    }
    for nowhere in [
        "/nowhere",
        "/clinics/1/suspend",
        "/clinics/../audit",
        "/%2e%2e/relay.key",
    ] {
        is_guarded(&operator.get(nowhere), nowhere);
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn looking_at_every_page_changes_nothing() {
    let desk = Desk::open().await;
    let mut operator = desk.operator("aisyah");
    operator.post("/clinics", &[("name", "Klinik Satu")]);
    let before = everything(&desk);
    for (method, path, _) in routes() {
        if method == "GET" {
            operator.get(&path.replace('*', "1"));
            operator.get(&format!("{}?q=x&sort=seen&before=5&lang=ms", path.replace('*', "1")));
        }
    }
    assert!(everything(&desk) == before);
}

/// Every row, but those that come with the time.
fn everything(desk: &Desk) -> Vec<(String, Vec<Vec<Value>>)> {
    let file = rusqlite::Connection::open(desk.data().join(sync_server::FILE_NAME)).unwrap();
    let all = |sql: &str| -> Vec<Vec<Value>> {
        let mut statement = file.prepare(sql).unwrap();
        let n = statement.column_count();
        let rows = statement.query_map([], |row| (0..n).map(|at| row.get(at)).collect());
        rows.unwrap().collect::<Result<_, _>>().unwrap()
    };
    let tables = all("SELECT name FROM sqlite_schema WHERE type = 'table' AND name NOT IN ('relay', 'sample', 'seen')");
    let name = |row: Vec<Value>| match &row[0] {
        Value::Text(name) => name.clone(),
        _ => panic!("a table has a name"),
    };
    let rows = |name: String| {
        let rows = all(&format!("SELECT * FROM \"{name}\""));
        (name, rows)
    };
    tables.into_iter().map(name).map(rows).collect()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn pages_are_in_both_languages_and_made_for_everybody() {
    let desk = Desk::open().await;
    let mut operator = desk.operator("aisyah");
    let (clinic, _) = SimClinic::found(NOW, &mut rng(3));
    crate::console::join_as(&desk, &mut operator, &clinic, "Klinik Satu").await;
    operator.post("/clinics", &[("name", "Klinik Dua")]);
    bill(&desk, operator.now_ms()).await;
    for (lang, word) in [("ms", "Klinik"), ("en", "Clinics")] {
        assert_eq!(operator.post("/language", &[("to", lang)]).leads_to(), Some("/"));
        for (method, path, _) in routes() {
            let page = operator.get(&path.replace('*', "1"));
            let is_page = page.header("content-type") == ["text/html; charset=utf-8"];
            if method != "GET" || page.status != 200 || !is_page {
                continue;
            }
            let text = page.text();
            let html = format!("<html lang=\"{lang}\"");
            assert!(text.contains(&html) && text.contains(word), "{path} {lang}");
            assert_eq!(text.matches("<h1").count(), 1, "{path}");
            assert!(text.contains("<main") && text.contains("class=\"skip\""), "{path}");
            is_for_everybody(&text, &path);
        }
    }
    let elsewhere = operator.post("/language", &[("to", "//evil.example")]);
    assert_eq!(elsewhere.leads_to(), Some("/"));
}

/// A plan with a trial, an invoice that is issued and one that is a draft, so that their pages are full.
async fn bill(desk: &Desk, now_ms: i64) {
    let bill = desk.relay.writer.run(move |store| {
        let (plan, by) = (sync_server::PlanTerms::default(), "a test");
        let terms = sync_server::PlanTerms {
            price_sen: 30_000,
            ..plan
        };
        store.set_plan("Kecil", &terms, by, now_ms - 90 * DAY).unwrap();
        store
            .put_on_plan(1, Some("Kecil"), None, by, now_ms - 90 * DAY)
            .unwrap();
        let trial = sync_server::calendar::day_at(now_ms + 90 * DAY);
        store.put_on_plan(2, Some("Kecil"), Some(trial), by, now_ms).unwrap();
        let issuer = sync_server::Issuer {
            name: "Rangkaian".into(),
            ..Default::default()
        };
        store.set_issuer(&issuer, by, now_ms).unwrap();
        assert!(store.draft_invoices(now_ms).unwrap() >= 2);
        store.issue_invoice(1, by, now_ms).unwrap();
    });
    bill.await.unwrap();
}

/// The values of this attribute, of whatever has it.
fn values<'t>(text: &'t str, attribute: &str) -> Vec<&'t str> {
    let before = format!(" {attribute}=\"");
    let values = text.split(before.as_str()).skip(1);
    values.map(|rest| rest.split('"').next().unwrap()).collect()
}

/// Every field that people fill has a label, every table a caption and its headers a scope, ids are there once, and times are
/// told to programs too.
fn is_for_everybody(text: &str, path: &str) {
    let ids = values(text, "id");
    for field in ["<input", "<select", "<textarea"] {
        for field in text.split(field).skip(1) {
            let tag = field.split('>').next().unwrap();
            if tag.contains("type=\"hidden\"") || tag.contains("type=\"checkbox\"") {
                continue;
            }
            let id = values(tag, "id");
            assert_eq!(id.len(), 1, "{path}: {tag}");
            assert!(text.contains(&format!("<label for=\"{}\"", id[0])), "{path}: {tag}");
        }
    }
    assert_eq!(
        text.matches("<table").count(),
        text.matches("<caption").count(),
        "{path}"
    );
    for header in text.split("<th ").skip(1) {
        let (tag, words) = header.split_once('>').unwrap();
        assert!(tag.contains("scope=\""), "{path}: {tag}");
        assert!(!words.starts_with("</th>"), "{path}: a header without words");
    }
    assert!(!text.contains("<th>"), "{path}");
    // Where the style shows a table's rows as cards, roles keep it a table.
    for table in text.split("<table class=\"cards\"").skip(1) {
        let table = table.split("</table>").next().unwrap();
        for (tag, role) in [("<tr", "role=\"row\""), ("<td", "role=\"cell\""), ("<th ", "header\"")] {
            assert_eq!(table.matches(tag).count(), table.matches(role).count(), "{path}: {tag}");
        }
    }
    for (nth, id) in ids.iter().enumerate() {
        assert!(!ids[..nth].contains(id), "{path}: {id} twice");
    }
    for pointed in values(text, "aria-describedby").into_iter().chain(values(text, "for")) {
        assert!(ids.contains(&pointed), "{path}: {pointed}");
    }
    let outside: String = text
        .split("<time ")
        .enumerate()
        .map(|(nth, piece)| {
            if nth == 0 {
                piece
            } else {
                piece.split_once("</time>").unwrap().1
            }
        })
        .collect();
    let months = "Jan Feb Mar Apr May Jun Jul Aug Sep Oct Nov Dec Mac Mei Ogos Okt Dis";
    for month in months.split(' ') {
        let found = outside.find(&format!("{month} 20"));
        assert_eq!(found.map(|at| &outside[at..at + 12]), None, "{path}");
    }
}
