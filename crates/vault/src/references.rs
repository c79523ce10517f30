//! Whether what the operations of a change refer to is theirs to refer to.
//!
//! An operation names its container, the item of a list that it is at, and those that it takes the place of. Automerge
//! believes it: of two changes that were written apart, one that writes into a container of the other would be taken or
//! refused by who came first, and what it says it replaces elsewhere would be so or not by what else comes along. So all of it
//! must be in the past of the change, or before it in the change, and of the kind and in the place that is named. What is
//! in a change's past is named by hashes: this is a function of the change alone, for whoever has what it is based on.

use std::panic::{AssertUnwindSafe, catch_unwind};

use automerge::{ActorId, AutoCommit, Change, ObjId, ObjType, ReadDoc};

use crate::ancestry::{Ancestry, Named};
use crate::looked::Reason;
use crate::operations::{self, Name, Operation, Place, action};

/// Why a change is not taken whose operations refer to what is not theirs to refer to.
pub(crate) const FOREIGN: Reason = "foreign_operations";

/// What is to be known of an operation by those that refer to it.
#[derive(Clone, Copy)]
struct Made {
    within: Option<Named>,
    at: At,
    inserts: bool,
    action: u64,
}

/// Where in its container an operation is.
#[derive(Clone, Copy, PartialEq, Eq)]
enum At {
    /// Under the key that stands here among all keys.
    Key(usize, usize),
    Head,
    Item(Named),
}

/// Operations that follow one another in one change.
struct Span {
    first: u64,
    n: u64,
    /// Where they stand among all.
    at: usize,
    /// They are in the document.
    is_here: bool,
}

/// The operations of coming changes, and those of the document that were referred to.
#[derive(Default)]
pub(crate) struct References {
    made: Vec<Made>,
    keys: String,
    /// By writer, in the order of their numbers.
    spans: Vec<Vec<Span>>,
    /// Those of the change that was looked at last.
    fresh: Vec<Made>,
}

impl References {
    /// Whether all that a change refers to is its own to refer to. Its parents are known to `ancestry`.
    pub(crate) fn hold(&mut self, change: &Change, doc: &mut AutoCommit, ancestry: &mut Ancestry) -> bool {
        self.fresh.clear();
        let writers: Vec<(u32, &ActorId)> = change.actors().map(|actor| (ancestry.writer(actor), actor)).collect();
        let mut look = Look {
            change,
            first: change.start_op().get(),
            is_named: vec![false; writers.len()],
            writers: &writers,
            container: None,
            of: self,
            doc,
            ancestry,
        };
        let all = operations::read(change, |operation, over| look.take(&operation, over));
        // Automerge looks for every writer that is listed, wanted or not.
        all.is_some() && look.is_named.iter().skip(1).all(|is_named| *is_named)
    }

    /// The change that was looked at last is about to be applied.
    pub(crate) fn add(&mut self, change: &Change, ancestry: &mut Ancestry) {
        let mut fresh = std::mem::take(&mut self.fresh);
        if fresh.len() == change.len() {
            self.put(change, false, &mut fresh, ancestry);
        }
        self.fresh = fresh;
    }

    fn key(&mut self, key: &str) -> At {
        let begins = self.keys.len();
        self.keys.push_str(key);
        At::Key(begins, self.keys.len())
    }

    fn put(&mut self, change: &Change, is_here: bool, operations: &mut Vec<Made>, ancestry: &mut Ancestry) {
        let span = Span {
            first: change.start_op().get(),
            n: operations.len() as u64,
            at: self.made.len(),
            is_here,
        };
        self.made.append(operations);
        let writer = ancestry.writer(change.actor_id()) as usize;
        if self.spans.len() <= writer {
            self.spans.resize_with(writer + 1, Vec::new);
        }
        let spans = &mut self.spans[writer];
        let place = spans.partition_point(|one| one.first <= span.first);
        spans.insert(place, span);
    }

    /// An operation that is known, and whether it is in the document.
    fn find(&self, name: Named) -> Option<(Made, bool)> {
        let spans = self.spans.get(name.writer as usize)?;
        let span = spans.get(spans.partition_point(|span| span.first <= name.number).checked_sub(1)?)?;
        let nth = name.number - span.first;
        let made = (nth < span.n).then(|| self.made.get(span.at + nth as usize).copied());
        made.flatten().map(|made| (made, span.is_here))
    }
}

/// One change being looked at.
struct Look<'l, 'c> {
    change: &'c Change,
    writers: &'l [(u32, &'c ActorId)],
    is_named: Vec<bool>,
    first: u64,
    /// The container of the operation before, and whether it is a map: mostly it is the next one's, too.
    container: Option<(Name, bool)>,
    of: &'l mut References,
    doc: &'l mut AutoCommit,
    ancestry: &'l mut Ancestry,
}

impl<'c> Look<'_, 'c> {
    fn take(&mut self, operation: &Operation<'c>, over: &[Name]) -> Option<()> {
        let is_map = match operation.within {
            None => true,
            Some(within) => self.is_map(within)?,
        };
        let within = self.named_if_any(operation.within)?;
        let is_in_order = over.windows(2).all(|two| self.order(two[0]) < self.order(two[1]));
        let fits = match operation.action {
            action::DELETE => !operation.inserts && !over.is_empty(),
            action::MARK => operation.inserts,
            0..=action::MARK => true,
            _ => false,
        };
        if !fits || !is_in_order || (operation.inserts && !over.is_empty()) {
            return None;
        }
        let at = match operation.place {
            Place::Key(key) if is_map && !operation.inserts => {
                for name in over {
                    self.is_under(within, operation.within, key, *name)?;
                }
                self.of.key(key)
            }
            Place::Head if !is_map && operation.inserts => At::Head,
            Place::Item(item) if !is_map => {
                let item = self.named(item)?;
                let made = self.made(item)?;
                let is_item = |made: Made| made.within == within && made.inserts;
                if !is_item(made) {
                    return None;
                }
                for name in over {
                    let name = self.named(*name)?;
                    let made = self.made(name)?;
                    let is_at = if made.inserts {
                        name == item
                    } else {
                        made.at == At::Item(item)
                    };
                    if made.within != within || !is_at || made.action == action::DELETE {
                        return None;
                    }
                }
                At::Item(item)
            }
            _ => return None,
        };
        self.of.fresh.push(Made {
            within,
            at,
            inserts: operation.inserts,
            action: operation.action,
        });
        Some(())
    }

    fn named(&mut self, name: Name) -> Option<Named> {
        let place = usize::try_from(name.writer).ok()?;
        *self.is_named.get_mut(place)? = true;
        let (writer, _) = self.writers.get(place)?;
        Some(Named {
            writer: *writer,
            number: name.number,
        })
    }

    fn named_if_any(&mut self, name: Option<Name>) -> Option<Option<Named>> {
        match name {
            Some(name) => Some(Some(self.named(name)?)),
            None => Some(None),
        }
    }

    /// As operations are ordered: by number, and where two have one, by writer.
    fn order(&self, name: Name) -> (u64, Option<&ActorId>) {
        let writer = usize::try_from(name.writer)
            .ok()
            .and_then(|place| self.writers.get(place));
        (name.number, writer.map(|(_, actor)| *actor))
    }

    /// As Automerge's reading side wants it named.
    fn asked(&self, name: Name) -> Option<ObjId> {
        let (_, actor) = self.writers.get(usize::try_from(name.writer).ok()?)?;
        Some(ObjId::Id(name.number, (*actor).clone(), 0))
    }

    /// Whether a container is a map; `None` when there is none of this name for this change, or it is no container.
    fn is_map(&mut self, name: Name) -> Option<bool> {
        match self.container {
            Some((last, is_map)) if last == name => return Some(is_map),
            _ => {}
        }
        let named = self.named(name)?;
        let is_map = match self.near(named) {
            Near::Made(made) => match made.action {
                action::MAKE_MAP | action::MAKE_TABLE => true,
                action::MAKE_LIST | action::MAKE_TEXT => false,
                _ => return None,
            },
            Near::Nowhere => return None,
            Near::Farther => {
                let kind = self.doc.object_type(self.asked(name)?).ok()?;
                self.is_past(named, true)?;
                matches!(kind, ObjType::Map | ObjType::Table)
            }
        };
        self.container = Some((name, is_map));
        Some(is_map)
    }

    /// Whether an operation is under this key of a map, for this change to take its place.
    fn is_under(&mut self, within: Option<Named>, asked: Option<Name>, key: &str, name: Name) -> Option<()> {
        let named = self.named(name)?;
        if matches!(self.near(named), Near::Farther) {
            // What stands there now is most likely what it is.
            let map = asked.map_or(Some(ObjId::Root), |within| self.asked(within))?;
            let wanted = self.asked(name)?;
            let stands = |found: Vec<(_, ObjId)>| found.iter().any(|(_, id)| *id == wanted);
            if self.doc.get_all(map, key).is_ok_and(stands) {
                return self.is_past(named, true);
            }
        }
        let made = self.made(named)?;
        let is_under = match made.at {
            At::Key(begins, ends) => self.of.keys.get(begins..ends) == Some(key),
            _ => false,
        };
        (made.within == within && is_under && made.action != action::DELETE).then_some(())
    }

    /// An operation that this change may refer to.
    fn made(&mut self, name: Named) -> Option<Made> {
        match self.near(name) {
            Near::Made(made) => Some(made),
            Near::Nowhere => None,
            Near::Farther => {
                self.learn(name)?;
                match self.near(name) {
                    Near::Made(made) => Some(made),
                    _ => None,
                }
            }
        }
    }

    /// Reads the change of the document that made an operation.
    fn learn(&mut self, name: Named) -> Option<()> {
        let (_, actor) = self.writers.iter().find(|(writer, _)| *writer == name.writer)?;
        let hash = self.doc.hash_for_opid(&ObjId::Id(name.number, (*actor).clone(), 0))?;
        let change = catch_unwind(AssertUnwindSafe(|| self.doc.get_change_by_hash(&hash))).ok()??;
        let writers: Vec<u32> = change.actors().map(|actor| self.ancestry.writer(actor)).collect();
        let named = |name: Name| {
            let writer = *writers.get(usize::try_from(name.writer).ok()?)?;
            let number = name.number;
            Some(Named { writer, number })
        };
        let mut made = Vec::with_capacity(change.len());
        operations::read(&change, |operation, _| {
            made.push(Made {
                within: match operation.within {
                    Some(within) => Some(named(within)?),
                    None => None,
                },
                at: match operation.place {
                    Place::Key(key) => self.of.key(key),
                    Place::Head => At::Head,
                    Place::Item(item) => At::Item(named(item)?),
                },
                inserts: operation.inserts,
                action: operation.action,
            });
            Some(())
        })?;
        self.of.put(&change, true, &mut made, self.ancestry);
        Some(())
    }

    /// An operation, without asking the document.
    fn near(&mut self, name: Named) -> Near {
        if name.number >= self.first {
            // Nothing in its past has such a number: only what stands before it in the change.
            let nth = usize::try_from(name.number - self.first).ok();
            let own = nth.filter(|_| Some(name.writer) == self.writers.first().map(|(writer, _)| *writer));
            let made = own.and_then(|nth| self.of.fresh.get(nth));
            return made.map_or(Near::Nowhere, |made| Near::Made(*made));
        }
        match self.of.find(name) {
            Some((made, is_here)) => match self.is_past(name, is_here) {
                Some(()) => Near::Made(made),
                None => Near::Nowhere,
            },
            None => Near::Farther,
        }
    }

    fn is_past(&mut self, name: Named, is_here: bool) -> Option<()> {
        let is_past = self.ancestry.is_past(self.doc, self.change.deps(), name, is_here);
        is_past.then_some(())
    }
}

/// Where an operation was found.
enum Near {
    Made(Made),
    /// In the document, or nowhere.
    Farther,
    /// This change may not refer to it.
    Nowhere,
}
