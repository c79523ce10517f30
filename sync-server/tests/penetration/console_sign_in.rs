//! Somebody at the door of the operator's console: guessing, repeating, stealing.

use crate::attempt::{End, attempts};
use crate::browser::{Browser, PASSWORD};
use crate::console::Console;

attempts!(
    passwords_guessed_one_after_another,
    passwords_guessed_for_many_names,
    names_told_apart_by_the_answer,
    a_code_overheard,
    codes_guessed_with_the_right_password,
    a_link_guessed,
    a_link_used_twice,
    a_cookie_set_before_the_sign_in,
    a_cookie_stolen_and_used_after_the_sign_out,
    a_cookie_guessed_or_altered,
    the_database_without_the_key,
    quotes_and_commands_in_every_field,
);

fn is_in(browser: &mut Browser) -> bool {
    browser.get("/clinics").status == 200
}

async fn passwords_guessed_one_after_another() -> End {
    let console = Console::open().await;
    let owner = console.enrolled("aisyah");
    let mut guesser = owner.beside();
    let mut answers = Vec::new();
    for nth in 0..30 {
        let answer = guesser.try_to_sign_in("aisyah", &format!("rahsia klinik {nth}"), "123456");
        answers.push(answer.status);
    }
    assert_eq!(answers[..6], [403, 403, 403, 403, 403, 429]);
    assert!(answers[6..].iter().all(|status| *status == 429), "{answers:?}");
    // Also right is too soon.
    let code = guesser.same_code();
    assert_eq!(guesser.try_to_sign_in("aisyah", PASSWORD, &code).status, 429);
    assert_eq!((console.sessions(), console.refused()), (0, 5));
    End::Refused
}

async fn passwords_guessed_for_many_names() -> End {
    let console = Console::open().await;
    let mut guesser = console.enrolled("aisyah").beside();
    let statuses: Vec<u16> = (0..40)
        .map(|nth| {
            guesser
                .try_to_sign_in(&format!("operator{nth}"), PASSWORD, "123456")
                .status
        })
        .collect();
    let first = statuses.iter().position(|status| *status == 429);
    assert_eq!(first, Some(20), "{statuses:?}");
    assert!(statuses[20..].iter().all(|status| *status == 429));
    assert_eq!(console.sessions(), 0);
    End::Refused
}

async fn names_told_apart_by_the_answer() -> End {
    let console = Console::open().await;
    let mut guesser = console.enrolled("aisyah").beside();
    for _ in 0..8 {
        let known = guesser.try_to_sign_in("aisyah", "not the password", "123456");
        let unknown = guesser.try_to_sign_in("aishah", "not the password", "123456");
        assert_eq!(known.status, unknown.status);
        assert_eq!(known.text(), unknown.text());
        let names = |head: &str| {
            head.lines()
                .map(|line| line.split(':').next().unwrap().to_owned())
                .collect::<Vec<_>>()
        };
        assert_eq!(names(&known.head), names(&unknown.head));
    }
    // Nor does the audit repeat what was typed in the wrong field.
    let typed = console.figure("SELECT count(*) FROM operator_audit WHERE about = 'aishah' OR operator = 'aishah'");
    assert_eq!(typed, 0);
    End::Refused
}

async fn a_code_overheard() -> End {
    let console = Console::open().await;
    let mut owner = console.enrolled("aisyah");
    let code = owner.code();
    assert_eq!(owner.try_to_sign_in("aisyah", PASSWORD, &code).status, 303);
    let mut thief = owner.beside();
    assert_eq!(thief.try_to_sign_in("aisyah", PASSWORD, &code).status, 403);
    // Nor an older one that the clock would still allow.
    let late = owner.code();
    assert_eq!(owner.try_to_sign_in("aisyah", PASSWORD, &late).status, 303);
    assert_eq!(thief.try_to_sign_in("aisyah", PASSWORD, &code).status, 403);
    assert!(!is_in(&mut thief));
    assert_eq!(console.refused(), 2);
    End::Refused
}

async fn codes_guessed_with_the_right_password() -> End {
    let console = Console::open().await;
    let mut thief = console.enrolled("aisyah").beside();
    let right = thief.same_code();
    let wrong = |nth: u32| format!("{:06}", (right.parse::<u32>().unwrap() + 1 + nth) % 1_000_000);
    let statuses: Vec<u16> = (0..20)
        .map(|nth| thief.try_to_sign_in("aisyah", PASSWORD, &wrong(nth)).status)
        .collect();
    assert_eq!(
        statuses.iter().filter(|status| **status == 403).count(),
        5,
        "{statuses:?}"
    );
    assert_eq!(console.sessions(), 0);
    End::Refused
}

async fn a_link_guessed() -> End {
    let console = Console::open().await;
    let real = crate::browser::add_operator(
        console.data(),
        "aisyah",
        crate::browser::standing_clock().load(std::sync::atomic::Ordering::Relaxed),
    );
    let mut stranger = console.browser();
    let mut answers = Vec::new();
    for end in [
        "AAAA",
        &"A".repeat(43),
        &"A".repeat(44),
        "..",
        "%2e%2e",
        &real["/enrol/".len()..][..42],
    ] {
        let answer = stranger.get(&format!("/enrol/{end}"));
        assert_eq!(answer.status, 404, "{end}");
        assert!(!answer.text().contains("otpauth") && !answer.text().contains("aisyah"));
        answers.push(answer.text().len());
    }
    let fields = [("password", PASSWORD), ("again", PASSWORD), ("code", "123456")];
    let answer = stranger.post(&format!("/enrol/{}", "A".repeat(43)), &fields);
    assert_eq!(answer.status, 404);
    assert_eq!(
        console.figure("SELECT count(*) FROM operator WHERE password IS NOT NULL"),
        0
    );
    End::Refused
}

async fn a_link_used_twice() -> End {
    let console = Console::open().await;
    let mut owner = console.browser();
    let link = crate::browser::add_operator(console.data(), "aisyah", owner.now_ms());
    owner.enrol(&link);
    let before: Vec<u8> = console
        .database()
        .query_row("SELECT password FROM operator", [], |row| row.get(0))
        .unwrap();
    let mut thief = owner.beside();
    assert_eq!(thief.get(&link).status, 404);
    let code = thief.code();
    let fields = [
        ("password", "the thief's own words"),
        ("again", "the thief's own words"),
        ("code", &*code),
    ];
    assert_eq!(thief.post(&link, &fields).status, 404);
    let after: Vec<u8> = console
        .database()
        .query_row("SELECT password FROM operator", [], |row| row.get(0))
        .unwrap();
    assert_eq!(before, after);
    End::Refused
}

async fn a_cookie_set_before_the_sign_in() -> End {
    let console = Console::open().await;
    let mut victim = console.enrolled("aisyah");
    let planted = (
        "medieco-console".to_owned(),
        "QUFBQUFBQUFBQUFBQUFBQUFBQUFBQUFBQUFBQUFBQUE".to_owned(),
    );
    victim.cookies = vec![planted.clone()];
    victim.sign_in("aisyah");
    assert_ne!(victim.cookies.first(), Some(&planted), "another one after the sign-in");
    let mut thief = victim.beside();
    thief.cookies = vec![planted];
    assert!(!is_in(&mut thief));
    // A second sign-in ends the first one's cookie as well.
    let first = victim.cookies.clone();
    victim.sign_in("aisyah");
    thief.cookies = first;
    assert!(!is_in(&mut thief) && is_in(&mut victim));
    End::Refused
}

async fn a_cookie_stolen_and_used_after_the_sign_out() -> End {
    let console = Console::open().await;
    let mut victim = console.operator("aisyah");
    let mut thief = victim.beside();
    thief.cookies = victim.cookies.clone();
    thief.form = victim.form.clone();
    victim.post("/sign-out", &[]);
    assert!(!is_in(&mut thief));
    assert_eq!(thief.post("/clinics", &[("name", "Klinik Pencuri")]).status, 403);
    assert_eq!(
        (console.sessions(), console.acted()),
        (0, 1),
        "the operator that was added, and no more"
    );
    End::Refused
}

async fn a_cookie_guessed_or_altered() -> End {
    let console = Console::open().await;
    let mut victim = console.operator("aisyah");
    let (name, real) = victim.cookies[0].clone();
    // The first letter: of the last one some bits count for nothing.
    let other = if real.starts_with('A') { "B" } else { "A" };
    let altered = format!("{other}{}", &real[1..]);
    for wrong in ["", "0", &altered, &real[..42], &format!("{real}A"), "' OR 1=1 --"] {
        let mut thief = victim.beside();
        thief.cookies = vec![(name.clone(), wrong.to_owned())];
        assert!(!is_in(&mut thief), "{wrong}");
    }
    let mut both = victim.beside();
    both.cookies = vec![(name.clone(), real.clone()), (name.clone(), altered)];
    assert!(!is_in(&mut both), "two at once are none");
    // What the database keeps is no cookie.
    let hash: Vec<u8> = console
        .database()
        .query_row("SELECT hash FROM operator_session", [], |row| row.get(0))
        .unwrap();
    let mut reader = victim.beside();
    reader.cookies = vec![(
        name,
        base64::Engine::encode(&base64::engine::general_purpose::URL_SAFE_NO_PAD, hash),
    )];
    assert!(!is_in(&mut reader) && is_in(&mut victim));
    End::Refused
}

async fn the_database_without_the_key() -> End {
    let console = Console::open().await;
    let mut owner = console.enrolled("aisyah");
    // Whoever writes into the database makes password and second factor under a key of his own.
    let own = seal::RelayKey::make(&mut crate::relay::rng(9)).console_key();
    let id: Vec<u8> = console
        .database()
        .query_row("SELECT id FROM operator", [], |row| row.get(0))
        .unwrap();
    let password = own
        .store_password("kata laluan pencuri", &mut crate::relay::rng(10))
        .unwrap();
    let totp = own.seal(&id, &[7; 20], &mut crate::relay::rng(11)).unwrap();
    let put = "UPDATE operator SET password = ?1, totp = ?2, totp_step = 0";
    console.database().execute(put, (password, totp)).unwrap();
    let mut thief = owner.beside();
    let totp = totp_rs::Builder::new().with_secret(vec![7; 20]).build_noncompliant();
    let code = totp.generate(thief.now_ms() as u64 / 1000).to_string();
    assert_eq!(thief.try_to_sign_in("aisyah", "kata laluan pencuri", &code).status, 403);
    let code = owner.code();
    assert_eq!(
        owner.try_to_sign_in("aisyah", PASSWORD, &code).status,
        403,
        "he has only locked her out"
    );
    assert_eq!((console.sessions(), console.refused()), (0, 2));
    End::Refused
}

async fn quotes_and_commands_in_every_field() -> End {
    let console = Console::open().await;
    let mut stranger = console.enrolled("aisyah").beside();
    let bad = [
        "' OR '1'='1",
        "aisyah' --",
        "aisyah\0",
        "\u{202e}aisyah",
        "a%00b",
        "'; DROP TABLE operator; --",
        "admin\r\nX: y",
    ];
    for words in bad {
        let code = stranger.same_code();
        let statuses = [
            stranger.try_to_sign_in(words, PASSWORD, &code).status,
            stranger.try_to_sign_in("budi", words, &code).status,
        ];
        assert!(statuses.iter().all(|status| [403, 429].contains(status)), "{words}");
    }
    assert_eq!(console.figure("SELECT count(*) FROM operator"), 1);
    assert_eq!(console.sessions(), 0);
    End::Refused
}
