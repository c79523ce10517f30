//! The operator's console over real sockets, as a browser meets it, with a real device beside it.

mod billing;
#[path = "../penetration/browser.rs"]
mod browser;
mod exported;
mod nodes;
mod refused;
mod secure;
mod signing_in;
mod walk;

use std::path::Path;
use std::sync::atomic::{AtomicI64, Ordering};
use std::time::Duration;

use browser::{Browser, add_operator, standing_clock};
use rusqlite::Connection;
use sync_client::RelayAddress;
use sync_protocol::sim::SimClinic;
use sync_server::{ConsoleClock, FILE_NAME, RunningRelay, S3Place, ServeOptions, Timers, serve_with};
use tempfile::TempDir;
use tokio::sync::oneshot;

use crate::contract::cluster::Database;
use crate::journeys::{start, until};
use crate::world::{NOW, rng};

/// The console's clock begins so long before the system's.
const BEHIND_MS: i64 = 10 * 60_000;

/// A relay with a console, and a clock of its own for that.
struct Desk {
    relay: RunningRelay,
    clock: &'static AtomicI64,
    folder: TempDir,
    _stop: oneshot::Sender<()>,
}

impl Desk {
    async fn open() -> Self {
        Self::open_on(None, None).await
    }

    /// On this database, as another node beside that one.
    async fn open_on(database: Option<&Database>, beside: Option<&Self>) -> Self {
        Self::open_with(database, beside, None).await
    }

    /// The same, with attachments in this place.
    async fn open_with(database: Option<&Database>, beside: Option<&Self>, attachments: Option<S3Place>) -> Self {
        let (folder, clock) = (tempfile::tempdir().unwrap(), standing_clock());
        // Each code moves it on. It stays behind the devices' clock, so that what begins today by it has begun by theirs, also at
        // midnight.
        clock.fetch_sub(BEHIND_MS, Ordering::Relaxed);
        if let Some(other) = beside {
            std::fs::copy(other.data().join("relay.key"), folder.path().join("relay.key")).unwrap();
        }
        let options = ServeOptions {
            console: Some("127.0.0.1:0".parse().unwrap()),
            database: database.map(Database::relay),
            attachments,
            ..ServeOptions::new(folder.path(), "127.0.0.1:0".parse().unwrap())
        };
        let timers = Timers {
            console_clock: ConsoleClock::Set(clock),
            // Nodes hear of each other by what each keeps once a minute.
            a_minute: match database {
                Some(_) => Duration::from_millis(200),
                None => Timers::default().a_minute,
            },
            ..Timers::default()
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

    fn browser(&self) -> Browser {
        Browser::new(self.relay.console.unwrap(), self.clock)
    }

    fn data(&self) -> &Path {
        self.folder.path()
    }

    /// An operator who is signed in.
    fn operator(&self, name: &str) -> Browser {
        let mut browser = self.browser();
        browser.enrol(&add_operator(self.data(), name, browser.now_ms()));
        browser.sign_in(name);
        browser
    }

    /// The same, on a database.
    async fn operator_on(&self, database: &Database, name: &'static str) -> Browser {
        let (path, hash) = sync_server::console_link();
        let mut browser = self.browser();
        let (folder, url, now_ms) = (self.data().to_owned(), database.relay(), browser.now_ms());
        let add = move || {
            let mut store = sync_server::Store::open_shared(&folder, &url, &mut rng(5)).unwrap();
            store.add_operator(name, &hash, "a test", now_ms, &mut rng(6)).unwrap();
        };
        tokio::task::spawn_blocking(add).await.unwrap();
        browser.enrol(&path);
        browser.sign_in(name);
        browser
    }

    fn rows(&self, sql: &str) -> i64 {
        let file = Connection::open(self.data().join(FILE_NAME)).unwrap();
        file.query_row(sql, [], |row| row.get(0)).unwrap()
    }

    fn address(&self) -> RelayAddress {
        RelayAddress::new(&format!("ws://{}", self.relay.address), None).unwrap()
    }
}

/// The text of an invitation, as the page shows it.
fn invitation(page: &browser::Answer) -> seal::Invitation {
    let text = page
        .between("class=\"once\">", "</code>")
        .expect("an invitation is shown");
    seal::Invitation::from_text(&text).unwrap()
}

/// A clinic is put on the list, and joins.
async fn join_as(desk: &Desk, browser: &mut Browser, clinic: &SimClinic, name: &str) {
    browser.get("/clinics");
    let invitation = invitation(&browser.post("/clinics", &[("name", name)]));
    let relay = desk.address();
    let joined = sync_client::join_by_invitation(&relay, &invitation.token, clinic.encoded_statements());
    assert_eq!(joined.await.unwrap(), clinic.tenant);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_clinic_is_added_joins_is_suspended_comes_back_and_is_removed_after_its_export() {
    let desk = Desk::open().await;
    let mut browser = desk.operator("aisyah");
    assert!(browser.get("/clinics").text().contains("No clinic is on the list yet"));

    // Added; the invitation is shown once, and a real device uses it.
    let page = browser.post("/clinics", &[("name", "Klinik <b>Satu</b>")]);
    assert_eq!(page.status, 200);
    assert!(!page.text().contains("<b>Satu"), "{}", page.text());
    let invitation = invitation(&page);
    let list = browser.get("/clinics");
    assert!(list.text().contains("Klinik &lt;b&gt;Satu&lt;/b&gt;") && list.text().contains("invited"));
    let rng = &mut rng(1);
    let (clinic, mut device) = SimClinic::found(NOW, rng);
    let relay = RelayAddress::of_invitation(&invitation).unwrap();
    let joined = sync_client::join_by_invitation(&relay, &invitation.token, clinic.encoded_statements()).await;
    assert_eq!(joined.unwrap(), clinic.tenant);
    let sync = start(&device, &desk.address());
    device.write(rng);
    sync.nudge();
    until(&sync, |state| state.connected && state.position == 1).await;
    let page = browser.get("/clinics/1");
    assert!(
        page.text().contains("active") && page.text().contains("now"),
        "{}",
        page.text()
    );
    assert!(page.text().contains(&device.keys.id().to_string()[..12]));

    // Suspended: the running connection ends, with the word for it; what it has to send stays with it.
    let code = browser.code();
    let done = browser.post("/clinics/1/suspend", &[("why", "unpaid since May"), ("code", &code)]);
    assert_eq!(done.leads_to(), Some("/clinics/1"), "{}", done.text());
    until(&sync, |state| state.error_code == Some("suspended")).await;
    device.write(rng);
    assert_eq!(device.store.held().outbox.len(), 1);
    assert!(browser.get("/clinics/1").text().contains("unpaid since May"));

    // Served again: when it tries the next time it sends what it had kept.
    let done = browser.post("/clinics/1/reactivate", &[]);
    assert_eq!(done.leads_to(), Some("/clinics/1"));
    sync.retry_now();
    until(&sync, |state| state.connected && state.position == 2).await;
    assert_eq!(device.store.held().outbox.len(), 0);

    // Not removed before it is suspended, and not before it was exported in this session.
    let code = browser.code();
    let remove = |browser: &mut Browser, name: &str, code: &str| {
        browser
            .post("/clinics/1/remove", &[("typed", name), ("code", code)])
            .status
    };
    let name = "Klinik <b>Satu</b>";
    assert_eq!(remove(&mut browser, name, &code), 409, "not exported");
    let file = browser.post("/clinics/1/export", &[]);
    assert_eq!(
        (file.status, file.header("content-type")),
        (200, vec!["application/x-tar"])
    );
    assert_eq!(remove(&mut browser, "Klinik Satu", &code), 422, "another name");
    assert_eq!(remove(&mut browser, name, &code), 409, "not suspended");
    let code = browser.code();
    browser.post("/clinics/1/suspend", &[("why", "moved away"), ("code", &code)]);
    until(&sync, |state| state.error_code == Some("suspended")).await;
    assert_eq!(remove(&mut browser, name, &code), 403, "a code is good once");
    let code = browser.code();
    assert_eq!(remove(&mut browser, name, &code), 303);
    let began = std::time::Instant::now();
    while desk.rows("SELECT count(*) FROM standing WHERE gone_ms IS NOT NULL") == 0 {
        assert!(began.elapsed().as_secs() < 60);
        std::thread::yield_now();
    }
    assert_eq!(
        desk.rows("SELECT count(*) FROM change") + desk.rows("SELECT count(*) FROM statement"),
        0
    );
    assert!(browser.get("/clinics/1").text().contains("Removed on"));
    sync.stop().await;
    let sync = start(&device, &desk.address());
    until(&sync, |state| state.error_code == Some("suspended")).await;
    sync.stop().await;

    // The export is a whole store of this clinic, which `restore` takes.
    let (unpacked, again) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    tar::Archive::new(&file.body[..]).unpack(unpacked.path()).unwrap();
    sync_server::restore(again.path(), &unpacked.path().join(FILE_NAME), rng).unwrap();
    assert_eq!(crate::journeys::held_by_relay(again.path(), &clinic).len(), 2);

    // All of it is told.
    let audit = browser.get("/audit").text();
    for act in [
        "added a clinic",
        "suspended a clinic",
        "reactivated a clinic",
        "exported a clinic",
        "removed a clinic",
        "signed in",
        "set password and second factor",
    ] {
        assert!(audit.contains(act), "{act}");
    }
    assert!(audit.contains("follows from the one before it"));
    let file = Connection::open(desk.data().join(FILE_NAME)).unwrap();
    file.execute("UPDATE operator_audit SET act = 'signed_out' WHERE number = 3", [])
        .unwrap();
    assert!(browser.get("/audit").text().contains("Line 3 does not follow"));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_invitation_is_made_anew_revoked_and_taken_off_the_list() {
    let desk = Desk::open().await;
    let mut browser = desk.operator("aisyah");
    let first = invitation(&browser.post("/clinics", &[("name", "Klinik Dua")]));
    let second = invitation(&browser.post("/clinics/1/invitation", &[]));
    let (clinic, _) = SimClinic::found(NOW, &mut rng(2));
    let join = async |invitation: &seal::Invitation| {
        let relay = RelayAddress::of_invitation(invitation).unwrap();
        sync_client::join_by_invitation(&relay, &invitation.token, clinic.encoded_statements()).await
    };
    assert!(join(&first).await.is_err(), "replaced");
    assert!(browser.get("/invitations").text().contains("Klinik Dua"));
    assert_eq!(browser.post("/clinics/1/invitation/revoke", &[]).status, 303);
    assert!(join(&second).await.is_err(), "revoked");
    assert_eq!(browser.post("/clinics/1/name", &[("name", "Klinik Tiga")]).status, 303);
    assert_eq!(browser.post("/clinics", &[("name", "Klinik Tiga")]).status, 409);
    assert_eq!(
        browser
            .post("/clinics/1/suspend", &[("why", "x"), ("code", &browser.code())])
            .status,
        409
    );
    let code = browser.code();
    let gone = browser.post("/clinics/1/remove", &[("typed", "Klinik Tiga"), ("code", &code)]);
    assert_eq!(gone.leads_to(), Some("/clinics"));
    assert_eq!(browser.get("/clinics/1").status, 404);
    assert_eq!(
        desk.rows("SELECT count(*) FROM clinic") + desk.rows("SELECT count(*) FROM invitation"),
        0
    );
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_clinic_that_is_suspended_at_one_node_is_cut_off_at_the_other() {
    let database = tokio::task::spawn_blocking(Database::make).await.unwrap();
    let desk = Desk::open_on(Some(&database), None).await;
    let other = Desk::open_on(Some(&database), Some(&desk)).await;
    let mut browser = desk.operator_on(&database, "aisyah").await;
    let (clinic, device) = SimClinic::found(NOW, &mut rng(7));
    join_as(&desk, &mut browser, &clinic, "Klinik Satu").await;
    let sync = start(&device, &other.address());
    until(&sync, |state| state.connected).await;
    let code = browser.code();
    let done = browser.post("/clinics/1/suspend", &[("why", "x"), ("code", &code)]);
    assert_eq!(done.leads_to(), Some("/clinics/1"), "{}", done.text());
    until(&sync, |state| state.error_code == Some("suspended")).await;
    sync.stop().await;
}
