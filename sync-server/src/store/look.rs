//! One look for all connections of a clinic.
//!
//! News of a clinic wake all of its connections, which then ask the store the same questions within a moment. The first is
//! answered by the database, and what it said is said again to the others, as long as nobody's news are younger than the
//! answers, and for a second at most. Only what a woken connection reads is answered so: whoever pushes or pulls asks
//! the database itself, and the gate is never asked here.

use std::cell::RefCell;
use std::collections::{HashMap, HashSet, VecDeque};
use std::ops::ControlFlow;
use std::time::{Duration, Instant};

use seal::{GrantId, TenantId};
use sync_protocol::SignedReceipt;

use super::Store;
use super::sql::{Column, Row, Scope, Sql, SqlError, SqlResult, Value};

/// Answers are said again for so long.
const AS_LONG_AS: Duration = Duration::from_secs(1);
/// Answers for so many clinics are kept.
const CLINICS: usize = 64;
/// A clinic's answers of more bytes are not kept: somebody is far behind, and alone.
const MOST_BYTES: usize = 256 * 1024;

/// What the database said to one clinic's questions.
pub(super) struct Look {
    tenant: TenantId,
    began: Instant,
    /// Begun by the present step: what it lacks is asked and added.
    is_own: bool,
    answers: HashMap<Question, Answer>,
    receipt: Option<SignedReceipt>,
    n_bytes: usize,
}

#[derive(PartialEq, Eq, Hash)]
struct Question {
    /// Each statement sees what is committed by then.
    latest: bool,
    sql: &'static str,
    values: Vec<Column>,
}

struct Answer {
    rows: Vec<Row>,
    /// Whether these are all.
    is_whole: bool,
}

/// Looks of the clinics that were asked about last, and the present one.
#[derive(Default)]
pub(super) struct Looks {
    present: RefCell<Option<Look>>,
    kept: VecDeque<Look>,
}

impl Looks {
    /// Something of this clinic's, or with `None` of anybody's, is about to change.
    pub(super) fn forget(&mut self, scope: Scope<'_>) {
        match scope {
            Scope::Clinic(tenant) | Scope::Latest(tenant) => self.kept.retain(|look| look.tenant != *tenant),
            Scope::House => self.kept.clear(),
        }
        if let Some(present) = self.present.get_mut() {
            *present = Look::new(present.tenant);
        }
    }

    /// Says again what was said, or asks and remembers. Outside a look, or about others, it only asks.
    pub(super) fn read<T>(
        &self,
        scope: Scope<'_>,
        act: &mut dyn FnMut(&mut dyn Sql) -> SqlResult<T>,
        ask: impl FnOnce(&mut dyn FnMut(&mut dyn Sql) -> SqlResult<T>) -> SqlResult<T>,
    ) -> SqlResult<T> {
        let (tenant, latest) = match scope {
            Scope::Clinic(tenant) => (tenant, false),
            Scope::Latest(tenant) => (tenant, true),
            Scope::House => return ask(act),
        };
        let mut present = self.present.borrow_mut();
        let Some(look) = present.as_mut().filter(|look| look.tenant == *tenant) else {
            drop(present);
            return ask(act);
        };
        match act(&mut Again { look, latest }) {
            Err(SqlError::NotKnown) => {}
            done => return done,
        }
        if !look.is_own {
            // Nothing younger is put beside what is older.
            *look = Look::new(*tenant);
        }
        ask(&mut |sql| act(&mut Asked { look, latest, sql }))
    }

    /// The receipt of the present look, if one was made.
    pub(super) fn receipt(&self, tenant: &TenantId) -> Option<SignedReceipt> {
        let present = self.present.borrow();
        present.as_ref().filter(|look| look.tenant == *tenant)?.receipt
    }

    /// Was made in the present look.
    pub(super) fn keep_receipt(&self, tenant: &TenantId, receipt: SignedReceipt) {
        let mut present = self.present.borrow_mut();
        if let Some(look) = present.as_mut().filter(|look| look.tenant == *tenant) {
            look.receipt = Some(receipt);
        }
    }
}

impl Look {
    fn new(tenant: TenantId) -> Self {
        Self {
            tenant,
            began: Instant::now(),
            is_own: true,
            answers: HashMap::new(),
            receipt: None,
            n_bytes: 0,
        }
    }

    fn keep(&mut self, question: Question, answer: Answer) {
        let n_bytes: usize = answer.rows.iter().flat_map(|row| &row.0).map(Column::n_bytes).sum();
        self.n_bytes += n_bytes;
        self.answers.insert(question, answer);
    }
}

impl Store {
    /// Does what a woken connection of this clinic does. What its other connections have read after `news`, and moments ago,
    /// is not read again.
    pub(crate) fn look<T>(&mut self, tenant: TenantId, news: Instant, act: impl FnOnce(&mut Self) -> T) -> T {
        let known = self.looks.kept.iter().position(|look| look.tenant == tenant);
        let known = known.and_then(|at| self.looks.kept.remove(at));
        let known = known.filter(|look| look.began > news && look.began.elapsed() < AS_LONG_AS);
        let mut look = known.unwrap_or_else(|| Look::new(tenant));
        look.is_own = look.answers.is_empty();
        *self.looks.present.get_mut() = Some(look);
        let done = self.step(act);
        let look = self.looks.present.get_mut().take();
        if let Some(look) = look.filter(|look| look.n_bytes <= MOST_BYTES) {
            self.looks.kept.truncate(CLINICS - 1);
            self.looks.kept.push_front(look);
        }
        done
    }

    /// Does one step of a session. Where the database is elsewhere, what is read without a break is read in one transaction.
    pub fn step<T>(&mut self, act: impl FnOnce(&mut Self) -> T) -> T {
        self.database.begin_step();
        let done = act(self);
        self.database.end_step();
        done
    }
}

/// Answers by what was said before, or not at all.
struct Again<'l> {
    look: &'l Look,
    latest: bool,
}

impl Again<'_> {
    fn answer(&self, sql: &'static str, values: Vec<Column>) -> SqlResult<&Answer> {
        let latest = self.latest;
        let question = Question { latest, sql, values };
        self.look.answers.get(&question).ok_or(SqlError::NotKnown)
    }
}

impl Sql for Again<'_> {
    fn execute(&mut self, _: &'static str, _: &[Value<'_>]) -> SqlResult<usize> {
        Err(SqlError::NotKnown)
    }

    fn each(
        &mut self,
        sql: &'static str,
        values: &[Value<'_>],
        take: &mut dyn FnMut(Row) -> SqlResult<ControlFlow<()>>,
    ) -> SqlResult<()> {
        let answer = self.answer(sql, owned(values))?;
        for row in &answer.rows {
            if take(row.clone())?.is_break() {
                return Ok(());
            }
        }
        if answer.is_whole {
            Ok(())
        } else {
            Err(SqlError::NotKnown)
        }
    }

    fn insert_many(&mut self, _: &'static str, _: &[Vec<Value<'_>>]) -> SqlResult<()> {
        Err(SqlError::NotKnown)
    }

    fn which(&mut self, sql: &'static str, first: &[Value<'_>], ids: &[&[u8; 32]]) -> SqlResult<HashSet<[u8; 32]>> {
        let answer = self.answer(sql, with_ids(first, ids))?;
        answer.rows.iter().map(|row| row.clone().array(0)).collect()
    }

    fn lock_row(&mut self, _: &'static str, _: &[Value<'_>]) -> SqlResult<Option<Row>> {
        Err(SqlError::NotKnown)
    }

    fn one_at_a_time(&mut self, _: &TenantId) -> SqlResult<()> {
        Err(SqlError::NotKnown)
    }

    fn reach(&mut self, _: Option<&TenantId>) -> SqlResult<()> {
        Err(SqlError::NotKnown)
    }

    fn at_gate(&mut self, _: &GrantId) -> SqlResult<()> {
        Err(SqlError::NotKnown)
    }

    fn call_back(&mut self, _: &TenantId, _: &GrantId) -> SqlResult<()> {
        Err(SqlError::NotKnown)
    }

    fn clock_ms(&mut self, _: i64) -> SqlResult<i64> {
        Err(SqlError::NotKnown)
    }
}

/// Asks, and remembers what was said.
struct Asked<'a> {
    look: &'a mut Look,
    latest: bool,
    sql: &'a mut dyn Sql,
}

impl Asked<'_> {
    fn keep(&mut self, sql: &'static str, values: Vec<Column>, answer: Answer) {
        let latest = self.latest;
        self.look.keep(Question { latest, sql, values }, answer);
    }
}

impl Sql for Asked<'_> {
    fn execute(&mut self, sql: &'static str, values: &[Value<'_>]) -> SqlResult<usize> {
        self.sql.execute(sql, values)
    }

    fn each(
        &mut self,
        sql: &'static str,
        values: &[Value<'_>],
        take: &mut dyn FnMut(Row) -> SqlResult<ControlFlow<()>>,
    ) -> SqlResult<()> {
        let (mut rows, mut is_whole) = (Vec::new(), true);
        self.sql.each(sql, values, &mut |row| {
            rows.push(row.clone());
            let flow = take(row)?;
            is_whole = flow.is_continue();
            Ok(flow)
        })?;
        self.keep(sql, owned(values), Answer { rows, is_whole });
        Ok(())
    }

    fn insert_many(&mut self, sql: &'static str, rows: &[Vec<Value<'_>>]) -> SqlResult<()> {
        self.sql.insert_many(sql, rows)
    }

    fn which(&mut self, sql: &'static str, first: &[Value<'_>], ids: &[&[u8; 32]]) -> SqlResult<HashSet<[u8; 32]>> {
        let there = self.sql.which(sql, first, ids)?;
        let rows = there.iter().map(|id| Row(vec![Column::Bytes(id.to_vec())]));
        let answer = Answer {
            rows: rows.collect(),
            is_whole: true,
        };
        self.keep(sql, with_ids(first, ids), answer);
        Ok(there)
    }

    fn lock_row(&mut self, sql: &'static str, values: &[Value<'_>]) -> SqlResult<Option<Row>> {
        self.sql.lock_row(sql, values)
    }

    fn one_at_a_time(&mut self, tenant: &TenantId) -> SqlResult<()> {
        self.sql.one_at_a_time(tenant)
    }

    fn reach(&mut self, other: Option<&TenantId>) -> SqlResult<()> {
        self.sql.reach(other)
    }

    fn at_gate(&mut self, grant: &GrantId) -> SqlResult<()> {
        self.sql.at_gate(grant)
    }

    fn call_back(&mut self, recipient: &TenantId, grant: &GrantId) -> SqlResult<()> {
        self.sql.call_back(recipient, grant)
    }

    fn clock_ms(&mut self, own_ms: i64) -> SqlResult<i64> {
        self.sql.clock_ms(own_ms)
    }
}

fn owned(values: &[Value<'_>]) -> Vec<Column> {
    values.iter().map(|value| Column::from(*value)).collect()
}

fn with_ids(first: &[Value<'_>], ids: &[&[u8; 32]]) -> Vec<Column> {
    let ids = ids.iter().map(|id| Column::Bytes(id.to_vec()));
    owned(first).into_iter().chain(ids).collect()
}

#[cfg(test)]
mod tests;
