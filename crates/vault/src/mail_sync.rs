//! The vault as syncing sees its mailbox and the directory.

use rusqlite::{Connection, OptionalExtension, params};
use seal::{MailId, TenantId};
use sync_protocol::{
    DirectoryRefusal, Incarnation, MailCursors, MailRefusal, MailState, MailStore, MailToSay, MailTold, StoreError,
};

use crate::belonging::Belonging;
use crate::reading::count;
use crate::{Tag, Vault, VaultError, directory, mail};

/// Which of the three lists of the relay's.
#[derive(Clone, Copy)]
enum List {
    Inbox,
    States,
    Directory,
}

impl Vault {
    fn absorb_list(
        &self,
        life: &Incarnation,
        list: List,
        up_to: u64,
        tag: Tag,
        f: impl FnOnce(&Connection, &Belonging) -> Result<(), VaultError>,
    ) -> Result<(), StoreError> {
        let mut writer = self.inner.writer();
        let belonging = self.belonging();
        writer.transaction(|conn, _, _, _| {
            f(conn, &belonging)?;
            move_on(conn, life, list, up_to)
        })?;
        drop(writer);
        self.tell(&[tag]);
        Ok(())
    }

    fn note_mail(&self, tag: Tag, f: impl FnOnce(&Connection) -> Result<(), VaultError>) -> Result<(), StoreError> {
        self.inner.writer().transaction(|conn, _, _, _| f(conn))?;
        self.tell(&[tag, Tag::Sync]);
        Ok(())
    }
}

impl MailStore for Vault {
    fn begin_mail(&self, life: &Incarnation) -> Result<MailCursors, StoreError> {
        let mut writer = self.inner.writer();
        let belonging = self.belonging();
        let (here, opened_any) = writer.transaction(|conn, _, _, _| {
            let before: Option<[u8; 16]> = conn
                .query_row("SELECT value FROM meta WHERE key = 'mail'", [], |row| row.get(0))
                .optional()?;
            if before != Some(life.0) {
                let put = "INSERT OR REPLACE INTO meta (key, value) VALUES ('mail', ?1)";
                conn.execute(put, [life.0])?;
                if before.is_some() {
                    say_all_again(conn)?;
                }
            }
            mail::forget_what_was_read(conn)?;
            let opened_any = mail::look_again(conn, &belonging)?;
            Ok::<_, VaultError>((cursors(conn, life)?, opened_any))
        })?;
        drop(writer);
        if opened_any {
            self.tell(&[Tag::Mail]);
        }
        Ok(here)
    }

    fn mail_was_lost(&self, life: &Incarnation) -> Result<(), StoreError> {
        self.note_mail(Tag::Mail, |conn| {
            conn.execute("DELETE FROM mail_cursors WHERE incarnation = ?1", [life.0])?;
            say_all_again(conn)
        })
    }

    fn mail_to_say(&self, with_posts: bool, with_cards: bool) -> Result<Option<MailToSay>, StoreError> {
        let next = self.read(|r| {
            let conn = r.conn();
            if with_posts && let Some((id, sealed)) = mail::oldest_to_post(conn)? {
                return Ok::<_, VaultError>(Some(MailToSay::Post(id, sealed)));
            }
            if let Some((from, id)) = mail::oldest_read_to_tell(conn)? {
                return Ok(Some(MailToSay::Read(from, id)));
            }
            let card = if with_cards { directory::to_publish(conn)? } else { None };
            Ok(card.map(|(number, bytes)| MailToSay::Card(number, bytes)))
        })?;
        if next.is_some() {
            // What leaves must be what a crash cannot take back, and the mark must know of it.
            self.settle()?;
        }
        Ok(next)
    }

    fn mail_posted(&self, id: &MailId, refusal: Option<MailRefusal>) -> Result<(), StoreError> {
        let refused = refusal.map(MailRefusal::name);
        self.note_mail(Tag::Mail, |conn| {
            conn.prepare_cached("UPDATE mail_out SET waits = 0, refused = ?2 WHERE id = ?1")?
                .execute(params![id.as_bytes(), refused])?;
            Ok(())
        })
    }

    fn mail_read_told(&self, from: &TenantId, id: &MailId) -> Result<(), StoreError> {
        self.note_mail(Tag::Mail, |conn| {
            conn.prepare_cached("UPDATE mail_in SET tell_read = 0 WHERE sender = ?1 AND id = ?2")?
                .execute(params![from.as_bytes(), id.as_bytes()])?;
            Ok(())
        })
    }

    fn card_published(&self, number: u64, refusal: Option<DirectoryRefusal>) -> Result<(), StoreError> {
        let refused = refusal.map(DirectoryRefusal::name);
        self.note_mail(Tag::Directory, |conn| directory::published(conn, number, refused))
    }

    fn absorb_mail(&self, life: &Incarnation, items: Vec<Vec<u8>>, up_to: u64) -> Result<(), StoreError> {
        let now_ms = self.now().as_millisecond();
        self.absorb_list(life, List::Inbox, up_to, Tag::Mail, |conn, belonging| {
            items
                .iter()
                .try_for_each(|bytes| mail::take_in(conn, belonging, bytes, now_ms))?;
            mail::look_again(conn, belonging).map(drop)
        })
    }

    fn absorb_mail_states(&self, life: &Incarnation, told: Vec<MailTold>, up_to: u64) -> Result<(), StoreError> {
        self.absorb_list(life, List::States, up_to, Tag::Mail, |conn, _| {
            for MailTold { id, state, at_ms } in told {
                if mail::known_state(conn, &id)?.is_some_and(|known| !state.is_after(known)) {
                    continue;
                }
                let put = "INSERT OR REPLACE INTO mail_states (id, state, at_ms) VALUES (?1, ?2, ?3)";
                conn.prepare_cached(put)?
                    .execute(params![id.as_bytes(), mail::state_code(state), at_ms])?;
                // It is in its receiver's record, or nobody came for it: it need never be sent again. One that was delivered and
                // not read is with the device that fetched it: a relay that loses it is given it for the others.
                if matches!(state, MailState::Read | MailState::Expired) {
                    conn.prepare_cached("DELETE FROM mail_out WHERE id = ?1")?
                        .execute([id.as_bytes()])?;
                }
            }
            Ok(())
        })
    }

    fn absorb_cards(&self, life: &Incarnation, cards: Vec<Vec<u8>>, up_to: u64) -> Result<(), StoreError> {
        let now_ms = self.now().as_millisecond();
        self.absorb_list(life, List::Directory, up_to, Tag::Directory, |conn, belonging| {
            cards
                .iter()
                .try_for_each(|bytes| directory::take_in(conn, belonging, bytes, now_ms))
        })
    }
}

/// The relay may have lost what it had.
fn say_all_again(conn: &Connection) -> Result<(), VaultError> {
    conn.execute_batch(
        "UPDATE mail_out SET waits = 1 WHERE refused IS NULL;
         UPDATE own_card SET waits = 1 WHERE refused IS NULL;",
    )?;
    Ok(())
}

fn cursors(conn: &Connection, life: &Incarnation) -> Result<MailCursors, VaultError> {
    let here = conn
        .prepare_cached("SELECT inbox, states, directory FROM mail_cursors WHERE incarnation = ?1")?
        .query_row([life.0], |row| {
            Ok(MailCursors {
                inbox: count(row, 0)?,
                states: count(row, 1)?,
                directory: count(row, 2)?,
            })
        })
        .optional()?;
    Ok(here.unwrap_or_default())
}

fn move_on(conn: &Connection, life: &Incarnation, list: List, up_to: u64) -> Result<(), VaultError> {
    let sql = match list {
        List::Inbox => {
            "INSERT INTO mail_cursors (incarnation, inbox) VALUES (?1, ?2)
             ON CONFLICT (incarnation) DO UPDATE SET inbox = excluded.inbox"
        }
        List::States => {
            "INSERT INTO mail_cursors (incarnation, states) VALUES (?1, ?2)
             ON CONFLICT (incarnation) DO UPDATE SET states = excluded.states"
        }
        List::Directory => {
            "INSERT INTO mail_cursors (incarnation, directory) VALUES (?1, ?2)
             ON CONFLICT (incarnation) DO UPDATE SET directory = excluded.directory"
        }
    };
    let up_to = i64::try_from(up_to).map_err(|_| VaultError::Malformed("cursor"))?;
    conn.prepare_cached(sql)?.execute(params![life.0, up_to])?;
    Ok(())
}
