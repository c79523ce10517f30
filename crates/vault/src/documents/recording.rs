//! A recording: `patient/<id>/recording/<id>` holds the transcript, the attachment's key and, once it is finished, the
//! manifest of its chunks. The chunks themselves are files; see `attachments`.

use std::ops::RangeInclusive;

use domain::{AttachmentId, Certainty, Instant, PatientId, RecordingId, Span, Speaker, Turn, VisitId};
use rusqlite::{Connection, params};
use seal::AttachmentKey;
use serde::{Deserialize, Serialize};

use super::claims::RECORDINGS;
use super::visit_note::write_span;
use super::{DocPath, Edit, View};
use crate::attachments::{ChunkEntry, chunks_here};
use crate::reading::noun;
use crate::{Reading, VaultError, Writing};

/// Samples a second, and channels, that a recording may have: what is computed from them must not run over.
const RATES: RangeInclusive<u32> = 1..=768_000;
const CHANNELS: RangeInclusive<u16> = 1..=64;

/// A recording that is about to begin.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NewRecording {
    /// Its id.
    pub id: RecordingId,
    /// Who is heard.
    pub patient: PatientId,
    /// At which visit.
    pub visit: VisitId,
    /// The attachment that holds the sound.
    pub attachment: AttachmentId,
    /// Since when.
    pub started_at: Instant,
    /// Samples a second of the sound that is kept.
    pub sample_rate: u32,
    /// Channels of the sound that is kept.
    pub channels: u16,
}

/// A recording.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Recording {
    /// Its id.
    pub id: RecordingId,
    /// Who is heard.
    pub patient: PatientId,
    /// At which visit.
    pub visit: VisitId,
    /// The attachment that holds the sound.
    pub attachment: AttachmentId,
    /// Since when.
    pub started_at: Instant,
    /// Until when; `None` while it runs, or after a crash.
    pub ended_at: Option<Instant>,
    /// Samples a second.
    pub sample_rate: u32,
    /// Channels.
    pub channels: u16,
    /// How many chunks there are: on this machine while unfinished, by the manifest after.
    pub n_chunks: u32,
    /// How long they are together, in milliseconds.
    pub millis: u64,
    /// The transcript.
    pub turns: Vec<Turn>,
}

impl Reading<'_> {
    /// One recording.
    pub fn recording(&self, id: RecordingId) -> Result<Option<Recording>, VaultError> {
        let found = self.one("SELECT json FROM p_recordings WHERE id = ?1", [id.as_bytes()], |row| {
            noun(row, 0)
        })?;
        found.map(|recording| self.counted(recording)).transpose()
    }

    /// The recordings of a visit, oldest first.
    pub fn recordings_of_visit(&self, visit: VisitId) -> Result<Vec<Recording>, VaultError> {
        let found = self.many(
            "SELECT json FROM p_recordings WHERE visit = ?1 ORDER BY id",
            [visit.as_bytes()],
            |row| noun(row, 0),
        )?;
        found.into_iter().map(|recording| self.counted(recording)).collect()
    }

    /// Recordings that began on this machine and were not finished: they run, or a crash cut them.
    pub fn unfinished_recordings(&self) -> Result<Vec<Recording>, VaultError> {
        let sql = "SELECT json FROM p_recordings WHERE finished = 0
                   AND EXISTS (SELECT 1 FROM chunks WHERE chunks.attachment = p_recordings.attachment AND fetched = 0)
                   ORDER BY id";
        let found = self.many(sql, [], |row| noun(row, 0))?;
        found.into_iter().map(|recording| self.counted(recording)).collect()
    }

    /// While a recording is unfinished, its length is what lies on this machine.
    fn counted(&self, mut recording: Recording) -> Result<Recording, VaultError> {
        if recording.ended_at.is_none() {
            let chunks = chunks_here(self.conn(), recording.attachment)?;
            recording.n_chunks = u32::try_from(chunks.len()).unwrap_or(u32::MAX);
            recording.millis = chunks.iter().map(|chunk| u64::from(chunk.millis)).sum();
        }
        Ok(recording)
    }
}

impl Writing<'_> {
    /// Begins a recording, with a fresh random key for its sound.
    pub fn start_recording(&mut self, new: &NewRecording) -> Result<(), VaultError> {
        let key = AttachmentKey::make(self.rng());
        self.edit(DocPath::Recording(new.patient, new.id), |root| {
            root.put("visit", new.visit.to_string())?;
            root.put("attachment", new.attachment.to_string())?;
            root.put("key", key.to_bytes().to_vec())?;
            root.put_instant("started_at", new.started_at)?;
            root.put("sample_rate", i64::from(new.sample_rate))?;
            root.put("channels", i64::from(new.channels))
        })
    }

    /// Ends a recording: the list of its chunks goes into the document, for all devices.
    pub fn finish_recording(&mut self, id: RecordingId, ended_at: Instant) -> Result<(), VaultError> {
        let recording = self.recording(id)?.ok_or(VaultError::NotFound("recording"))?;
        let chunks = chunks_here(self.conn(), recording.attachment)?;
        self.edit(DocPath::Recording(recording.patient, id), |root| {
            root.put_instant("ended_at", ended_at)?;
            root.list("chunks", &chunks, &["file", "millis"], read_chunk, |fields, chunk| {
                fields.put("file", chunk.file.to_vec())?;
                fields.put("millis", i64::from(chunk.millis))
            })
        })
    }

    /// Saves the turns of the transcript that differ.
    pub fn put_turns(&mut self, id: RecordingId, turns: &[Turn]) -> Result<(), VaultError> {
        let recording = self.recording(id)?.ok_or(VaultError::NotFound("recording"))?;
        self.edit(DocPath::Recording(recording.patient, id), |root| {
            root.list("turns", turns, &TURN, read_turn, write_turn)
        })
    }
}

/// The fields of a turn that this build knows.
const TURN: [&str; 6] = ["start_ms", "end_ms", "speaker", "certainty", "language", "text"];

fn read_turn(fields: &View<'_>) -> Turn {
    Turn {
        span: Span {
            start_ms: fields.number("start_ms").unwrap_or(0),
            end_ms: fields.number("end_ms").unwrap_or(0),
        },
        speaker: fields.code("speaker").unwrap_or(Speaker::Unknown),
        certainty: fields.code("certainty").unwrap_or(Certainty::Uncertain),
        language: fields.text("language"),
        text: fields.words("text"),
    }
}

fn write_turn(fields: &mut Edit<'_>, turn: &Turn) -> Result<(), VaultError> {
    write_span(fields, turn.span)?;
    fields.put_code("speaker", &turn.speaker)?;
    fields.put_code("certainty", &turn.certainty)?;
    fields.put_or_remove("language", turn.language.as_deref())?;
    fields.put("text", turn.text.as_str())
}

fn read_chunk(fields: &View<'_>) -> ChunkEntry {
    let file = fields
        .bytes("file")
        .and_then(|bytes| bytes.try_into().ok())
        .unwrap_or([0; 32]);
    ChunkEntry {
        file,
        millis: fields.number("millis").unwrap_or(0),
    }
}

pub(super) fn project(
    conn: &Connection,
    patient: PatientId,
    id: RecordingId,
    root: &View<'_>,
) -> Result<(), VaultError> {
    let chunks: Vec<ChunkEntry> = root.items("chunks").iter().map(read_chunk).collect();
    let read = || {
        Some(Recording {
            id,
            patient,
            visit: root.parsed("visit")?,
            attachment: root.parsed("attachment")?,
            started_at: root.instant("started_at")?,
            ended_at: root.instant("ended_at"),
            sample_rate: root.number("sample_rate").filter(|rate| RATES.contains(rate))?,
            channels: root.number("channels").filter(|n| CHANNELS.contains(n))?,
            n_chunks: u32::try_from(chunks.len()).ok()?,
            millis: chunks.iter().map(|chunk| u64::from(chunk.millis)).sum(),
            turns: root.items("turns").iter().map(read_turn).collect(),
        })
    };
    let (Some(recording), Some(key)) = (read(), root.bytes("key")) else {
        return RECORDINGS.withdraw(conn, id.as_bytes(), patient.as_bytes());
    };
    let files: Vec<String> = chunks.iter().map(|chunk| hex::encode(chunk.file)).collect();
    let table = RECORDINGS.place(conn, id.as_bytes(), patient.as_bytes())?;
    conn.prepare_cached(&format!(
        "INSERT OR REPLACE INTO {table} (id, patient, visit, attachment, key, finished, json, chunks)
         VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8)",
    ))?
    .execute(params![
        id.as_bytes(),
        patient.as_bytes(),
        recording.visit.as_bytes(),
        recording.attachment.as_bytes(),
        key,
        recording.ended_at.is_some(),
        super::to_json(&recording)?,
        super::to_json(&files)?,
    ])?;
    Ok(())
}
