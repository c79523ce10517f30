//! The vault as the clinic's other devices see it: what is held, compared by trees, given and taken by name.
//!
//! What came from a peer waits for the relay too: the device that wrote it may not reach the relay for long.

use rusqlite::{Connection, OptionalExtension, params};
use seal::{GrantId, TenantId};
use sync_protocol::tree::FAN_OUT;
use sync_protocol::{Bucket, Consent, ItemId, PeerSet, PeerStore, Prefix, StoreError};

use crate::judge::Judge;
use crate::looked::Looked;
use crate::outbox::{self, Kind};
use crate::reading::count;
use crate::{Tag, Vault, VaultError, buckets, kill, sharing};

impl PeerStore for Vault {
    fn tree(&self, set: PeerSet, prefixes: &[Prefix]) -> Result<Vec<[Bucket; FAN_OUT]>, StoreError> {
        let trees = self.read(|r| {
            let children = prefixes.iter().map(|prefix| buckets::children(r.conn(), set, *prefix));
            children.collect::<Result<_, VaultError>>()
        });
        Ok(trees?)
    }

    fn ids_under(
        &self,
        set: PeerSet,
        prefix: Prefix,
        after: Option<&ItemId>,
        max: usize,
    ) -> Result<Vec<ItemId>, StoreError> {
        let (first, last) = prefix.bounds();
        let from = after.copied().unwrap_or(first).max(first);
        let sql = match set {
            PeerSet::Consents => {
                "SELECT name FROM consent_names WHERE name >= ?1 AND name <= ?2 AND name <> ?3 ORDER BY name LIMIT ?4"
            }
            PeerSet::Changes => {
                "SELECT id FROM changes WHERE id >= ?1 AND id <= ?2 AND id <> ?3 AND covered_by IS NULL
                 ORDER BY id LIMIT ?4"
            }
        };
        let after = after.map_or(&[][..], |after| after.as_bytes());
        let bounds = params![from.as_bytes(), last.as_bytes(), after, limit(max)];
        let ids = self.read(|r| r.many(sql, bounds, |row| Ok(ItemId::from_bytes(row.get(0)?))));
        Ok(ids?)
    }

    fn lacking(&self, set: PeerSet, ids: &[ItemId]) -> Result<Vec<ItemId>, StoreError> {
        let lacking = self.read(|r| {
            let mut lacking = Vec::new();
            for id in ids {
                if !is_held(r.conn(), set, id)? {
                    lacking.push(*id);
                }
            }
            Ok::<_, VaultError>(lacking)
        });
        Ok(lacking?)
    }

    fn changes(&self, ids: &[ItemId], max_bytes: usize) -> Result<Vec<Option<Vec<u8>>>, StoreError> {
        // What leaves must be what a crash cannot take back, and the mark must know of it.
        self.settle()?;
        let sql = "SELECT sealed FROM changes WHERE id = ?1";
        let entries = self.read(|r| {
            let all = ids
                .iter()
                .map(|id| r.one(sql, [id.as_bytes()], |row| Ok(row.get::<_, Vec<u8>>(0)?)));
            fitting(all, max_bytes, Vec::len)
        });
        Ok(entries?)
    }

    fn consents(&self, ids: &[ItemId], max_bytes: usize) -> Result<Vec<Option<Consent>>, StoreError> {
        self.settle()?;
        let entries = self.read(|r| {
            let all = ids.iter().map(|id| consent(r.conn(), id));
            fitting(all, max_bytes, |consent| match consent {
                Consent::Grant(bytes) | Consent::Revocation(bytes) => bytes.len(),
            })
        });
        Ok(entries?)
    }

    fn absorb_changes_from_peer(&self, changes: Vec<Vec<u8>>) -> Result<(), StoreError> {
        self.absorb_batch(changes, take_from_peer, |_| {
            kill::point("peer.before_commit");
            Ok(())
        })?;
        Ok(())
    }

    fn absorb_first_from_peer(&self, changes: Vec<Vec<u8>>) -> Result<(), StoreError> {
        Ok(self.absorb_wanted(changes, take_from_peer)?)
    }

    fn absorb_consents_from_peer(&self, consents: Vec<Consent>) -> Result<(), StoreError> {
        let now_ms = self.now().as_millisecond();
        let mut writer = self.inner.writer();
        let belonging = self.belonging();
        let n_new = writer.transaction(|conn, _, _, _| {
            let mut n_new = 0;
            for consent in &consents {
                let Ok(name) = consent.item_id() else { continue };
                let was_held = is_held(conn, PeerSet::Consents, &name)?;
                sharing::absorb_consent(conn, &belonging, consent)?;
                // What does not hold was not kept.
                let new = held_consent(conn, &name)?.filter(|_| !was_held);
                n_new += usize::from(new.is_some());
                if let Some(own) = new.filter(|new| new.source == belonging.tenant) {
                    outbox::put(conn, own.kind, own.grant.as_bytes())?;
                }
            }
            sharing::erase_due(conn, now_ms)?;
            kill::point("peer.before_commit");
            Ok::<_, VaultError>(n_new)
        })?;
        drop(writer);
        if n_new > 0 {
            self.tell(&[Tag::Grants, Tag::Releases, Tag::Sync]);
        }
        Ok(())
    }

    fn newest(&self, set: PeerSet) -> Result<u64, StoreError> {
        let sql = match set {
            PeerSet::Consents => "SELECT coalesce(max(arrival), 0) FROM consent_names",
            PeerSet::Changes => "SELECT coalesce(max(arrival), 0) FROM changes",
        };
        let newest = self.read(|r| r.one(sql, [], |row| Ok(count(row, 0)?)));
        Ok(newest?.unwrap_or(0))
    }

    fn since(&self, set: PeerSet, place: u64, max: usize) -> Result<(u64, Vec<ItemId>), StoreError> {
        let sql = match set {
            PeerSet::Consents => "SELECT arrival, name FROM consent_names WHERE arrival > ?1 ORDER BY arrival LIMIT ?2",
            PeerSet::Changes => {
                "SELECT arrival, id FROM changes WHERE arrival > ?1 AND covered_by IS NULL ORDER BY arrival LIMIT ?2"
            }
        };
        let after = i64::try_from(place).unwrap_or(i64::MAX);
        let came = self.read(|r| {
            r.many(sql, params![after, limit(max)], |row| {
                Ok((count(row, 0)?, ItemId::from_bytes(row.get(1)?)))
            })
        })?;
        let newest = came.last().map_or(place, |(arrival, _)| *arrival);
        Ok((newest, came.into_iter().map(|(_, id)| id).collect()))
    }
}

/// Stores and judges what a peer gave.
fn take_from_peer(judge: &mut Judge<'_>, came: Vec<Looked>) -> Result<(), VaultError> {
    let taken = judge.take_in(came)?;
    outbox::put_given(judge.conn, taken.fresh())?;
    kill::point("peer.stored");
    judge.judge_taken(&taken)?;
    // What a snapshot in force holds already is no news to the relay.
    outbox::forget_unwanted(judge.conn, taken.fresh())?;
    kill::point("peer.judged");
    Ok(())
}

fn limit(max: usize) -> i64 {
    i64::try_from(max).unwrap_or(i64::MAX)
}

fn is_held(conn: &Connection, set: PeerSet, id: &ItemId) -> Result<bool, VaultError> {
    let sql = match set {
        PeerSet::Consents => "SELECT EXISTS (SELECT 1 FROM consent_names WHERE name = ?1)",
        PeerSet::Changes => "SELECT EXISTS (SELECT 1 FROM changes WHERE id = ?1)",
    };
    Ok(conn.prepare_cached(sql)?.query_row([id.as_bytes()], |row| row.get(0))?)
}

struct HeldConsent {
    kind: Kind,
    source: TenantId,
    grant: GrantId,
}

fn held_consent(conn: &Connection, name: &ItemId) -> Result<Option<HeldConsent>, VaultError> {
    let held = conn
        .prepare_cached("SELECT kind, source, grant_id FROM consent_names WHERE name = ?1")?
        .query_row([name.as_bytes()], |row| {
            Ok(HeldConsent {
                kind: match row.get::<_, i64>(0)? {
                    1 => Kind::Grant,
                    _ => Kind::Revocation,
                },
                source: TenantId::from_bytes(row.get(1)?),
                grant: GrantId::from_bytes(row.get(2)?),
            })
        })
        .optional()?;
    Ok(held)
}

fn consent(conn: &Connection, name: &ItemId) -> Result<Option<Consent>, VaultError> {
    let Some(held) = held_consent(conn, name)? else {
        return Ok(None);
    };
    let bytes = |sql: &str| {
        let key = params![held.grant.as_bytes(), held.source.as_bytes()];
        conn.prepare_cached(sql)?.query_row(key, |row| row.get(0)).optional()
    };
    Ok(match held.kind {
        Kind::Revocation => {
            bytes("SELECT bytes FROM revocations WHERE grant_id = ?1 AND source = ?2")?.map(Consent::Revocation)
        }
        _ => bytes("SELECT bytes FROM grants WHERE id = ?1 AND source = ?2")?.map(Consent::Grant),
    })
}

/// As many entries as fit; the first that is held always does.
fn fitting<T>(
    all: impl Iterator<Item = Result<Option<T>, VaultError>>,
    max_bytes: usize,
    size: impl Fn(&T) -> usize,
) -> Result<Vec<Option<T>>, VaultError> {
    let (mut entries, mut n_bytes) = (Vec::new(), 0);
    for entry in all {
        let entry = entry?;
        let first = n_bytes == 0;
        n_bytes += entry.as_ref().map_or(0, &size);
        if !first && n_bytes > max_bytes {
            break;
        }
        entries.push(entry);
    }
    Ok(entries)
}
