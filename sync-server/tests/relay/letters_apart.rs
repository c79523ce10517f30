//! Letters between two clinics on a bad day, by the seed: real vaults and a real store; lines that break, stutter and cut short,
//! devices and relays that are killed, and a relay that is put back.
//!
//! Once everybody is well again: no letter that was acknowledged as written is lost, none is shown twice, and what is said of one
//! only ever goes forwards.

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Arc;

use domain::Instant;
use proptest::prelude::*;
use proptest::test_runner::{Config, TestCaseError, TestRunner};
use rand_chacha::ChaCha20Rng;
use seal::{DeviceKeys, Mail, MailContent, MailId, MailKind, Membership, TenantId};
use sync_protocol::sim::{Link, SimClinic, settle};
use sync_protocol::{DeviceSession, MailState, RelayStore, SyncStore, Wake};
use sync_server::{Store, backup, restore};
use tempfile::TempDir;
use vault::{MachineSecrets, Vault};

use crate::world::{NOW, rng, roster};

/// The first clinic's device, and two of the second.
const CLINIC: [usize; 3] = [0, 1, 1];
const N: usize = CLINIC.len();
/// Rounds of calls in which everything must have been told.
const ROUNDS: usize = 4;

#[derive(Debug, Clone)]
enum Act {
    /// A device writes to the other clinic.
    Write(usize),
    /// Somebody reads the newest letter on a device.
    Read(usize),
    /// A device calls; what it had of a line is gone.
    Call(usize),
    /// So many frames pass, both ways.
    Frames(usize, usize),
    Cut(usize),
    RepeatUp(usize),
    RepeatDown(usize),
    ShortUp(usize),
    ShortDown(usize),
    KillDevice(usize),
    /// A device calls, or all of them do, and everything is told.
    Well(Option<usize>),
    KillRelay,
    Backup,
    PutBack,
}

fn act() -> impl Strategy<Value = Act> {
    let device = || 0..N;
    prop_oneof![
        4 => device().prop_map(Act::Write),
        2 => device().prop_map(Act::Read),
        6 => device().prop_map(Act::Call),
        12 => (device(), 1..16_usize).prop_map(|(device, n)| Act::Frames(device, n)),
        1 => device().prop_map(Act::Cut),
        1 => device().prop_map(Act::RepeatUp),
        1 => device().prop_map(Act::RepeatDown),
        1 => device().prop_map(Act::ShortUp),
        1 => device().prop_map(Act::ShortDown),
        2 => device().prop_map(Act::KillDevice),
        4 => device().prop_map(|device| Act::Well(Some(device))),
        4 => Just(Act::Well(None)),
        1 => Just(Act::KillRelay),
        2 => Just(Act::Backup),
        2 => Just(Act::PutBack),
    ]
}

struct Stands;

impl vault::Clock for Stands {
    fn now(&self) -> Instant {
        Instant::from_millisecond(NOW).unwrap()
    }
}

fn ports(seed: u8) -> vault::Ports {
    vault::Ports {
        clock: Arc::new(Stands),
        rng: Box::new(rng(seed)),
    }
}

/// In memory where there is such a place: what is asked of here is not whether a disk keeps what it was told to sync.
fn folder() -> TempDir {
    let memory = Path::new("/dev/shm");
    match memory.is_dir() {
        true => tempfile::tempdir_in(memory),
        false => tempfile::tempdir(),
    }
    .unwrap()
}

struct Device {
    keys: Arc<DeviceKeys>,
    secrets: MachineSecrets,
    folder: TempDir,
    vault: Option<Vault>,
    line: Option<Link>,
}

impl Device {
    fn vault(&self) -> &Vault {
        self.vault.as_ref().unwrap()
    }
}

/// A letter that was acknowledged as written.
struct Written {
    id: MailId,
    by: usize,
    text: Vec<u8>,
    /// How far it had come, as its writer's device said last.
    state: Option<MailState>,
    was_read: bool,
}

struct Day {
    rng: ChaCha20Rng,
    data: TempDir,
    store: Option<Store>,
    kept: Option<TempDir>,
    was_put_back: bool,
    tenants: [TenantId; 2],
    members: [Membership; 2],
    devices: Vec<Device>,
    written: Vec<Written>,
    n_opened: u8,
}

type Held = Result<(), TestCaseError>;

impl Day {
    fn begin() -> Self {
        let mut rng = rng(80);
        let data = folder();
        let mut store = Store::open(data.path(), &mut rng).unwrap();
        let (a, one) = SimClinic::found(NOW, &mut rng);
        let (mut b, two) = SimClinic::found(NOW, &mut rng);
        let three = b.admit(NOW, &mut rng);
        for clinic in [&a, &b] {
            store.set_roster(&roster(clinic)).unwrap();
        }
        let devices = [(&a, one), (&b, two), (&b, three)].map(|(clinic, device)| {
            let (folder, secrets) = (folder(), MachineSecrets::make(&device.keys, &mut rng));
            let vault = Vault::create(folder.path(), &secrets, &clinic.statements, ports(81)).unwrap();
            Device {
                keys: device.keys,
                secrets,
                folder,
                vault: Some(vault),
                line: None,
            }
        });
        Self {
            rng,
            data,
            store: Some(store),
            kept: None,
            was_put_back: false,
            tenants: [a.tenant, b.tenant],
            members: [a.membership(), b.membership()],
            devices: devices.into(),
            written: Vec::new(),
            n_opened: 100,
        }
    }

    fn act(&mut self, act: &Act) -> Held {
        match *act {
            Act::Write(device) => self.write(device),
            Act::Read(device) => self.read(device)?,
            Act::Call(device) => self.call(device),
            Act::Frames(device, n) => (0..n).for_each(|_| self.frame(device)),
            Act::Cut(device) => self.devices[device].line = None,
            Act::RepeatUp(device) => self.on_line(device, Link::repeat_up),
            Act::RepeatDown(device) => self.on_line(device, Link::repeat_down),
            Act::ShortUp(device) => self.on_line(device, |link| link.truncate_up(3)),
            Act::ShortDown(device) => self.on_line(device, |link| link.truncate_down(3)),
            Act::KillDevice(device) => self.kill(device),
            Act::Well(device) => self.settle(device),
            Act::KillRelay => self.reopen(|_| {}),
            Act::Backup => {
                let kept = folder();
                backup(self.data.path(), &kept.path().join("backup")).unwrap();
                self.kept = Some(kept);
            }
            Act::PutBack => {
                if let Some(kept) = self.kept.take() {
                    self.reopen(|day| {
                        restore(day.data.path(), &kept.path().join("backup"), &mut day.rng).unwrap();
                    });
                    self.kept = Some(kept);
                    self.was_put_back = true;
                }
            }
        }
        self.look()
    }

    fn write(&mut self, by: usize) {
        let text = format!("letter {}", self.written.len()).into_bytes();
        let content = MailContent {
            kind: MailKind::ReferralLetter,
            written_ms: NOW,
            bytes: text.clone().into(),
        };
        let (from, to) = (self.tenants[CLINIC[by]], &self.members[1 - CLINIC[by]]);
        let id = MailId::make(&mut self.rng);
        let device = &mut self.devices[by];
        let mail = Mail::seal(id, from, &content, to, &device.keys, &mut self.rng).unwrap();
        device.vault().write(None, |w| w.send_mail(&mail)).unwrap();
        device.line.iter_mut().for_each(Link::nudge);
        self.written.push(Written {
            id,
            by,
            text,
            state: None,
            was_read: false,
        });
    }

    /// What a device shows is what was written, once.
    fn shows(&self, device: usize) -> Result<BTreeMap<MailId, Option<Vec<u8>>>, TestCaseError> {
        let mut shown = BTreeMap::new();
        for one in self.devices[device].vault().read(|r| r.came_mail()).unwrap() {
            let written = self.written.iter().find(|written| written.id == one.id);
            let written = written.ok_or_else(|| TestCaseError::fail("nobody wrote this"))?;
            prop_assert_eq!(one.from, self.tenants[CLINIC[written.by]]);
            if let Some(content) = &one.content {
                prop_assert_eq!(content, &written.text);
            }
            let before = shown.insert(one.id, one.content);
            prop_assert!(before.is_none(), "a letter is shown twice");
        }
        Ok(shown)
    }

    fn read(&mut self, device: usize) -> Held {
        let Some((id, _)) = self.shows(device)?.pop_last() else {
            return Ok(());
        };
        let from = self.tenants[1 - CLINIC[device]];
        let read = self.devices[device].vault().write(None, |w| w.mail_was_read(from, id));
        read.unwrap();
        self.on_line(device, Link::nudge);
        let written = self.written.iter_mut().find(|written| written.id == id).unwrap();
        written.was_read = true;
        Ok(())
    }

    fn call(&mut self, device: usize) {
        let store: Arc<dyn SyncStore> = Arc::new(self.devices[device].vault().clone());
        let session = DeviceSession::new(store, Arc::clone(&self.devices[device].keys));
        let relay = self.store.as_ref().unwrap();
        self.devices[device].line = Some(Link::between(session, relay, &mut self.rng));
    }

    fn on_line(&mut self, device: usize, act: impl FnOnce(&mut Link)) {
        if let Some(line) = &mut self.devices[device].line {
            act(line);
        }
    }

    /// One frame each way, and whoever is to hear news of it.
    fn frame(&mut self, device: usize) {
        let Self {
            store, devices, rng, ..
        } = self;
        let (store, Some(line)) = (store.as_mut().unwrap(), &mut devices[device].line) else {
            return;
        };
        let (_, wakes): (_, Vec<Wake>) = line.deliver_up(store, NOW, rng);
        for wake in wakes {
            for line in devices.iter_mut().filter_map(|device| device.line.as_mut()) {
                line.wake(&wake, store, NOW);
            }
        }
        if let Some(line) = &mut devices[device].line {
            line.deliver_down(NOW);
        }
    }

    fn kill(&mut self, device: usize) {
        self.n_opened = self.n_opened.wrapping_add(1);
        let device = &mut self.devices[device];
        (device.line, device.vault) = (None, None);
        let vault = Vault::open(device.folder.path(), &device.secrets, ports(self.n_opened));
        device.vault = Some(vault.unwrap());
    }

    /// The relay is gone, with all lines, and is back.
    fn reopen(&mut self, meanwhile: impl FnOnce(&mut Self)) {
        self.store = None;
        self.devices.iter_mut().for_each(|device| device.line = None);
        meanwhile(self);
        self.store = Some(Store::open(self.data.path(), &mut self.rng).unwrap());
    }

    /// At each step: nothing is shown twice, and no state goes back; what is not with the relay waits.
    fn look(&mut self) -> Held {
        for device in 0..N {
            self.shows(device)?;
        }
        for written in &mut self.written {
            let now = self.devices[written.by].vault().read(|r| r.mail_progress(written.id));
            let now = now.unwrap();
            prop_assert_eq!(now.refused, None);
            let state = now.state.map(|(state, _)| state);
            match (written.state, state) {
                (None, _) => {}
                (Some(_), None) => return Err(TestCaseError::fail("what was known of a letter is forgotten")),
                (Some(before), Some(now)) => {
                    prop_assert!(now == before || now.is_after(before), "{before:?} became {now:?}");
                }
            }
            written.state = state;
        }
        Ok(())
    }

    fn settle(&mut self, only: Option<usize>) {
        self.devices.iter_mut().for_each(|device| device.line = None);
        let well = (0..N).filter(|device| only.is_none_or(|only| only == *device));
        well.for_each(|device| self.call(device));
        let lines = self.devices.iter_mut().filter_map(|device| device.line.as_mut());
        let mut lines: Vec<&mut Link> = lines.collect();
        settle(&mut lines, self.store.as_mut().unwrap(), NOW, &mut self.rng);
    }

    /// Everybody is well, and calls.
    fn heal(mut self) -> Held {
        for _ in 0..ROUNDS {
            self.settle(None);
            self.look()?;
        }
        for device in &self.devices {
            let line = device.line.as_ref().unwrap();
            prop_assert!(line.device_error.is_none(), "{:?}", line.device_error);
            prop_assert_eq!(device.vault().read(|r| r.mail_put_aside()).unwrap(), []);
            prop_assert_eq!(device.vault().read(|r| r.n_mail_waiting()).unwrap(), 0);
        }
        for written in &self.written {
            let to = 1 - CLINIC[written.by];
            let mut shown = Vec::new();
            for device in (0..N).filter(|device| CLINIC[*device] == to) {
                shown.push(self.shows(device)?.contains_key(&written.id));
            }
            prop_assert!(!shown.contains(&false), "a letter is lost: {shown:?}");
            let state = written.state;
            let is_told = match written.was_read && !self.was_put_back {
                true => state == Some(MailState::Read),
                false => matches!(state, Some(MailState::Delivered | MailState::Read)),
            };
            prop_assert!(is_told, "{state:?}, read: {}", written.was_read);
        }
        Ok(())
    }
}

#[test]
fn on_a_bad_day_no_letter_is_lost_none_is_shown_twice_and_none_goes_back() {
    let said = std::env::var("PROPTEST_CASES").ok().and_then(|n| n.parse().ok());
    let config = Config {
        cases: said.unwrap_or(24),
        failure_persistence: None,
        max_shrink_iters: 256,
        ..Config::default()
    };
    let days = proptest::collection::vec(act(), 1..60);
    let played = TestRunner::new(config).run(&days, |acts| {
        let mut day = Day::begin();
        for act in &acts {
            day.act(act)?;
        }
        day.heal()
    });
    if let Err(failed) = played {
        panic!("{failed}");
    }
}

#[test]
fn a_letter_that_a_backup_still_holds_as_waiting_is_shown_as_delivered_all_the_same() {
    let mut day = Day::begin();
    let (alone, all) = (|| Act::Well(Some(0)), || Act::Well(None));
    for act in [
        Act::Write(0),
        alone(),
        Act::Backup,
        all(),
        Act::Read(1),
        all(),
        Act::PutBack,
        alone(),
    ] {
        day.act(&act).unwrap();
    }
    assert_eq!(day.written[0].state, Some(MailState::Read));
    day.heal().unwrap();
}
