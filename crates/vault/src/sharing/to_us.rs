//! What other clinics granted to this one. A grant whose clinic is not known here yet is never among them.
//!
//! Whom a grant is about is sealed. It is opened once, when nobody waits, and what it names is noted as a hash: of many
//! thousand grants those of one person are found without opening the others.

use domain::Identifier;
use rusqlite::{Connection, params};
use seal::GrantId;

use super::GrantRow;
use super::consents::{SELECT, read};
use crate::documents::identifier_key;
use crate::{Reading, VaultError, Writing};

/// Neither taken back nor over.
const STANDS: &str = "g.verified = 1 AND g.until_ms > ?2 AND r.at_ms IS NULL";

impl Reading<'_> {
    /// One grant, whether it stands or not.
    pub fn grant_received(&self, id: GrantId) -> Result<Option<GrantRow>, VaultError> {
        let tenant = self.belonging().tenant;
        self.one(
            &format!("{SELECT} WHERE g.id = ?1 AND g.recipient = ?2 AND g.verified = 1"),
            params![id.as_bytes(), tenant.as_bytes()],
            read,
        )
    }

    /// All of them, also those that stand no more. For tests.
    #[doc(hidden)]
    pub fn grants_received(&self) -> Result<Vec<GrantRow>, VaultError> {
        let tenant = self.belonging().tenant;
        self.many(
            &format!("{SELECT} WHERE g.recipient = ?1 AND g.verified = 1 ORDER BY g.id"),
            [tenant.as_bytes()],
            read,
        )
    }

    /// Those that came last and are neither taken back nor over, newest first.
    pub fn newest_grants_received(&self, limit: u32) -> Result<Vec<GrantRow>, VaultError> {
        let sql = format!("{SELECT} WHERE g.recipient = ?1 AND {STANDS} ORDER BY g.arrival DESC, g.id LIMIT ?3");
        let now_ms = self.now().as_millisecond();
        self.many(&sql, params![self.belonging().tenant.as_bytes(), now_ms, limit], read)
    }

    /// Those whose card names this document, and those into which nobody has looked yet: who asks looks herself.
    pub fn grants_received_about(&self, identifier: &Identifier) -> Result<Vec<GrantRow>, VaultError> {
        let now_ms = self.now().as_millisecond();
        let card = card(self.conn(), identifier)?;
        let tenant = self.belonging().tenant;
        let (named, unknown) = (
            format!("{SELECT} WHERE g.recipient = ?1 AND {STANDS} AND g.card = ?3 ORDER BY g.arrival DESC, g.id"),
            format!("{SELECT} WHERE g.recipient = ?1 AND {STANDS} AND g.card IS NULL ORDER BY g.arrival DESC, g.id"),
        );
        let mut found = self.many(&named, params![tenant.as_bytes(), now_ms, card], read)?;
        found.extend(self.many(&unknown, params![tenant.as_bytes(), now_ms], read)?);
        Ok(found)
    }

    /// At most so many that stand and into which nobody has looked yet, in the order of their ids behind this one.
    pub fn grants_not_looked_at(&self, behind: Option<GrantId>, limit: u32) -> Result<Vec<GrantRow>, VaultError> {
        let sql = format!(
            "{SELECT} WHERE g.recipient = ?1 AND {STANDS} AND g.card IS NULL AND g.id > ?3 ORDER BY g.id LIMIT ?4"
        );
        let (tenant, now_ms) = (self.belonging().tenant, self.now().as_millisecond());
        let behind = behind.map_or(Vec::new(), |id| id.as_bytes().to_vec());
        self.many(&sql, params![tenant.as_bytes(), now_ms, behind, limit], read)
    }
}

impl Writing<'_> {
    /// Notes whose document the card in a received grant names.
    pub fn note_card(&mut self, id: GrantId, identifier: &Identifier) -> Result<(), VaultError> {
        let card = card(self.conn(), identifier)?;
        self.conn()
            .prepare_cached("UPDATE grants SET card = ?2 WHERE id = ?1")?
            .execute(params![id.as_bytes(), card])?;
        Ok(())
    }
}

fn card(conn: &Connection, identifier: &Identifier) -> Result<Vec<u8>, VaultError> {
    let key = identifier_key(identifier);
    if key.is_empty() {
        return Ok(Vec::new());
    }
    let salt: [u8; 32] = conn
        .prepare_cached("SELECT value FROM meta WHERE key = 'cards_salt'")?
        .query_row([], |row| row.get(0))?;
    Ok(blake3::keyed_hash(&salt, key.as_bytes()).as_bytes().to_vec())
}
