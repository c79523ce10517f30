//! Pages that an operator is led to, and requests that no page would send.

use std::io::{Read, Write};
use std::net::TcpStream;
use std::time::Duration;

use sync_server::Timers;

use crate::attempt::{End, attempts};
use crate::browser::{Answer, Browser, escaped};
use crate::console::Console;

attempts!(
    a_form_of_another_site,
    a_form_without_its_mark,
    an_act_by_a_link,
    a_page_in_a_frame,
    a_script_in_a_clinics_name,
    a_way_to_another_site,
    a_header_spliced_into_a_redirect,
    a_form_larger_than_any,
    a_form_that_never_ends,
    paths_out_of_the_console,
    a_second_request_hidden_in_a_form,
    clinics_counted_by_their_numbers,
    a_removal_without_an_export,
    a_code_used_for_two_acts,
    another_name_for_this_site,
);

const FORM: (&str, &str) = ("Content-Type", "application/x-www-form-urlencoded");

async fn a_form_of_another_site() -> End {
    let console = Console::open().await;
    let mut victim = console.operator("aisyah");
    let (mark, own) = (victim.form.clone(), format!("http://{}", victim.host()));
    let before = console.acted();
    for origin in [
        "https://evil.example",
        "null",
        "",
        &format!("{own}.evil.example"),
        &own.replace("http", "https"),
    ] {
        let answer = victim.post_from("/clinics", origin, &mark, &[("name", "Klinik Jahat")]);
        assert_eq!(answer.status, 403, "{origin}");
    }
    // Without an origin, and with the browser's own word that it was another site.
    let body = format!("form={mark}&name=Klinik+Jahat");
    assert_eq!(victim.ask("POST", "/clinics", &[FORM], &body).status, 403);
    let crossed = [FORM, ("Origin", own.as_str()), ("Sec-Fetch-Site", "cross-site")];
    assert_eq!(victim.ask("POST", "/clinics", &crossed, &body).status, 403);
    // Nor is anybody signed in by another site's form.
    let answer = victim.post_from("/sign-in", "https://evil.example", "", &[("name", "aisyah")]);
    assert_eq!(answer.status, 403);
    assert_eq!(console.acted(), before);
    End::Refused
}

async fn a_form_without_its_mark() -> End {
    let console = Console::open().await;
    let mut victim = console.operator("aisyah");
    let own = format!("http://{}", victim.host());
    let older = victim.form.clone();
    victim.sign_in("aisyah");
    let mut other = console.operator("budi");
    other.get("/clinics");
    let before = console.acted();
    let right = victim.form.clone();
    for mark in ["", "x", &older, &other.form, &right[1..], &right.to_lowercase()] {
        let answer = victim.post_from("/clinics", &own, mark, &[("name", "Klinik Jahat")]);
        assert_eq!(answer.status, 403, "{mark}");
    }
    // Twice is none.
    let body = format!("form={0}&form={0}&name=Klinik+Jahat", victim.form);
    assert_eq!(
        victim.ask("POST", "/clinics", &[FORM, ("Origin", &own)], &body).status,
        403
    );
    assert_eq!(console.acted(), before);
    let mark = victim.form.clone();
    assert_eq!(
        victim
            .post_from("/clinics", &own, &mark, &[("name", "Klinik Betul")])
            .status,
        200
    );
    End::Refused
}

async fn an_act_by_a_link() -> End {
    let console = Console::open().await;
    let mut victim = console.operator("aisyah");
    let before = console.acted();
    let mark = victim.form.clone();
    for path in [
        "/sign-out",
        "/clinics/1/suspend",
        "/clinics/1/remove",
        "/clinics/1/export",
        "/operators/aisyah/remove",
        "/language",
        "/sessions/end",
    ] {
        let answer = victim.get(&format!("{path}?form={mark}&why=x&to=ms&typed=Klinik+Satu"));
        assert_eq!(answer.status, 405, "{path}");
    }
    let added = victim.get(&format!("/clinics?form={mark}&name=Klinik+Jahat"));
    assert!(added.status == 200 && !added.text().contains("Klinik Jahat"));
    assert_eq!((console.acted(), console.sessions()), (before, 1));
    End::Refused
}

async fn a_page_in_a_frame() -> End {
    let console = Console::open().await;
    let mut victim = console.operator("aisyah");
    for path in [
        "/",
        "/sign-in",
        "/clinics",
        "/clinics/1",
        "/health",
        "/audit",
        "/operators",
        "/console.css",
        "/nowhere",
    ] {
        let answer = victim.get(path);
        assert_eq!(answer.header("x-frame-options"), ["DENY"], "{path}");
        assert!(
            answer.header("content-security-policy")[0].contains("frame-ancestors 'none'"),
            "{path}"
        );
        assert_eq!(answer.header("cross-origin-opener-policy"), ["same-origin"], "{path}");
    }
    End::Refused
}

async fn a_script_in_a_clinics_name() -> End {
    let console = Console::open().await;
    let mut victim = console.operator("aisyah");
    let bad = "\"><script>alert(1)</script><img src=x onerror=alert(2)>'";
    let holds = |answer: &Answer| {
        let text = answer.text();
        assert!(!text.contains("<script") && !text.contains("<img"), "{text}");
    };
    holds(&victim.post("/clinics", &[("name", bad)]));
    for path in [
        "/clinics",
        "/clinics/2",
        "/invitations",
        &format!("/clinics?q={}", escaped(bad)),
        &format!("/clinics?sort={}", escaped(bad)),
    ] {
        holds(&victim.get(path));
    }
    let code = victim.code();
    victim.post("/clinics/1/suspend", &[("why", bad), ("code", &code)]);
    let page = victim.get("/clinics/1");
    assert!(page.text().contains("&lt;script&gt;"), "it is shown as it was typed");
    holds(&page);
    End::Refused
}

async fn a_way_to_another_site() -> End {
    let console = Console::open().await;
    let mut victim = console.operator("aisyah");
    let away = [
        "https://evil.example",
        "//evil.example",
        "/\\evil.example",
        "javascript:alert(1)",
    ];
    for to in away {
        let to = escaped(to);
        for path in [
            format!("/?next={to}"),
            format!("/sign-in?next={to}&then={to}&url={to}"),
            format!("/clinics?q={to}"),
        ] {
            let answer = victim.get(&path);
            let leads = answer.leads_to().unwrap_or("/").to_owned();
            assert!(leads.starts_with('/') && !leads.contains("evil"), "{path}: {leads}");
        }
        let answer = victim.post("/language", &[("to", &to), ("next", &to)]);
        assert_eq!(answer.leads_to(), Some("/"));
    }
    End::Refused
}

async fn a_header_spliced_into_a_redirect() -> End {
    let console = Console::open().await;
    let mut victim = console.operator("aisyah");
    let bad = "en\r\nSet-Cookie: medieco-console=evil\r\n\r\n<html>";
    for path in ["/language", "/clinics/1/name", "/clinics/1/reactivate"] {
        let answer = victim.post(path, &[("to", bad), ("name", bad), ("why", bad)]);
        assert!(
            !answer.head.to_lowercase().contains("medieco-console=evil"),
            "{path}: {}",
            answer.head
        );
    }
    for path in [
        "/clinics%0d%0aX-Evil:%201",
        "/enrol/a%0d%0aX-Evil:%201",
        "/clinics/1%0aX-Evil",
    ] {
        let answer = victim.get(path);
        assert_eq!(answer.status, 404, "{path}");
        assert!(!answer.head.contains("X-Evil"));
    }
    let file = victim.post("/clinics/1/export", &[]);
    let name = file.header("content-disposition")[0].to_owned();
    assert!(
        name.starts_with("attachment; filename=\"clinic-1-") && name.ends_with(".tar\""),
        "{name}"
    );
    End::Refused
}

async fn a_form_larger_than_any() -> End {
    let console = Console::open().await;
    let victim = console.operator("aisyah");
    let own = format!("http://{}", victim.host());
    let before = console.acted();
    let large = format!("form={}&name={}", victim.form, "x".repeat(16 * 1024));
    assert_eq!(
        victim.ask("POST", "/clinics", &[FORM, ("Origin", &own)], &large).status,
        413
    );
    for kind in [
        "multipart/form-data; boundary=x",
        "application/json",
        "text/plain",
        "application/x-www-form-urlencoded-not",
    ] {
        let headers = [("Content-Type", kind), ("Origin", own.as_str())];
        let body = format!("form={}&name=Klinik+Jahat", victim.form);
        assert_eq!(victim.ask("POST", "/clinics", &headers, &body).status, 415, "{kind}");
    }
    let body = format!("form={}&name=Klinik+Jahat", victim.form);
    assert_eq!(
        victim.ask("POST", "/clinics", &[("Origin", &own)], &body).status,
        415,
        "of no kind"
    );
    assert_eq!(console.acted(), before);
    End::Refused
}

async fn a_form_that_never_ends() -> End {
    let timers = Timers {
        at_the_door: Duration::from_millis(200),
        ..Timers::default()
    };
    let console = Console::open_with(timers).await;
    let to = console.relay.console.unwrap();
    let head = format!(
        "POST /sign-in HTTP/1.1\r\nHost: {to}\r\nOrigin: http://{to}\r\nContent-Length: 100\r\n\
         Content-Type: application/x-www-form-urlencoded\r\n\r\nname=a"
    );
    let slow: Vec<TcpStream> = (0..8)
        .map(|_| {
            let mut stream = TcpStream::connect(to).unwrap();
            stream.write_all(head.as_bytes()).unwrap();
            stream.set_read_timeout(Some(Duration::from_secs(60))).unwrap();
            stream
        })
        .collect();
    // Others are served meanwhile, and those who keep silent are hung up on.
    assert_eq!(console.browser().get("/sign-in").status, 200);
    for mut stream in slow {
        let mut said = Vec::new();
        drop(stream.read_to_end(&mut said));
        assert!(String::from_utf8_lossy(&said).starts_with("HTTP/1.1 408"));
    }
    assert_eq!(console.refused(), 0);
    End::Refused
}

async fn paths_out_of_the_console() -> End {
    let console = Console::open().await;
    let mut victim = console.operator("aisyah");
    for path in [
        "/../relay.key",
        "/clinics/../../relay.key",
        "/%2e%2e/relay.key",
        "/clinics/%2e%2e%2frelay.key",
        "/console.css/../relay.key",
        "/relay.sqlite",
        "//clinics",
        "/clinics/1/../2",
        "/clinics/1%00",
        "/clinics/-1",
        "/clinics/0",
        "/clinics/9223372036854775808",
        "/clinics/1e3",
    ] {
        let answer = victim.get(path);
        assert_eq!(answer.status, 404, "{path}");
        assert!(!answer.text().contains("SQLite"), "{path}");
    }
    assert_eq!(victim.get(&format!("/{}", "a".repeat(300))).status, 414);
    assert_eq!(
        victim.ask("GET", "http://elsewhere.example/clinics", &[], "").status,
        400
    );
    End::Refused
}

async fn a_second_request_hidden_in_a_form() -> End {
    let console = Console::open().await;
    let victim = console.operator("aisyah");
    let (to, before) = (victim.host().to_owned(), console.acted());
    let hidden = format!("POST /sign-out HTTP/1.1\r\nHost: {to}\r\nOrigin: http://{to}\r\n\r\n");
    for lengths in [
        "Content-Length: 4\r\nContent-Length: 40\r\n",
        "Content-Length: 4\r\nTransfer-Encoding: chunked\r\n",
        "Transfer-Encoding: chunked, identity\r\n",
        "Content-Length: +4\r\n",
        "Content-Length: 4\r\n",
    ] {
        let request =
            format!("POST /language HTTP/1.1\r\nHost: {to}\r\nOrigin: http://{to}\r\n{lengths}\r\nto=x{hidden}");
        let mut stream = TcpStream::connect(&to).unwrap();
        stream.set_read_timeout(Some(Duration::from_secs(60))).unwrap();
        drop(stream.write_all(request.as_bytes()));
        let mut said = Vec::new();
        drop(stream.read_to_end(&mut said));
        assert!(
            String::from_utf8_lossy(&said).matches("HTTP/1.1 ").count() <= 1,
            "{lengths}: one answer"
        );
    }
    assert_eq!((console.acted(), console.sessions()), (before, 1));
    End::Refused
}

async fn clinics_counted_by_their_numbers() -> End {
    let console = Console::open().await;
    console.operator("aisyah");
    let mut stranger = console.browser();
    let looks = |browser: &mut Browser, path: &str| {
        let answer = browser.get(path);
        (answer.status, answer.leads_to().map(str::to_owned), answer.text())
    };
    let (there, not_there) = (looks(&mut stranger, "/clinics/1"), looks(&mut stranger, "/clinics/77"));
    assert_eq!(there, not_there);
    assert_eq!(there.1.as_deref(), Some("/sign-in"));
    let acts = ["/clinics/1/export", "/clinics/77/export"].map(|path| stranger.post(path, &[]).status);
    assert_eq!(acts, [403, 403]);
    End::Refused
}

async fn a_removal_without_an_export() -> End {
    let console = Console::open().await;
    let mut victim = console.operator("aisyah");
    let code = victim.code();
    assert_eq!(
        victim
            .post("/clinics/1/suspend", &[("why", "x"), ("code", &code)])
            .status,
        303
    );
    let remove = |browser: &mut Browser, number: i64, name: &str| {
        let code = browser.code();
        let fields = [("typed", name), ("code", &*code)];
        browser.post(&format!("/clinics/{number}/remove"), &fields).status
    };
    assert_eq!(remove(&mut victim, 1, "Klinik Satu"), 409);
    // Another session's export counts for that session alone.
    let mut other = victim.beside();
    other.sign_in("aisyah");
    assert_eq!(other.post("/clinics/1/export", &[]).status, 200);
    assert_eq!(remove(&mut victim, 1, "Klinik Satu"), 409);
    assert_eq!(remove(&mut other, 1, "klinik satu"), 422, "another name");
    assert_eq!(console.figure("SELECT count(*) FROM standing WHERE state = 2"), 0);
    assert!(console.figure("SELECT count(*) FROM statement") > 0);
    End::Refused
}

async fn a_code_used_for_two_acts() -> End {
    let console = Console::open().await;
    let mut victim = console.operator("aisyah");
    assert_eq!(victim.post("/clinics/1/export", &[]).status, 200);
    let code = victim.code();
    assert_eq!(
        victim
            .post("/clinics/1/suspend", &[("why", "x"), ("code", &code)])
            .status,
        303
    );
    let again = victim.post("/clinics/1/remove", &[("typed", "Klinik Satu"), ("code", &code)]);
    assert_eq!(again.status, 403);
    assert_eq!(
        victim.post("/operators", &[("name", "thief"), ("code", &code)]).status,
        403
    );
    assert_eq!(console.figure("SELECT count(*) FROM standing WHERE state = 2"), 0);
    assert_eq!(console.figure("SELECT count(*) FROM operator"), 1);
    End::Refused
}

async fn another_name_for_this_site() -> End {
    let console = Console::open().await;
    let victim = console.operator("aisyah");
    let (to, before) = (victim.host().to_owned(), console.acted());
    let cookie = format!("{}={}", victim.cookies[0].0, victim.cookies[0].1);
    let body = format!("form={}&name=Klinik+Jahat", victim.form);
    let rest = format!(
        "Cookie: {cookie}\r\nContent-Type: {}\r\nContent-Length: {}\r\n\r\n{body}",
        FORM.1,
        body.len()
    );
    for (hosts, status) in [
        (String::new(), 400),
        (format!("Host: {to}\r\nHost: evil.example\r\n"), 400),
        // A name of another site's that leads here: its page's origin is not this one's host.
        (format!("Host: {to}\r\nOrigin: http://evil.example\r\n"), 403),
        (format!("Host: evil.example\r\nOrigin: http://{to}\r\n"), 403),
    ] {
        let answer = victim.say(format!("POST /clinics HTTP/1.1\r\n{hosts}{rest}").as_bytes());
        assert_eq!(answer.status, status, "{hosts}");
    }
    assert_eq!(console.acted(), before);
    End::Refused
}
