//! One WebSocket to a relay, plain or with TLS, from one of this machine's many addresses.

use std::{
    net::{Ipv4Addr, SocketAddr, SocketAddrV4},
    path::Path,
    sync::Arc,
};

use anyhow::{Context, Result};
use futures_util::{SinkExt, StreamExt};
use rustls::{
    ClientConfig, RootCertStore,
    pki_types::{CertificateDer, ServerName, pem::PemObject},
};
use sync_protocol::{DeviceMessage, RelayMessage};
use tokio::{
    io::{AsyncRead, AsyncWrite},
    net::TcpSocket,
};
use tokio_rustls::TlsConnector;
use tokio_tungstenite::{
    WebSocketStream, client_async_with_config,
    tungstenite::{Message, protocol::WebSocketConfig},
};

/// Ports of so many of this machine's addresses are used, so that they do not run out.
const ADDRESSES: usize = 32;

trait Io: AsyncRead + AsyncWrite + Unpin {}
impl<T: AsyncRead + AsyncWrite + Unpin> Io for T {}

/// Where a relay is.
#[derive(Clone)]
pub struct Place {
    address: SocketAddr,
    tls: Option<TlsConnector>,
}

impl Place {
    /// At this address; with TLS when there is the file of the certificate to know it by.
    pub fn new(address: &str, certificate: Option<&Path>) -> Result<Self> {
        let tls = match certificate {
            None => None,
            Some(file) => {
                let mut roots = RootCertStore::empty();
                roots.add(CertificateDer::from_pem_file(file).context("the relay's certificate")?)?;
                let provider = Arc::new(rustls::crypto::ring::default_provider());
                let config = ClientConfig::builder_with_provider(provider)
                    .with_safe_default_protocol_versions()?
                    .with_root_certificates(roots)
                    .with_no_client_auth();
                Some(TlsConnector::from(Arc::new(config)))
            }
        };
        Ok(Self {
            address: address.parse()?,
            tls,
        })
    }
}

/// An open connection.
pub struct Line(WebSocketStream<Box<dyn Io>>);

impl Line {
    /// Dials; `nth` chooses the address from which.
    pub async fn dial(place: &Place, nth: usize) -> Result<Self> {
        let socket = TcpSocket::new_v4()?;
        let last = u8::try_from(2 + nth % ADDRESSES)?;
        socket.bind(SocketAddrV4::new(Ipv4Addr::new(127, 0, 1, last), 0).into())?;
        let tcp = socket.connect(place.address).await?;
        tcp.set_nodelay(true)?;
        let io: Box<dyn Io> = match &place.tls {
            None => Box::new(tcp),
            Some(tls) => Box::new(tls.connect(ServerName::try_from("localhost")?, tcp).await?),
        };
        let config = WebSocketConfig::default()
            .read_buffer_size(2 * 1024)
            .write_buffer_size(0);
        let url = format!("ws://{}/sync", place.address);
        Ok(Self(client_async_with_config(url, io, Some(config)).await?.0))
    }

    /// The next message; `None` when the relay has ended it.
    pub async fn hear(&mut self) -> Option<Result<RelayMessage>> {
        loop {
            match self.0.next().await? {
                Ok(Message::Binary(frame)) => return Some(RelayMessage::decode(&frame).map_err(Into::into)),
                Ok(Message::Close(_)) | Err(_) => return None,
                // The pong to a ping is tungstenite's own.
                Ok(Message::Ping(_)) => self.0.flush().await.ok()?,
                Ok(_) => {}
            }
        }
    }

    /// Says something.
    pub async fn say(&mut self, message: &DeviceMessage) -> Result<()> {
        Ok(self.0.send(Message::binary(message.encode())).await?)
    }

    /// Ends it.
    pub async fn end(mut self) {
        drop(self.0.close(None).await);
    }
}
