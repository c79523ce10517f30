//! The seam over PostgreSQL: one connection, on one thread.
//!
//! Each transaction says first for whom it is; row-level security lets it see no others' rows (`migrations-postgres/`).
//! Positions become visible in order because the row of a feed stays locked from the first position taken to the commit,
//! and a reading transaction sees one moment. What stood in the way of another transaction is tried again.

mod values;

use std::cell::{Cell, RefCell};
use std::collections::{HashMap, HashSet};
use std::ops::ControlFlow;
use std::sync::Arc;

use postgres::types::ToSql;
use postgres::{Client, SimpleQueryMessage, Statement};
use seal::{GrantId, TenantId};
use sync_protocol::{Incarnation, Wake};

use self::values::columns;
use super::life::Life;
use super::sql::{Row, Scope, Sql, SqlError, SqlResult, Value};
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
    client: Client,
    statements: HashMap<(Form, &'static str), Statement>,
    /// Whose reading transaction is open, for the next read of this step.
    open: Option<Whose>,
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

enum Mode {
    Write,
    Snapshot,
    Latest,
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
    /// transaction: of one moment, and with a third of the journeys.
    pub(super) fn begin_step(&self) {
        self.in_step.set(true);
    }

    /// The transaction that may be open for it ends.
    pub(super) fn end_step(&self) {
        self.in_step.set(false);
        let mut place = self.session.borrow_mut();
        let ended = place.as_mut().map(Session::close);
        if let Some(Err(_)) = ended {
            *place = None;
        }
    }

    /// From now on a transaction that meets another life than this fails, and tells.
    pub(super) fn watch(&mut self, life: Arc<Life>) {
        self.life = Some(life);
    }

    pub(super) fn url(&self) -> &DatabaseUrl {
        &self.url
    }

    pub(super) fn read<T>(&self, scope: Scope<'_>, act: impl FnMut(&mut dyn Sql) -> SqlResult<T>) -> SqlResult<T> {
        let mode = match scope {
            Scope::Latest(_) => Mode::Latest,
            Scope::Clinic(_) | Scope::House => Mode::Snapshot,
        };
        self.transaction(&mode, scope, act)
    }

    pub(super) fn write<T>(&self, scope: Scope<'_>, act: impl FnMut(&mut dyn Sql) -> SqlResult<T>) -> SqlResult<T> {
        self.transaction(&Mode::Write, scope, act)
    }

    fn transaction<T>(
        &self,
        mode: &Mode,
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
            if read.is_err() && session.close_after_error().is_err() {
                *place = None;
            }
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
        (mode, scope, whose): (&Mode, Scope<'_>, Option<Whose>),
        act: &mut impl FnMut(&mut dyn Sql) -> SqlResult<T>,
    ) -> SqlResult<T> {
        let was_open = place.is_some();
        let mut session = match place.take() {
            Some(session) => session,
            None => Session::connect(&self.url)?,
        };
        let began = match session.begin(mode, scope) {
            // Cut while nothing was under way (the database was restarted, say): once more, with another connection.
            Err(SqlError::Lost(_)) if was_open => {
                session = Session::connect(&self.url)?;
                session.begin(mode, scope)
            }
            began => began,
        };
        let done = began
            .and_then(|incarnation| self.same_life(incarnation))
            .and_then(|()| act(&mut session))
            .and_then(|done| {
                session.open = whose;
                match whose {
                    Some(_) => Ok(done),
                    None => Ok(session.client.batch_execute("COMMIT").map(|()| done)?),
                }
            });
        let is_usable = match &done {
            Ok(_) => true,
            Err(SqlError::Lost(_)) => false,
            Err(_) => session.client.batch_execute("ROLLBACK").is_ok(),
        };
        if is_usable {
            *place = Some(session);
        }
        done
    }

    /// Another node may have found that the data was put back.
    fn same_life(&self, now: Option<Incarnation>) -> SqlResult<()> {
        let (Some(life), Some(now)) = (&self.life, now) else {
            return Ok(());
        };
        if life.get() == now {
            return Ok(());
        }
        life.set(now);
        Err(SqlError::Failed("the data began another life".into()))
    }
}

impl Session {
    fn connect(url: &DatabaseUrl) -> SqlResult<Self> {
        let mut client = url.connect().map_err(|error| SqlError::Failed(error.to_string()))?;
        client.batch_execute(LIMITS)?;
        Ok(Self {
            client,
            statements: HashMap::new(),
            open: None,
        })
    }

    /// Ends the reading transaction that may be open.
    fn close(&mut self) -> SqlResult<()> {
        match self.open.take() {
            Some(_) => Ok(self.client.batch_execute("COMMIT")?),
            None => Ok(()),
        }
    }

    fn close_after_error(&mut self) -> SqlResult<()> {
        self.open = None;
        Ok(self.client.batch_execute("ROLLBACK")?)
    }

    /// Begins, says for whom, and looks which life the data lives: one journey to the database.
    fn begin(&mut self, mode: &Mode, scope: Scope<'_>) -> SqlResult<Option<Incarnation>> {
        let begin = match mode {
            Mode::Write => "BEGIN",
            Mode::Snapshot => "BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY",
            Mode::Latest => "BEGIN READ ONLY",
        };
        let whom = match scope {
            // Hexadecimal digits: nothing that could end the string.
            Scope::Clinic(tenant) | Scope::Latest(tenant) => {
                format!(
                    "set_config('medieco.tenant', '{}', true)",
                    hex::encode(tenant.as_bytes())
                )
            }
            Scope::House => "set_config('medieco.house', 'on', true)".to_owned(),
        };
        // What was read before ends on the way.
        let end = self.open.take().map_or("", |_| "COMMIT; ");
        let sql = format!("{end}{begin}; SELECT {whom}, (SELECT encode(incarnation, 'hex') FROM relay)");
        for message in self.client.simple_query(&sql)? {
            if let SimpleQueryMessage::Row(row) = message {
                let mut incarnation = [0; 16];
                let is_one = row.get(1).map(|text| hex::decode_to_slice(text, &mut incarnation));
                return Ok(is_one.and_then(Result::ok).map(|()| Incarnation(incarnation)));
            }
        }
        Ok(None)
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
                words = format!("{before}= ANY({})", number.trim_start_matches("= "));
            }
            Form::Many => {
                let types = self.client.prepare(&words)?;
                let lists = types.params().iter().enumerate();
                let lists: Vec<String> = lists.map(|(at, kind)| format!("${}::{kind}[]", at + 1)).collect();
                let at = words.find("VALUES (").ok_or_else(|| unfit(sql))?;
                words.truncate(at);
                words.push_str(&format!("SELECT * FROM unnest({})", lists.join(", ")));
            }
        }
        let statement = self.client.prepare(&words)?;
        self.statements.insert((form, sql), statement.clone());
        Ok(statement)
    }

    fn query(&mut self, form: Form, sql: &'static str, values: &[Value<'_>]) -> SqlResult<Vec<postgres::Row>> {
        let statement = self.prepare(form, sql)?;
        let values: Vec<&(dyn ToSql + Sync)> = values.iter().map(|value| value as _).collect();
        Ok(self.client.query(&statement, &values)?)
    }

    fn set(&mut self, sql: &'static str, hex: &str) -> SqlResult<()> {
        self.query(Form::Plain, sql, &[Value::Text(hex)]).map(drop)
    }
}

impl Sql for Session {
    fn execute(&mut self, sql: &'static str, values: &[Value<'_>]) -> SqlResult<usize> {
        let statement = self.prepare(Form::Plain, sql)?;
        let values: Vec<&(dyn ToSql + Sync)> = values.iter().map(|value| value as _).collect();
        let n_rows = self.client.execute(&statement, &values)?;
        Ok(usize::try_from(n_rows).unwrap_or(usize::MAX))
    }

    fn each(
        &mut self,
        sql: &'static str,
        values: &[Value<'_>],
        take: &mut dyn FnMut(Row) -> SqlResult<ControlFlow<()>>,
    ) -> SqlResult<()> {
        for row in self.query(Form::Plain, sql, values)? {
            if take(columns(&row)?)?.is_break() {
                break;
            }
        }
        Ok(())
    }

    fn insert_many(&mut self, sql: &'static str, rows: &[Vec<Value<'_>>]) -> SqlResult<()> {
        let Some(n_columns) = rows.first().map(Vec::len) else {
            return Ok(());
        };
        let statement = self.prepare(Form::Many, sql)?;
        let list = |at: usize| -> Vec<Value<'_>> {
            let values = rows.iter().map(|row| row.get(at).copied());
            values.map(Option::unwrap_or_default).collect()
        };
        let lists: Vec<Vec<Value<'_>>> = (0..n_columns).map(list).collect();
        let lists: Vec<&(dyn ToSql + Sync)> = lists.iter().map(|list| list as _).collect();
        self.client.execute(&statement, &lists)?;
        Ok(())
    }

    fn which(&mut self, sql: &'static str, first: &[Value<'_>], ids: &[&[u8; 32]]) -> SqlResult<HashSet<[u8; 32]>> {
        if ids.is_empty() {
            return Ok(HashSet::new());
        }
        let statement = self.prepare(Form::Which, sql)?;
        let ids: Vec<Value<'_>> = ids.iter().map(|id| Value::Bytes(*id)).collect();
        let mut values: Vec<&(dyn ToSql + Sync)> = first.iter().map(|value| value as _).collect();
        values.push(&ids);
        let rows = self.client.query(&statement, &values)?;
        rows.iter().map(|row| columns(row)?.array(0)).collect()
    }

    fn lock_row(&mut self, sql: &'static str, values: &[Value<'_>]) -> SqlResult<Option<Row>> {
        let rows = self.query(Form::Locking, sql, values)?;
        rows.first().map(columns).transpose()
    }

    fn one_at_a_time(&mut self, tenant: &TenantId) -> SqlResult<()> {
        let mut name = [0; 8];
        name.copy_from_slice(&tenant.as_bytes()[..8]);
        let lock = "SELECT pg_advisory_xact_lock(?1)";
        self.query(Form::Plain, lock, &[Value::Int(i64::from_be_bytes(name))])
            .map(drop)
    }

    fn reach(&mut self, other: Option<&TenantId>) -> SqlResult<()> {
        let hex = other.map(|other| hex::encode(other.as_bytes())).unwrap_or_default();
        self.set("SELECT set_config('medieco.other', ?1, true)", &hex)
    }

    fn at_gate(&mut self, grant: &GrantId) -> SqlResult<()> {
        let hex = hex::encode(grant.as_bytes());
        self.set("SELECT set_config('medieco.grant', ?1, true)", &hex)
    }

    fn call_back(&mut self, recipient: &TenantId, grant: &GrantId) -> SqlResult<()> {
        let (recipient, grant) = (*recipient, *grant);
        let word = nodes::write(&Wake::Revoked { recipient, grant });
        self.set("SELECT pg_notify('medieco', ?1)", &word)
    }

    fn clock_ms(&mut self, _own_ms: i64) -> SqlResult<i64> {
        let sql = "SELECT CAST(floor(extract(epoch FROM clock_timestamp()) * 1000) AS BIGINT)";
        self.the_row(sql, &[])?.int(0)
    }
}

fn unfit(sql: &str) -> SqlError {
    SqlError::Failed(format!("not a statement of this form: {sql}"))
}
