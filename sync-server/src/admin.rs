//! What the operator's machines ask: is it alive, may it get new connections, and how it goes.

use std::sync::Arc;
use std::time::Duration;

use hyper::body::Incoming;
use hyper::{Method, Request, StatusCode};
use tokio::sync::watch;
use tokio::time::timeout;

use crate::door::Answer;
use crate::figures::Figures;
use crate::http::{health, json, short, text};
use crate::{Phase, Writer};

const ANSWERS_WITHIN: Duration = Duration::from_secs(1);
const OPEN_METRICS: &str = "application/openmetrics-text; version=1.0.0; charset=utf-8";

/// Looks at the relay from beside it.
#[derive(Clone)]
pub(crate) struct Watch {
    pub(crate) writer: Writer,
    pub(crate) phase: watch::Receiver<Phase>,
    pub(crate) figures: Arc<Figures>,
}

/// Why a relay should get no new connections.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum NotReady {
    /// It was asked to stop.
    Draining,
    /// Its store does not answer within a second.
    StoreSlow,
}

impl NotReady {
    /// A stable name.
    pub fn code(self) -> &'static str {
        match self {
            Self::Draining => "draining",
            Self::StoreSlow => "store_slow",
        }
    }
}

impl Watch {
    /// Whether new connections may come.
    ///
    /// # Errors
    /// [`NotReady`].
    pub(crate) async fn ready(&self) -> Result<(), NotReady> {
        if *self.phase.borrow() != Phase::Serving {
            return Err(NotReady::Draining);
        }
        match timeout(ANSWERS_WITHIN, self.writer.run(|store| store.answers())).await {
            Ok(Ok(true)) => Ok(()),
            Ok(Ok(false) | Err(_)) | Err(_) => Err(NotReady::StoreSlow),
        }
    }

    /// Answers one request.
    pub(crate) async fn answer(self, request: Request<Incoming>) -> Answer {
        match (request.uri().path(), request.method()) {
            ("/health", &Method::GET) => health(),
            ("/ready", &Method::GET) => match self.ready().await {
                Ok(()) => json(StatusCode::OK, "{\"status\":\"ready\"}\n"),
                Err(why) => {
                    let body = format!("{{\"status\":\"not_ready\",\"code\":\"{}\"}}\n", why.code());
                    json(StatusCode::SERVICE_UNAVAILABLE, body)
                }
            },
            ("/metrics", &Method::GET) => text(StatusCode::OK, OPEN_METRICS, self.figures.as_text()),
            ("/health" | "/ready" | "/metrics", _) => short(StatusCode::METHOD_NOT_ALLOWED),
            _ => short(StatusCode::NOT_FOUND),
        }
    }
}
