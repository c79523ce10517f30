//! Clinics with real keys before a real store, without sockets; the clock is an argument.

use rand_chacha::ChaCha20Rng;
use rand_chacha::rand_core::SeedableRng;
use seal::{DeviceId, GrantId, TenantId};
use sync_protocol::sim::{Link, SimClinic, SimDevice, settle};
use sync_protocol::{AuditLine, AuditOutcome, Page, RelayStore, ReleaseAnswer, ReleaseAsk, Roster};
use sync_server::{Seen, Store};
use tempfile::TempDir;

use crate::contract::{self, Home};

pub const NOW: i64 = 1_795_000_000_000;

pub fn rng(seed: u8) -> ChaCha20Rng {
    ChaCha20Rng::from_seed([seed; 32])
}

pub fn roster(clinic: &SimClinic) -> Roster {
    let statements = clinic.encoded_statements();
    Roster::from_statements(clinic.tenant, statements.iter().map(Vec::as_slice)).unwrap()
}

/// One clinic with one device.
pub struct Side {
    pub clinic: SimClinic,
    pub device: SimDevice,
}

/// A relay that knows clinics A, B and C.
pub struct World {
    pub rng: ChaCha20Rng,
    pub store: Store,
    pub a: Side,
    pub b: Side,
    pub c: Side,
    pub folder: TempDir,
    pub home: Home,
}

impl World {
    pub fn new(seed: u8) -> Self {
        let mut rng = rng(seed);
        let (mut store, folder, home) = contract::make_store(&mut rng);
        let mut side = || {
            let (clinic, device) = SimClinic::found(NOW, &mut rng);
            store.set_roster(&roster(&clinic)).unwrap();
            Side { clinic, device }
        };
        let (a, b, c) = (side(), side(), side());
        Self {
            rng,
            store,
            a,
            b,
            c,
            folder,
            home,
        }
    }

    /// A and B connect anew, and everything that can be told is told.
    pub fn sync(&mut self, now_ms: i64) {
        let mut a = Link::open(&self.a.device, &self.store, &mut self.rng);
        let mut b = Link::open(&self.b.device, &self.store, &mut self.rng);
        settle(&mut [&mut a, &mut b], &mut self.store, now_ms, &mut self.rng);
        assert_eq!((a.device_error, b.device_error), (None, None));
    }

    /// A clinic asks for the releases of a grant, whatever it should know of it.
    pub fn ask(&mut self, who: fn(&Self) -> &Side, grant: GrantId, now_ms: i64) -> ReleaseAnswer {
        let (requester, device) = (who(self).clinic.tenant, who(self).device.keys.id());
        let page = Page {
            after: 0,
            max_items: 100,
            max_bytes: 1 << 20,
        };
        self.store
            .pull_releases(&ReleaseAsk {
                request: [7; 16],
                requester,
                device,
                grant,
                page,
                now_ms,
            })
            .unwrap()
    }

    /// Why a clinic is denied; `None` when it is served.
    pub fn denial(&mut self, who: fn(&Self) -> &Side, grant: GrantId, now_ms: i64) -> Option<AuditOutcome> {
        match self.ask(who, grant, now_ms) {
            ReleaseAnswer::Served { .. } => None,
            ReleaseAnswer::Denied { outcome, .. } => Some(outcome),
        }
    }

    /// A clinic's audit chain at the relay; it must hold.
    pub fn audit(&mut self, who: fn(&Self) -> &Side) -> Vec<AuditLine> {
        let tenant = who(self).clinic.tenant;
        let lines = self
            .store
            .audit(
                &tenant,
                Page {
                    after: 0,
                    max_items: 1_000_000,
                    max_bytes: 1 << 20,
                },
            )
            .unwrap();
        for (nth, line) in lines.iter().enumerate() {
            assert!(
                line.follows(nth.checked_sub(1).map(|before| &lines[before])),
                "line {nth}"
            );
        }
        lines
    }

    /// Releases whose bodies the relay still holds.
    pub fn n_bodies(&self) -> i64 {
        self.figure("SELECT count(*) FROM release WHERE bytes IS NOT NULL")
    }

    /// Looks behind the store's back.
    pub fn figure(&self, sql: &str) -> i64 {
        match &self.home {
            Home::Folder => {
                let file = rusqlite::Connection::open(self.folder.path().join(sync_server::FILE_NAME)).unwrap();
                file.query_row(sql, [], |row| row.get(0)).unwrap()
            }
            Home::Database(database) => database.raw().query_one(sql, &[]).unwrap().get(0),
        }
    }

    /// Does something behind the store's back.
    pub fn meddle(&self, sql: &str) {
        match &self.home {
            Home::Folder => {
                let file = rusqlite::Connection::open(self.folder.path().join(sync_server::FILE_NAME)).unwrap();
                file.execute_batch(sql).unwrap();
            }
            Home::Database(database) => database.raw().batch_execute(sql).unwrap(),
        }
    }

    /// The relay starts again on its data.
    pub fn reopen(&mut self) {
        self.store = contract::open(&self.folder, &self.home, &mut self.rng);
    }
}

pub fn a(world: &World) -> &Side {
    &world.a
}

pub fn b(world: &World) -> &Side {
    &world.b
}

pub fn c(world: &World) -> &Side {
    &world.c
}

/// A device that was at a node and has gone.
pub fn seen(tenant: TenantId, device: DeviceId, changes: u64) -> Seen {
    Seen {
        tenant,
        device,
        changes,
        is_here: false,
    }
}
