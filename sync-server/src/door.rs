//! The door: accepts connections, shakes hands, reads one HTTP request of each, and lets the devices in.
//!
//! What a stranger may cost is bounded before anything is known of him: connections of his address, those at the door at
//! one time, the time for TLS and for the request, and the request's size.

use std::convert::Infallible;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use http_body_util::Full;
use hyper::body::{Body, Incoming};
use hyper::header::{CONNECTION, HeaderValue};
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper::{Request, Response, StatusCode};
use hyper_util::rt::{TokioIo, TokioTimer};
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{Semaphore, watch};
use tokio::task::JoinSet;
use tokio::time::{sleep, timeout};
use tokio_rustls::TlsAcceptor;

use crate::Phase;
use crate::figures::Figures;
use crate::limits::{Origin, Rates};

/// At the door at one time.
pub(crate) const AT_THE_DOOR: usize = 1_024;
const MAX_HEADERS: usize = 64;
/// Of a request's line and headers together; hyper reads in no less.
const MAX_HEAD_BYTES: usize = 8 * 1024;
/// No room for another socket: some will end.
const OUT_OF_SOCKETS: Duration = Duration::from_millis(200);

/// What is answered.
pub(crate) type Answer = Response<Full<Bytes>>;

/// A listener and what belongs to it.
pub(crate) struct Door<F> {
    pub(crate) listener: TcpListener,
    pub(crate) tls: Option<TlsAcceptor>,
    pub(crate) figures: Arc<Figures>,
    /// Who comes too often; `None` where addresses say nothing (behind a proxy) or everybody is trusted.
    pub(crate) rates: Option<Arc<Rates>>,
    /// TLS, and then the head of the request, must be here within this.
    pub(crate) within: Duration,
    /// The request is here and its answer taken within this.
    pub(crate) answered_within: Duration,
    /// Answers a request from this address.
    pub(crate) answer: F,
}

trait Stream: AsyncRead + AsyncWrite + Send + Unpin {}
impl<T: AsyncRead + AsyncWrite + Send + Unpin> Stream for T {}

impl<F, A, B> Door<F>
where
    F: Fn(Request<Incoming>, SocketAddr) -> A + Clone + Send + Sync + 'static,
    A: Future<Output = Response<B>> + Send + 'static,
    B: Body<Data = Bytes> + Send + 'static,
    B::Error: Into<Box<dyn std::error::Error + Send + Sync>>,
{
    /// Keeps the door until `phase` is `until`. Who is let in by then stays; who stands at the door goes.
    pub(crate) async fn keep(self, mut phase: watch::Receiver<Phase>, until: Phase) {
        let places = Arc::new(Semaphore::new(AT_THE_DOOR));
        let mut at_the_door = JoinSet::new();
        loop {
            let accepted = async {
                let place = Arc::clone(&places).acquire_owned().await;
                (place, self.listener.accept().await)
            };
            let (place, accepted) = tokio::select! {
                biased;
                _ = phase.wait_for(|phase| *phase >= until) => break,
                accepted = accepted => accepted,
            };
            while at_the_door.try_join_next().is_some() {}
            match accepted {
                Ok((tcp, from)) if self.lets_come(from) => {
                    let within = (self.within, self.answered_within);
                    let greeted = greet(tcp, from, self.tls.clone(), within, self.answer.clone());
                    at_the_door.spawn(async move {
                        greeted.await;
                        drop(place);
                    });
                }
                Ok(_) => {}
                Err(error) => {
                    tracing::warn!(%error, "a connection cannot be accepted");
                    sleep(OUT_OF_SOCKETS).await;
                }
            }
        }
    }

    fn lets_come(&self, from: SocketAddr) -> bool {
        let Some(rates) = &self.rates else { return true };
        let limit = rates.may_connect(Origin::from(from.ip()));
        limit.inspect_err(|limit| self.figures.limited(limit)).is_ok()
    }
}

async fn greet<A, B>(
    tcp: TcpStream,
    from: SocketAddr,
    tls: Option<TlsAcceptor>,
    (within, answered_within): (Duration, Duration),
    answer: impl Fn(Request<Incoming>, SocketAddr) -> A,
) where
    A: Future<Output = Response<B>>,
    B: Body<Data = Bytes> + Send + 'static,
    B::Error: Into<Box<dyn std::error::Error + Send + Sync>>,
{
    // A receipt and the change that it is for are two frames: held back, the second would wait for the first one's
    // acknowledgement, 40 ms on Linux.
    drop(tcp.set_nodelay(true));
    let stream: Box<dyn Stream> = match tls {
        None => Box::new(tcp),
        Some(tls) => match timeout(within, tls.accept(tcp)).await {
            Ok(Ok(stream)) => Box::new(stream),
            Ok(Err(_)) | Err(_) => return,
        },
    };
    let answer = service_fn(|request| {
        let answer = answer(request, from);
        async {
            let mut answer = answer.await;
            // One request for each connection.
            if answer.status() != StatusCode::SWITCHING_PROTOCOLS {
                answer
                    .headers_mut()
                    .insert(CONNECTION, HeaderValue::from_static("close"));
            }
            Ok::<_, Infallible>(answer)
        }
    });
    let mut http = http1::Builder::new();
    http.timer(TokioTimer::new())
        .header_read_timeout(within)
        .max_headers(MAX_HEADERS)
        .max_buf_size(MAX_HEAD_BYTES);
    let one_request = http.serve_connection(TokioIo::new(stream), answer).with_upgrades();
    if timeout(answered_within, one_request).await.is_err() {
        tracing::debug!("somebody at the door was too slow");
    }
}
