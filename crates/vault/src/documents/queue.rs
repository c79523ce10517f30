//! A day's queue: `day/<date>`.

use std::collections::BTreeMap;

use domain::{Day, Instant, PatientId, QueueEntry, QueueEntryId, QueueState, StaffId, Token, VisitId};
use rusqlite::{Connection, Row, params};

use super::claims::QUEUE;
use super::{DocPath, View, id_of};
use crate::reading::noun;
use crate::{Reading, VaultError, Writing};

/// A patient who is about to be queued; her token is made when she is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NewQueueEntry {
    /// Its id.
    pub id: QueueEntryId,
    /// Who.
    pub patient: PatientId,
    /// The visit that it leads to.
    pub visit: VisitId,
    /// Why she came, in a few words.
    pub reason: String,
    /// For which doctor; `None` is whoever is free.
    pub doctor: Option<StaffId>,
    /// Since when she waits.
    pub arrived_at: Instant,
}

impl Reading<'_> {
    /// Everyone in a day's queue, by arrival.
    pub fn queue(&self, day: Day) -> Result<Vec<QueueEntry>, VaultError> {
        self.many(
            "SELECT json FROM p_queue WHERE day = ?1 ORDER BY arrived_ms, id",
            [day.to_string()],
            |row| noun(row, 0),
        )
    }

    /// One place in the queue, with its day.
    pub fn queue_entry(&self, id: QueueEntryId) -> Result<Option<(Day, QueueEntry)>, VaultError> {
        self.one("SELECT day, json FROM p_queue WHERE id = ?1", [id.as_bytes()], with_day)
    }

    /// Every place that a patient ever had in a queue. Looks through all of them.
    pub fn queue_entries_of(&self, patient: PatientId) -> Result<Vec<(Day, QueueEntry)>, VaultError> {
        let sql = "SELECT day, json FROM p_queue WHERE json LIKE '%' || ?1 || '%' ORDER BY day, id";
        let found = self.many(sql, [patient.to_string()], with_day)?;
        Ok(found
            .into_iter()
            .filter(|(_, entry)| entry.patient == patient)
            .collect())
    }

    /// The place in the queue that led to a visit.
    pub fn queue_entry_of_visit(&self, visit: VisitId) -> Result<Option<(Day, QueueEntry)>, VaultError> {
        self.one(
            "SELECT day, json FROM p_queue WHERE visit = ?1 ORDER BY arrived_ms, id",
            [visit.as_bytes()],
            with_day,
        )
    }
}

fn with_day(row: &Row<'_>) -> Result<(Day, QueueEntry), VaultError> {
    let day: String = row.get(0)?;
    let day = day.parse().map_err(|_| VaultError::Malformed("day"))?;
    Ok((Day(day), noun(row, 1)?))
}

impl Writing<'_> {
    /// Puts a patient at the end of a day's queue and gives her a token of this device.
    pub fn add_to_queue(&mut self, day: Day, new: &NewQueueEntry) -> Result<QueueEntry, VaultError> {
        let token = self.next_token(day)?;
        self.edit(DocPath::Day(day), |root| {
            let mut queue = root.map("queue")?;
            let mut fields = queue.map(&new.id.to_string())?;
            fields.put("token", token.0.as_str())?;
            fields.put("patient", new.patient.to_string())?;
            fields.put("visit", new.visit.to_string())?;
            fields.put("reason", new.reason.as_str())?;
            fields.put_or_remove("doctor", new.doctor.map(|doctor| doctor.to_string()))?;
            fields.put_code("state", &QueueState::Waiting)?;
            fields.put_instant("arrived_at", new.arrived_at)
        })?;
        self.queue_entry(new.id)?
            .map(|(_, entry)| entry)
            .ok_or(VaultError::Malformed("queue entry"))
    }

    /// Moves a patient on.
    pub fn set_queue_state(&mut self, id: QueueEntryId, state: QueueState) -> Result<(), VaultError> {
        let (day, _) = self.queue_entry(id)?.ok_or(VaultError::NotFound("queue entry"))?;
        self.edit(DocPath::Day(day), |root| {
            root.map("queue")?.map(&id.to_string())?.put_code("state", &state)
        })
    }

    /// Gives a patient to a doctor, or to whoever is free.
    pub fn set_queue_doctor(&mut self, id: QueueEntryId, doctor: Option<StaffId>) -> Result<(), VaultError> {
        let (day, _) = self.queue_entry(id)?.ok_or(VaultError::NotFound("queue entry"))?;
        let doctor = doctor.map(|doctor| doctor.to_string());
        self.edit(DocPath::Day(day), |root| {
            root.map("queue")?.map(&id.to_string())?.put_or_remove("doctor", doctor)
        })
    }
}

/// Only what changed is written: of hundreds who wait one is moved on.
pub(super) fn project(conn: &Connection, day: Day, root: &View<'_>) -> Result<(), VaultError> {
    let day = day.to_string();
    let mut there = rows_of(conn, &day)?;
    for (name, fields) in root.children("queue") {
        let Some(entry) = read(&name, &fields) else { continue };
        let json = super::to_json(&entry)?;
        // The other columns say nothing that is not in it.
        if there.remove(entry.id.as_bytes()).as_ref() == Some(&json) {
            continue;
        }
        let table = QUEUE.place(conn, entry.id.as_bytes(), &day)?;
        conn.prepare_cached(&format!(
            "INSERT OR REPLACE INTO {table} (id, day, visit, token, arrived_ms, json) VALUES (?1, ?2, ?3, ?4, ?5, ?6)",
        ))?
        .execute(params![
            entry.id.as_bytes(),
            day,
            entry.visit.as_bytes(),
            entry.token.0,
            entry.arrived_at.as_millisecond(),
            json
        ])?;
    }
    there.keys().try_for_each(|gone| QUEUE.withdraw(conn, gone, &day))
}

/// Takes the rows of a day away.
pub(super) fn unproject(conn: &Connection, day: Day) -> Result<(), VaultError> {
    let day = day.to_string();
    let there = rows_of(conn, &day)?;
    there.keys().try_for_each(|gone| QUEUE.withdraw(conn, gone, &day))
}

/// What stands in the table for a day, or beside it, by the entries' ids.
fn rows_of(conn: &Connection, day: &str) -> Result<BTreeMap<[u8; 16], String>, VaultError> {
    let mut rows = conn.prepare_cached(
        "SELECT id, json FROM p_queue WHERE day = ?1 UNION ALL SELECT id, json FROM p_queue_beside WHERE day = ?1",
    )?;
    let rows = rows.query_map([day], |row| Ok((row.get(0)?, row.get(1)?)))?;
    Ok(rows.collect::<Result<_, _>>()?)
}

fn read(name: &str, fields: &View<'_>) -> Option<QueueEntry> {
    Some(QueueEntry {
        id: id_of(name)?,
        token: Token(fields.words("token")),
        patient: fields.parsed("patient")?,
        visit: fields.parsed("visit")?,
        reason: fields.words("reason"),
        doctor: fields.parsed("doctor"),
        // A state that only a newer build knows: still to be seen to.
        state: fields.code("state").unwrap_or(QueueState::Waiting),
        arrived_at: fields.instant("arrived_at")?,
    })
}
