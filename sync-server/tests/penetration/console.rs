//! A relay with a console, for those who would break into it.

use std::path::Path;
use std::sync::atomic::AtomicI64;

use rusqlite::Connection;
use sync_protocol::sim::SimClinic;
use sync_server::{ConsoleClock, FILE_NAME, RunningRelay, ServeOptions, Store, Timers, serve_with};
use tempfile::TempDir;
use tokio::sync::oneshot;

use crate::browser::{Browser, add_operator, standing_clock};
use crate::relay::rng;

pub struct Console {
    pub relay: RunningRelay,
    pub clock: &'static AtomicI64,
    folder: TempDir,
    _stop: oneshot::Sender<()>,
}

impl Console {
    /// With one clinic on the list, number 1, that has joined.
    pub async fn open() -> Self {
        Self::open_with(Timers::default()).await
    }

    pub async fn open_with(timers: Timers) -> Self {
        let (folder, clock) = (tempfile::tempdir().unwrap(), standing_clock());
        let mut store = Store::open(folder.path(), &mut rng(1)).unwrap();
        let (clinic, _) = SimClinic::found(sync_server::now_ms(), &mut rng(2));
        let (token, _) = store
            .add_clinic("Klinik Satu", sync_server::now_ms(), &mut rng(3))
            .unwrap();
        let statements = clinic.encoded_statements();
        let roster = sync_protocol::Roster::from_statements(clinic.tenant, statements.iter().map(Vec::as_slice));
        let joined =
            sync_protocol::RelayStore::redeem(&mut store, &token.hash(), &roster.unwrap(), sync_server::now_ms());
        assert_eq!(joined.unwrap(), sync_protocol::Redeemed::Joined);
        drop(store);
        let options = ServeOptions {
            console: Some("127.0.0.1:0".parse().unwrap()),
            ..ServeOptions::new(folder.path(), "127.0.0.1:0".parse().unwrap())
        };
        let timers = Timers {
            console_clock: ConsoleClock::Set(clock),
            ..timers
        };
        let (stop, stopped) = oneshot::channel::<()>();
        let relay = serve_with(options, timers, async { drop(stopped.await) })
            .await
            .unwrap();
        Self {
            relay,
            clock,
            folder,
            _stop: stop,
        }
    }

    pub fn browser(&self) -> Browser {
        Browser::new(self.relay.console.unwrap(), self.clock)
    }

    /// An operator who has set password and second factor.
    pub fn enrolled(&self, name: &str) -> Browser {
        let mut browser = self.browser();
        browser.enrol(&add_operator(self.data(), name, browser.now_ms()));
        browser
    }

    /// One who is signed in.
    pub fn operator(&self, name: &str) -> Browser {
        let mut browser = self.enrolled(name);
        browser.sign_in(name);
        browser
    }

    pub fn data(&self) -> &Path {
        self.folder.path()
    }

    pub fn database(&self) -> Connection {
        Connection::open(self.data().join(FILE_NAME)).unwrap()
    }

    pub fn figure(&self, sql: &str) -> i64 {
        self.database().query_row(sql, [], |row| row.get(0)).unwrap()
    }

    /// Sign-ins that were refused, as the operators' audit tells.
    pub fn refused(&self) -> i64 {
        self.figure("SELECT count(*) FROM operator_audit WHERE act = 'signed_in' AND result = 'refused'")
    }

    pub fn sessions(&self) -> i64 {
        self.figure("SELECT count(*) FROM operator_session")
    }

    /// What acts would alter: clinics, their standing, invitations, operators.
    pub fn acted(&self) -> i64 {
        self.figure("SELECT count(*) FROM operator_audit WHERE act NOT IN ('signed_in', 'enrolled', 'signed_out')")
    }
}
