//! Where the PostgreSQL is, and how this program gets there.
//!
//! Passwords come from the address, from PGPASSWORD or from a passfile, and are in no message. A database on another machine
//! is spoken to by TLS alone (`database_tls.rs`).

use std::net::IpAddr;
use std::path::PathBuf;
use std::pin::Pin;
use std::str::FromStr;
use std::time::Duration;

use tokio_postgres::config::{Host, SslMode};
use tokio_postgres::{Config, NoTls};
use tokio_postgres_rustls::MakeRustlsConnect;

use crate::database_tls;

/// Why a database cannot be used by its address.
#[derive(Debug, thiserror::Error)]
pub enum DatabaseUrlError {
    /// Not an address.
    #[error("this is no address of a PostgreSQL: it looks like postgres://user@host/name")]
    Malformed,
    /// Not one of PostgreSQL's words for it.
    #[error("sslmode is one of disable, allow, prefer, require, verify-ca and verify-full")]
    SslMode,
    /// Plain connections stay on the machine.
    #[error(
        "the database is on another machine: without TLS anyone on the way could read and alter what the relay stores. \
         Leave sslmode=disable out of the address"
    )]
    PlainElsewhere,
    /// The database has no TLS.
    #[error(
        "the database does not speak TLS, and without it anyone on the way could read and alter what the relay stores. Give \
         it a certificate and `ssl = on`"
    )]
    NoTls,
    /// Nobody vouches for the database.
    #[error(
        "the database's certificate is by an authority that is not known here. Name the file with that authority's \
         certificate: PGSSLROOTCERT=FILE, or sslrootcert=FILE in the address"
    )]
    UnknownAuthority,
    /// It may be another machine.
    #[error(
        "the database's certificate is for another name than the one in the address. Say the name that is in the \
         certificate, or give the database a certificate for this one"
    )]
    OtherName,
    /// Too old or too young.
    #[error("the database's certificate has expired or is not valid yet. Renew it, or look at this machine's clock")]
    NotInForce,
    /// Anything else that is wrong with it.
    #[error("the database's certificate cannot be used ({0}). Give it another one")]
    OtherCertificate(String),
    /// The file that was named.
    #[error("{0} cannot be read as certificates (PEM)")]
    RootsOf(PathBuf),
    /// The system knows no authority.
    #[error("this system has no certificates of authorities. Name a file with PGSSLROOTCERT=FILE")]
    NoRoots,
    /// It does not answer, or does not let this program in.
    #[error("the database cannot be reached: {0}")]
    Connect(String),
}

impl DatabaseUrlError {
    /// Whether it is refused on principle: what would be sent could be read or altered by others.
    pub fn is_refusal(&self) -> bool {
        matches!(
            self,
            Self::PlainElsewhere
                | Self::NoTls
                | Self::UnknownAuthority
                | Self::OtherName
                | Self::NotInForce
                | Self::OtherCertificate(_)
        )
    }
}

/// Carries what goes to a database and comes from it, as long as it is driven; it ends with the connection.
pub(crate) type Carrying = Pin<Box<dyn Future<Output = Result<(), postgres::Error>> + Send>>;

/// The address of a PostgreSQL, with who logs in there.
#[derive(Clone)]
pub struct DatabaseUrl {
    config: Config,
    /// The certificates by which it is known, where the address names them.
    roots: Option<PathBuf>,
}

impl PartialEq for DatabaseUrl {
    fn eq(&self, other: &Self) -> bool {
        let parts = |url: &Self| {
            let Self { config, roots } = url;
            let database = config.get_dbname().map(str::to_owned);
            let login = (url.user().map(str::to_owned), config.get_password().map(<[u8]>::to_vec));
            (
                config.get_hosts().to_vec(),
                config.get_ports().to_vec(),
                database,
                login,
                roots.clone(),
            )
        };
        parts(self) == parts(other)
    }
}

impl Eq for DatabaseUrl {}

impl std::fmt::Debug for DatabaseUrl {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "DatabaseUrl({:?})", self.config.get_hosts())
    }
}

impl FromStr for DatabaseUrl {
    type Err = DatabaseUrlError;

    fn from_str(text: &str) -> Result<Self, DatabaseUrlError> {
        if !text.starts_with("postgres://") && !text.starts_with("postgresql://") {
            return Err(DatabaseUrlError::Malformed);
        }
        let (text, mode, roots) = without_tls(text)?;
        let mut config = Config::from_str(&text).map_err(|_| DatabaseUrlError::Malformed)?;
        if config.get_hosts().is_empty() {
            return Err(DatabaseUrlError::Malformed);
        }
        let is_here = config.get_hosts().iter().all(is_here)
            && config.get_hostaddrs().iter().all(|address| address.is_loopback());
        let mode = match (is_here, mode) {
            (false, Some(SslMode::Disable)) => return Err(DatabaseUrlError::PlainElsewhere),
            (false, _) => SslMode::Require,
            // A socket of the machine's own is spoken to by nobody else.
            (true, Some(SslMode::Require)) if config.get_hosts().iter().any(|host| matches!(host, Host::Tcp(_))) => {
                SslMode::Require
            }
            (true, _) => SslMode::Disable,
        };
        config.ssl_mode(mode);
        config
            .application_name("medieco-relay")
            .connect_timeout(Duration::from_secs(10))
            .keepalives_idle(Duration::from_secs(30));
        Ok(Self { config, roots })
    }
}

impl DatabaseUrl {
    /// Takes the password from PGPASSWORD or a passfile (PGPASSFILE, or `.pgpass` in the home folder), if the address has
    /// none.
    #[must_use]
    pub fn with_password_of_environment(mut self) -> Self {
        if self.config.get_password().is_none() {
            if let Ok(password) = std::env::var("PGPASSWORD") {
                self.config.password(password);
            } else if let Some(password) = passfile().and_then(|text| self.password_in(&text)) {
                self.config.password(password);
            }
        }
        self
    }

    /// The login.
    pub fn user(&self) -> Option<&str> {
        self.config.get_user()
    }

    /// The same database by another login, without a password.
    #[must_use]
    pub fn for_user(&self, user: &str) -> Self {
        let mut other = self.clone();
        other.config.user(user);
        other
    }

    /// A connection that waits for each answer.
    ///
    /// # Errors
    /// [`DatabaseUrlError`].
    pub fn connect(&self) -> Result<postgres::Client, DatabaseUrlError> {
        let config = postgres::Config::from(self.config.clone());
        let connected = match self.tls()? {
            None => config.connect(NoTls),
            Some(tls) => config.connect(tls),
        };
        connected.map_err(why)
    }

    /// A connection on which more may be sent before an answer has come, and what carries it.
    ///
    /// # Errors
    /// [`DatabaseUrlError`].
    pub(crate) async fn open(&self) -> Result<(tokio_postgres::Client, Carrying), DatabaseUrlError> {
        Ok(match self.tls()? {
            None => {
                let (client, connection) = self.config.connect(NoTls).await.map_err(why)?;
                (client, Box::pin(connection))
            }
            Some(tls) => {
                let (client, connection) = self.config.connect(tls).await.map_err(why)?;
                (client, Box::pin(connection))
            }
        })
    }

    /// How it is spoken to; `None` for plain.
    fn tls(&self) -> Result<Option<MakeRustlsConnect>, DatabaseUrlError> {
        match self.config.get_ssl_mode() {
            SslMode::Disable => Ok(None),
            _ => Ok(Some(MakeRustlsConnect::new(database_tls::config(
                self.roots.as_deref(),
            )?))),
        }
    }

    /// `host:port:database:user:password`, `*` for any, as PostgreSQL's own programs read it.
    fn password_in(&self, passfile: &str) -> Option<String> {
        let hosts: Vec<String> = self.config.get_hosts().iter().map(name).collect();
        let ports: Vec<String> = self.config.get_ports().iter().map(u16::to_string).collect();
        let user = self.config.get_user()?;
        let database = self.config.get_dbname().unwrap_or(user);
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

fn why(error: postgres::Error) -> DatabaseUrlError {
    database_tls::why(&error).unwrap_or_else(|| DatabaseUrlError::Connect(words_of(&error)))
}

/// Takes out of an address what it says about TLS, in the words of PostgreSQL's own programs.
fn without_tls(text: &str) -> Result<(String, Option<SslMode>, Option<PathBuf>), DatabaseUrlError> {
    // A password may have a question mark in it.
    let after_login = text.find('@').unwrap_or_default();
    let Some(at) = text[after_login..].find('?').map(|at| after_login + at) else {
        return Ok((text.to_owned(), None, None));
    };
    let (mut mode, mut roots, mut others) = (None, None, Vec::new());
    for pair in text[at + 1..].split('&') {
        match pair.split_once('=') {
            Some(("sslmode", "disable")) => mode = Some(SslMode::Disable),
            Some(("sslmode", "allow" | "prefer")) => mode = Some(SslMode::Prefer),
            Some(("sslmode", "require" | "verify-ca" | "verify-full")) => mode = Some(SslMode::Require),
            Some(("sslmode", _)) => return Err(DatabaseUrlError::SslMode),
            Some(("sslrootcert", _)) => {
                let pair = pair.replace('+', "%2B");
                let file = form_urlencoded::parse(pair.as_bytes()).next();
                roots = file.map(|(_, file)| PathBuf::from(file.into_owned()));
            }
            _ => others.push(pair),
        }
    }
    let rest = others.join("&");
    let question = if rest.is_empty() { "" } else { "?" };
    Ok((format!("{}{question}{rest}", &text[..at]), mode, roots))
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

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::*;

    fn mode(text: &str) -> SslMode {
        text.parse::<DatabaseUrl>().unwrap().config.get_ssl_mode()
    }

    #[test]
    fn what_an_address_says_of_tls_only_ever_makes_it_stricter() {
        for here in ["localhost", "127.0.0.1", "[::1]"] {
            for (said, expected) in [
                ("", SslMode::Disable),
                ("?sslmode=prefer", SslMode::Disable),
                ("?sslmode=require", SslMode::Require),
                ("?connect_timeout=3&sslmode=verify-full", SslMode::Require),
            ] {
                assert_eq!(mode(&format!("postgres://u@{here}/db{said}")), expected, "{here}{said}");
            }
        }
        for elsewhere in ["db.example.org", "203.0.113.7", "localhost,db.example.org"] {
            for said in ["", "?sslmode=prefer", "?sslmode=allow", "?sslmode=verify-ca"] {
                assert_eq!(mode(&format!("postgres://u@{elsewhere}/db{said}")), SslMode::Require);
            }
            let plain = format!("postgres://u@{elsewhere}/db?sslmode=disable").parse::<DatabaseUrl>();
            assert!(matches!(plain, Err(DatabaseUrlError::PlainElsewhere)));
        }
        // A name of this machine's before an address that is another's.
        let other = "postgres://u@localhost/db?hostaddr=203.0.113.7";
        assert_eq!(mode(other), SslMode::Require);
        assert_eq!(
            mode("postgres://u@%2Fvar%2Frun/db?sslmode=verify-full"),
            SslMode::Disable
        );
        let odd = "postgres://u@localhost/db?sslmode=sometimes".parse::<DatabaseUrl>();
        assert!(matches!(odd, Err(DatabaseUrlError::SslMode)));
    }

    #[test]
    fn the_file_of_certificates_is_read_from_the_address_and_a_password_stays_whole() {
        let url = "postgres://u:p?q@db.example.org/db?sslrootcert=%2Fetc%2Fa+b.pem&options=-c%20x%3D1";
        let url: DatabaseUrl = url.parse().unwrap();
        assert_eq!(url.roots, Some(PathBuf::from("/etc/a+b.pem")));
        assert_eq!(url.config.get_password(), Some(b"p?q".as_slice()));
        assert_eq!(url.config.get_options(), Some("-c x=1"));
        assert_eq!(url.config.get_dbname(), Some("db"));
    }
}
