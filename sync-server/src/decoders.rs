//! A door to what the relay reads of bytes from outside, for the fuzz targets (`docs/fuzz.md`). The product does not call it:
//! it comes by the same functions another way.

use std::pin::Pin;
use std::task::{Context, Poll};

use futures_util::FutureExt;
use tokio::io::{AsyncRead, ReadBuf};

use crate::frames::{Broken, FrameReader, Said};

/// What a peer said, and why nothing more is read.
#[derive(Debug, PartialEq, Eq)]
pub struct Heard {
    /// Whole binary messages, in their order.
    pub messages: Vec<Vec<u8>>,
    /// The bodies of pings.
    pub pings: Vec<Vec<u8>>,
    /// Pongs and goodbyes.
    pub n_others: usize,
    /// The stream ended, at whatever place; otherwise something in it was refused.
    pub to_the_end: bool,
}

/// Reads the frames of a connection on which these bytes come, so many at a time (never none).
pub fn frames(bytes: &[u8], piece: usize) -> Heard {
    let mut reader = FrameReader::new(Pieces { bytes, piece });
    let mut heard = Heard {
        messages: Vec::new(),
        pings: Vec::new(),
        n_others: 0,
        to_the_end: false,
    };
    loop {
        // Bytes that are there are never waited for.
        match tokio::task::unconstrained(reader.next()).now_or_never() {
            Some(Ok(Said::Message(message))) => heard.messages.push(message),
            Some(Ok(Said::Ping(body))) => heard.pings.push(body),
            Some(Ok(Said::Pong | Said::Close)) => heard.n_others += 1,
            Some(Err(broken)) => {
                heard.to_the_end = matches!(broken, Broken::Socket(_));
                return heard;
            }
            None => return heard,
        }
    }
}

struct Pieces<'a> {
    bytes: &'a [u8],
    piece: usize,
}

impl AsyncRead for Pieces<'_> {
    fn poll_read(mut self: Pin<&mut Self>, _: &mut Context<'_>, into: &mut ReadBuf<'_>) -> Poll<std::io::Result<()>> {
        let n = self.piece.max(1).min(into.remaining()).min(self.bytes.len());
        let (now, later) = self.bytes.split_at(n);
        into.put_slice(now);
        self.bytes = later;
        Poll::Ready(Ok(()))
    }
}
