//! How the changes of a document lie to one another: what is based on what, and which operations are in a change's past.
//!
//! Nearly every change is based on all that is here, and then nothing has to be looked up. Otherwise Automerge is asked for
//! what of the document is *not* in its past, once for all that branch off at one point.

use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};
use std::rc::Rc;

use automerge::{ActorId, AutoCommit, Change, ChangeHash, ChangeMetadata};

/// As many entries as the remembered pasts of coming changes may have together: some megabytes.
const MAX_REMEMBERED: usize = 1 << 20;

/// An operation of a document: its writer, as [`Ancestry::writer`] counts them, and its number.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) struct Named {
    pub writer: u32,
    pub number: u64,
}

/// What is to be known of a change by those that are based on it.
pub(crate) struct Mark {
    pub actor: ActorId,
    pub seq: u64,
    pub max_op: u64,
    /// What it is based on, if it is about to be applied; what is in the document is asked of Automerge.
    coming: Option<Vec<ChangeHash>>,
}

impl Mark {
    pub(crate) fn of(meta: &ChangeMetadata<'_>) -> Self {
        Self {
            actor: meta.actor.clone().into_owned(),
            seq: meta.seq,
            max_op: meta.max_op,
            coming: None,
        }
    }
}

/// What a change is based on, directly or not.
#[derive(Clone, Default)]
struct Past {
    /// Changes of the document: these, and what they are based on.
    here: BTreeSet<ChangeHash>,
    /// Of those that are about to be applied: the last operation of each writer. Whoever writes is based on what it wrote before.
    coming: BTreeMap<u32, u64>,
}

/// For each writer the first operation in the document that is not in a past.
type Limits = HashMap<u32, u64>;

/// The changes of a document, and those that are about to be applied to it.
pub(crate) struct Ancestry {
    known: BTreeMap<ChangeHash, Mark>,
    writers: HashMap<ActorId, u32>,
    /// On which nothing is based.
    heads: BTreeSet<ChangeHash>,
    /// Of coming changes, each with itself.
    pasts: HashMap<ChangeHash, Rc<Past>>,
    n_remembered: usize,
    limits: HashMap<BTreeSet<ChangeHash>, Limits>,
    /// The past of the change that is being looked at, once it was asked for.
    present: Option<Rc<Past>>,
}

impl Ancestry {
    pub(crate) fn of(doc: &mut AutoCommit) -> Self {
        Self {
            known: BTreeMap::new(),
            writers: HashMap::new(),
            heads: doc.get_heads().into_iter().collect(),
            pasts: HashMap::new(),
            n_remembered: 0,
            limits: HashMap::new(),
            present: None,
        }
    }

    /// A change that is in the document, or was added.
    pub(crate) fn mark(&mut self, doc: &mut AutoCommit, hash: &ChangeHash) -> Option<&Mark> {
        if !self.known.contains_key(hash) {
            let mark = Mark::of(&doc.get_change_meta_by_hash(hash)?);
            self.known.insert(*hash, mark);
        }
        self.known.get(hash)
    }

    /// The same, of one that was asked for before.
    pub(crate) fn known(&self, hash: &ChangeHash) -> Option<&Mark> {
        self.known.get(hash)
    }

    /// A number for a writer; whether it ever wrote is not asked.
    pub(crate) fn writer(&mut self, actor: &ActorId) -> u32 {
        if let Some(writer) = self.writers.get(actor) {
            return *writer;
        }
        let writer = u32::try_from(self.writers.len()).expect("there are fewer writers than changes");
        self.writers.insert(actor.clone(), writer);
        writer
    }

    /// Another change is looked at from now on.
    pub(crate) fn turn(&mut self) {
        self.present = None;
    }

    /// The change that is being looked at is about to be applied: others may be based on it.
    pub(crate) fn add(&mut self, change: &Change) {
        let hash = change.hash();
        for dep in change.deps() {
            self.heads.remove(dep);
        }
        self.heads.insert(hash);
        if let Some(past) = self.present.take() {
            let mut past = Rc::unwrap_or_clone(past);
            past.coming.insert(self.writer(change.actor_id()), change.max_op());
            self.remember(hash, past);
        }
        let mark = Mark {
            actor: change.actor_id().clone(),
            seq: change.seq(),
            max_op: change.max_op(),
            coming: Some(change.deps().to_vec()),
        };
        self.known.insert(hash, mark);
    }

    fn remember(&mut self, hash: ChangeHash, past: Past) {
        self.n_remembered += past.here.len() + past.coming.len();
        if self.n_remembered > MAX_REMEMBERED {
            self.pasts.clear();
            self.n_remembered = past.here.len() + past.coming.len();
        }
        self.pasts.insert(hash, Rc::new(past));
    }

    /// Whether an operation, which is in the document (`is_here`) or in a coming change, is in the past of a change that is
    /// based on these.
    pub(crate) fn is_past(&mut self, doc: &mut AutoCommit, deps: &[ChangeHash], name: Named, is_here: bool) -> bool {
        if self.heads.iter().all(|head| deps.contains(head)) {
            return true;
        }
        let past = match &self.present {
            Some(past) => Rc::clone(past),
            None => {
                let past = Rc::new(self.past_of(deps));
                self.present = Some(Rc::clone(&past));
                past
            }
        };
        if !is_here {
            return past.coming.get(&name.writer).is_some_and(|last| name.number <= *last);
        }
        if !self.limits.contains_key(&past.here) {
            let limits = self.limits_of(doc, &past.here);
            self.limits.insert(past.here.clone(), limits);
        }
        let limit = self.limits.get(&past.here).and_then(|limits| limits.get(&name.writer));
        limit.is_none_or(|limit| name.number < *limit)
    }

    fn past_of(&self, deps: &[ChangeHash]) -> Past {
        let mut past = Past::default();
        let (mut next, mut seen) = (deps.to_vec(), HashSet::new());
        while let Some(hash) = next.pop() {
            if !seen.insert(hash) {
                continue;
            }
            if let Some(known) = self.pasts.get(&hash) {
                past.here.extend(&known.here);
                for (writer, last) in &known.coming {
                    past.wrote(*writer, *last);
                }
                continue;
            }
            match self.known.get(&hash) {
                Some(Mark {
                    actor,
                    max_op,
                    coming: Some(deps),
                    ..
                }) => {
                    // It was added, and its writer was counted with it.
                    if let Some(writer) = self.writers.get(actor) {
                        past.wrote(*writer, *max_op);
                    }
                    next.extend(deps);
                }
                _ => drop(past.here.insert(hash)),
            }
        }
        past
    }

    fn limits_of(&mut self, doc: &mut AutoCommit, here: &BTreeSet<ChangeHash>) -> Limits {
        let here: Vec<ChangeHash> = here.iter().copied().collect();
        let mut limits = Limits::new();
        for meta in doc.get_changes_meta(&here) {
            let limit = limits.entry(self.writer(&meta.actor)).or_insert(u64::MAX);
            *limit = (*limit).min(meta.start_op);
        }
        limits
    }
}

impl Past {
    fn wrote(&mut self, writer: u32, number: u64) {
        let last = self.coming.entry(writer).or_default();
        *last = (*last).max(number);
    }
}
