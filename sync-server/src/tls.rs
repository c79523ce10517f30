//! TLS by rustls: what the relay shows, and how clinics know it.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use rustls::ServerConfig;
use rustls::server::ParsedCertificate;
use rustls_pki_types::pem::PemObject;
use rustls_pki_types::{CertificateDer, PrivateKeyDer};
use sha2::{Digest, Sha256};
use tokio_rustls::TlsAcceptor;

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
            // Whoever comes is a device of ours, or a browser of these years.
            .with_protocol_versions(&[&rustls::version::TLS13])?
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
