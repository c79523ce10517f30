//! What is answered, and the headers that every answer has.

use bytes::Bytes;
use http_body_util::combinators::UnsyncBoxBody;
use http_body_util::{BodyExt, Full};
use hyper::header::{
    ALLOW, CACHE_CONTROL, CONTENT_DISPOSITION, CONTENT_SECURITY_POLICY, CONTENT_TYPE, HeaderName, HeaderValue,
    LOCATION, REFERRER_POLICY, SET_COOKIE, STRICT_TRANSPORT_SECURITY, X_CONTENT_TYPE_OPTIONS, X_FRAME_OPTIONS,
};
use hyper::{Response, StatusCode};
use maud::Markup;

use super::session::{LANG_COOKIE, Token, cookie_name};
use super::words::Lang;

pub(crate) type Body = UnsyncBoxBody<Bytes, std::io::Error>;

/// No script from anywhere, and style and pictures from here alone; nobody frames a page, and forms go nowhere else.
const POLICY: &str = "default-src 'none'; style-src 'self'; img-src 'self' data:; form-action 'self'; \
                      frame-ancestors 'none'; base-uri 'none'";

/// The same origin alone is told where a form comes from: with `no-referrer` browsers would send forms without their
/// origin, which is looked at.
const HEADERS: [(HeaderName, &str); 9] = [
    (CONTENT_SECURITY_POLICY, POLICY),
    (X_CONTENT_TYPE_OPTIONS, "nosniff"),
    (X_FRAME_OPTIONS, "DENY"),
    (REFERRER_POLICY, "same-origin"),
    (CACHE_CONTROL, "no-store"),
    (HeaderName::from_static("cross-origin-opener-policy"), "same-origin"),
    (HeaderName::from_static("cross-origin-resource-policy"), "same-origin"),
    (HeaderName::from_static("cross-origin-embedder-policy"), "require-corp"),
    (
        HeaderName::from_static("permissions-policy"),
        "camera=(), geolocation=(), microphone=(), payment=(), usb=()",
    ),
];
const A_YEAR: &str = "max-age=31536000";

/// An answer without the headers that all have.
pub(crate) struct Reply(Response<Body>, Option<Option<Token>>, Option<Lang>);

impl Reply {
    fn new(status: StatusCode, kind: &'static str, body: Body) -> Self {
        let mut response = Response::new(body);
        *response.status_mut() = status;
        response
            .headers_mut()
            .insert(CONTENT_TYPE, HeaderValue::from_static(kind));
        Self(response, None, None)
    }

    /// A page.
    pub(crate) fn page(status: StatusCode, page: Markup) -> Self {
        Self::new(status, "text/html; charset=utf-8", whole(page.into_string()))
    }

    /// Nothing but the number.
    pub(crate) fn short(status: StatusCode) -> Self {
        let words = status.canonical_reason().unwrap_or_default();
        let mut reply = Self::new(status, "text/plain; charset=utf-8", whole(words));
        if status == StatusCode::METHOD_NOT_ALLOWED {
            reply
                .0
                .headers_mut()
                .insert(ALLOW, HeaderValue::from_static("GET, POST"));
        }
        reply
    }

    /// What is shown is at this address of the console's own.
    pub(crate) fn see(path: &str) -> Self {
        let mut reply = Self::new(StatusCode::SEE_OTHER, "text/plain; charset=utf-8", whole(""));
        // Our own addresses have nothing in them that a header cannot have.
        let to = HeaderValue::from_str(path).unwrap_or(HeaderValue::from_static("/"));
        reply.0.headers_mut().insert(LOCATION, to);
        reply
    }

    /// The one style sheet.
    pub(crate) fn style(css: &'static str) -> Self {
        Self::new(StatusCode::OK, "text/css; charset=utf-8", whole(css))
    }

    /// A file to keep, whole or as it comes. `name`: letters, digits, `.` and `-`.
    pub(crate) fn file(name: &str, kind: &'static str, body: Body) -> Self {
        let mut reply = Self::new(StatusCode::OK, kind, body);
        let safe: String = name
            .chars()
            .filter(|c| c.is_ascii_alphanumeric() || ".-".contains(*c))
            .collect();
        if let Ok(value) = HeaderValue::from_str(&format!("attachment; filename=\"{safe}\"")) {
            reply.0.headers_mut().insert(CONTENT_DISPOSITION, value);
        }
        reply
    }

    /// The browser is signed in from now on, or is not any more.
    pub(crate) fn with_session(mut self, token: Option<Token>) -> Self {
        self.1 = Some(token);
        self
    }

    /// The browser remembers this language.
    pub(crate) fn with_lang(mut self, lang: Lang) -> Self {
        self.2 = Some(lang);
        self
    }

    pub(super) fn finish(self, is_secure: bool) -> Response<Body> {
        let Self(mut response, session, lang) = self;
        let headers = response.headers_mut();
        let secure = if is_secure { "; Secure" } else { "" };
        if let Some(lang) = lang {
            let age = "; Max-Age=31536000";
            let cookie = format!(
                "{LANG_COOKIE}={}; Path=/; HttpOnly; SameSite=Strict{secure}{age}",
                lang.code()
            );
            if let Ok(cookie) = HeaderValue::from_str(&cookie) {
                headers.append(SET_COOKIE, cookie);
            }
        }
        if let Some(token) = session {
            let name = cookie_name(is_secure);
            let (value, age) = match &token {
                Some(token) => (token.text(), ""),
                None => (String::new(), "; Max-Age=0"),
            };
            let cookie = format!("{name}={value}; Path=/; HttpOnly; SameSite=Strict{secure}{age}");
            if let Ok(cookie) = HeaderValue::from_str(&cookie) {
                headers.append(SET_COOKIE, cookie);
            }
        }
        for (name, value) in HEADERS {
            headers.insert(name, HeaderValue::from_static(value));
        }
        if is_secure {
            headers.insert(STRICT_TRANSPORT_SECURITY, HeaderValue::from_static(A_YEAR));
        }
        response
    }
}

/// A body that is all there.
pub(crate) fn whole(bytes: impl Into<Bytes>) -> Body {
    Full::new(bytes.into()).map_err(|never| match never {}).boxed_unsync()
}
