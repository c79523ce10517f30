//! The gate under any play: grants, revocations (also before their grants), releases, pulls by two clinics and a stranger,
//! moves of the clock, backups put back, and devices that confirm or were away, in any order; on both databases.
//!
//! Beside the store goes an oracle that keeps plain lists of what was done and knows nothing of how the store does it. What it
//! says may leave must leave, nothing else may, and both clinics' chains must have exactly the lines that it expects.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::LazyLock;

use proptest::prelude::*;
use proptest::strategy::ValueTree;
use proptest::test_runner::{Config, FileFailurePersistence, TestCaseError, TestRunner};
use rand_chacha::ChaCha20Rng;
use seal::{DeviceId, Grant, GrantId, NewGrant, NewRelease, Release, ReleaseId, Revocation, TenantId};
use sync_protocol::sim::SimClinic;
use sync_protocol::{
    AuditLine, AuditOutcome, Checked, FormerLife, Page, Refusal, RelayAudit, RelayStore, ReleaseAnswer, ReleaseAsk, Roster,
};
use sync_server::{Store, check_audit};
use tempfile::TempDir;

use super::{Home, ON_POSTGRES, make_store, open};
use crate::world::{NOW, rng, roster};

const ALL: Page = Page {
    after: 0,
    max_items: 1_000,
    max_bytes: usize::MAX,
};
const A: usize = 0;
const B: usize = 1;
/// Clinics; the third one is nobody's recipient.
const N: usize = 3;
/// From whom, to whom, for which purpose, and for which part of the play's time.
const GRANTS: [(usize, usize, u8, i64, i64); 6] = [
    (A, B, 0, 0, 1_000),
    (A, B, 0, 40, 80),
    (A, B, 7, 0, 1_000),
    (B, A, 0, 0, 1_000),
    (B, A, 0, 0, 60),
    (A, B, 0, 20, 1_000),
];
const RELEASES: usize = 4;

/// One thing that somebody does.
#[derive(Debug, Clone)]
enum Act {
    Grant(usize),
    Revoke(usize),
    /// The next release under a grant; in the place of the last one, or beside it.
    Release(usize, bool),
    /// A clinic asks, with its first or second device, from the beginning or from where it was.
    Pull(usize, usize, usize, bool),
    Clock(i64),
    Backup,
    PutBack,
    /// A clinic's second device, which is away else, hears all that its clinic knows by now.
    Hear(usize),
    /// A device comes, brings all that it holds, and says so.
    Confirm(usize, usize),
    SignHead(usize),
}

fn act() -> impl Strategy<Value = Act> {
    let (grant, clinic, device) = (0..GRANTS.len(), 0..N, 0..2_usize);
    // Mostly the one to whom it was given; also the giver, and whom it does not concern.
    let pull = (grant.clone(), 0..8_usize, device.clone(), any::<bool>()).prop_map(|(grant, who, device, on)| {
        let clinic = match who {
            0 => GRANTS[grant].0,
            1 => 2,
            _ => GRANTS[grant].1,
        };
        Act::Pull(clinic, device, grant, on)
    });
    prop_oneof![
        5 => grant.clone().prop_map(Act::Grant),
        2 => grant.clone().prop_map(Act::Revoke),
        6 => (grant.clone(), any::<bool>()).prop_map(|(grant, replaces)| Act::Release(grant, replaces)),
        12 => pull,
        2 => (0..120_i64).prop_map(Act::Clock),
        2 => Just(Act::Backup),
        1 => Just(Act::PutBack),
        2 => (0..2_usize).prop_map(Act::Hear),
        4 => (0..2_usize, device).prop_map(|(clinic, device)| Act::Confirm(clinic, device)),
        1 => clinic.prop_map(Act::SignHead),
    ]
}

/// A play, with some things given at its beginning or not.
fn acts() -> impl Strategy<Value = Vec<Act>> {
    let given = [0, 3].map(|grant| [Act::Grant(grant), Act::Release(grant, false)]).concat();
    let opening = prop_oneof![Just(Vec::new()), Just(given)];
    (opening, proptest::collection::vec(act(), 1..60)).prop_map(|(opening, acts)| [opening, acts].concat())
}

/// What all plays have in common: made once, since keys are slow.
struct Cast {
    tenants: [TenantId; N],
    rosters: [Roster; N],
    devices: [[DeviceId; 2]; N],
    grants: Vec<Grant>,
    revocations: Vec<Checked>,
    releases: Vec<Vec<ReleaseId>>,
    /// `[grant][nth][in the place of the one before?]`
    sealed: Vec<Vec<[Checked; 2]>>,
}

static CAST: LazyLock<Cast> = LazyLock::new(Cast::make);

impl Cast {
    fn make() -> Self {
        let mut rng = rng(200);
        let clinics: [_; N] = std::array::from_fn(|_| {
            let (mut clinic, first) = SimClinic::found(NOW, &mut rng);
            let second = clinic.admit(NOW, &mut rng);
            (clinic, [first, second])
        });
        let grants = GRANTS.map(|(source, recipient, purpose, from, until)| {
            let recipient = clinics[recipient].0.membership();
            let new = NewGrant {
                id: GrantId::make(&mut rng),
                recipient: recipient.tenant(),
                purpose,
                mode: 1,
                from_ms: NOW + from,
                until_ms: NOW + until,
                erase_at_ms: NOW + until,
            };
            let (clinic, devices) = &clinics[source];
            Grant::make(new, clinic.tenant, b"terms", &recipient, &devices[0].keys, &mut rng).unwrap()
        });
        let revocations = grants.iter().zip(GRANTS).map(|(grant, (source, ..))| {
            let (clinic, devices) = &clinics[source];
            let id = grant.clear().id;
            let bytes = Revocation::make(id, clinic.tenant, NOW, &devices[0].keys).encode();
            Checked::Revocation { grant: id, bytes }
        });
        let revocations = revocations.collect();
        let ids: Vec<Vec<ReleaseId>> = grants
            .iter()
            .map(|_| (0..RELEASES).map(|_| ReleaseId::make(&mut rng)).collect())
            .collect();
        let mut seal = |grant: usize, nth: usize, supersedes: Option<ReleaseId>| {
            let (source, recipient, ..) = GRANTS[grant];
            let recipient = clinics[recipient].0.membership();
            let new = NewRelease {
                id: ids[grant][nth],
                document: [9; 32],
                supersedes,
                as_of_ms: 0,
            };
            let (clinic, devices) = &clinics[source];
            let to = [(grants[grant].clear(), &recipient)];
            let release = Release::seal(new, clinic.tenant, b"sealed", &to, &devices[0].keys, &mut rng);
            Checked::Release {
                id: ids[grant][nth],
                supersedes,
                grants: vec![grants[grant].clear().id],
                bytes: release.unwrap().encode(),
            }
        };
        let sealed = (0..grants.len())
            .map(|grant| {
                let both = |nth: usize| {
                    let before = nth.checked_sub(1).map(|before| ids[grant][before]);
                    [None, before].map(|supersedes| seal(grant, nth, supersedes))
                };
                (0..RELEASES).map(both).collect()
            })
            .collect();
        Self {
            tenants: std::array::from_fn(|nth| clinics[nth].0.tenant),
            rosters: std::array::from_fn(|nth| roster(&clinics[nth].0)),
            devices: std::array::from_fn(|nth| [0, 1].map(|device: usize| clinics[nth].1[device].keys.id())),
            grants: grants.to_vec(),
            revocations,
            releases: ids,
            sealed,
        }
    }

    fn grant(&self, grant: usize) -> Checked {
        Checked::Grant {
            clear: self.grants[grant].clear().clone(),
            bytes: self.grants[grant].encode(),
        }
    }

    fn grant_id(&self, grant: usize) -> GrantId {
        self.grants[grant].clear().id
    }
}

/// What a clinic's device pushed, or heard that another one did.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Held {
    Grant(usize),
    Revocation(usize),
    Release(usize, usize, bool),
}

/// What the relay has, as far as everything that was done tells.
#[derive(Clone, Default)]
struct Has {
    life: usize,
    granted: BTreeSet<usize>,
    revoked: BTreeSet<usize>,
    /// Releases that were ever taken, or were known to be over before they came.
    known: BTreeSet<(usize, usize)>,
    /// What may be given under each grant, by position.
    given: BTreeMap<usize, BTreeMap<u64, usize>>,
    last: BTreeMap<usize, u64>,
    lines: [Vec<Expected>; N],
    /// A clinic that is closed: in which life, and up to where, what was put back had come; which devices have spoken since.
    closed: [Option<(usize, u64)>; N],
    spoken: [BTreeSet<usize>; N],
    /// How far each clinic's consents reach, as the relay says.
    consents: [u64; N],
}

type Expected = (u128, i64, usize, usize, Option<usize>, usize, AuditOutcome, u64);

/// A device of the clinic's: what it holds, and how far it had come in each life.
#[derive(Clone, Default)]
struct Device {
    held: Vec<Held>,
    reached: BTreeMap<usize, u64>,
}

/// What is wrong with a relay that a play must notice: done behind its back after each act, as if the gate did not look there.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Hand {
    /// It does not look for revocations.
    ForgetsRevocations,
    /// It does not look whether a clinic is closed.
    OpensWhatIsClosed,
    /// It does not look at the clock.
    StopsTheClock,
    /// It writes the line of the one who asked alone.
    HidesAccessesFromTheGiver,
    /// It gives less than it may.
    KeepsReleasesBack,
    /// It serves whoever asks, as if it were the recipient.
    TakesEverybodyForTheRecipient,
}

impl Hand {
    fn sql(self) -> &'static str {
        match self {
            Self::ForgetsRevocations => "DELETE FROM revocation",
            Self::OpensWhatIsClosed => "DELETE FROM closed",
            Self::KeepsReleasesBack => "DELETE FROM release_for WHERE position > 1",
            Self::HidesAccessesFromTheGiver => {
                "DELETE FROM audit WHERE number = (SELECT position FROM head h WHERE h.tenant = audit.tenant AND feed = 2)
                 AND tenant = (SELECT min(tenant) FROM audit)"
            }
            Self::StopsTheClock | Self::TakesEverybodyForTheRecipient => "",
        }
    }
}

struct Play {
    hand: Option<Hand>,
    store: Option<Store>,
    folder: TempDir,
    home: Home,
    rng: ChaCha20Rng,
    now_ms: i64,
    n_requests: u128,
    has: Has,
    lives: Vec<sync_protocol::Incarnation>,
    devices: [[Device; 2]; N],
    n_released: [usize; GRANTS.len()],
    /// Up to where each clinic's devices were given what hangs on a grant, in each life.
    got: BTreeMap<(usize, usize, usize), u64>,
    kept: Option<Kept>,
}

/// A backup, and what the relay had then.
struct Kept {
    file: Option<TempDir>,
    has: Has,
}

type Played = Result<(), TestCaseError>;

impl Play {
    fn under(hand: Hand) -> Self {
        Self {
            hand: Some(hand),
            ..Self::begin()
        }
    }

    fn begin() -> Self {
        let mut rng = rng(201);
        let (mut store, folder, home) = make_store(&mut rng);
        for roster in &CAST.rosters {
            store.set_roster(roster).unwrap();
        }
        let lives = vec![store.incarnation()];
        Self {
            hand: None,
            store: Some(store),
            folder,
            home,
            rng,
            now_ms: NOW,
            n_requests: 0,
            has: Has::default(),
            lives,
            devices: Default::default(),
            n_released: [0; GRANTS.len()],
            got: BTreeMap::new(),
            kept: None,
        }
    }

    fn store(&mut self) -> &mut Store {
        self.store.as_mut().unwrap()
    }

    fn act(&mut self, act: &Act) -> Played {
        let done = self.do_it(act);
        if let Some(hand) = self.hand {
            let file = rusqlite::Connection::open(self.folder.path().join(sync_server::FILE_NAME)).unwrap();
            file.execute_batch(hand.sql()).unwrap();
        }
        done
    }

    fn do_it(&mut self, act: &Act) -> Played {
        match *act {
            Act::Grant(grant) => self.push_new(GRANTS[grant].0, Held::Grant(grant)),
            Act::Revoke(grant) => self.push_new(GRANTS[grant].0, Held::Revocation(grant)),
            Act::Release(grant, replaces) => {
                let nth = self.n_released[grant];
                if nth == RELEASES {
                    return Ok(());
                }
                self.n_released[grant] += 1;
                self.push_new(GRANTS[grant].0, Held::Release(grant, nth, replaces))
            }
            Act::Pull(clinic, device, grant, on) => self.pull(clinic, device, grant, on),
            Act::Clock(at) => {
                self.now_ms = NOW + at;
                Ok(())
            }
            Act::Backup => {
                self.back_up();
                Ok(())
            }
            Act::PutBack => self.put_back(),
            Act::Hear(clinic) => {
                self.devices[clinic][1] = self.devices[clinic][0].clone();
                Ok(())
            }
            Act::Confirm(clinic, device) => self.confirm(clinic, device),
            Act::SignHead(clinic) => {
                let now_ms = self.now_ms;
                let head = self.store().head_of_the_day(&CAST.tenants[clinic], now_ms).unwrap();
                prop_assert_eq!(head.is_some(), !self.has.lines[clinic].is_empty());
                Ok(())
            }
        }
    }

    /// The first device wrote something: it holds it if the relay takes it.
    fn push_new(&mut self, clinic: usize, item: Held) -> Played {
        if self.devices[clinic][0].held.contains(&item) {
            return self.push(clinic, item).map(drop);
        }
        if self.push(clinic, item)? {
            self.devices[clinic][0].held.push(item);
        }
        Ok(())
    }

    /// Pushes, and says whether it was taken; the oracle must have said the same.
    fn push(&mut self, clinic: usize, item: Held) -> Result<bool, TestCaseError> {
        let checked = match item {
            Held::Grant(grant) => CAST.grant(grant),
            Held::Revocation(grant) => CAST.revocations[grant].clone(),
            Held::Release(grant, nth, replaces) => CAST.sealed[grant][nth][usize::from(replaces)].clone(),
        };
        let expected = self.has.take(item, self.now_ms);
        let now_ms = self.now_ms;
        let pushed = self.store().push(&CAST.tenants[clinic], &[checked], now_ms).unwrap();
        prop_assert_eq!(pushed.refusals, vec![expected]);
        self.look_how_far();
        Ok(expected.is_none())
    }

    /// The first devices are there all the time.
    fn look_how_far(&mut self) {
        for clinic in 0..N {
            let consents = self.store().heads(&CAST.tenants[clinic]).unwrap().consents;
            self.has.consents[clinic] = consents;
            let life = self.has.life;
            self.devices[clinic][0].reached.insert(life, consents);
        }
    }

    fn pull(&mut self, clinic: usize, device: usize, grant: usize, on: bool) -> Played {
        self.n_requests += 1;
        let place = (clinic, grant, self.has.life);
        let after = if on { self.got.get(&place).copied().unwrap_or(0) } else { 0 };
        let asking = match self.hand {
            Some(Hand::TakesEverybodyForTheRecipient) => GRANTS[grant].1,
            _ => clinic,
        };
        let ask = ReleaseAsk {
            request: self.n_requests.to_be_bytes(),
            requester: CAST.tenants[asking],
            device: CAST.devices[asking][device],
            grant: CAST.grant_id(grant),
            page: Page { after, ..ALL },
            now_ms: match self.hand {
                Some(Hand::StopsTheClock) => NOW + GRANTS[grant].3,
                _ => self.now_ms,
            },
        };
        let answer = self.store().pull_releases(&ask).unwrap();
        let who = (self.n_requests, self.now_ms, clinic, device);
        match self.has.decide(who, grant, after) {
            Ok(expected) => {
                let ReleaseAnswer::Served { source, items, up_to, more } = answer else {
                    return Err(TestCaseError::fail(format!("what may leave is denied: {answer:?}")));
                };
                let ids = items.iter().map(|(at, bytes)| (*at, Release::decode(bytes).unwrap().header().id));
                let expected_ids = expected.iter().map(|(at, nth)| (*at, CAST.releases[grant][*nth]));
                prop_assert_eq!(ids.collect::<Vec<_>>(), expected_ids.collect::<Vec<_>>());
                prop_assert_eq!((source, more), (CAST.tenants[GRANTS[grant].0], false));
                prop_assert_eq!(up_to, self.has.last.get(&grant).copied().unwrap_or(0));
                self.got.insert(place, up_to);
            }
            Err(expected) => {
                let ReleaseAnswer::Denied { outcome, source } = answer else {
                    return Err(TestCaseError::fail(format!("left without a grant that is active: {answer:?}")));
                };
                prop_assert_eq!(outcome, expected);
                let is_known = self.has.granted.contains(&grant);
                prop_assert_eq!(source, is_known.then_some(CAST.tenants[GRANTS[grant].0]));
            }
        }
        Ok(())
    }

    fn back_up(&mut self) {
        let file = match &self.home {
            Home::Folder => {
                let file = tempfile::tempdir().unwrap();
                sync_server::backup(self.folder.path(), &file.path().join("backup")).unwrap();
                Some(file)
            }
            Home::Database(database) => {
                database.raw().batch_execute(&super::kept::KEEP).unwrap();
                None
            }
        };
        let has = self.has.clone();
        self.kept = Some(Kept { file, has });
    }

    fn put_back(&mut self) -> Played {
        let Some(kept) = &self.kept else {
            return Ok(());
        };
        self.store = None;
        match (&self.home, &kept.file) {
            (Home::Folder, Some(file)) => {
                sync_server::restore(self.folder.path(), &file.path().join("backup"), &mut self.rng).unwrap();
            }
            (Home::Database(database), _) => {
                database.raw().batch_execute(&super::kept::PUT_BACK).unwrap();
                let mut store = open(&self.folder, &self.home, &mut self.rng);
                store.begin_another_life(&mut self.rng).unwrap();
            }
            (Home::Folder, None) => unreachable!("a backup of a file is a file"),
        }
        let was = self.has.life;
        self.has = kept.has.clone();
        self.has.begin(was.max(self.lives.len() - 1) + 1);
        self.store = Some(open(&self.folder, &self.home, &mut self.rng));
        let life = self.store().incarnation();
        prop_assert!(!self.lives.contains(&life), "another life has another name");
        self.lives.push(life);
        prop_assert_eq!(self.has.life, self.lives.len() - 1);
        Ok(())
    }

    fn confirm(&mut self, clinic: usize, device: usize) -> Played {
        let Device { held, reached } = self.devices[clinic][device].clone();
        for item in held {
            self.push(clinic, item)?;
        }
        let former: Vec<FormerLife> = reached
            .iter()
            .filter(|(life, _)| **life != self.has.life)
            .map(|(life, consents)| FormerLife {
                incarnation: self.lives[*life],
                changes: 0,
                consents: *consents,
            })
            .collect();
        let id = CAST.devices[clinic][device];
        self.store().consents_complete(&CAST.tenants[clinic], &id, &former).unwrap();
        self.has.hear(clinic, device, &reached);
        let is_closed = self.store().is_closed(&CAST.tenants[clinic]).unwrap();
        prop_assert_eq!(is_closed, self.has.closed[clinic].is_some());
        Ok(())
    }

    /// Every line that was to be written is there, and no other; and the chains hold.
    fn end(mut self) -> Played {
        for clinic in 0..N {
            let lines = self.store().audit(&CAST.tenants[clinic], ALL).unwrap();
            let lines: Vec<Expected> = lines.iter().map(told).collect();
            prop_assert_eq!(&lines, &self.has.lines[clinic]);
        }
        let clinics = self.store().clinics_with_audit().unwrap();
        let reports = check_audit(self.store.as_ref().unwrap(), &clinics).unwrap();
        for report in reports {
            prop_assert!(report.findings.is_empty(), "{:?}", report.findings);
        }
        Ok(())
    }
}

fn told(line: &AuditLine) -> Expected {
    let clinic = |tenant: TenantId| CAST.tenants.iter().position(|one| *one == tenant).unwrap();
    let requester = clinic(line.requester);
    let device = CAST.devices[requester].iter().position(|one| *one == line.device).unwrap();
    let grant = (0..GRANTS.len()).find(|grant| CAST.grant_id(*grant) == line.grant).unwrap();
    let request = u128::from_be_bytes(line.request);
    let source = line.source.map(clinic);
    assert_eq!(line.purpose, source.map(|_| GRANTS[grant].2));
    (request, line.at_ms, requester, device, source, grant, line.outcome, line.count)
}

impl Has {
    /// Whether something that is pushed is taken.
    fn take(&mut self, item: Held, now_ms: i64) -> Option<Refusal> {
        match item {
            Held::Grant(grant) => drop(self.granted.insert(grant)),
            Held::Revocation(grant) => {
                self.revoked.insert(grant);
                self.given.remove(&grant);
            }
            Held::Release(grant, nth, replaces) => {
                let (.., until) = GRANTS[grant];
                let lives = self.granted.contains(&grant) && !self.revoked.contains(&grant) && now_ms < NOW + until;
                if self.known.contains(&(grant, nth)) {
                    return None;
                }
                // One of a newer build's purpose takes releases, and gives none.
                if !lives {
                    return Some(Refusal::NoGrant);
                }
                self.known.insert((grant, nth));
                let given = self.given.entry(grant).or_default();
                if let (true, Some(before)) = (replaces, nth.checked_sub(1)) {
                    given.retain(|_, one| *one != before);
                    self.known.insert((grant, before));
                }
                let at = self.last.entry(grant).or_default();
                *at += 1;
                given.insert(*at, nth);
            }
        }
        None
    }

    /// What may leave, by position; or why nothing does. And the lines that tell of it.
    fn decide(
        &mut self,
        (request, now_ms, clinic, device): (u128, i64, usize, usize),
        grant: usize,
        after: u64,
    ) -> Result<Vec<(u64, usize)>, AuditOutcome> {
        let (source, recipient, purpose, from, until) = GRANTS[grant];
        let denied = if !self.granted.contains(&grant) {
            Some(AuditOutcome::DeniedNoGrant)
        } else if clinic != recipient {
            Some(AuditOutcome::DeniedNotRecipient)
        } else if self.revoked.contains(&grant) {
            Some(AuditOutcome::DeniedRevoked)
        } else if purpose != 0 {
            Some(AuditOutcome::DeniedNotUnderstood)
        } else if now_ms < NOW + from {
            Some(AuditOutcome::DeniedNotYet)
        } else if now_ms >= NOW + until {
            Some(AuditOutcome::DeniedEnded)
        } else if self.closed[source].is_some() {
            Some(AuditOutcome::DeniedSourceClosed)
        } else {
            None
        };
        let line = |source, outcome, count| (request, now_ms, clinic, device, source, grant, outcome, count);
        let Some(outcome) = denied else {
            let given = self.given.get(&grant).into_iter().flatten();
            let given: Vec<_> = given.map(|(at, nth)| (*at, *nth)).filter(|(at, _)| *at > after).collect();
            if !given.is_empty() {
                let line = line(Some(source), AuditOutcome::Permitted, given.len() as u64);
                self.lines[clinic].push(line);
                self.lines[source].push(line);
            }
            return Ok(given);
        };
        match outcome {
            AuditOutcome::DeniedNoGrant => self.lines[clinic].push(line(None, outcome, 0)),
            AuditOutcome::DeniedNotRecipient => {
                self.lines[clinic].push(line(None, AuditOutcome::DeniedNoGrant, 0));
                if clinic != source {
                    self.lines[source].push(line(Some(source), outcome, 0));
                }
            }
            _ => {
                self.lines[clinic].push(line(Some(source), outcome, 0));
                self.lines[source].push(line(Some(source), outcome, 0));
            }
        }
        Err(match outcome {
            AuditOutcome::DeniedNotRecipient => AuditOutcome::DeniedNoGrant,
            outcome => outcome,
        })
    }

    /// What was put back begins another life: every clinic is closed. Who was closed already still has to answer for then.
    fn begin(&mut self, life: usize) {
        for clinic in 0..N {
            let here = (self.life, self.consents[clinic]);
            self.closed[clinic] = self.closed[clinic].or(Some(here));
            self.spoken[clinic].clear();
        }
        self.life = life;
    }

    /// A device has brought all that it holds. It opens its clinic if it had come as far as what was put back, or if it is the
    /// last of all.
    fn hear(&mut self, clinic: usize, device: usize, reached: &BTreeMap<usize, u64>) {
        let Some((life, consents)) = self.closed[clinic] else {
            return;
        };
        self.spoken[clinic].insert(device);
        let came_far = life != self.life && reached.get(&life).is_some_and(|at| *at >= consents);
        if came_far || self.spoken[clinic].len() == 2 {
            self.closed[clinic] = None;
        }
    }
}

fn play(cases: u32) {
    let config = Config {
        cases,
        failure_persistence: Some(Box::new(FileFailurePersistence::Direct(concat!(
            env!("CARGO_MANIFEST_DIR"),
            "/tests/relay/contract/gate_plays.regressions"
        )))),
        max_shrink_iters: 4_096,
        ..Config::default()
    };
    let played = TestRunner::new(config).run(&acts(), |acts| {
        let mut play = Play::begin();
        for act in &acts {
            play.act(act)?;
        }
        play.end()
    });
    if let Err(failed) = played {
        panic!("{failed}");
    }
}

/// How often, where nobody says otherwise.
fn cases(usual: u32) -> u32 {
    let said = std::env::var("PROPTEST_CASES").ok().and_then(|n| n.parse().ok());
    said.unwrap_or(usual)
}

#[test]
fn nothing_leaves_without_an_active_grant_and_what_may_leave_does_whatever_is_played_on_sqlite() {
    play(cases(150));
}

#[test]
fn nothing_leaves_without_an_active_grant_and_what_may_leave_does_whatever_is_played_on_postgresql() {
    ON_POSTGRES.set(true);
    play(cases(150).div_ceil(10));
    ON_POSTGRES.set(false);
}

/// What the plays say of themselves is true: they get everywhere.
#[test]
fn plays_come_to_every_answer() {
    let mut seen = BTreeSet::new();
    let mut runner = TestRunner::deterministic();
    for _ in 0..60 {
        let acts = acts().new_tree(&mut runner).unwrap().current();
        let mut play = Play::begin();
        for act in &acts {
            play.act(act).unwrap();
        }
        let lines = play.has.lines.iter().flatten();
        seen.extend(lines.map(|line| line.6.name()));
        play.end().unwrap();
    }
    let all = [
        "expired",
        "no_grant",
        "not_the_recipient",
        "not_understood",
        "not_yet",
        "permitted",
        "revoked",
        "source_closed",
    ];
    assert_eq!(seen, all.into_iter().collect());
}

/// The oracle can fail: a relay that does any of this is found out, and soon.
#[test]
fn a_gate_that_does_not_look_is_noticed() {
    for hand in [
        Hand::ForgetsRevocations,
        Hand::OpensWhatIsClosed,
        Hand::StopsTheClock,
        Hand::HidesAccessesFromTheGiver,
        Hand::KeepsReleasesBack,
        Hand::TakesEverybodyForTheRecipient,
    ] {
        let mut runner = TestRunner::deterministic();
        let is_noticed = (0..60).any(|_| {
            let acts = acts().new_tree(&mut runner).unwrap().current();
            let mut play = Play::under(hand);
            acts.iter().try_for_each(|act| play.act(act)).and_then(|()| play.end()).is_err()
        });
        assert!(is_noticed, "{hand:?}");
    }
}
