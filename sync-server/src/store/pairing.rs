//! Where two devices of one clinic meet that share nothing yet but a short code.
//!
//! Opaque messages (seal's PAKE) pass between exactly one host and one who joins. A rendezvous is used up by the first who
//! joins it, so that a code can be guessed at once only, and in public. It is all rows: the two may be connected to different
//! nodes. A node that dies takes its side along within seconds, and people try again with another code.

use seal::MAX_PAIRING_MESSAGE_BYTES;
use sha2::{Digest, Sha256};
use sync_protocol::{ConnectionId, PAIRING_LIFETIME_MS, RefusedCode, RelayStoreFailed};

use super::sql::{Scope, Sql, SqlResult, values};
use super::{Store, failed};

/// Pairings that are open at one time on one relay, however many nodes it has.
const MAX_OPEN: u64 = 256;
/// Messages that each side may post.
const MAX_POSTS: i64 = 8;
/// Pairings, hosted or joined, that it takes in any one minute.
const MAX_A_MINUTE: u64 = 60;
/// Characters of a rendezvous.
const MAX_RENDEZVOUS_CHARS: usize = 8;

const A_MINUTE_MS: i64 = 60_000;
/// Its node notes that a side is here when it was last noted so long ago,
const SEEN_EVERY_MS: i64 = 2_500;
/// and a side that was not seen for so long is gone.
const GONE_AFTER_MS: i64 = 10_000;

/// One side of a pairing: a connection, and of which run of which node.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct PairingSeat {
    /// The run.
    pub run: u32,
    /// The connection.
    pub connection: ConnectionId,
}

/// A side's place in a pairing that it hosts or has joined.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct PairingPlace {
    name: [u8; 32],
    is_host: bool,
    seat: PairingSeat,
}

impl PairingPlace {
    /// Whether it waited here for the other.
    pub fn is_host(&self) -> bool {
        self.is_host
    }
}

/// What one side finds.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct PairingLook {
    /// The other is here, or was.
    pub has_met: bool,
    /// What the other said since the last look.
    pub posts: Vec<Vec<u8>>,
    /// Nothing more will come: the other has left or is gone, or the time is over.
    pub is_over: bool,
}

/// The database's time, and before when who was seen last is gone.
struct Times {
    now_ms: i64,
    gone_ms: i64,
}

impl Store {
    /// A proven member waits at a rendezvous.
    ///
    /// # Errors
    /// [`RelayStoreFailed`]; inside, why it may not.
    pub fn host_pairing(
        &mut self,
        seat: PairingSeat,
        rendezvous: &str,
        now_ms: i64,
    ) -> Result<Result<PairingPlace, RefusedCode>, RelayStoreFailed> {
        if rendezvous.is_empty() || rendezvous.chars().count() > MAX_RENDEZVOUS_CHARS {
            return Ok(Err(RefusedCode::BadMessage));
        }
        let place = place(seat, rendezvous, true);
        if !self.has_pace(now_ms)? {
            return Ok(Err(RefusedCode::Busy));
        }
        self.pairing(now_ms, |sql, times| {
            if !begin(sql, seat, times)? {
                return Ok(Err(RefusedCode::Busy));
            }
            let n_open = sql.the_row("SELECT count(*) FROM pairing", &[])?.position(0)?;
            let open = "INSERT INTO pairing (name, ends_ms) VALUES (?1, ?2) ON CONFLICT DO NOTHING";
            let ends_ms = times.now_ms.saturating_add(PAIRING_LIFETIME_MS);
            if n_open >= MAX_OPEN || sql.execute(open, &values![&place.name, ends_ms])? == 0 {
                return Ok(Err(RefusedCode::Busy));
            }
            sit_down(sql, &place, times)?;
            Ok(Ok(place))
        })
    }

    /// Somebody comes to a rendezvous, and uses it up; the host is to look.
    ///
    /// # Errors
    /// [`RelayStoreFailed`]; inside, why it may not.
    pub fn join_pairing(
        &mut self,
        seat: PairingSeat,
        rendezvous: &str,
        now_ms: i64,
    ) -> Result<Result<(PairingPlace, PairingSeat), RefusedCode>, RelayStoreFailed> {
        let place = place(seat, rendezvous, false);
        if !self.has_pace(now_ms)? {
            return Ok(Err(RefusedCode::Busy));
        }
        self.pairing(now_ms, |sql, times| {
            if !begin(sql, seat, times)? {
                return Ok(Err(RefusedCode::Busy));
            }
            let waits = "SELECT 1 FROM pairing WHERE name = ?1 AND is_over = 0";
            if !sql.exists(waits, &values![&place.name])? || !sit_down(sql, &place, times)? {
                return Ok(Err(RefusedCode::NobodyWaits));
            }
            let host = other_seat(sql, &place)?;
            Ok(host.map(|host| (place, host)).ok_or(RefusedCode::NobodyWaits))
        })
    }

    /// One side says something; the other is to look. `None` when nobody hears it any more.
    ///
    /// # Errors
    /// [`RelayStoreFailed`]; inside, why it may not.
    pub fn post_to_pairing(
        &mut self,
        place: &PairingPlace,
        bytes: &[u8],
        now_ms: i64,
    ) -> Result<Result<Option<PairingSeat>, RefusedCode>, RelayStoreFailed> {
        if bytes.len() > MAX_PAIRING_MESSAGE_BYTES {
            return Ok(Err(RefusedCode::BadMessage));
        }
        self.pairing(now_ms, |sql, _| {
            if lock(sql, place)? != Some(false) {
                return Ok(Ok(None));
            }
            let Some(other) = other_seat(sql, place)? else {
                return Ok(Err(RefusedCode::BadMessage));
            };
            let count = "UPDATE pairing_side SET n_posts = n_posts + 1
                         WHERE name = ?1 AND is_host = ?2 AND run = ?3 AND connection = ?4 RETURNING n_posts";
            let Some(mut counted) = sql.row(count, &me(place))? else {
                return Ok(Ok(None));
            };
            let number = counted.int(0)?;
            if number > MAX_POSTS {
                return Ok(Err(RefusedCode::BadMessage));
            }
            let post = "INSERT INTO pairing_post (name, to_host, number, bytes) VALUES (?1, ?2, ?3, ?4)";
            let to_host = i64::from(!place.is_host);
            sql.execute(post, &values![&place.name, to_host, number, bytes])?;
            Ok(Ok(Some(other)))
        })
    }

    /// What there is for one side. What it is told here is told once.
    ///
    /// # Errors
    /// [`RelayStoreFailed`].
    pub fn look_at_pairing(&mut self, place: &PairingPlace, now_ms: i64) -> Result<PairingLook, RelayStoreFailed> {
        let is_shared = self.database.is_shared();
        let found = self.read(Scope::House, |sql| {
            let times = times(sql, is_shared, now_ms)?;
            let select = "SELECT p.is_over, p.ends_ms, m.seen_ms, o.seen_ms,
                              (SELECT count(*) FROM pairing_post w WHERE w.name = ?1 AND w.to_host = ?2)
                          FROM pairing p JOIN pairing_side m ON m.name = p.name AND m.is_host = ?2 AND m.run = ?3
                              AND m.connection = ?4
                          LEFT JOIN pairing_side o ON o.name = p.name AND o.is_host <> ?2 WHERE p.name = ?1";
            let Some(mut row) = sql.row(select, &me(place))? else {
                return Ok(None);
            };
            let (is_over, ends_ms, seen_ms) = (row.flag(0)?, row.int(1)?, row.int(2)?);
            let (other_ms, n_posts) = (row.maybe_int(3)?, row.int(4)?);
            let other_is_gone = other_ms.is_some_and(|seen_ms| seen_ms <= times.gone_ms);
            let look = PairingLook {
                has_met: other_ms.is_some(),
                posts: Vec::new(),
                is_over: is_over || other_is_gone || ends_ms <= times.now_ms,
            };
            let is_to_be_noted = is_shared && seen_ms <= times.now_ms.saturating_sub(SEEN_EVERY_MS);
            Ok(Some((look, n_posts > 0, is_to_be_noted)))
        })?;
        let Some((mut look, has_posts, is_to_be_noted)) = found else {
            return Ok(PairingLook {
                is_over: true,
                ..PairingLook::default()
            });
        };
        if !(has_posts || is_to_be_noted || look.is_over) {
            return Ok(look);
        }
        look.posts = self.pairing(now_ms, |sql, times| {
            if lock(sql, place)?.is_none() {
                return Ok(Vec::new());
            }
            let posts = fetch(sql, place)?;
            if look.is_over {
                sql.execute("DELETE FROM pairing WHERE name = ?1", &values![&place.name])?;
                return Ok(posts);
            }
            let note = "UPDATE pairing_side SET seen_ms = ?5
                        WHERE name = ?1 AND is_host = ?2 AND run = ?3 AND connection = ?4";
            let [name, is_host, run, connection] = me(place);
            sql.execute(note, &[name, is_host, run, connection, times.now_ms.into()])?;
            Ok(posts)
        })?;
        Ok(look)
    }

    /// One side leaves. Who is still there is to look.
    ///
    /// # Errors
    /// [`RelayStoreFailed`].
    pub fn leave_pairing(&mut self, place: &PairingPlace) -> Result<Option<PairingSeat>, RelayStoreFailed> {
        self.pairing(0, |sql, _| {
            let Some(is_over) = lock(sql, place)? else {
                return Ok(None);
            };
            let other = other_seat(sql, place)?.filter(|_| !is_over);
            let sql_words = match other {
                Some(_) => "UPDATE pairing SET is_over = 1 WHERE name = ?1",
                None => "DELETE FROM pairing WHERE name = ?1",
            };
            sql.execute(sql_words, &values![&place.name])?;
            Ok(other)
        })
    }

    /// A relay with its own file begins to serve: whoever was pairing is connected no more.
    ///
    /// # Errors
    /// [`RelayStoreFailed`].
    pub fn forget_pairings(&mut self) -> Result<(), RelayStoreFailed> {
        self.pairing(0, |sql, _| sql.execute("DELETE FROM pairing", &[]).map(drop))
    }

    /// Whether one more fits into the last minute: a flood of guesses writes nothing.
    fn has_pace(&self, now_ms: i64) -> Result<bool, RelayStoreFailed> {
        self.read(Scope::House, |sql| {
            let now_ms = sql.clock_ms(now_ms)?;
            is_in_pace(sql, now_ms)
        })
    }

    /// One transaction about pairings. What clinics' connections look at is not touched by it, and not forgotten.
    fn pairing<T>(
        &mut self,
        now_ms: i64,
        mut act: impl FnMut(&mut dyn Sql, &Times) -> SqlResult<T>,
    ) -> Result<T, RelayStoreFailed> {
        let is_shared = self.database.is_shared();
        let done = self.database.write(Scope::House, |sql| {
            let times = times(sql, is_shared, now_ms)?;
            act(sql, &times)
        });
        done.map_err(failed)
    }
}

fn place(seat: PairingSeat, rendezvous: &str, is_host: bool) -> PairingPlace {
    PairingPlace {
        name: Sha256::digest(rendezvous).into(),
        is_host,
        seat,
    }
}

/// By which a side's own row is found.
fn me(place: &PairingPlace) -> [super::sql::Value<'_>; 4] {
    let PairingSeat { run, connection } = place.seat;
    values![&place.name, i64::from(place.is_host), i64::from(run), connection.0]
}

/// A file is one relay's alone: its connections are here, or have left.
fn times(sql: &mut dyn Sql, is_shared: bool, now_ms: i64) -> SqlResult<Times> {
    let now_ms = sql.clock_ms(now_ms)?;
    let gone_ms = if is_shared {
        now_ms.saturating_sub(GONE_AFTER_MS)
    } else {
        i64::MIN
    };
    Ok(Times { now_ms, gone_ms })
}

fn is_in_pace(sql: &mut dyn Sql, now_ms: i64) -> SqlResult<bool> {
    let count = "SELECT count(*) FROM pairing_try WHERE at_ms > ?1";
    let n_tries = sql
        .the_row(count, &values![now_ms.saturating_sub(A_MINUTE_MS)])?
        .position(0)?;
    Ok(n_tries < MAX_A_MINUTE)
}

/// Pairings are begun one at a time, so that their limits hold whatever the nodes do. `false` when there are too many.
fn begin(sql: &mut dyn Sql, seat: PairingSeat, times: &Times) -> SqlResult<bool> {
    sql.lock_row("SELECT only_row FROM relay", &[])?;
    let over = "DELETE FROM pairing WHERE ends_ms <= ?1 OR EXISTS (
                    SELECT 1 FROM pairing_side s WHERE s.name = pairing.name AND s.seen_ms <= ?2)";
    sql.execute(over, &values![times.now_ms, times.gone_ms])?;
    let past = "DELETE FROM pairing_try WHERE at_ms <= ?1";
    sql.execute(past, &values![times.now_ms.saturating_sub(A_MINUTE_MS)])?;
    if !is_in_pace(sql, times.now_ms)? {
        return Ok(false);
    }
    let count = "INSERT INTO pairing_try (run, connection, at_ms) VALUES (?1, ?2, ?3) ON CONFLICT DO NOTHING";
    sql.execute(count, &values![i64::from(seat.run), seat.connection.0, times.now_ms])?;
    Ok(true)
}

/// `false` when somebody sits there.
fn sit_down(sql: &mut dyn Sql, place: &PairingPlace, times: &Times) -> SqlResult<bool> {
    let sit = "INSERT INTO pairing_side (name, is_host, run, connection, seen_ms) VALUES (?1, ?2, ?3, ?4, ?5)
               ON CONFLICT DO NOTHING";
    let [name, is_host, run, connection] = me(place);
    Ok(sql.execute(sit, &[name, is_host, run, connection, times.now_ms.into()])? > 0)
}

/// Whether it is over, and nobody else changes it before this transaction has ended. `None`: this side has no place there.
fn lock(sql: &mut dyn Sql, place: &PairingPlace) -> SqlResult<Option<bool>> {
    let row = sql.lock_row("SELECT is_over FROM pairing WHERE name = ?1", &values![&place.name])?;
    let Some(mut row) = row else { return Ok(None) };
    let mine = "SELECT 1 FROM pairing_side WHERE name = ?1 AND is_host = ?2 AND run = ?3 AND connection = ?4";
    if sql.exists(mine, &me(place))? {
        row.flag(0).map(Some)
    } else {
        Ok(None)
    }
}

fn other_seat(sql: &mut dyn Sql, place: &PairingPlace) -> SqlResult<Option<PairingSeat>> {
    let select = "SELECT run, connection FROM pairing_side WHERE name = ?1 AND is_host <> ?2";
    let other = sql.row(select, &values![&place.name, i64::from(place.is_host)])?;
    let Some(mut other) = other else { return Ok(None) };
    Ok(Some(PairingSeat {
        run: u32::try_from(other.int(0)?).unwrap_or_default(),
        connection: ConnectionId(other.position(1)?),
    }))
}

fn fetch(sql: &mut dyn Sql, place: &PairingPlace) -> SqlResult<Vec<Vec<u8>>> {
    let fetch = "DELETE FROM pairing_post WHERE name = ?1 AND to_host = ?2 RETURNING number, bytes";
    let rows = sql.rows(fetch, &values![&place.name, i64::from(place.is_host)])?;
    let posts = rows.into_iter().map(|mut row| Ok((row.int(0)?, row.bytes(1)?)));
    let mut posts = posts.collect::<SqlResult<Vec<_>>>()?;
    posts.sort_unstable();
    Ok(posts.into_iter().map(|(_, bytes)| bytes).collect())
}
