//! Who is signed in at the operator's console.

use sync_protocol::RelayStoreFailed;

use super::Store;
use super::operator_audit::note;
use super::operators::{Factor, Tried, use_factor};
use super::sql::{Row, Scope, values};

/// A sign-in ends after so long without a request, in milliseconds: 30 minutes.
pub const SESSION_IDLE_MS: i64 = 30 * 60 * 1000;
/// And after so long in any case: 12 hours.
pub const SESSION_LIFETIME_MS: i64 = 12 * 60 * 60 * 1000;
/// Noted so often that it goes on.
const NOTED_MS: i64 = 60 * 1000;

/// One sign-in.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OperatorSession {
    /// The hash of its cookie.
    pub hash: [u8; 32],
    /// The operator's id.
    pub operator: [u8; 16],
    /// The operator's name.
    pub name: String,
    /// When it began, milliseconds since 1970, UTC.
    pub made_ms: i64,
    /// When it was last used, to the minute.
    pub seen_ms: i64,
    /// The number of the clinic whose data was exported in it last.
    pub exported: Option<i64>,
}

impl Store {
    /// Signs an operator in whose password was right: uses the second factor up and begins a session; the one of this
    /// browser before it ends. `false` when the second factor was used before: then nothing has happened.
    ///
    /// # Errors
    /// [`RelayStoreFailed`].
    pub fn sign_operator_in(
        &mut self,
        session: &OperatorSession,
        factor: Factor,
        before: Option<&[u8; 32]>,
        tried: &[Tried],
    ) -> Result<bool, RelayStoreFailed> {
        let now_ms = session.made_ms;
        self.write(Scope::House, |sql| {
            if !use_factor(sql, &session.operator, factor, now_ms)? {
                return Ok(false);
            }
            for tried in tried {
                sql.execute("DELETE FROM operator_try WHERE who = ?1", &values![&tried.who])?;
            }
            if let Some(before) = before {
                sql.execute("DELETE FROM operator_session WHERE hash = ?1", &values![before])?;
            }
            let insert = "INSERT INTO operator_session (hash, operator, made_ms, seen_ms) VALUES (?1, ?2, ?3, ?3)";
            sql.execute(insert, &values![&session.hash, &session.operator, now_ms])?;
            let with = match factor {
                Factor::Step(_) => "",
                Factor::Recovery(_) => "recovery code",
            };
            note(sql, (&session.name, now_ms), "signed_in", with)?;
            Ok(true)
        })
    }

    /// The session with this hash, if it lives; it is noted that it was used.
    ///
    /// # Errors
    /// [`RelayStoreFailed`].
    pub fn operator_session(
        &mut self,
        hash: &[u8; 32],
        now_ms: i64,
    ) -> Result<Option<OperatorSession>, RelayStoreFailed> {
        let select = "SELECT s.hash, s.operator, o.name, s.made_ms, s.seen_ms, s.exported FROM operator_session s
                      JOIN operator o ON o.id = s.operator WHERE s.hash = ?1 AND s.seen_ms > ?2 AND s.made_ms > ?3";
        let lives = values![
            hash,
            now_ms.saturating_sub(SESSION_IDLE_MS),
            now_ms.saturating_sub(SESSION_LIFETIME_MS)
        ];
        let found = self.read(Scope::House, |sql| sql.row(select, &lives)?.map(session).transpose())?;
        if found.as_ref().is_some_and(|found| found.seen_ms + NOTED_MS <= now_ms) {
            let note = "UPDATE operator_session SET seen_ms = ?2 WHERE hash = ?1";
            self.write(Scope::House, |sql| sql.execute(note, &values![hash, now_ms]))?;
        }
        Ok(found)
    }

    /// An operator's sign-ins that live, the newest first.
    ///
    /// # Errors
    /// [`RelayStoreFailed`].
    pub fn sessions_of(&self, operator: &[u8; 16], now_ms: i64) -> Result<Vec<OperatorSession>, RelayStoreFailed> {
        let select = "SELECT s.hash, s.operator, o.name, s.made_ms, s.seen_ms, s.exported FROM operator_session s
                      JOIN operator o ON o.id = s.operator WHERE s.operator = ?1 AND s.seen_ms > ?2 AND s.made_ms > ?3
                      ORDER BY s.made_ms DESC, s.hash";
        let live = values![
            operator,
            now_ms.saturating_sub(SESSION_IDLE_MS),
            now_ms.saturating_sub(SESSION_LIFETIME_MS)
        ];
        self.read(Scope::House, |sql| {
            sql.rows(select, &live)?.into_iter().map(session).collect()
        })
    }

    /// Ends the session with this hash.
    ///
    /// # Errors
    /// [`RelayStoreFailed`].
    pub fn sign_operator_out(&mut self, session: &OperatorSession, now_ms: i64) -> Result<(), RelayStoreFailed> {
        self.end_sessions(session, "signed_out", now_ms)
    }

    /// Ends all sessions of this one's operator.
    ///
    /// # Errors
    /// [`RelayStoreFailed`].
    pub fn sign_operator_out_everywhere(
        &mut self,
        session: &OperatorSession,
        now_ms: i64,
    ) -> Result<(), RelayStoreFailed> {
        self.end_sessions(session, "signed_out_everywhere", now_ms)
    }

    fn end_sessions(
        &mut self,
        session: &OperatorSession,
        act: &'static str,
        at_ms: i64,
    ) -> Result<(), RelayStoreFailed> {
        self.write(Scope::House, |sql| {
            if act == "signed_out" {
                sql.execute("DELETE FROM operator_session WHERE hash = ?1", &values![&session.hash])?;
            } else {
                let all = "DELETE FROM operator_session WHERE operator = ?1";
                sql.execute(all, &values![&session.operator])?;
            }
            note(sql, (&session.name, at_ms), act, "")
        })
    }

    /// A clinic's data left in this session, whole.
    ///
    /// # Errors
    /// [`RelayStoreFailed`].
    pub fn note_export(&mut self, session: &OperatorSession, clinic: i64, now_ms: i64) -> Result<(), RelayStoreFailed> {
        self.write(Scope::House, |sql| {
            let exported = "UPDATE operator_session SET exported = ?2 WHERE hash = ?1";
            sql.execute(exported, &values![&session.hash, clinic])?;
            note(sql, (&session.name, now_ms), "clinic_exported", &clinic.to_string())
        })
    }

    /// Forgets sessions that are over.
    pub(super) fn forget_sessions(sql: &mut dyn super::sql::Sql, now_ms: i64) -> super::sql::SqlResult<()> {
        let over = "DELETE FROM operator_session WHERE seen_ms <= ?1 OR made_ms <= ?2";
        let over_by = values![
            now_ms.saturating_sub(SESSION_IDLE_MS),
            now_ms.saturating_sub(SESSION_LIFETIME_MS)
        ];
        sql.execute(over, &over_by).map(drop)
    }
}

fn session(mut row: Row) -> super::sql::SqlResult<OperatorSession> {
    Ok(OperatorSession {
        hash: row.array(0)?,
        operator: row.array(1)?,
        name: row.text(2)?,
        made_ms: row.int(3)?,
        seen_ms: row.int(4)?,
        exported: row.maybe_int(5)?,
    })
}
