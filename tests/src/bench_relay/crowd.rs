//! Many clinics with many devices, the same ones from the same seed: in this process and in those that make the load.

use std::{
    fs::File,
    io::{BufReader, BufWriter, Read, Write},
    path::Path,
    sync::Arc,
};

use anyhow::{Context, Result};
use rand::{Rng, SeedableRng};
use rand_chacha::ChaCha20Rng;
use seal::{
    ChangeKind, DeviceKeys, DocumentId, EpochSecrets, Grant, GrantId, Header, Membership, NewGrant, NewRelease,
    OpeningId, Release, ReleaseId, SealedChange, TenantId,
};
use sync_protocol::{OutId, OutItem, Roster, digest_of_statements, sim::SimClinic};

/// When all of them were founded.
const FOUNDED_MS: i64 = 1_790_000_000_000;
/// Grants of the bench do not end while it runs.
const NEVER_MS: i64 = 4_000_000_000_000;
/// Documents on which a clinic works at one time.
const DOCUMENTS: u64 = 48;

/// A clinic of the bench.
pub struct Clinic {
    /// Its id.
    pub tenant: TenantId,
    /// Its statements.
    pub statements: Vec<Vec<u8>>,
    /// Of its statements.
    pub digest: [u8; 32],
    /// Who belongs.
    pub membership: Membership,
    /// Its devices.
    pub writers: Vec<Writer>,
    secrets: EpochSecrets,
}

/// One device, as far as it writes.
pub struct Writer {
    /// Its keys.
    pub keys: Arc<DeviceKeys>,
    opening: OpeningId,
    number: u64,
}

impl Clinic {
    /// The clinic with this number, of so many devices.
    pub fn make(nth: u64, n_devices: usize) -> Result<Self> {
        let mut rng = ChaCha20Rng::seed_from_u64(nth);
        let (mut sim, first) = SimClinic::found(FOUNDED_MS, &mut rng);
        let mut keys = vec![first.keys];
        while keys.len() < n_devices {
            keys.push(sim.admit(FOUNDED_MS, &mut rng).keys);
        }
        let statements = sim.encoded_statements();
        let membership = sim.membership();
        let secrets = keys
            .first()
            .map(|keys| EpochSecrets::unwrap(&membership, keys))
            .context("a clinic has a device")??;
        // Unlike keys, what names a run's changes must be new in each.
        let mut fresh = rand::rng();
        let writers = keys.into_iter().map(|keys| Writer {
            keys,
            opening: OpeningId::make(&mut fresh),
            number: 0,
        });
        Ok(Self {
            tenant: sim.tenant,
            digest: digest_of_statements(statements.iter().map(Vec::as_slice)),
            writers: writers.collect(),
            statements,
            membership,
            secrets,
        })
    }

    /// What the relay keeps of it.
    pub fn roster(&self) -> Result<Roster> {
        Roster::from_statements(self.tenant, self.statements.iter().map(Vec::as_slice)).context("they are its own")
    }

    /// Seals one change of so many bytes, on one of the documents of the hour.
    pub fn change(&mut self, by: usize, n_bytes: usize, rng: &mut ChaCha20Rng) -> Result<OutItem> {
        let mut body = vec![0; n_bytes];
        rng.fill_bytes(&mut body);
        let mut document = [0; 32];
        document[..8].copy_from_slice(&(rng.next_u64() % DOCUMENTS).to_be_bytes());
        document[8..].copy_from_slice(&self.tenant.as_bytes()[8..]);
        let writer = self.writers.get_mut(by).context("a device of the clinic")?;
        writer.number += 1;
        let header = Header {
            version: seal::FORMAT_VERSION,
            tenant: self.tenant,
            document: DocumentId::from_bytes(document),
            epoch: self.membership.current_epoch(),
            device: writer.keys.id(),
            opening: writer.opening,
            number: writer.number,
            kind: ChangeKind::Change,
        };
        let change = SealedChange::seal(header, &body, &self.secrets, &writer.keys, rng)?;
        Ok(OutItem {
            id: OutId::Change(change.id()),
            bytes: change.encode(),
        })
    }

    /// Grants something to another clinic.
    pub fn grant(&self, to: &Membership, rng: &mut ChaCha20Rng) -> Result<(Grant, OutItem)> {
        let new = NewGrant {
            id: GrantId::make(rng),
            recipient: to.tenant(),
            purpose: consent::PURPOSE_TREATMENT,
            mode: consent::MODE_VIEW,
            from_ms: 0,
            until_ms: NEVER_MS,
            erase_at_ms: NEVER_MS,
        };
        let writer = self.writers.first().context("a clinic has a device")?;
        let grant = Grant::make(new, self.tenant, b"terms", to, &writer.keys, rng)?;
        let item = OutItem {
            id: OutId::Grant(grant.clear().id),
            bytes: grant.encode(),
        };
        Ok((grant, item))
    }

    /// Releases something under a grant.
    pub fn release(&self, grant: &Grant, to: &Membership, n_bytes: usize, rng: &mut ChaCha20Rng) -> Result<OutItem> {
        let mut plain = vec![0; n_bytes];
        rng.fill_bytes(&mut plain);
        let id = ReleaseId::make(rng);
        let new = NewRelease {
            id,
            document: [9; 32],
            supersedes: None,
            as_of_ms: FOUNDED_MS,
        };
        let writer = self.writers.first().context("a clinic has a device")?;
        let release = Release::seal(new, self.tenant, &plain, &[(grant.clear(), to)], &writer.keys, rng)?;
        Ok(OutItem {
            id: OutId::Release(id),
            bytes: release.encode(),
        })
    }
}

/// Leaves the statements of clinics in a file, for the relay's store.
pub fn leave(clinics: &[Clinic], file: &Path) -> Result<()> {
    let mut out = BufWriter::new(File::create(file)?);
    for clinic in clinics {
        out.write_all(clinic.tenant.as_bytes())?;
        out.write_all(&u32::try_from(clinic.statements.len())?.to_be_bytes())?;
        for statement in &clinic.statements {
            out.write_all(&u32::try_from(statement.len())?.to_be_bytes())?;
            out.write_all(statement)?;
        }
    }
    Ok(out.flush()?)
}

/// The rosters of a file that [`leave`] made.
pub fn rosters(file: &Path) -> Result<Vec<Roster>> {
    let mut from = BufReader::new(File::open(file)?);
    let (mut rosters, mut tenant) = (Vec::new(), [0; 32]);
    while from.read_exact(&mut tenant).is_ok() {
        let mut statements = Vec::new();
        for _ in 0..number(&mut from)? {
            let mut statement = vec![0; number(&mut from)?];
            from.read_exact(&mut statement)?;
            statements.push(statement);
        }
        let tenant = TenantId::from_bytes(tenant);
        let roster = Roster::from_statements(tenant, statements.iter().map(Vec::as_slice));
        rosters.push(roster.context("these statements belong together")?);
    }
    Ok(rosters)
}

fn number(from: &mut impl Read) -> Result<usize> {
    let mut bytes = [0; 4];
    from.read_exact(&mut bytes)?;
    Ok(u32::from_be_bytes(bytes) as usize)
}
