//! Several relays on one database: what one of them commits, the devices of all others hear.
//!
//! News carry no data, as within one relay: whoever is woken reads by position. They are told after the commit, many at a
//! time, in transactions of their own that wait for no disk: telling them inside each commit would make PostgreSQL put all
//! commits of all clinics into one row. Should a node die between commit and telling, its devices come back to another
//! node, and the others look again within a minute. A revocation alone is told inside its transaction (`store/push.rs`):
//! no node may miss it. The two sides of a pairing ring for each other in the same way.

use std::collections::BTreeSet;
use std::sync::mpsc::{Receiver, RecvTimeoutError, Sender, channel};
use std::sync::{Arc, Weak};
use std::thread;
use std::time::Duration;

use postgres::fallible_iterator::FallibleIterator;
use postgres::{Client, Statement};
use seal::{GrantId, TenantId};
use sync_protocol::{ConnectionId, Wake};
use tokio::time::Instant;

use crate::shared::Shared;
use crate::{DatabaseUrl, DatabaseUrlError, PairingSeat};

/// The channel of the database's own.
pub(crate) const CHANNEL: &str = "medieco";

/// How often a thread looks whether the relay still runs.
const LOOK: Duration = Duration::from_millis(500);
/// After the database was lost it is tried so often.
const TRY_AGAIN: Duration = Duration::from_secs(1);
/// A connection that has said nothing for so many looks is tried.
const LOOKS_IN_SILENCE: u32 = 30;

/// The way to the other nodes.
pub(crate) struct Nodes(Sender<News>);

/// What one node tells the others.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum News {
    /// Devices are to look.
    Wake(Wake),
    /// One side of a pairing is to.
    Seat(PairingSeat),
}

impl Nodes {
    /// Starts telling, in the name of this run. It ends when this is dropped, once all is told.
    pub(crate) fn start(url: DatabaseUrl, run: u32) -> std::io::Result<Self> {
        let (send, news) = channel();
        thread::Builder::new()
            .name("relay-tells".into())
            .spawn(move || tell(&url, run, &news))?;
        Ok(Self(send))
    }

    pub(crate) fn tell(&self, news: &[Wake]) {
        for wake in news {
            self.0.send(News::Wake(*wake)).ok();
        }
    }

    fn tell_seat(&self, seat: PairingSeat) {
        self.0.send(News::Seat(seat)).ok();
    }
}

/// Starts hearing what other nodes tell. It ends when the relay does.
pub(crate) fn hear(url: DatabaseUrl, shared: Weak<Shared>) -> std::io::Result<()> {
    let listen = move || {
        while shared.strong_count() > 0 {
            if let Err(error) = listen(&url, &shared) {
                tracing::warn!(%error, "news of other nodes are not heard");
                thread::sleep(TRY_AGAIN);
            }
        }
    };
    thread::Builder::new().name("relay-hears".into()).spawn(listen)?;
    Ok(())
}

/// Why the database was lost, in its words or the network's.
#[derive(Debug, thiserror::Error)]
enum Lost {
    #[error(transparent)]
    Url(#[from] DatabaseUrlError),
    #[error("{}", crate::database_url::words_of(.0))]
    Database(#[from] postgres::Error),
}

fn listen(url: &DatabaseUrl, shared: &Weak<Shared>) -> Result<(), Lost> {
    let mut client = url.connect()?;
    client.batch_execute(&format!("LISTEN {CHANNEL}"))?;
    // Whatever was told while nobody listened.
    if let Some(shared) = shared.upgrade() {
        shared.hub.wake(&[Wake::NewLife], None, Instant::now());
    }
    let mut n_silent = 0;
    while shared.strong_count() > 0 {
        n_silent += 1;
        let hear = |notification: postgres::Notification| {
            n_silent = 0;
            if let (Some(shared), Some((news, run))) = (shared.upgrade(), read(notification.payload()))
                && run != Some(shared.run)
            {
                shared.hear(news);
            }
            Ok(())
        };
        client.notifications().timeout_iter(LOOK).for_each(hear)?;
        if client.is_closed() || n_silent > LOOKS_IN_SILENCE {
            n_silent = 0;
            client.is_valid(TRY_AGAIN * 10)?;
        }
    }
    Ok(())
}

fn tell(url: &DatabaseUrl, run: u32, news: &Receiver<News>) {
    let (mut place, mut waiting): (Option<Telling>, BTreeSet<News>) = (None, BTreeSet::new());
    loop {
        match news.recv_timeout(if waiting.is_empty() { Duration::MAX } else { TRY_AGAIN }) {
            Ok(one) => drop(waiting.insert(one)),
            Err(RecvTimeoutError::Timeout) => {}
            Err(RecvTimeoutError::Disconnected) if waiting.is_empty() || place.is_none() => return,
            Err(RecvTimeoutError::Disconnected) => {}
        }
        waiting.extend(news.try_iter());
        match send(url, run, &mut place, &waiting) {
            Ok(()) => waiting.clear(),
            Err(error) => {
                tracing::warn!(%error, "other nodes are not told news for now");
                place = None;
            }
        }
    }
}

/// A connection by which other nodes are told.
struct Telling {
    client: Client,
    notify: Statement,
}

impl Telling {
    fn connect(url: &DatabaseUrl) -> Result<Self, Lost> {
        let mut client = url.connect()?;
        // What is told is no data: it need not be on the disk.
        client.batch_execute("SET synchronous_commit = off")?;
        let notify = client.prepare("SELECT pg_notify('medieco', word) FROM unnest($1::text[]) AS word")?;
        Ok(Self { client, notify })
    }
}

fn send(url: &DatabaseUrl, run: u32, place: &mut Option<Telling>, news: &BTreeSet<News>) -> Result<(), Lost> {
    let mut telling = match place.take() {
        Some(telling) => telling,
        None => Telling::connect(url)?,
    };
    let words: Vec<String> = news
        .iter()
        .map(|one| format!("{}@{run:08x}", write_news(one)))
        .collect();
    telling.client.execute(&telling.notify, &[&words])?;
    *place = Some(telling);
    Ok(())
}

fn write_news(news: &News) -> String {
    match news {
        News::Wake(wake) => write(wake),
        News::Seat(PairingSeat { run, connection }) => format!("p{run:08x}{:016x}", connection.0),
    }
}

/// News as text: a letter and ids in hexadecimal.
pub(crate) fn write(wake: &Wake) -> String {
    match wake {
        Wake::Clinic(tenant) => format!("c{}", hex::encode(tenant.as_bytes())),
        Wake::NewLife => "l".to_owned(),
        Wake::Revoked { recipient, grant } => {
            format!(
                "r{}{}",
                hex::encode(recipient.as_bytes()),
                hex::encode(grant.as_bytes())
            )
        }
    }
}

/// The news, and which run tells it, if that matters. What a later build may tell is not understood, and left alone.
fn read(word: &str) -> Option<(News, Option<u32>)> {
    let Some((word, run)) = word.split_once('@') else {
        return Some((read_news(word)?, None));
    };
    Some((read_news(word)?, Some(u32::from_str_radix(run, 16).ok()?)))
}

fn read_news(word: &str) -> Option<News> {
    let (kind, ids) = word.split_at_checked(1)?;
    let ids = hex::decode(ids).ok()?;
    Some(match (kind, ids.len()) {
        ("c", 32) => News::Wake(Wake::Clinic(TenantId::from_bytes(ids.try_into().ok()?))),
        ("l", 0) => News::Wake(Wake::NewLife),
        ("r", 48) => {
            let (recipient, grant) = ids.split_at(32);
            News::Wake(Wake::Revoked {
                recipient: TenantId::from_bytes(recipient.try_into().ok()?),
                grant: GrantId::from_bytes(grant.try_into().ok()?),
            })
        }
        ("p", 12) => {
            let (run, connection) = ids.split_at(4);
            News::Seat(PairingSeat {
                run: u32::from_be_bytes(run.try_into().ok()?),
                connection: ConnectionId(u64::from_be_bytes(connection.try_into().ok()?)),
            })
        }
        _ => return None,
    })
}

impl Shared {
    /// News that a transaction here committed, of what arrived at this time. `told`: whoever knows already.
    ///
    /// Behind a revocation's commit no batch is read any more. One that was read just before may not be in its outbox yet:
    /// where the clinic's jobs are another thread's, it is called back once more behind them.
    pub(crate) fn tell(self: &Arc<Self>, news: &[Wake], told: Option<ConnectionId>, since: Instant) {
        self.hub.wake(news, told, since);
        self.call_back(news);
        if let Some(nodes) = &self.nodes {
            nodes.tell(news);
        }
    }

    /// This side of a pairing is to look, wherever it is connected.
    pub(crate) fn tell_seat(&self, seat: PairingSeat) {
        if seat.run == self.run {
            self.hub.ring(seat.connection, Instant::now());
        } else if let Some(nodes) = &self.nodes {
            nodes.tell_seat(seat);
        }
    }

    /// News that another node tells.
    fn hear(self: &Arc<Self>, news: News) {
        match news {
            News::Wake(wake) => {
                self.hub.wake(&[wake], None, Instant::now());
                self.call_back(&[wake]);
            }
            News::Seat(seat) if seat.run == self.run => self.hub.ring(seat.connection, Instant::now()),
            News::Seat(_) => {}
        }
    }

    fn call_back(self: &Arc<Self>, news: &[Wake]) {
        if !self.writer.is_shared() {
            return;
        }
        for wake in news {
            if let Wake::Revoked { recipient, .. } = wake {
                let (shared, wake) = (Arc::clone(self), *wake);
                let again = move || shared.hub.wake(&[wake], None, Instant::now());
                self.writer.post(*recipient, again);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn news_are_read_as_they_were_written_and_what_is_unknown_is_left_alone() {
        let (tenant, grant) = (TenantId::from_bytes([7; 32]), GrantId::from_bytes([9; 16]));
        let revoked = Wake::Revoked {
            recipient: tenant,
            grant,
        };
        let seat = News::Seat(PairingSeat {
            run: 7,
            connection: ConnectionId(u64::MAX - 1),
        });
        let wakes = [Wake::Clinic(tenant), Wake::NewLife, revoked].map(News::Wake);
        for news in wakes.into_iter().chain([seat]) {
            let word = write_news(&news);
            assert_eq!(read(&word), Some((news, None)));
            assert_eq!(read(&format!("{word}@0000002a")), Some((news, Some(42))));
        }
        for unknown in [
            "",
            "c",
            "x00",
            "c0",
            "é",
            "l00",
            "l@",
            "l@x",
            "p00",
            &write(&revoked)[..40],
        ] {
            assert_eq!(read(unknown), None, "{unknown}");
        }
    }
}
