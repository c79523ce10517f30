//! What is held of one patient, for whoever is about to erase it.

use domain::{AttachmentId, PatientId, RecordingId};
use seal::ChangeId;

use crate::documents::DocPath;
use crate::writing::document_id;
use crate::{Erased, ErasureReason, HeldNumbers, Reading, RecordedFact, VaultError, snapshots};

/// What this store holds of one patient and an erasure can name.
#[derive(Debug, Clone, PartialEq)]
pub struct HeldOfPatient {
    /// Her documents.
    pub documents: Vec<HeldDocument>,
    /// Facts about her, oldest first; audit lines, which are never erased, are left out.
    pub facts: Vec<RecordedFact>,
}

/// One document.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct HeldDocument {
    /// Its path, as an erasure names it.
    pub path: String,
    /// The stable word for its kind: `identity`, `visit`, `recording` …
    pub kind: &'static str,
    /// The attachment that goes with it.
    pub attachment: Option<AttachmentId>,
    /// What its snapshots hold.
    pub numbers: Vec<HeldNumbers>,
}

impl Erased {
    /// These documents and facts, for this reason.
    pub fn of(reason: ErasureReason, patient: PatientId, documents: Vec<HeldDocument>, facts: Vec<ChangeId>) -> Self {
        let mut erased = Self {
            reason,
            sound: None,
            patient: Some(patient),
            documents: Vec::new(),
            facts,
            attachments: Vec::new(),
            numbers: Vec::new(),
        };
        for document in documents {
            erased.documents.push(document.path);
            erased.attachments.extend(document.attachment);
            erased.numbers.extend(document.numbers);
        }
        erased
    }
}

impl Reading<'_> {
    /// Everything of one patient that an erasure can name.
    pub fn held_of_patient(&self, patient: PatientId) -> Result<HeldOfPatient, VaultError> {
        let sql = "SELECT path FROM p_documents WHERE path LIKE 'patient/' || ?1 || '/%' ORDER BY path";
        let paths = self.many(sql, [patient.to_string()], |row| Ok(row.get::<_, String>(0)?))?;
        let documents = paths
            .into_iter()
            .filter_map(|path| self.held_document(path).transpose());
        let documents = documents.collect::<Result<_, _>>()?;
        let clinic = DocPath::Clinic.to_string();
        let mut facts = self.facts_of_patient(patient)?;
        facts.retain(|fact| fact.body.path().is_some_and(|path| path.to_string() != clinic));
        Ok(HeldOfPatient { documents, facts })
    }

    /// A recording as an erasure names it.
    pub fn held_recording(&self, recording: RecordingId) -> Result<Option<HeldDocument>, VaultError> {
        let Some(recording) = self.recording(recording)? else {
            return Ok(None);
        };
        self.held_document(DocPath::Recording(recording.patient, recording.id).to_string())
    }

    fn held_document(&self, path: String) -> Result<Option<HeldDocument>, VaultError> {
        let Ok(known) = path.parse::<DocPath>() else {
            return Ok(None);
        };
        let attachment = match known {
            DocPath::Recording(_, recording) => self.one(
                "SELECT attachment FROM p_recordings WHERE id = ?1",
                [recording.as_bytes()],
                |row| Ok(AttachmentId::from_bytes(row.get(0)?)),
            )?,
            _ => None,
        };
        let id = document_id(&self.belonging(), &path);
        let held = snapshots::held_of_document(self.conn(), &id)?;
        let numbers = held.into_iter().map(|((device, opening), numbers)| HeldNumbers {
            device,
            opening,
            ranges: numbers.ranges().collect(),
        });
        Ok(Some(HeldDocument {
            path,
            kind: known.kind().word(),
            attachment,
            numbers: numbers.collect(),
        }))
    }
}
