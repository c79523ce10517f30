//! What is to be read next of what is stored and not judged: which documents, in which order, a slice at a time.

use std::collections::{HashSet, VecDeque};

use seal::DocumentId;

use crate::backlog::{is_any_to_be_read, rank};
use crate::documents::DocPath;
use crate::writing::document_id;
use crate::{Reading, VaultError};

/// As many are planned for: some seconds, in which nobody asks again what is wanted first.
const PLANNED: usize = 65_536;

/// Documents of which something is to be judged in one go, the most wanted first.
pub(crate) struct Wanted {
    documents: VecDeque<DocumentId>,
    /// What is less wanted than this waits.
    pub(crate) rank: u8,
    /// Of the first of them, all up to this arrival is judged.
    behind: i64,
}

impl Wanted {
    pub(crate) fn is_empty(&self) -> bool {
        self.documents.is_empty()
    }

    /// So many changes at a time.
    pub(crate) fn in_slices_of(self, size: usize) -> Left {
        Left {
            documents: self.documents,
            behind: self.behind,
            size,
        }
    }

    fn nothing() -> Self {
        Self {
            documents: VecDeque::new(),
            rank: rank::LAST,
            behind: 0,
        }
    }
}

/// What is still to be handed over.
pub(crate) struct Left {
    documents: VecDeque<DocumentId>,
    /// Of the first of them, only what arrived behind this.
    behind: i64,
    /// Changes in a slice.
    size: usize,
}

impl Reading<'_> {
    pub(crate) fn wanted_next(&self) -> Result<Wanted, VaultError> {
        let Some(rank) = self.lowest_rank()? else {
            return Ok(Wanted::nothing());
        };
        if rank >= rank::REST {
            let in_the_queue = self.wanted_in_the_queue()?;
            if !in_the_queue.documents.is_empty() {
                return Ok(in_the_queue);
            }
        }
        self.wanted_by_arrival(rank, "DESC", PLANNED)
    }

    pub(crate) fn wanted_oldest(&self, planned: usize) -> Result<Wanted, VaultError> {
        let Some(rank) = self.lowest_rank()? else {
            return Ok(Wanted::nothing());
        };
        let first = "SELECT arrival FROM changes WHERE verdict = 3 AND rank = ?1 ORDER BY arrival LIMIT 1";
        let first = self.one(first, [rank], |row| Ok(row.get::<_, i64>(0)?))?;
        let oldest = self.wanted_by_arrival(rank, "ASC", planned)?;
        Ok(Wanted {
            behind: first.map_or(0, |first| first - 1),
            ..oldest
        })
    }

    fn lowest_rank(&self) -> Result<Option<u8>, VaultError> {
        let lowest = "SELECT rank FROM changes WHERE verdict = 3 AND rank IS NOT NULL ORDER BY rank LIMIT 1";
        self.one(lowest, [], |row| Ok(row.get::<_, u8>(0)?))
    }

    fn wanted_by_arrival(&self, rank: u8, order: &str, planned: usize) -> Result<Wanted, VaultError> {
        let sql = format!(
            "SELECT document FROM changes WHERE verdict = 3 AND rank = ?1 ORDER BY arrival {order} LIMIT {planned}"
        );
        let documents = self.many(&sql, [rank], |row| Ok(DocumentId::from_bytes(row.get(0)?)))?;
        let mut documents = VecDeque::from(documents);
        let mut seen = HashSet::new();
        documents.retain(|document| seen.insert(*document));
        Ok(Wanted {
            documents,
            rank,
            behind: 0,
        })
    }

    /// Today's patients, and what they are here for.
    fn wanted_in_the_queue(&self) -> Result<Wanted, VaultError> {
        let queue = self.queue(self.today()?)?;
        let paths = queue.iter().flat_map(|entry| {
            [
                DocPath::Allergies(entry.patient),
                DocPath::Visit(entry.patient, entry.visit),
            ]
        });
        self.wanted_of(paths, rank::REST)
    }

    /// Those of these documents of which something is to be judged.
    pub(crate) fn wanted_of(&self, paths: impl Iterator<Item = DocPath>, rank: u8) -> Result<Wanted, VaultError> {
        let mut documents = VecDeque::new();
        if is_any_to_be_read(self.conn())? {
            let belonging = self.belonging();
            let any = "SELECT 1 FROM changes INDEXED BY changes_of_document
                       WHERE verdict = 3 AND document = ?1 AND rank <= ?2 LIMIT 1";
            for path in paths {
                let document = document_id(&belonging, &path.to_string());
                documents.extend(self.one(any, (document.as_bytes(), rank), |_| Ok(document))?);
            }
        }
        Ok(Wanted {
            documents,
            rank,
            behind: 0,
        })
    }

    /// The next of what is to be judged; nothing when that was all.
    pub(crate) fn next_slice(&self, left: &mut Left, rank: u8) -> Result<Vec<Vec<u8>>, VaultError> {
        let mut slice = Vec::new();
        while let Some(document) = left.documents.front()
            && slice.len() < left.size
        {
            let some = self.unjudged(document, rank, left.behind, left.size)?;
            match some.last() {
                Some((arrival, _)) if some.len() == left.size => left.behind = *arrival,
                _ => {
                    left.documents.pop_front();
                    left.behind = 0;
                }
            }
            slice.extend(some.into_iter().map(|(_, bytes)| bytes));
        }
        Ok(slice)
    }

    /// What is not judged of a document, the oldest first: at most a slice of it, from behind an arrival.
    fn unjudged(
        &self,
        document: &DocumentId,
        rank: u8,
        after: i64,
        size: usize,
    ) -> Result<Vec<(i64, Vec<u8>)>, VaultError> {
        let sql = unjudged(size);
        self.many(&sql, (document.as_bytes(), rank, after), |row| {
            Ok((row.get(0)?, row.get(1)?))
        })
    }
}

/// What is not judged of document ?1, of rank ?2 or sooner, from behind arrival ?3.
///
/// Facts have no number in a writer's history, and so stand in the index in the order of their arrival: the clinic's own document
/// has a million of them after years. Only edits are looked through, of which a document has few.
fn unjudged(size: usize) -> String {
    // The limit stands in the text: for one that is bound SQLite would make the statement anew each time.
    let some = |numbered: &str| {
        format!(
            "SELECT * FROM (SELECT arrival, sealed FROM changes INDEXED BY changes_of_document
                            WHERE document = ?1 AND am_seq {numbered} AND arrival > ?3 AND verdict = 3 AND rank <= ?2
                            ORDER BY arrival LIMIT {size})"
        )
    };
    let (facts, edits) = (some("IS NULL"), some("IS NOT NULL"));
    format!("{facts} UNION ALL {edits} ORDER BY arrival LIMIT {size}")
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use rusqlite::{Connection, StatementStatus};

    use super::*;
    use crate::backlog::SLICE;
    use crate::schema;

    /// Of one document: so many facts, and a few edits between them.
    fn stored(n_facts: i64) -> Connection {
        let mut conn = Connection::open_in_memory().unwrap();
        schema::migrate(&mut conn).unwrap();
        let sql =
            "INSERT INTO changes (arrival, id, document, device, opening, number, kind, verdict, sealed, rank, am_seq)
                   VALUES (?1, randomblob(32), x'00', x'', x'', ?1, 0, 3, x'', 3, iif(?1 % 1000 = 0, ?1, NULL))";
        let mut insert = conn.prepare(sql).unwrap();
        (1..=n_facts).for_each(|n| assert_eq!(insert.execute([n]), Ok(1)));
        drop(insert);
        conn
    }

    fn read_all(conn: &Connection) -> (Vec<i64>, u64) {
        let (mut arrivals, mut n_most) = (vec![0], 0);
        let mut statement = conn.prepare(&unjudged(SLICE)).unwrap();
        loop {
            statement.reset_status(StatementStatus::VmStep);
            let behind = *arrivals.last().unwrap();
            let slice = statement
                .query_map(([0_u8; 1], rank::LAST, behind), |row| row.get(0))
                .unwrap();
            let slice = slice.collect::<Result<Vec<i64>, _>>().unwrap();
            n_most = n_most.max(u64::try_from(statement.get_status(StatementStatus::VmStep)).unwrap());
            if slice.is_empty() {
                return (arrivals, n_most);
            }
            arrivals.extend(slice);
        }
    }

    #[test]
    fn a_slice_of_a_document_of_many_facts_takes_no_more_than_one_of_few() {
        let (few, n_of_few) = read_all(&stored(2_000));
        let (many, n_of_many) = read_all(&stored(20_000));
        assert!(few.into_iter().eq(0..=2_000) && many.into_iter().eq(0..=20_000));
        assert!(n_of_many < n_of_few * 2, "{n_of_few} steps became {n_of_many}");
    }
}
