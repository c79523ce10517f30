//! Which of the founded statements hold, once removals are counted.
//!
//! A removal *strikes* what the removed device signed and the remover had not built upon: what was signed apart, what was
//! dated back, what came afterwards. The root's statements are never struck. Then, until nothing more follows:
//!
//! - what a holding removal strikes is void, and so is what has lost its footing (all that gave its signer the right);
//! - what no longer can be struck, and has its footing, holds.
//!
//! What is left after that goes in circles: two admins who, apart, removed each other. In every circle that hangs on no
//! other one all removals hold (both are out), and from there it goes on. This is a function of the set alone: neither
//! the order of arrival nor anyone's clock decides.

use std::collections::BTreeSet;

use super::{bits::Bits, growing::Line};
use crate::StatementKind;

/// What holds and what is void; together, all of the line.
pub(super) struct Verdict {
    pub(super) holding: Bits,
    pub(super) void: Bits,
}

/// One look at a line, with what is known so far.
struct Weighing<'l, 'a> {
    line: &'l Line<'a>,
    /// Per statement: the removals that strike it.
    struck_by: Vec<Bits>,
    footing: Vec<Vec<Bits>>,
    verdict: Verdict,
}

/// Weighs every removal against every other one.
pub(super) fn weigh(line: &Line<'_>) -> (Verdict, Vec<Bits>) {
    let n = line.founded.len();
    let mut struck_by = vec![Bits::default(); n];
    for (place, removed) in &line.removals {
        for struck in line.struck_by(*place, removed).iter() {
            struck_by[struck].insert(*place);
        }
    }
    let mut weighing = Weighing {
        line,
        struck_by,
        footing: (0..n).map(|place| line.footing(place)).collect(),
        verdict: Verdict {
            holding: Bits::default(),
            void: Bits::default(),
        },
    };
    weighing.settle((0..n).collect());
    loop {
        let open: Vec<usize> = (0..n).filter(|place| !weighing.is_settled(*place)).collect();
        if open.is_empty() {
            break;
        }
        let circles = weighing.first_circles(&open).into_iter().flatten();
        let forced: Vec<usize> = circles.filter(|place| line.is_removal(*place)).collect();
        if forced.is_empty() {
            // Cannot be, since every circle goes through a removal; and if it were, nothing of it would hold.
            break;
        }
        forced.iter().for_each(|place| weighing.verdict.holding.insert(*place));
        let hanging: BTreeSet<usize> = forced.iter().flat_map(|place| weighing.hanging_on(*place)).collect();
        weighing.settle(hanging.into_iter().collect());
    }
    (weighing.verdict, weighing.struck_by)
}

impl Weighing<'_, '_> {
    fn is_settled(&self, place: usize) -> bool {
        self.verdict.holding.contains(place) || self.verdict.void.contains(place)
    }

    /// Looks at each of `places`, and again at whatever hangs on one that was settled.
    fn settle(&mut self, mut places: Vec<usize>) {
        places.reverse();
        let mut queued = Bits::default();
        places.iter().for_each(|place| queued.insert(*place));
        while let Some(place) = places.pop() {
            queued.remove(place);
            if self.is_settled(place) {
                continue;
            }
            let Verdict { holding, void } = &self.verdict;
            let (struck_by, footing) = (&self.struck_by[place], &self.footing[place]);
            if struck_by.intersects(holding) || footing.iter().any(|one_of| one_of.is_within(void)) {
                self.verdict.void.insert(place);
            } else if struck_by.is_within(void) && footing.iter().all(|one_of| one_of.intersects(holding)) {
                self.verdict.holding.insert(place);
            } else {
                continue;
            }
            for next in self.hanging_on(place) {
                if !queued.contains(next) {
                    queued.insert(next);
                    places.push(next);
                }
            }
        }
    }

    /// What may follow from the verdict on this one: what the device that it speaks of has signed.
    fn hanging_on(&self, place: usize) -> Vec<usize> {
        let device = match self.line.founded[place].statement.kind() {
            StatementKind::Genesis(genesis) => genesis.first_device.id(),
            StatementKind::AddDevice(add) => add.device.id(),
            StatementKind::MakeAdmin(make) => make.device,
            StatementKind::RemoveDevice(remove) => remove.device,
            StatementKind::NewEpoch(_)
            | StatementKind::AddWraps(_)
            | StatementKind::AskForKeys(_)
            | StatementKind::Unknown(_) => return Vec::new(),
        };
        let signed = self.line.signed_by.get(&device).map(|signed| signed.iter().collect());
        signed.unwrap_or_default()
    }

    /// What the verdict on this one still waits for.
    fn waits_for(&self, place: usize) -> Bits {
        let mut waits_for = self.struck_by[place].clone();
        for one_of in &self.footing[place] {
            waits_for.add(one_of);
        }
        waits_for.without(&self.verdict.holding).without(&self.verdict.void)
    }

    /// The circles among `open` that wait for nothing outside of themselves: the strongly connected components without a
    /// way out (Tarjan's algorithm, without recursion, since a hostile set may be deep).
    fn first_circles(&self, open: &[usize]) -> Vec<Vec<usize>> {
        const UNSEEN: usize = usize::MAX;
        let n = self.line.founded.len();
        let ways: Vec<Vec<usize>> = (0..n)
            .map(|place| {
                if self.is_settled(place) {
                    Vec::new()
                } else {
                    self.waits_for(place).iter().collect()
                }
            })
            .collect();
        let (mut seen, mut low) = (vec![UNSEEN; n], vec![UNSEEN; n]);
        let mut circle_of = vec![UNSEEN; n];
        let mut circles: Vec<Vec<usize>> = Vec::new();
        let (mut n_seen, mut path) = (0, Vec::new());
        for start in open {
            if seen[*start] != UNSEEN {
                continue;
            }
            let mut steps = vec![(*start, 0)];
            while let Some((place, way)) = steps.pop() {
                if way == 0 {
                    (seen[place], low[place]) = (n_seen, n_seen);
                    n_seen += 1;
                    path.push(place);
                } else {
                    // Back from the way before this one.
                    let from = ways[place][way - 1];
                    if circle_of[from] == UNSEEN {
                        low[place] = low[place].min(low[from]);
                    }
                }
                if let Some(next) = ways[place].get(way) {
                    steps.push((place, way + 1));
                    if seen[*next] == UNSEEN {
                        steps.push((*next, 0));
                    }
                } else if low[place] == seen[place] {
                    let at = path
                        .iter()
                        .rposition(|on_path| *on_path == place)
                        .expect("it was put there");
                    let circle = path.split_off(at);
                    circle.iter().for_each(|member| circle_of[*member] = circles.len());
                    circles.push(circle);
                }
            }
        }
        let closed = |circle: &Vec<usize>| {
            let own = circle_of[circle[0]];
            circle
                .iter()
                .flat_map(|member| &ways[*member])
                .all(|way| circle_of[*way] == own)
        };
        circles.into_iter().filter(closed).collect()
    }
}
