//! A member cannot open an epoch's keys that it was given: it says so, and others hand them on to it.

use std::collections::{BTreeMap, BTreeSet};

use proptest::prelude::*;
use seal::{
    AddWraps, AskForKeys, DeviceId, DeviceKeys, EpochId, EpochSecrets, EpochWrap, Membership, SealError, Signer,
    Statement, StatementId, StatementKind, add_wraps, ask_for_keys,
};

use crate::{
    team::{Known, Team, raw},
    world::{NOW_MS, rng},
};

const NEW_EPOCH: u16 = 2;
const ADD_WRAPS: u16 = 5;
const ASK_FOR_KEYS: u16 = 6;

/// An epoch whose envelope for one member does not open, by what is known.
fn broken_epoch(team: &mut Team, by: usize, victim: usize) -> Statement {
    let honest = team.rotation(by, &team.known.clone());
    let StatementKind::NewEpoch(mut epoch) = honest.kind().clone() else {
        unreachable!()
    };
    let victim = *team.devices[victim].id().as_bytes();
    let wrap = epoch.wraps.iter_mut().find(|wrap| wrap.recipient == victim).unwrap();
    wrap.sealed[40] ^= 1;
    let (by, upon) = (&team.devices[by], honest.predecessors());
    raw(team, by, upon, NEW_EPOCH, minicbor::to_vec(epoch).unwrap())
}

/// What hands on an epoch's keys in an envelope that does not open.
fn broken_wraps(team: &Team, by: usize, victim: usize, epoch: EpochId, view: &Membership) -> Statement {
    let add = AddWraps {
        device: team.devices[victim].id(),
        wraps: vec![EpochWrap {
            epoch,
            sealed: vec![1; 112],
        }],
    };
    let payload = minicbor::to_vec(add).unwrap();
    raw(team, &team.devices[by], &view.heads(), ADD_WRAPS, payload)
}

/// What a liar says, who can open it.
fn asking(team: &Team, by: usize, epoch: EpochId, view: &Membership) -> Statement {
    let epochs = vec![epoch];
    let payload = minicbor::to_vec(AskForKeys { epochs }).unwrap();
    raw(team, &team.devices[by], &view.heads(), ASK_FOR_KEYS, payload)
}

/// The device asks, by what is known.
fn asks(team: &mut Team, device: usize) -> usize {
    let asked = ask_for_keys(&team.now(), &team.secrets(device), &team.devices[device], NOW_MS).unwrap();
    let n_asked = asked.len();
    team.learn(asked);
    n_asked
}

/// The device hands on, by what is known.
fn hands_on(team: &mut Team, device: usize) -> usize {
    let (now, secrets) = (team.now(), team.secrets(device));
    let given = add_wraps(&now, &secrets, &team.devices[device], NOW_MS, &mut team.rng).unwrap();
    let n_given = given.len();
    team.learn(given);
    n_given
}

#[test]
fn whoever_cannot_open_its_envelope_says_so_and_is_handed_the_keys() {
    let mut team = Team::make(1, 0, 3);
    let epoch = broken_epoch(&mut team, 1, 2);
    let id = EpochId::from(epoch.id());
    team.learn([epoch]);
    assert!(team.now().refused().is_empty());
    let written = team.change(3, 1, &team.known.clone());
    assert_eq!(written.header().epoch, id);
    assert_eq!(written.open(&team.secrets(2)), Err(SealError::UnknownEpoch));
    assert_eq!(hands_on(&mut team, 0), 0, "nobody else sees it");

    let before = team.now();
    assert_eq!([0, 1, 2, 2, 3].map(|device| asks(&mut team, device)), [0, 0, 1, 0, 0]);
    let now = team.now();
    assert!(now.refused().is_empty());
    assert_eq!(
        now.writing_epoch(&team.secrets(0)),
        before.writing_epoch(&team.secrets(0))
    );
    assert_eq!(hands_on(&mut team, 2), 0, "who has no key hands none on");
    assert_eq!(
        [0, 3, 1].map(|device| hands_on(&mut team, device)),
        [1, 0, 0],
        "one is enough"
    );
    assert_eq!(written.open(&team.secrets(2)).unwrap().as_slice(), b"written");
    assert_eq!(team.now().writing_epoch(&team.secrets(2)), Some(id));
    assert_eq!(asks(&mut team, 2), 0);
}

#[test]
fn who_answers_with_a_broken_envelope_time_and_again_keeps_nobody_else_from_answering() {
    let mut team = Team::make(1, 0, 3);
    let epoch = broken_epoch(&mut team, 1, 2);
    let id = EpochId::from(epoch.id());
    team.learn([epoch]);
    assert_eq!(asks(&mut team, 2), 1);
    // The liar is first, and so nobody else answers; the second time it does not count as an answer.
    team.learn([broken_wraps(&team, 1, 2, id, &team.now())]);
    assert_eq!(hands_on(&mut team, 0), 0);
    assert_eq!(asks(&mut team, 2), 1);
    for _ in 0..3 {
        team.learn([broken_wraps(&team, 1, 2, id, &team.now())]);
        assert_eq!(asks(&mut team, 2), 0);
    }
    assert_eq!(hands_on(&mut team, 0), 1);
    assert!(team.secrets(2).has(&id));
}

#[test]
fn who_asks_without_need_costs_each_giver_one_envelope() {
    let mut team = Team::make(1, 0, 3);
    let epoch = team.rotation(0, &team.known.clone());
    let id = EpochId::from(epoch.id());
    team.learn([epoch]);
    let mut n_given = [0; 4];
    for _ in 0..5 {
        team.learn([asking(&team, 2, id, &team.now())]);
        for (device, n_given) in n_given.iter_mut().enumerate() {
            *n_given += hands_on(&mut team, device);
        }
    }
    assert_eq!(n_given, [1, 1, 0, 1]);
    // For an epoch that there is not, nobody does anything.
    let unheard = EpochId::from_bytes([9; 32]);
    team.learn([asking(&team, 2, unheard, &team.now())]);
    assert_eq!([0, 1, 3].map(|device| hands_on(&mut team, device)), [0; 3]);
}

#[test]
fn who_was_removed_or_never_belonged_is_given_nothing() {
    let mut team = Team::make(1, 0, 2);
    let epoch = broken_epoch(&mut team, 1, 2);
    team.learn([epoch.clone()]);
    let id = EpochId::from(epoch.id());
    let (secrets, before) = (team.secrets(2), team.now());
    assert_eq!(asks(&mut team, 2), 1);
    let removal = team.removal(0, 2, &team.known.clone());
    team.learn(removal);
    assert_eq!([0, 1].map(|device| hands_on(&mut team, device)), [0; 2]);
    let after = ask_for_keys(&team.now(), &secrets, &team.devices[2], NOW_MS);
    assert_eq!(after.unwrap_err(), SealError::RemovedDevice);
    // Also not when it says so again, or in the name of nobody.
    team.learn([asking(&team, 2, id, &before)]);
    let stranger = DeviceKeys::make(&mut rng(9));
    let of_stranger = raw(&team, &stranger, &before.heads(), ASK_FOR_KEYS, asked(id));
    team.learn([of_stranger.clone()]);
    assert!(!team.now().keeps(&of_stranger.id()));
    assert_eq!([0, 1].map(|device| hands_on(&mut team, device)), [0; 2]);
    let given = ask_for_keys(&before, &secrets, &stranger, NOW_MS);
    assert_eq!(given.unwrap_err(), SealError::UnknownDevice);
}

fn asked(epoch: EpochId) -> Vec<u8> {
    let epochs = vec![epoch];
    minicbor::to_vec(AskForKeys { epochs }).unwrap()
}

#[test]
fn an_asking_that_cannot_be_read_is_kept_as_by_builds_that_do_not_know_the_kind() {
    let mut team = Team::make(1, 0, 1);
    let heads = team.now().heads();
    let odd = raw(&team, &team.devices[1], &heads, ASK_FOR_KEYS, b"no map".to_vec());
    assert_eq!(odd.kind(), &StatementKind::Unknown(ASK_FOR_KEYS));
    team.learn([odd.clone()]);
    let upon = team.rotation(0, &team.known.clone());
    team.learn([upon.clone()]);
    assert!(team.now().keeps(&odd.id()) && team.now().accepted().contains(&upon.id()));
}

/// What happens next; numbers are taken modulo what there is.
#[derive(Debug, Clone)]
enum Step {
    BreakEpoch { victim: usize },
    BreakWraps { by: usize, victim: usize, epoch: usize },
    Lie { by: usize, epoch: usize },
    Ask { by: usize },
    HandOn { by: usize },
    Meet { from: usize, to: usize },
}

fn steps() -> impl Strategy<Value = Vec<Step>> {
    let n = || 0..60_usize;
    let step = prop_oneof![
        2 => n().prop_map(|victim| Step::BreakEpoch { victim }),
        2 => (n(), n(), n()).prop_map(|(by, victim, epoch)| Step::BreakWraps { by, victim, epoch }),
        1 => (n(), n()).prop_map(|(by, epoch)| Step::Lie { by, epoch }),
        4 => n().prop_map(|by| Step::Ask { by }),
        4 => n().prop_map(|by| Step::HandOn { by }),
        6 => (n(), n()).prop_map(|(from, to)| Step::Meet { from, to }),
    ];
    proptest::collection::vec(step, 1..40)
}

/// Members that each know something else. The first two are hostile: they break envelopes and ask without need; and one
/// of them is the maker of every epoch.
struct Apart {
    team: Team,
    known: Vec<Known>,
    epochs: Vec<EpochId>,
}

const LIARS: usize = 2;
const ALL: usize = 5;

impl Apart {
    fn make() -> Self {
        let mut team = Team::make(1, 0, ALL - 1);
        let epoch = broken_epoch(&mut team, 0, ALL - 1);
        let epochs = vec![epoch.id().into()];
        team.learn([epoch]);
        let known = vec![team.known.clone(); ALL];
        Self { team, known, epochs }
    }

    fn step(&mut self, step: &Step) {
        let epoch = |n: &usize| self.epochs[n % self.epochs.len()];
        let (by, made) = match step {
            Step::Meet { from, to } => {
                let more = self.known[from % ALL].clone();
                return self.known[to % ALL].extend(more);
            }
            Step::BreakEpoch { victim } => {
                let all = std::mem::replace(&mut self.team.known, self.known[0].clone());
                let made = broken_epoch(&mut self.team, 0, LIARS + victim % (ALL - LIARS));
                self.team.known = all;
                self.epochs.push(made.id().into());
                (0, vec![made])
            }
            Step::BreakWraps { by, victim, epoch: n } => {
                let by = by % LIARS;
                let view = self.team.by(&self.known[by]);
                (by, vec![broken_wraps(&self.team, by, victim % ALL, epoch(n), &view)])
            }
            Step::Lie { by, epoch: n } => {
                let by = by % LIARS;
                let view = self.team.by(&self.known[by]);
                (by, vec![asking(&self.team, by, epoch(n), &view)])
            }
            Step::Ask { by } => {
                let by = by % ALL;
                (by, self.asks(by))
            }
            Step::HandOn { by } => {
                let by = by % ALL;
                (by, self.hands_on(by))
            }
        };
        self.took(by, made);
    }

    fn view(&self, device: usize) -> (Membership, EpochSecrets) {
        let view = self.team.by(&self.known[device]);
        let secrets = EpochSecrets::unwrap(&view, &self.team.devices[device]).unwrap();
        (view, secrets)
    }

    fn asks(&self, by: usize) -> Vec<Statement> {
        let (view, secrets) = self.view(by);
        ask_for_keys(&view, &secrets, &self.team.devices[by], NOW_MS).unwrap()
    }

    fn hands_on(&mut self, by: usize) -> Vec<Statement> {
        let (view, secrets) = self.view(by);
        add_wraps(&view, &secrets, &self.team.devices[by], NOW_MS, &mut self.team.rng).unwrap()
    }

    fn took(&mut self, by: usize, made: Vec<Statement>) {
        self.known[by].extend(made.iter().map(|one| (one.id(), one.clone())));
        self.team.learn(made);
    }

    /// All meet again and again, the honest ones ask and hand on, and the liars are always first with broken envelopes.
    fn heal(&mut self) {
        for _ in 0..=ALL {
            for device in 0..ALL {
                self.known[device] = self.team.known.clone();
                if device < LIARS {
                    let view = self.team.now();
                    for (epoch, victim) in self
                        .epochs
                        .clone()
                        .into_iter()
                        .flat_map(|id| [(id, 2), (id, 3), (id, 4)])
                    {
                        let broken = broken_wraps(&self.team, device, victim, epoch, &view);
                        self.took(device, vec![broken]);
                    }
                    continue;
                }
                let asked = self.asks(device);
                self.took(device, asked);
                let given = self.hands_on(device);
                self.took(device, given);
            }
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(8))]

    #[test]
    fn whoever_lies_and_whoever_hears_of_what_when_every_honest_member_ends_with_every_key(steps in steps(), mix: u8) {
        let mut apart = Apart::make();
        steps.iter().for_each(|step| apart.step(step));
        apart.heal();
        let now = apart.team.now();
        prop_assert!(now.refused().is_empty(), "{:?}", now.refused());
        for (device, epoch) in (LIARS..ALL).flat_map(|device| apart.epochs.iter().map(move |epoch| (device, epoch))) {
            prop_assert!(apart.team.secrets(device).has(epoch), "{device} lacks {epoch}");
        }
        for device in LIARS..ALL {
            prop_assert_eq!(apart.asks(device), vec![]);
        }

        // However much was asked: an envelope per epoch and giver, and no more askings than there were givers, and one.
        let mut n_given: BTreeMap<(Signer, DeviceId, EpochId), usize> = BTreeMap::new();
        let mut n_asked: BTreeMap<(Signer, EpochId), usize> = BTreeMap::new();
        for statement in apart.team.known.values() {
            match statement.kind() {
                StatementKind::AddWraps(add) => {
                    for wrap in &add.wraps {
                        *n_given.entry((statement.signer(), add.device, wrap.epoch)).or_default() += 1;
                    }
                }
                StatementKind::AskForKeys(ask) => {
                    for epoch in &ask.epochs {
                        *n_asked.entry((statement.signer(), *epoch)).or_default() += 1;
                    }
                }
                _ => (),
            }
        }
        let honest: BTreeSet<Signer> = apart.team.devices[LIARS..].iter().map(|keys| Signer::Device(keys.id())).collect();
        prop_assert!(n_given.iter().all(|((by, _, _), n)| !honest.contains(by) || *n == 1), "{n_given:?}");
        prop_assert!(n_asked.iter().all(|((by, _), n)| !honest.contains(by) || *n <= ALL), "{n_asked:?}");

        let mut order: Vec<(StatementId, &Statement)> = apart.team.known.iter().map(|(id, one)| (*id, one)).collect();
        order.sort_by_key(|(id, _)| *blake3::keyed_hash(&[mix; 32], id.as_bytes()).as_bytes());
        let again = Membership::from_statements(apart.team.tenant, order.into_iter().map(|(_, one)| one)).unwrap();
        prop_assert_eq!(again, now);
    }
}
