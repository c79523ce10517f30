//! What every step of a session asks about its clinic, as one question.
//!
//! Each of its parts is a row that is found by its key. Asked one by one they would be as many journeys to a database that is
//! elsewhere; as one question they are one, and within a step it is answered once (`look.rs`).

use seal::TenantId;
use sync_protocol::{Heads, MailHeads, PostHeads};

use super::sql::{Question, Row, Sql, SqlResult, Value, values};

const GLANCE: &str = "SELECT coalesce(max(CASE WHEN feed = 0 THEN position END), 0),
        coalesce(max(CASE WHEN feed = 1 THEN position END), 0),
        coalesce(max(CASE WHEN feed = 2 THEN position END), 0),
        (SELECT count(*) FROM statement WHERE tenant = ?1),
        EXISTS (SELECT 1 FROM standing WHERE tenant = ?1),
        EXISTS (SELECT 1 FROM closed WHERE source = ?1 AND confirmed_by IS NULL),
        coalesce((SELECT inbox FROM mail_head WHERE tenant = ?1), 0),
        coalesce((SELECT states FROM mail_head WHERE tenant = ?1), 0),
        (SELECT directory FROM relay)
    FROM head WHERE tenant = ?1";

/// How things are with a clinic.
pub(super) struct Glance {
    /// The last position of each feed.
    pub(super) heads: Heads,
    /// How many statements are stored, which only ever become more.
    pub(super) n_statements: u64,
    /// It is not served.
    pub(super) is_suspended: bool,
    /// What it gives does not cross until it has confirmed.
    pub(super) is_closed: bool,
    /// How far everything reaches that concerns it: its inbox, what it is told, the directory.
    pub(super) post: PostHeads,
}

/// The question alone, to be asked with others; `of` is the clinic.
pub(super) fn question<'a>(of: &'a [Value<'a>; 1]) -> Question<'a> {
    Question::Rows(GLANCE, of)
}

pub(super) fn glance(sql: &mut dyn Sql, tenant: &TenantId) -> SqlResult<Glance> {
    let mut row: Row = sql.the_row(GLANCE, &values![tenant])?;
    let heads = Heads {
        changes: row.position(0)?,
        consents: row.position(1)?,
        audit: row.position(2)?,
    };
    Ok(Glance {
        heads,
        n_statements: row.position(3)?,
        is_suspended: row.flag(4)?,
        is_closed: row.flag(5)?,
        post: PostHeads {
            mail: MailHeads {
                inbox: row.position(6)?,
                states: row.position(7)?,
            },
            directory: row.position(8)?,
        },
    })
}
