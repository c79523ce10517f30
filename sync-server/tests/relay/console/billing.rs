//! Plans, usage, invoices and trends in the console, as an operator clicks through them.

use sync_protocol::sim::SimClinic;

use super::browser::{Answer, Browser};
use super::{Desk, invitation};
use crate::journeys::{start, until};
use crate::world::{NOW, rng};

const DAY: i64 = 24 * 60 * 60 * 1000;
const NAME: &str = "Klinik <b>Satu</b> =1+1";

/// Names and values of a form.
type Fields<'a> = &'a [(&'a str, &'a str)];

fn saw(answer: &Answer, words: &[&str]) {
    let text = answer.text();
    for word in words {
        assert!(text.contains(word), "{word:?} is not in {text}");
    }
    assert!(!text.contains("<b>Satu"), "{text}");
}

fn plan(browser: &mut Browser, name: &str, price: &str, storage: &str) -> Answer {
    browser.post(
        "/plans",
        &[
            ("name", name),
            ("price", price),
            ("devices", "2"),
            ("staff", ""),
            ("storage", storage),
            ("requests", ""),
        ],
    )
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_plan_is_made_and_given_and_its_clinic_hears_of_it_at_once() {
    let desk = Desk::open().await;
    let mut browser = desk.operator("aisyah");
    saw(&browser.get("/plans"), &["No plan yet"]);
    for (price, storage) in [("a lot", "1GB"), ("", "1GB"), ("300", "many"), ("-1", "")] {
        assert_eq!(
            plan(&mut browser, "Kecil", price, storage).status,
            422,
            "{price} {storage}"
        );
    }
    assert_eq!(plan(&mut browser, "x\u{202e}y", "1", "").status, 422);
    assert_eq!(
        plan(&mut browser, "<i>Kecil</i>", "300.50", "1GB").leads_to(),
        Some("/plans")
    );
    let page = browser.get("/plans");
    saw(&page, &["&lt;i&gt;Kecil&lt;/i&gt;", "RM 300.50", "1.0 GB", "Version 1"]);
    assert!(!page.text().contains("<i>Kecil"));
    plan(&mut browser, "<i>Kecil</i>", "400", "1GB");
    saw(&browser.get("/plans"), &["RM 400.00", "Version 2"]);

    let invited = invitation(&browser.post("/clinics", &[("name", NAME)]));
    let rng = &mut rng(60);
    let (clinic, mut device) = SimClinic::found(NOW, rng);
    let relay = sync_client::RelayAddress::of_invitation(&invited).unwrap();
    let joined = sync_client::join_by_invitation(&relay, &invited.token, clinic.encoded_statements()).await;
    assert_eq!(joined.unwrap(), clinic.tenant);
    let sync = start(&device, &desk.address());
    device.write(rng);
    sync.nudge();
    until(&sync, |state| state.connected && state.position == 1).await;
    saw(&browser.get("/clinics/1"), &["none: no limits, no invoices"]);

    let give = |browser: &mut Browser, plan: &str, trial: &str| {
        browser
            .post("/clinics/1/plan", &[("plan", plan), ("trial", trial)])
            .status
    };
    assert_eq!(give(&mut browser, "Besar", ""), 422, "no such plan");
    assert_eq!(give(&mut browser, "<i>Kecil</i>", "yesterday"), 422);
    assert_eq!(give(&mut browser, "<i>Kecil</i>", "2020-01-01"), 422);
    assert_eq!(give(&mut browser, "<i>Kecil</i>", "2099-12-31"), 303);
    let page = browser.get("/clinics/1");
    saw(
        &page,
        &[
            "Trial until <time datetime=\"2099-12-31\">31 Dec 2099</time>",
            "1 of 2",
            "class=\"strip good\"",
            "Twelve months",
        ],
    );
    let told = || device.store.held().usage.and_then(|usage| usage.plan);
    let began = std::time::Instant::now();
    while told().as_deref() != Some("<i>Kecil</i>") {
        assert!(began.elapsed().as_secs() < 60, "{:?}", told());
        std::thread::yield_now();
    }
    sync.stop().await;
    assert_eq!(browser.post("/plans/retire", &[("name", "<i>Kecil</i>")]).status, 303);
    assert_eq!(browser.post("/plans/retire", &[("name", "Besar")]).status, 404);
    saw(&browser.get("/plans"), &["retired"]);
    assert_eq!(give(&mut browser, "", ""), 303);
    assert_eq!(give(&mut browser, "<i>Kecil</i>", ""), 422, "retired");
    assert_eq!(
        browser.post("/clinics/9/plan", &[("plan", ""), ("trial", "")]).status,
        404
    );
    saw(
        &browser.get("/audit"),
        &["gave a clinic a plan, or none", "retired a plan"],
    );
    saw(&browser.get("/trends"), &["The first figures come"]);
    let (tenant, now_ms) = (clinic.tenant, browser.now_ms());
    let noted = desk.relay.writer.run(move |store| {
        store.add_requests(&[(tenant, 12_345)], now_ms)?;
        store.note_day(&tenant, now_ms)
    });
    noted.await.unwrap().unwrap();
    saw(
        &browser.get("/trends"),
        &[
            "Active clinics",
            "<strong>1</strong>",
            "<strong>12,345</strong>",
            "this week",
            "nothing yet",
            "<svg",
        ],
    );
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_invoice_is_issued_printed_paid_and_undone() {
    let desk = Desk::open().await;
    let mut browser = desk.operator("aisyah");
    browser.post("/clinics", &[("name", NAME)]);
    plan(&mut browser, "Kecil", "300", "");
    assert_eq!(
        browser
            .post("/clinics/1/plan", &[("plan", "Kecil"), ("trial", "")])
            .status,
        303
    );
    saw(&browser.get("/invoices"), &["None. On the first of each month"]);
    // Two months later.
    browser.wait(62 * DAY);
    browser.sign_in("aisyah");
    let billing = [
        ("name", NAME),
        ("address", "5, Jalan <i>Besar</i>\r\n\r\nIpoh"),
        ("language", "ms"),
    ];
    assert_eq!(browser.post("/clinics/1/billing", &billing).status, 303);
    assert_eq!(
        browser
            .post(
                "/clinics/1/billing",
                &[("name", ""), ("address", ""), ("language", "ms")]
            )
            .status,
        422
    );
    assert_eq!(browser.post("/invoices/run", &[]).status, 303);
    let list = browser.get("/invoices");
    saw(&list, &["draft ", "Klinik &lt;b&gt;Satu&lt;/b&gt; =1+1"]);
    let id = list.between("href=\"/invoices/", "\"").unwrap();
    let at = |act: &str| format!("/invoices/{id}/{act}");
    let refused = browser.post(&at("issue"), &[]);
    assert_eq!(refused.status, 409);
    saw(&refused, &["Say first"]);
    let issuer = |sst: &'static str, name: &'static str| {
        [
            ("name", name),
            ("address", "KL"),
            ("registration", ""),
            ("sst_number", ""),
            ("sst", sst),
            ("terms", "Bank"),
            ("due_days", "30"),
        ]
    };
    for bad in [issuer("60", "Rangkaian"), issuer("much", "Rangkaian"), issuer("8", " ")] {
        assert_eq!(browser.post("/invoices/issuer", &bad).status, 422);
    }
    assert_eq!(browser.post("/invoices/issuer", &issuer("8", "Rangkaian")).status, 303);
    assert_eq!(
        browser.post(&at("paid"), &[("day", "2026-12-01")]).status,
        409,
        "a draft is not paid"
    );
    assert_eq!(
        browser.post(&at("issue"), &[]).leads_to(),
        Some(at("").trim_end_matches('/'))
    );
    assert_eq!(browser.post(&at("issue"), &[]).status, 409);
    let page = browser.get(at("").trim_end_matches('/'));
    saw(&page, &["INV-", "-0001", "RM 324.00", "Service tax"]);
    let pdf = browser.get(&at("pdf"));
    assert_eq!((pdf.status, pdf.header("content-type")), (200, vec!["application/pdf"]));
    assert!(pdf.body.starts_with(b"%PDF") && pdf.header("content-disposition")[0].contains("INV-"));
    assert_eq!(browser.get(&at("pdf")).body, pdf.body, "the same bytes");
    assert_eq!(browser.post(&at("paid"), &[("day", "2020-01-01")]).status, 422);
    let today = page.between("name=\"day\" required value=\"", "\"").unwrap();
    assert_eq!(browser.post(&at("paid"), &[("day", &today)]).status, 303);
    saw(&browser.get("/invoices?state=paid"), &["-0001"]);
    let code = browser.code();
    assert_eq!(browser.post(&at("void"), &[("code", &code)]).status, 409, "it was paid");
    assert_eq!(browser.post(&at("unpaid"), &[]).status, 303);
    assert_eq!(browser.post(&at("void"), &[("code", "000000")]).status, 403);
    let code = browser.code();
    assert_eq!(
        browser.post(&at("void"), &[("code", &code), ("again", "yes")]).status,
        303
    );
    saw(&browser.get("/invoices?state=void"), &["-0001"]);
    saw(&browser.get("/invoices"), &["CN-", "-RM 324.00", "draft "]);
    assert_eq!(browser.get("/invoices/999").status, 404);
    assert_eq!(browser.get("/invoices/999/pdf").status, 404);
    assert_eq!(desk.rows("SELECT count(*) FROM invoice WHERE issued_ms IS NOT NULL"), 2);
}

/// Where a link of the page leads, by the words on it.
fn link(page: &Answer, words: &str) -> Option<String> {
    let text = page.text();
    let before = text.split_once(&format!("\">{words}</a>"))?.0;
    let address = before.rsplit_once("href=\"")?.1;
    Some(address.replace("&amp;", "&"))
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_list_of_invoices_is_walked_to_its_end_and_back_and_keeps_what_was_chosen() {
    let desk = Desk::open().await;
    let mut browser = desk.operator("aisyah");
    plan(&mut browser, "Kecil", "300", "");
    for name in ["Klinik A", "Klinik B", "Klinik C", "Klinik D", "Klinik E", "Klinik F"] {
        browser.post("/clinics", &[("name", name)]);
    }
    // A year later: twelve months of six clinics are one page and the beginning of another.
    let now_ms = browser.now_ms();
    let give = desk.relay.writer.run(move |store| {
        for number in 1..=6 {
            store
                .put_on_plan(number, Some("Kecil"), None, "a test", now_ms)
                .unwrap();
        }
        store.draft_invoices(now_ms + 400 * DAY).unwrap()
    });
    let n = give.await.unwrap();
    assert_eq!(n, 72);
    let rows = |page: &Answer| {
        let text = page.text();
        let ids = text.split("scope=\"row\"><a href=\"/invoices/").skip(1);
        ids.map(|rest| rest.split('"').next().unwrap().to_owned())
            .collect::<Vec<_>>()
    };
    let first = browser.get("/invoices?state=draft");
    saw(&first, &["All 72", "Drafts 72", "Paid 0"]);
    assert_eq!((rows(&first).len(), link(&first, "Newer")), (50, None));
    let older = link(&first, "Older").unwrap();
    assert!(older.contains("state=draft"), "{older}");
    let last = browser.get(&older);
    assert_eq!((rows(&last).len(), link(&last, "Older")), (22, None));
    let all: std::collections::BTreeSet<_> = rows(&first).into_iter().chain(rows(&last)).collect();
    assert_eq!(all.len(), 72);
    let newer = link(&last, "Newer").unwrap();
    assert!(newer.contains("state=draft"), "{newer}");
    assert_eq!(rows(&browser.get(&newer)), rows(&first));
    assert_eq!(link(&last, "Newest").as_deref(), Some("/invoices?state=draft"));

    // One clinic's: its name, also where none of its invoices is in that state.
    let of_one = browser.get("/invoices?clinic=2&state=paid");
    saw(
        &of_one,
        &[
            "Of one clinic: Klinik B",
            "None is in this state",
            "All 12",
            "Drafts 12",
        ],
    );
    assert_eq!(
        link(&of_one, "Drafts 12").as_deref(),
        Some("/invoices?state=draft&clinic=2")
    );
    assert_eq!(rows(&browser.get("/invoices?clinic=2")).len(), 12);
    saw(&browser.get("/invoices?clinic=99"), &["Of one clinic: #99"]);
    // Nonsense in the address is the first page.
    for nonsense in [
        "older=x",
        "newer=2026-11",
        "older=2026-11.1.1&older=2026-11.1.1",
        "page=3",
    ] {
        assert_eq!(
            rows(&browser.get(&format!("/invoices?state=draft&{nonsense}"))),
            rows(&first)
        );
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_was_typed_and_not_taken_is_still_in_its_form_and_no_other_form_is_open() {
    let desk = Desk::open().await;
    let mut browser = desk.operator("aisyah");
    browser.post("/clinics", &[("name", NAME)]);
    let open = |page: &Answer| page.text().matches("<details class=\"fold\" open").count();

    let page = plan(&mut browser, "Kecil", "a lot", "7GB");
    saw(
        &page,
        &[
            "value=\"a lot\"",
            "value=\"7GB\"",
            "value=\"Kecil\"",
            "Nothing was saved",
        ],
    );
    plan(&mut browser, "Kecil", "300", "7GB");
    let page = plan(&mut browser, "Kecil", "301", "8 bags");
    saw(&page, &["value=\"301\"", "value=\"8 bags\""]);
    assert_eq!(open(&page), 1, "{}", page.text());

    assert_eq!(open(&browser.get("/clinics/1")), 1, "the plan's, since it has none");
    assert_eq!(
        browser
            .post("/clinics/1/plan", &[("plan", "Kecil"), ("trial", "")])
            .status,
        303
    );
    assert_eq!(open(&browser.get("/clinics/1")), 0);
    let posts: [(&str, Fields<'_>, &str); 5] = [
        ("name", &[("name", "x\ny")], "value=\"x"),
        (
            "plan",
            &[("plan", "Kecil"), ("trial", "2020-01-01")],
            "value=\"2020-01-01\"",
        ),
        (
            "billing",
            &[("name", " "), ("address", "5, Jalan Besar"), ("language", "ms")],
            "5, Jalan Besar",
        ),
        (
            "remove",
            &[("typed", "another"), ("code", "000000")],
            "Type it as it stands",
        ),
        (
            "plan",
            &[("plan", "Besar"), ("trial", "2099-01-01")],
            "value=\"2099-01-01\"",
        ),
    ];
    for (act, fields, typed) in posts {
        let page = browser.post(&format!("/clinics/1/{act}"), fields);
        assert_eq!(page.status, 422, "{act}");
        assert!(page.text().contains(typed), "{act}: {}", page.text());
        assert_eq!(open(&page), 1, "{act}");
        assert!(page.text().contains("role=\"alert\""), "{act}");
        assert!(
            page.between("<title>", "</title>")
                .unwrap()
                .starts_with("This was not done"),
            "{act}"
        );
    }

    let sender = [
        ("name", "Rangkaian <i>Sdn</i>"),
        ("address", "1, Jalan Ampang\r\nKuala Lumpur"),
        ("registration", ""),
        ("sst_number", "W10"),
        ("sst", "eight"),
        ("terms", "Maybank"),
        ("due_days", "30"),
    ];
    let page = browser.post("/invoices/issuer", &sender);
    saw(
        &page,
        &[
            "Rangkaian &lt;i&gt;Sdn&lt;/i&gt;",
            "1, Jalan Ampang",
            "value=\"W10\"",
            "value=\"eight\"",
            "Maybank",
        ],
    );
}
