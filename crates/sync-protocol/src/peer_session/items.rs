//! What is asked for, given, told and heard once it is known who lacks what.

use std::collections::{BTreeSet, VecDeque};

use minicbor::bytes::ByteVec;
use seal::DeviceId;

use super::proven::root;
use super::{PeerEvent, PeerStep, Stop};
use crate::compact::{Heard, Said};
use crate::limits::{
    BATCH_BYTES, BATCH_ITEMS, BATCHES_IN_FLIGHT, MAX_BROKEN_CLAIMS, MAX_NAMED_CHANGES, MAX_PEER_FRAME_BYTES,
    MAX_REMEMBERED, PEER_VERSION, PEER_WITH_SHORT_CHANGES, PEER_WITH_WANTED_FIRST,
};
use crate::peer_store::{change_may_be_named, consent_may_be_named};
use crate::{Consent, ItemId, PeerMessage, PeerSet, PeerStore, RefusedCode, StoreError};

type Item = (PeerSet, ItemId);

/// One side's half of the giving and taking.
pub(super) struct Items {
    /// Lacking here, to be asked for.
    lacking: VecDeque<Item>,
    /// Asked for, oldest first.
    asked: VecDeque<(PeerSet, Vec<ItemId>)>,
    /// All of `lacking` and `asked`.
    wanted: BTreeSet<Item>,
    /// So many of the oldest of these nobody claimed: the other side may not have them.
    n_unclaimed: usize,
    /// Claimed by the other side, and then not given.
    n_broken_claims: u64,
    /// Lacking there by the comparison, to be told.
    extra: VecDeque<Item>,
    /// A `Have` was sent and is not heard yet.
    unheard: bool,
    /// A `Have` came and `Heard` is still to be said.
    owes_heard: bool,
    /// Up to where this store's news was told.
    told: [u64; PeerSet::ALL.len()],
    /// What the other side was lately seen to have.
    known: Known,
    /// What was given, and how much there was to give when that was last looked at.
    n_given: u64,
    n_held: u64,
    /// What was asked for and is not here.
    n_in_vain: u64,
    /// Whether the other side answers who asks for what it has not claimed.
    takes_guesses: bool,
    /// What this connection has named so far, each way; an older peer is given changes whole.
    said: Option<Said>,
    heard: Heard,
}

/// The last few ids that came from the other side.
#[derive(Default)]
struct Known {
    ids: BTreeSet<Item>,
    order: VecDeque<Item>,
}

impl Known {
    fn note(&mut self, item: Item) {
        if self.ids.insert(item) {
            self.order.push_back(item);
        }
        if self.order.len() > MAX_REMEMBERED {
            self.order.pop_front().map(|oldest| self.ids.remove(&oldest));
        }
    }
}

impl Items {
    /// `ends`: the caller and the answerer. `newest`: the newest version of the protocol that the other side speaks.
    pub(super) fn begin(store: &dyn PeerStore, ends: [DeviceId; 2], newest: u16) -> Result<Self, StoreError> {
        let tenant = store.tenant();
        let gives_short = PEER_VERSION.min(newest) >= PEER_WITH_SHORT_CHANGES;
        let mut told = [0; PeerSet::ALL.len()];
        for set in PeerSet::ALL {
            told[set as usize] = store.newest(set)?;
        }
        Ok(Self {
            lacking: VecDeque::new(),
            asked: VecDeque::new(),
            wanted: BTreeSet::new(),
            n_unclaimed: 0,
            n_broken_claims: 0,
            extra: VecDeque::new(),
            unheard: false,
            owes_heard: false,
            told,
            known: Known::default(),
            n_given: 0,
            n_held: 0,
            n_in_vain: 0,
            takes_guesses: newest >= PEER_WITH_WANTED_FIRST,
            said: gives_short.then(|| Said::between(&tenant, &ends)),
            heard: Heard::between(&tenant, &ends),
        })
    }

    pub(super) fn are_done(&self) -> bool {
        self.wanted.is_empty() && self.all_told()
    }

    /// Nothing of the comparison's is still to be told.
    pub(super) fn all_told(&self) -> bool {
        self.extra.is_empty() && !self.unheard
    }

    /// Whether more may be looked for.
    pub(super) fn have_room(&self) -> bool {
        self.lacking.is_empty() && self.extra.is_empty()
    }

    /// Whether one more page of the present answer may be looked into.
    pub(super) fn can_note(&self) -> bool {
        self.lacking.len().max(self.extra.len()) < BATCH_ITEMS
    }

    /// The comparison found something that only one side has.
    pub(super) fn note(&mut self, set: PeerSet, id: ItemId, is_here: bool) {
        if is_here {
            self.extra.push_back((set, id));
        } else {
            self.want(set, id);
        }
    }

    /// What this store wants before all others is asked for at once; the other side may have it.
    pub(super) fn want_first(&mut self, store: &dyn PeerStore) -> Result<(), StoreError> {
        if self.takes_guesses {
            for id in store.lacking_of(&store.wanted_first()?)? {
                self.want(PeerSet::Changes, id.into());
            }
            self.n_unclaimed = self.lacking.len();
        }
        Ok(())
    }

    fn want(&mut self, set: PeerSet, id: ItemId) {
        if self.wanted.insert((set, id)) {
            self.lacking.push_back((set, id));
        }
    }

    /// The other side has these.
    pub(super) fn offered(&mut self, store: &dyn PeerStore, set: PeerSet, ids: &[ItemId]) -> Result<(), Stop> {
        if ids.is_empty() || std::mem::replace(&mut self.owes_heard, true) {
            return Err(RefusedCode::BadMessage.into());
        }
        ids.iter().for_each(|id| self.known.note((set, *id)));
        for id in store.lacking(set, ids)? {
            self.want(set, id);
        }
        Ok(())
    }

    pub(super) fn heard(&mut self) -> Result<(), Stop> {
        std::mem::replace(&mut self.unheard, false)
            .then_some(())
            .ok_or(RefusedCode::BadMessage.into())
    }

    /// The other side wants these.
    pub(super) fn give(
        &mut self,
        store: &dyn PeerStore,
        set: PeerSet,
        ids: &[ItemId],
        step: &mut PeerStep,
    ) -> Result<(), Stop> {
        if ids.is_empty() {
            return Err(RefusedCode::BadMessage.into());
        }
        let items: Vec<Option<ByteVec>> = match set {
            PeerSet::Consents => {
                let consents = store.consents(ids, BATCH_BYTES)?.into_iter();
                consents.map(|consent| Some(consent?.to_item().into())).collect()
            }
            PeerSet::Changes => {
                let changes = store.changes(ids, BATCH_BYTES)?.into_iter();
                changes.map(|change| Some(change?.into())).collect()
            }
        };
        if items.is_empty() || items.len() > ids.len() {
            return Err(StoreError::Failed("items_for_peer").into());
        }
        // Each once in a connection is all that a peer needs.
        let n_found = items.iter().flatten().count();
        self.n_given += n_found as u64;
        self.n_in_vain += (items.len() - n_found) as u64;
        if self.n_in_vain > MAX_NAMED_CHANGES {
            return Err(RefusedCode::BadMessage.into());
        }
        if self.n_given > self.n_held {
            self.n_held = PeerSet::ALL
                .into_iter()
                .try_fold(0_u64, |n, set| Ok::<_, StoreError>(n + root(store, set)?.n))?;
            if self.n_given > self.n_held + BATCH_ITEMS as u64 {
                return Err(RefusedCode::BadMessage.into());
            }
        }
        step.say(&match (&mut self.said, set) {
            (Some(said), PeerSet::Changes) => {
                let short = items.into_iter().map(|item| Some(said.change(&item?).into()));
                PeerMessage::ShortItems(short.collect::<Vec<_>>().into())
            }
            _ => PeerMessage::Items(items.into()),
        });
        Ok(())
    }

    /// As [`Self::came`], of changes without what both ends know.
    pub(super) fn came_short(
        &mut self,
        store: &dyn PeerStore,
        items: Vec<Option<ByteVec>>,
        step: &mut PeerStep,
    ) -> Result<(), Stop> {
        if !matches!(self.asked.front(), Some((PeerSet::Changes, _))) {
            return Err(RefusedCode::BadMessage.into());
        }
        let items = self.heard.items(items, MAX_PEER_FRAME_BYTES);
        self.came(store, items.map_err(|_| RefusedCode::BadMessage)?, step)
    }

    /// What was wanted came: each entry under the name under which it was claimed.
    pub(super) fn came(
        &mut self,
        store: &dyn PeerStore,
        items: Vec<Option<ByteVec>>,
        step: &mut PeerStep,
    ) -> Result<(), Stop> {
        let (set, ids) = self.asked.pop_front().ok_or(RefusedCode::BadMessage)?;
        if items.is_empty() || items.len() > ids.len() {
            return Err(RefusedCode::BadMessage.into());
        }
        let rest = ids[items.len()..].iter().rev();
        rest.for_each(|id| self.lacking.push_front((set, *id)));
        let (mut bodies, is_first) = (Vec::new(), self.n_unclaimed > 0);
        for (id, item) in ids.iter().zip(items) {
            self.wanted.remove(&(set, *id));
            match item {
                Some(item) => {
                    self.known.note((set, *id));
                    bodies.push((*id, Vec::from(item)));
                }
                None => self.n_broken_claims += u64::from(self.n_unclaimed == 0),
            }
            self.n_unclaimed = self.n_unclaimed.saturating_sub(1);
        }
        if self.n_broken_claims > MAX_BROKEN_CLAIMS {
            return Err(RefusedCode::BadMessage.into());
        }
        if !bodies.is_empty() {
            absorb(store, set, bodies, is_first)?;
            step.events.push(PeerEvent::Moved);
        }
        Ok(())
    }

    /// Asks, tells and answers as far as the windows allow.
    pub(super) fn go_on(&mut self, store: &dyn PeerStore, step: &mut PeerStep) -> Result<(), Stop> {
        while self.asked.len() < BATCHES_IN_FLIGHT as usize {
            let Some((set, ids)) = take_batch(&mut self.lacking) else {
                break;
            };
            step.say(&PeerMessage::Want(set, ids.clone().into()));
            self.asked.push_back((set, ids));
        }
        if self.owes_heard && self.lacking.is_empty() {
            step.say(&PeerMessage::Heard);
            self.owes_heard = false;
        }
        if !self.unheard {
            let next = match take_batch(&mut self.extra) {
                Some(batch) => Some(batch),
                None => self.news(store)?,
            };
            if let Some((set, ids)) = next {
                step.say(&PeerMessage::Have(set, ids.into()));
                self.unheard = true;
            }
        }
        Ok(())
    }

    /// What came into the store since it was last told, but not from the other side.
    fn news(&mut self, store: &dyn PeerStore) -> Result<Option<(PeerSet, Vec<ItemId>)>, StoreError> {
        for set in PeerSet::ALL {
            loop {
                let (place, mut ids) = store.since(set, self.told[set as usize], BATCH_ITEMS)?;
                if place <= self.told[set as usize] {
                    break;
                }
                self.told[set as usize] = place;
                ids.truncate(BATCH_ITEMS);
                ids.retain(|id| !self.known.ids.contains(&(set, *id)));
                if !ids.is_empty() {
                    return Ok(Some((set, ids)));
                }
            }
        }
        Ok(None)
    }
}

/// The first of the queue that are of one set.
fn take_batch(queue: &mut VecDeque<Item>) -> Option<(PeerSet, Vec<ItemId>)> {
    let set = queue.front()?.0;
    let n = queue.iter().take(BATCH_ITEMS).take_while(|(of, _)| *of == set).count();
    Some((set, queue.drain(..n).map(|(_, id)| id).collect()))
}

fn absorb(store: &dyn PeerStore, set: PeerSet, bodies: Vec<(ItemId, Vec<u8>)>, is_first: bool) -> Result<(), Stop> {
    match set {
        PeerSet::Consents => {
            let consents = bodies.into_iter().map(|(id, bytes)| {
                let consent = Consent::from_item(&bytes).ok()?;
                consent_may_be_named(&consent, id).then_some(consent)
            });
            let consents = consents.collect::<Option<Vec<_>>>().ok_or(RefusedCode::BadMessage)?;
            store.absorb_consents_from_peer(consents)?;
        }
        PeerSet::Changes => {
            if !bodies.iter().all(|(id, bytes)| change_may_be_named(bytes, *id)) {
                return Err(RefusedCode::BadMessage.into());
            }
            let changes = bodies.into_iter().map(|(_, bytes)| bytes).collect();
            match is_first {
                true => store.absorb_first_from_peer(changes)?,
                false => store.absorb_changes_from_peer(changes)?,
            }
        }
    }
    Ok(())
}
