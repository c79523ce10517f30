//! Devices that act apart, honest ones and stolen ones, and meet again in any order.

use std::collections::BTreeSet;

use proptest::prelude::*;
use seal::{
    EpochSecrets, Membership, OpeningEnd, Refusal, Signer, Statement, StatementId, StatementKind, add_device,
    add_wraps, make_admin, new_epoch, remove_device,
};

use crate::{
    team::{Known, OPENING, Team},
    world::NOW_MS,
};

/// What happens next; numbers are taken modulo what there is.
#[derive(Debug, Clone)]
enum Step {
    Add {
        by: usize,
        admin: bool,
    },
    Remove {
        by: usize,
        device: usize,
    },
    MakeAdmin {
        by: usize,
        device: usize,
    },
    NewEpoch {
        by: usize,
    },
    AddWraps {
        by: usize,
    },
    /// With the kit, by what one device knows.
    KitRemoves {
        by: usize,
        device: usize,
    },
    /// All that `from` knows reaches `to`.
    Meet {
        from: usize,
        to: usize,
    },
    /// From now on, what this one signs is dated back: it acts by what it knew at first.
    Steal {
        device: usize,
    },
}

fn steps() -> impl Strategy<Value = Vec<Step>> {
    let who = || 0..12_usize;
    let step = prop_oneof![
        2 => (who(), any::<bool>()).prop_map(|(by, admin)| Step::Add { by, admin }),
        4 => (who(), who()).prop_map(|(by, device)| Step::Remove { by, device }),
        1 => (who(), who()).prop_map(|(by, device)| Step::MakeAdmin { by, device }),
        2 => who().prop_map(|by| Step::NewEpoch { by }),
        1 => who().prop_map(|by| Step::AddWraps { by }),
        1 => (who(), who()).prop_map(|(by, device)| Step::KitRemoves { by, device }),
        4 => (who(), who()).prop_map(|(from, to)| Step::Meet { from, to }),
        1 => who().prop_map(|device| Step::Steal { device }),
    ];
    proptest::collection::vec(step, 1..24)
}

/// A team whose devices each know something else.
struct Apart {
    team: Team,
    known: Vec<Known>,
    stolen: BTreeSet<usize>,
    /// In the order in which they were made.
    made: Vec<Statement>,
}

impl Apart {
    fn make() -> Self {
        let team = Team::make(1, 2, 1);
        Self {
            known: vec![team.known.clone(); team.devices.len()],
            stolen: BTreeSet::new(),
            made: team.known.values().cloned().collect(),
            team,
        }
    }

    fn took(&mut self, by: usize, statements: Vec<Statement>) {
        for statement in statements {
            self.made.push(statement.clone());
            self.team.learn([statement.clone()]);
            if !self.stolen.contains(&by) {
                self.known[by].insert(statement.id(), statement);
            }
        }
    }

    /// Does the step as far as the honest way of making statements lets it be done; else, nothing.
    fn step(&mut self, step: &Step) {
        let n = self.known.len();
        let by = match step {
            Step::Meet { from, to } => {
                let more = self.known[from % n].clone();
                if !self.stolen.contains(&(to % n)) {
                    self.known[to % n].extend(more);
                }
                return;
            }
            Step::Steal { device } => {
                self.stolen.insert(device % n);
                return;
            }
            Step::Add { by, .. }
            | Step::Remove { by, .. }
            | Step::MakeAdmin { by, .. }
            | Step::NewEpoch { by }
            | Step::AddWraps { by }
            | Step::KitRemoves { by, .. } => by % n,
        };
        let view = self.team.by(&self.known[by]);
        let Team { devices, rng, kit, .. } = &mut self.team;
        let keys = &devices[by];
        let Ok(secrets) = EpochSecrets::unwrap(&view, keys) else {
            return;
        };
        let ends = [OpeningEnd {
            opening: OPENING,
            number: 3,
        }];
        let made = match step {
            Step::Add { admin, .. } => {
                let new = seal::DeviceKeys::make(rng);
                let added = add_device(&view, &secrets, keys, &new.public(), *admin, NOW_MS, rng);
                if let Ok(added) = &added {
                    devices.push(new);
                    // A new device gets all that its admitter knows, as by pairing.
                    let mut known = self.known[by].clone();
                    known.insert(added.id(), added.clone());
                    self.known.push(known);
                }
                added.map(|added| vec![added])
            }
            Step::Remove { device, .. } => remove_device(&view, keys, devices[device % n].id(), &ends, NOW_MS, rng),
            Step::KitRemoves { device, .. } => {
                remove_device(&view, &*kit, devices[device % n].id(), &ends, NOW_MS, rng)
            }
            Step::MakeAdmin { device, .. } => {
                make_admin(&view, keys, devices[device % n].id(), NOW_MS).map(|made| vec![made])
            }
            Step::NewEpoch { .. } => new_epoch(&view, keys, NOW_MS, rng).map(|made| vec![made]),
            Step::AddWraps { .. } => add_wraps(&view, &secrets, keys, NOW_MS, rng),
            Step::Meet { .. } | Step::Steal { .. } => return,
        };
        self.took(by, made.unwrap_or_default());
    }

    /// All meet; then whoever can hands on keys, the kit last, and an epoch is begun where one is lacking.
    fn heal(&mut self) -> Membership {
        for round in 0..3 {
            for device in 0..self.team.devices.len() {
                let now = self.team.now();
                let Team { devices, rng, kit, .. } = &mut self.team;
                let Ok(secrets) = EpochSecrets::unwrap(&now, &devices[device]) else {
                    continue;
                };
                let mut made = add_wraps(&now, &secrets, &devices[device], NOW_MS, rng).unwrap();
                if round == 1 {
                    let by_kit = EpochSecrets::unwrap_with_kit(&now, kit).unwrap();
                    made = add_wraps(&now, &by_kit, &*kit, NOW_MS, rng).unwrap();
                }
                if made.is_empty() && now.writing_epoch(&secrets).is_none() {
                    made.push(new_epoch(&now, &devices[device], NOW_MS, rng).unwrap());
                }
                self.team.learn(made);
            }
        }
        self.team.now()
    }
}

/// What removes a device, and holds.
fn holding_removals<'a>(known: &'a Known, by: &Membership) -> Vec<&'a Statement> {
    let holds = |one: &&Statement| by.accepted().contains(&one.id());
    let removes = |one: &&Statement| matches!(one.kind(), StatementKind::RemoveDevice(_));
    known.values().filter(holds).filter(removes).collect()
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(40))]

    #[test]
    fn however_they_acted_apart_all_that_meet_agree(steps in steps(), mix: u64) {
        let mut apart = Apart::make();
        steps.iter().for_each(|step| apart.step(step));
        let now = apart.team.now();

        // In any order, and every statement twice.
        let mut order: Vec<&Statement> = apart.made.iter().chain(&apart.made).collect();
        order.sort_by_key(|one| blake3::keyed_hash(&[mix as u8; 32], one.id().as_bytes()).to_hex().to_string());
        prop_assert_eq!(&Membership::from_statements(apart.team.tenant, order).unwrap(), &now);

        // Nothing that was made by the rules, from however old a view, is anything but held or void; the root's holds.
        prop_assert_eq!(now.accepted().len() + now.refused().len(), apart.team.known.len());
        for (id, statement) in &apart.team.known {
            prop_assert!(now.keeps(id), "{:?}: {:?}", statement.kind(), now.refused().get(id));
            if statement.signer() == Signer::Root {
                prop_assert!(now.accepted().contains(id));
            }
        }
        // Who is removed is no member, and nothing of what it signed apart from its removal holds.
        for removal in holding_removals(&apart.team.known, &now) {
            let StatementKind::RemoveDevice(remove) = removal.kind() else { unreachable!() };
            prop_assert!(now.is_removed(&remove.device) && now.device(&remove.device).is_none());
            for (id, statement) in &apart.team.known {
                let by_it = statement.signer() == Signer::Device(remove.device);
                let is_removal = matches!(statement.kind(), StatementKind::RemoveDevice(_));
                if by_it && !is_removal && now.accepted().contains(id) {
                    prop_assert!(past(&apart.team.known, removal).contains(id));
                }
            }
        }
        // New statements build upon all that holds.
        let built_upon: BTreeSet<_> =
            now.heads().iter().flat_map(|id| past(&apart.team.known, &apart.team.known[id]).into_iter().chain([*id])).collect();
        prop_assert!(now.accepted().is_subset(&built_upon));
    }

    #[test]
    fn a_set_that_grows_keeps_what_never_changes(steps in steps()) {
        let mut apart = Apart::make();
        let first: Vec<StatementId> = apart.made.iter().map(Statement::id).collect();
        steps.iter().for_each(|step| apart.step(step));
        let mut some: Known = Known::new();
        let mut before: Option<Membership> = None;
        for statement in &apart.made {
            some.insert(statement.id(), statement.clone());
            if some.len() < first.len() {
                continue;
            }
            let now = apart.team.by(&some);
            if let Some(before) = &before {
                for (id, known) in &some {
                    prop_assert!(!before.keeps(id) || now.keeps(id));
                    if known.signer() == Signer::Root {
                        prop_assert!(now.accepted().contains(id));
                    }
                    if let (StatementKind::RemoveDevice(remove), Signer::Root) = (known.kind(), known.signer()) {
                        prop_assert!(now.device(&remove.device).is_none());
                    }
                    prop_assert!(!before.has_epoch(&(*id).into()) || now.has_epoch(&(*id).into()));
                }
            }
            before = Some(now);
        }
        prop_assert_eq!(before, Some(apart.team.now()));
    }

    #[test]
    fn whoever_is_left_ends_with_all_keys_and_one_clean_epoch(steps in steps()) {
        let mut apart = Apart::make();
        steps.iter().for_each(|step| apart.step(step));
        let now = apart.heal();
        let members = apart.team.members();
        prop_assert_eq!(now.missing_wraps().collect::<Vec<_>>(), []);
        let chosen: BTreeSet<_> = members.iter().map(|device| now.writing_epoch(&apart.team.secrets(*device))).collect();
        prop_assert_eq!(chosen.len(), usize::from(!members.is_empty()));
        if let Some(chosen) = chosen.into_iter().next() {
            let chosen = chosen.expect("someone began one");
            prop_assert_eq!(chosen, now.current_epoch());
            prop_assert_eq!(now.holders(&chosen).collect::<Vec<_>>(), now.devices().map(|(id, _)| id).collect::<Vec<_>>());
        }
        for statement in apart.team.known.values() {
            if matches!(statement.kind(), StatementKind::NewEpoch(_)) {
                for device in &members {
                    prop_assert!(apart.team.secrets(*device).has(&statement.id().into()));
                }
            }
        }
        prop_assert!(now.refused().values().all(|refusal: &Refusal| refusal.is_void()));
    }
}

/// All that a statement builds upon.
fn past(known: &Known, statement: &Statement) -> BTreeSet<StatementId> {
    let mut past = BTreeSet::new();
    let mut left = statement.predecessors().to_vec();
    while let Some(id) = left.pop() {
        if past.insert(id) {
            left.extend_from_slice(known[&id].predecessors());
        }
    }
    past
}
