//! Signing in, staying signed in, and being kept out.

use sync_protocol::sim::SimClinic;

use super::Desk;
use super::browser::{Browser, PASSWORD, add_operator};
use crate::world::{NOW, rng};

const MINUTE: i64 = 60_000;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn whatever_is_wrong_the_answer_is_one_and_the_same() {
    let desk = Desk::open().await;
    let mut browser = desk.browser();
    browser.enrol(&add_operator(desk.data(), "aisyah", browser.now_ms()));
    let code = browser.code();
    let mut answers = Vec::new();
    for (name, password, code) in [
        ("aisyah", "not the password", code.as_str()),
        ("aisyah", PASSWORD, "000000"),
        ("nobody", PASSWORD, code.as_str()),
        ("' OR 1=1 --", PASSWORD, code.as_str()),
        ("", "", ""),
    ] {
        let answer = browser.try_to_sign_in(name, password, code);
        assert_eq!(answer.status, 403);
        assert!(answer.header("set-cookie").is_empty());
        answers.push(answer.text());
    }
    assert!(answers.iter().all(|answer| *answer == answers[0]));
    // Right at last; and the same code again is worth nothing.
    let code = browser.code();
    let right = browser.try_to_sign_in("aisyah", PASSWORD, &code);
    assert_eq!(right.leads_to(), Some("/clinics"));
    let mut other = browser.beside();
    assert_eq!(other.try_to_sign_in("aisyah", PASSWORD, &code).status, 403);
    // A recovery code lets in, once.
    let recovery = browser.codes[3].to_lowercase();
    assert_eq!(other.try_to_sign_in("aisyah", PASSWORD, &recovery).status, 303);
    let mut third = browser.beside();
    assert_eq!(third.try_to_sign_in("aisyah", PASSWORD, &recovery).status, 403);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn who_fails_too_often_waits_longer_each_time_and_then_is_let_in() {
    let desk = Desk::open().await;
    let mut browser = desk.browser();
    browser.enrol(&add_operator(desk.data(), "aisyah", browser.now_ms()));
    for name in ["nobody", "aisyah"] {
        let fail = |browser: &mut Browser| browser.try_to_sign_in(name, "wrong password", "000000").status;
        assert_eq!(
            (0..5).map(|_| fail(&mut browser)).collect::<Vec<_>>(),
            [403; 5],
            "{name}"
        );
        for wait in [30_000, 60_000, 120_000] {
            assert_eq!(fail(&mut browser), 429, "{name}, known or not");
            browser.wait(wait - 1);
            assert_eq!(fail(&mut browser), 429);
            browser.wait(1);
            assert_eq!(fail(&mut browser), 403, "one more try");
        }
    }
    let code = browser.code();
    let right = browser.try_to_sign_in("aisyah", PASSWORD, &code);
    assert_eq!(right.status, 429, "the right one waits too");
    browser.wait(15 * MINUTE);
    let code = browser.code();
    assert_eq!(browser.try_to_sign_in("aisyah", PASSWORD, &code).status, 303);
    // And nothing is counted any more.
    let code = browser.code();
    let wrong = browser.beside().try_to_sign_in("aisyah", "wrong password", &code);
    assert_eq!(wrong.status, 403);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_session_ends_by_disuse_by_age_by_signing_out_and_everywhere() {
    let desk = Desk::open().await;
    let mut browser = desk.operator("aisyah");
    let is_in = |browser: &mut Browser| browser.get("/clinics").status == 200;
    browser.wait(29 * MINUTE);
    assert!(is_in(&mut browser));
    browser.wait(29 * MINUTE);
    assert!(is_in(&mut browser), "it was used meanwhile");
    browser.wait(30 * MINUTE);
    assert!(!is_in(&mut browser));
    browser.sign_in("aisyah");
    for _ in 0..25 {
        browser.wait(28 * MINUTE);
        assert!(is_in(&mut browser));
    }
    browser.wait(28 * MINUTE);
    assert!(!is_in(&mut browser), "twelve hours");

    browser.sign_in("aisyah");
    let stolen = browser.cookies.clone();
    assert_eq!(browser.post("/sign-out", &[]).leads_to(), Some("/sign-in"));
    assert!(browser.cookies.is_empty());
    let mut thief = browser.beside();
    thief.cookies = stolen;
    assert!(!is_in(&mut thief), "what was stolen is worth nothing after signing out");

    browser.sign_in("aisyah");
    let mut second = browser.beside();
    second.sign_in("aisyah");
    let page = browser.get("/sessions").text();
    assert_eq!(page.matches("another browser").count(), 1);
    second.get("/sessions");
    assert_eq!(second.post("/sessions/end", &[]).status, 303);
    assert!(!is_in(&mut browser) && !is_in(&mut second));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_link_is_good_once_for_a_day_and_a_reset_takes_everything_away() {
    let desk = Desk::open().await;
    let mut browser = desk.browser();
    let link = add_operator(desk.data(), "aisyah", browser.now_ms());
    for (password, again) in [
        ("too short", "too short"),
        (PASSWORD, "another one altogether"),
        (PASSWORD, PASSWORD),
    ] {
        let fields = [("password", password), ("again", again), ("code", "000000")];
        assert_eq!(browser.post(&link, &fields).status, 422, "{password} {again}");
    }
    browser.enrol(&link);
    assert_eq!(browser.get(&link).status, 404);
    let late = add_operator(desk.data(), "budi", browser.now_ms());
    browser.wait(24 * 60 * MINUTE);
    assert_eq!(browser.get(&late).status, 404);

    // Another operator; and nobody removes the last who can sign in.
    browser.sign_in("aisyah");
    let code = browser.code();
    let page = browser.post("/operators", &[("name", "cheng"), ("code", &code)]);
    let url = page.between("class=\"once\">", "</code>").unwrap();
    let path = url
        .strip_prefix(&format!("http://{}", browser.host()))
        .unwrap()
        .to_owned();
    let code = browser.code();
    assert_eq!(browser.post("/operators/aisyah/remove", &[("code", &code)]).status, 409);
    let mut cheng = desk.browser();
    cheng.enrol(&path);
    cheng.sign_in("cheng");
    let code = cheng.code();
    assert_eq!(cheng.post("/operators/aisyah/reset", &[("code", &code)]).status, 200);
    assert_ne!(browser.get("/clinics").status, 200, "her sign-ins are over");
    let code = browser.code();
    let after = browser.beside().try_to_sign_in("aisyah", PASSWORD, &code);
    assert_eq!(after.status, 403);
    cheng.get("/operators");
    let code = cheng.code();
    let removed = cheng.post("/operators/aisyah/remove", &[("code", &code)]);
    assert_eq!(removed.leads_to(), Some("/operators"));
    assert!(!cheng.get("/operators").text().contains("aisyah"));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn dangerous_acts_ask_for_a_fresh_code_and_guesses_are_counted() {
    let desk = Desk::open().await;
    let mut browser = desk.operator("aisyah");
    let (clinic, _) = SimClinic::found(NOW, &mut rng(4));
    crate::console::join_as(&desk, &mut browser, &clinic, "Klinik Satu").await;
    let suspend = |browser: &mut Browser, code: &str| {
        let fields = [("why", "x"), ("code", code)];
        browser.post("/clinics/1/suspend", &fields).status
    };
    let used = browser.same_code();
    assert_eq!(suspend(&mut browser, &used), 403, "the code of the sign-in");
    let recovery = browser.codes[0].clone();
    assert_eq!(
        suspend(&mut browser, &recovery),
        403,
        "recovery codes are for getting in"
    );
    let guesses: Vec<_> = (0..3).map(|_| suspend(&mut browser, "000000")).collect();
    assert_eq!(guesses, [403; 3]);
    let code = browser.same_code();
    assert_eq!(suspend(&mut browser, &code), 429, "too many guesses");
    assert_eq!(desk.rows("SELECT count(*) FROM standing"), 0);
    browser.wait(MINUTE);
    let code = browser.code();
    assert_eq!(suspend(&mut browser, &code), 303);
}
