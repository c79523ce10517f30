//! Who plays: three clinics with two devices each, their grants, revocations and releases, made once.

use std::sync::LazyLock;

use seal::{DeviceId, Grant, GrantId, NewGrant, NewRelease, Release, ReleaseId, Revocation, TenantId};
use sync_protocol::sim::SimClinic;
use sync_protocol::{Checked, Roster};

use crate::world::{NOW, rng, roster};

pub const A: usize = 0;
pub const B: usize = 1;
/// Clinics; the third one is nobody's recipient.
pub const N: usize = 3;
/// From whom, to whom, for which purpose, and for which part of the play's time.
pub const GRANTS: [(usize, usize, u8, i64, i64); 6] = [
    (A, B, 0, 0, 1_000),
    (A, B, 0, 40, 80),
    (A, B, 7, 0, 1_000),
    (B, A, 0, 0, 1_000),
    (B, A, 0, 0, 60),
    (A, B, 0, 20, 1_000),
];
pub const RELEASES: usize = 4;

/// What all plays have in common: made once, since keys are slow.
pub struct Cast {
    pub tenants: [TenantId; N],
    pub rosters: [Roster; N],
    pub devices: [[DeviceId; 2]; N],
    pub grants: Vec<Grant>,
    pub revocations: Vec<Checked>,
    pub releases: Vec<Vec<ReleaseId>>,
    /// `[grant][nth][in the place of the one before?]`
    pub sealed: Vec<Vec<[Checked; 2]>>,
}

pub static CAST: LazyLock<Cast> = LazyLock::new(Cast::make);

impl Cast {
    pub fn make() -> Self {
        let mut rng = rng(200);
        let clinics: [_; N] = std::array::from_fn(|_| {
            let (mut clinic, first) = SimClinic::found(NOW, &mut rng);
            let second = clinic.admit(NOW, &mut rng);
            (clinic, [first, second])
        });
        let grants = GRANTS.map(|(source, recipient, purpose, from, until)| {
            let recipient = clinics[recipient].0.membership();
            let new = NewGrant {
                id: GrantId::make(&mut rng),
                recipient: recipient.tenant(),
                purpose,
                mode: 1,
                from_ms: NOW + from,
                until_ms: NOW + until,
                erase_at_ms: NOW + until,
            };
            let (clinic, devices) = &clinics[source];
            Grant::make(new, clinic.tenant, b"terms", &recipient, &devices[0].keys, &mut rng).unwrap()
        });
        let revocations = grants.iter().zip(GRANTS).map(|(grant, (source, ..))| {
            let (clinic, devices) = &clinics[source];
            let id = grant.clear().id;
            let bytes = Revocation::make(id, clinic.tenant, NOW, &devices[0].keys).encode();
            Checked::Revocation { grant: id, bytes }
        });
        let revocations = revocations.collect();
        let ids: Vec<Vec<ReleaseId>> = grants
            .iter()
            .map(|_| (0..RELEASES).map(|_| ReleaseId::make(&mut rng)).collect())
            .collect();
        let mut seal = |grant: usize, nth: usize, supersedes: Option<ReleaseId>| {
            let (source, recipient, ..) = GRANTS[grant];
            let recipient = clinics[recipient].0.membership();
            let new = NewRelease {
                id: ids[grant][nth],
                document: [9; 32],
                supersedes,
                as_of_ms: 0,
            };
            let (clinic, devices) = &clinics[source];
            let to = [(grants[grant].clear(), &recipient)];
            let release = Release::seal(new, clinic.tenant, b"sealed", &to, &devices[0].keys, &mut rng);
            Checked::Release {
                id: ids[grant][nth],
                supersedes,
                grants: vec![grants[grant].clear().id],
                bytes: release.unwrap().encode(),
            }
        };
        let sealed = (0..grants.len())
            .map(|grant| {
                let both = |nth: usize| {
                    let before = nth.checked_sub(1).map(|before| ids[grant][before]);
                    [None, before].map(|supersedes| seal(grant, nth, supersedes))
                };
                (0..RELEASES).map(both).collect()
            })
            .collect();
        Self {
            tenants: std::array::from_fn(|nth| clinics[nth].0.tenant),
            rosters: std::array::from_fn(|nth| roster(&clinics[nth].0)),
            devices: std::array::from_fn(|nth| [0, 1].map(|device: usize| clinics[nth].1[device].keys.id())),
            grants: grants.to_vec(),
            revocations,
            releases: ids,
            sealed,
        }
    }

    pub fn grant(&self, grant: usize) -> Checked {
        Checked::Grant {
            clear: self.grants[grant].clear().clone(),
            bytes: self.grants[grant].encode(),
        }
    }

    pub fn grant_id(&self, grant: usize) -> GrantId {
        self.grants[grant].clear().id
    }
}
