//! What was put aside, told so that a person can decide: by whom, how much, of what kind, and who waits for it.

use std::collections::{BTreeMap, BTreeSet};

use domain::Instant;
use rusqlite::params;
use seal::{DeviceId, DocumentId, OpeningEnd, OpeningId, SealedChange};

use crate::documents::DocPath;
use crate::judge::AFTER_REMOVAL;
use crate::payload::Payload;
use crate::reading::count;
use crate::set::{Verdict, by_number};
use crate::{Reading, VaultError};

/// As many bodies of one group as are opened to tell what they are about; the count is exact all the same.
const MAX_OPENED: u64 = 2_000;

/// Changes of one device that were put aside for one reason.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PutAside {
    /// The stable word for why.
    pub reason: String,
    /// The device that their headers name.
    pub device: DeviceId,
    /// How many.
    pub count: u64,
    /// When the oldest fact among them became true, by its writer's clock.
    pub first_at: Option<Instant>,
    /// How many belong to which kind of document (`visit`, `identity` …), as far as they can be opened here.
    pub documents: BTreeMap<&'static str, u64>,
    /// Changes in the same documents that wait for a parent: mostly others' work on top of these.
    pub n_held_up: u64,
    /// How far they reach in each opening.
    pub ends: Vec<OpeningEnd>,
}

impl PutAside {
    /// Whether a removed device wrote them beyond what its removal lets stand, so that a person may let them count.
    pub fn is_after_removal(&self) -> bool {
        self.reason == AFTER_REMOVAL
    }
}

#[derive(Default)]
struct Group {
    count: u64,
    first_ms: Option<i64>,
    documents: BTreeMap<&'static str, u64>,
    touched: BTreeSet<DocumentId>,
    ends: BTreeMap<OpeningId, u64>,
}

impl Reading<'_> {
    /// Everything that was put aside, by reason and device.
    pub fn put_aside(&self) -> Result<Vec<PutAside>, VaultError> {
        let mut groups: BTreeMap<(String, DeviceId), Group> = BTreeMap::new();
        let sql = "SELECT coalesce(reason, ''), device, document, opening, number, sealed FROM changes
                   WHERE verdict IN (1, 2) AND verdict = ?1 ORDER BY arrival";
        self.many(sql, [Verdict::Quarantined as i64], |row| {
            let device = DeviceId::from_bytes(row.get(1)?);
            let group = groups.entry((row.get(0)?, device)).or_default();
            group.count += 1;
            group.touched.insert(DocumentId::from_bytes(row.get(2)?));
            let end = group.ends.entry(OpeningId::from_bytes(row.get(3)?)).or_default();
            *end = count(row, 4)?.max(*end);
            if group.count <= MAX_OPENED {
                let sealed = row.get_ref(5)?.as_blob().map_err(|_| VaultError::Damaged)?;
                if let Some((kind, at_ms)) = self.glance(sealed) {
                    *group.documents.entry(kind).or_default() += 1;
                    group.first_ms = [group.first_ms, at_ms].into_iter().flatten().min();
                }
            }
            Ok(())
        })?;
        groups
            .into_iter()
            .map(|((reason, device), group)| {
                Ok(PutAside {
                    n_held_up: self.n_waiting_in(&group.touched)?,
                    reason,
                    device,
                    count: group.count,
                    first_at: group.first_ms.and_then(Instant::from_millisecond),
                    documents: group.documents,
                    ends: ends(group.ends),
                })
            })
            .collect()
    }

    /// How far what a device wrote was taken here, for each of its openings that wrote anything: what its removal names.
    pub fn ends_of(&self, device: &DeviceId) -> Result<Vec<OpeningEnd>, VaultError> {
        // What is here, and what snapshots in force hold of what need not be here any more.
        let here = by_number("opening, number", "device = ?1 AND number > 0 AND verdict IN (?2, ?3)");
        let sql = format!(
            "SELECT opening, max(number) FROM ({here}
                 UNION ALL SELECT n.opening, n.last FROM snapshot_numbers n
                     JOIN snapshots s ON s.id = n.snapshot WHERE n.device = ?1 AND s.in_force)
             GROUP BY opening ORDER BY opening"
        );
        let row = params![device.as_bytes(), Verdict::Applied as i64, Verdict::Waiting as i64];
        let taken = self.many(&sql, row, |row| {
            Ok((OpeningId::from_bytes(row.get(0)?), count(row, 1)?))
        })?;
        let mut ends: BTreeMap<OpeningId, u64> = taken.into_iter().collect();
        for (opening, number) in self.to_be_read_of(device)? {
            let end = ends.entry(opening).or_default();
            *end = number.max(*end);
        }
        Ok(self::ends(ends))
    }

    /// What is here of a device and still to be read: its signature alone says that it will be taken.
    fn to_be_read_of(&self, device: &DeviceId) -> Result<Vec<(OpeningId, u64)>, VaultError> {
        let belonging = self.belonging();
        let sql = "SELECT sealed FROM changes WHERE device = ?1 AND verdict = 3 AND rank IS NOT NULL";
        let places = self.many(sql, [device.as_bytes()], |row| {
            let sealed = row.get_ref(0)?.as_blob().map_err(|_| VaultError::Damaged)?;
            let sealed = SealedChange::decode(sealed).ok();
            let signed = sealed.filter(|sealed| sealed.verify(&belonging.membership).is_ok());
            Ok(signed.map(|sealed| (sealed.header().opening, sealed.header().number)))
        })?;
        Ok(places.into_iter().flatten().collect())
    }

    /// How many changes of a removed device are put aside up to these numbers of its openings.
    pub fn n_after_removal(&self, device: &DeviceId, ends: &BTreeMap<OpeningId, u64>) -> Result<u64, VaultError> {
        // By the index of what is in doubt, which is little.
        let sql = "SELECT count(*) FROM changes WHERE device = ?1 AND opening = ?2 AND number <= ?3
                   AND verdict IN (1, 2) AND verdict = ?4 AND reason = ?5";
        let mut n_put_aside = 0;
        for (opening, number) in ends {
            let number = i64::try_from(*number).unwrap_or(i64::MAX);
            let row = params![
                device.as_bytes(),
                opening.as_bytes(),
                number,
                Verdict::Quarantined as i64,
                AFTER_REMOVAL
            ];
            n_put_aside += self.one(sql, row, |row| Ok(count(row, 0)?))?.unwrap_or(0);
        }
        Ok(n_put_aside)
    }

    /// The kind of document that a change belongs to, and for a fact when it became true. `None` when it does not open.
    fn glance(&self, sealed: &[u8]) -> Option<(&'static str, Option<i64>)> {
        let sealed = SealedChange::decode(sealed).ok()?;
        let payload = Payload::unpack(&sealed.open(&self.belonging().epochs).ok()?, sealed.header()).ok()?;
        let path: DocPath = payload.path.parse().ok()?;
        Some((path.kind().word(), payload.fact.map(|fact| fact.at_ms)))
    }

    fn n_waiting_in(&self, documents: &BTreeSet<DocumentId>) -> Result<u64, VaultError> {
        let sql = "SELECT document FROM changes WHERE verdict IN (1, 2) AND verdict = ?1";
        let waiting = self.many(sql, [Verdict::Waiting as i64], |row| {
            Ok(DocumentId::from_bytes(row.get(0)?))
        })?;
        Ok(waiting.iter().filter(|document| documents.contains(document)).count() as u64)
    }
}

fn ends(ends: BTreeMap<OpeningId, u64>) -> Vec<OpeningEnd> {
    let ends = ends.into_iter().filter(|(_, number)| *number > 0);
    ends.map(|(opening, number)| OpeningEnd { opening, number }).collect()
}
