//! What can be said of one change by itself, without the store: found out before a transaction begins, so that nobody who
//! writes waits for signatures.

use std::sync::Arc;

use automerge::{ActorId, Change};
use domain::Day;
use seal::{ChangeId, ChangeKind, Header, SealError, SealedChange};

use crate::belonging::Belonging;
use crate::documents::DocPath;
use crate::payload::Payload;
use crate::vault::actor;
use crate::writing::document_id;
use crate::{Vault, ahead, backlog};

/// Why a change was not taken. The word is stored and shown; it never changes its meaning.
pub(crate) type Reason = &'static str;

/// Why what a removed device wrote beyond its end is not taken: a person must look at it.
pub(crate) const AFTER_REMOVAL: Reason = "after_removal";

/// From so many on, more than one thread looks at them, so many at a time.
const MANY: usize = 64;

/// A change that passed everything that can be said of it alone.
pub(crate) struct Opened {
    pub header: Header,
    pub path: DocPath,
    pub payload: Payload,
}

/// Where an opened change belongs.
pub(crate) enum Placed {
    Change(DocPath, Box<Change>),
    Fact(Box<Opened>),
}

/// A change as it came, and what was found when it was looked at.
pub(crate) struct Looked {
    /// Its id; of what could not even be decoded, the hash of its bytes.
    pub id: ChangeId,
    /// `None` for what could not even be decoded.
    pub sealed: Option<SealedChange>,
    pub bytes: Vec<u8>,
    pub found: Result<Placed, Reason>,
    /// It was not looked at closely: it is to be stored first, and read as soon as this says.
    pub rank: Option<u8>,
}

impl Looked {
    pub(crate) fn at(belonging: &Belonging, bytes: Vec<u8>) -> Self {
        match SealedChange::decode(&bytes) {
            Ok(sealed) => Self {
                id: sealed.id(),
                found: look(belonging, &sealed),
                sealed: Some(sealed),
                bytes,
                rank: None,
            },
            Err(error) => Self {
                id: ChangeId::from_bytes(*blake3::hash(&bytes).as_bytes()),
                sealed: None,
                found: Err(reason(error)),
                bytes,
                rank: None,
            },
        }
    }

    /// Of what is stored first: what today's work and search need is looked at closely all the same, the rest is told how soon
    /// it is to be read.
    fn ranked(belonging: &Belonging, bytes: Vec<u8>, today: Day) -> Self {
        let Ok(sealed) = SealedChange::decode(&bytes) else {
            return Self::at(belonging, bytes);
        };
        let rank = backlog::rank_of(belonging, &sealed, today);
        let (found, rank) = match backlog::is_judged_at_once(rank, &sealed) {
            true => (look(belonging, &sealed), None),
            false => (Err("to_be_read"), Some(rank)),
        };
        Self {
            id: sealed.id(),
            sealed: Some(sealed),
            bytes,
            found,
            rank,
        }
    }
}

/// Changes that were looked at under one view of who belongs.
pub(crate) struct LookedAt {
    belonging: Arc<Belonging>,
    /// They are many, and are stored first; the day is the present one.
    stores_first: Option<Day>,
    all: Vec<Looked>,
}

impl Vault {
    /// Looks at what came, before the writer is taken; several threads do when it is much.
    pub(crate) fn look_closely_at(&self, changes: Vec<Vec<u8>>) -> LookedAt {
        let belonging = self.belonging();
        if changes.len() < MANY {
            return LookedAt::of(belonging, None, changes);
        }
        let look = |part| LookedAt::of(Arc::clone(&belonging), None, part).all;
        let all = std::thread::scope(|scope| {
            let parts = ahead::in_order(scope, ahead::parts(changes, MANY), look);
            parts.flatten().flatten().collect()
        });
        LookedAt {
            belonging,
            stores_first: None,
            all,
        }
    }

    /// Looks at a part of what came, or of what is to be judged; `stores_first`: today, when most of it is only ranked.
    pub(crate) fn look_at_part(&self, stores_first: Option<Day>, part: Vec<Vec<u8>>) -> LookedAt {
        LookedAt::of(self.belonging(), stores_first, part)
    }

    /// The same, with the writer taken: whoever had it before may have changed who belongs.
    pub(crate) fn still(&self, looked: LookedAt) -> (Arc<Belonging>, Vec<Looked>) {
        let belonging = self.belonging();
        if Arc::ptr_eq(&belonging, &looked.belonging) {
            return (belonging, looked.all);
        }
        let changes = looked.all.into_iter().map(|looked| looked.bytes);
        let again = LookedAt::of(belonging, looked.stores_first, changes.collect());
        (again.belonging, again.all)
    }
}

impl LookedAt {
    /// All of them.
    pub(crate) fn all(&self) -> &[Looked] {
        &self.all
    }

    fn of(belonging: Arc<Belonging>, stores_first: Option<Day>, changes: Vec<Vec<u8>>) -> Self {
        let looked = changes.into_iter().map(|bytes| match stores_first {
            Some(today) => Looked::ranked(&belonging, bytes, today),
            None => Looked::at(&belonging, bytes),
        });
        Self {
            all: looked.collect(),
            belonging,
            stores_first,
        }
    }
}

/// Everything that can be said of a change alone.
pub(crate) fn look(belonging: &Belonging, sealed: &SealedChange) -> Result<Placed, Reason> {
    let (opened, writer) = open(belonging, sealed)?;
    if opened.header.kind == ChangeKind::Fact {
        return if opened.payload.fact.is_some() {
            Ok(Placed::Fact(Box::new(opened)))
        } else {
            Err("no_fact_inside")
        };
    }
    let change = opened.payload.automerge()?;
    // A change speaks as nobody but its writer.
    if *change.actor_id() != writer {
        return Err("wrong_actor");
    }
    Ok(Placed::Change(opened.path, Box::new(change)))
}

/// With the name that its writer has in Automerge.
fn open(belonging: &Belonging, sealed: &SealedChange) -> Result<(Opened, ActorId), Reason> {
    let header = *sealed.header();
    if header.kind == ChangeKind::Snapshot {
        return Err("snapshot"); // it is looked at with what is here of its document
    }
    admit(belonging, sealed)?;
    if sealed.body().is_none() {
        return Err(SealError::Erased.code());
    }
    if !matches!(header.kind, ChangeKind::Change | ChangeKind::Fact) {
        return Err("newer_kind");
    }
    let writer = actor(&header.device, &header.opening);
    let (payload, path) = Payload::unpack_by(&sealed.open(&belonging.epochs).map_err(reason)?, &writer)?;
    if document_id(belonging, &payload.path) != header.document {
        return Err("wrong_document");
    }
    let path = path.ok_or("newer_document")?;
    Ok((Opened { header, path, payload }, writer))
}

/// Whether it was written by somebody who belongs.
pub(crate) fn admit(belonging: &Belonging, sealed: &SealedChange) -> Result<(), Reason> {
    if sealed.header().tenant != belonging.tenant {
        return Err("wrong_tenant");
    }
    match sealed.verify(&belonging.membership) {
        // What it wrote itself a device that was removed goes on seeing: that may be nowhere else.
        Err(SealError::BeyondRemoval | SealError::UnknownDevice) if sealed.is_signed_by(&belonging.keys.public()) => {
            Ok(())
        }
        verdict => verdict.map_err(reason),
    }
}

pub(crate) fn reason(error: SealError) -> Reason {
    match error {
        SealError::BeyondRemoval => AFTER_REMOVAL,
        other => other.code(),
    }
}
