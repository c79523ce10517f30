//! Erasing: a whole patient, one recording or one fact, by a person of the device who may; and that none of it is anywhere
//! again, whatever went wrong meanwhile.
//!
//! What is erased is known here by names alone. Whether an erasure counts in the end follows from whether its own change was
//! taken: its device may have been put out before.

use std::cell::RefCell;
use std::collections::{BTreeMap, BTreeSet};
use std::rc::Rc;
use std::sync::Arc;

use anyhow::{Result, ensure};
use domain::{AttachmentId, PatientId, RecordingId, Role, StaffId};
use seal::{ChangeId, ChangeKind, DocumentId, PersonKeys, SealedChange, derive_document_id};
use sync_protocol::{ItemId, Page, PeerStore, RelayStore};
use testkit::SeededRng;
use vault::{Erased, ErasureReason, FACT_CONTEXT, FactBody, FactDraft, StaffEnrolled, Vault, VaultError, Writing};

use super::chance::{below, bytes, pick};
use super::deeds::patients;
use super::device::{Device, acknowledged};
use super::world::World;

/// A person on a device who may erase. There is none before something is to be erased there.
#[derive(Clone)]
pub(super) struct Owner {
    staff: StaffId,
    keys: Arc<PersonKeys>,
    enrolled: ItemId,
}

/// What an erasure named.
struct Named {
    documents: BTreeSet<DocumentId>,
    facts: BTreeSet<ItemId>,
    attachments: BTreeSet<AttachmentId>,
    patient: Option<PatientId>,
    recordings: BTreeSet<RecordingId>,
    /// The enrolment on which it stands.
    enrolled: ItemId,
}

/// Where a change stands: its document, and whether it is a fact.
#[derive(Clone, Copy)]
struct Place {
    document: DocumentId,
    is_fact: bool,
}

impl Place {
    fn of(change: &SealedChange) -> Self {
        Self {
            document: change.header().document,
            is_fact: change.header().kind == ChangeKind::Fact,
        }
    }
}

/// All erasures of a clinic, and where every change stands that was ever seen. All its devices look at the same.
#[derive(Default)]
pub(super) struct Erasures {
    made: BTreeMap<ItemId, Named>,
    places: BTreeMap<ItemId, Place>,
    /// Somebody was put out, so that one may come not to count; whoever had let the bodies go lacks them then.
    pub(super) may_be_void: bool,
}

pub(super) type Shared = Rc<RefCell<Erasures>>;

impl Erasures {
    fn names<'n>(&self, id: &ItemId, by: impl IntoIterator<Item = &'n Named>) -> bool {
        let place = self.places.get(id);
        by.into_iter().any(|named| match place {
            Some(place) if !place.is_fact => named.documents.contains(&place.document),
            _ => named.facts.contains(id),
        })
    }

    /// Whether a change may rightly have left the set: it lost its body to an erasure that does not count after all.
    pub(super) fn may_have_left(&self, id: &ItemId) -> bool {
        self.may_be_void && self.are_naming(id)
    }

    /// Whether any erasure names a change, counting or not.
    pub(super) fn are_naming(&self, id: &ItemId) -> bool {
        self.names(id, self.made.values())
    }

    /// Whether what a device alone keeps of a patient may be gone.
    pub(super) fn may_lack_patient(&self, patient: &PatientId) -> bool {
        self.made.values().any(|named| named.patient.as_ref() == Some(patient))
    }

    /// Whether a recording may be gone.
    pub(super) fn may_lack_recording(&self, recording: &RecordingId) -> bool {
        self.made.values().any(|named| named.recordings.contains(recording))
    }

    /// As if every erasure had named every document; there must be one.
    pub(super) fn name_all(&mut self) -> Result<()> {
        ensure!(!self.made.is_empty(), "nothing was erased");
        let all = self.places.values().map(|place| place.document);
        let all: BTreeSet<DocumentId> = all.collect();
        self.made.values_mut().for_each(|named| named.documents = all.clone());
        Ok(())
    }

    /// As if nothing had been named by any.
    pub(super) fn name_none(&mut self) {
        self.made.clear();
    }

    /// Remembers where what this store holds stands.
    pub(super) fn note_places(&mut self, vault: &Vault, held: &BTreeSet<ItemId>) -> Result<()> {
        let new: Vec<ItemId> = held
            .iter()
            .filter(|id| !self.places.contains_key(id))
            .copied()
            .collect();
        self.places
            .extend(opened(vault, &new)?.iter().map(|(id, change)| (*id, Place::of(change))));
        Ok(())
    }
}

/// These changes, as the store would give them to a peer.
fn opened(vault: &Vault, ids: &[ItemId]) -> Result<Vec<(ItemId, SealedChange)>> {
    let given = PeerStore::changes(vault, ids, usize::MAX)?;
    let all = ids.iter().zip(given);
    Ok(all
        .filter_map(|(id, bytes)| Some((*id, SealedChange::decode(&bytes?).ok()?)))
        .collect())
}

impl World {
    /// Somebody at this device erases something.
    pub(super) fn erase(&mut self, who: usize, rng: &mut SeededRng) -> Result<Option<()>> {
        let device = &self.devices[who];
        let Some(what) = device.something_to_erase(rng)? else {
            return Ok(None);
        };
        let owner = match &device.owner {
            Some(owner) => owner.clone(),
            None => match device.make_owner(rng)? {
                Some(owner) => owner,
                None => return Ok(None),
            },
        };
        let named = Named::by(&what, device, owner.enrolled);
        let erased = FactBody::Erased(what);
        let written = device
            .vault()
            .write(Some(owner.staff), |w| says(device, owner.staff, &owner.keys, w, erased));
        let fact = acknowledged(written, device.full)?;
        self.devices[who].owner = Some(owner);
        let Some(fact) = fact else { return Ok(None) };
        let erasures = Rc::clone(&self.devices[who].erasures);
        erasures.borrow_mut().made.insert(fact.into(), named);
        self.figures.n_erased += 1;
        Ok(Some(()))
    }

    /// What counts as erased is nowhere, and everything else still has its body.
    pub(super) fn check_erased(&mut self, clinic: usize, members: &[usize]) -> Result<()> {
        let first = &self.devices[members[0]];
        let aside: BTreeSet<ChangeId> = first
            .vault()
            .read(|r| r.quarantined())?
            .into_iter()
            .map(|one| one.id)
            .collect();
        let erasures = Rc::clone(&first.erasures);
        let erasures = erasures.borrow();
        let is_taken = |fact: &ItemId| {
            first.held.changes.contains(fact) && !aside.contains(&ChangeId::from_bytes(*fact.as_bytes()))
        };
        let counting: Vec<&Named> = erasures
            .made
            .iter()
            .filter(|(fact, named)| is_taken(fact) && is_taken(&named.enrolled))
            .map(|(_, named)| named)
            .collect();
        for who in members {
            let (name, device) = (&self.devices[*who].name, &self.devices[*who]);
            let held: Vec<ItemId> = device.held.changes.iter().copied().collect();
            for (id, change) in opened(device.vault(), &held)? {
                let has_body = change.body().is_some();
                let is_erased = erasures.names(&id, counting.iter().copied());
                ensure!(
                    !(is_erased && has_body),
                    "{name} holds the body of something that is erased"
                );
                ensure!(
                    is_erased || has_body,
                    "{name} has lost the body of something that is not erased"
                );
            }
            for attachment in counting.iter().flat_map(|named| &named.attachments) {
                ensure!(
                    !device.has_sound(attachment),
                    "{name} has the sound of an erased recording"
                );
            }
        }
        let page = Page {
            after: 0,
            max_items: usize::MAX >> 1,
            max_bytes: usize::MAX,
        };
        let at_relay = self.relay.store().changes(&self.clinics[clinic].tenant, page)?;
        for (_, bytes) in at_relay {
            let Some(change) = bytes.and_then(|bytes| SealedChange::decode(&bytes).ok()) else {
                continue;
            };
            let id = ItemId::from(change.id());
            let is_erased = erasures.names(&id, counting.iter().copied());
            // What is covered the relay gives to nobody, and drops after its month.
            ensure!(
                !(is_erased && change.body().is_some()) || self.is_covered(&id),
                "the relay holds the body of something that is erased"
            );
        }
        Ok(())
    }
}

impl Device {
    /// A person of this device gets a key and the right to erase.
    fn make_owner(&self, rng: &mut SeededRng) -> Result<Option<Owner>> {
        let (staff, keys) = (StaffId::from_bytes(bytes(rng)), PersonKeys::make(rng));
        let enrolled = FactBody::StaffEnrolled(StaffEnrolled {
            staff,
            role: Role::Owner,
            device: self.vault().device(),
            person_public: keys.public(),
        });
        let written = self
            .vault()
            .write(Some(staff), |w| says(self, staff, &keys, w, enrolled));
        let enrolled = acknowledged(written, self.full)?;
        Ok(enrolled.map(|enrolled| Owner {
            staff,
            keys: Arc::new(keys),
            enrolled: enrolled.into(),
        }))
    }

    /// A patient with all that is here of her, one of her recordings, or one fact about her.
    fn something_to_erase(&self, rng: &mut SeededRng) -> Result<Option<Erased>> {
        let known = patients(self.vault())?;
        let Some(patient) = pick(rng, &known).map(|patient| patient.id) else {
            return Ok(None);
        };
        let held = self.vault().read(|r| r.held_of_patient(patient))?;
        let mut documents = held.documents;
        let mut facts: Vec<ChangeId> = held.facts.iter().map(|fact| fact.id).collect();
        match below(rng, 3) {
            0 => {}
            1 => {
                facts.clear();
                documents.retain(|document| is_sound(&document.path));
                documents = pick(rng, &documents).cloned().into_iter().collect();
            }
            _ => {
                documents.clear();
                facts = pick(rng, &facts).copied().into_iter().collect();
            }
        }
        let is_something = !(documents.is_empty() && facts.is_empty());
        Ok(is_something.then(|| Erased::of(ErasureReason::PatientsRight, patient, documents, facts)))
    }
}

impl Named {
    fn by(what: &Erased, on: &Device, enrolled: ItemId) -> Self {
        let belonging = on.vault().belonging();
        let document = |path: &String| derive_document_id(belonging.epochs.naming_key(), path);
        let sounds = what.documents.iter().filter(|path| is_sound(path));
        let is_whole = what.documents.iter().any(|path| path.ends_with("/identity"));
        Self {
            documents: what.documents.iter().map(document).collect(),
            facts: what.facts.iter().map(|id| ItemId::from(*id)).collect(),
            attachments: what.attachments.iter().copied().collect(),
            patient: what.patient.filter(|_| is_whole),
            recordings: sounds
                .filter_map(|path| path.rsplit('/').next()?.parse().ok())
                .collect(),
            enrolled,
        }
    }
}

fn is_sound(path: &str) -> bool {
    path.contains("/recording/")
}

fn says(
    device: &Device,
    staff: StaffId,
    keys: &PersonKeys,
    w: &mut Writing<'_>,
    body: FactBody,
) -> Result<ChangeId, VaultError> {
    let draft = FactDraft {
        at: w.now(),
        by: Some(staff),
        body,
    };
    let signed = draft.bytes_to_sign(&device.tenant(), &device.vault().device())?;
    w.record_fact(&draft, Some(keys.sign(FACT_CONTEXT, &signed)))
}
