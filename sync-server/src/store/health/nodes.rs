//! Nodes that share a database, by what each of them kept within the last two minutes: how they are, and who is at them.

use std::collections::{BTreeMap, HashMap, HashSet};

use seal::{DeviceId, TenantId};
use sync_protocol::RelayStoreFailed;

use super::{Sample, Span, sample};
use crate::store::Store;
use crate::store::sql::{Scope, Sql, SqlResult, values};

/// A node keeps a sample each minute: one that kept none for so many is gone.
const ALIVE_MINUTES: i64 = 2;

/// How one node was in its last minute.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct NodeSample {
    /// Names this run of it, as in its logs.
    pub node: u32,
    /// The last that it kept.
    pub sample: Sample,
}

impl Store {
    /// Nodes that kept a sample within the last two minutes, by their names.
    ///
    /// # Errors
    /// [`RelayStoreFailed`].
    pub fn nodes(&self, now_ms: i64) -> Result<Vec<NodeSample>, RelayStoreFailed> {
        self.read(Scope::House, |sql| alive(sql, now_ms))
    }

    /// Devices that were not seen at this node since then are not at it: that one went may not have been kept.
    ///
    /// # Errors
    /// [`RelayStoreFailed`].
    pub fn forget_unseen(&mut self, node: u32, since_ms: i64) -> Result<(), RelayStoreFailed> {
        let forget = "UPDATE seen SET node = NULL WHERE node = ?1 AND at_ms < ?2";
        self.write(Scope::House, |sql| {
            sql.execute(forget, &values![i64::from(node), since_ms]).map(drop)
        })
    }

    /// How many devices of each clinic are at other nodes than this one.
    ///
    /// # Errors
    /// [`RelayStoreFailed`].
    pub fn n_elsewhere(&self, own: u32, now_ms: i64) -> Result<HashMap<TenantId, u64>, RelayStoreFailed> {
        let select = "SELECT tenant, count(*) FROM seen WHERE node = ?1 GROUP BY tenant";
        self.read(Scope::House, |sql| {
            let mut all: HashMap<TenantId, u64> = HashMap::new();
            for other in others(sql, own, now_ms)? {
                for mut row in sql.rows(select, &values![other])? {
                    *all.entry(TenantId::from_bytes(row.array(0)?)).or_default() += row.position(1)?;
                }
            }
            Ok(all)
        })
    }

    /// A clinic's devices that are at other nodes than this one.
    ///
    /// # Errors
    /// [`RelayStoreFailed`].
    pub fn devices_elsewhere(
        &self,
        tenant: &TenantId,
        own: u32,
        now_ms: i64,
    ) -> Result<HashSet<DeviceId>, RelayStoreFailed> {
        let select = "SELECT device FROM seen WHERE tenant = ?1 AND node = ?2";
        self.read(Scope::House, |sql| {
            let mut all = HashSet::new();
            for other in others(sql, own, now_ms)? {
                for mut row in sql.rows(select, &values![tenant, other])? {
                    all.insert(DeviceId::from_bytes(row.array(0)?));
                }
            }
            Ok(all)
        })
    }
}

fn alive(sql: &mut dyn Sql, now_ms: i64) -> SqlResult<Vec<NodeSample>> {
    let select = "SELECT at, n_minutes, connections, members, changes, refused, limited, queue, node FROM sample
                  WHERE span = ?1 AND at >= ?2 ORDER BY at";
    let since = now_ms.div_euclid(Span::Minute.ms()) - ALIVE_MINUTES;
    let mut last: BTreeMap<u32, Sample> = BTreeMap::new();
    for mut row in sql.rows(select, &values![Span::Minute.code(), since])? {
        let node = row.int(8)?;
        last.insert(u32::try_from(node).unwrap_or_default(), sample(&mut row)?);
    }
    Ok(last
        .into_iter()
        .map(|(node, sample)| NodeSample { node, sample })
        .collect())
}

fn others(sql: &mut dyn Sql, own: u32, now_ms: i64) -> SqlResult<Vec<i64>> {
    let nodes = alive(sql, now_ms)?.into_iter().map(|one| one.node);
    Ok(nodes.filter(|node| *node != own).map(i64::from).collect())
}
