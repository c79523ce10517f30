//! One WebSocket to a relay: frames out, frames in.

use std::pin::Pin;
use std::sync::Arc;
use std::time::Duration;

use futures_util::{SinkExt, StreamExt};
use rustls_pki_types::ServerName;
use sync_protocol::{DeviceMessage, MAX_FRAME_BYTES, RelayMessage};
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::TcpStream;
use tokio::time::timeout;
use tokio_rustls::TlsConnector;
use tokio_tungstenite::WebSocketStream;
use tokio_tungstenite::tungstenite::Message;
use tokio_tungstenite::tungstenite::protocol::WebSocketConfig;

use crate::pinned_key::client_config;
use crate::{RelayAddress, RelayError};

const BUFFER_BYTES: usize = 64 * 1024;

pub(crate) trait Stream: AsyncRead + AsyncWrite + Send {}
impl<T: AsyncRead + AsyncWrite + Send> Stream for T {}

/// A WebSocket over TCP, or over TLS over TCP.
pub(crate) type Socket = WebSocketStream<Pin<Box<dyn Stream>>>;

/// Dials the relay: it has to answer, and both handshakes to be over, within this.
pub(crate) async fn connect(relay: &RelayAddress, within: Duration) -> Result<Socket, RelayError> {
    timeout(within, dial(relay))
        .await
        .map_err(|_| RelayError::Unreachable)?
}

async fn dial(relay: &RelayAddress) -> Result<Socket, RelayError> {
    let tcp = TcpStream::connect((relay.host(), relay.port()))
        .await
        .map_err(|_| RelayError::Unreachable)?;
    tcp.set_nodelay(true).map_err(|_| RelayError::Unreachable)?;
    let stream: Pin<Box<dyn Stream>> = match relay.tls_key() {
        None => Box::pin(tcp),
        Some(key) => {
            let name = ServerName::try_from(relay.host().to_owned()).map_err(|_| RelayError::Unreachable)?;
            let connector = TlsConnector::from(Arc::new(client_config(key)));
            Box::pin(connector.connect(name, tcp).await.map_err(|error| {
                let certificate = error.get_ref().and_then(|error| error.downcast_ref::<rustls::Error>());
                match certificate {
                    Some(rustls::Error::InvalidCertificate(_)) => RelayError::WrongKey,
                    _ => RelayError::Unreachable,
                }
            })?)
        }
    };
    let config = WebSocketConfig::default()
        .max_message_size(Some(MAX_FRAME_BYTES))
        .max_frame_size(Some(MAX_FRAME_BYTES))
        .read_buffer_size(BUFFER_BYTES);
    let url = format!("{}/sync", relay.url());
    let (socket, _) = tokio_tungstenite::client_async_with_config(url, stream, Some(config))
        .await
        .map_err(|_| RelayError::Unreachable)?;
    Ok(socket)
}

/// Says one thing.
pub(crate) async fn say(socket: &mut Socket, message: &DeviceMessage) -> Result<(), RelayError> {
    socket
        .send(Message::binary(message.encode()))
        .await
        .map_err(|_| RelayError::Lost)
}

/// Hears one thing; a refusal is an error. The caller sets the deadline.
pub(crate) async fn hear(socket: &mut Socket) -> Result<RelayMessage, RelayError> {
    loop {
        match socket.next().await {
            Some(Ok(Message::Binary(frame))) => {
                return match RelayMessage::decode(&frame).map_err(|_| RelayError::Protocol)? {
                    RelayMessage::Refused(code) => Err(RelayError::Refused(code)),
                    message => Ok(message),
                };
            }
            Some(Ok(Message::Ping(_) | Message::Pong(_))) => {}
            Some(Ok(_)) => return Err(RelayError::Protocol),
            Some(Err(_)) | None => return Err(RelayError::Lost),
        }
    }
}

/// Ends the conversation in good order.
pub(crate) async fn close(mut socket: Socket) {
    drop(timeout(Duration::from_secs(2), socket.close(None)).await);
}
