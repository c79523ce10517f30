//! TLS by rustls, below axum: a listener that hands over connections whose handshake is done.

use std::io;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use axum::serve::Listener;
use rustls::ServerConfig;
use rustls::server::ParsedCertificate;
use rustls_pki_types::pem::PemObject;
use rustls_pki_types::{CertificateDer, PrivateKeyDer};
use sha2::{Digest, Sha256};
use tokio::net::TcpStream;
use tokio::sync::{Semaphore, mpsc};
use tokio::time::timeout;
use tokio_rustls::TlsAcceptor;
use tokio_rustls::server::TlsStream;

const HANDSHAKE_WITHIN: Duration = Duration::from_secs(10);
const HANDSHAKES_AT_ONCE: usize = 256;

/// Why TLS could not be set up. Paths are the operator's own words.
#[derive(Debug, thiserror::Error)]
pub enum TlsError {
    /// The certificate file.
    #[error("the certificate in {0} cannot be read as PEM")]
    Certificate(PathBuf),
    /// The key file.
    #[error("the private key in {0} cannot be read as PEM")]
    Key(PathBuf),
    /// They do not go together, or rustls does not take them.
    #[error("certificate and key cannot be used: {0}")]
    Unusable(#[from] rustls::Error),
}

/// Certificate and key, ready for use, and the fingerprint that invitations carry.
pub(crate) struct Tls {
    pub(crate) acceptor: TlsAcceptor,
    pub(crate) key_sha256: [u8; 32],
}

impl Tls {
    pub(crate) fn read(certificate: &Path, key: &Path) -> Result<Self, TlsError> {
        let chain: Vec<CertificateDer<'static>> = CertificateDer::pem_file_iter(certificate)
            .and_then(Iterator::collect)
            .map_err(|_| TlsError::Certificate(certificate.into()))?;
        let first = chain.first().ok_or_else(|| TlsError::Certificate(certificate.into()))?;
        let key_sha256 = key_sha256(first)?;
        let key = PrivateKeyDer::from_pem_file(key).map_err(|_| TlsError::Key(key.into()))?;
        let provider = Arc::new(rustls::crypto::ring::default_provider());
        let config = ServerConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()?
            .with_no_client_auth()
            .with_single_cert(chain, key)?;
        Ok(Self {
            acceptor: TlsAcceptor::from(Arc::new(config)),
            key_sha256,
        })
    }
}

/// SHA-256 of a certificate's public key (its SubjectPublicKeyInfo): stays the same when the certificate is renewed.
///
/// # Errors
/// [`TlsError::Unusable`] when it is no certificate.
pub fn key_sha256(certificate: &CertificateDer<'_>) -> Result<[u8; 32], TlsError> {
    let parsed = ParsedCertificate::try_from(certificate)?;
    Ok(Sha256::digest(parsed.subject_public_key_info()).into())
}

/// Accepts TCP, shakes hands beside each other and within a time, and gives axum what came through.
pub(crate) struct TlsListener {
    ready: mpsc::Receiver<(TlsStream<TcpStream>, SocketAddr)>,
    address: SocketAddr,
}

impl TlsListener {
    pub(crate) fn start(
        listener: impl Listener<Io = TcpStream, Addr = SocketAddr>,
        address: SocketAddr,
        acceptor: TlsAcceptor,
    ) -> Self {
        let (done, ready) = mpsc::channel(HANDSHAKES_AT_ONCE);
        tokio::spawn(accept_all(listener, acceptor, done));
        Self { ready, address }
    }
}

async fn accept_all(
    mut listener: impl Listener<Io = TcpStream, Addr = SocketAddr>,
    acceptor: TlsAcceptor,
    done: mpsc::Sender<(TlsStream<TcpStream>, SocketAddr)>,
) {
    let places = Arc::new(Semaphore::new(HANDSHAKES_AT_ONCE));
    loop {
        let Ok(place) = Arc::clone(&places).acquire_owned().await else {
            return;
        };
        let (stream, from) = tokio::select! {
            accepted = listener.accept() => accepted,
            () = done.closed() => return,
        };
        let (acceptor, done) = (acceptor.clone(), done.clone());
        tokio::spawn(async move {
            if let Ok(Ok(stream)) = timeout(HANDSHAKE_WITHIN, acceptor.accept(stream)).await {
                drop(done.send((stream, from)).await);
            }
            drop(place);
        });
    }
}

impl Listener for TlsListener {
    type Io = TlsStream<TcpStream>;
    type Addr = SocketAddr;

    async fn accept(&mut self) -> (Self::Io, Self::Addr) {
        match self.ready.recv().await {
            Some(accepted) => accepted,
            // The accepting task ends only after this listener; there is nothing to wait for.
            None => std::future::pending().await,
        }
    }

    fn local_addr(&self) -> io::Result<Self::Addr> {
        Ok(self.address)
    }
}
