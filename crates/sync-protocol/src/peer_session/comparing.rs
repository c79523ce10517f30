//! Where do two sets differ? From the root of the prefix tree down, as far as the buckets differ.
//!
//! The caller asks, the answerer answers; what the caller finds goes both ways: it wants what it lacks, and tells what
//! the other side lacks. One question at a time, and none while what was found before still waits: so a side that
//! claims a world of ids only makes itself wait. A set is compared once in a connection.

use super::items::Items;
use super::{PeerStep, Stop};
use crate::limits::{BATCH_ITEMS, MAX_ASKS, MAX_PAGES, MAX_TREE_ASKS, SMALL_BUCKET};
use crate::tree::{Bucket, DEPTH, FAN_OUT, Prefix};
use crate::{IdsAsk, IdsPage, ItemId, PeerMessage, PeerSet, PeerStore, RefusedCode, Standing};

/// The comparison, from either side.
#[derive(Default)]
pub(super) struct Comparing {
    /// Still to be compared; the last is the present one. Empty at the answerer.
    sets: Vec<PeerSet>,
    /// Prefixes that differ and are to be looked into.
    deeper: Vec<Prefix>,
    /// Prefixes whose ids are to be compared.
    pages: Vec<IdsAsk>,
    asked: Option<Asked>,
    leads: bool,
    /// Whether `Compared` is still to be said (by the caller) or to be heard (by the answerer).
    open: bool,
    /// What the answerer was asked for, and how many pages it gave.
    n_tree_asks: u64,
    n_pages: u64,
}

enum Asked {
    Tree(Vec<Prefix>),
    Ids(Vec<IdsAsk>),
}

impl Comparing {
    /// Both sides come to the same answer: each compares what both have *said*.
    pub(super) fn begin(leads: bool, own: &Standing, theirs: &Standing) -> Self {
        let sets = PeerSet::ALL.into_iter().rev();
        let differ: Vec<_> = sets.filter(|set| own.of(*set) != theirs.of(*set)).collect();
        let open = !differ.is_empty();
        let mut comparing = Self {
            leads,
            open,
            ..Self::default()
        };
        if leads {
            comparing.sets = differ;
            comparing.start();
        }
        comparing
    }

    pub(super) fn is_done(&self) -> bool {
        !self.open
    }

    fn start(&mut self) {
        if !self.sets.is_empty() {
            self.deeper.push(Prefix::ROOT);
        }
    }

    fn found_everything(&self) -> bool {
        self.asked.is_none() && self.deeper.is_empty() && self.pages.is_empty()
    }

    /// The next question, if none is open.
    pub(super) fn ask(&mut self, step: &mut PeerStep) {
        if self.asked.is_some() {
            return;
        }
        if self.found_everything() && self.sets.pop().is_some() {
            self.start();
        }
        let Some(set) = self.sets.last().copied() else {
            return;
        };
        // Pages first, and the deepest prefixes first: so little is ever remembered.
        if !self.pages.is_empty() {
            let asks = take_last(&mut self.pages);
            step.say(&PeerMessage::AskIds(set, asks.clone().into()));
            self.asked = Some(Asked::Ids(asks));
        } else {
            let prefixes = take_last(&mut self.deeper);
            step.say(&PeerMessage::AskTree(set, prefixes.clone().into()));
            self.asked = Some(Asked::Tree(prefixes));
        }
    }

    /// All is found, and all that the other side lacks was told: it may know.
    pub(super) fn say_compared(&mut self, step: &mut PeerStep) {
        if self.open && self.leads && self.sets.is_empty() {
            step.say(&PeerMessage::Compared);
            self.open = false;
        }
    }

    /// The other side has compared everything.
    pub(super) fn end(&mut self) -> Result<(), Stop> {
        std::mem::replace(&mut self.open, false)
            .then_some(())
            .ok_or(RefusedCode::BadMessage.into())
    }

    /// Buckets came: which children differ?
    pub(super) fn tree(&mut self, store: &dyn PeerStore, theirs: &[[Bucket; FAN_OUT]]) -> Result<(), Stop> {
        let (Some(set), Some(Asked::Tree(prefixes))) = (self.sets.last(), self.asked.take()) else {
            return Err(RefusedCode::BadMessage.into());
        };
        if prefixes.len() != theirs.len() {
            return Err(RefusedCode::BadMessage.into());
        }
        let own = store.tree(*set, &prefixes)?;
        for ((prefix, own), theirs) in prefixes.iter().zip(&own).zip(theirs) {
            for ((child, own), theirs) in prefix.children().into_iter().flatten().zip(own).zip(theirs) {
                if own == theirs {
                    continue;
                }
                if child.depth() == DEPTH || own.n.min(theirs.n) <= SMALL_BUCKET {
                    self.pages.push(IdsAsk {
                        prefix: child,
                        after: None,
                    });
                } else {
                    self.deeper.push(child);
                }
            }
        }
        Ok(())
    }

    /// Ids came: which of them are lacking here, and which there?
    pub(super) fn ids(&mut self, store: &dyn PeerStore, theirs: Vec<IdsPage>, items: &mut Items) -> Result<(), Stop> {
        let (Some(set), Some(Asked::Ids(asks))) = (self.sets.last().copied(), self.asked.take()) else {
            return Err(RefusedCode::BadMessage.into());
        };
        if theirs.is_empty() || theirs.len() > asks.len() {
            return Err(RefusedCode::BadMessage.into());
        }
        let mut asks = asks.into_iter();
        for page in theirs {
            let Some(ask) = asks.next() else { break };
            check(&ask, &page)?;
            if !items.can_note() {
                self.pages.push(ask);
                break;
            }
            let own = store.ids_under(set, ask.prefix, ask.after.as_ref(), BATCH_ITEMS)?;
            let after = compare(&page, &own, |id, is_here| items.note(set, id, is_here));
            if after.is_some() {
                self.pages.push(IdsAsk { after, ..ask });
            }
        }
        self.pages.extend(asks);
        Ok(())
    }

    /// Answers which buckets are here.
    pub(super) fn tell_tree(
        &mut self,
        store: &dyn PeerStore,
        set: PeerSet,
        prefixes: &[Prefix],
        step: &mut PeerStep,
    ) -> Result<(), Stop> {
        self.n_tree_asks += prefixes.len() as u64;
        let have_children = prefixes.iter().all(|prefix| prefix.depth() < DEPTH);
        if !self.open || prefixes.is_empty() || !have_children || self.n_tree_asks > MAX_TREE_ASKS {
            return Err(RefusedCode::BadMessage.into());
        }
        step.say(&PeerMessage::Tree(store.tree(set, prefixes)?.into()));
        Ok(())
    }

    /// Answers which ids are here: together no more than one batch.
    pub(super) fn tell_ids(
        &mut self,
        store: &dyn PeerStore,
        set: PeerSet,
        asks: &[IdsAsk],
        step: &mut PeerStep,
    ) -> Result<(), Stop> {
        if !self.open || asks.is_empty() || self.n_pages > MAX_PAGES {
            return Err(RefusedCode::BadMessage.into());
        }
        let (mut pages, mut room) = (Vec::new(), BATCH_ITEMS);
        for ask in asks {
            // One more than fits tells whether there are more.
            let mut ids = store.ids_under(set, ask.prefix, ask.after.as_ref(), room + 1)?;
            let more = ids.len() > room;
            ids.truncate(room);
            room -= ids.len();
            pages.push(IdsPage { ids: ids.into(), more });
            if room == 0 {
                break;
            }
        }
        self.n_pages += pages.len() as u64;
        step.say(&PeerMessage::Ids(pages.into()));
        Ok(())
    }
}

/// A page is in order, under its prefix, after what was asked, and it goes on.
fn check(ask: &IdsAsk, page: &IdsPage) -> Result<(), Stop> {
    let ids = &page.ids.0;
    let begins = ids
        .first()
        .is_none_or(|first| ask.after.is_none_or(|after| after < *first));
    let in_order = ids.is_sorted_by(|one, next| one < next);
    let in_place = ids.iter().all(|id| ask.prefix.holds(id));
    let goes_on = !(page.more && ids.is_empty());
    (begins && in_order && in_place && goes_on)
        .then_some(())
        .ok_or(RefusedCode::BadMessage.into())
}

/// Tells of each id that only one side holds, up to where both lists say all; returns that place, unless it is the end.
fn compare(theirs: &IdsPage, own: &[ItemId], mut found: impl FnMut(ItemId, bool)) -> Option<ItemId> {
    let ids = &theirs.ids.0;
    let their_end = ids.last().filter(|_| theirs.more);
    let own_end = own.last().filter(|_| own.len() == BATCH_ITEMS);
    let end = their_end.into_iter().chain(own_end).min().copied();
    let counts = |id: &&ItemId| end.is_none_or(|end| **id <= end);
    for id in ids.iter().filter(counts).filter(|id| own.binary_search(id).is_err()) {
        found(*id, false);
    }
    for id in own.iter().filter(counts).filter(|id| ids.binary_search(id).is_err()) {
        found(*id, true);
    }
    end
}

fn take_last<T>(list: &mut Vec<T>) -> Vec<T> {
    list.split_off(list.len().saturating_sub(MAX_ASKS))
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use proptest::prelude::*;

    use super::*;

    fn id(n: u16) -> ItemId {
        let mut bytes = [0; 32];
        bytes[2..4].copy_from_slice(&n.to_be_bytes());
        ItemId::from_bytes(bytes)
    }

    /// The ids after a place, as a store gives them.
    fn page(ids: &BTreeSet<ItemId>, after: Option<ItemId>, max: usize) -> Vec<ItemId> {
        let later = ids.iter().filter(|id| after.is_none_or(|after| after < **id));
        later.take(max).copied().collect()
    }

    proptest! {
        #![proptest_config(ProptestConfig { cases: 48, failure_persistence: None, ..ProptestConfig::default() })]

        #[test]
        fn every_difference_of_a_crowded_leaf_is_found_once(
            own in proptest::collection::btree_set(0..3_000u16, 0..1_800),
            theirs in proptest::collection::btree_set(0..3_000u16, 0..1_800),
            rooms in proptest::collection::vec(1..=BATCH_ITEMS, 1..20),
        ) {
            let [own, theirs] = [own, theirs].map(|ids| ids.into_iter().map(id).collect::<BTreeSet<_>>());
            let (mut lacking, mut extra) = (Vec::new(), Vec::new());
            let mut ask = IdsAsk { prefix: Prefix::of(&id(0), DEPTH), after: None };
            for room in rooms.iter().cycle() {
                let ids = page(&theirs, ask.after, *room);
                let more = page(&theirs, ask.after, room + 1).len() > *room;
                let answer = IdsPage { ids: ids.into(), more };
                prop_assert!(check(&ask, &answer).is_ok());
                let own = page(&own, ask.after, BATCH_ITEMS);
                let after = compare(&answer, &own, |id, is_here| if is_here { extra.push(id) } else { lacking.push(id) });
                prop_assert!(after.is_none() || after > ask.after, "it goes on");
                ask.after = after;
                if after.is_none() {
                    break;
                }
            }
            lacking.sort_unstable();
            extra.sort_unstable();
            prop_assert_eq!(lacking, theirs.difference(&own).copied().collect::<Vec<_>>());
            prop_assert_eq!(extra, own.difference(&theirs).copied().collect::<Vec<_>>());
        }
    }
}
