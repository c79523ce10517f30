//! The operator's console in the browser: pages made here, no script, and a sign-in of its own.
//!
//! Every request takes one way: it is measured (`asking.rs`), a route is found for it (`routes.rs`), who asks is looked up,
//! a form must be this session's own and come from this site, and only then a page does something. Whatever is answered
//! gets the same headers (`reply.rs`). What operators do is in their audit (`store/operator_audit.rs`).

mod asking;
mod chart;
pub(crate) mod export;
mod form;
mod layout;
mod pages;
pub(crate) mod removal;
mod reply;
mod routes;
mod second_factor;
mod session;
mod time;
mod visit;
mod words;

use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};
use std::time::Duration;

use hyper::body::Incoming;
use hyper::{Method, Request, StatusCode};
use seal::ConsoleKey;
use sync_protocol::RelayStoreFailed;
use tokio::sync::Semaphore;

use crate::shared::Shared;
use crate::{ServeError, Store};

pub(crate) use reply::{Body, Reply};
use routes::{Needs, Route};
use visit::{Fault, Visit};
use words::Lang;

/// Passwords that are looked at, at one time: each takes 19 MiB.
const HASHING_AT_ONCE: usize = 2;

/// A request's body and its answer, the export of a clinic too.
pub(crate) const ANSWERED_WITHIN: Duration = Duration::from_secs(60 * 60);

/// The console of a relay that listens there.
pub(crate) async fn open(shared: &Arc<Shared>, address: SocketAddr, has_tls: bool) -> Result<Arc<Console>, ServeError> {
    let is_secure = has_tls || shared.behind_proxy;
    let scheme = if is_secure { "https" } else { "http" };
    let url = format!("{scheme}://{address}");
    let set = move |store: &mut Store| {
        store.set_console_url(&url)?;
        Ok::<_, RelayStoreFailed>(store.console_key())
    };
    let key = shared.on_store(None, set).await.map_err(std::io::Error::other)??;
    Ok(Arc::new(Console::new(Arc::clone(shared), key, is_secure)))
}

/// The address, within the console, of a new link for an operator, and the hash that is kept of it.
pub fn console_link() -> (String, [u8; 32]) {
    let token = session::Token::make();
    (format!("/enrol/{}", token.text()), token.hash())
}

/// The time by which the console counts.
#[derive(Debug, Clone, Copy, Default)]
pub enum ConsoleClock {
    /// The system's.
    #[default]
    Real,
    /// Milliseconds since 1970 that somebody sets: a test.
    Set(&'static AtomicI64),
}

impl ConsoleClock {
    fn now_ms(self) -> i64 {
        match self {
            Self::Real => crate::now_ms(),
            Self::Set(ms) => ms.load(Ordering::Relaxed),
        }
    }
}

/// What all requests share.
pub(crate) struct Console {
    pub(crate) shared: Arc<Shared>,
    pub(crate) key: ConsoleKey,
    /// The browser reaches it by https: cookies say so.
    pub(crate) is_secure: bool,
    pub(crate) clock: ConsoleClock,
    pub(crate) hashing: Semaphore,
}

impl Console {
    pub(crate) fn new(shared: Arc<Shared>, key: ConsoleKey, is_secure: bool) -> Self {
        let clock = shared.timers.console_clock;
        Self {
            shared,
            key,
            is_secure,
            clock,
            hashing: Semaphore::new(HASHING_AT_ONCE),
        }
    }

    /// Answers one request.
    pub(crate) async fn answer(self: Arc<Self>, request: Request<Incoming>, from: SocketAddr) -> hyper::Response<Body> {
        let is_secure = self.is_secure;
        self.reply(request, from).await.finish(is_secure)
    }

    async fn reply(self: Arc<Self>, request: Request<Incoming>, from: SocketAddr) -> Reply {
        let method = request.method().clone();
        let lang = asking::lang(request.headers());
        let (route, params) = match routes::find(&method, request.uri()) {
            Ok(found) => found,
            Err(status) => return turned_away(lang, status),
        };
        let asked = match asking::read(request, from, &self).await {
            Ok(asked) => asked,
            Err(status) => return turned_away(lang, status),
        };
        if method == Method::POST && !asked.is_from_here {
            return turned_away(lang, StatusCode::FORBIDDEN);
        }
        let visit = Visit::new(self, asked, params);
        match go(route, visit).await {
            Ok(reply) => reply,
            Err(fault) => layout::fault(lang, fault),
        }
    }
}

/// In words where an operator's own browser may come to it; others get the number alone.
fn turned_away(lang: Lang, status: StatusCode) -> Reply {
    match status {
        StatusCode::NOT_FOUND => layout::fault(lang, Fault::NotFound),
        StatusCode::FORBIDDEN => layout::fault(lang, Fault::Refused),
        StatusCode::PAYLOAD_TOO_LARGE | StatusCode::REQUEST_TIMEOUT => layout::fault(lang, Fault::TooMuch(status)),
        _ => Reply::short(status),
    }
}

async fn go(route: &'static Route, mut visit: Visit) -> Result<Reply, Fault> {
    visit.look_up_session().await?;
    if route.needs == Needs::Operator {
        let Some(session) = &visit.session else {
            return match route.method {
                Method::GET => Ok(Reply::see("/sign-in")),
                _ if visit.cookie.is_some() => Err(Fault::Ended),
                _ => Err(Fault::Refused),
            };
        };
        if route.method == Method::POST && !session.made_form(visit.form.one("form")) {
            return Err(Fault::Refused);
        }
    }
    (route.act)(visit).await
}
