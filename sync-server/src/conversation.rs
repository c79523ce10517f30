//! One device's WebSocket from its first byte to its last: listening and writing beside each other, and the goodbye.

use std::sync::Arc;
use std::time::Duration;

use sync_protocol::{ConnectionId, RefusedCode, RelayMessage};
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::time::timeout;

use crate::connection::Connection;
use crate::frames::{FrameReader, write_close, write_message, write_ping, write_pong};
use crate::goodbye::Goodbye;
use crate::hub::Bell;
use crate::limits::{Origin, RateClock};
use crate::outbox::{Leaving, Outbox};
use crate::shared::Shared;
use crate::{ConsoleClock, Phase};

/// How long a connection waits for what. Tests have others.
#[derive(Debug, Clone, Copy)]
pub struct Timers {
    /// TLS, and then the head of the request, must be here within this.
    pub at_the_door: Duration,
    /// A new connection must say who it is within this.
    pub hello_within: Duration,
    /// A ping goes out after this much silence of ours.
    pub ping_after: Duration,
    /// A peer that sends nothing, not even a pong, for this long is gone.
    pub silence: Duration,
    /// Grants begin and end by the clock: sessions look again after this.
    pub look_again: Duration,
    /// How the relay is, and who came and went, is kept each time that this passes.
    pub a_minute: Duration,
    /// After our goodbye the peer gets this long for its own.
    pub peer_ends_within: Duration,
    /// Connections get this long to end after the relay was asked to stop.
    pub goodbye_within: Duration,
    /// The limits' time.
    pub rate_clock: RateClock,
    /// The console's time.
    pub console_clock: ConsoleClock,
}

impl Default for Timers {
    fn default() -> Self {
        Self {
            at_the_door: Duration::from_secs(10),
            hello_within: Duration::from_secs(15),
            ping_after: Duration::from_secs(25),
            silence: Duration::from_secs(75),
            look_again: Duration::from_secs(60),
            a_minute: Duration::from_secs(60),
            peer_ends_within: Duration::from_secs(2),
            goodbye_within: Duration::from_secs(8),
            rate_clock: RateClock::default(),
            console_clock: ConsoleClock::default(),
        }
    }
}

/// Speaks with one device until either side has enough, or the relay has stopped.
pub(crate) async fn speak(io: impl AsyncRead + AsyncWrite, origin: Origin, shared: Arc<Shared>) {
    let mut phase = shared.phase.clone();
    tokio::select! {
        () = converse(io, origin, shared) => {}
        _ = phase.wait_for(|phase| *phase == Phase::Over) => {}
    }
}

async fn converse(io: impl AsyncRead + AsyncWrite, origin: Origin, shared: Arc<Shared>) {
    let (reader, mut sink) = tokio::io::split(io);
    let mut reader = FrameReader::new(reader);
    let outbox = Arc::new(Outbox::new(shared.figures.outbox_bytes.clone()));
    let bell = Arc::new(Bell::default());
    let timers = shared.timers;
    let Some(id) = shared.hub.enter(&outbox, &bell) else {
        shared.figures.refused("full");
        let Ok(_place) = shared.turning_away.try_acquire() else {
            return;
        };
        let busy = RelayMessage::Refused(RefusedCode::Busy).encode();
        let said = async {
            write_message(&mut sink, &busy).await?;
            write_close(&mut sink, Goodbye::Full.code(), &Goodbye::Full.reason()).await
        };
        if let Ok(Ok(())) = timeout(timers.peer_ends_within, said).await {
            drop(timeout(timers.peer_ends_within, reader.wait_for_end()).await);
        }
        return;
    };
    let seat = Seat {
        id,
        shared: Arc::clone(&shared),
    };
    let mut connection = Connection::new(id, Arc::clone(&shared), Arc::clone(&outbox), origin);
    let (goodbye, is_whole) = {
        let mut writing = std::pin::pin!(write(&mut sink, &outbox, &shared));
        tokio::select! {
            goodbye = connection.listen(&mut reader, &bell) => {
                outbox.close();
                drop((seat, connection));
                // What was answered last (a refusal, say) still leaves; a peer that does not read it is not waited for.
                (goodbye, timeout(timers.hello_within, writing).await.unwrap_or(false))
            }
            is_whole = &mut writing => (Goodbye::Done, is_whole),
        }
    };
    if !is_whole {
        return;
    }
    let (code, reason) = (goodbye.code(), goodbye.reason());
    if let Ok(Ok(())) = timeout(timers.peer_ends_within, write_close(&mut sink, code, &reason)).await {
        drop(timeout(timers.peer_ends_within, reader.wait_for_end()).await);
    }
}

/// Its place in the hub, for as long as somebody may sit there.
struct Seat {
    id: ConnectionId,
    shared: Arc<Shared>,
}

impl Drop for Seat {
    fn drop(&mut self) {
        self.shared.hub.leave(self.id);
    }
}

/// Sends what the outbox holds until it is closed and empty, or a revocation cuts off the frame that is leaving. Returns
/// whether what was sent is whole.
async fn write(sink: &mut (impl AsyncWrite + Unpin), outbox: &Outbox, shared: &Shared) -> bool {
    let Shared { timers, figures, .. } = shared;
    loop {
        let leaving = match timeout(timers.ping_after, outbox.next()).await {
            Ok(Some(leaving)) => Some(leaving),
            Ok(None) => return true,
            Err(_) => None,
        };
        let sending = async {
            match &leaving {
                Some(Leaving::Frame(frame, _)) => write_message(sink, frame).await,
                Some(Leaving::Pong(body)) => write_pong(sink, body).await,
                None => write_ping(sink).await,
            }
        };
        let sent = tokio::select! {
            biased;
            () = outbox.cut() => return false,
            sent = timeout(timers.silence, sending) => sent,
        };
        match sent {
            Ok(Ok(())) => {}
            Ok(Err(_)) => return false,
            Err(_) => {
                figures.slow_readers.inc();
                return false;
            }
        }
        if let Some(Leaving::Frame(frame, since)) = leaving {
            figures.sent.passed(frame.len());
            since.iter().for_each(|since| figures.relayed(since.elapsed()));
        }
        outbox.left();
    }
}
