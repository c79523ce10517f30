//! A great store: what a thousand clinics leave behind. It is made once, and kept in the target folder under the name of its
//! schema.

use std::{
    fs,
    hash::{DefaultHasher, Hash, Hasher},
    path::{Path, PathBuf},
};

use anyhow::{Context, Result};
use rand::{Rng, SeedableRng};
use rand_chacha::ChaCha20Rng;
use seal::{ChangeId, GrantId, TenantId};
use sync_protocol::{Checked, OutId, OutItem, RelayStore};
use sync_server::{FILE_NAME, Store, move_to};

use super::{Scale, cluster::Cluster, crowd::Clinic, node::Home};

/// The clinics between which releases go.
const FROM: u64 = 10;
const TO: u64 = 11;
/// Patients whose history is fetched.
const PATIENTS: usize = 20;
/// Bytes of a stored change, and of a release before it is sealed.
const CHANGE_BYTES: usize = 320;
const RELEASE_BYTES: usize = 2_000;

/// The store, and the clinic that fetches from it.
pub struct Archive {
    /// In a file.
    pub home: Home,
    /// Who may have the releases.
    pub to: Clinic,
    /// Under which grants.
    pub grants: Vec<GrantId>,
}

/// Makes it, or finds it.
pub fn ready(scale: &Scale, small: bool, folder: &Path, kept: &Path) -> Result<Archive> {
    let (from, to) = (Clinic::make(FROM, 1)?, Clinic::make(TO, 1)?);
    let mut hasher = DefaultHasher::new();
    schema(&folder.join("empty"))?.hash(&mut hasher);
    (scale.archived_clinics, scale.archived_changes, scale.releases).hash(&mut hasher);
    let name = format!("bench-relay-store-{:016x}", hasher.finish());
    let data = if small { folder.join(name) } else { kept.join(name) };
    // Written last: without it, the store was not finished, or is gone.
    let grants = data.join("grants");
    if !grants.exists() {
        println!(
            "bench: a store of {} changes is made …",
            scale.archived_clinics * scale.archived_changes
        );
        drop(fs::remove_dir_all(&data));
        let given = fill(&data, scale, &from, &to)?;
        fs::write(&grants, given.concat())?;
    }
    let grants = fs::read(&grants)?;
    let grants = grants
        .chunks_exact(16)
        .filter_map(|id| Some(GrantId::from_bytes(id.try_into().ok()?)));
    Ok(Archive {
        home: Home { data, database: None },
        grants: grants.collect(),
        to,
    })
}

/// The tables of this build.
fn schema(folder: &Path) -> Result<String> {
    drop(Store::open(folder, &mut rand::rng())?);
    let file = rusqlite::Connection::open(folder.join(FILE_NAME))?;
    let mut tables = file.prepare("SELECT coalesce(sql, '') FROM sqlite_master ORDER BY name")?;
    let tables = tables.query_map([], |row| row.get::<_, String>(0))?;
    Ok(tables.collect::<rusqlite::Result<Vec<_>>>()?.concat())
}

fn fill(data: &Path, scale: &Scale, from: &Clinic, to: &Clinic) -> Result<Vec<[u8; 16]>> {
    let (mut rng, now_ms) = (ChaCha20Rng::seed_from_u64(20), sync_server::now_ms());
    let mut store = Store::open(data, &mut rand::rng())?;
    // Nobody comes for these: that they are no changes at all makes no difference to a store that reads none.
    for _ in 0..scale.archived_clinics {
        let tenant = TenantId::from_bytes(bytes(&mut rng));
        let items = (0..scale.archived_changes).map(|_| {
            let mut body = vec![0; CHANGE_BYTES];
            rng.fill_bytes(&mut body);
            Checked::Change {
                id: ChangeId::from_bytes(bytes(&mut rng)),
                bytes: body,
                is_bodyless: false,
            }
        });
        let items: Vec<Checked> = items.collect();
        store.push(&tenant, &items, now_ms)?;
    }
    store.set_roster(&from.roster()?)?;
    store.set_roster(&to.roster()?)?;
    let mut grants = Vec::new();
    for _ in 0..PATIENTS {
        let (grant, item) = from.grant(&to.membership, &mut rng)?;
        let clear = grant.clear().clone();
        grants.push(*clear.id.as_bytes());
        let mut items = vec![Checked::Grant {
            clear,
            bytes: item.bytes,
        }];
        for _ in 0..scale.releases {
            let OutItem { id, bytes } = from.release(&grant, &to.membership, RELEASE_BYTES, &mut rng)?;
            let OutId::Release(id) = id else { continue };
            items.push(Checked::Release {
                id,
                supersedes: None,
                grants: vec![grant.clear().id],
                bytes,
            });
        }
        let pushed = store.push(&from.tenant, &items, now_ms)?;
        let refused = pushed.refusals.iter().flatten().next();
        refused
            .is_none()
            .then_some(())
            .context("the store takes what is its own")?;
    }
    store.checkpoint()?;
    Ok(grants)
}

fn bytes<const N: usize>(rng: &mut ChaCha20Rng) -> [u8; N] {
    let mut bytes = [0; N];
    rng.fill_bytes(&mut bytes);
    bytes
}

impl Archive {
    /// The same in a PostgreSQL, moved there as an operator moves it.
    pub fn moved_to(&self, cluster: &Cluster, folder: &Path) -> Result<Home> {
        println!("bench: the great store is moved into PostgreSQL …");
        const NAME: &str = "archive";
        let database = cluster.database(NAME)?;
        let data: PathBuf = folder.join("archive");
        fs::create_dir_all(&data)?;
        for file in [FILE_NAME, "relay.key"] {
            fs::copy(self.home.data.join(file), data.join(file))?;
        }
        move_to(&data, &cluster.url("postgres", NAME).parse()?, &mut rand::rng())?;
        fs::remove_file(data.join(format!("{FILE_NAME}.moved")))?;
        Ok(Home {
            data,
            database: Some(database),
        })
    }
}
