//! What operators did at the console, and who tried to be one: one hash-chained list.

use sha2::{Digest, Sha256};
use sync_protocol::RelayStoreFailed;

use super::Store;
use super::sql::{Row, Scope, Sql, SqlResult, values};

/// One act, before it has a place in the list.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct OperatorAct<'a> {
    /// When, milliseconds since 1970, UTC.
    pub at_ms: i64,
    /// By whom: the operator's name, or what stands for the command line.
    pub operator: &'a str,
    /// What: a stable name.
    pub act: &'static str,
    /// Which clinic (by its number on the list) or operator it was about; empty when neither.
    pub about: &'a str,
    /// How it ended: a stable name.
    pub result: &'static str,
}

/// One line of the list.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OperatorLine {
    /// Its place, from 1.
    pub number: u64,
    /// When, milliseconds since 1970, UTC.
    pub at_ms: i64,
    /// By whom.
    pub operator: String,
    /// What.
    pub act: String,
    /// About whom.
    pub about: String,
    /// How it ended.
    pub result: String,
    /// Whether it follows from the line before it as it stands here.
    pub holds: bool,
}

/// Puts an act into the list, in the transaction of what was done.
pub(super) fn append(sql: &mut dyn Sql, act: &OperatorAct<'_>) -> SqlResult<()> {
    // One after another, whatever node they come from.
    sql.lock_row("SELECT only_row FROM relay", &[])?;
    let last = "SELECT number, chain FROM operator_audit ORDER BY number DESC LIMIT 1";
    let (number, before) = match sql.row(last, &[])? {
        Some(mut row) => (row.position(0)? + 1, row.array(1)?),
        None => (1, [0; 32]),
    };
    let texts = [act.operator, act.act, act.about, act.result];
    let chain = follow(&before, number, act.at_ms, texts);
    let insert = "INSERT INTO operator_audit (number, at_ms, operator, act, about, result, chain)
                  VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7)";
    let [operator, what, about, result] = texts;
    sql.execute(
        insert,
        &values![number, act.at_ms, operator, what, about, result, &chain],
    )
    .map(drop)
}

/// Puts what an operator did into the list, in the transaction that does it.
pub(super) fn note(sql: &mut dyn Sql, (operator, at_ms): (&str, i64), act: &'static str, about: &str) -> SqlResult<()> {
    let done = OperatorAct {
        at_ms,
        operator,
        act,
        about,
        result: "done",
    };
    append(sql, &done)
}

/// Each text with its length before it, so that no two lists are one run of bytes.
fn follow(before: &[u8; 32], number: u64, at_ms: i64, texts: [&str; 4]) -> [u8; 32] {
    let mut hash = Sha256::new();
    hash.update(b"MediEco sync-server v1 operator's audit");
    hash.update(before);
    hash.update(number.to_be_bytes());
    hash.update(at_ms.to_be_bytes());
    for text in texts {
        hash.update((text.len() as u64).to_be_bytes());
        hash.update(text);
    }
    hash.finalize().into()
}

impl Store {
    /// Puts an act into the list that changed nothing else.
    ///
    /// # Errors
    /// [`RelayStoreFailed`].
    pub fn note_operator(&mut self, act: &OperatorAct<'_>) -> Result<(), RelayStoreFailed> {
        self.write(Scope::House, |sql| append(sql, act))
    }

    /// The newest `n` lines before this number, the newest first.
    ///
    /// # Errors
    /// [`RelayStoreFailed`].
    pub fn operator_audit(&self, before: u64, n: usize) -> Result<Vec<OperatorLine>, RelayStoreFailed> {
        let select = "SELECT number, at_ms, operator, act, about, result, chain FROM operator_audit
                      WHERE number < ?1 ORDER BY number DESC LIMIT ?2";
        self.read(Scope::House, |sql| {
            // One more: the line from which the last one follows.
            let rows = sql.rows(select, &values![before, n + 1])?;
            let read = rows.into_iter().map(line).collect::<SqlResult<Vec<_>>>()?;
            let mut lines = Vec::with_capacity(n);
            for (nth, (line, chain)) in read.iter().enumerate().take(n) {
                let texts = [&*line.operator, &*line.act, &*line.about, &*line.result];
                let (number, chain_before) = read
                    .get(nth + 1)
                    .map_or((0, [0; 32]), |(older, chain)| (older.number, *chain));
                let holds =
                    number + 1 == line.number && follow(&chain_before, line.number, line.at_ms, texts) == *chain;
                lines.push(OperatorLine { holds, ..line.clone() });
            }
            Ok(lines)
        })
    }
}

fn line(mut row: Row) -> SqlResult<(OperatorLine, [u8; 32])> {
    let line = OperatorLine {
        number: row.position(0)?,
        at_ms: row.int(1)?,
        operator: row.text(2)?,
        act: row.text(3)?,
        about: row.text(4)?,
        result: row.text(5)?,
        holds: false,
    };
    Ok((line, row.array(6)?))
}
