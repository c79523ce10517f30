//! The relay's directory as this device has it, and the clinic's own card.
//!
//! The relay is not believed about who a clinic is: a card that does not hold by the clinic's own statements never takes
//! the place of one that does, and a card whose clinic's statements are not here is told as such.

use domain::Instant;
use rusqlite::{Connection, OptionalExtension, params};
use seal::{DirectoryCard, DirectoryEntry, TenantId};

use crate::belonging::Belonging;
use crate::sharing::membership_of;
use crate::{Reading, Tag, VaultError, Writing};

/// Whether a card's signature holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum CardStanding {
    /// An admin's device of the clinic signed it, by the clinic's own statements.
    Holds,
    /// The clinic's statements are not here.
    NotKnown,
    /// It does not hold by the statements that are here.
    Fails,
}

/// A clinic in the directory.
#[derive(Debug, Clone)]
pub struct ListedClinic {
    /// The clinic.
    pub tenant: TenantId,
    /// What it says of itself.
    pub entry: DirectoryEntry,
    /// When it said so, by its own clock.
    pub signed_at: Instant,
    /// When this came here.
    pub came_at: Instant,
    /// Whether that is its own word.
    pub standing: CardStanding,
}

/// The clinic's own card.
#[derive(Debug, Clone)]
pub struct OwnCard {
    /// Its number.
    pub number: u64,
    /// What it says; `None`: it was withdrawn.
    pub entry: Option<DirectoryEntry>,
    /// It was signed on this device, and the relay does not have it yet.
    pub waits: bool,
    /// The relay does not take it, and why.
    pub refused: Option<String>,
}

impl Reading<'_> {
    /// The clinics of the directory, in no order.
    pub fn directory(&self) -> Result<Vec<ListedClinic>, VaultError> {
        let belonging = self.belonging();
        let rows = self.many("SELECT card, came_ms FROM directory", [], |row| {
            Ok((row.get::<_, Vec<u8>>(0)?, row.get::<_, i64>(1)?))
        })?;
        let mut listed = Vec::new();
        for (bytes, came_ms) in rows {
            let card = DirectoryCard::decode(&bytes)?;
            let Some(entry) = card.entry().cloned() else { continue };
            listed.push(ListedClinic {
                tenant: card.tenant(),
                entry,
                signed_at: instant(card.at_ms()),
                came_at: instant(came_ms),
                standing: standing_of(self.conn(), &belonging, &card)?,
            });
        }
        Ok(listed)
    }

    /// One clinic's card.
    pub fn listed_clinic(&self, tenant: TenantId) -> Result<Option<ListedClinic>, VaultError> {
        Ok(self.directory()?.into_iter().find(|listed| listed.tenant == tenant))
    }

    /// The clinic's own card: the one that was signed here last, or a newer one that another of its devices published.
    pub fn own_card(&self) -> Result<Option<OwnCard>, VaultError> {
        let here = signed_here(self.conn())?;
        let published = in_directory(self.conn(), &self.belonging().tenant)?;
        Ok(match (here, published) {
            (Some((card, waits, refused)), published)
                if waits || refused.is_some() || published.as_ref().is_none_or(|one| one.number() <= card.number()) =>
            {
                Some(OwnCard {
                    number: card.number(),
                    entry: card.entry().cloned(),
                    waits,
                    refused,
                })
            }
            (_, Some(card)) => Some(OwnCard {
                number: card.number(),
                entry: card.entry().cloned(),
                waits: false,
                refused: None,
            }),
            (_, None) => None,
        })
    }
}

impl Writing<'_> {
    /// Signs the clinic's next card with this device, which must be an admin's, and hands it to the relay; `None` withdraws
    /// the clinic from the directory.
    ///
    /// # Errors
    /// [`VaultError::Seal`] when the entry is not within its bounds, or this device is no admin's.
    pub fn publish_card(&mut self, entry: Option<DirectoryEntry>) -> Result<(), VaultError> {
        let belonging = self.belonging();
        let here = signed_here(self.conn())?.map_or(0, |(card, ..)| card.number());
        let published = in_directory(self.conn(), &belonging.tenant)?.map_or(0, |card| card.number());
        let now_ms = self.now().as_millisecond();
        let number = here.max(published) + 1;
        let card = DirectoryCard::make(belonging.tenant, number, now_ms, entry, &belonging.keys)?;
        card.verify(&belonging.membership)?;
        self.conn()
            .prepare_cached("INSERT OR REPLACE INTO own_card (only_row, number, card) VALUES (1, ?1, ?2)")?
            .execute(params![signed(number), card.encode()])?;
        self.spoil([Tag::Directory, Tag::Sync]);
        Ok(())
    }
}

fn instant(ms: i64) -> Instant {
    Instant::from_millisecond(ms).unwrap_or_else(|| Instant::from_millisecond(0).expect("1970 is a time"))
}

/// SQLite knows signed numbers only; a relay takes none beyond them.
fn signed(number: u64) -> i64 {
    i64::try_from(number).unwrap_or(i64::MAX)
}

fn standing_of(conn: &Connection, belonging: &Belonging, card: &DirectoryCard) -> Result<CardStanding, VaultError> {
    Ok(match membership_of(conn, belonging, &card.tenant())? {
        None => CardStanding::NotKnown,
        Some(members) if card.verify(&members).is_ok() => CardStanding::Holds,
        Some(_) => CardStanding::Fails,
    })
}

type SignedHere = (DirectoryCard, bool, Option<String>);

fn signed_here(conn: &Connection) -> Result<Option<SignedHere>, VaultError> {
    let row = conn
        .prepare_cached("SELECT card, waits, refused FROM own_card")?
        .query_row([], |row| {
            Ok((
                row.get::<_, Vec<u8>>(0)?,
                row.get::<_, bool>(1)?,
                row.get::<_, Option<String>>(2)?,
            ))
        })
        .optional()?;
    row.map(|(bytes, waits, refused)| Ok((DirectoryCard::decode(&bytes)?, waits, refused)))
        .transpose()
}

fn in_directory(conn: &Connection, tenant: &TenantId) -> Result<Option<DirectoryCard>, VaultError> {
    let bytes: Option<Vec<u8>> = conn
        .prepare_cached("SELECT card FROM directory WHERE tenant = ?1")?
        .query_row([tenant.as_bytes()], |row| row.get(0))
        .optional()?;
    Ok(bytes.map(|bytes| DirectoryCard::decode(&bytes)).transpose()?)
}

/// Takes in one card. Of two the one that holds counts, and of two such the one with the higher number.
pub(crate) fn take_in(conn: &Connection, belonging: &Belonging, bytes: &[u8], now_ms: i64) -> Result<(), VaultError> {
    let Ok(card) = DirectoryCard::decode(bytes) else {
        tracing::warn!("a card of the directory could not be read");
        return Ok(());
    };
    let rank = |card: &DirectoryCard| -> Result<(bool, u64), VaultError> {
        let holds = standing_of(conn, belonging, card)? != CardStanding::Fails;
        Ok((holds, card.number()))
    };
    if let Some(known) = in_directory(conn, &card.tenant())?
        && rank(&known)? >= rank(&card)?
    {
        return Ok(());
    }
    conn.prepare_cached("INSERT OR REPLACE INTO directory (tenant, number, came_ms, card) VALUES (?1, ?2, ?3, ?4)")?
        .execute(params![card.tenant().as_bytes(), signed(card.number()), now_ms, bytes])?;
    Ok(())
}

/// The card that waits to be published.
pub(crate) fn to_publish(conn: &Connection) -> Result<Option<(u64, Vec<u8>)>, VaultError> {
    let waiting = signed_here(conn)?.filter(|(_, waits, _)| *waits);
    Ok(waiting.map(|(card, ..)| (card.number(), card.encode())))
}

/// The relay has it, or does not take it.
pub(crate) fn published(conn: &Connection, number: u64, refused: Option<&str>) -> Result<(), VaultError> {
    conn.prepare_cached("UPDATE own_card SET waits = 0, refused = ?2 WHERE number = ?1")?
        .execute(params![signed(number), refused])?;
    Ok(())
}
