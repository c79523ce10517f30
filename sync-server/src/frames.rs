//! WebSocket frames (RFC 6455) as a server reads and writes them.
//!
//! Between two messages a connection holds no buffer but [`NEAR`] bytes: ten thousand idle devices must fit a small machine.
//! What is too large, unmasked or out of order is told before it is read on.

use std::io;

use bytes::{Buf, BufMut};
use sync_protocol::MAX_FRAME_BYTES;
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};

/// Read ahead at most so much: a head and a small message, together in one call of the system.
const NEAR: usize = 128;
/// A message's place grows with what has come: a head alone makes nobody set aside megabytes.
const GROWS_BY: usize = 64 * 1024;
const MAX_CONTROL_BYTES: u64 = 125;

/// What a peer said.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Said {
    /// A whole binary message.
    Message(Vec<u8>),
    /// It wants an answer with the same bytes.
    Ping(Vec<u8>),
    /// An answer to a ping of ours.
    Pong,
    /// It says goodbye.
    Close,
}

/// Why nothing more is read.
#[derive(Debug, thiserror::Error)]
pub(crate) enum Broken {
    /// The socket ended, or failed.
    #[error("the socket ended")]
    Socket(#[from] io::Error),
    /// Larger than any message of ours.
    #[error("a message is too large")]
    TooLarge,
    /// Not WebSocket, or nothing that is spoken here.
    #[error("not a frame that may come here")]
    NotSpoken,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Kind {
    Continued,
    Binary,
    Close,
    Ping,
    Pong,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Head {
    kind: Kind,
    is_last: bool,
    n_bytes: usize,
    mask: [u8; 4],
}

impl Head {
    /// The head at the beginning of `bytes` and its length; `None` when it has not come whole.
    fn read(bytes: &[u8]) -> Result<Option<(Self, usize)>, Broken> {
        let &[first, second, ..] = bytes else {
            return Ok(None);
        };
        let (is_last, is_masked) = (first & 0x80 != 0, second & 0x80 != 0);
        let kind = match first & 0x7f {
            0x0 => Kind::Continued,
            0x2 => Kind::Binary,
            0x8 => Kind::Close,
            0x9 => Kind::Ping,
            0xa => Kind::Pong,
            // Text, what nobody has defined, and extensions that were not agreed on.
            _ => return Err(Broken::NotSpoken),
        };
        let mut rest = &bytes[2..];
        let n_bytes = match second & 0x7f {
            126 if rest.len() < 2 => return Ok(None),
            126 => u64::from(rest.get_u16()),
            127 if rest.len() < 8 => return Ok(None),
            127 => rest.get_u64(),
            short => u64::from(short),
        };
        let is_data = matches!(kind, Kind::Continued | Kind::Binary);
        if !is_masked || !is_data && (!is_last || n_bytes > MAX_CONTROL_BYTES) {
            return Err(Broken::NotSpoken);
        }
        let n_bytes = usize::try_from(n_bytes).map_err(|_| Broken::TooLarge)?;
        if n_bytes > MAX_FRAME_BYTES {
            return Err(Broken::TooLarge);
        }
        let Some((mask, rest)) = rest.split_first_chunk() else {
            return Ok(None);
        };
        let head = Self {
            kind,
            is_last,
            n_bytes,
            mask: *mask,
        };
        Ok(Some((head, bytes.len() - rest.len())))
    }
}

/// The half of a connection that is read.
pub(crate) struct FrameReader<R> {
    io: R,
    near: [u8; NEAR],
    from: usize,
    to: usize,
    /// The frame that is coming, and what has come of it.
    coming: Option<(Head, Vec<u8>)>,
    /// The message whose first fragments have come.
    message: Option<Vec<u8>>,
}

impl<R: AsyncRead + Unpin> FrameReader<R> {
    pub(crate) fn new(io: R) -> Self {
        Self {
            io,
            near: [0; NEAR],
            from: 0,
            to: 0,
            coming: None,
            message: None,
        }
    }

    /// What the peer says next. May be dropped at any time: nothing is lost.
    pub(crate) async fn next(&mut self) -> Result<Said, Broken> {
        loop {
            let near = &self.near[self.from..self.to];
            let Some((head, body)) = &mut self.coming else {
                match Head::read(near)? {
                    Some((head, n)) => {
                        self.from += n;
                        self.begin(head)?;
                    }
                    None => self.fill().await?,
                }
                continue;
            };
            let lacking = head.n_bytes - body.len();
            if lacking > 0 {
                if near.is_empty() {
                    body.reserve(lacking.min(GROWS_BY));
                    read_some(&mut self.io, &mut body.limit(lacking)).await?;
                } else {
                    let n = lacking.min(near.len());
                    body.extend_from_slice(&near[..n]);
                    self.from += n;
                }
                continue;
            }
            if let Some(said) = self.finish() {
                return Ok(said);
            }
        }
    }

    /// Reads and forgets until the peer has ended. A socket that is closed with something unread in it resets the
    /// connection, and what was said last might not arrive.
    pub(crate) async fn wait_for_end(&mut self) {
        while matches!(self.io.read(&mut self.near).await, Ok(1..)) {}
    }

    async fn fill(&mut self) -> Result<(), Broken> {
        self.near.copy_within(self.from..self.to, 0);
        (self.from, self.to) = (0, self.to - self.from);
        self.to += read_some(&mut self.io, &mut &mut self.near[self.to..]).await?;
        Ok(())
    }

    fn begin(&mut self, head: Head) -> Result<(), Broken> {
        let so_far = self.message.as_ref().map(Vec::len);
        match (head.kind, so_far) {
            (Kind::Continued, None) | (Kind::Binary, Some(_)) => return Err(Broken::NotSpoken),
            // Fragments that bring nothing on would be work without end.
            (Kind::Continued | Kind::Binary, _) if head.n_bytes == 0 && !head.is_last => return Err(Broken::NotSpoken),
            (Kind::Continued, Some(so_far)) if so_far + head.n_bytes > MAX_FRAME_BYTES => return Err(Broken::TooLarge),
            _ => {}
        }
        self.coming = Some((head, Vec::with_capacity(head.n_bytes.min(GROWS_BY))));
        Ok(())
    }

    /// The frame has come whole.
    fn finish(&mut self) -> Option<Said> {
        let (head, mut body) = self.coming.take()?;
        unmask(&mut body, head.mask);
        match head.kind {
            Kind::Close => Some(Said::Close),
            Kind::Pong => Some(Said::Pong),
            Kind::Ping => Some(Said::Ping(body)),
            Kind::Binary | Kind::Continued => {
                let whole = match self.message.take() {
                    Some(mut message) => {
                        message.extend_from_slice(&body);
                        message
                    }
                    None => body,
                };
                if head.is_last {
                    return Some(Said::Message(whole));
                }
                self.message = Some(whole);
                None
            }
        }
    }
}

async fn read_some(io: &mut (impl AsyncRead + Unpin), into: &mut impl BufMut) -> Result<usize, Broken> {
    match io.read_buf(into).await? {
        0 => Err(io::Error::from(io::ErrorKind::UnexpectedEof).into()),
        n => Ok(n),
    }
}

fn unmask(bytes: &mut [u8], mask: [u8; 4]) {
    let [a, b, c, d] = mask;
    let eight = u64::from_ne_bytes([a, b, c, d, a, b, c, d]);
    let (chunks, rest) = bytes.as_chunks_mut::<8>();
    for chunk in chunks {
        *chunk = (u64::from_ne_bytes(*chunk) ^ eight).to_ne_bytes();
    }
    rest.iter_mut()
        .zip([a, b, c, d, a, b, c])
        .for_each(|(byte, mask)| *byte ^= mask);
}

/// Writes a binary message.
pub(crate) async fn write_message(io: &mut (impl AsyncWrite + Unpin), body: &[u8]) -> io::Result<()> {
    write(io, 0x82, body).await
}

/// Asks for a sign of life.
pub(crate) async fn write_ping(io: &mut (impl AsyncWrite + Unpin)) -> io::Result<()> {
    write(io, 0x89, &[]).await
}

/// Answers a ping; `body` is what came with it.
pub(crate) async fn write_pong(io: &mut (impl AsyncWrite + Unpin), body: &[u8]) -> io::Result<()> {
    write(io, 0x8a, body).await
}

/// Says goodbye: nothing more is written after it.
pub(crate) async fn write_close(io: &mut (impl AsyncWrite + Unpin), code: u16, reason: &str) -> io::Result<()> {
    write(io, 0x88, &[&code.to_be_bytes(), reason.as_bytes()].concat()).await?;
    io.shutdown().await
}

async fn write(io: &mut (impl AsyncWrite + Unpin), first: u8, body: &[u8]) -> io::Result<()> {
    let n = body.len();
    let mut head = [first, 0, 0, 0, 0, 0, 0, 0, 0, 0];
    let n_head = match (u8::try_from(n), u16::try_from(n)) {
        (Ok(short @ ..126), _) => {
            head[1] = short;
            2
        }
        (_, Ok(middle)) => {
            head[1] = 126;
            head[2..4].copy_from_slice(&middle.to_be_bytes());
            4
        }
        _ => {
            head[1] = 127;
            head[2..].copy_from_slice(&(n as u64).to_be_bytes());
            10
        }
    };
    io.write_all_buf(&mut Buf::chain(&head[..n_head], body)).await?;
    io.flush().await
}

#[cfg(test)]
#[path = "frames_tests.rs"]
mod tests;
