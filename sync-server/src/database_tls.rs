//! TLS to a PostgreSQL: whose certificates are believed, and what is said when it is not to be.
//!
//! There is one way only: the certificate must be by a known authority, and for the name in the address. What PostgreSQL's own
//! programs call `require` or `verify-ca` is no less here.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use rustls::{CertificateError, ClientConfig, RootCertStore};
use rustls_pki_types::CertificateDer;
use rustls_pki_types::pem::PemObject;

use crate::DatabaseUrlError;

/// Believes the certificates in this file, or in that of PGSSLROOTCERT, or the system's.
pub(crate) fn config(roots: Option<&Path>) -> Result<ClientConfig, DatabaseUrlError> {
    let named = roots.map(Path::to_owned);
    let file = named.or_else(|| std::env::var_os("PGSSLROOTCERT").map(PathBuf::from));
    let roots = match file.filter(|file| file.as_os_str() != "system") {
        Some(file) => of_file(&file).ok_or(DatabaseUrlError::RootsOf(file))?,
        None => {
            let mut roots = RootCertStore::empty();
            roots.add_parsable_certificates(rustls_native_certs::load_native_certs().certs);
            roots
        }
    };
    if roots.is_empty() {
        return Err(DatabaseUrlError::NoRoots);
    }
    let ring = Arc::new(rustls::crypto::ring::default_provider());
    let config = ClientConfig::builder_with_provider(ring)
        .with_protocol_versions(&[&rustls::version::TLS13, &rustls::version::TLS12])
        .map_err(|_| DatabaseUrlError::NoRoots)?;
    Ok(config.with_root_certificates(roots).with_no_client_auth())
}

/// `None` when any of them cannot be read, or there are none.
fn of_file(file: &Path) -> Option<RootCertStore> {
    let mut roots = RootCertStore::empty();
    for certificate in CertificateDer::pem_file_iter(file).ok()? {
        roots.add(certificate.ok()?).ok()?;
    }
    (!roots.is_empty()).then_some(roots)
}

/// What to do about it, if TLS is why there is no connection.
pub(crate) fn why(error: &postgres::Error) -> Option<DatabaseUrlError> {
    let cause = std::error::Error::source(error)?;
    let Some(cause) = cause.downcast_ref::<std::io::Error>() else {
        // In the client's own words, which a test holds.
        return (cause.to_string() == "server does not support TLS").then_some(DatabaseUrlError::NoTls);
    };
    let rustls::Error::InvalidCertificate(wrong) = cause.get_ref()?.downcast_ref::<rustls::Error>()? else {
        return None;
    };
    Some(match wrong {
        CertificateError::UnknownIssuer | CertificateError::BadSignature => DatabaseUrlError::UnknownAuthority,
        CertificateError::NotValidForName | CertificateError::NotValidForNameContext { .. } => {
            DatabaseUrlError::OtherName
        }
        CertificateError::Expired
        | CertificateError::ExpiredContext { .. }
        | CertificateError::NotValidYet
        | CertificateError::NotValidYetContext { .. } => DatabaseUrlError::NotInForce,
        other => DatabaseUrlError::OtherCertificate(format!("{other:?}")),
    })
}
