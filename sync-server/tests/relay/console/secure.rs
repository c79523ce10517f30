//! The console over the relay's own TLS, and behind a proxy: what `docs/operations.md` says of both.

use std::net::SocketAddr;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::AtomicI64;

use rustls::pki_types::ServerName;
use rustls::{ClientConfig, ClientConnection, ProtocolVersion, RootCertStore, SupportedProtocolVersion, version};
use sync_server::{ConsoleClock, RunningRelay, ServeError, ServeOptions, Timers, TlsFiles, serve_with};
use tempfile::TempDir;
use tokio::sync::oneshot;

use super::browser::{Answer, Browser, PASSWORD, add_operator, standing_clock};

const PUBLIC: &str = "relay.example.org";

/// A relay whose console is reached in this way.
struct Reached {
    relay: RunningRelay,
    clock: &'static AtomicI64,
    folder: TempDir,
    certificate: rustls::pki_types::CertificateDer<'static>,
    _stop: oneshot::Sender<()>,
}

fn options(data: &Path, tls: Option<TlsFiles>, console: SocketAddr) -> ServeOptions {
    ServeOptions {
        behind_proxy: tls.is_none(),
        tls,
        console: Some(console),
        ..ServeOptions::new(data, "127.0.0.1:0".parse().unwrap())
    }
}

impl Reached {
    async fn open(has_tls: bool) -> Self {
        let (folder, clock) = (tempfile::tempdir().unwrap(), standing_clock());
        let made = rcgen::generate_simple_self_signed(["localhost".to_owned()]).unwrap();
        let files = TlsFiles {
            certificate: folder.path().join("console.pem"),
            key: folder.path().join("console.key"),
        };
        std::fs::write(&files.certificate, made.cert.pem()).unwrap();
        std::fs::write(&files.key, made.signing_key.serialize_pem()).unwrap();
        let options = options(
            &folder.path().join("data"),
            has_tls.then_some(files),
            "127.0.0.1:0".parse().unwrap(),
        );
        let timers = Timers {
            console_clock: ConsoleClock::Set(clock),
            ..Timers::default()
        };
        let (stop, stopped) = oneshot::channel::<()>();
        let relay = serve_with(options, timers, async { drop(stopped.await) })
            .await
            .unwrap();
        Self {
            relay,
            clock,
            folder,
            certificate: made.cert.der().clone(),
            _stop: stop,
        }
    }

    fn trusting(&self, versions: &[&'static SupportedProtocolVersion]) -> Arc<ClientConfig> {
        let mut roots = RootCertStore::empty();
        roots.add(self.certificate.clone()).unwrap();
        let provider = Arc::new(rustls::crypto::ring::default_provider());
        let config = ClientConfig::builder_with_provider(provider)
            .with_protocol_versions(versions)
            .unwrap();
        Arc::new(config.with_root_certificates(roots).with_no_client_auth())
    }

    /// What a handshake comes to.
    fn shaken(&self, versions: &[&'static SupportedProtocolVersion]) -> Result<ProtocolVersion, std::io::Error> {
        let mut tcp = std::net::TcpStream::connect(self.relay.console.unwrap())?;
        let with = ServerName::try_from("localhost").unwrap();
        let mut tls = ClientConnection::new(self.trusting(versions), with).unwrap();
        while tls.is_handshaking() {
            tls.complete_io(&mut tcp)?;
        }
        Ok(tls.protocol_version().unwrap())
    }

    fn browser(&self) -> Browser {
        Browser::new(self.relay.console.unwrap(), self.clock)
    }

    fn over_tls(&self) -> Browser {
        let mut browser = self.browser();
        (browser.is_secure, browser.tls) = (true, Some(self.trusting(&[&version::TLS13])));
        browser
    }

    /// It speaks TLS with a proxy; what arrives here has none.
    fn behind_proxy(&self) -> Browser {
        let mut browser = self.browser();
        (browser.is_secure, browser.host) = (true, Some(PUBLIC.to_owned()));
        browser
    }

    /// Enrolled and signed in; gives what signing in answered.
    fn operator(&self, mut browser: Browser) -> (Browser, Answer) {
        browser.enrol(&add_operator(
            &self.folder.path().join("data"),
            "aisyah",
            browser.now_ms(),
        ));
        let code = browser.code();
        let answer = browser.try_to_sign_in("aisyah", PASSWORD, &code);
        assert_eq!(answer.leads_to(), Some("/clinics"), "{}", answer.text());
        assert_eq!(browser.get("/clinics").status, 200);
        (browser, answer)
    }
}

fn is_bound_to_this_host(answer: &Answer) {
    let cookies = answer.header("set-cookie");
    assert_eq!(cookies.len(), 1, "{cookies:?}");
    let mut parts = cookies[0].split("; ");
    assert!(parts.next().unwrap().starts_with("__Host-medieco-console="));
    let rest: Vec<_> = parts.collect();
    assert_eq!(rest, ["Path=/", "HttpOnly", "SameSite=Strict", "Secure"]);
    assert_eq!(answer.header("strict-transport-security"), ["max-age=31536000"]);
}

/// What others say of where a request comes from changes nothing.
fn believes_nobody(browser: &mut Browser) {
    let host = browser.host().to_owned();
    let form = browser.form.clone();
    for (name, value) in [
        ("X-Forwarded-Proto", "http"),
        ("X-Forwarded-Host", "evil.example"),
        ("Forwarded", "for=1.2.3.4;proto=http;host=evil.example"),
        ("X-Original-URL", "/audit"),
        ("X-HTTP-Method-Override", "DELETE"),
    ] {
        browser.more.push((name, value.to_owned()));
        let page = browser.get("/clinics");
        assert_eq!(page.status, 200, "{name}");
        assert!(!page.text().contains("evil"), "{name}");
        assert_eq!(page.header("strict-transport-security").len(), 1, "{name}");
        for elsewhere in ["https://evil.example".to_owned(), format!("http://{host}")] {
            let refused = browser.post_from("/language", &elsewhere, &form, &[("to", "ms")]);
            assert_eq!(refused.status, 403, "{name} {elsewhere}");
        }
        let chosen = browser.post("/language", &[("to", "en")]);
        assert_eq!(chosen.leads_to(), Some("/"), "{name}");
        assert!(chosen.header("set-cookie")[0].contains("; Secure"), "{name}");
        browser.more.pop();
    }
}

/// Fails to sign in under another name each time.
fn fails(browser: &mut Browser, n: usize, from: impl Fn(usize) -> Option<String>) -> Vec<u16> {
    let one = |nth: usize| {
        browser.more = from(nth).into_iter().map(|from| ("X-Forwarded-For", from)).collect();
        let name = format!("nobody-{nth}-{}", browser.now_ms() % 1000);
        browser.try_to_sign_in(&name, "wrong password", "000000").status
    };
    (0..n).map(one).collect()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn over_its_own_tls_the_cookie_is_this_hosts_alone_and_no_header_says_who_asks() {
    let reached = Reached::open(true).await;
    assert_eq!(reached.shaken(&[&version::TLS13]).unwrap(), ProtocolVersion::TLSv1_3);
    assert!(reached.shaken(&[&version::TLS12]).is_err(), "TLS 1.2 is not spoken");
    let plain = std::panic::catch_unwind(|| {
        Browser::new(reached.relay.console.unwrap(), reached.clock).get("/sign-in");
    });
    assert!(plain.is_err(), "nothing is answered without TLS");

    let (mut browser, signed_in) = reached.operator(reached.over_tls());
    is_bound_to_this_host(&signed_in);
    // The cookie of a console without TLS is none here.
    let mut thief = browser.beside();
    thief.cookies = vec![("medieco-console".to_owned(), browser.cookies[0].1.clone())];
    assert_eq!(thief.get("/clinics").leads_to(), Some("/sign-in"));
    believes_nobody(&mut browser);

    // Whatever a stranger writes about his address, it is the one that he comes from.
    let mut stranger = reached.over_tls();
    let failed = fails(&mut stranger, 21, |nth| Some(format!("203.0.113.{nth}")));
    assert_eq!((&failed[..20], failed[20]), (&[403; 20][..], 429));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn behind_a_proxy_the_last_address_that_it_names_is_the_one_that_waits() {
    let reached = Reached::open(false).await;
    let (mut browser, signed_in) = reached.operator(reached.behind_proxy());
    is_bound_to_this_host(&signed_in);
    believes_nobody(&mut browser);

    // What stands before the last one anybody may have written.
    let mut stranger = reached.behind_proxy();
    let from = |nth: usize| Some(format!("198.51.100.{nth}, 203.0.113.9"));
    let failed = fails(&mut stranger, 21, from);
    assert_eq!((&failed[..20], failed[20]), (&[403; 20][..], 429));
    let other = |_| Some("203.0.113.9, 203.0.113.10".to_owned());
    assert_eq!(fails(&mut stranger, 1, other), [403], "another address does not wait");
    // A proxy that names nobody: no address waits for another's tries.
    assert_eq!(fails(&mut stranger, 22, |_| None), [403; 22]);
}

#[tokio::test]
async fn without_tls_and_without_a_proxy_the_console_is_for_this_machine_alone() {
    let folder = tempfile::tempdir().unwrap();
    let open = ServeOptions {
        behind_proxy: false,
        ..options(folder.path(), None, "0.0.0.0:0".parse().unwrap())
    };
    let served = serve_with(open, Timers::default(), async {}).await;
    assert!(matches!(served.err(), Some(ServeError::NotLoopback(_))));
}
