//! The relay's two addresses: `/sync`, where a device becomes a WebSocket, and `/health`.

use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use bytes::Bytes;
use http_body_util::Full;
use hyper::body::Incoming;
use hyper::header::{
    ALLOW, CONNECTION, CONTENT_TYPE, HeaderMap, HeaderName, HeaderValue, RETRY_AFTER, SEC_WEBSOCKET_ACCEPT,
    SEC_WEBSOCKET_KEY, SEC_WEBSOCKET_VERSION, UPGRADE,
};
use hyper::{Method, Request, Response, StatusCode};
use hyper_util::rt::TokioIo;
use sha1::{Digest, Sha1};

use crate::conversation::speak;
use crate::door::Answer;
use crate::limits::Origin;
use crate::shared::Shared;

/// Longer than any address here.
const MAX_URL_BYTES: usize = 256;
/// From RFC 6455.
const WEBSOCKET: &[u8] = b"258EAFA5-E914-47DA-95CA-C5AB0DC85B11";
static FORWARDED_FOR: HeaderName = HeaderName::from_static("x-forwarded-for");

/// Answers one request. A device that is let in speaks from then on.
pub(crate) fn answer(request: Request<Incoming>, from: SocketAddr, shared: &Arc<Shared>) -> Answer {
    if request.uri().to_string().len() > MAX_URL_BYTES {
        return short(StatusCode::URI_TOO_LONG);
    }
    match (request.uri().path(), request.method()) {
        ("/health", &Method::GET) => health(),
        ("/sync", &Method::GET) => let_in(request, from, shared),
        ("/health" | "/sync", _) => {
            let mut answer = short(StatusCode::METHOD_NOT_ALLOWED);
            answer.headers_mut().insert(ALLOW, HeaderValue::from_static("GET"));
            answer
        }
        _ => short(StatusCode::NOT_FOUND),
    }
}

/// The relay is alive, and which build it is.
pub(crate) fn health() -> Answer {
    json(
        StatusCode::OK,
        concat!(r#"{"status":"ok","version":""#, env!("CARGO_PKG_VERSION"), "\"}\n"),
    )
}

/// An object, for programs that look after this one.
pub(crate) fn json(status: StatusCode, body: impl Into<Bytes>) -> Answer {
    text(status, "application/json", body)
}

/// Text of this type.
pub(crate) fn text(status: StatusCode, kind: &'static str, body: impl Into<Bytes>) -> Answer {
    let mut answer = Response::new(Full::new(body.into()));
    *answer.status_mut() = status;
    answer
        .headers_mut()
        .insert(CONTENT_TYPE, HeaderValue::from_static(kind));
    answer
}

/// Nothing but the number.
pub(crate) fn short(status: StatusCode) -> Answer {
    let mut answer = Response::new(Full::default());
    *answer.status_mut() = status;
    answer
}

fn let_in(mut request: Request<Incoming>, from: SocketAddr, shared: &Arc<Shared>) -> Answer {
    let headers = request.headers();
    let Some(accept) = accept_key(headers) else {
        return short(StatusCode::BAD_REQUEST);
    };
    let mut origin = Origin::from(from.ip());
    // Where a proxy names nobody nothing is counted: as one address all clinics would shut each other out.
    if let Some(address) = forwarded_for(headers).filter(|_| shared.behind_proxy) {
        origin = address.into();
        if let Err(limit) = shared.rates.may_connect(origin) {
            shared.figures.limited(limit);
            let mut answer = short(StatusCode::TOO_MANY_REQUESTS);
            answer.headers_mut().insert(RETRY_AFTER, HeaderValue::from_static("10"));
            return answer;
        }
    }
    let (upgraded, shared) = (hyper::upgrade::on(&mut request), Arc::clone(shared));
    tokio::spawn(async move {
        if let Ok(upgraded) = upgraded.await {
            speak(TokioIo::new(upgraded), origin, shared).await;
        }
    });
    let mut answer = short(StatusCode::SWITCHING_PROTOCOLS);
    let headers = answer.headers_mut();
    headers.insert(CONNECTION, HeaderValue::from_static("upgrade"));
    headers.insert(UPGRADE, HeaderValue::from_static("websocket"));
    headers.insert(SEC_WEBSOCKET_ACCEPT, accept);
    answer
}

/// What proves that the request was understood; `None` when it does not ask for a WebSocket.
fn accept_key(headers: &HeaderMap) -> Option<HeaderValue> {
    let names = |header: HeaderName, word: &str| {
        let lines = headers
            .get_all(header)
            .into_iter()
            .filter_map(|line| line.to_str().ok());
        lines
            .flat_map(|line| line.split(','))
            .any(|one| one.trim().eq_ignore_ascii_case(word))
    };
    let asks = names(CONNECTION, "upgrade") && names(UPGRADE, "websocket") && names(SEC_WEBSOCKET_VERSION, "13");
    let key = headers.get(SEC_WEBSOCKET_KEY).filter(|_| asks)?;
    if STANDARD.decode(key).ok()?.len() != 16 {
        return None;
    }
    let proof = Sha1::new().chain_update(key).chain_update(WEBSOCKET).finalize();
    HeaderValue::from_str(&STANDARD.encode(proof)).ok()
}

/// Whom the proxy speaks for: the last that it says. What stands before that, anybody may have written.
pub(crate) fn forwarded_for(headers: &HeaderMap) -> Option<IpAddr> {
    let line = headers.get_all(&FORWARDED_FOR).into_iter().next_back()?;
    line.to_str().ok()?.rsplit(',').next()?.trim().parse().ok()
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::*;

    #[test]
    fn the_key_is_answered_as_the_standard_says() {
        let mut headers = HeaderMap::new();
        let mut put = |name, value| headers.insert(name, HeaderValue::from_static(value));
        put(CONNECTION, "keep-alive, Upgrade");
        put(UPGRADE, "WebSocket");
        put(SEC_WEBSOCKET_VERSION, "13");
        put(SEC_WEBSOCKET_KEY, "dGhlIHNhbXBsZSBub25jZQ==");
        assert_eq!(accept_key(&headers).unwrap(), "s3pPLMBiTxaQ9kYGzzhZRbK+xOo=");
        for without in [CONNECTION, UPGRADE, SEC_WEBSOCKET_VERSION, SEC_WEBSOCKET_KEY] {
            let mut fewer = headers.clone();
            fewer.remove(without);
            assert_eq!(accept_key(&fewer), None);
        }
    }

    #[test]
    fn only_what_the_proxy_itself_wrote_is_believed() {
        let mut headers = HeaderMap::new();
        assert_eq!(forwarded_for(&headers), None);
        headers.append(&FORWARDED_FOR, HeaderValue::from_static("198.51.100.1"));
        headers.append(&FORWARDED_FOR, HeaderValue::from_static("198.51.100.2, 203.0.113.7"));
        assert_eq!(forwarded_for(&headers), Some("203.0.113.7".parse().unwrap()));
        headers.append(&FORWARDED_FOR, HeaderValue::from_static("nowhere"));
        assert_eq!(forwarded_for(&headers), None);
    }
}
