//! A browser by hand, as far as the console needs one: cookies, forms, and the telephone with the codes.

use std::io::{Read, Write};
use std::net::TcpStream;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};
use std::time::Duration;

use rustls::{ClientConfig, ClientConnection, StreamOwned};
use rustls_pki_types::ServerName;
use sync_server::{Store, console_link};
use totp_rs::{Builder, Secret};

const DEADLINE: Duration = Duration::from_secs(60);
pub const PASSWORD: &str = "kucing hitam tidur siang";

/// What came back.
pub struct Answer {
    pub status: u16,
    pub head: String,
    pub body: Vec<u8>,
}

impl Answer {
    fn read(bytes: &[u8]) -> Self {
        let at = bytes
            .windows(4)
            .position(|four| four == b"\r\n\r\n")
            .expect("an answer has a head");
        let head = String::from_utf8(bytes[..at].to_vec()).unwrap();
        let body = &bytes[at + 4..];
        let body = match head.to_lowercase().contains("transfer-encoding: chunked") {
            true => unchunked(body),
            false => body.to_vec(),
        };
        let status = head["HTTP/1.1 ".len()..][..3].parse().unwrap();
        Self { status, head, body }
    }

    pub fn text(&self) -> String {
        String::from_utf8_lossy(&self.body).into_owned()
    }

    /// All values of a header.
    pub fn header(&self, name: &str) -> Vec<&str> {
        let lines = self.head.lines().filter_map(|line| line.split_once(": "));
        lines
            .filter(|(key, _)| key.eq_ignore_ascii_case(name))
            .map(|(_, value)| value)
            .collect()
    }

    /// Where it leads.
    pub fn leads_to(&self) -> Option<&str> {
        self.header("location").first().copied().filter(|_| self.status == 303)
    }

    /// What stands in the page right behind this, up to this.
    pub fn between(&self, before: &str, after: &str) -> Option<String> {
        let text = self.text();
        let rest = text.split_once(before)?.1;
        Some(rest.split_once(after)?.0.to_owned())
    }
}

/// A body in pieces; what breaks off in the middle stays so.
fn unchunked(mut body: &[u8]) -> Vec<u8> {
    let mut whole = Vec::new();
    while let Some(at) = body.windows(2).position(|two| two == b"\r\n") {
        let n = usize::from_str_radix(std::str::from_utf8(&body[..at]).unwrap(), 16).unwrap();
        let piece = &body[at + 2..];
        if n == 0 || piece.len() < n + 2 {
            break;
        }
        whole.extend_from_slice(&piece[..n]);
        body = &piece[n + 2..];
    }
    whole
}

/// One operator at one browser.
pub struct Browser {
    to: String,
    /// What it calls the console, where a proxy stands before it.
    pub host: Option<String>,
    /// It believes to speak TLS,
    pub is_secure: bool,
    /// and does, with whom this trusts as `localhost`.
    pub tls: Option<Arc<ClientConfig>>,
    /// Headers that each request has besides: a proxy's.
    pub more: Vec<(&'static str, String)>,
    clock: &'static AtomicI64,
    pub cookies: Vec<(String, String)>,
    /// Of the last page.
    pub form: String,
    secret: Option<String>,
    /// Recovery codes, as they were shown.
    pub codes: Vec<String>,
}

pub fn escaped(text: &str) -> String {
    form_urlencoded::byte_serialize(text.as_bytes()).collect()
}

impl Browser {
    pub fn new(to: std::net::SocketAddr, clock: &'static AtomicI64) -> Self {
        Self {
            to: to.to_string(),
            host: None,
            is_secure: false,
            tls: None,
            more: Vec::new(),
            clock,
            cookies: Vec::new(),
            form: String::new(),
            secret: None,
            codes: Vec::new(),
        }
    }

    /// Another browser, of the same operator.
    pub fn beside(&self) -> Self {
        Self {
            to: self.to.clone(),
            host: self.host.clone(),
            is_secure: self.is_secure,
            tls: self.tls.clone(),
            more: self.more.clone(),
            clock: self.clock,
            cookies: Vec::new(),
            form: String::new(),
            secret: self.secret.clone(),
            codes: self.codes.clone(),
        }
    }

    pub fn host(&self) -> &str {
        self.host.as_ref().unwrap_or(&self.to)
    }

    fn origin(&self) -> String {
        let scheme = if self.is_secure { "https" } else { "http" };
        format!("{scheme}://{}", self.host())
    }

    /// Says exactly this.
    pub fn say(&self, request: &[u8]) -> Answer {
        let mut stream = TcpStream::connect(&self.to).unwrap();
        stream.set_read_timeout(Some(DEADLINE)).unwrap();
        let Some(tls) = &self.tls else {
            return talk(&mut stream, request);
        };
        let with = ServerName::try_from("localhost").unwrap();
        let connection = ClientConnection::new(Arc::clone(tls), with).unwrap();
        talk(&mut StreamOwned::new(connection, stream), request)
    }

    /// A request with these headers too.
    pub fn ask(&self, method: &str, path: &str, headers: &[(&str, &str)], body: &str) -> Answer {
        let mut request = format!("{method} {path} HTTP/1.1\r\nHost: {}\r\n", self.host());
        for (name, value) in &self.more {
            request += &format!("{name}: {value}\r\n");
        }
        if !self.cookies.is_empty() {
            let cookies: Vec<_> = self
                .cookies
                .iter()
                .map(|(name, value)| format!("{name}={value}"))
                .collect();
            request += &format!("Cookie: {}\r\n", cookies.join("; "));
        }
        for (name, value) in headers {
            request += &format!("{name}: {value}\r\n");
        }
        if method == "POST" {
            request += &format!("Content-Length: {}\r\n", body.len());
        }
        self.say(format!("{request}\r\n{body}").as_bytes())
    }

    pub fn get(&mut self, path: &str) -> Answer {
        let answer = self.ask("GET", path, &[], "");
        self.keep(&answer);
        answer
    }

    /// Sends a form of this site's, with this session's mark in it.
    pub fn post(&mut self, path: &str, fields: &[(&str, &str)]) -> Answer {
        let origin = self.origin();
        let form = self.form.clone();
        self.post_from(path, &origin, &form, fields)
    }

    pub fn post_from(&mut self, path: &str, origin: &str, form: &str, fields: &[(&str, &str)]) -> Answer {
        let fields = [("form", form)].into_iter().chain(fields.iter().copied());
        let body: Vec<_> = fields
            .map(|(name, value)| format!("{name}={}", escaped(value)))
            .collect();
        let headers = [
            ("Origin", origin),
            ("Content-Type", "application/x-www-form-urlencoded"),
        ];
        let answer = self.ask("POST", path, &headers, &body.join("&"));
        self.keep(&answer);
        answer
    }

    fn keep(&mut self, answer: &Answer) {
        for line in answer.header("set-cookie") {
            let (name, value) = line.split(';').next().unwrap().split_once('=').unwrap();
            self.cookies.retain(|(known, _)| known != name);
            if !line.contains("Max-Age=0") {
                self.cookies.push((name.to_owned(), value.to_owned()));
            }
        }
        if let Some(form) = answer.between("name=\"form\" value=\"", "\"") {
            self.form = form;
        }
    }

    pub fn now_ms(&self) -> i64 {
        self.clock.load(Ordering::Relaxed)
    }

    pub fn wait(&self, ms: i64) {
        self.clock.fetch_add(ms, Ordering::Relaxed);
    }

    /// The code on the telephone; each is another one.
    pub fn code(&self) -> String {
        self.wait(30_000);
        self.same_code()
    }

    /// The code that it shows now.
    pub fn same_code(&self) -> String {
        let secret = Secret::try_from_base32(self.secret.as_ref().expect("enrolled")).unwrap();
        let totp = Builder::new().with_secret(secret).build_noncompliant();
        totp.generate(self.now_ms() as u64 / 1000).to_string()
    }

    /// Uses a link as it is meant.
    pub fn enrol(&mut self, path: &str) {
        let page = self.get(path);
        assert_eq!(page.status, 200, "{}", page.text());
        let letters = page
            .between("class=\"letters\"><code>", "</code>")
            .expect("the letters are shown");
        self.secret = Some(letters.replace(' ', ""));
        let code = self.code();
        let done = self.post(path, &[("password", PASSWORD), ("again", PASSWORD), ("code", &code)]);
        assert_eq!(done.status, 200, "{}", done.text());
        let codes = done
            .between("class=\"codes\">", "</ul>")
            .expect("recovery codes are shown");
        self.codes = codes
            .split("<code>")
            .skip(1)
            .map(|one| one.split('<').next().unwrap().to_owned())
            .collect();
        assert_eq!(self.codes.len(), 10);
    }

    pub fn try_to_sign_in(&mut self, name: &str, password: &str, code: &str) -> Answer {
        self.post("/sign-in", &[("name", name), ("password", password), ("code", code)])
    }

    /// Signs in, and looks at the list of clinics.
    pub fn sign_in(&mut self, name: &str) {
        let code = self.code();
        let answer = self.try_to_sign_in(name, PASSWORD, &code);
        assert_eq!(answer.leads_to(), Some("/clinics"), "{}", answer.text());
        assert_eq!(self.get("/clinics").status, 200);
    }
}

fn talk(stream: &mut (impl Read + Write), request: &[u8]) -> Answer {
    drop(stream.write_all(request));
    let mut answer = Vec::new();
    drop(stream.read_to_end(&mut answer));
    Answer::read(&answer)
}

/// Puts an operator on the list, as the command line does, and gives the address of the link.
pub fn add_operator(data: &Path, name: &str, now_ms: i64) -> String {
    let (path, hash) = console_link();
    let mut store = Store::open(data, &mut rand::rng()).unwrap();
    store
        .add_operator(name, &hash, "a test", now_ms, &mut rand::rng())
        .unwrap();
    path
}

/// A clock that stands until somebody moves it.
pub fn standing_clock() -> &'static AtomicI64 {
    Box::leak(Box::new(AtomicI64::new(sync_server::now_ms())))
}
