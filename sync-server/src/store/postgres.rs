//! The seam over PostgreSQL: one connection, on one thread.
//!
//! Each transaction says first for whom it is; row-level security lets it see no others' rows (`migrations-postgres/`).
//! Positions become visible in order because the row of a feed stays locked from the first position taken to the commit,
//! and a reading transaction sees one moment. What stood in the way of another transaction is tried again.
//!
//! Waiting for the database costs more than what it does. So nothing is sent before there is something to be waited for: a
//! transaction begins with the first thing that it asks, and what gives no answer goes with what is asked next.

mod line;
mod values;

use std::cell::{Cell, RefCell};
use std::collections::HashMap;
use std::ops::ControlFlow;
use std::sync::Arc;

use seal::{GrantId, TenantId};
use sync_protocol::{Incarnation, Wake};
use tokio_postgres::Statement;

use self::line::{Answer, Line, Sent};
use self::values::{Given, columns};
use super::life::Life;
use super::sql::{Question, Row, Scope, Sql, SqlError, SqlResult, Value};
use crate::{DatabaseUrl, nodes};

/// A transaction that meets another one is tried so often.
const TRIES: usize = 8;

/// Nobody's transaction may hold up others for longer, also if this program hangs or the machine is taken away.
const LIMITS: &str = "SET statement_timeout = '60s'; SET lock_timeout = '20s'; \
                      SET idle_in_transaction_session_timeout = '60s'; SET client_min_messages = 'warning'";

pub(super) struct Postgres {
    url: DatabaseUrl,
    /// `None` until the data was looked at.
    life: Option<Arc<Life>>,
    session: RefCell<Option<Session>>,
    /// Whether reads of one clinic go into one transaction.
    in_step: Cell<bool>,
}

struct Session {
    line: Line,
    statements: HashMap<(Form, &'static str), Statement>,
    /// What the present transaction begins with; it goes with what is asked first.
    beginning: Option<Beginning>,
    /// Goes with what is asked next, or before the commit.
    waiting: Vec<Sent>,
    /// Whether the database has answered anything in the present transaction.
    has_answered: bool,
    /// Whose reading transaction is open, for the next read of this step.
    open: Option<Whose>,
}

struct Beginning {
    mode: Mode,
    whom: Sent,
    /// Nothing is believed, and nothing committed, before the data was seen to live this life.
    life: Option<Arc<Life>>,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Whose {
    Clinic(TenantId),
    House,
}

/// What becomes of a statement's words.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
enum Form {
    Plain,
    Locking,
    Many,
    Which,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Mode {
    Write,
    Snapshot,
    Latest,
}

impl Mode {
    /// How a transaction begins, where another one was open until then.
    fn begin(self, after_another: bool) -> Sent {
        Sent::Words(match (self, after_another) {
            (Self::Write, false) => "BEGIN",
            (Self::Write, true) => "COMMIT; BEGIN",
            (Self::Snapshot, false) => "BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY",
            (Self::Snapshot, true) => "COMMIT; BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY",
            (Self::Latest, false) => "BEGIN READ ONLY",
            (Self::Latest, true) => "COMMIT; BEGIN READ ONLY",
        })
    }
}

impl Postgres {
    pub(super) fn new(url: DatabaseUrl) -> Self {
        Self {
            url,
            life: None,
            session: RefCell::new(None),
            in_step: Cell::new(false),
        }
    }

    /// From here to [`Self::end_step`] what is read for one clinic, and not interrupted by something else, is read in one
    /// transaction, and so is of one moment.
    pub(super) fn begin_step(&self) {
        self.in_step.set(true);
    }

    /// The transaction that may be open for it ends.
    pub(super) fn end_step(&self) {
        self.in_step.set(false);
        if let Some(session) = self.session.borrow_mut().as_mut() {
            session.close();
        }
    }

    /// From now on a transaction that meets another life than this fails, and tells.
    pub(super) fn watch(&mut self, life: Arc<Life>) {
        self.life = Some(life);
    }

    pub(super) fn url(&self) -> &DatabaseUrl {
        &self.url
    }

    /// How often this connection has waited for the database.
    pub(super) fn n_journeys(&self) -> u64 {
        self.session
            .borrow()
            .as_ref()
            .map_or(0, |session| session.line.n_journeys())
    }

    pub(super) fn read<T>(&self, scope: Scope<'_>, act: impl FnMut(&mut dyn Sql) -> SqlResult<T>) -> SqlResult<T> {
        let mode = match scope {
            Scope::Latest(_) => Mode::Latest,
            Scope::Clinic(_) | Scope::House => Mode::Snapshot,
        };
        self.transaction(mode, scope, act)
    }

    pub(super) fn write<T>(&self, scope: Scope<'_>, act: impl FnMut(&mut dyn Sql) -> SqlResult<T>) -> SqlResult<T> {
        self.transaction(Mode::Write, scope, act)
    }

    fn transaction<T>(
        &self,
        mode: Mode,
        scope: Scope<'_>,
        mut act: impl FnMut(&mut dyn Sql) -> SqlResult<T>,
    ) -> SqlResult<T> {
        let mut place = self.session.borrow_mut();
        let whose = match (mode, scope) {
            (Mode::Snapshot, Scope::Clinic(tenant)) if self.in_step.get() => Some(Whose::Clinic(*tenant)),
            (Mode::Snapshot, Scope::House) if self.in_step.get() => Some(Whose::House),
            _ => None,
        };
        if let (Some(session), true) = (place.as_mut(), whose.is_some())
            && session.open == whose
        {
            let read = act(session);
            session.waiting.clear();
            leave_after(&mut place, read.as_ref().err());
            return read;
        }
        for _ in 1..TRIES {
            match self.once(&mut place, (mode, scope, whose), &mut act) {
                Err(SqlError::Again) => {}
                done => return done,
            }
        }
        self.once(&mut place, (mode, scope, whose), &mut act)
    }

    fn once<T>(
        &self,
        place: &mut Option<Session>,
        (mode, scope, whose): (Mode, Scope<'_>, Option<Whose>),
        act: &mut impl FnMut(&mut dyn Sql) -> SqlResult<T>,
    ) -> SqlResult<T> {
        let was_open = place.is_some();
        let mut attempt = |place: &mut Option<Session>| {
            let session = match place {
                Some(session) => session,
                None => place.insert(Session::connect(&self.url).map_err(|error| (error, false))?),
            };
            let done = session
                .begin(mode, scope, self.life.clone())
                .and_then(|()| act(session))
                .and_then(|done| session.end(mode, whose).map(|()| done));
            let was_cut_before = matches!(done, Err(SqlError::Lost(_))) && !session.has_answered;
            leave_after(place, done.as_ref().err());
            done.map_err(|error| (error, was_cut_before))
        };
        match attempt(place) {
            // Cut while nothing was under way (the database was restarted, say): once more, with another connection.
            Err((_, true)) if was_open => attempt(place),
            done => done,
        }
        .map_err(|(error, _)| error)
    }
}

/// After an error the transaction is undone, and a connection that is cut is left.
fn leave_after(place: &mut Option<Session>, error: Option<&SqlError>) {
    match (place.as_mut(), error) {
        (Some(_), Some(SqlError::Lost(_))) => *place = None,
        (Some(session), Some(_)) => session.undo(),
        _ => {}
    }
}

impl Session {
    fn connect(url: &DatabaseUrl) -> SqlResult<Self> {
        let mut line = Line::connect(url)?;
        line.ask(&[Sent::Words(LIMITS)])?;
        Ok(Self {
            line,
            statements: HashMap::new(),
            beginning: None,
            waiting: Vec::new(),
            has_answered: false,
            open: None,
        })
    }

    /// Begins, says for whom, and looks which life the data lives, all with what is asked first.
    fn begin(&mut self, mode: Mode, scope: Scope<'_>, life: Option<Arc<Life>>) -> SqlResult<()> {
        self.waiting.clear();
        self.has_answered = false;
        let (whom, name) = match scope {
            Scope::Clinic(tenant) | Scope::Latest(tenant) => (
                "SELECT set_config('medieco.tenant', ?1, true), (SELECT incarnation FROM relay)",
                hex::encode(tenant.as_bytes()),
            ),
            Scope::House => (
                "SELECT set_config('medieco.house', ?1, true), (SELECT incarnation FROM relay)",
                "on".to_owned(),
            ),
        };
        let whom = Sent::Statement(self.prepare(Form::Plain, whom)?, vec![Value::Text(&name).into()]);
        self.beginning = Some(Beginning { mode, whom, life });
        Ok(())
    }

    /// What was read is whole, and needs no answer; what was written waits for one.
    fn end(&mut self, mode: Mode, whose: Option<Whose>) -> SqlResult<()> {
        if mode == Mode::Write {
            if self.beginning.is_some() {
                self.journey(Vec::new())?;
            }
            return self.journey(vec![Sent::Words("COMMIT")]).map(drop);
        }
        self.waiting.clear();
        if self.beginning.take().is_none() {
            match whose {
                Some(_) => self.open = whose,
                None => self.line.send_behind("COMMIT"),
            }
        }
        Ok(())
    }

    /// Ends the reading transaction that may be open.
    fn close(&mut self) {
        if self.open.take().is_some() {
            self.line.send_behind("COMMIT");
        }
    }

    /// Ends the present transaction, if it was begun, so that nothing of it happened.
    fn undo(&mut self) {
        self.waiting.clear();
        if self.beginning.take().is_none() {
            self.open = None;
            self.line.send_behind("ROLLBACK");
        }
    }

    /// Sends all that waits, and these behind it, and waits for the answers: one journey.
    fn journey(&mut self, last: Vec<Sent>) -> SqlResult<Vec<Answer>> {
        let (n_last, mut sent, mut life) = (last.len(), Vec::new(), None);
        if let Some(beginning) = self.beginning.take() {
            // What was read before ends on the way.
            let after_another = self.open.take().is_some();
            sent.extend([beginning.mode.begin(after_another), beginning.whom]);
            life = beginning.life.map(|life| (sent.len() - 1, life));
        }
        sent.append(&mut self.waiting);
        sent.extend(last);
        let mut answers = self.line.ask(&sent)?;
        self.has_answered = true;
        if let Some((at, life)) = life {
            same_life(&life, answers.get(at))?;
        }
        Ok(answers.split_off(answers.len() - n_last))
    }

    /// The same for one statement.
    fn ask_one(&mut self, statement: Sent) -> SqlResult<Answer> {
        Ok(self.journey(vec![statement])?.pop().unwrap_or_default())
    }

    fn prepare(&mut self, form: Form, sql: &'static str) -> SqlResult<Statement> {
        if let Some(statement) = self.statements.get(&(form, sql)) {
            return Ok(statement.clone());
        }
        let mut words = sql.replace('?', "$");
        match form {
            Form::Plain => {}
            Form::Locking => words.push_str(" FOR UPDATE"),
            Form::Which => {
                let at = words.rfind("= $").ok_or_else(|| unfit(sql))?;
                let (before, number) = words.split_at(at);
                let number = number.trim_start_matches("= ");
                // Each is looked up by itself: of `= ANY(…)` the planner, who thinks a clinic is small, may make a look through all
                // of the clinic's rows, each held against all that is asked. Nor is it told which clinic: of one that came after the
                // statistics it thinks that any index that begins with it finds its one row.
                let before = before.replace("= $1 ", "= (SELECT $1::bytea) ");
                words = format!(
                    "SELECT found.* FROM unnest({number}::bytea[]) AS asked (id) CROSS JOIN LATERAL ({before}= asked.id LIMIT 1) AS found"
                );
            }
            Form::Many => {
                let types = self.line.prepare(&words)?;
                let lists = types.params().iter().enumerate();
                let lists: Vec<String> = lists.map(|(at, kind)| format!("${}::{kind}[]", at + 1)).collect();
                let at = words.find("VALUES (").ok_or_else(|| unfit(sql))?;
                words.truncate(at);
                words.push_str(&format!("SELECT * FROM unnest({})", lists.join(", ")));
            }
        }
        let statement = self.line.prepare(&words)?;
        self.statements.insert((form, sql), statement.clone());
        Ok(statement)
    }

    fn statement(&mut self, form: Form, sql: &'static str, values: &[Value<'_>]) -> SqlResult<Sent> {
        let values = values.iter().map(|value| Given::from(*value)).collect();
        Ok(Sent::Statement(self.prepare(form, sql)?, values))
    }

    fn question(&mut self, question: &Question<'_>) -> SqlResult<Sent> {
        match *question {
            Question::Rows(sql, values) => self.statement(Form::Plain, sql, values),
            Question::Which(sql, first, ids) => {
                let ids = ids.iter().map(|id| Value::from(*id).into()).collect();
                let first = first.iter().map(|value| Given::from(*value));
                let values = first.chain([Given::Many(ids)]).collect();
                Ok(Sent::Statement(self.prepare(Form::Which, sql)?, values))
            }
            Question::Clock(_) => {
                let clock = "SELECT CAST(floor(extract(epoch FROM clock_timestamp()) * 1000) AS BIGINT)";
                self.statement(Form::Plain, clock, &[])
            }
        }
    }
}

/// Another node may have found that the data was put back.
fn same_life(life: &Life, said: Option<&Answer>) -> SqlResult<()> {
    let Some(row) = said.and_then(|answer| answer.rows.first()) else {
        return Ok(());
    };
    match columns(row)?.maybe_array(1)?.map(Incarnation) {
        Some(now) if now != life.get() => {
            life.set(now);
            Err(SqlError::Failed("the data began another life".into()))
        }
        _ => Ok(()),
    }
}

impl Sql for Session {
    fn execute(&mut self, sql: &'static str, values: &[Value<'_>]) -> SqlResult<usize> {
        let statement = self.statement(Form::Plain, sql, values)?;
        let n_rows = self.ask_one(statement)?.n_rows;
        Ok(usize::try_from(n_rows).unwrap_or(usize::MAX))
    }

    fn later(&mut self, sql: &'static str, values: &[Value<'_>]) -> SqlResult<()> {
        let statement = self.statement(Form::Plain, sql, values)?;
        self.waiting.push(statement);
        Ok(())
    }

    fn each(
        &mut self,
        sql: &'static str,
        values: &[Value<'_>],
        take: &mut dyn FnMut(Row) -> SqlResult<ControlFlow<()>>,
    ) -> SqlResult<()> {
        let statement = self.statement(Form::Plain, sql, values)?;
        for row in self.ask_one(statement)?.rows {
            if take(columns(&row)?)?.is_break() {
                break;
            }
        }
        Ok(())
    }

    fn ask(&mut self, questions: &[Question<'_>]) -> SqlResult<Vec<Vec<Row>>> {
        let questions = questions.iter().map(|question| self.question(question));
        let questions = questions.collect::<SqlResult<_>>()?;
        let answers = self.journey(questions)?.into_iter();
        answers
            .map(|answer| answer.rows.iter().map(columns).collect())
            .collect()
    }

    fn insert_many(&mut self, sql: &'static str, rows: &[Vec<Value<'_>>]) -> SqlResult<()> {
        let Some(n_columns) = rows.first().map(Vec::len) else {
            return Ok(());
        };
        let list = |at: usize| {
            let values = rows.iter().map(|row| row.get(at).copied().unwrap_or_default().into());
            Given::Many(values.collect())
        };
        let lists = (0..n_columns).map(list).collect();
        let statement = self.prepare(Form::Many, sql)?;
        self.waiting.push(Sent::Statement(statement, lists));
        Ok(())
    }

    fn lock_row(&mut self, sql: &'static str, values: &[Value<'_>]) -> SqlResult<Option<Row>> {
        let statement = self.statement(Form::Locking, sql, values)?;
        self.ask_one(statement)?.rows.first().map(columns).transpose()
    }

    fn one_at_a_time(&mut self, tenant: &TenantId) -> SqlResult<()> {
        let mut name = [0; 8];
        name.copy_from_slice(&tenant.as_bytes()[..8]);
        let lock = "SELECT pg_advisory_xact_lock(?1)";
        self.later(lock, &[Value::Int(i64::from_be_bytes(name))])
    }

    fn reach(&mut self, other: Option<&TenantId>) -> SqlResult<()> {
        let hex = other.map(|other| hex::encode(other.as_bytes())).unwrap_or_default();
        self.later("SELECT set_config('medieco.other', ?1, true)", &[Value::Text(&hex)])
    }

    fn at_gate(&mut self, grant: &GrantId) -> SqlResult<()> {
        let hex = hex::encode(grant.as_bytes());
        self.later("SELECT set_config('medieco.grant', ?1, true)", &[Value::Text(&hex)])
    }

    fn call_back(&mut self, recipient: &TenantId, grant: &GrantId) -> SqlResult<()> {
        let (recipient, grant) = (*recipient, *grant);
        let word = nodes::write(&Wake::Revoked { recipient, grant });
        self.later("SELECT pg_notify('medieco', ?1)", &[Value::Text(&word)])
    }
}

fn unfit(sql: &str) -> SqlError {
    SqlError::Failed(format!("not a statement of this form: {sql}"))
}
