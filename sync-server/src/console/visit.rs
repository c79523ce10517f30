//! One request on its way through the console.

use std::sync::Arc;

use hyper::StatusCode;
use seal::TenantId;
use sync_protocol::RelayStoreFailed;

use super::Console;
use super::asking::Asked;
use super::form::Pairs;
use super::session::{Session, Token};
use super::words::{Lang, Words};
use crate::limits::Origin;
use crate::{Store, WriterGone};

/// Why there is no page.
#[derive(Debug)]
pub(crate) enum Fault {
    /// Nothing is there.
    NotFound,
    /// Not by this session, or by no page of this site.
    Refused,
    /// The sign-in is over.
    Ended,
    /// The form is too large, or came too slowly; the number says which.
    TooMuch(StatusCode),
    /// The store.
    Failed,
}

impl From<RelayStoreFailed> for Fault {
    fn from(error: RelayStoreFailed) -> Self {
        tracing::error!(%error, "the console cannot read or write the store");
        Self::Failed
    }
}

impl From<WriterGone> for Fault {
    fn from(_: WriterGone) -> Self {
        Self::Failed
    }
}

/// Who asks for what.
pub(crate) struct Visit {
    pub(crate) console: Arc<Console>,
    pub(crate) lang: Lang,
    pub(crate) words: &'static Words,
    host: String,
    /// The parts of the address for which the route has a `*`.
    pub(crate) params: Vec<String>,
    pub(crate) query: Pairs,
    pub(crate) form: Pairs,
    /// Who is signed in.
    pub(crate) session: Option<Session>,
    pub(crate) origin: Option<Origin>,
    pub(crate) now_ms: i64,
    pub(super) cookie: Option<Token>,
}

impl Visit {
    pub(super) fn new(console: Arc<Console>, asked: Asked, params: Vec<String>) -> Self {
        Self {
            now_ms: console.clock.now_ms(),
            console,
            lang: asked.lang,
            words: Words::of(asked.lang),
            host: asked.host,
            params,
            query: asked.query,
            form: asked.form,
            session: None,
            origin: asked.origin,
            cookie: asked.cookie.as_deref().and_then(Token::read),
        }
    }

    pub(super) async fn look_up_session(&mut self) -> Result<(), Fault> {
        let Some(token) = &self.cookie else { return Ok(()) };
        let (hash, now_ms) = (token.hash(), self.now_ms);
        let row = self.store(move |store| store.operator_session(&hash, now_ms)).await?;
        self.session = row
            .zip(self.cookie.as_ref())
            .map(|(row, token)| Session::new(row, token));
        Ok(())
    }

    /// Who is signed in, where the route asks for an operator.
    pub(crate) fn me(&self) -> &Session {
        self.session.as_ref().expect("the route asks for an operator")
    }

    /// His name.
    pub(crate) fn by(&self) -> String {
        self.me().row.name.clone()
    }

    /// Does something on the store's thread.
    pub(crate) async fn store<T: Send + 'static, E: Send + 'static>(
        &self,
        job: impl FnOnce(&mut Store) -> Result<T, E> + Send + 'static,
    ) -> Result<T, Fault>
    where
        Fault: From<E>,
    {
        Ok(self.console.shared.on_store(None, job).await??)
    }

    /// The same, of a clinic: in the order of its jobs.
    pub(crate) async fn store_of<T: Send + 'static>(
        &self,
        clinic: TenantId,
        job: impl FnOnce(&mut Store) -> Result<T, RelayStoreFailed> + Send + 'static,
    ) -> Result<T, Fault> {
        Ok(self.console.shared.on_store(Some(clinic), job).await??)
    }

    /// Where this console is, as the browser calls it.
    pub(crate) fn here(&self) -> String {
        let scheme = if self.console.is_secure { "https" } else { "http" };
        format!("{scheme}://{}", self.host)
    }

    /// The number in the address.
    pub(crate) fn number(&self) -> Result<i64, Fault> {
        let number = self.params.first().and_then(|part| part.parse().ok());
        number.filter(|number| *number > 0).ok_or(Fault::NotFound)
    }
}
