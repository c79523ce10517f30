//! Who may sign in at the operator's console, how often somebody tried in vain, and what each may use only once.

use rand_core::CryptoRng;
use sync_protocol::RelayStoreFailed;

use super::Store;
use super::operator_audit::note;
use super::sql::{Row, Scope, Sql, SqlResult, values};

/// How long a link is good for by which an operator sets password and second factor: 24 hours, in milliseconds.
pub const LINK_LIFETIME_MS: i64 = 24 * 60 * 60 * 1000;

/// The name under which the command line stands in the operators' audit.
pub const COMMAND_LINE: &str = "(command line)";

/// Failed tries older than this are forgotten, in milliseconds.
const TRIES_KEPT_MS: i64 = 24 * 60 * 60 * 1000;

/// One operator on the list.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OperatorRow {
    /// Its name.
    pub name: String,
    /// When it was put on the list, milliseconds since 1970, UTC.
    pub made_ms: i64,
    /// Whether it has a password and a second factor.
    pub is_enrolled: bool,
    /// Recovery codes that are left.
    pub n_codes: u64,
    /// When its link ends; `None` when none is open.
    pub link_until_ms: Option<i64>,
}

/// What is stored of an operator who tries to sign in.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Credentials {
    /// Its id.
    pub id: [u8; 16],
    /// What the password is compared with.
    pub password: Vec<u8>,
    /// The sealed second factor.
    pub totp: Vec<u8>,
}

/// What was shown as the second factor.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Factor {
    /// A code of this step of the clock.
    Step(u64),
    /// A recovery code with this hash.
    Recovery([u8; 32]),
}

/// A name or an address, as a hash, and from which failed try on it has to wait.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Tried {
    /// Whose tries are counted.
    pub who: [u8; 32],
    /// So many may fail without a wait.
    pub n_free: u64,
    /// The longest wait, in milliseconds.
    pub most_ms: i64,
}

/// The first wait, in milliseconds; each one after it is twice as long.
const FIRST_WAIT_MS: i64 = 30_000;

impl Tried {
    fn wait_ms(&self, n_failed: u64) -> i64 {
        let Some(over) = n_failed.checked_sub(self.n_free) else {
            return 0;
        };
        let doubled = FIRST_WAIT_MS.saturating_mul(1 << over.min(20));
        doubled.min(self.most_ms)
    }
}

/// Why an operator was not put on the list, or is none of it.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum OperatorError {
    /// One to 32 of `a-z`, `0-9`, `.`, `_` and `-`.
    #[error("an operator's name has one to 32 of the letters a to z, digits, and . _ -")]
    BadName,
    /// There is one by this name.
    #[error("an operator of this name is on the list already")]
    NameTaken,
    /// Not on the list.
    #[error("no operator of this name is on the list")]
    Unknown,
    /// Somebody must be able to sign in.
    #[error("this is the last operator who can sign in")]
    Last,
    /// The store failed.
    #[error(transparent)]
    Store(#[from] RelayStoreFailed),
}

/// Whether this can be an operator's name.
pub fn is_operator_name(name: &str) -> bool {
    let fits = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || b"._-".contains(&byte);
    (1..=32).contains(&name.len()) && name.bytes().all(fits)
}

impl Store {
    /// The key of the console's secrets.
    pub(crate) fn console_key(&self) -> seal::ConsoleKey {
        self.key.console_key()
    }

    /// Puts an operator on the list, with the hash of a link by which it sets password and second factor.
    ///
    /// # Errors
    /// [`OperatorError`].
    pub fn add_operator(
        &mut self,
        name: &str,
        link: &[u8; 32],
        by: &str,
        now_ms: i64,
        rng: &mut impl CryptoRng,
    ) -> Result<(), OperatorError> {
        if !is_operator_name(name) {
            return Err(OperatorError::BadName);
        }
        let mut id = [0; 16];
        rng.fill_bytes(&mut id);
        let added = self.write(Scope::House, |sql| {
            let insert = "INSERT INTO operator (id, name, made_ms) VALUES (?1, ?2, ?3) ON CONFLICT DO NOTHING";
            if sql.execute(insert, &values![&id, name, now_ms])? == 0 {
                return Ok(false);
            }
            put_link(sql, &id, link, now_ms)?;
            note(sql, (by, now_ms), "operator_added", name)?;
            Ok(true)
        })?;
        added.then_some(()).ok_or(OperatorError::NameTaken)
    }

    /// Takes an operator's password, second factor, recovery codes and sign-ins away, and gives it another link.
    ///
    /// # Errors
    /// [`OperatorError::Unknown`], [`OperatorError::Store`].
    pub fn reset_operator(&mut self, name: &str, link: &[u8; 32], by: &str, now_ms: i64) -> Result<(), OperatorError> {
        let reset = self.write(Scope::House, |sql| {
            let Some(id) = id_of(sql, name)? else { return Ok(false) };
            sql.execute(
                "UPDATE operator SET password = NULL, totp = NULL WHERE id = ?1",
                &values![&id],
            )?;
            sql.execute("DELETE FROM operator_code WHERE operator = ?1", &values![&id])?;
            sql.execute("DELETE FROM operator_session WHERE operator = ?1", &values![&id])?;
            put_link(sql, &id, link, now_ms)?;
            note(sql, (by, now_ms), "operator_reset", name)?;
            Ok(true)
        })?;
        reset.then_some(()).ok_or(OperatorError::Unknown)
    }

    /// Takes an operator off the list, with all that it has. `but_the_last`: not the last one who can sign in.
    ///
    /// # Errors
    /// [`OperatorError`].
    pub fn remove_operator(
        &mut self,
        name: &str,
        but_the_last: bool,
        by: &str,
        now_ms: i64,
    ) -> Result<(), OperatorError> {
        self.write(Scope::House, |sql| {
            let Some(id) = id_of(sql, name)? else {
                return Ok(Err(OperatorError::Unknown));
            };
            let other = "SELECT 1 FROM operator WHERE id <> ?1 AND password IS NOT NULL";
            if but_the_last && !sql.exists(other, &values![&id])? {
                return Ok(Err(OperatorError::Last));
            }
            sql.execute("DELETE FROM operator WHERE id = ?1", &values![&id])?;
            note(sql, (by, now_ms), "operator_removed", name)?;
            Ok(Ok(()))
        })?
    }

    /// The list, by name.
    ///
    /// # Errors
    /// [`RelayStoreFailed`].
    pub fn operators(&self, now_ms: i64) -> Result<Vec<OperatorRow>, RelayStoreFailed> {
        let select = "SELECT name, made_ms, password IS NOT NULL,
                          (SELECT count(*) FROM operator_code c WHERE c.operator = operator.id AND c.used_ms IS NULL),
                          (SELECT max(expires_ms) FROM operator_link l WHERE l.operator = operator.id AND l.expires_ms > ?1)
                      FROM operator ORDER BY name";
        let row = |mut row: Row| {
            Ok(OperatorRow {
                name: row.text(0)?,
                made_ms: row.int(1)?,
                is_enrolled: row.flag(2)?,
                n_codes: row.position(3)?,
                link_until_ms: row.maybe_int(4)?,
            })
        };
        self.read(Scope::House, |sql| {
            sql.rows(select, &values![now_ms])?.into_iter().map(row).collect()
        })
    }

    /// Whose link this is (by its hash), while it is good.
    ///
    /// # Errors
    /// [`RelayStoreFailed`].
    pub fn operator_of_link(
        &self,
        link: &[u8; 32],
        now_ms: i64,
    ) -> Result<Option<([u8; 16], String)>, RelayStoreFailed> {
        let select = "SELECT o.id, o.name FROM operator_link l JOIN operator o ON o.id = l.operator
                      WHERE l.hash = ?1 AND l.expires_ms > ?2";
        self.read(Scope::House, |sql| {
            let found = sql.row(select, &values![link, now_ms])?;
            found.map(|mut row| Ok((row.array(0)?, row.text(1)?))).transpose()
        })
    }

    /// Uses a link: password, second factor (its code of `step` is thereby used) and recovery codes (hashes). `false`
    /// when it is not good any more.
    ///
    /// # Errors
    /// [`RelayStoreFailed`].
    pub fn enrol_operator(
        &mut self,
        link: &[u8; 32],
        (password, totp, step): (&[u8], &[u8], u64),
        codes: &[[u8; 32]],
        now_ms: i64,
    ) -> Result<bool, RelayStoreFailed> {
        self.write(Scope::House, |sql| {
            let take = "DELETE FROM operator_link WHERE hash = ?1 AND expires_ms > ?2 RETURNING operator";
            let Some(mut row) = sql.row(take, &values![link, now_ms])? else {
                return Ok(false);
            };
            let id: [u8; 16] = row.array(0)?;
            let name = sql
                .the_row("SELECT name FROM operator WHERE id = ?1", &values![&id])?
                .text(0)?;
            let set = "UPDATE operator SET password = ?2, totp = ?3, totp_step = ?4 WHERE id = ?1";
            sql.execute(set, &values![&id, password, totp, step])?;
            sql.execute("DELETE FROM operator_code WHERE operator = ?1", &values![&id])?;
            sql.execute("DELETE FROM operator_session WHERE operator = ?1", &values![&id])?;
            for code in codes {
                let insert = "INSERT INTO operator_code (operator, hash) VALUES (?1, ?2)";
                sql.execute(insert, &values![&id, code])?;
            }
            note(sql, (&name, now_ms), "enrolled", &name)?;
            Ok(true)
        })
    }

    /// Somebody tries to sign in. The try counts as failed until [`Store::tried_well`]; so nobody tries twice at once.
    /// Until when he has to wait, or what is stored of the operator of this name, if there is one.
    ///
    /// # Errors
    /// [`RelayStoreFailed`].
    pub fn try_operator(
        &mut self,
        name: &str,
        tried: &[Tried],
        now_ms: i64,
    ) -> Result<Result<Option<Credentials>, i64>, RelayStoreFailed> {
        self.write(Scope::House, |sql| {
            for tried in tried {
                let select = "SELECT until_ms FROM operator_try WHERE who = ?1 AND until_ms > ?2";
                if let Some(mut row) = sql.lock_row(select, &values![&tried.who, now_ms])? {
                    return Ok(Err(row.int(0)?));
                }
            }
            for tried in tried {
                count(sql, tried, now_ms)?;
            }
            let select = "SELECT id, password, totp FROM operator
                          WHERE name = ?1 AND password IS NOT NULL AND totp IS NOT NULL";
            let found = sql.row(select, &values![name])?;
            let found = found.map(|mut row| {
                let (id, password, totp) = (row.array(0)?, row.bytes(1)?, row.bytes(2)?);
                SqlResult::Ok(Credentials { id, password, totp })
            });
            found.transpose().map(Ok)
        })
    }

    /// What is stored of an operator who is signed in.
    ///
    /// # Errors
    /// [`RelayStoreFailed`].
    pub fn totp_of(&self, id: &[u8; 16]) -> Result<Option<Vec<u8>>, RelayStoreFailed> {
        self.read(Scope::House, |sql| {
            let row = sql.row("SELECT totp FROM operator WHERE id = ?1", &values![id])?;
            row.map_or(Ok(None), |mut row| row.maybe_bytes(0))
        })
    }

    /// Uses a second factor up. `false` when it was used before.
    ///
    /// # Errors
    /// [`RelayStoreFailed`].
    pub fn use_factor(&mut self, id: &[u8; 16], factor: Factor, now_ms: i64) -> Result<bool, RelayStoreFailed> {
        self.write(Scope::House, |sql| use_factor(sql, id, factor, now_ms))
    }

    /// It was no failed try after all.
    ///
    /// # Errors
    /// [`RelayStoreFailed`].
    pub fn tried_well(&mut self, tried: &[Tried]) -> Result<(), RelayStoreFailed> {
        self.write(Scope::House, |sql| {
            for tried in tried {
                sql.execute("DELETE FROM operator_try WHERE who = ?1", &values![&tried.who])?;
            }
            Ok(())
        })
    }

    /// Forgets links and tries that are long over.
    pub(super) fn forget_tries(sql: &mut dyn Sql, now_ms: i64) -> SqlResult<()> {
        let long_ago = now_ms.saturating_sub(TRIES_KEPT_MS);
        let tries = "DELETE FROM operator_try WHERE last_ms < ?1 AND until_ms < ?2";
        sql.execute(tries, &values![long_ago, now_ms])?;
        sql.execute("DELETE FROM operator_link WHERE expires_ms < ?1", &values![now_ms])
            .map(drop)
    }
}

pub(super) fn use_factor(sql: &mut dyn Sql, id: &[u8; 16], factor: Factor, now_ms: i64) -> SqlResult<bool> {
    let n_used = match factor {
        Factor::Step(step) => {
            let later = "UPDATE operator SET totp_step = ?2 WHERE id = ?1 AND totp_step < ?2";
            sql.execute(later, &values![id, step])?
        }
        Factor::Recovery(hash) => {
            let unused = "UPDATE operator_code SET used_ms = ?3 WHERE operator = ?1 AND hash = ?2 AND used_ms IS NULL";
            sql.execute(unused, &values![id, &hash, now_ms])?
        }
    };
    Ok(n_used > 0)
}

fn count(sql: &mut dyn Sql, tried: &Tried, now_ms: i64) -> SqlResult<()> {
    // What failed long ago does not count any more.
    let long_ago = now_ms.saturating_sub(TRIES_KEPT_MS);
    let insert = "INSERT INTO operator_try (who, n_failed, last_ms, until_ms) VALUES (?1, 1, ?2, 0)
                  ON CONFLICT (who) DO UPDATE SET last_ms = ?2,
                      n_failed = CASE WHEN operator_try.last_ms < ?3 THEN 1 ELSE operator_try.n_failed + 1 END
                  RETURNING n_failed";
    let n_failed = sql
        .the_row(insert, &values![&tried.who, now_ms, long_ago])?
        .position(0)?;
    let until_ms = now_ms.saturating_add(tried.wait_ms(n_failed));
    let wait = "UPDATE operator_try SET until_ms = ?2 WHERE who = ?1";
    sql.execute(wait, &values![&tried.who, until_ms]).map(drop)
}

fn put_link(sql: &mut dyn Sql, id: &[u8; 16], link: &[u8; 32], now_ms: i64) -> SqlResult<()> {
    sql.execute("DELETE FROM operator_link WHERE operator = ?1", &values![id])?;
    let insert = "INSERT INTO operator_link (hash, operator, expires_ms) VALUES (?1, ?2, ?3)";
    let ends_ms = now_ms.saturating_add(LINK_LIFETIME_MS);
    sql.execute(insert, &values![link, id, ends_ms]).map(drop)
}

fn id_of(sql: &mut dyn Sql, name: &str) -> SqlResult<Option<[u8; 16]>> {
    let row = sql.row("SELECT id FROM operator WHERE name = ?1", &values![name])?;
    row.map(|mut row| row.array(0)).transpose()
}
