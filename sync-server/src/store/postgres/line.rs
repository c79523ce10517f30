//! A connection to a PostgreSQL, on the thread that uses it.
//!
//! What is sent together is one journey to the database: however many statements, one wait. The database does them one
//! after the other, and each sees what those before it did and waited for.

use std::future::{Future, poll_fn};
use std::pin::pin;
use std::task::{Context, Poll};
use std::time::Duration;

use futures_util::TryStreamExt;
use futures_util::future::maybe_done;
use futures_util::task::noop_waker_ref;
use tokio::runtime::{Builder, Runtime};
use tokio::time::timeout;
use tokio_postgres::{Client, Error, Row, Statement};

use super::values::Given;
use crate::DatabaseUrl;
use crate::database_url::Carrying;
use crate::store::sql::{SqlError, SqlResult};

/// Who is told that this program leaves gets so long to hear it.
const GOODBYE: Duration = Duration::from_secs(1);

pub(super) struct Line {
    runtime: Runtime,
    client: Option<Client>,
    /// Carries what is sent, and what comes; `None` once the connection is cut.
    carrying: Option<Carrying>,
    n_journeys: u64,
}

/// What goes to the database.
pub(super) enum Sent {
    /// Words that have no values and give nothing: `COMMIT`.
    Words(&'static str),
    /// A prepared statement.
    Statement(Statement, Vec<Given>),
}

/// What comes back.
#[derive(Default)]
pub(super) struct Answer {
    pub(super) rows: Vec<Row>,
    /// How many rows it changed, or gave.
    pub(super) n_rows: u64,
}

impl Line {
    pub(super) fn connect(url: &DatabaseUrl) -> SqlResult<Self> {
        let failed = |error: &dyn std::fmt::Display| SqlError::Failed(error.to_string());
        let runtime = Builder::new_current_thread().enable_all().build();
        let runtime = runtime.map_err(|error| failed(&error))?;
        let (client, carrying) = runtime.block_on(url.open()).map_err(|error| failed(&error))?;
        Ok(Self {
            runtime,
            client: Some(client),
            carrying: Some(carrying),
            n_journeys: 0,
        })
    }

    /// How often the database was waited for.
    pub(super) fn n_journeys(&self) -> u64 {
        self.n_journeys
    }

    pub(super) fn prepare(&mut self, words: &str) -> SqlResult<Statement> {
        self.n_journeys += 1;
        let client = self.client.as_ref().ok_or_else(cut)?;
        Ok(drive(&self.runtime, &mut self.carrying, client.prepare(words))?)
    }

    /// Sends all of it, in this order, and waits for all answers: one journey. The first error is what went wrong; what was
    /// sent behind it has failed, too, inside a transaction.
    pub(super) fn ask(&mut self, sent: &[Sent]) -> SqlResult<Vec<Answer>> {
        self.n_journeys += 1;
        let client = self.client.as_ref().ok_or_else(cut)?;
        let mut answers: Vec<_> = sent
            .iter()
            .map(|one| Box::pin(maybe_done(answer(client, one))))
            .collect();
        // What is polled first is sent first. What has ended before anything was carried could not be sent, and what is
        // behind it is not sent either: no commit goes without what was to be committed.
        let mut nobody = Context::from_waker(noop_waker_ref());
        let unsent = answers
            .iter_mut()
            .position(|answer| answer.as_mut().poll(&mut nobody).is_ready());
        answers.truncate(unsent.map_or(sent.len(), |at| at + 1));
        let all = poll_fn(|cx| {
            let mut are_done = true;
            for answer in &mut answers {
                are_done &= answer.as_mut().poll(cx).is_ready();
            }
            if are_done { Poll::Ready(()) } else { Poll::Pending }
        });
        drive(&self.runtime, &mut self.carrying, all);
        answers
            .iter_mut()
            .map(|answer| Ok(answer.as_mut().take_output().ok_or_else(cut)??))
            .collect()
    }

    /// Sends this behind what was sent, and waits for nothing. What becomes of it is not heard.
    pub(super) fn send_behind(&mut self, words: &'static str) {
        let Some(client) = &self.client else { return };
        let mut sent = pin!(client.batch_execute(words));
        let mut once = false;
        let sent = poll_fn(|cx| match sent.as_mut().poll(cx) {
            Poll::Pending if !std::mem::replace(&mut once, true) => Poll::Pending,
            _ => Poll::Ready(()),
        });
        drive(&self.runtime, &mut self.carrying, sent);
    }
}

impl Drop for Line {
    fn drop(&mut self) {
        // With nobody left to ask, the connection says goodbye and ends.
        self.client = None;
        if let Some(carrying) = self.carrying.take() {
            self.runtime.block_on(async { timeout(GOODBYE, carrying).await.ok() });
        }
    }
}

async fn answer(client: &Client, sent: &Sent) -> Result<Answer, Error> {
    match sent {
        Sent::Words(words) => client.batch_execute(words).await.map(|()| Answer::default()),
        Sent::Statement(statement, values) => {
            let mut stream = pin!(client.query_raw(statement, values).await?);
            let mut rows = Vec::new();
            while let Some(row) = stream.try_next().await? {
                rows.push(row);
            }
            let n_rows = stream.rows_affected().unwrap_or_default();
            Ok(Answer { rows, n_rows })
        }
    }
}

/// Works until this is done, and carries meanwhile what goes and comes.
fn drive<T>(runtime: &Runtime, carrying: &mut Option<Carrying>, work: impl Future<Output = T>) -> T {
    let mut work = pin!(work);
    runtime.block_on(poll_fn(|cx| {
        if let Poll::Ready(done) = work.as_mut().poll(cx) {
            return Poll::Ready(done);
        }
        if let Some(connection) = carrying.as_mut()
            && connection.as_mut().poll(cx).is_ready()
        {
            // Whoever still waits for an answer hears now that there is none.
            *carrying = None;
        }
        work.as_mut().poll(cx)
    }))
}

fn cut() -> SqlError {
    SqlError::Lost("the connection is cut".into())
}
