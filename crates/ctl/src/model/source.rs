//! One place on the network that has a model, asked over HTTP from wherever the file stops.
//!
//! What comes is believed only by its hash, at the end: whether the place is the publisher's, a mirror's or somebody
//! else's, and whether it speaks TLS, decides nothing about what is installed.

use std::{
    io::Read,
    sync::{
        Arc,
        mpsc::{RecvTimeoutError, sync_channel},
    },
    thread,
    time::Duration,
};

use scribe::{ModelError, models::Arriving};
use ureq::{
    Agent, Body,
    http::{Response, StatusCode, Uri, header},
    tls::{Certificate, RootCerts, TlsConfig},
};

use crate::outcome::Trouble;

const PIECE: usize = 256 * 1024;
/// Pieces that are read ahead of the disk.
const AHEAD: usize = 4;

/// Where a model is.
pub struct Source {
    url: String,
    name: String,
    agent: Agent,
    patience: Duration,
}

/// What one request came to.
pub enum Fetched {
    /// All that was missing came.
    Whole,
    /// It began and ended early: another request may go on.
    Broken(String),
    /// It gives nothing.
    Refused(String),
}

impl Source {
    /// The file at this address, `http://` or `https://`.
    pub fn at(url: &str, patience: Duration) -> Result<Self, Trouble> {
        let uri: Uri = url
            .parse()
            .map_err(|_| Trouble::usage("a mirror is an address like https://example.org/models"))?;
        let (Some("http" | "https"), Some(host)) = (uri.scheme_str(), uri.host()) else {
            return Err(Trouble::usage("a mirror is an address like https://example.org/models"));
        };
        let agent = Agent::config_builder()
            .timeout_connect(Some(patience))
            .timeout_recv_response(Some(patience))
            .http_status_as_error(false)
            .user_agent(concat!("mediecoctl/", env!("CARGO_PKG_VERSION")))
            .tls_config(tls())
            .build();
        Ok(Self {
            name: host.to_owned(),
            url: url.to_owned(),
            agent: agent.into(),
            patience,
        })
    }

    /// Its host: an address may hold a password.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// One request for what is missing. `watch` hears how much there is by now.
    ///
    /// # Errors
    /// What the disk says.
    pub fn fetch(&self, arriving: &mut Arriving, mut watch: impl FnMut(u64)) -> Result<Fetched, ModelError> {
        let from = arriving.have();
        let mut ask = self.agent.get(&self.url);
        if from > 0 {
            ask = ask.header(header::RANGE, format!("bytes={from}-"));
        }
        let response = match ask.call() {
            Ok(response) => response,
            Err(error) => return Ok(Fetched::Broken(format!("no answer ({error})"))),
        };
        match begins_at(&response) {
            Ok(0) => arriving.start_over()?,
            Ok(at) if at == from => {}
            Ok(_) | Err(StatusCode::RANGE_NOT_SATISFIABLE) => {
                arriving.start_over()?;
                return Ok(Fetched::Broken("it went on at another place than was asked".to_owned()));
            }
            Err(status) => return Ok(Fetched::Refused(format!("it answered {status}"))),
        }
        self.read(response.into_body(), arriving, &mut watch)
    }

    /// Takes in the body. Another thread reads, since a socket that falls silent tells nobody.
    fn read(&self, body: Body, arriving: &mut Arriving, watch: &mut impl FnMut(u64)) -> Result<Fetched, ModelError> {
        let (give, take) = sync_channel::<Result<Vec<u8>, String>>(AHEAD);
        let mut reader = body.into_with_config().limit(u64::MAX).reader();
        thread::spawn(move || {
            loop {
                let mut piece = vec![0; PIECE];
                let read = reader.read(&mut piece).map_err(|error| error.to_string());
                let over = !matches!(read, Ok(1..));
                let read = read.map(|n| {
                    piece.truncate(n);
                    piece
                });
                if give.send(read).is_err() || over {
                    return;
                }
            }
        });
        loop {
            match take.recv_timeout(self.patience) {
                Ok(Ok(piece)) if piece.is_empty() && arriving.have() == arriving.want() => return Ok(Fetched::Whole),
                Ok(Ok(piece)) if piece.is_empty() => return Ok(Fetched::Broken("it ended early".to_owned())),
                Ok(Ok(piece)) => match arriving.write(&piece) {
                    Err(ModelError::Damaged) => {
                        arriving.start_over()?;
                        return Ok(Fetched::Refused("it gives more than the model has".to_owned()));
                    }
                    written => {
                        written?;
                        watch(arriving.have());
                    }
                },
                Ok(Err(error)) => return Ok(Fetched::Broken(format!("the connection broke ({error})"))),
                Err(RecvTimeoutError::Timeout) => return Ok(Fetched::Broken("it fell silent".to_owned())),
                Err(RecvTimeoutError::Disconnected) => return Ok(Fetched::Broken("it ended early".to_owned())),
            }
        }
    }
}

/// The authorities that this machine trusts; a machine without any can use a mirror at `http://`.
fn tls() -> TlsConfig {
    let own = rustls_native_certs::load_native_certs().certs;
    let own: Vec<Certificate<'static>> = own.iter().map(|it| Certificate::from_der(it).to_owned()).collect();
    TlsConfig::builder()
        .root_certs(RootCerts::Specific(Arc::new(own)))
        .unversioned_rustls_crypto_provider(Arc::new(rustls::crypto::ring::default_provider()))
        .build()
}

/// Where the body of this answer begins in the file; its status when it has none for us.
fn begins_at(response: &Response<Body>) -> Result<u64, StatusCode> {
    match response.status() {
        StatusCode::OK => Ok(0),
        StatusCode::PARTIAL_CONTENT => {
            let range = response.headers().get(header::CONTENT_RANGE);
            let range = range.and_then(|value| value.to_str().ok());
            let begins = range.and_then(|range| range.strip_prefix("bytes ")?.split('-').next()?.parse().ok());
            begins.ok_or(StatusCode::RANGE_NOT_SATISFIABLE)
        }
        other => Err(other),
    }
}
