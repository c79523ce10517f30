//! Reading a request: its size, its form, its cookies, and whether this site's own page sent it.

use std::net::SocketAddr;

use http_body_util::{BodyExt, Limited};
use hyper::body::Incoming;
use hyper::header::{ACCEPT_LANGUAGE, CONTENT_TYPE, COOKIE, HOST, HeaderMap, HeaderName, ORIGIN};
use hyper::{Method, Request, StatusCode};
use tokio::time::timeout;

use super::Console;
use super::form::Pairs;
use super::words::Lang;
use crate::http::forwarded_for;
use crate::limits::Origin;

/// Of a form.
const MAX_BODY_BYTES: usize = 16 * 1024;
const FORM: &str = "application/x-www-form-urlencoded";
static FETCH_SITE: HeaderName = HeaderName::from_static("sec-fetch-site");

/// What was asked.
pub(super) struct Asked {
    /// What the browser calls this console.
    pub(super) host: String,
    pub(super) query: Pairs,
    pub(super) form: Pairs,
    /// The session's cookie, if there is exactly one.
    pub(super) cookie: Option<String>,
    pub(super) lang: Lang,
    /// Where it comes from; nothing behind a proxy that names nobody.
    pub(super) origin: Option<Origin>,
    /// A page of this site sent it.
    pub(super) is_from_here: bool,
}

/// Reads it, or says with which number it is turned away.
pub(super) async fn read(request: Request<Incoming>, from: SocketAddr, console: &Console) -> Result<Asked, StatusCode> {
    let (head, body) = request.into_parts();
    let mut hosts = head.headers.get_all(HOST).iter();
    let host = hosts.next().and_then(|host| host.to_str().ok());
    let (Some(host), None) = (host, hosts.next()) else {
        return Err(StatusCode::BAD_REQUEST);
    };
    let form = if head.method == Method::POST {
        let kind = head.headers.get(CONTENT_TYPE).and_then(|kind| kind.to_str().ok());
        if kind.is_none_or(|kind| kind.split(';').next() != Some(FORM)) {
            return Err(StatusCode::UNSUPPORTED_MEDIA_TYPE);
        }
        // A form is here as soon as its head: who lets it trickle is not waited for.
        let whole = timeout(
            console.shared.timers.at_the_door,
            Limited::new(body, MAX_BODY_BYTES).collect(),
        );
        let whole = whole.await.map_err(|_| StatusCode::REQUEST_TIMEOUT)?;
        Pairs::read(&whole.map_err(|_| StatusCode::PAYLOAD_TOO_LARGE)?.to_bytes())
    } else {
        Pairs::default()
    };
    let origin = if console.shared.behind_proxy {
        forwarded_for(&head.headers)
    } else {
        Some(from.ip())
    };
    Ok(Asked {
        host: host.to_owned(),
        query: Pairs::read(head.uri.query().unwrap_or_default().as_bytes()),
        form,
        cookie: the_cookie(&head.headers, super::session::cookie_name(console.is_secure)),
        lang: lang(&head.headers),
        origin: origin.map(Origin::from),
        is_from_here: is_from_here(&head.headers, host, console.is_secure),
    })
}

/// The browser says that the page which sent a form was this site's: by `Origin`, and by `Sec-Fetch-Site` where it has that.
fn is_from_here(headers: &HeaderMap, host: &str, is_secure: bool) -> bool {
    let one = |name: &HeaderName| {
        let mut all = headers.get_all(name).iter();
        match (all.next(), all.next()) {
            (Some(one), None) => one.to_str().ok(),
            _ => None,
        }
    };
    let scheme = if is_secure { "https" } else { "http" };
    if headers.contains_key(&FETCH_SITE) && one(&FETCH_SITE) != Some("same-origin") {
        return false;
    }
    one(&ORIGIN).is_some_and(|origin| origin == format!("{scheme}://{host}"))
}

/// Two of one name are none: one of them is somebody else's.
fn the_cookie(headers: &HeaderMap, name: &str) -> Option<String> {
    let mut found = cookies(headers, name);
    let first = found.next()?;
    found.next().is_none().then_some(first)
}

fn cookies(headers: &HeaderMap, name: &str) -> impl Iterator<Item = String> {
    let lines = headers.get_all(COOKIE).iter().filter_map(|line| line.to_str().ok());
    let pairs = lines.flat_map(|line| line.split(';'));
    pairs.filter_map(move |pair| {
        let (key, value) = pair.trim().split_once('=')?;
        (key == name).then(|| value.to_owned())
    })
}

/// By the choice that was made here, or else the first that the browser names and that is here.
pub(super) fn lang(headers: &HeaderMap) -> Lang {
    if let Some(chosen) = cookies(headers, super::session::LANG_COOKIE).find_map(|code| Lang::of_code(&code)) {
        return chosen;
    }
    let wanted = headers.get(ACCEPT_LANGUAGE).and_then(|line| line.to_str().ok());
    let codes = wanted.unwrap_or_default().split(',');
    let codes = codes.filter_map(|part| Lang::of_code(part.trim().get(..2)?));
    codes.into_iter().next().unwrap_or_default()
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use hyper::header::HeaderValue;

    use super::*;

    fn headers(lines: &[(&'static str, &'static str)]) -> HeaderMap {
        let mut headers = HeaderMap::new();
        for (name, value) in lines {
            headers.append(HeaderName::from_static(name), HeaderValue::from_static(value));
        }
        headers
    }

    #[test]
    fn only_a_page_of_this_very_site_sends_forms() {
        let from = |lines: &[(&'static str, &'static str)]| is_from_here(&headers(lines), "relay.example.org", true);
        assert!(from(&[("origin", "https://relay.example.org")]));
        assert!(from(&[
            ("origin", "https://relay.example.org"),
            ("sec-fetch-site", "same-origin")
        ]));
        for wrong in [
            "http://relay.example.org",
            "https://relay.example.org:444",
            "https://relay.example.org.evil.example",
            "https://evil.example",
            "null",
            "",
        ] {
            assert!(!from(&[("origin", wrong)]), "{wrong}");
        }
        assert!(!from(&[]));
        assert!(!from(&[
            ("origin", "https://relay.example.org"),
            ("origin", "https://evil.example")
        ]));
        assert!(!from(&[
            ("origin", "https://relay.example.org"),
            ("sec-fetch-site", "same-site")
        ]));
        assert!(!from(&[("sec-fetch-site", "same-origin")]));
    }

    #[test]
    fn a_cookie_that_is_there_twice_is_none() {
        assert_eq!(the_cookie(&headers(&[("cookie", "a=1; b=2")]), "b").unwrap(), "2");
        assert_eq!(the_cookie(&headers(&[("cookie", "b=2; b=3")]), "b"), None);
        assert_eq!(the_cookie(&headers(&[("cookie", "b=2"), ("cookie", "b=2")]), "b"), None);
        assert_eq!(the_cookie(&headers(&[("cookie", "bb=2")]), "b"), None);
    }

    #[test]
    fn the_language_is_the_one_chosen_or_else_the_browsers_first_that_is_here() {
        let of = |lines: &[(&'static str, &'static str)]| lang(&headers(lines));
        assert_eq!(of(&[]), Lang::En);
        assert_eq!(of(&[("accept-language", "de, ms-MY;q=0.8, en;q=0.5")]), Lang::Ms);
        assert_eq!(of(&[("accept-language", "ms"), ("cookie", "lang=en")]), Lang::En);
        assert_eq!(of(&[("cookie", "lang=xx")]), Lang::En);
    }
}
