//! What a person must judge: fields that were written apart, entries that one removed and another edited, drafts edited
//! apart from their signature, and facts that exclude one another.
//!
//! The tables hold where to look; who wrote what and when is read from the documents when somebody asks.

mod deciding;
mod rows;

use automerge::ChangeHash;
use domain::{Field, Instant, PatientId, StaffId, VisitId};
use rusqlite::params;
use seal::{DeviceId, OpeningId, SealedChange};

use super::disputes::{self, Spot};
use super::visit::{LateEdit, Visit};
use super::{DocPath, OpenDoc, Shelf, View, removal};
use crate::facts::{Dispensed, NoteSigned, RecordedFact, kind};
use crate::payload::Payload;
use crate::reading::{count, noun};
use crate::vault::actor;
use crate::{Reading, VaultError};

pub use deciding::Choice;
pub(super) use rows::project;
pub(crate) use rows::settle_visit;

/// Who wrote something, as far as it is known here: bodies of old changes may be gone.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Hand {
    /// The staff member at the keyboard.
    pub staff: Option<StaffId>,
    /// The device.
    pub device: Option<DeviceId>,
    /// When, by its clock.
    pub at: Option<Instant>,
}

/// One of the values that were written apart.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Written {
    /// Names it, for [`Choice::Side`].
    pub side: String,
    /// What it says: a code, a number, a day, or text.
    pub text: String,
    /// The kind of an identity number, the strength of a medicine.
    pub beside: Option<String>,
    /// Whose it is.
    pub by: Hand,
}

/// A field of which two devices wrote different values apart.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Disputed {
    /// Names it.
    pub key: String,
    /// Whose.
    pub patient: PatientId,
    /// Of which visit.
    pub visit: Option<VisitId>,
    /// Which field.
    pub field: Field,
    /// The substance or medicine that it is about; empty for what stands alone.
    pub of: String,
    /// Every value, oldest first.
    pub values: Vec<Written>,
}

/// An entry that one device removed while another edited it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Removed {
    /// Names it.
    pub key: String,
    /// Whose.
    pub patient: PatientId,
    /// Of which visit; `None`: an allergy.
    pub visit: Option<VisitId>,
    /// The substance or medicine.
    pub of: String,
    /// What was edited: the field, what its remover saw, what it says now.
    pub edited: Vec<(Field, String, String)>,
    /// Who removed it.
    pub removed_by: Option<Hand>,
    /// Who edited it.
    pub edited_by: Option<Hand>,
}

/// Something that a person must judge.
#[derive(Debug, Clone, PartialEq)]
#[allow(missing_docs, reason = "each is what its content says")]
pub enum Matter {
    /// Two values for one field.
    Disputed(Disputed),
    /// Removed here, edited there.
    Removed(Removed),
    /// A draft that was edited apart from its signature.
    LateEdit {
        patient: PatientId,
        visit: VisitId,
        edit: Box<LateEdit>,
    },
    /// A visit with more than one signature.
    SignedTwice {
        patient: PatientId,
        visit: VisitId,
        signatures: Vec<(RecordedFact, NoteSigned)>,
    },
    /// Medicines that were handed over more than once.
    DispensedTwice {
        patient: PatientId,
        visit: VisitId,
        dispensings: Vec<(RecordedFact, Dispensed)>,
    },
}

impl Matter {
    /// Whose it is.
    pub fn patient(&self) -> PatientId {
        match self {
            Self::Disputed(one) => one.patient,
            Self::Removed(one) => one.patient,
            Self::LateEdit { patient, .. }
            | Self::SignedTwice { patient, .. }
            | Self::DispensedTwice { patient, .. } => *patient,
        }
    }

    /// Of which visit.
    pub fn visit(&self) -> Option<VisitId> {
        match self {
            Self::Disputed(one) => one.visit,
            Self::Removed(one) => one.visit,
            Self::LateEdit { visit, .. } | Self::SignedTwice { visit, .. } | Self::DispensedTwice { visit, .. } => {
                Some(*visit)
            }
        }
    }
}

/// A spot that is open: not in a visit that was signed meanwhile.
const OPEN: &str = "FROM p_conflicts c JOIN p_documents d ON d.id = c.document
    WHERE (c.visit IS NULL OR NOT EXISTS (SELECT 1 FROM p_facts f WHERE f.visit = c.visit AND f.kind = ?1))";

impl Reading<'_> {
    /// How many matters are open.
    pub fn n_matters(&self) -> Result<u64, VaultError> {
        let n_spots = self.one(&format!("SELECT count(*) {OPEN}"), [kind::NOTE_SIGNED], |row| {
            Ok(count(row, 0)?)
        })?;
        let mut n = n_spots.unwrap_or(0);
        for (visit, _) in self.doubts(None)? {
            n += self.of_visit(visit)?.len() as u64;
        }
        Ok(n)
    }

    /// What is open, of everybody or of one patient.
    pub fn matters(&self, patient: Option<PatientId>) -> Result<Vec<Matter>, VaultError> {
        let sql = format!("SELECT d.path, c.field {OPEN} ORDER BY d.path, c.field");
        let spots = self.many(&sql, [kind::NOTE_SIGNED], |row| {
            Ok((row.get::<_, String>(0)?, row.get::<_, String>(1)?))
        })?;
        let mut matters = Vec::new();
        for (path, field) in spots {
            let of_patient = path.parse().ok().and_then(|path: DocPath| path.patient());
            if patient.is_none() || patient == of_patient {
                matters.extend(self.spot(&format!("{path} {field}"))?);
            }
        }
        for (visit, _) in self.doubts(patient)? {
            matters.extend(self.of_visit(visit)?);
        }
        Ok(matters)
    }

    fn doubts(&self, patient: Option<PatientId>) -> Result<Vec<(VisitId, PatientId)>, VaultError> {
        let doubts = self.many("SELECT visit, patient FROM p_doubts ORDER BY visit", [], |row| {
            Ok((VisitId::from_bytes(row.get(0)?), PatientId::from_bytes(row.get(1)?)))
        })?;
        let wanted = |of: &PatientId| patient.is_none_or(|patient| patient == *of);
        Ok(doubts.into_iter().filter(|(_, of)| wanted(of)).collect())
    }

    /// What is open about the facts of one visit.
    fn of_visit(&self, visit: VisitId) -> Result<Vec<Matter>, VaultError> {
        let twice = self.twice(visit)?;
        let mut matters = Vec::new();
        match &twice.signed()[..] {
            [] => {}
            [(_, signed)] => {
                let draft: Option<Visit> =
                    self.one("SELECT json FROM p_visits WHERE id = ?1", [visit.as_bytes()], |row| {
                        noun(row, 0)
                    })?;
                matters.extend(
                    draft
                        .and_then(|draft| LateEdit::of(&draft, signed))
                        .map(|edit| Matter::LateEdit {
                            patient: signed.patient,
                            visit,
                            edit: Box::new(edit),
                        }),
                );
            }
            [(_, first), ..] => matters.push(Matter::SignedTwice {
                patient: first.patient,
                visit,
                signatures: twice.signed().into_iter().cloned().collect(),
            }),
        }
        if let doubled @ [(_, first), ..] = &twice.dispensed_twice()[..] {
            matters.push(Matter::DispensedTwice {
                patient: first.patient,
                visit,
                dispensings: doubled.iter().copied().cloned().collect(),
            });
        }
        Ok(matters)
    }

    /// What is disputed at the spot of this name, if anything is.
    fn spot(&self, key: &str) -> Result<Option<Matter>, VaultError> {
        let Some((path, spot)) = parse(key) else {
            return Ok(None);
        };
        let open = Shelf::default().take_or_load(self.conn(), &self.belonging(), path)?;
        let root = View::root(&open.doc);
        let (Some(map), Some(patient)) = (spot.view(root), path.patient()) else {
            return Ok(None);
        };
        let visit = path.visit();
        let of = ["substance", "drug_name"].iter().find_map(|key| map.text(key));
        let of = of.unwrap_or_default();
        let key = key.to_owned();
        let hand = |change: &ChangeHash| self.hand(&open, change);
        let Some(field) = spot.field else {
            if !removal::is_edited_apart(&map) {
                return Ok(None);
            }
            let (removers, editors) = removal::hands(&map);
            return Ok(Some(Matter::Removed(Removed {
                key,
                patient,
                visit,
                of,
                edited: disputes::edited(&path, &map, &removers),
                removed_by: removers.last().map(hand).transpose()?,
                edited_by: editors.last().map(hand).transpose()?,
            })));
        };
        let mut values = Vec::new();
        for side in disputes::sides(&map, field) {
            let said = map.as_of(side);
            values.push(Written {
                side: hex::encode(side.0),
                text: disputes::text(&said, field),
                beside: disputes::beside(&said, field),
                by: self.hand(&open, &side)?,
            });
        }
        values.sort_by(|a, b| a.by.at.cmp(&b.by.at).then_with(|| a.side.cmp(&b.side)));
        Ok((values.len() > 1).then_some(Matter::Disputed(Disputed {
            key,
            patient,
            visit,
            field,
            of,
            values,
        })))
    }

    /// Whose change it is.
    fn hand(&self, open: &OpenDoc, change: &ChangeHash) -> Result<Hand, VaultError> {
        let sql = "SELECT device, sealed FROM changes WHERE document = ?1 AND am_hash = ?2";
        let found = self.one(sql, params![open.id.as_bytes(), change.0], |row| {
            Ok((
                DeviceId::from_bytes(row.get(0)?),
                row.get::<_, Option<Vec<u8>>>(1)?.unwrap_or_default(),
            ))
        })?;
        let Some((device, sealed)) = found else {
            return Ok(Hand {
                staff: None,
                device: self.device_in_snapshots(open, change)?,
                at: None,
            });
        };
        let payload = SealedChange::decode(&sealed).ok().and_then(|sealed| {
            let plain = sealed.open(&self.belonging().epochs).ok()?;
            Payload::unpack(&plain, sealed.header()).ok()
        });
        Ok(Hand {
            staff: payload
                .as_ref()
                .and_then(|payload| payload.staff)
                .map(StaffId::from_bytes),
            device: Some(device),
            at: payload
                .and_then(|payload| payload.at_ms)
                .and_then(Instant::from_millisecond),
        })
    }
}

impl Reading<'_> {
    /// Whose change it is by the snapshots that hold it: they name the openings of those who wrote, and an opening its actor.
    fn device_in_snapshots(&self, open: &OpenDoc, change: &ChangeHash) -> Result<Option<DeviceId>, VaultError> {
        let mut doc = open.doc.clone();
        let Some(writer) = doc.get_change_meta_by_hash(change).map(|meta| meta.actor.into_owned()) else {
            return Ok(None);
        };
        let sql = "SELECT DISTINCT n.device, n.opening FROM snapshot_numbers n JOIN snapshots s ON s.id = n.snapshot
                   WHERE s.document = ?1";
        let openings = self.many(sql, [open.id.as_bytes()], |row| {
            Ok((DeviceId::from_bytes(row.get(0)?), OpeningId::from_bytes(row.get(1)?)))
        })?;
        let mut devices = openings
            .into_iter()
            .filter(|(device, opening)| actor(device, opening) == writer);
        Ok(devices.next().map(|(device, _)| device))
    }
}

/// The document and the spot in it: `patient/<id>/allergies entries/<id>/severity`.
fn parse(key: &str) -> Option<(DocPath, Spot)> {
    let (path, spot) = key.split_once(' ')?;
    let path: DocPath = path.parse().ok()?;
    Some((path, Spot::parse(&path, spot)?))
}
