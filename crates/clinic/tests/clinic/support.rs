//! A relay, and places that are connected with it.

mod net;

use std::{
    path::{Path, PathBuf},
    sync::{Arc, Condvar, Mutex},
    time::{Duration, Instant as Moment, SystemTime, UNIX_EPOCH},
};

use clinic::{
    Desk, DeskConfig, DeskEvent, Error, ErrorCode, LanReach,
    views::{
        consult::PrescribeLine,
        reception::{CreatePatient, Queued},
        setup::{AddStaff, Demo, JoinClinic, Protection},
    },
};
use domain::{
    Address, Frequency, Identifier, Instant, Milligrams, MyKad, NoteSentence, PatientId, PrescriptionLine, Role, Route,
    Sex, SoapNote, StaffId,
};
use rand_chacha::{ChaCha20Rng, rand_core::SeedableRng};
use tempfile::TempDir;
use testkit::TestClock;
use zeroize::Zeroizing;

pub use net::Net;

pub const PIN: &str = "204816";
pub const PASSPHRASE: &str = "kuala lumpur 1957";
pub const PATIENCE: Duration = Duration::from_secs(20);

struct Clock(TestClock);

impl vault::Clock for Clock {
    fn now(&self) -> Instant {
        self.0.now()
    }
}

/// What the desk told, and a bell for who waits.
#[derive(Default)]
struct Heard {
    events: Mutex<Vec<DeskEvent>>,
    bell: Condvar,
    then: std::sync::OnceLock<Then>,
}

/// One device.
pub struct Place {
    pub desk: Desk,
    pub clock: TestClock,
    folder: Arc<TempDir>,
    heard: Arc<Heard>,
    seed: u8,
}

type Then = Box<dyn Fn(&DeskEvent) + Send + Sync>;

impl Place {
    /// A device that nobody has used yet. Its clock stands at noon of the real day in Kuala Lumpur (the relay's is the
    /// real one), and moves when the test says so.
    pub fn new(net: &Net, seed: u8) -> Self {
        Self::in_folder(net, seed, TempDir::new().unwrap())
    }

    /// The same with its data on a disk of its own.
    pub fn new_on(net: &Net, seed: u8, disk: &Path) -> Self {
        Self::in_folder(net, seed, TempDir::new_in(disk).unwrap())
    }

    /// The same, where devices on one machine reach each other without the relay.
    pub fn new_on_lan(net: &Net, seed: u8) -> Self {
        let folder = Arc::new(TempDir::new().unwrap());
        Self::reaching(net, seed, folder, Self::noon(), None, Some(LanReach::ThisMachine))
    }

    fn in_folder(net: &Net, seed: u8, folder: TempDir) -> Self {
        Self::on(net, seed, Arc::new(folder), Self::noon())
    }

    fn noon() -> TestClock {
        let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap();
        // Kuala Lumpur is eight hours ahead: its noon is four o'clock UTC.
        let day = (now.as_secs() + 8 * 3_600) / 86_400;
        TestClock::at_ms(i64::try_from(day * 86_400 + 4 * 3_600).unwrap() * 1_000)
    }

    fn on(net: &Net, seed: u8, folder: Arc<TempDir>, clock: TestClock) -> Self {
        Self::with(net, seed, folder, clock, None)
    }

    /// With an engine it is the demo, whose model comes along.
    fn with(net: &Net, seed: u8, folder: Arc<TempDir>, clock: TestClock, engine: Option<PathBuf>) -> Self {
        Self::reaching(net, seed, folder, clock, engine, None)
    }

    fn reaching(
        net: &Net,
        seed: u8,
        folder: Arc<TempDir>,
        clock: TestClock,
        engine: Option<PathBuf>,
        lan: Option<LanReach>,
    ) -> Self {
        Self::heard_by(net, seed, folder, clock, engine, lan, Arc::default())
    }

    fn heard_by(
        net: &Net,
        seed: u8,
        folder: Arc<TempDir>,
        clock: TestClock,
        engine: Option<PathBuf>,
        lan: Option<LanReach>,
        heard: Arc<Heard>,
    ) -> Self {
        let demo = engine.is_some().then(|| Demo {
            pins: Vec::new(),
            consult_wav: String::new(),
        });
        let desk = Desk::start(DeskConfig {
            data_dir: folder.path().to_owned(),
            engine: engine.unwrap_or_else(|| PathBuf::from("no-engine-in-this-test")),
            version: "0.1.0".to_owned(),
            demo,
            passphrase: Some(Zeroizing::new(PASSPHRASE.to_owned())),
            crash_report: None,
            clock: Arc::new(Clock(clock.clone())),
            make_rng: {
                let made = std::sync::atomic::AtomicU64::new(u64::from(seed) << 32);
                Arc::new(move || {
                    let number = made.fetch_add(1, std::sync::atomic::Ordering::SeqCst);
                    Box::new(ChaCha20Rng::seed_from_u64(number))
                })
            },
            events: {
                let heard = Arc::clone(&heard);
                Arc::new(move |event| {
                    if let Some(then) = heard.then.get() {
                        then(&event);
                    }
                    heard.events.lock().unwrap().push(event);
                    heard.bell.notify_all();
                })
            },
            runtime: net.runtime.handle().clone(),
            lan,
        })
        .unwrap();
        Self {
            desk,
            clock,
            folder,
            heard,
            seed,
        }
    }

    /// A clinic with its owner, who practises, signed in.
    pub fn founded(net: &Net, seed: u8, name: &str) -> Self {
        let place = Self::new(net, seed);
        place.desk.join_clinic(founding(net.invitation(name), name)).unwrap();
        place
    }

    /// The same with its data on a disk of its own.
    pub fn founded_on(net: &Net, seed: u8, name: &str, disk: &Path) -> Self {
        let place = Self::new_on(net, seed, disk);
        place.desk.join_clinic(founding(net.invitation(name), name)).unwrap();
        place
    }

    /// The same device after it was switched off and on.
    pub fn restarted(self, net: &Net) -> Self {
        self.restarted_after(net, || ())
    }

    /// The same, with something that happens while it is off.
    pub fn restarted_after(self, net: &Net, meanwhile: impl FnOnce()) -> Self {
        let (folder, clock, seed) = (Arc::clone(&self.folder), self.clock.clone(), self.seed);
        drop(self);
        meanwhile();
        Self::on(net, seed.wrapping_add(100), folder, clock)
    }

    /// The same, and `then` happens at each event from the first on, on the thread that tells it.
    pub fn restarted_heard_by(self, net: &Net, then: impl Fn(&DeskEvent) + Send + Sync + 'static) -> Self {
        let (folder, clock, seed) = (Arc::clone(&self.folder), self.clock.clone(), self.seed);
        drop(self);
        let heard = Arc::new(Heard::default());
        assert!(heard.then.set(Box::new(then)).is_ok());
        Self::heard_by(net, seed.wrapping_add(100), folder, clock, None, None, heard)
    }

    /// The same, and from now on it reaches devices on this machine without the relay.
    pub fn restarted_on_lan_after(self, net: &Net, meanwhile: impl FnOnce()) -> Self {
        let (folder, clock, seed) = (Arc::clone(&self.folder), self.clock.clone(), self.seed);
        drop(self);
        meanwhile();
        Self::reaching(
            net,
            seed.wrapping_add(100),
            folder,
            clock,
            None,
            Some(LanReach::ThisMachine),
        )
    }

    /// The same device, started again as the demo with this engine.
    pub fn with_engine(self, net: &Net, engine: PathBuf) -> Self {
        let (folder, clock, seed) = (Arc::clone(&self.folder), self.clock.clone(), self.seed);
        drop(self);
        Self::with(net, seed + 100, folder, clock, Some(engine))
    }

    /// The store itself, while no desk has it open.
    pub fn store(&self) -> vault::Vault {
        let tenant = clinic::maintenance::clinics(self.data()).unwrap().remove(0).tenant;
        let passphrase = Some(Zeroizing::new(PASSPHRASE.to_owned()));
        let rng = Box::new(ChaCha20Rng::seed_from_u64(7777));
        let ports = vault::Ports {
            clock: Arc::new(Clock(self.clock.clone())),
            rng,
        };
        clinic::maintenance::open_store(self.data(), &tenant, passphrase, ports).unwrap()
    }

    pub fn data(&self) -> &Path {
        self.folder.path()
    }

    pub fn owner(&self) -> StaffId {
        self.desk
            .staff_faces()
            .unwrap()
            .into_iter()
            .find(|face| face.role == Role::Owner)
            .unwrap()
            .id
    }

    /// A colleague with a PIN on this device; the owner has to be signed in.
    pub fn colleague(&self, role: Role) -> StaffId {
        let name = format!("{role:?} Binti Ujian");
        let pin = Some(PIN.to_owned());
        self.desk
            .add_staff(AddStaff {
                name,
                role,
                registration: String::new(),
                pin,
            })
            .unwrap()
    }

    pub fn sign_in(&self, staff: StaffId) {
        self.clock.step_ms(1000);
        self.desk.sign_in(staff, PIN.to_owned()).unwrap();
    }

    pub fn patient(&self, name: &str, mykad: &str) -> PatientId {
        self.clock.step_ms(1000);
        self.desk.register_patient(somebody(name, mykad)).unwrap()
    }

    pub fn queued(&self, name: &str, mykad: &str) -> Queued {
        self.clock.step_ms(1000);
        self.desk
            .register_and_queue(somebody(name, mykad), "fever".to_owned(), None)
            .unwrap()
    }

    /// A visit whose note is signed.
    pub fn signed_visit(&self, queued: &Queued, line: Option<PrescriptionLine>) {
        let visit = queued.visit;
        self.desk.save_note(visit, note("Fever for three days.")).unwrap();
        if let Some(line) = line {
            self.desk
                .prescribe(PrescribeLine {
                    visit,
                    line,
                    reasons: Vec::new(),
                })
                .unwrap();
        }
        self.clock.step_ms(1000);
        self.desk.sign_note(visit, PIN.to_owned()).unwrap();
    }

    /// Waits until `enough` is true, looking again whenever the desk tells anything.
    pub fn wait_until(&self, what: &str, enough: impl Fn(&Desk) -> bool) {
        self.wait(what, PATIENCE, enough);
    }

    /// The same for what a slow machine needs minutes for.
    pub fn wait_longer(&self, what: &str, enough: impl Fn(&Desk) -> bool) {
        self.wait(what, PATIENCE * 30, enough);
    }

    fn wait(&self, what: &str, patience: Duration, enough: impl Fn(&Desk) -> bool) {
        let deadline = Moment::now() + patience;
        loop {
            let seen = self.heard.events.lock().unwrap().len();
            if enough(&self.desk) {
                return;
            }
            let left = deadline.saturating_duration_since(Moment::now());
            assert!(!left.is_zero(), "waited in vain until {what}: {:?}", self.desk.status());
            let events = self.heard.events.lock().unwrap();
            if events.len() == seen {
                // Some of what is waited for is heard by nobody: look again now and then.
                drop(
                    self.heard
                        .bell
                        .wait_timeout(events, left.min(Duration::from_millis(200)))
                        .unwrap(),
                );
            }
        }
    }

    /// The folder of its clinic.
    pub fn clinic_folder(&self) -> PathBuf {
        let tenant = self.desk.app_state().unwrap().clinics.remove(0).tenant;
        self.data().join("clinics").join(tenant)
    }

    /// From now on `then` happens at each event, on the thread that tells it.
    pub fn at_each_event(&self, then: impl Fn(&DeskEvent) + Send + Sync + 'static) {
        assert!(self.heard.then.set(Box::new(then)).is_ok(), "only one");
    }

    pub fn events(&self) -> Vec<DeskEvent> {
        self.heard.events.lock().unwrap().clone()
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        self.desk.shut_down();
    }
}

pub fn founding(invitation: String, name: &str) -> JoinClinic {
    JoinClinic {
        invitation,
        clinic_name: name.to_owned(),
        address: Address {
            lines: "12 Jalan Mawar".to_owned(),
            postcode: "50480".to_owned(),
            town: "Kuala Lumpur".to_owned(),
            state: "Wilayah Persekutuan".to_owned(),
        },
        phone: "03-5550 1234".to_owned(),
        owner_name: "Dr Aisyah".to_owned(),
        owner_registration: "MMC 51234".to_owned(),
        pin: PIN.to_owned(),
        protection: protection(),
    }
}

pub fn protection() -> Protection {
    Protection::Passphrase {
        passphrase: PASSPHRASE.to_owned(),
    }
}

pub fn somebody(name: &str, mykad: &str) -> CreatePatient {
    let number = MyKad::parse(mykad).unwrap();
    CreatePatient {
        name: name.to_owned(),
        birth_date: "1985-01-01".parse().ok().map(domain::Day),
        identifier: Identifier::MyKad { number },
        sex: Sex::Female,
        phone: "012-345 6789".to_owned(),
        address: Address::default(),
    }
}

pub fn note(text: &str) -> SoapNote {
    SoapNote {
        subjective: vec![NoteSentence {
            text: text.to_owned(),
            source: None,
        }],
        ..SoapNote::default()
    }
}

/// A line of a product that the tables know; the number tells the lines of a test apart.
pub fn line(product: &str, number: u8) -> PrescriptionLine {
    PrescriptionLine {
        id: domain::LineId::from_bytes([number; 16]),
        drug_key: product.to_owned(),
        drug_name: product.to_owned(),
        strength: Milligrams(500.0),
        unit: "tablet".to_owned(),
        units_per_dose: 1.0,
        route: Route::Oral,
        frequency: Frequency::ThreeTimesDaily,
        when_needed: true,
        days: 3,
        quantity: 9,
        indication: "fever".to_owned(),
        advice: String::new(),
        overrides: Vec::new(),
    }
}

/// The key of a product by what is typed.
pub fn product(desk: &Desk, typed: &str) -> String {
    desk.search_products(typed.to_owned())
        .unwrap()
        .first()
        .unwrap_or_else(|| panic!("no {typed}"))
        .key
        .clone()
}

#[track_caller]
pub fn refused<T: std::fmt::Debug>(outcome: Result<T, Error>, code: ErrorCode) -> Error {
    let error = outcome.expect_err("it was to be refused");
    assert_eq!(error.code, code, "{error}");
    error
}
