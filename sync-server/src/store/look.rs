//! One look for all connections of a clinic.
//!
//! News of a clinic wake all of its connections, which then ask the store the same questions within a moment. The first is
//! answered by the database, and what it said is said again to the others, as long as nobody's news are younger than the
//! answers, and for a second at most. Only what a woken connection reads is answered so: whoever pushes or pulls asks
//! the database itself, though nothing twice in one step, and the gate is never asked here.

use std::cell::RefCell;
use std::collections::{HashMap, VecDeque};
use std::ops::ControlFlow;
use std::time::{Duration, Instant};

use seal::{GrantId, TenantId};
use sync_protocol::SignedReceipt;

use super::sql::{Column, Question, Row, Scope, Sql, SqlError, SqlResult, Value, together, values};
use super::{Store, glance, release_heads};

/// Answers are said again for so long.
const AS_LONG_AS: Duration = Duration::from_secs(1);
/// Answers for so many clinics are kept.
const CLINICS: usize = 64;
/// A clinic's answers of more bytes are not kept: somebody is far behind, and alone.
const MOST_BYTES: usize = 256 * 1024;
/// Nor is, of a step that is nobody's look, a page of more: it is not asked for again.
const MOST_BYTES_OF_PAGE: usize = 16 * 1024;

/// What the database said to one clinic's questions.
pub(super) struct Look {
    tenant: TenantId,
    began: Instant,
    /// Begun by the present step: what it lacks is asked and added.
    is_own: bool,
    /// Others hear it, too.
    is_shared: bool,
    answers: HashMap<Asked, Answer>,
    receipt: Option<SignedReceipt>,
    n_bytes: usize,
}

#[derive(PartialEq, Eq, Hash)]
struct Asked {
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
    /// A step is under way: the first clinic that it asks about is looked at, if none is.
    in_step: bool,
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
            present.begin_anew();
        }
    }

    /// Says again what was said, or asks and remembers. Outside a step, or about others, it only asks.
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
        if self.in_step {
            present.get_or_insert_with(|| Look::new(*tenant, false));
        }
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
            look.begin_anew();
        }
        ask(&mut |sql| act(&mut Anew { look, latest, sql }))
    }

    /// The receipt of the present look, if one was made.
    pub(super) fn receipt(&self, tenant: &TenantId) -> Option<SignedReceipt> {
        let present = self.present.borrow();
        present.as_ref().filter(|look| look.tenant == *tenant)?.receipt
    }

    /// Was made in the present look.
    pub(super) fn keep_receipt(&self, tenant: &TenantId, receipt: SignedReceipt) {
        let mut present = self.present.borrow_mut();
        if let Some(look) = present.as_mut().filter(|look| look.is_shared && look.tenant == *tenant) {
            look.receipt = Some(receipt);
        }
    }
}

impl Look {
    fn new(tenant: TenantId, is_shared: bool) -> Self {
        Self {
            tenant,
            began: Instant::now(),
            is_own: true,
            is_shared,
            answers: HashMap::new(),
            receipt: None,
            n_bytes: 0,
        }
    }

    fn begin_anew(&mut self) {
        *self = Self::new(self.tenant, self.is_shared);
    }

    /// Of how many bytes a page is kept.
    fn room(&self) -> usize {
        match self.is_shared {
            true => MOST_BYTES.saturating_sub(self.n_bytes),
            false => MOST_BYTES_OF_PAGE,
        }
    }

    fn keep(&mut self, asked: Asked, answer: Answer) {
        self.n_bytes += answer.rows.iter().map(n_bytes).sum::<usize>();
        self.answers.insert(asked, answer);
    }

    fn whole(&self, asked: &Asked) -> Option<&Answer> {
        self.answers.get(asked).filter(|answer| answer.is_whole)
    }
}

fn n_bytes(row: &Row) -> usize {
    row.0.iter().map(Column::n_bytes).sum()
}

impl Asked {
    fn new(latest: bool, sql: &'static str, values: &[Value<'_>]) -> Self {
        let values = values.iter().map(|value| Column::from(*value)).collect();
        Self { latest, sql, values }
    }

    /// `None` for what is never the same.
    fn of(latest: bool, question: &Question<'_>) -> Option<Self> {
        match *question {
            Question::Rows(sql, values) => Some(Self::new(latest, sql, values)),
            Question::Which(sql, first, ids) => {
                let mut asked = Self::new(latest, sql, first);
                asked.values.extend(ids.iter().map(|id| Column::Bytes(id.to_vec())));
                Some(asked)
            }
            Question::Clock(_) => None,
        }
    }
}

impl Store {
    /// Does what a woken connection of this clinic does. What its other connections have read after `news`, and moments ago,
    /// is not read again.
    pub fn look<T>(&mut self, tenant: TenantId, news: Instant, act: impl FnOnce(&mut Self) -> T) -> T {
        let known = self.looks.kept.iter().position(|look| look.tenant == tenant);
        let known = known.and_then(|at| self.looks.kept.remove(at));
        let known = known.filter(|look| look.began > news && look.began.elapsed() < AS_LONG_AS);
        let mut look = known.unwrap_or_else(|| Look::new(tenant, true));
        look.is_own = look.answers.is_empty();
        let is_new = look.is_own;
        let (done, look) = self.step_with(Some(look), |store| {
            if is_new {
                store.look_around(&tenant);
            }
            act(store)
        });
        if let Some(look) = look.filter(|look| look.n_bytes <= MOST_BYTES) {
            self.looks.kept.truncate(CLINICS - 1);
            self.looks.kept.push_front(look);
        }
        done
    }

    /// Does one step of a session. What it has read is not read again before it writes; where the database is elsewhere,
    /// what is read without a break is read in one transaction.
    pub fn step<T>(&mut self, act: impl FnOnce(&mut Self) -> T) -> T {
        self.step_with(None, act).0
    }

    fn step_with<T>(&mut self, look: Option<Look>, act: impl FnOnce(&mut Self) -> T) -> (T, Option<Look>) {
        *self.looks.present.get_mut() = look;
        self.looks.in_step = true;
        self.database.begin_step();
        let done = act(self);
        self.database.end_step();
        self.looks.in_step = false;
        (done, self.looks.present.get_mut().take())
    }

    /// Asks at once what is asked next in any case, to tell a connection its news. Should that fail, it is asked again then.
    pub(super) fn look_around(&self, tenant: &TenantId) {
        if !self.looks.in_step {
            return;
        }
        let of = values![tenant];
        let asked = self.read(Scope::Clinic(tenant), |sql| {
            together(sql, [glance::question(&of), release_heads::heads_question(&of)])
        });
        drop(asked);
    }
}

/// Answers by what was said before, or not at all.
struct Again<'l> {
    look: &'l Look,
    latest: bool,
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
        let asked = Asked::new(self.latest, sql, values);
        let answer = self.look.answers.get(&asked).ok_or(SqlError::NotKnown)?;
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

    fn ask(&mut self, questions: &[Question<'_>]) -> SqlResult<Vec<Vec<Row>>> {
        let answers = questions.iter().map(|question| {
            let asked = Asked::of(self.latest, question).ok_or(SqlError::NotKnown)?;
            let answer = self.look.whole(&asked).ok_or(SqlError::NotKnown)?;
            Ok(answer.rows.clone())
        });
        answers.collect()
    }

    fn insert_many(&mut self, _: &'static str, _: &[Vec<Value<'_>>]) -> SqlResult<()> {
        Err(SqlError::NotKnown)
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
}

/// Asks what was not said yet, and remembers it. What was said once stays so: two answers to one question would be of two
/// moments, and a page of a feed must never be older than the head beside it.
struct Anew<'a> {
    look: &'a mut Look,
    latest: bool,
    sql: &'a mut dyn Sql,
}

impl Sql for Anew<'_> {
    fn execute(&mut self, sql: &'static str, values: &[Value<'_>]) -> SqlResult<usize> {
        self.sql.execute(sql, values)
    }

    fn later(&mut self, sql: &'static str, values: &[Value<'_>]) -> SqlResult<()> {
        self.sql.later(sql, values)
    }

    fn each(
        &mut self,
        sql: &'static str,
        values: &[Value<'_>],
        take: &mut dyn FnMut(Row) -> SqlResult<ControlFlow<()>>,
    ) -> SqlResult<()> {
        let asked = Asked::new(self.latest, sql, values);
        if let Some(answer) = self.look.whole(&asked) {
            for row in &answer.rows {
                if take(row.clone())?.is_break() {
                    break;
                }
            }
            return Ok(());
        }
        let (mut rows, mut room, mut is_whole) = (Some(Vec::new()), self.look.room(), true);
        self.sql.each(sql, values, &mut |row| {
            match room.checked_sub(n_bytes(&row)) {
                Some(less) => room = less,
                None => rows = None,
            }
            if let Some(rows) = &mut rows {
                rows.push(row.clone());
            }
            let flow = take(row)?;
            is_whole = flow.is_continue();
            Ok(flow)
        })?;
        if let Some(rows) = rows {
            self.look.keep(asked, Answer { rows, is_whole });
        }
        Ok(())
    }

    fn ask(&mut self, questions: &[Question<'_>]) -> SqlResult<Vec<Vec<Row>>> {
        let asked = questions.iter().map(|question| Asked::of(self.latest, question));
        let asked: Vec<Option<Asked>> = asked.collect();
        let known = asked
            .iter()
            .map(|asked| Some(self.look.whole(asked.as_ref()?)?.rows.clone()));
        let known: Vec<Option<Vec<Row>>> = known.collect();
        let unknown = questions.iter().zip(&known).filter(|(_, known)| known.is_none());
        let unknown: Vec<Question<'_>> = unknown.map(|(question, _)| *question).collect();
        let mut said = self.sql.ask(&unknown)?.into_iter();
        let mut answers = Vec::with_capacity(questions.len());
        for (asked, known) in asked.into_iter().zip(known) {
            let is_new = known.is_none();
            let rows = known.or_else(|| said.next()).unwrap_or_default();
            if let (true, Some(asked)) = (is_new, asked) {
                let (rows, is_whole) = (rows.clone(), true);
                self.look.keep(asked, Answer { rows, is_whole });
            }
            answers.push(rows);
        }
        Ok(answers)
    }

    fn insert_many(&mut self, sql: &'static str, rows: &[Vec<Value<'_>>]) -> SqlResult<()> {
        self.sql.insert_many(sql, rows)
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
}

#[cfg(test)]
mod tests;
