//! Who says that it cannot open keys that it was given, and who has answered.
//!
//! That an envelope is broken nobody sees but the one whom it is for; so what it says is believed, and answered with
//! another envelope. Each member answers once for an epoch, however often it is asked: an honest envelope opens. The
//! latest asking of a device for an epoch stands open until somebody answers it who had not answered before: whoever
//! gave it nothing but a broken envelope keeps nobody else from giving it a good one.

use std::collections::{BTreeMap, BTreeSet};

use super::{bits::Bits, growing::Line};
use crate::{DeviceId, EpochId, Signer, StatementKind};

/// What a device that asks for the keys of an epoch has come to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Asked {
    /// Nobody has answered since it asked last, but who had answered before.
    pub(super) is_open: bool,
    /// Who has answered, then or earlier.
    pub(super) answered_by: BTreeSet<Signer>,
}

/// All that is asked for in a line.
pub(super) struct Asking<'l, 'a> {
    line: &'l Line<'a>,
    /// Per device: with which statements it asked for anything.
    by: BTreeMap<DeviceId, Bits>,
    asked: BTreeMap<(EpochId, DeviceId), Answers>,
}

struct Answers {
    /// Where it asked last.
    last: usize,
    given: BTreeMap<Signer, Given>,
}

/// What one signer has given, as seen from the last asking.
#[derive(Default)]
struct Given {
    before: bool,
    since: bool,
}

impl<'l, 'a> Asking<'l, 'a> {
    pub(super) fn of(line: &'l Line<'a>, holding: &Bits) -> Self {
        let (mut by, mut asked) = (BTreeMap::<DeviceId, Bits>::new(), BTreeMap::new());
        for place in holding.iter() {
            let statement = line.founded[place].statement;
            if let (StatementKind::AskForKeys(ask), Signer::Device(device)) = (statement.kind(), statement.signer()) {
                by.entry(device).or_default().insert(place);
                for epoch in &ask.epochs {
                    let given = BTreeMap::new();
                    asked.insert((*epoch, device), Answers { last: place, given });
                }
            }
        }
        Self { line, by, asked }
    }

    /// The statement at `place`, whose envelopes count, hands the keys of `epoch` to `device`.
    pub(super) fn given(&mut self, place: usize, device: DeviceId, epoch: EpochId) {
        let Some(answers) = self.asked.get_mut(&(epoch, device)) else {
            return;
        };
        let founded = &self.line.founded[place];
        if self.by[&device].intersects(&founded.past) {
            let given = answers.given.entry(founded.statement.signer()).or_default();
            given.before |= self.line.founded[answers.last].past.contains(place);
            given.since |= founded.past.contains(answers.last);
        }
    }

    pub(super) fn all(self) -> impl Iterator<Item = (EpochId, DeviceId, Asked)> {
        self.asked.into_iter().map(|((epoch, device), answers)| {
            let asked = Asked {
                is_open: !answers.given.values().any(|given| given.since && !given.before),
                answered_by: answers.given.into_keys().collect(),
            };
            (epoch, device, asked)
        })
    }
}
