//! Where the PostgreSQL is, and how this program gets there.
//!
//! Passwords come from the address, from PGPASSWORD or from a passfile, and are in no message. A database on another machine
//! is spoken to by TLS alone.

use std::net::IpAddr;
use std::path::PathBuf;
use std::str::FromStr;
use std::sync::Arc;
use std::time::Duration;

use postgres::config::{Host, SslMode};
use postgres::{Client, Config, NoTls};
use rustls::{ClientConfig, RootCertStore};
use rustls_pki_types::CertificateDer;
use rustls_pki_types::pem::PemObject;
use tokio_postgres_rustls::MakeRustlsConnect;

/// Why a database cannot be used by its address.
#[derive(Debug, thiserror::Error)]
pub enum DatabaseUrlError {
    /// Not an address.
    #[error("this is no address of a PostgreSQL: it looks like postgres://user@host/name")]
    Malformed,
    /// Plain connections stay on the machine.
    #[error(
        "the database is on another machine: without TLS anyone on the way could read and alter what the relay stores"
    )]
    PlainElsewhere,
    /// No certificates to know the database by.
    #[error("the certificates by which the database is known cannot be read")]
    Roots,
    /// It does not answer, or does not let this program in.
    #[error("the database cannot be reached: {0}")]
    Connect(String),
}

/// The address of a PostgreSQL, with who logs in there.
#[derive(Clone)]
pub struct DatabaseUrl(Config);

impl PartialEq for DatabaseUrl {
    fn eq(&self, other: &Self) -> bool {
        let parts = |url: &Self| {
            let Self(config) = url;
            let database = config.get_dbname().map(str::to_owned);
            let login = (url.user().map(str::to_owned), config.get_password().map(<[u8]>::to_vec));
            (
                config.get_hosts().to_vec(),
                config.get_ports().to_vec(),
                database,
                login,
            )
        };
        parts(self) == parts(other)
    }
}

impl Eq for DatabaseUrl {}

impl std::fmt::Debug for DatabaseUrl {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "DatabaseUrl({:?})", self.0.get_hosts())
    }
}

impl FromStr for DatabaseUrl {
    type Err = DatabaseUrlError;

    fn from_str(text: &str) -> Result<Self, DatabaseUrlError> {
        if !text.starts_with("postgres://") && !text.starts_with("postgresql://") {
            return Err(DatabaseUrlError::Malformed);
        }
        let mut config = Config::from_str(text).map_err(|_| DatabaseUrlError::Malformed)?;
        if config.get_hosts().is_empty() {
            return Err(DatabaseUrlError::Malformed);
        }
        let elsewhere = !config.get_hosts().iter().all(is_here);
        match (elsewhere, config.get_ssl_mode()) {
            (true, SslMode::Disable) => return Err(DatabaseUrlError::PlainElsewhere),
            (true, _) => drop(config.ssl_mode(SslMode::Require)),
            (false, SslMode::Require) => {}
            (false, _) => drop(config.ssl_mode(SslMode::Disable)),
        }
        config
            .application_name("medieco-relay")
            .connect_timeout(Duration::from_secs(10))
            .keepalives_idle(Duration::from_secs(30));
        Ok(Self(config))
    }
}

impl DatabaseUrl {
    /// Takes the password from PGPASSWORD or a passfile (PGPASSFILE, or `.pgpass` in the home folder), if the address has
    /// none.
    #[must_use]
    pub fn with_password_of_environment(mut self) -> Self {
        if self.0.get_password().is_none() {
            if let Ok(password) = std::env::var("PGPASSWORD") {
                self.0.password(password);
            } else if let Some(password) = passfile().and_then(|text| self.password_in(&text)) {
                self.0.password(password);
            }
        }
        self
    }

    /// The login.
    pub fn user(&self) -> Option<&str> {
        self.0.get_user()
    }

    /// The same database by another login, without a password.
    #[must_use]
    pub fn for_user(&self, user: &str) -> Self {
        let mut config = self.0.clone();
        config.user(user);
        Self(config)
    }

    /// A connection.
    ///
    /// # Errors
    /// [`DatabaseUrlError`].
    pub fn connect(&self) -> Result<Client, DatabaseUrlError> {
        let connected = match self.0.get_ssl_mode() {
            SslMode::Disable => self.0.connect(NoTls),
            _ => self.0.connect(MakeRustlsConnect::new(tls()?)),
        };
        connected.map_err(|error| DatabaseUrlError::Connect(words_of(&error)))
    }

    /// `host:port:database:user:password`, `*` for any, as PostgreSQL's own programs read it.
    fn password_in(&self, passfile: &str) -> Option<String> {
        let hosts: Vec<String> = self.0.get_hosts().iter().map(name).collect();
        let ports: Vec<String> = self.0.get_ports().iter().map(u16::to_string).collect();
        let user = self.0.get_user()?;
        let database = self.0.get_dbname().unwrap_or(user);
        let fits = |field: &str, value: &str| field == "*" || field == value;
        passfile.lines().filter(|line| !line.starts_with('#')).find_map(|line| {
            let fields: Vec<&str> = line.splitn(5, ':').collect();
            let [host, port, of, whose, password] = fields.as_slice() else {
                return None;
            };
            let host_fits = *host == "*" || hosts.iter().any(|known| known == host);
            let port_fits =
                *port == "*" || ports.iter().any(|known| known == port) || (ports.is_empty() && *port == "5432");
            (host_fits && port_fits && fits(of, database) && fits(whose, user)).then(|| (*password).to_owned())
        })
    }
}

fn name(host: &Host) -> String {
    match host {
        Host::Tcp(name) => name.clone(),
        #[cfg(unix)]
        Host::Unix(_) => "localhost".to_owned(),
    }
}

fn is_here(host: &Host) -> bool {
    match host {
        Host::Tcp(name) => name == "localhost" || name.parse::<IpAddr>().is_ok_and(|address| address.is_loopback()),
        #[cfg(unix)]
        Host::Unix(_) => true,
    }
}

fn passfile() -> Option<String> {
    let path = match std::env::var_os("PGPASSFILE") {
        Some(path) => PathBuf::from(path),
        None => directories::BaseDirs::new()?.home_dir().join(".pgpass"),
    };
    std::fs::read_to_string(path).ok()
}

/// The system's certificates, or those of the file that PGSSLROOTCERT names.
pub(crate) fn tls() -> Result<ClientConfig, DatabaseUrlError> {
    let mut roots = RootCertStore::empty();
    match std::env::var_os("PGSSLROOTCERT") {
        Some(file) => {
            let certificates = CertificateDer::pem_file_iter(file).map_err(|_| DatabaseUrlError::Roots)?;
            for certificate in certificates {
                let certificate = certificate.map_err(|_| DatabaseUrlError::Roots)?;
                roots.add(certificate).map_err(|_| DatabaseUrlError::Roots)?;
            }
        }
        None => drop(roots.add_parsable_certificates(rustls_native_certs::load_native_certs().certs)),
    }
    if roots.is_empty() {
        return Err(DatabaseUrlError::Roots);
    }
    let ring = Arc::new(rustls::crypto::ring::default_provider());
    let config = ClientConfig::builder_with_provider(ring)
        .with_protocol_versions(&[&rustls::version::TLS13, &rustls::version::TLS12])
        .map_err(|_| DatabaseUrlError::Roots)?;
    Ok(config.with_root_certificates(roots).with_no_client_auth())
}

/// What the database or the network said; a password is in neither.
pub(crate) fn words_of(error: &postgres::Error) -> String {
    match error.as_db_error() {
        Some(said) => said.message().to_owned(),
        None => {
            let cause = std::error::Error::source(error).map(|cause| format!(": {cause}"));
            format!("{error}{}", cause.unwrap_or_default())
        }
    }
}
