//! One play: the store, its oracle beside it, and each act done to both.

use std::collections::{BTreeMap, BTreeSet};

use proptest::prelude::*;
use proptest::test_runner::TestCaseError;
use rand_chacha::ChaCha20Rng;
use seal::Release;
use sync_protocol::{FormerLife, Page, Redeemed, RelayAudit, RelayStore, ReleaseAnswer, ReleaseAsk};
use sync_server::{Store, check_audit};
use tempfile::TempDir;

use super::act::{Act, Hand};
use super::cast::{CAST, GRANTS, N, RELEASES};
use super::oracle::{Expected, Has, Held, told};
use crate::contract::{Home, kept, make_store, open};
use crate::world::{NOW, rng};

pub const ALL: Page = Page {
    after: 0,
    max_items: 1_000,
    max_bytes: usize::MAX,
};

/// A device of the clinic's: what it holds, and how far it had come in each life.
#[derive(Clone, Default)]
pub struct Device {
    pub held: Vec<Held>,
    pub reached: BTreeMap<usize, u64>,
}

pub struct Play {
    pub hand: Option<Hand>,
    pub store: Option<Store>,
    pub folder: TempDir,
    pub home: Home,
    pub rng: ChaCha20Rng,
    pub now_ms: i64,
    pub n_requests: u128,
    pub has: Has,
    pub lives: Vec<sync_protocol::Incarnation>,
    pub devices: [[Device; 2]; N],
    pub n_released: [usize; GRANTS.len()],
    /// Up to where each clinic's devices were given what hangs on a grant, in each life.
    pub got: BTreeMap<(usize, usize, usize), u64>,
    pub kept: Option<Kept>,
    /// Of each clinic on the operator's list.
    pub numbers: [i64; N],
    /// Whether a clinic's first device has removed the second, whatever the relay knows of it.
    pub knows_removal: [bool; N],
    /// What those heard whom it turned away.
    pub turned_away: BTreeSet<&'static str>,
}

/// A backup, and what the relay had then.
pub struct Kept {
    pub file: Option<TempDir>,
    pub has: Has,
}

pub type Played = Result<(), TestCaseError>;

impl Play {
    pub fn under(hand: Hand) -> Self {
        Self {
            hand: Some(hand),
            ..Self::begin()
        }
    }

    pub fn begin() -> Self {
        let mut rng = rng(201);
        let (mut store, folder, home) = make_store(&mut rng);
        let numbers = std::array::from_fn(|nth| {
            let listed = store.list_clinic(&format!("Klinik {nth}"), "test", NOW, &mut rng);
            let (number, token, _) = listed.unwrap();
            let joined = store.redeem(&token.hash(), &CAST.rosters[nth], NOW).unwrap();
            assert_eq!(joined, Redeemed::Joined);
            number
        });
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
            numbers,
            knows_removal: [false; N],
            turned_away: BTreeSet::new(),
        }
    }

    pub fn store(&mut self) -> &mut Store {
        self.store.as_mut().unwrap()
    }

    pub fn act(&mut self, act: &Act) -> Played {
        let done = self.do_it(act);
        if let Some(hand) = self.hand {
            let file = rusqlite::Connection::open(self.folder.path().join(sync_server::FILE_NAME)).unwrap();
            file.execute_batch(hand.sql()).unwrap();
        }
        done
    }

    pub fn do_it(&mut self, act: &Act) -> Played {
        match *act {
            Act::Grant(grant) => self.push_new(GRANTS[grant].0, Held::Grant(grant)),
            Act::Revoke(grant) => self.push_new(GRANTS[grant].0, Held::Revocation(grant)),
            Act::Release(grant, replaces) => {
                let nth = self.n_released[grant];
                if nth == RELEASES || self.has.refuses(GRANTS[grant].0, 0).is_some() {
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
            Act::Hear(clinic) if self.is_turned_away(clinic, 1)? => Ok(()),
            Act::Hear(clinic) => {
                self.devices[clinic][1] = self.devices[clinic][0].clone();
                Ok(())
            }
            Act::Confirm(clinic, device) => self.confirm(clinic, device),
            Act::SignHead(clinic) if self.is_turned_away(clinic, 0)? => Ok(()),
            Act::SignHead(clinic) => {
                let now_ms = self.now_ms;
                let head = self.store().head_of_the_day(&CAST.tenants[clinic], now_ms).unwrap();
                prop_assert_eq!(head.is_some(), !self.has.lines[clinic].is_empty());
                Ok(())
            }
            Act::Suspend(clinic) => self.suspend(clinic),
            Act::Reactivate(clinic) => self.reactivate(clinic),
            Act::Remove(clinic) => self.remove(clinic),
            Act::RemoveSecond(clinic) => self.remove_second(clinic),
            Act::Post(letter) => self.post(letter),
            Act::FetchMail(clinic, device) => self.fetch_mail(clinic, device),
            Act::AcknowledgeMail(clinic, device) => self.acknowledge_mail(clinic, device),
            Act::ReadMail(clinic, letter) => self.read_mail(clinic, letter),
        }
    }

    /// The first device wrote something: it holds it if the relay takes it.
    pub fn push_new(&mut self, clinic: usize, item: Held) -> Played {
        if self.is_turned_away(clinic, 0)? {
            return Ok(());
        }
        if self.devices[clinic][0].held.contains(&item) {
            return self.push(clinic, item).map(drop);
        }
        if self.push(clinic, item)? {
            self.devices[clinic][0].held.push(item);
        }
        Ok(())
    }

    /// Pushes, and says whether it was taken; the oracle must have said the same.
    pub fn push(&mut self, clinic: usize, item: Held) -> Result<bool, TestCaseError> {
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

    /// The first devices are there whenever they are served.
    pub fn look_how_far(&mut self) {
        for clinic in 0..N {
            let consents = self.store().heads(&CAST.tenants[clinic]).unwrap().consents;
            self.has.consents[clinic] = consents;
            if self.has.refuses(clinic, 0).is_none() {
                let life = self.has.life;
                self.devices[clinic][0].reached.insert(life, consents);
            }
        }
    }

    pub fn pull(&mut self, clinic: usize, device: usize, grant: usize, on: bool) -> Played {
        if self.is_turned_away(clinic, device)? {
            return Ok(());
        }
        if self.hand.is_none() {
            let (now_ms, tenant) = (self.now_ms, CAST.tenants[clinic]);
            let heads = self.store().release_heads(&tenant, now_ms).unwrap();
            prop_assert_eq!(
                heads.into_iter().collect::<BTreeMap<_, _>>(),
                self.has.heads(now_ms, clinic)
            );
        }
        self.n_requests += 1;
        let place = (clinic, grant, self.has.life);
        let after = if on {
            self.got.get(&place).copied().unwrap_or(0)
        } else {
            0
        };
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
                let ReleaseAnswer::Served {
                    source,
                    items,
                    up_to,
                    more,
                } = answer
                else {
                    return Err(TestCaseError::fail(format!("what may leave is denied: {answer:?}")));
                };
                let ids = items
                    .iter()
                    .map(|(at, bytes)| (*at, Release::decode(bytes).unwrap().header().id));
                let expected_ids = expected.iter().map(|(at, nth)| (*at, CAST.releases[grant][*nth]));
                prop_assert_eq!(ids.collect::<Vec<_>>(), expected_ids.collect::<Vec<_>>());
                prop_assert_eq!((source, more), (CAST.tenants[GRANTS[grant].0], false));
                prop_assert_eq!(up_to, self.has.last.get(&grant).copied().unwrap_or(0));
                self.got.insert(place, up_to);
            }
            Err(expected) => {
                let ReleaseAnswer::Denied { outcome, source } = answer else {
                    return Err(TestCaseError::fail(format!(
                        "left without a grant that is active: {answer:?}"
                    )));
                };
                prop_assert_eq!(outcome, expected);
                let is_known = self.has.granted.contains(&grant);
                prop_assert_eq!(source, is_known.then_some(CAST.tenants[GRANTS[grant].0]));
            }
        }
        Ok(())
    }

    pub fn back_up(&mut self) {
        let file = match &self.home {
            Home::Folder => {
                let file = tempfile::tempdir().unwrap();
                sync_server::backup(self.folder.path(), &file.path().join("backup")).unwrap();
                Some(file)
            }
            Home::Database(database) => {
                database.raw().batch_execute(&kept::KEEP).unwrap();
                None
            }
        };
        let has = self.has.clone();
        self.kept = Some(Kept { file, has });
    }

    pub fn put_back(&mut self) -> Played {
        let Some(kept) = &self.kept else {
            return Ok(());
        };
        self.store = None;
        match (&self.home, &kept.file) {
            (Home::Folder, Some(file)) => {
                sync_server::restore(self.folder.path(), &file.path().join("backup"), &mut self.rng).unwrap();
            }
            (Home::Database(database), _) => {
                database.raw().batch_execute(&kept::PUT_BACK).unwrap();
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

    pub fn confirm(&mut self, clinic: usize, device: usize) -> Played {
        if self.is_turned_away(clinic, device)? {
            return Ok(());
        }
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
        self.store()
            .consents_complete(&CAST.tenants[clinic], &id, &former)
            .unwrap();
        self.has.hear(clinic, device, &reached);
        let is_closed = self.store().is_closed(&CAST.tenants[clinic]).unwrap();
        prop_assert_eq!(is_closed, self.has.is_closed(clinic));
        Ok(())
    }

    /// Every line that was to be written is there, and no other; and the chains hold.
    pub fn end(mut self) -> Played {
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
