//! What an operator is told when something was not done, and what to do about it; in both languages.

use super::Desk;

const DAY: i64 = 24 * 60 * 60 * 1000;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn who_comes_back_after_his_sign_in_has_ended_is_told_so_and_that_nothing_was_done() {
    let desk = Desk::open().await;
    let mut browser = desk.operator("aisyah");
    for (lang, ended, link) in [
        ("en", "Your sign-in has ended", "Sign in"),
        ("ms", "Log masuk anda telah tamat", "Log masuk"),
    ] {
        browser.post("/language", &[("to", lang)]);
        browser.wait(DAY);
        let late = browser.post("/clinics", &[("name", "Klinik Lewat")]);
        assert_eq!(late.status, 403);
        let text = late.text();
        assert!(
            text.contains(ended) && text.contains(&format!("href=\"/\">{link}</a>")),
            "{text}"
        );
        assert_eq!(desk.rows("SELECT count(*) FROM clinic"), 0);
        assert_eq!(browser.get("/clinics").leads_to(), Some("/sign-in"));
        let why = if lang == "en" {
            "Nothing was done since"
        } else {
            "Tiada apa-apa dilakukan sejak itu"
        };
        assert!(browser.get("/sign-in").text().contains(why));
        browser.sign_in("aisyah");
    }
    // Who signs out himself, or was never in, is told nothing.
    browser.post("/sign-out", &[]);
    for page in [browser.get("/sign-in"), desk.browser().get("/sign-in")] {
        assert!(page.status == 200 && !page.text().contains("notice"), "{}", page.text());
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_leads_nowhere_or_is_too_large_is_said_in_the_operators_language() {
    let desk = Desk::open().await;
    let mut browser = desk.operator("aisyah");
    for (lang, nowhere, too_much) in [
        ("en", "There is nothing here", "Go back, shorten the text"),
        ("ms", "Tiada apa-apa di sini", "Kembali, pendekkan teks"),
    ] {
        browser.post("/language", &[("to", lang)]);
        let html = format!("<html lang=\"{lang}\"");
        for path in ["/nowhere", "/clinics/9", "/invoices/9"] {
            let page = browser.get(path);
            assert_eq!(page.status, 404, "{path}");
            assert!(page.text().contains(nowhere) && page.text().contains(&html), "{path}");
        }
        let large = browser.post("/clinics", &[("name", &"x".repeat(20 * 1024))]);
        assert_eq!(large.status, 413);
        assert!(
            large.text().contains(too_much) && large.text().contains(&html),
            "{}",
            large.text()
        );
    }
    // A form of another site, or of nobody: in words too.
    let form = browser.form.clone();
    let other = browser.post_from("/clinics", "https://evil.example", &form, &[("name", "x")]);
    assert_eq!(other.status, 403);
    assert!(other.text().contains("Tiada apa-apa berubah"), "{}", other.text());
}
