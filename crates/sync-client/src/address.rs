//! Where a relay is, and by which key it is known.

use std::fmt;
use std::net::IpAddr;
use std::str::FromStr;

use seal::Invitation;

/// A relay: its address, and the SHA-256 of its public key when it is reached by TLS.
///
/// As text `ws://127.0.0.1:7447` or `wss://relay.example.org#<64 hex digits>`. `ws://` is taken for this machine only:
/// anywhere else it would show who speaks with whom, and give an invitation's token away.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct RelayAddress {
    host: String,
    port: u16,
    key_sha256: Option<[u8; 32]>,
    tls: bool,
}

/// Why this is no address of a relay.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum AddressError {
    /// Not `ws://host` or `wss://host`, with or without a port.
    #[error("a relay's address looks like wss://relay.example.org")]
    Malformed,
    /// Plain, and not on this machine.
    #[error("ws:// is only for a relay on this very machine; others need wss://")]
    NotLoopback,
    /// TLS, and no key to know the relay by. This build carries no list of web authorities, on purpose.
    #[error("a relay reached by wss:// is known by its key, which stands in the invitation")]
    NoKey,
}

impl RelayAddress {
    /// The address in its parts, as invitations and pairings carry it.
    ///
    /// # Errors
    /// [`AddressError`].
    pub fn new(url: &str, key_sha256: Option<[u8; 32]>) -> Result<Self, AddressError> {
        let (tls, rest) = match (url.strip_prefix("wss://"), url.strip_prefix("ws://")) {
            (Some(rest), _) => (true, rest),
            (None, Some(rest)) => (false, rest),
            (None, None) => return Err(AddressError::Malformed),
        };
        let rest = rest.strip_suffix('/').unwrap_or(rest);
        if rest.contains(|c: char| c.is_whitespace() || c.is_control() || "/?#@\\".contains(c)) {
            return Err(AddressError::Malformed);
        }
        let (host, port) = split_port(rest)?;
        let port = port.unwrap_or(if tls { 443 } else { 80 });
        let address = Self {
            host: host.to_owned(),
            port,
            key_sha256,
            tls,
        };
        match (tls, key_sha256) {
            (true, None) => Err(AddressError::NoKey),
            (false, _) if !address.is_loopback() => Err(AddressError::NotLoopback),
            _ => Ok(address),
        }
    }

    /// Where an invitation leads.
    ///
    /// # Errors
    /// [`AddressError`].
    pub fn of_invitation(invitation: &Invitation) -> Result<Self, AddressError> {
        Self::new(&invitation.relay_url, invitation.relay_key_sha256)
    }

    /// `ws://host:port` or `wss://host:port`.
    pub fn url(&self) -> String {
        let scheme = if self.tls { "wss" } else { "ws" };
        if self.host.contains(':') {
            format!("{scheme}://[{}]:{}", self.host, self.port)
        } else {
            format!("{scheme}://{}:{}", self.host, self.port)
        }
    }

    /// SHA-256 of the relay's SubjectPublicKeyInfo; always there with TLS.
    pub fn key_sha256(&self) -> Option<[u8; 32]> {
        self.key_sha256
    }

    /// Its name or number, as it is dialled.
    pub fn host(&self) -> &str {
        &self.host
    }

    pub(crate) fn port(&self) -> u16 {
        self.port
    }

    /// The key to meet, when TLS is spoken.
    pub(crate) fn tls_key(&self) -> Option<[u8; 32]> {
        self.key_sha256.filter(|_| self.tls)
    }

    fn is_loopback(&self) -> bool {
        self.host == "localhost" || self.host.parse::<IpAddr>().is_ok_and(|ip| ip.is_loopback())
    }
}

impl FromStr for RelayAddress {
    type Err = AddressError;

    fn from_str(text: &str) -> Result<Self, AddressError> {
        match text.trim().split_once('#') {
            None => Self::new(text.trim(), None),
            Some((url, hex)) => Self::new(url, Some(parse_hex(hex).ok_or(AddressError::Malformed)?)),
        }
    }
}

impl fmt::Display for RelayAddress {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.url())?;
        if let Some(key) = &self.key_sha256 {
            f.write_str("#")?;
            key.iter().try_for_each(|byte| write!(f, "{byte:02x}"))?;
        }
        Ok(())
    }
}

fn split_port(text: &str) -> Result<(&str, Option<u16>), AddressError> {
    let (host, port) = match text.strip_prefix('[') {
        Some(rest) => {
            let (host, after) = rest.split_once(']').ok_or(AddressError::Malformed)?;
            host.parse::<std::net::Ipv6Addr>()
                .map_err(|_| AddressError::Malformed)?;
            match after.strip_prefix(':') {
                Some(port) => (host, Some(port)),
                None if after.is_empty() => (host, None),
                None => return Err(AddressError::Malformed),
            }
        }
        None => match text.split_once(':') {
            Some((host, port)) => (host, Some(port)),
            None => (text, None),
        },
    };
    let port = port.map(str::parse).transpose().map_err(|_| AddressError::Malformed)?;
    if host.is_empty() {
        Err(AddressError::Malformed)
    } else {
        Ok((host, port))
    }
}

fn parse_hex(text: &str) -> Option<[u8; 32]> {
    let digits: Vec<u8> = text
        .chars()
        .map(|c| c.to_digit(16))
        .map(|d| d.map(|d| d as u8))
        .collect::<Option<_>>()?;
    let bytes: Vec<u8> = digits.chunks_exact(2).map(|pair| pair[0] << 4 | pair[1]).collect();
    if digits.len() == 64 {
        bytes.try_into().ok()
    } else {
        None
    }
}
