//! A relay in this process with its real listener, which knows three clinics; and what lies in its store, looked at from
//! behind.

use std::collections::BTreeMap;
use std::io::{Read, Write};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, Instant};

use rand_chacha::ChaCha20Rng;
use rand_chacha::rand_core::SeedableRng;
use rusqlite::types::Value;
use rusqlite::{Connection, OpenFlags};
use seal::{DeviceKeys, Grant, ReleaseId, TenantId};
use sync_protocol::sim::{SimClinic, SimDevice};
use sync_protocol::{AuditLine, DeviceError, DeviceSession, Incarnation, RelayStore, Roster, Scope, SyncStore};
use sync_server::{ATTACHMENTS, FILE_NAME, Limits, RunningRelay, ServeOptions, Store, Timers, now_ms, serve_with};
use tempfile::TempDir;
use tokio::sync::oneshot;
use tokio::time::timeout;

use crate::line::Line;

/// Nothing here takes this long; a wait that does has failed.
pub const DEADLINE: Duration = Duration::from_secs(60);
pub const DAY: i64 = 86_400_000;

pub fn rng(seed: u8) -> ChaCha20Rng {
    ChaCha20Rng::from_seed([seed; 32])
}

/// A clinic with two devices, the first an admin's.
pub struct Side {
    pub clinic: SimClinic,
    pub device: SimDevice,
    pub second: SimDevice,
}

impl Side {
    fn found(now_ms: i64, rng: &mut ChaCha20Rng) -> Self {
        let (mut clinic, device) = SimClinic::found(now_ms, rng);
        let second = clinic.admit(now_ms, rng);
        Self { clinic, device, second }
    }

    pub fn roster(&self) -> Roster {
        let statements = self.clinic.encoded_statements();
        Roster::from_statements(self.clinic.tenant, statements.iter().map(Vec::as_slice)).unwrap()
    }

    /// The second device is removed; the first knows it, the relay not yet.
    pub fn remove_second(&mut self, now_ms: i64, rng: &mut ChaCha20Rng) {
        self.clinic.remove(&self.second, now_ms, rng);
        let statements = self.clinic.encoded_statements();
        self.device.store.absorb_statements(statements).unwrap();
    }
}

/// Every table, and the life of the data; without what the relay writes for itself.
pub type Rows = BTreeMap<String, Vec<Vec<Value>>>;

pub struct Relay {
    running: Option<(RunningRelay, oneshot::Sender<()>)>,
    limits: Limits,
    timers: Timers,
    folder: TempDir,
    pub rng: ChaCha20Rng,
    pub now: i64,
    pub a: Side,
    pub b: Side,
    /// Means harm.
    pub c: Side,
}

impl Relay {
    pub async fn start(seed: u8) -> Self {
        Self::start_with(seed, Limits::default(), Timers::default()).await
    }

    pub async fn start_with(seed: u8, limits: Limits, timers: Timers) -> Self {
        let (mut rng, now) = (rng(seed), now_ms());
        let mut side = || Side::found(now - DAY, &mut rng);
        let (a, b, c) = (side(), side(), side());
        let folder = tempfile::tempdir().unwrap();
        let mut store = Store::open(folder.path(), &mut rng).unwrap();
        for side in [&a, &b, &c] {
            store.set_roster(&side.roster()).unwrap();
        }
        drop(store);
        let mut relay = Self {
            running: None,
            limits,
            timers,
            folder,
            rng,
            now,
            a,
            b,
            c,
        };
        relay.serve().await;
        relay
    }

    /// Serves what is in the folder.
    pub async fn serve(&mut self) {
        let options = ServeOptions {
            limits: self.limits,
            admin: Some("127.0.0.1:0".parse().unwrap()),
            ..ServeOptions::new(self.folder.path(), "127.0.0.1:0".parse().unwrap())
        };
        let (stop, stopped) = oneshot::channel::<()>();
        let relay = serve_with(options, self.timers, async { drop(stopped.await) }).await;
        self.running = Some((relay.unwrap(), stop));
    }

    /// Stops; whoever owns the machine may now do as he likes with the data.
    pub async fn stop(&mut self) {
        let (relay, stop) = self.running.take().unwrap();
        drop(stop);
        relay.stopped().await.unwrap();
    }

    pub fn running(&self) -> &RunningRelay {
        &self.running.as_ref().unwrap().0
    }

    pub fn listen(&self) -> String {
        self.running().address.to_string()
    }

    pub fn data(&self) -> &Path {
        self.folder.path()
    }

    /// The database, to be altered.
    pub fn database(&self) -> Connection {
        Connection::open(self.data().join(FILE_NAME)).unwrap()
    }

    pub fn rows(&self) -> Rows {
        let file = self.data().join(FILE_NAME);
        let file = Connection::open_with_flags(file, OpenFlags::SQLITE_OPEN_READ_ONLY).unwrap();
        let all = |sql: &str| -> Vec<Vec<Value>> {
            let mut statement = file.prepare(sql).unwrap();
            let n = statement.column_count();
            let rows = statement
                .query_map([], |row| (0..n).map(|at| row.get(at)).collect())
                .unwrap();
            rows.collect::<Result<_, _>>().unwrap()
        };
        let tables = all("SELECT name FROM sqlite_master WHERE type = 'table' AND name <> 'relay'");
        let tables = tables.into_iter().map(|row| match &row[0] {
            Value::Text(name) => name.clone(),
            _ => panic!("a table has a name"),
        });
        let mut rows: Rows = tables
            .map(|name| (name.clone(), all(&format!("SELECT * FROM \"{name}\""))))
            .collect();
        for own in ["audit_head", "seat"] {
            rows.remove(own);
        }
        // A feed that was only looked at has its place, and nothing in it.
        rows.insert("head".to_owned(), all("SELECT * FROM head WHERE position > 0"));
        rows.insert("life".to_owned(), all("SELECT incarnation, key FROM relay"));
        rows
    }

    /// All is as before, but in these tables.
    pub fn is_as_before(&self, before: &Rows, but: &[&str]) {
        for (table, rows) in self.rows() {
            assert!(
                but.contains(&table.as_str()) || rows == before[&table],
                "{table} was altered"
            );
        }
    }

    /// Files of attachments.
    pub fn files(&self) -> Vec<PathBuf> {
        let mut found = Vec::new();
        let mut folders = vec![self.data().join(ATTACHMENTS)];
        while let Some(folder) = folders.pop() {
            for entry in std::fs::read_dir(folder).into_iter().flatten() {
                let path = entry.unwrap().path();
                if path.is_dir() {
                    folders.push(path);
                } else {
                    found.push(path);
                }
            }
        }
        found.sort();
        found
    }

    /// A clinic's audit at the relay; its chain holds.
    pub fn audit(&self, side: fn(&Self) -> &Side) -> Vec<AuditLine> {
        let file = self.database();
        let mut statement = file
            .prepare("SELECT line FROM audit WHERE tenant = ?1 ORDER BY number")
            .unwrap();
        let lines = statement.query_map([side(self).clinic.tenant.as_bytes()], |row| row.get::<_, Vec<u8>>(0));
        let lines: Vec<_> = lines
            .unwrap()
            .map(|line| AuditLine::decode(&line.unwrap()).unwrap())
            .collect();
        for (nth, line) in lines.iter().enumerate() {
            assert!(line.follows(nth.checked_sub(1).map(|before| &lines[before])));
        }
        lines
    }

    /// Waits until the operator's figure is at least this; the relay counts just after it has answered.
    pub fn tells(&self, name: &str, at_least: f64) {
        let began = Instant::now();
        loop {
            let figure = self.figure(name);
            if figure >= at_least {
                return;
            }
            assert!(began.elapsed() < DEADLINE, "{name} is {figure}");
        }
    }

    /// Waits until a refusal with this code is among the operator's figures.
    pub fn tells_of(&self, code: &str) {
        self.tells(&format!("refusals_total{{code=\"{code}\"}}"), 1.0);
    }

    /// Waits until nobody is connected.
    pub fn tells_gone(&self) {
        let began = Instant::now();
        while self.running().hub.n_connections() > 0 {
            assert!(began.elapsed() < DEADLINE);
            std::thread::yield_now();
        }
    }

    pub fn figure(&self, name: &str) -> f64 {
        let admin = self.running().admin.unwrap().to_string();
        let (status, text) = http(&admin, "GET /metrics HTTP/1.1\r\nHost: relay\r\n\r\n").unwrap();
        assert_eq!(status, 200);
        let value = |line: &str| {
            let line = line.strip_prefix("medieco_relay_")?.strip_prefix(name)?;
            line.strip_prefix(' ')?.parse().ok()
        };
        text.lines().find_map(value).unwrap_or(0.0)
    }

    /// An honest device speaks until `enough`.
    pub async fn speak(
        &self,
        store: Arc<dyn SyncStore>,
        keys: &Arc<DeviceKeys>,
        enough: impl Fn(&DeviceSession) -> bool,
    ) -> Result<(), DeviceError> {
        let mut session = DeviceSession::new(store, Arc::clone(keys));
        let mut line = Line::dial(&self.listen()).await;
        let spoken = async {
            while !enough(&session) {
                let frame = line.hear_bytes().await.expect("the relay speaks on");
                for frame in session.receive(&frame, self.now)?.send {
                    line.say_bytes(frame).await;
                }
            }
            Ok::<(), DeviceError>(())
        };
        timeout(DEADLINE, spoken).await.expect("in time")?;
        line.end().await;
        Ok(())
    }

    /// This device comes: what it has written goes up, and all changes and consents that there are come down.
    pub async fn comes(&self, device: &SimDevice) -> Result<(), DeviceError> {
        let store: Arc<dyn SyncStore> = Arc::clone(&device.store) as _;
        let own = Arc::clone(&store);
        let all = |session: &DeviceSession| session.is_idle() && own.pending().unwrap() == 0 && self.has_all(&*own);
        self.speak(store, &device.keys, all).await
    }

    /// The same, and all is well.
    pub async fn send(&self, device: &SimDevice) {
        assert_eq!(self.comes(device).await, Ok(()));
    }

    /// Whether a store has come to the end of its clinic's changes and consents.
    pub fn has_all(&self, store: &dyn SyncStore) -> bool {
        let file = self.database();
        let life = file
            .query_row("SELECT incarnation FROM relay", [], |row| row.get(0))
            .unwrap();
        let has = |feed: i64, scope| {
            let sql = "SELECT coalesce(max(position), 0) FROM head WHERE tenant = ?1 AND feed = ?2";
            let head: i64 = file
                .query_row(sql, (store.tenant().as_bytes(), feed), |row| row.get(0))
                .unwrap();
            store.cursor(&Incarnation(life), &scope).unwrap() >= head as u64
        };
        has(0, Scope::Changes) && has(1, Scope::Consents)
    }

    /// A's first device gives to another clinic for this time, and releases so much.
    pub async fn give(
        &mut self,
        to: fn(&Self) -> &Side,
        from_ms: i64,
        until_ms: i64,
        n_bytes: usize,
    ) -> (Grant, ReleaseId) {
        let recipient = to(self).clinic.membership();
        let grant = self.a.device.grant(&recipient, from_ms, until_ms, &mut self.rng);
        let release = self.a.device.release(&grant, &recipient, None, n_bytes, &mut self.rng);
        self.send(&self.a.device).await;
        (grant, release)
    }

    /// The same, from now for a day.
    pub async fn give_now(&mut self, to: fn(&Self) -> &Side) -> (Grant, ReleaseId) {
        let now = self.now;
        self.give(to, now - 1_000, now + DAY, 500).await
    }

    /// B's first device hears all that is for it; what it was given.
    pub async fn received_by_b(&self) -> Vec<ReleaseId> {
        let store = Arc::clone(&self.b.device.store);
        let all = |session: &DeviceSession| session.is_idle() && !store.held().releases.is_empty();
        let spoken = self
            .speak(Arc::clone(&self.b.device.store) as _, &self.b.device.keys, all)
            .await;
        assert_eq!(spoken, Ok(()));
        store.held().releases.into_keys().collect()
    }
}

pub fn a(relay: &Relay) -> &Side {
    &relay.a
}

pub fn b(relay: &Relay) -> &Side {
    &relay.b
}

pub fn c(relay: &Relay) -> &Side {
    &relay.c
}

/// The tenant of a clinic that nobody knows.
pub fn nobody() -> TenantId {
    TenantId::from_bytes([9; 32])
}

/// Says this, and gives the status and all of the answer; `None` when there is none.
pub fn http(to: &str, request: &str) -> Option<(u16, String)> {
    let mut stream = std::net::TcpStream::connect(to).ok()?;
    stream.set_read_timeout(Some(DEADLINE)).unwrap();
    drop(stream.write_all(request.as_bytes()));
    let mut answer = Vec::new();
    drop(stream.read_to_end(&mut answer));
    let answer = String::from_utf8_lossy(&answer).into_owned();
    let status = answer.strip_prefix("HTTP/1.1 ")?.get(..3)?.parse().ok()?;
    Some((status, answer))
}
