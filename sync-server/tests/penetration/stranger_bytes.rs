//! A stranger who says nothing of himself: raw bytes, too many, too slow, or for somewhere else.

use std::io::{Read, Write};
use std::net::TcpStream;
use std::time::{Duration, Instant};

use sync_protocol::{MAX_FRAME_BYTES, RefusedCode, RelayMessage};
use sync_server::{Limits, Timers};

use crate::attempt::{End, attempts};
use crate::line::{Line, push};
use crate::relay::{DEADLINE, Relay, http};

attempts!(
    bytes_that_are_no_message,
    a_push_before_any_hello,
    a_message_larger_than_any,
    fragments_that_grow_larger_than_any,
    fragments_without_end,
    a_frame_that_is_not_masked,
    silence_after_the_greeting,
    a_request_that_never_ends,
    a_head_and_no_body,
    paths_to_the_data,
    headers_spliced_into_the_answer,
    a_second_request_hidden_in_the_first,
    more_headers_than_fit,
    the_operators_figures_at_the_door_of_devices,
    connections_over_and_over,
);

const UPGRADE: &str = "Connection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\n\
                       Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n";

/// A WebSocket by hand, past the relay's greeting or before it.
fn upgraded(relay: &Relay) -> TcpStream {
    let mut stream = TcpStream::connect(relay.listen()).unwrap();
    stream.set_read_timeout(Some(DEADLINE)).unwrap();
    stream
        .write_all(format!("GET /sync HTTP/1.1\r\nHost: relay\r\n{UPGRADE}\r\n").as_bytes())
        .unwrap();
    stream
}

/// Says these bytes, and gives the code of the relay's close frame; the relay keeps no connection.
fn closed_with(relay: &Relay, bytes: &[u8]) -> u16 {
    let mut stream = upgraded(relay);
    drop(stream.write_all(bytes));
    let mut heard = Vec::new();
    drop(stream.read_to_end(&mut heard));
    let at = heard.windows(4).position(|four| four == b"\r\n\r\n").unwrap() + 4;
    let mut frames = &heard[at..];
    let mut code = 0;
    while let [kind, n, ..] = *frames {
        let n = usize::from(n);
        assert!(n < 126, "the relay says only short things here");
        if kind == 0x88 {
            code = u16::from_be_bytes([frames[2], frames[3]]);
        }
        frames = &frames[2 + n..];
    }
    relay.tells_gone();
    code
}

async fn bytes_that_are_no_message() -> End {
    let relay = Relay::start(20).await;
    let before = relay.rows();
    for bytes in [&b""[..], b"\xff", b"open sesame", &[0x9f; 900]] {
        let (mut line, _) = Line::greeted(&relay).await;
        line.say_bytes(bytes.to_vec()).await;
        assert_eq!(line.refused().await, (RefusedCode::BadMessage, vec![]));
    }
    relay.is_as_before(&before, &[]);
    relay.tells("refusals_total{code=\"bad_message\"}", 4.0);
    End::Refused
}

async fn a_push_before_any_hello() -> End {
    let mut relay = Relay::start(21).await;
    let before = relay.rows();
    let real = relay.a.device.seal(40, &mut relay.rng);
    let (mut line, _) = Line::greeted(&relay).await;
    line.say(&push(real.id, real.bytes)).await;
    assert_eq!(line.refused().await, (RefusedCode::BadMessage, vec![]));
    relay.is_as_before(&before, &[]);
    relay.tells_of("bad_message");
    End::Refused
}

async fn a_message_larger_than_any() -> End {
    let relay = Relay::start(22).await;
    let before = relay.rows();
    let n = (MAX_FRAME_BYTES as u64 + 1).to_be_bytes();
    assert_eq!(closed_with(&relay, &[&[0x82, 0xff], &n[..], &[0; 4]].concat()), 1009);
    assert_eq!(
        closed_with(&relay, &[&[0x82, 0xff], &[0xff; 8][..], &[0; 4]].concat()),
        1009
    );
    relay.is_as_before(&before, &[]);
    End::Refused
}

async fn fragments_that_grow_larger_than_any() -> End {
    let relay = Relay::start(23).await;
    let n = (MAX_FRAME_BYTES as u64 - 1).to_be_bytes();
    let first = [&[0x02, 0xff], &n[..], &[0; 4], &vec![0; MAX_FRAME_BYTES - 1]].concat();
    let second = [0x00, 0x82, 0, 0, 0, 0, 1, 2];
    assert_eq!(closed_with(&relay, &[&first[..], &second].concat()), 1009);
    End::Refused
}

async fn fragments_without_end() -> End {
    let relay = Relay::start(24).await;
    let nothing = [0x00, 0x80, 0, 0, 0, 0].repeat(100);
    let begins = [0x02, 0x81, 0, 0, 0, 0, 1];
    assert_eq!(closed_with(&relay, &[&begins[..], &nothing].concat()), 1002);
    End::Refused
}

async fn a_frame_that_is_not_masked() -> End {
    let relay = Relay::start(25).await;
    assert_eq!(closed_with(&relay, &[0x82, 0x01, 0x00]), 1002);
    End::Refused
}

fn impatient() -> Timers {
    Timers {
        at_the_door: Duration::from_millis(100),
        hello_within: Duration::from_millis(200),
        ..Timers::default()
    }
}

async fn silence_after_the_greeting() -> End {
    let relay = Relay::start_with(26, Limits::default(), impatient()).await;
    let (mut line, _) = Line::greeted(&relay).await;
    assert_eq!(line.hear_bytes().await, None);
    relay.tells_of("no_hello");
    relay.tells_gone();
    End::Refused
}

/// Says this and nothing more; until when the relay has hung up.
fn hung_up(relay: &Relay, said: &str) -> Vec<u8> {
    let mut stream = TcpStream::connect(relay.listen()).unwrap();
    stream.set_read_timeout(Some(DEADLINE)).unwrap();
    let (began, mut heard) = (Instant::now(), Vec::new());
    stream.write_all(said.as_bytes()).unwrap();
    drop(stream.read_to_end(&mut heard));
    assert!(began.elapsed() < Duration::from_secs(10), "{:?}", began.elapsed());
    heard
}

async fn a_request_that_never_ends() -> End {
    let relay = Relay::start_with(27, Limits::default(), impatient()).await;
    for said in [
        "",
        "G",
        "GET /sync HTTP/1.1\r\nHost: re",
        "GET /sync HTTP/1.1\r\nHost: relay\r\nX: y\r\n",
    ] {
        let heard = String::from_utf8_lossy(&hung_up(&relay, said)).into_owned();
        assert!(!heard.contains("101"), "{heard}");
    }
    // The door is open to others.
    Line::greeted(&relay).await;
    End::Refused
}

async fn a_head_and_no_body() -> End {
    let relay = Relay::start_with(28, Limits::default(), impatient()).await;
    let mut stream = upgraded(&relay);
    // A megabyte is promised, and nothing comes.
    let n = 1_000_000_u64.to_be_bytes();
    stream.write_all(&[&[0x82, 0xff], &n[..], &[0; 4]].concat()).unwrap();
    drop(stream.read_to_end(&mut Vec::new()));
    relay.tells_of("no_hello");
    relay.tells_gone();
    End::Refused
}

async fn paths_to_the_data() -> End {
    let relay = Relay::start(29).await;
    for path in [
        "/../../etc/passwd",
        "/relay.key",
        "/relay.sqlite",
        "/sync/../relay.key",
        "/%2e%2e/relay.key",
        "//relay.key",
        "/attachments/",
        "/sync%00/../relay.key",
        "http://elsewhere.example/relay.key",
    ] {
        let (status, answer) = http(&relay.listen(), &format!("GET {path} HTTP/1.1\r\nHost: r\r\n\r\n")).unwrap();
        assert!([400, 404].contains(&status), "{path}: {status}");
        assert!(answer.ends_with("\r\n\r\n"), "{path}: {answer}");
    }
    End::Refused
}

async fn headers_spliced_into_the_answer() -> End {
    let relay = Relay::start(30).await;
    let wrong_key = UPGRADE.replace("dGhlIHNhbXBsZSBub25jZQ==", "dGhlIHNhbXBsZSBub25jZQ==%0d%0aX-Evil: 1");
    let folded = format!("{UPGRADE}X-Fold: a\r\n X-Evil: 1\r\n");
    let bare = format!("{UPGRADE}X-Bare: a\rX-Evil: 1\r\n");
    let null = format!("{UPGRADE}X-Null: a\0X-Evil: 1\r\n");
    for headers in [wrong_key, folded, bare, null] {
        let request = format!("GET /sync HTTP/1.1\r\nHost: relay\r\n{headers}\r\n");
        let (status, answer) = http(&relay.listen(), &request).unwrap();
        assert_eq!(status, 400, "{headers}");
        assert!(!answer.contains("X-Evil"), "{answer}");
    }
    let split = "GET /health%0d%0aX-Evil:%201 HTTP/1.1\r\nHost: r\r\n\r\n";
    let (status, answer) = http(&relay.listen(), split).unwrap();
    assert_eq!(status, 404);
    assert!(!answer.contains("X-Evil"));
    End::Refused
}

async fn a_second_request_hidden_in_the_first() -> End {
    let relay = Relay::start(31).await;
    let hidden = "GET /sync HTTP/1.1\r\nHost: r\r\n\r\n";
    for (lengths, expected) in [
        ("Content-Length: 4\r\nContent-Length: 40\r\n", 400),
        ("Content-Length: 4\r\nTransfer-Encoding: chunked\r\n", 400),
        ("Transfer-Encoding: chunked, identity\r\n", 400),
        ("", 200),
    ] {
        let request = format!("GET /health HTTP/1.1\r\nHost: r\r\n{lengths}\r\n{hidden}");
        let (status, answer) = http(&relay.listen(), &request).unwrap();
        assert_eq!(answer.matches("HTTP/1.1 ").count(), 1, "one answer: {answer}");
        assert!(
            status == expected || lengths.contains("chunked") && status == 200,
            "{lengths}: {status}"
        );
    }
    End::Refused
}

async fn more_headers_than_fit() -> End {
    let relay = Relay::start(32).await;
    let status = |request: String| http(&relay.listen(), &request).unwrap().0;
    let many: String = (0..65).map(|n| format!("X-{n}: y\r\n")).collect();
    assert_eq!(status(format!("GET /sync HTTP/1.1\r\n{many}\r\n")), 431);
    let long = "y".repeat(20_000);
    assert_eq!(status(format!("GET /sync HTTP/1.1\r\nX: {long}\r\n\r\n")), 431);
    assert_eq!(
        status(format!("GET /{} HTTP/1.1\r\nHost: r\r\n\r\n", &long[..300])),
        414
    );
    End::Refused
}

async fn the_operators_figures_at_the_door_of_devices() -> End {
    let relay = Relay::start(33).await;
    for path in ["/metrics", "/ready"] {
        let (status, answer) = http(&relay.listen(), &format!("GET {path} HTTP/1.1\r\nHost: r\r\n\r\n")).unwrap();
        assert_eq!(status, 404);
        assert!(!answer.contains("medieco_relay"));
    }
    let admin = relay.running().admin.unwrap().to_string();
    for request in ["POST /metrics", "DELETE /ready", "GET /sync"] {
        let (status, _) = http(&admin, &format!("{request} HTTP/1.1\r\nHost: r\r\n{UPGRADE}\r\n")).unwrap();
        assert!([404, 405].contains(&status), "{request}: {status}");
    }
    End::Refused
}

async fn connections_over_and_over() -> End {
    let limits = Limits {
        connections_a_minute: Some(1),
        ..Limits::default()
    };
    let relay = Relay::start_with(34, limits, Timers::default()).await;
    let mut n_heard = 0;
    for _ in 0..25 {
        if let Some(mut line) = Line::try_dial(&relay.listen()).await {
            n_heard += usize::from(matches!(line.hear().await, Some(RelayMessage::Greeting(_))));
        }
    }
    assert!((10..=11).contains(&n_heard), "{n_heard}");
    relay.tells("rate_limited_total{limit=\"connections\"}", 14.0);
    End::Refused
}
