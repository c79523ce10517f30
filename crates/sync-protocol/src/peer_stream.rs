//! Frames on a stream of bytes: four bytes of length, highest first, and then the frame.

/// Puts frames together from what a stream brings, in whatever pieces.
#[derive(Debug, Default)]
pub struct PeerStream {
    pending: Vec<u8>,
    /// So many bytes of it are frames that were given away.
    taken: usize,
}

/// A frame announces more bytes than may come now. Nothing of it was kept; the stream is of no use any more.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("a frame is too large")]
pub struct FrameTooLarge;

impl PeerStream {
    const LENGTH: usize = 4;

    /// A frame as it goes onto the stream.
    pub fn wrap(frame: &[u8]) -> Vec<u8> {
        let length = u32::try_from(frame.len()).expect("the sessions' frames are of megabytes, not of gigabytes");
        [&length.to_be_bytes()[..], frame].concat()
    }

    /// The stream brought these bytes. Take the frames before reading on: then one frame and one piece are all that
    /// is ever held here.
    pub fn push(&mut self, bytes: &[u8]) {
        if self.taken > 0 {
            self.pending = self.pending.split_off(self.taken);
            self.taken = 0;
        }
        self.pending.extend_from_slice(bytes);
    }

    /// The next whole frame, if it is there.
    ///
    /// `max_bytes` is what [`crate::PeerSession::max_frame_bytes`] says now: it changes with each frame.
    ///
    /// # Errors
    /// [`FrameTooLarge`], as soon as the length is there.
    pub fn next(&mut self, max_bytes: usize) -> Result<Option<Vec<u8>>, FrameTooLarge> {
        let waiting = &self.pending[self.taken..];
        let Some((length, rest)) = waiting.split_first_chunk::<{ Self::LENGTH }>() else {
            return Ok(None);
        };
        let length = u32::from_be_bytes(*length) as usize;
        if length > max_bytes {
            *self = Self::default();
            return Err(FrameTooLarge);
        }
        let Some(frame) = rest.get(..length) else {
            return Ok(None);
        };
        // Most of what is here is moved out, so that no large frame is held twice. Of many small ones each is copied, and
        // not everything behind it again and again.
        if self.taken == 0 && rest.len() < 2 * length {
            let behind = self.pending.split_off(Self::LENGTH + length);
            let mut frame = std::mem::replace(&mut self.pending, behind);
            frame.drain(..Self::LENGTH);
            return Ok(Some(frame));
        }
        let frame = frame.to_vec();
        self.taken += Self::LENGTH + length;
        Ok(Some(frame))
    }
}
