//! One attendance: `patient/<id>/visit/<id>`, together with the facts that sign it.

use domain::{
    Day, Diagnosis, Instant, LineId, PatientId, PrescriptionLine, Sensitivity, SoapNote, StaffId, VisitId, Vitals,
};
use rusqlite::{Connection, params};
use seal::ChangeId;
use serde::{Deserialize, Serialize};

use super::claims::VISITS;
use super::prescription::{read_line, read_lines, write_line};
use super::visit_note::{read_diagnoses, read_note, read_vitals, write_diagnoses, write_note, write_vitals};
use super::{DocPath, Edit, View, from_code, removal, to_code};
use crate::facts::NoteSigned;
use crate::reading::noun;
use crate::{Reading, VaultError, Writing};

/// A visit that is about to be opened.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NewVisit {
    /// Its id.
    pub id: VisitId,
    /// Whose.
    pub patient: PatientId,
    /// On which day, in the clinic's time zone.
    pub day: Day,
    /// When.
    pub opened_at: Instant,
    /// With which doctor, when it is known.
    pub doctor: Option<StaffId>,
}

/// A signature under a visit's note.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct SignedNote {
    /// The fact.
    pub fact: ChangeId,
    /// By whom.
    pub by: Option<StaffId>,
    /// When.
    pub at: Instant,
    /// Whether the person's signature holds.
    pub verified: bool,
}

/// A visit. Before it is signed it says what the draft says; after, what the signed fact says.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Visit {
    /// Its id.
    pub id: VisitId,
    /// Whose.
    pub patient: PatientId,
    /// On which day, in the clinic's time zone.
    pub day: Day,
    /// When.
    pub opened_at: Instant,
    /// With which doctor.
    pub doctor: Option<StaffId>,
    /// What was measured.
    pub vitals: Vitals,
    /// The note.
    pub note: SoapNote,
    /// The diagnoses.
    pub diagnoses: Vec<Diagnosis>,
    /// The prescription.
    pub lines: Vec<PrescriptionLine>,
    /// Marks that everything of this visit inherits.
    pub sensitivity: Vec<Sensitivity>,
    /// Lines and marks of a newer build that this one can't show; who shares or dispenses must say so.
    pub n_unreadable: u32,
    /// The signatures, oldest first; the first one counts. More than one: signed apart, a person must judge.
    #[serde(skip)]
    pub signed: Vec<SignedNote>,
    /// A draft that differs from what was signed, because it was edited apart: a proposed addendum.
    #[serde(skip)]
    pub proposal: Option<LateEdit>,
}

/// What a draft says that was edited apart from its signature, and is not in what was signed.
#[derive(Debug, Clone, PartialEq)]
pub struct LateEdit {
    /// The note.
    pub note: SoapNote,
    /// The diagnoses.
    pub diagnoses: Vec<Diagnosis>,
    /// What was measured.
    pub vitals: Vitals,
    /// The prescription.
    pub lines: Vec<PrescriptionLine>,
}

impl LateEdit {
    /// What `draft` says beside what was signed; `None` when it says the same.
    pub(super) fn of(draft: &Visit, signed: &NoteSigned) -> Option<Self> {
        let same = draft.note == signed.note
            && draft.diagnoses == signed.diagnoses
            && draft.vitals == signed.vitals
            && draft.lines == signed.lines;
        (!same).then(|| Self {
            note: draft.note.clone(),
            diagnoses: draft.diagnoses.clone(),
            vitals: draft.vitals.clone(),
            lines: draft.lines.clone(),
        })
    }
}

impl Reading<'_> {
    /// One visit.
    pub fn visit(&self, id: VisitId) -> Result<Option<Visit>, VaultError> {
        let draft = self.one("SELECT json FROM p_visits WHERE id = ?1", [id.as_bytes()], |row| {
            noun(row, 0)
        })?;
        draft.map(|draft| self.signed_over(draft)).transpose()
    }

    /// A patient's visits, newest first.
    pub fn visits_of(&self, patient: PatientId) -> Result<Vec<Visit>, VaultError> {
        let sql = "SELECT json FROM p_visits WHERE patient = ?1 ORDER BY opened_ms DESC, id DESC";
        let drafts: Vec<Visit> = self.many(sql, [patient.as_bytes()], |row| noun(row, 0))?;
        drafts.into_iter().map(|draft| self.signed_over(draft)).collect()
    }

    /// Lays what was signed over the draft.
    fn signed_over(&self, mut visit: Visit) -> Result<Visit, VaultError> {
        let signatures = self.signatures(visit.id)?;
        visit.signed = signatures
            .iter()
            .map(|(fact, _)| SignedNote {
                fact: fact.id,
                by: fact.by,
                at: fact.at,
                verified: fact.verified,
            })
            .collect();
        if let Some((_, signed)) = signatures.into_iter().next() {
            visit.proposal = LateEdit::of(&visit, &signed);
            visit.vitals = signed.vitals;
            visit.note = signed.note;
            visit.diagnoses = signed.diagnoses;
            visit.lines = signed.lines;
            // A mark that was made apart from the signature holds all the same: it only keeps more to the clinic.
            visit.sensitivity.retain(|mark| !signed.sensitivity.contains(mark));
            visit.sensitivity.splice(0..0, signed.sensitivity);
        }
        Ok(visit)
    }
}

impl Writing<'_> {
    /// Opens a visit.
    pub fn open_visit(&mut self, new: &NewVisit) -> Result<(), VaultError> {
        self.edit(DocPath::Visit(new.patient, new.id), |root| {
            root.put("day", new.day.to_string())?;
            root.put_instant("opened_at", new.opened_at)?;
            root.put_or_remove("doctor", new.doctor.map(|doctor| doctor.to_string()))
        })
    }

    /// Gives the visit to a doctor.
    pub fn set_visit_doctor(&mut self, visit: VisitId, doctor: Option<StaffId>) -> Result<(), VaultError> {
        self.edit_draft(visit, |root| {
            root.put_or_remove("doctor", doctor.map(|doctor| doctor.to_string()))
        })
    }

    /// Saves what was measured.
    pub fn put_vitals(&mut self, visit: VisitId, vitals: &Vitals) -> Result<(), VaultError> {
        self.edit_draft(visit, |root| write_vitals(root, vitals))
    }

    /// Saves the sentences of the draft that differ.
    pub fn put_note(&mut self, visit: VisitId, note: &SoapNote) -> Result<(), VaultError> {
        self.edit_draft(visit, |root| write_note(root, note))
    }

    /// Saves the diagnoses that differ.
    pub fn put_diagnoses(&mut self, visit: VisitId, diagnoses: &[Diagnosis]) -> Result<(), VaultError> {
        self.edit_draft(visit, |root| write_diagnoses(root, diagnoses))
    }

    /// Adds a line to the prescription, or saves the fields of one that differ.
    pub fn put_line(&mut self, visit: VisitId, line: &PrescriptionLine) -> Result<(), VaultError> {
        self.edit_draft(visit, |root| write_line(root, line))
    }

    /// Takes a line off the prescription.
    pub fn remove_line(&mut self, visit: VisitId, line: LineId) -> Result<(), VaultError> {
        self.edit_draft(visit, |root| {
            removal::remove(&mut root.map("lines")?, &line.to_string())
        })
    }

    /// Marks the visit with exactly these subjects. Marks of a newer build stay.
    pub fn set_sensitivity(&mut self, visit: VisitId, marks: &[Sensitivity]) -> Result<(), VaultError> {
        let wanted = marks.iter().map(to_code).collect::<Result<Vec<_>, _>>()?;
        self.edit_draft(visit, |root| {
            let mut present = root.map("sensitivity")?;
            for code in present.view().keys() {
                if from_code::<Sensitivity>(&code).is_some() && !wanted.contains(&code) {
                    present.remove(&code)?;
                }
            }
            wanted.iter().try_for_each(|code| present.put(code, true))
        })
    }

    /// Makes the draft say what was signed: what somebody wrote apart from the signature was taken as an addendum, or is
    /// left out. What comes later and was written apart from this, too, is proposed anew.
    pub fn settle_draft(&mut self, visit: VisitId) -> Result<(), VaultError> {
        let signatures = self.signatures(visit)?;
        let [(_, signed)] = &signatures[..] else {
            return Err(VaultError::NotFound("signature"));
        };
        self.edit(DocPath::Visit(signed.patient, visit), |root| {
            write_note(root, &signed.note)?;
            write_diagnoses(root, &signed.diagnoses)?;
            write_vitals(root, &signed.vitals)?;
            let mut to_remove = Vec::new();
            for (name, line) in root.view().children("lines") {
                let wanted = signed.lines.iter().any(|line| line.id.to_string() == name);
                // A line of a newer build is that build's.
                let readable = name.parse().is_ok_and(|id| read_line(id, &line).is_some());
                if !wanted && readable && !removal::is_removed(&line) {
                    to_remove.push(name);
                }
            }
            let mut lines = root.map("lines")?;
            to_remove
                .iter()
                .try_for_each(|name| removal::remove(&mut lines, name))?;
            signed.lines.iter().try_for_each(|line| write_line(root, line))
        })
    }

    /// Edits a visit that is here and not signed.
    fn edit_draft(
        &mut self,
        visit: VisitId,
        f: impl FnOnce(&mut Edit<'_>) -> Result<(), VaultError>,
    ) -> Result<(), VaultError> {
        let patient = self.one(
            "SELECT patient FROM p_visits WHERE id = ?1",
            [visit.as_bytes()],
            |row| Ok(row.get(0)?),
        )?;
        let patient = PatientId::from_bytes(patient.ok_or(VaultError::NotFound("visit"))?);
        if !self.signatures(visit)?.is_empty() {
            return Err(VaultError::Signed);
        }
        self.edit(DocPath::Visit(patient, visit), f)
    }
}

pub(super) fn project(conn: &Connection, patient: PatientId, id: VisitId, root: &View<'_>) -> Result<(), VaultError> {
    let (Some(day), Some(opened_at)) = (root.day("day"), root.instant("opened_at")) else {
        return VISITS.withdraw(conn, id.as_bytes(), patient.as_bytes());
    };
    let (lines, n_lines_unreadable) = read_lines(root);
    let marks = root.map("sensitivity").map(|marks| marks.keys()).unwrap_or_default();
    let sensitivity: Vec<Sensitivity> = marks.iter().filter_map(|code| from_code(code)).collect();
    let n_marks_unreadable = u32::try_from(marks.len() - sensitivity.len()).unwrap_or(u32::MAX);
    let visit = Visit {
        id,
        patient,
        day,
        opened_at,
        doctor: root.parsed("doctor"),
        vitals: read_vitals(root),
        note: read_note(root),
        diagnoses: read_diagnoses(root),
        lines,
        sensitivity,
        n_unreadable: n_lines_unreadable.saturating_add(n_marks_unreadable),
        signed: Vec::new(),
        proposal: None,
    };
    let json = super::to_json(&visit)?;
    let row = params![id.as_bytes(), patient.as_bytes(), opened_at.as_millisecond(), json];
    // What is in an index hardly ever changes: then only the row is written.
    let sql = "INSERT INTO p_visits (id, patient, opened_ms, json) VALUES (?1, ?2, ?3, ?4)
               ON CONFLICT (id) DO UPDATE SET json = excluded.json
               WHERE patient = excluded.patient AND opened_ms = excluded.opened_ms";
    if conn.prepare_cached(sql)?.execute(row)? == 0 {
        let table = VISITS.place(conn, id.as_bytes(), patient.as_bytes())?;
        let sql = format!("INSERT OR REPLACE INTO {table} (id, patient, opened_ms, json) VALUES (?1, ?2, ?3, ?4)");
        conn.prepare_cached(&sql)?.execute(row)?;
    }
    Ok(())
}
