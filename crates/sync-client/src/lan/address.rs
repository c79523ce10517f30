//! Where another device of the clinic may be, as a person types it.

use std::fmt;
use std::net::{IpAddr, Ipv6Addr, SocketAddr};
use std::str::FromStr;

use super::handle::DEFAULT_LAN_PORT;

const MAX_HOST_CHARS: usize = 253;

/// A host, by name or number, and a port: `192.168.1.20`, `counter.local:47800`, `[fe80::1]:47800`.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct LanAddress {
    host: String,
    port: u16,
}

/// The text is no such address.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("a device's address looks like 192.168.1.20 or counter.local:47800")]
pub struct NoLanAddress;

impl LanAddress {
    /// All that the name stands for now.
    pub(super) async fn look_up(&self) -> Vec<SocketAddr> {
        let found = tokio::net::lookup_host((self.host.as_str(), self.port)).await;
        found.map_or_else(|_| Vec::new(), Iterator::collect)
    }
}

impl FromStr for LanAddress {
    type Err = NoLanAddress;

    fn from_str(text: &str) -> Result<Self, NoLanAddress> {
        let text = text.trim();
        // An IPv6 address has colons of its own.
        if let Ok(ip) = text.parse::<Ipv6Addr>() {
            return Ok(Self {
                host: ip.to_string(),
                port: DEFAULT_LAN_PORT,
            });
        }
        let (host, port) = match text.strip_prefix('[') {
            Some(rest) => {
                let (ip, after) = rest.split_once(']').ok_or(NoLanAddress)?;
                let ip: Ipv6Addr = ip.parse().map_err(|_| NoLanAddress)?;
                let port = match after.strip_prefix(':') {
                    None if !after.is_empty() => return Err(NoLanAddress),
                    port => port,
                };
                (ip.to_string(), port)
            }
            None => match text.split_once(':') {
                Some((host, port)) => (host.to_owned(), Some(port)),
                None => (text.to_owned(), None),
            },
        };
        let port = port
            .map_or(Ok(DEFAULT_LAN_PORT), str::parse)
            .map_err(|_| NoLanAddress)?;
        let is_name = |host: &str| {
            host.chars()
                .all(|c| c.is_ascii_alphanumeric() || matches!(c, '.' | '-' | '_'))
        };
        let sound = host.parse::<IpAddr>().is_ok() || is_name(&host);
        if host.is_empty() || host.len() > MAX_HOST_CHARS || !sound || port == 0 {
            return Err(NoLanAddress);
        }
        Ok(Self { host, port })
    }
}

impl fmt::Display for LanAddress {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.host.contains(':') {
            write!(f, "[{}]:{}", self.host, self.port)
        } else {
            write!(f, "{}:{}", self.host, self.port)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_are_read_as_people_type_them() {
        let read = |text: &str| text.parse::<LanAddress>().map(|address| address.to_string());
        for (text, expected) in [
            ("192.168.1.20", "192.168.1.20:47800"),
            (" 192.168.1.20:5000 ", "192.168.1.20:5000"),
            ("counter.local", "counter.local:47800"),
            ("counter:1", "counter:1"),
            ("fe80::1", "[fe80::1]:47800"),
            ("[fe80::1]", "[fe80::1]:47800"),
            ("[::1]:9", "[::1]:9"),
        ] {
            assert_eq!(read(text), Ok(expected.to_owned()), "{text}");
            assert_eq!(read(expected), Ok(expected.to_owned()), "{text}");
        }
        for text in [
            "",
            " ",
            ":1",
            "host:",
            "host:0",
            "host:99999",
            "host:x",
            "a b",
            "tcp://host",
            "host/path",
            "a@b",
            "[::1",
            "[::1]x",
            "[host]:1",
            "[::1]:",
            "::1:x",
            "käse",
        ] {
            assert_eq!(read(text), Err(NoLanAddress), "{text}");
        }
    }
}
