//! Messages to and from other clinics: what waits to leave, what came, what became of it.
//!
//! What is in them is opaque here. A message that cannot be verified or opened is put aside with its reason and tried again
//! when more statements are here; it never keeps another from coming in.

use domain::Instant;
use rusqlite::{Connection, OptionalExtension, Row, params};
use seal::{Mail, MailId, MailKind, SealError, TenantId};
use sync_protocol::MailState;

use crate::belonging::Belonging;
use crate::facts::kind;
use crate::reading::count;
use crate::sharing::membership_of;
use crate::{Reading, Tag, VaultError, Writing};

/// Messages that were put aside and are looked at again, at one time.
const AGAIN_AT_A_TIME: i64 = 200;

/// A message that came.
#[derive(Debug, Clone)]
pub struct CameMail {
    /// The clinic that sent it.
    pub from: TenantId,
    /// Its id, as its sender named it.
    pub id: MailId,
    /// When it came here.
    pub came_at: Instant,
    /// What kind of message it is.
    pub kind: MailKind,
    /// When it was written, by the sender's clock.
    pub written_at: Instant,
    /// What it says; `None` once it was read and is in the record.
    pub content: Option<Vec<u8>>,
    /// What is to be said of who signed it: `removed_device`.
    pub doubt: Option<String>,
}

/// How far an own message has come.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct MailProgress {
    /// Waits on this device to be sent.
    pub waits_here: bool,
    /// The relay takes it never, and why.
    pub refused: Option<String>,
    /// What the relay says, and when that was by its clock.
    pub state: Option<(MailState, Instant)>,
}

impl Reading<'_> {
    /// Messages that came and could be opened, the newest first.
    pub fn came_mail(&self) -> Result<Vec<CameMail>, VaultError> {
        self.many(
            "SELECT sender, id, came_ms, kind, written_ms, content, doubt FROM mail_in
             WHERE put_aside IS NULL ORDER BY arrival DESC",
            [],
            came,
        )
    }

    /// One of them.
    pub fn one_came_mail(&self, from: TenantId, id: MailId) -> Result<Option<CameMail>, VaultError> {
        self.one(
            "SELECT sender, id, came_ms, kind, written_ms, content, doubt FROM mail_in
             WHERE put_aside IS NULL AND sender = ?1 AND id = ?2",
            params![from.as_bytes(), id.as_bytes()],
            came,
        )
    }

    /// Why messages were put aside, and how many for each reason.
    pub fn mail_put_aside(&self) -> Result<Vec<(String, u64)>, VaultError> {
        self.many(
            "SELECT put_aside, count(*) FROM mail_in WHERE put_aside IS NOT NULL GROUP BY put_aside ORDER BY put_aside",
            [],
            |row| Ok((row.get(0)?, count(row, 1)?)),
        )
    }

    /// How far an own message has come, as far as it is known here.
    pub fn mail_progress(&self, id: MailId) -> Result<MailProgress, VaultError> {
        let out = self.one(
            "SELECT waits, refused FROM mail_out WHERE id = ?1",
            [id.as_bytes()],
            |row| Ok((row.get::<_, bool>(0)?, row.get::<_, Option<String>>(1)?)),
        )?;
        let state = self.one(
            "SELECT state, at_ms FROM mail_states WHERE id = ?1",
            [id.as_bytes()],
            |row| Ok((state_of(row.get(0)?), instant(row.get(1)?))),
        )?;
        let (waits_here, refused) = out.unwrap_or_default();
        Ok(MailProgress {
            waits_here,
            refused,
            state,
        })
    }

    /// How many messages to other clinics wait on this device.
    pub fn n_mail_waiting(&self) -> Result<u64, VaultError> {
        let sql = "SELECT count(*) FROM mail_out WHERE waits = 1";
        Ok(self.one(sql, [], |row| Ok(count(row, 0)?))?.unwrap_or(0))
    }
}

impl Writing<'_> {
    /// Hands a message to the relay, once this write is durable.
    pub fn send_mail(&mut self, mail: &Mail) -> Result<(), VaultError> {
        self.conn()
            .prepare_cached("INSERT OR IGNORE INTO mail_out (id, sealed) VALUES (?1, ?2)")?
            .execute(params![mail.header().id.as_bytes(), mail.encode()])?;
        self.spoil([Tag::Mail, Tag::Sync]);
        Ok(())
    }

    /// A message that came is in the record now: its content goes from here, and its sender may know.
    pub fn mail_was_read(&mut self, from: TenantId, id: MailId) -> Result<(), VaultError> {
        self.mail_is_in_record(from, id)?;
        self.conn()
            .prepare_cached("UPDATE mail_in SET tell_read = 1 WHERE sender = ?1 AND id = ?2")?
            .execute(params![from.as_bytes(), id.as_bytes()])?;
        self.spoil([Tag::Sync]);
        Ok(())
    }

    /// A message that came is in the record now: its content goes from here. Nobody is told: to its sender it stays delivered.
    pub fn mail_is_in_record(&mut self, from: TenantId, id: MailId) -> Result<(), VaultError> {
        self.conn()
            .prepare_cached("UPDATE mail_in SET content = NULL, sealed = NULL WHERE sender = ?1 AND id = ?2")?
            .execute(params![from.as_bytes(), id.as_bytes()])?;
        self.spoil([Tag::Mail]);
        Ok(())
    }
}

fn instant(ms: i64) -> Instant {
    // A time that no clock can show is shown as none.
    Instant::from_millisecond(ms).unwrap_or_else(|| Instant::from_millisecond(0).expect("1970 is a time"))
}

fn came(row: &Row<'_>) -> Result<CameMail, VaultError> {
    Ok(CameMail {
        from: TenantId::from_bytes(row.get(0)?),
        id: MailId::from_bytes(row.get(1)?),
        came_at: instant(row.get(2)?),
        kind: MailKind::of(row.get::<_, Option<u16>>(3)?.unwrap_or_default()),
        written_at: instant(row.get::<_, Option<i64>>(4)?.unwrap_or_default()),
        content: row.get(5)?,
        doubt: row.get(6)?,
    })
}

pub(crate) fn state_code(state: MailState) -> u8 {
    match state {
        MailState::Stored => 0,
        MailState::Delivered => 1,
        MailState::Read => 2,
        MailState::Expired => 3,
        MailState::Other(code) => code,
    }
}

fn state_of(code: u8) -> MailState {
    match code {
        0 => MailState::Stored,
        1 => MailState::Delivered,
        2 => MailState::Read,
        3 => MailState::Expired,
        code => MailState::Other(code),
    }
}

/// How far an own message had come, as far as this device was told.
pub(crate) fn known_state(conn: &Connection, id: &MailId) -> Result<Option<MailState>, VaultError> {
    let code = conn
        .prepare_cached("SELECT state FROM mail_states WHERE id = ?1")?
        .query_row([id.as_bytes()], |row| row.get(0))
        .optional()?;
    Ok(code.map(state_of))
}

/// A message as it was opened, or why it was not.
struct Looked {
    kind: u16,
    written_ms: i64,
    content: Vec<u8>,
    doubt: Option<&'static str>,
}

fn look(conn: &Connection, belonging: &Belonging, mail: &Mail) -> Result<Result<Looked, &'static str>, VaultError> {
    let Some(members) = membership_of(conn, belonging, &mail.header().from)? else {
        return Ok(Err("unknown_clinic"));
    };
    if let Err(error) = mail.verify(&members) {
        return Ok(Err(error.code()));
    }
    let opened = match mail.open(&belonging.epochs) {
        Ok(opened) => opened,
        Err(error) => return Ok(Err(error.code())),
    };
    let is_removed = members.is_removed(&mail.device());
    Ok(Ok(Looked {
        kind: opened.kind.code(),
        written_ms: opened.written_ms,
        content: opened.bytes.to_vec(),
        doubt: is_removed.then_some("removed_device"),
    }))
}

/// May it be opened later: with more statements, more keys, or a newer build?
fn may_open_later(reason: &str) -> bool {
    let later = [
        SealError::UnknownDevice.code(),
        SealError::NotForUs.code(),
        SealError::NewerVersion.code(),
        "unknown_clinic",
    ];
    later.contains(&reason)
}

/// Takes in one message that came. One that is here already changes nothing.
pub(crate) fn take_in(conn: &Connection, belonging: &Belonging, bytes: &[u8], now_ms: i64) -> Result<(), VaultError> {
    let decoded = Mail::decode(bytes);
    let (sender, id) = match &decoded {
        Ok(mail) => (*mail.header().from.as_bytes(), *mail.header().id.as_bytes()),
        // It has no name that can be believed: its own hash is one.
        Err(_) => {
            let hash = blake3::hash(bytes);
            let (id, _) = hash.as_bytes().split_first_chunk::<16>().expect("a hash has 32 bytes");
            ([0; 32], *id)
        }
    };
    let known = "SELECT 1 FROM mail_in WHERE sender = ?1 AND id = ?2";
    if conn.prepare_cached(known)?.exists(params![sender, id])? {
        return Ok(());
    }
    let looked = match &decoded {
        Ok(mail) => look(conn, belonging, mail)?,
        Err(error) => Err(error.code()),
    };
    let kept = looked
        .as_ref()
        .err()
        .filter(|reason| may_open_later(reason))
        .map(|_| bytes);
    conn.prepare_cached("INSERT INTO mail_in (sender, id, came_ms, sealed, put_aside) VALUES (?1, ?2, ?3, ?4, ?5)")?
        .execute(params![sender, id, now_ms, kept, looked.as_ref().err()])?;
    match looked {
        Ok(looked) => note(conn, &sender, &id, &looked),
        Err(reason) => {
            tracing::warn!(reason, "a message of another clinic was put aside");
            Ok(())
        }
    }
}

fn note(conn: &Connection, sender: &[u8; 32], id: &[u8; 16], looked: &Looked) -> Result<(), VaultError> {
    let sql = "UPDATE mail_in SET kind = ?3, written_ms = ?4, content = ?5, doubt = ?6, sealed = NULL, put_aside = NULL
               WHERE sender = ?1 AND id = ?2";
    let Looked {
        kind,
        written_ms,
        content,
        doubt,
    } = looked;
    conn.prepare_cached(sql)?
        .execute(params![sender, id, kind, written_ms, content, doubt])?;
    Ok(())
}

/// Looks again at what was put aside. Whether any of it could be opened.
pub(crate) fn look_again(conn: &Connection, belonging: &Belonging) -> Result<bool, VaultError> {
    let sql = "SELECT sender, id, sealed FROM mail_in WHERE put_aside IS NOT NULL AND sealed IS NOT NULL
               ORDER BY arrival LIMIT ?1";
    let mut statement = conn.prepare_cached(sql)?;
    let rows = statement.query_map([AGAIN_AT_A_TIME], |row| {
        Ok((
            row.get::<_, [u8; 32]>(0)?,
            row.get::<_, [u8; 16]>(1)?,
            row.get::<_, Vec<u8>>(2)?,
        ))
    })?;
    let waiting: Vec<_> = rows.collect::<Result<_, _>>()?;
    let mut opened_any = false;
    for (sender, id, sealed) in waiting {
        let Ok(mail) = Mail::decode(&sealed) else { continue };
        match look(conn, belonging, &mail)? {
            Ok(looked) => {
                note(conn, &sender, &id, &looked)?;
                opened_any = true;
            }
            Err(reason) => {
                let sql = "UPDATE mail_in SET put_aside = ?3 WHERE sender = ?1 AND id = ?2";
                conn.prepare_cached(sql)?.execute(params![sender, id, reason])?;
            }
        }
    }
    Ok(opened_any)
}

/// Takes the content away of what another device of the clinic has brought into the record meanwhile.
pub(crate) fn forget_what_was_read(conn: &Connection) -> Result<(), VaultError> {
    conn.prepare_cached(
        "UPDATE mail_in SET content = NULL WHERE content IS NOT NULL AND EXISTS
         (SELECT 1 FROM p_facts WHERE kind IN (?1, ?2, ?3) AND subject = lower(hex(mail_in.sender)) || '/' || lower(hex(mail_in.id)))",
    )?
    .execute([kind::LETTER_READ, kind::REQUEST_READ, kind::ANSWER_READ])?;
    Ok(())
}

/// The oldest message that waits to be posted.
pub(crate) fn oldest_to_post(conn: &Connection) -> Result<Option<(MailId, Vec<u8>)>, VaultError> {
    let sql = "SELECT id, sealed FROM mail_out WHERE waits = 1 ORDER BY place LIMIT 1";
    let row = conn.prepare_cached(sql)?.query_row([], |row| {
        Ok((MailId::from_bytes(row.get(0)?), row.get::<_, Vec<u8>>(1)?))
    });
    Ok(row.optional()?)
}

/// The oldest message that was read here and of which the relay is to be told.
pub(crate) fn oldest_read_to_tell(conn: &Connection) -> Result<Option<(TenantId, MailId)>, VaultError> {
    let sql = "SELECT sender, id FROM mail_in WHERE tell_read = 1 ORDER BY arrival LIMIT 1";
    let row = conn.prepare_cached(sql)?.query_row([], |row| {
        Ok((TenantId::from_bytes(row.get(0)?), MailId::from_bytes(row.get(1)?)))
    });
    Ok(row.optional()?)
}
